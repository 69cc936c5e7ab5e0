"""Whose account a job is made with: the operator's, or the own key of the server it was asked in.

The database is the truth about keys; this holds a copy of its rows, still sealed, so that what is offered in a server
can be told without waiting. A key is opened when it is first used, and few are held open at a time.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

import structlog

from jobs.tries import Tries
from jobs.vault import Unreadable, Vault, place_of
from providers.contract import Account, Provider
from storage import Connection, Database, vendor_keys
from storage.words import StoredKey

T = TypeVar("T")
Make = Callable[[str, Account], Provider]

_MOST_OPEN = 64
_log = structlog.get_logger("keyring")


class Keyring:
    """The servers' own keys, and the adapters that speak with them."""

    def __init__(
        self, vault: Vault | None = None, terms: Mapping[str, Account] | None = None, make: Make | None = None
    ) -> None:
        """Take what opens keys, the operator's terms by vendor (addresses, no keys), and what makes an adapter."""
        self.vault = vault or Vault(())
        self._terms = {} if vault is None or make is None else dict(terms or {})
        self._make = make
        self._catalogue = {name: make(name, account) for name, account in self._terms.items()} if make else {}
        self._kept: dict[int, StoredKey] = {}
        self._in_use: dict[tuple[int, str], StoredKey] = {}
        self._names: frozenset[str] = frozenset()
        self._unreadable: set[int] = set()
        self._open: OrderedDict[int, Provider] = OrderedDict()
        self._turn = asyncio.Lock()
        self.tries = Tries()

    @property
    def vendors(self) -> tuple[str, ...]:
        """Name the vendors a server may bring a key for."""
        return tuple(self._terms)

    def blank(self, name: str) -> Provider | None:
        """Give a vendor's adapter without any key: it knows models, prices and how bodies read."""
        return self._catalogue.get(name)

    def title(self, name: str) -> str:
        """Write a vendor's name for people."""
        vendor = self._catalogue.get(name)
        return name.capitalize() if vendor is None else vendor.title

    async def load(self, database: Database) -> None:
        """Read what is stored. Call once, before anything else. Raise StorageError."""
        self._install(await database.read(vendor_keys.kept))

    async def changed(self, database: Database, change: Callable[[Connection], T]) -> T:
        """Change stored keys in one transaction, and know of it. Raise StorageError, and what the change raises."""
        # Shielded: whoever gives up waiting must not leave us with a copy of what was before.
        return await asyncio.shield(self._changed(database, change))

    async def _changed(self, database: Database, change: Callable[[Connection], T]) -> T:
        def whole(connection: Connection) -> tuple[T, list[StoredKey]]:
            return change(connection), vendor_keys.kept(connection)

        async with self._turn:
            outcome, rows = await database.write(whole)
            self._install(rows)
        return outcome

    def _install(self, rows: Sequence[StoredKey]) -> None:
        before, self._kept = self._kept, {key.id: key for key in rows if key.provider in self._terms}
        self._in_use = {(key.guild_id, key.provider): key for key in self._kept.values() if key.retired_at is None}
        self._names = frozenset(key.provider for key in self._kept.values())
        known = {key.id: key.sealed for key in before.values()}
        judged = {key.id for key in self._kept.values() if known.get(key.id) == key.sealed}
        fresh = {key.id for key in self._kept.values() if key.id not in judged and not self._opens(key)}
        self._unreadable = (self._unreadable & judged) | fresh
        for key_id in [one for one in self._open if one not in self._kept]:
            del self._open[key_id]

    def _opens(self, key: StoredKey) -> bool:
        try:
            self.opened(key)
        except Unreadable as problem:
            _log.warning(
                "a server's own key cannot be read", guild=key.guild_id, provider=key.provider, why=str(problem)
            )
            return False
        return True

    def opened(self, key: StoredKey) -> Account:
        """Open a stored key. Raise Unreadable."""
        if key.sealed is None:
            raise Unreadable("it is erased")
        return self.vault.open(place_of(key), key.sealed)

    def whole(self, name: str, keys: Account) -> Account:
        """Put a server's keys together with the operator's terms at a vendor."""
        return replace(
            self._terms[name], api_keys=keys.api_keys, access_key=keys.access_key, secret_key=keys.secret_key
        )

    def adapter(self, name: str, keys: Account) -> Provider:
        """Make an adapter that speaks with a server's keys; whoever uses it once need not close it."""
        if self._make is None:
            raise LookupError(name)
        return self._make(name, self.whole(name, keys))

    def provider(self, key_id: int) -> Provider | None:
        """Give the adapter that speaks with a key; None: it is erased, or cannot be read."""
        key = self._kept.get(key_id)
        if key is None or key_id in self._unreadable:
            return None
        if key_id not in self._open:
            self._open[key_id] = self.adapter(key.provider, self.opened(key))
            while len(self._open) > _MOST_OPEN:
                self._open.popitem(last=False)
        self._open.move_to_end(key_id)
        return self._open[key_id]

    def of_guild(self, guild_id: int | None, name: str) -> list[Provider]:
        """List the adapters of all keys of a server at a vendor that can still be read, the newest first."""
        mine = (key.id for key in self._kept.values() if (key.guild_id, key.provider) == (guild_id, name))
        return [one for one in map(self.provider, mine) if one is not None]

    def unreadable(self, guild_id: int | None) -> frozenset[str]:
        """Name the vendors at which a server uses a key that cannot be read."""
        return frozenset(
            name for (guild, name), key in self._in_use.items() if guild == guild_id and key.id in self._unreadable
        )

    def uses(self, guild_id: int | None, name: str) -> bool:
        """Say whether a server uses a key of its own at a vendor."""
        return (guild_id, name) in self._in_use

    def lost(self, key_id: int | None) -> bool:
        """Say whether a key is stored but cannot be read."""
        return key_id in self._unreadable

    def any_of(self, name: str) -> bool:
        """Say whether any server has a key of its own at a vendor."""
        return name in self._names

    def offered(self, operators: Mapping[str, Provider], guild_id: int | None) -> dict[str, Provider]:
        """List the vendors a server can use: the operator's, and those it has a key of its own for.

        Not one whose own key cannot be read: what a server asks for on its account must not go on the operator's.
        """
        lost = self.unreadable(guild_id)
        return {
            name: vendor
            for name, vendor in {**self._catalogue, **operators}.items()
            if name not in lost and (name in operators or (guild_id, name) in self._in_use)
        }

    def accounts(self, operators: Mapping[str, Provider], guild_id: int | None) -> dict[str, Provider]:
        """Give for each vendor a server can use the adapter that speaks with the account it would pay with."""
        own = {name: self.provider(key.id) for (guild, name), key in self._in_use.items() if guild == guild_id}
        return {name: own.get(name) or vendor for name, vendor in self.offered(operators, guild_id).items()}

    def known(self, operators: Mapping[str, Provider]) -> dict[str, Provider]:
        """List the vendors that anybody here can use."""
        names = self._names | operators.keys()
        return {name: vendor for name, vendor in {**self._catalogue, **operators}.items() if name in names}

    @property
    def held_open(self) -> int:
        """Count the keys that are held open."""
        return len(self._open)

    def close(self) -> None:
        """Forget every open key."""
        self._open.clear()
