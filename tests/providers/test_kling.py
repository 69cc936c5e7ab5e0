import base64
import hmac
import json
from dataclasses import replace
from typing import Any

import aiohttp
import jwt
import pytest

from providers.contract import (
    Account,
    Callback,
    ErrorKind,
    NotAuthentic,
    NotUnderstood,
    Progress,
    ProviderError,
    Reason,
    Trust,
)
from providers.kling import Kling
from providers.orders import Operation, Role, Rule
from tests.providers.lab import Vendor, raw, reply, sample
from tests.providers.orders import ACCOUNT, CALLBACK, HTTPS, KEY, SECRET_KEY, order, picture, submission, task

TEXT, IMAGE, FRAMES = Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO, Operation.START_END_TO_VIDEO
WEBHOOK_SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
NOW = 1_781_080_794.0


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def kling(vendor: Vendor, session: aiohttp.ClientSession) -> Kling:
    vendor.answers = [reply(200, sample("kling/submit.json"))]
    return Kling(replace(ACCOUNT, base_urls=(vendor.url,)), session, lambda: NOW)


async def test_text_to_video_sends_what_the_page_lists(kling: Kling, vendor: Vendor) -> None:
    accepted = await kling.submit(submission(kling.fill(order())))
    assert (accepted.task_id, accepted.credits) == ("881704293106061404", None)
    assert vendor.last.path == "/v1/videos/text2video"
    assert vendor.last.headers["authorization"] == f"Bearer {KEY}"
    assert vendor.last.json == {
        "model_name": "kling-v2-6",
        "mode": "std",
        "duration": "5",
        "prompt": "a lighthouse in fog",
        "aspect_ratio": "16:9",
        "sound": "off",
        "callback_url": CALLBACK,
        "external_task_id": "job-1",
    }


async def test_image_to_video_gives_an_https_address_or_bare_base64(kling: Kling, vendor: Vendor) -> None:
    await kling.submit(submission(kling.fill(order(IMAGE, model="kling-v1-6", duration=10, resolution="1080p"))))
    assert vendor.last.path == "/v1/videos/image2video"
    assert vendor.last.json == {
        "model_name": "kling-v1-6",
        "mode": "pro",
        "duration": "10",
        "image": HTTPS,
        "prompt": "a lighthouse in fog",
        "callback_url": CALLBACK,
        "external_task_id": "job-1",
    }
    for url in (None, "http://127.0.0.1/one.png"):
        await kling.submit(submission(kling.fill(order(IMAGE, pictures=(picture(url=url, data=b"\x89PNG"),)))))
        assert vendor.last.json["image"] == base64.b64encode(b"\x89PNG").decode()


async def test_two_frames_go_the_same_way_with_a_tail(kling: Kling, vendor: Vendor) -> None:
    frames = (picture(Role.LAST_FRAME, url=HTTPS + "?last"), picture())
    await kling.submit(submission(kling.fill(order(FRAMES, prompt="", pictures=frames))))
    assert vendor.last.path == "/v1/videos/image2video"
    assert vendor.last.json == {
        "model_name": "kling-v2-6",
        "mode": "pro",
        "duration": "5",
        "image": HTTPS,
        "image_tail": HTTPS + "?last",
        "callback_url": CALLBACK,
        "external_task_id": "job-1",
    }


async def test_a_master_model_has_no_mode(kling: Kling, vendor: Vendor) -> None:
    filled = kling.fill(order(model="kling-v2-master"))
    assert filled.resolution is None
    assert kling.problems(filled) == []
    await kling.submit(submission(filled))
    assert "mode" not in vendor.last.json
    [problem] = kling.problems(kling.fill(order(model="kling-v2-master", resolution="1080p")))
    assert (problem.field, problem.rule) == ("resolution", Rule.NOT_OFFERED)


