"""/doctor: whether everything works here, line by line, and what to do where it does not; for a server's admins.

What only the operator may know (figures of the operator's accounts, vendors' own words, free room) is told to the
owner of the bot's application at Discord and their team. Nobody is told of other servers.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import discord
import structlog
from discord import app_commands
from discord.http import Route

from bot import judging, refusals
from bot.checks import loop_checks, outside_checks, store_checks, vendor_checks
from bot.findings import SIGNS, Check, Grade, Line, looked, verdict, worst
from bot.language import N_, _, ngettext, number
from bot.looks import notice
from bot.plain import plain
from bot.rights import Interaction, musts, operates
from bot.talking import NO_PINGS, TROUBLES, said, working
from jobs.context import Context
from storage import guilds

NOT_ADMIN = N_("Only people who may manage this server can have me looked over.")
ALREADY = N_("I'm looking already; the answer comes where it was asked for.")
_log = structlog.get_logger("doctor")
_COLOURS = {Grade.GREEN: 0x2ECC71, Grade.YELLOW: 0xF1C40F, Grade.RED: 0xE74C3C}
_MOST_SECTION = 1250  # characters; three of them and the heading stay below Discord's 4000
_MOST_WORDS = 260  # of a sentence
_NEEDED = {
    "view_channel": N_("View Channel"),
    "send_messages": N_("Send Messages"),
    "send_messages_in_threads": N_("Send Messages in Threads"),
    "embed_links": N_("Embed Links"),
    "attach_files": N_("Attach Files"),
    "read_message_history": N_("Read Message History"),
}
_ROOMS = {
    "log_channel_id": N_("Log channel"),
    "moderators_channel_id": N_("Moderators' channel"),
    "alerts_channel_id": N_("Alerts channel"),
}
Section = tuple[str, Sequence[Line]]


def doctor_command(ctx: Context) -> app_commands.Command[Any, ..., None]:
    """Make the /doctor command."""
    looking = set[int]()  # servers: who types it ten times is looked at once

    @app_commands.default_permissions(manage_guild=True)
    async def doctor(interaction: Interaction) -> None:
        with working(interaction):
            guild_id = interaction.guild_id or 0
            refusal = _refusal(interaction) or (_(ALREADY) if guild_id in looking else None)
            if refusal is not None:
                embed = notice(refusal)
                await interaction.response.send_message(embed=embed, ephemeral=True, allowed_mentions=NO_PINGS)
                return
            looking.add(guild_id)
            try:
                await interaction.response.defer(ephemeral=True, thinking=True)
                view = sheet(await _examined(ctx, interaction, guild_id))
                await interaction.edit_original_response(view=view, allowed_mentions=NO_PINGS)
            finally:
                looking.discard(guild_id)

    return app_commands.Command(
        name="doctor", description=N_("Look whether everything works here, and what to do if not"), callback=doctor
    )


def _refusal(interaction: Interaction) -> str | None:
    if interaction.guild_id is None:
        return refusals.only_in_servers()
    # What Discord hides can be shown again by its own settings.
    return None if interaction.permissions.manage_guild else _(NOT_ADMIN)


async def _examined(ctx: Context, interaction: Interaction, guild_id: int) -> list[Section]:
    """Look at everything, side by side."""
    figures = operates(interaction)
    here = [
        Check(_("This channel"), lambda: _this_channel(interaction)),
        Check(_("Settings"), lambda: _rooms(ctx, interaction, guild_id)),
    ]
    vendors = vendor_checks(ctx, ctx.keys.accounts(ctx.providers, guild_id), guild_id, figures=figures)
    machine = [*outside_checks(ctx, Route.BASE), *store_checks(ctx, figures=figures), *loop_checks(ctx)]
    found = await asyncio.gather(looked(here), looked(vendors), looked(machine))
    return list(zip((_("This server"), _("Vendors"), _("The program, for whoever runs it")), found, strict=True))


async def _this_channel(interaction: Interaction) -> list[Line]:
    guild = interaction.guild
    by_server = guild.filesize_limit if guild is not None else None
    return [
        _channel(_("This channel"), interaction.channel, interaction.app_permissions, results=True),
        judging.upload(interaction.filesize_limit, by_server),
    ]


async def _rooms(ctx: Context, interaction: Interaction, guild_id: int) -> list[Line]:
    """Look at the channels that admins chose for what only some shall read. Raise StorageError."""
    settings = await ctx.database.read(guilds.settings_of, guild_id)
    chosen: dict[int, list[str]] = {}
    for name, title in _ROOMS.items():
        channel_id: int | None = getattr(settings, name)
        if channel_id is not None:
            chosen.setdefault(channel_id, []).append(_(title))
    return [await _room(interaction, channel_id, " · ".join(titles)) for channel_id, titles in chosen.items()]


async def _room(interaction: Interaction, channel_id: int, about: str) -> Line:
    guild = interaction.guild
    channel: Any = guild and guild.get_channel_or_thread(channel_id)
    try:
        channel = channel or await interaction.client.fetch_channel(channel_id)
        if guild is not None and channel.guild == guild:
            return _channel(about, channel, channel.permissions_for(guild.me), results=False)
    except (*TROUBLES, discord.InvalidData, discord.ClientException, AttributeError) as error:
        _log.info("channel not seen", trouble=said(error))
    return judging.no_channel(about)


def _channel(about: str, channel: Any, may: discord.Permissions, *, results: bool) -> Line:
    """Judge what we may do in a channel. `results`: films are posted there, and not only words."""
    first = musts(channel)
    others = [name for name in _NEEDED if name not in {*first, "send_messages"}] if results else []
    missing = [_(_NEEDED[name]) for name in (*first, *others) if not getattr(may, name)]
    usable = all(getattr(may, name) for name in first)
    return judging.channel(about, missing, usable=usable)


def sheet(sections: Iterable[Section]) -> discord.ui.LayoutView:
    """Draw what was found: the verdict, then one line a thing, framed in the colour of the worst."""
    parts = [(title, lines) for title, lines in sections if lines]
    every = [line for _title, lines in parts for line in lines]
    grade = worst(every)
    frame = discord.ui.Container[discord.ui.LayoutView](accent_colour=_COLOURS[grade])
    frame.add_item(discord.ui.TextDisplay(f"## {SIGNS[grade]} {verdict(every)}"))
    for title, lines in parts:
        frame.add_item(discord.ui.TextDisplay("\n".join([f"### {title}", *_fitted(lines)])))
    view = discord.ui.LayoutView(timeout=None)
    view.add_item(frame)
    return view


def _fitted(lines: Sequence[Line]) -> list[str]:
    """Write lines; where there is no room for all, what works is only counted."""
    texts = [_written(line) for line in lines]
    if sum(map(len, texts)) <= _MOST_SECTION:
        return texts
    bad = [text for text, line in zip(texts, lines, strict=True) if line.grade is not Grade.GREEN]
    kept = list[str]()
    for text in bad:
        if sum(map(len, kept)) + len(text) <= _MOST_SECTION - 80:
            kept.append(text)
    left = len(lines) - len(kept)
    words = ngettext(
        "and {count} more, for which there is no room", "and {count} more, for which there is no room", left
    )
    return [*kept, f"-# {words.format(count=number(left))}"]


def _written(line: Line) -> str:
    text = f"{SIGNS[line.grade]} **{plain(line.about, 60)}**: {plain(line.says, _MOST_WORDS)}"
    return f"{text}\n-# → {plain(line.todo, _MOST_WORDS)}" if line.todo else text
