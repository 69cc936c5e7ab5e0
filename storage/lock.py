"""One program on one SQLite database: two would both send what is due. PostgreSQL is guarded by its own locks."""

import fcntl
from collections.abc import Generator
from contextlib import contextmanager

from storage.database import make_folder


class InUse(Exception):  # noqa: N818 -- says what the database is
    """Another program runs on this database."""


@contextmanager
def sole_use(url: str) -> Generator[None]:
    """Hold the database of a URL alone until the block ends; its folder is made. Raise InUse, OSError.

    The lock belongs to the process: the system gives it up when the process dies, however it dies.
    """
    file = make_folder(url)
    if file is None:
        yield
        return
    with file.with_name(file.name + ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse(f"another rushes is running on {file}") from None
        yield
