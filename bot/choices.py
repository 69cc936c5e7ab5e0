"""What a member can still choose, given what is typed so far. Pure: a value is offered when a vendor would take it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bot.amounts import credits_of
from bot.language import _, ngettext
from bot.plain import clean, cut
from jobs.intake import fitting
from providers.contract import Provider
from providers.orders import Clip, Extra, Kind, Operation, Order, Picture, Problem, Role, Rule, Stroke, Value

_MOST = 25  # Discord shows no more
_MOST_MODELS = 4  # that are advised
_ADDRESS = "https://stand-in.invalid/x.png"
# The roles that are no pictures, and a type each of them may have.
CLIPS = {Role.MOTION: "video/mp4", Role.AUDIO: "audio/mpeg", Role.SUBTITLES: "application/x-subrip"}
# What suggestions know how to offer; any other option is taken to be a further choice of the vendors'.
_COMMON = ("model", "duration", "aspect_ratio", "resolution", "provider")
_OF_FILES = (Rule.FILE_FORMAT, Rule.FILE_BYTES, Rule.FILE_PIXELS, Rule.FILE_RATIO, Rule.FILE_SECONDS)


@dataclass(frozen=True, slots=True)
class Typed:
    """What is typed so far; None: nothing, or nothing that could be meant."""

    operation: Operation = Operation.TEXT_TO_VIDEO
    roles: tuple[Role, ...] = ()  # of the files that are attached, one for each
    prompt: str | None = None
    model: str | None = None
    duration: int | None = None  # seconds
    aspect_ratio: str | None = None
    resolution: str | None = None
    seed: int | None = None
    audio: bool | None = None
    provider: str | None = None
    extras: Mapping[str, Value] = field(default_factory=dict[str, Value])
    strokes: tuple[Stroke, ...] = ()
    parent: str = ""  # providers/orders.py, Order: the same
    shots: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Files:
    """What was attached, opened."""

    pictures: tuple[Picture, ...] = ()
    clips: tuple[Clip, ...] = ()


def stand_ins(roles: Iterable[Role], url: str = _ADDRESS) -> Files:
    """Make files that stand for ones nobody has looked at yet."""
    given = tuple(roles)
    return Files(
        tuple(Picture(role, "image/png", 8, 1024, 1024, b"stand-in", url) for role in given if role not in CLIPS),
        tuple(Clip(role, CLIPS[role], 8, 10.0, 1024, 1024, b"stand-in", url) for role in given if role in CLIPS),
    )


def typed_of(
    options: Iterable[Mapping[str, Any]],
    but: str,
    operation: Operation,
    roles: tuple[Role, ...] = (),
    extras: Mapping[str, Value] | None = None,
) -> Typed:
    """Read a half-typed command as Discord sends it, `but` the option that is being typed."""
    given = {str(option.get("name")): option.get("value") for option in options if option.get("name") != but}
    return Typed(
        operation=operation,
        roles=roles,
        prompt=_text(given.get("prompt")),
        model=_text(given.get("model")),
        duration=_integer(given.get("duration")),
        aspect_ratio=_text(given.get("aspect_ratio")),
        resolution=_text(given.get("resolution")),
        seed=_integer(given.get("seed")),
        audio=given["audio"] if isinstance(given.get("audio"), bool) else None,
        provider=_text(given.get("provider")),
        extras=extras or {},
    )


def order_of(typed: Typed, files: Files | None = None) -> Order:
    """Make the order that is typed, with stand-ins where the files cannot be looked at yet."""
    files = files or stand_ins(typed.roles)
    return Order(
        operation=typed.operation,
        model=typed.model,
        prompt="x" if typed.prompt is None else typed.prompt,
        duration=typed.duration,
        resolution=typed.resolution,
        aspect_ratio=typed.aspect_ratio,
        seed=typed.seed,
        audio=typed.audio,
        pictures=files.pictures,
        clips=files.clips,
        extras=typed.extras,
        strokes=typed.strokes,
        parent=typed.parent,
        shots=typed.shots,
    )


def suggestions(
    providers: Mapping[str, Provider], typed: Typed, focused: str, current: str
) -> list[tuple[str, str | int]]:
    """List (label, value) for the option being typed: valid together with the rest, and fitting what is there of it."""
    able = _able(providers, typed)
    if focused == "provider":
        offers = [(provider.name, provider.title) for provider in able]
    else:
        offers = [(value, _label(focused, value)) for value in _values(able, typed.operation, focused)]
    found: list[tuple[str, str | int]] = []
    for value, label in offers:
        wanted = _with(typed, focused, value)
        order = order_of(wanted)
        costs = [_cost(provider, order) for provider in _able(providers, wanted) if takes(provider, order)]
        if costs and _fits(current, label, value):
            found.append((cut(label + _priced(costs), 100), value))
    return found[:_MOST]


def possible(providers: Mapping[str, Provider], typed: Typed, field: str) -> list[tuple[str, str | int]]:
    """List (label, value) of what any model of any vendor that can be meant takes, whatever else is typed."""
    values = _values(_able(providers, typed), typed.operation, field)
    return [(cut(_label(field, value), 100), value) for value in values][:_MOST]


def _with(typed: Typed, focused: str, value: str | int) -> Typed:
    if focused in _COMMON:
        wanted: Typed = replace(typed, **{focused: value})
        return wanted
    return replace(typed, extras={**typed.extras, focused: value})


def meant(providers: Mapping[str, Provider], typed: Typed) -> dict[str, Provider]:
    """Choose the vendors that can be meant by what is typed."""
    named = provider_named(providers, typed.provider) if typed.provider else None
    return fitting(providers, typed.operation, typed.model, named.name if named else None)


def offering(providers: Mapping[str, Provider], order: Order, wanted: str | None) -> Mapping[str, Provider]:
    """Leave out vendors that do not offer the further choices that are made, unless that leaves nobody.

    They would turn the order away in any case; but what is wrong is to be said by a vendor that can do it.
    """
    made = set(order.extras)
    if any(picture.role is Role.WATERMARK for picture in order.pictures):
        made.add("watermark")
    if wanted is not None or not made:
        return providers
    offers = {
        name: {extra.name for extra in vendor.extras(order.operation)} >= made
        for name, vendor in providers.items()
        if order.operation in vendor.operations()
    }
    return {name: providers[name] for name, able in offers.items() if able} or providers


def able_models(
    providers: Mapping[str, Provider], order: Order, wanted: str | None, *, stand_ins: bool = False
) -> list[str]:
    """Name a few models that would take an order just as it is, each with a vendor that has it.

    `stand_ins`: its files have not been looked at.
    """
    found: dict[str, str] = {}
    for name, provider in providers.items():
        if wanted in {None, name} and order.operation in provider.operations():
            for model in provider.models(order.operation):
                problems = provider.problems(provider.fill(replace(order, model=model.name)))
                if model.name not in found and all(stand_ins and of_files(problem) for problem in problems):
                    found[model.name] = _("{model} at {vendor}").format(model=model.name, vendor=provider.title)
    return list(found.values())[:_MOST_MODELS]


def _able(providers: Mapping[str, Provider], typed: Typed) -> list[Provider]:
    return [vendor for vendor in meant(providers, typed).values() if typed.operation in vendor.operations()]


def takes(provider: Provider, order: Order) -> bool:
    """Say whether a vendor would take an order as far as it is known."""
    return not told(provider.problems(provider.fill(order)))


def told(problems: Iterable[Problem]) -> list[Problem]:
    """Keep the problems that more typing cannot mend, and that are not about a file nobody has looked at."""
    return [
        problem
        for problem in problems
        if problem.field != "prompt" and problem.rule is not Rule.REQUIRED and not of_files(problem)
    ]


def of_files(problem: Problem) -> bool:
    """Tell what is about the content of a file, and so cannot be known before it is looked at.

    Whether a stroke stays inside the image is such a thing.
    """
    return problem.rule in _OF_FILES or (problem.field == "strokes" and problem.rule is Rule.ONE_OF)


def provider_named(providers: Mapping[str, Provider], given: str) -> Provider | None:
    """Find a vendor by its name or title, however it is capitalised."""
    wanted = clean(given).casefold()
    return next((p for p in providers.values() if wanted in {p.name.casefold(), p.title.casefold()}), None)


def extras_of(providers: Mapping[str, Provider], typed: Typed) -> dict[str, Extra]:
    """List the further choices of the vendors that can be meant; what two of them share, with the choices of both.

    A choice that the named model does not take is left out.
    """
    merged: dict[str, Extra] = {}
    for provider in _able(providers, typed):
        names = {model.name for model in provider.models(typed.operation)}
        for extra in provider.extras(typed.operation):
            if extra.models and typed.model in names and typed.model not in extra.models:
                continue
            known = merged.get(extra.name)
            merged[extra.name] = extra if known is None else _both(known, extra)
    return merged


def _both(one: Extra, other: Extra) -> Extra:
    """Put two vendors' views of the same choice together: the vendor that gets the order checks it by its own."""
    return replace(
        one,
        kind=one.kind if one.kind is other.kind else Kind.TEXT,
        choices=tuple(dict.fromkeys((*one.choices, *other.choices))),
        least=min(one.least, other.least),
        most=max(one.most, other.most),
        models=tuple(dict.fromkeys((*one.models, *other.models))) if one.models and other.models else (),
        required=one.required and other.required,
    )


def _values(able: Iterable[Provider], operation: Operation, field: str) -> list[Any]:
    found = dict.fromkeys(value for provider in able for value in _offered(provider, operation, field))
    return sorted(found) if field == "duration" else list(found)


def _offered(provider: Provider, operation: Operation, field: str) -> Iterator[Any]:
    if field not in _COMMON:
        yield from (choice for extra in provider.extras(operation) if extra.name == field for choice in extra.choices)
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
    if field != "duration" or not isinstance(value, int):
        return str(value)
    return ngettext("{count} second", "{count} seconds", value).format(count=value)


def _cost(provider: Provider, order: Order) -> int | None:
    return provider.price(provider.fill(order))


def _priced(costs: Iterable[int | None]) -> str:
    known = [cost for cost in costs if cost is not None]
    return f" · {credits_of(min(known))}" if known else ""


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
