"""Posting results: one message a job, whatever breaks in between.

The intent is stored before the message goes out under a nonce that is the job's code. For a short while Discord itself
answers a repeat with the first message; later the channel is searched for our mark before anything is sent again.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import discord
import structlog

from bot.buttons import result_view
from bot.cards import LINK_LIFE_MS
from bot.language import _, speak
from bot.looks import embed_of, vendor_of
from bot.results import Result, result_of
from bot.talking import NO_PINGS, TROUBLES, Connected, Trouble, said, trouble_of
from jobs.context import Context
from jobs.files import OUTPUTS, locate
from jobs.loop import Work
from jobs.shrink import shrunk
from jobs.submit import backoff
from providers.orders import Operation
from storage import Connection, StorageError, deliveries, guilds, outputs
from storage import jobs as job_facts
from storage.words import Delivery, DeliveryState, Job, Output

_log = structlog.get_logger("bot.delivery")
_AT_ONCE = 4
_MOST_FILES = 10  # Discord takes no more with one message
_SEND_SECONDS = 180.0
_NONCE_TRUSTED_MS = 120_000  # Discord knows a nonce for "a few minutes"; less is surely safe
_SEARCH_BEFORE_MS = 600_000  # where there is no card to begin at; our clock may be off
_SEARCH_MOST = 2_000  # messages


@dataclass(frozen=True, slots=True)
class Form:
    """How the message goes out. Each way asks less of Discord than the one before."""

    linked: bool = False  # a link to our own page instead of the file
    bare: bool = False  # no frame and no reference to the card: neither permission is needed


@dataclass(frozen=True, slots=True)
class Parcel:
    """All that is posted for one job."""

    job: Job
    delivery: Delivery
    files: tuple[Output, ...]  # here, in order
    missing: int  # given up
    spoiler: bool = False  # covered until it is clicked
    small: Mapping[int, str] = field(default_factory=dict[int, str])  # what goes out instead of a file, by its number


def work(ctx: Context, bot: Connected) -> Work[Delivery]:
    """Post the results whose time has come."""
    tried: set[int] = set()  # by this process, and not recorded as posted yet

    async def due() -> Sequence[Delivery]:
        return [] if bot.client is None else await ctx.database.read(deliveries.due, ctx.now(), 2 * _AT_ONCE)

    async def handle(delivery: Delivery) -> None:
        client = bot.client
        if client is None:
            return
        try:
            known = delivery.job_id in tried
            tried.add(delivery.job_id)
            if await _deliver(ctx, client, delivery, known=known):
                tried.discard(delivery.job_id)
        except StorageError:
            raise
        except Exception as error:  # noqa: BLE001 -- stays due, but not at once: the others come first
            _log.exception("delivery failed", job=delivery.job_id)
            await ctx.database.write(
                deliveries.in_doubt, delivery.job_id, retry_at=_later(ctx, delivery), problem=type(error).__name__
            )

    return Work("deliver", due, handle, lambda one: one.job_id, ctx.wakes.deliver, _AT_ONCE, ctx.timing.idle / 1000)


async def _deliver(ctx: Context, client: discord.AutoShardedClient, delivery: Delivery, *, known: bool) -> bool:
    """Post one result; True when it is posted. `known`: an earlier try was this process's own.

    A repeat under the same nonce is trusted only shortly after such a try: clocks may have been set since another run.
    """
    parcel = await ctx.database.read(_parcel, delivery)
    if parcel is None:
        return True
    speak(parcel.job.language)
    parcel = _still_here(ctx, parcel)
    channel = client.get_partial_messageable(parcel.job.channel_id, guild_id=parcel.job.guild_id)
    age = ctx.now() - (delivery.first_tried_at or 0)
    young = 0 <= age < _NONCE_TRUSTED_MS
    if delivery.state is DeliveryState.POSTING and not (known and young):
        try:
            found = await _find(client, channel, parcel)
        except TROUBLES as error:
            # Where the history may not be read, a young nonce is the best there is.
            if not (young and trouble_of(error) is Trouble.NOT_ALLOWED):
                await _not_posted(ctx, parcel, error)
                return False
            return await _post(ctx, client, channel, parcel)
        if found is not None:
            _log.info("result found in the channel", job=parcel.job.code)
            await _record(ctx, parcel.job, found)
            return True
        fresh = replace(delivery, state=DeliveryState.DUE, first_tried_at=None)
        parcel = replace(parcel, delivery=fresh)
        await ctx.database.write(
            deliveries.refused, parcel.job.id, retry_at=ctx.now(), problem="not in the channel", linked=fresh.linked
        )
    return await _post(ctx, client, channel, parcel)


def _parcel(connection: Connection, delivery: Delivery) -> Parcel | None:
    job = job_facts.by_id(connection, delivery.job_id)
    if job is None:
        return None
    all_outputs = outputs.of_job(connection, job.id)
    files = tuple(output for output in all_outputs if output.file is not None)[:_MOST_FILES]
    missing = sum(output.file is None for output in all_outputs)
    return Parcel(job, delivery, files, missing, guilds.settings_of(connection, job.guild_id or 0).spoiler)


def _still_here(ctx: Context, parcel: Parcel) -> Parcel:
    """Count files that are gone from the media store among the missing ones."""
    here = tuple(output for output in parcel.files if locate(ctx.media_dir, OUTPUTS, output.file or "").is_file())
    return replace(parcel, files=here, missing=parcel.missing + len(parcel.files) - len(here))


async def _post(
    ctx: Context, client: discord.AutoShardedClient, channel: discord.PartialMessageable, parcel: Parcel
) -> bool:
    """Send in the fullest form that Discord takes, storing the intent before each try; True when it is posted."""
    job = parcel.job
    if not parcel.delivery.linked:
        parcel = await _fitted(ctx, parcel, _limit(client, job))
    form: Form | None = Form(linked=parcel.delivery.linked or not _fits(parcel, _limit(client, job)))
    while form is not None:
        wanted = await ctx.database.write(
            deliveries.posting, job.id, ctx.now(), retry_at=_later(ctx, parcel.delivery), linked=form.linked
        )
        if not wanted:  # deleted by somebody who found it before we did
            return True
        ctx.tell("posting", job.id, linked=form.linked)
        try:
            message = await _send(ctx, channel, parcel, form)
        except TROUBLES as error:
            form = _lesser(form, trouble_of(error), has_files=bool(parcel.files))
            if form is None:
                await _not_posted(ctx, parcel, error)
        else:
            ctx.tell("posted", job.id, message=message.id, linked=form.linked)
            await _record(ctx, job, message.id)
            return True
    return False


def _limit(client: discord.AutoShardedClient, job: Job) -> int:
    guild = client.get_guild(job.guild_id or 0)
    return job.upload_limit if guild is None else min(job.upload_limit, guild.filesize_limit)


async def _fitted(ctx: Context, parcel: Parcel, limit: int) -> Parcel:
    """Make films that are too large small enough, where that keeps them worth watching."""
    small: dict[int, str] = {}
    for output in parcel.files:
        if (output.size or 0) <= limit or output.kind != "video" or not output.file:
            continue
        film, size = locate(ctx.media_dir, OUTPUTS, output.file), (output.width or 0, output.height or 0)
        try:
            made = await shrunk(film, output.seconds or 0, size, limit)
        except OSError as error:
            _log.warning("film not made smaller", job=parcel.job.code, trouble=type(error).__name__)
            continue
        if made is not None:
            ctx.tell("made smaller", parcel.job.id, bytes=output.size)
            small[output.id] = made.name
    return replace(parcel, small=small)


def _fits(parcel: Parcel, limit: int) -> bool:
    return all((output.size or 0) <= limit or output.id in parcel.small for output in parcel.files)


def _lesser(form: Form, trouble: Trouble, *, has_files: bool) -> Form | None:
    """Choose the next form after a refusal; None when it would not help."""
    if trouble is Trouble.TOO_LARGE and has_files and not form.linked:
        return replace(form, linked=True)
    if trouble in {Trouble.NOT_ALLOWED, Trouble.REFUSED}:
        if not form.bare:
            return replace(form, bare=True)
        if has_files and not form.linked:
            return replace(form, linked=True)
    return None


async def _send(ctx: Context, channel: discord.PartialMessageable, parcel: Parcel, form: Form) -> discord.Message:
    job = parcel.job
    result = _written(ctx, parcel, form)
    view = result_view(job, film=bool(parcel.files) and Operation(job.operation).makes == "video")
    # Made anew for every try: discord.py closes them, also when it fails.
    files = [] if form.linked else [_file(ctx, parcel, output) for output in parcel.files]
    try:
        async with asyncio.timeout(_SEND_SECONDS):
            if form.bare:
                return await channel.send(
                    f"{result.headline}\n-# {_('job {code}').format(code=job.code)}",
                    files=files,
                    view=view,
                    nonce=job.code,
                    allowed_mentions=NO_PINGS,
                )
            return await channel.send(
                result.headline,
                embed=embed_of(result.card),
                files=files,
                view=view,
                nonce=job.code,
                allowed_mentions=NO_PINGS,
                **_reply(job),
            )
    finally:
        for file in files:
            file.close()


def _written(ctx: Context, parcel: Parcel, form: Form) -> Result:
    links: list[str] = []
    if form.linked:
        until = ctx.now() + LINK_LIFE_MS
        links = [ctx.addresses.link(OUTPUTS, output.file, until) for output in parcel.files if output.file]
    attached = 0 if form.linked else len(parcel.files)
    vendor = vendor_of(ctx.providers, parcel.job)
    shrunken = [output.file for output in parcel.files if output.id in parcel.small and output.file]
    whole = [] if form.linked else [ctx.addresses.link(OUTPUTS, file, ctx.now() + LINK_LIFE_MS) for file in shrunken]
    if parcel.spoiler:  # Discord shows what a bare address leads to, but not what is covered
        links = [f"||{link}||" for link in links]
    return result_of(parcel.job, vendor, links=links, missing=parcel.missing, files=attached, whole=whole)


def _file(ctx: Context, parcel: Parcel, output: Output) -> discord.File:
    job, name = parcel.job, parcel.small.get(output.id) or output.file or ""
    number = f"-{output.position + 1}" if output.position else ""
    path = locate(ctx.media_dir, OUTPUTS, name)
    return discord.File(path, f"rushes-{job.code}{number}.{name.rpartition('.')[2]}", spoiler=parcel.spoiler)


def _reply(job: Job) -> dict[str, Any]:
    """Make the result an answer to the job's card, where there is one."""
    if job.card_message_id is None:
        return {}
    card = discord.MessageReference(
        message_id=job.card_message_id, channel_id=job.channel_id, guild_id=job.guild_id, fail_if_not_exists=False
    )
    return {"reference": card, "mention_author": False}


