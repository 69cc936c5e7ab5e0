"""Making something from a finished job: the same again, changed a little, or going on from its last picture.

Whoever presses asks: the job is theirs, and every check and limit is as if they had typed it. A form is not kept here;
what is sent is read by its id alone, so that it works after a restart.
"""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import discord
import structlog

from bot import again_form, refusals
from bot.again_form import typed_again, with_changes
from bot.buttons import card_acts, result_acts
from bot.choices import Files, Typed, provider_named
from bot.language import _, flow, ngettext, number
from bot.presses import not_yours
from bot.rights import sees
from bot.taking import Asked, Interaction, Kept, address, refuse, refused_at_once, stumbled, take
from jobs import files, orders
from jobs.attachments import Desk, Flaw
from jobs.context import Context
from jobs.frames import NoFrame, last_frame
from providers.orders import Operation, Picture, Problem, Role
from storage import StorageError, outputs
from storage import jobs as job_facts
from storage.codes import job_id_of
from storage.words import Job, State

_FORM = re.compile(r"job:(?P<code>[0-9a-z]{13}):(?P<act>edit|animate)")
_DOUBLE_MS = 3_000
_log = structlog.get_logger("bot.again")


def files_gone(days: int) -> str:
    """Say that what a job was made from is not here any more; files are kept for `days`, 0: for ever."""
    words = _("I don't have the files any more that this was made from. Please type the command again and attach them.")
    return refusals.at_no_cost(flow(words, _kept(days)))


def _kept(days: int) -> str:
    words = ngettext("Files are kept for {count} day.", "Files are kept for {count} days.", days)
    return words.format(count=number(days)) if days else ""


def words_gone() -> str:
    """Say that what was typed for a job was deleted."""
    words = _(
        "I don't have the words of this job any more: they are deleted after a while, or when the member who asked "
        "wants it. So I can't make it again. Type a command of your own."
    )
    return refusals.at_no_cost(words)


def film_gone(days: int) -> str:
    """Say that a result is not here any more; files are kept for `days`, 0: for ever."""
    words = _(
        "I don't have this video any more. Save its last picture yourself and use `/video` with it as the `image`."
    )
    return refusals.at_no_cost(flow(words, _kept(days)))


def no_frame() -> str:
    """Say that a film did not give its last picture."""
    words = _(
        "I could not take the last picture out of this video. Save it yourself and use `/video` with it as the `image`."
    )
    return refusals.at_no_cost(words)


def pressed_twice() -> str:
    """Say that a second press was taken for a double click."""
    return _(
        "You pressed this twice within three seconds, so I took it as one press. Press once more if you want another "
        "one; for this press nothing was sent and nothing was spent."
    )


