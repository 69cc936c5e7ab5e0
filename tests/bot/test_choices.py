"""What is offered while typing is what would be taken; held against the real vendors' tables."""

from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.asking import out_of_range, storable
from bot.choices import Typed, extras_of, meant, order_of, provider_named, suggestions, takes, told, typed_of
from jobs.intake import Plan, plan
from providers import registry
from providers.contract import Account, Provider
from providers.orders import Operation, Role
from tests.bot.test_plain import ANY


def vendors() -> dict[str, Provider]:
    """Make every adapter there is; none of them is called, so none gets a session."""
    account = Account(api_keys=("key",), access_key="a", secret_key="s")
    session: aiohttp.ClientSession = None  # type: ignore[assignment] -- pure functions only
    return registry.build(dict.fromkeys(registry.NAMES, account), session, lambda: 0.0)


VENDORS = vendors()
FIRST, LAST = Role.FIRST_FRAME, Role.LAST_FRAME
ASKED: dict[Operation, tuple[tuple[Role, ...], ...]] = {
    Operation.TEXT_TO_VIDEO: ((),),
    Operation.IMAGE_TO_VIDEO: ((FIRST,), (FIRST, Role.STATIC_MASK)),
    Operation.START_END_TO_VIDEO: ((FIRST, LAST), (LAST,)),
    Operation.REFERENCE_TO_VIDEO: ((Role.REFERENCE,), (Role.REFERENCE,) * 7),
    Operation.TEMPLATE_TO_VIDEO: ((Role.REFERENCE,),),
    Operation.REFERENCE_TO_IMAGE: ((Role.REFERENCE,),),
    Operation.MOTION_CONTROL: ((FIRST, Role.MOTION),),
    Operation.AVATAR: ((Role.FACE, Role.AUDIO), (Role.FACE,)),
}
REQUESTS = [(operation, roles) for operation, several in ASKED.items() for roles in several]


def typed_as(request: tuple[Operation, tuple[Role, ...]], **options: Any) -> Typed:
    return Typed(operation=request[0], roles=request[1], **options)


TYPED = st.builds(
    typed_as,
    st.sampled_from(REQUESTS),
    prompt=st.just("a boat"),
    model=st.none() | st.sampled_from(["viduq3-pro", "viduq2", "kling-v2-6", "viduq3-turbo", "unheard-of"]),
    duration=st.none() | st.sampled_from([1, 5, 8, 10, 16, 99]),
    aspect_ratio=st.none() | st.sampled_from(["16:9", "3:4", "7:1"]),
    resolution=st.none() | st.sampled_from(["540p", "720p", "1080p", "4k"]),
    seed=st.none() | st.sampled_from([0, 7, 2**40]),
    audio=st.none() | st.booleans(),
    provider=st.none() | st.sampled_from(["vidu", "Kling", "futurelabs"]),
)
FOCUS = st.sampled_from(["model", "duration", "aspect_ratio", "resolution", "provider"])


@given(TYPED, FOCUS)
def test_what_is_offered_would_be_taken(typed: Typed, focused: str) -> None:
    for label, value in suggestions(VENDORS, replace(typed, **{focused: None}), focused, ""):
        assert 1 <= len(label) <= 100
        chosen: Typed = replace(typed, **{focused: value})
        named = provider_named(VENDORS, chosen.provider) if chosen.provider else None
        planned = plan(VENDORS, order_of(chosen), wanted=named.name if named else None, preferred=None)
        assert isinstance(planned, Plan) or not told(planned.problems)


@given(TYPED, FOCUS)
def test_what_would_be_taken_is_offered(typed: Typed, focused: str) -> None:
    value = getattr(typed, focused)
    if value is None or value == "unheard-of":
        return
    order, able = order_of(typed), meant(VENDORS, typed).values()
    names = {model.name for vendor in able for model in vendor.models(order.operation)}
    if typed.model is not None and typed.model not in names:
        return
    listing = [provider for provider in able if provider.models(order.operation)]  # the others offer nothing by name
    if any(order.operation in provider.operations() and takes(provider, order) for provider in listing):
        offered = [str(one) for _, one in suggestions(VENDORS, replace(typed, **{focused: None}), focused, "")]
        assert str(value).lower() in offered


