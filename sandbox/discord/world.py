"""The state of the stand-in: users, channels, messages, numbers, the clock, and waiting for something to change."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from sandbox.discord import permissions
from sandbox.discord.ratelimits import RateLimits
from sandbox.discord.values import (
    DIRECT,
    EPHEMERAL,
    EPOCH_MS,
    GROUP,
    LOADING,
    PRIVATE_THREAD,
    PUBLIC_THREAD,
    TEXT,
    Attachment,
    Button,
    Fault,
    Json,
    Pings,
    Recorded,
    RefusedError,
    Tell,
    Version,
    nested,
)

if TYPE_CHECKING:  # only names for annotations: at run time these build upon this file
    from sandbox.discord.guilds import Guild
    from sandbox.discord.interactions import Typed

T = TypeVar("T")


@dataclass(eq=False, slots=True)
class User:
    """An account: a person or the bot."""

    id: int
    name: str
    bot: bool = False
    accepts_direct_messages: bool = True


@dataclass(eq=False, slots=True, repr=False)
class Channel:
    """A channel or thread of a server, the direct messages between the bot and one person, or a group of people."""

    world: World
    id: int
    name: str
    guild: Guild | None = None
    recipient: User | None = None
    kind: int = TEXT
    parent: Channel | None = None  # of a thread
    people: tuple[User, ...] = ()  # of a group
    nsfw: bool = False
    archived: bool = False
    locked: bool = False
    denied: int = 0  # to the bot
    granted: dict[int, int] = field(default_factory=dict[int, int])  # to people, here alone
    last_message_id: int | None = None

    def __repr__(self) -> str:
        return f"<Channel {self.id} {self.name}>"

    @property
    def messages(self) -> list[Message]:
        """List what everyone in the channel sees, oldest first."""
        return [m for m in self.world.messages.values() if m.channel is self and not m.deleted and not m.ephemeral]

    @property
    def upload_limit(self) -> int:
        """Give the largest file the bot may post here, in bytes."""
        return self.guild.upload_limit if self.guild else 10 * 2**20

    def bot_permissions(self) -> int:
        """Give what the bot may do here."""
        if self.guild is None:
            return 0 if self.kind == GROUP else permissions.DEFAULT_BOT
        denied = self.denied | (self.parent.denied if self.parent else 0)
        return permissions.effective(self.guild.bot_permissions if self.guild.installed else 0, denied)

    @property
    def is_thread(self) -> bool:
        """Say whether it is a thread or a post of a forum."""
        return self.kind in {PUBLIC_THREAD, PRIVATE_THREAD}

    def add_thread(self, name: str, *, private: bool = False) -> Channel:
        """Open a thread, or a post in a forum; the bot is in it."""
        kind = PRIVATE_THREAD if private else PUBLIC_THREAD
        thread = Channel(self.world, self.world.snowflake(), name, self.guild, kind=kind, parent=self)
        self.world.channels[thread.id] = thread
        thread._tell_bot("THREAD_CREATE")
        return thread

    def archive(self, *, locked: bool = False) -> None:
        """Put a thread away; what is locked too is opened by nobody who may not manage threads."""
        self.archived, self.locked = True, locked
        self._tell_bot("THREAD_UPDATE")

    def open(self) -> None:
        """Take a thread out of the archive."""
        self.archived = self.locked = False
        self._tell_bot("THREAD_UPDATE")

    def deny(self, *names: str) -> None:
        """Take permissions from the bot in this channel, by name (SEND_MESSAGES, ATTACH_FILES, ...)."""
        self.denied |= permissions.bits(*names)
        self._tell_bot("CHANNEL_UPDATE")

    def grant(self, person: User, *names: str) -> None:
        """Let a person do more in this channel and its threads than in the rest of the server."""
        self.granted[person.id] = self.granted.get(person.id, 0) | permissions.bits(*names)
        self._tell_bot("CHANNEL_UPDATE")

    def allow(self, *names: str) -> None:
        """Lift what was denied."""
        self.denied &= ~permissions.bits(*names)
        self._tell_bot("CHANNEL_UPDATE")

    def delete(self) -> None:
        """Delete the channel and everything in it."""
        for thread in [one for one in self.world.channels.values() if one.parent is self]:
            thread.delete()
        self.world.channels.pop(self.id, None)
        for message in list(self.world.messages.values()):
            if message.channel is self:
                message.vanish()
        self._tell_bot("THREAD_DELETE" if self.is_thread else "CHANNEL_DELETE")
        self.world.changed()

    def _tell_bot(self, event: str) -> None:
        if self.guild is not None:
            self.world.dispatch_channel(event, self)


@dataclass(eq=False, slots=True, repr=False)
class Message:
    """A message as it stands now; `edits` holds what it said before each edit, oldest first."""

    world: World
    id: int
    channel: Channel
    author: User
    created_at: float
    content: str = ""
    embeds: list[Json] = field(default_factory=list[Json])
    attachments: list[Attachment] = field(default_factory=list[Attachment])
    components: list[Json] = field(default_factory=list[Json])
    flags: int = 0
    nonce: str | int | None = None
    pings: Pings = field(default_factory=Pings)
    reply_to: int | None = None
    viewer: User | None = None
    interaction: Json | None = None
    edited_at: float | None = None
    edits: list[Version] = field(default_factory=list[Version])
    deleted: bool = False

    def __repr__(self) -> str:
        return f"<Message {self.id} by {self.author.name} in {self.channel.name}: {self.text[:80]!r}>"

    @property
    def ephemeral(self) -> bool:
        """Say whether only one person sees it."""
        return bool(self.flags & EPHEMERAL)

    @property
    def loading(self) -> bool:
        """Say whether it still shows "thinking"."""
        return bool(self.flags & LOADING)

    @property
    def buttons(self) -> list[Button]:
        """List the buttons under the message, in reading order."""
        return [
            Button(
                label=str(part.get("label") or ""),
                custom_id=part.get("custom_id"),
                url=part.get("url"),
                style=int(part.get("style", 0)),
                disabled=bool(part.get("disabled")),
            )
            for part in walk(self.components)
            if part.get("type") == 2
        ]

    @property
    def text(self) -> str:
        """Join every word a person reads: content, embeds, text displays and button labels."""
        words = [self.content]
        for embed in self.embeds:
            fields: list[Json] = embed.get("fields") or []
            words += [str(embed.get(key) or "") for key in ("title", "description")]
            words += [f"{part.get('name')}: {part.get('value')}" for part in fields]
            words += [str(nested(embed, key).get(part) or "") for key, part in (("author", "name"), ("footer", "text"))]
        words += [str(part.get("content") or "") for part in walk(self.components) if part.get("type") == 10]
        words += [button.label for button in self.buttons]
        return "\n".join(word for word in words if word)

    def vanish(self) -> None:
        """Delete the message and withdraw its files; its number and nonce stay known."""
        self.deleted = True
        self.world.withdrawn |= {file.id for file in self.attachments}

    def version(self) -> Version:
        """Freeze what the message says now."""
        return Version(
            self.content,
            tuple(self.embeds),
            tuple(self.attachments),
            tuple(self.components),
            self.flags,
            self.pings,
            self.edited_at or self.created_at,
        )


def walk(components: Iterable[Json]) -> Iterable[Json]:
    """Yield components and everything inside them, in reading order."""
    for component in components:
        yield component
        yield from walk(component.get("components") or [])
        for single in ("component", "accessory"):
            if component.get(single):
                yield from walk([component[single]])


@dataclass(eq=False)
class World:
    """Everything that exists, and the few things that all parts need."""

    token: str
    clock: Callable[[], float]
    tell: Tell
    base_url: str = ""
    first_answer: float = 3.0  # seconds an interaction waits for it
    nonce_window: float = 300.0  # "a few minutes" at Discord
    cdn_lifetime: float = 86_400.0
    guilds: dict[int, Guild] = field(default_factory=dict[int, "Guild"])
    users: dict[int, User] = field(default_factory=dict[int, User])
    channels: dict[int, Channel] = field(default_factory=dict[int, Channel])
    messages: dict[int, Message] = field(default_factory=dict[int, Message])
    files: dict[int, Attachment] = field(default_factory=dict[int, Attachment])
    withdrawn: set[int] = field(default_factory=set[int])
    commands: dict[int | None, list[Json]] = field(default_factory=dict[int | None, list[Json]])
    interactions: dict[str, Typed] = field(default_factory=dict[str, "Typed"])
    requests: list[Recorded] = field(default_factory=list[Recorded])
    faults: list[Fault] = field(default_factory=list[Fault])
    limits: RateLimits = field(default_factory=RateLimits)

    def __post_init__(self) -> None:
        self._last_id = 0
        self._stirred = asyncio.Event()
        self._cdn_key = secrets.token_bytes(16)
        self.bot = User(self.snowflake(), "rushes", bot=True)
        self.users[self.bot.id] = self.bot
        self.owner = User(1, "owner")  # of the bot's application
        self.team: list[User] = []  # that owns it instead; the bot hears of it when it logs in
        # Set by the gateway: (event, data, server, intent bit) -> whether a session was there to hear it.
        self.dispatch: Callable[[str, Json, Guild | None, int], bool] = lambda _event, _data, _guild, _intent: False
        self.dispatch_channel: Callable[[str, Channel], None] = lambda _event, _channel: None

    def snowflake(self) -> int:
        """Make the next number; its upper bits are the time, as everywhere at Discord."""
        now = max(1, int(self.clock() * 1000) - EPOCH_MS) << 22
        self._last_id = max(now, self._last_id + 1)
        return self._last_id

    def add_user(self, name: str) -> User:
        """Open an account for a person."""
        user = User(self.snowflake(), name)
        self.users[user.id] = user
        return user

    def direct_channel(self, user: User) -> Channel:
        """Find or open the direct messages between the bot and a person."""
        for channel in self.channels.values():
            if channel.recipient is user:
                return channel
        channel = Channel(self, self.snowflake(), f"@{user.name}", recipient=user, kind=DIRECT)
        self.channels[channel.id] = channel
        return channel

    def group(self, name: str, people: tuple[User, ...]) -> Channel:
        """Open a group of people: the bot is not in it, and only what somebody brought along speaks there."""
        channel = Channel(self, self.snowflake(), name, kind=GROUP, people=people)
        self.channels[channel.id] = channel
        return channel

    def channel(self, number: int) -> Channel:
        """Find a channel. Raises RefusedError 10003."""
        if number not in self.channels:
            raise RefusedError(404, 10003, "Unknown Channel")
        return self.channels[number]

    def message(self, channel: Channel, number: int) -> Message:
        """Find a message that the bot's own token can reach. Raises RefusedError 10008, for ephemeral messages too."""
        message = self.messages.get(number)
        if message is None or message.deleted or message.channel is not channel or message.ephemeral:
            raise RefusedError(404, 10008, "Unknown Message")
        return message

    def keep(self, message: Message) -> None:
        """Add a new message."""
        self.messages[message.id] = message
        if not message.ephemeral:
            message.channel.last_message_id = message.id

    def link(self, attachment: Attachment) -> str:
        """Sign a fresh, expiring address for a file."""
        folder = "ephemeral-attachments" if attachment.private else "attachments"
        path = f"/{folder}/{attachment.folder}/{attachment.id}/{attachment.filename}"
        now = int(self.clock())
        ends, begins = f"{now + int(self.cdn_lifetime):x}", f"{now:x}"
        return f"{self.base_url}{quote(path)}?ex={ends}&is={begins}&hm={self.sign(path, ends, begins)}&"

    def sign(self, path: str, ends: str, begins: str) -> str:
        """Compute the signature of a CDN path and its two times."""
        return hmac.new(self._cdn_key, f"{path}\n{ends}\n{begins}".encode(), hashlib.sha256).hexdigest()

    def changed(self) -> None:
        """Wake everyone who waits for a condition."""
        self._stirred.set()
        self._stirred = asyncio.Event()

    async def until(self, condition: Callable[[], T], timeout: float = 30.0, what: str = "the condition") -> T:  # noqa: ASYNC109 -- a deadline is part of the question
        """Wait until the condition gives something true and return that. Raises TimeoutError."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout
        while not (result := condition()):
            left = deadline - loop.time()
            if left <= 0:
                raise TimeoutError(f"{what} did not come true within {timeout} s")
            # Looked at again now and then: a condition may also watch things outside this stand-in.
            await _first(self._stirred, min(left, 0.05))
        return result


async def _first(event: asyncio.Event, seconds: float) -> Any:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
