"""Where a result goes when it cannot go where it was asked for: the thread's channel, the asker, or nowhere. Pure.

Ways are gone in one direction only, each once, so that no trouble leads round in a circle.
"""

from bot.language import _
from bot.talking import Trouble
from storage.words import GuildSettings, Job, Place, Way

# What closes a way for good, once the message asks for as little as it can.
_CLOSING = {Trouble.GONE, Trouble.SHUT, Trouble.NOT_ALLOWED, Trouble.REFUSED, Trouble.TOO_LARGE}
_MARKS = {Way.HERE: "", Way.PARENT: "-p", Way.DIRECT: "-d"}


def closes(trouble: Trouble) -> bool:
    """Tell whether trying the same way again would be of no use."""
    return trouble in _CLOSING


def next_way(job: Job, way: Way, settings: GuildSettings) -> Way | None:
    """Choose the way after one that is closed; None: none is left."""
    if way is Way.HERE and job.parent_open and _allowed(job, settings):
        return Way.PARENT
    if way is Way.DIRECT or job.place is Place.DIRECT:
        return None
    return Way.DIRECT


def _allowed(job: Job, settings: GuildSettings) -> bool:
    """Where the admins let me work in some channels only, a thread among them opens no channel."""
    return job.parent_id is not None and (not settings.channels or job.parent_id in settings.channels)


def nonce_of(job: Job, way: Way) -> str:
    """Name a job's one message on this way; Discord takes a repeat under it for the first, whatever the channel."""
    return f"{job.code}{_MARKS[way]}"


def lines_of(job: Job, way: Way) -> list[str]:
    """Say on a result why it stands where nobody asked for it."""
    if way is Way.HERE:
        return []
    if job.place is Place.BROUGHT:
        return ["-# " + _("You asked where I was brought along; there I can write for 15 minutes only.")]
    return ["-# " + _("Asked for in {channel}, where I could not post it.").format(channel=f"<#{job.channel_id}>")]


def notice_of(job: Job) -> list[str]:
    """Say on a card for how long it can be changed, where that is not for ever."""
    if job.place is not Place.BROUGHT or job.state.terminal:
        return []
    words = _(
        "Here I can write for 15 minutes after a command: then this card stands still, and how it ends I send to you "
        "directly. `/jobs` always shows how it stands."
    )
    return ["-# " + words]
