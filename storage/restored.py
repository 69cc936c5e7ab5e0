"""Facts about a database that was brought back from a backup: what is doubtful in it. See jobs/restored.py."""

from sqlalchemy import Connection, func, select, update

from storage import deliveries, marks
from storage import jobs as job_facts
from storage.tables import DUE_TO_TELL, OVERDUE, RUNNING, acts, alerts, inbox, jobs, ledger
from storage.tables import deliveries as delivery_table
from storage.words import Job, State

_UNSENT = (State.CONFIRMING, State.APPROVING, State.QUEUED, State.SUBMITTING)


def newest(connection: Connection) -> int:
    """Tell the latest moment this database knows of, in milliseconds; 0: it is empty."""
    moments = (jobs.c.changed_at, ledger.c.at, inbox.c.received_at, delivery_table.c.posted_at, acts.c.at)
    return max(int(connection.execute(select(func.max(moment))).scalar() or 0) for moment in moments)


def unsent(connection: Connection) -> list[Job]:
    """List the jobs of which the vendor knew nothing, or perhaps nothing, when the backup was taken."""
    waiting = [state.value for state in _UNSENT]
    ids = connection.execute(select(jobs.c.id).where(RUNNING, jobs.c.state.in_(waiting)).order_by(jobs.c.id)).scalars()
    return sorted(job_facts.by_ids(connection, list(ids)), key=lambda job: job.id)


def asked_soon(connection: Connection, now: int) -> int:
    """Let all others that are looked after be asked about now, not when a callback would be overdue; how many."""
    return connection.execute(update(jobs).where(OVERDUE).values(due_at=now)).rowcount


def results_doubted(connection: Connection) -> int:
    """Take every result that is due for one that may be posted already; how many."""
    return deliveries.doubted(connection)


def notices_dropped(connection: Connection) -> int:
    """Tell admins nothing that they may have been told already, in words or in the log channel; how many."""
    return sum(
        connection.execute(update(table).where(DUE_TO_TELL).values(due_at=None)).rowcount for table in (alerts, acts)
    )


def marked(connection: Connection, now: int, newest_at: int) -> None:
    """Remember that whatever is older than now may have been posted, though nothing here says so."""
    marks.put(connection, marks.Mark(marks.RESTORED, now, {"newest": newest_at}))
