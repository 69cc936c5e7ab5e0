"""What every vendor's adapter must hold, whatever the vendor: how it asks, and what it makes of an answer."""

import contextlib
import functools
import json
import traceback
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import registry
from providers.contract import (
    Callback,
    ErrorKind,
    NotAuthentic,
    NotUnderstood,
    Progress,
    Provider,
    ProviderError,
    Reason,
    Status,
)
from providers.orders import Operation, Rule
from tests.providers.lab import Vendor, reply, sample
from tests.providers.orders import CALLBACK, KEY, order, picture, submission, task

# By vendor: an accepted submission, a finished task and its id.
RECORDED = {
    "futurelabs": ("futurelabs/submit_text2video.json", "futurelabs/query_success.json", "916198978159124480"),
    "vidu": ("vidu/submit.json", "vidu/query_success_full.json", "801234567890123456"),
    "kkiai": ("kkiai/submit.json", "kkiai/query_success.json", "801234567890123456"),
    "powertokens": ("powertokens/submit.json", "powertokens/query_success.json", "801234567890123456"),
    "apiframe": ("apiframe/submit.json", "apiframe/fetch_finished.json", None),
    "kling": ("kling/submit.json", "kling/query_succeed.json", "881704293106061404"),
}
# By vendor: where a task's state stands in its answer, and what else it calls otherwise than most.
STATE = {**dict.fromkeys(registry.NAMES, ("state",)), "kling": ("data", "task_status"), "apiframe": ("status",)}
CALLBACK_FIELD = {"apiframe": "webhook_url"}
ASKED_BY = {"apiframe": "POST"}
SAYS_NO_CREDITS = {"apiframe"}


def recorded(provider: Provider) -> tuple[dict[str, Any], dict[str, Any], str]:
    accepted, finished, task_id = RECORDED[provider.name]
    return sample(accepted), sample(finished), task_id or sample(accepted)["task_id"]


def simplest(provider: Provider) -> Operation:
    """Choose the operation that most vendors have in common."""
    return Operation.IMAGE_TO_VIDEO if Operation.IMAGE_TO_VIDEO in provider.operations() else provider.operations()[0]


def calls(provider: Provider) -> list[Callable[[], Coroutine[Any, Any, object]]]:
    made: list[Callable[[], Coroutine[Any, Any, object]]] = [
        lambda: provider.submit(submission(provider.fill(order(simplest(provider))))),
        lambda: provider.query(task()),
    ]
    if provider.can_cancel(simplest(provider)):
        made.append(lambda: provider.cancel(task()))
    if provider.can_find:
        made.append(lambda: provider.find(task(""), 0.0))
    return made


async def failure(call: Callable[[], Coroutine[Any, Any, object]]) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await call()
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert KEY not in told
    assert CALLBACK not in told
    return caught.value


async def test_a_submission_is_accepted_under_the_vendors_id_and_says_where_to_call_back(
    provider: Provider, vendor: Vendor
) -> None:
    accepted, _, task_id = recorded(provider)
    answer = {"code": 0, "data": {"task_id": task_id}} | accepted  # a reseller may speak both dialects
    vendor.answers = [reply(200, answer)]
    for operation in provider.operations():
        made = await provider.submit(submission(provider.fill(order(operation))))
        assert task_id in made.task_id.split(":")
        assert vendor.last.method == "POST"
        assert vendor.last.json[CALLBACK_FIELD.get(provider.name, "callback_url")] == CALLBACK
        assert KEY in vendor.last.headers["authorization"]


async def test_a_finished_task_has_its_results(provider: Provider, vendor: Vendor) -> None:
    _, finished, task_id = recorded(provider)
    vendor.answers = [reply(200, finished)]
    status = await provider.query(task(task_id, simplest(provider)))
    assert (status.task_id, status.progress) == (task_id, Progress.SUCCEEDED)
    assert [output.kind for output in status.outputs] == ["video"]
    assert status.outputs[0].url.startswith("https://")
    assert status.outputs[0].url not in repr(status)
    assert (status.credits is None) == (provider.name in SAYS_NO_CREDITS)
    assert vendor.last.method == ASKED_BY.get(provider.name, "GET")
    assert task_id in vendor.last.target + vendor.last.body.decode()


def finished_as(provider: Provider, word: object) -> dict[str, Any]:
    payload = recorded(provider)[1]
    inner = payload
    *outer, name = STATE[provider.name]
    for key in outer:
        inner = inner[key]
    inner[name] = word
    return payload


@pytest.mark.parametrize("word", ["paused", "SUCCESSFUL", "scheduled", "статус", "cancelled"])
async def test_a_word_nobody_told_us_means_still_running(provider: Provider, vendor: Vendor, word: str) -> None:
    if (provider.name, word) == ("powertokens", "cancelled"):  # one of its OpenAI-like words
        return
    vendor.answers = [reply(200, finished_as(provider, word))]
    status = await provider.query(task())
    assert (status.progress, status.word, status.outputs) == (Progress.RUNNING, word, ())


@pytest.mark.parametrize("word", [None, "", 5, [], {}])
async def test_an_answer_without_a_state_leaves_it_open(provider: Provider, vendor: Vendor, word: object) -> None:
    vendor.answers = [reply(200, finished_as(provider, word))]
    assert (await failure(lambda: provider.query(task()))).kind is ErrorKind.UNKNOWN
    with pytest.raises(NotUnderstood):
        provider.read_callback(json.dumps(finished_as(provider, word)).encode())


