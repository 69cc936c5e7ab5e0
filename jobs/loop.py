"""The shape of every loop: a work list in the database, worked off side by side, so that a slow piece holds up none."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import structlog

from storage import StorageError

T = TypeVar("T")

_log = structlog.get_logger("loop")
_PAUSE_MOST = 30.0  # seconds between tries while something is wrong
_BREATH = 0.03  # seconds after each look: bells that ring in the meantime are answered by one


@dataclass
class Work(Generic[T]):
    """A work list and how it is worked off.

    `due` reads what is due, `handle` does one piece, `key` tells pieces apart: the same one is never in two hands.
    What is due stays due in the database until it is done, so a piece that fails is simply met again.
    """

    name: str
    due: Callable[[], Awaitable[Sequence[T]]]
    handle: Callable[[T], Awaitable[None]]
    key: Callable[[T], int]
    wake: asyncio.Event  # rung when something may have become due: a hint, never the only word
    at_once: int
    idle: float  # seconds between looks when nobody rings
    _busy: dict[int, asyncio.Task[None]] = field(default_factory=dict[int, asyncio.Task[None]])
    _failures: int = 0  # in a row, of looks and pieces alike
    _looked_at: float | None = None  # by time.monotonic()
    _stumbled: bool = False

    @property
    def rested(self) -> float | None:
        """Seconds since the last look began; None: there was none yet."""
        return None if self._looked_at is None else time.monotonic() - self._looked_at

    @property
    def stumbling(self) -> bool:
        """Whether the last look failed."""
        return self._stumbled

    async def run(self, stopping: asyncio.Event) -> None:
        """Work until `stopping`, then finish what is in hand."""
        try:
            while not stopping.is_set():
                self.wake.clear()
                seconds = await self._look(stopping)
                await asyncio.sleep(_BREATH)
                if not self.wake.is_set():  # waiting for several things at once costs as much as a look
                    await self._rest(seconds - _BREATH, stopping)
            if self._busy:
                await asyncio.wait(self._busy.values())
        finally:
            for task in self._busy.values():
                task.cancel()
            await asyncio.gather(*self._busy.values(), return_exceptions=True)

    async def once(self) -> bool:
        """Do what is due now and wait for it; True when there was anything."""
        started = await self._start(asyncio.Event())
        await asyncio.gather(*started)
        return bool(started)

    async def _look(self, stopping: asyncio.Event) -> float:
        """Begin what is due; say how long to rest. A loop must outlive whatever one look did."""
        self._looked_at = time.monotonic()
        try:
            await self._start(stopping)
        except StorageError as error:
            _log.warning("database not usable", loop=self.name, error=str(error))
            self._stumbled = True
            return self._pause()
        except Exception:  # noqa: BLE001 -- the rim
            _log.exception("look failed", loop=self.name)
            self._stumbled = True
            return self._pause()
        self._stumbled = False
        return self.idle

    async def _start(self, stopping: asyncio.Event) -> list[asyncio.Task[None]]:
        if len(self._busy) >= self.at_once:
            return []  # the next free hand rings
        # What was in hand before the look may be done by its end: what the look says of it is old.
        before = set(self._busy)
        started: list[asyncio.Task[None]] = []
        for piece in await self.due():
            key = self.key(piece)
            if len(self._busy) >= self.at_once:
                break
            if key not in before and key not in self._busy:
                self._busy[key] = asyncio.create_task(self._do(key, piece, stopping), name=self.name)
                started.append(self._busy[key])
        return started

    async def _do(self, key: int, piece: T, stopping: asyncio.Event) -> None:
        try:
            await self.handle(piece)
            self._failures = 0
        except Exception as error:  # noqa: BLE001 -- the rim: one piece must not take the others along
            if isinstance(error, StorageError):
                _log.warning("database not usable", loop=self.name, error=str(error))
            else:
                _log.exception("work failed", loop=self.name)
            await self._rest(self._pause(), stopping, bell=False)
        finally:
            del self._busy[key]
            self.wake.set()  # there is a free hand

    def _pause(self) -> float:
        self._failures += 1
        return min(self.idle * 2.0 ** min(self._failures, 16), _PAUSE_MOST)

    async def _rest(self, seconds: float, stopping: asyncio.Event, *, bell: bool = True) -> None:
        """Wait for the bell, the time or the end, whichever comes first."""
        events = [stopping, self.wake] if bell else [stopping]
        waits = [asyncio.create_task(event.wait()) for event in events]
        try:
            await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
