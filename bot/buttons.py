"""The Cancel button. The job stands in its id, so it works after a restart; every press is judged anew."""

import re
from typing import Any, Protocol, Self, cast

import discord
import structlog

from bot import messages, refusals
from bot.looks import notice, vendor_of
from bot.messages import Tone
from bot.talking import NO_PINGS, TROUBLES, said, working
from jobs.cancel import cancel
from jobs.context import Context
from storage import StorageError
from storage import jobs as job_facts
from storage.words import Job, State, job_id_of

_log = structlog.get_logger("bot.buttons")
_TEMPLATE = re.compile(r"job:(?P<code>[0-9a-z]{13}):cancel")


class Host(Protocol):
    """What a press finds in its client."""

    ctx: Context


class CancelButton(discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=_TEMPLATE):
    """Cancel this job."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(
            discord.ui.Button(label="Cancel", style=discord.ButtonStyle.secondary, custom_id=f"job:{code}:cancel")
        )

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction[Any], item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Make the button again from its id."""
        del interaction, item
        return cls(match["code"])

    async def callback(self, interaction: discord.Interaction[Any]) -> None:
        """Take a press."""
        with working(interaction):
            await pressed(cast("Host", interaction.client).ctx, interaction, self.code)


def view_of(job: Job) -> discord.ui.View | None:
    """Give a job's card its buttons; None when there is nothing left to press."""
    if job.state.terminal or job.state is State.CANCELLING:
        return None
    # Dynamic items only, and no time-out: discord.py forgets the whole class when a mixed view ends.
    view = discord.ui.View(timeout=None)
    view.add_item(CancelButton(job.code))
    return view


def unanswered(interaction: discord.Interaction[Any]) -> bool:
    """Say whether nobody else answers this press: an id that is not ours, or not on the message any more."""
    if interaction.type is not discord.InteractionType.component:
        return False
    custom_id = str((interaction.data or {}).get("custom_id", ""))
    if not _TEMPLATE.fullmatch(custom_id) or interaction.message is None:
        return True
    view = discord.ui.View.from_message(interaction.message, timeout=None)
    return all(getattr(item, "custom_id", None) != custom_id for item in view.walk_children())


async def pressed(ctx: Context, interaction: discord.Interaction[Any], code: str) -> None:
    """Answer a press of Cancel, visible to the one who pressed only. The card follows by itself."""
    try:
        await interaction.response.defer(ephemeral=True, thinking=True)
        await _answer(interaction, *await _judged(ctx, interaction, code))
    except TROUBLES as error:
        _log.warning("press not answered", trouble=said(error))


async def refuse(interaction: discord.Interaction[Any]) -> None:
    """Answer a press that leads nowhere."""
    try:
        await interaction.response.send_message(
            embed=notice(messages.NOT_YOURS), ephemeral=True, allowed_mentions=NO_PINGS
        )
    except TROUBLES as error:
        _log.warning("press not answered", trouble=said(error))


async def _judged(ctx: Context, interaction: discord.Interaction[Any], code: str) -> tuple[str, Tone]:
    try:
        job_id = job_id_of(code)
        job = None if job_id is None else await ctx.database.read(job_facts.by_id, job_id)
        ctx.tell("button pressed", job.id if job else None, by=interaction.user.id, allowed=_may(interaction, job))
        if job is None or not _may(interaction, job):
            return messages.NOT_YOURS, Tone.FAILED
        outcome, after = await cancel(ctx, job.id, interaction.user.id)
    except StorageError as error:
        _log.warning("press not stored", trouble=str(error))
        return refusals.CANCEL_NOT_STORED, Tone.FAILED
    except Exception:  # noqa: BLE001 -- whatever it is, the one who pressed is told
        _log.exception("press failed")
        return refusals.UNEXPECTED_PRESS, Tone.FAILED
    return messages.cancel_answer(outcome, after, vendor_of(ctx.providers, job)), Tone.STOPPED


def _may(interaction: discord.Interaction[Any], job: Job | None) -> bool:
    """Judge a press: same server, and either the one who asked or somebody who may manage messages there."""
    if job is None or job.guild_id != interaction.guild_id or job.channel_id != interaction.channel_id:
        return False
    if interaction.user.id == job.user_id:
        return True
    return job.guild_id is not None and interaction.permissions.manage_messages


async def _answer(interaction: discord.Interaction[Any], text: str, tone: Tone) -> None:
    await interaction.edit_original_response(embed=notice(text, tone), allowed_mentions=NO_PINGS)
