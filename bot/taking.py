"""From what a member asked for to a held job and its card, however it was asked: a command, a form or a press.

What can be judged without the files is refused at once, seen by the asker only: what was typed, and what the server's
rules and limits say of it. Everything else answers with "thinking" first, because reading files may take longer than
the three seconds Discord gives; a refusal after that replaces the thinking message, in one step that cannot get lost
half-way. All can read it, so what the member filled in follows separately, for them alone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import discord
import structlog
from discord.utils import DEFAULT_FILE_SIZE_LIMIT_BYTES

from bot import asking, files, presets, refusals, rules, shots
from bot.cards import drawn
from bot.choices import Files, Typed, able_models, of_files, offering, order_of, provider_named, stand_ins, told
from bot.language import language_of
from bot.looks import notice
from bot.places import above, not_offered, place_of, server_of
from bot.talking import NO_PINGS, TROUBLES, said, working
from bot.tokens import tokens_of
from jobs.attachments import Desk
from jobs.context import Context
from jobs.files import INPUTS
from jobs.intake import Asker, Busy, Hindered, NoAccount, Plan, Refused, accept, foreseen, plan
from providers.contract import Provider
from providers.orders import Order, Role, Rule
from storage import Connection, StorageError, guilds
from storage import jobs as job_facts
from storage.words import GuildSettings, Job, LimitKind, Place, Preset

_log = structlog.get_logger("bot.taking")
_LOOK_AHEAD = 1.0  # seconds the database has to say what stands in the way, before Discord is answered

Interaction = discord.Interaction[Any]


@dataclass(frozen=True, slots=True)
class Kept:
    """Files that are here already: what they are for, and how they are opened; or the sentence why they are not."""

    roles: tuple[Role, ...]
    read: Callable[[], Awaitable[Files | str]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A whole request."""

    typed: Typed
    attachments: tuple[tuple[Role, discord.Attachment], ...] = ()
    kept: Kept | None = None  # instead of attachments
    root: Job | None = None  # the music video whose shots it is about
    preset: str | None = None  # of the server's, by name
    written: str = ""  # what was filled into a form: shown again when it is refused


async def take(ctx: Context, desk: Desk, interaction: Interaction, asked: Asked) -> None:
    """Take a request: answer within three seconds, then hold and show the job, or say why not.

    The interaction may be a command, a submitted form or a press; it must not have been answered yet.
    """
    with working(interaction):
        ctx.tell("command received", None, by=interaction.user.id, pictures=len(asked.attachments))
        seen = refused_at_once(ctx, interaction, asked, whole=asked.preset is None)
        seen = seen or await _looked_ahead(ctx, interaction, asked)
        if isinstance(seen, str):
            await refuse(interaction, refusals.with_answers(seen, asked.written))
            return
        card_id = await _deferred(interaction)
        if card_id is None:
            return
        ctx.tell("deferred", None, by=interaction.user.id)
        held = await _held(ctx, desk, interaction, asked, card_id, seen)
        if isinstance(held, str):
            await interaction.edit_original_response(embed=notice(held), allowed_mentions=NO_PINGS)
            await _give_back(interaction, asked.written)
            return
        tokens_of(interaction.client).keep(held.id, interaction.followup, ctx.now())
        await _show(ctx, interaction, held)


async def _give_back(interaction: Interaction, written: str) -> None:
    """Show what was filled in to the one who wrote it, so that it can be copied."""
    text = refusals.echo(written)
    if not text:
        return
    try:
        await interaction.followup.send(embed=notice(text), ephemeral=True, allowed_mentions=NO_PINGS)
    except TROUBLES as error:
        _log.warning("answers not given back", trouble=said(error))


async def refuse(interaction: Interaction, text: str) -> None:
    """Say why not, to the asker alone, as the first answer. Raise what a call to Discord may raise."""
    await interaction.response.send_message(embed=notice(text), ephemeral=True, allowed_mentions=NO_PINGS)


