"""What every vendor's adapter must hold, whatever the vendor: what it offers, fills in, refuses and asks for it."""

from dataclasses import replace
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import registry
from providers.contract import (
    Account,
    Provider,
)
from providers.orders import Model, Operation, Order, Role, Rule
from tests.providers.orders import KEY, order, picture

# A template may choose its model itself, and a music video that is changed has one.
WITHOUT_MODELS = (Operation.TEMPLATE_TO_VIDEO, Operation.EDIT_SHOT, Operation.COMPOSE_SHOTS)
UNPRICED = (Operation.TEMPLATE_TO_VIDEO, Operation.MOTION_CONTROL, Operation.AVATAR)
PRICELESS = {"apiframe"}  # publishes nothing at all
FRAMES = (Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO, Operation.START_END_TO_VIDEO)


def cannot_be_silent(provider: Provider, operation: Operation, model: Model) -> bool:
    """Futurelabs' q3 models are switched under text to video alone."""
    switched = operation not in (*FRAMES[1:], Operation.REFERENCE_TO_VIDEO)
    return provider.name == "futurelabs" and model.name.startswith("viduq3") and not switched


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
