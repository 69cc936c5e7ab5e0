"""Copies of the database: taken while it is written to, whole or not at all, refused when they are damaged."""

import asyncio
import contextlib
import sqlite3
from pathlib import Path

import pytest

from storage import Database, backup, jobs
from storage.backup import Unusable
from storage.words import Job
from tests.samples_of import NOON, a_job

NOW = NOON / 1000


def rows(file: Path, question: str) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
        return connection.execute(question).fetchall()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def insert(database: Database, number: int) -> Job:
    job = a_job(number)
    assert await database.write(jobs.held, job) is None
    return job


async def test_a_copy_taken_among_writes_is_whole_and_holds_what_was_committed_before(
    database: Database, tmp_path: Path
) -> None:
    for number in range(50):
        await insert(database, number)
    stop = asyncio.Event()

    async def write_on() -> int:
        number = 50
        while not stop.is_set():
            await insert(database, number)
            number += 1
        return number

    writing = asyncio.create_task(write_on())
    copies = [tmp_path / f"{one}.db" for one in range(3)]
    held = [await asyncio.to_thread(backup.copied, tmp_path / "rushes.db", copy) for copy in copies]
    stop.set()
    assert await writing > 50
    for copy, one in zip(copies, held, strict=True):
        assert one.jobs == one.running >= 50
        # Whatever is held for is there with its job: they were committed together.
        assert rows(copy, "SELECT count(*) FROM jobs") == rows(copy, "SELECT count(*) FROM ledger") == [(one.jobs,)]
        assert copy.stat().st_mode & 0o777 == 0o600
    assert names(tmp_path) == {
        "0.db", "1.db", "2.db", "rushes.db", "rushes.db-wal", "rushes.db-shm",
    }  # fmt: skip


async def test_a_copy_of_a_damaged_database_is_refused_and_leaves_nothing(database: Database, tmp_path: Path) -> None:
    for number in range(200):
        await insert(database, number)
    await database.close()
    file = tmp_path / "rushes.db"
    data = bytearray(file.read_bytes())
    data[8192 : len(data) - 4096] = b"\xa5" * (len(data) - 12288)
    file.write_bytes(data)
    with pytest.raises(Unusable, match=r"damaged|cannot be used"):
        backup.copied(file, tmp_path / "copy.db")
    assert not {name for name in names(tmp_path) if name.startswith("copy")}


async def test_a_copy_with_a_row_whose_owner_is_missing_is_refused(url: str, tmp_path: Path) -> None:
    await (await Database.open(url)).close()
    with contextlib.closing(sqlite3.connect(tmp_path / "rushes.db")) as connection:
        columns = "job_id, kind, amount, channel_id, user_id, held_at, at"
        connection.execute(f"INSERT INTO ledger ({columns}) VALUES (77, 'hold', 0, 1, 1, 1, 1)")
        connection.commit()
    with pytest.raises(Unusable, match="belongs to another one that is missing"):
        backup.copied(tmp_path / "rushes.db", tmp_path / "copy.db")


def test_what_is_no_database_of_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"no database" * 1000)
    with contextlib.closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE a (b)")
        other.commit()
    for name in ("text", "other.db"):
        with pytest.raises(Unusable):
            backup.prepared(tmp_path / name, tmp_path / "rushes.db")
    with pytest.raises(Unusable, match="no database at"):
        backup.copied(tmp_path / "absent.db", tmp_path / "copy.db")
    with pytest.raises(Unusable, match="pg_dump"):
        backup.file_of("postgresql+asyncpg://localhost/rushes")
    assert names(tmp_path) == {"text", "other.db"}


async def test_a_copy_takes_the_place_and_the_old_one_stays_with_all_it_knew(url: str, tmp_path: Path) -> None:
    database = await Database.open(url)
    await insert(database, 1)
    file, copy = tmp_path / "rushes.db", tmp_path / "copy.db"
    backup.copied(file, copy)
    await insert(database, 2)
    # Killed, not closed: the second one stands in the log beside the file alone.
    part = backup.prepared(copy, file)
    kept = backup.swapped(part, file, NOW)
    await database.close()
    assert kept is not None
    assert rows(file, "SELECT count(*) FROM jobs") == [(1,)]
    assert rows(kept, "SELECT count(*) FROM jobs") == [(2,)]
    assert rows(copy, "SELECT count(*) FROM jobs") == [(1,)]
    again = await Database.open(url)
    await again.close()
    assert backup.swapped(backup.prepared(copy, file), file, NOW) == kept.with_name(kept.name + "-2")


async def test_a_damaged_database_is_kept_too_with_the_log_beside_it(url: str, tmp_path: Path) -> None:
    database = await Database.open(url)
    await insert(database, 1)
    file, copy = tmp_path / "rushes.db", tmp_path / "copy.db"
    backup.copied(file, copy)
    await database.close()
    file.write_bytes(b"no database" * 1000)
    (tmp_path / "rushes.db-wal").write_bytes(b"what was left")
    kept = backup.swapped(backup.prepared(copy, file), file, NOW)
    assert kept is not None
    assert kept.read_bytes().startswith(b"no database")
    assert kept.with_name(kept.name + "-wal").read_bytes() == b"what was left"
    assert rows(file, "SELECT count(*) FROM jobs") == [(1,)]
