"""A running stand-in: its address, its book, and the ways a test or the demo watches and steers it."""

import asyncio
import secrets
import socket
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from sandbox.vendors.behaviour import Behaviour
from sandbox.vendors.book import Call, SentCallback, Task, Tell, VendorKeys
from sandbox.vendors.dialect import Dialect
from sandbox.vendors.render import Studio


class Vendor:
    """One stand-in; made by start_vendor."""

    def __init__(
        self,
        dialects: tuple[Dialect, ...],
        keys: VendorKeys,
        studio: Studio,
        pace: float,
        clock: Callable[[], float],
        tell: Tell,
    ) -> None:
        """Prepare an empty book; `url` is filled once the port is known."""
        self.name = dialects[0].name
        self.url = ""
        self.dialects = dialects
        self.keys = keys
        self.further: list[VendorKeys] = []  # accounts of other customers: each sees its own tasks alone
        self.studio = studio
        self.pace = pace
        self.clock = clock
        self.tasks: dict[str, Task] = {}
        self.calls: list[Call] = []
        self.sent: list[SentCallback] = []
        self.files: dict[str, tuple[Path, float]] = {}  # token -> file, end of life
        self.closing = asyncio.Event()
        self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
        self._behaviour = Behaviour()
        self._tell = tell
        self._stirred = asyncio.Event()
        self._work: set[asyncio.Task[None]] = set()
        self.runner: web.AppRunner | None = None

    @property
    def dialect(self) -> Dialect:
        """The dialect of the vendor's main part."""
        return self.dialects[0]

    def dialect_at(self, path: str) -> Dialect:
        """Return the dialect that is spoken below this path: the one whose base is the longest beginning of it."""
        fitting = [each for each in self.dialects if path.startswith(each.base)]
        return max(fitting, key=lambda each: len(each.base), default=self.dialect)

    @property
    def behaviour(self) -> Behaviour:
        """How it behaves from now on; assign another one, or change its fields."""
        return self._behaviour

    @behaviour.setter
    def behaviour(self, wanted: Behaviour) -> None:
        self._behaviour = wanted
        self.stir()

    def release(self) -> None:
        """Let every held task go on, and hold no more."""
        self._behaviour.hold = False
        self.stir()

    def tell(self, event: str, task: Task | None = None, **facts: Any) -> None:
        """Say what happens to whoever listens, and wake everything that waits in `until`."""
        told: dict[str, Any] = {"vendor": self.name, **facts}
        if task:
            told |= {"task": task.id, "operation": task.operation, "state": task.state, "credits": task.credits}
            told |= {"external_id": task.external_id, "payload": task.payload} | facts
        self._tell(event, told)
        self.stir()

    def stir(self) -> None:
        """Wake everything that waits in `until`, to look again."""
        self._stirred.set()
        self._stirred = asyncio.Event()

    async def until(self, condition: Callable[[], object], timeout: float = 30) -> None:  # noqa: ASYNC109 - the caller's deadline is the point
        """Wait until the condition holds, looked at after each event; raises TimeoutError with the book's state."""
        try:
            async with asyncio.timeout(timeout):
                while not condition():
                    await self._stirred.wait()
        except TimeoutError as late:
            book = [(task.id, task.operation, task.states) for task in self.tasks.values()]
            raise TimeoutError(
                f"{self.name}: not reached in {timeout} s; tasks {book}, {len(self.sent)} sent"
            ) from late

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run work beside the requests, until it ends or the stand-in closes."""
        running = asyncio.create_task(work)
        self._work.add(running)
        running.add_done_callback(self._work.discard)
        return running

    def new_id(self) -> str:
        """Return an id of the vendors' look: eighteen digits."""
        return str(secrets.randbelow(9 * 10**17) + 10**17)

    def link(self, task: Task, which: str) -> str:
        """Return the address of a task's file, a new one when the last has expired; "" without a file.

        `which` is "video", "cover", or the number of a picture as text.
        """
        path = task.images[int(which)] if which.isdecimal() else task.video if which == "video" else task.cover
        if path is None:
            return ""
        token = task.links.get(which, "")
        if token not in self.files or self.files[token][1] <= self.clock():
            life = self._behaviour.link_life
            token = secrets.token_urlsafe(24)
            self.files[token] = (path, self.clock() + (task.dialect.link_life if life is None else life))
            task.links[which] = token
        return f"{self.url}/cdn/{token}/{f'image-{which}' if which.isdecimal() else which}{path.suffix}"

    async def listen(self, app: web.Application, host: str, port: int) -> None:
        """Open the port and fill `url`."""
        self.runner = web.AppRunner(app, shutdown_timeout=0.5, access_log=None)
        await self.runner.setup()
        # Bound by hand: a test's stand-in must have its port before anybody asks for it.
        listener = socket.create_server((host, port))
        await web.SockSite(self.runner, listener).start()
        self.url = f"http://{host}:{listener.getsockname()[1]}"

    async def close(self) -> None:
        """Stop everything at once: hanging answers, lives of tasks, callbacks, the port."""
        self.closing.set()
        work = list(self._work)
        for each in work:
            each.cancel()
        await asyncio.gather(*work, return_exceptions=True)
        if self.runner:
            await self.runner.cleanup()
        await self.session.close()
