"""The buttons by which an admin decides about a job of which nobody can find out whether its vendor received it."""

import re
from functools import partial
from typing import Any, Protocol, Self, cast

import discord

from bot import answers, presses, rights
from bot.amounts import credits_of
from bot.language import N_, _
from bot.messages import Tone
from bot.rights import Interaction
from bot.talking import working
from jobs.context import Context
from jobs.doubts import decided
from storage.words import Job

_DOUBT = re.compile(r"doubt:(?P<code>[0-9a-z]{13}):(?P<act>release|charge)")
_LABELS = {
    "release": (N_("Give the credits back"), discord.ButtonStyle.secondary),
    "charge": (N_("Count them as spent"), discord.ButtonStyle.secondary),
}


class _Host(Protocol):
    ctx: Context


class DoubtButton(discord.ui.DynamicItem[discord.ui.Button[discord.ui.View]], template=_DOUBT):
    """Decide about this job's hold."""

    def __init__(self, code: str, act: str) -> None:
        self.code, self.act = code, act
        label, style = _LABELS[act]
        super().__init__(discord.ui.Button(label=_(label), style=style, custom_id=f"doubt:{code}:{act}"))

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
            ctx = cast("_Host", interaction.client).ctx
            await presses.answered(ctx, interaction, self.code, partial(_judged, self.act))


ITEMS: tuple[type[discord.ui.DynamicItem[Any]], ...] = (DoubtButton,)
TEMPLATES = (_DOUBT,)


def view_of(job: Job) -> discord.ui.View:
    """Give a question about a job its two answers."""
    view = discord.ui.View(timeout=None)
    for act in _LABELS:
        view.add_item(DoubtButton(job.code, act))
    return view


async def _judged(act: str, ctx: Context, interaction: Interaction, job: Job) -> tuple[str, Tone]:
    """Judge a press: only who may manage the server decides, and the first word counts. Raise StorageError."""
    allowed = rights.administers(interaction, job)
    ctx.tell("button pressed", job.id, by=interaction.user.id, allowed=allowed)
    if not allowed:
        return answers.not_yours(), Tone.FAILED
    noted = rights.act(interaction, act, job.code, member=job.user_id, credits=job.price)
    after = await ctx.database.write(decided, job.code, ctx.now(), charge=act == "charge", noted=noted)
    if after is None:
        return _("There is nothing to decide about this job any more. Nothing was changed."), Tone.STOPPED
    ctx.tell("doubt decided", job.id, by=interaction.user.id, act=act)
    for wake in (ctx.wakes.acts, ctx.wakes.alerts, ctx.wakes.cards):
        wake.set()
    if act == "charge":
        words = _("Done: {credits} counted as spent. The job's card tells the member.")
    else:
        words = _("Done: {credits} given back. The job's card tells the member.")
    return words.format(credits=credits_of(job.price)), Tone.STOPPED
