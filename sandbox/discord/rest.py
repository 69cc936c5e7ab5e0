"""The REST routes that a bot uses: one small function each, from a parsed request to JSON."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from sandbox.discord import commands, interactions, payloads, posting
from sandbox.discord.gateway import Gateway
from sandbox.discord.guilds import Guild
from sandbox.discord.permissions import demand
from sandbox.discord.posting import Sent
from sandbox.discord.values import FORUM, Json, RefusedError, listed, nested
from sandbox.discord.world import Channel, World


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: path parts, query and body."""

    world: World
    gateway: Gateway
    at: dict[str, str]
    query: dict[str, str]
    sent: Sent

    @property
    def body(self) -> Json:
        """Give the JSON body as an object."""
        return nested({"body": self.sent.body}, "body")

    def number(self, part: str) -> int:
        """Read a snowflake from the path. Raises RefusedError."""
        if not self.at[part].isdecimal():
            raise RefusedError(400, 50035, "Invalid Form Body")
        return int(self.at[part])


# What a route gives: a status and JSON (None for no body).
Reply: TypeAlias = tuple[int, Any]
Route: TypeAlias = Callable[[Ask], Reply]

UNKNOWN_GUILD = RefusedError(404, 10004, "Unknown Guild")


def _guild(ask: Ask) -> Guild:
    guild = ask.world.guilds.get(ask.number("guild"))
    if guild is None:
        raise UNKNOWN_GUILD
    if not guild.installed:
        raise RefusedError(403, 50001, "Missing Access")
    return guild


def _channel(ask: Ask, *needed: str) -> Channel:
    channel = ask.world.channel(ask.number("channel"))
    demand(channel.bot_permissions(), *needed)
    return channel


def _own_application(ask: Ask) -> None:
    if ask.at["app"] != str(ask.world.bot.id):
        raise RefusedError(403, 20012, "You are not authorized to perform this action on this application")


# -- who am I --


def get_me(ask: Ask) -> Reply:
    """Answer with the bot's account."""
    return 200, payloads.own_user(ask.world)


def get_application(ask: Ask) -> Reply:
    """Answer with the bot's application."""
    return 200, payloads.application(ask.world)


def get_gateway(ask: Ask) -> Reply:
    """Answer with the gateway's address; no token is asked for."""
    return 200, {"url": ask.gateway.about()["url"]}


def get_gateway_bot(ask: Ask) -> Reply:
    """Answer with the gateway's address and the number of shards."""
    return 200, ask.gateway.about()


def get_user(ask: Ask) -> Reply:
    """Answer with an account."""
    user = ask.world.users.get(ask.number("user"))
    if user is None:
        raise RefusedError(404, 10013, "Unknown User")
    return 200, payloads.user(user)


def post_direct_channel(ask: Ask) -> Reply:
    """Open direct messages with a person."""
    user = ask.world.users.get(int(ask.body.get("recipient_id") or 0))
    if user is None or user.bot:
        raise RefusedError(400, 50033, "Invalid Recipient(s)")
    return 200, payloads.channel(ask.world.direct_channel(user))


# -- servers --


def get_guild(ask: Ask) -> Reply:
    """Answer with a server."""
    return 200, payloads.guild(_guild(ask))


def get_guild_channels(ask: Ask) -> Reply:
    """Answer with a server's channels."""
    return 200, [payloads.channel(channel) for channel in _guild(ask).channels]


def get_member(ask: Ask) -> Reply:
    """Answer with a server's member, the bot included."""
    guild, number = _guild(ask), ask.number("user")
    if number == ask.world.bot.id:
        return 200, payloads.own_member(guild)
    if number not in guild.members:
        raise RefusedError(404, 10007, "Unknown Member")
    return 200, payloads.member(guild.members[number])


# -- commands --


def get_commands(ask: Ask) -> Reply:
    """List the registered commands of everywhere or of one server."""
    _own_application(ask)
    return 200, ask.world.commands.get(_guild(ask).id if "guild" in ask.at else None, [])


def put_commands(ask: Ask) -> Reply:
    """Replace the registered commands of everywhere or of one server."""
    _own_application(ask)
    return 200, commands.register(ask.world, _guild(ask).id if "guild" in ask.at else None, ask.sent.body)


# -- channels and messages --


def get_channel(ask: Ask) -> Reply:
    """Answer with a channel."""
    return 200, payloads.channel(_channel(ask))


def post_typing(ask: Ask) -> Reply:
    """Show "is typing"."""
    _channel(ask, "SEND_MESSAGES")
    return 204, None


def post_message(ask: Ask) -> Reply:
    """Post a message, or answer with the first one of the same nonce."""
    place = ask.world.channel(ask.number("channel"))
    needed = ["SEND_MESSAGES_IN_THREADS" if place.is_thread else "SEND_MESSAGES"]
    needed += ["ATTACH_FILES"] if ask.sent.files else []
    needed += ["EMBED_LINKS"] if ask.body.get("embeds") else []
    needed += ["READ_MESSAGE_HISTORY"] if ask.body.get("message_reference") else []
    channel = _channel(ask, *needed)
    if channel.recipient is not None and not channel.recipient.accepts_direct_messages:
        raise RefusedError(403, 50007, "Cannot send messages to this user")
    if channel.kind == FORUM:
        raise RefusedError(400, 50008, "Cannot send messages in a non-text channel")
    posting.open_for(channel)
    first = posting.by_nonce(ask.world, ask.world.bot, ask.body)
    if first is not None:
        return 200, payloads.message(first)
    body = ask.body | {"flags": int(ask.body.get("flags") or 0) & ~interactions.EPHEMERAL}
    sent = Sent(body, ask.sent.files, ask.sent.parts, ask.sent.multipart)
    message = posting.create(ask.world, channel, sent, upload_limit=channel.upload_limit)
    ask.world.tell("message posted", posting.told(message))
    return 200, payloads.message(message)


