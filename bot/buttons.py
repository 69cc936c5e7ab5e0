"""What can be pressed on a card. The job stands in each item's id, so that it works after a restart.

Every press is judged anew. Dynamic items only, and no time-outs: discord.py forgets a whole class of them when a view
that mixes kinds ends.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol, Self, cast

import discord
import structlog

from bot import messages, refusals, rights, shots
from bot.looks import notice, vendor_of
from bot.messages import Tone
from bot.talking import NO_PINGS, TROUBLES, said, working
from jobs import consent
from jobs.cancel import CancelOutcome, cancel
from jobs.context import Context
from storage import StorageError
from storage import jobs as job_facts
from storage.words import Job, State, job_id_of

_log = structlog.get_logger("bot.buttons")
_JOB = re.compile(r"job:(?P<code>[0-9a-z]{13}):(?P<act>cancel|agree|approve)")
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


class JobButton(discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=_JOB):
    """Do one of the ACTS to this job."""

    def __init__(self, code: str, act: str, label: str | None = None) -> None:
        self.code, self.act = code, act
        usual, style, _ = _ACTS[act]
        super().__init__(discord.ui.Button(label=label or usual, style=style, custom_id=f"job:{code}:{act}"))

    @classmethod
    async def from_custom_id(
        cls, interaction: Interaction, item: discord.ui.Item[Any], match: re.Match[str], /
    ) -> Self:
        """Make the button again from its id."""
        del interaction, item
        return cls(match["code"], match["act"])

    async def callback(self, interaction: Interaction) -> None:
        """Take a press."""
        with working(interaction):
            await answered(cast("Host", interaction.client).ctx, interaction, self.code, _ACTS[self.act][2])


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


ITEMS: tuple[type[discord.ui.DynamicItem[Any]], ...] = (JobButton, ShotMenu, ComposeButton)
_TEMPLATES = (_JOB, _SHOTS, _COMPOSE)


def view_of(job: Job) -> discord.ui.View | None:
    """Give a job's card what can be pressed; None when there is nothing left to press."""
    items: list[discord.ui.DynamicItem[Any]] = []
    if shots.changeable(job):
        pages = min(-(-len(job.shots) // _MOST_OPTIONS), _MOST_MENUS)
        items += [ShotMenu(job.code, page, job) for page in range(pages)]
        items.append(ComposeButton(job.code))
    if job.state is State.CONFIRMING:
        items.append(JobButton(job.code, "agree", f"Yes, for {messages.credits_of(job.price)}"))
    if job.state is State.APPROVING:
        items.append(JobButton(job.code, "approve"))
    if not job.state.terminal and job.state is not State.CANCELLING:
        items.append(JobButton(job.code, "cancel"))
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


def unanswered(interaction: Interaction, more: Sequence[re.Pattern[str]] = ()) -> bool:
    """Say whether nobody else answers this press: an id that is not ours, or not on the message any more.

    `more`: the ids of buttons that are described elsewhere.
    """
    if interaction.type is not discord.InteractionType.component:
        return False
    custom_id = str((interaction.data or {}).get("custom_id", ""))
    if not any(template.fullmatch(custom_id) for template in (*_TEMPLATES, *more)) or interaction.message is None:
        return True
    kind = (interaction.data or {}).get("component_type")
    kind_of_view = discord.ui.LayoutView if interaction.message.flags.components_v2 else discord.ui.View
    view = kind_of_view.from_message(interaction.message, timeout=None)
    return not any(
        getattr(item, "custom_id", None) == custom_id and item.type.value == kind for item in view.walk_children()
    )


Judge = Callable[[Context, Interaction, Job], Awaitable[tuple[str, Tone]]]


async def answered(ctx: Context, interaction: Interaction, code: str, judge: Judge) -> None:
    """Answer a press, visible to the one who pressed only. The card follows by itself."""
    try:
        await interaction.response.defer(ephemeral=True, thinking=True)
        text, tone = await _judged(ctx, interaction, code, judge)
        await interaction.edit_original_response(embed=notice(text, tone), allowed_mentions=NO_PINGS)
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


async def _judged(ctx: Context, interaction: Interaction, code: str, judge: Judge) -> tuple[str, Tone]:
    try:
        job_id = job_id_of(code)
        job = None if job_id is None else await ctx.database.read(job_facts.by_id, job_id)
        if job is None or job.guild_id is None or job.guild_id != interaction.guild_id:
            return messages.NOT_YOURS, Tone.FAILED
        return await judge(ctx, interaction, job)
    except StorageError as error:
        _log.warning("press not stored", trouble=str(error))
        return refusals.CANCEL_NOT_STORED, Tone.FAILED
    except Exception:  # noqa: BLE001 -- whatever it is, the one who pressed is told
        _log.exception("press failed")
        return refusals.UNEXPECTED_PRESS, Tone.FAILED


async def _cancelled(ctx: Context, interaction: Interaction, job: Job) -> tuple[str, Tone]:
    allowed = rights.may(interaction, job) or await rights.has_moderator_role(ctx, interaction)
    if job.state is State.APPROVING:  # asked for in the moderators' channel too
        allowed = allowed or await rights.moderates(ctx, interaction)
    ctx.tell("button pressed", job.id, by=interaction.user.id, allowed=allowed)
    return await _given_up(ctx, interaction, job, allowed=allowed)


async def cancelled_by_name(ctx: Context, interaction: Interaction, job: Job) -> tuple[str, Tone]:
    """Give up a job that was named in a command: from anywhere in its server, by the one who asked or a moderator."""
    allowed = interaction.user.id == job.user_id or await rights.moderates(ctx, interaction)
    return await _given_up(ctx, interaction, job, allowed=allowed)


async def _given_up(ctx: Context, interaction: Interaction, job: Job, *, allowed: bool) -> tuple[str, Tone]:
    if not allowed:
        return messages.NOT_YOURS, Tone.FAILED
    outcome, after = await cancel(ctx, job.id, interaction.user.id)
    if interaction.user.id != job.user_id and outcome is not CancelOutcome.OVER:
        await rights.note(ctx, interaction, "cancel", job.code, member=job.user_id)
    return messages.cancel_answer(outcome, after, vendor_of(ctx.providers, job)), Tone.STOPPED


async def _agreed(ctx: Context, interaction: Interaction, job: Job) -> tuple[str, Tone]:
    if interaction.user.id != job.user_id:
        return messages.NOT_YOURS, Tone.FAILED
    after = await consent.agree(ctx, job.id) if job.state is State.CONFIRMING else None
    return messages.agreed_answer(after), Tone.WAITING if after else Tone.STOPPED


async def _approved(ctx: Context, interaction: Interaction, job: Job) -> tuple[str, Tone]:
    if not await rights.moderates(ctx, interaction):
        return messages.NOT_YOURS, Tone.FAILED
    after = await consent.approve(ctx, job.id) if job.state is State.APPROVING else None
    if after is not None:
        await rights.note(ctx, interaction, "approve", job.code, member=job.user_id, credits=job.price)
    return messages.agreed_answer(after), Tone.WAITING if after else Tone.STOPPED


# By what stands in a button's id: its label, its colour, and what judges a press.
_ACTS: dict[str, tuple[str, discord.ButtonStyle, Judge]] = {
    "cancel": ("Cancel", discord.ButtonStyle.secondary, _cancelled),
    "agree": ("Yes", discord.ButtonStyle.success, _agreed),
    "approve": ("Approve", discord.ButtonStyle.success, _approved),
}
