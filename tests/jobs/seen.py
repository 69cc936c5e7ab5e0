"""What is stored of a job, looked at whole, and what must hold of it whatever happened."""

from collections.abc import Sequence
from dataclasses import dataclass

from storage import Connection, deliveries, ledger, outputs
from storage import jobs as job_facts
from storage import strays as stray_facts
from storage.words import Delivery, Entry, Job, LedgerRow, Output, State, Stray
from tests.jobs.lab import PRICE


@dataclass(frozen=True, slots=True)
class Seen:
    """A job, and all rows that follow it."""

    job: Job
    rows: Sequence[LedgerRow]
    delivery: Delivery | None
    outputs: Sequence[Output]
    strays: Sequence[Stray]


def looked_at(connection: Connection, ids: Sequence[int]) -> list[Seen]:
    return [
        Seen(
            job,
            ledger.of_job(connection, job.id),
            deliveries.of_job(connection, job.id),
            outputs.of_job(connection, job.id),
            stray_facts.of_job(connection, job.id),
        )
        for job in job_facts.by_ids(connection, ids)
    ]


def paid_once(one: Seen) -> None:
    """The hold is closed once at most, and exactly when the job is over; the balance is the sum of the rows."""
    kinds = [row.kind for row in one.rows]
    assert kinds.count(Entry.HOLD) == 1
    assert len(kinds) <= 2
    assert (len(kinds) == 2) == (one.job.charged is not None)
    assert one.job.charged is not None or one.job.state is State.EXPIRED or not one.job.state.terminal
    assert one.job.state.terminal or one.job.charged is None
    assert sum(row.amount for row in one.rows) == -(PRICE if one.job.charged is None else one.job.charged)


def posted_once(one: Seen, posts: int) -> None:
    """A result is awaited where a job succeeded and nowhere else, and goes out once at most."""
    assert (one.delivery is not None) == (one.job.state is State.SUCCEEDED)
    assert posts <= 1
    assert len(one.outputs) <= 1
