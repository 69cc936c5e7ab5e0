"""/setup: a panel on which the admins of a server see and change how the bot works there.

Each part of the panel has a button that opens its form. What is sent is read from the interaction alone, so that panel
and forms work after any restart; who presses or sends is judged anew each time.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any, Protocol, Self, cast

import discord
import structlog
from discord import app_commands

from bot import keys, refusals
from bot.acts import setting
from bot.answers import not_yours
from bot.language import N_, _, both, flow, speaking
from bot.looks import notice
from bot.plain import cut
from bot.rights import Interaction, musts
from bot.sent import fields_of, form_of
from bot.setup_forms import PARTS, Here, Rules, Wrong
from bot.talking import NO_PINGS, TROUBLES, said, working
from jobs.context import Context
from providers.orders import Operation
from storage import Connection, StorageError, guilds, ledger, moderation
from storage.words import Budget, Scope

_BUTTON = re.compile(r"setup:(?P<part>[a-z]{1,20})")
_ACCENT = 0x5865F2
_NAMED = ("moderators_channel_id", "alerts_channel_id", "log_channel_id")  # channels in which I speak by myself
_log = structlog.get_logger("bot.setup")


def not_admin() -> str:
    """Refuse somebody who is no admin."""
    return _("Only people who may manage this server can see or change its settings. Nothing was changed.")


def not_stored() -> str:
    """Say that a change did not go through."""
    return _("I can't store anything just now, so nothing was changed. Please try again in a minute.")


class _Host(Protocol):
    ctx: Context


class ChangeButton(discord.ui.DynamicItem[discord.ui.Button[discord.ui.LayoutView]], template=_BUTTON):
    """Open the form of one part of the panel."""

    def __init__(self, part: str) -> None:
        self.part = part
        super().__init__(
            discord.ui.Button(label=_("Change"), style=discord.ButtonStyle.secondary, custom_id=f"setup:{part}")
        )

    @classmethod
    async def from_custom_id(
        cls, interaction: Interaction, item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Make the button again from its id."""
        del interaction, item
        return cls(match["part"])

    async def callback(self, interaction: Interaction) -> None:
        """Take a press."""
        with working(interaction):
            await _pressed(cast("_Host", interaction.client).ctx, interaction, self.part)


ITEMS: tuple[type[discord.ui.DynamicItem[Any]], ...] = (ChangeButton,)
TEMPLATES = (_BUTTON,)


def setup_command(ctx: Context) -> app_commands.Command[Any, ..., None]:
    """Make the /setup command."""

    @app_commands.default_permissions(manage_guild=True)
    async def setup(interaction: Interaction) -> None:
        with working(interaction):
            refusal = _refusal(interaction)
            if refusal is not None:
                await _refuse(interaction, refusal)
                return
            await interaction.response.defer(ephemeral=True, thinking=True)
            await _shown(ctx, interaction)

    return app_commands.Command(
        name="setup", description=N_("Show or change how I work in this server"), callback=setup
    )


async def opened(ctx: Context, interaction: Interaction) -> None:
    """Show the panel again in the place of one of its pages. The caller has judged who presses."""
    await interaction.response.defer()
    try:
        await _shown(ctx, interaction)
    except TROUBLES as error:
        _log.warning("panel not shown", trouble=said(error))


async def _shown(ctx: Context, interaction: Interaction) -> None:
    try:
        rules = await ctx.database.read(_rules, interaction.guild_id or 0, ctx.now())
    except StorageError as error:
        _log.warning("settings not read", trouble=str(error))
        await interaction.followup.send(embed=notice(not_stored()), ephemeral=True, allowed_mentions=NO_PINGS)
        return
    view = panel(rules, _here(ctx, interaction), pages=_pages(ctx, interaction))
    await interaction.edit_original_response(view=view, allowed_mentions=NO_PINGS)


def _pages(ctx: Context, interaction: Interaction) -> list[discord.ui.Section[discord.ui.LayoutView]]:
    return [keys.section(ctx, interaction.guild_id)] if ctx.keys.vendors else []


