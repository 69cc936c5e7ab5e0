"""/help: one page about what can be made here and how, written from the commands and vendors that there are."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import discord
import structlog
from discord import app_commands

from bot.amounts import credits_of
from bot.language import N_, _, flow
from bot.looks import embed_of
from bot.messages import Card, Tone
from bot.options import OPERATIONS
from bot.places import not_offered, server_of
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


@dataclass(frozen=True, slots=True)
class Entry:
    """A command as people see it."""

    name: str  # as it is typed or chosen
    says: str
    operations: frozenset[Operation]  # what it asks of a vendor; empty: nothing
    needs: discord.Permissions | None  # None: everybody may use it
    outside: bool = True  # offered outside of servers too


def help_command(ctx: Context) -> app_commands.Command[Any, ..., None]:
    """Make the /help command."""

    async def show_help(interaction: Interaction) -> None:
        with working(interaction):
            await interaction.response.defer(ephemeral=True, thinking=True)
            settings = None
            try:
                settings = await ctx.database.read(guilds.settings_of, server_of(interaction) or 0)
            except StorageError as error:  # the rest of the page is still worth reading
                _log.warning("settings not read", trouble=str(error))
            vendors = ctx.offered(server_of(interaction)).values()
            offered = {operation for provider in vendors for operation in provider.operations()}
            entries = entries_of(_commands(interaction.client))
            if server_of(interaction) is None:
                entries = [entry for entry in entries if entry.outside]
                text = page(entries, offered, discord.Permissions.none(), settings, outside=ctx.outside_daily)
            else:
                text = page(entries, offered, interaction.permissions, settings)
            card = Card(_("What I can do here"), text, Tone.WORKING)
            await interaction.edit_original_response(embed=embed_of(card), allowed_mentions=NO_PINGS)

    return app_commands.Command(name="help", description=N_("What can be made here, and how"), callback=show_help)


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
            says = _("right-click a message, or hold it, and look under Apps")
            found.append(Entry(f"**{command.name}**", says, operations, command.default_permissions, _outside(command)))
        elif isinstance(command, app_commands.Command):
            root = command.root_parent or command
            name, says = f"`/{command.qualified_name}`", _(command.description)
            found.append(Entry(name, says, operations, root.default_permissions, _outside(root)))
    return found


def _outside(command: _Any) -> bool:
    return bool(command.allowed_contexts and command.allowed_contexts.dm_channel)


def page(
    entries: Sequence[Entry],
    offered: Collection[Operation],
    permissions: discord.Permissions,
    settings: GuildSettings | None,
    *,
    outside: int | None = None,
) -> str:
    """Write the page for somebody with these permissions; without `settings` they could not be read.

    `outside`: the page is read outside of servers, where a person may spend so many credits a day.
    """
    making = [entry for entry in entries if not entry.operations.isdisjoint(offered)]
    others = [entry for entry in entries if not entry.operations]
    own = [entry for entry in others if entry.needs is None]
    ruling = [entry.name for entry in others if entry.needs is not None and permissions >= entry.needs]
    lines = [
        _head(_("Make something")),
        *(_line(entry) for entry in making),
        *([] if making else [nothing_set_up(server=outside is None)]),
    ]
    if outside is not None and outside <= 0:
        lines = [not_offered(), "", *lines]
    lines += [*_where(settings), "", _head(_("Look after what is yours")), *(_line(entry) for entry in own)]
    if ruling:
        lines += ["", _head(_("Run it here")), flow(*ruling)]
    lines += ["", _head(_("Credits")), _credits(settings), "", _head(_("Buttons")), _buttons()]
    lines += ["", _head(_("Something wrong?"))]
    ask = _where_to_ask(settings) if outside is None else _("Ask the admin of this bot, and name the job by its code.")
    return cut("\n".join([*lines, ask]), _MOST)


def nothing_set_up(*, server: bool = True) -> str:
    """Say that nothing can be made here yet. `server`: its admins can bring a key of its own."""
    if server:
        return _(
            "Nothing yet: no video provider is set up here. An admin of this server can bring a key with `/setup`."
        )
    return _("Nothing yet: no video provider is set up here. Please tell an admin of this bot.")


def _buttons() -> str:
    return _(
        "A card follows each job until its result is posted. **Cancel** on it gives the job up: free until it is sent, "
        "and afterwards the provider may still charge for it. Under a result, **Again** and **Edit & again** make "
        "another one, **Animate last frame** goes on from its end, **Details** tells what was used, and **Delete** "
        "takes it away with its files. The buttons go on working."
    )


def _head(text: str) -> str:
    return f"**{text}**"


def _line(entry: Entry) -> str:
    return f"{entry.name} · {entry.says}"


def _where(settings: GuildSettings | None) -> list[str]:
    if settings is None or not settings.channels:
        return []
    named = " ".join(f"<#{one}>" for one in settings.channels[:_MOST_CHANNELS])
    if len(settings.channels) > _MOST_CHANNELS:
        return [_("Ask in {channels} and others; elsewhere I don't.").format(channels=named)]
    return [_("Ask in {channels}; elsewhere I don't.").format(channels=named)]


def _credits(settings: GuildSettings | None) -> str:
    words = [_("When you ask, the price is reserved and the card shows it; what is not used comes back.")]
    confirm, approve = (settings.confirm_above, settings.approve_above) if settings else (None, None)
    if confirm is not None and approve is not None and approve < confirm:
        both_asked = _("Above {approval} a moderator must agree. Above {credits} I ask you too, before it begins.")
        words.append(both_asked.format(approval=credits_of(approve), credits=credits_of(confirm)))
        return flow(*words, _("`/balance` tells what you may still spend."))
    if confirm is not None:
        words.append(_("Above {credits} I ask you before it begins.").format(credits=credits_of(confirm)))
    if approve is not None and confirm is not None:
        words.append(_("Above {credits} a moderator must agree too.").format(credits=credits_of(approve)))
    elif approve is not None:
        words.append(_("Above {credits} a moderator must agree.").format(credits=credits_of(approve)))
    return flow(*words, _("`/balance` tells what you may still spend."))


def _where_to_ask(settings: GuildSettings | None) -> str:
    role = settings.moderator_role_id if settings else None
    if role:
        words = _("Ask {role}, and name the job: its code stands at the end of its card.")
        return words.format(role=f"<@&{role}>")
    return _("Ask a moderator of this server, and name the job: its code stands at the end of its card.")
