"""Facts about result files: announced by a provider, fetched by us."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import BigInteger, Connection, bindparam, insert, select, update
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
# Put together once; what begins with "its" is given with each use.
_now, _most = bindparam("its_moment", type_=BigInteger), bindparam("its_most", type_=BigInteger)
_DUE = select(*_columns).where(DUE_TO_FETCH, outputs.c.due_at <= _now).order_by(outputs.c.due_at).limit(_most)
_OF_JOB = select(*_columns).where(outputs.c.job_id == bindparam("its_job")).order_by(outputs.c.position)
_CHANGED = update(outputs).where(outputs.c.id == bindparam("its_id"))
_ANNOUNCED = insert(outputs)


def announced(connection: Connection, job_id: int, links: Sequence[tuple[str, str]], now: int) -> None:
    """Store the (kind, address) of a job's results, due to be fetched at once."""
    rows = [
        {"job_id": job_id, "position": position, "kind": kind, "url": url, "due_at": now, "attempts": 0, "refusals": 0}
        for position, (kind, url) in enumerate(links)
    ]
    if rows:
        connection.execute(_ANNOUNCED, rows)


def readdressed(connection: Connection, job_id: int, links: Sequence[tuple[str, str]]) -> None:
    """Replace addresses that died by the ones the provider gives now."""
    for position, (_, url) in enumerate(links):
        here = (outputs.c.job_id == job_id, outputs.c.position == position, outputs.c.file.is_(None))
        connection.execute(update(outputs).where(*here).values(url=url))


def due_to_fetch(connection: Connection, now: int, limit: int) -> list[Output]:
    """List results whose time to be fetched has come."""
    return _read(connection, _DUE, its_moment=now, its_most=limit)


def of_job(connection: Connection, job_id: int) -> list[Output]:
    """List a job's results in order."""
    return _read(connection, _OF_JOB, its_job=job_id)


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
    connection.execute(_CHANGED, {"due_at": None, "problem": None, **values, "its_id": output_id})


def not_fetched(connection: Connection, output: Output, due_at: int | None, *, refused: bool, problem: str) -> None:
    """Record a failed try; without `due_at` it was the last one. `refused`: trying again changes nothing by itself."""
    counts = {"attempts": output.attempts + 1, "refusals": output.refusals + refused}
    values = {**counts, "due_at": due_at, "problem": problem[:300]}
    connection.execute(_CHANGED, {**values, "its_id": output.id})


def _read(connection: Connection, statement: Select[*tuple[Any, ...]], **its: int) -> list[Output]:
    return [Output(**row) for row in connection.execute(statement, its).mappings()]
