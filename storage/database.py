"""The one door to the database: open it (migrating), read, write.

A write is a plain function of a connection, run whole inside one transaction that holds the write lock from its first
statement: nothing can be awaited in the middle of it, and what it read cannot change before it commits.
"""

import asyncio
import re
import sqlite3
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Self, TypeVar
from urllib.parse import unquote, unquote_plus

from sqlalchemy import Connection, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from storage import migrate

P = ParamSpec("P")
T = TypeVar("T")

_READERS = 4
# Every write takes this lock on PostgreSQL, which makes writers take turns as they do on SQLite.
_POSTGRESQL_WRITER = text("SELECT pg_advisory_xact_lock(7281433019)")
_TLS = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")  # the driver's words for it
# Codes and classes of PostgreSQL that speak of the server, the way to it or our rights there, not of a statement.
_NOT_NOW = {
    "08",  # the connection
    "25006",  # a server that only reads
    "28",  # who we are
    "3D",  # no such database
    "40001",  # lost against another transaction
    "40P01",  # likewise
    "42501",  # what we may do
    "53",  # disk, memory or connections used up
    "55P03",  # locked
    "57",  # starting, stopping, or told to stop
    "58",  # the server's disk
}


class StorageError(Exception):
    """The database cannot be used just now: locked, full, unreadable. Try again later."""


def address_problem(url: str) -> str | None:
    """Say why a database's address cannot be used, quoting nothing of it; None when it can."""
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):  # whose texts quote it
        return "must be an address such as sqlite+aiosqlite:///data/rushes.db"
    if address.drivername == "sqlite+aiosqlite":
        if address.database in {None, "", ":memory:"}:
            return "must name a file: what is kept in memory alone is lost"
        return None
    if address.drivername != "postgresql+asyncpg":
        return "must begin with sqlite+aiosqlite:/// or postgresql+asyncpg://"
    if address.port is not None and not 0 < address.port < 65_536:
        return "must name a port from 1 to 65535"
    if address.query.keys() - {"ssl", "host", "port", "user", "password"}:
        return "must have nothing after the ? but ssl (not sslmode), host, port, user or password"
    if address.query.get("ssl", "prefer") not in _TLS:
        return f"must say ssl= and one of {', '.join(_TLS)}"
    if find_spec("asyncpg") is None:
        return 'must not be of PostgreSQL without the package asyncpg, which comes with the extra "postgresql"'
    return None


def passwords_of(url: str) -> tuple[str, ...]:
    """List the passwords in a database's address, as they are and as they are written there."""
    found = re.findall(r"://[^:/]*:([^@]*)@", url) + re.findall(r"[?&]password=([^&]*)", url)
    return tuple({form for text in found for form in (text, unquote(text), unquote_plus(text)) if form})


def make_folder(url: str) -> Path | None:
    """Make the folder of an SQLite database, its owner's alone, and return the file; else None. Raise OSError."""
    address = make_url(url)
    if address.get_backend_name() != "sqlite" or not address.database or address.database == ":memory:":
        return None
    file = Path(address.database)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return file


