"""Facts about the one result message of a job: awaited, due, being posted, posted."""

from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Integer, bindparam, func, insert, literal, select, update
from sqlalchemy.sql import Select

from storage import marks
from storage.codes import RANDOM_BITS, first_id_at, moment_of
from storage.tables import DUE_TO_DELIVER, deliveries
from storage.words import Delivery, DeliveryState, Way

_columns = (
    deliveries.c.job_id,
    deliveries.c.state,
    deliveries.c.due_at,
    deliveries.c.attempts,
    deliveries.c.first_tried_at,
    deliveries.c.linked,
    deliveries.c.message_id,
    deliveries.c.posted_at,
    deliveries.c.problem,
    deliveries.c.way,
    deliveries.c.channel_id,
)
# Put together once; what begins with "its" is given with each use.
_now, _most = bindparam("its_moment", type_=BigInteger), bindparam("its_most", type_=BigInteger)
_DUE = select(*_columns).where(DUE_TO_DELIVER, deliveries.c.due_at <= _now).order_by(deliveries.c.due_at).limit(_most)
_this = deliveries.c.job_id == bindparam("its_job")
_OF_JOB = select(*_columns).where(_this)
_AWAITED = insert(deliveries)
_READY = update(deliveries).where(_this, deliveries.c.state == DeliveryState.WAITING.value)
# Somebody who wants the result deleted has the last word.
_CHANGED = update(deliveries).where(
    _this, deliveries.c.state.not_in((DeliveryState.DELETING.value, DeliveryState.DELETED.value))
)
_POSTING = _CHANGED.values(
    attempts=deliveries.c.attempts + 1, first_tried_at=func.coalesce(deliveries.c.first_tried_at, _now)
)


def awaited(connection: Connection, job_id: int) -> None:
    """Record that a job has a result to post once its files are here."""
    row = {"job_id": job_id, "state": DeliveryState.WAITING, "attempts": 0, "linked": 0, "way": Way.HERE}
    connection.execute(_AWAITED, row)


def ready(connection: Connection, job_id: int, now: int) -> bool:
    """Make an awaited delivery due; False when there is none waiting."""
    values = {**_untried(connection, job_id), "due_at": now, "its_job": job_id}
    return connection.execute(_READY, values).rowcount == 1


def _untried(connection: Connection, job_id: int) -> dict[str, Any]:
    """Say how a delivery stands that this database knows no try of.

    In one that was brought back from a backup a job of before may be posted all the same: it is looked for first.
    """
    restored = marks.get(connection, marks.RESTORED)
    if restored is None or job_id >= first_id_at(restored.at):
        return {"state": DeliveryState.DUE.value, "first_tried_at": None}
    return {"state": DeliveryState.POSTING.value, "first_tried_at": moment_of(job_id)}


def doubted(connection: Connection) -> int:
    """Take every result that is due for one that may be posted already; how many."""
    bits = literal(RANDOM_BITS, Integer)  # PostgreSQL shifts by no larger number
    told = {"state": DeliveryState.POSTING.value, "first_tried_at": deliveries.c.job_id.op(">>")(bits)}
    return connection.execute(update(deliveries).where(DUE_TO_DELIVER).values(told)).rowcount


def due(connection: Connection, now: int, limit: int) -> list[Delivery]:
    """List deliveries whose time has come, including those that were being posted when the program stopped."""
    return _read(connection, _DUE, its_moment=now, its_most=limit)


def of_job(connection: Connection, job_id: int) -> Delivery | None:
    """Read a job's delivery; None when it has nothing to post."""
    found = _read(connection, _OF_JOB, its_job=job_id)
    return found[0] if found else None


def under_way(job_id: ColumnElement[Any]) -> Select[Any]:
    """Ask for a job's delivery that is due, or being tried."""
    return select(deliveries.c.job_id).where(deliveries.c.job_id == job_id, DUE_TO_DELIVER)


def posting(connection: Connection, job_id: int, now: int, *, retry_at: int, linked: bool) -> bool:
    """Record that the message is about to go out: from here on it may be in the channel; False: it must not."""
    values = {"state": "posting", "due_at": retry_at, "linked": int(linked), "its_job": job_id, "its_moment": now}
    return connection.execute(_POSTING, values).rowcount == 1


def posted(connection: Connection, job_id: int, message_id: int | None, now: int) -> None:
    """Record where the result stands; None: it was posted, and somebody deleted it before we learned its number."""
    _changed(connection, job_id, state="posted", due_at=None, message_id=message_id, posted_at=now, problem=None)


def refused(connection: Connection, job_id: int, *, retry_at: int, problem: str, linked: bool) -> None:
    """Record that Discord surely did not take the message; it goes out again later, as a link where `linked`."""
    values: dict[str, Any] = {"state": "due", "due_at": retry_at, "problem": problem[:300], "linked": int(linked)}
    _changed(connection, job_id, first_tried_at=None, **values)


def put_off(connection: Connection, job_id: int, due_at: int) -> None:
    """Look at a delivery again later, as it is."""
    _changed(connection, job_id, due_at=due_at)


def in_doubt(connection: Connection, job_id: int, *, retry_at: int, problem: str) -> None:
    """Record that the message may or may not have gone out; it is looked for before it goes out again."""
    _changed(connection, job_id, due_at=retry_at, problem=problem[:300])


def turned(connection: Connection, job_id: int, way: Way, channel_id: int | None, now: int, problem: str) -> None:
    """Record that the way taken so far is closed for good, and which one is taken instead; None: still to be opened."""
    fresh: dict[str, Any] = {**_untried(connection, job_id), "due_at": now, "linked": 0}
    _changed(connection, job_id, way=way.value, channel_id=channel_id, problem=problem[:300], **fresh)


def opened(connection: Connection, job_id: int, channel_id: int) -> None:
    """Record the asker's direct messages."""
    _changed(connection, job_id, channel_id=channel_id)


def parked(connection: Connection, job_id: int, problem: str) -> None:
    """Give up posting; the files are kept."""
    _changed(connection, job_id, state="parked", due_at=None, problem=problem[:300])


def deleting(connection: Connection, job_id: int, message_id: int) -> bool:
    """Record that the result is to be deleted, and where it stands; False when that was recorded before.

    From here on nothing posts it again.
    """
    return _changed(connection, job_id, state="deleting", due_at=None, message_id=message_id, problem=None)


def deleted(connection: Connection, job_id: int) -> None:
    """Record that the result is gone."""
    here = (deliveries.c.job_id == job_id, deliveries.c.state == DeliveryState.DELETING.value)
    connection.execute(update(deliveries).where(*here).values(state=DeliveryState.DELETED))


def _changed(connection: Connection, job_id: int, **values: Any) -> bool:
    """Change a delivery, unless somebody wants the result deleted: that is the last word."""
    return connection.execute(_CHANGED, {**values, "its_job": job_id}).rowcount == 1


def _read(connection: Connection, statement: Select[*tuple[Any, ...]], **its: int) -> list[Delivery]:
    return [_delivery(dict(row)) for row in connection.execute(statement, its).mappings()]


def _delivery(row: dict[str, Any]) -> Delivery:
    row["state"] = DeliveryState(row["state"])
    row["linked"] = bool(row["linked"])
    row["way"] = Way(row["way"])
    return Delivery(**row)
