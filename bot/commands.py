"""/video: from what a member typed to a held job and its card.

What can be judged by the options alone is refused at once, seen by the asker only. Everything else answers with
"thinking" first, because reading files may take longer than the three seconds Discord gives; a refusal after that
replaces the thinking message, in one step that cannot get lost half-way.
"""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import discord
import structlog
from discord import app_commands

from bot import asking, refusals
from bot.cards import drawn
from bot.choices import STAND_IN, Typed, fitting, order_of, provider_named, suggestions, typed_of
from bot.looks import notice
from jobs.attachments import MOST_BYTES, Desk, Flaw
from bot.talking import NO_PINGS, TROUBLES, said, working
from jobs.context import Context
from jobs.files import INPUTS
from jobs.intake import Asker, OverBudget, Plan, Refused, accept, plan
from providers.orders import Order, Picture, Role
from storage import StorageError, guilds
from storage import jobs as job_facts
from storage.words import Job

_log = structlog.get_logger("bot.commands")
_READ_SECONDS = 60.0

Interaction = discord.Interaction[Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """A whole command."""

    typed: Typed
    attachments: tuple[tuple[Role, discord.Attachment], ...]


def video_command(ctx: Context) -> app_commands.Command[Any, ..., None]:
    """Make the /video command."""
    desk = Desk()

    @app_commands.describe(
        prompt="What should be seen",
        image="The first frame: the video begins with this picture",
        last_frame="The video ends with this picture; needs an image too",
        model="Which model makes it",
        duration="How many seconds",
        aspect_ratio="The shape, for videos made from words alone",
        resolution="How sharp",
        seed="The same seed gives a similar video again",
        audio="With sound, where the model can",
        provider="Who makes it; left out, the cheapest that can",
    )
    async def video(
        interaction: Interaction,
        prompt: app_commands.Range[str, 1, asking.MOST_PROMPT],
        image: discord.Attachment | None = None,
        last_frame: discord.Attachment | None = None,
        model: app_commands.Range[str, 1, asking.MOST_MODEL] | None = None,
        duration: int | None = None,
        aspect_ratio: str | None = None,
        resolution: str | None = None,
        seed: app_commands.Range[int, 0, asking.MOST_SEED] | None = None,
        audio: bool | None = None,
        provider: str | None = None,
    ) -> None:
        typed = Typed(
            prompt=asking.storable(prompt),
            image=image is not None,
            last_frame=last_frame is not None,
            model=asking.storable(model) or None if model else None,
            duration=duration,
            aspect_ratio=aspect_ratio,
            resolution=resolution,
            seed=seed,
            audio=audio,
            provider=provider,
        )
        given = ((Role.FIRST_FRAME, image), (Role.LAST_FRAME, last_frame))
        with working(interaction):
            attachments = tuple((role, file) for role, file in given if file is not None)
            await take(ctx, desk, interaction, Asked(typed, attachments))

    command: app_commands.Command[Any, ..., None] = app_commands.Command(
        name="video", description="Make a video from words and pictures", callback=video
    )
    for option in ("model", "duration", "aspect_ratio", "resolution", "provider"):
        command.autocomplete(option)(_completer(ctx, option))
    return command


def _completer(ctx: Context, option: str) -> Any:
    async def complete(interaction: Interaction, current: str) -> list[app_commands.Choice[Any]]:
        try:
            data: Any = interaction.data
            typed = typed_of(data.get("options", []), option)
            offers = suggestions(ctx.providers, typed, option, str(current))
        except Exception:  # noqa: BLE001 -- an empty list lets the member go on typing
            _log.exception("no suggestions", option=option)
            return []
        return [app_commands.Choice(name=label, value=value) for label, value in offers]

    return complete


async def take(ctx: Context, desk: Desk, interaction: Interaction, asked: Asked) -> None:
    """Take a command: answer within three seconds, then hold and show the job, or say why not."""
    ctx.tell("command received", None, by=interaction.user.id, pictures=len(asked.attachments))
    refusal = refused_at_once(ctx, interaction, asked)
    if refusal is not None:
        await interaction.response.send_message(embed=notice(refusal), ephemeral=True, allowed_mentions=NO_PINGS)
        return
    card_id = await _deferred(interaction)
    if card_id is None:
        return
    ctx.tell("deferred", None, by=interaction.user.id)
    job = await _held(ctx, desk, interaction, asked, card_id)
    if isinstance(job, str):
        await interaction.edit_original_response(embed=notice(job), allowed_mentions=NO_PINGS)
        return
    await _show(ctx, interaction, job)


def refused_at_once(ctx: Context, interaction: Interaction, asked: Asked) -> str | None:
    """Say why a command cannot be taken, as far as that can be told without waiting for anything."""
    if interaction.guild_id is None:
        return refusals.ONLY_IN_SERVERS
    if not _may_post(interaction):
        return refusals.MAY_NOT_POST
    if not ctx.providers:
        return refusals.NO_PROVIDERS
    typed = asked.typed
    if typed.provider is not None and provider_named(ctx.providers, typed.provider) is None:
        return refusals.no_such_provider(typed.provider, [provider.title for provider in ctx.providers.values()])
    wrong = asking.out_of_range(typed)
    if wrong:
        return refusals.refused(wrong, None)
    for role, attachment in asked.attachments:
        if attachment.size > MOST_BYTES:
            return refusals.flawed(role.value, Flaw.TOO_MANY_BYTES)
    url = _stand_in_address(ctx)
    pictures = tuple(replace(STAND_IN, role=role, url=url) for role, _ in asked.attachments)
    planned = _planned(ctx, asked.typed, pictures, None)
    return planned if isinstance(planned, str) else None


def _may_post(interaction: Interaction) -> bool:
    """Check before any credit is spent that the result can be posted: the bot may be no member of the server at all."""
    may = interaction.app_permissions
    in_thread = isinstance(interaction.channel, discord.Thread)
    return may.view_channel and (may.send_messages_in_threads if in_thread else may.send_messages)


def _stand_in_address(ctx: Context) -> str:
    """Make an address of the kind a picture will have, for vendors that look at addresses. The real one comes later."""
    return ctx.addresses.link(INPUTS, "x.png", 0)


def _planned(ctx: Context, typed: Typed, pictures: tuple[Picture, ...], preferred: str | None) -> Plan | str:
    named = provider_named(ctx.providers, typed.provider) if typed.provider else None
    order: Order = replace(order_of(typed), prompt=typed.prompt or "", pictures=pictures)
    planned = plan(fitting(ctx.providers, typed), order, wanted=named.name if named else None, preferred=preferred)
    if isinstance(planned, Refused):
        vendor = ctx.providers.get(planned.provider or "")
        return refusals.refused(planned.problems, vendor.title if vendor else None)
    return planned


async def _deferred(interaction: Interaction) -> int | None:
    """Show "thinking" and name the message that does; None when Discord did not take the answer: nothing was begun."""
    try:
        response = await interaction.response.defer(thinking=True)
        if response is not None and response.message_id is not None:
            return response.message_id
        return (await interaction.original_response()).id
    except TROUBLES as error:
        _log.warning("command not answered", trouble=said(error))
        return None


async def _held(ctx: Context, desk: Desk, interaction: Interaction, asked: Asked, card_id: int) -> Job | str:
    """Read, check, plan and hold; or the sentence why not."""
    pictures: tuple[Picture, ...] | str = ()
    if asked.attachments:
        async with desk.turn(interaction.user.id):
            pictures = await _read(ctx, desk, asked)
    if isinstance(pictures, str):
        return pictures
    ctx.tell("pictures read", None, pictures=len(pictures))
    guild_id = interaction.guild_id or 0
    try:
        settings = await ctx.database.read(guilds.settings_of, guild_id)
        planned = _planned(ctx, asked.typed, pictures, settings.default_provider)
        if isinstance(planned, str):
            return planned
        ctx.tell("planned", None, provider=planned.provider, credits=planned.price)
        job = await accept(ctx, planned, _asker(interaction, card_id))
    except (StorageError, OSError) as error:
        _log.warning("job not stored", trouble=type(error).__name__)
        return refusals.STORAGE_TROUBLE
    return refusals.over_budget(job) if isinstance(job, OverBudget) else job


def _asker(interaction: Interaction, card_id: int) -> Asker:
    limit = interaction.filesize_limit
    if interaction.guild is not None:  # the limit that came with the command may be the member's own, higher one
        limit = min(limit, interaction.guild.filesize_limit)
    return Asker(
        interaction_id=interaction.id,
        guild_id=interaction.guild_id,
        channel_id=interaction.channel_id or 0,
        user_id=interaction.user.id,
        user_name=asking.storable(interaction.user.display_name),
        card_message_id=card_id,
        upload_limit=limit,
    )


async def _read(ctx: Context, desk: Desk, asked: Asked) -> tuple[Picture, ...] | str:
    """Fetch the attachments now, because their addresses die, and open them; or the sentence why not."""
    pictures: list[Picture] = []
    for role, attachment in asked.attachments:
        try:
            async with asyncio.timeout(_READ_SECONDS):
                data = await attachment.read()
        except TROUBLES as error:
            _log.warning("attachment not read", trouble=said(error))
            return refusals.flawed(role.value, Flaw.NOT_RECEIVED)
        if len(data) > MOST_BYTES:
            return refusals.flawed(role.value, Flaw.TOO_MANY_BYTES)
        seen = await desk.look(data)
        if isinstance(seen, Flaw):
            return refusals.flawed(role.value, seen)
        pictures.append(Picture(role, seen.mime, seen.width, seen.height, data, _stand_in_address(ctx)))
    return tuple(pictures)


async def _show(ctx: Context, interaction: Interaction, job: Job) -> None:
    """Turn the thinking message into the card. Where that fails the card loop tries again."""
    embed, view = drawn(ctx, job, None, [])
    try:
        if view is None:
            await interaction.edit_original_response(embed=embed, allowed_mentions=NO_PINGS)
        else:
            await interaction.edit_original_response(embed=embed, view=view, allowed_mentions=NO_PINGS)
    except TROUBLES as error:
        _log.warning("card not shown", job=job.code, trouble=said(error))
        return
    ctx.tell("card edited", job.id, state=job.state)
    try:
        await ctx.database.write(job_facts.card_shown, job.id, job.card_version, ctx.now())
    except StorageError as error:  # the card loop draws it once more, that is all
        _log.warning("card not recorded", job=job.code, trouble=str(error))


class Tree(app_commands.CommandTree[Any]):
    """The commands, and the one place where what nobody foresaw becomes one sentence and one log line."""

    async def on_error(self, interaction: Interaction, error: app_commands.AppCommandError, /) -> None:
        """Tell the member that something went wrong, if they can still be told."""
        cause = error.__cause__ or error
        if isinstance(cause, TROUBLES):
            _log.warning("Discord did not take an answer", trouble=said(cause))
        else:
            _log.error("command failed", exc_info=cause)
        if interaction.type is discord.InteractionType.autocomplete or interaction.is_expired():
            return
        try:
            if interaction.response.is_done():
                await interaction.edit_original_response(
                    embed=notice(refusals.UNEXPECTED), view=None, allowed_mentions=NO_PINGS
                )
            else:
                await interaction.response.send_message(
                    embed=notice(refusals.UNEXPECTED), ephemeral=True, allowed_mentions=NO_PINGS
                )
        except TROUBLES as trouble:
            _log.warning("member not told", trouble=said(trouble))
