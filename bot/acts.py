"""Telling a server's log channel what its moderators and admins did."""

from collections.abc import Mapping, Sequence
from typing import Any

import discord
import structlog

from bot.amounts import credits_of, time_of
from bot.language import LANGUAGES, N_, _, flow, number, speaking
from bot.looks import notice
from bot.messages import Tone
from bot.plain import plain
from bot.talking import NO_PINGS, TROUBLES, Connected, pause_after, said
from jobs.context import Context
from jobs.loop import Work
from providers.registry import TITLES
from storage import StorageError, guilds, moderation
from storage.words import COMMAND_LINE, Act

_AT_ONCE = 4
_WORTH_TELLING_MS = 24 * 3_600_000
_MOST_NAMED = 8
_log = structlog.get_logger("bot.acts")


def work(ctx: Context, bot: Connected) -> Work[Act]:
    """Tell the acts whose time has come."""

    async def due() -> Sequence[Act]:
        return [] if bot.client is None else await ctx.database.read(moderation.acts_due, ctx.now(), 2 * _AT_ONCE)

    async def handle(act: Act) -> None:
        client = bot.client
        if client is None:
            return
        try:
            await _tell(ctx, client, act)
        except StorageError:
            raise
        except Exception as error:  # noqa: BLE001 -- stays due, but not at once: the others come first
            _log.exception("act failed", act=act.id)
            await _not_told(ctx, act, error)

    return Work("acts", due, handle, lambda one: one.id, ctx.wakes.acts, _AT_ONCE, ctx.timing.idle / 1000)


async def _tell(ctx: Context, client: discord.AutoShardedClient, act: Act) -> None:
    settings = await ctx.database.read(guilds.settings_of, act.guild_id)
    if settings.log_channel_id is not None:
        channel = client.get_partial_messageable(settings.log_channel_id, guild_id=act.guild_id)
        with speaking(settings.language):
            embed = notice(text_of(act), Tone.STOPPED)
        try:
            # Under the same nonce Discord takes a repeat for the first one, for a few minutes.
            await channel.send(embed=embed, nonce=f"act{act.id}", allowed_mentions=NO_PINGS)
        except TROUBLES as error:
            await _not_told(ctx, act, error)
            return
        ctx.tell("act told", None, act=act.kind, guild=act.guild_id)
    await ctx.database.write(moderation.act_told, act.id)


async def _not_told(ctx: Context, act: Act, error: BaseException) -> None:
    now = ctx.now()
    if now - act.at >= _WORTH_TELLING_MS:
        _log.error("act not told in the log channel", act=act.id, trouble=said(error))
        await ctx.database.write(moderation.act_told, act.id)
        return
    await ctx.database.write(moderation.act_postponed, act, now + pause_after(act.attempts, error))


# What is said of acts that have nothing but a subject: a member's number, or a name.
_OF_MEMBER = {
    "unblock": N_("{who} unblocked {member}."),
    "read prompts": N_("{who} read the recent requests of {member}."),
}
_OF_NAME = {
    "preset": N_("{who} kept the preset “{name}”."),
    "drop preset": N_("{who} deleted the preset “{name}”."),
}
_OF_VENDOR = {
    "set key": N_("{who} set a key of this server's own at {vendor}."),
    "replaced key": N_("{who} replaced this server's own key at {vendor}."),
    "removed key": N_("{who} removed this server's own key at {vendor}."),
}
# What is said of acts on a job, where the member is known and where not.
_OF_JOB = {
    "cancel": (N_("{who} cancelled job {code} of {member}."), N_("{who} cancelled job {code}.")),
    "approve": (
        N_("{who} approved job {code} of {member} for {credits}."), N_("{who} approved job {code} for {credits}."),
    ),
    "delete": (
        N_("{who} deleted the result of job {code} of {member}."), N_("{who} deleted the result of job {code}."),
    ),
    "release": (
        N_("{who} gave {credits} back for job {code} of {member}, which nobody could find out about."),
        N_("{who} gave {credits} back for job {code}, which nobody could find out about."),
    ),
    "charge": (
        N_("{who} counted {credits} as spent for job {code} of {member}, which nobody could find out about."),
        N_("{who} counted {credits} as spent for job {code}, which nobody could find out about."),
    ),
}  # fmt: skip


