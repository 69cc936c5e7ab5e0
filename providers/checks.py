"""An order against a vendor's table: fill in what was not said, name what cannot be sent and what could be instead."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from .contract import Model, Operation, Order, Picture, Problem, Role, Rule

_ROLES = {
    Operation.TEXT_TO_VIDEO: (),
    Operation.IMAGE_TO_VIDEO: (Role.FIRST_FRAME,),
    Operation.START_END_TO_VIDEO: (Role.FIRST_FRAME, Role.LAST_FRAME),
}


@dataclass(frozen=True, slots=True)
class PictureRules:
    """What a vendor takes as a picture."""

    formats: tuple[str, ...]  # by content
    most_bytes: int  # of one picture given as an address
    most_inline_bytes: int  # of all pictures given as bytes, before base64
    shortest_side: int = 0  # pixels; 0: nothing stated
    widest: Fraction | None = None  # width to height; its inverse is the narrowest
    addresses_only: bool = False  # else an https address is passed on, and anything else goes as bytes


def model_of(models: Sequence[Model], name: str | None) -> Model | None:
    """Find a model by name; without a name the default one; None when the table does not know it."""
    if name is None:
        return models[0] if models else None
    return next((model for model in models if model.name == name), None)


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


def model_problems(order: Order, models: Sequence[Model]) -> list[Problem]:
    """Check the choices against the model's row. A model the table does not know passes."""
    model = model_of(models, order.model)
    if model is None:
        return []
    problems: list[Problem] = []
    if order.duration is not None and order.duration not in model.durations:
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


def picture_problems(order: Order, rules: PictureRules) -> list[Problem]:
    """Check that the right pictures came, and each of them against the vendor's rules."""
    wanted = _ROLES[order.operation]
    roles = [picture.role for picture in order.pictures]
    problems = [Problem(role, Rule.REQUIRED) for role in wanted if role not in roles]
    extra = [role for role in dict.fromkeys(roles) if role not in wanted or roles.count(role) > 1]
    problems += [Problem(role, Rule.NOT_OFFERED, given=order.operation) for role in extra]
    inline = [picture for picture in order.pictures if not _sent_as_address(picture, rules)]
    for picture in order.pictures:
        most = rules.most_inline_bytes // len(inline) if picture in inline else rules.most_bytes
        problems += _one_picture(picture, rules, min(most, rules.most_bytes))
    return problems


def address_of(picture: Picture, rules: PictureRules) -> str | None:
    """Return the address to send instead of the bytes, or None where the bytes go."""
    return picture.url if _sent_as_address(picture, rules) else None


def in_order(order: Order) -> list[Picture]:
    """List the pictures as vendors expect them: first frame, then last."""
    return [picture for role in _ROLES[order.operation] for picture in order.pictures if picture.role is role]


def _sent_as_address(picture: Picture, rules: PictureRules) -> bool:
    if rules.addresses_only:
        return bool(picture.url)
    return bool(picture.url) and (picture.url or "").lower().startswith("https://")


def _one_picture(picture: Picture, rules: PictureRules, most: int) -> list[Problem]:
    problems: list[Problem] = []
    if rules.addresses_only and not picture.url:
        problems.append(Problem(picture.role, Rule.NEEDS_PUBLIC_URL))
    if picture.mime not in rules.formats:
        problems.append(Problem(picture.role, Rule.PICTURE_FORMAT, picture.mime, rules.formats))
    if len(picture.data) > most:
        problems.append(Problem(picture.role, Rule.PICTURE_BYTES, str(len(picture.data)), limit=most))
    size = f"{picture.width}x{picture.height}"
    if min(picture.width, picture.height) < max(rules.shortest_side, 1):
        problems.append(Problem(picture.role, Rule.PICTURE_PIXELS, size, limit=max(rules.shortest_side, 1)))
    elif rules.widest is not None:
        shape = Fraction(picture.width, picture.height)
        if not 1 / rules.widest <= shape <= rules.widest:
            allowed = (_colon(1 / rules.widest), _colon(rules.widest))
            problems.append(Problem(picture.role, Rule.PICTURE_RATIO, _colon(shape), allowed))
    return problems


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
    digits = resolution.lower().removesuffix("p")
    return float(digits) if digits.isascii() and digits.isdigit() and len(digits) < 6 else None


def _shape(ratio: str) -> float | None:
    width, _, height = ratio.partition(":")
    if not (width + height).isascii() or not width.isdigit() or not height.isdigit() or len(ratio) > 11:
        return None
    return int(width) / int(height) if int(width) and int(height) else None
