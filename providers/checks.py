"""An order against a vendor's table: fill in what was not said, name what cannot be sent and what could be instead."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from fractions import Fraction
from itertools import takewhile

from .orders import Clip, Extra, Kind, Model, Operation, Order, Picture, Problem, Role, Rule

Places = Mapping[Role, tuple[int, int]]  # the pictures an operation takes: at least, at most

FRAMES: Mapping[Operation, Places] = {
    Operation.TEXT_TO_VIDEO: {},
    Operation.IMAGE_TO_VIDEO: {Role.FIRST_FRAME: (1, 1)},
    Operation.START_END_TO_VIDEO: {Role.FIRST_FRAME: (1, 1), Role.LAST_FRAME: (1, 1)},
}


@dataclass(frozen=True, slots=True)
class PictureRules:
    """What a vendor takes as a picture."""

    formats: tuple[str, ...]  # by content
    most_bytes: int  # of one picture given as an address
    most_inline_bytes: int = 0  # of all pictures given as bytes, before base64
    shortest_side: int = 0  # pixels; 0: nothing stated
    widest: Fraction | None = None  # width to height; its inverse is the narrowest
    addresses_only: bool = False  # else an https address is passed on, and anything else goes as bytes


@dataclass(frozen=True, slots=True)
class ClipRules:
    """What a vendor takes as a video, an audio or a subtitle file in one role."""

    formats: tuple[str, ...]  # by content
    most_bytes: int
    seconds: tuple[float, float] | None = None  # least and most; None: nothing stated, or it has no length
    sides: tuple[int, int] | None = None  # pixels, least and most of each side; None: nothing stated
    most_inline_bytes: int = 0  # given as bytes, before base64; 0: as an address only
    required: bool = False


def model_of(models: Sequence[Model], name: str | None) -> Model | None:
    """Find a model by name; without a name the default one; None when the table does not know it."""
    if name is None:
        return models[0] if models else None
    return next((model for model in models if model.name == name), None)


def clip_in(order: Order, role: Role) -> Clip | None:
    """Find the clip in a role."""
    return next((clip for clip in order.clips if clip.role is role), None)


def fill(order: Order, models: Sequence[Model]) -> Order:
    """Put the table's defaults where nothing was said. A model the table does not know keeps the vendor's own."""
    model = model_of(models, order.model)
    if model is None:
        return order
    return replace(
        order,
        model=model.name,
        duration=model.default_duration if order.duration is None else order.duration,
        resolution=(model.default_resolution or None) if order.resolution is None else order.resolution,
        aspect_ratio=model.default_aspect_ratio if order.aspect_ratio is None else order.aspect_ratio,
        audio=model.default_audio if order.audio is None else order.audio,
    )


def prompt_problems(order: Order, *, required: bool, most: int) -> list[Problem]:
    """Check the prompt's presence and its length in characters."""
    if required and not order.prompt.strip():
        return [Problem("prompt", Rule.REQUIRED)]
    if len(order.prompt) > most:
        return [Problem("prompt", Rule.TOO_LONG, given=str(len(order.prompt)), limit=most)]
    return []


def seed_problems(order: Order, most: int | None) -> list[Problem]:
    """Check the seed; `most` None: the vendor takes none."""
    if order.seed is None:
        return []
    if most is None:
        return [Problem("seed", Rule.NOT_OFFERED, given=str(order.seed))]
    if 0 <= order.seed <= most:
        return []
    nearest = str(min(max(order.seed, 0), most))
    return [Problem("seed", Rule.ONE_OF, given=str(order.seed), allowed=(f"0-{most}",), nearest=nearest)]


def misplaced_model(order: Order, table: Mapping[Operation, Sequence[Model]]) -> list[Problem]:
    """Refuse a model that the vendor's whole table has, but not for this operation. One it has nowhere passes."""
    here = tuple(model.name for model in table.get(order.operation, ()))
    everywhere = {model.name for models in table.values() for model in models}
    given = order.model
    if not here or given is None or given in here or given not in everywhere:
        return []
    nearest = max(here, key=lambda name: (_same_letters(name, given), SequenceMatcher(None, name, given).ratio()))
    return [Problem("model", Rule.ONE_OF, given, here, nearest)]


