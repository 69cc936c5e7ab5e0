"""What is posted for a job, and how: as files, smaller ones, or links, with as much around them as Discord allows."""

import asyncio
import io
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import discord
import structlog
from discord.utils import DEFAULT_FILE_SIZE_LIMIT_BYTES

from bot.buttons import result_view
from bot.cards import LINK_LIFE_MS
from bot.language import _
from bot.looks import embed_of, vendor_of
from bot.results import Result, result_of
from bot.talking import NO_PINGS, Trouble
from bot.ways import lines_of, nonce_of
from jobs.context import Context
from jobs.files import OUTPUTS, locate
from jobs.shrink import plan, shrunk
from providers.orders import Operation
from storage import Connection, guilds, outputs
from storage import jobs as job_facts
from storage.words import Delivery, GuildSettings, Job, Output, Way

_log = structlog.get_logger("bot.parcels")
_MOST_FILES = 10  # Discord takes no more with one message
_SEND_SECONDS = 180.0
_SMALL = 2**18  # bytes of a file that is held in memory while it is sent; all others are read as they go out
_shrinking = asyncio.Lock()  # never waited for

# Where a parcel can go: a channel, by the bot's own token; or a command's own message, by that command's.
Room = discord.PartialMessageable | discord.Webhook


@dataclass(frozen=True, slots=True)
class Form:
    """How the message goes out. Each way asks less of Discord than the one before."""

    linked: bool = False  # a link to our own page instead of the file
    large: bool = False  # attaching it was found to be of no use
    bare: bool = False  # no frame and no reference to the card: neither permission is needed


@dataclass(frozen=True, slots=True)
class Parcel:
    """All that is posted for one job."""

    job: Job
    delivery: Delivery
    files: tuple[Output, ...]  # here, in order
    missing: int  # given up
    settings: GuildSettings  # of the server; the defaults outside of servers
    rest: tuple[Output, ...] = ()  # here too, but more than one message holds
    small: Mapping[int, str] = field(default_factory=dict[int, str])  # what goes out instead of a file, by its number


def parcel_of(connection: Connection, delivery: Delivery) -> Parcel | None:
    """Gather what is to be posted for a job."""
    job = job_facts.by_id(connection, delivery.job_id)
    if job is None:
        return None
    all_outputs = outputs.of_job(connection, job.id)
    files = tuple(output for output in all_outputs if output.file is not None)
    settings = guilds.settings_of(connection, job.guild_id or 0)
    missing = len(all_outputs) - len(files)
    return Parcel(job, delivery, files[:_MOST_FILES], missing, settings, files[_MOST_FILES:])


def still_here(ctx: Context, parcel: Parcel) -> Parcel:
    """Count files that are gone from the media store among the missing ones."""
    all_files = (*parcel.files, *parcel.rest)
    here = tuple(output for output in all_files if locate(ctx.media_dir, OUTPUTS, output.file or "").is_file())
    missing = parcel.missing + len(all_files) - len(here)
    return replace(parcel, files=here[:_MOST_FILES], rest=here[_MOST_FILES:], missing=missing)


def limit_of(client: discord.AutoShardedClient, job: Job, way: Way) -> int:
    """Say how large a file may be there, in bytes."""
    if way is Way.DIRECT:
        return min(job.upload_limit, DEFAULT_FILE_SIZE_LIMIT_BYTES)
    guild = client.get_guild(job.guild_id or 0)
    return job.upload_limit if guild is None else min(job.upload_limit, guild.filesize_limit)


async def fitted(ctx: Context, parcel: Parcel, limit: int) -> Parcel | None:
    """Make films that are too large small enough, where that keeps them worth watching.

    None: not now. That takes minutes, and whoever waited for another's turn would hold up everybody's results.
    """
    films = [output for output in parcel.files if _can_shrink(output, limit)]
    if not films:
        return parcel
    if _shrinking.locked():
        return None
    async with _shrinking:
        made = {output.id: await _made_smaller(ctx, parcel.job, output, limit) for output in films}
    return replace(parcel, small={number: name for number, name in made.items() if name is not None})


def _can_shrink(output: Output, limit: int) -> bool:
    if (output.size or 0) <= limit or output.kind != "video" or not output.file:
        return False
    return plan(output.seconds or 0, min(output.width or 0, output.height or 0), limit) is not None


async def _made_smaller(ctx: Context, job: Job, output: Output, limit: int) -> str | None:
    film, size = locate(ctx.media_dir, OUTPUTS, output.file or ""), (output.width or 0, output.height or 0)
    try:
        made = await shrunk(film, output.seconds or 0, size, limit)
    except OSError as error:
        _log.warning("film not made smaller", job=job.code, trouble=type(error).__name__)
        return None
    if made is None:
        return None
    ctx.tell("made smaller", job.id, bytes=output.size)
    return made.name


