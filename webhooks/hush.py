"""What the log says of refused requests: each of the first in a second and in a minute, then only how many there were.

Whoever can post here could otherwise fill the disk with lines about it, some gigabytes an hour; with the seconds alone
bounded it would still be half a gigabyte a day.
"""

from collections.abc import Callable

import structlog

_log = structlog.get_logger("http")
_EACH_SECOND = 50
_FULL_SECONDS = 6  # of a minute


class Hush:
    """Counts lines about refusals; one server has one."""

    def __init__(self, clock: Callable[[], float], most: int = _EACH_SECOND) -> None:
        self._clock = clock
        self._most = most
        self._second = 0
        self._asked = self._said = 0  # in this second
        self._said_before = 0  # in this minute

    def allows(self) -> bool:
        """Say whether one more line may be written in this second."""
        second = int(self._clock())
        if second != self._second:
            self.sum_up()
            if second // 60 != self._second // 60:
                self._said_before = 0
            self._second = second
        self._asked += 1
        if self._said >= min(self._most, self._most * _FULL_SECONDS - self._said_before):
            return False
        self._said += 1
        return True

    def sum_up(self) -> None:
        """Write how many lines were left out, if any were."""
        left_out = self._asked - self._said
        if left_out > 0:
            _log.warning("more refusals than are written down", left_out=left_out)
        self._said_before += self._said
        self._asked = self._said = 0
