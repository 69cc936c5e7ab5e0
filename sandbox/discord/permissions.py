"""Permissions: their names as bits, and what the bot may do where."""

from sandbox.discord.values import RefusedError

BITS = {
    "ADMINISTRATOR": 1 << 3,
    "MANAGE_CHANNELS": 1 << 4,
    "MANAGE_GUILD": 1 << 5,
    "ADD_REACTIONS": 1 << 6,
    "VIEW_CHANNEL": 1 << 10,
    "SEND_MESSAGES": 1 << 11,
    "MANAGE_MESSAGES": 1 << 13,
    "EMBED_LINKS": 1 << 14,
    "ATTACH_FILES": 1 << 15,
    "READ_MESSAGE_HISTORY": 1 << 16,
    "MENTION_EVERYONE": 1 << 17,
    "USE_EXTERNAL_EMOJIS": 1 << 18,
    "USE_APPLICATION_COMMANDS": 1 << 31,
    "MANAGE_THREADS": 1 << 34,
    "SEND_MESSAGES_IN_THREADS": 1 << 38,
    "USE_EXTERNAL_APPS": 1 << 50,
}


def bits(*names: str) -> int:
    """Join permission names to one number."""
    total = 0
    for name in names:
        total |= BITS[name]
    return total


EVERYTHING = bits(*BITS)
DEFAULT_MEMBER = bits(
    "ADD_REACTIONS",
    "VIEW_CHANNEL",
    "SEND_MESSAGES",
    "EMBED_LINKS",
    "ATTACH_FILES",
    "READ_MESSAGE_HISTORY",
    "USE_EXTERNAL_EMOJIS",
    "USE_APPLICATION_COMMANDS",
    "USE_EXTERNAL_APPS",
)
# The bot may mention everyone unless a test denies it: a forgotten allowed_mentions shall show, not be saved by luck.
DEFAULT_BOT = DEFAULT_MEMBER | bits("MENTION_EVERYONE", "SEND_MESSAGES_IN_THREADS")


def effective(granted: int, denied: int) -> int:
    """Give what is left of the server's permissions in a channel that denies some."""
    if granted & BITS["ADMINISTRATOR"]:
        return EVERYTHING
    left = granted & ~denied
    return left if left & BITS["VIEW_CHANNEL"] else 0


def demand(held: int, *names: str) -> None:
    """Refuse with Discord's own codes when a permission is missing: unseen channels first."""
    if not held & BITS["VIEW_CHANNEL"]:
        raise RefusedError(403, 50001, "Missing Access")
    if bits(*names) & ~held:
        raise RefusedError(403, 50013, "Missing Permissions")