def _same_letters(one: str, other: str) -> int:
    """Count the letters two names begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def model_problems(order: Order, models: Sequence[Model]) -> list[Problem]:
    """Check the choices against the model's row. A model the table does not know passes."""
    model = model_of(models, order.model)
    if model is None:
        return []
    problems: list[Problem] = []
    if order.duration is not None and not model.durations:
        problems.append(Problem("duration", Rule.NOT_OFFERED, str(order.duration)))
    elif order.duration is not None and order.duration not in model.durations:
        allowed = tuple(str(seconds) for seconds in model.durations)
        nearest = min(model.durations, key=lambda seconds: (abs(seconds - (order.duration or 0)), seconds))
        problems.append(Problem("duration", Rule.ONE_OF, str(order.duration), allowed, str(nearest)))
    if order.resolution is not None and order.resolution not in model.resolutions:
        problems.append(_choice("resolution", order.resolution, model.resolutions, _lines))
    if order.aspect_ratio is not None and order.aspect_ratio not in model.aspect_ratios:
        problems.append(_choice("aspect_ratio", order.aspect_ratio, model.aspect_ratios, _shape))
    if order.audio and not model.audio:
        problems.append(Problem("audio", Rule.NOT_OFFERED, given=model.name))
    return problems


def extra_problems(order: Order, extras: Sequence[Extra]) -> list[Problem]:
    """Check the further choices: each known, of its kind, and taken by the model."""
    known = {extra.name: extra for extra in extras}
    problems = [Problem(name, Rule.NOT_OFFERED, given=order.operation) for name in order.extras if name not in known]
    for extra in extras:
        value = order.extras.get(extra.name)
        if value is None:
            problems += [Problem(extra.name, Rule.REQUIRED)] if extra.required else []
        elif extra.models and order.model not in extra.models:
            problems.append(Problem(extra.name, Rule.NOT_OFFERED, given=order.model or "", allowed=extra.models))
        else:
            problems += _one_extra(extra, value)
    return problems


def _one_extra(extra: Extra, value: object) -> list[Problem]:
    name, given = extra.name, str(value)
    match extra.kind:
        case Kind.CHOICE:
            return [] if value in extra.choices else [Problem(name, Rule.ONE_OF, given, extra.choices)]
        case Kind.FLAG:
            return [] if isinstance(value, bool) else [Problem(name, Rule.ONE_OF, given, ("yes", "no"))]
        case Kind.WHOLE | Kind.DECIMAL:
            return _number_problems(extra, value)
        case Kind.TEXT:
            most = int(extra.most)
            return [Problem(name, Rule.TOO_LONG, str(len(given)), limit=most)] if len(given) > most else []
        case Kind.WORDS:
            count, most = len(given.split()), int(extra.most)
            return [Problem(name, Rule.TOO_MANY, str(count), limit=most)] if count > most else []


def _number_problems(extra: Extra, value: object) -> list[Problem]:
    fits = isinstance(value, int if extra.kind is Kind.WHOLE else int | float) and not isinstance(value, bool)
    if isinstance(value, int | float) and fits and extra.least <= value <= extra.most:  # also no NaN
        return []
    nearest = None
    if isinstance(value, int | float) and fits:
        nearest = f"{extra.most if value > extra.most else extra.least:g}"
    return [Problem(extra.name, Rule.ONE_OF, str(value)[:40], (f"{extra.least:g}-{extra.most:g}",), nearest)]


def picture_problems(order: Order, rules: PictureRules, places: Places) -> list[Problem]:
    """Check that the right pictures came, and each of them against the vendor's rules."""
    roles = [picture.role for picture in order.pictures]
    problems: list[Problem] = []
    for role, (least, most) in places.items():
        if roles.count(role) < least:
            problems.append(Problem(role, Rule.REQUIRED, limit=least))
        elif roles.count(role) > most:
            problems.append(Problem(role, Rule.TOO_MANY, str(roles.count(role)), limit=most))
    extra = [role for role in dict.fromkeys(roles) if role not in places]
    problems += [Problem(role, Rule.NOT_OFFERED, given=order.operation) for role in extra]
    bare = () if rules.addresses_only else order.pictures
    inline = [picture for picture in bare if not _sent_as_address(picture, rules)]
    for picture in order.pictures:
        most = rules.most_inline_bytes // len(inline) if picture in inline else rules.most_bytes
        problems += _one_picture(picture, rules, min(most, rules.most_bytes))
    return problems


def clip_problems(order: Order, rules: Mapping[Role, ClipRules]) -> list[Problem]:
    """Check the videos, audios and subtitles: one at the most in each role the vendor has rules for."""
    roles = [clip.role for clip in order.clips]
    problems = [Problem(role, Rule.REQUIRED) for role, rule in rules.items() if rule.required and role not in roles]
    for role in dict.fromkeys(roles):
        if role not in rules:
            problems.append(Problem(role, Rule.NOT_OFFERED, given=order.operation))
        elif roles.count(role) > 1:
            problems.append(Problem(role, Rule.TOO_MANY, str(roles.count(role)), limit=1))
    for clip in order.clips:
        if clip.role in rules:
            problems += _one_clip(clip, rules[clip.role])
    return problems


