"""/mydata: everything stored about a member as a file for them, and their words and files taken away for good."""

import asyncio
import io
import re
from collections.abc import Sequence
from typing import Any, Self, cast

import discord
import structlog
from discord import app_commands

from bot import export, presses
from bot.buttons import Host
from bot.export import Parts
from bot.labels import made
from bot.language import N_, _, flow, ngettext, number
from bot.looks import notice
from bot.messages import Tone
from bot.mine import not_read
from bot.plain import plain
from bot.talking import NO_PINGS, TROUBLES, said, working
from jobs import files
from jobs.context import Context
from storage import Connection, StorageError, members
from storage.codes import job_code
from storage.words import Job

_MOST_BYTES = 8 * 2**20  # of one file; Discord takes more in some servers only
_MOST_TOGETHER = 3  # files of a message: Discord takes 25 MB in one
_PAGE = 200  # jobs read at a time
_STEP = 100  # jobs taken the words of in one transaction: others wait for it
_MOST_NAMED = 5
_PROMPT_MOST = 40
_DELETE = re.compile(r"mydata:(?P<guild>[0-9]{1,20}):(?P<owner>[0-9]{1,20}):delete")
_log = structlog.get_logger("bot.mydata")

Interaction = discord.Interaction[Any]


def stays() -> str:
    """Say what a deletion leaves, and why."""
    kept = _(
        "**What stays:** when and where you asked, which provider and model, how long and how large, and the credits, "
        "under your Discord number: the budgets are sums of them. Blocks, presets, and what moderators and admins did "
        "stay with the server. So do the messages in its channels: delete them there, or ask a moderator to."
    )
    copies = _("What others made of yours with Again is theirs: it keeps your prompt and your pictures.")
    return flow(kept, copies)


def goes_by_itself(days: int) -> str:
    """Say when words are deleted though nobody asks for it."""
    words = ngettext(
        "Words and files of jobs that are over are deleted by themselves after {count} day.",
        "Words and files of jobs that are over are deleted by themselves after {count} days.",
        days,
    )
    return words.format(count=number(days))


def nothing_to_delete() -> str:
    """Say that there is nothing to delete."""
    return _("There is nothing to delete: no finished job of yours holds any words or files.")


def mydata_group(ctx: Context) -> app_commands.Group:
    """Make the /mydata commands."""
    group = app_commands.Group(name="mydata", description=N_("What is stored about you"))
    group.add_command(_export(ctx))
    group.add_command(_delete(ctx))
    return group


def _export(ctx: Context) -> app_commands.Command[Any, ..., None]:
    turn = asyncio.Lock()  # one at a time: each may hold a few thousand jobs in memory

    async def export_mine(interaction: Interaction) -> None:
        with working(interaction):
            await interaction.response.defer(ephemeral=True, thinking=True)
            try:
                async with turn:
                    written, left_out = await _written(ctx, interaction)
            except StorageError as error:
                _log.warning("data not read", trouble=str(error))
                await interaction.edit_original_response(embed=notice(not_read()), allowed_mentions=NO_PINGS)
                return
            ctx.tell("data exported", None, by=interaction.user.id, files=len(written))
            await interaction.edit_original_response(
                embed=notice(_handed_over(len(written), left_out), Tone.DONE),
                attachments=_files(written[:_MOST_TOGETHER]),
                allowed_mentions=NO_PINGS,
            )
            for first in range(_MOST_TOGETHER, len(written), _MOST_TOGETHER):
                some = _files(written[first : first + _MOST_TOGETHER])
                await interaction.followup.send(files=some, ephemeral=True, allowed_mentions=NO_PINGS)

    return app_commands.Command(
        name="export", description=N_("Everything stored about you, as a file for you alone"), callback=export_mine
    )


def _files(written: Sequence[tuple[str, bytes]]) -> list[discord.File]:
    return [discord.File(io.BytesIO(data), filename=name) for name, data in written]


