"""/settings: what the admins of a server decide."""

from dataclasses import replace
from typing import Any

import discord
import structlog
from discord import app_commands

from bot import refusals
from bot.choices import provider_named
from bot.looks import notice, title_of
from bot.messages import Tone, credits_of
from bot.plain import clean, plain
from bot.taking import Interaction, refuse
from bot.talking import NO_PINGS, TROUBLES, said, working
from jobs.context import Context
from storage import Connection, StorageError, guilds, ledger, moderation
from storage.words import GuildSettings

NONE = "none"  # as a provider: none in particular
NOT_ADMIN = "Only people who may manage this server can see or change its settings. Nothing was changed."
NOT_STORED = "I can't store anything just now, so nothing was changed. Please try again in a minute."
_log = structlog.get_logger("bot.admin")


class TextChannel(app_commands.Transformer):
    """A text channel as Discord names it: discord.py would look for it among the channels it happens to know."""

    @property
    def type(self) -> discord.AppCommandOptionType:
        """Say what kind of option it is."""
        return discord.AppCommandOptionType.channel

    @property
    def channel_types(self) -> list[discord.ChannelType]:
        """Say which channels may be chosen."""
        return [discord.ChannelType.text]

    async def transform(self, interaction: Interaction, value: Any, /) -> int:
        """Keep its number."""
        del interaction
        return int(value.id)


def settings_command(ctx: Context) -> app_commands.Command[Any, ..., None]:
    """Make the /settings command."""

    @app_commands.default_permissions(manage_guild=True)
    @app_commands.describe(
        provider="Who makes it when a member names nobody; none: the cheapest that can",
        fallback="Another provider may be tried when one is down or too busy",
        alerts="Where I tell what only admins can mend",
        alerts_off="True: tell it nowhere",
    )
    async def settings(
        interaction: Interaction,
        provider: app_commands.Range[str, 1, 100] | None = None,
        fallback: bool | None = None,
        alerts: app_commands.Transform[int, TextChannel] | None = None,
        alerts_off: bool | None = None,
    ) -> None:
        with working(interaction):
            refusal = _refusal(ctx, interaction, provider)
            if refusal is not None:
                await refuse(interaction, refusal)
                return
            await interaction.response.defer(ephemeral=True, thinking=True)
            changes: dict[str, Any] = {}
            if provider is not None:
                named = provider_named(ctx.providers, provider)
                changes["default_provider"] = named.name if named else None
            if fallback is not None:
                changes["fallback"] = fallback
            if alerts is not None or alerts_off:
                changes["alerts_channel_id"] = None if alerts_off else alerts
            text, tone = await _decided(ctx, interaction, changes)
            await interaction.edit_original_response(embed=notice(text, tone), allowed_mentions=NO_PINGS)

    command: app_commands.Command[Any, ..., None] = app_commands.Command(
        name="settings", description="Show or change how I work in this server", callback=settings
    )
    command.autocomplete("provider")(_naming(ctx))
    return command


def _refusal(ctx: Context, interaction: Interaction, provider: str | None) -> str | None:
    if interaction.guild_id is None:
        return refusals.ONLY_IN_SERVERS
    if not interaction.permissions.manage_guild:  # what Discord hides can be shown again by its own settings
        return NOT_ADMIN
    if provider is not None and clean(provider).casefold() != NONE and provider_named(ctx.providers, provider) is None:
        here = ", ".join(one.title for one in ctx.providers.values()) or "none yet"
        return f"There is no provider called {plain(provider, 60)}. Here: {here}. Nothing was changed."
    return None


def _naming(ctx: Context) -> Any:
    async def complete(interaction: Interaction, current: str) -> list[app_commands.Choice[str]]:
        del interaction
        wanted = clean(current).casefold()
        offers = [("none: the cheapest that can", NONE), *((one.title, one.name) for one in ctx.providers.values())]
        return [app_commands.Choice(name=name, value=value) for name, value in offers if wanted in name.casefold()][:25]

    return complete


async def _decided(ctx: Context, interaction: Interaction, changes: dict[str, Any]) -> tuple[str, Tone]:
    """Store what was decided and show all of it; or the sentence why not."""
    channel_id = changes.get("alerts_channel_id")
    if channel_id is not None and not await _can_tell(interaction, channel_id):
        words = f"I can't post in <#{channel_id}>. Let me see it and send messages there, then try again."
        return f"{words} Nothing was changed.", Tone.FAILED
    guild_id, now = interaction.guild_id or 0, ctx.now()

    def store(connection: Connection) -> tuple[GuildSettings, int, int | None]:
        settings = replace(guilds.settings_of(connection, guild_id), **changes)
        if changes:
            guilds.decided(connection, settings, now)
            moderation.acted(connection, guild_id, interaction.user.id, "settings", "", now, **changes)
        return settings, ledger.spent_this_month(connection, guild_id, now), guilds.monthly(connection, guild_id)

    try:
        settings, spent, limit = await ctx.database.write(store)
    except StorageError as error:
        _log.warning("settings not stored", trouble=str(error))
        return NOT_STORED, Tone.FAILED
    if changes:
        ctx.wakes.acts.set()
        ctx.tell("settings changed", None, by=interaction.user.id, guild=guild_id, changed=sorted(changes))
    return shown(ctx, settings, spent, limit), Tone.DONE


async def _can_tell(interaction: Interaction, channel_id: int) -> bool:
    """Find out by doing it: no permission that can be read beforehand says as much."""
    channel = interaction.client.get_partial_messageable(channel_id, guild_id=interaction.guild_id)
    try:
        await channel.send(
            "From now on I tell here what only the admins of this bot can mend.", allowed_mentions=NO_PINGS
        )
    except TROUBLES as error:
        _log.warning("alerts channel refused", trouble=said(error))
        return False
    return True


def shown(ctx: Context, settings: GuildSettings, spent: int, limit: int | None) -> str:
    """List a server's settings."""
    name, channel = settings.default_provider, settings.alerts_channel_id
    provider = f"{title_of(ctx.providers, name)}, where it can" if name else "the cheapest that can"
    fallback = "another provider may be tried" if settings.fallback else "the job waits for its provider"
    budget = "no limit" if limit is None else f"{credits_of(limit)} a month"
    return "\n".join(
        [
            f"**Provider** · {provider}, unless a member names one",
            f"**Down or too busy** · {fallback}",
            f"**Alerts** · {f'<#{channel}>' if channel else 'nowhere but in the log'}",
            f"**Budget** · {budget}, {credits_of(spent)} used or held in this one; `rushes budget` sets it",
        ]
    )
