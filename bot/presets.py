"""/preset: styles and choices that a server gave a name, so that members need not type them each time.

A preset never changes what a member typed: it fills what they left open, and its words come after theirs, on the card
for all to see.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import structlog
from discord import app_commands

from bot import asking, refusals, rights
from bot.choices import Files, Typed, order_of, provider_named, takes, told
from bot.language import N_, _, number
from bot.looks import fitting, notice
from bot.messages import Tone
from bot.places import server_of
from bot.plain import clean, cut, plain
from bot.rights import Interaction
from bot.setup import not_stored
from bot.talking import NO_PINGS, working
from jobs.context import Context
from providers.contract import Provider
from storage import Connection, StorageError, guilds, moderation
from storage.words import Preset

_log = structlog.get_logger("bot.presets")
_MOST_NAME, _MOST_WORDS, _MOST_SHOWN = 40, 1000, 25
_CHOICES = ("model", "duration", "aspect_ratio", "resolution", "audio", "provider")


def not_moderator() -> str:
    """Refuse somebody who is no moderator."""
    return _("Only moderators of this server can change its presets. Nothing was changed.")


def empty() -> str:
    """Refuse a preset that would change nothing."""
    return _("A preset needs words or at least one choice. Nothing was changed.")


def applied(preset: Preset, typed: Typed) -> Typed:
    """Fill what the member left open, and put the preset's words after theirs."""
    options = {name: preset.options.get(name) for name in _CHOICES if getattr(typed, name) is None}
    words = ", ".join(part for part in (asking.worded(typed.prompt).strip(), preset.words) if part)
    return replace(typed, prompt=words or typed.prompt, **options)


def untaken(providers: Mapping[str, Provider], typed: Typed) -> str | None:
    """Say why no vendor here could make anything with a preset's choices. What is used is judged again."""
    named = provider_named(providers, typed.provider) if typed.provider else None
    vendors = [named] if named else list(providers.values())
    if typed.provider and named is None:
        return _("There is no provider called {name} here. Nothing was changed.").format(name=plain(typed.provider, 40))
    known = {model.name for vendor in vendors for kind in vendor.operations() for model in vendor.models(kind)}
    if typed.model is not None and typed.model not in known:
        return _("No provider here knows the model {name}. Nothing was changed.").format(name=plain(typed.model, 64))
    for vendor in vendors:
        for kind in vendor.operations():
            of_kind = replace(typed, operation=kind)
            for model in vendor.models(kind):
                fits = typed.model in {None, model.name} and not told(asking.out_of_range(of_kind))
                if fits and takes(vendor, order_of(replace(of_kind, model=model.name), Files())):
                    return None
    return _("No provider here takes these choices together. Nothing was changed.")


def preset_group(ctx: Context) -> app_commands.Group:
    """Make the /preset commands."""
    group = app_commands.Group(name="preset", description=N_("Styles and choices of this server, by name"))
    for command in (_list(ctx), _save(ctx), _delete(ctx)):
        group.add_command(command)
    return group


def _list(ctx: Context) -> app_commands.Command[Any, ..., None]:
    async def listed(interaction: Interaction) -> None:
        with working(interaction):
            await interaction.response.defer(ephemeral=True, thinking=True)
            try:
                found = await ctx.database.read(guilds.presets_of, interaction.guild_id or 0)
                text = _listing(found)
            except StorageError as error:
                _log.warning("presets not read", trouble=str(error))
                text = _("I can't read the presets just now. Please try again in a minute.")
            await interaction.edit_original_response(embed=notice(text, Tone.DONE), allowed_mentions=NO_PINGS)

    return app_commands.Command(name="list", description=N_("The presets of this server"), callback=listed)


def _listing(found: list[Preset]) -> str:
    if not found:
        return _("This server has no presets yet. A moderator makes one with `/preset save`.")
    lines = [f"**{plain(preset.name, _MOST_NAME)}** · {shown(preset)}" for preset in found]
    return fitting(lines, "-# " + _("Choose one as `preset` in `/video` and its like."))


def shown(preset: Preset) -> str:
    """Tell what a preset does, in one line."""
    chosen = [f"{name.replace('_', ' ')} {_word(value)}" for name, value in preset.options.items()]
    return " · ".join([*([f"“{plain(preset.words, 100)}”"] if preset.words else []), *chosen])


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return plain(str(value), 40)


