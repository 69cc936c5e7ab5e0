"""Telling a server's log channel what its moderators and admins did."""

from collections.abc import Mapping, Sequence
from typing import Any

import discord
import structlog

from bot.amounts import credits_of
from bot.looks import notice
from bot.messages import Tone
from bot.plain import plain
from bot.talking import NO_PINGS, TROUBLES, Connected, pause_after, said
from jobs.context import Context
from jobs.loop import Work
from storage import StorageError, guilds, moderation
from storage.words import Act

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
        try:
            # Under the same nonce Discord takes a repeat for the first one, for a few minutes.
            await channel.send(
                embed=notice(text_of(act), Tone.STOPPED), nonce=f"act{act.id}", allowed_mentions=NO_PINGS
            )
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


def text_of(act: Act) -> str:
    """Say who did what, in one line."""
    return f"<@{act.actor_id}> {_done(act)}"


# What is said of acts that have nothing but a subject: a member's number, or a name.
_OF_MEMBER = {"unblock": "unblocked <@{}>.", "read prompts": "read the recent requests of <@{}>."}
_OF_NAME = {"preset": "kept the preset “{}”.", "drop preset": "deleted the preset “{}”."}


def _done(act: Act) -> str:
    detail = act.detail
    whose = f" of <@{detail['member']}>" if detail.get("member") else ""
    match act.kind:
        case "cancel":
            return f"cancelled job {act.subject}{whose}."
        case "approve":
            return f"approved job {act.subject}{whose} for {credits_of(int(detail.get('credits') or 0))}."
        case "delete":
            return f"deleted the result of job {act.subject}{whose}."
        case "block":
            until = f" until <t:{detail['until'] // 1000}:f>" if detail.get("until") else ""
            why = f" Reason: {plain(str(detail['reason']), 300)}" if detail.get("reason") else ""
            return f"blocked <@{act.subject}>{until}.{why}"
        case "budget":
            credits = detail.get("credits")
            amount = "no limit" if credits is None else credits_of(int(credits))
            return f"set the budget of {_whose(detail)} a {detail.get('period')} to {amount}."
        case "settings":
            changes = [f"{name}: {_short(value)}" for name, value in sorted(detail.items())][:_MOST_NAMED]
            return f"changed the settings ({plain('; '.join(changes), 600)})."
        case kind if kind in _OF_MEMBER:
            return _OF_MEMBER[kind].format(plain(act.subject, 20))
        case kind if kind in _OF_NAME:
            return _OF_NAME[kind].format(plain(act.subject, 60))
        case _:
            return f"{plain(act.kind, 40)} ({plain(act.subject, 120)})."


def _whose(detail: Mapping[str, Any]) -> str:
    subject = int(detail.get("whose") or 0)
    match detail.get("scope"):
        case "channel":
            return f"<#{subject}>"
        case "role":
            return f"each with <@&{subject}>"
        case "member":
            return f"<@{subject}>" if subject else "each member"
        case _:
            return "the server"


def _short(value: Any) -> str:
    return "none" if value is None else str(value)[:80]
