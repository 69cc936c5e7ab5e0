"""What is over is kept for as long as was said, what goes on is left alone, and writers never wait long."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jobs import files
from jobs.keeping import Keeping
from jobs.tidy import tidy
from storage import Connection, deliveries, refusals, retention
from storage import jobs as job_facts
from storage import record as records
from storage.refusals import Refusal
from storage.words import Job, State
from tests.jobs.lab import Lab, done

DAY = 86_400


async def finished(lab: Lab, prompt: str = "a boat") -> Job:
    job = await lab.taken(prompt)
    lab.vendor.queries.always(done(job.task_id or "", outputs=()))
    await lab.ring(job, job.task_id or "")
    await lab.settle()
    await lab.ctx.database.write(_posted, job.id, lab.ctx.now())
    job = await lab.now(job)
    assert job.state is State.SUCCEEDED
    return job


def _posted(connection: Connection, job_id: int, now: int) -> None:
    deliveries.posted(connection, job_id, 1, now)


def keep(lab: Lab, **days: int) -> None:
    lab.ctx = replace(lab.ctx, keeping=Keeping(**days))


async def tidied(lab: Lab) -> None:
    await tidy(lab.ctx, rest=0)


def old_file(lab: Lab, job: Job, days: float) -> Path:
    name = f"{job.code}-0.mp4"
    path = files.save(lab.ctx.media_dir, files.OUTPUTS, name, b"film")
    moment = lab.clock.now - days * DAY
    os.utime(path, (moment, moment))
    return path


async def test_words_go_when_their_days_are_over_and_not_before(lab: Lab) -> None:
    keep(lab, words=30)
    job = await finished(lab)
    lab.clock.forward(29 * DAY)
    await tidied(lab)
    assert (await lab.now(job)).prompt == "a boat"
    lab.clock.forward(2 * DAY)
    await tidied(lab)
    after = await lab.now(job)
    assert (after.prompt, after.user_name, after.asked, after.silenced) == ("", "", {}, True)
    assert after.charged == 30


async def test_a_job_that_goes_on_keeps_everything_however_old(lab: Lab) -> None:
    keep(lab, words=1, callbacks=1, media=8)
    doubtful, waiting, taken = await lab.doubtful(), await lab.order(), await lab.taken()
    unposted = await lab.taken()
    lab.vendor.queries.always(done(unposted.task_id or "", outputs=()))
    await lab.ring(unposted, unposted.task_id or "")
    await lab.settle()
    everything = (doubtful, waiting, taken, unposted)
    await lab.ring(taken, "another")
    lab.clock.forward(400 * DAY)
    paths = [old_file(lab, job, 399) for job in everything]
    await tidied(lab)
    assert [(await lab.now(job)).prompt for job in everything] == ["a boat"] * 4
    assert all(path.exists() for path in paths)
    [ring] = await lab.ctx.database.read(records.callbacks, taken.id, 9)
    assert ring.size > 0


async def test_files_of_what_is_over_go_and_leftovers_of_nobody(lab: Lab) -> None:
    job = await finished(lab)
    lab.clock.forward(20 * DAY)
    old, young = old_file(lab, job, 9), files.locate(lab.ctx.media_dir, files.OUTPUTS, f"{job.code}-1.mp4")
    young.write_bytes(b"film")
    os.utime(young, (lab.clock.now - 7 * DAY, lab.clock.now - 7 * DAY))
    part = young.with_name("nobody.part")
    part.write_bytes(b"")
    os.utime(part, (lab.clock.now - 9 * DAY, lab.clock.now - 9 * DAY))
    await tidied(lab)
    assert [path.exists() for path in (old, young, part)] == [False, True, False]


@pytest.mark.parametrize(
    ("days", "files_kept"), [({"media": 30}, 30), ({"media": 0, "words": 0}, 0), ({"media": 0}, 90), ({"words": 1}, 8)]
)
def test_files_are_kept_no_longer_than_the_words_and_as_long_as_links_are_good(
    days: dict[str, int], files_kept: int
) -> None:
    assert Keeping(**days).files == files_kept


async def test_bodies_of_callbacks_go_and_the_rows_stay(lab: Lab) -> None:
    keep(lab, callbacks=30)
    job = await finished(lab)
    await lab.ctx.database.write(refusals.noted, [Refusal("edge", job.id, 401, "no", "", 0, 1, 0, lab.ctx.now())])
    lab.clock.forward(31 * DAY)
    younger = await finished(lab)
    await tidied(lab)
    sizes = {one.job_id: one.size for one in await lab.ctx.database.read(records.callbacks, None, 9)}
    assert sizes[job.id] == 0
    assert sizes[younger.id] > 0
    assert await lab.ctx.database.read(refusals.listed, None, 9) == []
    lab.clock.forward(31 * DAY)
    await tidied(lab)
    assert {one.size for one in await lab.ctx.database.read(records.callbacks, None, 9)} == {0}


async def test_no_days_mean_for_ever(lab: Lab) -> None:
    keep(lab, words=0, callbacks=0, media=0)
    job = await finished(lab)
    lab.clock.forward(4000 * DAY)
    path = old_file(lab, job, 3999)
    await tidied(lab)
    assert path.exists()
    assert (await lab.now(job)).prompt == "a boat"
    assert [one.size > 0 for one in await lab.ctx.database.read(records.callbacks, None, 9)] == [True]


async def test_much_goes_in_small_steps(lab: Lab) -> None:
    for number in range(60):
        await finished(lab, f"boat {number}")
    lab.clock.forward(91 * DAY)
    steps: list[int] = []
    write = lab.ctx.database.write

    async def counted(change: Any, *args: Any) -> Any:
        count = await write(change, *args)
        if change is retention.words_gone:
            steps.append(count)
        return count

    object.__setattr__(lab.ctx.database, "write", counted)
    await tidied(lab)
    assert steps == [25, 25, 10, 0]
    jobs = await lab.ctx.database.read(job_facts.latest_of, 10, 30, 99)
    assert {job.prompt for job in jobs} == {""}


async def test_old_words_are_found_by_an_index(lab: Lab) -> None:
    def plan(connection: Connection) -> str:
        question = "SELECT id FROM jobs WHERE NOT silenced AND id < 9 ORDER BY id LIMIT 25"
        return str(connection.exec_driver_sql("EXPLAIN QUERY PLAN " + question).all())

    assert "jobs_worded" in await lab.ctx.database.read(plan)
