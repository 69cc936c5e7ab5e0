"""Servers' own keys as rows: one in use, jobs moved with it, and erased only when no job needs it."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from storage import Connection, Database, ledger, outputs, vendor_keys
from storage import jobs as job_facts
from storage.words import State, StoredKey
from tests.samples_of import NOON, a_job


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(f"sqlite+aiosqlite:///{tmp_path}/rushes.db")
    yield database
    await database.close()


def a_key(number: int, **changes: Any) -> StoredKey:
    key = StoredKey(number, 10, "vidu", b"sealed-%d" % number, "abcd", 30, NOON + number)
    return replace(key, **changes)


def leaks(folder: Path, word: bytes) -> list[Path]:
    return [file for file in folder.iterdir() if word in file.read_bytes()]


async def keyed(database: Database, number: int, key: int, **changes: Any) -> int:
    job = a_job(number, key_id=key)
    assert await database.write(job_facts.held, job) is None
    if changes:
        to = changes.pop("state", job.state)
        await database.write(job_facts.move, job, NOON, to, changes)
    return job.id


async def test_one_key_is_in_use_for_each_server_and_vendor(database: Database) -> None:
    assert await database.write(vendor_keys.stored, a_key(1)) is None
    before = await database.write(vendor_keys.stored, a_key(2))
    await database.write(vendor_keys.stored, a_key(3, guild_id=11))
    await database.write(vendor_keys.stored, a_key(4, provider="kling"))
    assert before is not None
    assert before.id == 1
    found = await database.read(vendor_keys.of_guild, 10)
    assert [(key.id, key.provider) for key in found] == [(4, "kling"), (2, "vidu")]
    assert (await database.read(vendor_keys.in_use, 11, "vidu")) == a_key(3, guild_id=11)
    assert await database.read(vendor_keys.in_use, None, "vidu") is None

    def second(connection: Connection) -> None:
        vendor_keys.stored(connection, a_key(5, guild_id=12))
        connection.execute(vendor_keys.vendor_keys.insert().values(id=6, guild_id=12, provider="vidu", hint="",
            set_by=1, set_at=1))  # fmt: skip

    with pytest.raises(IntegrityError):
        await database.write(second)


async def test_waiting_jobs_go_to_the_new_key_and_sent_ones_stay(database: Database) -> None:
    await database.write(vendor_keys.stored, a_key(1))
    waiting = await keyed(database, 1, 1)
    sent = await keyed(database, 2, 1, state=State.SUBMITTED)
    again = await keyed(database, 3, 1, resent=1)
    await database.write(vendor_keys.stored, a_key(2))
    jobs = {job.id: job.key_id for job in await database.read(job_facts.by_ids, [waiting, sent, again])}
    assert jobs == {waiting: 2, sent: 1, again: 1}
    assert [job.id for job in await database.read(vendor_keys.waiting, 1)] == [again]
    assert await database.read(vendor_keys.running, 1) == 2


async def test_a_retired_key_is_erased_when_no_job_needs_it(database: Database) -> None:
    await database.write(vendor_keys.stored, a_key(1))
    job_id = await keyed(database, 1, 1, state=State.PROCESSING)
    await database.write(vendor_keys.stored, a_key(2))
    assert await database.write(vendor_keys.erased) == 0

    async def moved(state: State, **values: Any) -> int:
        [job] = await database.read(job_facts.by_ids, [job_id])
        await database.write(job_facts.move, job, NOON, state, values)
        return await database.write(vendor_keys.erased)

    assert await moved(State.EXPIRED) == 0  # may be rescued
    assert await moved(State.EXPIRED, due_at=None) == 0  # its hold waits for a person
    [job] = await database.read(job_facts.by_ids, [job_id])
    await database.write(ledger.settle, job, NOON, None)
    await database.write(outputs.announced, job_id, [("video", "https://x.example/1.mp4")], NOON)
    assert await moved(State.SUCCEEDED, due_at=None) == 0  # the address may have to be asked for anew
    [output] = await database.read(outputs.of_job, job_id)
    await database.write(outputs.not_fetched, output, None, refused=True, problem="gone")
    assert await database.write(vendor_keys.erased) == 1
    assert [key.id for key in await database.read(vendor_keys.kept)] == [2]
    assert await database.write(vendor_keys.erased) == 0


async def test_a_key_in_use_is_never_erased(database: Database) -> None:
    await database.write(vendor_keys.stored, a_key(1))
    assert await database.write(vendor_keys.erased) == 0
    assert await database.write(vendor_keys.retired, 1, NOON)
    assert not await database.write(vendor_keys.retired, 1, NOON)
    assert await database.write(vendor_keys.erased) == 1


async def test_what_is_sealed_is_not_in_a_rows_text() -> None:
    assert "sealed-1" not in repr(a_key(1))


async def test_an_erased_key_is_overwritten_in_the_file(database: Database, tmp_path: Path) -> None:
    await database.write(vendor_keys.stored, a_key(1, sealed=b"sealed-canary-" * 8))
    await database.write(vendor_keys.retired, 1, NOON)
    assert await database.write(vendor_keys.erased) == 1
    await database.close()  # the last connection takes the journal into the file
    assert leaks(tmp_path, b"sealed-canary-") == []
