"""What stands in the way of a job: blocks, jobs at once, pauses, budgets. One question, asked by the hold itself.

The statement that stores the hold demands that this question has no answer, so nothing can happen in between; when the
hold was refused the same question tells the member why.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Select,
    String,
    and_,
    cast,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)

from storage.tables import RUNNING, blocks, budgets, guild_settings, jobs, ledger
from storage.words import Budget, Job, Limit, LimitKind, Period, Scope, first_id_at

_NEXT = {Period.DAY: 1, Period.MONTH: 31}


def standing(job: Job, outside: int = 0) -> Select[Any]:
    """Ask what stands in the way of a job, most telling first: kind, scope, period, most, used, until.

    Credits of the job's own hold, if it has one, do not count. `outside`: what a person may spend in a day outside of
    servers, where no admin has set a limit.
    """
    if job.guild_id is None:
        return select(_outside(job, outside).subquery())
    return select(union_all(_blocked(job), _too_many(job), _too_soon(job), *_budgets(job)).subquery())


def overdrawn(job: Job) -> Select[Any]:
    """Ask which budgets a job's price would overdraw; outside of servers there is none to change."""
    if job.guild_id is None:
        return standing(job)
    return select(union_all(*_budgets(job)).subquery())


def first(connection: Connection, job: Job, outside: int = 0) -> Limit | None:
    """Tell what stands in the way of a job."""
    row = connection.execute(standing(job, outside)).first()
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
        cast(literal(kind.value), String).label("kind"),
        cast(literal(scope.value if scope else None), String).label("scope"),
        cast(literal(period.value if period else None), String).label("period"),
        cast(most, BigInteger).label("most"),
        cast(used, BigInteger).label("used"),
        cast(null() if until is None else until, BigInteger).label("until"),
    ]


def _blocked(job: Job) -> Select[Any]:
    still = or_(blocks.c.until.is_(None), blocks.c.until > job.created_at)
    return select(*_row(LimitKind.BLOCKED, None, None, literal(0), literal(0), blocks.c.until)).where(
        blocks.c.guild_id == job.guild_id, blocks.c.user_id == job.user_id, still
    )


def _too_many(job: Job) -> Select[Any]:
    running = (
        select(func.count())
        .select_from(jobs)
        .where(jobs.c.guild_id == job.guild_id, jobs.c.user_id == job.user_id, jobs.c.id != job.id, RUNNING)
        .scalar_subquery()
    )
    most = guild_settings.c.most_running
    return select(*_row(LimitKind.RUNNING, None, None, most, running)).where(
        guild_settings.c.guild_id == job.guild_id, most <= running
    )


def _too_soon(job: Job) -> Select[Any]:
    last = (
        select(func.max(jobs.c.created_at))
        .where(
            jobs.c.user_id == job.user_id,
            jobs.c.guild_id == job.guild_id,
            jobs.c.id != job.id,
            jobs.c.id >= first_id_at(job.created_at - 24 * 3_600_000),  # no pause is longer
        )
        .scalar_subquery()
    )
    pause = guild_settings.c.cooldown
    over = last + pause * 1000
    return select(*_row(LimitKind.COOLDOWN, None, None, pause, literal(0), over)).where(
        guild_settings.c.guild_id == job.guild_id, over > job.created_at
    )


_SPENDERS = (Scope.GUILD, Scope.CHANNEL, Scope.MEMBER)


def _budgets(job: Job) -> list[Select[Any]]:
    return [_overdrawn(job, scope, period) for scope in _SPENDERS for period in Period]


def _outside(job: Job, most: int) -> Select[Any]:
    """Hold a person to what they may spend in a day outside of servers. With nothing allowed, nothing is free."""
    since, not_own = start_of(job.created_at, Period.DAY), ledger.c.job_id != job.id
    spent = -_sum(None, job.room_id, job.user_id, Scope.MEMBER, since, not_own)
    row = select(*_row(LimitKind.BUDGET, Scope.MEMBER, Period.DAY, literal(most), spent))
    return row if most <= 0 else row.where(literal(most) - spent - job.price < 0)


def _overdrawn(job: Job, scope: Scope, period: Period) -> Select[Any]:
    limit = _limit(job.guild_id or 0, job.room_id, job.user_id, _roles(job), scope, period)
    where = [ledger.c.job_id != job.id]
    spent = -_sum(job.guild_id, job.room_id, job.user_id, scope, start_of(job.created_at, period), *where)
    return select(*_row(LimitKind.BUDGET, scope, period, limit, spent)).where(limit - spent - job.price < 0)


def _roles(job: Job) -> tuple[int, ...]:
    """List the roles the asker had when asking."""
    return tuple(job.asked.get("roles") or ())


def _limit(
    guild_id: int, channel_id: int, user_id: int, roles: tuple[int, ...], scope: Scope, period: Period
) -> ColumnElement[Any]:
    here = and_(budgets.c.guild_id == guild_id, budgets.c.period == period.value)

    def of(scope: Scope, *subjects: int) -> ColumnElement[Any]:
        these = and_(here, budgets.c.scope == scope.value, budgets.c.subject_id.in_(subjects))
        return select(func.max(budgets.c.credits)).where(these).scalar_subquery()

    match scope:
        case Scope.GUILD:
            return of(scope, 0)
        case Scope.CHANNEL:
            return of(scope, channel_id)
        case _:
            return func.coalesce(of(Scope.MEMBER, user_id), of(Scope.ROLE, *roles), of(Scope.MEMBER, 0))


def _sum(
    guild_id: int | None, channel_id: int, user_id: int, scope: Scope, since: int, *more: ColumnElement[bool]
) -> ColumnElement[Any]:
    whose = {
        Scope.GUILD: (),
        Scope.CHANNEL: (ledger.c.channel_id == channel_id,),
        Scope.MEMBER: (ledger.c.user_id == user_id,),
    }[scope]
    these = and_(ledger.c.guild_id == guild_id, ledger.c.held_at >= since, *whose, *more)
    return select(func.coalesce(func.sum(ledger.c.amount), 0)).where(these).scalar_subquery()


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
    if guild_id is None:
        spent = -_sum(None, channel_id, user_id, Scope.MEMBER, start_of(now, Period.DAY))
        return [
            (Budget(Scope.MEMBER, user_id, Period.DAY, outside), int(connection.execute(select(spent)).scalar_one()))
        ]
    found: list[tuple[Budget, int]] = []
    subjects = {Scope.GUILD: 0, Scope.CHANNEL: channel_id, Scope.MEMBER: user_id}
    for scope, subject in subjects.items():
        for period in Period:
            limit = _limit(guild_id, channel_id, user_id, roles, scope, period)
            used = -_sum(guild_id, channel_id, user_id, scope, start_of(now, period))
            credits, spent = connection.execute(select(limit, used)).one()
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