async def test_sound_is_for_v2_6_in_pro_and_asking_for_it_chooses_pro(kling: Kling, vendor: Vendor) -> None:
    for operation in (TEXT, IMAGE):
        filled = kling.fill(order(operation, audio=True))
        assert (filled.model, filled.resolution) == ("kling-v2-6", "1080p")
        assert kling.problems(filled) == []
        await kling.submit(submission(filled))
        assert (vendor.last.json["sound"], vendor.last.json["mode"]) == ("on", "pro")
        [problem] = kling.problems(kling.fill(order(operation, audio=True, resolution="720p")))
        assert (problem.field, problem.rule, problem.given) == ("audio", Rule.NOT_TOGETHER, "720p")
        [problem] = kling.problems(kling.fill(order(operation, audio=True, model="kling-v2-5-turbo")))
        assert (problem.field, problem.rule) == ("audio", Rule.NOT_OFFERED)
    [problem] = kling.problems(kling.fill(order(FRAMES, audio=True)))
    assert (problem.field, problem.rule) == ("audio", Rule.NOT_OFFERED)


async def test_a_model_of_tomorrow_is_sent_as_ordered(kling: Kling, vendor: Vendor) -> None:
    new = kling.fill(order(model="kling-v3", duration=12, audio=True, resolution="1080p"))
    assert kling.problems(new) == []
    await kling.submit(submission(new))
    assert vendor.last.json["duration"] == "12"
    assert (vendor.last.json["sound"], vendor.last.json["mode"]) == ("on", "pro")


def test_what_kling_does_not_take_is_named(kling: Kling) -> None:
    [problem] = kling.problems(kling.fill(order(seed=7)))
    assert (problem.field, problem.rule) == ("seed", Rule.NOT_OFFERED)
    [problem] = kling.problems(kling.fill(order(IMAGE, aspect_ratio="1:1")))
    assert (problem.field, problem.rule) == ("aspect_ratio", Rule.NOT_OFFERED)
    [problem] = kling.problems(kling.fill(order(aspect_ratio="4:3")))
    assert (problem.allowed, problem.nearest) == (("16:9", "9:16", "1:1"), "1:1")


def test_the_prompt_ends_at_2500_characters_and_is_needed_for_text_alone(kling: Kling) -> None:
    assert kling.problems(kling.fill(order(prompt="é" * 2500))) == []
    [problem] = kling.problems(kling.fill(order(prompt="é" * 2501)))
    assert (problem.rule, problem.limit) == (Rule.TOO_LONG, 2500)
    assert kling.problems(kling.fill(order(IMAGE, prompt=""))) == []


async def test_the_motion_brush_goes_with_masks_and_strokes(kling: Kling, vendor: Vendor) -> None:
    masks = [(Role.DYNAMIC_MASK, "boat"), (Role.STATIC_MASK, "still"), (Role.DYNAMIC_MASK, "gull")]
    pictures = (
        *(picture(role, width=640, height=360, url=f"https://pictures.example/{name}.png") for role, name in masks),
        picture(),
    )
    strokes = (((0, 0), (640, 360), (1279, 719)), ((10, 700), (20, 600)))
    extras = {"negative_prompt": "rain", "cfg_scale": 0.25}
    chosen = kling.fill(order(IMAGE, model="kling-v1", pictures=pictures, strokes=strokes, extras=extras))
    assert kling.problems(chosen) == []
    await kling.submit(submission(chosen))
    assert vendor.last.path == "/v1/videos/image2video"
    assert vendor.last.json == sample("kling/request_brush.json")


async def test_all_pictures_given_as_bytes_go_without_a_prefix(kling: Kling, vendor: Vendor) -> None:
    pictures = tuple(
        picture(role, url=None, data=role.encode()) for role in (Role.FIRST_FRAME, Role.STATIC_MASK, Role.DYNAMIC_MASK)
    )
    chosen = kling.fill(order(IMAGE, pictures=pictures, strokes=(((0, 0), (1, 1)),)))
    assert kling.problems(chosen) == []
    await kling.submit(submission(chosen))
    sent = vendor.last.json
    given = [sent["image"], sent["static_mask"], sent["dynamic_masks"][0]["mask"]]
    assert [base64.b64decode(one, validate=True) for one in given] == [b"first_frame", b"static_mask", b"dynamic_mask"]


