"""powertokens (docs.powertokens.ai, "viduq3-pro, image to video", read 2026-11): fields, answers and three paths."""

import base64
import hmac
import json
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from providers.contract import Callback, ErrorKind, NotAuthentic, Progress, ProviderError, Reason, Status, Trust
from providers.orders import Operation, Order, Role, Rule
from providers.powertokens import Powertokens
from tests.providers.lab import Vendor, raw, reply, sample
from tests.providers.orders import ACCOUNT, CALLBACK, HTTPS, KEY, order, picture, submission, task

IMAGE = Operation.IMAGE_TO_VIDEO
ID = "801234567890123456"
VIDEO = "https://files.example/903.mp4"
GUESSED = [f"/vidu/ent/v2/tasks/{ID}/creations", f"/vidu/v1/videos/{ID}", f"/vidu/ent/v2/tasks/{ID}"]
BARE: dict[str, Any] = {
    "model": "viduq3-pro", "images": [HTTPS], "prompt": "a lighthouse in fog", "duration": 5, "resolution": "720p",
    "audio": True, "payload": "job-1", "callback_url": CALLBACK,
}  # fmt: skip
# Vidu's words and those of OpenAI-like answers.
WORDS = {
    "created": Progress.WAITING, "queueing": Progress.WAITING, "queued": Progress.WAITING,
    "processing": Progress.RUNNING, "running": Progress.RUNNING, "in_progress": Progress.RUNNING,
    "success": Progress.SUCCEEDED, "succeeded": Progress.SUCCEEDED, "completed": Progress.SUCCEEDED,
    "failed": Progress.FAILED, "expired": Progress.FAILED, "cancelled": Progress.CANCELLED,
    "nobody told us": Progress.RUNNING, "Completed": Progress.SUCCEEDED,
}  # fmt: skip


@pytest.fixture
async def shop(vendor: Vendor, session: aiohttp.ClientSession) -> Powertokens:
    vendor.answers = [reply(200, sample("powertokens/submit.json"))]
    return Powertokens(replace(ACCOUNT, base_urls=(vendor.url,)), session, lambda: 0.0)


def asked(model: str | None = "viduq3-pro", **changes: Any) -> Order:
    return order(IMAGE, model=model, **changes)


async def sent(shop: Powertokens, vendor: Vendor, wanted: Order) -> dict[str, Any]:
    """Submit an order that nothing is wrong with and return the body as it arrived."""
    filled = shop.fill(wanted)
    assert shop.problems(filled) == []
    await shop.submit(submission(filled))
    return vendor.last.json


def text(body: dict[str, Any]) -> str:
    """Write a body so that true, 1 and "1" differ, which Python's equality does not see."""
    return json.dumps(body, sort_keys=True, indent=1)


def wrong(shop: Powertokens, wanted: Order) -> list[tuple[str, Rule]]:
    return [(problem.field, problem.rule) for problem in shop.problems(shop.fill(wanted))]


async def queried(shop: Powertokens, vendor: Vendor, answer: object) -> Status:
    vendor.answers = [reply(200, answer)]
    return await shop.query(task(ID, IMAGE))


async def refusal(shop: Powertokens, vendor: Vendor, *answers: bytes) -> ProviderError:
    vendor.answers = list(answers)
    with pytest.raises(ProviderError) as caught:
        await shop.query(task(ID, IMAGE))
    return caught.value


@pytest.mark.parametrize(
    "changes", [{}, {"seed": 0}, {"seed": 2147483647}, {"audio": False}, {"duration": 16, "resolution": "540p"}]
)
@pytest.mark.parametrize("extras", [{}, {"off_peak": True}, {"off_peak": False}, {"is_rec": False}])
async def test_each_choice_adds_its_own_field_in_the_listed_kind(
    shop: Powertokens, vendor: Vendor, changes: dict[str, Any], extras: dict[str, Any]
) -> None:
    assert text(await sent(shop, vendor, asked(extras=extras, **changes))) == text(BARE | changes | extras)


async def test_a_recommended_prompt_goes_without_a_written_one(shop: Powertokens, vendor: Vendor) -> None:
    body = await sent(shop, vendor, asked(prompt="", extras={"is_rec": True}))
    assert text({**body, "prompt": BARE["prompt"]}) == text(BARE | {"is_rec": True})
    assert "prompt" not in body
    assert wrong(shop, asked(extras={"is_rec": True})) == [("prompt", Rule.NOT_TOGETHER)]


