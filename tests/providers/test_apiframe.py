"""Apiframe (docs.apiframe.ai, "Kling: Imagine", "Webhooks", "Fetch", read 2026-11): fields, answers and callbacks."""

import json
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from providers.apiframe import Apiframe
from providers.contract import (
    Callback,
    ErrorKind,
    NotAuthentic,
    NotUnderstood,
    Progress,
    ProviderError,
    Reason,
    Status,
    Trust,
)
from providers.orders import Operation, Order, Role, Rule
from tests.providers.lab import Vendor, raw, reply, sample
from tests.providers.orders import ACCOUNT, CALLBACK, HTTPS, KEY, order, picture, submission, task

TEXT, IMAGE, FRAMES = Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO, Operation.START_END_TO_VIDEO
EVERY = (TEXT, IMAGE, FRAMES)
VIDEO = "https://files.example/904.mp4"
ID = "0b6c1f3e-5c58-4f7e-9a51-6a1d3a0c9e27"
SECRET = "this-jobs-own-secret"
RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "21:9")
EXTRAS = {"negative_prompt": "rain", "cfg_scale": 0.25}
CHOSEN: dict[str, Any] = {"model": "kling-v1-5", "duration": 10, "resolution": "1080p", "extras": EXTRAS}
BARE: dict[str, Any] = {"prompt": "a lighthouse in fog", "webhook_url": CALLBACK}
WHOLE = BARE | EXTRAS | {"mode": "pro", "model": "kling-v1-5", "duration": 10, "webhook_secret": SECRET}


@pytest.fixture
async def apiframe(vendor: Vendor, session: aiohttp.ClientSession) -> Apiframe:
    vendor.answers = [reply(200, sample("apiframe/submit.json"))]
    return Apiframe(replace(ACCOUNT, base_urls=(vendor.url,)), session, lambda: 0.0)


def text(body: dict[str, Any]) -> str:
    """Write a body so that 10, 10.0 and "10" differ, which Python's equality does not see."""
    return json.dumps(body, sort_keys=True, indent=1)


async def sent(apiframe: Apiframe, vendor: Vendor, wanted: Order, secret: str = SECRET) -> str:
    """Submit an order that nothing is wrong with and return the body as it arrived."""
    filled = apiframe.fill(wanted)
    assert apiframe.problems(filled) == []
    await apiframe.submit(replace(submission(filled), callback_secret=secret))
    return text(vendor.last.json)


async def refused(apiframe: Apiframe, *, asking: bool = False) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await (apiframe.query(task(ID)) if asking else apiframe.submit(submission(apiframe.fill(order()))))
    return caught.value


async def queried(apiframe: Apiframe, vendor: Vendor, **fields: Any) -> Status:
    vendor.answers = [reply(200, {"task_id": ID, "task_type": "kling-video", **fields})]
    return await apiframe.query(task(ID))


def wrong(apiframe: Apiframe, wanted: Order) -> list[tuple[str, Rule]]:
    return [(problem.field, problem.rule) for problem in apiframe.problems(apiframe.fill(wanted))]


async def test_a_text_goes_with_every_field_its_page_lists(apiframe: Apiframe, vendor: Vendor) -> None:
    body = await sent(apiframe, vendor, order(TEXT, aspect_ratio="21:9", **CHOSEN))
    assert body == text({**WHOLE, "generation_type": "text2video", "aspect_ratio": "21:9"})
    assert (vendor.last.method, vendor.last.target) == ("POST", "/kling-imagine")
    assert vendor.last.headers["content-type"] == "application/json"


async def test_pictures_go_with_every_field_the_page_lists(apiframe: Apiframe, vendor: Vendor) -> None:
    expected = {**WHOLE, "generation_type": "image2video", "image_url": HTTPS}
    assert await sent(apiframe, vendor, order(IMAGE, **CHOSEN)) == text(expected)
    frames = (picture(Role.LAST_FRAME, url=HTTPS + "?last"), picture())
    body = await sent(apiframe, vendor, order(FRAMES, **{**CHOSEN, "pictures": frames}))
    assert body == text({**expected, "end_image_url": HTTPS + "?last"})


async def test_what_nobody_asked_for_is_not_sent(apiframe: Apiframe, vendor: Vendor) -> None:
    bare = {**BARE, "generation_type": "text2video"}
    defaults = {"mode": "std", "aspect_ratio": "16:9", "model": "kling-v1-6", "duration": 5}
    assert await sent(apiframe, vendor, order(), secret="") == text(bare | defaults)
    await apiframe.submit(submission(order()))  # not filled
    assert text(vendor.last.json) == text(bare)


