"""The menu entry "Animate this image" of a message: its first picture, a form for the rest, then the way of /video."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import discord
from discord import app_commands

from bot import asking, refusals
from bot.choices import Typed, extras_of, possible
from bot.forms import MOST_INPUT, Blank, Pick, Sheet
from bot.labels import capital, label
from bot.language import _
from bot.modals import Answers, Waiting, show
from bot.options import OPERATIONS
from bot.places import server_of
from bot.taking import Asked, Interaction, refuse, refused_at_once, take
from jobs.attachments import Desk
from jobs.context import Context
from providers.contract import Provider
from providers.orders import Extra, Kind, Operation, Role, Value

_NAME = "Animate this image"
_PICTURES = (".png", ".jpg", ".jpeg", ".webp")
_PROMPT = Extra("prompt", Kind.TEXT, most=MOST_INPUT)
# The common options, as the lines of a form take them; their ranges are checked with the whole request.
_COMMON = (
    Extra("model", Kind.TEXT, most=asking.MOST_MODEL),
    Extra("duration", Kind.WHOLE, least=1, most=60),
    Extra("resolution", Kind.TEXT, most=20),
    Extra("aspect_ratio", Kind.TEXT, most=20),
    Extra("seed", Kind.WHOLE, most=asking.MOST_SEED),
    Extra("audio", Kind.FLAG),
    Extra("provider", Kind.TEXT, most=60),
)
_PICKED = ("model", "duration", "resolution")


def animate_command(ctx: Context, desk: Desk, waiting: Waiting) -> app_commands.ContextMenu:
    """Make the menu entry."""

    async def animate(interaction: Interaction, message: discord.Message) -> None:
        picture = first_picture(message)
        if picture is None:
            await refuse(interaction, refusals.no_picture_there())
            return
        typed = Typed(operation=Operation.IMAGE_TO_VIDEO, roles=(Role.FIRST_FRAME,))
        asked = Asked(typed, ((Role.FIRST_FRAME, picture),))
        refusal = refused_at_once(ctx, interaction, asked, whole=False)
        if refusal is not None:
            await refuse(interaction, refusal)
            return

        async def sent(again: Interaction, answers: Answers) -> None:
            whole = replace(asked, typed=typed_with(typed, answers.values), written=answers.written)
            await take(ctx, desk, again, whole)

        await show(
            interaction, waiting, _("Animate this image"), sheet_of(ctx.offered(server_of(interaction)), typed), sent
        )

    return app_commands.ContextMenu(name=_NAME, callback=animate, extras={OPERATIONS: (Operation.IMAGE_TO_VIDEO,)})


def first_picture(message: discord.Message) -> discord.Attachment | None:
    """Find the first attachment that claims to be a picture; what it is shows when it is opened."""
    given = [*message.attachments, *(file for shot in message.message_snapshots for file in shot.attachments)]
    return next((file for file in given if _claims_picture(file)), None)


def _claims_picture(file: discord.Attachment) -> bool:
    return (file.content_type or "").startswith("image/") or file.filename.lower().endswith(_PICTURES)


def sheet_of(providers: Mapping[str, Provider], typed: Typed) -> Sheet:
    """Ask for the prompt and the common options; everything else can be written as lines."""
    common = {extra.name: extra for extra in _COMMON}
    further = extras_of(providers, typed)
    picks: list[Pick] = []
    for name in _PICKED:
        offers = possible(providers, typed, name)
        if offers:
            entries = tuple((shown, f"{name}: {value}", "") for shown, value in offers)
            picks.append(Pick(capital(label(name)), entries, 1))
    lines = (*(extra for name, extra in common.items() if name not in _PICKED), *further.values())
    blank = Blank(_PROMPT, _("What should happen"))
    return Sheet(tuple(picks), (blank,), lines, mark=False, known={"prompt": _PROMPT, **common, **further})


def typed_with(typed: Typed, answers: Mapping[str, Value]) -> Typed:
    """Put the answers of the form into the request."""
    common: dict[str, Value] = {
        name: value for name, value in answers.items() if name in {"prompt", *(extra.name for extra in _COMMON)}
    }
    changed: Any = replace(typed, **common)  # type: ignore[arg-type] -- each was read by its kind
    return replace(changed, extras={name: value for name, value in answers.items() if name not in common})
