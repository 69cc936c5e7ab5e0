"""The card of a job: its state in the channel, drawn anew from the database whenever that has changed."""

import contextlib
from collections.abc import Sequence

import discord
import structlog

from bot.buttons import view_of
from bot.language import speaking
from bot.looks import embed_of, vendor_of
from bot.messages import card_of
from bot.talking import NO_PINGS, TROUBLES, Connected, Trouble, said, trouble_of
from bot.tokens import tokens_of
from bot.ways import lines_of
from jobs.context import Context
from jobs.files import OUTPUTS
from jobs.loop import Work
from storage import Connection, StorageError, deliveries, history, outputs
from storage import jobs as job_facts
from storage.words import Delivery, DeliveryState, Job, Outlook, Output, Place, State, Way

LINK_LIFE_MS = 7 * 24 * 3_600_000
_log = structlog.get_logger("bot.cards")
_AT_ONCE = 16
_AGAIN_MS = 15_000
_SHOWN = {DeliveryState.POSTED, DeliveryState.DELETING, DeliveryState.DELETED}  # the result was, and told of the job
_STILL_GOING_OUT = {DeliveryState.WAITING, DeliveryState.DUE, DeliveryState.POSTING}
_COMMAND_LIFE_MS = 60_000  # so long the command itself may still be about to show the card


def drawn(
    ctx: Context, job: Job, delivery: Delivery | None, files: list[Output], outlook: Outlook | None = None
) -> tuple[discord.Embed, discord.ui.View | None]:
    """Draw a job's card."""
    link = None
    if delivery is not None and delivery.state is DeliveryState.PARKED:
        file = next((output.file for output in files if output.file), None)
        link = ctx.addresses.link(OUTPUTS, file, ctx.now() + LINK_LIFE_MS) if file else None
    empty = not any(output.file for output in files)
    with speaking(job.language):
        card = card_of(job, vendor_of(ctx.known, job), delivery, link, empty=empty, outlook=outlook)
        return embed_of(card), view_of(job)


def work(ctx: Context, bot: Connected) -> Work[Job]:
    """Edit the cards that do not show the truth any more."""

    async def due() -> Sequence[Job]:
        now, gap = ctx.now(), ctx.timing.card_gap
        return [] if bot.client is None else await ctx.database.read(job_facts.cards_due, now, gap, _AT_ONCE)

    async def handle(job: Job) -> None:
        client = bot.client
        if client is None:
            return
        try:
            await _edit(ctx, client, job)
        except StorageError:
            raise
        except Exception as error:  # noqa: BLE001 -- stays due, but not at once: the others come first
            _log.exception("card failed", job=job.code)
            await _not_edited(ctx, job, error)

    return Work("cards", due, handle, lambda job: job.id, ctx.wakes.cards, _AT_ONCE, ctx.timing.idle / 1000)


async def _edit(ctx: Context, client: discord.AutoShardedClient, job: Job) -> None:
    if job.card_message_id is None:
        await ctx.database.write(job_facts.card_lost, job.id)
        return
    delivery, files, outlook = await ctx.database.read(_rest, job)
    embed, view = drawn(ctx, job, delivery, files, outlook)
    if job.place is Place.BROUGHT:
        await _edit_where_brought(ctx, client, job, delivery, embed, view)
        return
    way_back = tokens_of(client).find(job.id, ctx.now())
    if way_back is not None:
        await _edit_by_token(ctx, client, way_back, job, embed, view)
        if job.state.terminal and (delivery is None or delivery.state not in _STILL_GOING_OUT):
            tokens_of(client).drop(job.id)  # this was its last look
        return
    channel = client.get_partial_messageable(job.channel_id, guild_id=job.guild_id)
    message = channel.get_partial_message(job.card_message_id)
    try:
        shown = await message.edit(embed=embed, view=view, allowed_mentions=NO_PINGS)
        if shown.flags.loading:
            posted = delivery is not None and delivery.state in _SHOWN
            if not await _replaced(ctx, job, message, None if posted else embed, view):
                await ctx.database.write(job_facts.card_postponed, job.id, ctx.now() + _AGAIN_MS)
                return
    except TROUBLES as error:
        await _not_edited(ctx, job, error)
        return
    ctx.tell("card edited", job.id, state=job.state)
    await ctx.database.write(job_facts.card_shown, job.id, job.card_version, ctx.now())