def _one_clip(clip: Clip, rules: ClipRules) -> list[Problem]:
    problems: list[Problem] = []
    inline = clip_address(clip, rules) is None
    if inline and not rules.most_inline_bytes:
        problems.append(Problem(clip.role, Rule.NEEDS_PUBLIC_URL))
    if clip.mime not in rules.formats:
        problems.append(Problem(clip.role, Rule.FILE_FORMAT, clip.mime, rules.formats))
    most = min(rules.most_bytes, rules.most_inline_bytes) if inline and rules.most_inline_bytes else rules.most_bytes
    if clip.size > most:
        problems.append(Problem(clip.role, Rule.FILE_BYTES, str(clip.size), limit=most))
    # Where the length counts, a file that does not tell it is of no use: nobody could say what it will cost.
    if rules.seconds is not None and not rules.seconds[0] <= clip.seconds <= rules.seconds[1]:
        least, longest = rules.seconds
        given = f"{clip.seconds:.1f}" if clip.seconds else ""
        problems.append(Problem(clip.role, Rule.FILE_SECONDS, given, (f"{least:g}", f"{longest:g}")))
    if rules.sides is not None:
        least_side, most_side = rules.sides
        if min(clip.width, clip.height) < least_side or max(clip.width, clip.height) > most_side:
            allowed = (str(least_side), str(most_side))
            size = f"{clip.width}x{clip.height}"
            problems.append(Problem(clip.role, Rule.FILE_PIXELS, size, allowed, limit=least_side))
    return problems


def clip_address(clip: Clip, rules: ClipRules) -> str | None:
    """Return the address to send instead of the bytes, or None where the bytes go."""
    https = (clip.url or "").lower().startswith("https://")
    return clip.url if clip.url and (https or not rules.most_inline_bytes) else None


def address_of(picture: Picture, rules: PictureRules) -> str | None:
    """Return the address to send instead of the bytes, or None where the bytes go."""
    return picture.url if _sent_as_address(picture, rules) else None


def in_order(order: Order, *roles: Role) -> list[Picture]:
    """List the pictures in these roles, role by role: vendors expect the first frame before the last."""
    return [picture for role in roles for picture in order.pictures if picture.role is role]


def _sent_as_address(picture: Picture, rules: PictureRules) -> bool:
    if rules.addresses_only:
        return bool(picture.url)
    return bool(picture.url) and (picture.url or "").lower().startswith("https://")


def _one_picture(picture: Picture, rules: PictureRules, most: int) -> list[Problem]:
    problems: list[Problem] = []
    if rules.addresses_only and not picture.url:
        problems.append(Problem(picture.role, Rule.NEEDS_PUBLIC_URL))
    if picture.mime not in rules.formats:
        problems.append(Problem(picture.role, Rule.FILE_FORMAT, picture.mime, rules.formats))
    if picture.size > most:
        problems.append(Problem(picture.role, Rule.FILE_BYTES, str(picture.size), limit=most))
    size = f"{picture.width}x{picture.height}"
    if min(picture.width, picture.height) < max(rules.shortest_side, 1):
        problems.append(Problem(picture.role, Rule.FILE_PIXELS, size, limit=max(rules.shortest_side, 1)))
    elif rules.widest is not None:
        shape = Fraction(picture.width, picture.height)
        if not 1 / rules.widest <= shape <= rules.widest:
            allowed = (_colon(1 / rules.widest), _colon(rules.widest))
            problems.append(Problem(picture.role, Rule.FILE_RATIO, _colon(shape), allowed))
    return problems


_NICKNAMES = {"2K": "1440p", "4K": "2160p"}


def _choice(field: str, given: str, allowed: tuple[str, ...], measure: Callable[[str], float | None]) -> Problem:
    if not allowed:
        return Problem(field, Rule.NOT_OFFERED, given=given)
    size = measure(given)
    nearest = None
    if size is not None:
        nearest = min(allowed, key=lambda choice: abs((measure(choice) or 0) - size))
    return Problem(field, Rule.ONE_OF, given, allowed, nearest)


def _colon(shape: Fraction) -> str:
    """Write a ratio for people: 2.5:1, 1:4."""
    wide = shape >= 1
    number = f"{float(shape if wide else 1 / shape):.2f}".rstrip("0").rstrip(".")
    return f"{number}:1" if wide else f"1:{number}"


def _lines(resolution: str) -> float | None:
    digits = _NICKNAMES.get(resolution.upper(), resolution).lower().removesuffix("p")
    return float(digits) if digits.isascii() and digits.isdigit() and len(digits) < 6 else None


def _shape(ratio: str) -> float | None:
    width, _, height = ratio.partition(":")
    if not (width + height).isascii() or not width.isdigit() or not height.isdigit() or len(ratio) > 11:
        return None
    return int(width) / int(height) if int(width) and int(height) else None
