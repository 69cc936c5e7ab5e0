"""A server's own key: tried at the vendor, stored, replaced, taken away, erased when no job needs it, sealed anew."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from jobs import life
from jobs.context import Context
from jobs.transitions import Event
from jobs.vault import Unreadable, Vault, place_of
from providers.contract import Account, Balance, ProviderError, Reason
from storage import Connection, moderation, vendor_keys
from storage.codes import new_job_id
from storage.words import StoredKey

PAIRED = ("kling",)  # vendors that know an access key with a secret key besides the plain API key
_FIT = re.compile(r"[!-~]{8,512}")
_LONG_ENOUGH_FOR_A_HINT = 16
_SHOWN = 4


class Flaw(StrEnum):
    """Why what was typed can be no key."""

    MISSING = "missing"
    HALF = "half"  # one of a pair
    BOTH = "both"  # an API key and a pair
    MALFORMED = "malformed"


class Verdict(StrEnum):
    """What a vendor says of a key."""

    RIGHT = "right"
    WRONG = "wrong"
    UNKNOWN = "unknown"  # the vendor could not be asked, or said something else
    UNASKED = "unasked"  # it documents no call that costs nothing


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of trying a key."""

    verdict: Verdict
    balance: Balance | None = None
    http: int | None = None  # of the answer; None: there was none