@pytest.mark.parametrize("kind", ["all", "speech_only", "sound_effect_only"])
async def test_what_q3_ignores_goes_with_a_model_nobody_knows(shop: Powertokens, vendor: Vendor, kind: str) -> None:
    extras = {"movement_amplitude": "large", "bgm": True, "audio_type": kind, "voice_id": "voice-7", "off_peak": False}
    chosen = {"duration": 7, "resolution": "720p", "audio": True, "seed": 7}
    body = await sent(shop, vendor, asked("viduq2-pro", **chosen, extras=extras))
    assert text(body) == text(BARE | {"model": "viduq2-pro"} | chosen | extras)
    for model in shop.models(IMAGE):
        refused = [(name, Rule.NOT_OFFERED) for name in ("movement_amplitude", "bgm", "audio_type", "voice_id")]
        assert wrong(shop, asked(model.name, extras=extras)) == refused
        [problem] = shop.problems(shop.fill(asked(model.name, extras={"bgm": True})))
        assert problem.given == model.name  # which is the reason


def test_every_choice_of_the_page_can_be_made_although_the_listed_models_ignore_some(shop: Powertokens) -> None:
    assert {extra.name: extra.models for extra in shop.extras(IMAGE)} == dict.fromkeys(
        ("movement_amplitude", "bgm", "audio_type", "voice_id", "is_rec", "off_peak"), ()
    )


def test_the_sound_effects_are_spelled_as_in_the_list_of_values_not_as_in_the_text(shop: Powertokens) -> None:
    chosen = asked("viduq2-pro", audio=True, extras={"audio_type": "sound-effect_only"})
    [problem] = shop.problems(shop.fill(chosen))
    assert (problem.field, problem.rule) == ("audio_type", Rule.ONE_OF)
    assert problem.allowed == ("all", "speech_only", "sound_effect_only")


async def test_what_the_page_does_not_list_is_never_sent(shop: Powertokens, vendor: Vendor) -> None:
    extras = {"style": "anime", "watermark": True, "wm_position": "top_left", "meta_data": "{}", "template_id": "t"}
    shown = (picture(), picture(Role.WATERMARK, url=HTTPS + "?mark"))
    strange = asked(aspect_ratio="9:16", pictures=shown, extras=extras)
    await shop.submit(submission(shop.fill(strange)))
    assert vendor.last.json == BARE
    refused = {field for field, rule in wrong(shop, strange) if rule is Rule.NOT_OFFERED}
    assert refused == {*extras, "aspect_ratio", "watermark"}


@pytest.mark.parametrize("model", ["viduq3-pro", "viduq3-turbo", "viduq3-pro-fast"])
async def test_models_only_mentioned_are_known_too(shop: Powertokens, vendor: Vendor, model: str) -> None:
    assert text(await sent(shop, vendor, asked(model))) == text(BARE | {"model": model})
    lengths = [length for length in range(18) if wrong(shop, asked(model, duration=length)) == []]
    assert lengths == list(range(1, 17))
    fits = [lines for lines in ("540p", "720p", "1080p") if wrong(shop, asked(model, resolution=lines)) == []]
    assert fits == ["540p", "720p", "1080p"][model == "viduq3-pro-fast" :]


async def test_the_listed_model_is_the_default_and_the_fast_one_has_no_540p(shop: Powertokens, vendor: Vendor) -> None:
    [problem] = shop.problems(shop.fill(asked("viduq3-pro-fast", resolution="540p")))
    assert (problem.field, problem.rule, problem.nearest) == ("resolution", Rule.ONE_OF, "720p")
    assert text(await sent(shop, vendor, asked(None))) == text(BARE)


async def test_a_prompt_may_be_left_out_and_ends_at_5000_characters(shop: Powertokens, vendor: Vendor) -> None:
    longest = "\N{GRINNING FACE}" * 5000
    assert (await sent(shop, vendor, asked(prompt=longest)))["prompt"] == longest
    assert "prompt" not in await sent(shop, vendor, asked(prompt=""))
    [problem] = shop.problems(shop.fill(asked(prompt="x" * 5001)))
    assert (problem.field, problem.rule, problem.given, problem.limit) == ("prompt", Rule.TOO_LONG, "5001", 5000)


