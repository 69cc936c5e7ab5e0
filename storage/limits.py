"""What stands in the way of a job: blocks, jobs at once, pauses, budgets. One question, asked by the hold itself.

The statement that stores the hold demands that this question has no answer, so nothing can happen in between; when the
hold was refused the same question tells the member why.
"""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
    union_all,
)

from storage.codes import first_id_at
from storage.tables import RUNNING, blocks, budgets, guild_settings, jobs, ledger
from storage.words import Budget, Job, Limit, LimitKind, Period, Scope

_NEXT = {Period.DAY: 1, Period.MONTH: 31}

# What the questions are asked about: put together anew for each job they would cost ten times what the database does.
_ID, _GUILD, _CHANNEL, _USER, _PRICE, _NOW, _LATELY, _OUTSIDE = (
    bindparam(f"its_{name}", type_=BigInteger)
    for name in ("id", "guild", "channel", "user", "price", "moment", "earliest", "outside")
)
_ROLES = bindparam("its_roles", type_=BigInteger, expanding=True)
_SINCE = {period: bindparam(f"its_{period.value}", type_=BigInteger) for period in Period}


def about(job: Job, outside: int = 0) -> dict[str, Any]:
    """Give the values that `standing` and `overdrawn` are asked with.

    `outside`: what a person may spend in a day outside of servers, where no admin has set a limit.
    """
    return {
        "its_id": job.id,
        "its_price": job.price,
        "its_outside": outside,
        "its_earliest": first_id_at(job.created_at - 24 * 3_600_000),  # no pause is longer
        **_whose(job.guild_id or 0, job.room_id, job.user_id, tuple(job.asked.get("roles") or ()), job.created_at),
    }


def _whose(guild_id: int, channel_id: int, user_id: int, roles: tuple[int, ...], now: int) -> dict[str, Any]:
    return {
        "its_guild": guild_id,
        "its_channel": channel_id,
        "its_user": user_id,
        "its_roles": list(roles),
        "its_moment": now,
        **{f"its_{period.value}": start_of(now, period) for period in Period},
    }


def standing(job: Job) -> Select[Any]:
    """Ask what stands in the way of a job, most telling first: kind, scope, period, most, used, until.

    Credits of the job's own hold, if it has one, do not count.
    """
    return _outside() if job.guild_id is None else _in_server()


def overdrawn(job: Job) -> Select[Any]:
    """Ask which budgets a job's price would overdraw; outside of servers there is none to change."""
    return _outside() if job.guild_id is None else _in_budgets()


@cache
def _in_server() -> Select[Any]:
    return select(union_all(_blocked(), _too_many(), _too_soon(), *_budgets()).subquery())


@cache
def _in_budgets() -> Select[Any]:
    return select(union_all(*_budgets()).subquery())


@cache
def _outside() -> Select[Any]:
    """Hold a person to what they may spend in a day outside of servers. With nothing allowed, nothing is free."""
    spent = -_sum(Scope.MEMBER, Period.DAY, ledger.c.job_id != _ID, inside=False)
    row = select(*_row(LimitKind.BUDGET, Scope.MEMBER, Period.DAY, _OUTSIDE, spent))
    return select(row.where(or_(_OUTSIDE <= 0, _OUTSIDE - spent - _PRICE < 0)).subquery())


@cache
def _since() -> Select[Any]:
    return select(union_all(_blocked(), *_budgets()).subquery())


def first(connection: Connection, job: Job, outside: int = 0) -> Limit | None:
    """Tell what stands in the way of a job."""
    return _told(connection, job, standing(job), about(job, outside))


def first_since(connection: Connection, job: Job, now: int) -> Limit | None:
    """Tell what came into the way of a job of a server, held for already, before it begins: a block, or a budget."""
    return _told(connection, job, _since(), {**about(job), "its_moment": now})


def _told(connection: Connection, job: Job, question: Select[Any], values: dict[str, Any]) -> Limit | None:
    row = connection.execute(question, values).first()
    if row is None:
        return None
    facts: tuple[Any, ...] = tuple(row)
    kind, scope, period, most, used, until = facts
    limit = Limit(LimitKind(kind), most=int(most), used=int(used), until=until)
    if not period:
        return limit
    lasts = Period(period)
    return replace(limit, scope=Scope(scope), period=lasts, until=end_of(job.created_at, lasts))


def _row(
    kind: LimitKind, scope: Scope | None, period: Period | None, most: Any, used: Any, until: Any = None
) -> list[ColumnElement[Any]]:
    """Give each part of the union the same columns, with types that PostgreSQL can tell."""
    return [
        cast(_word(kind), String).label("kind"),
        cast(_word(scope), String).label("scope"),
        cast(_word(period), String).label("period"),
        cast(most, BigInteger).label("most"),
        cast(used, BigInteger).label("used"),
        cast(null() if until is None else until, BigInteger).label("until"),
    ]


def _word(word: LimitKind | Scope | Period | None) -> ColumnElement[Any]:
    """Write one of our own words into the question itself: there are so many that giving them each time takes long."""
    return null() if word is None else literal_column(f"'{word.value}'", String)


