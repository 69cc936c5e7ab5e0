"""What is kept no longer: words and files of jobs that are over, bodies of callbacks, old refusals; in small steps.

Each step is a write of a few milliseconds, so that nobody who stores a callback waits for it. Jobs that something can
still come of are never touched, however old they are.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, case, select, update

from storage import marks, members
from storage.codes import first_id_at
from storage.tables import WORDED, inbox, jobs

_BODIES = "bodies of callbacks"  # up to which number they were deleted
_WHY = "deleted because it is old"


def words_gone(connection: Connection, before: int, limit: int) -> int:
    """Take the words and the names of files out of jobs made before a moment that are over; how many."""
    old = (WORDED, jobs.c.id < first_id_at(before), members.over())
    ids = list(connection.execute(select(jobs.c.id).where(*old).order_by(jobs.c.id).limit(limit)).scalars())
    members.silence(connection, ids, _WHY)
    return len(ids)


def bodies_gone(connection: Connection, before: int, limit: int) -> int:
    """Delete the bodies of callbacks that came before a moment; how many were looked at.

    One that nobody has acted on keeps its body, and those after it wait: none is so old for long.
    """
    mark = marks.get(connection, _BODIES)
    done = int(mark.detail["id"]) if mark else 0
    kept = case((inbox.c.settled_at.is_(None), 1), else_=0)
    rows = connection.execute(
        select(inbox.c.id, inbox.c.received_at, kept).where(inbox.c.id > done).order_by(inbox.c.id).limit(limit)
    ).all()
    old: list[int] = []
    for number, received_at, unsettled in rows:
        if unsettled or received_at >= before:
            break
        old.append(number)
    if old:
        connection.execute(update(inbox).where(inbox.c.id.in_(old)).values(body=b""))
        marks.put(connection, marks.Mark(_BODIES, before, {"id": old[-1]}))
    return len(old)


def needed(connection: Connection, job_ids: Collection[int]) -> set[int]:
    """Name those of some jobs whose files must stay: something can still come of them."""
    these: Any = select(jobs.c.id).where(jobs.c.id.in_(job_ids), ~members.over())
    return {int(job_id) for job_id in connection.execute(these).scalars()}
