"""The /mv commands: make a music video, show one, have a shot made anew, put shots together."""

from collections.abc import Callable
from typing import Any

import discord
import structlog
from discord import app_commands

from bot import asking, music, options, refusals, shots
from bot.amounts import time_of
from bot.cards import drawn
from bot.commands import making_command
from bot.language import N_, _, numbered
from bot.options import OPERATIONS, Form, Option
from bot.places import server_of
from bot.plain import clean, cut
from bot.rights import may, sees
from bot.taking import Interaction, refuse
from bot.talking import NO_PINGS, working
from jobs.attachments import Desk
from jobs.context import Context
from providers.orders import Operation, Role
from storage import Connection, StorageError, deliveries, outputs
from storage import jobs as job_facts
from storage.codes import job_id_of
from storage.words import Delivery, Job, Output

_MOST_PICTURES = 7
_LOOKED_AT = 50  # of a server's music videos, the newest; each brings all its shots along
_MOST_CHOICES = 25  # Discord shows no more
_log = structlog.get_logger("bot.mv")

CREATE = Form(
    "create",
    N_("Make a music video from pictures and a song"),
    Operation.MUSIC_VIDEO,
    (
        Option("audio", N_("The song: MP3, WAV, M4A or AAC"), discord.Attachment, role=Role.AUDIO, required=True),
        Option("image1", N_("Who or what is to be seen"), discord.Attachment, role=Role.REFERENCE, required=True),
        *(
            Option(f"image{n}", numbered(N_("Picture {number}"), n), discord.Attachment, role=Role.REFERENCE)
            for n in range(2, _MOST_PICTURES + 1)
        ),
        options.PROMPT,
        options.RATIO,
        options.RESOLUTION,
        Option("subtitles", N_("The words of the song: a SubRip file (.srt)"), discord.Attachment, role=Role.SUBTITLES),
        Option("add_subtitle", N_("Show the words of the song"), bool, extra=True),
        Option("language", N_("The language of the song"), str, extra=True),
        Option("lip_sync", N_("Let people sing along; costs more"), bool, extra=True),
        options.PROVIDER,
    ),
)


def _no_video() -> str:
    return _(
        "There is no such music video here, or it is somebody else's. "
        "Choose one from the list that opens while you type."
    )


def mv_group(ctx: Context, desk: Desk) -> app_commands.Group:
    """Make the /mv commands."""
    group = app_commands.Group(name="mv", description=N_("Music videos from pictures and a song"))
    group.add_command(making_command(ctx, desk, CREATE))
    group.add_command(_show(ctx))
    group.add_command(_edit(ctx, desk))
    group.add_command(_compose(ctx, desk))
    return group


def _show(ctx: Context) -> app_commands.Command[Any, ..., None]:
    @app_commands.describe(video=N_("Which music video"))
    async def show(interaction: Interaction, video: str) -> None:
        with working(interaction):
            found = await _read(ctx, interaction, video, sees)
            if isinstance(found, str):
                await refuse(interaction, found)
                return
            job, delivery, files = found
            embed, view = drawn(ctx, job, delivery, files)
            if view is None or not may(interaction, job):
                await interaction.response.send_message(embed=embed, ephemeral=True, allowed_mentions=NO_PINGS)
            else:
                await interaction.response.send_message(
                    embed=embed, view=view, ephemeral=True, allowed_mentions=NO_PINGS
                )

    command: app_commands.Command[Any, ..., None] = app_commands.Command(
        name="show",
        description=N_("Show a music video and its shots, to you alone"),
        callback=show,
        extras={OPERATIONS: (Operation.MUSIC_VIDEO,)},
    )
    command.autocomplete("video")(_naming(ctx, sees))
    return command


def _edit(ctx: Context, desk: Desk) -> app_commands.Command[Any, ..., None]:
    @app_commands.describe(
        video=N_("Which music video"), shot=N_("Which shot, by its number"), prompt=N_("What should be seen instead")
    )
    async def edit(
        interaction: Interaction,
        video: str,
        shot: int,
        prompt: app_commands.Range[str, 1, asking.MOST_PROMPT],
    ) -> None:
        with working(interaction):
            found = await _read(ctx, interaction, video, may)
            if isinstance(found, str):
                await refuse(interaction, found)
                return
            await music.edit(ctx, desk, interaction, found[0], shot, asking.storable(prompt))

    command: app_commands.Command[Any, ..., None] = app_commands.Command(
        name="edit",
        description=N_("Have one shot of a music video made anew"),
        callback=edit,
        extras={OPERATIONS: (Operation.EDIT_SHOT,)},
    )
    command.autocomplete("video")(_naming(ctx, may))
    command.autocomplete("shot")(_numbering(ctx))
    return command


