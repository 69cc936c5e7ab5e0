"""Facts about servers' own keys at vendors: which is in use, which are still needed by jobs, which may be erased.

What is sealed is never opened here. A key that is replaced or removed stays as a row, because its jobs point at it; its
sealed text goes as soon as no job needs it.
"""

from dataclasses import asdict

from sqlalchemy import Connection, RowMapping, Select, and_, bindparam, exists, func, or_, select, update

from storage import jobs as job_facts
from storage.tables import CLOSING, KEY_IN_USE, RUNNING, inbox, jobs, ledger, outputs, vendor_keys
from storage.words import Job, State, StoredKey

_columns = [vendor_keys.c[name] for name in StoredKey.__dataclass_fields__]
_IN_USE = select(*_columns).where(  # put together once: it is asked for each command
    KEY_IN_USE, vendor_keys.c.guild_id == bindparam("its_guild"), vendor_keys.c.provider == bindparam("its_provider")
)
_AGREED = (State.CONFIRMING.value, State.APPROVING.value, State.QUEUED.value)  # nothing has been sent


def kept(connection: Connection) -> list[StoredKey]:
    """List every key whose sealed text is still there, the newest first."""
    return _all(connection, select(*_columns).where(vendor_keys.c.sealed.is_not(None)))


def of_guild(connection: Connection, guild_id: int) -> list[StoredKey]:
    """List the keys a server uses."""
    return _all(connection, select(*_columns).where(KEY_IN_USE, vendor_keys.c.guild_id == guild_id))


def in_use(connection: Connection, guild_id: int | None, provider: str) -> StoredKey | None:
    """Read the key a server uses at a vendor; None: it has none of its own."""
    if guild_id is None:
        return None
    row = connection.execute(_IN_USE, {"its_guild": guild_id, "its_provider": provider}).mappings().first()
    return None if row is None else _key(row)


def stored(connection: Connection, key: StoredKey) -> StoredKey | None:
    """Store a key; return the one it replaces, whose waiting jobs are from now on made with the new one.

    A job that was sent again keeps its key: its first submission may turn up after all, where the old key belongs.
    """
    before = in_use(connection, key.guild_id, key.provider)
    if before is not None:
        retired(connection, before.id, key.set_at)
    connection.execute(vendor_keys.insert().values(asdict(key)))
    if before is not None:
        waiting = (jobs.c.key_id == before.id, jobs.c.state.in_(_AGREED), jobs.c.resent == 0)
        connection.execute(update(jobs).where(*waiting).values(key_id=key.id))
    return before


def retired(connection: Connection, key_id: int, now: int) -> bool:
    """Take a key out of use; False when it was not in use."""
    this = (vendor_keys.c.id == key_id, vendor_keys.c.retired_at.is_(None))
    return connection.execute(update(vendor_keys).where(*this).values(retired_at=now)).rowcount == 1


def resealed(connection: Connection, key_id: int, sealed: bytes) -> None:
    """Store the same key under another seal."""
    connection.execute(update(vendor_keys).where(vendor_keys.c.id == key_id).values(sealed=sealed))


def refused(connection: Connection, key_id: int, now: int) -> None:
    """Record that the vendor did not let a key in."""
    connection.execute(update(vendor_keys).where(vendor_keys.c.id == key_id).values(refused_at=now))


def waiting(connection: Connection, key_id: int) -> list[Job]:
    """List the jobs that are to be made with a key and are not with the vendor."""
    these = (jobs.c.key_id == key_id, jobs.c.state.in_(_AGREED))
    numbers = connection.execute(select(jobs.c.id).where(*these).order_by(jobs.c.id)).scalars()
    return job_facts.by_ids(connection, list(numbers))


def running(connection: Connection, key_id: int) -> int:
    """Count the jobs of a key that are not over."""
    return int(
        connection.execute(select(func.count()).select_from(jobs).where(RUNNING, jobs.c.key_id == key_id)).scalar_one()
    )


def erased(connection: Connection) -> int:
    """Erase what is sealed in keys out of use that no job needs any more; return how many.

    Needed is a key while a job of it is looked after, may still be rescued or waits for a person, while a result is
    to be fetched, because its address may have to be asked for anew, and while a callback waits to be confirmed.
    """
    closed = select(ledger.c.id).where(ledger.c.job_id == jobs.c.id, CLOSING).exists()
    fetching = select(outputs.c.id).where(outputs.c.job_id == jobs.c.id, outputs.c.due_at.is_not(None)).exists()
    unsettled = select(inbox.c.id).where(inbox.c.job_id == jobs.c.id, inbox.c.settled_at.is_(None)).exists()
    open_still = or_(jobs.c.due_at.is_not(None), ~closed, fetching, unsettled)
    needed = exists().where(and_(jobs.c.key_id == vendor_keys.c.id, open_still))
    over = (vendor_keys.c.retired_at.is_not(None), vendor_keys.c.sealed.is_not(None), ~needed)
    return int(connection.execute(update(vendor_keys).where(*over).values(sealed=None)).rowcount)


def _all(connection: Connection, statement: Select[tuple[object, ...]]) -> list[StoredKey]:
    rows = connection.execute(statement.order_by(vendor_keys.c.id.desc())).mappings()
    return [_key(row) for row in rows]


def _key(row: RowMapping) -> StoredKey:
    return StoredKey(**row)
