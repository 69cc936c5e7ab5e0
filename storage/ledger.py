"""The ledger: each credit is held once and closed once, and the balance is the sum of the rows."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Insert,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    func,
    insert,
    literal,
    select,
    update,
)

from storage import limits
from storage.tables import CLOSING, jobs, ledger
from storage.words import Entry, Job, LedgerRow, Period

# Put together once, as `_holding` is: every job's hold is closed.
_CLOSED = select(ledger.c.id).where(and_(ledger.c.job_id == bindparam("its_job"), CLOSING))
_ROW = insert(ledger)


def hold(connection: Connection, job: Job, outside: int = 0) -> bool:
    """Hold a job's price; False when something stands in its way (storage/limits.py).

    Check and hold are one statement: two commands cannot both see the last credits.
    """
    row = {
        "to_job": job.id,
        "to_amount": -job.price,
        "to_guild": job.guild_id,
        "to_channel": job.room_id,
        "to_user": job.user_id,
        "to_at": job.created_at,
    }
    return connection.execute(_holding(limits.standing(job)), {**row, **limits.about(job, outside)}).rowcount == 1


@cache
def _holding(standing: Select[Any]) -> Insert:
    """Put the statement together, once for what may stand in the way."""
    job, amount, guild, channel, user, moment = (
        bindparam(f"to_{name}", type_=BigInteger) for name in ("job", "amount", "guild", "channel", "user", "at")
    )
    kind = cast(literal(Entry.HOLD.value), String)
    names = ["job_id", "kind", "amount", "guild_id", "channel_id", "user_id", "held_at", "at"]
    row = select(job, kind, amount, guild, channel, user, moment, moment).where(~standing.exists())
    return insert(ledger).from_select(names, row)


def changed(connection: Connection, job: Job) -> bool:
    """Make a job's hold its new price; False when a budget would be overdrawn. For queued jobs."""
    this = (ledger.c.job_id == job.id, ledger.c.kind == Entry.HOLD.value)
    free = ~limits.overdrawn(job).exists()
    change = update(ledger).where(*this, free).values(amount=-job.price)
    return connection.execute(change, limits.about(job)).rowcount == 1


def settle(connection: Connection, job: Job, now: int, reported: int | None) -> bool:
    """Close a job's hold by what the provider reports, or by the price when it is silent; False when already closed.

    What is charged never exceeds the hold, so that a budget cannot be overdrawn after the fact; the provider's own
    figure is kept beside it, and the difference is the operator's to see.
    """
    charged = job.price if reported is None else min(max(reported, 0), job.price)
    return _close(connection, job, Entry.SETTLE, job.price - charged, reported, now)


def release(connection: Connection, job: Job, now: int) -> bool:
    """Give a job's hold back whole; False when it is closed already."""
    return _close(connection, job, Entry.RELEASE, job.price, None, now)


def _close(connection: Connection, job: Job, kind: Entry, amount: int, reported: int | None, now: int) -> bool:
    if connection.execute(_CLOSED, {"its_job": job.id}).first():
        return False
    row = {
        "job_id": job.id,
        "kind": kind,
        "amount": amount,
        "reported": reported,
        "guild_id": job.guild_id,
        "channel_id": job.room_id,
        "user_id": job.user_id,
        "held_at": job.created_at,
        "at": now,
    }
    connection.execute(_ROW, row)
    return True


def of_job(connection: Connection, job_id: int) -> list[LedgerRow]:
    """List a job's rows, the hold first."""
    statement = select(ledger.c.job_id, ledger.c.kind, ledger.c.amount, ledger.c.reported, ledger.c.at)
    rows = connection.execute(statement.where(ledger.c.job_id == job_id).order_by(ledger.c.id))
    return [LedgerRow(row[0], Entry(row[1]), row[2], row[3], row[4]) for row in rows]


@dataclass(frozen=True, slots=True)
class Drift:
    """What was held for jobs of one kind, beside what the vendor said they cost."""

    provider: str
    operation: str
    model: str
    told: int  # jobs whose cost the vendor named
    silent: int  # jobs it named none for: they were charged as held
    held: int  # credits, of the told ones
    reported: int  # likewise


def drift(connection: Connection, since: int) -> list[Drift]:
    """Compare estimates with the vendors' own figures, for all jobs asked for since a moment (milliseconds)."""
    kind = (jobs.c.provider, jobs.c.operation, jobs.c.model)
    told = ledger.c.reported.is_not(None)
    statement = (
        select(
            *kind,
            func.sum(case((told, 1), else_=0)),
            func.sum(case((told, 0), else_=1)),
            func.coalesce(func.sum(case((told, jobs.c.price), else_=0)), 0),
            func.coalesce(func.sum(ledger.c.reported), 0),
        )
        .join_from(ledger, jobs, ledger.c.job_id == jobs.c.id)
        .where(ledger.c.kind == Entry.SETTLE.value, ledger.c.held_at >= since)
        .group_by(*kind)
        .order_by(*kind)
    )
    return [Drift(*row[:3], *(int(number) for number in row[3:])) for row in connection.execute(statement)]


def spent_this_month(connection: Connection, guild_id: int, now: int) -> int:
    """Sum what a server has used or holds since the month began, in credits."""
    statement = select(func.coalesce(func.sum(ledger.c.amount), 0)).where(
        ledger.c.guild_id == guild_id,
        ledger.c.held_at >= limits.start_of(now, Period.MONTH),
    )
    return -int(connection.execute(statement).scalar_one())