def panel(
    rules: Rules,
    here: Here,
    news: str = "",
    pages: Sequence[discord.ui.Section[discord.ui.LayoutView]] = (),
) -> discord.ui.LayoutView:
    """Draw the panel; `news`: what was changed just now."""
    frame = discord.ui.Container[discord.ui.LayoutView](accent_colour=_ACCENT)
    frame.add_item(discord.ui.TextDisplay("## " + _("How I work in this server")))
    for name, part in PARTS.items():
        lines = [f"**{part.title}**", *part.shown(rules, here)]
        text = discord.ui.TextDisplay[discord.ui.LayoutView](cut("\n".join(lines), 700))
        frame.add_item(
            discord.ui.Section(text, accessory=cast("discord.ui.Item[discord.ui.LayoutView]", ChangeButton(name)))
        )
    for leading in pages:
        frame.add_item(leading)
    if news:
        frame.add_item(discord.ui.TextDisplay(f"-# {news}"))
    view = discord.ui.LayoutView(timeout=None)
    view.add_item(frame)
    return view


async def _pressed(ctx: Context, interaction: Interaction, name: str) -> None:
    """Answer a press of Change with the part's form."""
    part = PARTS.get(name)
    refusal = _refusal(interaction) if part is not None else not_admin()
    if refusal is None and part is not None:
        try:
            rules = await ctx.database.read(_rules, interaction.guild_id or 0, ctx.now())
        except StorageError as error:
            _log.warning("settings not read", trouble=str(error))
            refusal = not_stored()
        else:
            form = discord.ui.Modal(title=part.title, custom_id=f"setup:{name}")
            for field in part.fields(rules, _here(ctx, interaction)):
                form.add_item(field)
            form.stop()  # or discord.py keeps every form that was ever shown
            await interaction.response.send_modal(form)
            return
    await _refuse(interaction, refusal or not_admin())


async def form_submitted(ctx: Context, interaction: Interaction) -> bool:
    """Take a sent form of the panel; False when it is none of ours."""
    sent = form_of(interaction, _BUTTON)
    if sent is None:
        return False
    found, parts = sent
    try:
        await _submitted(ctx, interaction, found["part"], parts)
    except TROUBLES as error:
        _log.warning("form not answered", trouble=said(error))
    return True


async def _submitted(ctx: Context, interaction: Interaction, name: str, parts: Any) -> None:
    part, refusal = PARTS.get(name), _refusal(interaction)
    if part is None or refusal is not None:
        await _refuse(interaction, refusal or not_admin())
        return
    await interaction.response.defer()
    here, guild_id = _here(ctx, interaction), interaction.guild_id or 0
    answers = fields_of(parts)
    try:
        rules = await ctx.database.read(_rules, guild_id, ctx.now())
        after = part.read(rules, here, answers)
        if not _found(interaction.guild, rules, after):
            await interaction.followup.send(embed=notice(not_yours()), ephemeral=True, allowed_mentions=NO_PINGS)
            return
        chosen = _named(after) - _named(rules)
        closed = [one for one in sorted(chosen) if _closed(interaction.guild, one)]
        if closed:
            wrong = _("I can't post in {channels}. Let me see and send messages there, then try again.")
            raise Wrong(wrong.format(channels=_mentioned(closed)))  # noqa: TRY301 -- told like the others
        changed, after = await ctx.database.write(
            _stored, guild_id, interaction.user.id, lambda before: part.read(before, here, answers), ctx.now()
        )
    except Wrong as wrong:
        text = flow(str(wrong), _("Nothing was changed."))
        await interaction.followup.send(embed=notice(text), ephemeral=True, allowed_mentions=NO_PINGS)
        return
    except StorageError as error:
        _log.warning("settings not stored", trouble=str(error))
        await interaction.followup.send(embed=notice(not_stored()), ephemeral=True, allowed_mentions=NO_PINGS)
        return
    if changed:
        ctx.wakes.acts.set()
        ctx.tell("settings changed", None, by=interaction.user.id, guild=guild_id, changed=changed)
    news = _("Changed: {settings}.").format(settings=both(map(setting, changed))) if changed else ""
    news = news or _("Nothing was changed.")
    silent = await _greeted(interaction, chosen, after)
    if silent:
        words = _("I could not post in {channels} just now; `/doctor` says what I lack there.")
        news = flow(news, words.format(channels=_mentioned(silent)))
    await interaction.edit_original_response(
        view=panel(after, here, news, _pages(ctx, interaction)), allowed_mentions=NO_PINGS
    )