async def _record(ctx: Context, job: Job, message_id: int | None) -> None:
    def store(connection: Connection) -> None:
        deliveries.posted(connection, job.id, message_id, ctx.now())
        job_facts.touch_card(connection, job.id, ctx.now())

    await ctx.database.write(store)
    ctx.tell("delivery recorded", job.id, message=message_id)
    ctx.wakes.cards.set()


async def _not_posted(ctx: Context, parcel: Parcel, error: BaseException) -> None:
    """Store what a failed try means for the next one."""
    trouble, job, problem = trouble_of(error), parcel.job, said(error)
    _log.warning("result not posted", job=job.code, trouble=problem, means=trouble)
    if trouble is Trouble.DELETED:  # our nonce is known there, its message is not: posted, then deleted by somebody
        await _record(ctx, job, None)
        return
    retry_at = _later(ctx, parcel.delivery)
    if isinstance(error, discord.RateLimited):
        retry_at = max(retry_at, ctx.now() + int(error.retry_after * 1000))
    # A refusal now says nothing about an earlier try that may have gone through.
    if trouble is Trouble.DOUBT or (trouble is Trouble.LATER and parcel.delivery.state is DeliveryState.POSTING):
        await ctx.database.write(deliveries.in_doubt, job.id, retry_at=retry_at, problem=problem)
    elif trouble is Trouble.LATER:
        linked = parcel.delivery.linked
        await ctx.database.write(deliveries.refused, job.id, retry_at=retry_at, problem=problem, linked=linked)
    else:
        await _park(ctx, job, problem)


