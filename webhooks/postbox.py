"""Storing callbacks: those that come while a commit is on its way share the next one.

A commit costs the same for one row as for a hundred, so the busier it gets the cheaper a callback becomes.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from storage import Connection, Database, StorageError, inbox

_MOST_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Letter:
    """An authentic callback on its way into the inbox."""

    provider: str
    job_id: int
    delivery_id: str
    trust: str
    body: bytes = field(repr=False)
    received_at: int


class Postbox:
    """Puts letters into the inbox."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[tuple[Letter, asyncio.Future[bool]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def put(self, letter: Letter) -> bool:
        """Store a letter; it is on the disk when this returns. False: it was there already. Raise StorageError."""
        stored: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((letter, stored))
        if self._writing is None:
            self._writing = asyncio.create_task(self._empty())
        return await stored

    async def close(self) -> None:
        """Wait for what is being written."""
        if self._writing is not None:
            await self._writing

    async def _empty(self) -> None:
        try:
            while self._waiting:
                # Who has given up waiting has been told to come again.
                batch = [one for one in self._waiting[:_MOST_AT_ONCE] if not one[1].done()]
                del self._waiting[:_MOST_AT_ONCE]
                if batch:
                    await self._write(batch)
        finally:
            self._writing = None

    async def _write(self, batch: Sequence[tuple[Letter, asyncio.Future[bool]]]) -> None:
        try:
            outcomes = await self._database.write(_store, [letter for letter, _ in batch])
        except StorageError as error:
            for _, stored in batch:
                _fail(stored, StorageError(str(error)))
        except Exception as error:  # noqa: BLE001 -- a mistake of ours: handed to whoever waits
            if len(batch) == 1:
                _fail(batch[0][1], error)
                return
            for one in batch:  # one of them cannot be stored; the others must not suffer for it
                if not one[1].done():
                    await self._write([one])
        else:
            for (_, stored), outcome in zip(batch, outcomes, strict=True):
                if not stored.done():
                    stored.set_result(outcome)


def _store(connection: Connection, letters: Sequence[Letter]) -> list[bool]:
    return [
        inbox.stored(
            connection,
            provider=letter.provider,
            job_id=letter.job_id,
            delivery_id=letter.delivery_id,
            trust=letter.trust,
            body=letter.body,
            received_at=letter.received_at,
        )
        for letter in letters
    ]


def _fail(stored: asyncio.Future[bool], error: Exception) -> None:
    if not stored.done():
        stored.set_exception(error)