async def test_a_camera_moves_along_one_axis(kling: Kling, vendor: Vendor) -> None:
    extras = {"camera_type": "simple", "camera_axis": "pan", "camera_amount": -2.5}
    chosen = kling.fill(order(IMAGE, extras=extras))
    assert kling.problems(chosen) == []
    await kling.submit(submission(chosen))
    assert vendor.last.json == sample("kling/request_camera.json")


async def test_a_text_goes_with_every_choice_its_page_lists(kling: Kling, vendor: Vendor) -> None:
    extras = {"negative_prompt": "rain", "cfg_scale": 1, "camera_type": "down_back", "watermark": True}
    chosen = kling.fill(order(aspect_ratio="1:1", extras=extras))
    assert kling.problems(chosen) == []
    await kling.submit(submission(chosen))
    assert vendor.last.json == sample("kling/request_text.json")


async def test_two_voices_go_in_their_order(kling: Kling, vendor: Vendor) -> None:
    prompt, extras = "<<<voice_1>>> greets <<<voice_2>>>", {"voice_list": "keeper-voice  829"}
    chosen = kling.fill(order(IMAGE, prompt=prompt, duration=10, audio=True, extras=extras))
    assert kling.problems(chosen) == []
    await kling.submit(submission(chosen))
    assert vendor.last.json == sample("kling/request_voices.json")


async def test_a_last_frame_may_go_alone_where_the_model_can(kling: Kling, vendor: Vendor) -> None:
    alone = order(FRAMES, pictures=order(FRAMES).pictures[1:])
    chosen = kling.fill(replace(alone, model="kling-v1-6"))
    assert kling.problems(chosen) == []
    await kling.submit(submission(chosen))
    assert vendor.last.json == sample("kling/request_tail.json")
    for model in (None, "kling-v2-6", "kling-v2-1", "kling-v1"):
        [problem] = kling.problems(kling.fill(replace(alone, model=model)))
        assert (problem.field, problem.rule) == ("first_frame", Rule.REQUIRED)
    assert kling.problems(kling.fill(replace(alone, model="kling-v3"))) == []
    problems = kling.problems(kling.fill(order(FRAMES, model="kling-v1-6", pictures=())))
    assert [(problem.field, problem.rule) for problem in problems] == [
        ("first_frame", Rule.REQUIRED),
        ("last_frame", Rule.REQUIRED),
    ]


async def test_a_list_where_one_task_was_asked_for_leaves_it_open(kling: Kling, vendor: Vendor) -> None:
    vendor.answers = [reply(200, sample("kling/list.json"))]
    with pytest.raises(ProviderError) as caught:
        await kling.query(task())
    assert caught.value.kind is ErrorKind.UNKNOWN


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"mime": "image/jpeg"}, None),
        ({"mime": "image/webp"}, Rule.FILE_FORMAT),
        ({"width": 300, "height": 300}, None),
        ({"width": 299, "height": 300}, Rule.FILE_PIXELS),
        ({"width": 300, "height": 299}, Rule.FILE_PIXELS),
        ({"width": 750, "height": 300}, None),
        ({"width": 751, "height": 300}, Rule.FILE_RATIO),
        ({"width": 300, "height": 751}, Rule.FILE_RATIO),
        ({"data": bytes(10_000_000)}, None),
        ({"data": bytes(10_000_001)}, Rule.FILE_BYTES),
        ({"data": bytes(10_000_001), "url": None}, Rule.FILE_BYTES),
    ],
)
def test_pictures_are_what_the_page_allows(kling: Kling, changes: dict[str, Any], rule: Rule | None) -> None:
    problems = kling.problems(kling.fill(order(IMAGE, pictures=(picture(**changes),))))
    assert [problem.rule for problem in problems] == ([] if rule is None else [rule])


