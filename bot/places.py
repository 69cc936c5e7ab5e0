"""Where something was asked: in a server that has the bot, in its direct messages, or where somebody brought it along.

What a server's admins decided holds in their server alone, and only where the server itself has the bot: a person who
brings it along into a channel is outside of servers, whatever else is true of that channel.
"""

from typing import Any, TypeVar

import discord
from discord import app_commands

from bot.language import _
from storage.words import Place

Interaction = discord.Interaction[Any]
_Command = TypeVar(
    "_Command", bound=app_commands.Command[Any, ..., None] | app_commands.Group | app_commands.ContextMenu
)

IN_SERVERS = app_commands.AppCommandContext(guild=True, dm_channel=False, private_channel=False)
BY_SERVERS = app_commands.AppInstallationType(guild=True, user=False)
_ANYWHERE = app_commands.AppCommandContext(guild=True, dm_channel=True, private_channel=True)
_BY_ANYBODY = app_commands.AppInstallationType(guild=True, user=True)


def place_of(interaction: Interaction) -> Place:
    """Tell where something was done. What cannot be told counts as brought along: there the least is allowed."""
    if interaction.is_guild_integration():
        return Place.SERVER
    direct = interaction.guild_id is None and bool(interaction.context.dm_channel)
    return Place.DIRECT if direct else Place.BROUGHT


def server_of(interaction: Interaction) -> int | None:
    """Name the server whose settings, budgets and moderators hold; None: outside of servers."""
    return interaction.guild_id if place_of(interaction) is Place.SERVER else None


def above(interaction: Interaction) -> tuple[int | None, bool]:
    """Name the channel that a thread is in (None: it is no thread), and whether what is made may be shown there.

    A private thread is nobody else's business, and nothing can be posted in a forum itself.
    """
    thread = interaction.channel
    if not isinstance(thread, discord.Thread) or place_of(interaction) is not Place.SERVER:
        return None, False
    return thread.parent_id, not thread.is_private() and not isinstance(thread.parent, discord.ForumChannel)


def room_of(interaction: Interaction) -> int:
    """Name the channel whose rules and budget hold: a thread's is the one it is in."""
    return above(interaction)[0] or interaction.channel_id or 0


def anywhere(command: _Command) -> _Command:
    """Offer a command outside of servers too."""
    command.allowed_contexts, command.allowed_installs = _ANYWHERE, _BY_ANYBODY
    return command


def not_offered() -> str:
    """Refuse where nothing may be spent outside of servers."""
    return _(
        "I make things in servers only, not in direct messages or where I was brought along: the admin of this bot has "
        "set nothing aside for that. Please ask in a server that has me. Nothing was sent and nothing was spent."
    )
