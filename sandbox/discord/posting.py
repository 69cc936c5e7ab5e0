"""Making and changing messages: request bodies with files, nonces, edits; the same for channels and interactions."""

import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import BodyPartReader, web

from sandbox.discord import limits, mentions, payloads
from sandbox.discord.permissions import BITS
from sandbox.discord.values import (
    COMPONENTS_V2,
    EPHEMERAL,
    LOADING,
    SUPPRESS_EMBEDS,
    SUPPRESS_NOTIFICATIONS,
    Attachment,
    Json,
    RefusedError,
    SentFile,
    Upload,
    invalid,
    listed,
    nested,
)
from sandbox.discord.world import Channel, Message, User, World, walk

GUILD_MESSAGES = 1 << 9
DIRECT_MESSAGES = 1 << 12
ACCEPTED_FLAGS = SUPPRESS_EMBEDS | SUPPRESS_NOTIFICATIONS | COMPONENTS_V2 | EPHEMERAL


@dataclass(frozen=True, slots=True)
class Sent:
    """A request's body: its JSON, and its files by the number in files[n]."""

    body: Any
    files: dict[int, Upload]
    parts: tuple[SentFile, ...] = ()
    multipart: bool = False


async def read(request: web.Request) -> Sent:
    """Read a JSON or multipart body. Raises RefusedError for what is neither."""
    if request.content_type != "multipart/form-data":
        raw = await request.read()
        if not raw:
            return Sent(None, {})
        try:
            return Sent(json.loads(raw), {})
        except ValueError as error:
            raise RefusedError(400, 50109, "The request body contains invalid JSON.") from error
    body: Any = None
    files: dict[int, Upload] = {}
    parts: list[SentFile] = []
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        name, filename = str(part.name), part.filename
        data = bytes(await part.read(decode=False))
        if name == "payload_json":
            body = json.loads(data)
        elif filename is not None:
            number = int(name[6:-1]) if name.startswith("files[") else len(files)
            files[number] = Upload(str(filename), data)
            parts.append(SentFile(name, str(filename), len(data)))
    return Sent(body if body is not None else {}, files, tuple(parts), multipart=True)


def open_for(channel: Channel, *, by_person: bool = False) -> None:
    """Take a thread out of the archive because somebody writes there; refuse where it is locked.

    50083 (HTTP 403) is what bots are told in a thread that is locked and put away, 160005 in one that is only locked.
    """
    if not channel.locked and not channel.archived:
        return
    if not by_person and channel.bot_permissions() & BITS["MANAGE_THREADS"]:
        channel.open()
    elif channel.archived and channel.locked:
        raise RefusedError(403, 50083, "Thread is archived")
    elif channel.locked:
        raise RefusedError(403, 160005, "Thread is locked")
    else:
        channel.open()


def demand_open(channel: Channel) -> None:
    """Refuse to change what stands in a thread that is put away."""
    if channel.archived:
        raise RefusedError(400, 50083, "Thread is archived")


def store_files(world: World, folder: int, sent: Sent, where: str = "") -> list[Attachment]:
    """Keep the files of a body under their attachment records. Raises RefusedError for a record without its file."""
    body: Json = sent.body or {}
    records: list[Json] = body.get("attachments") or []
    described = {int(record["id"]): record for record in records if int(record["id"]) < 1000}
    for number in described:
        if number not in sent.files:
            raise invalid(
                f"{where}attachments", "MESSAGE_ATTACHMENT_NOT_FOUND", f"Attachment data for {number} was not found."
            )
    stored: list[Attachment] = []
    for number, upload in sorted(sent.files.items()):
        record = described.get(number, {})
        name = str(record.get("filename") or upload.filename)
        file = Attachment(
            id=world.snowflake(),
            folder=folder,
            filename=name,
            data=upload.data,
            # What the part claims is not believed: Discord looks at the name.
            content_type=Upload(name, b"").claimed_type,
            description=record.get("description"),
        )
        world.files[file.id] = file
        stored.append(file)
    return stored


def numbered(components: Sequence[Json]) -> list[Json]:
    """Give components their ids, as Discord does for those that come without."""
    fresh: list[Json] = json.loads(json.dumps(list(components)))
    used = {int(part["id"]) for part in walk(fresh) if part.get("id")}
    numbers = (number for number in itertools.count(1) if number not in used)
    for part in walk(fresh):
        if not part.get("id"):
            part["id"] = next(numbers)
    return fresh


def by_nonce(world: World, author: User, body: Json) -> Message | None:
    """Find what this author sent with the same nonce a short while ago. Raises RefusedError if it was deleted."""
    nonce = body.get("nonce")
    if nonce is None or not body.get("enforce_nonce"):
        return None
    for message in reversed(world.messages.values()):
        if world.clock() - message.created_at > world.nonce_window:
            break
        if message.author is author and str(message.nonce) == str(nonce):
            if message.deleted:
                raise RefusedError(404, 10008, "Unknown Message")
            return message
    return None


