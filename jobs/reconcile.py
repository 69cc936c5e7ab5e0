"""Asking where nobody answered: overdue callbacks, doubtful submissions, cancels to confirm, jobs that went silent."""

from collections.abc import Sequence

import structlog

from jobs import life
from jobs.context import Context, Timing
from jobs.loop import Work
from jobs.settle import learn
from jobs.submit import backoff, in_doubt
from jobs.transitions import Event
from jobs.whose import task_of
from providers.contract import ErrorKind, Provider, ProviderError, Reason, Task
from storage import Connection, StorageError, alerts, strays
from storage import jobs as job_facts
from storage.words import AlertKind, Job, State

_log = structlog.get_logger("reconcile")
_AT_ONCE = 8
_CLOCK_SLACK = 3_600  # seconds a vendor's clock may be behind ours: ours may be wrong, and then "absent" costs money
_ABSENCES = 2  # looks that must both find nothing before a job is sent a second time


def work(ctx: Context) -> Work[Job]:
    """Look into the jobs that are overdue."""

    async def due() -> Sequence[Job]:
        return await ctx.database.read(job_facts.overdue, ctx.now(), 2 * _AT_ONCE)

    async def handle(job: Job) -> None:
        await reconcile(ctx, job)

    return Work("reconcile", due, handle, lambda job: job.id, ctx.wakes.reconcile, _AT_ONCE, ctx.timing.idle / 1000)


async def reconcile(ctx: Context, job: Job) -> None:
    """Ask about one job, and let its deadline pass where asking did not help. Raise StorageError."""
    if job.state in {State.CONFIRMING, State.APPROVING}:
        await life.happen(ctx, job.id, Event.SILENT)
        ctx.tell("nobody agreed", job.id)
        return
    if job.state is State.SUBMITTING:  # nobody has told what came of it for far too long
        await life.happen(ctx, job.id, Event.UNCLEAR, detail="the submission never came back", **in_doubt(ctx, job))
        return
    provider = ctx.provider_of(job)
    wait = _patience(ctx, job)
    try:
        heard = provider is not None and await _ask(ctx, provider, job)
    except ProviderError as error:
        ctx.tell("reconcile failed", job.id, kind=error.kind, reason=error.reason, detail=error.detail)
        heard, wait = False, max(backoff(ctx, job.lookups), int((error.retry_after or 0) * 1000))
        if job.key_id is not None and error.reason is Reason.ACCESS:  # theirs, so only they can know of it
            await ctx.database.write(life.tell_admins, job, Reason.ACCESS, ctx.now())
            ctx.wakes.alerts.set()
    except StorageError:
        raise
    except Exception:  # noqa: BLE001 -- a vendor that says what nobody expects is as good as silent: its deadline decides
        _log.exception("job not asked about", job=job.code)
        heard, wait = False, backoff(ctx, job.lookups)
    if not heard:
        await _give_time(ctx, job, wait)


async def _ask(ctx: Context, provider: Provider, job: Job) -> bool:
    """Ask the vendor; True when it told something that moved the job or gave it new time. Raise ProviderError."""
    if job.task_id is None:
        return provider.can_find and await _look_for(ctx, provider, job)
    task = task_of(job, job.task_id)
    unheard: ProviderError | None = None
    given_up = job.state is State.CANCELLING or (job.state is State.EXPIRED and job.cancelled_by is not None)
    if given_up and job.cancel_sent_at is None:
        unheard = await _tell_to_stop(ctx, provider, job, task)
    asked_at = ctx.now()
    status = await provider.query(task)  # a vendor that never understands the cancel may have ended the task long ago
    ctx.tell("asked", job.id, word=status.word)
    if unheard is not None and not status.progress.final:
        raise unheard
    if not status.progress.final and _over(ctx, job):
        return False
    look = ctx.now() + _patience(ctx, job)
    await learn(ctx, job, status, asked_at, of=task.task_id, due_at=look, lookups=job.lookups + 1)
    return job.state is not State.EXPIRED or status.progress.final


