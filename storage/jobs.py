"""Facts about jobs: held for, moved, due, shown."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Row,
    and_,
    bindparam,
    case,
    delete,
    func,
    insert,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.sql import Select

from storage import ledger, limits
from storage.tables import CARD_DUE, CLOSING, DUE_TO_SUBMIT, IN_DOUBT, MUSIC_VIDEO, OVERDUE, RUNNING, jobs
from storage.tables import ledger as ledger_table
from storage.words import Job, Limit, LimitKind, Place, State, StoredInput, StoredShot

_charged = (
    select(func.min(jobs.c.price - ledger_table.c.amount))
    .where(and_(ledger_table.c.job_id == jobs.c.id, CLOSING))
    .scalar_subquery()
    .label("charged")
)
_LONG = 2_000  # characters of a job's history
_FIELDS = tuple(Job.__dataclass_fields__)
_whole: Select[Any] = select(*(_charged if name == "charged" else jobs.c[name] for name in _FIELDS))

# The statements of every job's life are put together once, here: to do so each time costs more than what the database
# does. What begins with "its" is given with each use.
_now, _most = bindparam("its_moment", type_=BigInteger), bindparam("its_most", type_=BigInteger)
_this = jobs.c.id == bindparam("its_id")
_has_card = jobs.c.card_message_id.is_not(None)
_BY_ID = _whole.where(_this)
_BY_IDS = _whole.where(jobs.c.id.in_(bindparam("its_ids", expanding=True)))
_BY_INTERACTION = _whole.where(jobs.c.interaction_id == bindparam("its_interaction"))
_HOLDER_OF_TASK = select(jobs.c.id).where(
    jobs.c.provider == bindparam("its_provider"), jobs.c.task_id == bindparam("its_task")
)
_DUE_TO_SUBMIT = _whole.where(DUE_TO_SUBMIT, jobs.c.due_at <= _now).order_by(jobs.c.due_at).limit(_most)
_OVERDUE = _whole.where(OVERDUE, jobs.c.due_at <= _now).order_by(jobs.c.due_at).limit(_most)
_CARDS_DUE = (
    _whole.where(
        CARD_DUE,
        jobs.c.card_due_at <= _now,
        func.coalesce(jobs.c.card_edited_at, 0) <= bindparam("its_last", type_=BigInteger),
    )
    .order_by(jobs.c.card_due_at)
    .limit(_most)
)
_STAYS = update(jobs).where(_this)
_longer = jobs.c.history + bindparam("its_entry")
_news = {
    "card_version": case((_has_card, jobs.c.card_version + 1), else_=jobs.c.card_version),
    "card_due_at": case((_has_card, bindparam("its_card", type_=BigInteger)), else_=jobs.c.card_due_at),
}
# A job that a vendor keeps putting off goes round for a day; its beginning and end tell enough.
_MOVES = _STAYS.values(history=case((func.length(jobs.c.history) < _LONG, _longer), else_=jobs.c.history), **_news)
_ENDS = _STAYS.values(history=_longer, **_news)
_TOUCHED = _STAYS.where(_has_card).values(card_version=jobs.c.card_version + 1, card_due_at=_now)
_SHOWN = _STAYS.values(
    card_edited_at=_now, card_due_at=case((jobs.c.card_version == bindparam("its_version"), null()), else_=_now)
)
_INSERTED = insert(jobs)
_WITHDRAWN = delete(jobs).where(_this)


def held(connection: Connection, job: Job, outside: int = 0) -> Limit | None:
    """Insert a job together with its hold; or tell what stands in its way, and insert nothing.

    `outside`: credits a person may spend in a day outside of servers.
    """
    row = {
        "id": job.id,
        "interaction_id": job.interaction_id,
        "guild_id": job.guild_id,
        "place": job.place,
        "channel_id": job.channel_id,
        "parent_id": job.parent_id,
        "parent_open": job.parent_open,
        "user_id": job.user_id,
        "user_name": job.user_name,
        "card_message_id": job.card_message_id,
        "card_due_at": job.card_due_at,
        "card_edited_at": None,
        "card_version": job.card_version,
        "upload_limit": job.upload_limit,
        "provider": job.provider,
        "operation": job.operation,
        "model": job.model,
        "prompt": job.prompt,
        "options": job.options,
        "inputs": [asdict(one) for one in job.inputs],
        "asked": job.asked,
        "tried": list(job.tried),
        "root_id": job.root_id,
        "shots": [asdict(shot) for shot in job.shots],
        "state": job.state,
        "created_at": job.created_at,
        "changed_at": job.changed_at,
        "due_at": job.due_at,
        "deadline_at": job.deadline_at,
        "attempts": job.attempts,
        "lookups": job.lookups,
        "absences": job.absences,
        "resent": job.resent,
        "price": job.price,
        "language": job.language,
        "key_id": job.key_id,
        "silenced": False,
        "history": _entry(job.state, job.created_at),
    }
    connection.execute(_INSERTED, row)
    if ledger.hold(connection, job, outside):
        return None
    connection.execute(_WITHDRAWN, {"its_id": job.id})  # others share the transaction: only this is undone
    return limits.first(connection, job, outside) or Limit(LimitKind.BUDGET)


def by_id(connection: Connection, job_id: int) -> Job | None:
    """Read one job."""
    return _one(connection, _BY_ID, its_id=job_id)


def by_ids(connection: Connection, job_ids: Sequence[int]) -> list[Job]:
    """Read several jobs, in no order."""
    return _all(connection, _BY_IDS, its_ids=job_ids)


def by_interaction(connection: Connection, interaction_id: int) -> Job | None:
    """Read the job a command led to."""
    return _one(connection, _BY_INTERACTION, its_interaction=interaction_id)


def holder_of_task(connection: Connection, provider: str, task_id: str) -> int | None:
    """Name the job a provider's task belongs to."""
    return connection.execute(_HOLDER_OF_TASK, {"its_provider": provider, "its_task": task_id}).scalar()


