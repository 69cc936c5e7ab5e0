"""A member's file opened by content, as a picture, an audio, a video or subtitles: names and claimed types are nothing.

What a glance at the first bytes shows is refused at once. Pictures and audio are then read in another process
(decode.py), which is killed when it takes too long; of an MP4 only the boxes are read (mp4.py), without a decoder.
"""

import asyncio
import re
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from weakref import WeakValueDictionary

import PIL
import structlog

from jobs import children
from jobs.boxes import NotAVideo
from jobs.mp4 import NotASound, inspect_bytes, inspect_sound

MOST_BYTES = 50 * 2**20  # of a picture
MOST_CLIP_BYTES = 100 * 10**6  # of a video or an audio: more than any vendor takes
_MOST_SUBTITLES = 2**20
_LONGEST_AUDIO = 24 * 3600  # seconds
_MOST_WEBP_PIXELS = 16_000_000  # decoding takes 15 bytes for each, and one colour needs no more than 40 in the file
_READERS = 2  # commands whose files are in memory at once
_MEMORY = 512 * 2**20  # bytes of address space; the largest honest pictures take 370 MB
_CPU_SECONDS = 4  # the slowest honest ones take 1.5
_SECONDS = 10.0  # in all, when the machine is busy

_CHILD = str(Path(__file__).with_name("decode.py"))
_PACKAGES = str(Path(PIL.__file__).parents[1])
_SEEN = re.compile(r"(image/(?:png|jpeg|webp)) ([1-9][0-9]{0,8}) ([1-9][0-9]{0,8})")
_HEARD = re.compile(r"(audio/(?:mpeg|wav|aac)) ([0-9]{1,6}\.[0-9]{3})")
_CUE = re.compile(r"\d{1,3}:\d\d:\d\d[,.]\d{3} --> \d{1,3}:\d\d:\d\d[,.]\d{3}")
_log = structlog.get_logger("jobs.attachments")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a picture turned out to be."""

    mime: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Heard:
    """What an audio, a video or a subtitle file turned out to be."""

    mime: str
    seconds: float  # 0: subtitles
    width: int = 0  # pixels; 0: no picture
    height: int = 0


class Flaw(StrEnum):
    """Why a file is of no use."""

    NOT_A_PICTURE = "not_a_picture"
    NOT_AN_AUDIO = "not_an_audio"
    NOT_A_VIDEO = "not_a_video"
    NOT_SUBTITLES = "not_subtitles"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_MANY_BYTES = "too_many_bytes"
    DAMAGED = "damaged"
    NOT_RECEIVED = "not_received"  # Discord did not hand it over


def at_a_glance(data: bytes | bytearray) -> Flaw | None:
    """Say what is wrong with a file as far as can be told without decoding it."""
    if data.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")):
        return None
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return Flaw.TOO_MANY_PIXELS if _webp_pixels(data) > _MOST_WEBP_PIXELS else None
    return Flaw.NOT_A_PICTURE


def _webp_pixels(data: bytes | bytearray) -> int:
    """Read the size that a WebP states of itself (RFC 9649, section 2); 0 where it states none."""

    def number(begin: int, end: int) -> int:
        return int.from_bytes(data[begin:end], "little")

    match bytes(data[12:16]):
        case b"VP8X":
            return (number(24, 27) + 1) * (number(27, 30) + 1)
        case b"VP8L":
            return (number(21, 23) % 2**14 + 1) * ((number(21, 25) >> 14) % 2**14 + 1)
        case b"VP8 ":
            return (number(26, 28) % 2**14) * (number(28, 30) % 2**14)
        case _:
            return 0


class Desk:
    """Where files are opened: few at once, so that they fit into memory, and each member's one after another."""

    def __init__(self, *, memory: int = _MEMORY, cpu_seconds: int = _CPU_SECONDS, seconds: float = _SECONDS) -> None:
        """Take the bounds of decoding one picture: bytes, and seconds of work and in all."""
        self._memory = memory
        self._cpu_seconds = cpu_seconds
        self._seconds = seconds
        self._chairs = asyncio.Semaphore(_READERS)
        self._decoding = asyncio.Lock()
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, member: int) -> AsyncGenerator[None]:
        """Wait for room to fetch and open the pictures of one command."""
        own = self._turns.setdefault(member, asyncio.Lock())
        async with own, self._chairs:
            yield

    async def look(self, data: bytes) -> Seen | Flaw:
        """Open a file as a picture and decode it whole. Raise OSError or RuntimeError when that cannot be done here."""
        flaw = at_a_glance(data)
        if flaw is not None:
            return flaw
        said = await self._decoded("picture", data)
        found = _SEEN.fullmatch(said)
        return Seen(found[1], int(found[2]), int(found[3])) if found else _flaw(said)

    async def listen(self, data: bytes) -> Heard | Flaw:
        """Open a file as an audio. Raise OSError or RuntimeError when that cannot be done here."""
        if data[4:8] == b"ftyp":
            return await asyncio.to_thread(_recording, data)
        said = await self._decoded("audio", data)
        found = _HEARD.fullmatch(said)
        return Heard(found[1], float(found[2])) if found else _flaw(said)

    async def watch(self, data: bytes) -> Heard | Flaw:
        """Open a file as an MP4 or a QuickTime video."""
        try:
            video = await asyncio.to_thread(inspect_bytes, data)
        except NotAVideo:
            return Flaw.NOT_A_VIDEO
        mime = "video/quicktime" if data[8:12] == b"qt  " else "video/mp4"
        return Heard(mime, video.seconds, video.width, video.height)

    async def _decoded(self, kind: str, data: bytes) -> str:
        async with self._decoding:
            return await self._child(kind, data)

    async def _child(self, kind: str, data: bytes) -> str:
        words = (sys.executable, "-I", "-S", _CHILD, _PACKAGES, str(self._memory), str(self._cpu_seconds), kind)
        async with children.begun(*words, stdin=PIPE, stdout=PIPE, stderr=DEVNULL) as child:
            try:
                async with asyncio.timeout(self._seconds):
                    said, _ = await children.told(child, data)
            except TimeoutError:
                _log.warning("file given up", kind=kind, why="time")
                return _too_much(kind)
        return _told(kind, child.returncode, said.decode("ascii", "replace").strip())