async def test_only_the_newest_key_calls_and_it_goes_alone(vendor: Vendor, session: aiohttp.ClientSession) -> None:
    vendor.answers = [reply(200, sample("apiframe/fetch_processing.json"))]
    account = replace(ACCOUNT, api_keys=(KEY, "older-key"), base_urls=(vendor.url,))
    await Apiframe(account, session, lambda: 0.0).query(task(ID))
    assert vendor.last.headers["authorization"] == KEY


@pytest.mark.parametrize("missing", [Role.FIRST_FRAME, Role.LAST_FRAME])
async def test_each_picture_needs_an_address(apiframe: Apiframe, vendor: Vendor, missing: Role) -> None:
    pictures = tuple(replace(one, url=None) if one.role is missing else one for one in order(FRAMES).pictures)
    filled = apiframe.fill(order(FRAMES, pictures=pictures))
    assert wrong(apiframe, filled) == [(missing, Rule.NEEDS_PUBLIC_URL)]
    with pytest.raises(ProviderError) as caught:
        await apiframe.submit(submission(filled))
    assert (caught.value.kind, caught.value.reason) == (ErrorKind.NOT_SENT, Reason.BAD_ORDER)
    assert vendor.connections == 0


@pytest.mark.parametrize("operation", EVERY)
async def test_1080p_chooses_its_one_model(apiframe: Apiframe, vendor: Vendor, operation: Operation) -> None:
    await sent(apiframe, vendor, order(operation, resolution="1080p"))
    assert (vendor.last.json["model"], vendor.last.json["mode"]) == ("kling-v1-5", "pro")
    await sent(apiframe, vendor, order(operation, model="kling-v1-5"))
    assert vendor.last.json["mode"] == "std"


@pytest.mark.parametrize("operation", EVERY)
def test_the_other_documented_models_make_no_1080p(apiframe: Apiframe, operation: Operation) -> None:
    rows = {model.name: (model.durations, model.resolutions) for model in apiframe.models(operation)}
    plain, both = ((5, 10), ("720p",)), ((5, 10), ("720p", "1080p"))
    assert rows == {"kling-v1-6": plain, "kling-v1-5": both, "kling-v1": plain}
    for model in ("kling-v1-6", "kling-v1"):
        [problem] = apiframe.problems(apiframe.fill(order(operation, model=model, resolution="1080p")))
        assert (problem.field, problem.rule, problem.given) == ("resolution", Rule.ONE_OF, "1080p")
        assert (problem.allowed, problem.nearest) == (("720p",), "720p")


@pytest.mark.parametrize("operation", EVERY)
def test_a_prompt_is_always_needed_and_ends_at_2500_characters(apiframe: Apiframe, operation: Operation) -> None:
    assert wrong(apiframe, order(operation, prompt=" ")) == [("prompt", Rule.REQUIRED)]
    assert wrong(apiframe, order(operation, prompt="é" * 2500)) == []
    [problem] = apiframe.problems(apiframe.fill(order(operation, prompt="é" * 2501)))
    assert (problem.rule, problem.given, problem.limit) == (Rule.TOO_LONG, "2501", 2500)


def test_a_shape_is_for_text_alone(apiframe: Apiframe) -> None:
    [problem] = apiframe.problems(apiframe.fill(order(aspect_ratio="2:1")))
    assert (problem.rule, problem.allowed, problem.nearest) == (Rule.ONE_OF, RATIOS, "16:9")
    for operation in (IMAGE, FRAMES):
        assert wrong(apiframe, order(operation, aspect_ratio="16:9")) == [("aspect_ratio", Rule.NOT_OFFERED)]


def test_what_its_page_does_not_know_is_not_offered(apiframe: Apiframe) -> None:
    unknown: dict[str, Any] = {"seed": 7, "audio": True, "strokes": (((0, 0), (1, 1)),)}
    for field, value in unknown.items():
        assert wrong(apiframe, order(IMAGE, **{field: value})) == [(field, Rule.NOT_OFFERED)]


def test_pictures_are_what_kling_takes(apiframe: Apiframe) -> None:
    jpeg, largest = picture(mime="image/jpeg", width=300, height=300), picture(data=bytes(10_000_000))
    webp, thin, larger = picture(mime="image/webp"), picture(width=299), picture(data=bytes(10_000_001))
    rules = {webp: Rule.FILE_FORMAT, thin: Rule.FILE_PIXELS, larger: Rule.FILE_BYTES}
    for one in (jpeg, largest, *rules):
        expected = [("first_frame", rules[one])] if one in rules else []
        assert wrong(apiframe, order(IMAGE, pictures=(one,))) == expected


@pytest.mark.parametrize("operation", EVERY)
async def test_a_task_is_fetched_with_its_id_alone(apiframe: Apiframe, vendor: Vendor, operation: Operation) -> None:
    vendor.answers = [reply(200, sample("apiframe/fetch_processing.json"))]
    status = await apiframe.query(task(ID, operation))
    assert (vendor.last.method, vendor.last.target) == ("POST", "/fetch")
    assert text(vendor.last.json) == text({"task_id": ID})
    assert status == Status(ID, Progress.RUNNING, "processing")


