"""Giving up a job: free while it is queued, a request to the vendor afterwards, an honest word where it has no way."""

from enum import StrEnum

from jobs import life
from jobs.context import Context
from jobs.transitions import Event
from providers.orders import Operation
from storage import jobs as job_facts
from storage.words import Job, State


class CancelOutcome(StrEnum):
    """What became of the wish to cancel."""

    CANCELLED = "cancelled"  # nothing was sent, nothing is spent
    ASKED = "asked"  # the vendor can cancel and is being asked
    CANNOT = "cannot"  # the vendor has no way to cancel and may still bill; a late result is kept, not posted
    OVER = "over"  # the job had ended already, or was being cancelled


async def cancel(
    ctx: Context, job_id: int, by: int, *, noted: life.Note | None = None
) -> tuple[CancelOutcome, Job | None]:
    """Give up a job in the name of member `by` (the caller has checked that they may). Raise StorageError.

    `noted`: writes down whose act it was, in the same transaction.
    """
    job = await life.happen(ctx, job_id, Event.CANCEL, noted, due_at=ctx.now(), cancelled_by=by)
    if job is None:
        return CancelOutcome.OVER, await ctx.database.read(job_facts.by_id, job_id)
    ctx.tell("cancel asked", job.id, by=by, state=job.state)
    if job.state is State.CANCELLED:
        return CancelOutcome.CANCELLED, job
    ctx.wakes.reconcile.set()
    provider = ctx.provider_of(job)
    return (
        CancelOutcome.ASKED if provider and provider.can_cancel(Operation(job.operation)) else CancelOutcome.CANNOT
    ), job
