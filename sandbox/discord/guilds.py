"""Servers: their channels, people, roles, the bot's permissions and the upload limit."""

from dataclasses import dataclass, field

from sandbox.discord import payloads, permissions
from sandbox.discord.members import Member
from sandbox.discord.values import FORUM, TEXT
from sandbox.discord.world import Channel, User, World

_GUILDS = 1 << 0  # the intent that hears of roles


@dataclass(eq=False, slots=True, repr=False)
class Guild:
    """A server. `upload_limit` (bytes per file) and `bot_permissions` may be changed at any time.

    `installed=False` is a server whose people brought the app along as their own: the bot is no member of it.
    """

    world: World
    id: int
    name: str
    upload_limit: int
    owner: User
    created_at: float
    bot_role: int
    installed: bool = True
    bot_permissions: int = permissions.DEFAULT_BOT
    locale: str = "en-US"
    roles: dict[int, str] = field(default_factory=dict[int, str])
    members: dict[int, Member] = field(default_factory=dict[int, Member])
    rights: dict[int, int] = field(default_factory=dict[int, int])  # people's roles that carry what they may do

    def __repr__(self) -> str:
        return f"<Guild {self.id} {self.name}>"

    @property
    def channels(self) -> list[Channel]:
        """List the channels, oldest first; threads stand apart."""
        return [one for one in self.world.channels.values() if one.guild is self and not one.is_thread]

    @property
    def threads(self) -> list[Channel]:
        """List the threads that are not put away."""
        of_here = (one for one in self.world.channels.values() if one.guild is self and one.is_thread)
        return [one for one in of_here if not one.archived]

    def add_channel(self, name: str, *, forum: bool = False, nsfw: bool = False) -> Channel:
        """Open a text channel, or a forum, whose threads are its posts."""
        kind = FORUM if forum else TEXT
        channel = Channel(self.world, self.world.snowflake(), name, self, kind=kind, nsfw=nsfw)
        self.world.channels[channel.id] = channel
        self.world.dispatch_channel("CHANNEL_CREATE", channel)
        return channel

    def add_member(
        self, name: str, *, permissions: int = permissions.DEFAULT_MEMBER, user: User | None = None
    ) -> Member:
        """Let a person join; pass `user` for somebody who is already in another server."""
        member = Member(self.world, self, user or self.world.add_user(name), permissions, self.world.clock())
        self.members[member.id] = member
        self.tell_rights(member)
        return member

    def tell_rights(self, member: Member) -> None:
        """Let a role of the person's own carry what they may do beyond what everybody may, as they may it anywhere."""
        if not (member.permissions & ~permissions.DEFAULT_MEMBER or member.id in self.rights):
            return
        event = "GUILD_ROLE_UPDATE" if member.id in self.rights else "GUILD_ROLE_CREATE"
        number = self.rights.setdefault(member.id, self.world.snowflake())
        told = {"guild_id": str(self.id), "role": payloads.role(number, member.name, member.permissions, position=2)}
        self.world.dispatch(event, told, self, _GUILDS)

    def kick_bot(self) -> None:
        """Throw the bot out: it sees and reaches nothing here any more."""
        self.world.dispatch("GUILD_DELETE", {"id": str(self.id)}, self, 0)
        self.installed = False

    def add_role(self, name: str) -> int:
        """Make a role that can be pinged; give its number."""
        number = self.world.snowflake()
        self.roles[number] = name
        told = {"guild_id": str(self.id), "role": payloads.role(number, name, 0, position=2)}
        self.world.dispatch("GUILD_ROLE_CREATE", told, self, _GUILDS)
        return number
