"""What all talk with Discord has in common: nobody is pinged, and trouble is told apart by what may have happened."""

import asyncio
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from typing import Any, Protocol, cast

import aiohttp
import discord

from bot.language import language_of, speaking

_FIRST_PAUSE_MS = 30_000
_LONGEST_PAUSE_MS = 3_600_000
NO_PINGS = discord.AllowedMentions.none()

UNKNOWN_CHANNEL, UNKNOWN_SERVER, UNKNOWN_MESSAGE, UNKNOWN_USER, UNKNOWN_WEBHOOK = 10003, 10004, 10008, 10013, 10015
TOO_LARGE, DIRECT_TOO_FAST, NOT_IN_A_FORUM = 40005, 40003, 40058
MISSING_ACCESS, CANNOT_SEND, NO_TEXT_THERE, MISSING_PERMISSIONS = 50001, 50007, 50008, 50013
TOKEN_OVER, NO_RECIPIENT, THREAD_ARCHIVED, THREAD_LOCKED = 50027, 50033, 50083, 160005


class Connected(Protocol):
    """Gives the client to talk through. It changes when the connection had to be made anew."""

    @property
    def client(self) -> discord.AutoShardedClient | None:
        """The logged-in client; None while there is none."""
        ...


class _Host(Protocol):
    def working(self) -> AbstractContextManager[None]: ...


@contextmanager
def working(interaction: discord.Interaction[Any]) -> Generator[None]:
    """Answer a person in their language; let the current task finish its answer when the program stops."""
    with cast("_Host", interaction.client).working(), speaking(language_of(interaction.locale)):
        yield


class Trouble(StrEnum):
    """What a failed call to Discord means."""

    DOUBT = "doubt"  # it may have been done
    LATER = "later"  # surely not done: too many requests, or our token is refused just now
    TOO_LARGE = "too_large"
    NOT_ALLOWED = "not_allowed"  # a permission is missing; less may be allowed
    GONE = "gone"  # channel or access gone
    SHUT = "shut"  # the thread is locked; or it is put away, which a new message would change, and an edit does not
    DELETED = "deleted"  # the message it is about was deleted
    REFUSED = "refused"  # Discord does not like the request itself


# What a call to Discord may raise, apart from mistakes of ours.
TROUBLES = (discord.HTTPException, discord.RateLimited, aiohttp.ClientError, OSError, asyncio.TimeoutError)


# By Discord's own code, whatever the status beside it: threads tell theirs with 400 and with 403.
_BY_CODE = {
    TOO_LARGE: Trouble.TOO_LARGE,
    UNKNOWN_MESSAGE: Trouble.DELETED,
    DIRECT_TOO_FAST: Trouble.LATER,
    THREAD_ARCHIVED: Trouble.SHUT,
    THREAD_LOCKED: Trouble.SHUT,
    **dict.fromkeys((UNKNOWN_CHANNEL, UNKNOWN_SERVER, UNKNOWN_USER, UNKNOWN_WEBHOOK), Trouble.GONE),
    **dict.fromkeys((MISSING_ACCESS, CANNOT_SEND, NO_TEXT_THERE, NOT_IN_A_FORUM), Trouble.GONE),
    **dict.fromkeys((TOKEN_OVER, NO_RECIPIENT), Trouble.GONE),
}


def trouble_of(error: BaseException) -> Trouble:
    """Tell what a failed call means."""
    if isinstance(error, discord.RateLimited):
        return Trouble.LATER
    if not isinstance(error, discord.HTTPException) or error.status >= 500:
        return Trouble.DOUBT
    if error.status == 413:
        return Trouble.TOO_LARGE
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    if error.status == 403:
        return Trouble.NOT_ALLOWED
    return Trouble.LATER if error.status in {401, 404, 429} else Trouble.REFUSED


def said(error: BaseException) -> str:
    """Put a failed call in words for the log and the operator; holds no token and no address."""
    if isinstance(error, discord.HTTPException):
        return f"HTTP {error.status}, code {error.code}: {error.text[:200]}"
    return type(error).__name__


def pause_after(attempts: int, error: BaseException) -> int:
    """Say how long to wait before a notice that was not taken is tried again: doubling; in milliseconds."""
    pause = min(_FIRST_PAUSE_MS * 2 ** min(attempts, 16), _LONGEST_PAUSE_MS)
    asked = int(error.retry_after * 1000) if isinstance(error, discord.RateLimited) else 0
    return max(pause, asked)
