"""/budget: limits on credits for the server, one channel, one member, everybody, or everybody with a role."""

from typing import Any, Literal

import discord
import structlog
from discord import app_commands

from bot import refusals
from bot.amounts import credits_of
from bot.language import N_, _, number
from bot.looks import notice
from bot.messages import Tone
from bot.rights import Interaction
from bot.setup import not_admin, not_stored
from bot.talking import NO_PINGS, working
from jobs.context import Context
from storage import Connection, StorageError, guilds, moderation
from storage.words import Budget, Period, Scope

_MOST_CREDITS = 10**12
_MOST_SHOWN = 40
_log = structlog.get_logger("bot.budgets")
_PERIODS = (N_("day"), N_("month"))  # discord.py shows the choices of an option by these names


def one_only() -> str:
    """Refuse a limit for several at once."""
    return _("Choose one: a channel, a member or a role. Nothing was changed.")


def how_much() -> str:
    """Refuse a limit that is none, or two."""
    return _("Say how many `credits`, or `unlimited: True` to take the limit away. Nothing was changed.")


def budget_command(ctx: Context) -> app_commands.Command[Any, ..., None]:
    """Make the /budget command."""

    @app_commands.default_permissions(manage_guild=True)
    @app_commands.describe(
        period=N_("How long it lasts, before it begins anew (UTC)"),
        credits=N_("How many credits may be spent; 0: nothing may be spent"),
        unlimited=N_("True: take this limit away"),
        member=N_("For this member alone; it wins over everybody's and over roles"),
        role=N_("For each member with this role; of several the largest counts"),
        channel=N_("For all that is asked in this channel"),
        everybody=N_("True: for each member who has none of their own"),
    )
    async def budget(
        interaction: Interaction,
        period: Literal["day", "month"] | None = None,
        credits: app_commands.Range[int, 0, _MOST_CREDITS] | None = None,
        unlimited: bool | None = None,
        member: discord.User | None = None,
        role: discord.Role | None = None,
        channel: discord.TextChannel | None = None,
        everybody: bool | None = None,
    ) -> None:
        with working(interaction):
            await interaction.response.defer(ephemeral=True, thinking=True)
            chosen = [
                (Scope.MEMBER, member.id if member else None),
                (Scope.ROLE, role.id if role else None),
                (Scope.CHANNEL, channel.id if channel else None),
                (Scope.MEMBER, 0 if everybody else None),
            ]
            whose = [(scope, subject) for scope, subject in chosen if subject is not None]
            text, tone = await _answer(ctx, interaction, whose, period, credits, unlimited=bool(unlimited))
            await interaction.edit_original_response(embed=notice(text, tone), allowed_mentions=NO_PINGS)

    return app_commands.Command(
        name="budget", description=N_("Show or set what may be spent: here, by a member, by a role"), callback=budget
    )


async def _answer(
    ctx: Context,
    interaction: Interaction,
    whose: list[tuple[Scope, int]],
    period: str | None,
    credits: int | None,
    *,
    unlimited: bool,
) -> tuple[str, Tone]:
    if interaction.guild_id is None:
        return refusals.only_in_servers(), Tone.FAILED
    if not interaction.permissions.manage_guild:
        return not_admin(), Tone.FAILED
    if len(whose) > 1:
        return one_only(), Tone.FAILED
    wants_change = bool(whose) or credits is not None or unlimited
    if wants_change and (credits is None) != unlimited:
        return how_much(), Tone.FAILED
    scope, subject = whose[0] if whose else (Scope.GUILD, 0)
    guild_id, by, now = interaction.guild_id, interaction.user.id, ctx.now()

    def change(connection: Connection) -> list[Budget]:
        if wants_change:
            lasts = Period(period or Period.MONTH)
            limit = None if credits is None else min(max(credits, 0), _MOST_CREDITS)  # ranges are hints
            guilds.budget_set(connection, guild_id, scope, subject, lasts, limit)
            detail = {"scope": scope.value, "whose": subject, "period": lasts.value, "credits": limit}
            moderation.acted(connection, guild_id, by, "budget", scope.value, now, **detail)
        return guilds.budgets_of(connection, guild_id)

    try:
        found = await ctx.database.write(change)
    except StorageError as error:
        _log.warning("budget not stored", trouble=str(error))
        return not_stored(), Tone.FAILED
    if wants_change:
        ctx.wakes.acts.set()
        ctx.tell("budget set", None, by=by, guild=guild_id, scope=scope)
    return listing(found), Tone.DONE


def listing(found: list[Budget]) -> str:
    """Show a server's budgets."""
    if not found:
        return _(
            "Nothing limits what is spent here but the accounts at the providers. `/budget credits: …` sets a limit."
        )
    order = {scope: place for place, scope in enumerate(Scope)}
    lines = [line(one) for one in sorted(found, key=lambda one: (order[one.scope], one.subject_id, one.period))]
    rest = len(lines) - _MOST_SHOWN
    more = ["-# " + _("and {count} more").format(count=number(rest))]
    ends = "-# " + _("Days and months are UTC. What is reserved counts.")
    return "\n".join([*lines[:_MOST_SHOWN], *(more if rest > 0 else []), ends])


def line(one: Budget) -> str:
    """Show one budget."""
    whose = {
        Scope.GUILD: _("This server"),
        Scope.CHANNEL: f"<#{one.subject_id}>",
        Scope.ROLE: _("Each with {role}").format(role=f"<@&{one.subject_id}>"),
        Scope.MEMBER: f"<@{one.subject_id}>" if one.subject_id else _("Each member"),
    }[one.scope]
    words = _("**{whose}**, a day: {credits}") if one.period is Period.DAY else _("**{whose}**, a month: {credits}")
    return words.format(whose=whose, credits=credits_of(one.credits))
