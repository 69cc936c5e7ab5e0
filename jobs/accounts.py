"""The operator's keys at the vendors while they are changed: a job is asked about with the key it was sent with.

Several keys of a vendor may stand in the settings, the newest first. The newest sends; a task may be known to the
account of its own key alone, and its callbacks are signed with that. So each job remembers which key it was, by a name
that tells nothing of the key.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace

from providers.contract import Account, Provider

Make = Callable[[str, Account], Provider]

_NAME_LENGTH = 12


def name_of(provider: str, key: str) -> str:
    """Name a key: always the same, and no way back to it."""
    return hashlib.sha256(f"rushes account\0{provider}\0{key}".encode()).hexdigest()[:_NAME_LENGTH]


class Accounts:
    """The keys of the operator's that are set, and adapters that speak with the older ones."""

    def __init__(self, accounts: Mapping[str, Account] | None = None, make: Make | None = None) -> None:
        """Take the operator's account at each vendor, and what makes an adapter."""
        self._names: dict[str, list[str]] = {}
        self._older: dict[tuple[str, str], Provider] = {}
        for vendor, account in (accounts or {}).items():
            keys = account.api_keys or ((account.access_key,) if account.access_key else ())
            self._names[vendor] = [name_of(vendor, key) for key in keys]
            for position, key in enumerate(keys[1:], 1):
                if make is not None and key not in keys[:position]:
                    others = tuple(one for one in keys if one != key)
                    older = replace(account, api_keys=(key, *others))
                    self._older[vendor, name_of(vendor, key)] = make(vendor, older)

    def __repr__(self) -> str:
        """Show no key."""
        return "Accounts()"

    def newest(self, vendor: str) -> str | None:
        """Name the key that new jobs are sent with; None: there is none."""
        return next(iter(self._names.get(vendor, ())), None)

    def names(self, vendor: str) -> tuple[str, ...]:
        """Name the keys that are set at a vendor, the newest first."""
        return tuple(self._names.get(vendor, ()))

    @property
    def vendors(self) -> tuple[str, ...]:
        """Name the vendors there is a key at."""
        return tuple(self._names)

    def older(self, vendor: str, name: str | None) -> Provider | None:
        """Give the adapter that speaks with an older key; None: it is the newest, or not set any more."""
        return None if name is None else self._older.get((vendor, name))
