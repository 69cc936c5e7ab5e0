"""Facts about stored callbacks: each delivery is stored once, and settled once."""

from collections.abc import Collection, Iterator, Sequence
from functools import cache
from itertools import chain
from typing import NamedTuple

from sqlalchemy import BigInteger, Connection, bindparam, delete, func, select, update

from storage.sqlite import driver
from storage.tables import IN_DOUBT, UNSETTLED, inbox, jobs
from storage.words import InboxRow

_MOST_OF_A_JOB = 64


class Letter(NamedTuple):
    """An authentic callback on its way into the inbox; its fields are the statement's, in their order."""

    provider: str
    job_id: int
    delivery_id: str
    trust: str
    body: bytes
    received_at: int

    def __repr__(self) -> str:
        """Show no body."""
        return f"Letter({self.provider!r}, {self.job_id}, {self.delivery_id!r})"


# A callback is to be acted on at once, wherever the clock is set meanwhile. The count is of one job, by the index that
# keeps deliveries apart; it is asked within the statement, so that callbacks that come one by one count each other.
_STORE = """
    INSERT INTO inbox (provider, job_id, delivery_id, trust, body, received_at, due_at)
    SELECT {}, {}, {}, {}, {}, {}, 0 WHERE (SELECT count(*) FROM inbox WHERE job_id = {}) < {}
    ON CONFLICT DO NOTHING
"""
_PLACES = {
    "sqlite": ("?1", "?2", "?3", "?4", "?5", "?6", "?2"),
    "postgresql": ("$1::varchar", "$2::bigint", "$3::varchar", "$4::varchar", "$5::bytea", "$6::bigint", "$2::bigint"),
}
_STORE_ON = {name: _STORE.format(*places, _MOST_OF_A_JOB) for name, places in _PLACES.items()}
_COLUMNS = ("column1", "column2", "column3", "column4", "column5", "column6")  # of a list of values
_STORE_MANY = _STORE.format(*_COLUMNS, "column2", _MOST_OF_A_JOB).replace("0 WHERE", "0 FROM (VALUES {}) WHERE")
_MOST_AT_ONCE = 256  # rows of a statement


# Put together once, as they are asked for each callback; what begins with "its" is given with each use.
_RUNG = (
    select(inbox.c.job_id, func.count(), func.max(inbox.c.settled_at), func.max(inbox.c.asked_at))
    .where(inbox.c.job_id.in_(bindparam("its_jobs", expanding=True)))
    .group_by(inbox.c.job_id)
)
_UNSETTLED = (
    select(*(inbox.c[name] for name in InboxRow.__dataclass_fields__))
    .where(
        UNSETTLED,
        inbox.c.due_at <= bindparam("its_moment", type_=BigInteger),
        # A callback that overtook the answer to its own submission waits for that answer.
        inbox.c.job_id.not_in(select(jobs.c.id).where(IN_DOUBT)),
    )
    .order_by(inbox.c.due_at, inbox.c.id)
    .limit(bindparam("its_most", type_=BigInteger))
)
_SETTLED = update(inbox).where(inbox.c.id.in_(bindparam("its_ids", expanding=True)), UNSETTLED)


def stored(connection: Connection, letters: Sequence[Letter]) -> list[bool | None]:
    """Store callbacks; False for one that is stored already, None for one of whose job too many wait to be looked at.

    No vendor sends so many; who knows a job's address must not be able to fill the disk, nor to keep the true one out.
    The statements are plain text, made ready once for all letters: a query built for each costs more than storing it.
    """
    count = _put(connection, letters)
    if count == len(letters):  # as nearly always
        return [True] * count
    new = _newest(connection, count)
    full = _full(connection, {letter.job_id for letter in letters})
    outcomes: list[bool | None] = []
    for letter in letters:
        name = (letter.job_id, letter.delivery_id)
        there = name in new
        outcomes.append(_put_in_place_of_another(connection, letter) if letter.job_id in full and not there else there)
        new.discard(name)  # of the same one twice, the first was stored
    return outcomes


