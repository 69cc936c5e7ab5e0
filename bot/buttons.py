"""What can be pressed on a card and on a result. The job stands in each item's id, so that it works after a restart.

Every press is judged anew. Dynamic items only, and no time-outs: discord.py forgets a whole class of them when a view
that mixes kinds ends.
"""

import re
from collections.abc import Sequence
from typing import Any, Protocol, Self, cast

import discord

from bot import amounts, presses, shots
from bot.language import N_, _
from bot.presses import Interaction
from bot.talking import working
from jobs.context import Context
from providers.orders import Operation
from storage.words import Job, State

_JOB = re.compile(r"job:(?P<code>[0-9a-z]{13}):(?P<act>cancel|agree|approve|again|edit|animate|details|delete)")
_SHOTS = re.compile(r"mv:(?P<code>[0-9a-z]{13}):shots:(?P<page>[0-3])")
_COMPOSE = re.compile(r"mv:(?P<code>[0-9a-z]{13}):compose")
_OF_SHOTS = {Operation.EDIT_SHOT, Operation.COMPOSE_SHOTS}
_MAKING = {"again", "edit", "animate"}
_MOST_OPTIONS = 25  # in a menu, at Discord
_MOST_MENUS = 4  # a message has five rows, and one of them is for buttons


class Host(Protocol):
    """What a press finds in its client."""

    ctx: Context

    async def making_pressed(self, interaction: Interaction, code: str, act: str) -> None:
        """Answer a press that makes something from a finished job."""
        ...

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
        usual, style, _judge = _ACTS[act]
        super().__init__(discord.ui.Button(label=label or _(usual), style=style, custom_id=f"job:{code}:{act}"))

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
            host, judge = cast("Host", interaction.client), _ACTS[self.act][2]
            if judge is None:
                await host.making_pressed(interaction, self.code, self.act)
            else:
                await presses.answered(host.ctx, interaction, self.code, judge)


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
            discord.ui.Button(label=_("Compose"), style=discord.ButtonStyle.primary, custom_id=f"mv:{code}:compose")
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
        items.append(
            JobButton(job.code, "agree", _("Yes, for {credits}").format(credits=amounts.credits_of(job.price)))
        )
    if job.state is State.APPROVING:
        items.append(JobButton(job.code, "approve"))
    if not job.state.terminal and job.state is not State.CANCELLING:
        items.append(JobButton(job.code, "cancel"))
    items += [JobButton(job.code, act) for act in card_acts(job)]
    return _view(items) if items else None


def card_acts(job: Job) -> list[str]:
    """List what can be made of a job that came to nothing: nobody should have to type it again."""
    nothing = job.state in {State.FAILED, State.CANCELLED, State.EXPIRED}
    return ["again", "edit"] if nothing and job.asked and job.operation not in _OF_SHOTS else []


def result_view(job: Job, *, film: bool, making: bool = True) -> discord.ui.View:
    """Give a job's result what can be pressed. `film`: there is one here that another could go on from.

    `making`: another may be made where the result is posted.
    """
    acts = result_acts(job, film=film)
    return _view([JobButton(job.code, act) for act in acts if making or act not in _MAKING])


def result_acts(job: Job, *, film: bool) -> list[str]:
    """List what can be done with a job's result. Shots are made anew from their music video's card."""
    acts = ["again", "edit"] if job.operation not in _OF_SHOTS else []
    return [*acts, *(["animate"] if film else []), "details", "delete"]


def _view(items: list[discord.ui.DynamicItem[Any]]) -> discord.ui.View:
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
    if len(job.shots) <= _MOST_OPTIONS:
        return options, _("Pick a shot to change")
    head = _("Pick a shot to change ({first}-{last})")
    return options, head.format(first=first, last=first + len(part) - 1)


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


# By what stands in a button's id: its label, its colour, and what judges a press; None: the client makes something.
_ACTS: dict[str, tuple[str, discord.ButtonStyle, presses.Judge | None]] = {
    "cancel": (N_("Cancel"), discord.ButtonStyle.secondary, presses.cancelled),
    "agree": (N_("Yes"), discord.ButtonStyle.success, presses.agreed),
    "approve": (N_("Approve"), discord.ButtonStyle.success, presses.approved),
    "again": (N_("Again"), discord.ButtonStyle.primary, None),
    "edit": (N_("Edit & again"), discord.ButtonStyle.secondary, None),
    "animate": (N_("Animate last frame"), discord.ButtonStyle.secondary, None),
    "details": (N_("Details"), discord.ButtonStyle.secondary, presses.explained),
    "delete": (N_("Delete"), discord.ButtonStyle.danger, presses.deleted),
}