@dataclass(frozen=True, slots=True)
class Put:
    """What came of storing a key."""

    same: bool = False  # it was set already: nothing was changed
    replaced: bool = False
    still_running: int = 0  # jobs that go on with the key before


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed into the form."""

    api_key: str = field(default="", repr=False)
    access_key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)


def read(provider: str, typed: Typed) -> Account | Flaw:
    """Make an account of what was typed, whose blanks around do not count; or say what is wrong."""
    api_key, access, secret = (one.strip() for one in (typed.api_key, typed.access_key, typed.secret_key))
    if provider not in PAIRED:
        access = secret = ""
    given = [one for one in (api_key, access, secret) if one]
    if not given:
        return Flaw.MISSING
    if bool(access) != bool(secret):
        return Flaw.HALF
    if api_key and access:
        return Flaw.BOTH
    if not all(_FIT.fullmatch(one) for one in given):
        return Flaw.MALFORMED
    return Account((api_key,) if api_key else (), access, secret)


def hint_of(account: Account) -> str:
    """Give the last characters of a key, by which a person knows it again; none of a short one, nor of a secret."""
    shown = next(iter(account.api_keys), account.access_key)
    return shown[-_SHOWN:] if len(shown) >= _LONG_ENOUGH_FOR_A_HINT else ""


async def tried(ctx: Context, provider: str, account: Account) -> Tried:
    """Try a key at its vendor with a call that costs nothing."""
    try:
        balance = await ctx.keys.adapter(provider, account).balance()
    except ProviderError as error:
        wrong = error.reason is Reason.ACCESS and error.http in {401, 403}
        ctx.tell("key tried", None, provider=provider, kind=error.kind, reason=error.reason, http=error.http)
        return Tried(Verdict.WRONG if wrong else Verdict.UNKNOWN, http=error.http)
    except Exception as error:  # noqa: BLE001 -- a key no adapter can speak with; what it says may quote it
        ctx.tell("key tried", None, provider=provider, kind=type(error).__name__)
        return Tried(Verdict.WRONG)
    ctx.tell("key tried", None, provider=provider, kind="answered")
    return Tried(Verdict.UNASKED if balance is None else Verdict.RIGHT, balance)


async def put(ctx: Context, guild_id: int, provider: str, account: Account, by: int) -> Put:
    """Store a key in the place of the one before; jobs that are with the vendor go on with that. Raise StorageError."""
    now = ctx.now()
    new = StoredKey(new_job_id(now), guild_id, provider, None, hint_of(account), by, now)
    new = _sealed(ctx.keys.vault, new, account)

    def change(connection: Connection) -> Put:
        before = vendor_keys.in_use(connection, guild_id, provider)
        if before is not None and _is(ctx.keys.vault, before, account):
            return Put(same=True)
        vendor_keys.stored(connection, new)
        act = "set key" if before is None else "replaced key"
        moderation.acted(connection, guild_id, by, act, provider, now)
        running = 0 if before is None else vendor_keys.running(connection, before.id)
        vendor_keys.erased(connection)
        return Put(replaced=before is not None, still_running=running)

    stored = await ctx.keys.changed(ctx.database, change)
    ctx.tell("key stored", None, guild=guild_id, provider=provider, same=stored.same, replaced=stored.replaced)
    return stored


async def drop(ctx: Context, guild_id: int, key_id: int, by: int) -> StoredKey | None:
    """Take a key out of use, and call off what waits to be made with it; None: it was not in use. Raise StorageError.

    Jobs that are with the vendor go on with it; then it is erased.
    """

    def change(connection: Connection) -> StoredKey | None:
        key = next((one for one in vendor_keys.of_guild(connection, guild_id) if one.id == key_id), None)
        if key is None:
            return None
        now = ctx.now()
        vendor_keys.retired(connection, key_id, now)
        for job in vendor_keys.waiting(connection, key_id):
            life.advance(connection, job, Event.CANCEL, now, ctx.timing, cancelled_by=by)
        moderation.acted(connection, guild_id, by, "removed key", key.provider, now)
        vendor_keys.erased(connection)
        return key

    key = await ctx.keys.changed(ctx.database, change)
    ctx.tell("key removed", None, guild=guild_id, provider=key.provider if key else "", found=key is not None)
    ctx.wakes.cards.set()
    return key


async def forsake(ctx: Context, guild_id: int) -> int:
    """Take all keys of a server that I was thrown out of out of use; return how many. Raise StorageError.

    What waits to be made with them is called off, as when an admin takes a key away.
    """

    def change(connection: Connection) -> int:
        now, found = ctx.now(), vendor_keys.of_guild(connection, guild_id)
        for key in found:
            vendor_keys.retired(connection, key.id, now)
            for job in vendor_keys.waiting(connection, key.id):
                life.advance(connection, job, Event.CANCEL, now, ctx.timing)
        vendor_keys.erased(connection)
        return len(found)

    count = await ctx.keys.changed(ctx.database, change)
    ctx.tell("server left", None, guild=guild_id, keys=count)
    ctx.wakes.cards.set()
    return count


async def erase(ctx: Context) -> int:
    """Erase the keys out of use that no job needs any more; return how many. Raise StorageError."""
    return await ctx.keys.changed(ctx.database, vendor_keys.erased)


def _sealed(vault: Vault, key: StoredKey, account: Account) -> StoredKey:
    return replace(key, sealed=vault.seal(place_of(key), account))


def _is(vault: Vault, key: StoredKey, account: Account) -> bool:
    """Say whether a stored key is the very one; one that cannot be read is not."""
    try:
        return key.sealed is not None and vault.open(place_of(key), key.sealed) == account
    except Unreadable:
        return False


@dataclass(frozen=True, slots=True)
class Rotated:
    """What became of the stored keys when they were sealed anew."""

    renewed: int
    current: int  # sealed by the newest secret key already
    unreadable: Sequence[StoredKey]


def rotate(connection: Connection, vault: Vault) -> Rotated:
    """Seal every stored key with the newest secret key; what cannot be opened stays as it is. A database write."""
    renewed, current, unreadable = 0, 0, list[StoredKey]()
    for key in vendor_keys.kept(connection):
        try:
            sealed = vault.renewed(place_of(key), key.sealed or b"")
        except Unreadable:
            unreadable.append(key)
            continue
        if sealed is None:
            current += 1
        else:
            vendor_keys.resealed(connection, key.id, sealed)
            renewed += 1
    return Rotated(renewed, current, unreadable)