def due_to_submit(connection: Connection, now: int, limit: int) -> list[Job]:
    """List queued jobs whose time has come, the longest waiting first."""
    return _all(connection, _DUE_TO_SUBMIT, its_moment=now, its_most=limit)


def overdue(connection: Connection, now: int, limit: int) -> list[Job]:
    """List jobs the provider should have been heard of by now, or whose grace is over."""
    return _all(connection, _OVERDUE, its_moment=now, its_most=limit)


def in_doubt(connection: Connection) -> list[Job]:
    """List jobs that were being submitted."""
    return _all(connection, _whole.where(IN_DOUBT).order_by(jobs.c.id))


def cards_due(connection: Connection, now: int, gap: int, limit: int) -> list[Job]:
    """List jobs whose card in the channel is out of date and was not edited within the last `gap` milliseconds."""
    return _all(connection, _CARDS_DUE, its_moment=now, its_last=now - gap, its_most=limit)


def move(
    connection: Connection, job: Job, now: int, to: State, values: Mapping[str, Any], *, card_at: int | None = None
) -> None:
    """Change a job's state and the given columns; its card becomes out of date when the state is a new one.

    `card_at`: when the card shall show it, if not at once. The caller read `job` in this same transaction, so nothing
    can have changed in between.
    """
    if to == job.state:
        connection.execute(_STAYS, {"state": to, **values, "its_id": job.id})
        return
    finished = {"finished_at": now} if to.terminal and not job.state.terminal else {}
    its = {"its_id": job.id, "its_entry": f" {_entry(to, now)}", "its_card": now if card_at is None else card_at}
    statement = _ENDS if to.terminal else _MOVES
    connection.execute(statement, {"state": to, "changed_at": now, **finished, **values, **its})


def postpone(connection: Connection, job: Job, due_at: int, **values: Any) -> None:
    """Set when to look again at a job, unless it has changed since it was read: then what was seen of it is old."""
    unchanged = (jobs.c.id == job.id, jobs.c.state == job.state.value, jobs.c.due_at == job.due_at)
    connection.execute(update(jobs).where(*unchanged).values(due_at=due_at, **values))


def cancel_sent(connection: Connection, job_id: int, now: int) -> None:
    """Record that the provider was told to stop, or that it cannot be told."""
    given_up = and_(jobs.c.state == State.EXPIRED.value, jobs.c.cancelled_by.is_not(None))
    waits = or_(jobs.c.state == State.CANCELLING.value, given_up)
    still = (jobs.c.id == job_id, waits, jobs.c.cancel_sent_at.is_(None))
    if connection.execute(update(jobs).where(*still).values(cancel_sent_at=now)).rowcount:
        touch_card(connection, job_id, now)


def touch_card(connection: Connection, job_id: int, now: int) -> None:
    """Say that a job's card no longer shows the truth."""
    connection.execute(_TOUCHED, {"its_id": job_id, "its_moment": now})


def card_shown(connection: Connection, job_id: int, version: int, now: int) -> None:
    """Record that the card shows `version`; it stays due when there has been a newer one since."""
    connection.execute(_SHOWN, {"its_id": job_id, "its_version": version, "its_moment": now})


def card_postponed(connection: Connection, job_id: int, until: int) -> None:
    """Try the card again later."""
    connection.execute(update(jobs).where(jobs.c.id == job_id).values(card_due_at=until))


def card_moved(connection: Connection, job_id: int, message_id: int) -> None:
    """Record that the card is another message now."""
    connection.execute(update(jobs).where(jobs.c.id == job_id).values(card_message_id=message_id))


def card_left(connection: Connection, job_id: int, version: int) -> None:
    """Let a card be as it is, because it cannot be changed where it stands just now, until there is more to show."""
    same = (jobs.c.id == job_id, jobs.c.card_version == version)
    connection.execute(update(jobs).where(*same).values(card_due_at=None))


def card_lost(connection: Connection, job_id: int) -> None:
    """Record that there is no card any more (deleted, or out of our reach)."""
    connection.execute(update(jobs).where(jobs.c.id == job_id).values(card_message_id=None, card_due_at=None))