async def _edit_where_brought(
    ctx: Context,
    client: discord.AutoShardedClient,
    job: Job,
    delivery: Delivery | None,
    embed: discord.Embed,
    view: discord.ui.View | None,
) -> None:
    """Edit a card where only the command's own token reaches, unless the result stands in it.

    Too late, it is left as it is; an end without a result is then told to the asker directly, as a result would be.
    """
    way_back = tokens_of(client).find(job.id, ctx.now())
    becoming = delivery is not None and delivery.way is Way.HERE and delivery.state is not DeliveryState.PARKED
    if way_back is None and job.state.terminal and job.state is not State.SUCCEEDED:
        await _told_directly(ctx, client, job, embed, view)
        return
    if way_back is None or becoming:
        await ctx.database.write(job_facts.card_left, job.id, job.card_version)
        return
    await _edit_by_token(ctx, client, way_back, job, embed, view)


async def _edit_by_token(
    ctx: Context,
    client: discord.AutoShardedClient,
    way_back: discord.Webhook,
    job: Job,
    embed: discord.Embed,
    view: discord.ui.View | None,
) -> None:
    """Edit a card by its command's own token; when that is over before its time, the other ways are left."""
    if job.card_message_id is None:
        return
    try:
        await way_back.edit_message(job.card_message_id, embed=embed, view=view, allowed_mentions=NO_PINGS)
    except TROUBLES as error:
        if trouble_of(error) is not Trouble.GONE:
            await _not_edited(ctx, job, error)
            return
        tokens_of(client).drop(job.id)
        await ctx.database.write(job_facts.card_postponed, job.id, ctx.now())
        return
    ctx.tell("card edited", job.id, state=job.state)
    await ctx.database.write(job_facts.card_shown, job.id, job.card_version, ctx.now())


async def _told_directly(
    ctx: Context,
    client: discord.AutoShardedClient,
    job: Job,
    embed: discord.Embed,
    view: discord.ui.View | None,
) -> None:
    """Send a card that shows its job's end to the asker, once. Whoever takes no messages finds it with /jobs."""
    if not (job.cancelled_by and job.attempts == 0):  # else the press of Cancel was answered with just that
        try:
            room = await client.create_dm(discord.Object(job.user_id))
            shown = discord.utils.MISSING if view is None else view
            with speaking(job.language):
                words = "\n".join(lines_of(job, Way.DIRECT))
            await room.send(words, embed=embed, view=shown, nonce=f"card{job.code}", allowed_mentions=NO_PINGS)
            ctx.tell("told directly", job.id, state=job.state)
        except TROUBLES as error:
            if trouble_of(error) in {Trouble.DOUBT, Trouble.LATER}:
                await _not_edited(ctx, job, error)
                return
            _log.info("asker not reached", job=job.code, trouble=said(error))
    await ctx.database.write(job_facts.card_lost, job.id)


async def _replaced(
    ctx: Context,
    job: Job,
    stuck: discord.PartialMessage,
    embed: discord.Embed | None,
    view: discord.ui.View | None,
) -> bool:
    """Put a new message (without `embed`: nothing) in the place of one that thinks for ever; False: it is too early.

    The program died between deferring the command and showing the card, and a bot's own edit does not end "thinking".
    """
    if ctx.now() - job.created_at < _COMMAND_LIFE_MS:
        return False
    if embed is None:
        await ctx.database.write(job_facts.card_lost, job.id)
    else:
        card = await stuck.channel.send(
            embed=embed,
            view=discord.utils.MISSING if view is None else view,
            nonce=f"card{job.code}",
            allowed_mentions=NO_PINGS,
        )
        await ctx.database.write(job_facts.card_moved, job.id, card.id)
    with contextlib.suppress(discord.HTTPException):  # it may be gone already; the new card is what counts
        await stuck.delete()
    return True


async def _not_edited(ctx: Context, job: Job, error: BaseException) -> None:
    _log.warning("card not edited", job=job.code, trouble=said(error))
    trouble = trouble_of(error)
    if trouble is Trouble.SHUT:  # the next message there opens the thread again
        await ctx.database.write(job_facts.card_left, job.id, job.card_version)
        return
    if trouble in {Trouble.DELETED, Trouble.GONE, Trouble.NOT_ALLOWED}:
        await ctx.database.write(job_facts.card_lost, job.id)
        return
    pause = int(error.retry_after * 1000) if isinstance(error, discord.RateLimited) else 0
    await ctx.database.write(job_facts.card_postponed, job.id, ctx.now() + max(pause, _AGAIN_MS))


def _rest(connection: Connection, job: Job) -> tuple[Delivery | None, list[Output], Outlook | None]:
    outlook = None if job.state.terminal else history.outlook(connection, job)
    return deliveries.of_job(connection, job.id), outputs.of_job(connection, job.id), outlook
