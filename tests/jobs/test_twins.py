"""A job that was sent twice is looked for beside its own task: a twin that nobody rings for is booked all the same."""

from collections.abc import Collection
from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from providers.contract import Accepted, Progress, Reason, Status, Task
from storage import strays
from storage.words import AlertKind, Entry, Job, State
from tests.jobs.lab import NO_ANSWER, THROTTLED, Lab, done, status
from tests.jobs.test_strays import Book, after, told, twins


class Listed(Book):
    """What the vendor knows; its list names the first task that is asked for by our reference."""

    def __init__(self, lab: Lab, book: Book) -> None:
        super().__init__(book)
        self.looks = 0
        self.trouble: Exception | None = None
        lab.vendor.queries.rule = self
        lab.vendor.find = self.find

    async def find(self, task: Task, since: float, known: Collection[str] = ()) -> Status | None:
        del task, since
        self.looks += 1
        if self.trouble is not None:
            raise self.trouble
        return next((self[name] for name in sorted(self) if name not in known), None)


@pytest.fixture
async def twice(lab: Lab) -> tuple[Job, Listed]:
    """Give a job that was made twice, of which only the second task is known, and what its vendor knows."""
    job, book = await twins(lab)
    return job, Listed(lab, book)


async def test_a_twin_nobody_rings_for_is_found_stopped_and_booked(lab: Lab, twice: tuple[Job, Listed]) -> None:
    job, book = twice
    await lab.round(301)
    await lab.round(1)
    assert lab.vendor.cancels.calls == ["task-1"]
    book["task-1"] = done("task-1", credits=25, echo=job.code)
    book["task-2"] = done("task-2", echo=job.code)
    job = await after(lab, job)
    assert (job.state, job.task_id) == (State.SUCCEEDED, "task-2")
    assert await lab.entries(job) == [Entry.HOLD, Entry.SETTLE]
    [stray] = await lab.strays(job)
    assert (stray.task_id, stray.credits, stray.due_at) == ("task-1", 25, None)
    assert await told(lab) == [AlertKind.STRAY]


async def test_a_twin_is_found_after_its_job_is_over(lab: Lab, twice: tuple[Job, Listed]) -> None:
    job, book = twice
    book |= {name: done(name, echo=job.code) for name in book}
    await lab.ring(job, "task-2")
    await lab.round(1)
    assert (await lab.now(job)).state is State.SUCCEEDED
    assert book.looks == 0
    await after(lab, job, 1)
    [stray] = await lab.strays(job)
    assert (stray.task_id, stray.credits) == ("task-1", 30)


async def test_a_job_sent_twice_and_made_once_is_looked_for_once(lab: Lab, twice: tuple[Job, Listed]) -> None:
    job, book = twice
    del book["task-1"]
    await after(lab, job, 1)
    assert book.looks == 1
    assert await lab.strays(job) == []


def failed(name: str, job: Job) -> Status:
    return status(name, Progress.FAILED, credits=5, echo=job.code, reason=Reason.VENDOR)


async def test_a_task_that_failed_waits_for_the_look_and_its_running_twin_takes_its_place(
    lab: Lab, twice: tuple[Job, Listed]
) -> None:
    job, book = twice
    book["task-2"] = failed("task-2", job)
    await lab.ring(job, "task-2")
    await lab.round(1)
    assert (await lab.now(job)).state is State.PROCESSING
    await lab.round(300)
    await lab.round(3)
    job = await lab.now(job)
    assert (job.state, job.task_id, lab.vendor.cancels.calls) == (State.PROCESSING, "task-1", [])
    book["task-1"] = done("task-1", echo=job.code)
    job = await after(lab, job, 1)
    assert (job.state, job.charged) == (State.SUCCEEDED, 30)
    assert [(one.task_id, one.credits) for one in await lab.strays(job)] == [("task-2", 5)]


