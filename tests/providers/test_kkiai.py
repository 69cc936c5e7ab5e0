"""kkiai (docs.kkiai.com, "Create Image-to-Video Task", read 2026-11): its fields, answers, settings and callbacks."""

import base64
import hmac
import json
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from providers.contract import Callback, ErrorKind, NotAuthentic, Progress, ProviderError, Reason, Status, Trust
from providers.kkiai import Kkiai
from providers.orders import Operation, Order, Role, Rule
from tests.providers.lab import Vendor, raw, reply, sample
from tests.providers.orders import ACCOUNT, CALLBACK, HTTPS, KEY, order, picture, submission, task

IMAGE = Operation.IMAGE_TO_VIDEO
ID = "801234567890123456"
MARK = "https://pictures.example/mark.png"
LABEL = '{"Label": "a lighthouse", "ProduceID": "7"}'
FLAGS = ("is_rec", "bgm", "off_peak", "watermark")
PLACES = ((1, "top_left"), (2, "top_right"), (3, "bottom_right"), (4, "bottom_left"))
# viduq1 is the one model that takes every choice.
BARE: dict[str, Any] = {
    "model": "viduq1", "images": [HTTPS], "prompt": "a lighthouse in fog", "duration": 5, "resolution": "1080p",
    "audio": False, "payload": "job-1", "callback_url": CALLBACK,
}  # fmt: skip
WORDS = {
    "created": Progress.WAITING, "queueing": Progress.WAITING, "processing": Progress.RUNNING,
    "failed": Progress.FAILED, "succeeded": Progress.RUNNING, "expired": Progress.RUNNING,
}  # fmt: skip


@pytest.fixture
async def kkiai(vendor: Vendor, session: aiohttp.ClientSession) -> Kkiai:
    vendor.answers = [reply(200, sample("kkiai/submit.json"))]
    return Kkiai(replace(ACCOUNT, base_urls=(vendor.url,)), session, lambda: 0.0)


def asked(model: str | None = "viduq1", **changes: Any) -> Order:
    return order(IMAGE, model=model, **changes)


async def sent(kkiai: Kkiai, vendor: Vendor, wanted: Order) -> dict[str, Any]:
    """Submit an order that nothing is wrong with and return the body as it arrived."""
    filled = kkiai.fill(wanted)
    assert kkiai.problems(filled) == []
    await kkiai.submit(submission(filled))
    return vendor.last.json


def text(body: dict[str, Any]) -> str:
    """Write a body so that true, 1 and "1" differ, which Python's equality does not see."""
    return json.dumps(body, sort_keys=True, indent=1)


def wrong(kkiai: Kkiai, wanted: Order) -> list[tuple[str, Rule]]:
    return [(problem.field, problem.rule) for problem in kkiai.problems(kkiai.fill(wanted))]


async def queried(kkiai: Kkiai, vendor: Vendor, answer: object) -> Status:
    vendor.answers = [reply(200, answer)]
    return await kkiai.query(task(ID, IMAGE))


def extra(**extras: Any) -> dict[str, Any]:
    return {"extras": extras}


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, {}),
        ({"seed": 0}, {"seed": 0}),
        ({"seed": 2**31 - 1}, {"seed": 2147483647}),
        ({"aspect_ratio": "9:16"}, {"aspect_ratio": "9:16"}),
        ({"audio": True}, {"audio": True}),
        ({"audio": True} | extra(voice_id="voice-7"), {"audio": True, "voice_id": "voice-7"}),
        (extra(movement_amplitude="small"), {"movement_amplitude": "small"}),
        *[(extra(**{name: value}), {name: value}) for name in FLAGS for value in (True, False)],
        *[(extra(watermark=True, wm_position=place), {"watermark": True, "wm_position": n}) for n, place in PLACES],
        (extra(meta_data=LABEL), {"meta_data": LABEL}),
        (
            {"pictures": (picture(), picture(Role.WATERMARK, url=MARK))} | extra(watermark=True),
            {"watermark": True, "wm_url": MARK},
        ),
    ],
)
async def test_each_choice_adds_its_own_field_with_the_kind_of_value_the_example_has(
    kkiai: Kkiai, vendor: Vendor, changes: dict[str, Any], fields: dict[str, Any]
) -> None:
    assert text(await sent(kkiai, vendor, asked(**changes))) == text(BARE | fields)


