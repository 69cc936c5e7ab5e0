"""/balance: what a member may still spend where they ask, and what else stands in the way of a request of theirs."""

from collections.abc import Sequence
from typing import Any

import structlog
from discord import app_commands

from bot import refusals
from bot.amounts import credits_of, time_of
from bot.looks import embed_of, notice
from bot.messages import Card, Tone
from bot.mine import NOT_READ
from bot.taking import Interaction, refuse
from bot.talking import NO_PINGS, working
from jobs.context import Context
from storage import StorageError, members
from storage.members import Allowance, Standing
from storage.words import Block, Period, Scope

_log = structlog.get_logger("bot.balance")
_WHOSE: dict[Scope, str] = {
    Scope.GUILD: "The whole server",
    Scope.CHANNEL: "This channel",
    Scope.MEMBER: "You",
    Scope.ROLE: "You",
}
_WHEN: dict[Period, str] = {Period.DAY: "today", Period.MONTH: "this month"}


def balance_command(ctx: Context) -> app_commands.Command[Any, ..., None]:
    """Make the /balance command."""

    async def balance(interaction: Interaction) -> None:
        with working(interaction):
            if interaction.guild_id is None:
                await refuse(interaction, refusals.only_in_servers())
                return
            await interaction.response.defer(ephemeral=True, thinking=True)
            roles = tuple(role.id for role in getattr(interaction.user, "roles", ()))
            try:
                found = await ctx.database.read(
                    members.standing,
                    interaction.guild_id,
                    interaction.channel_id or 0,
                    interaction.user.id,
                    roles,
                    ctx.now(),
                )
                embed = embed_of(card_of(found, ctx.now()))
            except StorageError as error:
                _log.warning("balance not read", trouble=str(error))
                embed = notice(NOT_READ)
            await interaction.edit_original_response(embed=embed, allowed_mentions=NO_PINGS)

    return app_commands.Command(name="balance", description="What you may still spend here", callback=balance)


def card_of(found: Standing, now: int) -> Card:
    """Show how a member stands."""
    lines = [_blocked(found.block), ""] if found.block else []
    lines.append(headline(found.allowances))
    lines += [_line(one) for one in found.allowances]
    lines += ["", _running(found), _pause(found, now)]
    free = not found.block and all(one.left for one in found.allowances)
    return Card("Your balance", "\n".join(lines), Tone.DONE if free else Tone.STOPPED)


def headline(allowances: Sequence[Allowance]) -> str:
    """Say what may still be spent: the narrowest budget decides, and a month's binds each of its days."""
    if not allowances:
        return "There is no limit on the credits you may spend here."
    month = min((one.left for one in allowances if one.budget.period is Period.MONTH), default=None)
    today = min(one.left for one in allowances)
    if month is None:
        return f"You may still spend **{credits_of(today)}** today. There is no limit by the month."
    if not any(one.budget.period is Period.DAY for one in allowances):
        return f"You may still spend **{credits_of(month)}** this month. There is no limit by the day."
    return f"You may still spend **{credits_of(today)}** today and **{credits_of(month)}** this month."


def _line(one: Allowance) -> str:
    head = f"**{_WHOSE[one.budget.scope]}, {_WHEN[one.budget.period]}**"
    used = f"{one.used - one.held:,} used, {one.held:,} reserved for what is in the making"
    left = f"{one.left:,} of {credits_of(one.budget.credits)} left"
    return f"{head} · {left}: {used}; begins anew <t:{one.until // 1000}:R>"


def _running(found: Standing) -> str:
    if found.most_running is None:
        return f"**In the making** · {found.running}; there is no limit"
    return f"**In the making** · {found.running} of at most {found.most_running} at a time"


def _pause(found: Standing, now: int) -> str:
    if not found.cooldown:
        return "**Pause between two requests** · none"
    again = f"you may ask again <t:{found.free_at // 1000}:R>" if found.free_at > now else "you may ask now"
    return f"**Pause between two requests** · {time_of(found.cooldown)}; {again}"


def _blocked(block: Block) -> str:
    """Tell of a block, but not why: moderators write that for each other."""
    until = "" if block.until is None else f" until <t:{block.until // 1000}:f>"
    return f"**A moderator has blocked you from using this bot here{until}.** Please talk to them."
