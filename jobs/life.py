"""The one way a job changes: an event, decided by the table, and all that follows from it in one transaction."""

from collections.abc import Callable, Sequence
from typing import Any

from jobs.context import Context, Timing
from jobs.transitions import Event, Money, Move, decide
from providers.contract import OutputLink, Reason
from storage import Connection, alerts, deliveries, ledger, outputs, vendor_keys
from storage import jobs as job_facts
from storage.words import AlertKind, Job, State

_FOR_ADMINS = {Reason.CREDIT: AlertKind.CREDIT, Reason.ACCESS: AlertKind.ACCESS}  # what only they can mend
_DEADLINES = {Event.SILENT, Event.UNTRACED}
RESENDS = 2  # how often a doubtful submission is sent again that surely never arrived
RESCUE_LOOKS = 6  # how often an expired job is asked about before its hold is given back

Note = Callable[[Connection, int], None]  # writes down an act at a moment


def advance(
    connection: Connection,
    job: Job,
    event: Event,
    now: int,
    timing: Timing,
    *,
    due_at: int | None = None,
    credits: int | None = None,
    links: Sequence[OutputLink] = (),
    **facts: Any,
) -> Job | None:
    """Let an event happen to a job that was read in this transaction; None when it changes nothing.

    `due_at` is when to look again if the job goes on (default: when its callback would be overdue), `credits` the
    vendor's own figure, `links` the results, and `facts` further columns to set (task_id, reason, detail, ...).
    """
    move = decide(job.state, event, given_up=job.cancelled_by is not None)
    if move is None:
        return None
    values = {**facts, "due_at": _due(move, now, timing, due_at)} | _to_be_stopped(job, move, event, now)
    if move.to is not job.state:
        values = {"lookups": 0, **values}
    # A result is posted in a moment, and then the card shows that: until it is, nothing is worth an edit of its own.
    card_at = now + timing.card_gap if move.deliver and links else now
    job_facts.move(connection, job, now, move.to, values, card_at=card_at)
    if _close_hold(connection, job, move.money, now, credits) and move.to is job.state:  # else it is touched already
        job_facts.touch_card(connection, job.id, now)
    if move.deliver or move.keep_files:
        outputs.announced(connection, job.id, [(link.kind, link.url) for link in links], now)
    if move.deliver:
        deliveries.awaited(connection, job.id)
        if not links:  # nothing will be fetched that could make it due
            deliveries.ready(connection, job.id, now)
    if move.to is State.APPROVING and move.to is not job.state:
        alerts.raised(connection, job, AlertKind.APPROVAL, now)
    if move.to is State.FAILED and facts.get("reason") in _FOR_ADMINS:
        tell_admins(connection, job, facts["reason"], now)
    return job_facts.by_id(connection, job.id)


def tell_admins(connection: Connection, job: Job, reason: Reason, now: int) -> None:
    """Let the admins of a job's server be told that its vendor refused the account, with what only they can mend."""
    alerts.raised(connection, job, _FOR_ADMINS[reason], now)
    if reason is Reason.ACCESS and job.key_id is not None:
        vendor_keys.refused(connection, job.key_id, now)


async def happen(ctx: Context, job_id: int, event: Event, noted: Note | None = None, /, **facts: Any) -> Job | None:
    """Let an event happen to a job, in a transaction of its own; None when it changes nothing. Raise StorageError.

    `noted` is called in the same transaction if it changes anything: who did it is written down with it, or neither is.
    A deadline is over only when it is as it stands then: the job may have been heard of since it was read.
    """

    def change(connection: Connection) -> Job | None:
        job, now = job_facts.by_id(connection, job_id), ctx.now()
        if job is None or (event in _DEADLINES and now < job.deadline_at):
            return None
        if event is Event.ABSENT and job.task_id is not None:  # a callback told of it while the list was walked
            return None
        after = advance(connection, job, event, now, ctx.timing, **facts)
        if after is not None and noted is not None:
            noted(connection, now)
        return after

    job = await ctx.database.write(change)
    ctx.wakes.cards.set()
    if event is not Event.SUBMIT:  # of which nobody is told
        ctx.wakes.alerts.set()
    return job


def _due(move: Move, now: int, timing: Timing, due_at: int | None) -> int | None:
    if move.to is State.EXPIRED and move.money is Money.KEEP:
        return now + timing.rescue // RESCUE_LOOKS
    if move.to.terminal:
        return None
    return now + timing.callback_grace if due_at is None else due_at


def _to_be_stopped(job: Job, move: Move, event: Event, now: int) -> dict[str, Any]:
    """Let telling the provider to stop come first: no news of the task may put it off."""
    if move.to is job.state is State.CANCELLING and job.cancel_sent_at is None:
        return {"due_at": now if event is Event.ACCEPTED else job.due_at, "lookups": job.lookups}
    if job.state is State.EXPIRED and event is Event.ACCEPTED and job.cancelled_by is not None:
        return {"due_at": now}  # it turned up after all
    return {}


def _close_hold(connection: Connection, job: Job, money: Money, now: int, credits: int | None) -> bool:
    if money is Money.KEEP:
        return False
    if money is Money.SETTLE and credits is None:  # a vendor may name its figure only when it takes a job
        credits = job.quoted
    if money is Money.SETTLE or (money is Money.SETTLE_IF_CHARGED and (credits or 0) > 0):
        return ledger.settle(connection, job, now, credits)
    return ledger.release(connection, job, now)