@pytest.mark.parametrize("mime", ["image/png", "image/jpeg", "image/webp"])
async def test_a_picture_without_an_https_address_goes_as_base64_behind_its_kind(
    shop: Powertokens, vendor: Vendor, mime: str
) -> None:
    for url in (None, "http://pictures.example/one"):
        shown = (picture(mime=mime, data=b"\xff\xfb\x00", url=url),)
        assert (await sent(shop, vendor, asked(pictures=shown)))["images"] == [f"data:{mime};base64,//sA"]


@pytest.mark.parametrize("name", ["task_id", "id"])
@pytest.mark.parametrize(("said", "credits"), [(10, 10), ("15", 15), (None, None)])
async def test_an_acceptance_names_the_task_under_either_name_and_credits_as_number_or_text(
    shop: Powertokens, vendor: Vendor, name: str, said: object, credits: int | None
) -> None:
    vendor.answers = [reply(200, {name: ID, "state": "created", "credits": said})]
    accepted = await shop.submit(submission(shop.fill(asked())))
    assert (accepted.task_id, accepted.credits) == (ID, credits)
    assert (await queried(shop, vendor, {name: ID, "state": "created", "credits": said})).credits == credits


@pytest.mark.parametrize("field", ["state", "status"])
@pytest.mark.parametrize("word", WORDS)
async def test_the_words_of_both_dialects_are_known(shop: Powertokens, vendor: Vendor, field: str, word: str) -> None:
    answer = {"id": ID, field: word, "metadata": {"url": VIDEO}}
    for status in (await queried(shop, vendor, answer), shop.read_callback(json.dumps(answer).encode())):
        assert (status.task_id, status.progress, status.word) == (ID, WORDS[word], word)
        assert [output.url for output in status.outputs] == ([VIDEO] if status.progress is Progress.SUCCEEDED else [])


@pytest.mark.parametrize(
    "places",
    [
        {"metadata": {"url": VIDEO}},
        {"video_url": VIDEO},
        {"url": VIDEO},
        {"metadata": {"url": ""}, "url": VIDEO},
        {"creations": [], "metadata": {"url": VIDEO}},
        {"creations": [{"url": VIDEO}], "url": "https://files.example/not-this.mp4"},
    ],
)
async def test_a_video_is_found_in_either_dialect(shop: Powertokens, vendor: Vendor, places: dict[str, Any]) -> None:
    status = await queried(shop, vendor, {"id": ID, "status": "completed", **places})
    assert [(output.kind, output.url) for output in status.outputs] == [("video", VIDEO)]


@pytest.mark.parametrize("nowhere", [{}, {"metadata": None}, {"metadata": {"url": "file:///x"}}, {"url": 7}])
async def test_success_without_a_video_fails(shop: Powertokens, vendor: Vendor, nowhere: dict[str, Any]) -> None:
    status = await queried(shop, vendor, {"id": ID, "status": "completed", **nowhere})
    assert (status.progress, status.reason, status.outputs) == (Progress.FAILED, Reason.VENDOR, ())


@pytest.mark.parametrize(
    ("told", "reason", "detail"),
    [
        ({"error": {"code": "AuditSubmitIllegal", "message": "no"}}, Reason.CONTENT, "AuditSubmitIllegal no"),
        ({"error": {"code": 500, "message": "out of order"}}, Reason.VENDOR, "out of order"),
        ({"error": {"code": "x"}, "err_code": "CreditInsufficient"}, Reason.CREDIT, "CreditInsufficient"),
        ({"error": None}, Reason.VENDOR, ""),
    ],
)
async def test_the_error_object_tells_why_a_task_failed_where_vidus_code_does_not(
    shop: Powertokens, vendor: Vendor, told: dict[str, Any], reason: Reason, detail: str
) -> None:
    status = await queried(shop, vendor, {"id": ID, "status": "failed", **told})
    assert (status.progress, status.reason, status.detail) == (Progress.FAILED, reason, detail)


