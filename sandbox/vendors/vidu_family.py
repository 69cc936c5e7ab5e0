"""What Vidu and a reseller of Vidu have in common: models with their ranges and prices, field checks, error shape.

Facts: Vidu, image-to-video, text-to-video, start-end-to-video and error-code, read 2026-11; Futurelabs, API
documentation of 2026-05-08 (ranges and price table).
"""

import math
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from sandbox.vendors.book import Order, Picture, Refusal, Task, VendorKeys
from sandbox.vendors.pictures import PictureProblem

WIDE = frozenset({"16:9", "9:16", "1:1"})
ALL_RATIOS = WIDE | {"3:4", "4:3"}
MOST_PROMPT = 5000
MOST_PAYLOAD = 1_048_576
MOST_BODY = 20 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Model:
    """A model's seconds, resolutions with credits per second, and shapes; the first entries are the defaults."""

    seconds: tuple[int, ...]
    default_seconds: int
    per_second: dict[str, float]
    default_resolution: str
    ratios: frozenset[str] = ALL_RATIOS
    sound: bool = False


def _span(last: int) -> tuple[int, ...]:
    return tuple(range(1, last + 1))


# Credits per second follow from Futurelabs' table, whose rows are all proportional to the length; the rows it lacks
# (540p of viduq3-turbo, the models it does not sell) are estimates by the same steps.
MODELS: dict[str, Model] = {
    "viduq3-pro": Model(_span(16), 5, {"540p": 4, "720p": 8, "1080p": 16}, "720p", sound=True),
    "viduq3-turbo": Model(_span(16), 5, {"540p": 2, "720p": 4, "1080p": 8}, "720p", sound=True),
    "viduq3-pro-fast": Model(_span(16), 5, {"720p": 4, "1080p": 8}, "720p", sound=True),
    "viduq2": Model(_span(10), 5, {"540p": 2, "720p": 4, "1080p": 8}, "720p"),
    "viduq2-pro": Model(_span(10), 5, {"540p": 2, "720p": 4, "1080p": 8}, "720p"),
    "viduq2-turbo": Model(_span(10), 5, {"540p": 2, "720p": 4, "1080p": 8}, "720p"),
    "viduq2-pro-fast": Model(_span(10), 5, {"720p": 4, "1080p": 8}, "720p"),
    "viduq1": Model((5,), 5, {"1080p": 8}, "1080p", WIDE),
    "viduq1-classic": Model((5,), 5, {"1080p": 8}, "1080p", WIDE),
    "vidu2.0": Model((4, 8), 4, {"360p": 2, "720p": 4, "1080p": 8}, "360p", WIDE),
}


def bad(field: str, why: str, reason: str = "FieldInvalid") -> Refusal:
    """Return the refusal of a field."""
    return Refusal(400, reason, f"{field} {why}")


def text(body: dict[str, Any], field: str, most: int, *, required: bool = False) -> str:
    """Read a text field, "" when absent; raises Refusal."""
    value = body.get(field)
    if value is None or value == "":
        if required:
            raise bad(field, "is required", "FieldLacking")
        return ""
    if not isinstance(value, str):
        raise bad(field, "must be a string")
    if len(value) > most:
        raise bad(field, f"is longer than {most} characters")
    return value


def number(body: dict[str, Any], field: str, default: int, allowed: Iterable[int] | None = None) -> int:
    """Read a whole number; raises Refusal."""
    value = body.get(field)
    if value is None:
        return default
    if not isinstance(value, int) or isinstance(value, bool):
        raise bad(field, "must be an integer")
    if allowed is not None and value not in allowed:
        raise bad(field, f"value {value} is not available for this model")
    return value


def flag(body: dict[str, Any], field: str, default: bool) -> bool:
    """Read a true or false; raises Refusal."""
    value = body.get(field)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise bad(field, "must be a boolean")
    return value


def choice(body: dict[str, Any], field: str, default: str, allowed: Iterable[str]) -> str:
    """Read a word of a list; raises Refusal."""
    value = text(body, field, 100) or default
    if value not in allowed:
        raise bad(field, f"value {value} is not available for this model")
    return value


def picked_model(body: dict[str, Any], sold: Iterable[str]) -> tuple[str, Model]:
    """Read the model; raises Refusal."""
    name = text(body, "model", 100, required=True)
    if name not in sold:
        raise bad("model", f"{name} is not available here", "ModelUnavailable")
    return name, MODELS[name]


