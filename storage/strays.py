"""Facts about strays: tasks a vendor made for a job beside the one its hold pays for. Their cost is not lost.

A search is a look for them to come, where no callback may ever tell of one.
"""

from dataclasses import dataclass

from sqlalchemy import BigInteger, ColumnElement, Connection, bindparam, case, delete, func, insert, select, update

from storage import alerts
from storage.tables import DUE_TO_FOLLOW, jobs, searches, strays
from storage.words import AlertKind, Job, Search, Stray

_columns = [strays.c[name] for name in Stray.__dataclass_fields__]
_DUE = (  # put together once: it is asked again and again
    select(*_columns)
    .where(DUE_TO_FOLLOW, strays.c.due_at <= bindparam("its_moment", type_=BigInteger))
    .order_by(strays.c.due_at)
    .limit(bindparam("its_most", type_=BigInteger))
)


def found(connection: Connection, job: Job, task_id: str, now: int) -> Stray | None:
    """Write a task down as a stray of a job, to be followed until it has ended; None when it is known already."""
    if of_task(connection, job.provider, task_id) is not None:
        return None
    row = {"provider": job.provider, "task_id": task_id, "job_id": job.id, "found_at": now, "due_at": now}
    connection.execute(insert(strays).values(**row, attempts=0))
    return of_task(connection, job.provider, task_id)


def of_task(connection: Connection, provider: str, task_id: str) -> Stray | None:
    """Read the stray that a vendor's task is; None: it is none."""
    this = select(*_columns).where(strays.c.provider == provider, strays.c.task_id == task_id)
    row = connection.execute(this).mappings().first()
    return None if row is None else Stray(**row)


def of_job(connection: Connection, job_id: int) -> list[Stray]:
    """List the strays of a job, the first found first."""
    rows = connection.execute(select(*_columns).where(strays.c.job_id == job_id).order_by(strays.c.id)).mappings()
    return [Stray(**row) for row in rows]


def due(connection: Connection, now: int, limit: int) -> list[Stray]:
    """List strays that are to be stopped or asked about."""
    return [Stray(**row) for row in connection.execute(_DUE, {"its_moment": now, "its_most": limit}).mappings()]


def told_to_stop(connection: Connection, stray: Stray, now: int) -> None:
    """Record that the vendor was told to stop, or that it cannot be told."""
    connection.execute(update(strays).where(strays.c.id == stray.id).values(cancel_sent_at=now))


def postponed(connection: Connection, stray: Stray, due_at: int) -> None:
    """Look at it again later, unless it has ended meanwhile."""
    still = (strays.c.id == stray.id, DUE_TO_FOLLOW)
    connection.execute(update(strays).where(*still).values(due_at=due_at, attempts=strays.c.attempts + 1))


def booked(connection: Connection, job: Job, stray: Stray, credits: int, now: int) -> bool:
    """Write down what a stray cost, once; the admins are told when it was anything. False: it was booked already."""
    still = (strays.c.id == stray.id, strays.c.credits.is_(None))
    if connection.execute(update(strays).where(*still).values(due_at=None, credits=max(credits, 0))).rowcount != 1:
        return False
    if credits > 0:
        alerts.raised(connection, job, AlertKind.STRAY, now)
    return True


def changed_places(connection: Connection, stray: Stray, task_id: str, now: int) -> None:
    """Make another task the stray: the job goes on with this one."""
    values = {"task_id": task_id, "cancel_sent_at": None, "due_at": now, "attempts": 0}
    connection.execute(update(strays).where(strays.c.id == stray.id).values(values))


def suspected(connection: Connection, job_id: int, now: int, due_at: int) -> None:
    """Have further tasks of a job looked for at a moment, whatever was planned before."""
    planned = update(searches).where(searches.c.job_id == job_id).values(due_at=due_at, attempts=0)
    if connection.execute(planned).rowcount == 0:
        connection.execute(insert(searches).values(job_id=job_id, since=now, due_at=due_at, attempts=0))


def searches_due(connection: Connection, now: int, limit: int) -> list[Search]:
    """List the searches whose time has come."""
    these = select(searches).where(searches.c.due_at <= now).order_by(searches.c.due_at).limit(limit)
    return [Search(**row) for row in connection.execute(these).mappings()]


def search_of(connection: Connection, job_id: int) -> Search | None:
    """Read the search that is planned for a job; None: there is none, or it was made."""
    row = connection.execute(select(searches).where(searches.c.job_id == job_id)).mappings().first()
    return None if row is None else Search(**row)


def searched(connection: Connection, search: Search, due_at: int | None) -> None:
    """Search again later (None: never), unless the job was sent again meanwhile."""
    this = (searches.c.job_id == search.job_id, searches.c.due_at == search.due_at)
    if due_at is None:
        connection.execute(delete(searches).where(*this))
    else:
        connection.execute(update(searches).where(*this).values(due_at=due_at, attempts=search.attempts + 1))


@dataclass(frozen=True, slots=True)
class Beside:
    """What strays cost at one vendor, beside the books."""

    provider: str
    tasks: int
    credits: int
    running: int  # of the tasks: not known yet what they cost


def beside(connection: Connection, guild_id: int, since: int, until: int) -> list[Beside]:
    """Sum the strays of jobs a server asked for between two moments (milliseconds), by vendor."""
    return _summed(connection, jobs.c.guild_id == guild_id, jobs.c.created_at >= since, jobs.c.created_at < until)


def everywhere(connection: Connection, since: int) -> list[Beside]:
    """Sum the strays of all jobs asked for since a moment (milliseconds), by vendor."""
    return _summed(connection, jobs.c.created_at >= since)


def _summed(connection: Connection, *these: ColumnElement[bool]) -> list[Beside]:
    running = func.sum(case((strays.c.credits.is_(None), 1), else_=0))
    statement = (
        select(strays.c.provider, func.count(), func.coalesce(func.sum(strays.c.credits), 0), running)
        .join(jobs, jobs.c.id == strays.c.job_id)
        .where(*these)
        .group_by(strays.c.provider)
        .order_by(strays.c.provider)
    )
    return [Beside(row[0], *(int(number) for number in row[1:])) for row in connection.execute(statement)]
