"""Servers' own keys on their way into the database and out of it: encrypted, and bound to the place they belong to.

Server, vendor, row and purpose lie inside what is sealed and are compared when it is opened, so that a row somebody
copied to another server or vendor does not open there. Keys of ours: the newest seals, all of them open.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from jobs.addresses import derive
from providers.contract import Account
from storage.words import StoredKey

_PURPOSE = "a server's own key at a vendor"
_SECRETS = ("api_key", "access_key", "secret_key")


class Unreadable(Exception):  # noqa: N818 -- says what a key is
    """A stored key cannot be opened: its SECRET_KEYS are gone, or it was altered or copied from another place."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key belongs."""

    guild_id: int
    provider: str
    key_id: int


def place_of(key: StoredKey) -> Place:
    """Name the place a stored key says it belongs to."""
    return Place(key.guild_id, key.provider, key.id)


class Vault:
    """Seals and opens."""

    def __init__(self, secret_keys: Sequence[str]) -> None:
        """Take the secret keys, newest first."""
        derived = (derive(key, b"rushes vendor keys of servers") for key in secret_keys)
        self._each = [Fernet(base64.urlsafe_b64encode(key)) for key in derived]

    def __repr__(self) -> str:
        """Show no key."""
        return "Vault()"

    def seal(self, place: Place, account: Account) -> bytes:
        """Encrypt the keys of an account for one place."""
        secrets = (next(iter(account.api_keys), ""), account.access_key, account.secret_key)
        inside = {"purpose": _PURPOSE, **_named(place), **dict(zip(_SECRETS, secrets, strict=True))}
        return self._each[0].encrypt(json.dumps(inside).encode())

    def open(self, place: Place, sealed: bytes) -> Account:
        """Read the keys of an account, and nothing else of it. Raise Unreadable."""
        try:
            return _read(place, MultiFernet(self._each).decrypt(sealed))
        except InvalidToken:
            raise Unreadable("no key in SECRET_KEYS opens it") from None

    def renewed(self, place: Place, sealed: bytes) -> bytes | None:
        """Seal with the newest key what an older one sealed; None: the newest did already. Raise Unreadable."""
        account = self.open(place, sealed)
        try:
            self._each[0].decrypt(sealed)
        except InvalidToken:
            return self.seal(place, account)
        return None


def _named(place: Place) -> dict[str, int | str]:
    return {"guild": place.guild_id, "vendor": place.provider, "key": place.key_id}


def _read(place: Place, opened: bytes) -> Account:
    inside = cast("dict[str, Any]", json.loads(opened))
    if inside.get("purpose") != _PURPOSE or any(inside.get(name) != is_ for name, is_ in _named(place).items()):
        raise Unreadable("it was sealed for another place")
    api_key, access_key, secret_key = (str(inside[name]) for name in _SECRETS)
    return Account((api_key,) if api_key else (), access_key, secret_key)
