"""One program on one database: two would both send what is due."""

import fcntl
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from importlib import import_module
from pathlib import Path

from storage.database import make_folder


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
            if not await import_module("storage.postgresql").hold_alone(stack, url):  # see database.py
                raise InUse("another rushes is running on this PostgreSQL database")
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
