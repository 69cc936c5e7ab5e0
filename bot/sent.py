"""What a sent form holds, read from Discord's words alone: it may come after a restart, and from a stranger."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

import discord


def fields_of(data: object) -> Mapping[str, Sequence[str]]:
    """List what each field of a form holds, by its id, wherever Discord wraps it. Takes anything."""
    found: dict[str, list[str]] = {}
    waiting: list[object] = [data]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += cast("list[object]", part)
        elif isinstance(part, dict):
            about = cast("dict[str, Any]", part)
            held = about.get("values", about.get("value"))
            if "components" not in about and "component" not in about:
                values = cast("list[object]", held) if isinstance(held, list) else [held]
                found[str(about.get("custom_id"))] = [value for value in values if isinstance(value, str)]
            waiting += [about.get("component"), about.get("components")]
    return found


def form_of(interaction: discord.Interaction[Any], name: re.Pattern[str]) -> tuple[re.Match[str], Any] | None:
    """Read a sent form whose name fits: the fit, and what was sent in; None: it is no such form."""
    if interaction.type is not discord.InteractionType.modal_submit:
        return None
    data = cast("Mapping[str, Any]", interaction.data or {})
    found = name.fullmatch(str(data.get("custom_id", "")))
    return None if found is None else (found, data.get("components"))