WORDS = {
    Progress.WAITING: ("pending", "queued", "staged", "starting"),
    Progress.RUNNING: ("processing", "retry", "something-new", "cancelled"),
    Progress.SUCCEEDED: ("finished", "Finished", "completed", "success"),
    Progress.FAILED: ("failed", "FAILED", "error"),
}


@pytest.mark.parametrize(("progress", "word"), [(progress, word) for progress in WORDS for word in WORDS[progress]])
async def test_each_word_means_one_thing(apiframe: Apiframe, vendor: Vendor, progress: Progress, word: str) -> None:
    status = await queried(apiframe, vendor, status=word, video_url=VIDEO)
    assert (status.progress, status.word) == (progress, word)
    assert [output.url for output in status.outputs] == ([VIDEO] if progress is Progress.SUCCEEDED else [])
    assert status.reason is (Reason.VENDOR if progress is Progress.FAILED else None)


NO_LINKS = (None, "", "javascript:alert(1)", "files.example/904.mp4", 904, [HTTPS], {"url": HTTPS})


@pytest.mark.parametrize("link", NO_LINKS)
async def test_finished_without_a_usable_video_is_a_failure(apiframe: Apiframe, vendor: Vendor, link: object) -> None:
    status = await queried(apiframe, vendor, status="finished", percentage=100, video_url=link)
    assert (status.progress, status.reason, status.outputs) == (Progress.FAILED, Reason.VENDOR, ())
    assert status.detail == "finished without a video"


@pytest.mark.parametrize(
    ("said", "reason", "detail"),
    [
        ({}, Reason.VENDOR, ""),
        ({"error": "worker lost"}, Reason.VENDOR, "worker lost"),
        ({"message": "see https://x.example/1?key=2"}, Reason.VENDOR, "see <address>"),
        ({"errors": [{"msg": "one"}, 7, {"msg": "two"}]}, Reason.VENDOR, "one two"),
        ({"error": "Failure to pass the Risk control"}, Reason.CONTENT, "Failure to pass the Risk control"),
        ({"errors": [{"msg": "against our policy"}]}, Reason.CONTENT, "against our policy"),
        ({"error": "prohibited"}, Reason.CONTENT, "prohibited"),
        ({"errors": {"msg": "no list"}, "error": ["no text"]}, Reason.VENDOR, ""),
    ],
)
async def test_a_failed_task_tells_why_where_it_can(
    apiframe: Apiframe, vendor: Vendor, said: dict[str, Any], reason: Reason, detail: str
) -> None:
    status = await queried(apiframe, vendor, status="failed", **said)
    assert (status.progress, status.reason, status.detail) == (Progress.FAILED, reason, detail)


async def test_an_answer_without_a_status_leaves_it_open(apiframe: Apiframe, vendor: Vendor) -> None:
    vendor.answers = [reply(200, {"task_id": ID, "errors": [{"msg": "try later"}]})]
    error = await refused(apiframe, asking=True)
    assert (error.kind, error.reason) == (ErrorKind.UNKNOWN, Reason.VENDOR)
    assert error.detail == "an answer with no status try later"


@pytest.mark.parametrize(
    ("http", "body", "kind", "reason", "said"),
    [
        (400, sample("apiframe/refused.json"), ErrorKind.REJECTED, Reason.BAD_ORDER, " Invalid value"),
        (400, {"errors": [{"msg": "Out of credits"}]}, ErrorKind.REJECTED, Reason.CREDIT, " Out of credits"),
        (403, {"message": "Insufficient CREDIT"}, ErrorKind.REJECTED, Reason.CREDIT, " Insufficient CREDIT"),
        (400, {"errors": [{"msg": "Task not found"}]}, ErrorKind.REJECTED, Reason.NOT_FOUND, " Task not found"),
        (404, {"error": "task 7 not found"}, ErrorKind.REJECTED, Reason.NOT_FOUND, " task 7 not found"),
        (404, {}, ErrorKind.REJECTED, Reason.ACCESS, ""),
        (404, {"message": "Not Found"}, ErrorKind.REJECTED, Reason.ACCESS, " Not Found"),
        (401, {}, ErrorKind.REJECTED, Reason.ACCESS, ""),
        (429, {}, ErrorKind.THROTTLED, Reason.BUSY, ""),
        (500, {}, ErrorKind.UNKNOWN, Reason.VENDOR, ""),
        (500, {"message": "credit: task not found"}, ErrorKind.UNKNOWN, Reason.VENDOR, " credit: task not found"),
    ],
)
async def test_a_refusal_is_read_by_its_status_and_its_text(
    apiframe: Apiframe, vendor: Vendor, http: int, body: object, kind: ErrorKind, reason: Reason, said: str
) -> None:
    vendor.answers = [reply(http, body)]
    for asking in (False, True):
        error = await refused(apiframe, asking=asking)
        assert (error.kind, error.reason, error.http) == (kind, reason, http)
        assert error.detail == f"HTTP {http}{said}"


