"""How often keys were tried at vendors lately, so that nobody can ask here which of many stolen keys are good."""

import asyncio
from dataclasses import dataclass, field

MOST = 5  # tries of a server, and of a person, within an hour
_HOUR = 3_600_000  # milliseconds


@dataclass(slots=True)
class Tries:
    """The tries of the last hour; a restart forgets them."""

    _at: dict[tuple[str, int], list[int]] = field(default_factory=dict[tuple[str, int], list[int]])
    _turns: dict[int, asyncio.Lock] = field(default_factory=dict[int, asyncio.Lock])

    def turn(self, guild_id: int) -> asyncio.Lock:
        """Give what lets a server try one key at a time."""
        return self._turns.setdefault(guild_id, asyncio.Lock())

    def taken(self, guild_id: int, user_id: int, now: int) -> int | None:
        """Count a try; return since when, in milliseconds, another one is free where it is one too many."""
        self._at = {
            whose: late for whose, all_ in self._at.items() if (late := [at for at in all_ if at > now - _HOUR])
        }
        whose = (("guild", guild_id), ("user", user_id))
        full = [late[-MOST] + _HOUR for one in whose if len(late := self._at.get(one, [])) >= MOST]
        if full:
            return max(full)
        for one in whose:
            self._at.setdefault(one, []).append(now)
        return None
