"""The connection to Discord: one client at a time, made anew whenever discord.py gives up on it."""

import asyncio
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import discord
import structlog
from discord.gateway import DiscordWebSocket
from discord.http import Route
from yarl import URL

from bot import again, buttons, doubts, keys, mine, modals, music, mydata, places, presses, setup
from bot.commands import Tree
from bot.language import Commands, read_all
from bot.offered import every_command
from bot.talking import NO_PINGS, said, working
from bot.tokens import Tokens
from jobs import own_keys
from jobs.attachments import Desk
from jobs.context import Context
from storage import StorageError

DISCORD_API = "https://discord.com/api/v10"
_log = structlog.get_logger("bot.client")
_IDENTIFY_GAP = 5.0  # seconds Discord wants between two greetings
_LONGEST_WAIT = 60.0  # between two attempts to connect
_LIMIT_WAIT = 30.0  # for a rate limit, inside discord.py; longer ones go back to the work list
_REFUSED_WAIT = 3_600.0  # seconds between two tries with a token that Discord knows no more
_LAST_WORK = 4.0  # seconds for what members had begun when the program stops
_STEADY_AFTER = 60.0  # a client that lived so long had not failed at once


class TokenRefused(Exception):  # noqa: N818 -- an answer of Discord, not a fault
    """Discord does not know the bot's token. Trying again would not help."""


