"""Doubts nobody could clear: a vendor may have taken the job or not, and a person decides what becomes of its hold."""

from jobs import life
from jobs.context import Timing
from jobs.transitions import Event
from storage import Connection, moderation
from storage import jobs as job_facts
from storage.codes import job_id_of
from storage.words import COMMAND_LINE, Job, State


def in_limbo(job: Job) -> bool:
    """Say whether a job waits for a person: nobody looks after it any more, and its hold is open."""
    return job.state is State.EXPIRED and job.due_at is None and job.charged is None


def decided(connection: Connection, code: str, now: int, *, charge: bool, noted: life.Note | None = None) -> Job | None:
    """Close the hold of a job in limbo, as spent or given back; None when there is no such job. A database write.

    `noted`: writes down whose act it was, in the same transaction.
    """
    job_id = job_id_of(code)
    job = None if job_id is None else job_facts.by_id(connection, job_id)
    if job is None or not in_limbo(job):
        return None
    after = life.advance(connection, job, Event.CHARGED if charge else Event.CLOSED, now, Timing())
    if after is not None and noted is not None:
        noted(connection, now)
    return after


def decided_by_operator(connection: Connection, code: str, now: int, *, charge: bool) -> Job | None:
    """Decide on the command line: the same, written down in the job's server's book. A database write."""
    after = decided(connection, code, now, charge=charge)
    if after is not None:
        kind, facts = "charge" if charge else "release", {"member": after.user_id, "credits": after.price}
        moderation.acted(connection, after.guild_id or 0, COMMAND_LINE, kind, after.code, now, **facts)
    return after