def test_two_full_frames_fit_together(kling: Kling) -> None:
    frames = (picture(url=None, data=bytes(10_000_000)), picture(Role.LAST_FRAME, url=None, data=bytes(10_000_000)))
    assert kling.problems(kling.fill(order(FRAMES, pictures=frames))) == []


@pytest.mark.parametrize(
    ("model", "resolution", "duration", "audio", "credits"),
    [
        ("kling-v1", "720p", 5, False, 28),
        ("kling-v1", "1080p", 5, False, 98),
        ("kling-v1-6", "720p", 10, False, 112),
        ("kling-v2-master", None, 5, False, 280),
        ("kling-v2-5-turbo", "720p", 5, False, 42),
        ("kling-v2-6", "1080p", 5, False, 70),
        ("kling-v2-6", "1080p", 10, True, 280),
        ("kling-v2-6", "720p", 5, True, None),
        ("kling-v1", "720p", 7, False, None),
        ("kling-v1", "4k", 5, False, None),
        ("kling-v9", "720p", 5, False, None),
    ],
)
def test_units_become_credits(
    kling: Kling, model: str, resolution: str | None, duration: int, audio: bool, credits: int | None
) -> None:
    chosen = kling.fill(order(model=model, resolution=resolution, duration=duration, audio=audio))
    assert kling.price(chosen) == credits


async def test_the_path_of_a_query_follows_the_operation(kling: Kling, vendor: Vendor) -> None:
    vendor.answers = [reply(200, sample("kling/query_processing.json"))]
    for operation, path in ((TEXT, "text2video"), (IMAGE, "image2video"), (FRAMES, "image2video")):
        status = await kling.query(task("881", operation))
        assert vendor.last.target == f"/v1/videos/{path}/881"
        assert (status.progress, status.echo, status.credits) == (Progress.RUNNING, "job-1", None)


async def test_a_finished_task_tells_its_credits(kling: Kling, vendor: Vendor) -> None:
    vendor.answers = [reply(200, sample("kling/query_succeed.json"))]
    status = await kling.query(task())
    assert (status.credits, status.echo) == (98, "job-1")
    assert [output.url for output in status.outputs] == ["https://p1.a.kwimgs.com/output.mp4"]


async def test_a_failed_task_tells_why(kling: Kling, vendor: Vendor) -> None:
    vendor.answers = [reply(200, sample("kling/query_failed.json"))]
    status = await kling.query(task())
    assert (status.progress, status.reason) == (Progress.FAILED, Reason.CONTENT)
    assert status.detail == "Failure to pass the risk control system"


def test_every_kind_of_callback_body_is_read(kling: Kling) -> None:
    flat = kling.read_callback(raw("kling/callback_flat.json"))
    assert (flat.task_id, flat.progress, flat.credits, flat.echo) == (
        "881704293106061404",
        Progress.SUCCEEDED,
        56,
        "job-1",
    )
    enveloped = kling.read_callback(raw("kling/query_succeed.json"))
    assert (enveloped.task_id, enveloped.progress) == ("881704293106061404", Progress.SUCCEEDED)
    new = kling.read_callback(raw("kling/callback_new.json"))
    assert (new.task_id, new.progress, new.credits, new.echo) == ("1234567890", Progress.SUCCEEDED, 42, "job-1")
    failed = kling.read_callback(raw("kling/callback_failed.json"))
    assert (failed.progress, failed.reason, failed.credits) == (Progress.FAILED, Reason.VENDOR, 0)
    test = kling.read_callback(raw("kling/callback_test.json"))
    assert (test.task_id, test.progress, test.outputs) == ("1234567890", Progress.WAITING, ())
    with pytest.raises(NotUnderstood):
        kling.read_callback(b'{"data": [{"task_id": "1", "task_status": "succeed"}]}')


