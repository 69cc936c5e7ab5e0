"""Agreeing to a price: by the member above one price of the admins, by a moderator above another. Credits are held."""

from jobs import life
from jobs.context import Context
from jobs.transitions import Event
from storage import Connection, alerts, guilds, limits
from storage import jobs as job_facts
from storage.words import AlertKind, GuildSettings, Job, Limit, State


def first_state(settings: GuildSettings, price: int) -> State:
    """Say where a new job of that price begins."""
    if _above(settings.confirm_above, price):
        return State.CONFIRMING
    return State.APPROVING if _above(settings.approve_above, price) else State.QUEUED


def needed_anew(settings: GuildSettings, price: int, now: int) -> bool:
    """Say whether a new price passes a limit of the admins that the one agreed to did not."""
    limits = (settings.confirm_above, settings.approve_above)
    return any(_above(limit, now) and not _above(limit, price) for limit in limits)


def deadline(ctx: Context, state: State, now: int) -> int:
    """Say until when a job may stay where it begins, or where it is put; milliseconds."""
    timing = ctx.timing
    lengths = {State.CONFIRMING: timing.confirm_deadline, State.APPROVING: timing.approve_deadline}
    return now + lengths.get(state, timing.submit_deadline)


def asked(connection: Connection, job: Job, now: int) -> None:
    """Let the moderators be told of a job that begins with their approval; call it where the job is stored."""
    if job.state is State.APPROVING:
        alerts.raised(connection, job, AlertKind.APPROVAL, now)


async def agree(ctx: Context, job_id: int) -> Job | Limit | None:
    """Take the member's yes; None when there was nothing to agree to any more. Raise StorageError.

    A block or a budget that came into the way meanwhile leaves the job as it is, and is returned.
    """

    def change(connection: Connection) -> Job | Limit | None:
        job, now = job_facts.by_id(connection, job_id), ctx.now()
        if job is None or job.guild_id is None:
            return None
        if job.state is State.CONFIRMING and (limit := limits.first_since(connection, job, now)) is not None:
            return limit
        approval = _above(guilds.settings_of(connection, job.guild_id).approve_above, job.price)
        event, state = (Event.ESCALATED, State.APPROVING) if approval else (Event.AGREED, State.QUEUED)
        until = deadline(ctx, state, now)
        due_at = until if state is State.APPROVING else now
        return life.advance(connection, job, event, now, ctx.timing, due_at=due_at, deadline_at=until)

    return _woken(ctx, await ctx.database.write(change), "agreed")


async def approve(ctx: Context, job_id: int, *, noted: life.Note | None = None) -> Job | Limit | None:
    """Take a moderator's yes, as `agree` takes the member's. Raise StorageError.

    `noted`: writes down whose act it was, in the same transaction.
    """

    def change(connection: Connection) -> Job | Limit | None:
        job, now = job_facts.by_id(connection, job_id), ctx.now()
        if job is None:
            return None
        if job.state is State.APPROVING and (limit := limits.first_since(connection, job, now)) is not None:
            return limit
        until = deadline(ctx, State.QUEUED, now)
        after = life.advance(connection, job, Event.APPROVED, now, ctx.timing, due_at=now, deadline_at=until)
        if after is not None and noted is not None:
            noted(connection, now)
        return after

    return _woken(ctx, await ctx.database.write(change), "approved")


def _woken(ctx: Context, job: Job | Limit | None, step: str) -> Job | Limit | None:
    if isinstance(job, Job):
        ctx.tell(step, job.id, state=job.state)
        ctx.wakes.submit.set()
        ctx.wakes.cards.set()
        ctx.wakes.alerts.set()
    return job


def _above(limit: int | None, price: int) -> bool:
    return limit is not None and price > limit