def image_sources(body: dict[str, Any], count: int) -> tuple[str, ...]:
    """Read exactly `count` pictures as texts; raises Refusal."""
    value = body.get("images")
    if value is None:
        raise bad("images", "is required", "FieldLacking")
    if not isinstance(value, list):
        raise bad("images", "must be an array of strings")
    found = cast("list[object]", value)
    if len(found) != count:
        raise bad("images", f"must have {count} item(s), got {len(found)}", "FieldItemCountOutOfRange")
    sources = [each for each in found if isinstance(each, str) and each]
    if len(sources) != len(found):
        raise bad("images", "must be an array of strings")
    if sum(map(len, sources)) > MOST_BODY:
        raise bad("images", "make the request body larger than 20 MB")
    return tuple(sources)


def callback_address(body: dict[str, Any]) -> str:
    """Read callback_url; raises Refusal."""
    address = text(body, "callback_url", 4096)
    if address and not address.startswith(("http://", "https://")):
        raise bad("callback_url", "must be a URL")
    return address


def price(model: Model, resolution: str, seconds: int, *, off_peak: bool) -> int:
    """Return the credits of a task; off-peak costs half."""
    full = model.per_second[resolution] * seconds
    return math.ceil(full / 2 if off_peak else full)


def ratio_of(words: str) -> float:
    """Turn "16:9" into a number."""
    width, height = words.split(":")
    return int(width) / int(height)


def check_pair(_order: Order, pictures: tuple[Picture, ...]) -> None:
    """Refuse a first and last frame of unlike size: their pixel counts must be within 0.8 and 1.25; raises Refusal."""
    if len(pictures) == 2:
        first, last = pictures
        if not 0.8 <= (first.width * first.height) / (last.width * last.height) <= 1.25:
            raise bad("images", "must be of similar size (0.8 to 1.25)", "PageSizeOutOfRange")


def picture_refusal(problem: PictureProblem) -> Refusal:
    """Name a picture's problem as Vidu does."""
    reasons = {
        "unreachable": "ImageDownloadFailure",
        "format": "ImageFormatInvalid",
        "size": "PageSizeOutOfRange",
        "ratio": "PageSizeOutOfRange",
    }
    return Refusal(400, reasons.get(problem.kind, "FieldInvalid"), problem.message)


def faults(which: str) -> Refusal:
    """Return what the vendor answers in general trouble."""
    status, reason, message = {
        "throttle": (429, "TooManyRequests", "too many requests"),
        "error500": (500, "InternalServiceFailure", "internal service failure"),
        "out_of_credit": (400, "CreditInsufficient", "credit is insufficient"),
        "json": (400, "BadRequest", "request body is not a JSON object"),
        "no_such_task": (404, "TaskNotFound", "task not found"),
        "no_such_method": (400, "BadRequest", "method not allowed"),
    }.get(which, (404, "NotFound", "not found"))
    return Refusal(status, reason, message)


def refused(refusal: Refusal) -> dict[str, Any]:
    """Return the body of an error answer."""
    return {
        "code": refusal.status,
        "reason": refusal.reason,
        "message": refusal.message,
        "metadata": {"trace_id": secrets.token_hex(16)},
    }


def authorize(keys: VendorKeys, header: str, _now: float) -> None:
    """Demand "Token {api key}"; raises Refusal."""
    scheme, _, key = header.partition(" ")
    if scheme != "Token" or not secrets.compare_digest(key.encode(), keys.api_key.encode()):
        raise Refusal(401, "Unauthorized", "invalid api key")


def authorize_bearer(keys: VendorKeys, header: str, _now: float) -> None:
    """Demand "Bearer {api key}", as resellers do; raises Refusal."""
    scheme, _, key = header.partition(" ")
    if scheme != "Bearer" or not secrets.compare_digest(key.encode(), keys.api_key.encode()):
        raise Refusal(401, "Unauthorized", "invalid api key")


def too_late(_task: Task) -> Refusal:
    """Return the refusal to cancel a task that has started."""
    return Refusal(400, "BadRequest", "task state is scheduled, can not cancel")


def stamp(at: float, digits: int) -> str:
    """Write unix seconds as ISO 8601 in UTC with so many digits of a second."""
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{f'{moment:%f}000'[:digits]}Z"
