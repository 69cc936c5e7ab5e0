"""What a press of a button on a card or a result does. Every press is judged anew, and answered to one person alone."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import discord
import structlog

from bot import about, answers, refusals, rights
from bot.amounts import Until, reserved
from bot.language import flow
from bot.looks import notice, vendor_of
from bot.messages import Tone
from bot.places import place_of, server_of
from bot.talking import NO_PINGS, TROUBLES, Trouble, said, trouble_of
from jobs import consent, orders
from jobs.cancel import cancel
from jobs.context import Context
from jobs.intake import Hindered
from storage import Connection, StorageError, deliveries, guilds, moderation, outputs
from storage import jobs as job_facts
from storage.codes import job_id_of
from storage.words import Delivery, DeliveryState, Job, Limit, Output, Place, State, Way

_log = structlog.get_logger("bot.presses")
_IN_THE_CHANNEL = {DeliveryState.POSTING, DeliveryState.POSTED, DeliveryState.DELETING, DeliveryState.DELETED}

Interaction = discord.Interaction[Any]
Judge = Callable[[Context, Interaction, Job], Awaitable[tuple[str, Tone]]]


async def answered(ctx: Context, interaction: Interaction, code: str, judge: Judge) -> None:
    """Answer a press, visible to the one who pressed only. The card follows by itself."""
    try:
        if judge is deleted and place_of(interaction) is Place.BROUGHT:  # only so the message itself can be reached
            await interaction.response.defer()
            text, tone = await _judged(ctx, interaction, code, judge)
            await interaction.followup.send(embed=notice(text, tone), ephemeral=True, allowed_mentions=NO_PINGS)
            return
        await interaction.response.defer(ephemeral=True, thinking=True)
        text, tone = await _judged(ctx, interaction, code, judge)
        await interaction.edit_original_response(embed=notice(text, tone), allowed_mentions=NO_PINGS)
    except TROUBLES as error:
        _log.warning("press not answered", trouble=said(error))


async def refuse(interaction: Interaction) -> None:
    """Answer a press that leads nowhere."""
    try:
        await interaction.response.send_message(
            embed=notice(not_yours(interaction)), ephemeral=True, allowed_mentions=NO_PINGS
        )
    except TROUBLES as error:
        _log.warning("press not answered", trouble=said(error))


def not_yours(interaction: Interaction) -> str:
    """Refuse a press with what is true where it was made: outside of servers there are no moderators."""
    return answers.not_yours(server=server_of(interaction) is not None)


async def _judged(ctx: Context, interaction: Interaction, code: str, judge: Judge) -> tuple[str, Tone]:
    try:
        job_id = job_id_of(code)
        job = None if job_id is None else await ctx.database.read(job_facts.by_id, job_id)
        if job is None or not rights.here(interaction, job):
            return not_yours(interaction), Tone.FAILED
        return await judge(ctx, interaction, job)
    except StorageError as error:
        _log.warning("press not stored", trouble=str(error))
        return refusals.press_not_stored(), Tone.FAILED
    except Exception:  # noqa: BLE001 -- whatever it is, the one who pressed is told
        _log.exception("press failed")
        return refusals.unexpected_press(), Tone.FAILED


async def cancelled(ctx: Context, interaction: Interaction, job: Job) -> tuple[str, Tone]:
    """Judge a press of Cancel. Raise StorageError."""
    allowed = rights.may(interaction, job) or await rights.answers_for(ctx, interaction, job)
    ctx.tell("button pressed", job.id, by=interaction.user.id, allowed=allowed)
    return await _given_up(ctx, interaction, job, allowed=allowed)


async def cancelled_by_name(ctx: Context, interaction: Interaction, job: Job) -> tuple[str, Tone]:
    """Give up a job that was named in a command: from anywhere in its server, by the one who asked or a moderator."""
    allowed = rights.may(interaction, job) or await rights.moderates(ctx, interaction)
    return await _given_up(ctx, interaction, job, allowed=allowed)


async def _given_up(ctx: Context, interaction: Interaction, job: Job, *, allowed: bool) -> tuple[str, Tone]:
    if not allowed:
        return not_yours(interaction), Tone.FAILED
    theirs = interaction.user.id == job.user_id
    noted = None if theirs else rights.act(interaction, "cancel", job.code, member=job.user_id)
    outcome, after = await cancel(ctx, job.id, interaction.user.id, noted=noted)
    ctx.wakes.acts.set()
    ctx.wakes.alerts.set()  # a moderator may have been asked
    if after is None:
        return not_yours(interaction), Tone.FAILED
    return answers.cancel_answer(outcome, after, vendor_of(ctx.known, job)), Tone.STOPPED


async def agreed(ctx: Context, interaction: Interaction, job: Job) -> tuple[str, Tone]:
    """Judge a press of yes. Raise StorageError."""
    if interaction.user.id != job.user_id:
        return not_yours(interaction), Tone.FAILED
    after = await consent.agree(ctx, job.id) if job.state is State.CONFIRMING else None
    if isinstance(after, Limit):
        return flow(refusals.hindered(Hindered(job.price, after)), reserved(job, Until.FURTHER)), Tone.FAILED
    settings = await ctx.database.read(guilds.settings_of, job.guild_id or 0)
    asked = (settings.moderators_channel_id or settings.alerts_channel_id) is not None
    return answers.agreed_answer(after, asked=asked), Tone.WAITING if after else Tone.STOPPED


async def approved(ctx: Context, interaction: Interaction, job: Job) -> tuple[str, Tone]:
    """Judge a press of Approve. Raise StorageError."""
    if not await rights.answers_for(ctx, interaction, job):
        return not_yours(interaction), Tone.FAILED
    noted = rights.act(interaction, "approve", job.code, member=job.user_id, credits=job.price)
    after = await consent.approve(ctx, job.id, noted=noted) if job.state is State.APPROVING else None
    if isinstance(after, Limit):
        return answers.not_approved(job, after), Tone.FAILED
    ctx.wakes.acts.set()
    return answers.agreed_answer(after), Tone.WAITING if after else Tone.STOPPED


async def explained(ctx: Context, interaction: Interaction, job: Job) -> tuple[str, Tone]:
    """Judge a press of Details. Raise StorageError."""
    if not rights.sees(interaction, job):
        return not_yours(interaction), Tone.FAILED
    delivery = await ctx.database.read(deliveries.of_job, job.id)
    return about.whole(job, vendor_of(ctx.known, job), delivery), Tone.DONE


async def deleted(ctx: Context, interaction: Interaction, job: Job) -> tuple[str, Tone]:
    """Judge a press of Delete. Raise StorageError.

    That it is to go is stored first: whatever breaks afterwards, nothing posts it again, and another press ends it.
    """
    delivery = await ctx.database.read(deliveries.of_job, job.id)
    stands_in = None if delivery is None else delivery.channel_id
    allowed = rights.may(interaction, job, stands_in) or await rights.moderates(ctx, interaction)
    ctx.tell("button pressed", job.id, by=interaction.user.id, allowed=allowed)
    message = interaction.message
    if not allowed or message is None:
        return not_yours(interaction), Tone.FAILED
    delivery, made = await ctx.database.write(_to_go, job, message.id, interaction.user.id, ctx.now())
    if delivery is None or delivery.message_id is None:
        return not_yours(interaction), Tone.FAILED
    ctx.tell("deleting", job.id, message=delivery.message_id)
    ctx.wakes.acts.set()
    try:
        await asyncio.to_thread(orders.delete_files, ctx, job, made)
        await _remove(interaction, job, delivery, delivery.message_id)
    except TROUBLES as error:
        if trouble_of(error) is not Trouble.DELETED:
            _log.warning("result not deleted", job=job.code, trouble=said(error))
            return answers.not_deleted(), Tone.DOUBT
    try:
        await ctx.database.write(_gone, job, ctx.now())
    except StorageError as error:  # it is gone, and that is what counts
        _log.warning("deletion not recorded", job=job.code, trouble=str(error))
    ctx.tell("deleted", job.id)
    ctx.wakes.cards.set()
    return answers.deleted_answer(job), Tone.STOPPED


async def _remove(interaction: Interaction, job: Job, delivery: Delivery, message_id: int) -> None:
    """Delete a result's message. Raise what a call to Discord may raise."""
    if _is_the_card(job, delivery):
        await interaction.delete_original_response()
        return
    guild_id = None if delivery.way is Way.DIRECT else job.guild_id
    channel = interaction.client.get_partial_messageable(delivery.channel_id or job.channel_id, guild_id=guild_id)
    await channel.get_partial_message(message_id).delete()


def _is_the_card(job: Job, delivery: Delivery) -> bool:
    """Tell a result that stands in its own card: where only the command's token reaches."""
    return job.place is Place.BROUGHT and delivery.way is Way.HERE


def _to_go(
    connection: Connection, job: Job, pressed_on: int, by: int, now: int
) -> tuple[Delivery | None, list[Output]]:
    """Record that a result is to be deleted, and once the moderator's act; None: there is no message to delete."""
    delivery = deliveries.of_job(connection, job.id)
    stands = None if delivery is None else delivery.message_id or pressed_on
    if delivery is None or stands is None or delivery.state not in _IN_THE_CHANNEL:
        return None, []
    if pressed_on != job.card_message_id if _is_the_card(job, delivery) else stands == job.card_message_id:
        return None, []
    if deliveries.deleting(connection, job.id, stands):
        job_facts.touch_card(connection, job.id, now)
        if by != job.user_id:
            moderation.acted(connection, job.guild_id or 0, by, "delete", job.code, now, member=job.user_id)
    return deliveries.of_job(connection, job.id), outputs.of_job(connection, job.id)


def _gone(connection: Connection, job: Job, now: int) -> None:
    deliveries.deleted(connection, job.id)
    job_facts.touch_card(connection, job.id, now)
