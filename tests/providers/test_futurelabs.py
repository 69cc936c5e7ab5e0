import base64
import hashlib
import hmac
import json
from dataclasses import replace

import aiohttp
import pytest

from providers.contract import (
    Callback,
    ErrorKind,
    NotAuthentic,
    Progress,
    ProviderError,
    Reason,
    Trust,
)
from providers.futurelabs import BASE_URLS, Futurelabs
from providers.orders import Operation, Role, Rule
from tests.providers.lab import Vendor, raw, reply, sample
from tests.providers.orders import ACCOUNT, CALLBACK, HTTPS, KEY, order, picture, submission, task

TEXT, IMAGE, FRAMES = Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO, Operation.START_END_TO_VIDEO


@pytest.fixture
async def futurelabs(vendor: Vendor, session: aiohttp.ClientSession) -> Futurelabs:
    vendor.answers = [reply(200, sample("futurelabs/submit_text2video.json"))]
    return Futurelabs(replace(ACCOUNT, base_urls=(vendor.url,)), session, lambda: 0.0)


def test_its_own_addresses_are_the_primary_and_the_alternate() -> None:
    assert BASE_URLS == ("https://api.imagine-future.com", "https://api.futurelabsai.dev")


async def test_text_to_video_sends_what_its_table_lists(futurelabs: Futurelabs, vendor: Vendor) -> None:
    accepted = await futurelabs.submit(submission(futurelabs.fill(order(seed=7))))
    assert (accepted.task_id, accepted.credits) == ("916198978159124480", 80)
    assert vendor.last.path == "/ai/avu/text2video"
    assert vendor.last.headers["authorization"] == f"Token {KEY}"
    assert vendor.last.json == {
        "model": "viduq3-turbo",
        "prompt": "a lighthouse in fog",
        "duration": 5,
        "seed": 7,
        "aspect_ratio": "16:9",
        "resolution": "720p",
        "audio": True,
        "payload": "job-1",
        "callback_url": CALLBACK,
    }


async def test_sound_is_switched_for_q3_only(futurelabs: Futurelabs, vendor: Vendor) -> None:
    await futurelabs.submit(submission(futurelabs.fill(order(model="viduq3-pro", audio=False))))
    assert vendor.last.json["audio"] is False
    await futurelabs.submit(submission(futurelabs.fill(order(model="viduq2"))))
    assert "audio" not in vendor.last.json
    [problem] = futurelabs.problems(futurelabs.fill(order(model="viduq2", audio=True)))
    assert (problem.field, problem.rule) == ("audio", Rule.NOT_OFFERED)


async def test_image_to_video_gives_the_address_and_neither_payload_nor_an_unasked_shape(
    futurelabs: Futurelabs, vendor: Vendor
) -> None:
    await futurelabs.submit(submission(futurelabs.fill(order(IMAGE))))
    assert vendor.last.path == "/ai/avu/img2video"
    assert vendor.last.json == {
        "model": "viduq3-turbo",
        "images": [HTTPS],
        "prompt": "a lighthouse in fog",
        "duration": 5,
        "resolution": "720p",
        "callback_url": CALLBACK,
    }
    await futurelabs.submit(submission(futurelabs.fill(order(IMAGE, aspect_ratio="9:16"))))
    assert vendor.last.json["aspect_ratio"] == "9:16"


async def test_start_end_gives_the_first_frame_first_and_no_shape(futurelabs: Futurelabs, vendor: Vendor) -> None:
    frames = (picture(Role.LAST_FRAME, url="http://last.example/2"), picture(url="http://first.example/1"))
    await futurelabs.submit(submission(futurelabs.fill(order(FRAMES, prompt="", pictures=frames))))
    assert vendor.last.path == "/ai/avu/start-end2video"
    assert vendor.last.json == {
        "model": "viduq3-turbo",
        "images": ["http://first.example/1", "http://last.example/2"],
        "duration": 5,
        "resolution": "720p",
        "callback_url": CALLBACK,
    }
    [problem] = futurelabs.problems(futurelabs.fill(order(FRAMES, aspect_ratio="16:9")))
    assert (problem.field, problem.rule) == ("aspect_ratio", Rule.NOT_OFFERED)


