"""What the commands share: the settings, the database beside a running program, and failing in words."""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import NoReturn, TypeVar

import typer

from rushes.settings import BadSettings, Settings, load
from storage import Database, StorageError
from storage.backup import Unusable
from storage.lock import InUse
from storage.migrate import FromTheFuture

T = TypeVar("T")

OURS_ALONE = 0o077  # the umask: the database and the media are nobody else's business
# Of the surroundings: a sentence tells more than a traceback.
TROUBLES = (InUse, FromTheFuture, StorageError, OSError, Unusable)


def read_settings() -> Settings:
    """Read the settings, or end with all that is wrong with them."""
    try:
        return load()
    except BadSettings as error:
        fail("The settings cannot be used:\n" + "\n".join(f"  - {problem}" for problem in error.problems))


def in_database(work: Callable[[Database], Awaitable[T]]) -> T:
    """Do something with the database of the settings, beside a running program or without one."""
    settings = read_settings()

    async def do() -> T:
        database = await Database.open(settings.database_url)
        try:
            return await work(database)
        finally:
            await database.close()

    return whole(do)


def whole(work: Callable[[], Awaitable[T]]) -> T:
    """Do something in a loop of its own; end in words where the surroundings are in the way."""
    os.umask(OURS_ALONE)

    async def do() -> T:
        return await work()

    try:
        return asyncio.run(do())
    except TROUBLES as error:
        fail(str(error))


def moment(milliseconds: int | None) -> str:
    """Write a moment for people, in UTC; nothing for none."""
    return "" if milliseconds is None else time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(milliseconds / 1000))


def fail(message: str) -> NoReturn:
    """Say what is wrong, and end."""
    typer.echo(message, err=True)
    sys.exit(1)
