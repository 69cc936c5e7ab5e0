"""How long jobs like one took, and how many wait before it: what its card may honestly say about time."""

import json
from collections.abc import Mapping
from statistics import quantiles
from typing import Any

from sqlalchemy import Connection, Text, bindparam, cast, func, select

from storage.tables import DUE_TO_SUBMIT, MADE, jobs
from storage.words import Job, Outlook, State

_LOOKED_AT = 200  # of the latest that were made there
_LEAST = 5  # fewer tell nothing
# Put together once, as they are asked for every card; what begins with "its" is given with each use.
_ALIKE = (
    # As text, of which most are the same: a driver that reads JSON by itself would give it read.
    select(jobs.c.submitted_at, jobs.c.finished_at, cast(jobs.c.options, Text))
    .where(
        MADE,
        jobs.c.provider == bindparam("its_provider"),
        jobs.c.operation == bindparam("its_operation"),
        jobs.c.model == bindparam("its_model"),
    )
    .order_by(jobs.c.id.desc())
    .limit(_LOOKED_AT)
)
_AHEAD = (
    select(func.count())
    .select_from(jobs)
    .where(DUE_TO_SUBMIT, jobs.c.provider == bindparam("its_provider"), jobs.c.id < bindparam("its_id"))
)


def outlook(connection: Connection, job: Job) -> Outlook:
    """Say what is known of a job's time: from jobs of the same vendor, model and length that were made."""
    alike = {"its_provider": job.provider, "its_operation": job.operation, "its_model": job.model}
    rows = connection.execute(_ALIKE, alike).all()
    key = _kind(job.options)
    same = {options for options in {row[2] for row in rows} if _kind(json.loads(options)) == key}
    took = [
        finished - submitted
        for submitted, finished, options in rows
        if submitted is not None and finished is not None and options in same
    ]
    usual, slow = _parts(took)
    return Outlook(len(took), usual, slow, _ahead(connection, job) if job.state is State.QUEUED else 0)


def _kind(options: Mapping[str, Any]) -> tuple[Any, Any, bool]:
    """Name what makes two jobs of a model alike."""
    extras: Mapping[str, Any] = options.get("extras") or {}
    return options.get("duration"), options.get("resolution"), bool(extras.get("off_peak"))


def _parts(took: list[int]) -> tuple[int | None, int | None]:
    """Give the time half of them needed, and the time nine of ten did."""
    if len(took) < _LEAST:
        return None, None
    tenths = quantiles(took, n=10, method="inclusive")
    return round(tenths[4]), round(tenths[8])


def _ahead(connection: Connection, job: Job) -> int:
    return int(connection.execute(_AHEAD, {"its_provider": job.provider, "its_id": job.id}).scalar_one())