def test_the_prompt_is_needed_but_between_two_frames_and_ends_at_5000_characters(futurelabs: Futurelabs) -> None:
    needed = [futurelabs.problems(futurelabs.fill(order(operation, prompt=""))) for operation in (TEXT, IMAGE, FRAMES)]
    assert [[problem.field for problem in problems] for problems in needed] == [["prompt"], ["prompt"], []]
    for operation in (TEXT, IMAGE, FRAMES):
        assert futurelabs.problems(futurelabs.fill(order(operation, prompt="é" * 5000))) == []
        [problem] = futurelabs.problems(futurelabs.fill(order(operation, prompt="é" * 5001)))
        assert (problem.rule, problem.given, problem.limit) == (Rule.TOO_LONG, "5001", 5000)


@pytest.mark.parametrize(
    ("model", "shortest", "longest", "resolutions", "default"),
    [
        ("viduq3-turbo", 1, 16, ("540p", "720p", "1080p"), "720p"),
        ("viduq3-pro", 1, 16, ("540p", "720p", "1080p"), "720p"),
        ("viduq2", 1, 10, ("540p", "720p", "1080p"), "720p"),
        ("viduq1", 5, 5, ("1080p",), "1080p"),
    ],
)
@pytest.mark.parametrize("operation", [TEXT, IMAGE, FRAMES])
def test_durations_and_resolutions_are_the_documented_ones(
    futurelabs: Futurelabs,
    operation: Operation,
    model: str,
    shortest: int,
    longest: int,
    resolutions: tuple[str, ...],
    default: str,
) -> None:
    [row] = [row for row in futurelabs.models(operation) if row.name == model]
    assert row.durations == tuple(range(shortest, longest + 1))
    assert row.default_duration == 5
    assert (row.resolutions, row.default_resolution) == (resolutions, default)
    for duration in (shortest - 1, longest + 1):
        [problem] = futurelabs.problems(futurelabs.fill(order(operation, model=model, duration=duration)))
        assert problem.nearest == str(min(max(duration, shortest), longest))


def test_the_nearest_choice_is_offered(futurelabs: Futurelabs) -> None:
    [problem] = futurelabs.problems(futurelabs.fill(order(resolution="4000p")))
    assert (problem.field, problem.nearest) == ("resolution", "1080p")
    [problem] = futurelabs.problems(futurelabs.fill(order(resolution="HD")))
    assert (problem.rule, problem.nearest) == (Rule.ONE_OF, None)
    [problem] = futurelabs.problems(futurelabs.fill(order(model="viduq1", aspect_ratio="3:4")))
    assert (problem.allowed, problem.nearest) == (("16:9", "9:16", "1:1"), "9:16")


@pytest.mark.parametrize("seed", [-1, 2**31])
def test_a_seed_outside_31_bits_is_named(futurelabs: Futurelabs, seed: int) -> None:
    [problem] = futurelabs.problems(futurelabs.fill(order(seed=seed)))
    assert (problem.field, problem.nearest) == ("seed", str(min(max(seed, 0), 2**31 - 1)))
    assert futurelabs.problems(futurelabs.fill(order(seed=min(max(seed, 0), 2**31 - 1)))) == []


# The price list, row by row.
PRICES = [
    ("viduq3-pro", "540p", 5, 20),
    ("viduq3-pro", "720p", 5, 40),
    ("viduq3-pro", "1080p", 5, 80),
    ("viduq3-pro", "720p", 8, 64),
    ("viduq3-pro", "1080p", 8, 128),
    ("viduq3-pro", "720p", 16, 128),
    ("viduq3-pro", "1080p", 16, 256),
    ("viduq3-turbo", "720p", 5, 20),
    ("viduq3-turbo", "1080p", 5, 40),
    ("viduq3-turbo", "720p", 8, 32),
    ("viduq3-turbo", "1080p", 8, 64),
    ("viduq2", "540p", 5, 10),
    ("viduq2", "720p", 5, 20),
    ("viduq2", "1080p", 5, 40),
    ("viduq2", "720p", 8, 32),
    ("viduq2", "1080p", 8, 64),
    ("viduq2", "720p", 10, 40),
    ("viduq2", "1080p", 10, 80),
    ("viduq1", "1080p", 5, 40),
]


@pytest.mark.parametrize(("model", "resolution", "duration", "credits"), PRICES)
def test_every_row_of_the_price_list_holds(
    futurelabs: Futurelabs, model: str, resolution: str, duration: int, credits: int
) -> None:
    for operation in (TEXT, IMAGE, FRAMES):
        chosen = futurelabs.fill(order(operation, model=model, resolution=resolution, duration=duration))
        q3 = model.startswith("viduq3")
        assert futurelabs.price(chosen) == (credits if q3 or operation is not FRAMES else None)


