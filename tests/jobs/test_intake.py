from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from jobs.intake import Plan, Refused, fitting, plan
from providers import registry
from providers.contract import Account, Provider
from providers.orders import Clip, Operation, Order, Role, Rule
from tests.providers.orders import order as an_order
from tests.providers.orders import picture

ACCOUNT = Account(api_keys=("a-key",))


@pytest.fixture
async def providers() -> AsyncIterator[Mapping[str, Provider]]:
    async with aiohttp.ClientSession() as session:
        yield registry.build(dict.fromkeys(registry.NAMES, ACCOUNT), session, lambda: 0.0)


def held(providers: Mapping[str, Provider], vendor: str, order: Order) -> int:
    planned = plan(providers, order, wanted=vendor, preferred=None)
    assert isinstance(planned, Plan), planned
    return planned.price


def allowed(provider: Provider) -> Iterator[Order]:
    """Go through every order that a vendor's tables allow."""
    for operation in provider.operations():
        for model in provider.models(operation):
            for seconds in model.durations:
                for size in model.resolutions or (None,):
                    for audio in (None, False, True) if model.audio else (None,):
                        order = provider.fill(
                            an_order(operation, model=model.name, duration=seconds, resolution=size, audio=audio)
                        )
                        if not provider.problems(order):
                            yield order


def dearest(provider: Provider, order: Order) -> int | None:
    """Price the vendor's dearest model, as long as an order and in 1080p; None where it publishes nothing alike."""
    alike = [
        replace(order, model=model.name, resolution="1080p" if model.resolutions else None)
        for model in provider.models(order.operation)
    ]
    return max((price for each in alike if (price := provider.price(each)) is not None), default=None)


@pytest.mark.parametrize("vendor", registry.NAMES)
def test_every_order_holds_something_and_never_more_than_the_dearest_of_its_length(
    providers: Mapping[str, Provider], vendor: str
) -> None:
    orders = list(allowed(providers[vendor]))
    assert len(orders) > 20
    for order in orders:
        most = dearest(providers[vendor], order)
        assert 0 < held(providers, vendor, order) <= (most or 1000), order


def test_where_nobody_publishes_a_price_the_dearest_vendor_here_is_the_measure(
    providers: Mapping[str, Provider],
) -> None:
    asked = an_order(Operation.TEXT_TO_VIDEO)
    others = [price for one in providers.values() if (price := one.price(one.fill(asked))) is not None]
    assert held(providers, "apiframe", asked) == max(others)
    assert held({"apiframe": providers["apiframe"]}, "apiframe", asked) == 100


def test_a_vendor_without_a_price_comes_after_those_with_one(providers: Mapping[str, Provider]) -> None:
    asked = an_order(Operation.TEXT_TO_VIDEO)
    planned = plan(providers, asked, wanted=None, preferred=None)
    assert isinstance(planned, Plan)
    assert planned.provider != "apiframe"
    named = plan(providers, asked, wanted=None, preferred="apiframe")
    assert isinstance(named, Plan)
    assert named.provider == "apiframe"
    without = plan(providers, asked, wanted=None, preferred="apiframe", but=["apiframe"])
    assert isinstance(without, Plan)
    assert without.provider == planned.provider


@pytest.mark.parametrize("vendor", registry.NAMES)
def test_a_published_price_is_held_as_it_is(providers: Mapping[str, Provider], vendor: str) -> None:
    for order in allowed(providers[vendor]):
        price = providers[vendor].price(order)
        assert price in {None, held(providers, vendor, order)}


@pytest.mark.parametrize(
    ("vendor", "choices", "credits"),
    [
        # Unpriced at 540p, where the dearest sibling takes 4 a second.
        ("vidu", {"model": "viduq3-turbo", "duration": 1, "resolution": "540p"}, 4),
        ("vidu", {"model": "viduq3-turbo", "duration": 16, "resolution": "540p"}, 64),
        ("futurelabs", {"model": "viduq3-turbo", "duration": 3, "resolution": "540p"}, 12),
        # A model the tables do not know: its siblings at what was said, and at their defaults for what was not.
        ("vidu", {"model": "viduq9", "duration": 2, "resolution": "1080p"}, 32),
        ("vidu", {"model": "viduq9"}, 40),
        ("kling", {"model": "kling-v9", "duration": 10, "resolution": "720p"}, 112),
        ("kling", {"model": "kling-v9"}, 280),
        # Lengths and sizes no sibling has: by the second, at the next size that has a price.
        ("vidu", {"model": "viduq9", "duration": 20, "resolution": "720p"}, 160),
        ("vidu", {"model": "viduq9", "duration": 20}, 160),
        ("vidu", {"model": "viduq9", "duration": 4, "resolution": "600p"}, 32),
        ("vidu", {"model": "viduq9", "resolution": "4k"}, 80),
        ("vidu", {"model": "viduq9", "duration": 0, "resolution": "720p"}, 1),
        ("kling", {"model": "kling-v9", "duration": 7, "resolution": "720p"}, 79),
        ("kling", {"model": "kling-v9", "duration": 5, "resolution": "720p", "audio": True}, 140),
    ],
)
def test_an_order_without_a_price_is_held_as_its_dearest_like(
    providers: Mapping[str, Provider], vendor: str, choices: dict[str, Any], credits: int
) -> None:
    assert held(providers, vendor, an_order(Operation.TEXT_TO_VIDEO, **choices)) == credits


