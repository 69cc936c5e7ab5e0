"""Noting why callbacks were refused: counted in memory, written now and then, so that no stranger slows us down."""

import asyncio
import contextlib
import hashlib
import re
from dataclasses import replace

from jobs.context import Context
from storage import StorageError, refusals
from storage.refusals import Refusal

_MOST_WAITING = 64  # kinds between two writes; what comes beyond is counted as one
_WRITE_EVERY = 5.0  # seconds
_DIGEST = 12  # characters: enough to know a body again, nothing of it
_NUMBER = re.compile(r"[+-]?[0-9]+")  # of seconds, times, bytes: kinds are counted, not measures
_CROWD = "more kinds of refusals than are told apart"

_Kind = tuple[str, int, int, str]


class Refused:
    """Counts refusals, and writes them into the book."""

    def __init__(self, ctx: Context, every: float = _WRITE_EVERY) -> None:
        """Write every so many seconds, while there is something to write."""
        self._ctx = ctx
        self._every = every
        self._waiting: dict[_Kind, Refusal] = {}
        self._closing = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None

    def note(self, provider: str, job_id: int | None, status: int, reason: str, body: bytes | None) -> None:
        """Count a refusal; `body` is None where it was not read. Waits for nothing."""
        words = _NUMBER.sub("#", "".join(letter if letter.isprintable() else "?" for letter in reason))[:120]
        kind = (provider, job_id or 0, status, words)
        if kind not in self._waiting and len(self._waiting) >= _MOST_WAITING:
            kind, body = ("other", 0, status, _CROWD), None
        now, before = self._ctx.now(), self._waiting.get(kind)
        digest = "" if body is None else hashlib.sha256(body).hexdigest()[:_DIGEST]
        counted = before or Refusal(*kind, digest="", size=0, times=0, first_at=now, last_at=now)
        self._waiting[kind] = replace(
            counted, digest=digest, size=len(body or b""), times=counted.times + 1, last_at=now
        )
        if self._writing is None and not self._closing.is_set():
            self._writing = asyncio.create_task(self._write_soon())

    async def close(self) -> None:
        """Write what waits, and end."""
        self._closing.set()
        if self._writing is not None:
            await self._writing

    async def _write_soon(self) -> None:
        while self._waiting:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), self._every)
            found, self._waiting = list(self._waiting.values()), {}
            # A book that cannot be written costs nobody anything: what was counted is in the log too.
            with contextlib.suppress(StorageError):
                await self._ctx.database.write(refusals.noted, found)
        self._writing = None