async def test_recorded_answers_and_times_of_3_6_or_9_digits_are_read(shop: Powertokens, vendor: Vendor) -> None:
    for name, credits, echo in (("query_success", 15, "job-1"), ("query_openai", None, None)):
        status = await queried(shop, vendor, sample(f"powertokens/{name}.json"))
        assert (status.task_id, status.progress, status.credits, status.echo) == (ID, Progress.SUCCEEDED, credits, echo)
        assert [output.url for output in status.outputs] == [VIDEO]
    for digits in ("968", "968916", "968916123"):
        answer = {"state": "created", "created_at": f"2025-01-01T15:41:31.{digits}Z"}
        moment = (await queried(shop, vendor, answer)).created_at
        assert moment == pytest.approx(1_735_746_091 + float(f".{digits}"), abs=1e-5)


HTML, JSON, KNOWN = reply(404, b"<html></html>"), reply(404, {"message": "?"}), reply(200, {"state": "processing"})
EMPTY = reply(200, {"message": "welcome", "data": []})
ABSENT = reply(400, {"code": "task_not_exist", "message": "task_not_exist", "data": None})


@pytest.mark.parametrize(
    "missing",
    [(), (HTML,), (JSON,), (HTML, JSON), (JSON, HTML), (EMPTY,), (ABSENT,), (EMPTY, ABSENT), (ABSENT, EMPTY)],
)
async def test_the_next_path_is_tried_while_nobody_knows_the_task(
    shop: Powertokens, vendor: Vendor, missing: tuple[bytes, ...]
) -> None:
    vendor.answers = [*missing, KNOWN]
    assert (await shop.query(task(ID, IMAGE))).task_id == ID
    assert [request.target for request in vendor.requests] == GUESSED[: len(missing) + 1]


@pytest.mark.parametrize("http", [400, 401, 403, 405, 410, 429, 500, 502])
async def test_any_other_refusal_stops_the_search_and_is_raised(shop: Powertokens, vendor: Vendor, http: int) -> None:
    assert (await refusal(shop, vendor, reply(http, {}), KNOWN)).http == http
    assert len(vendor.requests) == 1
    assert (await refusal(shop, vendor, HTML, reply(http, {}), KNOWN)).http == http
    assert [request.target for request in vendor.requests[1:]] == GUESSED[:2]
    assert (await refusal(shop, vendor, JSON, reply(http, {}), KNOWN)).http == http


async def test_a_web_page_in_the_place_of_an_answer_is_passed_over(shop: Powertokens, vendor: Vendor) -> None:
    page = reply(200, b"<html>welcome</html>")
    vendor.answers = [page, KNOWN]
    assert (await shop.query(task(ID, IMAGE))).task_id == ID
    assert (await refusal(shop, vendor, page, page, page)).kind is ErrorKind.UNKNOWN
    # Where one address shows a page and others know nothing, nobody has said that the task is not there.
    assert (await refusal(shop, vendor, page, JSON, HTML)).kind is ErrorKind.UNKNOWN


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        ({"error": "content blocked"}, "content blocked"),
        ({"error": {"message": ""}, "err_msg": "too dark"}, "too dark"),
        ({"error": {"code": "AuditSubmitIllegal", "message": "no"}, "err_msg": ""}, "no"),
    ],
)
def test_whatever_way_a_fault_is_told_it_reaches_the_log(shop: Powertokens, said: dict[str, Any], detail: str) -> None:
    body = json.dumps({"id": ID, "status": "failed", **said}).encode()
    assert detail in shop.read_callback(body).detail


def test_an_address_beside_an_empty_creation_counts(shop: Powertokens) -> None:
    said = {
        "id": ID,
        "state": "success",
        "creations": [{"url": ""}],
        "metadata": {"url": "https://files.example/1.mp4"},
    }
    assert [one.url for one in shop.read_callback(json.dumps(said).encode()).outputs] == ["https://files.example/1.mp4"]


