"""/help: one page about what can be made here and how, written from the commands and vendors that there are."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import discord
import structlog
from discord import app_commands

from bot.amounts import credits_of
from bot.looks import embed_of
from bot.messages import Card, Tone
from bot.options import OPERATIONS
from bot.plain import cut
from bot.taking import Interaction
from bot.talking import NO_PINGS, working
from jobs.context import Context
from providers.orders import Operation
from storage import StorageError, guilds
from storage.words import GuildSettings

_MOST = 4096  # characters of a frame, at Discord
_MOST_CHANNELS = 5
_log = structlog.get_logger("bot.help")

NOTHING_SET_UP = "Nothing yet: no video provider is set up here. Please tell an admin of this bot."
_BUTTONS = (
    "A card follows each job until its result is posted. **Cancel** on it gives the job up: free until it is sent, and "
    "afterwards the provider may still charge for it. The buttons go on working, for you and the moderators."
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A command as people see it."""

    name: str  # as it is typed or chosen
    says: str
    operations: frozenset[Operation]  # what it asks of a vendor; empty: nothing
    needs: discord.Permissions | None  # None: everybody may use it


def help_command(ctx: Context) -> app_commands.Command[Any, ..., None]:
    """Make the /help command."""

    async def show_help(interaction: Interaction) -> None:
        with working(interaction):
            await interaction.response.defer(ephemeral=True, thinking=True)
            settings = None
            try:
                settings = await ctx.database.read(guilds.settings_of, interaction.guild_id or 0)
            except StorageError as error:  # the rest of the page is still worth reading
                _log.warning("settings not read", trouble=str(error))
            offered = {operation for provider in ctx.providers.values() for operation in provider.operations()}
            entries = entries_of(_commands(interaction.client))
            card = Card("What I can do here", page(entries, offered, interaction.permissions, settings), Tone.WORKING)
            await interaction.edit_original_response(embed=embed_of(card), allowed_mentions=NO_PINGS)

    return app_commands.Command(name="help", description="What can be made here, and how", callback=show_help)


_Any = app_commands.Command[Any, ..., Any] | app_commands.Group | app_commands.ContextMenu


def _commands(client: Any) -> list[_Any]:
    tree: app_commands.CommandTree[Any] = client.tree
    return [*tree.walk_commands(), *tree.walk_commands(type=discord.AppCommandType.message)]


def entries_of(commands: Iterable[_Any]) -> list[Entry]:
    """List what can be used, without the groups that only hold others."""
    found: list[Entry] = []
    for command in commands:
        operations = frozenset[Operation](command.extras.get(OPERATIONS, ()))
        if isinstance(command, app_commands.ContextMenu):
            says = "right-click a message, or hold it, and look under Apps"
            found.append(Entry(f"**{command.name}**", says, operations, command.default_permissions))
        elif isinstance(command, app_commands.Command):
            root = command.root_parent or command
            found.append(
                Entry(f"`/{command.qualified_name}`", command.description, operations, root.default_permissions)
            )
    return found


def page(
    entries: Sequence[Entry],
    offered: Collection[Operation],
    permissions: discord.Permissions,
    settings: GuildSettings | None,
) -> str:
    """Write the page for somebody with these permissions; without `settings` they could not be read."""
    making = [entry for entry in entries if not entry.operations.isdisjoint(offered)]
    others = [entry for entry in entries if not entry.operations]
    own = [entry for entry in others if entry.needs is None]
    ruling = [entry.name for entry in others if entry.needs is not None and permissions >= entry.needs]
    lines = ["**Make something**", *(_line(entry) for entry in making), *([] if making else [NOTHING_SET_UP])]
    lines += [*_where(settings), "", "**Look after what is yours**", *(_line(entry) for entry in own)]
    if ruling:
        lines += ["", "**Run it here**", " ".join(ruling)]
    lines += ["", "**Credits**", _credits(settings), "", "**Buttons**", _BUTTONS, "", "**Something wrong?**"]
    return cut("\n".join([*lines, _where_to_ask(settings)]), _MOST)


def _line(entry: Entry) -> str:
    return f"{entry.name} · {entry.says}"


def _where(settings: GuildSettings | None) -> list[str]:
    if settings is None or not settings.channels:
        return []
    named = " ".join(f"<#{one}>" for one in settings.channels[:_MOST_CHANNELS])
    more = " and others" if len(settings.channels) > _MOST_CHANNELS else ""
    return [f"Ask in {named}{more}; elsewhere I don't."]


def _credits(settings: GuildSettings | None) -> str:
    words = ["When you ask, the price is reserved and the card shows it; what is not used comes back."]
    confirm, approve = (settings.confirm_above, settings.approve_above) if settings else (None, None)
    if confirm is not None:
        words.append(f"Above {credits_of(confirm)} I ask you before it begins.")
    if approve is not None:
        words.append(f"Above {credits_of(approve)} a moderator must agree{' too' if confirm is not None else ''}.")
    return " ".join([*words, "`/balance` tells what you may still spend."])


def _where_to_ask(settings: GuildSettings | None) -> str:
    role = settings.moderator_role_id if settings else None
    who = f"<@&{role}>" if role else "a moderator of this server"
    return f"Ask {who}, and name the job: its code stands at the end of its card."
