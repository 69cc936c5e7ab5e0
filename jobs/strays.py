"""Following strays: tasks a vendor made for a job beside the one its hold pays for. Stopped, asked about, booked.

A doubtful submission that was sent again may have been taken twice; a task may come to light after its credits were
given back. The first success is the member's; whatever else was made is never posted, and its cost is written down.
"""

from collections.abc import Sequence
from typing import Any

import structlog

from jobs import life
from jobs.context import Context
from jobs.loop import Work
from jobs.submit import backoff
from jobs.transitions import Event
from jobs.whose import cost, ours, task_of
from providers.contract import ErrorKind, Progress, Provider, ProviderError, Reason, Status
from providers.orders import Operation
from storage import Connection, StorageError, strays
from storage import jobs as job_facts
from storage.words import Job, State, Stray

_log = structlog.get_logger("strays")
_AT_ONCE = 4
_LOOKS = 4  # of a search, for which a task that failed is not yet believed to have been the only one
_RUNNING = {State.SUBMITTED, State.PROCESSING}
COUNTED = "a task that is counted already"
SECOND = "a second task of the job"


def work(ctx: Context) -> Work[Stray]:
    """Follow the strays whose time has come."""

    async def due() -> Sequence[Stray]:
        return await ctx.database.read(strays.due, ctx.now(), 2 * _AT_ONCE)

    async def handle(stray: Stray) -> None:
        await follow(ctx, stray)

    return Work("strays", due, handle, lambda stray: stray.id, ctx.wakes.strays, _AT_ONCE, ctx.timing.idle / 1000)


async def follow(ctx: Context, stray: Stray) -> None:
    """Tell a stray's vendor to stop, ask how it is, and book it when it has ended. Raise StorageError."""
    job = await ctx.database.read(job_facts.by_id, stray.job_id)
    if job is None:  # jobs are never deleted
        return
    provider = ctx.provider_of(job) if job.provider == stray.provider else None
    wait = backoff(ctx, stray.attempts)
    try:
        status = None if provider is None else await _asked(ctx, provider, job, stray)
    except ProviderError as error:
        ctx.tell("stray not asked about", job.id, kind=error.kind, reason=error.reason, detail=error.detail)
        status, wait = None, max(wait, int((error.retry_after or 0) * 1000))
        if error.reason is Reason.NOT_FOUND and ctx.now() - stray.found_at >= ctx.timing.absence_gap * 5:
            status = Status(stray.task_id, Progress.FAILED, "not found")  # there is no such task, so it costs nothing
    except StorageError:
        raise
    except Exception:  # noqa: BLE001 -- a vendor that says what nobody expects is as good as silent
        _log.exception("stray not asked about", job=job.code)
        status = None
    outcome = await ctx.database.write(_followed, ctx, stray, status, wait)
    ctx.tell("stray followed", job.id, task=stray.task_id, outcome=outcome)
    _ring(ctx)


async def _asked(ctx: Context, provider: Provider, job: Job, stray: Stray) -> Status | None:
    """Ask the vendor to stop, until it has understood, and how the task is; None: it is no stray now.

    Raise ProviderError.
    """
    task = task_of(job, stray.task_id)
    if await _needed(ctx, provider, job, stray):
        return None
    if stray.cancel_sent_at is None and provider.can_cancel(Operation(job.operation)):
        try:
            await provider.cancel(task)
        except ProviderError as error:
            ctx.tell("stray not stopped", job.id, kind=error.kind, detail=error.detail)
            understood = error.kind is ErrorKind.REJECTED  # too late
        else:
            understood = True
        if understood:
            await ctx.database.write(strays.told_to_stop, stray, ctx.now())
    return await provider.query(task)


async def _needed(ctx: Context, provider: Provider, job: Job, stray: Stray) -> bool:
    """Before a stray is stopped, let it take the place of its job's own task if that has come to nothing."""
    if stray.cancel_sent_at is not None or job.task_id is None or job.state not in _RUNNING:
        return False
    try:
        own = await provider.query(task_of(job, job.task_id))
    except ProviderError as error:
        if error.kind is not ErrorKind.REJECTED and stray.attempts < _LOOKS:
            raise  # the last one that lives is not stopped because of an answer that was lost
        return False
    except Exception:  # noqa: BLE001 -- a vendor that says what nobody expects tells nothing of its other task
        _log.exception("own task not asked about", job=job.code)
        return False
    if own.progress is not Progress.FAILED:
        return False

    def change(connection: Connection) -> bool:
        now = job_facts.by_id(connection, job.id)
        return now is not None and now.task_id == job.task_id and stands_in(connection, ctx, now, own) is not None

    return await ctx.database.write(change)


