"""Which jobs something can still come of, by what they were made with: whether an old key may be taken away."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from storage.tables import CLOSING, UNSETTLED, inbox, jobs, ledger, outputs


@dataclass(frozen=True, slots=True)
class Need:
    """Jobs made with one key of the operator's that something can still come of."""

    provider: str
    account: str  # see jobs/accounts.py
    jobs: int


def _open() -> ColumnElement[bool]:
    """Tell a job that its vendor may have to be asked about, or will call about."""
    closed = exists(select(ledger.c.id).where(and_(ledger.c.job_id == jobs.c.id, CLOSING)))
    fetching = exists(select(outputs.c.id).where(outputs.c.job_id == jobs.c.id, outputs.c.due_at.is_not(None)))
    unsettled = exists(select(inbox.c.id).where(inbox.c.job_id == jobs.c.id, UNSETTLED))
    return or_(jobs.c.due_at.is_not(None), ~closed, fetching, unsettled)


def of_accounts(connection: Connection) -> list[Need]:
    """Count such jobs by the operator's key they were sent with."""
    sent = (jobs.c.account.is_not(None), _open())
    kinds = (jobs.c.provider, jobs.c.account)
    rows = connection.execute(select(*kinds, func.count()).where(*sent).group_by(*kinds).order_by(*kinds))
    return [Need(*row) for row in rows]


def made_before(connection: Connection, moment: int) -> int:
    """Count such jobs that were asked for before a moment."""
    old = (jobs.c.created_at <= moment, _open())
    return int(connection.execute(select(func.count()).select_from(jobs).where(*old)).scalar_one())