def refused_at_once(ctx: Context, interaction: Interaction, asked: Asked, *, whole: bool = True) -> str | None:
    """Say why a request cannot be taken, as far as that can be told without waiting for anything.

    `whole`: nothing more will be typed. Else what is missing, or goes wrong together, may still be mended.
    """
    in_server = place_of(interaction) is Place.SERVER
    if not in_server and ctx.outside_daily <= 0:
        return not_offered()
    if in_server and not _may_post(interaction):
        return refusals.may_not_post()
    providers, typed = ctx.offered(server_of(interaction)), asked.typed
    if not providers:
        return _none_offered(ctx, server_of(interaction))
    if typed.provider is not None and provider_named(providers, typed.provider) is None:
        lost = {name: ctx.known[name] for name in ctx.keys.unreadable(server_of(interaction))}
        if provider_named(lost, typed.provider) is not None:
            return refusals.keys_unreadable()
        return refusals.no_such_provider(typed.provider, [provider.title for provider in providers.values()])
    roles = _roles(asked)
    wrong = asking.out_of_range(replace(typed, roles=roles))
    if wrong and (whole or told(wrong)):
        return refusals.refused(wrong, None)
    large = files.too_large(asked.attachments)
    if large is not None:
        return large
    order, wanted = _order(providers, typed, stand_ins(roles, address(ctx)))
    planned = plan(offering(providers, order, wanted), order, wanted=wanted, preferred=None)
    if isinstance(planned, Plan):
        return None
    problems = [problem for problem in planned.problems if not of_files(problem)]
    if not whole:
        problems = [problem for problem in told(problems) if problem.rule is not Rule.NOT_TOGETHER]
    able = able_models(providers, order, wanted, stand_ins=True)
    return _refusal(providers, replace(planned, problems=tuple(problems)), able) if problems else None


def _none_offered(ctx: Context, guild_id: int | None) -> str:
    if ctx.keys.unreadable(guild_id):
        return refusals.keys_unreadable()
    return refusals.no_providers(server=guild_id is not None and bool(ctx.keys.vendors))


def _roles(asked: Asked) -> tuple[Role, ...]:
    return asked.kept.roles if asked.kept else tuple(role for role, _ in asked.attachments)


def _refusal(providers: Mapping[str, Provider], planned: Refused, able: Sequence[str]) -> str:
    vendor = providers.get(planned.provider or "")
    return refusals.refused(planned.problems, vendor.title if vendor else None, able)


def _may_post(interaction: Interaction) -> bool:
    """Check before any credit is spent that the result can be posted: the bot may be no member of its server at all."""
    may = interaction.app_permissions
    in_thread = isinstance(interaction.channel, discord.Thread)
    return may.view_channel and (may.send_messages_in_threads if in_thread else may.send_messages)


def address(ctx: Context) -> str:
    """Make an address of the kind a file will have, for vendors that look at addresses. The real one comes later."""
    return ctx.addresses.link(INPUTS, "x.png", 0)


def _order(providers: Mapping[str, Provider], typed: Typed, given: Files) -> tuple[Order, str | None]:
    """Make the order, and name the vendor that is meant, if one is."""
    named = provider_named(providers, typed.provider) if typed.provider else None
    return order_of(replace(typed, prompt=asking.worded(typed.prompt)), given), named.name if named else None


async def _deferred(interaction: Interaction) -> int | None:
    """Show "thinking" and name the message that does; None when Discord did not take the answer: nothing was begun."""
    try:
        response = await interaction.response.defer(thinking=True)
        if response is not None and response.message_id is not None:
            return response.message_id
        return (await interaction.original_response()).id
    except Exception as error:  # noqa: BLE001 -- an answer that cannot be read makes discord.py stumble anyhow
        _log.warning("command not answered", trouble=said(error))
    try:  # "thinking" may stand there for ever: only the answer to it was lost
        await interaction.edit_original_response(embed=notice(refusals.not_begun()), allowed_mentions=NO_PINGS)
    except TROUBLES as error:
        _log.warning("member not told", trouble=said(error))
    return None