@pytest.mark.parametrize(
    ("http", "code", "kind", "reason"),
    [
        (401, 1000, ErrorKind.REJECTED, Reason.ACCESS),
        (401, 1004, ErrorKind.REJECTED, Reason.ACCESS),
        (429, 1100, ErrorKind.REJECTED, Reason.ACCESS),
        (429, 1101, ErrorKind.REJECTED, Reason.CREDIT),
        (429, 1102, ErrorKind.REJECTED, Reason.CREDIT),
        (403, 1103, ErrorKind.REJECTED, Reason.ACCESS),
        (400, 1200, ErrorKind.REJECTED, Reason.BAD_ORDER),
        (400, 1201, ErrorKind.REJECTED, Reason.BAD_ORDER),
        (404, 1202, ErrorKind.REJECTED, Reason.ACCESS),
        (404, 1203, ErrorKind.REJECTED, Reason.NOT_FOUND),
        (400, 1300, ErrorKind.REJECTED, Reason.CONTENT),
        (400, 1301, ErrorKind.REJECTED, Reason.CONTENT),
        (429, 1302, ErrorKind.THROTTLED, Reason.BUSY),
        (429, 1303, ErrorKind.THROTTLED, Reason.BUSY),
        (429, 1304, ErrorKind.REJECTED, Reason.ACCESS),
        (429, 9999, ErrorKind.THROTTLED, Reason.BUSY),
        (400, 9999, ErrorKind.REJECTED, Reason.BAD_ORDER),
        (500, 5000, ErrorKind.UNKNOWN, Reason.VENDOR),
        (503, 5001, ErrorKind.UNKNOWN, Reason.VENDOR),
        (504, 5002, ErrorKind.UNKNOWN, Reason.VENDOR),
        (500, 1303, ErrorKind.UNKNOWN, Reason.VENDOR),
    ],
)
async def test_a_refusal_is_read_by_its_code(
    kling: Kling, vendor: Vendor, http: int, code: int, kind: ErrorKind, reason: Reason
) -> None:
    vendor.answers = [reply(http, {"code": code, "message": "m", "request_id": "r"})]
    with pytest.raises(ProviderError) as caught:
        await kling.query(task())
    assert (caught.value.kind, caught.value.reason) == (kind, reason)
    assert caught.value.detail == f"HTTP {http} {code} m r"


async def test_a_refusal_in_a_200_is_one_too(kling: Kling, vendor: Vendor) -> None:
    vendor.answers = [
        reply(200, {"code": 1102, "message": "used up"}),
        reply(200, {"code": 77, "message": "?"}),
        reply(200, {"code": 0, "data": None}),
        reply(200, {"data": {"task_id": "1", "task_status": "submitted"}}),
    ]
    kinds: list[tuple[ErrorKind, Reason]] = []
    for _ in range(4):
        with pytest.raises(ProviderError) as caught:
            await kling.submit(submission(kling.fill(order())))
        kinds.append((caught.value.kind, caught.value.reason))
    assert kinds == [(ErrorKind.REJECTED, Reason.CREDIT)] + [(ErrorKind.UNKNOWN, Reason.VENDOR)] * 3


async def test_too_much_at_once_is_throttled(kling: Kling, vendor: Vendor) -> None:
    vendor.answers = [reply(429, sample("kling/refused_concurrency.json"))]
    with pytest.raises(ProviderError) as caught:
        await kling.submit(submission(kling.fill(order())))
    assert (caught.value.kind, caught.value.reason) == (ErrorKind.THROTTLED, Reason.BUSY)


async def test_an_unknown_resource_on_a_submission_is_the_model(kling: Kling, vendor: Vendor) -> None:
    vendor.answers = [reply(404, sample("kling/not_found.json"))]
    with pytest.raises(ProviderError) as caught:
        await kling.submit(submission(kling.fill(order())))
    assert (caught.value.kind, caught.value.reason) == (ErrorKind.REJECTED, Reason.BAD_ORDER)


