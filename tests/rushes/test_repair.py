"""Backups and restores as an operator makes them, beside a running program and without one."""

import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from jobs import files
from rushes.settings import Settings
from sandbox.scenery import Scenery, put_up
from storage import Database, jobs
from tests.rushes.test_cli import SECRETS, run, rushes, write_env
from tests.samples_of import a_job


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def found(folder: Path, pattern: str) -> list[Path]:
    return list(folder.glob(pattern))


async def prepared(folder: Path) -> Scenery:
    scenery = await put_up(folder, "vidu", SECRETS)
    write_env(folder, scenery)
    database = await Database.open(f"sqlite+aiosqlite:///{folder}/rushes.db")
    await database.write(jobs.held, a_job(1))
    await database.close()
    return scenery


async def test_beside_a_running_program_a_backup_is_made_and_a_restore_refused(tmp_path: Path) -> None:
    scenery = await prepared(tmp_path)
    program = await rushes(tmp_path, "run")
    try:
        await scenery.discord.connected(30)
        code, out, err = await run(tmp_path, "backup")
        assert (code, err) == (0, "")
        assert "read through and sound" in out
        assert "It holds 1 jobs" in out
        assert "add --media" in out
        [copy] = found(tmp_path, "backups/*")
        code, _, err = await run(tmp_path, "restore", str(copy), "--yes")
        assert (code, "another rushes is running" in err) == (1, True)
    finally:
        program.send_signal(signal.SIGTERM)
        await program.communicate()
        await scenery.close()
    assert {path.stat().st_mode & 0o077 for path in (copy, copy.parent)} == {0}


async def test_a_restore_asks_first_keeps_the_old_one_and_says_what_is_left(tmp_path: Path) -> None:
    await (await prepared(tmp_path)).close()
    job = a_job(1)
    files.save(tmp_path / "media", files.OUTPUTS, f"{job.code}-0.mp4", b"film")
    assert (await run(tmp_path, "backup", "copy.db", "--media"))[0] == 0
    assert (await run(tmp_path, "backup", "copy.db"))[2] == "copy.db is there already, and a backup replaces nothing\n"
    with closing(sqlite3.connect(tmp_path / "rushes.db")) as database:
        database.execute("UPDATE jobs SET prompt = 'newer'")
        database.commit()
    (tmp_path / "media" / files.OUTPUTS / f"{job.code}-0.mp4").unlink()
    code, out, err = await run(tmp_path, "restore", "copy.db")
    assert (code, out, "--yes" in err) == (1, "", True)
    code, out, err = await run(tmp_path, "restore", "copy.db", "--yes")
    assert (code, err) == (0, "")
    assert f"1 jobs waited to be sent, and may have been since: {job.code}" in out
    assert "1 pictures and videos were put back" in out
    [kept] = found(tmp_path, "rushes.db.before-*")
    for file, prompt in ((tmp_path / "rushes.db", "a boat"), (kept, "newer")):
        with closing(sqlite3.connect(file)) as database:
            assert database.execute("SELECT prompt FROM jobs").fetchall() == [(prompt,)]
    assert (tmp_path / "media" / files.OUTPUTS / f"{job.code}-0.mp4").read_bytes() == b"film"
    assert found(tmp_path, "*.restoring*") == []


async def test_a_snapshot_of_the_disk_is_made_safe_where_it_is(tmp_path: Path) -> None:
    await (await prepared(tmp_path)).close()
    code, out, err = await run(tmp_path, "restore", "--in-place")
    assert (code, err) == (0, "")
    assert "1 jobs waited" in out
    with closing(sqlite3.connect(tmp_path / "rushes.db")) as database:
        assert database.execute("SELECT state FROM jobs").fetchall() == [("unknown",)]


@pytest.mark.parametrize("words", [(), ("copy.db", "--in-place"), ("absent.db",), ("text",)])
async def test_a_restore_of_nothing_is_refused_in_a_line(tmp_path: Path, words: tuple[str, ...]) -> None:
    await (await prepared(tmp_path)).close()
    (tmp_path / "text").write_text("no database")
    before = (tmp_path / "rushes.db").read_bytes()
    code, out, err = await run(tmp_path, "restore", "--yes", *words)
    assert (code, out, len(err.splitlines())) == (1, "", 1), err
    assert (tmp_path / "rushes.db").read_bytes() == before
