"""Doubts nobody could clear: a vendor may have taken the job or not, and a person decides what becomes of its hold."""

from jobs import life
from jobs.context import Timing
from jobs.transitions import Event
from storage import Connection
from storage import jobs as job_facts
from storage.codes import job_id_of
from storage.words import Job


def decided(connection: Connection, code: str, now: int, *, charge: bool) -> Job | None:
    """Close the hold of a job in limbo, as spent or given back; None when there is no such job. A database write."""
    job_id = job_id_of(code)
    job = next((one for one in job_facts.in_limbo(connection) if one.id == job_id), None)
    if job is None:
        return None
    return life.advance(connection, job, Event.CHARGED if charge else Event.CLOSED, now, Timing())