async def test_a_task_is_found_under_our_reference_or_surely_absent(kling: Kling, vendor: Vendor) -> None:
    vendor.answers = [reply(200, sample("kling/query_processing.json"))]
    status = await kling.find(task("", IMAGE), 0.0)
    assert status is not None
    assert status.task_id == "881704293106061404"
    assert vendor.last.target == "/v1/videos/image2video/job-1"
    vendor.answers = [reply(404, sample("kling/not_found.json"))]
    assert await kling.find(task("", IMAGE), 0.0) is None


async def test_an_answer_about_another_task_leaves_it_open(kling: Kling, vendor: Vendor) -> None:
    other = sample("kling/query_processing.json")
    other["data"]["task_info"]["external_task_id"] = "job-2"
    vendor.answers = [reply(200, other)]
    with pytest.raises(ProviderError) as caught:
        await kling.find(task("", IMAGE), 0.0)
    assert caught.value.kind is ErrorKind.UNKNOWN


async def test_a_token_is_signed_with_the_secret_key_and_kept_until_shortly_before_its_end(
    vendor: Vendor, session: aiohttp.ClientSession
) -> None:
    vendor.answers = [reply(200, sample("kling/query_processing.json"))]
    clock = Clock()
    account = Account(access_key="access-1", secret_key=SECRET_KEY, base_urls=(vendor.url,))
    kling = Kling(account, session, clock)

    async def token() -> str:
        await kling.query(task())
        scheme, _, value = vendor.last.headers["authorization"].partition(" ")
        assert scheme == "Bearer"
        return value

    first = await token()
    assert jwt.get_unverified_header(first) == {"alg": "HS256", "typ": "JWT"}
    claims = jwt.decode(first, SECRET_KEY, algorithms=["HS256"], options={"verify_exp": False, "verify_nbf": False})
    assert claims == {"iss": "access-1", "exp": NOW + 1800, "nbf": NOW - 5}
    clock.now = NOW + 1499
    assert await token() == first
    clock.now = NOW + 1500
    second = await token()
    assert second != first
    clock.now = NOW - 3600  # a clock set back: the vendor would call the old token not valid yet
    assert await token() not in (first, second)


async def test_an_api_key_goes_before_a_pair_of_keys(vendor: Vendor, session: aiohttp.ClientSession) -> None:
    vendor.answers = [reply(200, sample("kling/query_processing.json"))]
    account = Account((KEY,), "access-1", SECRET_KEY, base_urls=(vendor.url,))
    await Kling(account, session, Clock()).query(task())
    assert vendor.last.headers["authorization"] == f"Bearer {KEY}"


async def test_without_a_webhook_secret_a_callback_is_a_doorbell_and_with_one_it_is_data(
    session: aiohttp.ClientSession,
) -> None:
    body = raw("kling/callback_flat.json")
    bare = Callback("/cb", [], body)
    assert Kling(ACCOUNT, session, Clock()).verify(bare, NOW).trust is Trust.DOORBELL
    signing = Kling(replace(ACCOUNT, webhook_secrets=("whsec_bmV3ZXI=", WEBHOOK_SECRET)), session, Clock())
    with pytest.raises(NotAuthentic):
        signing.verify(bare, NOW)
    key = base64.b64decode(WEBHOOK_SECRET.removeprefix("whsec_"))
    mac = base64.b64encode(hmac.digest(key, b"evt-1.1781080794." + body, "sha256"))
    headers = [(b"webhook-id", b"evt-1"), (b"webhook-timestamp", b"1781080794"), (b"webhook-signature", b"v1," + mac)]
    verified = signing.verify(Callback("/cb", headers, body), NOW)
    assert (verified.trust, verified.delivery_id) == (Trust.DATA, "evt-1")
    with pytest.raises(NotAuthentic):
        signing.verify(Callback("/cb", headers, body.replace(b"succeed", b"failed!")), NOW)
    assert json.loads(body)["task_status"] == "succeed"
