"""Telling the admins of a server what only they can mend, in the channel they chose for it."""

import re
from collections.abc import Sequence

import discord
import structlog

from bot import messages
from bot.amounts import credits_of
from bot.buttons import view_of
from bot.key_texts import OF_KEYS, alert_of
from bot.language import _, ngettext, number, speaking
from bot.looks import title_of
from bot.talking import NO_PINGS, TROUBLES, Connected, Trouble, pause_after, said, trouble_of
from jobs.context import Context
from jobs.loop import Work
from storage import Connection, StorageError, alerts, guilds, moderation, outputs
from storage import jobs as job_facts
from storage.words import Alert, AlertKind, GuildSettings, Job, State

_AT_ONCE = 4
_HOST = re.compile(r"strange: ([a-z0-9.-]{1,253}) is ")
_WORTH_TELLING_MS = 24 * 3_600_000
_log = structlog.get_logger("bot.alerts")


def work(ctx: Context, bot: Connected) -> Work[Alert]:
    """Tell the alerts whose time has come."""

    async def due() -> Sequence[Alert]:
        return [] if bot.client is None else await ctx.database.read(alerts.due, ctx.now(), 2 * _AT_ONCE)

    async def handle(alert: Alert) -> None:
        client = bot.client
        if client is None:
            return
        try:
            await _tell(ctx, client, alert)
        except StorageError:
            raise
        except Exception as error:  # noqa: BLE001 -- stays due, but not at once: the others come first
            _log.exception("alert failed", alert=alert.id)
            await _not_told(ctx, alert, error)

    return Work("alerts", due, handle, lambda one: one.id, ctx.wakes.alerts, _AT_ONCE, ctx.timing.idle / 1000)


async def _tell(ctx: Context, client: discord.AutoShardedClient, alert: Alert) -> None:
    if alert.channel_id is not None and alert.message_id is not None:
        await _answered(ctx, client, alert, alert.channel_id, alert.message_id)
        return
    settings, job, host = await ctx.database.read(_rest, alert)
    facts = {"kind": alert.kind, "provider": alert.provider, "guild": alert.guild_id, "job": job.code if job else ""}
    facts |= {"host": host} if host else {}
    room = settings.alerts_channel_id
    if alert.kind is AlertKind.APPROVAL:
        room = settings.moderators_channel_id or room
        if job is None or job.state is not State.APPROVING:  # decided meanwhile
            await ctx.database.write(alerts.told, alert.id)
            return
    if room is None and alert.kind in OF_KEYS and job is not None and job.key_id is not None:
        room = settings.log_channel_id or settings.moderators_channel_id  # the operator's log is not theirs to read
    if room is None or job is None:
        _log.warning("admins are needed", **facts)
        await ctx.database.write(alerts.told, alert.id)
        return
    channel = client.get_partial_messageable(room, guild_id=alert.guild_id)
    with speaking(settings.language):
        view = view_of(job) if alert.kind is AlertKind.APPROVAL else None
        text = text_of(alert, title_of(ctx.known, alert.provider), job, host)
    try:
        # Under the same nonce Discord takes a repeat for the first one, for a few minutes.
        message = await channel.send(
            text,
            nonce=f"alert{alert.id}",
            view=discord.utils.MISSING if view is None else view,
            allowed_mentions=NO_PINGS,
            suppress_embeds=True,
        )
    except TROUBLES as error:
        await _not_told(ctx, alert, error)
        return
    if alert.kind is AlertKind.APPROVAL:
        await ctx.database.write(alerts.asking, alert.id, room, message.id)
    else:
        await ctx.database.write(alerts.told, alert.id)
    ctx.tell("alert told", alert.job_id, kind=alert.kind, provider=alert.provider)


async def _answered(
    ctx: Context, client: discord.AutoShardedClient, alert: Alert, channel_id: int, message_id: int
) -> None:
    """Say below a question how it was answered, and take its buttons away. What is gone is left."""
    settings, job, _host = await ctx.database.read(_rest, alert)
    if job is None:
        await ctx.database.write(alerts.told, alert.id)
        return
    approver = await ctx.database.read(moderation.approver_of, alert.guild_id, job.code)
    channel = client.get_partial_messageable(channel_id, guild_id=alert.guild_id)
    with speaking(settings.language):
        text = f"{text_of(alert, title_of(ctx.known, alert.provider), job)}\n{_decision(job, approver)}"
    try:
        await channel.get_partial_message(message_id).edit(content=text, view=None, allowed_mentions=NO_PINGS)
    except TROUBLES as error:
        if trouble_of(error) not in {Trouble.DELETED, Trouble.GONE, Trouble.NOT_ALLOWED}:
            await _not_told(ctx, alert, error)
            return
        _log.warning("question not edited", job=job.code, trouble=said(error))
    await ctx.database.write(alerts.told, alert.id)
    ctx.tell("question answered", job.id)


def _decision(job: Job, approver: int | None) -> str:
    """Say who decided."""
    if approver is not None:
        return "✅ " + _("Approved by {moderator}.").format(moderator=f"<@{approver}>")
    if job.cancelled_by == job.user_id:
        return "↩️ " + _("{member} has taken it back; nothing was spent.").format(member=f"<@{job.user_id}>")
    if job.cancelled_by is not None:
        return "🚫 " + _("Refused by {moderator}; nothing was spent.").format(moderator=f"<@{job.cancelled_by}>")
    return "⌛ " + _("Nobody decided in time; nothing was spent.")


