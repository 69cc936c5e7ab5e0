"""Who may do what: judged anew at each press and command, from what Discord says of the one who acts.

Outside of servers there are no moderators: what was made there is its asker's alone.
"""

from typing import Any

import discord

from bot.places import place_of, server_of
from jobs.context import Context
from jobs.life import Note
from storage import Connection, guilds, moderation
from storage.words import Job, Place

Interaction = discord.Interaction[Any]


def here(interaction: Interaction, job: Job | None) -> bool:
    """Tell whether a job can be spoken of where somebody acts: in its server, or by its asker outside of servers.

    In their direct messages people may speak of all that is theirs: results are sent there that fit nowhere else.
    """
    if job is None:
        return False
    place = place_of(interaction)
    if place is Place.SERVER:
        return job.guild_id == interaction.guild_id
    return interaction.user.id == job.user_id and (job.guild_id is None or place is Place.DIRECT)


def may(interaction: Interaction, job: Job | None, stands_in: int | None = None) -> bool:
    """Judge who acts on a job: the one who asked, anywhere in its server, or who may manage messages in its channel.

    `stands_in`: the channel of its result, when it is about that; it may be another one.
    """
    if job is None or not here(interaction, job):
        return False
    return interaction.user.id == job.user_id or tends(interaction, job.channel_id, stands_in)


def tends(interaction: Interaction, *channels: int | None) -> bool:
    """Judge who may manage messages where they act, which is one of these channels. It gives nothing elsewhere."""
    return interaction.channel_id in channels and interaction.permissions.manage_messages


def sees(interaction: Interaction, job: Job | None) -> bool:
    """Judge who may look: whoever is in the job's channel, and who may act on it; others may be closed to them."""
    if job is None or not here(interaction, job):
        return False
    rooms = {job.channel_id, job.parent_id if job.parent_open else None}
    return interaction.channel_id in rooms or may(interaction, job)


async def moderates(ctx: Context, interaction: Interaction) -> bool:
    """Judge who is a moderator of the whole server: by Manage Messages there, or by the admins' role.

    What a single channel lets somebody do does not count. Raise StorageError.
    """
    server = server_of(interaction)
    if server is None:
        return False
    if isinstance(interaction.user, discord.Member) and interaction.user.guild_permissions.manage_messages:
        return True
    settings = await ctx.database.read(guilds.settings_of, server)
    roles = {role.id for role in getattr(interaction.user, "roles", ())}
    return settings.moderator_role_id is not None and settings.moderator_role_id in roles


async def answers_for(ctx: Context, interaction: Interaction, job: Job) -> bool:
    """Judge who may approve: a moderator, or who may manage messages where it was asked for, but not their own.

    That is the job's channel, and the one in which the admins want approvals asked for. Raise StorageError.
    """
    if await moderates(ctx, interaction):
        return True
    server = server_of(interaction)
    if server is None or interaction.user.id == job.user_id:
        return False
    settings = await ctx.database.read(guilds.settings_of, server)
    return tends(interaction, job.channel_id, settings.moderators_channel_id or settings.alerts_channel_id)


def administers(interaction: Interaction, job: Job) -> bool:
    """Judge who decides about a job's credits: who may manage the server it was asked for in."""
    server = server_of(interaction)
    return server is not None and server == job.guild_id and interaction.permissions.manage_guild


def musts(channel: Any) -> tuple[str, str]:
    """Name the permissions that I need in a channel to post words there."""
    return "view_channel", "send_messages_in_threads" if isinstance(channel, discord.Thread) else "send_messages"


def operates(interaction: Interaction) -> bool:
    """Judge who runs this bot: the owner of its application at Discord, or a member of the team that owns it."""
    about = interaction.client.application
    if about is None:
        return False
    if about.team is None:
        return about.owner.id == interaction.user.id
    accepted = discord.TeamMembershipState.accepted
    members = (one for one in about.team.members if one.membership_state is accepted)
    return any(one.id == interaction.user.id for one in members)


def act(interaction: Interaction, kind: str, subject: str, /, **detail: Any) -> Note:
    """Give what writes down what a moderator does, in the transaction that does it: then ring for the acts."""
    guild_id, actor_id = interaction.guild_id or 0, interaction.user.id

    def noted(connection: Connection, now: int) -> None:
        moderation.acted(connection, guild_id, actor_id, kind, subject, now, **detail)

    return noted


async def note(ctx: Context, interaction: Interaction, kind: str, subject: str, /, **detail: Any) -> None:
    """Write down what a moderator or an admin did. Raise StorageError."""
    guild_id, actor_id, now = interaction.guild_id or 0, interaction.user.id, ctx.now()
    await ctx.database.write(moderation.acted, guild_id, actor_id, kind, subject, now, **detail)
    ctx.tell("act noted", None, by=actor_id, act=kind, subject=subject)
    ctx.wakes.acts.set()