def _compose(ctx: Context, desk: Desk) -> app_commands.Command[Any, ..., None]:
    @app_commands.describe(
        video=N_("Which music video"), wanted=N_("Which shots, in order, like: 1 2 4; left out, all of them")
    )
    @app_commands.rename(wanted="shots")
    async def compose(
        interaction: Interaction, video: str, wanted: app_commands.Range[str, 1, 500] | None = None
    ) -> None:
        with working(interaction):
            found = await _read(ctx, interaction, video, may)
            if isinstance(found, str):
                await refuse(interaction, found)
                return
            job = found[0]
            numbers = list(range(1, len(job.shots) + 1)) if wanted is None else shots.chosen(wanted, job)
            if isinstance(numbers, str):
                await refuse(interaction, refusals.at_no_cost(numbers))
                return
            await music.compose(ctx, desk, interaction, job, numbers)

    command: app_commands.Command[Any, ..., None] = app_commands.Command(
        name="compose",
        description=N_("Put shots of a music video together"),
        callback=compose,
        extras={OPERATIONS: (Operation.COMPOSE_SHOTS,)},
    )
    command.autocomplete("video")(_naming(ctx, may))
    return command


Judge = Callable[[Interaction, Job], bool]
Whole = tuple[Job, Delivery | None, list[Output]]


async def _read(ctx: Context, interaction: Interaction, video: str, judge: Judge) -> Whole | str:
    """Find a music video by what was chosen or typed; or the sentence why not."""
    job_id = job_id_of(video.strip().lower())
    try:
        whole = None if job_id is None else await ctx.database.read(_whole, job_id)
    except StorageError as error:
        _log.warning("music video not read", trouble=str(error))
        return refusals.storage_trouble()
    if whole is None or whole[0].operation != Operation.MUSIC_VIDEO or not judge(interaction, whole[0]):
        return refusals.at_no_cost(_no_video())
    return whole


def _whole(connection: Connection, job_id: int) -> Whole | None:
    job = job_facts.by_id(connection, job_id)
    return None if job is None else (job, deliveries.of_job(connection, job_id), outputs.of_job(connection, job_id))


def _naming(ctx: Context, judge: Judge) -> Any:
    """Suggest music videos: how the prompt begins, the age, the code."""

    async def complete(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        try:
            server, asker = server_of(interaction), interaction.user.id
            found = await ctx.database.read(job_facts.music_videos, server, _LOOKED_AT, asker=asker)
        except StorageError as error:
            _log.warning("no suggestions", trouble=str(error))
            return []
        wanted = clean(current).casefold()
        named = [(_name(job, ctx.now()), job.code) for job in found if judge(interaction, job)]
        fitting = [(name, code) for name, code in named if wanted in name.casefold()]
        return [app_commands.Choice(name=name, value=code) for name, code in fitting[:_MOST_CHOICES]]

    return complete


def _name(job: Job, now: int) -> str:
    ago = _("{time} ago").format(time=time_of((now - job.created_at) / 1000))
    end = f" · {ago} · {job.code}"
    return cut(clean(job.prompt) or _("(no prompt)"), 100 - len(end)) + end


def _numbering(ctx: Context) -> Any:
    """Suggest the shots of the music video that is chosen."""

    async def complete(interaction: Interaction, current: Any) -> list[app_commands.Choice[int]]:
        found = await _read(ctx, interaction, str(interaction.namespace.video or ""), may)
        if isinstance(found, str):
            return []
        wanted = str(current).strip()
        named = [(number, shots.label(number, shot)) for number, shot in enumerate(found[0].shots, 1)]
        fitting = [one for one in named if str(one[0]).startswith(wanted)]
        return [app_commands.Choice(name=name, value=number) for number, name in fitting[:_MOST_CHOICES]]

    return complete
