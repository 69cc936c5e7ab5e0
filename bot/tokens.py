"""The commands' own tokens, by which their cards are edited for as long as Discord lets them live.

What is done by them does not count against the 50 requests a second that a bot has, which the results need; and where a
person brought the bot along, nothing else reaches. Kept in memory alone: a token lets whoever holds it write there for
15 minutes, so none is written down. After a restart cards are edited by the bot, and what only a token reached goes to
the asker directly.
"""

from typing import Protocol, cast

import discord

# Discord lets a token live for 15 minutes; what is begun in the last of them may arrive too late.
LIFE_MS = 14 * 60_000


class Tokens:
    """The ways back of this life of the connection, by job."""

    def __init__(self) -> None:
        self._kept: dict[int, tuple[int, discord.Webhook]] = {}

    def __len__(self) -> int:
        """Count them."""
        return len(self._kept)

    def keep(self, job_id: int, way_back: discord.Webhook, now: int) -> None:
        """Keep a job's way back as long as it lives (now: milliseconds), and forget those that do not any more."""
        while self._kept:
            oldest = next(iter(self._kept))
            if self._kept[oldest][0] > now:
                break
            del self._kept[oldest]
        self._kept[job_id] = (now + LIFE_MS, way_back)

    def find(self, job_id: int, now: int) -> discord.Webhook | None:
        """Find a job's way back; None: it is too late, or it was asked for in an earlier life."""
        until, way_back = self._kept.get(job_id, (0, None))
        return way_back if until > now else None

    def drop(self, job_id: int) -> None:
        """Forget a way back that leads nowhere."""
        self._kept.pop(job_id, None)


class _Host(Protocol):
    tokens: Tokens


def tokens_of(client: discord.Client) -> Tokens:
    """Give the ways back that a client of ours keeps."""
    return cast("_Host", client).tokens