def _rest(connection: Connection, alert: Alert) -> tuple[GuildSettings, Job | None, str]:
    host = ""
    if alert.kind is AlertKind.HOST:
        problems = [output.problem or "" for output in outputs.of_job(connection, alert.job_id)]
        host = next((found[1] for problem in problems if (found := _HOST.match(problem))), "")
    return guilds.settings_of(connection, alert.guild_id), job_facts.by_id(connection, alert.job_id), host


async def _not_told(ctx: Context, alert: Alert, error: BaseException) -> None:
    now = ctx.now()
    if now - alert.created_at >= _WORTH_TELLING_MS:
        _log.error("alert given up", kind=alert.kind, provider=alert.provider, trouble=said(error))
        await ctx.database.write(alerts.told, alert.id)
        return
    _log.warning("alert not told yet", kind=alert.kind, provider=alert.provider, trouble=said(error))
    await ctx.database.write(alerts.postponed, alert, now + pause_after(alert.attempts, error))


def text_of(alert: Alert, title: str, job: Job, host: str = "") -> str:
    """Say what is wrong and what to do about it. A stranger's words come made harmless."""
    if alert.kind is AlertKind.KEY or (alert.kind in OF_KEYS and job.key_id is not None):
        return alert_of(alert, title, job)
    match alert.kind:
        case AlertKind.CREDIT:
            words = "⚠️ " + _(
                "**Our account at {vendor} is out of credits**, so it refuses what members ask for (first job {code}). "
                "Add credits there; until then members can name another provider. Nothing was spent."
            )
        case AlertKind.ACCESS:
            words = "⚠️ " + _(
                "**{vendor} does not let this bot in**, so nothing can be made there (first job {code}). "
                "Check its key and address in the bot's settings: `rushes check`. Nothing was spent."
            )
        case AlertKind.APPROVAL:
            return _approval(title, job)
        case AlertKind.TWICE:
            words = "👯 " + _(
                "**{vendor} seems to have made job {code}, though it had turned it away.** It was given to another "
                "provider, and only what that one costs is counted here. Look at your account at {vendor}: "
                "it may have charged for a second one."
            )
        case AlertKind.STRAY if job.charged:
            words = "👯 " + _(
                "**{vendor} made job {code} twice.** I could not find out whether it had received it, and sent it once "
                "more. One result counts; the other is not posted, and what it cost is spent too: `/credits` shows it "
                "as drift. Nobody's budget pays for it."
            )
        case AlertKind.STRAY:
            words = "👯 " + _(
                "**{vendor} charges for job {code} after its credits were given back.** What it cost is spent all the "
                "same: `/credits` shows it as drift. Nobody's budget pays for it."
            )
        case AlertKind.LOST:
            words = "📭 " + _(
                "**{vendor} made job {code}, but none of its files could be fetched.** It keeps them for a short "
                "while: look into your account there soon, save them, and give them to {member}. What it cost stays "
                "spent."
            )
        case AlertKind.HOST:
            words = "🛂 " + _(
                "**{vendor} made job {code}, but its result lies at `{host}`, which is none of the hosts allowed.** If "
                "that host is {vendor}'s, whoever runs this bot adds it to `{setting}` and restarts it: the result is "
                "then fetched and posted. It is tried for a day. What it cost stays spent."
            )
        case AlertKind.PARKED:
            words = "📪 " + _(
                "**I could not post the result of job {code} in {channel}**, nor send it to {member}. Check that I may "
                "see that channel, send messages there, in threads too, and attach files. Results are kept for a week: "
                "the member finds theirs with `/jobs`. What it cost stays spent. "
                "I tell this once a day for each channel."
            )
        case AlertKind.DOUBT:
            words = "❓ " + ngettext(
                "**Nobody can find out whether {vendor} received job {code}.** {count} credit stays reserved. Look at "
                "your account there, then decide on the command line: `rushes release {code}` gives the credits back, "
                "`rushes charge {code}` counts them as spent.",
                "**Nobody can find out whether {vendor} received job {code}.** {count} credits stay reserved. Look at "
                "your account there, then decide on the command line: `rushes release {code}` gives the credits back, "
                "`rushes charge {code}` counts them as spent.",
                job.price,
            )
    where, who = f"<#{job.room_id}>", f"<@{job.user_id}>"
    about = {"host": host or "?", "setting": f"{alert.provider.upper()}_RESULT_HOSTS"}
    return words.format(vendor=title, code=job.code, count=number(job.price), channel=where, member=who, **about)


def _approval(title: str, job: Job) -> str:
    where = f"https://discord.com/channels/{job.guild_id}/{job.channel_id}"
    card = f"{where}/{job.card_message_id}" if job.card_message_id else where
    words = _("{member} asks for something that costs **{credits}** at {vendor} ([see it]({card})):").format(
        member=f"<@{job.user_id}>", credits=credits_of(job.price), vendor=title, card=card
    )
    return f"💳 {words}\n{messages.subject(job)}\n-# {messages.details(job)}"
