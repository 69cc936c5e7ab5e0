"""A running local Discord with one server, and a bare bot to talk to it."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass

import aiohttp
import pytest

from sandbox.discord import Channel, Discord, Guild, Member, start_discord
from tests.sandbox.raw import TOKEN, VIDEO, Clock, RawBot


@dataclass
class Studio:
    """A server with one channel and one member."""

    discord: Discord
    clock: Clock
    guild: Guild
    films: Channel
    ada: Member
    raw: RawBot
    told: list[str]

    async def with_command(self) -> "Studio":
        assert (await self.raw.register(VIDEO))[0] == 200
        return self


@pytest.fixture
async def studio() -> AsyncGenerator[Studio, None]:
    clock, told = Clock(), list[str]()
    discord = await start_discord(token=TOKEN, clock=clock, tell=lambda event, facts: told.append(event))
    guild = discord.add_guild("Studio")
    async with aiohttp.ClientSession() as session:
        raw = RawBot(discord, session)
        yield Studio(discord, clock, guild, guild.add_channel("films"), guild.add_member("ada"), raw, told)
    await discord.close()
