"""The forms that ask what to change, and what was filled into them. Pure: nothing of a form is remembered."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import discord

from bot.asking import storable
from bot.choices import CLIPS, Typed, possible
from bot.labels import capital, label
from bot.language import N_, _
from bot.plain import clean, cut
from bot.sent import fields_of
from providers.contract import Provider
from providers.orders import Operation, Problem, Role, Rule
from storage.words import Job

_MOST_TYPED = 4000  # characters of a form's field, at Discord
_MOST_ENTRIES = 25  # of a drop-down, at Discord
_PICKED = ("model", "duration", "resolution", "aspect_ratio")
_TITLES = {"edit": N_("Edit & again"), "animate": N_("Animate last frame")}


def typed_again(job: Job) -> Typed:
    """Write a job's request as it was typed."""
    asked = job.asked
    roles = [Role(one.role) for one in job.inputs]
    return Typed(
        operation=Operation(job.operation),
        roles=(*(role for role in roles if role not in CLIPS), *(role for role in roles if role in CLIPS)),
        prompt=job.prompt or None,
        model=asked.get("model"),
        duration=asked.get("duration"),
        aspect_ratio=asked.get("aspect_ratio"),
        resolution=asked.get("resolution"),
        seed=asked.get("seed"),
        audio=asked.get("audio"),
        provider=asked.get("wanted"),
        extras=dict(asked.get("extras") or {}),
        strokes=tuple(tuple((int(x), int(y)) for x, y in stroke) for stroke in asked.get("strokes") or ()),
        parent=str(asked.get("parent") or ""),
        shots=tuple(asked.get("shots") or ()),
    )


def form(providers: Mapping[str, Provider], job: Job, act: str, typed: Typed) -> discord.ui.Modal:
    """Make the form for changes to what is `typed`. What is submitted is read by its id alone."""
    made = discord.ui.Modal(title=_(_TITLES[act]), custom_id=f"job:{job.code}:{act}")
    head = _("What should happen next") if act == "animate" else _("The prompt")
    made.add_item(_prompt(typed.prompt or "", head))
    for name in _PICKED:
        menu = _menu(providers, job, typed, name)
        if menu is not None:
            made.add_item(discord.ui.Label(text=capital(label(name)), component=menu))
    made.stop()  # or discord.py keeps every form that was ever shown
    return made


def _prompt(prompt: str, title: str) -> "discord.ui.Label[Any]":
    most = storable(prompt)[:_MOST_TYPED]
    cut_off = _("It is longer than a form can hold: its end is cut off here.") if len(prompt) > _MOST_TYPED else None
    field: discord.ui.TextInput[Any] = discord.ui.TextInput(
        custom_id="prompt",
        style=discord.TextStyle.paragraph,
        default=most or None,
        required=False,
        max_length=_MOST_TYPED,
    )
    return discord.ui.Label(text=title, description=cut_off, component=field)


def _menu(providers: Mapping[str, Provider], job: Job, typed: Typed, name: str) -> "discord.ui.Select[Any] | None":
    """Offer what any model takes, and what was chosen before; None where there is nothing to choose."""
    old = getattr(typed, name)
    offers = {str(value): shown for shown, value in possible(providers, replace(typed, model=None), name)}
    if old is not None and str(old) not in offers:
        offers = {str(old): str(old), **offers}
    if not offers:
        return None
    last = job.options.get(name) if name != "model" else job.model
    usual = _("As usual")
    if last and typed.operation == job.operation:
        usual = _("As usual; last time {value}").format(value=last)
    options = [
        discord.SelectOption(label=cut(clean(shown), 100) or "?", value=value[:100], default=value == str(old))
        for value, shown in offers.items()
    ]
    return discord.ui.Select(
        custom_id=name,
        options=options[:_MOST_ENTRIES],
        required=False,
        min_values=0,
        max_values=1,
        placeholder=cut(clean(usual), 100),
    )


def filled_in(parts: Any) -> dict[str, str]:
    """Read what was filled into a form, by field; an empty field is an empty text."""
    held = fields_of(parts)
    return {name: storable(next(iter(held[name]), "")) for name in ("prompt", *_PICKED) if name in held}


def with_changes(typed: Typed, said: Mapping[str, str]) -> Typed | Problem:
    """Put what was filled in into a request: an empty field means the usual, one that was not there changes nothing."""
    changes: dict[str, Any] = {name: text or None for name, text in said.items()}
    length = changes.get("duration")
    if length is not None:
        if not (length.isascii() and length.isdigit() and len(length) < 6):
            return Problem("duration", Rule.NOT_READ, length[:60], ("5",))
        changes["duration"] = int(length)
    changed: Typed = replace(typed, **changes)
    return changed


def written(said: Mapping[str, str]) -> str:
    """Write down what was filled in, to be copied."""
    return "\n".join(f"{name}: {said[name]}" for name in ("prompt", *_PICKED) if said.get(name))
