"""Reading at SQLite: a question runs whole in the thread of a connection, beside the writer, and sees one moment."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import aiosqlite
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL, Engine
from sqlalchemy.pool import NullPool

from storage.sqlite import driver, prepared
from storage.troubles import StorageError, troubles_told

T = TypeVar("T")


class Reader:
    """Up to so many connections, opened when they are needed."""

    def __init__(self, file: Path, patience: int, size: int) -> None:
        url = URL.create("sqlite", database=str(file))
        # hide_parameters: a member's prompt has no business in a traceback.
        self._engine = prepared(create_engine(url, poolclass=NullPool, hide_parameters=True), patience)
        event.listen(self._engine, "begin", _take_a_moment)
        self._size = size
        self._free: asyncio.LifoQueue[_Line | None] = asyncio.LifoQueue()
        for _ in range(size):
            self._free.put_nowait(None)

    async def ask(self, question: Callable[[Connection], T]) -> T:
        """Run a question against one consistent view. Raise StorageError."""
        line = await self._free.get()
        try:
            with troubles_told():
                if line is None:
                    line = _Line(self._engine)
                    await line
                return await line.ask(question)
        except StorageError:
            if line is not None:
                await line.close()
                line = None
            raise
        finally:
            self._free.put_nowait(line)

    async def close(self) -> None:
        """Let go of every connection, each as soon as it is free; a later question opens one anew."""
        lines = [await self._free.get() for _ in range(self._size)]
        for line in lines:
            self._free.put_nowait(None)
            if line is not None:
                await line.close()


class _Line(aiosqlite.Connection):
    """A connection that takes a question at a time.

    Handed over statement by statement, each would cost some four trips between the threads, which is more than what
    is done there: half of all the time the program worked.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__(self._open, iter_chunk_size=64)
        self._engine = engine
        self._view: Connection | None = None

    def _open(self) -> sqlite3.Connection:
        self._view = self._engine.connect()
        return driver(self._view)

    async def ask(self, question: Callable[[Connection], T]) -> T:
        """Run a question in this connection's thread."""
        asking: Awaitable[T] = self._execute(self._answer, question)  # pyright: ignore[reportUnknownMemberType] -- not annotated
        return await asking

    async def close(self) -> None:
        """End the thread, after what it is at."""
        if self._view is not None:
            closing: Awaitable[None] = self._execute(self._view.close)  # pyright: ignore[reportUnknownMemberType] -- not annotated
            await closing
        await super().close()

    def _answer(self, question: Callable[[Connection], T]) -> T:
        if self._view is None:
            raise StorageError("the connection is closed")
        with self._view.begin():
            return question(self._view)


def _take_a_moment(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")  # the driver itself begins nothing here
