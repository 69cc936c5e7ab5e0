"""What can be pressed on a card. The job stands in each item's id, so that it works after a restart.

Every press is judged anew. Dynamic items only, and no time-outs: discord.py forgets a whole class of them when a view
that mixes kinds ends.
"""

import re
from typing import Any, Protocol, Self, cast

import discord
import structlog

from bot import messages, refusals, shots
from bot.looks import notice, vendor_of
from bot.messages import Tone
from bot.talking import NO_PINGS, TROUBLES, said, working
from jobs.cancel import cancel
from jobs.context import Context
from storage import StorageError
from storage import jobs as job_facts
from storage.words import Job, State, job_id_of

_log = structlog.get_logger("bot.buttons")
_CANCEL = re.compile(r"job:(?P<code>[0-9a-z]{13}):cancel")
_SHOTS = re.compile(r"mv:(?P<code>[0-9a-z]{13}):shots:(?P<page>[0-3])")
_COMPOSE = re.compile(r"mv:(?P<code>[0-9a-z]{13}):compose")
_MOST_OPTIONS = 25  # in a menu, at Discord
_MOST_MENUS = 4  # a message has five rows, and one of them is for buttons

Interaction = discord.Interaction[Any]


class Host(Protocol):
    """What a press finds in its client."""

    ctx: Context

    async def shot_picked(self, interaction: Interaction, code: str) -> None:
        """Answer a press of a shot."""
        ...

    async def compose_pressed(self, interaction: Interaction, code: str) -> None:
        """Answer a press of Compose."""
        ...


class CancelButton(discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=_CANCEL):
    """Cancel this job."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(
            discord.ui.Button(label="Cancel", style=discord.ButtonStyle.secondary, custom_id=f"job:{code}:cancel")
        )

    @classmethod
    async def from_custom_id(
        cls, interaction: Interaction, item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Make the button again from its id."""
        del interaction, item
        return cls(match["code"])

    async def callback(self, interaction: Interaction) -> None:
        """Take a press."""
        with working(interaction):
            await pressed(cast("Host", interaction.client).ctx, interaction, self.code)