def rerouted(connection: Connection, job: Job, now: int) -> bool:
    """Give a queued job that nobody has taken to another vendor, hold included; False when the budget forbids it.

    `job` is what it shall be: provider, key, model, options, price and tried are taken from it.
    """
    waits = select(jobs.c.id).where(jobs.c.id == job.id, jobs.c.state == State.QUEUED.value)
    if connection.execute(waits).first() is None or not ledger.changed(connection, job):
        return False
    values = {"provider": job.provider, "model": job.model, "options": job.options, "price": job.price}
    connection.execute(
        update(jobs)
        .where(jobs.c.id == job.id)
        .values(**values, key_id=job.key_id, tried=list(job.tried), due_at=now, reason=None, detail=None, account=None)
    )
    touch_card(connection, job.id, now)
    return True


def show_shots(connection: Connection, job_id: int, shots: Sequence[StoredShot], asked_at: int) -> None:
    """Store how the shots of a music video are; its card follows when that is news.

    Several jobs ask about one music video at a time, and answers overtake each other: what was asked earlier than what
    is known already is old.
    """
    rows = [asdict(shot) for shot in shots]
    known = connection.execute(select(jobs.c.shots, jobs.c.shots_at).where(jobs.c.id == job_id)).first()
    if known is None or asked_at <= (known.shots_at or 0):
        return
    connection.execute(update(jobs).where(jobs.c.id == job_id).values(shots=rows, shots_at=asked_at))
    if known.shots != rows:
        touch_card(connection, job_id, asked_at)


def changes_of(connection: Connection, job: Job) -> list[Job]:
    """List the edits and compositions of a music video that are not over, wherever asked for, the oldest first."""
    theirs = (RUNNING, jobs.c.root_id == job.id)
    return _all(connection, _whole.where(*theirs).order_by(jobs.c.id))


def music_videos(connection: Connection, guild_id: int | None, limit: int, *, asker: int = 0) -> list[Job]:
    """List a server's music videos that a vendor has, the newest first; outside of servers (None) the asker's own."""
    whose = (jobs.c.user_id == asker,) if guild_id is None else ()
    theirs = (MUSIC_VIDEO, jobs.c.guild_id == guild_id, jobs.c.task_id.is_not(None), *whose)
    return _all(connection, _whole.where(*theirs).order_by(jobs.c.id.desc()).limit(limit))


def running_in(connection: Connection, guild_id: int, limit: int) -> list[Job]:
    """List a server's jobs that are not over, the longest waiting first."""
    return _all(connection, _whole.where(RUNNING, jobs.c.guild_id == guild_id).order_by(jobs.c.id).limit(limit))


def latest_of(connection: Connection, guild_id: int, user_id: int, limit: int) -> list[Job]:
    """List what a member asked for last in a server."""
    theirs = (jobs.c.user_id == user_id, jobs.c.guild_id == guild_id)
    return _all(connection, _whole.where(*theirs).order_by(jobs.c.id.desc()).limit(limit))


def left_open(connection: Connection, job: Job, now: int) -> bool:
    """Stop looking after an expired job; False when something has happened to it since it was read."""
    unchanged = (jobs.c.id == job.id, jobs.c.state == State.EXPIRED.value, jobs.c.task_id.is_(None))
    still = connection.execute(update(jobs).where(*unchanged).values(due_at=None)).rowcount == 1
    if still:
        touch_card(connection, job.id, now)
    return still


def in_limbo(connection: Connection) -> list[Job]:
    """List expired jobs of which nobody knows whether a vendor took them, and whose hold waits for a person."""
    held = ~select(ledger_table.c.id).where(and_(ledger_table.c.job_id == jobs.c.id, CLOSING)).exists()
    doubtful = (jobs.c.state == State.EXPIRED.value, jobs.c.due_at.is_(None), held)
    return _all(connection, _whole.where(*doubtful).order_by(jobs.c.id))


def count_by_state(connection: Connection) -> dict[str, int]:
    """Count the jobs in each state."""
    rows = connection.execute(select(jobs.c.state, func.count().label("jobs")).group_by(jobs.c.state)).mappings()
    return {row["state"]: row["jobs"] for row in rows}


def history_of(connection: Connection, job_id: int) -> list[tuple[str, int]]:
    """List the states a job has been in, and since when."""
    written = connection.execute(select(jobs.c.history).where(jobs.c.id == job_id)).scalar() or ""
    steps = (entry.partition("@") for entry in str(written).split())
    return [(state, int(at)) for state, _, at in steps]


def _entry(state: State, now: int) -> str:
    return f"{state.value}@{now}"


def _all(connection: Connection, statement: Select[Any], **its: Any) -> list[Job]:
    return [_job(row) for row in connection.execute(statement, its)]


def _one(connection: Connection, statement: Select[Any], **its: Any) -> Job | None:
    row = connection.execute(statement, its).first()
    return None if row is None else _job(row)


def _job(row: Row[Any]) -> Job:
    values = dict(zip(_FIELDS, row, strict=True))
    values["state"] = State(values["state"])
    values["place"] = Place(values["place"])
    values["inputs"] = tuple(StoredInput(**one) for one in values["inputs"])
    values["shots"] = tuple(StoredShot(**shot) for shot in values["shots"])
    values["tried"] = tuple(values["tried"])
    return Job(**values)