async def _park(ctx: Context, job: Job, problem: str) -> None:
    def store(connection: Connection) -> None:
        deliveries.parked(connection, job.id, problem)
        job_facts.touch_card(connection, job.id, ctx.now())

    await ctx.database.write(store)
    ctx.wakes.cards.set()


async def _find(client: discord.AutoShardedClient, channel: discord.PartialMessageable, parcel: Parcel) -> int | None:
    """Look for a job's result among our own messages since its card. Raise what Discord raises."""
    job, tried = parcel.job, parcel.delivery.first_tried_at or 0
    # Without the right to read the history Discord answers with an empty one; asked for one message, it says so.
    try:
        await channel.fetch_message(job.card_message_id or _snowflake(tried))
    except discord.NotFound as error:
        if error.code != 10008:
            raise
    # Discord's own numbers, not our clock, say where to begin: the result comes after the card.
    begin = discord.Object(job.card_message_id or _snowflake(tried - _SEARCH_BEFORE_MS))
    async for message in channel.history(limit=_SEARCH_MOST, after=begin, oldest_first=True):
        if message.id != job.card_message_id and client.user == message.author and _is_result(message, job.code):
            return message.id
    return None


def _is_result(message: discord.Message, code: str) -> bool:
    """Know a result by the names of its files, the end of its frame or its last line: nothing typed stands there.

    A card has the same frame, but no words outside it. The code alone counts: the words around it are a language's.
    """
    if not message.content:
        return False
    last = message.content.splitlines()[-1]
    names = [file.filename for file in message.attachments]
    ends = [embed.footer.text or "" for embed in message.embeds]
    return (
        any(re.fullmatch(rf"(SPOILER_)?rushes-{code}(-[0-9]{{1,2}})?\.[a-z0-9]{{1,5}}", name) for name in names)
        or any(code in end.rpartition(" · ")[2] for end in ends)
        or (last.startswith("-# ") and code in last)
    )


def _snowflake(milliseconds: int) -> int:
    return discord.utils.time_snowflake(datetime.fromtimestamp(milliseconds / 1000, UTC))


def _later(ctx: Context, delivery: Delivery) -> int:
    return ctx.now() + backoff(ctx, delivery.attempts + 1)