def _recording(data: bytes) -> Heard | Flaw:
    """Read a recording in an MP4, of whose boxes alone its length is known."""
    try:
        seconds = inspect_sound(data)
    except NotASound:
        return Flaw.NOT_AN_AUDIO
    except NotAVideo:
        return Flaw.DAMAGED
    return Heard("audio/mp4", seconds) if 0 < seconds <= _LONGEST_AUDIO else Flaw.DAMAGED


def _told(kind: str, code: int | None, said: str) -> str:
    """Read the answer of the other process; without one, its end."""
    if code == 0 and said:
        return said
    _log.warning("file not decoded", kind=kind, code=code)
    if code in {-signal.SIGXCPU, -signal.SIGKILL}:  # its own bound, or the system's when memory runs out
        return _too_much(kind)
    if code is not None and code < 0:  # the decoder itself fell over it
        return Flaw.DAMAGED
    raise RuntimeError(f"files cannot be decoded: the process for it ended with {code}")


def _too_much(kind: str) -> str:
    return Flaw.TOO_MANY_PIXELS if kind == "picture" else Flaw.DAMAGED


def _flaw(said: str) -> Flaw:
    if said in set(Flaw):
        return Flaw(said)
    raise RuntimeError("files cannot be decoded: the process for it said something else")


def read_subtitles(data: bytes) -> Heard | Flaw:
    """Open a file as SubRip subtitles: UTF-8 text with at least one cue."""
    try:
        text = data.decode("utf-8-sig") if len(data) <= _MOST_SUBTITLES else ""
    except UnicodeDecodeError:
        text = ""
    return Heard("application/x-subrip", 0.0) if _CUE.search(text) else Flaw.NOT_SUBTITLES
