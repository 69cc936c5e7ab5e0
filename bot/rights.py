"""Who may do what: judged anew at each press and command, from what Discord says of the one who acts."""

from typing import Any

import discord

from jobs.context import Context
from storage import guilds, moderation
from storage.words import GuildSettings, Job

Interaction = discord.Interaction[Any]


def may(interaction: Interaction, job: Job | None) -> bool:
    """Judge who acts on a job: the one who asked, anywhere in its server, or who may manage messages in its channel."""
    if job is None or job.guild_id is None or job.guild_id != interaction.guild_id:
        return False
    if interaction.user.id == job.user_id:
        return True
    return job.channel_id == interaction.channel_id and interaction.permissions.manage_messages


def sees(interaction: Interaction, job: Job | None) -> bool:
    """Judge who may look: whoever is in the job's channel, and who may act on it; others may be closed to them."""
    if job is None or job.guild_id is None or job.guild_id != interaction.guild_id:
        return False
    return job.channel_id == interaction.channel_id or may(interaction, job)


async def moderates(ctx: Context, interaction: Interaction) -> bool:
    """Judge who is a moderator where they act: by Manage Messages there, or by the admins' role. Raise StorageError."""
    if interaction.guild_id is None:
        return False
    if interaction.permissions.manage_messages:
        return True
    return await has_moderator_role(ctx, interaction)


async def has_moderator_role(ctx: Context, interaction: Interaction) -> bool:
    """Tell whether somebody has the role that the admins gave the moderators of this server. Raise StorageError."""
    return _has_role(interaction, await ctx.database.read(guilds.settings_of, interaction.guild_id or 0))


def _has_role(interaction: Interaction, settings: GuildSettings) -> bool:
    roles = {role.id for role in getattr(interaction.user, "roles", ())}
    return settings.moderator_role_id is not None and settings.moderator_role_id in roles


async def note(ctx: Context, interaction: Interaction, kind: str, subject: str, /, **detail: Any) -> None:
    """Write down what a moderator or an admin did. Raise StorageError."""
    guild_id, actor_id, now = interaction.guild_id or 0, interaction.user.id, ctx.now()
    await ctx.database.write(moderation.acted, guild_id, actor_id, kind, subject, now, **detail)
    ctx.tell("act noted", None, by=actor_id, act=kind, subject=subject)
    ctx.wakes.acts.set()
