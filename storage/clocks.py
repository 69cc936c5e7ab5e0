"""Undoing what a wrong clock did: work that was put off further than any pause of ours is due now.

The times in the work lists are the wall clock's. A machine that comes up with a clock ten minutes fast, and is set
right later, would otherwise let everything lie for ten minutes that it touched meanwhile.
"""

from sqlalchemy import Connection, update

from storage.tables import deliveries, inbox, jobs, outputs, searches, strays
from storage.words import State

# What else has a due time waits for people, or for hours: see jobs/context.py.
_AT_WORK = [state.value for state in (State.QUEUED, State.UNKNOWN, State.SUBMITTED, State.PROCESSING, State.CANCELLING)]


def set_right(connection: Connection, now: int, longest: int) -> int:
    """Make due what is put off for longer than `longest` milliseconds; how much there was."""
    latest = now + longest
    late = [
        update(jobs).where(jobs.c.state.in_(_AT_WORK), jobs.c.due_at > latest).values(due_at=now),
        update(jobs).where(jobs.c.card_due_at > latest).values(card_due_at=now),
        update(jobs).where(jobs.c.card_due_at.is_not(None), jobs.c.card_edited_at > now).values(card_edited_at=None),
        update(outputs).where(outputs.c.due_at > latest).values(due_at=now),
        update(deliveries).where(deliveries.c.due_at > latest).values(due_at=now),
        update(strays).where(strays.c.due_at > latest).values(due_at=now),
        update(searches).where(searches.c.due_at > latest).values(due_at=now),
        update(inbox).where(inbox.c.settled_at.is_(None), inbox.c.due_at > latest).values(due_at=now),
    ]
    return sum(connection.execute(statement).rowcount for statement in late)
