"""The state of the database, and what goes on at each vendor, for one server or all."""

import contextlib
import sqlite3
from pathlib import Path

from storage import Database, condition, inbox
from storage import jobs as job_facts
from storage.condition import Traffic
from storage.words import State
from tests.samples_of import NOON, a_job


async def test_a_new_database_is_whole_and_newest(tmp_path: Path) -> None:
    database = await Database.open(f"sqlite+aiosqlite:///{tmp_path}/rushes.db")
    try:
        await database.write(condition.touched)
        found = await database.read(condition.condition)
        assert (found.kind, found.newest, found.wal, found.sound) == ("sqlite", True, True, True)
        assert found.file == tmp_path / "rushes.db"
        with contextlib.closing(sqlite3.connect(tmp_path / "rushes.db")) as file:
            file.execute("UPDATE alembic_version SET version_num = 'later'")
            file.commit()
        assert not (await database.read(condition.condition)).newest
    finally:
        await database.close()


async def test_damage_is_found(tmp_path: Path) -> None:
    file = tmp_path / "rushes.db"
    await (await Database.open(f"sqlite+aiosqlite:///{file}")).close()
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA journal_mode=DELETE")
        [root] = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'jobs_overdue'").fetchone()
    with file.open("r+b") as raw:
        raw.seek((root - 1) * 4096)
        raw.write(b"\x05" + b"\xff" * 64)
    database = await Database.open(f"sqlite+aiosqlite:///{file}")
    try:
        assert (await database.read(condition.condition)).sound is False
    finally:
        await database.close()


async def test_jobs_are_counted_by_vendor_and_server(tmp_path: Path) -> None:
    database = await Database.open(f"sqlite+aiosqlite:///{tmp_path}/rushes.db")
    try:
        states = [State.QUEUED, State.CONFIRMING, State.UNKNOWN, State.PROCESSING, State.SUBMITTING, State.SUCCEEDED]
        for number, state in enumerate(states):
            due = None if state.terminal else NOON
            assert await database.write(job_facts.held, a_job(number, state=state, due_at=due)) is None
        lost = a_job(20, state=State.EXPIRED, due_at=None)
        await database.write(job_facts.held, lost)
        await database.write(job_facts.held, a_job(30, guild_id=11, provider="kling"))
        await database.write_together(inbox.stored, inbox.Letter("vidu", lost.id, "1", "data", b"{}", NOON + 5))
        ours = await database.read(condition.traffic, 10, NOON)
        assert ours == {"vidu": Traffic(waiting=2, running=2, doubtful=2, last_callback=NOON + 5)}
        theirs = await database.read(condition.traffic, 11, NOON)
        assert theirs == {"kling": Traffic(waiting=1)}
        assert await database.read(condition.traffic, None, NOON) == {**ours, **theirs}
        later = await database.read(condition.traffic, 10, NOON + 31 * 86_400_000)
        assert later["vidu"].last_callback is None
    finally:
        await database.close()
