"""A database from a backup: what may have been sent or posted since it was taken is asked about, never done again.

The backup knows nothing of what came after it. A job that waited then may be at its vendor now, so it becomes a doubt:
looked up where the vendor can be asked, decided by a callback, or by a person. A result that is due may stand in its
channel, so it is looked for. Holds stay held all the while.
"""

from dataclasses import dataclass
from typing import Any

from jobs import life
from jobs.context import Timing
from jobs.transitions import Event
from storage import Connection, guilds, restored
from storage.words import Job, State

_DETAIL = "the database was brought back from a backup: it may have been sent since"
_TO_DOUBT = {
    State.CONFIRMING: (Event.AGREED, Event.SUBMIT, Event.UNCLEAR),
    State.APPROVING: (Event.APPROVED, Event.SUBMIT, Event.UNCLEAR),
    State.QUEUED: (Event.SUBMIT, Event.UNCLEAR),
    State.SUBMITTING: (Event.UNCLEAR,),
}


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What became of a restored database."""

    newest: int  # the latest moment it knows of, milliseconds; 0: it is empty
    doubts: tuple[Job, ...]  # as they were: waiting to be sent, or to be agreed to
    asked: int  # other jobs that are looked after
    results: int  # that are looked for before they are posted
    notices: int  # to admins, that are not told again


def aftermath(connection: Connection, now: int, timing: Timing) -> Aftermath:
    """Make a restored database safe to run on. A database write; once is enough, twice does no harm."""
    newest, waiting = restored.newest(connection), restored.unsent(connection)
    for job in waiting:
        _doubt(connection, job, now, timing)
    restored.marked(connection, now, newest)
    return Aftermath(
        newest,
        tuple(waiting),
        restored.asked_soon(connection, now) - len(waiting),
        restored.results_doubted(connection),
        restored.notices_dropped(connection),
    )


def _doubt(connection: Connection, job: Job, now: int, timing: Timing) -> None:
    facts: dict[str, Any] = {
        "due_at": now,
        "deadline_at": now + timing.patience(job.options),
        "absences": 0,
        "detail": _DETAIL,
    }
    if _never_again(connection, job) or now - job.created_at >= timing.submit_deadline:  # given up since, at the latest
        facts["resent"] = max(job.resent, life.RESENDS)  # with that it is sent by nobody, see jobs/reconcile.py
    current: Job | None = job
    for event in _TO_DOUBT[job.state]:
        if current is not None:
            current = life.advance(connection, current, event, now, timing, **facts)


def _never_again(connection: Connection, job: Job) -> bool:
    """Say whether a job must not be sent even if its vendor surely does not have it.

    Nobody had agreed to it, or another vendor may have been given it.
    """
    if job.state in {State.CONFIRMING, State.APPROVING}:
        return True
    return job.guild_id is not None and guilds.settings_of(connection, job.guild_id).fallback
