"""Posting results: one message a job, whatever breaks in between.

The intent is stored before the message goes out under a nonce that is the job's code. For a short while Discord itself
answers a repeat with the first message; later the channel is searched for our mark before anything is sent again.
Where it cannot be posted at all it goes another way (ways.py); which one is stored before it is tried.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import discord
import structlog

from bot import parcels
from bot.language import speak
from bot.parcels import Form, Parcel, Room
from bot.talking import TROUBLES, UNKNOWN_CHANNEL, UNKNOWN_MESSAGE, Connected, Trouble, said, trouble_of
from bot.tokens import tokens_of
from bot.ways import closes, next_way
from jobs.context import Context
from jobs.loop import Work
from jobs.submit import backoff
from storage import Connection, StorageError, alerts, deliveries
from storage import jobs as job_facts
from storage.words import AlertKind, Delivery, DeliveryState, Job, Place, Way

_log = structlog.get_logger("bot.delivery")
_AT_ONCE = 16
_NONCE_TRUSTED_MS = 120_000  # Discord knows a nonce for "a few minutes"; less is surely safe
_SEARCH_BEFORE_MS = 600_000  # where there is no card to begin at; our clock may be off
_SEARCH_MOST = 2_000  # messages
_SHRINK_AGAIN_MS = 3_000  # until one that waits for another film's turn asks again
_TOKEN_GONE = "the command's own token is over"  # noqa: S105 -- says what happened to one


def work(ctx: Context, bot: Connected) -> Work[Delivery]:
    """Post the results whose time has come."""
    tried: set[int] = set()  # by this process, and not recorded as posted yet

    async def due() -> Sequence[Delivery]:
        return [] if bot.client is None else await ctx.database.read(deliveries.due, ctx.now(), _AT_ONCE)

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
    """Post one result, on the first way that is open; True when nothing is left to do. `known`: see _search."""
    for _ in Way:
        parcel = await ctx.database.read(parcels.parcel_of, delivery)
        if parcel is None:
            return True
        speak(parcel.job.language)
        turned = await _try(ctx, client, parcels.still_here(ctx, parcel), known=known)
        if not isinstance(turned, Delivery):
            return turned
        delivery, known = turned, False
    return False


async def _try(ctx: Context, client: discord.AutoShardedClient, parcel: Parcel, *, known: bool) -> bool | Delivery:
    """Go the way that is stored; say whether that is the end of it, or which one is to be gone instead."""
    try:
        room = await _room(ctx, client, parcel)
        if room is None:
            return await _turn(ctx, parcel, _TOKEN_GONE)
        if isinstance(room, discord.PartialMessageable):
            found = await _search(ctx, client, room, parcel, known=known)
            if isinstance(found, int):
                _log.info("result found in the channel", job=parcel.job.code)
                await _record(ctx, parcel.job, found)
                return True
            parcel = found
    except TROUBLES as error:
        return await _not_posted(ctx, parcel, error)
    return await _post(ctx, client, room, parcel)


async def _room(ctx: Context, client: discord.AutoShardedClient, parcel: Parcel) -> Room | None:
    """Find where the way leads; None: to a token that is gone. Raise what a call to Discord may raise."""
    job, delivery = parcel.job, parcel.delivery
    if delivery.way is Way.HERE and job.place is Place.BROUGHT:
        return tokens_of(client).find(job.id, ctx.now()) if job.card_message_id else None
    if delivery.way is not Way.DIRECT:
        return client.get_partial_messageable(delivery.channel_id or job.channel_id, guild_id=job.guild_id)
    channel_id = delivery.channel_id
    if channel_id is None:
        channel_id = (await client.create_dm(discord.Object(job.user_id))).id
        await ctx.database.write(deliveries.opened, job.id, channel_id)
        ctx.tell("direct messages opened", job.id)
    return client.get_partial_messageable(channel_id)


async def _search(
    ctx: Context, client: discord.AutoShardedClient, channel: discord.PartialMessageable, parcel: Parcel, *, known: bool
) -> Parcel | int:
    """Look for what an earlier try may have posted: its number; or the parcel, to be posted now.

    A repeat under the same nonce is trusted only shortly after a try of this process's own (`known`): clocks may have
    been set since another run. Raise what a call to Discord may raise.
    """
    delivery = parcel.delivery
    young = 0 <= ctx.now() - (delivery.first_tried_at or 0) < _NONCE_TRUSTED_MS
    if delivery.state is not DeliveryState.POSTING or (known and young):
        return parcel
    try:
        found = await _find(client, channel, parcel)
    except TROUBLES as error:
        # Where the history may not be read, a young nonce is the best there is.
        if young and trouble_of(error) is Trouble.NOT_ALLOWED:
            return parcel
        raise
    if found is not None:
        return found
    fresh = replace(delivery, state=DeliveryState.DUE, first_tried_at=None)
    problem = "not in the channel"
    await ctx.database.write(
        deliveries.refused, parcel.job.id, retry_at=ctx.now(), problem=problem, linked=fresh.linked
    )
    return replace(parcel, delivery=fresh)


async def _post(ctx: Context, client: discord.AutoShardedClient, room: Room, parcel: Parcel) -> bool | Delivery:
    """Send in the fullest form that Discord takes, storing the intent before each try; answer as _try does."""
    job, delivery = parcel.job, parcel.delivery
    limit = parcels.limit_of(client, job, delivery.way)
    if not delivery.linked:
        small = await parcels.fitted(ctx, parcel, limit)
        if small is None:
            await ctx.database.write(deliveries.put_off, job.id, ctx.now() + _SHRINK_AGAIN_MS)
            return False
        parcel = small
    large = delivery.linked or not parcels.fits(parcel, limit)
    if large:  # remembered, so that no other try works on it for minutes again
        parcel = replace(parcel, delivery=replace(delivery, linked=True))
    form = Form(linked=large, large=large)
    while True:
        wanted = await ctx.database.write(
            deliveries.posting, job.id, ctx.now(), retry_at=_later(ctx, delivery), linked=form.linked
        )
        if not wanted:  # deleted by somebody who found it before we did
            return True
        ctx.tell("posting", job.id, linked=form.linked, way=delivery.way)
        try:
            message_id = await parcels.send(ctx, room, parcel, form)
        except TROUBLES as error:
            lesser = parcels.lesser(form, trouble_of(error), has_files=bool(parcel.files))
            if lesser is None:
                return await _refused(ctx, client, room, parcel, error)
            form = lesser
        else:
            ctx.tell("posted", job.id, message=message_id, linked=form.linked)
            await _record(ctx, job, message_id)
            return True


async def _refused(
    ctx: Context, client: discord.AutoShardedClient, room: Room, parcel: Parcel, error: BaseException
) -> bool | Delivery:
    """Take an answer that ends this try. Before another way is gone, an earlier try's message is looked for here."""
    trouble = trouble_of(error)
    if isinstance(room, discord.Webhook):
        if trouble in {Trouble.DELETED, Trouble.GONE}:  # the card was deleted, or the token is over
            tokens_of(client).drop(parcel.job.id)
            return await _turn(ctx, parcel, said(error))
    elif closes(trouble) and parcel.delivery.state is DeliveryState.POSTING:
        try:
            found = await _find(client, room, parcel)
        except TROUBLES as doubt:
            return await _not_posted(ctx, parcel, doubt)
        if found is not None:
            await _record(ctx, parcel.job, found)
            return True
        parcel = replace(parcel, delivery=replace(parcel.delivery, state=DeliveryState.DUE))
    return await _not_posted(ctx, parcel, error)


