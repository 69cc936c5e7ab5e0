"""Everything that is known of a job or a callback, and what a person who mends something may set in motion again."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select, update

from storage import deliveries, ledger, outputs, refusals
from storage import jobs as job_facts
from storage.refusals import Refusal
from storage.tables import acts, alerts, inbox, jobs
from storage.words import Act, Alert, AlertKind, Delivery, Job, LedgerRow, Output, State

_MOST = 200  # rows of a kind, of one job
# In these nobody can be asked about a job: it was not sent, or it is on the wire this moment.
_NOT_ASKED_ABOUT = (State.CONFIRMING, State.APPROVING, State.QUEUED, State.SUBMITTING)


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored callback, as it is told of: without its body."""

    id: int
    provider: str
    job_id: int
    trust: str
    size: int  # bytes; 0: the body was deleted
    received_at: int
    settled_at: int | None  # None: nobody has acted on it yet
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Record:
    """A job's whole history."""

    job: Job
    states: tuple[tuple[str, int], ...]  # and since when
    ledger: tuple[LedgerRow, ...]
    callbacks: tuple[Stored, ...]
    refusals: tuple[Refusal, ...]
    outputs: tuple[Output, ...]
    delivery: Delivery | None
    alerts: tuple[Alert, ...]
    acts: tuple[Act, ...]


def record(connection: Connection, job_id: int) -> Record | None:
    """Read all there is about a job."""
    job = job_facts.by_id(connection, job_id)
    if job is None:
        return None
    told = select(*(alerts.c[name] for name in Alert.__dataclass_fields__)).where(alerts.c.job_id == job_id)
    done = select(acts).where(acts.c.guild_id == (job.guild_id or 0), acts.c.subject == job.code)
    return Record(
        job,
        tuple(job_facts.history_of(connection, job_id)),
        tuple(ledger.of_job(connection, job_id)),
        tuple(reversed(callbacks(connection, job_id, _MOST))),
        tuple(refusals.listed(connection, job_id, _MOST)),
        tuple(outputs.of_job(connection, job_id)),
        deliveries.of_job(connection, job_id),
        tuple(_alert(row) for row in connection.execute(told.order_by(alerts.c.id).limit(_MOST)).mappings()),
        tuple(Act(**row) for row in connection.execute(done.order_by(acts.c.id).limit(_MOST)).mappings()),
    )


def callbacks(connection: Connection, job_id: int | None, limit: int) -> list[Stored]:
    """List stored callbacks, the latest first; of one job, or of all (None)."""
    size = func.length(inbox.c.body).label("size")
    columns = (inbox.c.id, inbox.c.provider, inbox.c.job_id, inbox.c.trust, size)
    statement = select(*columns, inbox.c.received_at, inbox.c.settled_at, inbox.c.outcome)
    if job_id is not None:
        statement = statement.where(inbox.c.job_id == job_id)
    rows = connection.execute(statement.order_by(inbox.c.id.desc()).limit(limit)).mappings()
    return [Stored(**row) for row in rows]


def replayed(connection: Connection, inbox_id: int) -> Stored | None:
    """Have a stored callback acted on once more; return it as it was before; None: there is none.

    That is safe at any time: what is not signed is confirmed again, and what is over stays as it is.
    """
    found = connection.execute(select(inbox.c.job_id).where(inbox.c.id == inbox_id)).scalar()
    if found is None:
        return None
    before = next((one for one in callbacks(connection, int(found), _MOST) if one.id == inbox_id), None)
    again = update(inbox).where(inbox.c.id == inbox_id, inbox.c.settled_at.is_not(None))
    connection.execute(again.values(settled_at=None, outcome=None, due_at=0))
    return before


def asked_again(connection: Connection, job_id: int, now: int) -> bool:
    """Let the vendor be asked about a job at once; False when there is nothing to ask about it."""
    known = (
        jobs.c.id == job_id,
        jobs.c.due_at.is_not(None),
        jobs.c.state.not_in([one.value for one in _NOT_ASKED_ABOUT]),
    )
    return connection.execute(update(jobs).where(*known).values(due_at=now)).rowcount == 1


def _alert(row: RowMapping) -> Alert:
    values: dict[str, Any] = {**row, "kind": AlertKind(row["kind"])}
    return Alert(**values)
