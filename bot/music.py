"""Changing a music video: a shot made anew, or all shots put together, asked by a press, a form or a command.

Whoever asks is judged anew each time, and the shots are looked up as they are now: what a card, a menu or a form said
earlier does not count.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from typing import Any, cast

import discord
import structlog

from bot import refusals, shots
from bot.asking import MOST_SECONDS, storable, worded
from bot.choices import Typed
from bot.language import _
from bot.rights import may
from bot.sent import fields_of
from bot.taking import Asked, Interaction, refuse, stumbled, take
from jobs.attachments import Desk
from jobs.changes import in_the_way
from jobs.context import Context
from providers.orders import Operation
from storage import StorageError
from storage import jobs as job_facts
from storage.codes import job_id_of
from storage.words import Job, StoredShot

_FORM = re.compile(r"mv:(?P<code>[0-9a-z]{13}):edit:(?P<number>[0-9]{1,4}):(?P<shot>[0-9a-f]{16})")
_MOST_TYPED = 4000  # characters of a form's field, at Discord
_log = structlog.get_logger("bot.music")


def not_found() -> str:
    """Refuse a change, in the same words whatever the reason."""
    words = _(
        "I can't change that music video for you: it is not here any more, or it is somebody else's. "
        "The one who asked and people who may manage messages in its channel can."
    )
    return refusals.at_no_cost(words)


async def shot_picked(ctx: Context, interaction: Interaction, code: str) -> None:
    """Answer a pick in the menu of shots: with the form for the new prompt, or with why not."""
    try:
        job = await _found(ctx, interaction, code)
        number = _number(interaction)
        refusal = job if isinstance(job, str) else await _refusal(ctx, Operation.EDIT_SHOT, job, [number])
        shot = None if isinstance(job, str) else shots.shot_at(job, number)
        if refusal is not None or shot is None or isinstance(job, str):
            await refuse(interaction, _with_end(refusal or not_found()))
            return
        await interaction.response.send_modal(_form(job, number, shot))
        ctx.tell("form shown", job.id, by=interaction.user.id, shot=number)
        await _drawn_anew(ctx, interaction, job)
    except Exception as error:  # noqa: BLE001 -- whatever it is, the one who pressed is told
        await stumbled(interaction, error)


async def _drawn_anew(ctx: Context, interaction: Interaction, job: Job) -> None:
    """Have the card drawn: until then its menu shows what was picked, and Discord lets nobody pick that again."""
    if interaction.message is None or interaction.message.id != job.card_message_id:
        return
    try:
        await ctx.database.write(job_facts.touch_card, job.id, ctx.now())
    except StorageError as error:  # the form is open, and that is what counts
        _log.warning("card not drawn anew", job=job.code, trouble=str(error))
    ctx.wakes.cards.set()


async def compose_pressed(ctx: Context, desk: Desk, interaction: Interaction, code: str) -> None:
    """Answer a press of Compose: all shots, as they are now, in their order."""
    try:
        job = await _found(ctx, interaction, code)
        if isinstance(job, str):
            await refuse(interaction, job)
            return
        await compose(ctx, desk, interaction, job, range(1, len(job.shots) + 1))
    except Exception as error:  # noqa: BLE001 -- likewise
        await stumbled(interaction, error)


async def form_submitted(ctx: Context, desk: Desk, interaction: Interaction) -> None:
    """Take a submitted form, if it is one of ours."""
    data: Any = interaction.data or {}
    custom_id = str(data.get("custom_id", ""))
    if interaction.type is not discord.InteractionType.modal_submit or not custom_id.startswith("mv:"):
        return
    try:
        match = _FORM.fullmatch(custom_id)
        job = await _found(ctx, interaction, match["code"]) if match else not_found()
        if match is None or isinstance(job, str):
            await refuse(interaction, str(job))
        else:
            number = shots.number_of(job, match["shot"])
            if number is None:
                await refuse(interaction, _with_end(shots.gone(job, int(match["number"]))))
                return
            await edit(ctx, desk, interaction, job, number, _typed(data.get("components")))
    except Exception as error:  # noqa: BLE001 -- likewise
        await stumbled(interaction, error)


async def edit(ctx: Context, desk: Desk, interaction: Interaction, job: Job, number: int, prompt: str) -> None:
    """Ask for a shot of a music video to be made anew. The caller has judged who asks."""
    refusal = await _refusal(ctx, Operation.EDIT_SHOT, job, [number])
    if refusal is None and not worded(prompt):
        refusal = _("A shot needs a prompt: say what should be seen instead.")
    if refusal is not None:
        await refuse(interaction, _with_end(refusal))
        return
    await take(ctx, desk, interaction, _asked(Operation.EDIT_SHOT, job, [number], prompt))


async def compose(ctx: Context, desk: Desk, interaction: Interaction, job: Job, numbers: Sequence[int]) -> None:
    """Ask for shots of a music video to be put together. The caller has judged who asks."""
    refusal = await _refusal(ctx, Operation.COMPOSE_SHOTS, job, numbers)
    if refusal is not None:
        await refuse(interaction, _with_end(refusal))
        return
    await take(ctx, desk, interaction, _asked(Operation.COMPOSE_SHOTS, job, numbers, None))


async def _refusal(ctx: Context, operation: Operation, job: Job, numbers: Sequence[int]) -> str | None:
    """Say why shots cannot be changed or put together now; None when they can. The hold asks once more."""
    closed = _not_open(job)
    if closed is not None:
        return closed
    try:
        under_way = await ctx.database.read(job_facts.changes_of, job)
    except StorageError as error:
        _log.warning("changes not read", trouble=str(error))
        return refusals.storage_trouble()
    working = bool(under_way) or not job.state.terminal
    if operation is Operation.EDIT_SHOT:
        refusal = shots.not_editable(job, numbers[0], working=working)
    else:
        refusal = shots.not_composable(job, numbers, working=working)
    other = None if refusal else in_the_way(operation, shots.ids_of(job, numbers), under_way)
    return refusal if other is None else shots.waits(job, operation, other)


def _asked(operation: Operation, job: Job, numbers: Sequence[int], prompt: str | None) -> Asked:
    """Write the request: the vendor that has the music video, and no other, can change it.

    A shot's length and size are not sent, they are what its price is estimated from.
    """
    parent, ids = job.task_id or "", shots.ids_of(job, numbers)
    typed = Typed(operation=operation, prompt=prompt, provider=job.provider, parent=parent, shots=ids)
    shot = shots.shot_at(job, numbers[0]) if operation is Operation.EDIT_SHOT else None
    # A length that nobody may type is none to be refused for: the shot is as long as it is.
    if shot is not None and shot.seconds and shot.seconds <= MOST_SECONDS:
        typed = replace(typed, duration=ceil(shot.seconds), resolution=job.options.get("resolution"))
    return Asked(typed, root=job)


async def _found(ctx: Context, interaction: Interaction, code: str) -> Job | str:
    """Find a music video that the one who asks may change; or the sentence why not."""
    job_id = job_id_of(code)
    try:
        job = None if job_id is None else await ctx.database.read(job_facts.by_id, job_id)
    except StorageError as error:
        _log.warning("music video not read", trouble=str(error))
        return refusals.storage_trouble()
    allowed = job is not None and job.operation == Operation.MUSIC_VIDEO and may(interaction, job)
    ctx.tell("shots asked for", job.id if job else None, by=interaction.user.id, allowed=allowed)
    if job is None or not allowed:
        return not_found()
    closed = _not_open(job)
    return job if closed is None else _with_end(closed)


def _not_open(job: Job) -> str | None:
    return None if shots.changeable(job) else _("This music video has no shots that could be changed.")


def _form(job: Job, number: int, shot: StoredShot) -> discord.ui.Modal:
    """Make the form for a shot's new prompt. It is not kept here: what is submitted is read by its id alone."""
    form = discord.ui.Modal(
        title=_("Shot {number}").format(number=number),
        custom_id=f"mv:{job.code}:edit:{number}:{shots.digest(shot)}",
    )
    form.add_item(
        discord.ui.Label(
            text=_("What should be seen instead"),
            component=discord.ui.TextInput(
                custom_id="prompt",
                style=discord.TextStyle.paragraph,
                default=storable(shot.prompt)[:_MOST_TYPED] or None,
                min_length=1,
                max_length=_MOST_TYPED,
            ),
        )
    )
    form.stop()  # or discord.py keeps every form that was ever shown
    return form


def _number(interaction: Interaction) -> int:
    """Read which shot was picked; 0, which none is, for what cannot be read."""
    data: Any = interaction.data or {}
    values = _listed(data.get("values"))
    value = str(values[0]) if len(values) == 1 else ""
    return int(value) if value.isascii() and value.isdigit() and len(value) < 5 else 0


def _typed(parts: Any) -> str:
    """Find what was typed in a form's one field."""
    return storable(next(iter(fields_of(parts).get("prompt", ())), ""))


def _listed(value: Any) -> list[Any]:
    return list(cast("list[Any]", value)) if isinstance(value, list) else []


def _with_end(text: str) -> str:
    return text if text.endswith(refusals.nothing_spent()) else refusals.at_no_cost(text)