async def _record(ctx: Context, job: Job, message_id: int | None) -> None:
    def store(connection: Connection) -> None:
        deliveries.posted(connection, job.id, message_id, ctx.now())
        job_facts.touch_card(connection, job.id, ctx.now())

    await ctx.database.write(store)
    ctx.tell("delivery recorded", job.id, message=message_id)
    ctx.wakes.cards.set()


async def _not_posted(ctx: Context, parcel: Parcel, error: BaseException) -> bool | Delivery:
    """Store what a failed try means for the next one; answer as _try does."""
    trouble, job, problem = trouble_of(error), parcel.job, said(error)
    in_doubt = parcel.delivery.state is DeliveryState.POSTING
    _log.warning("result not posted", job=job.code, way=parcel.delivery.way, trouble=problem, means=trouble)
    if trouble is Trouble.DELETED:  # our nonce is known there, its message is not: posted, then deleted by somebody
        await _record(ctx, job, None)
        return False
    if closes(trouble):
        # Where an earlier try may stand in a channel that still exists, another message would be a second one.
        gone = isinstance(error, discord.HTTPException) and error.code == UNKNOWN_CHANNEL
        if in_doubt and not gone and job.place is not Place.BROUGHT:
            return await _park(ctx, job, problem)
        return await _turn(ctx, parcel, problem)
    retry_at = _later(ctx, parcel.delivery)
    if isinstance(error, discord.RateLimited):
        retry_at = max(retry_at, ctx.now() + int(error.retry_after * 1000))
    # A refusal now says nothing about an earlier try that may have gone through.
    if trouble is Trouble.DOUBT or in_doubt:
        await ctx.database.write(deliveries.in_doubt, job.id, retry_at=retry_at, problem=problem)
    else:
        linked = parcel.delivery.linked
        await ctx.database.write(deliveries.refused, job.id, retry_at=retry_at, problem=problem, linked=linked)
    return False