def create(
    world: World,
    channel: Channel,
    sent: Sent,
    *,
    upload_limit: int,
    flags: int = 0,
    viewer: User | None = None,
    interaction: Json | None = None,
) -> Message:
    """Post a message of the bot. Raises RefusedError when Discord would."""
    body: Json = sent.body or {}
    flags |= int(body.get("flags") or 0) & ACCEPTED_FLAGS
    limits.check_message(body, flags)
    limits.check_sizes([file.data for file in sent.files.values()], upload_limit)
    reference: Any = nested(body, "message_reference").get("message_id")
    reply = None if reference is None else _reply(world, channel, int(reference), body)
    if not (body.get("content") or body.get("embeds") or body.get("components") or sent.files or flags & LOADING):
        raise RefusedError(400, 50006, "Cannot send an empty message")
    number = world.snowflake()
    message = Message(
        world=world,
        id=number,
        channel=channel,
        author=world.bot,
        created_at=world.clock(),
        content=body.get("content") or "",
        embeds=list(body.get("embeds") or []),
        attachments=store_files(world, channel.id, sent),
        components=numbered(body.get("components") or []),
        flags=flags,
        nonce=body.get("nonce"),
        reply_to=reply,
        viewer=viewer if flags & EPHEMERAL else None,
        interaction=interaction,
    )
    _ring(message, body.get("allowed_mentions"))
    world.keep(message)
    announce("MESSAGE_CREATE", message)
    world.changed()
    return message


def _reply(world: World, channel: Channel, number: int, body: Json) -> int | None:
    target = world.messages.get(number)
    if target is not None and not target.deleted and target.channel is channel:
        return number
    if body["message_reference"].get("fail_if_not_exists", True):
        raise invalid("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
    return None


def edit(world: World, message: Message, sent: Sent, *, upload_limit: int, by_interaction: bool) -> Message:
    """Change a message of the bot. Raises RefusedError when Discord would.

    Only an edit by the interaction's token ends "thinking". What a bot-token edit of a message that still
    thinks does is told nowhere; here it is allowed and the message goes on thinking, so that nobody leans on it.
    """
    body: Json = sent.body or {}
    flags = message.flags
    if body.get("flags") is not None:
        flags = flags & ~SUPPRESS_EMBEDS | int(body["flags"]) & (SUPPRESS_EMBEDS | COMPONENTS_V2)
        flags |= message.flags & COMPONENTS_V2  # cannot be taken back
    if by_interaction:
        flags &= ~LOADING
    limits.check_message(body, flags)
    limits.check_sizes([file.data for file in sent.files.values()], upload_limit)
    kept = message.attachments
    if "attachments" in body:
        wanted = {int(record["id"]) for record in listed(body, "attachments")}
        kept = [file for file in kept if file.id in wanted]
    attachments = [*kept, *store_files(world, message.channel.id, sent)]
    if len(attachments) > 10:
        raise invalid("attachments", "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
    before = message.version()
    content = (body["content"] or "") if "content" in body else message.content
    embeds = list(body["embeds"] or []) if "embeds" in body else message.embeds
    components = numbered(body["components"] or []) if "components" in body else message.components
    if not (content or embeds or components or attachments or flags & LOADING):
        raise RefusedError(400, 50006, "Cannot send an empty message")
    message.edits.append(before)
    message.content, message.embeds, message.components = content, embeds, components
    message.attachments, message.flags, message.edited_at = attachments, flags, world.clock()
    _ring(message, body.get("allowed_mentions"))
    announce("MESSAGE_UPDATE", message)
    world.changed()
    return message


def remove(message: Message) -> None:
    """Delete a message; its nonce stays known."""
    message.vanish()
    announce("MESSAGE_DELETE", message)
    message.world.changed()


def _ring(message: Message, allowed: Json | None) -> None:
    target = message.world.messages.get(message.reply_to or 0)
    message.pings = mentions.pings(
        message.content,
        message.components,
        allowed,
        may_mention_everyone=bool(message.channel.bot_permissions() & BITS["MENTION_EVERYONE"]),
        replied_to=target.author.id if target else None,
    )


def announce(event: str, message: Message) -> None:
    """Send a message event to the sessions that asked for such events; words only to those that may read them."""
    guild = message.channel.guild
    if message.ephemeral:
        return
    body: Json = {"id": str(message.id), "channel_id": str(message.channel.id)}
    if event != "MESSAGE_DELETE":
        body = payloads.message(message)
        if (
            message.author is not message.world.bot
            and guild is not None
            and message.world.bot.id not in message.pings.users
        ):
            body |= {"content": "", "embeds": [], "attachments": [], "components": []}  # no MESSAGE_CONTENT intent here
    if guild is not None:
        body["guild_id"] = str(guild.id)
    message.world.dispatch(event, body, guild, GUILD_MESSAGES if guild else DIRECT_MESSAGES)


def told(message: Message) -> dict[str, Any]:
    """Give the facts about a message that listeners hear."""
    return {
        "message": message,
        "channel": message.channel.name,
        "author": message.author.name,
        "content": message.content,
        "files": [(file.filename, file.size) for file in message.attachments],
    }


def newest_first(messages: Iterable[Message], query: dict[str, str]) -> list[Message]:
    """Choose one page of a channel's messages by ?limit and one of ?around, ?before, ?after. Raises RefusedError."""
    try:
        limit = int(query.get("limit", "50"))
        anchors = {key: int(query[key]) for key in ("around", "before", "after") if key in query}
    except ValueError as error:
        raise invalid("limit", "NUMBER_TYPE_COERCE", "Value is not snowflake.") from error
    if not 1 <= limit <= 100:
        raise invalid("limit", "NUMBER_TYPE_MAX", "int value should be between 1 and 100.")
    ordered = sorted(messages, key=lambda m: m.id)
    if "around" in anchors:
        older = [m for m in ordered if m.id < anchors["around"]][-(limit // 2) :] if limit > 1 else []
        rest = [m for m in ordered if m.id >= anchors["around"]][: limit - len(older)]
        return [*older, *rest][::-1]
    if "after" in anchors:
        return [m for m in ordered if m.id > anchors["after"]][:limit][::-1]
    if "before" in anchors:
        ordered = [m for m in ordered if m.id < anchors["before"]]
    return ordered[-limit:][::-1]
