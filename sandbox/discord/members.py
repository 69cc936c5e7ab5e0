"""The human side: people who type commands, choose suggestions, attach files, press buttons and read along."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.discord import commands, mentions, payloads, permissions, posting
from sandbox.discord.interactions import AUTOCOMPLETE, COMMAND, COMPONENT, MODAL, Typed
from sandbox.discord.values import (
    GROUP,
    IN_BOT_DM,
    IN_PRIVATE,
    IN_SERVER,
    Attachment,
    Json,
    NotOfferedError,
    Upload,
    listed,
)
from sandbox.discord.world import Channel, Message, User, World, walk

if TYPE_CHECKING:  # only a name for annotations
    from sandbox.discord.guilds import Guild

FILE_UPLOAD = 19
TEXT_INPUT = 4
ROLE = 8


@dataclass(eq=False, slots=True, repr=False)
class Member:
    """A person in a server. `upload_limit` is what they may attach (bytes); more than the server's with Nitro."""

    world: World
    guild: Guild
    user: User
    granted: int
    joined_at: float
    locale: str = "en-US"
    upload_limit: int = 10 * 2**20
    has_app: bool = False  # brought along as one's own, where the server has it too
    roles: list[int] = field(default_factory=list[int])

    def __repr__(self) -> str:
        return f"<Member {self.id} {self.name}>"

    @property
    def id(self) -> int:
        """Give the person's number."""
        return self.user.id

    @property
    def name(self) -> str:
        """Give the person's name."""
        return self.user.name

    @property
    def permissions(self) -> int:
        """Give what the person may do in the whole server; it may be changed at any time."""
        return self.granted

    @permissions.setter
    def permissions(self, granted: int) -> None:
        self.granted = granted
        self.guild.tell_rights(self)

    def permissions_in(self, channel: Channel) -> int:
        """Give what the person may do in a channel: as in its server, and what the channel itself lets them do."""
        if channel.guild is not None and channel.guild.owner is self.user:
            return permissions.EVERYTHING
        room = channel.parent or channel
        return permissions.effective(self.granted | room.granted.get(self.id, 0), 0)

    @property
    def direct_messages(self) -> Channel:
        """Open the direct messages with the bot."""
        return self.world.direct_channel(self.user)

    def sees(self, channel: Channel) -> list[Message]:
        """List what this person sees in a channel, their own ephemeral messages included, oldest first."""
        return [
            m
            for m in self.world.messages.values()
            if m.channel is channel and not m.deleted and (not m.ephemeral or m.viewer is self.user)
        ]

    def type(self, channel: Channel, command: str, options: Mapping[str, Any] | None = None) -> Typed:
        """Send a slash command ("/video" or "/video make") and wait for nothing. Raises NotOfferedError.

        Values: text, numbers, booleans, an Upload for a file, a Member, Channel or number for those kinds.
        """
        found, path, declared = self._look_up(channel, command)
        given = commands.fill_in(declared, options or {}, self._largest(channel))
        typed = self._begin(channel, COMMAND, command)
        resolved: Json = {}
        values = [self._resolve(option, resolved) for option in given]
        data = _command_data(found, _nest(path, values)) | ({"resolved": resolved} if resolved else {})
        facts = {"typed": typed, "member": self.name, "channel": channel.name, "command": command}
        self.world.tell("command typed", facts | {"options": dict(options or {})})
        return self._send(typed, {"data": data})

    async def autocomplete(
        self,
        channel: Channel,
        command: str,
        options: Mapping[str, Any],
        focused: str,
        timeout: float = 5.0,  # noqa: ASYNC109 -- a deadline is part of the question
    ) -> list[Json]:
        """Type into an option and give the suggestions (name, value) that the bot offers. Raises TimeoutError."""
        found, path, declared = self._look_up(channel, command)
        option = next((o for o in declared if o["name"] == focused), None)
        if option is None or not option.get("autocomplete"):
            raise NotOfferedError(f"{focused!r} offers no suggestions")
        values = commands.fill_in(declared, options, self._largest(channel), partial=True)
        if not any(value["name"] == focused for value in values):
            values.append({"name": focused, "type": option["type"], "value": ""})
        values = [value | {"focused": True} if value["name"] == focused else value for value in values]
        typed = self._begin(channel, AUTOCOMPLETE, command)
        self._send(typed, {"data": _command_data(found, _nest(path, values))})
        await typed.acknowledged(timeout)
        return typed.choices or []

    def apply(self, message: Message, command: str) -> Typed:
        """Use a message's context menu command ("Apps > name"). Raises NotOfferedError."""
        found = commands.find(self.world, self._scope(message.channel), command, kind=3)
        self._may_use(message.channel, found)
        typed = self._begin(message.channel, COMMAND, command)
        typed.target = message
        data = {"id": found["id"], "name": found["name"], "type": 3, "target_id": str(message.id)}
        return self._send(
            typed, {"data": data | {"resolved": {"messages": {str(message.id): payloads.message(message)}}}}
        )

    def press(self, message: Message, button: str) -> Typed:
        """Press a button, by its label or its custom_id. Raises NotOfferedError for what cannot be pressed."""
        if message not in self.sees(message.channel):
            raise NotOfferedError(f"{self.name} does not see that message")
        for found in message.buttons:
            if button in (found.label, found.custom_id):
                if found.disabled or found.custom_id is None:
                    raise NotOfferedError(f"the button {button!r} is disabled or a link")
                return self.press_custom_id(message, found.custom_id)
        raise NotOfferedError(f"no button {button!r}; there are {[b.label for b in message.buttons]}")

    def press_custom_id(self, message: Message, custom_id: str) -> Typed:
        """Press with any custom_id, whether or not the message has it: a stale or forged press."""
        return self._use(message, {"custom_id": custom_id, "component_type": 2, "id": 2})

    def choose(self, message: Message, custom_id: str, values: Sequence[str]) -> Typed:
        """Choose values in a select menu. Raises NotOfferedError."""
        menu = next((part for part in walk(message.components) if part.get("custom_id") == custom_id), None)
        offered = {option["value"] for option in listed(menu or {}, "options")}
        if menu is None or menu.get("disabled") or not set(values) <= offered:
            raise NotOfferedError(f"{values} cannot be chosen in {custom_id!r}; offered: {sorted(offered)}")
        return self._use(message, {"custom_id": custom_id, "component_type": 3, "values": list(values)})

    def submit(self, shown: Typed, values: Mapping[str, Any]) -> Typed:
        """Fill in the modal that an interaction was answered with: values by custom_id. Raises NotOfferedError."""
        if shown.modal is None:
            raise NotOfferedError(f"{shown.name} showed no modal")
        resolved: Json = {}
        parts = [self._filled(part, values, resolved) for part in shown.modal["components"]]
        typed = self._begin(shown.channel, MODAL, str(shown.modal["custom_id"]))
        typed.origin = shown
        typed.target = shown.target if shown.kind == COMPONENT else None
        data: Json = {"custom_id": shown.modal["custom_id"], "components": parts, "resolved": resolved}
        message = {"message": payloads.message(typed.target)} if typed.target else {}
        return self._send(typed, {"data": data} | message)

    def say(self, channel: Channel, content: str, uploads: Sequence[Upload] = ()) -> Message:
        """Write an ordinary message."""
        number = self.world.snowflake()
        message = Message(self.world, number, channel, self.user, self.world.clock(), content)
        message.attachments = [self._store(upload, channel.id, private=False) for upload in uploads]
        message.pings = mentions.pings(content, (), None, may_mention_everyone=False)
        self.world.keep(message)
        posting.announce("MESSAGE_CREATE", message)
        self.world.tell("message posted", posting.told(message))
        self.world.changed()
        return message

    # -- below: what the client does on its own --

    def _scope(self, channel: Channel) -> int | None:
        return channel.guild.id if channel.guild else None

    def _largest(self, channel: Channel) -> int:
        return max(channel.upload_limit, self.upload_limit)

    def _look_up(self, channel: Channel, line: str) -> tuple[Json, list[str], list[Json]]:
        name, *rest = commands.words_of(line)
        found = commands.find(self.world, self._scope(channel), name)
        self._may_use(channel, found)
        path, declared = commands.resolve_path(found, rest)
        return found, path, declared

    def _may_use(self, channel: Channel, command: Json) -> None:
        if channel.id not in self.world.channels:
            raise NotOfferedError("the channel is gone")
        if (channel.guild or self.guild) is not self.guild or (channel.recipient or self.user) is not self.user:
            raise NotOfferedError(f"{self.name} is not there")
        if channel.kind == GROUP and self.user not in channel.people:
            raise NotOfferedError(f"{self.name} is not there")
        if channel.locked:
            raise NotOfferedError("nobody can write in a locked thread")
        context = _context(channel)
        contexts = command.get("contexts")
        if contexts is not None and context not in contexts:
            raise NotOfferedError(f"{command['name']} is not offered in this kind of channel")
        brought = channel.kind == GROUP or (channel.guild is not None and not channel.guild.installed)
        if brought and 1 not in command.get("integration_types", [0]):
            raise NotOfferedError(f"{command['name']} is not offered where the bot is not")
        if channel.guild is None:
            return
        needed, held = command.get("default_member_permissions"), self.permissions_in(channel)
        administrator = held & permissions.BITS["ADMINISTRATOR"]
        hidden = needed is not None and (int(needed) == 0 or int(needed) & ~held)
        if not administrator and (hidden or not held & permissions.BITS["USE_APPLICATION_COMMANDS"]):
            raise NotOfferedError(f"{self.name} may not use {command['name']}")

    def _use(self, message: Message, data: Json) -> Typed:
        typed = self._begin(message.channel, COMPONENT, str(data["custom_id"]))
        typed.target = message
        if "0" not in typed.owners and message.interaction is not None:  # whose command the message answers
            typed.owners = message.interaction["authorizing_integration_owners"]
        facts = {"typed": typed, "member": self.name, "channel": message.channel.name, "custom_id": data["custom_id"]}
        self.world.tell("button pressed", facts)
        return self._send(typed, {"data": data, "message": payloads.message(message)})

    def _begin(self, channel: Channel, kind: int, name: str) -> Typed:
        if channel.archived:
            channel.open()
        return Typed(
            world=self.world,
            member=self,
            channel=channel,
            kind=kind,
            name=name,
            id=self.world.snowflake(),
            token=secrets.token_urlsafe(64),
            sent_at=self.world.clock(),
            upload_limit=self._largest(channel),
            owners=self._owners(channel),
        )

    def _owners(self, channel: Channel) -> dict[str, str]:
        """Say who authorized the app: the server (0: its direct messages), the person who brought it, or both."""
        person = {"1": str(self.id)}
        if channel.kind == GROUP or (channel.guild is not None and not channel.guild.installed):
            return person
        return {"0": str(self._scope(channel) or 0)} | (person if self.has_app else {})

    def _send(self, typed: Typed, extra: Json) -> Typed:
        channel, guild = typed.channel, typed.channel.guild
        payload: Json = {
            "version": 1,
            "id": str(typed.id),
            "application_id": str(self.world.bot.id),
            "type": typed.kind,
            "token": typed.token,
            "channel_id": str(channel.id),
            "channel": payloads.channel(channel) | {"permissions": str(self.permissions_in(channel))},
            "locale": self.locale,
            "app_permissions": str(_of_app(channel)),
            "entitlements": list[Json](),
            "authorizing_integration_owners": dict(typed.owners),
            "context": _context(channel),
            "attachment_size_limit": typed.upload_limit,
        } | extra
        if guild is None:
            payload["user"] = payloads.user(self.user)
        else:
            payload |= {
                "guild_id": str(guild.id),
                "guild": {"id": str(guild.id), "locale": guild.locale, "features": []},
                "guild_locale": guild.locale,
                "member": payloads.member(self) | {"permissions": str(self.permissions_in(channel))},
            }
        self.world.interactions[typed.token] = typed
        typed.lost = not self.world.dispatch("INTERACTION_CREATE", payload, guild, 0)
        return typed

    def _store(self, upload: Upload, folder: int, *, private: bool) -> Attachment:
        file = Attachment(
            id=self.world.snowflake(),
            folder=folder,
            filename=upload.filename,
            data=upload.data,
            content_type=upload.claimed_type,
            width=upload.width,
            height=upload.height,
            private=private,
        )
        self.world.files[file.id] = file
        return file

    def _attach(self, upload: Upload, resolved: Json) -> str:
        file = self._store(upload, self.world.bot.id, private=True)
        resolved.setdefault("attachments", {})[str(file.id)] = payloads.attachment(self.world, file)
        return str(file.id)

    def _resolve(self, option: Json, resolved: Json) -> Json:
        value = option["value"]
        if isinstance(value, Upload):
            return option | {"value": self._attach(value, resolved)}
        if isinstance(value, Member):
            resolved.setdefault("users", {})[str(value.id)] = payloads.user(value.user)
            about = {k: v for k, v in payloads.member(value).items() if k not in ("user", "deaf", "mute")}
            resolved.setdefault("members", {})[str(value.id)] = about | {"permissions": str(value.permissions)}
            return option | {"value": str(value.id)}
        if option["type"] == ROLE:
            about = payloads.role(int(value), self.guild.roles[int(value)], 0, position=2)
            resolved.setdefault("roles", {})[str(value)] = about
            return option | {"value": str(value)}
        if isinstance(value, Channel):
            about = payloads.channel(value) | {"permissions": str(self.permissions_in(value))}
            resolved.setdefault("channels", {})[str(value.id)] = about
            return option | {"value": str(value.id)}
        return option

    def _filled(self, part: Json, values: Mapping[str, Any], resolved: Json) -> Json:
        body: Json = {"type": part["type"], "id": part["id"]}
        if part.get("components"):
            return body | {"components": [self._filled(inner, values, resolved) for inner in part["components"]]}
        if part.get("component"):
            return body | {"component": self._filled(part["component"], values, resolved)}
        if "custom_id" not in part:
            return body
        value = values.get(part["custom_id"])
        if value is None and part.get("required", True):
            raise NotOfferedError(f"{part['custom_id']!r} must be filled in")
        body["custom_id"] = part["custom_id"]
        if part["type"] == TEXT_INPUT:
            return body | {"value": value or ""}
        many: list[Any] = list(value or ()) if not isinstance(value, str | Upload) else [value]
        return body | {"values": [self._attach(v, resolved) if part["type"] == FILE_UPLOAD else v for v in many]}


def _of_app(channel: Channel) -> int:
    """Say what the app may do by an interaction; Discord documents a few rights where the bot is no member."""
    brought = permissions.bits("ATTACH_FILES", "EMBED_LINKS", "MENTION_EVERYONE")
    return channel.bot_permissions() or (brought if channel.kind == GROUP else 0)


def _context(channel: Channel) -> int:
    """Say from what kind of place something comes."""
    if channel.guild is not None:
        return IN_SERVER
    return IN_PRIVATE if channel.kind == GROUP else IN_BOT_DM


def _command_data(command: Json, options: list[Json]) -> Json:
    data: Json = {"id": command["id"], "name": command["name"], "type": command["type"], "options": options}
    return data | {"guild_id": command["guild_id"]} if "guild_id" in command else data


def _nest(path: Sequence[str], values: list[Json]) -> list[Json]:
    """Wrap option values in their subcommand (1) and group (2)."""
    for depth, name in enumerate(reversed(path)):
        values = [{"name": name, "type": 1 if depth == 0 else 2, "options": values}]
    return values