async def test_every_field_of_the_page_goes_in_one_body(kkiai: Kkiai, vendor: Vendor) -> None:
    extras = {
        "movement_amplitude": "large", "bgm": True, "voice_id": "voice-7", "is_rec": True, "off_peak": False,
        "watermark": True, "wm_position": "bottom_left", "meta_data": LABEL,
    }  # fmt: skip
    shown = (picture(), picture(Role.WATERMARK, url=MARK))
    wanted = asked(audio=True, seed=4711, aspect_ratio="1:1", pictures=shown, extras=extras)
    fields = {**extras, "wm_position": 4, "wm_url": MARK, "audio": True, "seed": 4711, "aspect_ratio": "1:1"}
    assert text(await sent(kkiai, vendor, wanted)) == text(BARE | fields)


async def test_what_the_page_does_not_list_is_never_sent(kkiai: Kkiai, vendor: Vendor) -> None:
    extras = {"style": "anime", "audio_type": "all", "template_id": "t", "client_request_id": "r", "cfg_scale": 0.5}
    await kkiai.submit(submission(kkiai.fill(asked(extras=extras))))
    assert vendor.last.json == BARE
    assert {field for field, _ in wrong(kkiai, asked(extras=extras))} == set(extras)


@pytest.mark.parametrize(
    ("model", "resolution", "audio"),
    [
        (None, "720p", True),  # the default model is the fast q3 one
        ("viduq3-turbo", "720p", True),
        ("viduq3-pro", "720p", True),
        ("viduq2", "720p", False),
        ("viduq1", "1080p", False),
    ],
)
async def test_the_default_for_sound_goes_out_explicitly_and_is_yes_for_q3_alone(
    kkiai: Kkiai, vendor: Vendor, model: str | None, resolution: str, audio: bool
) -> None:
    filled = {"model": model or "viduq3-turbo", "resolution": resolution, "audio": audio}
    assert text(await sent(kkiai, vendor, asked(model))) == text(BARE | filled)
    assert (await sent(kkiai, vendor, asked(model, audio=not audio)))["audio"] is (not audio)


@pytest.mark.parametrize(("model", "most"), [("viduq3-turbo", 16), ("viduq3-pro", 16), ("viduq2", 10), ("viduq1", 5)])
def test_lengths_and_sizes_are_those_of_the_page(kkiai: Kkiai, model: str, most: int) -> None:
    lengths = [length for length in range(18) if wrong(kkiai, asked(model, duration=length)) == []]
    sizes = [lines for lines in ("540p", "720p", "1080p") if wrong(kkiai, asked(model, resolution=lines)) == []]
    assert lengths == ([5] if model == "viduq1" else list(range(1, most + 1)))
    assert sizes == (["1080p"] if model == "viduq1" else ["540p", "720p", "1080p"])


async def test_a_prompt_has_up_to_2000_characters_however_many_bytes_they_take(kkiai: Kkiai, vendor: Vendor) -> None:
    longest = "\N{GRINNING FACE}" * 2000
    assert (await sent(kkiai, vendor, asked(prompt=longest)))["prompt"] == longest
    [problem] = kkiai.problems(kkiai.fill(asked(prompt="x" * 2001)))
    assert (problem.field, problem.rule, problem.given, problem.limit) == ("prompt", Rule.TOO_LONG, "2001", 2000)


@pytest.mark.parametrize("extras", [{}, {"is_rec": True}])
def test_a_prompt_is_needed_also_where_a_recommended_one_replaces_it(kkiai: Kkiai, extras: dict[str, Any]) -> None:
    for empty in ("", " \n"):
        assert wrong(kkiai, asked(prompt=empty, extras=extras)) == [("prompt", Rule.REQUIRED)]


