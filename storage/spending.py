"""What a server spent: by day, member, vendor and operation, from the rows of the ledger alone."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, select

from storage.tables import CLOSING, jobs, ledger, strays
from storage.words import Entry, State

DAY = 86_400_000

_hold = ledger.alias("hold")
_close = select(ledger).where(CLOSING).subquery("close")
_held: ColumnElement[int] = -_hold.c.amount
_charged: ColumnElement[int] = -_hold.c.amount - _close.c.amount


@dataclass(frozen=True, slots=True)
class Spent:
    """What jobs of one kind, asked for by one member on one day, cost or hold. Amounts are credits."""

    day: int  # counted from the first one, which is 0
    user_id: int
    provider: str
    operation: str
    jobs: int
    held: int  # still open
    settled: int
    released: int  # of jobs that cost nothing in the end
    reported: int  # the vendors' own figures
    expected: int  # what was held for the jobs that have such a figure


def spent(connection: Connection, guild_id: int, since: int, until: int) -> list[Spent]:
    """List what a server spent between two moments (milliseconds), counted by the day it was asked for."""
    day = ((_hold.c.held_at - since) // DAY).label("day")
    kind = (day, _hold.c.user_id, jobs.c.provider, jobs.c.operation)
    is_open, told = _close.c.id.is_(None), _close.c.reported.is_not(None)
    statement = (
        _whole(
            *kind,
            func.count(),
            _sum(is_open, _held),
            _sum(_close.c.kind == Entry.SETTLE.value, _charged),
            _sum(_close.c.kind == Entry.RELEASE.value, _held),
            _sum(told, _close.c.reported),
            _sum(told, _held),
        )
        .where(_hold.c.guild_id == guild_id, _hold.c.held_at >= since, _hold.c.held_at < until)
        .group_by(*kind)
        .order_by(*kind)
    )
    rows = connection.execute(statement)
    return [Spent(int(row[0]), row[1], row[2], row[3], *(int(number) for number in row[4:])) for row in rows]


@dataclass(frozen=True, slots=True)
class Line:
    """One job in the books."""

    job_id: int
    at: int
    user_id: int
    user_name: str
    channel_id: int
    provider: str
    operation: str
    model: str
    state: State
    held: int
    charged: int | None  # None: still open
    reported: int | None  # None: the vendor named no figure
    beside: int = 0  # what further tasks of it cost (storage/strays.py), which no hold pays for


def lines(connection: Connection, guild_id: int, since: int, until: int, limit: int) -> list[Line]:
    """List the jobs of a server between two moments, the latest first."""
    job = (jobs.c.user_id, jobs.c.user_name, jobs.c.channel_id, jobs.c.provider, jobs.c.operation, jobs.c.model)
    charged = case((_close.c.kind == Entry.SETTLE.value, _charged), (_close.c.kind == Entry.RELEASE.value, 0))
    whose = select(func.coalesce(func.sum(strays.c.credits), 0)).where(strays.c.job_id == jobs.c.id)
    amounts = (_held, charged, _close.c.reported, whose.correlate(jobs).scalar_subquery())
    statement = _whole(jobs.c.id, _hold.c.held_at, *job, jobs.c.state, *amounts)
    here = (_hold.c.guild_id == guild_id, _hold.c.held_at >= since, _hold.c.held_at < until)
    rows = connection.execute(statement.where(*here).order_by(_hold.c.held_at.desc()).limit(limit))
    return [_line(dict(zip(Line.__dataclass_fields__, row, strict=True))) for row in rows]


def _line(values: dict[str, Any]) -> Line:
    values["state"] = State(values["state"])
    return Line(**values)


def _whole(*columns: Any) -> Select[*tuple[Any, ...]]:
    """Join each hold with its job and with what closed it, if anything has."""
    return (
        select(*columns)
        .select_from(_hold)
        .join(jobs, jobs.c.id == _hold.c.job_id)
        .outerjoin(_close, _close.c.job_id == _hold.c.job_id)
        .where(_hold.c.kind == Entry.HOLD.value)
    )


def _sum(when: ColumnElement[bool], amount: Any) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((and_(when), amount), else_=0)), 0)
