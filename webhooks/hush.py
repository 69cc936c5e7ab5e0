"""What the log says of refused requests: each of the first in a second, then only how many there were.

Whoever can post here could otherwise fill the disk with lines about it, some gigabytes an hour.
"""

from collections.abc import Callable

import structlog

_log = structlog.get_logger("http")
_EACH_SECOND = 50


class Hush:
    """Counts lines about refusals; one server has one."""

    def __init__(self, clock: Callable[[], float], most: int = _EACH_SECOND) -> None:
        self._clock = clock
        self._most = most
        self._second = 0
        self._said = 0

    def allows(self) -> bool:
        """Say whether one more line may be written in this second."""
        second = int(self._clock())
        if second != self._second:
            self.sum_up()
            self._second, self._said = second, 0
        self._said += 1
        return self._said <= self._most

    def sum_up(self) -> None:
        """Write how many lines were left out, if any were."""
        left_out = self._said - self._most
        if left_out > 0:
            _log.warning("more refusals than are written down", left_out=left_out)
        self._said = 0