@given(TYPED, FOCUS, ANY)
def test_anything_may_be_typed(typed: Typed, focused: str, current: str) -> None:
    offers = suggestions(VENDORS, replace(typed, **{focused: None}), focused, current)
    assert len(offers) <= 25
    assert len({value for _, value in offers}) == len(offers)


def test_a_model_the_tables_do_not_know_rules_nothing_out() -> None:
    offers = suggestions(VENDORS, Typed(prompt="x", model="brand-new"), "duration", "")
    assert 5 in [value for _, value in offers]


def test_a_vendors_model_is_not_passed_on_to_vendors_that_do_not_know_it() -> None:
    assert list(meant(VENDORS, Typed(model="kling-v2-6"))) == ["kling"]
    assert list(meant(VENDORS, Typed(model="viduq3-pro"))) == ["futurelabs", "vidu"]
    assert list(meant(VENDORS, Typed(model="viduq3-pro", provider="Kling"))) == ["kling"]
    ends = Typed(Operation.START_END_TO_VIDEO, (FIRST, LAST), model="viduq2")
    assert list(meant(VENDORS, ends)) == ["futurelabs"]
    assert list(meant(VENDORS, Typed(model="unheard-of"))) == list(VENDORS)


def test_prices_stand_beside_the_choices() -> None:
    [(label, value), *_] = suggestions(VENDORS, Typed(prompt="x", model="viduq3-pro", provider="vidu"), "duration", "5")
    assert (label, value) == ("5 seconds · 40 credits", 5)


def test_further_choices_are_those_of_the_vendors_that_can_be_meant() -> None:
    vidu, kling = Typed(provider="vidu"), Typed(provider="kling")
    assert "style" in extras_of(VENDORS, vidu)
    assert "style" not in extras_of(VENDORS, kling)
    assert {"style", "cfg_scale"} <= extras_of(VENDORS, Typed()).keys()
    assert "style" not in extras_of(VENDORS, replace(vidu, model="viduq3-pro"))
    assert "style" in extras_of(VENDORS, replace(vidu, model="brand-new"))


@pytest.mark.parametrize(
    ("options", "typed"),
    [
        ([], Typed()),
        ([{"name": "duration", "value": ""}], Typed()),
        ([{"name": "duration", "value": "5"}, {"name": "seed", "value": 3}], Typed(duration=5, seed=3)),
        ([{"name": "duration", "value": True}, {"name": "audio", "value": "yes"}], Typed()),
        ([{"name": "image", "value": "123"}, {"name": "prompt", "value": " "}], Typed()),
        ([{"name": "model", "value": "x", "focused": True}], Typed()),
    ],
)
def test_half_typed_commands_are_read_as_far_as_they_make_sense(options: list[dict[str, Any]], typed: Typed) -> None:
    assert typed_of(options, "model", Operation.TEXT_TO_VIDEO) == typed


@given(ANY, st.none() | st.integers(), st.none() | st.integers(), st.none() | ANY, st.none() | ANY)
def test_what_passes_the_first_look_fits_the_tables(
    prompt: str, duration: int | None, seed: int | None, ratio: str | None, model: str | None
) -> None:
    typed = Typed(prompt=prompt, duration=duration, seed=seed, aspect_ratio=ratio, model=model, resolution=ratio)
    if not out_of_range(typed):
        assert len(model or "") <= 64
        assert 0 <= (seed or 0) < 2**32
        assert 0 < (1 if duration is None else duration) <= 600


@given(ANY)
def test_stored_text_can_be_stored(text: str) -> None:
    made = storable(text)
    made.encode()
    assert "\0" not in made


def test_the_shape_may_be_left_to_the_vendor_where_it_offers_that() -> None:
    painted = Typed(prompt="x", aspect_ratio="auto", operation=Operation.REFERENCE_TO_IMAGE)
    assert out_of_range(painted) == []
    [problem] = out_of_range(replace(painted, aspect_ratio="automatic"))
    assert problem.field == "aspect_ratio"
