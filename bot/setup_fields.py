"""What the forms of the /setup panel are made of, and how what was typed into them is read. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import discord

from bot.asking import storable
from bot.language import _
from bot.plain import plain

_NUMBER = re.compile(r"[0-9]{1,12}")
Answers = Mapping[str, Sequence[str]]  # what a form's fields hold, by name


class Wrong(Exception):  # noqa: N818 -- an answer, not a fault
    """An answer cannot be taken; the text says why, and what would be right."""


def one(answers: Answers, name: str) -> str:
    """Read what one field holds."""
    return next(iter(answers.get(name, ())), "")


def text(answers: Answers, name: str) -> str:
    """Read the lines of a field."""
    return "\n".join(storable(line) for line in one(answers, name).splitlines())


def amount(answers: Answers, name: str) -> int | None:
    """Read a whole number, however its thousands are parted; None: nothing was typed. Raise Wrong."""
    digits = re.sub(r"[\s,._']", "", one(answers, name))
    if not digits:
        return None
    if not _NUMBER.fullmatch(digits):
        raise Wrong(_("“{typed}” is no whole number.").format(typed=plain(one(answers, name), 40)))
    return int(digits)


def ids(answers: Answers, name: str) -> Iterator[int]:
    """Read what was chosen of channels or roles."""
    return (int(part) for part in answers.get(name, ()) if part.isascii() and part.isdigit() and len(part) < 20)


def label(says: str, component: discord.ui.Item[Any], hint: str | None = None) -> discord.ui.Label[Any]:
    """Put a heading of at most 45 characters, and a hint of at most 100, above a field."""
    return discord.ui.Label(text=says, description=hint, component=component)


def choice(name: str, entries: Sequence[tuple[str, str]], chosen: str) -> discord.ui.Select[Any]:
    """Offer (what is shown, what is sent)."""
    options = [discord.SelectOption(label=shown, value=value, default=value == chosen) for shown, value in entries]
    return discord.ui.Select(custom_id=name, options=options, required=True)


def channels(name: str, chosen: Sequence[int | None], most: int = 1) -> discord.ui.ChannelSelect[Any]:
    """Offer the channels of the server."""
    return discord.ui.ChannelSelect(
        custom_id=name,
        channel_types=[discord.ChannelType.text],
        required=False,
        min_values=0,
        max_values=most,
        default_values=[_usual(number, "channel") for number in chosen if number is not None],
    )


def role(name: str, chosen: int | None) -> discord.ui.RoleSelect[Any]:
    """Offer the roles of the server."""
    usual = [_usual(chosen, "role")] if chosen else []
    return discord.ui.RoleSelect(custom_id=name, required=False, min_values=0, default_values=usual)


def _usual(number: int, kind: str) -> discord.SelectDefaultValue:
    return discord.SelectDefaultValue(id=number, type=discord.SelectDefaultValueType(kind))


def number(name: str, value: int | None) -> discord.ui.TextInput[Any]:
    """Ask for a whole number; empty is an answer too."""
    default = None if value is None else str(value)
    return discord.ui.TextInput(custom_id=name, default=default, required=False, max_length=20)


def lines(name: str, value: str, example: str) -> discord.ui.TextInput[Any]:
    """Ask for lines of text."""
    return discord.ui.TextInput(
        custom_id=name,
        style=discord.TextStyle.paragraph,
        default=value[:4000] or None,
        placeholder=example or None,
        required=False,
        max_length=4000,
    )


def flag(value: bool) -> str:
    """Write yes or no as it is sent."""
    return "yes" if value else "no"
