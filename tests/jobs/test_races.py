"""Two loops at one job: what one of them finds out late undoes nothing that another has done meanwhile."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from providers.contract import Accepted, Progress
from storage.words import Entry, Job, State
from tests.jobs.lab import NO_ANSWER, NOT_FOUND, THROTTLED, Gate, Lab, done, status, until

HOUR = 3600
DAY = 24 * HOUR


@asynccontextmanager
async def meanwhile(work: Awaitable[object], gate: Gate[Any]) -> AsyncGenerator[None]:
    """Begin some work, let the block happen while its question is on the wire, then wait for its end.

    The block opens the gate.
    """
    task = asyncio.ensure_future(work)
    await gate.reached.wait()
    yield
    await task


async def succeeded_for_good(lab: Lab, job: Job) -> None:
    """Check that a job succeeded, was paid once, and that no vendor hears of it again."""
    job = await lab.now(job)
    assert (job.state, job.due_at, job.charged) == (State.SUCCEEDED, None, 30)
    assert await lab.entries(job) == [Entry.HOLD, Entry.SETTLE]
    calls = lab.vendor.calls
    for seconds in (0, 60, 10 * HOUR, 3 * DAY):
        await lab.round(seconds)
    assert lab.vendor.calls == calls
    assert await lab.now(job) == job


@pytest.mark.parametrize("late", [NO_ANSWER, NOT_FOUND, THROTTLED])
@pytest.mark.parametrize("waited", [121, 7 * HOUR], ids=["overdue", "past the deadline"])
async def test_a_question_that_fails_after_the_callback_settled_the_job_changes_nothing(
    lab: Lab, late: Exception, waited: int
) -> None:
    job = await lab.taken()
    lab.clock.forward(waited)
    gate = lab.vendor.queries.hold()
    async with meanwhile(lab.reconcile(), gate):
        lab.vendor.queries.then(done("task-1"))
        await lab.ring(job, "task-1")
        await lab.settle()
        gate.fail(late)
    await succeeded_for_good(lab, job)


@pytest.mark.parametrize("late", [Progress.RUNNING, Progress.SUCCEEDED, Progress.FAILED])
async def test_a_question_answered_after_the_callback_settled_the_job_changes_nothing(lab: Lab, late: Progress) -> None:
    job = await lab.taken()
    lab.clock.forward(121)
    gate = lab.vendor.queries.hold()
    async with meanwhile(lab.reconcile(), gate):
        lab.vendor.queries.then(done("task-1"))
        await lab.ring(job, "task-1")
        await lab.settle()
        gate.say(status("task-1", late))
    await succeeded_for_good(lab, job)


@pytest.mark.parametrize("late", [NO_ANSWER, NOT_FOUND])
async def test_a_confirmation_that_fails_after_reconcile_settled_the_job_changes_nothing(
    lab: Lab, late: Exception
) -> None:
    job = await lab.taken()
    lab.clock.forward(121)
    await lab.ring(job, "task-1")
    gate = lab.vendor.queries.hold()
    async with meanwhile(lab.settle(), gate):
        lab.vendor.queries.then(done("task-1"))
        await lab.reconcile()
        gate.fail(late)
    await succeeded_for_good(lab, job)


@pytest.mark.parametrize("found", [None, NO_ANSWER], ids=["nothing", "no answer"])
@pytest.mark.parametrize("waited", [5, 25 * HOUR], ids=["soon", "past the deadline"])
async def test_a_search_that_ends_after_the_callback_settled_the_job_changes_nothing(
    lab: Lab, found: Exception | None, waited: int
) -> None:
    job = await lab.doubtful()
    lab.clock.forward(waited)
    gate = lab.vendor.finds.hold()
    async with meanwhile(lab.reconcile(), gate):
        lab.vendor.queries.then(done("task-1", prompt="a boat"))
        await lab.ring(job, "task-1")
        await lab.settle()
        if found is None:
            gate.say(None)
        else:
            gate.fail(found)
    await succeeded_for_good(lab, job)


@pytest.mark.parametrize("found", [None, NO_ANSWER], ids=["nothing", "no answer"])
async def test_a_deadline_that_was_read_before_a_job_found_its_task_does_not_end_it(
    lab: Lab, found: Exception | None
) -> None:
    job = await lab.doubtful()
    lab.clock.forward(25 * HOUR)
    gate = lab.vendor.finds.hold()
    async with meanwhile(lab.reconcile(), gate):
        lab.vendor.queries.then(status("task-1", prompt="a boat"))
        await lab.ring(job, "task-1", Progress.RUNNING)
        await lab.settle()
        assert (await lab.now(job)).state is State.PROCESSING
        if found is None:
            gate.say(None)
        else:
            gate.fail(found)
    job = await lab.now(job)
    assert (job.state, job.deadline_at > lab.ctx.now()) == (State.PROCESSING, True)


async def test_an_expired_job_rescued_during_the_last_look_is_not_closed(lab: Lab) -> None:
    job = await lab.taken()
    await lab.round(7 * HOUR)
    assert (await lab.now(job)).state is State.EXPIRED
    lab.clock.forward(25 * HOUR)
    gate = lab.vendor.queries.hold()
    async with meanwhile(lab.reconcile(), gate):
        lab.vendor.queries.then(done("task-1"))
        await lab.ring(job, "task-1")
        await lab.settle()
        gate.fail(NO_ANSWER)
    await succeeded_for_good(lab, job)


async def test_an_answer_the_database_refuses_for_a_while_is_recorded_later_and_nothing_is_sent_twice(
    lab: Lab,
) -> None:
    lab.timing(retry_least=2, retry_most=4)
    job = await lab.order()
    gate = lab.vendor.submits.hold()
    async with meanwhile(lab.submit(), gate):
        with lab.locked():
            gate.say(Accepted("task-1"))
            await until(lambda: lab.logged("submission not recorded yet") >= 3)
    job = await lab.now(job)
    assert (job.state, job.task_id) == (State.SUBMITTED, "task-1")
    lab.vendor.queries.rule = done
    await lab.ring(job, "task-1")
    await lab.round()
    assert len(lab.vendor.submits.calls) == 1
    await succeeded_for_good(lab, job)


async def test_a_refusal_the_database_does_not_take_at_once_is_recorded_later(lab: Lab) -> None:
    lab.timing(retry_least=2, retry_most=4)
    job = await lab.order()
    gate = lab.vendor.submits.hold()
    async with meanwhile(lab.submit(), gate):
        with lab.locked():
            gate.fail(NO_ANSWER)
            await until(lambda: lab.logged("submission not recorded yet") > 0)
    assert (await lab.now(job)).state is State.UNKNOWN


async def test_a_submission_still_on_the_wire_after_its_time_is_in_doubt_and_taken_up_when_it_is_answered(
    lab: Lab,
) -> None:
    job = await lab.order()
    gate = lab.vendor.submits.hold()
    async with meanwhile(lab.submit(), gate):
        await lab.round(299)
        assert (await lab.now(job)).state is State.SUBMITTING
        await lab.round(2)
        assert (await lab.now(job)).state is State.UNKNOWN
        gate.say(Accepted("task-1"))
    job = await lab.now(job)
    assert (job.state, job.task_id) == (State.SUBMITTED, "task-1")
    assert len(lab.vendor.submits.calls) == 1


async def test_a_vendor_that_names_the_task_of_another_job_leaves_the_second_in_doubt(lab: Lab) -> None:
    first = await lab.taken()
    second = await lab.order("a lake")
    lab.vendor.submits.then(Accepted("task-1"))
    await lab.submit()
    second = await lab.now(second)
    assert (second.state, second.task_id) == (State.UNKNOWN, None)
    assert await lab.now(first) == first
    for _ in range(40):  # nothing more is ever heard of it: its hold is given back in the end
        await lab.round(2 * HOUR)
    second = await lab.now(second)
    assert (second.state, second.due_at) == (State.EXPIRED, None)
    assert await lab.entries(second) == [Entry.HOLD, Entry.RELEASE]


async def test_a_job_that_found_its_task_while_it_was_sent_again_keeps_it(lab: Lab) -> None:
    job = await lab.doubtful()
    for _ in range(3):
        lab.clock.forward(121)
        await lab.reconcile()
    assert (await lab.now(job)).state is State.QUEUED
    await lab.ring(job, "task-1")
    question, sending = lab.vendor.queries.hold(), lab.vendor.submits.hold()
    async with meanwhile(lab.settle(), question), meanwhile(lab.submit(), sending):
        question.say(done("task-1", prompt="a boat"))
        await until(lambda: "settled" in lab.steps)
        sending.say(Accepted("task-2"))
    job = await lab.now(job)
    assert (job.state, job.task_id, job.charged) == (State.SUCCEEDED, "task-1", 30)
    [stray] = await lab.strays(job)
    assert (stray.task_id, stray.credits) == ("task-2", None)
