"""What the promises of read and write stand on at PostgreSQL."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TypeVar

from sqlalchemy import Connection, event, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from storage.tables import metadata
from storage.troubles import troubles_told

T = TypeVar("T")

# Every write takes this lock, which makes writers take turns as they do on SQLite.
_TURN = text("SELECT pg_advisory_xact_lock(7281433019)")
_PROGRAM = text("SELECT pg_try_advisory_lock(7281433020)")
# Seconds and times after which the server forgets a program whose machine fell silent; by default it takes hours.
_FORGET = {"tcp_keepalives_idle": "30", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "3"}

# A partial index has the same condition here. Said in tables.py, it would load all of this dialect for everybody: 2 MB.
for _table in metadata.sorted_tables:
    for _index in _table.indexes:
        _index.dialect_options["postgresql"]["where"] = _index.dialect_options["sqlite"]["where"]


class Writer:
    """The one connection of this program that writes."""

    def __init__(self, url: str, patience: int) -> None:
        self._engine = _connect(url, "READ COMMITTED", patience, pool_size=1)
        event.listen(self._engine.sync_engine, "begin", _take_turns)

    async def transact(self, work: Callable[[Connection], T]) -> T:
        """Do some work in one transaction; it is on the server's disk when this returns. Raise StorageError."""
        with troubles_told():
            async with self._engine.begin() as connection:
                return await connection.run_sync(work)

    async def close(self) -> None:
        """Let go of the connection."""
        await self._engine.dispose()


class Reader:
    """Up to so many connections, each transaction of which sees one moment."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def ask(self, question: Callable[[Connection], T]) -> T:
        """Run a question against one consistent view. Raise StorageError."""
        with troubles_told():
            async with self._engine.begin() as connection:
                return await connection.run_sync(question)

    async def close(self) -> None:
        """Let go of every connection."""
        await self._engine.dispose()


def reader(url: str, patience: int, size: int) -> Reader:
    """Make a reader with up to so many connections to a server."""
    return Reader(_connect(url, "REPEATABLE READ", patience, pool_size=size))


async def hold_alone(stack: AsyncExitStack, url: str) -> bool:
    """Hold a database by a connection of its own until the stack ends; False: another one does. Raise StorageError."""
    engine = create_async_engine(
        url,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",  # a transaction open for as long as the program runs would keep old rows alive
        connect_args={"server_settings": _FORGET},
    )
    stack.push_async_callback(engine.dispose)
    with troubles_told():
        connection = await stack.enter_async_context(engine.connect())
        return (await connection.execute(_PROGRAM)).scalar_one()


def _connect(url: str, isolation: str, patience: int, *, pool_size: int) -> AsyncEngine:
    """State everything, whatever the server's defaults."""
    return create_async_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        hide_parameters=True,  # a member's prompt has no business in a traceback
        isolation_level=isolation,
        connect_args={"server_settings": {"lock_timeout": str(patience), "synchronous_commit": "on"}},
    )


def _take_turns(connection: Connection) -> None:
    connection.execute(_TURN)
