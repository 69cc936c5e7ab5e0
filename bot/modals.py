"""The forms that open over a command, and what waits in memory until they are sent.

Discord lets a form come first or not at all, so nothing is stored yet when it opens: a form that is sent after a
restart, or much later, is answered with "type the command again".
"""

import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import discord
import structlog

from bot import forms, refusals
from bot.choices import extras_of
from bot.forms import Sheet
from bot.language import _
from bot.places import server_of
from bot.taking import Asked, Interaction, refuse, refused_at_once, stumbled, take
from bot.talking import TROUBLES, working
from bot.talking import said as trouble_said
from jobs.attachments import Desk
from jobs.context import Context
from providers.orders import Role, Value

MOST_WAITING = 200
MOST_OF_ONE = 5  # or one member makes everybody else's useless
_SECONDS = 15 * 60.0
_PREFIX = "form:"
_OURS = "answered-by-its-form"

_log = structlog.get_logger("bot.modals")


@dataclass(frozen=True, slots=True)
class Answers:
    """A form as it was filled in."""

    values: Mapping[str, Value]
    marks: Sequence[discord.Attachment]  # the watermark's picture
    written: str  # all of it, to be shown again


Sent = Callable[[Interaction, Answers], Awaitable[None]]


class Waiting:
    """The open forms of this life of the program: a bounded number, for a bounded time."""

    def __init__(self, clock: Callable[[], float], most: int = MOST_WAITING) -> None:
        """Take the clock (seconds) and how many forms may be open at once."""
        self._clock = clock
        self._most = most
        self._open: OrderedDict[str, tuple[float, FormModal, int]] = OrderedDict()

    def __len__(self) -> int:
        """Count the open forms."""
        return len(self._open)

    def add(self, modal: "FormModal", owner: int) -> None:
        """Remember a form of somebody's, and forget the oldest, theirs first, and those nobody sent in time."""
        self._open[modal.custom_id] = (self._clock() + _SECONDS, modal, owner)
        theirs = [custom_id for custom_id, (_until, _modal, whose) in self._open.items() if whose == owner]
        for custom_id in theirs[:-MOST_OF_ONE]:
            self._open.pop(custom_id)[1].stop()
        while self._open:
            until, oldest, _whose = next(iter(self._open.values()))
            if until > self._clock() and len(self._open) <= self._most:
                break
            self._open.popitem(last=False)
            oldest.stop()  # discord.py forgets it too

    def take(self, modal: "FormModal") -> bool:
        """Take a form out; False when it is not here any more: too old, or sent already."""
        until, _modal, _whose = self._open.pop(modal.custom_id, (0.0, modal, 0))
        return until > self._clock()


