"""Fetching a file from a stranger's machine onto our disk: whole, bounded, and never through our memory."""

import asyncio
import errno
import hashlib
import re
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, ParamSpec
from urllib.parse import urljoin

import aiohttp

from jobs import files
from jobs.guard import Blocked, parse

Kind = Literal["gone", "refused", "temporary", "blocked", "strange", "too_large", "too_slow"]

MOST_BYTES = 300 * 1024 * 1024
SPARED = 64 * 1024 * 1024  # bytes of the disk that no result takes: the database may lie on it, and callbacks go there
_CHUNK = 256 * 1024  # bytes written at a time
_REDIRECTS = 3
_MIME = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}")
_P = ParamSpec("_P")


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A file that arrived whole."""

    size: int  # bytes
    sha256: str  # hexadecimal
    content_type: str  # what the server called it, lower case, without parameters; not to be believed


class DownloadFailed(Exception):  # noqa: N818 -- says what happened; it is no programming error
    """Raised when a file did not arrive. The detail names the host at most: result addresses are secrets.

    `gone`: deleted; `refused`: the server does not want (object stores answer so when a link's time is over), or what
    it offers is not a plain file; `temporary`: worth another try; `blocked`: we do not go there; `strange`: nor
    there, for the caller says so; `too_large`, `too_slow`: given up by us.
    """

    def __init__(self, kind: Kind, detail: str) -> None:
        super().__init__(f"{kind}: {detail}")
        self.kind: Kind = kind
        self.detail = detail


async def download(
    session: aiohttp.ClientSession,
    url: str,
    part: Path,
    *,
    max_bytes: int = MOST_BYTES,
    deadline: float = 300,
    least_bytes_per_second: float = 32 * 1024,
    patience: float = 20,
    allowed: Callable[[str, int | None], bool] | None = None,
    spared: int = SPARED,
) -> Downloaded:
    """Fetch `url` into the file `part` by a session of jobs/guard.py. Raise DownloadFailed, or OSError for the disk.

    `allowed` is asked about the host and port of the address and of each one it redirects to.

    `spared`: bytes of the disk that stay free; OSError, too, when they would not.
    After an error there is no `part`. `deadline` is in seconds, for everything. An answer slower than
    `least_bytes_per_second` on the whole is given up; its first `patience` seconds do not count.
    """
    limits = _Limits(max_bytes, asyncio.get_running_loop().time() + deadline, least_bytes_per_second, patience, spared)
    try:
        async with asyncio.timeout_at(limits.end) as clock:
            return await _follow(session, url, part, limits, clock, allowed)
    except TimeoutError:
        raise DownloadFailed("too_slow", "the file did not arrive in time") from None


@dataclass(frozen=True, slots=True)
class _Limits:
    most: int  # bytes
    end: float  # on the loop's clock
    least: float  # bytes a second
    patience: float  # seconds
    spared: int  # bytes


async def _follow(
    session: aiohttp.ClientSession,
    text: str,
    part: Path,
    limits: _Limits,
    clock: asyncio.Timeout,
    allowed: Callable[[str, int | None], bool] | None,
) -> Downloaded:
    """Walk along redirects to the file; the session judges each of them."""
    for _ in range(1 + _REDIRECTS):
        host = "the address"
        try:
            url = parse(text)
            host = url.host or host
            if allowed is not None and not allowed(url.raw_host or "", url.port):
                raise DownloadFailed("strange", f"{host} is none of the hosts that results may come from")
            async with session.get(url, allow_redirects=False) as answer:
                onward = _judge(answer, host, limits.most)
                if onward is None:
                    return await _keep(answer, part, limits, clock)
            text = urljoin(str(url), onward)
        except Blocked as problem:
            raise DownloadFailed("blocked", str(problem)) from None
        except aiohttp.ClientError as problem:  # its text would show the whole address
            raise DownloadFailed("temporary", f"{host}: {type(problem).__name__}") from None
        except ValueError:
            raise DownloadFailed("blocked", f"{host} redirects to something unreadable") from None
    raise DownloadFailed("refused", "too many redirects")


def _judge(answer: aiohttp.ClientResponse, host: str, most: int) -> str | None:
    """Read an answer's head: None when the file follows, or where to go on. Raise DownloadFailed."""
    status = answer.status
    if status in {301, 302, 303, 307, 308}:
        if onward := answer.headers.get("Location"):
            return onward
        raise DownloadFailed("refused", f"{host} redirects to nowhere")
    if status in {404, 410}:
        raise DownloadFailed("gone", f"{host} answered {status}")
    if status >= 500 or status in {408, 425, 429}:
        raise DownloadFailed("temporary", f"{host} answered {status}")
    if status != 200:
        raise DownloadFailed("refused", f"{host} answered {status}")
    if answer.headers.get("Content-Encoding", "").strip().lower() not in {"", "identity"}:
        raise DownloadFailed("refused", f"{host} sent the file packed, although asked not to")
    if (answer.content_length or 0) > most:
        raise DownloadFailed("too_large", f"{host} announced {answer.content_length} bytes")
    return None


async def _keep(answer: aiohttp.ClientResponse, part: Path, limits: _Limits, clock: asyncio.Timeout) -> Downloaded:
    """Stream a body to the disk, moving the time limit along with what has arrived."""
    started, size, digest, waiting = asyncio.get_running_loop().time(), 0, hashlib.sha256(), bytearray()
    with _part(part) as file:
        clock.reschedule(min(limits.end, started + limits.patience))
        async for piece in answer.content.iter_any():
            size += len(piece)
            if size > limits.most:
                raise DownloadFailed("too_large", f"more than {limits.most} bytes")
            waiting += piece
            if len(waiting) >= _CHUNK:
                await _finish(_append, file, digest.update, bytes(waiting), limits.spared)
                waiting.clear()
            clock.reschedule(min(limits.end, started + limits.patience + size / limits.least))
        clock.reschedule(None)  # all is here; a slow disk is no reason to fetch it again
        if not size:
            raise DownloadFailed("temporary", "the file is empty")
        await _finish(_settle, file, digest.update, bytes(waiting), limits.spared)
    return Downloaded(size, digest.hexdigest(), _type_of(answer.headers.get("Content-Type", "")))


@contextmanager
def _part(part: Path) -> Generator[BinaryIO]:
    """Open the unfinished file, and take it away again if anything goes wrong."""
    part.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with part.open("wb") as file:
            yield file
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _append(file: BinaryIO, digest: Callable[[bytes], None], data: bytes, spared: int) -> None:
    if files.room(file.fileno()) < spared + len(data):
        raise OSError(errno.ENOSPC, "the rest of the disk is not for results")
    digest(data)
    file.write(data)


def _settle(file: BinaryIO, digest: Callable[[bytes], None], rest: bytes, spared: int) -> None:
    _append(file, digest, rest, spared)
    file.flush()
    files.flush(file.fileno())


def _type_of(header: str) -> str:
    mime = header.partition(";")[0].strip().lower()
    return mime if _MIME.fullmatch(mime) else ""


async def _finish(work: Callable[_P, None], /, *args: _P.args, **kwargs: _P.kwargs) -> None:
    """Do blocking work in a thread, to its end even when cancelled: nobody may close the file under its feet."""
    thread = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    try:
        await asyncio.shield(thread)
    except asyncio.CancelledError:
        while not thread.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait({thread})
        thread.exception()  # heard, so that nobody complains
        raise
