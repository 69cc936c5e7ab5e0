"""A small real discord.py bot to hold against the stand-in."""

import asyncio
import io
import sys
import warnings
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import patch

import yarl

from sandbox.discord import Discord
from tests.sandbox.raw import TOKEN

with warnings.catch_warnings():
    # discord.py imports audioop, whose end Python 3.11 and 3.12 announce with a warning.
    warnings.simplefilter("ignore", DeprecationWarning)
    import discord
    import discord.gateway
    import discord.http
    from discord import app_commands


class CancelButton(discord.ui.DynamicItem[discord.ui.Button[Any]], template=r"job:(?P<id>\w+):cancel"):
    """A button that survives restarts."""

    def __init__(self, job: str) -> None:
        super().__init__(discord.ui.Button(label="Cancel", custom_id=f"job:{job}:cancel"))
        self.job = job

    @classmethod
    async def from_custom_id(cls, interaction: discord.Interaction, item: Any, match: Any, /) -> "CancelButton":
        return cls(match["id"])

    async def callback(self, interaction: discord.Interaction) -> None:
        await interaction.response.edit_message(content=f"Cancelled {self.job}", view=None)


class Note(discord.ui.Modal, title="Note"):
    """A form with one line of text."""

    words: discord.ui.TextInput[Any] = discord.ui.TextInput(label="Words", custom_id="words")

    async def on_submit(self, interaction: discord.Interaction, /) -> None:
        await interaction.response.send_message(f"Noted: {self.words.value}", ephemeral=True)


def view(job: str) -> discord.ui.View:
    made = discord.ui.View(timeout=None)
    made.add_item(CancelButton(job))
    return made


class SmallBot(discord.AutoShardedClient):
    """One bot process: `gate` holds /video before its answer, `errors` collects what commands raised."""

    def __init__(self, **options: Any) -> None:
        super().__init__(intents=discord.Intents(guilds=True), guild_ready_timeout=0.02, **options)
        self.tree = app_commands.CommandTree(self)
        self.gate: asyncio.Event | None = None
        self.errors: list[Exception] = []
        self.seen: list[discord.Interaction] = []
        make: app_commands.Command[Any, Any, Any]
        make = app_commands.Command(name="video", description="Make a video", callback=video)
        make.autocomplete("provider")(offer)
        self.tree.add_command(make)
        self.tree.add_command(app_commands.Command(name="note", description="Write a note", callback=note))
        self.tree.add_command(app_commands.ContextMenu(name="Animate", callback=animate))
        self.tree.error(self.on_tree_error)

    async def setup_hook(self) -> None:
        self.add_dynamic_items(CancelButton)
        await self.tree.sync()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Do not wait five seconds: the stand-in has no queue at the door."""

    async def on_tree_error(self, interaction: discord.Interaction, error: Exception) -> None:
        self.errors.append(error)


@app_commands.describe(prompt="What to show", image="A picture", provider="Who makes it", seconds="How long")
@app_commands.rename(seconds="length")
async def video(
    interaction: discord.Interaction,
    prompt: str,
    image: discord.Attachment | None = None,
    provider: str | None = None,
    seconds: app_commands.Range[int, 1, 20] = 5,
) -> None:
    bot = interaction.client
    assert isinstance(bot, SmallBot)
    bot.seen.append(interaction)
    if bot.gate is not None:
        await bot.gate.wait()
    await interaction.response.defer(ephemeral=prompt == "secretly")
    picture = await image.read() if image else b""
    await interaction.edit_original_response(content=f"Making {prompt!r} from {len(picture)} bytes", view=view("j1"))
    if isinstance(interaction.channel, discord.abc.Messageable) and prompt != "secretly":
        await post(interaction.channel, b"film", nonce=f"job-{interaction.id}"[:25], content=prompt)


async def offer(interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
    names = ("kling", "vidu", "kkiai")
    return [app_commands.Choice(name=name.title(), value=name) for name in names if name.startswith(current)]


async def post(channel: Any, data: bytes, *, nonce: str | None = None, content: str = "") -> discord.Message:
    file = discord.File(io.BytesIO(data), filename="film.mp4")
    message: discord.Message = await channel.send(
        content, file=file, nonce=nonce, view=view("j1"), allowed_mentions=discord.AllowedMentions.none()
    )
    return message


async def note(interaction: discord.Interaction) -> None:
    await interaction.response.send_modal(Note())


async def animate(interaction: discord.Interaction, message: discord.Message) -> None:
    await interaction.response.send_message(f"Animating {len(message.attachments)} pictures")


@asynccontextmanager
async def running(stand_in: Discord, **options: Any) -> AsyncGenerator[SmallBot, None]:
    """Run a bot against the stand-in instead of discord.com; it is connected when the block begins."""
    with (
        patch.object(discord.http.Route, "BASE", stand_in.api_url),
        patch.object(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL(stand_in.gateway_url)),
    ):
        async with _running(stand_in, SmallBot(**options)) as bot:
            yield bot


@asynccontextmanager
async def _running(stand_in: Discord, bot: SmallBot) -> AsyncGenerator[SmallBot, None]:
    before = stand_in.gateway.started
    task = asyncio.create_task(bot.start(TOKEN))
    try:
        await stand_in.until(lambda: task.done() or stand_in.gateway.started > before)
        if task.done():
            task.result()
        await stand_in.connected(session=before + 1)
        await bot.wait_until_ready()
        yield bot
    finally:
        await bot.close()
        await asyncio.gather(task, return_exceptions=True)
        await stand_in.drop_gateway()


async def _main(api_url: str, gateway_url: str) -> None:
    discord.http.Route.BASE = api_url
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)
    await SmallBot().start(TOKEN)


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
