"""Whether the program is alive, and whether it can work: for supervisors, load balancers and people."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from storage import Database, condition
from webhooks import replies

Ready = Callable[[], Awaitable[Mapping[str, bool]]]

_PATIENCE = 2.0  # seconds until "not yet" counts as "no"
_FRESH = 1.0  # seconds an answer is good for: anybody may ask, and each look is a write


class Readiness:
    """Knows what the program depends on. However many ask, one looks."""

    def __init__(self, database: Database, ready: Ready) -> None:
        self._database = database
        self._ready = ready
        self._look: asyncio.Task[dict[str, bool]] | None = None
        self._looked_at = 0.0

    async def ask(self) -> dict[str, bool]:
        """Name what is ready and what is not."""
        now = asyncio.get_running_loop().time()
        if self._look is None or (self._look.done() and now - self._looked_at > _FRESH):
            self._look, self._looked_at = asyncio.create_task(self._see()), now
        look = self._look  # who asks meanwhile may begin another one
        done, _ = await asyncio.wait({look}, timeout=_PATIENCE)
        return look.result() if done else {"database": False}

    async def close(self) -> None:
        """Wait for a look that is on its way."""
        if self._look is not None:
            await asyncio.wait({self._look})

    async def _see(self) -> dict[str, bool]:
        seen = {"database": True}
        try:
            await self._database.write(condition.touched)
        except Exception:  # noqa: BLE001 -- however it fails, it does not work
            seen["database"] = False
        try:
            async with asyncio.timeout(_PATIENCE):
                return {**seen, **await self._ready()}
        except Exception:  # noqa: BLE001 -- likewise
            return {**seen, "program": False}


def alive() -> web.Response:
    """Say that the process runs and its loop turns."""
    return replies.plain("ok")


async def ready(readiness: Readiness) -> web.Response:
    """Say whether callbacks can be stored and Discord be reached: 200, or 503."""
    seen = await readiness.ask()
    return web.json_response(
        seen, status=200 if all(seen.values()) else 503, headers=replies.headers(Cache_Control="no-store")
    )
