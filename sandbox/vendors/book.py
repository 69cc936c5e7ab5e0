"""The words of the stand-ins: keys, orders, tasks, and the record of every call and callback."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from sandbox.vendors.dialect import Dialect
    from sandbox.vendors.pictures import PictureRules


@dataclass(frozen=True, slots=True)
class VendorKeys:
    """The one account of a stand-in: an API key, and for Kling a key pair and a webhook secret.

    `reseller_key` is what signs the callbacks that a reseller of Vidu passes on: a key of its own unless the
    customer's is put there; "" leaves them unsigned.
    """

    api_key: str
    access_key: str | None = None
    secret_key: str | None = None
    webhook_secret: str | None = None
    reseller_key: str = "the-resellers-own-key-at-vidu"


class Refusal(Exception):  # noqa: N818 - a refusal is what a vendor answers, not a mistake of ours
    """The vendor says no: an HTTP status, its own word or number for the reason, and a sentence."""

    def __init__(self, status: int, reason: str | int, message: str) -> None:
        """Keep the three parts; `headers` may be filled by the raiser."""
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.headers: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Film:
    """What to render: length in seconds, quality as the short side of 16:9, and either pictures or a card of text."""

    seconds: int
    quality: int
    ratio: float | None = None  # width / height; None: as the first picture
    audio: bool = False
    text: str = ""
    label: str = ""
    fps: int = 24


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture of a request: its bytes and its size in pixels."""

    data: bytes
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Media:
    """A sound, a film or subtitles of a request, looked into; what it has not is zero."""

    data: bytes
    format: str  # "mp3", "wav", "aac", "m4a", "mp4", "mov" or "srt"
    seconds: float
    width: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class MediaRules:
    """What a vendor takes for one field: kind, formats, bytes, seconds and pixels of a side; base64 as for pictures."""

    kind: Literal["audio", "video", "subtitles"]
    formats: frozenset[str]
    most_bytes: int
    seconds: tuple[float, float] = (0, 86400)  # least and most
    side: tuple[int, int] = (0, 1 << 20)  # least and most
    base64: Literal["never", "prefix", "bare"] = "never"
    most_decoded: int | None = None  # bytes of one given as base64; None: as many as of one fetched


@dataclass(frozen=True, slots=True)
class Materials:
    """What an order brought with it, in the order of its fields."""

    pictures: tuple[Picture, ...] = ()
    media: tuple[Media, ...] = ()
    aside: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """A submit that passed the vendor's field checks, before its pictures and media are looked at."""

    film: Film
    credits: float
    pictures: tuple[str, ...] = ()  # addresses or base64
    media: tuple[tuple[str, MediaRules], ...] = ()  # the same for sounds, films and subtitles
    aside: tuple[tuple[str, "PictureRules"], ...] = ()  # pictures that are looked at but not shown: masks, watermarks
    makes: Literal["video", "image"] = "video"
    many: int = 1  # how many pictures, where it makes pictures
    callback_url: str = ""
    callback_secret: str = ""  # the caller's own secret, where a vendor echoes one in its callbacks
    external_id: str = ""
    payload: str = ""
    settled: dict[str, Any] = field(default_factory=dict[str, Any])  # the parameters with the vendor's defaults


@dataclass(slots=True, eq=False)
class Task:
    """One row of the vendor's own book."""

    id: str
    dialect: "Dialect"
    operation: str
    body: dict[str, Any]  # as received
    order: Order
    state: str
    states: list[str]  # all states so far, in order
    created_at: float  # unix seconds
    updated_at: float
    credits: float
    materials: Materials = field(default_factory=Materials)
    keys: VendorKeys | None = None  # of the further account it was made with; None: the vendor's first one
    error: str = ""
    video: Path | None = None
    cover: Path | None = None
    images: list[Path] = field(default_factory=list[Path])
    parts: list["Task"] = field(
        default_factory=list["Task"]
    )  # smaller tasks inside this one: the shots of a music video
    empty: bool = False  # success without outputs
    cancelled: bool = False
    creation_id: str = ""
    links: dict[str, str] = field(default_factory=dict[str, str])  # which file -> token of its current link
    finished: asyncio.Event = field(default_factory=asyncio.Event)  # terminal, and every callback sent and answered
    mail: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])
    kept: list[tuple[str, bytes]] = field(default_factory=list[tuple[str, bytes]])  # callbacks that must come last

    @property
    def external_id(self) -> str:
        """The caller's own id (Kling: external_task_id), or an empty string."""
        return self.order.external_id

    @property
    def payload(self) -> str:
        """The caller's transparent text (Vidu: payload), or an empty string."""
        return self.order.payload

    @property
    def callback_url(self) -> str:
        """Where this task's callbacks go, exactly as submitted, or an empty string."""
        return self.order.callback_url


@dataclass(slots=True)
class Call:
    """A request that was received; status is None until answered and 0 when the connection was cut."""

    method: str
    path: str  # with the query, as sent
    headers: dict[str, str]  # without Authorization
    body: bytes
    at: float
    status: int | None = None


@dataclass(slots=True)
class SentCallback:
    """One callback attempt; status is None when no answer came, and error then says why."""

    task_id: str
    state: str
    url: str
    headers: dict[str, str]
    body: bytes
    at: float
    status: int | None = None
    error: str = ""


Tell = Callable[[str, dict[str, Any]], None]


def ignore(event: str, facts: dict[str, Any]) -> None:
    """Hear what happens and do nothing."""
