"""The state of the database itself, and how much stands waiting at each vendor: for whoever looks after the program."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import ColumnElement, Connection, TextClause, and_, func, select

from storage import migrate
from storage.codes import first_id_at
from storage.tables import CLOSING, RUNNING, inbox, jobs, ledger
from storage.words import State

_CHEAP = 64 * 2**20  # bytes of a database that is read through in well under a second
_RECENT = 30 * 86_400_000  # milliseconds
_LIMBO = (
    jobs.c.state == State.EXPIRED.value,
    jobs.c.due_at.is_(None),
    ~select(ledger.c.id).where(and_(ledger.c.job_id == jobs.c.id, CLOSING)).exists(),
)
_WAITING = (State.CONFIRMING, State.APPROVING, State.QUEUED)


@dataclass(frozen=True, slots=True)
class Condition:
    """How a database is."""

    kind: str  # sqlite or postgresql
    newest: bool  # its tables are as this version knows them
    file: Path | None = None  # of SQLite
    wal: bool = True
    sound: bool | None = None  # None: not looked, because it would take long, or the server does that itself


@dataclass(frozen=True, slots=True)
class Traffic:
    """What goes on at a vendor."""

    waiting: int = 0  # not sent yet
    running: int = 0  # sent, not over
    doubtful: int = 0  # nobody knows whether the vendor took them
    last_callback: int | None = None  # of the last thirty days


def condition(connection: Connection) -> Condition:
    """Look at the database; a small one of SQLite is read through for damage."""
    newest = migrate.is_newest(connection)
    if connection.dialect.name != "sqlite":
        return Condition(connection.dialect.name, newest)
    journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    size = pages * connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    sound = None
    if size <= _CHEAP:
        sound = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one() == "ok"
    file = next((row[2] for row in connection.exec_driver_sql("PRAGMA database_list") if row[1] == "main"), "")
    return Condition("sqlite", newest, Path(file) if file else None, journal == "wal", sound)


def touched(connection: Connection) -> None:
    """Change nothing that means anything, yet so that the commit must reach the disk: whether it can, is asked here."""
    on_sqlite = connection.dialect.name == "sqlite"
    connection.exec_driver_sql("PRAGMA user_version = 0" if on_sqlite else "SELECT txid_current()")


def traffic(connection: Connection, guild_id: int | None, now: int) -> dict[str, Traffic]:
    """Tell, vendor by vendor, of the jobs of one server; None: of all there are."""
    here = () if guild_id is None else (jobs.c.guild_id == guild_id,)
    doubtful = {**_counted(connection, *_LIMBO, *here)}
    for name, count in _counted(connection, RUNNING, jobs.c.state == State.UNKNOWN, *here).items():
        doubtful[name] = doubtful.get(name, 0) + count
    waiting = _counted(connection, RUNNING, jobs.c.state.in_(_WAITING), *here)
    running = _counted(connection, RUNNING, jobs.c.state.not_in((*_WAITING, State.UNKNOWN)), *here)
    of_theirs = () if guild_id is None else (inbox.c.job_id.in_(select(jobs.c.id).where(*here)),)
    recent = inbox.c.job_id >= first_id_at(now - _RECENT)
    last = select(inbox.c.provider, func.max(inbox.c.received_at).label("at")).where(recent, *of_theirs)
    came = {row["provider"]: row["at"] for row in connection.execute(last.group_by(inbox.c.provider)).mappings()}
    return {
        name: Traffic(waiting.get(name, 0), running.get(name, 0), doubtful.get(name, 0), came.get(name))
        for name in {*waiting, *running, *doubtful, *came}
    }


def _counted(connection: Connection, *which: ColumnElement[bool] | TextClause) -> dict[str, int]:
    statement = select(jobs.c.provider, func.count().label("jobs")).where(*which).group_by(jobs.c.provider)
    return {row["provider"]: row["jobs"] for row in connection.execute(statement).mappings()}