def _followed(connection: Connection, ctx: Context, stray: Stray, status: Status | None, wait: int) -> str:
    job = job_facts.by_id(connection, stray.job_id)
    now = strays.of_task(connection, stray.provider, stray.task_id)
    if job is None or now is None or now.credits is not None:  # it became the job's own meanwhile, or has ended
        return COUNTED
    if status is not None and status.progress.final:
        return _ended(connection, ctx, job, now, status)
    if ctx.now() >= now.found_at + ctx.timing.patience(job.options):  # nobody says: it is counted as made
        strays.booked(connection, job, now, job.price, ctx.now())
        return "silent for too long"
    strays.postponed(connection, now, ctx.now() + (wait if status is None else ctx.timing.callback_grace))
    return "still running"


def heard(connection: Connection, ctx: Context, job: Job, status: Status) -> str:
    """Take in what a vendor says of a task that is not the job's own; say what came of it."""
    stray = strays.of_task(connection, job.provider, status.task_id)
    if stray is None:
        if not ours(connection, job, status):
            return "a task of somebody else"
        stray = strays.found(connection, job, status.task_id, ctx.now())
    if stray is None or stray.credits is not None:
        return COUNTED
    return _ended(connection, ctx, job, stray, status) if status.progress.final else SECOND


def _ended(connection: Connection, ctx: Context, job: Job, stray: Stray, status: Status) -> str:
    """Let the job have a stray that succeeded while its own task still runs; else book what the stray cost."""
    waits = job.state in _RUNNING or (job.state is State.EXPIRED and job.charged is None)
    if status.progress is Progress.SUCCEEDED and waits and job.task_id is not None:
        life.advance(
            connection,
            job,
            Event.SUCCEEDED,
            ctx.now(),
            ctx.timing,
            credits=status.credits,
            links=status.outputs,
            task_id=stray.task_id,
        )
        strays.changed_places(connection, stray, job.task_id, ctx.now())
        return "succeeded first"
    strays.booked(connection, job, stray, cost(job, status), ctx.now())
    return "booked beside"


def stands_in(connection: Connection, ctx: Context, job: Job, status: Status) -> Job | None:
    """Let a running stray take the place of a job's own task that came to nothing; None: there is none."""
    running = [one for one in strays.of_job(connection, job.id) if one.credits is None and one.cancel_sent_at is None]
    if job.task_id is None or not running or job.provider != running[0].provider:
        return None
    event = Event.ACCEPTED if job.state is State.EXPIRED else Event.WAITING
    now = ctx.now()
    facts: dict[str, Any] = {
        "task_id": running[0].task_id,
        "cancel_sent_at": None,
    }  # if it is to stop, this one is still to be told
    after = life.advance(connection, job, event, now, ctx.timing, due_at=now, **facts)
    if after is not None:
        strays.changed_places(connection, running[0], job.task_id, now)
        failed = strays.of_task(connection, job.provider, job.task_id)
        if failed is not None:
            strays.booked(connection, job, failed, cost(job, status), now)
    return after


def looked_for(connection: Connection, job: Job) -> int | None:
    """Say when it will be known whether a running job was made twice: till then it has not failed. None: it is."""
    search = strays.search_of(connection, job.id) if job.resent and job.state in _RUNNING else None
    return None if search is None or search.attempts >= _LOOKS else search.due_at


def uncounted(connection: Connection, job: Job, status: Status, now: int) -> bool:
    """Book what a job's own task cost although its credits were given back; False when there is nothing to book."""
    if job.task_id is None or job.charged != 0 or cost(job, status) == 0:
        return False
    stray = strays.found(connection, job, job.task_id, now)
    return stray is not None and strays.booked(connection, job, stray, cost(job, status), now)


def asks_for_more(job: Job, hint: Status | None) -> bool:
    """Say whether a callback at the address of a job that is over may speak of a task that nobody has counted."""
    doubted = job.resent > 0 or (job.task_id is None and job.state is State.CANCELLED and job.attempts > 0)
    if hint is None or not hint.task_id:
        return False
    if hint.task_id != job.task_id:
        return doubted
    returned = job.state is State.CANCELLED and job.charged == 0
    return returned and hint.progress is Progress.SUCCEEDED


def _ring(ctx: Context) -> None:
    ctx.wakes.alerts.set()
    ctx.wakes.cards.set()
    ctx.wakes.fetch.set()