async def _looked_ahead(ctx: Context, interaction: Interaction, asked: Asked) -> "_Decided | str | None":
    """Read what the server's presets, rules and limits say of a request; or the sentence in which they refuse it.

    None: that could not be known in time, or the files decide. Only the hold itself is sure.
    """
    try:
        async with asyncio.timeout(_LOOK_AHEAD):
            return await ctx.database.read(_ahead, ctx, interaction, asked)
    except (StorageError, TimeoutError) as error:
        _log.warning("nothing foreseen", trouble=type(error).__name__)
        return None


def _ahead(connection: Connection, ctx: Context, interaction: Interaction, asked: Asked) -> "_Decided | str | None":
    """Judge a request by what is stored: in one question, as each trip to the database costs more than the judging."""
    decided = _decided(connection, ctx, interaction, asked, None)
    if not isinstance(decided, _Decided):
        return decided
    planned = decided.plan
    hindered = foreseen(connection, ctx, planned, _asker(interaction, None, decided.language), asked.root)
    if hindered is None:
        return decided
    if isinstance(hindered, Hindered) and hindered.limit.kind is LimitKind.BUDGET and planned.order.clips:
        return None  # what it costs may go by how long the clips are
    return _in_the_way(ctx, asked, planned, hindered)


@dataclass(frozen=True, slots=True)
class _Decided:
    """How a request is to be made in its server."""

    plan: Plan
    language: str | None  # of the server


def _decided(
    connection: Connection, ctx: Context, interaction: Interaction, asked: Asked, given: Files | None
) -> _Decided | str | None:
    """Plan a request by its server's presets and rules; or the sentence why not. `given`: see _planned."""
    guild_id = server_of(interaction) or 0
    settings = guilds.settings_of(connection, guild_id)
    kept = guilds.presets_of(connection, guild_id) if asked.preset is not None else []
    filled = _filled(ctx, interaction, asked, kept)
    if isinstance(filled, str):
        return filled
    planned = _planned(ctx, interaction, filled, given, settings)
    return _Decided(planned, settings.language) if isinstance(planned, Plan) else planned


async def _held(
    ctx: Context, desk: Desk, interaction: Interaction, asked: Asked, card_id: int, decided: _Decided | None
) -> Job | str:
    """Read, check, plan and hold; or the sentence why not. `decided`: a moment ago, without a look at the files."""
    given: Files | str = Files()
    if asked.kept or asked.attachments:
        async with desk.turn(interaction.user.id):
            given = await (asked.kept.read() if asked.kept else files.read(desk, asked.attachments, address(ctx)))
    if isinstance(given, str):
        return given
    ctx.tell("pictures read", None, pictures=len(given.pictures) + len(given.clips))
    try:
        if decided is None or given != Files():
            found = await ctx.database.read(_decided, ctx, interaction, asked, given)
            if not isinstance(found, _Decided):
                return found or refusals.unexpected()
            decided = found
        planned = decided.plan
        ctx.tell("planned", None, provider=planned.provider, credits=planned.price)
        job = await accept(ctx, planned, _asker(interaction, card_id, decided.language), asked.root)
    except (StorageError, OSError) as error:
        _log.warning("job not stored", trouble=type(error).__name__)
        return refusals.storage_trouble()
    return job if isinstance(job, Job) else _in_the_way(ctx, asked, planned, job)


def _in_the_way(ctx: Context, asked: Asked, planned: Plan, what: Hindered | Busy | NoAccount) -> str:
    if isinstance(what, NoAccount):
        return refusals.no_account(ctx.keys.title(what.provider), gone=what.gone)
    if isinstance(what, Busy):
        return refusals.at_no_cost(shots.waits(asked.root, planned.order.operation, what.by))
    return refusals.hindered(what)


def _filled(ctx: Context, interaction: Interaction, asked: Asked, kept: Sequence[Preset]) -> Asked | str:
    """Fill a request with the preset that is named, if one is; or the sentence why not."""
    if asked.preset is None:
        return asked
    name = asked.preset.casefold()
    preset = next((one for one in kept if one.name.casefold() == name), None)
    if preset is None:
        return refusals.at_no_cost(presets.unknown(asked.preset))
    asked = replace(asked, typed=presets.applied(preset, asked.typed))
    return refused_at_once(ctx, interaction, asked) or asked


