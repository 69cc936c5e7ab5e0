"""The small values that the stand-in for Discord passes around: files, pings, faults, records, refusals."""

import asyncio
import mimetypes
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]
Tell: TypeAlias = Callable[[str, dict[str, Any]], None]

EPOCH_MS = 1_420_070_400_000  # Discord counts milliseconds from the first second of 2015

# Kinds of channels, and where an interaction may come from.
TEXT, DIRECT, GROUP, PUBLIC_THREAD, PRIVATE_THREAD, FORUM = 0, 1, 3, 11, 12, 15
IN_SERVER, IN_BOT_DM, IN_PRIVATE = 0, 1, 2

SUPPRESS_EMBEDS = 1 << 2
EPHEMERAL = 1 << 6
LOADING = 1 << 7
SUPPRESS_NOTIFICATIONS = 1 << 12
COMPONENTS_V2 = 1 << 15


def ignore(event: str, facts: dict[str, Any]) -> None:
    """Hear an event and do nothing."""
    del event, facts


class RefusedError(Exception):
    """What Discord refuses, as its status, its error code and its message."""

    def __init__(self, status: int, code: int, message: str, errors: Json | None = None) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.code = code
        self.message = message
        self.errors = errors

    def body(self) -> Json:
        """Give the JSON of Discord's error answer."""
        body: Json = {"message": self.message, "code": self.code}
        return body | {"errors": self.errors} if self.errors else body


def listed(body: Json, key: str) -> list[Json]:
    """Give a list out of JSON; what is missing or null is empty."""
    value: Any = body.get(key)
    return list(value) if value else []


def nested(body: Json, key: str) -> Json:
    """Give an object out of JSON; what is missing or null is empty."""
    value: Any = body.get(key)
    return value if isinstance(value, dict) else {}  # pyright: ignore[reportUnknownVariableType] -- JSON


def invalid(path: str, code: str, message: str) -> RefusedError:
    """Refuse one field of a body (dotted path) the way Discord reports a bad form."""
    errors: Json = {"_errors": [{"code": code, "message": message}]}
    for part in reversed(path.split(".")):
        errors = {part: errors}
    return RefusedError(400, 50035, "Invalid Form Body", errors)


class NotOfferedError(Exception):
    """What the Discord client would not let a person do; raised in the test that tried."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it leaves a person's or the bot's hands."""

    filename: str
    data: bytes = field(repr=False)
    content_type: str | None = None
    width: int | None = None
    height: int | None = None

    @property
    def claimed_type(self) -> str:
        """Give the media type that Discord shows: the uploader's claim, or a guess by the name."""
        return self.content_type or mimetypes.guess_type(self.filename)[0] or "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Attachment:
    """A stored file with its number; `private` ones came with a command and are seen by the bot alone."""

    id: int
    folder: int
    filename: str
    data: bytes = field(repr=False)
    content_type: str
    description: str | None = None
    width: int | None = None
    height: int | None = None
    private: bool = False

    @property
    def size(self) -> int:
        """Count the bytes."""
        return len(self.data)


@dataclass(frozen=True, slots=True)
class Pings:
    """Who a message makes a phone ring for."""

    users: frozenset[int] = frozenset()
    roles: frozenset[int] = frozenset()
    everyone: bool = False

    def __bool__(self) -> bool:
        return bool(self.users or self.roles or self.everyone)


@dataclass(frozen=True, slots=True)
class Version:
    """What a message said before an edit."""

    content: str
    embeds: tuple[Json, ...]
    attachments: tuple[Attachment, ...]
    components: tuple[Json, ...]
    flags: int
    pings: Pings
    at: float


@dataclass(frozen=True, slots=True)
class Button:
    """A button under a message."""

    label: str
    custom_id: str | None
    url: str | None
    style: int
    disabled: bool


@dataclass(frozen=True, slots=True)
class SentFile:
    """One file part of a request: the form field's name, the file's name, its size in bytes."""

    field: str
    filename: str
    size: int


@dataclass(slots=True)
class Recorded:
    """One request of the bot and what it was answered; `status` stays None while nothing was answered."""

    method: str
    path: str
    query: dict[str, str]
    json: Any
    files: tuple[SentFile, ...]
    headers: Mapping[str, str]
    at: float
    multipart: bool = False
    status: int | None = None
    answer: Any = None
    content_type: str | None = None
    faulted: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """Spoil the next `times` requests of this method (or "*") whose path matches.

    `status` is a number or "cut" (the connection is torn down); `when` is "before" (nothing happens) or "after"
    (the request has its full effect, then this answer goes out). `gate` holds the answer until the event is set.
    Without `status` a fault only holds.
    """

    method: str
    path: str
    times: int = 1
    status: int | str | None = None
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    when: str = "before"
    gate: asyncio.Event | None = None

    def matches(self, method: str, path: str) -> bool:
        """Say whether this fault is meant for a request (the path is searched, without /api/v10)."""
        return self.times > 0 and self.method in ("*", method) and re.search(self.path, path) is not None
