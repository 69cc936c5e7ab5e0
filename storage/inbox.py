"""Facts about stored callbacks: each delivery is stored once, and settled once."""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, select, update
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
    """Store a callback; False when it is stored already, or when too many of its job wait to be looked at.

    No vendor sends so many; who knows a job's address must not be able to fill the disk, nor to keep the true one out.
    """
    count = connection.execute(select(func.count()).where(inbox.c.job_id == job_id)).scalar_one()
    if count >= _MOST_OF_A_JOB and not _room_made(connection, job_id):
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


def _room_made(connection: Connection, job_id: int) -> bool:
    """Throw away the ring of a job that was acted on or asked about longest ago; False: there is none to spare.

    What is signed is kept: it is believed once, and must be known again. The latest tells when we last asked.
    """
    acted_on = func.coalesce(inbox.c.settled_at, inbox.c.asked_at)
    rings = select(inbox.c.id).where(inbox.c.job_id == job_id, inbox.c.trust == "doorbell", acted_on.is_not(None))
    oldest = list(connection.execute(rings.order_by(acted_on, inbox.c.id).limit(2)).scalars())
    return len(oldest) == 2 and connection.execute(delete(inbox).where(inbox.c.id == oldest[0])).rowcount == 1


def rung(connection: Connection, job_id: int) -> tuple[int, int]:
    """Count a job's callbacks, and tell when one was last acted on or asked about (0: never)."""
    last = (func.max(inbox.c.settled_at).label("settled"), func.max(inbox.c.asked_at).label("asked"))
    statement = select(func.count().label("rows"), *last).where(inbox.c.job_id == job_id)
    row = connection.execute(statement).mappings().one()
    return row["rows"], max(row["settled"] or 0, row["asked"] or 0)


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
        inbox.c.asked_at,
    )
    # A callback that overtook the answer to its own submission waits for that answer.
    on_the_wire = select(jobs.c.id).where(IN_DOUBT)
    statement = select(*columns).where(UNSETTLED, inbox.c.due_at <= now, inbox.c.job_id.not_in(on_the_wire))
    statement = statement.order_by(inbox.c.due_at, inbox.c.id).limit(limit)
    return [InboxRow(**row) for row in connection.execute(statement).mappings()]


def postponed(connection: Connection, ids: Sequence[int], due_at: int, *, asked_at: int | None = None) -> None:
    """Act on callbacks later; `asked_at`: when the vendor was asked about them, in vain."""
    asked = {} if asked_at is None else {"asked_at": asked_at}
    connection.execute(update(inbox).where(inbox.c.id.in_(ids), UNSETTLED).values(due_at=due_at, **asked))


def settled(connection: Connection, ids: Sequence[int], now: int, outcome: str) -> None:
    """Record that callbacks were acted on, and what came of it."""
    connection.execute(
        update(inbox).where(inbox.c.id.in_(ids), UNSETTLED).values(settled_at=now, outcome=outcome[:200]),
    )