@pytest.mark.parametrize(
    ("model", "resolution", "duration", "credits"),
    [
        ("viduq3-pro", "720p", 1, 8),
        ("viduq3-pro", "540p", 16, 64),
        ("viduq2", "1080p", 7, 56),
        ("viduq3-turbo", "540p", 5, None),
        ("viduq1", "720p", 5, None),
        ("viduq1", "1080p", 6, None),
        ("viduq2", "720p", 11, None),
        ("viduq9", "720p", 5, None),
    ],
)
def test_between_the_rows_the_seconds_count_and_what_is_not_listed_has_no_price(
    futurelabs: Futurelabs, model: str, resolution: str, duration: int, credits: int | None
) -> None:
    assert futurelabs.price(futurelabs.fill(order(model=model, resolution=resolution, duration=duration))) == credits


async def test_a_task_is_asked_for_by_its_id(futurelabs: Futurelabs, vendor: Vendor) -> None:
    vendor.answers = [reply(200, sample("futurelabs/query_success.json"))]
    status = await futurelabs.query(task("916198978159124480"))
    assert vendor.last.target == "/ai/avu/tasks/916198978159124480/creations"
    assert status.outputs[0].url == "https://cdn.imagine-future.com/video/result.mp4"
    assert (status.credits, status.prompt, status.echo) == (80, "a lighthouse in fog", None)


async def test_cancelling_sends_no_body_and_takes_any_answer(futurelabs: Futurelabs, vendor: Vendor) -> None:
    for body in (b"", b"{}", b"null", b"ok"):
        vendor.answers = [reply(200, body)]
        await futurelabs.cancel(task("a/b"))
    assert (vendor.last.method, vendor.last.target) == ("POST", "/ai/avu/tasks/a%2Fb/cancel")
    assert vendor.last.body == b""


async def test_a_404_in_json_is_enough_to_say_no_such_task(futurelabs: Futurelabs, vendor: Vendor) -> None:
    vendor.answers = [reply(404, {"message": "?"})]
    with pytest.raises(ProviderError) as caught:
        await futurelabs.query(task())
    assert (caught.value.kind, caught.value.reason) == (ErrorKind.REJECTED, Reason.NOT_FOUND)


def test_a_callback_is_a_doorbell_named_by_its_body_and_address(futurelabs: Futurelabs) -> None:
    one = Callback("/callbacks/futurelabs/t1", [], b"{}")
    verified = futurelabs.verify(one, 0.0)
    assert verified.trust is Trust.DOORBELL
    assert futurelabs.verify(one, 1e9) == verified
    assert futurelabs.verify(replace(one, path="/callbacks/futurelabs/t2"), 0.0) != verified


async def test_vidus_signature_can_be_demanded(session: aiohttp.ClientSession) -> None:
    futurelabs = Futurelabs(replace(ACCOUNT, callback_signature="vidu"), session, lambda: 0.0)
    with pytest.raises(NotAuthentic):
        futurelabs.verify(Callback("/cb", [], b"{}"), 0.0)
    date = b"Tue, 06 May 2025 12:09:42 GMT"
    text = b"POST\n/cb\n\nvidu\n" + date + b"\nDate:" + date + b"\nx-request-nonce:n1\n"
    headers = [
        (b"Date", date),
        (b"x-request-nonce", b"n1"),
        (b"X-HMAC-SIGNED-HEADERS", b"Date;x-request-nonce"),
        (b"X-HMAC-SIGNATURE", base64.b64encode(hmac.new(KEY.encode(), text, hashlib.sha256).digest())),
        (b"X-HMAC-ALGORITHM", b"hmac-sha256"),
        (b"X-HMAC-ACCESS-KEY", b"vidu"),
    ]
    verified = futurelabs.verify(Callback("/cb", headers, b"{}"), 1746533382.0)
    assert (verified.trust, verified.delivery_id) == (Trust.DOORBELL, "n1")


def test_a_callback_reads_like_an_answer(futurelabs: Futurelabs) -> None:
    assert futurelabs.read_callback(raw("futurelabs/query_success.json")).progress is Progress.SUCCEEDED
    early = futurelabs.read_callback(json.dumps({"id": "7", "status": "processing"}).encode())
    assert (early.task_id, early.progress) == ("7", Progress.RUNNING)


async def test_both_recorded_submissions_are_read(futurelabs: Futurelabs, vendor: Vendor) -> None:
    vendor.answers = [reply(200, sample("futurelabs/submit_img2video.json"))]
    assert (await futurelabs.submit(submission(futurelabs.fill(order(IMAGE))))).task_id == "916201234567890123"
