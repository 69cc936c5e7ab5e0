"""Copies of an SQLite database: taken while the program writes, looked through, put in the place of another.

A copy is one file in one piece: SQLite's own backup reads a single moment of the database, and nobody waits for it.
"""

import os
import sqlite3
import time
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url

from storage.database import make_folder

_OURS_ALONE = 0o600
_BESIDE = ("-wal", "-shm", "-journal")  # what SQLite keeps next to a database


class Unusable(Exception):  # noqa: N818 -- says what a file is
    """A copy cannot be made, or a file is no whole copy of a database of ours."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a copy holds."""

    size: int  # bytes
    jobs: int
    running: int  # of these, not over
    callbacks: int
    files: int  # pictures and films in MEDIA_DIR that it speaks of


def file_of(url: str) -> Path:
    """Find the file of a database. Raise Unusable where it has none of its own."""
    file = make_folder(url)
    if file is None:
        raise Unusable(
            "this database is PostgreSQL: copy it with pg_dump, and bring it back with pg_restore into an empty one; "
            "then `rushes restore --in-place`, before the program runs on it"
        )
    return file


def address_of(url: str, file: Path) -> str:
    """Write the address of another SQLite file, otherwise as in `url`."""
    return make_url(url).set(database=str(file)).render_as_string(hide_password=False)


def copied(file: Path, target: Path) -> Held:
    """Copy a database into a new file, look through the copy, and only then give it its name. Blocks: use a thread.

    Raise Unusable, OSError.
    """
    if not file.is_file():
        raise Unusable(f"there is no database at {file} yet")
    part = target.with_name(target.name + ".part")
    with _ours_alone(part), _told(file):
        with closing(_reading(file)) as source, closing(sqlite3.connect(part)) as copy:
            # All pages in one step: a reader of one moment, which holds up no writer; in several steps it would begin
            # anew whenever something is written in between.
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # in one file, without a log beside it
        held = looked_through(part)
        _flush(part)
        part.replace(target)
        _flush(target.parent)
    return held


def looked_through(file: Path) -> Held:
    """Read a copy from end to end and say what it holds. Raise Unusable."""
    with _told(file), closing(_reading(file)) as copy:
        damage = [str(row[0]) for row in copy.execute("PRAGMA integrity_check(3)")]
        if damage != ["ok"]:
            raise Unusable(f"{file} is damaged: {damage[0]}")
        if copy.execute("PRAGMA foreign_key_check").fetchone() is not None:
            raise Unusable(f"{file} is not whole: a row belongs to another one that is missing")
        if copy.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone() is None:
            raise Unusable(f"{file} is no database of Rushes")
        return Held(file.stat().st_size, *_counted(copy))


def _counted(copy: sqlite3.Connection) -> tuple[int, int, int, int]:
    def number(question: str) -> int:
        return int(copy.execute(question).fetchone()[0])

    return (
        number("SELECT count(*) FROM jobs"),
        number("SELECT count(*) FROM jobs WHERE state NOT IN ('succeeded', 'failed', 'cancelled', 'expired')"),
        number("SELECT count(*) FROM inbox"),
        number("SELECT count(*) FROM outputs WHERE file IS NOT NULL"),
    )


def prepared(source: Path, database: Path) -> Path:
    """Copy a backup to where it can take a database's place in one step; the backup stays. Raise Unusable, OSError."""
    part = database.with_name(database.name + ".restoring")
    removed(part)
    with _ours_alone(part), _told(source):
        with closing(_reading(source)) as copy, closing(sqlite3.connect(part)) as target:
            copy.backup(target)
        looked_through(part)
        _flush(part)
    return part


def swapped(part: Path, database: Path, now: float) -> Path | None:
    """Put a prepared copy in the place of a database, and keep that under another name; which one. Raise OSError.

    None: there was none to keep. The program must not run. The old one is never opened: SQLite throws away a log that
    it cannot read, and somebody may want to look into it yet.
    """
    with closing(sqlite3.connect(part)) as copy:  # nothing may be left in a log beside it
        copy.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        copy.execute("PRAGMA journal_mode=DELETE")
    _flush(part)
    kept = _set_aside(database, now) if database.exists() else None
    for ending in _BESIDE:
        database.with_name(database.name + ending).unlink(missing_ok=True)
    part.replace(database)
    _flush(database.parent)
    return kept


def _set_aside(database: Path, now: float) -> Path:
    name = f"{database.name}.before-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime(now))}"
    kept = next(path for path in _names(database.with_name(name)) if not path.exists())
    for ending in _BESIDE:
        beside = database.with_name(database.name + ending)
        if beside.exists():
            os.link(beside, kept.with_name(kept.name + ending))
    os.link(database, kept)
    return kept


def _names(path: Path) -> Generator[Path]:
    yield path
    for number in range(2, 1_000):
        yield path.with_name(f"{path.name}-{number}")


def removed(part: Path) -> None:
    """Take away an unfinished copy, with what SQLite keeps beside it."""
    for ending in ("", *_BESIDE):
        part.with_name(part.name + ending).unlink(missing_ok=True)


@contextmanager
def _ours_alone(part: Path) -> Generator[None]:
    """Make a file that nobody else may read, and take it away again if anything goes wrong."""
    part.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    removed(part)
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OURS_ALONE))
    try:
        yield
    except BaseException:
        removed(part)
        raise


def _reading(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=10)
    connection.execute("PRAGMA busy_timeout=10000")
    return connection


@contextmanager
def _told(file: Path) -> Generator[None]:
    """Turn SQLite's complaints into Unusable."""
    try:
        yield
    except sqlite3.Error as error:
        raise Unusable(f"{file} cannot be used: {error}") from None


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