async def _written(ctx: Context, interaction: Interaction) -> tuple[list[tuple[str, bytes]], int]:
    """Write the files, the newest jobs first; and how many jobs there was no room for. Raise StorageError."""
    user_id = interaction.user.id
    about = await ctx.database.read(members.about, user_id)
    parts = Parts(export.head(about, user_id, ctx.now()), min(_room(interaction), _MOST_BYTES))
    before: int | None = None
    while True:
        found = await ctx.database.read(members.kept, user_id, before, _PAGE)
        room = await asyncio.to_thread(parts.add, [export.job_of(one, user_id) for one in found])
        if not room or len(found) < _PAGE:
            break
        before = found[-1].job.id
    written = await asyncio.to_thread(parts.files)
    part = "" if len(written) == 1 else "-{}"
    return [(f"rushes-mydata{part.format(n)}.json", data) for n, data in enumerate(written, 1)], parts.left_out


def _room(interaction: Interaction) -> int:
    """Say how large a file may be here: the limit that came with the command may be the member's own, higher one."""
    guild = interaction.guild
    return interaction.filesize_limit if guild is None else min(interaction.filesize_limit, guild.filesize_limit)


def _handed_over(count: int, left_out: int) -> str:
    text = ngettext(
        "This file holds everything stored about you, in servers and outside of them: your jobs with their "
        "words, options, times and credits, and what was decided about you. Only you see this message; save what you "
        "need.",
        "These {count} files hold everything stored about you, in servers and outside of them: your jobs with "
        "their words, options, times and credits, and what was decided about you. Only you see this message; save what "
        "you need.",
        count,
    ).format(count=number(count))
    no_room = _("There was no room for your oldest jobs. The admin of this bot has them.")
    return f"{text}\n{no_room}" if left_out else text


def _delete(ctx: Context) -> app_commands.Command[Any, ..., None]:
    async def delete_mine(interaction: Interaction) -> None:
        with working(interaction):
            await interaction.response.defer(ephemeral=True, thinking=True)
            try:
                count, left = await ctx.database.read(_counted, interaction.user.id)
            except StorageError as error:
                _log.warning("data not read", trouble=str(error))
                await interaction.edit_original_response(embed=notice(not_read()), allowed_mentions=NO_PINGS)
                return
            view = None
            if count:
                view = discord.ui.View(timeout=None)
                view.add_item(DeleteButton(interaction.guild_id or 0, interaction.user.id))
            await interaction.edit_original_response(
                embed=notice(question(count, left, ctx.keeping.words), Tone.DOUBT), view=view, allowed_mentions=NO_PINGS
            )

    return app_commands.Command(
        name="delete", description=N_("Take your words and files out of what is stored, for good"), callback=delete_mine
    )


def _counted(connection: Connection, user_id: int) -> tuple[int, list[Job]]:
    return len(members.worded(connection, user_id, None)), members.unfinished(connection, user_id)