async def test_a_twin_that_succeeded_is_taken_when_the_jobs_own_task_failed(
    lab: Lab, twice: tuple[Job, Listed]
) -> None:
    job, book = twice
    book |= {"task-1": done("task-1", echo=job.code), "task-2": failed("task-2", job)}
    await lab.ring(job, "task-2")
    job = await after(lab, job, 1)
    assert (job.state, job.task_id) == (State.SUCCEEDED, "task-1")
    assert await lab.entries(job) == [Entry.HOLD, Entry.SETTLE]
    assert [(one.task_id, one.credits) for one in await lab.strays(job)] == [("task-2", 5)]


@pytest.mark.parametrize("trouble", [None, NO_ANSWER])
async def test_a_task_that_failed_and_was_the_only_one_has_failed_after_the_look(
    lab: Lab, twice: tuple[Job, Listed], trouble: Exception | None
) -> None:
    job, book = twice
    del book["task-1"]
    book["task-2"] = failed("task-2", job)
    if trouble:
        book.trouble = trouble
    await lab.ring(job, "task-2")
    await lab.round(1)
    assert (await lab.now(job)).state is State.PROCESSING
    job = await after(lab, job, 1)
    assert job.state is State.FAILED
    assert job.charged == 5


async def test_every_further_task_is_found(lab: Lab, twice: tuple[Job, Listed]) -> None:
    job, book = twice
    book["task-0"] = status("task-0", Progress.CANCELLED, credits=1, echo=job.code)
    await after(lab, job, 1)
    assert [one.task_id for one in await lab.strays(job)] == ["task-0", "task-1"]


@pytest.mark.parametrize("trouble", [NO_ANSWER, THROTTLED, ValueError("strange")])
async def test_a_vendor_that_cannot_be_asked_is_asked_again(
    lab: Lab, twice: tuple[Job, Listed], trouble: Exception
) -> None:
    job, book = twice
    find, failures = book.find, [trouble] * 3

    async def failing(task: Task, since: float, known: Collection[str] = ()) -> Status | None:
        if failures:
            raise failures.pop()
        return await find(task, since, known)

    lab.vendor.find = failing
    with capture_logs() as log:
        await after(lab, job, 1)
    assert {line["event"] for line in log if line["log_level"] == "error"} <= {"second task not looked up"}
    assert failures == []
    assert [one.task_id for one in await lab.strays(job)] == ["task-1"]


async def test_a_vendor_that_names_somebody_elses_task_is_asked_for_a_day_at_most(
    lab: Lab, twice: tuple[Job, Listed]
) -> None:
    job, book = twice
    book["task-1"] = status("task-1", echo="somebody-else")
    await after(lab, job, 30)
    looks = book.looks
    assert await lab.strays(job) == []
    await after(lab, job, 3)
    assert book.looks == looks
    assert await lab.ctx.database.read(strays.searches_due, lab.ctx.now() + 10**9, 9) == []


async def test_a_job_still_in_doubt_takes_what_the_look_finds_for_its_own(lab: Lab) -> None:
    job = await lab.order()
    lab.vendor.submits.then(NO_ANSWER, NO_ANSWER)
    await lab.submit()
    for _ in range(3):
        lab.clock.forward(121)
        await lab.reconcile()
    await lab.submit()
    assert (await lab.now(job)).state is State.UNKNOWN
    Listed(lab, Book({"task-1": status("task-1", echo=job.code)}))
    await lab.search()
    lab.clock.forward(301)
    await lab.search()
    job = await lab.now(job)
    assert (job.state, job.task_id) == (State.PROCESSING, "task-1")
    assert await lab.strays(job) == []


async def test_a_vendor_that_is_not_set_up_any_more_is_not_asked(lab: Lab, twice: tuple[Job, Listed]) -> None:
    _, book = twice
    lab.ctx = replace(lab.ctx, providers={})
    lab.clock.forward(301)
    assert await lab.search()
    assert not await lab.search()
    assert book.looks == 0


async def test_who_is_sent_once_is_never_looked_for(lab: Lab) -> None:
    lab.vendor.submits.then(Accepted("task-1"))
    job = await lab.taken()
    looks = Listed(lab, Book({"task-1": done("task-1", echo=job.code)}))
    await after(lab, job, 1)
    assert looks.looks == 0