def _planned(
    ctx: Context, interaction: Interaction, asked: Asked, given: Files | None, settings: GuildSettings
) -> Plan | str | None:
    """Choose who makes it, by the server's rules and with what it may use; or the sentence why not.

    `given`: None when nobody has looked at the files yet. Then the cheapest is chosen, as another vendor may have to
    make it than the server's own, and the answer is None where it all depends on the files.
    """
    broken = rules.broken(settings, interaction.channel, asked.typed)
    if broken is not None:
        return refusals.at_no_cost(broken)
    roles, preferred = _roles(asked), settings.default_provider
    opened = stand_ins(roles, address(ctx)) if given is None else given
    providers = ctx.offered(server_of(interaction))
    order, wanted = _order(providers, rules.with_default_model(providers, settings, asked.typed), opened)
    if asked.typed.provider is not None and wanted is None:  # its key was taken away just now
        return refusals.no_such_provider(asked.typed.provider, [one.title for one in providers.values()])
    preferred = None if given is None and roles else preferred
    planned = plan(offering(providers, order, wanted), order, wanted=wanted, preferred=preferred)
    if isinstance(planned, Plan):
        return planned
    if given is None:
        planned = replace(planned, problems=tuple(one for one in planned.problems if not of_files(one)))
    able = able_models(providers, order, wanted, stand_ins=given is None)
    return _refusal(providers, planned, able) if planned.problems else None


def _asker(interaction: Interaction, card_id: int | None, language: str | None) -> Asker:
    limit = interaction.filesize_limit  # it may be the member's own, higher one
    limit = min(limit, interaction.guild.filesize_limit if interaction.guild else DEFAULT_FILE_SIZE_LIMIT_BYTES)
    parent_id, parent_open = above(interaction)
    return Asker(
        interaction_id=interaction.id,
        guild_id=server_of(interaction),
        place=place_of(interaction),
        channel_id=interaction.channel_id or 0,
        parent_id=parent_id,
        parent_open=parent_open,
        user_id=interaction.user.id,
        user_name=asking.storable(interaction.user.display_name),
        card_message_id=card_id,
        upload_limit=limit,
        roles=tuple(role.id for role in getattr(interaction.user, "roles", ())),
        language=language or language_of(interaction.locale),
    )


async def _show(ctx: Context, interaction: Interaction, job: Job) -> None:
    """Turn the thinking message into the card. Where that fails the card loop tries again."""
    embed, view = drawn(ctx, job, None, [])
    try:
        if view is None:
            await interaction.edit_original_response(embed=embed, allowed_mentions=NO_PINGS)
        else:
            await interaction.edit_original_response(embed=embed, view=view, allowed_mentions=NO_PINGS)
    except Exception as error:  # noqa: BLE001 -- as above; whatever it was, the job goes on, and no other word may stand here
        _log.warning("card not shown", job=job.code, trouble=said(error))
        return
    ctx.tell("card edited", job.id, state=job.state)
    try:
        await ctx.database.write(job_facts.card_shown, job.id, job.card_version, ctx.now())
    except StorageError as error:  # the card loop draws it once more, that is all
        _log.warning("card not recorded", job=job.code, trouble=str(error))


async def stumbled(interaction: Interaction, error: BaseException) -> None:
    """Make one log line and one sentence for the member of what nobody foresaw."""
    if isinstance(error, TROUBLES):
        _log.warning("Discord did not take an answer", trouble=said(error))
    else:
        _log.error("command failed", exc_info=error)
    if interaction.type is discord.InteractionType.autocomplete or interaction.is_expired():
        return
    try:
        if interaction.response.is_done():
            await interaction.edit_original_response(
                embed=notice(refusals.unexpected()), view=None, allowed_mentions=NO_PINGS
            )
        else:
            await refuse(interaction, refusals.unexpected())
    except TROUBLES as trouble:
        _log.warning("member not told", trouble=said(trouble))
