"""The book of refused callbacks: one row for each kind of refusal, counted; so many and no more.

It tells an operator why a vendor's callbacks do not get in. A stranger's body is never in it, and no number of them
makes it longer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from storage.tables import refusals

MOST = 1_000  # rows; beyond that the ones that are longest ago go
_columns = (
    refusals.c.id,
    refusals.c.provider,
    refusals.c.job_id,
    refusals.c.status,
    refusals.c.reason,
    refusals.c.digest,
    refusals.c.size,
    refusals.c.times,
    refusals.c.first_at,
    refusals.c.last_at,
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Callbacks that were refused for one reason."""

    provider: str  # "other" where no vendor of ours was meant
    job_id: int  # 0: the address named none of ours
    status: int
    reason: str
    digest: str  # of the last one's body; empty: it was not read
    size: int  # bytes, of the last one's body
    times: int
    first_at: int
    last_at: int
    id: int = 0


def noted(connection: Connection, found: Sequence[Refusal]) -> None:
    """Write refusals into the book, to those of the same kind where there are any."""
    for one in found:
        kind = (
            refusals.c.provider == one.provider,
            refusals.c.job_id == one.job_id,
            refusals.c.status == one.status,
            refusals.c.reason == one.reason,
        )
        latest = {"digest": one.digest, "size": one.size, "last_at": one.last_at}
        counted = update(refusals).where(*kind).values(**latest, times=refusals.c.times + one.times)
        if connection.execute(counted).rowcount == 0:
            row = {name: getattr(one, name) for name in Refusal.__dataclass_fields__ if name != "id"}
            connection.execute(insert(refusals).values(row))
    too_many = select(refusals.c.id).order_by(refusals.c.last_at.desc(), refusals.c.id.desc()).offset(MOST)
    old = list(connection.execute(too_many).scalars())
    if old:
        connection.execute(delete(refusals).where(refusals.c.id.in_(old)))


def listed(connection: Connection, job_id: int | None, limit: int) -> list[Refusal]:
    """List refusals, the latest first; of one job, or of all (None)."""
    statement = select(*_columns).order_by(refusals.c.last_at.desc(), refusals.c.id.desc()).limit(limit)
    if job_id is not None:
        statement = statement.where(refusals.c.job_id == job_id)
    return [Refusal(**row) for row in connection.execute(statement).mappings()]


def by_id(connection: Connection, refusal_id: int) -> Refusal | None:
    """Read one refusal."""
    row = connection.execute(select(*_columns).where(refusals.c.id == refusal_id)).mappings().first()
    return None if row is None else Refusal(**row)


def forgotten(connection: Connection, before: int) -> int:
    """Delete what was last seen before a moment; how many."""
    return connection.execute(delete(refusals).where(refusals.c.last_at < before)).rowcount
