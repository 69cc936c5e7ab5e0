"""Looking whether a job that was sent again was made twice: the vendor's list may know of a task that nobody rang for.

A doubtful submission is sent again when two looks have not found it. Should it arrive all the same, late, its callback
tells of it (strays.py); where that is lost too, nobody would ever know what the vendor bills.
"""

from collections.abc import Sequence

import structlog

from jobs.context import Context
from jobs.loop import Work
from jobs.reconcile import look_from
from jobs.settle import learn
from jobs.submit import backoff
from jobs.whose import task_of
from providers.contract import ProviderError
from storage import Connection, StorageError, strays
from storage import jobs as job_facts
from storage.words import Job, Search

_log = structlog.get_logger("twins")
_AT_ONCE = 4


def work(ctx: Context) -> Work[Search]:
    """Make the searches whose time has come."""

    async def due() -> Sequence[Search]:
        return await ctx.database.read(strays.searches_due, ctx.now(), 2 * _AT_ONCE)

    async def handle(search: Search) -> None:
        await _search(ctx, search)

    return Work("twins", due, handle, lambda search: search.job_id, ctx.wakes.twins, _AT_ONCE, ctx.timing.idle / 1000)


async def _search(ctx: Context, search: Search) -> None:
    """Look once; again soon when something was found, as there may be more. Raise StorageError."""
    job, known = await ctx.database.read(_known, search.job_id)
    provider = ctx.provider_of(job) if job else None
    again: int | None = None
    if job is not None and provider is not None and provider.can_find:
        asked_at, later = ctx.now(), ctx.now() + backoff(ctx, search.attempts)
        try:
            found = await provider.find(task_of(job, ""), look_from(job), known)
        except ProviderError as error:
            ctx.tell("second task not looked up", job.id, kind=error.kind, reason=error.reason, detail=error.detail)
            again = max(later, asked_at + min(int((error.retry_after or 0) * 1000), ctx.timing.retry_most))
        except StorageError:
            raise
        except Exception:  # noqa: BLE001 -- a vendor that says what nobody expects is as good as silent
            _log.exception("second task not looked up", job=job.code)
            again = later
        else:
            if found is not None:
                ctx.tell("found beside", job.id, task=found.task_id)
                await learn(ctx, job, found, asked_at, of=found.task_id)
                again = later
    elif job is not None and provider is None:  # its key may be readable again after the next start
        again = ctx.now() + ctx.timing.retry_most
    if ctx.now() >= search.since + ctx.timing.rescue:  # the vendor cannot be asked, or names what is somebody else's
        again = None
    await ctx.database.write(strays.searched, search, again)


def _known(connection: Connection, job_id: int) -> tuple[Job | None, frozenset[str]]:
    """Read a job, and name the tasks of it that are known already."""
    job = job_facts.by_id(connection, job_id)
    theirs = {stray.task_id for stray in strays.of_job(connection, job_id)}
    return job, frozenset(theirs | ({job.task_id} if job and job.task_id else set()))