@pytest.mark.parametrize("mime", ["image/png", "image/jpeg", "image/webp"])
@pytest.mark.parametrize("url", [None, "http://pictures.example/one"])
async def test_a_picture_without_an_https_address_goes_as_base64_behind_its_kind(
    kkiai: Kkiai, vendor: Vendor, mime: str, url: str | None
) -> None:
    shown = picture(mime=mime, data=b"\xff\xfb\x00", url=url)
    coded = {"images": [f"data:{mime};base64,//sA"]}
    assert text(await sent(kkiai, vendor, asked(pictures=(shown,)))) == text(BARE | coded)


def test_the_shapes_of_a_picture_reach_from_1_to_4_up_to_4_to_1(kkiai: Kkiai) -> None:
    shapes = [(1000, 4001), (1000, 4000), (4000, 1000), (4001, 1000)]
    pictures = [(picture(width=width, height=height),) for width, height in shapes]
    assert [wrong(kkiai, asked(pictures=each)) == [] for each in pictures] == [False, True, True, False]


async def test_the_examples_model_outside_the_list_passes_and_gets_no_defaults(kkiai: Kkiai, vendor: Vendor) -> None:
    example: dict[str, Any] = {"duration": 2, "resolution": "1080p", "aspect_ratio": "16:9", "seed": 12345}
    flags = {"bgm": False, "off_peak": False, "watermark": False}
    wanted = asked("viduq2-pro", audio=False, extras=flags, **example)
    assert text(await sent(kkiai, vendor, wanted)) == text(BARE | {"model": "viduq2-pro"} | example | flags)
    bare = await sent(kkiai, vendor, asked("viduq2-pro"))
    assert set(BARE) - set(bare) == {"duration", "resolution", "audio"}
    assert kkiai.price(kkiai.fill(wanted)) is None


def test_the_examples_amplitude_outside_the_list_is_refused(kkiai: Kkiai) -> None:
    for model in ("viduq1", "viduq2-pro"):
        [problem] = kkiai.problems(kkiai.fill(asked(model, extras={"movement_amplitude": "standard"})))
        assert (problem.field, problem.rule) == ("movement_amplitude", Rule.ONE_OF)
        assert problem.allowed == ("auto", "small", "medium", "large")


def test_only_q2_ignores_the_amplitude_here(kkiai: Kkiai) -> None:
    refused = [m.name for m in kkiai.models(IMAGE) if wrong(kkiai, asked(m.name, **extra(movement_amplitude="auto")))]
    assert refused == ["viduq2"]


@pytest.mark.parametrize("model", ["viduq3-turbo", "viduq3-pro", "viduq2", "viduq1", "viduq2-pro", "viduq9"])
async def test_off_peak_goes_with_sound_for_no_model(kkiai: Kkiai, vendor: Vendor, model: str) -> None:
    assert wrong(kkiai, asked(model, audio=True, **extra(off_peak=True))) == [("off_peak", Rule.NOT_TOGETHER)]
    assert (await sent(kkiai, vendor, asked(model, audio=False, **extra(off_peak=True))))["off_peak"] is True


@pytest.mark.parametrize("model", ["viduq3-turbo", "viduq3-pro", "viduq2", "viduq1"])
async def test_every_model_has_music_and_voices(kkiai: Kkiai, vendor: Vendor, model: str) -> None:
    body = await sent(kkiai, vendor, asked(model, audio=True, **extra(bgm=True, voice_id="voice-7")))
    assert (body["bgm"], body["voice_id"]) == (True, "voice-7")
    assert wrong(kkiai, asked(model, audio=False, **extra(voice_id="voice-7"))) == [("voice_id", Rule.NOT_TOGETHER)]


def test_music_goes_with_q2_of_any_length(kkiai: Kkiai) -> None:
    lengths = [wrong(kkiai, asked("viduq2", duration=length, **extra(bgm=True))) for length in (8, 9, 10)]
    assert lengths == [[], [], []]


def test_five_seconds_of_viduq1_cost_what_the_answer_on_the_page_shows(kkiai: Kkiai) -> None:
    assert kkiai.price(kkiai.fill(asked())) == sample("kkiai/submit.json")["credits"] == 80


