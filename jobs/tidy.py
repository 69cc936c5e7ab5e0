"""Keeping no longer than said: words, bodies and files of what is over go when their days are over, step by step."""

import asyncio
from collections.abc import Callable

from jobs import files, own_keys
from jobs.context import Context
from storage import Connection, refusals, retention
from storage.codes import job_id_of

_DAY = 86_400_000  # milliseconds
_JOBS_AT_ONCE = 25  # in one write: others wait for it
_BODIES_AT_ONCE = 100
_FILES_AT_ONCE = 500
_REST = 0.05  # seconds between two writes, for the others


async def tidy(ctx: Context, rest: float = _REST) -> None:
    """Delete what was kept long enough. Raise StorageError, and go on the next time."""
    now, keeping = ctx.now(), ctx.keeping
    found = {"files": await _files(ctx, now - keeping.files * _DAY) if keeping.files else 0}
    found["keys"] = await own_keys.erase(ctx)
    if keeping.words:
        found["jobs"] = await _steps(ctx, retention.words_gone, now - keeping.words * _DAY, _JOBS_AT_ONCE, rest)
    if keeping.callbacks:
        before = now - keeping.callbacks * _DAY
        found["callbacks"] = await _steps(ctx, retention.bodies_gone, before, _BODIES_AT_ONCE, rest)
        found["refusals"] = await ctx.database.write(refusals.forgotten, before)
    gone = {name: count for name, count in found.items() if count}
    if gone:
        ctx.tell("tidied", None, **gone)


async def _steps(ctx: Context, step: Callable[[Connection, int, int], int], before: int, most: int, rest: float) -> int:
    total = 0
    while count := await ctx.database.write(step, before, most):
        total += count
        await asyncio.sleep(rest)
    return total


async def _files(ctx: Context, before: int) -> int:
    """Delete old files, but none of a job that something can still come of."""
    old = await asyncio.to_thread(files.older, ctx.media_dir, before / 1000)
    gone = 0
    for first in range(0, len(old), _FILES_AT_ONCE):
        some = old[first : first + _FILES_AT_ONCE]
        owners = {path: job_id_of(path.name.partition("-")[0]) for path in some}
        known = {job_id for job_id in owners.values() if job_id is not None}
        needed = await ctx.database.read(retention.needed, known)
        gone += await asyncio.to_thread(files.delete, [path for path in some if owners[path] not in needed])
    return gone
