"""A thousand connections that hang on, and authentic callbacks in between: each must be answered at once."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count

from tests.attack.aims import GOOD, SIGNING, Aims, head

_DRIP = 1.0  # seconds between two bytes
_PAUSE = 0.1  # seconds between two callbacks
_SPREAD = 64  # are opened at the same time
_KIND = 30_000  # jobs of their own, beyond those of the corpus


@dataclass
class Held:
    """What became of it."""

    open: int = 0  # hanging on just now
    least: int = 0  # of them, while callbacks were sent
    answered: int = 0
    refused: int = 0
    slowest: float = 0.0  # seconds for an authentic callback, connecting included
    closed: int = 0  # slow ones the receiver had enough of
    _ends: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])


async def hold(port: int, aims: Aims, connections: int, seconds: float) -> Held:
    """Hang on with so many, for so long."""
    held, room = Held(), asyncio.Semaphore(_SPREAD)
    slow = [asyncio.create_task(_hang(port, aims, number, held, room)) for number in range(connections)]
    try:
        async with asyncio.timeout(60):
            while held.open < connections:  # noqa: ASYNC110 -- a number has no event
                await asyncio.sleep(0.02)
        held.least = held.open
        await _ring(port, aims, held, seconds)
    finally:
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)
    return held


async def _ring(port: int, aims: Aims, held: Held, seconds: float) -> None:
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    for number in count():
        if loop.time() >= until and number:
            return
        vendor = SIGNING[number % len(SIGNING)]
        request = aims.genuine(vendor, aims.job(_KIND // 64, number), f"valid-{number}")
        began = loop.time()
        answer = await _ask(port, request)
        held.slowest = max(held.slowest, loop.time() - began)
        held.answered += answer.startswith(b"HTTP/1.1 200")
        held.refused += not answer.startswith(b"HTTP/1.1 200")
        held.least = min(held.least, held.open)
        await asyncio.sleep(_PAUSE)


async def _ask(port: int, request: bytes) -> bytes:
    try:
        async with asyncio.timeout(30):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            answer = await reader.read(4096)
    except (OSError, TimeoutError):
        return b""
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
    return answer


async def _hang(port: int, aims: Aims, number: int, held: Held, room: asyncio.Semaphore) -> None:
    """Connect, begin something, and go on byte by byte; begin anew when the receiver has had enough."""
    path = aims.path("vidu", aims.job(_KIND // 64, number))
    starts = [
        b"POST /callbacks/vidu/",
        head(path, [("X-A", "b")])[:-2],
        head(path, [("Content-Length", "60000")]),
        head(path, [("Transfer-Encoding", "chunked")]) + b"ffff\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\n",
    ]
    drip = [b"A", b"X-A: b\r\n", b"x", b"x", b"X-A: b\r\n"]
    while True:
        async with room:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        held.open += 1
        ended = asyncio.create_task(reader.read())
        try:
            writer.write(starts[number % 5] or GOOD)
            while not (await asyncio.wait({ended}, timeout=_DRIP))[0]:
                writer.write(drip[number % 5])
            held.closed += 1
        finally:
            held.open -= 1
            ended.cancel()
            writer.close()
            with suppress(OSError, asyncio.CancelledError):
                await ended