class ShotMenu(discord.ui.DynamicItem[discord.ui.Select[discord.ui.View]], template=_SHOTS):
    """Pick a shot of this music video to change."""

    def __init__(self, code: str, page: int, job: Job | None = None) -> None:
        self.code = code
        options, placeholder = _offered(job, page) if job else ([discord.SelectOption(label="1")], "")
        super().__init__(
            discord.ui.Select(custom_id=f"mv:{code}:shots:{page}", placeholder=placeholder or None, options=options)
        )

    @classmethod
    async def from_custom_id(
        cls, interaction: Interaction, item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Make the menu again from its id; what it offered then does not count."""
        del interaction, item
        return cls(match["code"], int(match["page"]))

    async def callback(self, interaction: Interaction) -> None:
        """Take a press."""
        with working(interaction):
            await cast("Host", interaction.client).shot_picked(interaction, self.code)


class ComposeButton(discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=_COMPOSE):
    """Put the newest shots of this music video together."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(
            discord.ui.Button(label="Compose", style=discord.ButtonStyle.primary, custom_id=f"mv:{code}:compose")
        )

    @classmethod
    async def from_custom_id(
        cls, interaction: Interaction, item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Make the button again from its id."""
        del interaction, item
        return cls(match["code"])

    async def callback(self, interaction: Interaction) -> None:
        """Take a press."""
        with working(interaction):
            await cast("Host", interaction.client).compose_pressed(interaction, self.code)


ITEMS: tuple[type[discord.ui.DynamicItem[Any]], ...] = (CancelButton, ShotMenu, ComposeButton)
_TEMPLATES = (_CANCEL, _SHOTS, _COMPOSE)


def view_of(job: Job) -> discord.ui.View | None:
    """Give a job's card what can be pressed; None when there is nothing left to press."""
    items: list[discord.ui.DynamicItem[Any]] = []
    if shots.changeable(job):
        pages = min(-(-len(job.shots) // _MOST_OPTIONS), _MOST_MENUS)
        items += [ShotMenu(job.code, page, job) for page in range(pages)]
        items.append(ComposeButton(job.code))
    if not job.state.terminal and job.state is not State.CANCELLING:
        items.append(CancelButton(job.code))
    if not items:
        return None
    view = discord.ui.View(timeout=None)
    for item in items:
        view.add_item(item)
    return view


def _offered(job: Job, page: int) -> tuple[list[discord.SelectOption], str]:
    first = page * _MOST_OPTIONS + 1
    part = job.shots[first - 1 : first - 1 + _MOST_OPTIONS]
    options = [
        discord.SelectOption(label=shots.label(number, shot), value=str(number))
        for number, shot in enumerate(part, first)
    ]
    many = len(job.shots) > _MOST_OPTIONS
    return options, "Pick a shot to change" + (f" ({first}-{first + len(part) - 1})" if many else "")


def unanswered(interaction: Interaction) -> bool:
    """Say whether nobody else answers this press: an id that is not ours, or not on the message any more."""
    if interaction.type is not discord.InteractionType.component:
        return False
    custom_id = str((interaction.data or {}).get("custom_id", ""))
    if not any(template.fullmatch(custom_id) for template in _TEMPLATES) or interaction.message is None:
        return True
    kind = (interaction.data or {}).get("component_type")
    view = discord.ui.View.from_message(interaction.message, timeout=None)
    return not any(
        getattr(item, "custom_id", None) == custom_id and item.type.value == kind for item in view.walk_children()
    )


async def pressed(ctx: Context, interaction: Interaction, code: str) -> None:
    """Answer a press of Cancel, visible to the one who pressed only. The card follows by itself."""
    try:
        await interaction.response.defer(ephemeral=True, thinking=True)
        await _answer(interaction, *await _judged(ctx, interaction, code))
    except TROUBLES as error:
        _log.warning("press not answered", trouble=said(error))


async def refuse(interaction: Interaction) -> None:
    """Answer a press that leads nowhere."""
    try:
        await interaction.response.send_message(
            embed=notice(messages.NOT_YOURS), ephemeral=True, allowed_mentions=NO_PINGS
        )
    except TROUBLES as error:
        _log.warning("press not answered", trouble=said(error))


async def _judged(ctx: Context, interaction: Interaction, code: str) -> tuple[str, Tone]:
    try:
        job_id = job_id_of(code)
        job = None if job_id is None else await ctx.database.read(job_facts.by_id, job_id)
        ctx.tell("button pressed", job.id if job else None, by=interaction.user.id, allowed=may(interaction, job))
        if job is None or not may(interaction, job):
            return messages.NOT_YOURS, Tone.FAILED
        outcome, after = await cancel(ctx, job.id, interaction.user.id)
    except StorageError as error:
        _log.warning("press not stored", trouble=str(error))
        return refusals.CANCEL_NOT_STORED, Tone.FAILED
    except Exception:  # noqa: BLE001 -- whatever it is, the one who pressed is told
        _log.exception("press failed")
        return refusals.UNEXPECTED_PRESS, Tone.FAILED
    return messages.cancel_answer(outcome, after, vendor_of(ctx.providers, job)), Tone.STOPPED


def may(interaction: Interaction, job: Job | None) -> bool:
    """Judge who acts on a job: the one who asked, anywhere in its server, or who may manage messages in its channel."""
    if job is None or job.guild_id is None or job.guild_id != interaction.guild_id:
        return False
    if interaction.user.id == job.user_id:
        return True
    return job.channel_id == interaction.channel_id and interaction.permissions.manage_messages


async def _answer(interaction: Interaction, text: str, tone: Tone) -> None:
    await interaction.edit_original_response(embed=notice(text, tone), allowed_mentions=NO_PINGS)