@pytest.mark.parametrize("name", ["task_id", "id"])
@pytest.mark.parametrize(("said", "credits"), [(80, 80), ("80", 80), (None, None), ("", None)])
async def test_an_acceptance_names_the_task_under_either_name_and_credits_as_number_or_text(
    kkiai: Kkiai, vendor: Vendor, name: str, said: object, credits: int | None
) -> None:
    vendor.answers = [reply(200, {name: ID, "state": "created", "credits": said})]
    accepted = await kkiai.submit(submission(kkiai.fill(asked())))
    assert (accepted.task_id, accepted.credits) == (ID, credits)


async def test_an_answer_is_read_to_its_end(kkiai: Kkiai, vendor: Vendor) -> None:
    status = await queried(kkiai, vendor, sample("kkiai/query_success.json"))
    assert (status.task_id, status.progress, status.credits, status.echo) == (ID, Progress.SUCCEEDED, 80, "job-1")
    assert (status.model, status.prompt) == ("viduq2", "a lighthouse in fog")
    assert [(output.kind, output.url) for output in status.outputs] == [("video", "https://files.example/902.mp4")]
    early = await queried(kkiai, vendor, sample("kkiai/submit.json"))  # with wm_position "unspecified"
    assert (early.task_id, early.progress) == (ID, Progress.WAITING)


@pytest.mark.parametrize("field", ["state", "status"])
@pytest.mark.parametrize("word", WORDS)
async def test_only_its_own_words_end_a_task(kkiai: Kkiai, vendor: Vendor, field: str, word: str) -> None:
    status = await queried(kkiai, vendor, {field: word})
    assert (status.task_id, status.progress, status.word) == (ID, WORDS[word], word)


@pytest.mark.parametrize("digits", ["504", "504648", "504648743"])
async def test_its_times_have_3_6_or_9_digits_of_a_second(kkiai: Kkiai, vendor: Vendor, digits: str) -> None:
    status = await queried(kkiai, vendor, {"state": "created", "created_at": f"2026-01-20T04:01:53.{digits}Z"})
    assert status.created_at == pytest.approx(1_768_881_713 + float(f".{digits}"), abs=1e-5)


@pytest.mark.parametrize(("creations", "reason"), [([], Reason.VENDOR), ([{"id": "9", "url": ""}], Reason.CONTENT)])
async def test_success_without_a_video_fails(kkiai: Kkiai, vendor: Vendor, creations: object, reason: Reason) -> None:
    status = await queried(kkiai, vendor, {"id": ID, "state": "success", "creations": creations})
    assert (status.progress, status.reason, status.outputs) == (Progress.FAILED, reason, ())


async def test_paths_that_are_set_replace_the_guessed_ones_with_the_id_quoted(
    vendor: Vendor, session: aiohttp.ClientSession
) -> None:
    vendor.answers = [reply(200, {"state": "processing"})]
    account = replace(ACCOUNT, base_urls=(vendor.url,), query_paths=("/q/{id}?of={id}",), cancel_path="/stop/{id}/now")
    kkiai = Kkiai(account, session, lambda: 0.0)
    assert [operation for operation in Operation if kkiai.can_cancel(operation)] == [IMAGE]
    assert (await kkiai.query(task("a/b?c#d e%é", IMAGE))).task_id == "a/b?c#d e%é"
    assert vendor.last.target == "/q/a%2Fb%3Fc%23d%20e%25%C3%A9?of=a%2Fb%3Fc%23d%20e%25%C3%A9"
    for body in (b"", b"ok", b"{}"):
        vendor.answers = [reply(200, body)]
        await kkiai.cancel(task("a/b", IMAGE))
        assert (vendor.last.method, vendor.last.target) == ("POST", "/stop/a%2Fb/now")
        assert vendor.last.json == {"id": "a/b"}
        assert vendor.last.headers["authorization"] == f"Bearer {KEY}"