class FormModal(discord.ui.Modal):
    """One open form."""

    def __init__(self, title: str, sheet: Sheet, waiting: Waiting, sent: Sent) -> None:
        """Draw a form; `sent` goes on with what was answered."""
        super().__init__(title=title, custom_id=_PREFIX + secrets.token_hex(8), timeout=None)
        self._sheet = sheet
        self._waiting = waiting
        self._sent = sent
        self._picks: list[discord.ui.Select[Any]] = []
        self._blanks: dict[str, discord.ui.TextInput[Any]] = {}
        self._lines: discord.ui.TextInput[Any] | None = None
        self._mark: discord.ui.FileUpload[Any] | None = None
        self._draw()

    def _draw(self) -> None:
        sheet = self._sheet
        for blank in sheet.blanks:
            most = min(int(blank.extra.most), forms.MOST_INPUT)
            self._blanks[blank.extra.name] = _input(f"text:{blank.extra.name}"[:100], most, None)
            self._add(blank.title, "", self._blanks[blank.extra.name])
        for number, pick in enumerate(sheet.picks):
            drop_down: discord.ui.Select[Any] = discord.ui.Select(
                custom_id=f"pick:{number}",
                options=[
                    discord.SelectOption(label=shown, value=value, description=hint or None)
                    for shown, value, hint in pick.entries
                ],
                required=False,
                min_values=0,
                max_values=pick.most,
                placeholder=_("As usual"),
            )
            self._picks.append(drop_down)
            hint = _("Pick what should differ; one for each name") if pick.most > 1 else ""
            self._add(pick.title, hint, drop_down)
        if sheet.lines:
            self._lines = _input("lines", forms.MOST_INPUT, forms.example(sheet.lines))
            self._add(_("More, as name: value, one a line"), forms.listed(sheet.lines), self._lines)
        if sheet.mark:
            self._mark = discord.ui.FileUpload(custom_id="mark", required=False, min_values=0, max_values=1)
            self._add(
                _("A picture as the watermark"), _("Together with {line}").format(line="watermark: yes"), self._mark
            )

    def _add(self, title: str, hint: str, item: discord.ui.Item[Any]) -> None:
        self.add_item(discord.ui.Label(text=title, description=hint or None, component=item))

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        """Note, before anything can wait, that this form answers for itself."""
        interaction.extras[_OURS] = True
        return True

    async def on_submit(self, interaction: Interaction, /) -> None:
        """Read the form and go on with what it was opened for."""
        with working(interaction):
            if not self._waiting.take(self):
                await refuse(interaction, refusals.type_again())
                return
            written = {name: item.value for name, item in self._blanks.items()}
            picked = [str(value) for drop_down in self._picks for value in drop_down.values]
            marks = list(self._mark.values) if self._mark else []
            lines = self._lines.value if self._lines else ""
            said = forms.answers(self._sheet, picked, written, lines)
            kept = forms.kept(picked, written, lines)
            if isinstance(said, str):
                await refuse(interaction, refusals.with_answers(said, kept))
                return
            await self._sent(interaction, Answers(said, marks, kept))

    async def on_error(self, interaction: Interaction, error: Exception, /) -> None:
        """Tell the member that something went wrong."""
        interaction.extras[_OURS] = True
        await stumbled(interaction, error)


def _input(custom_id: str, most: int, placeholder: str | None) -> "discord.ui.TextInput[Any]":
    return discord.ui.TextInput(
        custom_id=custom_id,
        style=discord.TextStyle.paragraph,
        required=False,
        max_length=max(most, 1),
        placeholder=placeholder,
    )


async def show(interaction: Interaction, waiting: Waiting, title: str, sheet: Sheet, sent: Sent) -> None:
    """Open a form as the first answer. Raise what a call to Discord may raise."""
    modal = FormModal(title, sheet, waiting, sent)
    waiting.add(modal, interaction.user.id)
    await interaction.response.send_modal(modal)


async def open_advanced(
    ctx: Context, desk: Desk, waiting: Waiting, interaction: Interaction, asked: Asked, but: Collection[str]
) -> None:
    """Open the form with all further choices of the vendors that can be meant, `but` those the command has itself."""
    refusal = refused_at_once(ctx, interaction, asked, whole=False)
    further = extras_of(ctx.offered(server_of(interaction)), asked.typed).values()
    sheet = forms.lay_out(extra for extra in further if extra.name not in but)
    if refusal is None and sheet.empty:
        refusal = refusals.nothing_further(asked.typed.model or asked.typed.provider)
    if refusal is not None:
        await refuse(interaction, refusal)
        return

    async def sent(again: Interaction, answers: Answers) -> None:
        typed = replace(asked.typed, extras={**asked.typed.extras, **answers.values})
        files = (*asked.attachments, *((Role.WATERMARK, mark) for mark in answers.marks))
        await take(ctx, desk, again, replace(asked, typed=typed, attachments=files, written=answers.written))

    await show(interaction, waiting, _("Advanced"), sheet, sent)


def unanswered(interaction: Interaction) -> bool:
    """Say whether a sent form is one of ours that is not open any more, so that nobody else answers it."""
    if interaction.type is not discord.InteractionType.modal_submit or _OURS in interaction.extras:
        return False
    return str((interaction.data or {}).get("custom_id", "")).startswith(_PREFIX)


async def refuse_late(interaction: Interaction) -> None:
    """Answer a form that is not open any more."""
    try:
        await refuse(interaction, refusals.type_again())
    except TROUBLES as error:
        _log.warning("form not answered", trouble=trouble_said(error))
