"""Looking for a job's tasks takes time, and the world goes on meanwhile."""

import asyncio
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from providers.contract import Accepted, ErrorKind, Progress, ProviderError, Reason, Status
from storage.words import Entry, Job, State
from tests.jobs.lab import NO_ANSWER, THROTTLED, Lab, done, status
from tests.jobs.test_strays import Book, after, twins
from tests.jobs.test_twins import Listed, failed


async def doubted_twice(lab: Lab, *answers: Exception | Accepted) -> Job:
    """Have a job sent, not answered, and found absent twice; `answers` are what its second submission will get."""
    job = await lab.order()
    lab.vendor.submits.then(NO_ANSWER, *answers)
    await lab.submit()
    for _ in range(3):
        lab.clock.forward(121)
        await lab.reconcile()
    return await lab.now(job)


async def test_a_look_that_found_nothing_calls_off_no_job_that_got_its_task_meanwhile(lab: Lab) -> None:
    job = await lab.doubtful()
    await lab.give_up(job)
    lab.clock.forward(121)
    await lab.reconcile()
    lab.clock.forward(61)
    gate = lab.vendor.finds.hold()
    looking = asyncio.create_task(lab.reconcile())
    await gate.reached.wait()
    lab.vendor.queries.always(status("task-1", echo=job.code))
    await lab.ring(job, "task-1", Progress.RUNNING, echo=job.code)
    await lab.settle()
    gate.say(None)
    await looking
    lab.vendor.queries.always(done("task-1", echo=job.code))  # its last callback is lost
    job = await after(lab, job)
    assert lab.vendor.cancels.calls == ["task-1"]
    assert (job.state, job.charged) == (State.CANCELLED, 30)


async def test_a_look_begun_too_early_proves_nothing_however_long_it_takes(lab: Lab) -> None:
    job = await lab.doubtful()
    lab.clock.forward(2)
    gate = lab.vendor.finds.hold()
    looking = asyncio.create_task(lab.reconcile())
    await gate.reached.wait()
    lab.clock.forward(125)
    gate.say(None)
    await looking
    assert (await lab.now(job)).absences == 0


async def test_a_second_submission_that_is_put_off_for_long_is_searched_for_after_it_was_sent(lab: Lab) -> None:
    job = await doubted_twice(lab, *[THROTTLED] * 6, Accepted("task-2"))
    book = Listed(lab, Book())
    while (await lab.now(job)).task_id is None:
        lab.clock.forward(30)
        await lab.submit()
        await lab.search()
    job = await lab.now(job)
    book |= {"task-1": status("task-1", echo=job.code), "task-2": failed("task-2", job)}
    await lab.ring(job, "task-2")
    await lab.round(1)
    assert (await lab.now(job)).state is State.PROCESSING
    book["task-1"] = done("task-1", echo=job.code)
    job = await after(lab, job)
    assert (job.state, job.task_id) == (State.SUCCEEDED, "task-1")


async def test_what_turned_up_while_the_job_was_sent_again_does_not_hide_the_second_task(lab: Lab) -> None:
    job = await doubted_twice(lab)
    gate = lab.vendor.submits.hold()
    sending = asyncio.create_task(lab.submit())
    await gate.reached.wait()
    book = Listed(lab, Book({"task-1": status("task-1", echo=job.code)}))
    for seconds in (301, 10):
        lab.clock.forward(seconds)
        await lab.search()
    book["task-2"] = status("task-2", echo=job.code)  # made, and the answer lost
    gate.fail(NO_ANSWER)
    await sending
    await after(lab, job, 1)
    assert lab.vendor.cancels.calls == ["task-2"]
    assert [one.task_id for one in await lab.strays(job)] == ["task-2"]


async def test_a_key_that_cannot_be_read_for_a_while_loses_no_search(lab: Lab) -> None:
    job, book = await twins(lab)
    Listed(lab, book)
    whole, lab.ctx = lab.ctx, replace(lab.ctx, providers={})
    lab.clock.forward(301)
    await lab.search()
    lab.ctx = whole
    await after(lab, job, 1)
    assert [one.task_id for one in await lab.strays(job)] == ["task-1"]


async def test_a_lost_answer_about_the_jobs_own_task_stops_no_twin_that_is_needed(lab: Lab) -> None:
    job, book = await twins(lab)
    book["task-2"] = failed("task-2", job)
    lost = [THROTTLED]

    def rule(task: str) -> Status:
        if task == "task-2" and lost:
            raise lost.pop()
        return book(task)

    lab.vendor.queries.rule = rule
    await lab.ring(job, "task-1", Progress.RUNNING)
    await lab.settle()
    await lab.follow()
    assert lab.vendor.cancels.calls == []
    book["task-1"] = done("task-1", echo=job.code)
    job = await after(lab, job, 1)
    assert (job.state, job.task_id) == (State.SUCCEEDED, "task-1")


async def test_a_strange_answer_about_the_jobs_own_task_keeps_no_stray_alive(lab: Lab) -> None:
    job, book = await twins(lab)

    def rule(task: str) -> Status:
        if task == "task-2":
            raise ValueError(task)
        return book(task)

    lab.vendor.queries.rule = rule
    await lab.ring(job, "task-1", Progress.RUNNING)
    with capture_logs():
        await after(lab, job, 1)
    assert lab.vendor.cancels.calls == ["task-1"]


async def test_a_task_that_takes_the_place_of_one_that_was_told_to_stop_is_told_too(lab: Lab) -> None:
    job, book = await twins(lab)
    await lab.give_up(job)
    await lab.round(1)
    await lab.ring(job, "task-1", Progress.RUNNING)
    await lab.settle()
    book["task-2"] = failed("task-2", job)
    await lab.ring(job, "task-2", Progress.FAILED)
    await lab.settle()
    await after(lab, job, 1)
    assert sorted(set(lab.vendor.cancels.calls)) == ["task-1", "task-2"]


@pytest.mark.parametrize("wait", [None, 3600.0])
async def test_while_a_look_is_awaited_the_failed_task_is_asked_about_seldom_and_not_for_hours(
    lab: Lab, wait: float | None
) -> None:
    job, book = await twins(lab)
    del book["task-1"]
    listed = Listed(lab, book)
    listed["task-2"] = failed("task-2", job)
    listed.trouble = ProviderError(ErrorKind.THROTTLED, Reason.BUSY, "slowly", wait)
    await lab.ring(job, "task-2")
    job = await after(lab, job, 1)
    assert job.state is State.FAILED
    assert len(lab.vendor.queries.calls) < 60
    assert await lab.entries(job) == [Entry.HOLD, Entry.SETTLE]
