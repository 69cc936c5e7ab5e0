"""What a card may say about time comes from jobs like it that were made, and from enough of them."""

from dataclasses import replace
from typing import Any

import pytest

from storage import Database, history, jobs
from storage.words import Job, Outlook, State
from tests.samples_of import NOON, a_job

MINUTE = 60_000


async def made(database: Database, number: int, took: int, **changes: Any) -> None:
    job = a_job(number, **changes)
    assert await database.write(jobs.held, job) is None
    values = {"submitted_at": NOON, "finished_at": NOON + took, "due_at": None}
    await database.write(jobs.move, job, NOON, State.SUCCEEDED, values)


async def outlook(database: Database, **changes: Any) -> Outlook:
    return await database.read(history.outlook, a_job(999, state=State.PROCESSING, **changes))


async def test_half_and_nine_tenths_of_those_alike_are_told(database: Database) -> None:
    for number in range(1, 12):
        await made(database, number, number * MINUTE)
    assert await outlook(database) == Outlook(11, 6 * MINUTE, 10 * MINUTE)


async def test_fewer_than_five_tell_nothing(database: Database) -> None:
    for number in range(4):
        await made(database, number, MINUTE)
    assert await outlook(database) == Outlook(4, None, None)


@pytest.mark.parametrize(
    "other",
    [
        {"provider": "kling"},
        {"operation": "avatar"},
        {"model": "viduq2"},
        {"options": {**a_job().options, "duration": 8}},
        {"options": {**a_job().options, "resolution": "1080p"}},
        {"options": {**a_job().options, "extras": {"off_peak": True}}},
    ],
)
async def test_others_do_not_count(database: Database, other: dict[str, Any]) -> None:
    for number in range(6):
        await made(database, number, MINUTE, **other)
    assert (await outlook(database)).alike == 0
    assert (await outlook(database, **other)).alike == 6


async def test_jobs_that_ended_otherwise_do_not_count(database: Database) -> None:
    for number in range(6):
        job = a_job(number)
        await database.write(jobs.held, job)
        await database.write(jobs.move, job, NOON, State.FAILED, {"finished_at": NOON, "due_at": None})
    assert (await outlook(database)).alike == 0


async def test_those_that_wait_before_it_for_the_same_vendor_are_counted(database: Database) -> None:
    waiting: list[Job] = [a_job(number) for number in range(3)]
    for job in (*waiting, a_job(3, provider="kling")):
        await database.write(jobs.held, job)
    assert [(await database.read(history.outlook, job)).ahead for job in waiting] == [0, 1, 2]
    assert (await database.read(history.outlook, replace(waiting[2], state=State.PROCESSING))).ahead == 0
