"""What the promises of read and write stand on at SQLite, and when its log of writes is copied into the database.

The writer is a thread with a connection of its own: a statement costs no trip through the event loop, and SQLite lets
go of the interpreter while it writes. Readers are asynchronous connections, which never wait for it.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar, cast

import structlog
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from storage.troubles import StorageError, troubles_told

T = TypeVar("T")

_PRAGMAS = (
    "journal_mode=WAL",
    # FULL: a commit is on the disk when it returns; NORMAL may lose the last ones in a power cut.
    "synchronous=FULL",
    "foreign_keys=ON",
    # What is erased (a server's key, a member's words) is overwritten, on the pages that it leaves free too: FAST would
    # leave long texts and bodies there for good, and every backup takes them along.
    "secure_delete=ON",
    f"journal_size_limit={2**24}",  # bytes the log is cut down to when it begins anew
    "wal_autocheckpoint=0",  # it would make one commit in so many wait for all the others': see Writer._tidy
)
_COPY_EVERY = 256  # commits: some 4000 pages of the log under load, 16 MB
_LOOK_EVERY = 8  # commits
_LARGE = 2**26  # bytes of the log, when large things were written: then it is copied before its turn
_log = structlog.get_logger("storage")


class Writer:
    """The one connection of this program that writes."""

    def __init__(self, file: Path, patience: int) -> None:
        self._file = file
        self._log = file.with_name(file.name + "-wal")
        self._engine = prepared(
            create_engine(
                URL.create("sqlite", database=str(file)),
                poolclass=NullPool,
                hide_parameters=True,  # a member's prompt has no business in a traceback
                connect_args={"check_same_thread": False},  # closed when its thread is gone
            ),
            patience,
        )
        self._thread = ThreadPoolExecutor(1, "writer")
        self._connection: Connection | None = None
        self._in_doubt = False  # whether what the log holds is on the disk
        self._copier = ThreadPoolExecutor(1, "copier")
        self._copying: Future[None] | None = None
        self._commits = 0  # since the log was copied last

    async def transact(self, work: Callable[[Connection], T]) -> T:
        """Do some work in one transaction; it is on the disk when this returns. Raise StorageError."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)

    async def close(self) -> None:
        """Let go of the connection."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._copier.shutdown()
        self._thread.shutdown()
        self._let_go()

    def _transact(self, work: Callable[[Connection], T]) -> T:
        try:
            with troubles_told():
                if self._connection is None:
                    self._connection = self._engine.connect()
                    self._begin_anew(self._connection)
                self._tidy(self._connection)
                # The driver's own words: to SQLAlchemy this connection is in one transaction until one is undone, which
                # costs nothing; it must know of it, or it would undo nothing where only the driver was used.
                if not self._connection.in_transaction():
                    self._connection.begin()
                handle = driver(self._connection)
                # IMMEDIATE: a transaction that reads first and writes later would fail at once when another one
                # committed in between, whatever the busy timeout.
                handle.execute("BEGIN IMMEDIATE")
                outcome = work(self._connection)
                handle.commit()
                return outcome
        except BaseException:
            self._let_go()
            self._in_doubt = True
            raise

    def _begin_anew(self, connection: Connection) -> None:
        """Begin from what is on the disk for certain. Raise StorageError.

        When a sync fails, what was refused may still stand in the log, and the system may take it for written although
        it is not. SQLite finds it there and counts it in; so it must be copied into the database, and synced with it,
        before anybody is told that it is stored.
        """
        if not _copy(driver(connection)) and self._in_doubt:
            raise StorageError("the database cannot be used just now: what its log holds is not copied yet")
        self._in_doubt = False

    def _let_go(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.invalidate()
            connection.close()

    def _tidy(self, connection: Connection) -> None:
        """Have the log copied into the database from time to time, so that it can be written anew from its beginning.

        Another thread copies most of it beside the commits. What came meanwhile is little and copied here, where nobody
        writes: otherwise a log that is always written to would never be copied whole, and grow for ever.
        """
        self._commits += 1
        if self._copying is None and (
            self._commits >= _COPY_EVERY or (not self._commits % _LOOK_EVERY and self._is_large())
        ):
            self._copying = self._copier.submit(_copy_log, self._file)
        elif self._copying is not None and self._copying.done():
            self._copying, self._commits = None, 0
            _copy(driver(connection))

    def _is_large(self) -> bool:
        try:
            return self._log.stat().st_size > _LARGE
        except OSError:  # there is none yet
            return False


def look_at(file: Path, patience: int) -> None:
    """Open an SQLite file for a moment. Raise StorageError.

    The asynchronous driver lets go of a connection that fails at once without waiting for its thread, which then
    stumbles over an event loop that has ended.
    """
    try:
        with closing(sqlite3.connect(file, timeout=patience / 1000)) as connection:
            connection.execute("PRAGMA schema_version")
    except sqlite3.DatabaseError as error:
        raise StorageError(f"the database cannot be used just now: {error}") from None


def _copy_log(file: Path) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=FULL")
        _copy(connection)


def _copy(connection: sqlite3.Connection) -> bool:
    """Copy what the log holds into the database, and sync it; False when that is not all, or failed: it keeps it."""
    try:
        _, pages, copied = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    except sqlite3.Error as error:
        _log.warning("log not copied into the database", error=str(error))
        return False
    return pages == copied


def driver(connection: Connection) -> sqlite3.Connection:
    """Give the driver's connection under one of SQLAlchemy's."""
    return cast("sqlite3.Connection", connection.connection.driver_connection)


def prepared(engine: Engine, patience: int) -> Engine:
    """Have every connection prepared as our promises need it."""

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:  # pyright: ignore[reportUnusedFunction] -- called by the pool
        connection.isolation_level = None  # the driver's own BEGIN comes too late to hold the lock
        cursor = connection.cursor()
        for pragma in (f"busy_timeout={patience}", *_PRAGMAS):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine
