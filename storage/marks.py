"""What the program remembers about itself: when it was restored, which secret keys it has known, how far it tidied."""

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from storage.tables import marks

_NAMED = select(marks).where(marks.c.name == bindparam("its_name"))  # put together once: it is asked for each result
RESTORED = "restored"  # since when the database is one that was brought back from a backup


@dataclass(frozen=True, slots=True)
class Mark:
    """A thing remembered."""

    name: str
    at: int
    detail: dict[str, Any] = field(default_factory=dict[str, Any])


def put(connection: Connection, mark: Mark) -> None:
    """Remember a thing in the place of what was known by that name."""
    forget(connection, mark.name)
    connection.execute(insert(marks).values(name=mark.name, at=mark.at, detail=mark.detail))


def get(connection: Connection, name: str) -> Mark | None:
    """Recall a thing."""
    row = connection.execute(_NAMED, {"its_name": name}).first()
    return None if row is None else Mark(row.name, row.at, row.detail)


def like(connection: Connection, beginning: str) -> list[Mark]:
    """Recall all things whose names begin so, the latest first."""
    begins = func.substr(marks.c.name, 1, len(beginning)) == beginning
    rows = connection.execute(select(marks).where(begins).order_by(marks.c.at.desc(), marks.c.name))
    return [Mark(row.name, row.at, row.detail) for row in rows]


def forget(connection: Connection, name: str) -> None:
    """Remember a thing no more."""
    connection.execute(delete(marks).where(marks.c.name == name))