def _blocked() -> Select[Any]:
    still = or_(blocks.c.until.is_(None), blocks.c.until > _NOW)
    return select(*_row(LimitKind.BLOCKED, None, None, literal(0), literal(0), blocks.c.until)).where(
        blocks.c.guild_id == _GUILD, blocks.c.user_id == _USER, still
    )


def _too_many() -> Select[Any]:
    running = (
        select(func.count())
        .select_from(jobs)
        .where(jobs.c.guild_id == _GUILD, jobs.c.user_id == _USER, jobs.c.id != _ID, RUNNING)
        .scalar_subquery()
    )
    most = guild_settings.c.most_running
    return select(*_row(LimitKind.RUNNING, None, None, most, running)).where(
        guild_settings.c.guild_id == _GUILD, most <= running
    )


def _too_soon() -> Select[Any]:
    last = (
        select(func.max(jobs.c.created_at))
        .where(jobs.c.user_id == _USER, jobs.c.guild_id == _GUILD, jobs.c.id != _ID, jobs.c.id >= _LATELY)
        .scalar_subquery()
    )
    pause = guild_settings.c.cooldown
    over = last + pause * 1000
    return select(*_row(LimitKind.COOLDOWN, None, None, pause, literal(0), over)).where(
        guild_settings.c.guild_id == _GUILD, over > _NOW
    )


_SPENDERS = (Scope.GUILD, Scope.CHANNEL, Scope.MEMBER)


def _budgets() -> list[Select[Any]]:
    return [_overdrawn(scope, period) for scope in _SPENDERS for period in Period]


def _overdrawn(scope: Scope, period: Period) -> Select[Any]:
    limit = select(_limit(scope, period).label("most")).subquery()
    spent = -_sum(scope, period, ledger.c.job_id != _ID)
    # What is spent is summed up only where there is a limit to it: in a busy server those are many rows.
    over = case((limit.c.most.is_not(None), limit.c.most - spent - _PRICE < 0))
    return select(*_row(LimitKind.BUDGET, scope, period, limit.c.most, spent)).where(over)


def _limit(scope: Scope, period: Period) -> ColumnElement[Any]:
    here = and_(budgets.c.guild_id == _GUILD, budgets.c.period == _word(period))

    def of(scope: Scope, subject: ColumnElement[bool]) -> ColumnElement[Any]:
        these = and_(here, budgets.c.scope == _word(scope), subject)
        return select(func.max(budgets.c.credits)).where(these).scalar_subquery()

    subject = budgets.c.subject_id
    match scope:
        case Scope.GUILD:
            return of(scope, subject == 0)
        case Scope.CHANNEL:
            return of(scope, subject == _CHANNEL)
        case _:
            member, everybody = of(Scope.MEMBER, subject == _USER), of(Scope.MEMBER, subject == 0)
            return func.coalesce(member, of(Scope.ROLE, subject.in_(_ROLES)), everybody)


def _sum(scope: Scope, period: Period, *more: ColumnElement[bool], inside: bool = True) -> ColumnElement[Any]:
    whose = {
        Scope.GUILD: (),
        Scope.CHANNEL: (ledger.c.channel_id == _CHANNEL,),
        Scope.MEMBER: (ledger.c.user_id == _USER,),
    }[scope]
    where = ledger.c.guild_id == _GUILD if inside else ledger.c.guild_id.is_(None)
    these = and_(where, ledger.c.held_at >= _SINCE[period], *whose, *more)
    return select(func.coalesce(func.sum(ledger.c.amount), 0)).where(these).scalar_subquery()


@cache
def _allowance(scope: Scope, period: Period) -> Select[Any, Any]:
    return select(_limit(scope, period), -_sum(scope, period))


@cache
def _spent_outside() -> Select[Any]:
    return select(-_sum(Scope.MEMBER, Period.DAY, inside=False))


def allowances(
    connection: Connection,
    guild_id: int | None,
    channel_id: int,
    user_id: int,
    roles: tuple[int, ...],
    now: int,
    outside: int = 0,
) -> list[tuple[Budget, int]]:
    """List the budgets that bind a member in a channel, each with what is used of it; None: outside of servers."""
    whose = _whose(guild_id or 0, channel_id, user_id, roles, now)
    if guild_id is None:
        spent = connection.execute(_spent_outside(), whose).scalar_one()
        return [(Budget(Scope.MEMBER, user_id, Period.DAY, outside), int(spent))]
    found: list[tuple[Budget, int]] = []
    subjects = {Scope.GUILD: 0, Scope.CHANNEL: channel_id, Scope.MEMBER: user_id}
    for scope, subject in subjects.items():
        for period in Period:
            row: tuple[Any, ...] = tuple(connection.execute(_allowance(scope, period), whose).one())
            credits, spent = row
            if credits is not None:
                found.append((Budget(scope, subject, period, int(credits)), int(spent)))
    return found


def start_of(now: int, period: Period) -> int:
    """Find the first moment (UTC) of the day or month that `now` lies in; both in milliseconds."""
    moment = datetime.fromtimestamp(now / 1000, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return int((moment if period is Period.DAY else moment.replace(day=1)).timestamp() * 1000)


def end_of(now: int, period: Period) -> int:
    """Find the first moment after the day or month that `now` lies in."""
    return start_of(start_of(now, period) + _NEXT[period] * 86_400_000 + 3_600_000, period)
