"""Lets go of the own keys of servers that threw the bot out while it was away, when nobody told it so.

An outage must never cost a server its keys: a server that is merely away stays in the list; one that is missing must
stay so for a whole while, in one life of this process, and then Discord itself must say that we are not in it.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

import discord
import structlog

from bot.talking import MISSING_ACCESS, TROUBLES, UNKNOWN_SERVER, Connected, said
from jobs import own_keys
from jobs.context import Context
from jobs.loop import Work
from storage import vendor_keys

GRACE_MS = 3_600_000
_LOOK_EVERY_MS = 300_000
_log = structlog.get_logger("bot.leaving")


class _Host(Connected, Protocol):
    @property
    def ready(self) -> bool:
        """Whether every shard is connected, and so the list of servers whole."""
        ...


def work(ctx: Context, bot: _Host) -> Work[int]:
    """Take the keys of servers that are missing for long out of use."""
    missing = dict[int, int]()  # servers with keys, and since when
    looked_at = 0

    async def due() -> Sequence[int]:
        nonlocal looked_at
        now, client = ctx.now(), bot.client
        if client is None or not bot.ready:
            missing.clear()
            looked_at = 0
            return []
        if not 0 <= now - looked_at < _LOOK_EVERY_MS:
            looked_at = now
            kept = await ctx.database.read(vendor_keys.kept)
            gone = {key.guild_id for key in kept if key.retired_at is None} - {guild.id for guild in client.guilds}
            since = {guild_id: missing.get(guild_id, now) for guild_id in gone}
            missing.clear()
            missing.update(since)
        return [guild_id for guild_id, since in missing.items() if now - since >= GRACE_MS]

    async def handle(guild_id: int) -> None:
        missing.pop(guild_id, None)  # whatever comes of it, the next time is another while away
        client = bot.client
        if client is not None and await _outside(client, guild_id):
            await own_keys.forsake(ctx, guild_id)

    return Work("departures", due, handle, lambda one: one, asyncio.Event(), 1, ctx.timing.idle / 1000)


async def _outside(client: discord.AutoShardedClient, guild_id: int) -> bool:
    """Ask Discord whether we are in a server; what it can't answer counts as yes."""
    try:
        await client.fetch_guild(guild_id, with_counts=False)
    except TROUBLES as error:
        _log.info("server missing", guild=guild_id, trouble=said(error))
        return isinstance(error, discord.HTTPException) and error.code in {UNKNOWN_SERVER, MISSING_ACCESS}
    return False
