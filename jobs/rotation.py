"""Changing SECRET_KEYS: since when which key is the newest, and what an older one is still needed for.

A key is known in the database by a name that is derived from it for this purpose alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from jobs.addresses import derive
from jobs.vault import Unreadable, Vault, place_of
from storage import Connection, marks, needs, vendor_keys
from storage.words import StoredKey

_MARK = "secret key "
_LINKS = 7 * 86_400_000  # milliseconds that a link to a file is good for
_NAME_LENGTH = 16


@dataclass(frozen=True, slots=True)
class Needed:
    """What an older secret key is needed for."""

    position: int  # in SECRET_KEYS; the newest is 1
    jobs: int  # whose callback address it signed
    sealed: int  # servers' own keys that no newer one opens
    links_until: int | None  # links it signed are good until then; None: all are over

    @property
    def free(self) -> bool:
        """Say whether it can be taken away."""
        return not self.jobs and not self.sealed and self.links_until is None


def name_of(secret_key: str) -> str:
    """Name a secret key: always the same, and no way back to it."""
    return derive(secret_key, b"rushes name of a secret key").hex()[:_NAME_LENGTH]


def noted(connection: Connection, secret_keys: Sequence[str], now: int) -> None:
    """Remember since when a key is not the newest any more. Call at each start, before anything is signed."""
    for position, key in enumerate(secret_keys):
        name = _MARK + name_of(key)
        known = marks.get(connection, name)
        if position == 0:
            if known is None or known.detail.get("until") is not None:
                marks.put(connection, marks.Mark(name, now, {"until": None}))
        elif known is None or known.detail.get("until") is None:
            marks.put(connection, marks.Mark(name, known.at if known else now, {"until": now}))


def needed(connection: Connection, secret_keys: Sequence[str], now: int) -> list[Needed]:
    """Say for each older key what it is needed for."""
    found: list[Needed] = []
    for position, key in enumerate(secret_keys[1:], 1):
        mark = marks.get(connection, _MARK + name_of(key))
        until = mark.detail.get("until") if mark else None
        replaced = now if until is None else int(until)  # the program has not been started with the newer one yet
        links = replaced + _LINKS
        sealed = _sealed_by(connection, secret_keys, position)
        jobs = needs.made_before(connection, replaced)
        found.append(Needed(position + 1, jobs, sealed, links if links > now else None))
    return found


def _sealed_by(connection: Connection, secret_keys: Sequence[str], position: int) -> int:
    newer, whole = Vault(secret_keys[:position]), Vault(secret_keys[: position + 1])
    return sum(not _opens(newer, key) and _opens(whole, key) for key in vendor_keys.kept(connection))


def _opens(vault: Vault, key: StoredKey) -> bool:
    try:
        vault.open(place_of(key), key.sealed or b"")
    except Unreadable:
        return False
    return True