async def test_all_paths_that_are_set_are_tried_in_turn(vendor: Vendor, session: aiohttp.ClientSession) -> None:
    account = replace(ACCOUNT, base_urls=(vendor.url,), query_paths=("/a/{id}", "/b/{id}", "/c/{id}"))
    kkiai = Kkiai(account, session, lambda: 0.0)
    for nothing in (reply(404, b"<html>"), reply(404, {"message": "?"}), reply(200, {}), reply(200, b"<html>")):
        vendor.requests.clear()
        vendor.answers = [nothing, nothing, reply(200, {"state": "processing"})]
        assert (await kkiai.query(task(ID, IMAGE))).progress is Progress.RUNNING
        assert [request.target for request in vendor.requests] == [f"/a/{ID}", f"/b/{ID}", f"/c/{ID}"]
    vendor.answers = [reply(400, {"error": {"code": "task_not_found"}})]
    with pytest.raises(ProviderError) as caught:
        await kkiai.query(task(ID, IMAGE))
    assert caught.value.reason is Reason.NOT_FOUND
    vendor.requests.clear()
    vendor.answers = [reply(503, {})]
    with pytest.raises(ProviderError) as caught:
        await kkiai.query(task(ID, IMAGE))
    assert (caught.value.http, len(vendor.requests)) == (503, 1)


async def test_a_path_to_ask_at_is_none_to_stop_at(vendor: Vendor, session: aiohttp.ClientSession) -> None:
    kkiai = Kkiai(replace(ACCOUNT, base_urls=(vendor.url,), query_paths=("/q/{id}",)), session, lambda: 0.0)
    assert not kkiai.can_cancel(IMAGE)
    with pytest.raises(ProviderError) as caught:
        await kkiai.cancel(task(ID, IMAGE))
    assert caught.value.kind is ErrorKind.REJECTED
    assert vendor.connections == 0


async def test_a_404_in_json_says_that_there_is_no_such_task(kkiai: Kkiai, vendor: Vendor) -> None:
    vendor.answers = [reply(404, {"message": "?"})]
    with pytest.raises(ProviderError) as caught:
        await kkiai.query(task(ID, IMAGE))
    assert (caught.value.kind, caught.value.reason) == (ErrorKind.REJECTED, Reason.NOT_FOUND)


DATE, WHEN = b"Tue, 06 May 2025 12:09:42 GMT", 1746533382.0


def signed(key: str, path: str = "/cb") -> Callback:
    message = f"POST\n{path}\n\nvidu\n".encode() + DATE + b"\nDate:" + DATE + b"\nx-request-nonce:n1\n"
    headers = [
        (b"Date", DATE),
        (b"x-request-nonce", b"n1"),
        (b"X-HMAC-SIGNED-HEADERS", b"Date;x-request-nonce"),
        (b"X-HMAC-SIGNATURE", base64.b64encode(hmac.digest(key.encode(), message, "sha256"))),
        (b"X-HMAC-ALGORITHM", b"hmac-sha256"),
        (b"X-HMAC-ACCESS-KEY", b"vidu"),
    ]
    return Callback("/cb", headers, raw("kkiai/query_success.json"))


def test_a_callback_rings_whatever_signature_it_brings_and_is_named_by_body_and_address(kkiai: Kkiai) -> None:
    stranger = kkiai.verify(signed("the-resellers-own-key"), 0.0)
    assert stranger.trust is Trust.DOORBELL
    assert kkiai.verify(replace(signed(KEY), headers=[]), WHEN) == stranger
    assert kkiai.verify(replace(signed(KEY), path="/cb2"), WHEN) != stranger
    assert kkiai.verify(replace(signed(KEY), body=b"{}"), WHEN) != stranger


async def test_where_vidus_signature_is_demanded_only_our_keys_ring(session: aiohttp.ClientSession) -> None:
    account = replace(ACCOUNT, api_keys=("new-key", KEY), callback_signature="vidu")
    kkiai = Kkiai(account, session, lambda: 0.0)
    for refused in (replace(signed(KEY), headers=[]), signed("the-resellers-own-key"), signed(KEY, "/other")):
        with pytest.raises(NotAuthentic):
            kkiai.verify(refused, WHEN)
    for key in ("new-key", KEY):
        verified = kkiai.verify(signed(key), WHEN)
        assert (verified.trust, verified.delivery_id) == (Trust.DOORBELL, "n1")


def test_a_recommended_prompt_costs_ten_more_and_not_twenty(kkiai: Kkiai) -> None:
    plain = kkiai.fill(asked())
    assert kkiai.price(plain) == 80
    assert kkiai.price(replace(plain, extras={"is_rec": True})) == 90
