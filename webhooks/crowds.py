"""Jobs for whose callbacks there was no room a moment ago: what room there is again must not all be one sender's.

Who knows the address of a job whose vendor signs nothing can ring a thousand times a second, and would take each place
in the inbox in the moment it becomes free: the vendor, who comes a few times, would be told 503 for as long as it goes
on. So once a job's inbox was full, each sender gets a few tries a minute, and the others find room. Nothing of this is
asked about other jobs. What tells senders apart is only a hint: it decides who waits, never who is believed.
"""

from collections import Counter
from collections.abc import Callable

from aiohttp import web

from webhooks.connections import sender_of

_TRIES = 8  # of a sender, at one job, in a minute: fewer than are looked at in that time (jobs/settle.py)
_MINUTE = 60.0
_MOST_JOBS = 256
_MOST_SENDERS = 1024  # of a job; those beyond count as one
_OTHERS = "others"


class Crowds:
    """Counts senders at crowded jobs, for a minute at a time; in memory, for a restart does no harm."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Take the clock, in seconds."""
        self._clock = clock
        self._until = 0.0
        self._tries: dict[int, Counter[str]] = {}

    def note(self, job_id: int) -> None:
        """Remember that there was no room for a job's callback."""
        if not self._tries:
            self._until = self._clock() + _MINUTE
        if len(self._tries) < _MOST_JOBS:
            self._tries.setdefault(job_id, Counter())

    def turns_away(self, job_id: int, request: web.BaseRequest) -> bool:
        """Say whether a callback must wait, for its sender had its share. Nearly always nothing is crowded."""
        if not self._tries:
            return False
        if self._clock() >= self._until:
            self._tries.clear()
        tries = self._tries.get(job_id)
        if tries is None:
            return False
        sender = sender_of(request)
        if sender not in tries and len(tries) >= _MOST_SENDERS:
            sender = _OTHERS
        tries[sender] += 1
        return tries[sender] > _TRIES