def _stored(
    connection: Connection, guild_id: int, by: int, read: Callable[[Rules], Rules], now: int
) -> tuple[list[str], Rules]:
    """Store what was decided; return what is new, and all that holds now.

    It is read anew here, so that a part that another admin changed meanwhile stays as they left it.
    """
    before = _rules(connection, guild_id, now)
    after = read(before)
    old, new = asdict(before.settings), asdict(after.settings)
    changes = {name: value for name, value in new.items() if value != old[name]}
    if changes:
        guilds.decided(connection, after.settings, now)
    told = {_budget_named(one): None for one in before.budgets if one not in after.budgets}
    told |= {_budget_named(one): one.credits for one in after.budgets if one not in before.budgets}
    for one in before.budgets:
        if one not in after.budgets:
            guilds.budget_set(connection, guild_id, one.scope, one.subject_id, one.period, None)
    for one in after.budgets:
        if one not in before.budgets:
            guilds.budget_set(connection, guild_id, one.scope, one.subject_id, one.period, one.credits)
    if "forbidden" in changes:
        changes["forbidden"] = len(after.settings.forbidden)
    if changes or told:
        moderation.acted(connection, guild_id, by, "settings", "", now, **changes, **told)
    return sorted([*changes, *told]), after


def _budget_named(budget: Budget) -> str:
    """Name a budget among the changes that are stored; bot/acts.py puts it into people's languages."""
    whose = "the server" if budget.scope is Scope.GUILD else f"each {budget.scope}"
    return f"budget of {whose} a {budget.period}"


def _found(guild: discord.Guild | None, before: Rules, after: Rules) -> bool:
    """Say whether the channels and the role chosen just now are in this server: a form can be forged."""
    channels = _channels(after) - _channels(before)
    role = after.settings.moderator_role_id
    if not channels and role in {None, before.settings.moderator_role_id}:
        return True
    if guild is None:
        return False
    here = all(guild.get_channel_or_thread(one) is not None for one in channels)
    return here and (role in {None, before.settings.moderator_role_id} or guild.get_role(role or 0) is not None)


def _channels(rules: Rules) -> set[int]:
    return {*rules.settings.channels, *_named(rules)}


def _named(rules: Rules) -> set[int]:
    return {one for name in _NAMED if (one := getattr(rules.settings, name)) is not None}


def _closed(guild: discord.Guild | None, channel_id: int) -> bool:
    """Say whether I lack what I need to post words in a channel. Nothing is sent: each is judged before any is told."""
    channel = guild and guild.get_channel_or_thread(channel_id)
    if guild is None or channel is None:
        return True
    may = channel.permissions_for(guild.me)
    return not all(getattr(may, name) for name in musts(channel))


async def _greeted(interaction: Interaction, chosen: set[int], rules: Rules) -> list[int]:
    """Say in channels chosen just now what they are for; name those that did not take it. The choice stays."""
    with speaking(rules.settings.language):
        words = _("From now on I tell things here, as the admins of this server decided.")
    silent = list[int]()
    for channel_id in sorted(chosen):
        channel = interaction.client.get_partial_messageable(channel_id, guild_id=interaction.guild_id)
        try:
            await channel.send(words, allowed_mentions=NO_PINGS)
        except TROUBLES as error:
            _log.warning("channel refused", trouble=said(error))
            silent.append(channel_id)
    return silent


def _mentioned(channels: Sequence[int]) -> str:
    return both(f"<#{one}>" for one in channels)


def _rules(connection: Connection, guild_id: int, now: int) -> Rules:
    budgets = tuple(guilds.budgets_of(connection, guild_id))
    return Rules(guilds.settings_of(connection, guild_id), budgets, ledger.spent_this_month(connection, guild_id, now))


def _here(ctx: Context, interaction: Interaction) -> Here:
    vendors = ctx.offered(interaction.guild_id)
    kinds = {
        kind.value: frozenset(model.name for one in vendors.values() for model in one.models(kind))
        for kind in Operation
    }
    titles = {name: one.title for name, one in vendors.items()}
    return Here(titles, {kind: models for kind, models in kinds.items() if models})


def _refusal(interaction: Interaction) -> str | None:
    if interaction.guild_id is None:
        return refusals.only_in_servers()
    # What Discord hides can be shown again by its own settings.
    return None if interaction.permissions.manage_guild else not_admin()


async def _refuse(interaction: Interaction, text: str) -> None:
    await interaction.response.send_message(embed=notice(text), ephemeral=True, allowed_mentions=NO_PINGS)