def ring(values: list[bytes], secrets: tuple[str, ...], name: bytes = b"x-webhook-secret") -> Callback:
    headers = [(b"host", b"bot.example"), *((name, value) for value in values)]
    return Callback("/callbacks/apiframe/t0k3n", headers, b"{}", lambda: secrets)


def test_the_jobs_own_secret_makes_a_doorbell(apiframe: Apiframe) -> None:
    for name in (b"x-webhook-secret", b"X-Webhook-Secret"):
        rung = ring([SECRET.encode()], ("newer-secret", SECRET), name)
        verified = apiframe.verify(rung, 0.0)
        assert verified.trust is Trust.DOORBELL
        assert apiframe.verify(rung, 1e9) == verified
        assert apiframe.verify(replace(rung, body=b'{"percentage": 41}'), 0.0) != verified


def test_any_other_secret_is_not_authentic(apiframe: Apiframe) -> None:
    right, other = SECRET.encode(), b"another-jobs-secret"
    unlike = ([b""], [right[:-1]], [right + b"\xff"], [other], [right, right], [right, other])
    rings = [ring(values, (SECRET,)) for values in unlike]
    rings += [ring([], (SECRET,)), ring([right], (SECRET,), b"authorization"), ring([right], ()), ring([b""], ("",))]
    for rung in rings:
        with pytest.raises(NotAuthentic):
            apiframe.verify(rung, 0.0)


def test_a_callback_reads_like_an_answer(apiframe: Apiframe) -> None:
    running = apiframe.read_callback(raw("apiframe/fetch_processing.json"))
    assert running == Status(ID, Progress.RUNNING, "processing")
    done = apiframe.read_callback(raw("apiframe/fetch_finished.json"))
    assert (done.task_id, done.progress, done.echo, done.credits) == (ID, Progress.SUCCEEDED, None, None)
    assert [output.url for output in done.outputs] == ["https://files.example/kling/904.mp4"]


def test_a_body_that_is_no_task_is_not_understood(apiframe: Apiframe) -> None:
    recorded = [raw("apiframe/submit.json"), raw("apiframe/refused.json")]
    strange = [b'{"task_id": "../1", "status": "finished"}', b'{"task_id": "1", "status": ["finished"]}']
    for body in (b"", b"\xff\xfe", b'[{"task_id": "1", "status": "failed"}]', b'{"a":' * 20_000, *recorded, *strange):
        with pytest.raises(NotUnderstood):
            apiframe.read_callback(body)


async def test_nothing_is_stopped_or_looked_for(apiframe: Apiframe, vendor: Vendor) -> None:
    for operation in EVERY:
        assert not apiframe.can_cancel(operation)
        for call, kind in (
            (apiframe.cancel(task(ID, operation)), ErrorKind.REJECTED),
            (apiframe.find(task("", operation), 0.0), ErrorKind.NOT_SENT),
        ):
            with pytest.raises(ProviderError) as caught:
                await call
            assert (caught.value.kind, caught.value.reason) == (kind, Reason.VENDOR)
    assert vendor.connections == 0


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"errors": [{"msg": "prompt: the title credits are too long"}]}, Reason.BAD_ORDER),
        ({"errors": [{"msg": "Insufficient credits"}]}, Reason.CREDIT),
        ({"errors": [{"msg": "You have no credits left"}]}, Reason.CREDIT),
    ],
)
async def test_the_word_credits_alone_is_no_empty_account(
    apiframe: Apiframe, vendor: Vendor, said: dict[str, Any], reason: Reason
) -> None:
    vendor.answers = [reply(400, said)]
    with pytest.raises(ProviderError) as refused:
        await apiframe.query(task(ID))
    assert refused.value.reason is reason


def test_a_fault_in_an_object_is_read_and_an_asterisk_is_no_risk(apiframe: Apiframe) -> None:
    for error, reason in (({"message": "nsfw"}, Reason.CONTENT), ("an asterisk", Reason.VENDOR)):
        status = apiframe.read_callback(json.dumps({"task_id": ID, "status": "failed", "error": error}).encode())
        assert (status.reason, bool(status.detail)) == (reason, True)


async def test_a_size_of_tomorrow_goes_out_as_it_was_typed(apiframe: Apiframe, vendor: Vendor) -> None:
    wanted = apiframe.fill(order(model="kling-v9", resolution="4K"))
    assert apiframe.problems(wanted) == []
    await apiframe.submit(submission(wanted))
    assert vendor.last.json["mode"] == "4k"