def fits(parcel: Parcel, limit: int) -> bool:
    """Tell whether every file can be attached."""
    return all((output.size or 0) <= limit or output.id in parcel.small for output in parcel.files)


def lesser(form: Form, trouble: Trouble, *, has_files: bool) -> Form | None:
    """Choose the next form after a refusal; None when it would not help."""
    if trouble is Trouble.TOO_LARGE and has_files and not form.linked:
        return replace(form, linked=True, large=True)
    if trouble not in {Trouble.NOT_ALLOWED, Trouble.REFUSED}:
        return None
    if has_files and not form.linked:  # a frame says whose it is: the file is given up before it
        return replace(form, linked=True)
    return None if form.bare else replace(form, bare=True, linked=form.large)


async def send(ctx: Context, room: Room, parcel: Parcel, form: Form) -> int:
    """Post a parcel and name its message. Raise what a call to Discord may raise, TimeoutError too."""
    job, way = parcel.job, parcel.delivery.way
    result, mark = _written(ctx, parcel, form), _("job {code}").format(code=job.code)
    alone = [f"-# {result.by} · {mark}"] if form.bare else []
    headline = "\n".join([result.headline, *lines_of(job, way), *alone])
    film = bool(parcel.files) and Operation(job.operation).makes == "video"
    outside = job.guild_id is None or way is Way.DIRECT
    view = result_view(job, film=film, making=not outside or ctx.outside_daily > 0)
    # Made anew for every try: discord.py closes them, also when it fails.
    files = [] if form.linked else [await _file(ctx, parcel, output) for output in parcel.files]
    try:
        async with asyncio.timeout(_SEND_SECONDS):
            if isinstance(room, discord.Webhook):  # the card becomes the result: the same edit twice is one
                embed = None if form.bare else embed_of(result.card)
                await room.edit_message(
                    job.card_message_id or 0,
                    content=headline,
                    embed=embed,
                    attachments=files,
                    view=view,
                    allowed_mentions=NO_PINGS,
                )
                return job.card_message_id or 0
            framed: dict[str, Any] = {} if form.bare else {"embed": embed_of(result.card), **_reply(job, way)}
            nonce = nonce_of(job, way)
            sent = await room.send(headline, files=files, view=view, nonce=nonce, allowed_mentions=NO_PINGS, **framed)
            return sent.id
    finally:
        for file in files:
            file.close()


def _written(ctx: Context, parcel: Parcel, form: Form) -> Result:
    until = ctx.now() + LINK_LIFE_MS
    linked = (*parcel.files, *parcel.rest) if form.linked else parcel.rest
    links = [ctx.addresses.link(OUTPUTS, output.file, until) for output in linked if output.file]
    attached = 0 if form.linked else len(parcel.files)
    vendor = vendor_of(ctx.known, parcel.job)
    shrunken = [output.file for output in parcel.files if output.id in parcel.small and output.file]
    whole = [] if form.linked else [ctx.addresses.link(OUTPUTS, file, until) for file in shrunken]
    if parcel.settings.spoiler:  # Discord shows what a bare address leads to, but not what is covered
        links = [f"||{link}||" for link in links]
        whole = [f"<{link}>" for link in whole]
    return result_of(parcel.job, vendor, links=links, missing=parcel.missing, files=attached, whole=whole)


async def _file(ctx: Context, parcel: Parcel, output: Output) -> discord.File:
    """Open a file to be attached. A small one is read at once: piece by piece it would need several trips to a thread.

    Raise OSError.
    """
    job, name = parcel.job, parcel.small.get(output.id) or output.file or ""
    number = f"-{output.position + 1}" if output.position else ""
    path = locate(ctx.media_dir, OUTPUTS, name)
    small = output.id not in parcel.small and (output.size or 0) <= _SMALL
    content = io.BytesIO(await asyncio.to_thread(path.read_bytes)) if small else path
    shown = f"rushes-{job.code}{number}.{name.rpartition('.')[2]}"
    return discord.File(content, shown, spoiler=parcel.settings.spoiler)


def _reply(job: Job, way: Way) -> dict[str, Any]:
    """Make the result an answer to the job's card, where there is one."""
    if job.card_message_id is None or way is not Way.HERE:
        return {}
    card = discord.MessageReference(
        message_id=job.card_message_id, channel_id=job.channel_id, guild_id=job.guild_id, fail_if_not_exists=False
    )
    return {"reference": card, "mention_author": False}
