"""Noticing that the clock was set back while the program runs: what was put off would wait for it to catch up."""

import asyncio
import contextlib
import time
from collections.abc import Callable

import structlog

from jobs.context import Context
from storage import StorageError, clocks

_EVERY = 1.0  # seconds between two looks
_STEP = 1.0  # seconds: less than that is a clock being kept right, not set
_log = structlog.get_logger("clock")


async def watch(
    ctx: Context,
    stopping: asyncio.Event,
    *,
    steady: Callable[[], float] = time.monotonic,
    every: float = _EVERY,
) -> None:
    """Hold the clock against one that nobody can set, until told to stop; where it was set back, do what a start does.

    `every`: seconds between two looks.
    """
    apart = ctx.clock() - steady()
    while not stopping.is_set():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), every)
        now_apart = ctx.clock() - steady()
        if now_apart < apart - _STEP:
            try:
                late = await ctx.database.write(clocks.set_right, ctx.now(), ctx.timing.longest_pause)
            except StorageError as error:
                _log.warning("clock set back, and the work not yet", error=str(error))
                continue  # the next look sees it again
            _log.warning("clock set back", seconds=round(apart - now_apart), brought_forward=late)
        apart = now_apart
