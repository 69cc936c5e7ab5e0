"""A local Discord: REST, gateway and CDN on one real socket, and people who type, press and read.

    discord = await start_discord(token="secret")
    guild = discord.add_guild("Studio")
    channel, ada = guild.add_channel("films"), guild.add_member("ada")
    await discord.connected()
    typed = ada.type(channel, "/video", {"prompt": "a cat", "image": Upload("cat.png", picture)})
    message = await typed.answered(timeout=5)

It refuses what Discord refuses, with Discord's own codes: late and double answers, old tokens, too large files,
missing permissions, bad bodies, too many requests. Nothing here knows which client library the bot uses.
"""

from sandbox.discord.guilds import Guild
from sandbox.discord.interactions import Typed
from sandbox.discord.members import Member
from sandbox.discord.ratelimits import REALISTIC_MESSAGES, Limit
from sandbox.discord.server import Discord, start_discord
from sandbox.discord.values import (
    COMPONENTS_V2,
    EPHEMERAL,
    LOADING,
    Attachment,
    Button,
    Fault,
    NotOfferedError,
    Pings,
    Recorded,
    Upload,
    Version,
    ignore,
)
from sandbox.discord.world import Channel, Message

__all__ = [
    "COMPONENTS_V2",
    "EPHEMERAL",
    "LOADING",
    "REALISTIC_MESSAGES",
    "Attachment",
    "Button",
    "Channel",
    "Discord",
    "Fault",
    "Guild",
    "Limit",
    "Member",
    "Message",
    "NotOfferedError",
    "Pings",
    "Recorded",
    "Typed",
    "Upload",
    "Version",
    "ignore",
    "start_discord",
]