class DeleteButton(discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=_DELETE):
    """Yes, take the words and files of this member away."""

    def __init__(self, guild_id: int, owner: int) -> None:
        self.guild_id, self.owner = guild_id, owner
        super().__init__(
            discord.ui.Button(
                label=_("Delete for good"),
                style=discord.ButtonStyle.danger,
                custom_id=f"mydata:{guild_id}:{owner}:delete",
            )
        )

    @classmethod
    async def from_custom_id(
        cls, interaction: Interaction, item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Make the button again from its id."""
        del interaction, item
        return cls(int(match["guild"]), int(match["owner"]))

    async def callback(self, interaction: Interaction) -> None:
        """Take a press."""
        with working(interaction):
            if interaction.user.id != self.owner or (interaction.guild_id or 0) != self.guild_id:
                await presses.refuse(interaction)
                return
            try:
                await interaction.response.defer(ephemeral=True, thinking=True)
                text, tone = await _deleted(cast("Host", interaction.client).ctx, self.owner)
                await interaction.edit_original_response(embed=notice(text, tone), allowed_mentions=NO_PINGS)
            except TROUBLES as error:
                _log.warning("press not answered", trouble=said(error))


ITEMS: tuple[type[discord.ui.DynamicItem[Any]], ...] = (DeleteButton,)
TEMPLATES = (_DELETE,)


async def _deleted(ctx: Context, user_id: int) -> tuple[str, Tone]:
    """Take the words out of the database step by step, then the files off the disk; a second time does no harm.

    Files come last: by then nothing that is about to post or to send them can be among these jobs. Where the program
    stops in between, another press deletes them, or the tidying of old files within days.
    """
    count = gone = stuck = 0
    try:
        while step := await ctx.database.write(members.silenced, user_id, _STEP):
            count += step
        over, left = (
            await ctx.database.read(members.finished, user_id),
            await ctx.database.read(members.unfinished, user_id),
        )
        codes = {job_code(job_id) for job_id in over}
        gone, stuck = await asyncio.to_thread(files.remove, ctx.media_dir, codes)
    except StorageError as error:
        _log.warning("data not deleted", trouble=str(error))
        return _not_deleted(count), Tone.FAILED
    except Exception:  # noqa: BLE001 -- whatever it is, the one who pressed is told
        _log.exception("deletion failed")
        words = _(
            "Something went wrong on my side, and it has been noted for the admin. Please press again to be sure."
        )
        return words, Tone.FAILED
    ctx.tell("data deleted", None, by=user_id, jobs=count, files=gone)
    return answer(count, gone, stuck, left), Tone.DONE


def _not_deleted(count: int) -> str:
    """Say how far a deletion came that was broken off."""
    if not count:
        return _("I can't store anything just now. Nothing was deleted. Please try again in a minute.")
    words = ngettext(
        "I can't store anything just now. The words of {count} job are gone, the rest is as it was. "
        "Please try again in a minute.",
        "I can't store anything just now. The words of {count} jobs are gone, the rest is as it was. "
        "Please try again in a minute.",
        count,
    )
    return words.format(count=number(count))


def question(count: int, left: Sequence[Job], days: int = 0) -> str:
    """Say what would be deleted, what would stay, and why; `days` after which it goes without being asked for."""
    by_itself = [goes_by_itself(days)] if days else []
    if not count:
        return "\n".join([nothing_to_delete(), *by_itself, *_left(left)])
    head = ngettext(
        "This takes away for good, of your **{count} job** that is over, in servers and outside of them:",
        "This takes away for good, of your **{count} jobs** that are over, in servers and outside of them:",
        count,
    )
    lines = [
        head.format(count=number(count)),
        "- " + _("your prompts, and every other text, line and list you gave with them,"),
        "- " + _("the pictures, videos and recordings you gave,"),
        "- " + _("your name,"),
        "- " + _("the results I still keep: links to them stop working."),
        stays(),
        _("It can't be undone. Credits are neither spent nor returned."),
    ]
    return "\n".join([*lines, *by_itself, *_left(left)])


def answer(count: int, gone: int, stuck: int, left: Sequence[Job]) -> str:
    """Say what was deleted, what stays, and why."""
    if not count and not gone and not stuck:
        return "\n".join([nothing_to_delete(), *_left(left)])
    lines: list[str] = []
    if count:
        words = ngettext(
            "Done: the words of **{count} job** are gone for good.",
            "Done: the words of **{count} jobs** are gone for good.",
            count,
        )
        lines.append(words.format(count=number(count)))
    if gone:
        words = ngettext("{count} file is gone for good.", "{count} files are gone for good.", gone)
        lines.append(words.format(count=number(gone)))
    lines.append(stays())
    if stuck:
        words = ngettext(
            "{count} file could not be deleted just now; within eight days that happens by itself.",
            "{count} files could not be deleted just now; within eight days that happens by itself.",
            stuck,
        )
        lines.append(words.format(count=number(stuck)))
    return "\n".join([*lines, *_left(left)])


def _left(left: Sequence[Job]) -> list[str]:
    """Name the jobs that are not over."""
    if not left:
        return []
    head = ngettext(
        "**{count} job** not over yet stays as it is. When it is over, use `/mydata delete` again:",
        "**{count} jobs** not over yet stay as they are. When they are over, use `/mydata delete` again:",
        len(left),
    )
    named = [f"- {plain(job.prompt, _PROMPT_MOST) or made(job.operation)} · {job.code}" for job in left[:_MOST_NAMED]]
    rest = len(left) - _MOST_NAMED
    more = "- " + _("and {count} more").format(count=number(rest))
    return [head.format(count=number(len(left))), *named, *([more] if rest > 0 else [])]
