"""What Discord's JSON looks like: users, servers, channels, messages, files."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sandbox.discord import permissions
from sandbox.discord.values import DIRECT, GROUP, Attachment, Json
from sandbox.discord.world import Channel, Message, User, World

if TYPE_CHECKING:  # only names for annotations
    from sandbox.discord.guilds import Guild
    from sandbox.discord.members import Member

# What a server's boosts allow: (at least this many bytes, tier).
TIERS = ((100 * 2**20, 3), (50 * 2**20, 2))

# What Discord adds to components that come without it.
COMPONENT_DEFAULTS: dict[int, Json] = {
    11: {"description": None, "spoiler": False},
    13: {"name": None, "size": None, "spoiler": False},
    14: {"spacing": 1, "divider": True},
    17: {"accent_color": None, "spoiler": False},
}
GALLERY_ITEM: Json = {"description": None, "spoiler": False}

# What a plain server does not have.
ABSENT = (
    "icon",
    "description",
    "home_header",
    "splash",
    "discovery_splash",
    "banner",
    "application_id",
    "afk_channel_id",
    "system_channel_id",
    "widget_channel_id",
    "vanity_url_code",
    "rules_channel_id",
    "safety_alerts_channel_id",
    "public_updates_channel_id",
    "incidents_data",
)


def moment(seconds: float) -> str:
    """Write a time the way Discord does."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def user(who: User) -> Json:
    """Describe an account."""
    return {
        "id": str(who.id),
        "username": who.name,
        "discriminator": "0",
        "global_name": None if who.bot else who.name.title(),
        "avatar": None,
        "bot": who.bot,
        "public_flags": 0,
        "flags": 0,
        "primary_guild": None,
    }


def own_user(world: World) -> Json:
    """Describe the bot to itself."""
    return user(world.bot) | {"mfa_enabled": True, "locale": "en-US", "verified": True, "email": None}


def application(world: World) -> Json:
    """Describe the bot's application to its owner."""
    owner = user(world.owner)
    return {
        "id": str(world.bot.id),
        "name": world.bot.name,
        "icon": None,
        "description": "",
        "type": None,
        "bot": user(world.bot),
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "flags": 0,
        "flags_new": "0",
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "owner": owner,
        "team": _team(world),
        "approximate_guild_count": len(world.guilds),
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "eligible_oauth2_scopes": ["bot", "applications.commands"],
        "integration_types_config": {"0": {}, "1": {}},
    }


def _team(world: World) -> Json | None:
    """Describe the team that owns the application; None when one person does."""
    if not world.team:
        return None
    about: Json = {"team_id": "2", "membership_state": 2, "role": "admin", "permissions": ["*"]}
    return {
        "id": "2",
        "name": "team",
        "icon": None,
        "owner_user_id": str(world.team[0].id),
        "members": [about | {"user": user(who)} for who in world.team],
    }


def role(number: int, name: str, granted: int, *, managed: bool = False, position: int = 0) -> Json:
    """Describe a role."""
    return {
        "id": str(number),
        "name": name,
        "description": None,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "icon": None,
        "unicode_emoji": None,
        "position": position,
        "permissions": str(granted),
        "managed": managed,
        "mentionable": True,
        "flags": 0,
    }


def channel(place: Channel) -> Json:
    """Describe a channel."""
    last = place.last_message_id
    common: Json = {"id": str(place.id), "flags": 0, "last_message_id": str(last) if last else None}
    if place.kind == GROUP:
        people = [user(who) for who in place.people]
        return common | {"type": GROUP, "name": place.name, "icon": None, "recipients": people}
    if place.guild is None:
        return common | {"type": DIRECT, "recipients": [user(place.recipient)] if place.recipient else []}
    if place.parent is not None:
        return common | _thread(place, place.guild, place.parent)
    overwrites: list[Json] = [
        {"id": str(who), "type": 1, "allow": str(granted), "deny": "0"} for who, granted in place.granted.items()
    ]
    if place.denied:
        overwrites.append({"id": str(place.world.bot.id), "type": 1, "allow": "0", "deny": str(place.denied)})
    return common | {
        "type": place.kind,
        "guild_id": str(place.guild.id),
        "name": place.name,
        "position": list(place.guild.channels).index(place) if place in place.guild.channels else 0,
        "permission_overwrites": overwrites,
        "topic": None,
        "nsfw": place.nsfw,
        "rate_limit_per_user": 0,
        "parent_id": None,
    }


def _thread(place: Channel, home: Guild, parent: Channel) -> Json:
    """Describe a thread or a forum's post; its rights and its age limit are its channel's."""
    return {
        "type": place.kind,
        "guild_id": str(home.id),
        "name": place.name,
        "parent_id": str(parent.id),
        "owner_id": str(home.owner.id),
        "rate_limit_per_user": 0,
        "message_count": 0,
        "member_count": 1,
        "total_message_sent": 0,
        "thread_metadata": {
            "archived": place.archived,
            "auto_archive_duration": 1440,
            "archive_timestamp": moment(home.created_at),
            "locked": place.locked,
        },
    }


def membership(who: User, roles: list[str], joined: float) -> Json:
    """Describe an account's place in a server."""
    return {
        "user": user(who),
        "nick": None,
        "avatar": None,
        "banner": None,
        "roles": roles,
        "joined_at": moment(joined),
        "premium_since": None,
        "communication_disabled_until": None,
        "pending": False,
        "flags": 0,
        "deaf": False,
        "mute": False,
    }


