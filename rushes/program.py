"""The wiring: opens what the rooms share, starts the receiver, the loops and the bot, and closes them in turn."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import Any, Self

import aiohttp

from bot import acts, alerts, cards, delivery, leaving
from bot.client import Bot
from jobs import clockwatch, guard, media, reconcile, rotation, settle, strays, submit, twins
from jobs.accounts import Accounts
from jobs.addresses import Addresses
from jobs.context import Context, Tell, Timing
from jobs.keeping import Keeping
from jobs.keyring import Keyring
from jobs.loop import Work
from jobs.tidy import tidy
from jobs.vault import Vault
from providers import registry
from rushes.settings import Settings
from storage import Database, StorageError, clocks
from storage.lock import sole_use
from webhooks import server

_TIDY_EVERY = 3_600.0  # seconds
_STOP_SECONDS = 5.0  # for the steps under way; whatever is cut off is taken up again at the next start


class Program:
    """The running program."""

    def __init__(self, ctx: Context, stack: AsyncExitStack, receiver: server.Server, bot: Bot) -> None:
        self.ctx = ctx
        self.receiver = receiver
        self.bot = bot
        self._stack = stack
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def start(
        cls,
        settings: Settings,
        tell: Tell,
        *,
        timing: Timing | None = None,
        clock: Callable[[], float] = time.time,
        ready_timeout: float = 0.5,
    ) -> Self:
        """Open, take over what an earlier run left, listen, and begin to work.

        Raise storage.StorageError, storage.lock.InUse, storage.migrate.FromTheFuture, OSError (address in use).
        """
        async with AsyncExitStack() as stack:
            timing = timing or Timing(callback_grace=settings.callback_grace * 1000)
            ctx = await _open(stack, settings, tell, timing, clock)
            downloads = guard.session(settings.private_hosts())
            stack.push_async_callback(downloads.close)
            await ctx.database.write(clocks.set_right, ctx.now(), ctx.timing.longest_pause)
            await submit.recover(ctx)
            token = settings.discord_token.get_secret_value()
            bot = Bot(ctx, token, api_url=settings.discord_api_url, ready_timeout=ready_timeout)
            receiver = await server.start(ctx, host=settings.host, port=settings.port, ready=partial(_ready, bot))
            stack.push_async_callback(receiver.close)
            program = cls(ctx, stack.pop_all(), receiver, bot)
        program._begin(downloads)
        return program

    def _begin(self, downloads: aiohttp.ClientSession) -> None:
        loops: list[Work[Any]] = [
            submit.work(self.ctx),
            settle.work(self.ctx),
            reconcile.work(self.ctx),
            strays.work(self.ctx),
            twins.work(self.ctx),
            media.work(self.ctx, downloads),
            delivery.work(self.ctx, self.bot),
            cards.work(self.ctx, self.bot),
            alerts.work(self.ctx, self.bot),
            acts.work(self.ctx, self.bot),
            leaving.work(self.ctx, self.bot),
        ]
        self.ctx.loops.extend(loops)
        self._tasks = [asyncio.create_task(loop.run(self._stopping), name=loop.name) for loop in loops]
        self._tasks.append(asyncio.create_task(self._keep_tidy(), name="tidy"))
        self._tasks.append(asyncio.create_task(clockwatch.watch(self.ctx, self._stopping), name="clock"))
        self._tasks.append(asyncio.create_task(self.bot.run(self._stopping), name="discord"))

    async def _keep_tidy(self) -> None:
        """Delete hourly what was kept long enough."""
        while not self._stopping.is_set():
            with contextlib.suppress(StorageError):  # another hour will do
                await tidy(self.ctx)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _TIDY_EVERY)

    async def wait(self) -> None:
        """Wait until a part of the program ends by itself; re-raise what ended it."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def close(self) -> None:
        """Stop: finish the steps under way, then let go of everything."""
        self._stopping.set()
        _, slow = await asyncio.wait(self._tasks, timeout=_STOP_SECONDS)
        for task in slow:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stack.aclose()


async def _open(
    stack: AsyncExitStack,
    settings: Settings,
    tell: Tell,
    timing: Timing,
    clock: Callable[[], float],
) -> Context:
    await stack.enter_async_context(sole_use(settings.database_url))
    settings.media_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = await Database.open(settings.database_url)
    stack.push_async_callback(database.close)
    # A pooled connection that the vendor closes just then would make a submission a doubtful one.
    connector = aiohttp.TCPConnector(force_close=True)
    # Several accounts may speak with one vendor here: no cookie of one may go out with another's key.
    jar = aiohttp.DummyCookieJar()
    vendors = await stack.enter_async_context(
        aiohttp.ClientSession(connector=connector, trust_env=False, cookie_jar=jar)
    )
    secret_keys = [key.get_secret_value() for key in settings.secret_keys]
    make = partial(registry.make, session=vendors, clock=clock)
    keys = Keyring(Vault(secret_keys), settings.terms(), make)
    stack.callback(keys.close)
    await keys.load(database)
    await database.write(rotation.noted, secret_keys, int(clock() * 1000))
    return Context(
        database=database,
        providers=registry.build(settings.accounts(), vendors, clock),
        addresses=Addresses(settings.public_url, secret_keys),
        media_dir=settings.media_dir,
        clock=clock,
        tell=tell,
        timing=timing,
        outside_daily=settings.outside_daily_credits,
        keys=keys,
        hosts=settings.result_hosts(),
        accounts=Accounts(settings.accounts(), make),
        keeping=Keeping(settings.keep_words_days, settings.keep_callbacks_days, settings.keep_media_days),
    )


async def _ready(bot: Bot) -> Mapping[str, bool]:
    return {"gateway": bot.ready}
