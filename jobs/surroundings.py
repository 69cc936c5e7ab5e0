"""Looking at what the program stands on: the certificate of PUBLIC_URL, clocks, disks, ffmpeg, loops."""

import asyncio
import shutil
import ssl
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from jobs import ffmpeg
from jobs.context import Loop
from jobs.trial import ahead_of

SECONDS = 5.0  # for a question to another machine
_FFMPEG = {"cpu_seconds": 5, "most_bytes": 1024}


class Flaw(StrEnum):
    """What is wrong with a certificate."""

    EXPIRED = "expired"
    NOT_YET = "not_yet"
    OTHER_NAME = "other_name"
    UNTRUSTED = "untrusted"  # self-signed, or the chain is not whole
    NO_HANDSHAKE = "no_handshake"  # no TLS is spoken there, or none that we speak
    NO_CONNECTION = "no_connection"


_FLAWS = {9: Flaw.NOT_YET, 10: Flaw.EXPIRED, 62: Flaw.OTHER_NAME, 64: Flaw.OTHER_NAME}  # by OpenSSL's numbers


@dataclass(frozen=True, slots=True)
class Certificate:
    """What TLS at PUBLIC_URL is like."""

    host: str
    https: bool = True
    flaw: Flaw | None = None
    days: float = 0.0  # it is still good for


@dataclass(frozen=True, slots=True)
class Disk:
    """Whether files can be kept."""

    writable: bool
    free: int = 0  # bytes


@dataclass(frozen=True, slots=True)
class Pulse:
    """How a loop does."""

    name: str
    rested: float | None  # seconds since its last look; None: it never looked
    stumbling: bool


async def certificate(url: str, now: float, seconds: float = SECONDS) -> Certificate:
    """Look at the certificate under an address of ours, as the vendors' machines will."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "https":
        return Certificate(host, https=False)
    context = await asyncio.to_thread(ssl.create_default_context)
    try:
        async with asyncio.timeout(seconds):
            _, writer = await asyncio.open_connection(host, parts.port or 443, ssl=context, server_hostname=host)
    except ssl.SSLCertVerificationError as error:
        return Certificate(host, flaw=_FLAWS.get(error.verify_code, Flaw.UNTRUSTED))
    except ssl.SSLError:
        return Certificate(host, flaw=Flaw.NO_HANDSHAKE)
    except (OSError, ValueError):  # a timeout is an OSError too
        return Certificate(host, flaw=Flaw.NO_CONNECTION)
    peer: dict[str, Any] = writer.get_extra_info("peercert") or {}
    writer.transport.abort()
    ends = ssl.cert_time_to_seconds(str(peer["notAfter"])) if "notAfter" in peer else now
    return Certificate(host, days=(ends - now) / 86_400)


@dataclass(frozen=True, slots=True)
class Answer:
    """What of a server's answer matters here."""

    status: int
    ahead: float | None  # seconds our clock is ahead of its Date; None: it told none


async def answer_of(url: str, clock: Callable[[], float], token: str = "", seconds: float = SECONDS) -> Answer | None:
    """Ask one of the servers of our settings; None: it could not be asked. `token`: the bot's, for Discord alone."""
    headers = {"Authorization": f"Bot {token}"} if token else {}
    context = await asyncio.to_thread(ssl.create_default_context)
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context), timeout=aiohttp.ClientTimeout(total=seconds), trust_env=False
    )
    try:
        async with session, session.get(url, headers=headers, allow_redirects=False) as answer:
            told = Answer(answer.status, ahead_of(answer.headers.get("Date", ""), clock()))
            answer.close()
            return told
    except (aiohttp.ClientError, OSError, ValueError):
        return None


async def disk(folder: Path) -> Disk:
    """Write and delete a file in a folder of ours, and see how much room there is."""
    return await asyncio.to_thread(_disk, folder)


def _disk(folder: Path) -> Disk:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"rushes")
            file.flush()
        return Disk(writable=True, free=shutil.disk_usage(folder).free)
    except OSError:
        return Disk(writable=False)


async def has_ffmpeg() -> bool:
    """Run ffmpeg the way it is run on films, only to name itself."""
    try:
        await ffmpeg.run(["-version"], **_FFMPEG)
    except (ffmpeg.Failed, OSError):
        return False
    return True


def pulses(loops: Iterable[Loop]) -> list[Pulse]:
    """Say how each loop does."""
    return [Pulse(loop.name, loop.rested, loop.stumbling) for loop in loops]
