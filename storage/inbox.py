"""Facts about stored callbacks: each delivery is stored once, and settled once."""

from collections.abc import Sequence

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from storage.tables import IN_DOUBT, UNSETTLED, inbox, jobs
from storage.words import InboxRow

_MOST_OF_A_JOB = 64


def stored(
    connection: Connection,
    *,
    provider: str,
    job_id: int,
    delivery_id: str,
    trust: str,
    body: bytes,
    received_at: int,
) -> bool:
    """Store a callback; False when it is stored already, or when its job has had far more than any job has.

    No vendor sends so many; who knows a job's address must not be able to fill the disk.
    """
    if connection.execute(select(func.count()).where(inbox.c.job_id == job_id)).scalar_one() >= _MOST_OF_A_JOB:
        return False
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(inbox).values(
        provider=provider,
        job_id=job_id,
        delivery_id=delivery_id,
        trust=trust,
        body=body,
        received_at=received_at,
        due_at=0,  # at once, wherever the clock is set meanwhile
    )
    return connection.execute(statement.on_conflict_do_nothing()).rowcount == 1


def rung(connection: Connection, job_id: int) -> tuple[int, int]:
    """Count a job's callbacks, and tell when one was last acted on (0: never)."""
    statement = select(func.count().label("rows"), func.max(inbox.c.settled_at).label("last"))
    row = connection.execute(statement.where(inbox.c.job_id == job_id)).mappings().one()
    return row["rows"], row["last"] or 0


def unsettled(connection: Connection, now: int, limit: int) -> list[InboxRow]:
    """List callbacks nobody has acted on and whose time has come, the oldest first."""
    columns = (
        inbox.c.id,
        inbox.c.provider,
        inbox.c.job_id,
        inbox.c.delivery_id,
        inbox.c.trust,
        inbox.c.body,
        inbox.c.received_at,
    )
    # A callback that overtook the answer to its own submission waits for that answer.
    on_the_wire = select(jobs.c.id).where(IN_DOUBT)
    statement = select(*columns).where(UNSETTLED, inbox.c.due_at <= now, inbox.c.job_id.not_in(on_the_wire))
    statement = statement.order_by(inbox.c.due_at, inbox.c.id).limit(limit)
    return [InboxRow(**row) for row in connection.execute(statement).mappings()]


def postponed(connection: Connection, ids: Sequence[int], due_at: int) -> None:
    """Act on callbacks later: they could not be confirmed just now."""
    connection.execute(update(inbox).where(inbox.c.id.in_(ids), UNSETTLED).values(due_at=due_at))


def settled(connection: Connection, ids: Sequence[int], now: int, outcome: str) -> None:
    """Record that callbacks were acted on, and what came of it."""
    connection.execute(
        update(inbox).where(inbox.c.id.in_(ids), UNSETTLED).values(settled_at=now, outcome=outcome[:200]),
    )
