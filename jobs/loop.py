"""The shape of every loop: do what is due; then wait for the doorbell or a moment, whichever comes first."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import structlog

from jobs.context import Context
from storage import StorageError

_log = structlog.get_logger("loop")
_PAUSE_MOST = 30.0  # seconds between tries while something is wrong


async def run(
    ctx: Context,
    name: str,
    step: Callable[[], Awaitable[bool]],
    wake: asyncio.Event,
    stopping: asyncio.Event,
) -> None:
    """Repeat `step` until `stopping`; it says whether it did something, and then it is asked again at once.

    A step that raises is tried again with growing pauses: what was due stays due in the database.
    """
    failures = 0
    while not stopping.is_set():
        wake.clear()
        pause = ctx.timing.idle / 1000
        try:
            if await step():
                failures = 0
                continue
            failures = 0
        except StorageError as error:
            failures += 1
            _log.warning("database not usable", loop=name, error=str(error))
        except Exception:  # noqa: BLE001 -- the rim: a loop must outlive whatever one round did
            failures += 1
            _log.exception("step failed", loop=name)
        if failures:
            pause = min(pause * 2**failures, _PAUSE_MOST)
        await _rung(wake, stopping, pause)


async def _rung(wake: asyncio.Event, stopping: asyncio.Event, seconds: float) -> None:
    bells = [asyncio.create_task(wake.wait()), asyncio.create_task(stopping.wait())]
    try:
        await asyncio.wait(bells, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for bell in bells:
            bell.cancel()
        await asyncio.gather(*bells, return_exceptions=True)


async def each(work: Iterable[Any], handle: Callable[[Any], Awaitable[None]], *, at_once: int) -> bool:
    """Handle pieces of work side by side, `at_once` at the most; True when there was any.

    One that raises is logged and does not stop the others.
    """
    gate = asyncio.Semaphore(at_once)

    async def one(item: Any) -> None:
        async with gate:
            try:
                await handle(item)
            except StorageError:
                raise
            except Exception:  # noqa: BLE001 -- likewise, for one piece of work
                _log.exception("work failed", kind=type(item).__name__)

    results = await asyncio.gather(*(one(item) for item in work), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return bool(results)
