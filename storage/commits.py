"""Group commit: writes that wait at the same moment share one transaction, and each is answered after its commit.

A commit costs the same for one change as for a hundred, so the busier it gets the cheaper each of them becomes. Nobody
lingers for company: a batch is what waits when the one before it is on the disk. A change that fails is undone by
itself and fails alone; what concerns the whole transaction (no lock, no room, a disk that does not say "written") fails
everybody in it.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import structlog
from sqlalchemy import Connection

from storage.troubles import StorageError, as_told

T = TypeVar("T")
Row = TypeVar("Row")

_MOST_WAITING = 2048  # writes: when the disk stalls, the next ones are refused instead of filling the memory
_log = structlog.get_logger("storage")


@dataclass(frozen=True, slots=True)
class _Failed:
    """Stands in the place of the outcome of a change that failed."""

    error: Exception


@dataclass(slots=True)
class _Change:
    """A change that waits, the rows it is for, and who wants to know the outcome of each."""

    make: Callable[[Connection, Any], Sequence[Any]]
    shared: bool = False  # takes more rows while it waits
    rows: list[Any] = field(default_factory=list[Any])
    askers: list[asyncio.Future[Any]] = field(default_factory=list[asyncio.Future[Any]])
    patience: asyncio.TimerHandle | None = None  # of those who do not wait for ever

    def add(self, row: object, loop: asyncio.AbstractEventLoop) -> asyncio.Future[Any]:
        asker: asyncio.Future[Any] = loop.create_future()
        self.rows.append(row)
        self.askers.append(asker)
        return asker

    def drop_the_late(self) -> None:
        """Leave out the rows whose askers have given up: they were told to come again."""
        if any(asker.done() for asker in self.askers):
            kept = [pair for pair in zip(self.rows, self.askers, strict=True) if not pair[1].done()]
            self.rows, self.askers = [row for row, _ in kept], [asker for _, asker in kept]


class Writer(Protocol):
    """The one connection that writes."""

    async def transact(self, work: Callable[[Connection], T]) -> T:
        """Do some work in one transaction; it is on the disk when this returns. Raise StorageError."""
        ...

    async def close(self) -> None:
        """Let go of the connection."""
        ...


class Commits:
    """The writes on their way into a database."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._waiting: list[_Change] = []
        self._shared: dict[Callable[..., Any], _Change] = {}  # those of them that take more rows, by what they make
        self._length = 0  # of what waits, in rows
        self._writing: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop  # while something is being written

    async def write(self, change: Callable[[Connection], T]) -> T:
        """Make a change, even if the caller is cancelled meanwhile. Raise StorageError, or what the change raises."""
        context = copy_context()  # of the caller, whose language it may speak
        alone = _Change(lambda connection, _: [context.run(change, connection)])
        return await asyncio.shield(self._queue(alone, None))

    def write_together(
        self, change: Callable[[Connection, list[Row]], Sequence[T]], row: Row, within: float | None
    ) -> asyncio.Future[T]:
        """Give a row to a change that is made once for all rows that wait for it, and names the outcome of each.

        Who has waited for `within` seconds has waited in vain; one timer runs for all of a change, from the first.
        Raise StorageError, or what the change raises for this row alone.
        """
        shared = self._shared.get(change) or _Change(change, shared=True)
        asker = self._queue(shared, row)
        if within is not None and shared.patience is None:
            shared.patience = asker.get_loop().call_later(within, _fail, [shared], "the disk is too slow")
        return asker

    async def close(self) -> None:
        """Wait for what is being written."""
        if self._writing is not None:
            await asyncio.wait({self._writing})

    def _queue(self, change: _Change, row: object) -> asyncio.Future[Any]:
        if self._length >= _MOST_WAITING:
            raise StorageError("too many writes are waiting for the disk")
        self._length += 1
        if not change.rows:
            self._waiting.append(change)
            if change.shared:
                self._shared[change.make] = change
        if self._writing is None:
            self._loop = asyncio.get_running_loop()  # asked for once: each time it makes a system call
            self._writing = self._loop.create_task(self._write())
        return change.add(row, self._loop)

    async def _write(self) -> None:
        """Write until nobody waits. However this ends, nobody is left waiting."""
        batch: list[_Change] = []
        try:
            while batch := self._take():
                try:
                    outcomes = await self._writer.transact(lambda connection, batch=batch: _made(connection, batch))
                except StorageError as error:
                    _fail(batch, str(error))
                else:
                    _answer(batch, outcomes)  # who is woken by this comes after the next transaction has begun
        except Exception:  # noqa: BLE001 -- a mistake of ours: who waits must hear of it
            _log.exception("the writer broke down")
        finally:
            self._writing = None
            _fail([*batch, *self._take()], "the writer broke down")

    def _take(self) -> list[_Change]:
        batch, self._waiting, self._shared, self._length = self._waiting, [], {}, 0
        for change in batch:
            change.drop_the_late()
        return [change for change in batch if change.rows]


def _made(connection: Connection, batch: Sequence[_Change]) -> list[list[Any]]:
    if len(batch) == 1 and len(batch[0].rows) == 1:  # alone, it needs no savepoint: its transaction is its own
        try:
            return [list(batch[0].make(connection, batch[0].rows))]
        except Exception as error:  # noqa: BLE001 -- handed to who asked for it
            connection.rollback()
            return [[_Failed(error)]]
    return [_make(connection, change.make, change.rows) for change in batch]


def _make(connection: Connection, make: Callable[[Connection, Any], Sequence[Any]], rows: list[Any]) -> list[Any]:
    """Make one change within the transaction. If it fails it is undone alone, then tried row by row."""
    connection.exec_driver_sql("SAVEPOINT change")
    try:
        outcomes = list(make(connection, rows))
        connection.exec_driver_sql("RELEASE SAVEPOINT change")
    except Exception as error:  # noqa: BLE001 -- handed to who asked for it
        try:
            connection.exec_driver_sql("ROLLBACK TO SAVEPOINT change")
        except Exception:  # noqa: BLE001 -- the database has undone the whole transaction
            raise error from None
        if len(rows) == 1:
            return [_Failed(error)]
        return [outcome for row in rows for outcome in _make(connection, make, [row])]
    return outcomes


def _answer(batch: Sequence[_Change], outcomes: Sequence[Sequence[Any]]) -> None:
    for change, of_rows in zip(batch, outcomes, strict=True):
        _let_rest(change)
        for asker, outcome in zip(change.askers, of_rows, strict=True):
            if asker.done():
                continue
            if isinstance(outcome, _Failed):
                asker.set_exception(as_told(outcome.error))
            else:
                asker.set_result(outcome)


def _fail(batch: Sequence[_Change], trouble: str) -> None:
    for change in batch:
        _let_rest(change)
        for asker in change.askers:
            if not asker.done():
                asker.set_exception(StorageError(trouble))


def _let_rest(change: _Change) -> None:
    if change.patience is not None:
        change.patience.cancel()
        change.patience = None  # the change may still wait, and take more rows
