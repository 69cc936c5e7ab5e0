"""What the program has written down, read from outside, by queries of our own."""

import sqlite3
from pathlib import Path
from typing import Any

# Work whose time has come, one line each: if such a line is unchanged, nobody has touched that piece of work.
_DUE = """
SELECT 'job', id, state, due_at, attempts, lookups FROM jobs WHERE due_at <= :now
UNION ALL SELECT 'inbox', id, '', due_at, 0, 0 FROM inbox WHERE settled_at IS NULL AND due_at <= :now
UNION ALL SELECT 'output', id, '', due_at, attempts, 0 FROM outputs WHERE due_at <= :now
UNION ALL SELECT 'delivery', job_id, state, due_at, attempts, 0 FROM deliveries WHERE due_at <= :now
UNION ALL SELECT 'stray', id, '', due_at, attempts, 0 FROM strays WHERE due_at <= :now
UNION ALL SELECT 'search', job_id, '', due_at, attempts, 0 FROM searches WHERE due_at <= :now
UNION ALL SELECT 'card', id, '', card_due_at, card_version, card_edited_at FROM jobs WHERE card_due_at <= :now
"""
_UNDER_WAY = "state NOT IN ('succeeded', 'failed', 'cancelled', 'expired', 'unknown')"
_PROGRESS = f"""
SELECT (SELECT count(*) FROM jobs),
 (SELECT count(*) FROM jobs WHERE state NOT IN ('succeeded', 'failed', 'cancelled', 'expired') AND {_UNDER_WAY})
 + (SELECT count(*) FROM deliveries WHERE state NOT IN ('posted', 'parked'))
"""
# What an undisturbed program must bring to an end. A doubtful job may wait for somebody: see books.py.
_UNFINISHED = f"""
SELECT (SELECT count(*) FROM jobs WHERE {_UNDER_WAY}) + (SELECT count(*) FROM inbox WHERE settled_at IS NULL)
 + (SELECT count(*) FROM outputs WHERE due_at IS NOT NULL)
 + (SELECT count(*) FROM deliveries WHERE state NOT IN ('posted', 'parked'))
 + (SELECT count(*) FROM strays WHERE due_at IS NOT NULL) + (SELECT count(*) FROM searches)
 + (SELECT count(*) FROM jobs WHERE state = 'unknown' AND provider IN ('vidu', 'kling') AND absences < 2)
"""


class Reader:
    """Reads a database beside its program."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._open: sqlite3.Connection | None = None

    def rows(self, question: str, **values: Any) -> list[tuple[Any, ...]]:
        """Ask; no answer where there is no database to be read just now."""
        try:
            if self._open is None:
                self._open = sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, timeout=1)
            return self._open.execute(question, values).fetchall()
        except sqlite3.Error:
            self.close()
            return []

    def close(self) -> None:
        """Let go of the file."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def due(self, now: float) -> set[tuple[Any, ...]]:
        """List the work whose time has come."""
        return set(self.rows(_DUE, now=int(now * 1000)))

    def progress(self) -> tuple[int, int] | None:
        """Count the jobs taken, and those under way."""
        found = self.rows(_PROGRESS)
        return (found[0][0], found[0][1]) if found else None

    def unfinished(self) -> int:
        """Count what is left to do."""
        found = self.rows(_UNFINISHED)
        return int(found[0][0]) if found else 1