class Database:
    """An open database."""

    def __init__(self, writer: AsyncEngine, reader: AsyncEngine) -> None:
        self._writer = writer
        self._reader = reader

    @classmethod
    async def open(cls, url: str, *, patience: int = 5_000) -> Self:
        """Connect and bring the tables up to date; `patience` is how long another process's lock is waited for, in ms.

        The folder of an SQLite file is made. Raise StorageError, migrate.FromTheFuture, OSError.
        """
        file = make_folder(url)
        if file is not None:
            await asyncio.to_thread(_look_at, file, patience)
        if make_url(url).get_backend_name() == "sqlite":
            writer = _sqlite(url, "BEGIN IMMEDIATE", patience, pool_size=1)
            reader = _sqlite(url, "BEGIN", patience, pool_size=_READERS)
        else:
            writer = _postgresql(url, "READ COMMITTED", patience, pool_size=1)
            event.listen(writer.sync_engine, "begin", _take_turns)
            reader = _postgresql(url, "REPEATABLE READ", patience, pool_size=_READERS)
        database = cls(writer, reader)
        try:
            await database.write(migrate.upgrade)
        except BaseException:
            await database.close()
            raise
        return database

    async def write(self, change: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a change in one transaction; it is on the disk when this returns. Raise StorageError."""
        # Shielded: a caller that is cancelled must not tear the connection out of a transaction.
        return await asyncio.shield(self._run(self._writer, change, args, kwargs))

    async def read(self, question: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a question against one consistent view. Raise StorageError."""
        return await asyncio.shield(self._run(self._reader, question, args, kwargs))

    async def _run(self, engine: AsyncEngine, work: Callable[..., T], args: Any, kwargs: Any) -> T:
        with troubles_told():
            async with engine.begin() as connection:
                return await connection.run_sync(work, *args, **kwargs)

    async def close(self) -> None:
        """Let go of every connection."""
        await self._writer.dispose()
        await self._reader.dispose()


@contextmanager
def troubles_told() -> Generator[None]:
    """Turn what says that a database cannot be used just now into StorageError; let our own mistakes through."""
    try:
        yield
    except SQLAlchemyError as error:
        if not _temporary(error):
            raise
        # Without the statement's values, which may be a member's words.
        trouble = getattr(error, "orig", None) or type(error).__name__
    except OSError as error:  # a server that refuses, is not found or does not answer
        trouble = str(error) or type(error).__name__
    else:
        return
    raise StorageError(f"the database cannot be used just now: {trouble}")


def _temporary(error: SQLAlchemyError) -> bool:
    """Tell a database that cannot be used just now from a mistake of ours (constraint, syntax)."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, PoolTimeoutError)
    original: BaseException | None = error.orig
    while original is not None and not isinstance(original, sqlite3.Error):
        original = original.__cause__
    if original is None:
        if error.orig is not None and type(error.orig.__cause__).__name__ == "ClientConfigurationError":
            return True  # a certificate that is not there; by name, for the driver need not be installed
        code = getattr(error.orig, "sqlstate", None) or ""
        return error.connection_invalidated or code in _NOT_NOW or code[:2] in _NOT_NOW
    if type(original) is sqlite3.DatabaseError:  # the file is damaged, or none of SQLite's
        return True
    return isinstance(original, sqlite3.OperationalError) and "syntax" not in str(original)


def _look_at(file: Path, patience: int) -> None:
    """Open an SQLite file for a moment. Raise StorageError.

    The asynchronous driver lets go of a connection that fails at once without waiting for its thread, which then
    stumbles over an event loop that has ended.
    """
    try:
        with closing(sqlite3.connect(file, timeout=patience / 1000)) as connection:
            connection.execute("PRAGMA schema_version")
    except sqlite3.DatabaseError as error:
        raise StorageError(f"the database cannot be used just now: {error}") from None


def _sqlite(url: str, begin: str, patience: int, *, pool_size: int) -> AsyncEngine:
    engine = create_async_engine(
        url,
        poolclass=AsyncAdaptedQueuePool,  # the default for files would open a connection for every use
        pool_size=pool_size,
        max_overflow=0,
        hide_parameters=True,  # a member's prompt has no business in a traceback
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _record: object) -> None:  # pyright: ignore[reportUnusedFunction] -- called by the pool
        connection.isolation_level = None  # the driver's own BEGIN comes too late to hold the lock
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={patience}")
        cursor.execute("PRAGMA journal_mode=WAL")
        # FULL: a commit is on the disk when it returns; NORMAL may lose the last ones in a power cut.
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA foreign_keys=ON")
        # What is erased (a server's key, a member's words) is overwritten in its page, which is written anyway.
        cursor.execute("PRAGMA secure_delete=FAST")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def take_lock(connection: Connection) -> None:  # pyright: ignore[reportUnusedFunction] -- called by the engine
        # IMMEDIATE: a transaction that reads first and writes later would fail at once when another one
        # committed in between, whatever the busy timeout.
        connection.exec_driver_sql(begin)

    return engine


def _postgresql(url: str, isolation: str, patience: int, *, pool_size: int) -> AsyncEngine:
    """Connect with everything stated that the promises of read and write stand on, whatever the server's defaults."""
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        hide_parameters=True,
        isolation_level=isolation,
        connect_args={"server_settings": {"lock_timeout": str(patience), "synchronous_commit": "on"}},
    )


def _take_turns(connection: Connection) -> None:
    connection.execute(_POSTGRESQL_WRITER)
