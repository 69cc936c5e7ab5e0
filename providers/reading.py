"""How strangers' JSON is read: strictly as JSON, leniently in meaning, and never with an unexpected exception."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn, cast

from .contract import NotUnderstood, Reason

MOST_CREDITS = 1_000_000_000  # more than this is a mistake or a lie, and would not fit a column everywhere
MOST_ITEMS = 10  # of a task's list of results: hundreds of thousands would hold the program up
_MOST_ADDRESS = 8192  # characters
MOST_DETAIL = 300  # characters, as the contract says of ProviderError.detail

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
# Kling names risk control as its example of a failed task; the others are what such reviews are called elsewhere.
_CONTENT = re.compile(
    r"\b(risk|polic(y|ies)|sensitiv(e|ity)|inappropriate|safety|content(?![- ](type|length))|violat\w*|nsfw|illegal"
    r"|prohibited)\b",
    re.IGNORECASE,
)
_MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")
_IDENTIFIER = re.compile(r"(?!\.+\Z)[A-Za-z0-9._:=~+-]{1,128}")  # as long as its column


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


_STRICT = json.JSONDecoder(parse_constant=_no_constant)


def read_object(body: bytes) -> dict[str, Any]:
    """Parse a JSON object. Raise NotUnderstood for everything else: other encodings, NaN, depth, giant numbers."""
    try:
        text = body.decode("utf-8").strip(" \t\n\r")
        value, end = _STRICT.raw_decode(text)
    except (ValueError, RecursionError):
        raise NotUnderstood("not a JSON object") from None
    if end != len(text) or not isinstance(value, dict):
        raise NotUnderstood("not a JSON object")
    return cast("dict[str, Any]", value)


def as_object(value: object) -> Mapping[str, Any]:
    """Return a JSON object, or an empty one."""
    return cast("Mapping[str, Any]", value) if isinstance(value, dict) else {}


def as_objects(value: object, most: int = MOST_ITEMS) -> list[Mapping[str, Any]]:
    """Return the objects among the first `most` items of a JSON list, leaving out what is none."""
    if not isinstance(value, list):
        return []
    return [cast("Mapping[str, Any]", item) for item in cast("list[object]", value)[:most] if isinstance(item, dict)]


def as_text(value: object) -> str:
    """Return a JSON string, or an empty one, without what no database takes: lone surrogates and NUL."""
    return value.encode("utf-8", "replace").decode("utf-8").replace("\0", "") if isinstance(value, str) else ""


def as_count(value: object) -> int | None:
    """Return a whole number not below zero, given as a number or as digits; None for everything else."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,10}", value):
        value = int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value <= MOST_CREDITS else None


def as_identifier(value: object) -> str:
    """Return a task id that may stand in a path, or an empty text."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**40 else value
    return text if isinstance(text, str) and _IDENTIFIER.fullmatch(text) else ""


def as_link(value: object) -> str:
    """Return a web address, or an empty text. Whether it may be fetched is decided where it is fetched."""
    text = value.strip() if isinstance(value, str) else ""
    plain = text.isprintable() and text.lower().startswith(("https://", "http://"))
    return text if plain and len(text) <= _MOST_ADDRESS else ""


def as_moment(value: object) -> float | None:
    """Read a time as ISO 8601 (UTC), with any number of digits of a second; epoch seconds, or None."""
    found = _MOMENT.fullmatch(as_text(value))
    if found is None:
        return None
    try:
        return datetime.fromisoformat(f"{found[1]}.{(found[2] or '0')[:6]:0<6}+00:00").timestamp()
    except ValueError:
        return None


def reason_told(said: str) -> Reason:
    """Guess from the text of a failed task, where there is no code, whether its content was refused."""
    return Reason.CONTENT if _CONTENT.search(said) else Reason.VENDOR


def for_log(*parts: object) -> str:
    """Join a stranger's words for the operator's log: one printable line, no addresses, at most 300 characters."""
    joined = " ".join(as_text(part) if isinstance(part, str) else str(part) for part in parts if part not in ("", None))
    line = "".join(letter if letter.isprintable() else " " for letter in joined[: 4 * MOST_DETAIL])
    return " ".join(_ADDRESS.sub("<address>", line).split())[:MOST_DETAIL]
