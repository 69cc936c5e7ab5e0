"""One program on one database: two would both send what is due."""

import fcntl
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from storage.database import make_folder
from storage.troubles import troubles_told

_POSTGRESQL_PROGRAM = text("SELECT pg_try_advisory_lock(7281433020)")
# Seconds and times after which the server forgets a program whose machine fell silent; by default it takes hours.
_FORGET = {"tcp_keepalives_idle": "30", "tcp_keepalives_interval": "10", "tcp_keepalives_count": "3"}


class InUse(Exception):  # noqa: N818 -- says what the database is
    """Another program runs on this database."""


@asynccontextmanager
async def sole_use(url: str) -> AsyncGenerator[None]:
    """Hold the database of a URL alone until the block ends. Raise InUse, StorageError, OSError.

    The lock of an SQLite file, whose folder is made, belongs to the process: the system gives it up when the process
    dies, however it dies. The one at PostgreSQL belongs to a connection of its own, and is gone when the server ends.
    """
    file = make_folder(url)
    async with AsyncExitStack() as stack:
        if file is None:
            await _hold_connection(stack, url)
        else:
            stack.enter_context(_held_file(file))
        yield


@contextmanager
def _held_file(file: Path) -> Generator[None]:
    with file.with_name(file.name + ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse(f"another rushes is running on {file}") from None
        yield


async def _hold_connection(stack: AsyncExitStack, url: str) -> None:
    engine = create_async_engine(
        url,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",  # a transaction open for as long as the program runs would keep old rows alive
        connect_args={"server_settings": _FORGET},
    )
    stack.push_async_callback(engine.dispose)
    with troubles_told():
        connection = await stack.enter_async_context(engine.connect())
        free = (await connection.execute(_POSTGRESQL_PROGRAM)).scalar_one()
    if not free:
        raise InUse("another rushes is running on this PostgreSQL database")
