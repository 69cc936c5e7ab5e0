"""How often strangers can make us ask one vendor, however many jobs' addresses they know.

A job's first callbacks are answered at once, for a vendor sends a few of each. Questions beyond that share one small
allowance at each account, so that ringing for many jobs together does not have the vendor turn the account away.
"""

from dataclasses import dataclass, field

_BURST = 20.0
_EACH = 1_000  # milliseconds for one more
_MOST_ACCOUNTS = 4096  # whose allowance is remembered: more than have full ones can be forgotten

Account = tuple[str, int | None]  # the vendor's name, and the key when it is not the operator's


@dataclass(slots=True)
class Ration:
    """What is left of each account's allowance; in memory, for a restart gives nobody more than a burst."""

    _left: dict[Account, tuple[float, int]] = field(default_factory=dict[Account, tuple[float, int]])

    def take(self, account: Account, now: int) -> bool:
        """Use up one question at a moment in milliseconds; False when there is none left."""
        left = self._now(account, now)
        if len(self._left) >= _MOST_ACCOUNTS:
            self._left = {one: (self._now(one, now), now) for one in self._left if self._now(one, now) < _BURST}
        self._left[account] = (left - 1, now) if left >= 1 else (left, now)
        return left >= 1

    def wait(self, account: Account, now: int) -> int:
        """Say in how many milliseconds there will be one."""
        return max(0, int((1 - self._now(account, now)) * _EACH)) + 1

    def _now(self, account: Account, now: int) -> float:
        left, at = self._left.get(account, (_BURST, now))
        return min(_BURST, left + max(0, now - at) / _EACH)  # a clock set back gives nothing