async def _turn(ctx: Context, parcel: Parcel, problem: str) -> bool | Delivery:
    """Go another way, or park the result where none is left."""
    job, delivery = parcel.job, parcel.delivery
    way = next_way(job, delivery.way, parcel.settings)
    if way is None:
        return await _park(ctx, job, problem)
    room = job.parent_id if way is Way.PARENT else None

    def store(connection: Connection) -> Delivery | None:
        deliveries.turned(connection, job.id, way, room, ctx.now(), problem)
        return deliveries.of_job(connection, job.id)

    after = await ctx.database.write(store)
    ctx.tell("another way", job.id, way=way, problem=problem)
    return True if after is None or after.way is not way else after


async def _park(ctx: Context, job: Job, problem: str) -> bool:
    """Keep a result that goes nowhere, and let the admins know."""

    def store(connection: Connection) -> None:
        deliveries.parked(connection, job.id, problem)
        alerts.raised(connection, job, AlertKind.PARKED, ctx.now())
        job_facts.touch_card(connection, job.id, ctx.now())

    await ctx.database.write(store)
    _log.warning("result parked", job=job.code, trouble=problem)
    ctx.wakes.cards.set()
    ctx.wakes.alerts.set()
    return False


async def _find(client: discord.AutoShardedClient, channel: discord.PartialMessageable, parcel: Parcel) -> int | None:
    """Look for a job's result among our own messages since its card. Raise what Discord raises."""
    job, tried = parcel.job, parcel.delivery.first_tried_at or 0
    # Without the right to read the history Discord answers with an empty one; asked for one message, it says so.
    try:
        await channel.fetch_message(job.card_message_id or _snowflake(tried))
    except discord.NotFound as error:
        if error.code != UNKNOWN_MESSAGE:
            raise
    # Discord's own numbers, not our clock, say where to begin: the result comes after the card.
    begin = discord.Object(job.card_message_id or _snowflake(tried - _SEARCH_BEFORE_MS))
    async for message in channel.history(limit=_SEARCH_MOST, after=begin, oldest_first=True):
        if message.id != job.card_message_id and client.user == message.author and _is_result(message, job.code):
            return message.id
    return None


def _is_result(message: discord.Message, code: str) -> bool:
    """Know a result by the names of its files, the end of its frame or its buttons: nothing typed stands there.

    A card has the same frame, but no words outside it; other messages of ours may name the job anywhere, in words of
    a stranger's too, and have other buttons. The code alone counts: the words around it are a language's.
    """
    if not message.content:
        return False
    names = [file.filename for file in message.attachments]
    ends = [embed.footer.text or "" for embed in message.embeds]
    rows = [row for row in message.components if isinstance(row, discord.ActionRow)]
    pressed = {getattr(item, "custom_id", None) for row in rows for item in row.children}
    return (
        any(re.fullmatch(rf"(SPOILER_)?rushes-{code}(-[0-9]{{1,2}})?\.[a-z0-9]{{1,5}}", name) for name in names)
        or any(code in end.rpartition(" · ")[2] for end in ends)
        or bool(pressed & {f"job:{code}:details", f"job:{code}:delete"})
    )


def _snowflake(milliseconds: int) -> int:
    return discord.utils.time_snowflake(datetime.fromtimestamp(milliseconds / 1000, UTC))


def _later(ctx: Context, delivery: Delivery) -> int:
    return ctx.now() + backoff(ctx, delivery.attempts + 1)