async def _tell_to_stop(ctx: Context, provider: Provider, job: Job, task: Task) -> ProviderError | None:
    """Ask the vendor to stop; give what went wrong when it has not understood, so that it is asked once more."""
    if provider.can_cancel(task.operation):
        try:
            await provider.cancel(task)
            ctx.tell("cancel sent", job.id)
        except ProviderError as error:
            if error.kind is not ErrorKind.REJECTED:
                ctx.tell("cancel not understood", job.id, kind=error.kind, detail=error.detail)
                return error
            ctx.tell("cancel refused", job.id, kind=error.kind, detail=error.detail)  # too late
    await ctx.database.write(job_facts.cancel_sent, job.id, ctx.now())
    ctx.wakes.cards.set()
    return None


async def _look_for(ctx: Context, provider: Provider, job: Job) -> bool:
    """Look for the task of a doubtful submission by our own reference; sent again only when it surely never arrived."""
    asked_at = ctx.now()
    found = await provider.find(task_of(job, ""), look_from(job))
    if found is not None:
        ctx.tell("found", job.id, task=found.task_id)
        after = await learn(ctx, job, found, asked_at, of=found.task_id)
        return after is not None and after.task_id is not None
    since = asked_at - job.changed_at  # a walk may take minutes, and shows what was there when it began
    absences = job.absences + 1 if since >= ctx.timing.callback_grace else 0
    ctx.tell("not found", job.id, absences=absences)
    if job.state is State.EXPIRED or _over(ctx, job):
        return False
    if absences < _ABSENCES or job.resent >= life.RESENDS:  # sent so often, only the deadline ends the doubt
        wait = _until_the_next_look(ctx.timing, absences, since)
        await ctx.database.write(job_facts.postpone, job, ctx.now() + wait, absences=absences)
        return True

    def noted(connection: Connection, now: int) -> None:
        strays.suspected(connection, job.id, now, now + ctx.timing.search)

    after = await life.happen(ctx, job.id, Event.ABSENT, noted, due_at=ctx.now(), absences=0, resent=job.resent + 1)
    ctx.wakes.submit.set()
    return after is not None


def look_from(job: Job) -> float:
    """Say from when on a vendor may have made a task of a job, in seconds since 1970 by the vendor's clock."""
    return job.created_at / 1000 - _CLOCK_SLACK


def _until_the_next_look(timing: Timing, absences: int, since: int) -> int:
    """Say how long to wait when nothing was found, in milliseconds. Each look may walk through a long list."""
    if absences == 0:
        return max(timing.callback_grace - since, timing.retry_least)
    return timing.absence_gap if absences < _ABSENCES else timing.callback_grace


async def _give_time(ctx: Context, job: Job, wait: int) -> None:
    """Set the next look, or let the deadline decide."""
    if job.state is State.EXPIRED:
        # One that turned up late has the patience of any other.
        if ctx.now() >= max((job.finished_at or 0) + ctx.timing.rescue, job.deadline_at):
            await (_leave_to_a_person if job.task_id is None else _close)(ctx, job)
            return
    elif _over(ctx, job):
        event = Event.UNTRACED if job.task_id is None else Event.SILENT
        await life.happen(ctx, job.id, event, reason=Reason.VENDOR, detail="nothing was heard in time")
        ctx.tell("expired", job.id)
        return
    await ctx.database.write(job_facts.postpone, job, ctx.now() + wait, lookups=job.lookups + 1)


async def _close(ctx: Context, job: Job) -> None:
    await life.happen(ctx, job.id, Event.CLOSED)
    ctx.tell("closed", job.id)


async def _leave_to_a_person(ctx: Context, job: Job) -> None:
    """Stop asking about a job of which nobody knows whether it was taken: its hold stays until somebody decides."""

    def change(connection: Connection) -> None:
        if job_facts.left_open(connection, job, ctx.now()):
            alerts.raised(connection, job, AlertKind.DOUBT, ctx.now())

    await ctx.database.write(change)
    ctx.tell("left to a person", job.id)
    ctx.wakes.cards.set()
    ctx.wakes.alerts.set()


def _over(ctx: Context, job: Job) -> bool:
    return job.state is not State.EXPIRED and ctx.now() >= job.deadline_at


def _patience(ctx: Context, job: Job) -> int:
    """Say how long to wait between questions, in milliseconds: an eighth of the grace, doubling up to all of it."""
    if job.state is State.EXPIRED:
        return ctx.timing.rescue // life.RESCUE_LOOKS
    grace = ctx.timing.callback_grace
    return min(grace // 8 * 2 ** min(job.lookups, 3), grace)