async def test_a_stateless_answer_leaves_it_open_and_a_code_says_that_there_is_no_such_task(
    shop: Powertokens, vendor: Vendor
) -> None:
    for answers in ((EMPTY, HTML, JSON), (ABSENT, HTML, EMPTY), (EMPTY, EMPTY, EMPTY)):
        error = await refusal(shop, vendor, *answers)
        assert (error.kind, error.reason) == (ErrorKind.UNKNOWN, Reason.VENDOR)
    for answers in ((ABSENT, HTML, HTML), (HTML, HTML, ABSENT)):
        error = await refusal(shop, vendor, *answers)
        assert (error.kind, error.reason, error.http) == (ErrorKind.REJECTED, Reason.NOT_FOUND, 400)
    refused = reply(400, {"code": "invalid_request", "message": "?"})
    assert (await refusal(shop, vendor, refused)).reason is Reason.BAD_ORDER


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_where_all_are_404_the_vendors_own_word_counts(shop: Powertokens, vendor: Vendor, place: int) -> None:
    error = await refusal(shop, vendor, *(JSON if here == place else HTML for here in range(3)))
    assert (error.kind, error.reason) == (ErrorKind.REJECTED, Reason.NOT_FOUND)
    assert len(vendor.requests) == 3


async def test_paths_that_are_set_replace_the_guessed_ones_with_the_id_quoted(
    vendor: Vendor, session: aiohttp.ClientSession
) -> None:
    account = replace(ACCOUNT, base_urls=(vendor.url,), query_paths=("/a/{id}", "/b?of={id}"), cancel_path="/c/{id}/x")
    shop = Powertokens(account, session, lambda: 0.0)
    assert [operation for operation in Operation if shop.can_cancel(operation)] == [IMAGE]
    vendor.answers = [HTML, KNOWN, reply(200, b"ok")]
    await shop.query(task("a/b?c#d e%é", IMAGE))
    await shop.cancel(task("a/b", IMAGE))
    quoted = "a%2Fb%3Fc%23d%20e%25%C3%A9"
    assert [request.target for request in vendor.requests] == [f"/a/{quoted}", f"/b?of={quoted}", "/c/a%2Fb/x"]
    assert (vendor.last.method, vendor.last.json) == ("POST", {"id": "a/b"})


async def test_a_path_to_ask_at_is_none_to_stop_at(vendor: Vendor, session: aiohttp.ClientSession) -> None:
    shop = Powertokens(replace(ACCOUNT, base_urls=(vendor.url,), query_paths=("/q/{id}",)), session, lambda: 0.0)
    assert not shop.can_cancel(IMAGE)
    with pytest.raises(ProviderError) as caught:
        await shop.cancel(task(ID, IMAGE))
    assert (caught.value.kind, vendor.connections) == (ErrorKind.REJECTED, 0)


DATE, WHEN = b"Tue, 06 May 2025 12:09:42 GMT", 1746533382.0


def signed(key: str) -> Callback:
    message = b"POST\n/cb\n\nvidu\n" + DATE + b"\nDate:" + DATE + b"\nx-request-nonce:n1\n"
    headers = [
        (b"Date", DATE), (b"x-request-nonce", b"n1"), (b"X-HMAC-SIGNED-HEADERS", b"Date;x-request-nonce"),
        (b"X-HMAC-SIGNATURE", base64.b64encode(hmac.digest(key.encode(), message, "sha256"))),
        (b"X-HMAC-ALGORITHM", b"hmac-sha256"), (b"X-HMAC-ACCESS-KEY", b"vidu"),
    ]  # fmt: skip
    return Callback("/cb", headers, raw("powertokens/query_success.json"))


def test_a_callback_rings_whatever_signature_it_brings(shop: Powertokens) -> None:
    stranger = shop.verify(signed("the-resellers-own-key"), 0.0)
    assert stranger.trust is Trust.DOORBELL
    assert shop.verify(replace(signed(KEY), headers=[]), WHEN) == stranger
    assert shop.verify(replace(signed(KEY), path="/cb2"), WHEN) != stranger


async def test_where_vidus_signature_is_demanded_only_our_keys_ring(session: aiohttp.ClientSession) -> None:
    account = replace(ACCOUNT, api_keys=("new-key", KEY), callback_signature="vidu")
    shop = Powertokens(account, session, lambda: 0.0)
    for refused in (replace(signed(KEY), headers=[]), signed("the-resellers-own-key")):
        with pytest.raises(NotAuthentic):
            shop.verify(refused, WHEN)
    for key in ("new-key", KEY):
        verified = shop.verify(signed(key), WHEN)
        assert (verified.trust, verified.delivery_id) == (Trust.DOORBELL, "n1")
