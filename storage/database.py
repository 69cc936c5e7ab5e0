"""The one door to the database: open it (migrating), read, write.

A write is a plain function of a connection, run whole inside one transaction that holds the write lock from its first
statement: nothing can be awaited in the middle of it, and what it read cannot change before it commits. Which writes
share a transaction is decided in commits.py; what a transaction is, in sqlite.py and postgresql.py.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from contextvars import copy_context
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Concatenate, ParamSpec, Protocol, Self, TypeVar
from urllib.parse import unquote, unquote_plus

from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from storage import migrate, readers, sqlite
from storage.commits import Commits, Writer
from storage.troubles import StorageError

__all__ = ["Database", "StorageError", "address_problem", "make_folder", "passwords_of"]

P = ParamSpec("P")
T = TypeVar("T")
Row = TypeVar("Row")

_READERS = 4
_TLS = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")  # the driver's words for it


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
    """Make the folder of an SQLite database, its owner's alone, and return the file; else None. Raise OSError.

    Where the address names a link, the file is what that leads to: SQLite keeps its log beside that, and our lock
    belongs to it, whichever way somebody comes.
    """
    address = make_url(url)
    if address.get_backend_name() != "sqlite" or not address.database or address.database == ":memory:":
        return None
    file = Path(address.database)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    return file.resolve()


class Reader(Protocol):
    """The connections that read beside the one that writes."""

    async def ask(self, question: Callable[[Connection], T]) -> T:
        """Run a question against one consistent view. Raise StorageError."""
        ...

    async def close(self) -> None:
        """Let go of every connection."""
        ...


class Database:
    """An open database."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self._writer = writer
        self._commits = Commits(writer)
        self._reader = reader

    @classmethod
    async def open(cls, url: str, *, patience: int = 5_000) -> Self:
        """Connect and bring the tables up to date; `patience` is how long another process's lock is waited for, in ms.

        The folder of an SQLite file is made. Raise StorageError, migrate.FromTheFuture, OSError.
        """
        file = make_folder(url)
        if file is not None:
            await asyncio.to_thread(sqlite.look_at, file, patience)
            database = cls(sqlite.Writer(file, patience), readers.Reader(file, patience, _READERS))
        else:
            # Only where it is needed: SQLAlchemy's asynchronous half brings its mapper along, 9 MB.
            postgresql = import_module("storage.postgresql")
            database = cls(postgresql.Writer(url, patience), postgresql.reader(url, patience, _READERS))
        try:
            await database.write(migrate.upgrade)
        except BaseException:
            await database.close()
            raise
        return database

    async def write(self, change: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Make a change whole or not at all; it is on the disk when this returns. Raise StorageError.

        Changes that wait at the same moment share a commit; one that raises fails alone.
        """
        return await self._commits.write(lambda connection: change(connection, *args, **kwargs))

    def write_together(
        self, change: Callable[[Connection, list[Row]], Sequence[T]], row: Row, *, within: float | None = None
    ) -> Awaitable[T]:
        """Give a row to a change that is made once for all rows that wait for it; return what it says of this one.

        For what comes in numbers. The row is on the disk when this returns. Who is cancelled before its turn, or has
        waited for `within` seconds, takes the row back. Raise StorageError.
        """
        return self._commits.write_together(change, row, within)

    async def read(self, question: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a question against one consistent view. Raise StorageError."""
        # Shielded: a caller that is cancelled must not tear the connection out of a transaction.
        context = copy_context()  # of the caller, whose language it may speak
        asking = self._reader.ask(lambda connection: context.run(question, connection, *args, **kwargs))
        return await asyncio.shield(asking)

    async def close(self) -> None:
        """Wait for what is being written, then let go of every connection."""
        await self._commits.close()
        await self._writer.close()
        await self._reader.close()