def test_too_many_pictures_are_refused_with_the_limit_of_the_vendor_that_takes_most(
    providers: Mapping[str, Provider],
) -> None:
    order = an_order(Operation.REFERENCE_TO_VIDEO, pictures=tuple(picture(Role.REFERENCE) for _ in range(8)))
    refused = plan(providers, order, wanted=None, preferred=None)
    assert isinstance(refused, Refused)
    assert (refused.provider, refused.problems[0].limit) == ("vidu", 7)


@pytest.mark.parametrize(
    "operation", [Operation.IMAGE_TO_VIDEO, Operation.START_END_TO_VIDEO, Operation.REFERENCE_TO_VIDEO]
)
def test_who_wants_silence_gets_a_vendor_that_can_be_told_so(
    providers: Mapping[str, Provider], operation: Operation
) -> None:
    loud = plan(providers, an_order(operation), wanted=None, preferred=None)
    silent = plan(providers, an_order(operation, audio=False), wanted=None, preferred=None)
    assert isinstance(loud, Plan)
    assert isinstance(silent, Plan)
    assert loud.provider == "futurelabs"
    assert (silent.provider == "futurelabs", silent.order.audio) == (False, False)


@pytest.mark.parametrize(("asked", "nearest"), [("4k", "4K"), ("2160p", "4K"), ("1440p", "2K"), ("720p", "1080p")])
def test_the_nearest_of_sizes_with_nicknames_is_named(
    providers: Mapping[str, Provider], asked: str, nearest: str
) -> None:
    order = an_order(Operation.REFERENCE_TO_IMAGE, model="viduq2", resolution=asked)
    refused = plan(providers, order, wanted="futurelabs", preferred=None)
    assert isinstance(refused, Refused)
    assert [problem.nearest for problem in refused.problems] == [nearest]


@pytest.mark.parametrize(("letters", "seconds"), [(12, 5), (75, 5), (76, 6), (1500, 100), (5000, 334)])
def test_an_avatar_is_held_for_as_long_as_its_text_takes_to_be_said(
    providers: Mapping[str, Provider], letters: int, seconds: int
) -> None:
    rate = held(providers, "futurelabs", an_order(Operation.AVATAR, extras={"text": "x"})) / 5
    assert held(providers, "futurelabs", an_order(Operation.AVATAR, extras={"text": "x" * letters})) == rate * seconds


def test_an_avatar_that_follows_a_recording_is_as_long_as_that(providers: Mapping[str, Provider]) -> None:
    voice = Clip(Role.AUDIO, "audio/mpeg", 90_000, 20.0, url="https://clips.example/voice.mp3")
    short = held(providers, "futurelabs", an_order(Operation.AVATAR, extras={"text": "x"}))
    assert held(providers, "futurelabs", an_order(Operation.AVATAR, extras={}, clips=(voice,))) == 4 * short


@pytest.mark.parametrize(
    ("model", "canonical"), [("ViduQ3-Pro", "viduq3-pro"), ("KLING-V1", "kling-v1"), ("viduq3-pro", "viduq3-pro")]
)
def test_a_model_is_known_whatever_its_capitals_and_goes_out_as_the_vendor_spells_it(
    providers: Mapping[str, Provider], model: str, canonical: str
) -> None:
    planned = plan(providers, an_order(Operation.TEXT_TO_VIDEO, model=model), wanted=None, preferred=None)
    assert isinstance(planned, Plan)
    assert (planned.order.model, planned.asked.model) == (canonical, canonical)
    named = plan(providers, an_order(Operation.TEXT_TO_VIDEO, model=model), wanted=planned.provider, preferred=None)
    assert isinstance(named, Plan)
    assert named.order.model == canonical


IMAGE = Operation.IMAGE_TO_VIDEO
VIDUS = {"futurelabs", "vidu", "kkiai", "powertokens"}


@pytest.mark.parametrize(
    ("operation", "model", "names"),
    [
        (IMAGE, "viduq9", VIDUS),
        (IMAGE, "Vidu-5", VIDUS),
        (IMAGE, "vidu2.0", VIDUS),
        (IMAGE, "kling-v9", {"kling", "apiframe"}),
        (IMAGE, "KLING-V9", {"kling", "apiframe"}),
        (Operation.MOTION_CONTROL, "kling-v9", {"futurelabs"}),
        (IMAGE, "veo-9", set(registry.NAMES)),
        (IMAGE, "v", set(registry.NAMES)),
        (IMAGE, "9", set(registry.NAMES)),
        (IMAGE, None, set(registry.NAMES)),
    ],
)
def test_a_model_nobody_lists_goes_to_those_that_list_some_of_its_make(
    providers: Mapping[str, Provider], operation: Operation, model: str | None, names: set[str]
) -> None:
    assert set(fitting(providers, operation, model, None)) == names
    assert set(fitting(providers, operation, model, "apiframe")) == {"apiframe"}


def test_a_mask_of_a_wrong_shape_is_explained_by_the_vendor_that_takes_masks(
    providers: Mapping[str, Provider],
) -> None:
    pictures = (picture(), picture(Role.DYNAMIC_MASK, width=700, height=700))
    for strokes in ((), (((0, 0), (10, 10)),)):
        refused = plan(
            providers, an_order(IMAGE, pictures=pictures, strokes=strokes, duration=7), wanted=None, preferred=None
        )
        assert isinstance(refused, Refused)
        assert refused.provider == "kling"
        assert Rule.FILE_RATIO in {problem.rule for problem in refused.problems}