class Lately:
    """Who pressed what within the last seconds, so that a double click is one order. Forgotten at a restart."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, int], int] = {}

    def first(self, member: int, job: int, now: int) -> bool:
        """Note a press (now: milliseconds); False when the same member pressed the same a moment ago."""
        self._seen = {press: at for press, at in self._seen.items() if abs(now - at) < _DOUBLE_MS}
        new = (member, job) not in self._seen
        self._seen.setdefault((member, job), now)
        return new


async def pressed(ctx: Context, desk: Desk, lately: Lately, interaction: Interaction, code: str, act: str) -> None:
    """Answer a press of Again, with the job; of one of the others, with its form; or with why not."""
    try:
        job = await _found(ctx, interaction, code, act)
        if isinstance(job, str):
            await refuse(interaction, job)
            return
        asked = await _asked(ctx, desk, job, act, {})
        if isinstance(asked, Asked) and act != "again":
            asked = refused_at_once(ctx, interaction, asked, whole=False) or asked
        if isinstance(asked, str):
            await refuse(interaction, asked)
        elif act != "again":
            await interaction.response.send_modal(again_form.form(ctx.offered(job.guild_id), job, act, asked.typed))
            ctx.tell("form shown", job.id, by=interaction.user.id, act=act)
        elif lately.first(interaction.user.id, job.id, ctx.now()):
            await take(ctx, desk, interaction, asked)
        else:
            await refuse(interaction, pressed_twice())
    except Exception as error:  # noqa: BLE001 -- whatever it is, the one who pressed is told
        await stumbled(interaction, error)


async def form_submitted(ctx: Context, desk: Desk, interaction: Interaction) -> None:
    """Take a submitted form, if it is one of ours."""
    data: Any = interaction.data or {}
    custom_id = str(data.get("custom_id", ""))
    if interaction.type is not discord.InteractionType.modal_submit or not custom_id.startswith("job:"):
        return
    try:
        match = _FORM.fullmatch(custom_id)
        job = await _found(ctx, interaction, match["code"], match["act"]) if match else not_yours(interaction)
        if match is None or isinstance(job, str):
            await refuse(interaction, str(job))
            return
        said = again_form.filled_in(data.get("components"))
        asked = await _asked(ctx, desk, job, match["act"], said)
        if isinstance(asked, str):
            await refuse(interaction, refusals.with_answers(asked, again_form.written(said)))
        else:
            await take(ctx, desk, interaction, asked)
    except Exception as error:  # noqa: BLE001 -- likewise
        await stumbled(interaction, error)


async def _found(ctx: Context, interaction: Interaction, code: str, act: str) -> Job | str:
    """Find a job whose result the one who asks may see, and which this can be done to; or the sentence why not."""
    job_id = job_id_of(code)
    try:
        job = None if job_id is None else await ctx.database.read(job_facts.by_id, job_id)
    except StorageError as error:
        _log.warning("job not read", trouble=str(error))
        return refusals.storage_trouble()
    allowed = job is not None and sees(interaction, job) and act in _acts(job)
    ctx.tell("button pressed", job.id if job else None, by=interaction.user.id, allowed=allowed)
    return job if job is not None and allowed else not_yours(interaction)


def _acts(job: Job) -> list[str]:
    if job.state is not State.SUCCEEDED:
        return card_acts(job)
    return result_acts(job, film=Operation(job.operation).makes == "video")


async def _asked(ctx: Context, desk: Desk, job: Job, act: str, said: Mapping[str, str]) -> Asked | str:
    """Write the request, with what was filled in; or the sentence why it cannot be made."""
    if act == "animate":
        roles = (Role.FIRST_FRAME,)
        typed, kept = Typed(Operation.IMAGE_TO_VIDEO, roles), await _from_film(ctx, desk, job)
    elif not job.asked:
        return words_gone()
    else:
        typed, kept = typed_again(job), await _from_files(ctx, job)
        if act == "edit" and typed.provider and provider_named(ctx.offered(job.guild_id), typed.provider) is None:
            typed = replace(typed, provider=None)  # the form has no field to name another
    if isinstance(kept, str):
        return kept
    changed = with_changes(typed, said)
    if isinstance(changed, Problem):
        return refusals.refused([changed], None)
    return Asked(changed, kept=kept, written=again_form.written(said))


async def _from_files(ctx: Context, job: Job) -> Kept | str | None:
    """Give the files of a job to another one."""
    if not job.inputs:
        return None
    if await asyncio.to_thread(orders.files_gone, ctx, job):
        return files_gone(ctx.keeping.files)

    async def read() -> Files | str:
        try:
            return Files(*await asyncio.to_thread(orders.whole_files_of, ctx, job))
        except OSError as error:
            _log.warning("files not read", job=job.code, trouble=type(error).__name__)
            return files_gone(ctx.keeping.files)

    return Kept(typed_again(job).roles, read)


async def _from_film(ctx: Context, desk: Desk, job: Job) -> Kept | str:
    """Give the last picture of a job's film to another job, as its first."""
    try:
        film = await _film(ctx, job)
    except StorageError as error:
        _log.warning("result not read", trouble=str(error))
        return refusals.storage_trouble()
    if film is None:
        return film_gone(ctx.keeping.files)

    async def read() -> Files | str:
        try:
            data = await last_frame(film)
            seen = await desk.look(data)
        except (NoFrame, OSError, RuntimeError) as error:
            _log.warning("no last picture", job=job.code, trouble=str(error) or type(error).__name__)
            return no_frame()
        if isinstance(seen, Flaw):
            return no_frame()
        ctx.tell("last picture taken", job.id, bytes=len(data))
        picture = Picture(Role.FIRST_FRAME, seen.mime, len(data), seen.width, seen.height, data, address(ctx))
        return Files((picture,))

    return Kept((Role.FIRST_FRAME,), read)


async def _film(ctx: Context, job: Job) -> Path | None:
    """Find a job's film; of several the first, but of a music video that came in pieces the last."""
    made = await ctx.database.read(outputs.of_job, job.id)
    films = [output.file for output in made if output.file and output.kind != "image"]
    if not films:
        return None
    path = files.locate(ctx.media_dir, files.OUTPUTS, films[-1 if job.shots else 0])
    return path if await asyncio.to_thread(path.is_file) else None
