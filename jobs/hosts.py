"""From which hosts a vendor's results are fetched.

No vendor promises where its results live; what their documents and others' records show moves. So a result is fetched
from any public host, with a line in the log where the host is a new one, until the operator says which hosts there
are (<NAME>_RESULT_HOSTS). From then on a result elsewhere waits, and the admins are told what to set.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

import structlog

from providers.registry import RESULT_HOSTS

_MOST_LOGGED = 1000  # a vendor could name a new one each time
_log = structlog.get_logger("jobs.hosts")


class Opinion(Enum):
    """What is thought of a host."""

    KNOWN = auto()
    NEW = auto()  # nobody has said that this vendor's results live there
    NOT_ALLOWED = auto()  # the operator has said where they live, and it is not there


@dataclass(frozen=True, slots=True)
class Hosts:
    """Judges the hosts of results."""

    chosen: Mapping[str, Collection[str]] = field(default_factory=dict[str, Collection[str]])  # the operator's
    private: Collection[tuple[str, int]] = ()  # (host, port) pairs that are allowed whatever else is said
    shown: Mapping[str, Collection[str]] = field(default_factory=lambda: RESULT_HOSTS)  # by documents and records
    _logged: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])

    def opinion(self, vendor: str, host: str, port: int | None) -> Opinion:
        """Judge a host of an address that a vendor gave, or that it redirects to."""
        name, chosen = host.lower().rstrip("."), self.chosen.get(vendor, ())
        if (name, port) in self.private or any(
            _below(name, suffix) for suffix in (*self.shown.get(vendor, ()), *chosen)
        ):
            return Opinion.KNOWN
        return Opinion.NOT_ALLOWED if chosen else Opinion.NEW

    def allowed(self, vendor: str, host: str, port: int | None) -> bool:
        """Say whether a result is fetched from there; a new host is written to the log, once in a run."""
        found = self.opinion(vendor, host, port)
        if found is Opinion.NEW and (vendor, host) not in self._logged and len(self._logged) < _MOST_LOGGED:
            self._logged.add((vendor, host))
            setting = f"{vendor.upper()}_RESULT_HOSTS"
            _log.warning("result from a new host", provider=vendor, host=host, to_allow_only_what_you_name=setting)
        return found is not Opinion.NOT_ALLOWED


def _below(host: str, suffix: str) -> bool:
    return host == suffix or host.endswith("." + suffix)
