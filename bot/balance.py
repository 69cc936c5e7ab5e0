"""/balance: what a member may still spend where they ask, and what else stands in the way of a request of theirs."""

from collections.abc import Sequence
from typing import Any

import structlog
from discord import app_commands

from bot.amounts import credits_of, time_of
from bot.language import N_, _, number
from bot.looks import embed_of, notice
from bot.messages import Card, Tone
from bot.mine import not_read
from bot.places import not_offered, room_of, server_of
from bot.taking import Interaction, refuse
from bot.talking import NO_PINGS, working
from jobs.context import Context
from storage import StorageError, members
from storage.members import Allowance, Standing
from storage.words import Block, Period, Scope

_log = structlog.get_logger("bot.balance")
_WHOSE: dict[tuple[Scope, Period], str] = {
    (Scope.GUILD, Period.DAY): N_("The whole server, today"),
    (Scope.GUILD, Period.MONTH): N_("The whole server, this month"),
    (Scope.CHANNEL, Period.DAY): N_("This channel, today"),
    (Scope.CHANNEL, Period.MONTH): N_("This channel, this month"),
    (Scope.MEMBER, Period.DAY): N_("You, today"),
    (Scope.MEMBER, Period.MONTH): N_("You, this month"),
    (Scope.ROLE, Period.DAY): N_("You, today"),
    (Scope.ROLE, Period.MONTH): N_("You, this month"),
}


def balance_command(ctx: Context) -> app_commands.Command[Any, ..., None]:
    """Make the /balance command."""

    async def balance(interaction: Interaction) -> None:
        with working(interaction):
            server = server_of(interaction)
            if server is None and ctx.outside_daily <= 0:
                await refuse(interaction, not_offered())
                return
            await interaction.response.defer(ephemeral=True, thinking=True)
            roles = tuple(role.id for role in getattr(interaction.user, "roles", ()))
            try:
                found = await ctx.database.read(
                    members.standing,
                    server,
                    room_of(interaction),
                    interaction.user.id,
                    roles,
                    ctx.now(),
                    ctx.outside_daily,
                )
                embed = embed_of(card_of(found, ctx.now()))
            except StorageError as error:
                _log.warning("balance not read", trouble=str(error))
                embed = notice(not_read())
            await interaction.edit_original_response(embed=embed, allowed_mentions=NO_PINGS)

    return app_commands.Command(name="balance", description=N_("What you may still spend here"), callback=balance)


def card_of(found: Standing, now: int) -> Card:
    """Show how a member stands."""
    lines = [_blocked(found.block), ""] if found.block else []
    lines.append(headline(found.allowances))
    lines += [_line(one) for one in found.allowances]
    lines += ["", _running(found), _pause(found, now)]
    free = not found.block and all(one.left for one in found.allowances)
    return Card(_("Your balance"), "\n".join(lines), Tone.DONE if free else Tone.STOPPED)


def headline(allowances: Sequence[Allowance]) -> str:
    """Say what may still be spent: the narrowest budget decides, and a month's binds each of its days."""
    if not allowances:
        return _("There is no limit on the credits you may spend here.")
    month = min((one.left for one in allowances if one.budget.period is Period.MONTH), default=None)
    today = min(one.left for one in allowances)
    if month is None:
        words = _("You may still spend **{credits}** today. There is no limit by the month.")
        return words.format(credits=credits_of(today))
    if not any(one.budget.period is Period.DAY for one in allowances):
        words = _("You may still spend **{credits}** this month. There is no limit by the day.")
        return words.format(credits=credits_of(month))
    words = _("You may still spend **{today}** today and **{month}** this month.")
    return words.format(today=credits_of(today), month=credits_of(month))


def _line(one: Allowance) -> str:
    words = _(
        "**{whose}** · {left} of {credits} left: {used} used, {reserved} reserved for what is in the making; "
        "begins anew {when}"
    )
    return words.format(
        whose=_(_WHOSE[one.budget.scope, one.budget.period]),
        left=number(one.left),
        credits=credits_of(one.budget.credits),
        used=number(one.used - one.held),
        reserved=number(one.held),
        when=f"<t:{one.until // 1000}:R>",
    )


def _running(found: Standing) -> str:
    if found.most_running is None:
        return _("**In the making** · {count}; there is no limit").format(count=number(found.running))
    words = _("**In the making** · {count} of at most {most} at a time")
    return words.format(count=number(found.running), most=number(found.most_running))


def _pause(found: Standing, now: int) -> str:
    if not found.cooldown:
        return _("**Pause between two requests** · none")
    if found.free_at > now:
        words = _("**Pause between two requests** · {time}; you may ask again {when}")
    else:
        words = _("**Pause between two requests** · {time}; you may ask now")
    return words.format(time=time_of(found.cooldown), when=f"<t:{found.free_at // 1000}:R>")


def _blocked(block: Block) -> str:
    """Tell of a block, but not why: moderators write that for each other."""
    if block.until is None:
        return _("**A moderator has blocked you from using this bot here.** Please talk to them.")
    words = _("**A moderator has blocked you from using this bot here until {time}.** Please talk to them.")
    return words.format(time=f"<t:{block.until // 1000}:f>")
