"""Telling the admins of a server what only they can mend, in the channel they chose for it."""

import re
from collections.abc import Sequence

import discord
import structlog

from bot import doubts
from bot.alert_texts import decision_of, text_of
from bot.buttons import view_of
from bot.key_texts import OF_KEYS
from bot.language import speaking
from bot.looks import title_of
from bot.talking import NO_PINGS, TROUBLES, Connected, Trouble, pause_after, said, trouble_of
from jobs.context import Context
from jobs.doubts import in_limbo
from jobs.loop import Work
from storage import Connection, StorageError, alerts, guilds, moderation, outputs
from storage import jobs as job_facts
from storage.words import Alert, AlertKind, GuildSettings, Job, State

_AT_ONCE = 4
_QUESTIONS = {AlertKind.APPROVAL, AlertKind.DOUBT}  # that are answered by a button
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
    if alert.kind in _QUESTIONS:
        first, second = settings.moderators_channel_id, settings.alerts_channel_id
        room = (first or second) if alert.kind is AlertKind.APPROVAL else (second or first)
        if job is None or not _open(alert, job):  # decided meanwhile
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
        view = _buttons(alert, job)
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
    if alert.kind in _QUESTIONS:
        await ctx.database.write(alerts.asking, alert.id, room, message.id)
    else:
        await ctx.database.write(alerts.told, alert.id)
    ctx.tell("alert told", alert.job_id, kind=alert.kind, provider=alert.provider)


def _open(alert: Alert, job: Job) -> bool:
    """Tell whether a question waits for somebody's answer still."""
    return job.state is State.APPROVING if alert.kind is AlertKind.APPROVAL else in_limbo(job)


def _buttons(alert: Alert, job: Job) -> discord.ui.View | None:
    if alert.kind is AlertKind.DOUBT:
        return doubts.view_of(job)
    return view_of(job) if alert.kind is AlertKind.APPROVAL else None


async def _answered(
    ctx: Context, client: discord.AutoShardedClient, alert: Alert, channel_id: int, message_id: int
) -> None:
    """Say below a question how it was answered, and take its buttons away. What is gone is left."""
    settings, job, _host = await ctx.database.read(_rest, alert)
    if job is None:
        await ctx.database.write(alerts.told, alert.id)
        return
    acts = ("release", "charge") if alert.kind is AlertKind.DOUBT else ("approve",)
    decided = await ctx.database.read(moderation.decider_of, alert.guild_id, job.code, acts)
    channel = client.get_partial_messageable(channel_id, guild_id=alert.guild_id)
    with speaking(settings.language):
        text = f"{text_of(alert, title_of(ctx.known, alert.provider), job)}\n{decision_of(alert, job, decided)}"
    try:
        await channel.get_partial_message(message_id).edit(content=text, view=None, allowed_mentions=NO_PINGS)
    except TROUBLES as error:
        if trouble_of(error) not in {Trouble.DELETED, Trouble.GONE, Trouble.NOT_ALLOWED}:
            await _not_told(ctx, alert, error)
            return
        _log.warning("question not edited", job=job.code, trouble=said(error))
    await ctx.database.write(alerts.told, alert.id)
    ctx.tell("question answered", job.id)


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
