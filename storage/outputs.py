"""Facts about result files: announced by a provider, fetched by us."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.sql import Select

from storage.tables import DUE_TO_FETCH, outputs
from storage.words import Output

_columns = (
    outputs.c.id,
    outputs.c.job_id,
    outputs.c.position,
    outputs.c.kind,
    outputs.c.url,
    outputs.c.file,
    outputs.c.size,
    outputs.c.seconds,
    outputs.c.width,
    outputs.c.height,
    outputs.c.sha256,
    outputs.c.due_at,
    outputs.c.attempts,
    outputs.c.refusals,
    outputs.c.problem,
)


def announced(connection: Connection, job_id: int, links: Sequence[tuple[str, str]], now: int) -> None:
    """Store the (kind, address) of a job's results, due to be fetched at once."""
    rows = [
        {"job_id": job_id, "position": position, "kind": kind, "url": url, "due_at": now, "attempts": 0, "refusals": 0}
        for position, (kind, url) in enumerate(links)
    ]
    if rows:
        connection.execute(insert(outputs), rows)


def readdressed(connection: Connection, job_id: int, links: Sequence[tuple[str, str]]) -> None:
    """Replace addresses that died by the ones the provider gives now."""
    for position, (_, url) in enumerate(links):
        here = (outputs.c.job_id == job_id, outputs.c.position == position, outputs.c.file.is_(None))
        connection.execute(update(outputs).where(*here).values(url=url))


def due_to_fetch(connection: Connection, now: int, limit: int) -> list[Output]:
    """List results whose time to be fetched has come."""
    statement = select(*_columns).where(DUE_TO_FETCH, outputs.c.due_at <= now).order_by(outputs.c.due_at).limit(limit)
    return _read(connection, statement)


def of_job(connection: Connection, job_id: int) -> list[Output]:
    """List a job's results in order."""
    return _read(connection, select(*_columns).where(outputs.c.job_id == job_id).order_by(outputs.c.position))


def fetched(
    connection: Connection,
    output_id: int,
    *,
    file: str,
    size: int,
    sha256: str,
    seconds: float | None,
    width: int | None,
    height: int | None,
) -> None:
    """Record that a result lies in the media store."""
    values = {"file": file, "size": size, "sha256": sha256, "seconds": seconds, "width": width, "height": height}
    connection.execute(update(outputs).where(outputs.c.id == output_id).values(due_at=None, problem=None, **values))


def not_fetched(connection: Connection, output: Output, due_at: int | None, *, refused: bool, problem: str) -> None:
    """Record a failed try; without `due_at` it was the last one. `refused`: trying again changes nothing by itself."""
    counts = {"attempts": output.attempts + 1, "refusals": output.refusals + refused}
    values = {**counts, "due_at": due_at, "problem": problem[:300]}
    connection.execute(update(outputs).where(outputs.c.id == output.id).values(values))


def _read(connection: Connection, statement: Select[*tuple[Any, ...]]) -> list[Output]:
    return [Output(**row) for row in connection.execute(statement).mappings()]