def member(who: Member) -> Json:
    """Describe a person in their server."""
    rights = [who.guild.rights[who.id]] if who.id in who.guild.rights else []
    return membership(who.user, [str(number) for number in (*who.roles, *rights)], who.joined_at)


def own_member(guild: Guild) -> Json:
    """Describe the bot in a server."""
    return membership(guild.world.bot, [str(guild.bot_role)], guild.created_at)


def guild(place: Guild) -> Json:
    """Describe a server to a member of it."""
    tier = next((tier for least, tier in TIERS if place.upload_limit >= least), 0)
    roles = [
        role(place.id, "@everyone", permissions.DEFAULT_MEMBER),
        role(place.bot_role, place.world.bot.name, place.bot_permissions, managed=True, position=1),
        *(role(number, name, 0, position=2) for number, name in place.roles.items()),
        *(
            role(number, place.members[who].name, place.members[who].permissions, position=2)
            for who, number in place.rights.items()
        ),
    ]
    nothing: Json = dict.fromkeys(ABSENT)
    return nothing | {
        "id": str(place.id),
        "name": place.name,
        "features": [],
        "owner_id": str(place.owner.id),
        "region": "deprecated",
        "afk_timeout": 300,
        "system_channel_flags": 0,
        "widget_enabled": False,
        "verification_level": 0,
        "roles": roles,
        "default_message_notifications": 1,
        "mfa_level": 0,
        "explicit_content_filter": 0,
        "max_presences": None,
        "max_members": 500_000,
        "max_stage_video_channel_users": 50,
        "max_video_channel_users": 25,
        "premium_tier": tier,
        "premium_subscription_count": (0, 2, 7, 14)[tier],
        "preferred_locale": place.locale,
        "premium_progress_bar_enabled": False,
        "nsfw": False,
        "nsfw_level": 0,
        "emojis": [],
        "stickers": [],
    }


def guild_create(place: Guild) -> Json:
    """Describe a server in full, as the gateway does when a session begins."""
    return guild(place) | {
        "joined_at": moment(place.created_at),
        "large": False,
        "unavailable": False,
        "member_count": len(place.members) + 1,
        "voice_states": [],
        "members": [own_member(place)],
        "channels": [channel(c) for c in place.channels],
        "threads": [channel(thread) for thread in place.threads],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def attachment(world: World, file: Attachment) -> Json:
    """Describe a file with a freshly signed address."""
    url = world.link(file)
    body: Json = {
        "id": str(file.id),
        "filename": file.filename,
        "size": file.size,
        "url": url,
        "proxy_url": url,
        "content_type": file.content_type,
    }
    if file.width and file.height:
        body |= {"width": file.width, "height": file.height}
    if file.description is not None:
        body["description"] = file.description
    return body | {"ephemeral": True} if file.private else body


def message(it: Message) -> Json:
    """Describe a message."""
    world = it.world
    body: Json = {
        "id": str(it.id),
        "channel_id": str(it.channel.id),
        "type": 19 if it.reply_to else 20 if it.interaction else 0,
        "author": user(it.author),
        "content": it.content,
        "timestamp": moment(it.created_at),
        "edited_timestamp": None if it.edited_at is None else moment(it.edited_at),
        "tts": False,
        "mention_everyone": it.pings.everyone,
        "mentions": [user(world.users[n]) for n in sorted(it.pings.users) if n in world.users],
        "mention_roles": [str(n) for n in sorted(it.pings.roles)],
        "attachments": [attachment(world, file) for file in it.attachments],
        "embeds": [_embed(it, embed) for embed in it.embeds],
        "components": [_resolve(it, component) for component in it.components],
        "pinned": False,
        "flags": it.flags,
    }
    if it.nonce is not None:
        body["nonce"] = it.nonce
    if it.interaction is not None:
        body |= {
            "interaction_metadata": it.interaction,
            "application_id": str(world.bot.id),
            "webhook_id": str(world.bot.id),
        }
    if it.reply_to is not None:
        body["message_reference"] = {"type": 0, "channel_id": str(it.channel.id), "message_id": str(it.reply_to)}
    return body


def _file_url(it: Message, url: str) -> str:
    """Turn attachment://name into the file's address."""
    found = re.fullmatch(r"attachment://(.+)", url)
    named = [file for file in it.attachments if found and file.filename == found[1]]
    return it.world.link(named[0]) if named else url


def _embed(it: Message, embed: Json) -> Json:
    body: Json = {"type": "rich"} | {key: value for key, value in embed.items() if value is not None}
    for key in ("image", "thumbnail"):
        if body.get(key):
            url = _file_url(it, str(body[key].get("url", "")))
            body[key] = {"url": url, "proxy_url": url, "width": 0, "height": 0}
    return body


def _resolve(it: Message, component: Json) -> Json:
    """Fill in what Discord adds to components: addresses of attached files."""
    body: Json = {key: value for key, value in component.items() if value is not None}
    body = COMPONENT_DEFAULTS.get(int(body["type"]), {}) | body
    if body.get("components"):
        body["components"] = [_resolve(it, part) for part in body["components"]]
    if body.get("accessory"):
        body["accessory"] = _resolve(it, body["accessory"])
    if body.get("items"):
        body["items"] = [GALLERY_ITEM | item | {"media": _media(it, item["media"])} for item in body["items"]]
    for key in ("media", "file"):
        if body.get(key):
            body[key] = _media(it, body[key])
    return body


def _media(it: Message, media: Json) -> Json:
    url = _file_url(it, str(media.get("url", "")))
    return {
        "id": str(it.id),
        "url": url,
        "proxy_url": url,
        "width": 0,
        "height": 0,
        "content_type": "application/octet-stream",
    }
