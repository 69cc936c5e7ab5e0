"""Hostile addresses at both doors that strangers' addresses come in by: a vendor's result, and a member's picture.

Each is also tried behind a redirect. Whatever name is looked up leads to a server of ours, so that one which is reached
is seen twice: by that server, and by the interpreter, which reports every dial.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bot import files
from bot.talking import TROUBLES
from jobs import guard
from jobs.attachments import Flaw
from jobs.download import DownloadFailed, download
from tests.jobs.hostile import HOSTILE, UNPRINTABLE, Answers, listening, overheard

_HI = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
_Try = Callable[[aiohttp.ClientSession, str], Awaitable[bool]]  # whether it was fetched


@dataclass
class Door:
    """What became of the addresses at one door."""

    name: str
    tried: int = 0
    fetched: int = 0
    dialled: int = 0


async def knock() -> list[Door]:
    """Try every hostile address at every door."""
    with tempfile.TemporaryDirectory() as folder:

        async def result(session: aiohttp.ClientSession, url: str) -> bool:
            try:
                await download(session, url, Path(folder) / "a.part")
            except DownloadFailed:
                return False
            return True

        return [
            await _door("a vendor's result", result, redirected=False),
            await _door("a vendor's result, redirected", result, redirected=True),
            await _door("a member's picture", _picture, redirected=False),
            await _door("a member's picture, redirected", _picture, redirected=True),
        ]


async def _picture(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        return not isinstance(await files.fetched(session, url, 1000), Flaw)
    except TROUBLES:
        return False


async def _door(name: str, fetch: _Try, *, redirected: bool) -> Door:
    door = Door(name)
    urls = HOSTILE if redirected else HOSTILE + UNPRINTABLE
    async with listening(_HI) as (port, came):
        for template in urls:
            url = template.replace("{port}", str(port))
            door.tried += 1
            head = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: "
            onward = head + url.encode(errors="replace") + b"\r\n\r\n"
            if not redirected:
                door.fetched, door.dialled = await _one(fetch, url, None, door)
                continue
            async with listening(onward) as (start, _):
                door.fetched, door.dialled = await _one(fetch, f"http://127.0.0.1:{start}/", start, door)
        door.dialled += len(came)
    return door


async def _one(fetch: _Try, url: str, start: int | None, door: Door) -> tuple[int, int]:
    allowed = [] if start is None else [("127.0.0.1", start)]
    with overheard() as dials:
        async with guard.session(allowed, resolver=Answers("127.0.0.1", "::1")) as session, asyncio.timeout(30):
            fetched = await fetch(session, url)
        astray = [dial for dial in dials if dial not in allowed]
    return door.fetched + fetched, door.dialled + len(astray)
