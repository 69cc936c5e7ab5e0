"""What every vendor's adapter must hold, whatever the vendor."""

import contextlib
import functools
import json
import traceback
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from providers import registry
from providers.contract import (
    Account,
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
from providers.orders import Model, Operation, Order, Role, Rule
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
TAKES_NO_SEED = {"kling", "apiframe"}
# A template may choose its model itself, and a music video that is changed has one.
WITHOUT_MODELS = (Operation.TEMPLATE_TO_VIDEO, Operation.EDIT_SHOT, Operation.COMPOSE_SHOTS)
UNPRICED = (Operation.TEMPLATE_TO_VIDEO, Operation.MOTION_CONTROL, Operation.AVATAR)
PRICELESS = {"apiframe"}  # publishes nothing at all
FRAMES = (Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO, Operation.START_END_TO_VIDEO)


def cannot_be_silent(provider: Provider, operation: Operation, model: Model) -> bool:
    """Futurelabs' q3 models are switched under text to video alone."""
    switched = operation not in (*FRAMES[1:], Operation.REFERENCE_TO_VIDEO)
    return provider.name == "futurelabs" and model.name.startswith("viduq3") and not switched


def recorded(provider: Provider) -> tuple[dict[str, Any], dict[str, Any], str]:
    accepted, finished, task_id = RECORDED[provider.name]
    return sample(accepted), sample(finished), task_id or sample(accepted)["task_id"]


def simplest(provider: Provider) -> Operation:
    """Choose the operation that most vendors have in common."""
    return Operation.IMAGE_TO_VIDEO if Operation.IMAGE_TO_VIDEO in provider.operations() else provider.operations()[0]


@pytest.fixture(params=registry.NAMES)
async def provider(request: pytest.FixtureRequest, vendor: Vendor, session: aiohttp.ClientSession) -> Provider:
    account = Account(api_keys=(KEY,), base_urls=(vendor.url,))
    return registry.build({request.param: account}, session, lambda: 1_700_000_000.0)[request.param]


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


def test_it_has_a_name_for_addresses_and_a_title_for_people(provider: Provider) -> None:
    assert provider.name.isascii()
    assert provider.name.islower()
    assert provider.name.isalnum()
    assert registry.TITLES[provider.name] == provider.title
    assert KEY not in repr(provider)


def test_every_operation_has_models_whose_defaults_are_among_their_choices(provider: Provider) -> None:
    assert provider.operations()
    for operation in provider.operations():
        models = provider.models(operation)
        assert models or operation in WITHOUT_MODELS
        assert len({model.name for model in models}) == len(models)
        for model in models:
            assert model.default_duration in (model.durations or (None,))
            assert model.default_resolution in model.resolutions or (not model.resolutions)
            assert model.default_aspect_ratio is None or model.default_aspect_ratio in model.aspect_ratios
            assert model.audio or not model.default_audio


def test_an_order_with_nothing_chosen_is_filled_and_may_be_sent(provider: Provider) -> None:
    for operation in provider.operations():
        filled = provider.fill(order(operation))
        models = provider.models(operation)
        assert filled.model == (models[0].name if models else None)
        if operation is not Operation.TEMPLATE_TO_VIDEO:  # a template may be as long as it is
            assert (filled.duration is not None) == any(model.durations for model in models)
        assert provider.problems(filled) == []
        assert provider.fill(filled) == filled
        unpriced = operation in UNPRICED or provider.name in PRICELESS
        assert provider.price(filled) is not None or not models or unpriced


def test_every_choice_the_table_offers_may_be_sent_and_has_a_price_or_none(provider: Provider) -> None:
    for operation in provider.operations():
        for model in provider.models(operation):
            for duration in model.durations or (None,):
                for resolution in model.resolutions or (None,):
                    for ratio in model.aspect_ratios or (None,):
                        chosen = order(
                            operation, model=model.name, duration=duration, resolution=resolution, aspect_ratio=ratio
                        )
                        said = replace(chosen, audio=None if cannot_be_silent(provider, operation, model) else False)
                        assert provider.problems(provider.fill(said)) == []
                        price = provider.price(provider.fill(chosen))
                        assert price is None or 0 < price < 1000


def test_a_longer_or_larger_video_never_costs_less(provider: Provider) -> None:
    for operation in provider.operations():
        for model in provider.models(operation):
            for resolution in model.resolutions or (None,):
                chosen = [
                    order(operation, model=model.name, resolution=resolution, duration=duration)
                    for duration in sorted(model.durations) or [None]
                ]
                prices = [price for each in chosen if (price := provider.price(provider.fill(each))) is not None]
                assert prices == sorted(prices)


def test_what_the_member_said_is_never_replaced(provider: Provider) -> None:
    for operation in provider.operations():
        said = order(
            operation, model="x", duration=99, resolution="8K", aspect_ratio="7:3", seed=-1, audio=True, prompt="p"
        )
        assert provider.fill(said) == said
        for model in provider.models(operation):
            known = replace(said, model=model.name)
            assert provider.fill(known) == known


def test_a_model_the_table_does_not_know_passes_without_a_price(provider: Provider) -> None:
    for operation in filter(provider.models, provider.operations()):
        new = provider.fill(order(operation, model="vidu-kling-9", duration=42, resolution="8K", aspect_ratio="7:3"))
        assert provider.problems(new) == []
        assert provider.price(new) is None


def test_a_model_the_table_knows_for_another_operation_alone_is_refused_with_those_of_this_one(
    provider: Provider,
) -> None:
    everything = {model.name for operation in provider.operations() for model in provider.models(operation)}
    for operation in filter(provider.models, provider.operations()):
        here = tuple(model.name for model in provider.models(operation))
        for name in sorted(everything.difference(here)):
            misplaced = provider.fill(order(operation, model=name))
            assert misplaced.model == name
            [problem] = provider.problems(misplaced)
            assert (problem.field, problem.rule, problem.given) == ("model", Rule.ONE_OF, name)
            assert problem.allowed == here
            assert problem.nearest in here
            assert provider.price(misplaced) is None


@pytest.mark.parametrize(
    ("name", "operation", "given", "nearest"),
    [
        ("kling", Operation.START_END_TO_VIDEO, "kling-v2-1-master", "kling-v2-1"),
        ("kling", Operation.TEXT_TO_VIDEO, "kling-v1-5", "kling-v1-6"),
        ("vidu", Operation.REFERENCE_TO_IMAGE, "viduq3-pro", "viduq2"),
        ("vidu", Operation.TEXT_TO_VIDEO, "viduq2-pro", "viduq2"),
        ("futurelabs", Operation.AVATAR, "viduq3-pro", "kling-v2-6"),
        ("futurelabs", Operation.MUSIC_VIDEO, "viduq3-pro", "one-click-mv"),
    ],
)
async def test_the_nearest_of_an_operations_models_is_the_one_spelled_most_like_it(
    session: aiohttp.ClientSession, name: str, operation: Operation, given: str, nearest: str
) -> None:
    vendor = registry.build({name: Account(api_keys=(KEY,))}, session, lambda: 0.0)[name]
    [problem] = vendor.problems(vendor.fill(order(operation, model=given)))
    assert (problem.field, problem.rule, problem.nearest) == ("model", Rule.ONE_OF, nearest)


def test_a_choice_outside_the_table_is_named_with_the_nearest_one(provider: Provider) -> None:
    for operation in provider.operations():
        if not any(model.durations for model in provider.models(operation)):
            continue
        [problem] = provider.problems(provider.fill(order(operation, duration=99)))
        durations = provider.models(operation)[0].durations
        assert (problem.field, problem.rule, problem.given) == ("duration", Rule.ONE_OF, "99")
        assert problem.nearest == str(max(durations))
        assert problem.allowed == tuple(str(seconds) for seconds in durations)
        assert provider.price(provider.fill(order(operation, duration=99))) is None


def test_pictures_that_are_missing_or_not_asked_for_are_named(provider: Provider) -> None:
    first, last = picture(), picture(Role.LAST_FRAME)

    def named(operation: Operation, *pictures: Any) -> list[tuple[str, Rule]]:
        checked = provider.problems(provider.fill(order(operation, pictures=pictures)))
        return [(problem.field, problem.rule) for problem in checked]

    expected = {
        Operation.TEXT_TO_VIDEO: {(first,): [("first_frame", Rule.NOT_OFFERED)]},
        Operation.IMAGE_TO_VIDEO: {
            (): [("first_frame", Rule.REQUIRED)],
            (first, last): [("last_frame", Rule.NOT_OFFERED)],
            (first, first): [("first_frame", Rule.TOO_MANY)],
        },
        Operation.START_END_TO_VIDEO: {
            (first,): [("last_frame", Rule.REQUIRED)],
            (last,): [("first_frame", Rule.REQUIRED)],
            (last, first): [],
        },
    }
    for operation in set(FRAMES) & set(provider.operations()):
        for pictures, problems in expected[operation].items():
            assert named(operation, *pictures) == problems


def test_text_to_video_needs_a_prompt(provider: Provider) -> None:
    if Operation.TEXT_TO_VIDEO not in provider.operations():
        return
    for prompt in ("", " \n"):
        [problem] = provider.problems(provider.fill(order(prompt=prompt)))
        assert (problem.field, problem.rule) == ("prompt", Rule.REQUIRED)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(max_size=20),
    number=st.integers(),
    audio=st.booleans() | st.none(),
    operation=st.sampled_from(Operation),
    size=st.tuples(st.integers(0, 20000), st.integers(0, 20000)),
)
def test_any_order_is_checked_and_priced_without_an_exception(
    provider: Provider, text: str, number: int, audio: bool | None, operation: Operation, size: tuple[int, int]
) -> None:
    pictures = tuple(
        picture(role, mime=text, width=size[0], height=size[1], url=text or None) for role in (*Role, Role.FIRST_FRAME)
    )
    strange = Order(operation, None, text, number, text, text, number, audio, pictures)
    for checked in (strange, provider.fill(strange), replace(strange, model=text)):
        for problem in provider.problems(checked):
            assert problem.nearest is None or problem.nearest != problem.given
        provider.price(checked)


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


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
