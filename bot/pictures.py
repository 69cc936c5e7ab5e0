"""A member's file opened as a picture, by content: names and claimed types are not believed.

What a glance at the first bytes shows is refused at once. Everything else is decoded in another process (decode.py),
which is killed when it takes too long.
"""

import asyncio
import os
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

MOST_BYTES = 50 * 2**20
_MOST_WEBP_PIXELS = 16_000_000  # decoding takes 15 bytes for each, and one colour needs no more than 40 in the file
_READERS = 2  # commands whose files are in memory at once
_MEMORY = 512 * 2**20  # bytes of address space; the largest honest pictures take 370 MB
_CPU_SECONDS = 4  # the slowest honest ones take 1.5
_SECONDS = 10.0  # in all, when the machine is busy

_CHILD = str(Path(__file__).with_name("decode.py"))
_PACKAGES = str(Path(PIL.__file__).parents[1])
_SEEN = re.compile(r"(image/(?:png|jpeg|webp)) ([1-9][0-9]{0,8}) ([1-9][0-9]{0,8})")
_log = structlog.get_logger("bot.pictures")


@dataclass(frozen=True, slots=True)
class Seen:
    """What a picture turned out to be."""

    mime: str
    width: int
    height: int


class Flaw(StrEnum):
    """Why a file is of no use as a picture."""

    NOT_A_PICTURE = "not_a_picture"
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
    """Where pictures are opened: few at once, so that they fit into memory, and each member's one after another."""

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
        async with self._decoding:
            return await self._decoded(data)

    async def _decoded(self, data: bytes) -> Seen | Flaw:
        child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", _CHILD, _PACKAGES, str(self._memory), str(self._cpu_seconds)),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env={name: value for name, value in os.environ.items() if name.startswith(("LD_", "DYLD_"))},  # no secret
            start_new_session=True,  # Ctrl-C is for the program, which lets commands under way end
        )
        try:
            async with asyncio.timeout(self._seconds):
                said, _ = await child.communicate(data)
        except TimeoutError:
            _log.warning("picture given up", why="time")
            return Flaw.TOO_MANY_PIXELS
        finally:
            if child.returncode is None:
                child.kill()
            await child.wait()
        return _told(child.returncode, said.decode("ascii", "replace").strip())


def _told(code: int | None, said: str) -> Seen | Flaw:
    """Read the answer of the other process; without one, its end."""
    found = _SEEN.fullmatch(said)
    if code == 0 and found:
        return Seen(found[1], int(found[2]), int(found[3]))
    if code == 0 and said in set(Flaw):
        return Flaw(said)
    _log.warning("picture not decoded", code=code)
    if code in {-signal.SIGXCPU, -signal.SIGKILL}:  # its own bound, or the system's when memory runs out
        return Flaw.TOO_MANY_PIXELS
    if code is not None and code < 0:  # the decoder itself fell over it
        return Flaw.DAMAGED
    raise RuntimeError(f"pictures cannot be decoded: the process for it ended with {code}")