def _put(connection: Connection, letters: Sequence[Letter]) -> int:
    """Store what is not stored yet where there is room; tell how many that were."""
    store = _STORE_ON[connection.dialect.name]
    if connection.dialect.name != "sqlite":  # PostgreSQL's driver does not count what it does for many at once
        return sum(connection.exec_driver_sql(store, tuple(letter)).rowcount for letter in letters)
    if len({letter.job_id for letter in letters}) < len(letters):  # some may have to count each other
        return driver(connection).executemany(store, letters).rowcount
    return sum(_put_at_once(connection, part) for part in _parts(letters))


def _put_at_once(connection: Connection, letters: Sequence[Letter]) -> int:
    """Store callbacks of different jobs by one statement.

    A statement for each would hand the interpreter's lock to the event loop and back each time: a tenth of all the time
    a callback takes.
    """
    return driver(connection).execute(_store_many(len(letters)), list(chain.from_iterable(letters))).rowcount


def _parts(letters: Sequence[Letter]) -> Iterator[Sequence[Letter]]:
    """Divide letters into parts of one, two, four ... of them, so that few statements are made, and each made once."""
    while letters:
        size = min(_MOST_AT_ONCE, 1 << len(letters).bit_length() - 1)
        yield letters[:size]
        letters = letters[size:]


@cache
def _store_many(count: int) -> str:
    row = "(?, ?, ?, ?, ?, ?)"
    return _STORE_MANY.format(", ".join([row] * count))


def _newest(connection: Connection, count: int) -> set[tuple[int, str]]:
    newest = select(inbox.c.job_id, inbox.c.delivery_id).order_by(inbox.c.id.desc()).limit(count)
    return set(map(tuple, connection.execute(newest)))


def _full(connection: Connection, job_ids: Collection[int]) -> set[int]:
    of_each = select(inbox.c.job_id).where(inbox.c.job_id.in_(job_ids)).group_by(inbox.c.job_id)
    return set(connection.execute(of_each.having(func.count() >= _MOST_OF_A_JOB)).scalars())


def _put_in_place_of_another(connection: Connection, letter: Letter) -> bool | None:
    this = (inbox.c.job_id == letter.job_id, inbox.c.delivery_id == letter.delivery_id)
    if connection.execute(select(inbox.c.id).where(*this)).first() is not None:
        return False
    return _put(connection, [letter]) == 1 if _room_made(connection, letter.job_id) else None


def _room_made(connection: Connection, job_id: int) -> bool:
    """Throw away the ring of a job that was acted on or asked about longest ago; False: there is none to spare.

    What is signed is kept: it is believed once, and must be known again. The latest tells when we last asked.
    """
    acted_on = func.coalesce(inbox.c.settled_at, inbox.c.asked_at)
    rings = select(inbox.c.id).where(inbox.c.job_id == job_id, inbox.c.trust == "doorbell", acted_on.is_not(None))
    oldest = list(connection.execute(rings.order_by(acted_on, inbox.c.id).limit(2)).scalars())
    return len(oldest) == 2 and connection.execute(delete(inbox).where(inbox.c.id == oldest[0])).rowcount == 1


class Rings(NamedTuple):
    """How often a job was rung for."""

    many: int  # callbacks of it
    last: int  # when one was last acted on or asked about; 0: never


def rung(connection: Connection, job_ids: Sequence[int]) -> dict[int, Rings]:
    """Count the callbacks of jobs that have any."""
    return {
        job_id: Rings(count, max(settled_at or 0, asked_at or 0))
        for job_id, count, settled_at, asked_at in connection.execute(_RUNG, {"its_jobs": job_ids})
    }


def unsettled(connection: Connection, now: int, limit: int) -> list[InboxRow]:
    """List callbacks nobody has acted on and whose time has come, the oldest first."""
    return [InboxRow(*row) for row in connection.execute(_UNSETTLED, {"its_moment": now, "its_most": limit})]


def postponed(connection: Connection, ids: Sequence[int], due_at: int, *, asked_at: int | None = None) -> None:
    """Act on callbacks later; `asked_at`: when the vendor was asked about them, in vain."""
    asked = {} if asked_at is None else {"asked_at": asked_at}
    connection.execute(update(inbox).where(inbox.c.id.in_(ids), UNSETTLED).values(due_at=due_at, **asked))


def settled(connection: Connection, ids: Sequence[int], now: int, outcome: str) -> None:
    """Record that callbacks were acted on, and what came of it."""
    if ids:
        connection.execute(_SETTLED, {"its_ids": ids, "settled_at": now, "outcome": outcome[:200]})