def _save(ctx: Context) -> app_commands.Command[Any, ..., None]:
    @app_commands.describe(
        name=N_("What it is called; one of that name is replaced"),
        words=N_("What is put after each prompt, such as: black and white film, rain"),
        model=N_("Which model makes it"),
        duration=N_("How many seconds"),
        aspect_ratio=N_("The shape, such as 16:9"),
        resolution=N_("How sharp the picture is, such as 720p"),
        audio=N_("With sound"),
        provider=N_("Who makes it"),
    )
    async def save(
        interaction: Interaction,
        name: app_commands.Range[str, 1, _MOST_NAME],
        words: app_commands.Range[str, 1, _MOST_WORDS] | None = None,
        model: app_commands.Range[str, 1, asking.MOST_MODEL] | None = None,
        duration: app_commands.Range[int, 1, 600] | None = None,
        aspect_ratio: app_commands.Range[str, 1, 11] | None = None,
        resolution: app_commands.Range[str, 1, 20] | None = None,
        audio: bool | None = None,
        provider: app_commands.Range[str, 1, 40] | None = None,
    ) -> None:
        chosen = {
            "model": model,
            "duration": duration,
            "aspect_ratio": aspect_ratio,
            "resolution": resolution,
            "audio": audio,
            "provider": provider,
        }
        await _saved(ctx, interaction, asking.storable(name), asking.storable(words or ""), chosen)

    return app_commands.Command(name="save", description=N_("For moderators: make or change a preset"), callback=save)


async def _saved(
    ctx: Context, interaction: Interaction, name: str, words: str, chosen: Mapping[str, str | int | bool | None]
) -> None:
    options = {key: clean(value) if isinstance(value, str) else value for key, value in chosen.items()}
    options = {key: value for key, value in options.items() if value not in (None, "")}
    name = cut(clean(name), _MOST_NAME)
    refusal = None if name and (clean(words) or options) else empty()
    typed = applied(Preset(name, words, options, 0, 0), Typed(prompt="x"))
    refusal = refusal or untaken(ctx.offered(interaction.guild_id), typed)

    def store(connection: Connection) -> str:
        guild_id, now = interaction.guild_id or 0, ctx.now()
        preset = Preset(name, words, options, interaction.user.id, now)
        if not guilds.preset_saved(connection, guild_id, preset):
            full = _("A server keeps {count} presets; delete one first. Nothing was changed.")
            return full.format(count=number(guilds.MOST_PRESETS))
        moderation.acted(connection, guild_id, interaction.user.id, "preset", name, now, words=words, **options)
        kept = _("**{name}** is kept: {choices}. Members choose it as `preset`.")
        return kept.format(name=plain(name, _MOST_NAME), choices=shown(preset))

    await _changed(ctx, interaction, store, refusal)


def _delete(ctx: Context) -> app_commands.Command[Any, ..., None]:
    @app_commands.describe(name=N_("Which preset"))
    async def delete(interaction: Interaction, name: str) -> None:
        def store(connection: Connection) -> str:
            guild_id, now = interaction.guild_id or 0, ctx.now()
            if not guilds.preset_dropped(connection, guild_id, name):
                return unknown(name)
            moderation.acted(connection, guild_id, interaction.user.id, "drop preset", name, now)
            words = _("**{name}** is deleted. Jobs that were made with it stay as they are.")
            return words.format(name=plain(name, _MOST_NAME))

        await _changed(ctx, interaction, store, None)

    command: app_commands.Command[Any, ..., None] = app_commands.Command(
        name="delete", description=N_("For moderators: delete a preset"), callback=delete
    )
    command.autocomplete("name")(naming(ctx))
    return command


def unknown(name: str) -> str:
    """Say that there is no such preset."""
    words = _("There is no preset called {name} here; `/preset list` shows them.")
    return words.format(name=plain(name, _MOST_NAME))


async def _changed(ctx: Context, interaction: Interaction, store: Any, refusal: str | None) -> None:
    """Let a moderator, and nobody else, change a preset."""
    with working(interaction):
        await interaction.response.defer(ephemeral=True, thinking=True)
        try:
            if interaction.guild_id is None:
                text = refusals.only_in_servers()
            elif not await rights.moderates(ctx, interaction):
                text = not_moderator()
            else:
                text = refusal or await ctx.database.write(store)
                ctx.wakes.acts.set()
        except StorageError as error:
            _log.warning("preset not stored", trouble=str(error))
            text = not_stored()
        await interaction.edit_original_response(embed=notice(text, Tone.DONE), allowed_mentions=NO_PINGS)


def naming(ctx: Context) -> Any:
    """Suggest the presets of the server by name."""

    async def complete(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        wanted = clean(current).casefold()
        try:
            found = await ctx.database.read(guilds.presets_of, server_of(interaction) or 0)
        except StorageError:
            return []
        names = [preset.name for preset in found if wanted in preset.name.casefold()]
        return [app_commands.Choice(name=name, value=name) for name in names[:_MOST_SHOWN]]

    return complete
