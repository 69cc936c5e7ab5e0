"""Facts about what admins are told: raised once a day for the same trouble, told when their channel takes it."""

from typing import Any

from sqlalchemy import BigInteger, Connection, RowMapping, and_, bindparam, insert, or_, select, update

from storage.tables import ASKING, CLOSING, DUE_TO_TELL, alerts, jobs, ledger
from storage.words import Alert, AlertKind, Job, State

_DAY = 24 * 3_600_000
# Put together once: they are asked again and again. What begins with "its" is given with each use.
_columns = [alerts.c[name] for name in Alert.__dataclass_fields__]
_now, _most = bindparam("its_moment", type_=BigInteger), bindparam("its_most", type_=BigInteger)
_TO_TELL = select(*_columns).where(DUE_TO_TELL, alerts.c.due_at <= _now).order_by(alerts.c.due_at).limit(_most)
_approved = (alerts.c.kind == AlertKind.APPROVAL.value) & (jobs.c.state != State.APPROVING.value)
_closed = select(ledger.c.id).where(and_(ledger.c.job_id == jobs.c.id, CLOSING)).exists()
_ANSWERED = (
    select(*_columns)
    .join(jobs, jobs.c.id == alerts.c.job_id)
    .where(ASKING, alerts.c.due_at.is_(None), or_(_approved, (alerts.c.kind == AlertKind.DOUBT.value) & _closed))
    .limit(_most)
)
_OF_ONE_JOB = {AlertKind.DOUBT, AlertKind.TWICE, AlertKind.APPROVAL, AlertKind.LOST, AlertKind.STRAY}


def raised(connection: Connection, job: Job, kind: AlertKind, now: int) -> None:
    """Let the admins of a job's server be told: once a day of the same trouble, else once of each job."""
    if job.guild_id is None:
        return
    account = "" if job.key_id is None else f":{job.key_id}"  # a key typed anew may be wrong anew
    what = job.code if kind in _OF_ONE_JOB else f"{now // _DAY}{account}"
    about = job.room_id if kind is AlertKind.PARKED else job.provider
    once = f"{job.guild_id}:{kind}:{about}:{what}"
    if connection.execute(select(alerts.c.id).where(alerts.c.once == once)).first():
        return
    row = {"guild_id": job.guild_id, "kind": kind, "provider": job.provider, "job_id": job.id, "once": once}
    connection.execute(insert(alerts).values(**row, created_at=now, due_at=now, attempts=0))


def due(connection: Connection, now: int, limit: int) -> list[Alert]:
    """List alerts to be told, and questions that stand in a channel though they are answered."""
    its = {"its_moment": now, "its_most": limit}
    rows = [*connection.execute(_TO_TELL, its).mappings(), *connection.execute(_ANSWERED, its).mappings()]
    return [_alert(row) for row in rows[:limit]]


def told(connection: Connection, alert_id: int) -> None:
    """Record that an alert was told, or that there is nobody to tell; and that nothing of it is to be edited."""
    values = {"due_at": None, "channel_id": None, "message_id": None}
    connection.execute(update(alerts).where(alerts.c.id == alert_id).values(values))


def asking(connection: Connection, alert_id: int, channel_id: int, message_id: int) -> None:
    """Record where a question stands, so that it can be edited when it is answered."""
    values = {"due_at": None, "attempts": 0, "channel_id": channel_id, "message_id": message_id}
    connection.execute(update(alerts).where(alerts.c.id == alert_id).values(values))


def postponed(connection: Connection, alert: Alert, due_at: int) -> None:
    """Try again later."""
    values = {"due_at": due_at, "attempts": alert.attempts + 1}
    connection.execute(update(alerts).where(alerts.c.id == alert.id).values(values))


def _alert(row: RowMapping) -> Alert:
    values: dict[str, Any] = {**row, "kind": AlertKind(row["kind"])}
    return Alert(**values)
