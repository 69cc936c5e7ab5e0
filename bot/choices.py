"""What a member can still choose, given what is typed so far. Pure: a value is offered when a vendor would take it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.plain import clean, cut
from jobs.intake import operation_for
from providers.contract import Provider
from providers.orders import Operation, Order, Picture, Problem, Role

_MOST = 25  # Discord shows no more
STAND_IN = Picture(Role.FIRST_FRAME, "image/png", 1024, 1024, b"stand-in", "https://stand-in.invalid/x.png")


@dataclass(frozen=True, slots=True)
class Typed:
    """What is typed so far; None: nothing, or nothing that could be meant."""

    prompt: str | None = None
    image: bool = False
    last_frame: bool = False
    model: str | None = None
    duration: int | None = None
    aspect_ratio: str | None = None
    resolution: str | None = None
    seed: int | None = None
    audio: bool | None = None
    provider: str | None = None

    @property
    def roles(self) -> tuple[Role, ...]:
        """Name the pictures that are attached."""
        return ((Role.FIRST_FRAME,) if self.image else ()) + ((Role.LAST_FRAME,) if self.last_frame else ())


def typed_of(options: Iterable[Mapping[str, Any]], but: str) -> Typed:
    """Read a half-typed command as Discord sends it, `but` the option that is being typed."""
    given = {str(option.get("name")): option.get("value") for option in options if option.get("name") != but}
    return Typed(
        prompt=_text(given.get("prompt")),
        image=given.get("image") is not None,
        last_frame=given.get("last_frame") is not None,
        model=_text(given.get("model")),
        duration=_integer(given.get("duration")),
        aspect_ratio=_text(given.get("aspect_ratio")),
        resolution=_text(given.get("resolution")),
        seed=_integer(given.get("seed")),
        audio=given["audio"] if isinstance(given.get("audio"), bool) else None,
        provider=_text(given.get("provider")),
    )


def order_of(typed: Typed) -> Order:
    """Make the order that is typed, with stand-ins for what cannot be looked at yet."""
    return Order(
        operation=operation_for(typed.roles),
        model=typed.model,
        prompt=typed.prompt or "x",
        duration=typed.duration,
        resolution=typed.resolution,
        aspect_ratio=typed.aspect_ratio,
        seed=typed.seed,
        audio=typed.audio,
        pictures=tuple(replace(STAND_IN, role=role) for role in typed.roles),
    )


def suggestions(
    providers: Mapping[str, Provider], typed: Typed, focused: str, current: str
) -> list[tuple[str, str | int]]:
    """List (label, value) for the option being typed: valid together with the rest, and fitting what is there of it."""
    able = _able(providers, typed)
    if focused == "provider":
        offers = [(provider.name, provider.title) for provider in able]
    else:
        offers = [(value, _label(focused, value)) for value in _values(able, operation_for(typed.roles), focused)]
    found: list[tuple[str, str | int]] = []
    for value, label in offers:
        wanted: Typed = replace(typed, **{focused: value})
        order = order_of(wanted)
        costs = [_cost(provider, order) for provider in _able(providers, wanted) if takes(provider, order)]
        if costs and _fits(current, label, value):
            found.append((cut(label + _priced(costs), 100), value))
    return found[:_MOST]


def fitting(providers: Mapping[str, Provider], typed: Typed) -> dict[str, Provider]:
    """Choose the vendors that can be meant: the named one; else those that know the model for this; at all; else all.

    A vendor takes any model its table does not know, so one vendor's model would otherwise pass at all the others.
    """
    named = provider_named(providers, typed.provider) if typed.provider else None
    if named is not None:
        return {named.name: named}
    here = (operation_for(typed.roles),)
    for operations in (here, tuple(Operation)):
        knowing = {name: one for name, one in providers.items() if typed.model in _model_names(one, operations)}
        if knowing:
            return knowing
    return dict(providers)


def _able(providers: Mapping[str, Provider], typed: Typed) -> list[Provider]:
    operation = operation_for(typed.roles)
    return [vendor for vendor in fitting(providers, typed).values() if operation in vendor.operations()]


def _model_names(provider: Provider, operations: Iterable[Operation]) -> set[str]:
    return {model.name for operation in operations for model in provider.models(operation)}


def takes(provider: Provider, order: Order) -> bool:
    """Say whether a vendor would take an order as far as it is known."""
    return not told(provider.problems(provider.fill(order)))


def told(problems: Iterable[Problem]) -> list[Problem]:
    """Keep the problems that more typing cannot mend: a missing prompt or picture may still come."""
    return [problem for problem in problems if problem.field not in {"prompt", "first_frame"}]


def provider_named(providers: Mapping[str, Provider], given: str) -> Provider | None:
    """Find a vendor by its name or title, however it is capitalised."""
    wanted = clean(given).casefold()
    return next((p for p in providers.values() if wanted in {p.name.casefold(), p.title.casefold()}), None)


def _values(able: Iterable[Provider], operation: Operation, field: str) -> list[Any]:
    found = dict.fromkeys(value for provider in able for value in _offered(provider, operation, field))
    return sorted(found) if field == "duration" else list(found)


def _offered(provider: Provider, operation: Operation, field: str) -> Iterator[Any]:
    for model in provider.models(operation):
        if field == "model":
            yield model.name
        elif field == "duration":
            yield from model.durations
        elif field == "resolution":
            yield from model.resolutions
        elif field == "aspect_ratio":
            yield from model.aspect_ratios


def _label(field: str, value: str | int) -> str:
    return (f"{value} second" if value == 1 else f"{value} seconds") if field == "duration" else str(value)


def _cost(provider: Provider, order: Order) -> int | None:
    return provider.price(provider.fill(order))


def _priced(costs: Iterable[int | None]) -> str:
    known = [cost for cost in costs if cost is not None]
    return f" · {min(known)} credits" if known else ""


def _fits(current: str, label: str, value: str | int) -> bool:
    wanted = clean(current).casefold()
    if isinstance(value, int):
        return str(value).startswith(wanted)
    return wanted in value.casefold() or wanted in label.casefold()


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _integer(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