def text_of(act: Act) -> str:
    """Say who did what, in one line."""
    who, detail = _("Whoever runs this bot") if act.actor_id == COMMAND_LINE else f"<@{act.actor_id}>", act.detail
    match act.kind:
        case kind if kind in _OF_JOB:
            words, member = _OF_JOB[kind][not detail.get("member")], f"<@{detail.get('member')}>"
            credits = credits_of(int(detail.get("credits") or 0))
            return _(words).format(who=who, code=act.subject, member=member, credits=credits)
        case "block":
            return _blocked(who, act.subject, detail)
        case "budget":
            return _budget(who, detail)
        case "settings":
            changes = [f"{setting(name)}: {_value(name, value)}" for name, value in sorted(detail.items())]
            changed = plain("; ".join(changes[:_MOST_NAMED]), 600)
            return _("{who} changed the settings ({changes}).").format(who=who, changes=changed)
        case kind if kind in _OF_MEMBER:
            return _(_OF_MEMBER[kind]).format(who=who, member=f"<@{plain(act.subject, 20)}>")
        case kind if kind in _OF_VENDOR:
            return _(_OF_VENDOR[kind]).format(who=who, vendor=TITLES.get(act.subject, act.subject.capitalize()))
        case kind if kind in _OF_NAME:
            return _(_OF_NAME[kind]).format(who=who, name=plain(act.subject, 60))
        case _:
            return f"{who} {plain(act.kind, 40)} ({plain(act.subject, 120)})."


def _blocked(who: str, subject: str, detail: Mapping[str, Any]) -> str:
    until = f"<t:{detail['until'] // 1000}:f>" if detail.get("until") else ""
    words = _("{who} blocked {member} until {time}.") if until else _("{who} blocked {member}.")
    done = words.format(who=who, member=f"<@{subject}>", time=until)
    why = plain(str(detail.get("reason") or ""), 300)
    return flow(done, _("Reason: {reason}").format(reason=why)) if why else done


_BUDGETS = {
    "month": (
        N_("{who} set the budget of {whose} a month to {credits}."),
        N_("{who} set the budget of {whose} a month to no limit."),
    ),
    "day": (
        N_("{who} set the budget of {whose} a day to {credits}."),
        N_("{who} set the budget of {whose} a day to no limit."),
    ),
}


def _budget(who: str, detail: Mapping[str, Any]) -> str:
    credits = detail.get("credits")
    limited, unlimited = _BUDGETS.get(str(detail.get("period")), _BUDGETS["month"])
    amount = credits_of(int(credits or 0))
    words = _(unlimited) if credits is None else _(limited)
    return words.format(who=who, whose=_whose(detail), credits=amount)


def _whose(detail: Mapping[str, Any]) -> str:
    subject = int(detail.get("whose") or 0)
    match detail.get("scope"):
        case "channel":
            return f"<#{subject}>"
        case "role":
            return _("each with {role}").format(role=f"<@&{subject}>")
        case "member":
            return f"<@{subject}>" if subject else _("each member")
        case _:
            return _("the server")


# What the admins decide, as it is called in storage and for people.
_SETTINGS = {
    "default_provider": N_("default provider"),
    "default_models": N_("default models"),
    "fallback": N_("fallback to another provider"),
    "confirm_above": N_("the price above which members are asked"),
    "approve_above": N_("the price above which a moderator must agree"),
    "most_running": N_("jobs at a time"),
    "cooldown": N_("pause between two jobs"),
    "channels": N_("where members may ask"),
    "nsfw_only": N_("age-restricted channels only"),
    "spoiler": N_("results covered"),
    "forbidden": N_("forbidden words"),
    "moderator_role_id": N_("role of moderators"),
    "moderators_channel_id": N_("channel for approvals"),
    "alerts_channel_id": N_("channel for alerts"),
    "log_channel_id": N_("log channel"),
    "language": N_("language"),
    "budget of the server a month": N_("budget of the server a month"),
    "budget of the server a day": N_("budget of the server a day"),
    "budget of each member a month": N_("budget of each member a month"),
    "budget of each member a day": N_("budget of each member a day"),
}


def setting(name: str) -> str:
    """Name what the admins of a server decide."""
    return _(_SETTINGS[name]) if name in _SETTINGS else name.replace("_", " ")


def _value(name: str, value: Any) -> str:
    if value is None:
        return _("none")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if name == "cooldown":
        return time_of(int(value))
    if isinstance(value, int) and not name.endswith("_id"):
        return number(value)
    return LANGUAGES.get(str(value), str(value)) if name == "language" else str(value)[:80]
