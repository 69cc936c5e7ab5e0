"""Databases as they look after a while: so many jobs stored with all their rows, made by SQLite itself in one go.

A column that is not named here and may not be null gets the empty value of its type, so that a new column of the
program's tables needs no line here.
"""

import asyncio
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from benchmarks.prepared import BORN, RANDOM_BITS, SCATTER, job_id
from jobs.context import Timing
from storage import Database
from storage.codes import job_code

_END = 10_000_000  # one above the newest job's number, however many there are: the same callbacks fit every size
_NUMBERS = "WITH RECURSIVE numbers(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {end})"
_ID = f"((({BORN} + n) << {RANDOM_BITS}) | ((n * {SCATTER}) & {(1 << RANDOM_BITS) - 1}))"  # prepared.job_id, in SQL
_AT = f"({BORN} + n)"
RUNNING = 1_000  # jobs at the vendor, however many are stored
_EMPTY = {"JSON": "'{}'", "TEXT": "''", "VARCHAR": "''", "BLOB": "x''"}
_LISTS = {"inputs", "tried", "shots"}


def newest(count: int) -> range:
    """Give the numbers of the newest jobs."""
    return range(_END - count, _END)


def history(folder: Path, count: int) -> Path:
    """Give our database with so many jobs, made when first asked for in this folder: the largest takes a minute."""
    file = folder / f"history-{count}.db"
    if not file.exists():
        rushes(file, count, min(count, RUNNING))
    return file


def put_back(file: Path) -> None:
    """Take the callbacks out again that a race left in our database: those nobody has acted on."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("DELETE FROM inbox WHERE settled_at IS NULL")
        _settle_down(connection)


def left_alone(file: Path) -> None:
    """Let the program that starts now ask about none of the running jobs while it is measured.

    A job that is put off for longer than it ever does itself would be the work of a wrong clock, and due at once.
    """
    later = int(time.time() * 1000) + Timing().longest_pause - 10_000
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("UPDATE jobs SET due_at = ? WHERE due_at IS NOT NULL", (later,))
        _settle_down(connection)


def rushes(file: Path, count: int, running: int | None = None) -> None:
    """Make our database with `count` jobs: the newest `running` (None: all) at the vendor, the others delivered."""
    running = count if running is None else running
    someday = str(int(time.time() * 1000) + 10 * 86_400_000)  # nobody looks after them while they are measured
    asyncio.run(_migrated(file))
    over = f"n < {_END - running}"
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-200000")
        connection.execute("BEGIN")
        _fill(connection, "jobs", count, {
            "id": _ID, "interaction_id": "n + 1", "guild_id": "1 + n % 50", "place": "'server'",
            "channel_id": "1000 + n % 500", "user_id": "5000 + n % 2000", "user_name": "'member'",
            "card_message_id": "n + 7", "upload_limit": "10485760", "provider": "'vidu'",
            "operation": "'text_to_video'", "model": "'viduq3-turbo'", "prompt": "'a boat at dawn, number ' || n",
            "state": f"CASE WHEN {over} THEN 'succeeded' ELSE 'processing' END", "created_at": _AT,
            "changed_at": _AT, "due_at": f"CASE WHEN {over} THEN NULL ELSE {someday} END", "deadline_at": someday,
            "submitted_at": _AT, "finished_at": f"CASE WHEN {over} THEN {_AT} END", "attempts": "1",
            "task_id": "'task' || n", "price": "40",
        })  # fmt: skip
        for number, state in enumerate(("processing", "success")):
            _fill(connection, "inbox", count, {
                "provider": "'vidu'", "job_id": _ID, "delivery_id": f"'{state}-' || n", "trust": "'doorbell'",
                "body": "zeroblob(500)", "received_at": f"{_AT} + {number}", "due_at": "0", "settled_at": _AT,
                "outcome": f"'{state}'",
            }, where=over)  # fmt: skip
        for kind, amount in (("hold", -40), ("settle", 0)):
            _fill(connection, "ledger", count, {
                "job_id": _ID, "kind": f"'{kind}'", "amount": str(amount), "guild_id": "1 + n % 50",
                "channel_id": "1000 + n % 500", "user_id": "5000 + n % 2000", "held_at": _AT, "at": _AT,
            }, where="1" if kind == "hold" else over)  # fmt: skip
        _fill(connection, "outputs", count, {
            "job_id": _ID, "kind": "'video'", "url": "'https://vendor.example/' || n", "file": "n || '.mp4'",
            "size": "100000", "seconds": "4.0", "sha256": "'0'",
        }, where=over)  # fmt: skip
        _fill(connection, "deliveries", count, {
            "job_id": _ID, "state": "'posted'", "message_id": "n + 9", "posted_at": _AT, "way": "'here'",
        }, where=over)  # fmt: skip
        connection.execute("COMMIT")
        _settle_down(connection)


def naive(file: Path, count: int) -> None:
    """Make the naive receivers' database, with `count` jobs that wait for their callback."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript((Path(__file__).parent / "peers" / "naive.sql").read_text())
        connection.execute("BEGIN")
        rows = ((job_code(job_id(number)),) for number in newest(count))
        connection.executemany("INSERT INTO jobs (id, state) VALUES (?, 'running')", rows)
        connection.execute("COMMIT")
        _settle_down(connection)


def webhook(file: Path, count: int) -> None:
    """Make the database that adnanh/webhook's script writes to; it knows no jobs."""
    del count
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(
            "CREATE TABLE events (id INTEGER PRIMARY KEY, nonce TEXT NOT NULL UNIQUE, body BLOB NOT NULL)"
        )


def rows(file: Path, question: str) -> int:
    """Count rows beside the server."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        return int(connection.execute(question).fetchone()[0])


async def _migrated(file: Path) -> None:
    await (await Database.open(f"sqlite+aiosqlite:///{file}")).close()


def _fill(connection: sqlite3.Connection, table: str, count: int, facts: Mapping[str, str], where: str = "1") -> None:
    facts = dict(facts)
    for _, column, kind, required, _, key in connection.execute(f"PRAGMA table_info({table})"):
        if required and column not in facts and not (key and kind == "INTEGER"):
            facts[column] = "'[]'" if column in _LISTS else _EMPTY.get(kind.partition("(")[0], "0")
    into, values = ", ".join(facts), ", ".join(facts.values())
    numbers = _NUMBERS.format(first=_END - count, end=_END)
    connection.execute(f"{numbers} INSERT INTO {table} ({into}) SELECT {values} FROM numbers WHERE {where}")  # noqa: S608 -- our own words


def _settle_down(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