class RushesClient(discord.AutoShardedClient):
    """One life of the connection. AutoShardedClient also at one shard: it survives a gateway that is away at first."""

    def __init__(self, ctx: Context, desk: Desk, *, sync: bool, ready_timeout: float) -> None:
        super().__init__(
            intents=discord.Intents(guilds=True),
            allowed_mentions=NO_PINGS,
            guild_ready_timeout=ready_timeout,
            max_ratelimit_timeout=_LIMIT_WAIT,
            chunk_guilds_at_startup=False,
            member_cache_flags=discord.MemberCacheFlags.none(),
            max_messages=None,
        )
        self.ctx = ctx
        self._desk = desk
        self._lately = again.Lately()
        self.tokens = Tokens()
        self.tree = Tree(
            self,
            allowed_installs=places.BY_SERVERS,
            allowed_contexts=places.IN_SERVERS,
        )
        for command in every_command(ctx, desk):
            self.tree.add_command(command)
        self.synced = not sync
        self._last_identify = -_IDENTIFY_GAP
        self._at_work: set[asyncio.Task[Any]] = set()

    @contextmanager
    def working(self) -> Generator[None]:
        """Mark the current task as one to be let finish when the program stops."""
        task = asyncio.current_task()
        if task is not None:
            self._at_work.add(task)
        try:
            yield
        finally:
            if task is not None:
                self._at_work.discard(task)

    async def close(self) -> None:
        """Let commands and presses under way finish, then close; discord.py calls this too, before it gives up."""
        if self._at_work and not self.is_closed():
            _, slow = await asyncio.wait(self._at_work, timeout=_LAST_WORK)
            for task in slow:
                task.cancel()
            await asyncio.gather(*slow, return_exceptions=True)
        await super().close()

    async def setup_hook(self) -> None:
        """Register commands and buttons, after login and before the gateway."""
        self.add_dynamic_items(*buttons.ITEMS, *mine.ITEMS, *mydata.ITEMS, *setup.ITEMS, *keys.ITEMS, *doubts.ITEMS)
        self._stay_at_this_gateway()
        await asyncio.to_thread(read_all)
        if self.synced:
            return
        await self.tree.set_translator(Commands())
        try:
            await self.tree.sync()
        except discord.app_commands.CommandSyncFailure as error:
            # The commands of before still work; trying again would not mend these.
            _log.error("Discord refused the commands", trouble=said(error))
        self.synced = True

    def _stay_at_this_gateway(self) -> None:
        """Go back to the gateway we were told of when a session is declared over; discord.py goes to Discord's own."""
        ask = self.http.get_bot_gateway

        async def asked() -> tuple[int, str, Any]:
            shards, address, limits = await ask()
            DiscordWebSocket.DEFAULT_GATEWAY = URL(address)
            return shards, address, limits

        self.http.get_bot_gateway = asked

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Keep Discord's distance between greetings, without waiting where there was none."""
        del shard_id, initial
        await asyncio.sleep(max(0.0, self._last_identify + _IDENTIFY_GAP - time.monotonic()))
        self._last_identify = time.monotonic()

    async def on_ready(self) -> None:
        """Wake what waited for the connection."""
        _log.info("connected to Discord", shards=self.shard_count, servers=len(self.guilds))
        self.ctx.wakes.deliver.set()
        self.ctx.wakes.cards.set()
        self.ctx.wakes.alerts.set()
        self.ctx.wakes.acts.set()

    async def on_guild_remove(self, guild: discord.Guild) -> None:
        """Let go of a server's own keys when it throws me out; one that Discord merely cannot reach is no such."""
        with self.working():
            try:
                await own_keys.forsake(self.ctx, guild.id)
            except StorageError as error:
                _log.warning("keys of a server not taken out of use", trouble=str(error))

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Answer the presses that no button of ours answers, and the forms that discord.py does not know."""
        with working(interaction):
            known = (*mine.TEMPLATES, *mydata.TEMPLATES, *setup.TEMPLATES, *keys.TEMPLATES, *doubts.TEMPLATES)
            if buttons.unanswered(interaction, known):
                await presses.refuse(interaction)
            elif modals.unanswered(interaction):
                await modals.refuse_late(interaction)
            elif not (
                await setup.form_submitted(self.ctx, interaction) or await keys.form_submitted(self.ctx, interaction)
            ):
                await music.form_submitted(self.ctx, self._desk, interaction)
                await again.form_submitted(self.ctx, self._desk, interaction)

    async def making_pressed(self, interaction: discord.Interaction[Any], code: str, act: str) -> None:
        """Answer a press that makes something from a finished job."""
        await again.pressed(self.ctx, self._desk, self._lately, interaction, code, act)

    async def setup_opened(self, interaction: discord.Interaction[Any]) -> None:
        """Show the panel of /setup in the place of one of its pages."""
        await setup.opened(self.ctx, interaction)

    async def shot_picked(self, interaction: discord.Interaction[Any], code: str) -> None:
        """Answer a press of a shot."""
        await music.shot_picked(self.ctx, interaction, code)

    async def compose_pressed(self, interaction: discord.Interaction[Any], code: str) -> None:
        """Answer a press of Compose."""
        await music.compose_pressed(self.ctx, self._desk, interaction, code)

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """Note what an event handler stumbled over."""
        del args, kwargs
        _log.exception("event failed", event_name=event_method)

    @property
    def usable(self) -> bool:
        """Whether requests can be made: logged in and not closed."""
        return self.user is not None and not self.is_closed()

    @property
    def connected(self) -> bool:
        """Whether commands arrive: every shard has a socket."""
        shards = self.shards.values()
        return self.usable and self.is_ready() and bool(shards) and not any(shard.is_closed() for shard in shards)


def build(
    ctx: Context, desk: Desk, *, api_url: str = DISCORD_API, sync: bool = True, ready_timeout: float = 0.5
) -> RushesClient:
    """Make a client for the Discord at `api_url`; the gateway is asked for there. Seconds to wait for servers."""
    Route.BASE = api_url.rstrip("/")  # discord.py has no other way to be pointed elsewhere
    return RushesClient(ctx, desk, sync=sync, ready_timeout=ready_timeout)


class Bot:
    """Keeps a client running."""

    def __init__(self, ctx: Context, token: str, *, api_url: str = DISCORD_API, ready_timeout: float = 0.5) -> None:
        self._ctx = ctx
        self._token = token
        self._api_url = api_url
        self._ready_timeout = ready_timeout
        self._desk = Desk()
        self._client: RushesClient | None = None
        self._synced = False
        self._welcome = False  # Discord took the token once in this run
        self._closing = asyncio.Event()

    @property
    def client(self) -> RushesClient | None:
        """The logged-in client; None while there is none."""
        return self._client if self._client is not None and self._client.usable else None

    @property
    def ready(self) -> bool:
        """Whether commands arrive and results can be posted."""
        return self._client is not None and self._client.connected

    async def run(self, stopping: asyncio.Event) -> None:
        """Stay connected until `stopping` is set or close() is called. Raise TokenRefused."""
        failures = 0
        stop = asyncio.create_task(_either(stopping, self._closing))
        try:
            while not stop.done():
                begun, refused = time.monotonic(), False
                try:
                    await self._live(stop)
                except TokenRefused as refusal:
                    if not self._welcome:
                        raise
                    # It was good when the program started. Whoever changes it starts the program anew; until then
                    # callbacks are taken and stored, and Discord is not stormed.
                    _log.error("not in Discord until the token is mended", trouble=str(refusal))
                    refused = True
                except Exception:  # noqa: BLE001 -- whatever discord.py stumbles over: the receiver goes on beside it
                    _log.exception("client failed, making a new one")
                failures = 1 if time.monotonic() - begun > _STEADY_AFTER else failures + 1
                if not stop.done():
                    pause = min(2.0 ** min(failures - 1, 16), _LONGEST_WAIT)
                    await asyncio.wait([stop], timeout=_REFUSED_WAIT if refused else pause)
        finally:
            stop.cancel()
            await asyncio.gather(stop, return_exceptions=True)

    async def close(self) -> None:
        """End run() soon."""
        self._closing.set()

    async def _live(self, stop: asyncio.Task[None]) -> None:
        """Run one client until it ends or `stop` does."""
        client = build(
            self._ctx,
            self._desk,
            api_url=self._api_url,
            sync=not self._synced,
            ready_timeout=self._ready_timeout,
        )
        async with client:
            self._client = client
            start = asyncio.create_task(client.start(self._token))
            try:
                await asyncio.wait([start, stop], return_when=asyncio.FIRST_COMPLETED)
            finally:
                told_to_stop = stop.done()  # what a start that is cut off stumbles over from here on is no news
                self._synced = self._synced or client.synced
                self._welcome = self._welcome or client.user is not None
                self._client = None
                await client.close()
                start.cancel()
                (ended,) = await asyncio.gather(start, return_exceptions=True)
        if isinstance(ended, discord.LoginFailure):
            raise TokenRefused("Discord refuses DISCORD_TOKEN: copy it anew from the developer portal")
        if isinstance(ended, Exception) and not told_to_stop:
            _log.error("connection to Discord lost, making a new one", trouble=said(ended), exc_info=ended)
        elif not stop.done():
            _log.error("connection to Discord ended, making a new one")


async def _either(*events: asyncio.Event) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