def get_messages(ask: Ask) -> Reply:
    """List messages, newest first; none without READ_MESSAGE_HISTORY, as Discord documents it."""
    channel = _channel(ask)
    page = posting.newest_first(channel.messages, ask.query)
    try:
        demand(channel.bot_permissions(), "READ_MESSAGE_HISTORY")
    except RefusedError:
        page = []
    return 200, [payloads.message(message) for message in page]


def get_message(ask: Ask) -> Reply:
    """Answer with one message."""
    channel = _channel(ask, "READ_MESSAGE_HISTORY")
    return 200, payloads.message(ask.world.message(channel, ask.number("message")))


def patch_message(ask: Ask) -> Reply:
    """Change one of the bot's own messages."""
    channel = _channel(ask)
    message = ask.world.message(channel, ask.number("message"))
    if message.author is not ask.world.bot:
        raise RefusedError(403, 50005, "Cannot edit a message authored by another user")
    posting.demand_open(channel)
    if ask.sent.files:
        demand(channel.bot_permissions(), "ATTACH_FILES")
    posting.edit(ask.world, message, ask.sent, upload_limit=channel.upload_limit, by_interaction=False)
    ask.world.tell("message edited", posting.told(message))
    return 200, payloads.message(message)


def delete_message(ask: Ask) -> Reply:
    """Delete a message."""
    channel = _channel(ask)
    message = ask.world.message(channel, ask.number("message"))
    if message.author is not ask.world.bot:
        demand(channel.bot_permissions(), "MANAGE_MESSAGES")
    posting.demand_open(channel)
    posting.remove(message)
    return 204, None


def post_refresh(ask: Ask) -> Reply:
    """Sign attachment addresses anew. Bots use this route although the documentation does not have it."""
    fresh: list[Json] = []
    for url in listed(ask.body, "attachment_urls"):
        number = urlsplit(str(url)).path.split("/")[-2]
        file = ask.world.files.get(int(number)) if number.isdecimal() else None
        fresh.append({"original": url, "refreshed": ask.world.link(file) if file else url})
    return 200, {"refreshed_urls": fresh}


# -- interactions: no bot token, the interaction's token is in the path --


def post_callback(ask: Ask) -> Reply:
    """Take the first answer to an interaction."""
    typed = interactions.answer(ask.world, ask.number("interaction"), ask.at["token"], ask.sent)
    if _wants(ask.query.get("with_response")):
        return 200, interactions.answer_json(typed)
    return 204, None


def _wants(flag: str | None) -> bool:
    return flag in ("1", "true", "True")


def post_webhook(ask: Ask) -> Reply:
    """Post a follow-up."""
    typed = interactions.by_token(ask.world, ask.at["token"])
    message = interactions.follow_up(typed, ask.sent)
    return 200, payloads.message(message)


def get_reply(ask: Ask) -> Reply:
    """Answer with @original or a follow-up."""
    typed = interactions.by_token(ask.world, ask.at["token"])
    return 200, payloads.message(interactions.reachable(typed, ask.at["message"]))


def patch_reply(ask: Ask) -> Reply:
    """Change @original or a follow-up."""
    typed = interactions.by_token(ask.world, ask.at["token"])
    message = interactions.reachable(typed, ask.at["message"])
    return 200, payloads.message(interactions.edit_reply(typed, message, ask.sent))


def delete_reply(ask: Ask) -> Reply:
    """Delete @original or a follow-up."""
    typed = interactions.by_token(ask.world, ask.at["token"])
    posting.remove(interactions.reachable(typed, ask.at["message"]))
    return 204, None


WITHOUT_BOT_TOKEN = ("/interactions/", "/webhooks/")
PUBLIC = ("/gateway",)

ROUTES: list[tuple[str, str, Route]] = [
    ("GET", "/users/@me", get_me),
    ("POST", "/users/@me/channels", post_direct_channel),
    ("GET", "/users/{user}", get_user),
    ("GET", "/oauth2/applications/@me", get_application),
    ("GET", "/applications/@me", get_application),
    ("GET", "/gateway", get_gateway),
    ("GET", "/gateway/bot", get_gateway_bot),
    ("GET", "/applications/{app}/commands", get_commands),
    ("PUT", "/applications/{app}/commands", put_commands),
    ("GET", "/applications/{app}/guilds/{guild}/commands", get_commands),
    ("PUT", "/applications/{app}/guilds/{guild}/commands", put_commands),
    ("GET", "/guilds/{guild}", get_guild),
    ("GET", "/guilds/{guild}/channels", get_guild_channels),
    ("GET", "/guilds/{guild}/members/{user}", get_member),
    ("GET", "/channels/{channel}", get_channel),
    ("POST", "/channels/{channel}/typing", post_typing),
    ("POST", "/channels/{channel}/messages", post_message),
    ("GET", "/channels/{channel}/messages", get_messages),
    ("GET", "/channels/{channel}/messages/{message}", get_message),
    ("PATCH", "/channels/{channel}/messages/{message}", patch_message),
    ("DELETE", "/channels/{channel}/messages/{message}", delete_message),
    ("POST", "/attachments/refresh-urls", post_refresh),
    ("POST", "/interactions/{interaction}/{token}/callback", post_callback),
    ("POST", "/webhooks/{app}/{token}", post_webhook),
    ("GET", "/webhooks/{app}/{token}/messages/{message}", get_reply),
    ("PATCH", "/webhooks/{app}/{token}/messages/{message}", patch_reply),
    ("DELETE", "/webhooks/{app}/{token}/messages/{message}", delete_reply),
]
