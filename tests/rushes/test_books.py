"""The command line and the books: drift shows strays too, and what is decided there is written down as an act."""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from typer.testing import CliRunner

from rushes import cli
from rushes.settings import Settings
from storage import Connection, Database, ledger, moderation, strays
from storage import jobs as job_facts
from storage.words import COMMAND_LINE, Job, State
from tests.samples_of import NOON, a_job

T = TypeVar("T")


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    address = f"sqlite+aiosqlite:///{tmp_path}/rushes.db"
    settings = {"DISCORD_TOKEN": "t", "PUBLIC_URL": "https://rushes.example.org", "SECRET_KEYS": "k" * 32}
    for name, value in {**settings, "DATABASE_URL": address, "COLUMNS": "200"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    mask = os.umask(0o077)  # the commands set it, in this process too
    yield address
    os.umask(mask)


def written(address: str, change: Callable[[Connection], T]) -> T:
    """Change the database as the program would, beside the commands."""

    async def do() -> T:
        database = await Database.open(address)
        try:
            return await database.write(change)
        finally:
            await database.close()

    return asyncio.run(do())


def said(*words: str) -> str:
    result = CliRunner().invoke(cli.app, list(words))
    assert result.exit_code == 0, result.output
    return result.output


def in_limbo(connection: Connection, job: Job) -> None:
    assert job_facts.held(connection, job, outside=100) is None
    job_facts.move(connection, job, NOON, State.EXPIRED, {"due_at": NOON})
    assert job_facts.left_open(connection, job, NOON)


@pytest.mark.parametrize(("command", "charged"), [("release", 0), ("charge", 40)])
@pytest.mark.parametrize("guild_id", [10, None])
def test_what_the_command_line_decides_about_a_doubt_is_written_down(
    address: str, command: str, charged: int, guild_id: int | None
) -> None:
    job = a_job(1, guild_id=guild_id)
    written(address, lambda connection: in_limbo(connection, job))
    assert job.code in said(command, job.code)
    [act] = written(address, lambda connection: moderation.acts_of(connection, guild_id or 0, 5))
    assert (act.actor_id, act.kind, act.subject) == (COMMAND_LINE, command, job.code)
    assert act.detail == {"member": job.user_id, "credits": 40}
    after = written(address, lambda connection: job_facts.by_id(connection, job.id))
    assert after is not None
    assert after.charged == charged


def test_what_is_decided_already_is_not_written_down_again(address: str) -> None:
    job = a_job(1)
    written(address, lambda connection: in_limbo(connection, job))
    said("release", job.code)
    assert CliRunner().invoke(cli.app, ["charge", job.code]).exit_code == 1
    assert len(written(address, lambda connection: moderation.acts_of(connection, 10, 5))) == 1


def stray(connection: Connection, job: Job, task_id: str, credits: int | None) -> None:
    found = strays.found(connection, job, task_id, NOON)
    assert found is not None
    if credits is not None:
        assert strays.booked(connection, job, found, credits, NOON)


def test_drift_shows_what_was_made_beside_the_books(address: str) -> None:
    assert "No job was paid for" in said("drift")
    now = int(time.time() * 1000)
    job = a_job(1, created_at=now, provider="vidu")
    old = a_job(2, created_at=now - 40 * 86_400_000, provider="kling")

    def made(connection: Connection) -> None:
        for one in (job, old):
            job_facts.held(connection, one)
        stray(connection, job, "twin", 35)
        stray(connection, job, "another", None)
        stray(connection, old, "old", 20)

    written(address, made)
    told = said("drift")
    assert "No job was paid for" in told
    assert [cell.strip() for cell in line_of(told, "vidu")] == ["vidu", "2", "1", "35"]
    assert "kling" not in told
    assert "20" in line_of(said("drift", "--days", "60"), "kling")[-1]
    written(address, lambda connection: ledger.settle(connection, job, now, 44))
    told = said("drift")
    assert "+10%" in told
    assert "35" in told


def line_of(table: str, vendor: str) -> list[str]:
    """Split the table's line about a vendor into its cells."""
    [line] = [line for line in table.splitlines() if vendor in line]
    return [cell for cell in line.split("│") if cell.strip()]