@pytest.mark.parametrize("body", [b"", b"<html></html>", b"[]", b"{}", b'{"task_id": null}', b'{"task_id": ".."}'])
async def test_a_submission_answered_without_an_id_is_of_unknown_outcome(
    provider: Provider, vendor: Vendor, body: bytes
) -> None:
    vendor.answers = [reply(200, body)]
    assert (await failure(calls(provider)[0])).kind is ErrorKind.UNKNOWN


@pytest.mark.parametrize("body", [b"", b"<html></html>", b"[]", b"{}", b'{"code": 5000}'])
async def test_after_a_5xx_everything_is_open(provider: Provider, vendor: Vendor, body: bytes) -> None:
    for status in (500, 502, 503, 504):
        vendor.answers = [reply(status, body)]
        for call in calls(provider):
            error = await failure(call)
            assert (error.kind, error.reason) == (ErrorKind.UNKNOWN, Reason.VENDOR)


async def test_a_refused_key_is_for_the_admin(provider: Provider, vendor: Vendor) -> None:
    for status in (401, 403):
        vendor.answers = [reply(status, {"message": f"bad key {KEY} for {CALLBACK}"})]
        for call in calls(provider):
            error = await failure(call)
            assert (error.kind, error.reason) == (ErrorKind.REJECTED, Reason.ACCESS)


async def test_throttling_says_when_to_come_back(provider: Provider, vendor: Vendor) -> None:
    vendor.answers = [reply(429, {"message": "slow down"}, {"Retry-After": "12"})]
    for call in calls(provider):
        error = await failure(call)
        assert (error.kind, error.reason, error.retry_after) == (ErrorKind.THROTTLED, Reason.BUSY, 12.0)


async def test_a_page_that_is_no_answer_of_the_vendors_never_says_that_a_task_is_unknown(
    provider: Provider, vendor: Vendor
) -> None:
    vendor.answers = [reply(404, b"<html>no such page</html>")]
    for call in calls(provider):
        assert (await failure(call)).reason is Reason.ACCESS


async def test_a_404_to_a_submission_speaks_of_the_address_for_there_is_no_task_yet(
    provider: Provider, vendor: Vendor
) -> None:
    bodies = [{"message": "?"}, {"error": {"message": "Invalid URL"}}]
    bodies += [{"code": 404, "reason": "NotFound", "message": "?"}] * (provider.name not in ("kling", "apiframe"))
    for body in bodies:
        vendor.answers = [reply(404, body)]
        for operation in provider.operations():
            changes_a_task = operation in (Operation.EDIT_SHOT, Operation.COMPOSE_SHOTS)
            made = submission(provider.fill(order(operation)))
            error = await failure(functools.partial(provider.submit, made))
            expected = Reason.NOT_FOUND if changes_a_task else Reason.ACCESS
            assert (error.kind, error.reason) == (ErrorKind.REJECTED, expected)


async def test_what_a_vendor_cannot_do_is_refused_without_a_call(provider: Provider, vendor: Vendor) -> None:
    if not provider.can_cancel(simplest(provider)):
        await failure(lambda: provider.cancel(task()))
    if not provider.can_find:
        await failure(lambda: provider.find(task(), 0.0))
    assert vendor.connections == 0


async def test_a_picture_with_no_address_is_sent_as_bytes_or_not_at_all(provider: Provider, vendor: Vendor) -> None:
    vendor.answers = [reply(200, recorded(provider)[0])]
    bare = provider.fill(order(Operation.IMAGE_TO_VIDEO, pictures=(picture(url=None),)))
    if provider.name not in {"futurelabs", "apiframe"}:
        assert provider.problems(bare) == []
        await provider.submit(submission(bare))
        assert b"iVBORw0KGgo" in vendor.last.body or b"iVBORyBvbmU" in vendor.last.body
    else:
        assert [problem.rule for problem in provider.problems(bare)] == [Rule.NEEDS_PUBLIC_URL]
        assert (await failure(lambda: provider.submit(submission(bare)))).kind is ErrorKind.NOT_SENT
        assert vendor.connections == 0


WORDS = st.sampled_from(
    ["id", "task_id", "state", "status", "task_status", "data", "creations", "url", "credits", "err_code", "payload"]
) | st.sampled_from(
    ["task_result", "videos", "outputs", "billing", "charge_type", "amount", "final_unit_deduction", "task_info"]
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["1", "success", "succeed", "failed", "unit", "https://x.example/v.mp4", "9e999", "1e-999999"])
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=6), max_leaves=15
)


@given(body=st.binary(max_size=60) | st.dictionaries(WORDS, VALUES, max_size=8).map(json.dumps))
def test_any_body_is_read_or_not_understood(provider: Provider, body: bytes | str) -> None:
    raw = body.encode() if isinstance(body, str) else body
    with contextlib.suppress(NotUnderstood):
        status = provider.read_callback(raw)
        assert isinstance(status, Status)
        assert (status.reason is not None) == (status.progress is Progress.FAILED)
        assert bool(status.outputs) == (status.progress is Progress.SUCCEEDED)
        assert status.credits is None or 0 <= status.credits <= 10**9
        assert len(status.detail) <= 300
        json.dumps(status.echo).encode()


@given(
    path=st.text(max_size=20),
    headers=st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=40)), max_size=8),
    body=st.binary(max_size=40),
    now=st.floats(),
)
def test_any_callback_is_authentic_or_not(
    provider: Provider, path: str, headers: list[tuple[bytes, bytes]], body: bytes, now: float
) -> None:
    with contextlib.suppress(NotAuthentic):
        verified = provider.verify(Callback(path, headers, body), now)
        assert verified.delivery_id
        assert len(verified.delivery_id) <= 200
