"""Two tasks of one job: one is posted and paid, the other is stopped where that can be, written down, never posted."""

import asyncio
from typing import Any

import pytest

from providers.contract import Accepted, Progress, ProviderError, Status, Trust
from storage import alerts, deliveries, outputs, strays
from storage.words import AlertKind, Entry, Job, State
from tests.jobs.lab import NO_ANSWER, NOT_FOUND, PRICE, RESULT, THROTTLED, Lab, done, status

HOUR = 3600
OTHER = "https://results.example/2.mp4"


class Book(dict[str, Status]):
    """What the vendor knows of each task; it knows no others."""

    def __call__(self, task_id: str) -> Status:
        if task_id not in self:
            raise NOT_FOUND
        return self[task_id]


async def twins(lab: Lab, job: Job | None = None) -> tuple[Job, Book]:
    """Send a job twice, because the first one seemed never to have arrived; both arrived. It goes on with task-2."""
    job = job or await lab.order()
    lab.vendor.submits.then(NO_ANSWER, Accepted("task-2"))
    await lab.submit()
    for _ in range(3):
        lab.clock.forward(121)
        await lab.reconcile()
    await lab.submit()
    job = await lab.now(job)
    assert (job.state, job.task_id, job.resent) == (State.SUBMITTED, "task-2", 1)
    book = Book({task: status(task, echo=job.code) for task in ("task-1", "task-2")})
    lab.vendor.queries.rule = book
    return job, book


async def after(lab: Lab, job: Job, hours: int = 8) -> Job:
    for _ in range(hours * 20):
        await lab.round(180)
    return await lab.now(job)


async def told(lab: Lab) -> list[AlertKind]:
    return [one.kind for one in await lab.ctx.database.read(alerts.due, lab.ctx.now(), 10)]


async def results(lab: Lab, job: Job) -> list[str]:
    return [one.url for one in await lab.ctx.database.read(outputs.of_job, job.id)]


async def test_the_late_callback_of_a_twin_is_booked_and_its_vendor_told_to_stop(lab: Lab) -> None:
    job, book = await twins(lab)
    await lab.ring(job, "task-1", Progress.RUNNING)
    await lab.round(1)
    assert lab.vendor.cancels.calls == ["task-1"]
    book["task-1"] = status("task-1", Progress.CANCELLED, credits=5, echo=job.code)
    book["task-2"] = done("task-2", echo=job.code)
    job = await after(lab, job)
    assert (job.state, job.task_id, job.charged) == (State.SUCCEEDED, "task-2", 30)
    assert await lab.entries(job) == [Entry.HOLD, Entry.SETTLE]
    [stray] = await lab.strays(job)
    assert (stray.task_id, stray.credits, stray.due_at) == ("task-1", 5, None)
    assert await told(lab) == [AlertKind.STRAY]
    assert lab.vendor.cancels.calls == ["task-1"]


async def test_a_twin_that_was_stopped_for_nothing_bothers_nobody(lab: Lab) -> None:
    job, book = await twins(lab)
    await lab.ring(job, "task-1", Progress.RUNNING)
    book["task-1"] = status("task-1", Progress.CANCELLED, echo=job.code)
    job = await after(lab, job, 1)
    assert [one.credits for one in await lab.strays(job)] == [0]
    assert await told(lab) == []


@pytest.mark.parametrize("over", [False, True], ids=["while the job runs", "after the job"])
async def test_a_twin_that_cannot_be_stopped_is_never_posted_beside_the_job(lab: Lab, over: bool) -> None:
    lab.vendor.stoppable = False
    job, book = await twins(lab)
    book["task-2"] = done("task-2", echo=job.code)
    if over:
        await lab.ring(job, "task-2")
        await lab.settle()
    await lab.ring(job, "task-1", Progress.RUNNING)
    await lab.round(1)
    await lab.ring(job, "task-2")
    await lab.round(1)
    book["task-1"] = done("task-1", echo=job.code, credits=33, outputs=())
    await lab.ring(job, "task-1")
    job = await after(lab, job, 1)
    assert (job.state, job.task_id, job.charged) == (State.SUCCEEDED, "task-2", 30)
    assert await results(lab, job) == [RESULT]
    assert [(one.task_id, one.credits) for one in await lab.strays(job)] == [("task-1", 33)]
    assert lab.vendor.cancels.calls == []
    calls = lab.vendor.calls
    for _ in range(5):
        await lab.ring(job, "task-1")
    await after(lab, job, 30)
    assert lab.vendor.calls <= calls + 5
    assert await lab.entries(job) == [Entry.HOLD, Entry.SETTLE]


async def test_the_first_success_is_the_jobs_and_the_slower_task_becomes_the_stray(lab: Lab) -> None:
    lab.vendor.stoppable = False
    job, book = await twins(lab)
    book["task-1"] = done("task-1", echo=job.code, credits=20)
    await lab.ring(job, "task-1")
    await lab.settle()
    job = await lab.now(job)
    assert (job.state, job.task_id, job.charged) == (State.SUCCEEDED, "task-1", 20)
    book["task-2"] = done("task-2", echo=job.code, credits=21)
    job = await after(lab, job, 1)
    assert [(one.task_id, one.credits) for one in await lab.strays(job)] == [("task-2", 21)]
    assert await results(lab, job) == [RESULT]


async def test_where_the_jobs_own_task_fails_the_running_twin_stands_in(lab: Lab) -> None:
    lab.vendor.stoppable = False
    job, book = await twins(lab)
    await lab.ring(job, "task-1", Progress.RUNNING)
    await lab.round(1)
    book["task-2"] = status("task-2", Progress.FAILED, echo=job.code, credits=7)
    await lab.ring(job, "task-2", Progress.FAILED)
    await lab.round(1)
    job = await lab.now(job)
    assert (job.state.terminal, job.task_id, job.charged) == (False, "task-1", None)
    await lab.ring(job, "task-2", Progress.FAILED)  # once more, and late
    await lab.round(1)
    book["task-1"] = done("task-1", echo=job.code)
    job = await after(lab, job, 1)
    assert (job.state, job.task_id, job.charged) == (State.SUCCEEDED, "task-1", 30)
    assert [(one.task_id, one.credits) for one in await lab.strays(job)] == [("task-2", 7)]


async def test_a_signed_callback_of_a_twin_does_not_move_the_job(lab: Lab) -> None:
    lab.vendor.stoppable = False
    job, _ = await twins(lab)
    await lab.ring(job, "task-1", Progress.FAILED, trust=Trust.DATA, echo=job.code)
    await lab.settle()
    job = await lab.now(job)
    assert (job.state, job.task_id) == (State.SUBMITTED, "task-2")
    assert [(one.task_id, one.credits) for one in await lab.strays(job)] == [("task-1", 0)]


async def test_an_answer_that_comes_when_the_job_has_another_task_is_booked(lab: Lab) -> None:
    job = await lab.order()
    slow = lab.vendor.submits.hold()
    sending = asyncio.create_task(lab.submit())
    await slow.reached.wait()
    await lab.round(301)
    await lab.ring(job, "task-9", Progress.RUNNING)
    lab.vendor.queries.rule = lambda task: status(task, echo=job.code)
    await lab.round(1)
    assert (await lab.now(job)).task_id == "task-9"
    slow.say(Accepted("task-1"))
    await sending
    job = await lab.now(job)
    assert job.task_id == "task-9"
    assert [one.task_id for one in await lab.strays(job)] == ["task-1"]


async def test_an_answer_that_comes_after_the_job_was_called_off_is_stopped_and_booked(lab: Lab) -> None:
    job = await lab.order()
    slow = lab.vendor.submits.hold()
    sending = asyncio.create_task(lab.submit())
    await slow.reached.wait()
    await lab.round(301)
    await lab.give_up(job)
    job = await after(lab, job, 1)
    assert (job.state, job.charged) == (State.CANCELLED, 0)
    slow.say(Accepted("task-1"))
    await sending
    lab.vendor.queries.rule = done
    job = await after(lab, job, 1)
    assert (job.state, job.charged) == (State.CANCELLED, 0)
    assert [(one.task_id, one.credits) for one in await lab.strays(job)] == [("task-1", 30)]
    assert lab.vendor.cancels.calls == ["task-1"]
    assert await lab.entries(job) == [Entry.HOLD, Entry.RELEASE]
    assert await told(lab) == [AlertKind.STRAY]


async def test_a_success_after_the_cancel_ran_out_is_booked_once(lab: Lab) -> None:
    job = await lab.taken()
    await lab.give_up(job)
    for _ in range(7):
        await lab.round(HOUR)
    assert (await lab.now(job)).state is State.CANCELLED
    lab.vendor.queries.rule = done
    for _ in range(3):
        await lab.ring(job, "task-1")
        await lab.round(60)
    assert [(one.task_id, one.credits) for one in await lab.strays(job)] == [("task-1", 30)]
    assert await lab.delivery(job) is None


async def test_a_video_rescued_after_its_credits_were_returned_is_posted_and_its_cost_written_down(lab: Lab) -> None:
    job = await lab.taken()
    for _ in range(40):
        await lab.round(HOUR)
    assert await lab.entries(job) == [Entry.HOLD, Entry.RELEASE]
    lab.vendor.queries.rule = done
    await lab.ring(job, "task-1")
    job = await after(lab, job, 1)
    assert (job.state, job.charged) == (State.SUCCEEDED, 0)
    assert await lab.entries(job) == [Entry.HOLD, Entry.RELEASE]
    assert [(one.task_id, one.credits) for one in await lab.strays(job)] == [("task-1", 30)]
    assert await told(lab) == [AlertKind.STRAY]
    assert await lab.ctx.database.read(deliveries.of_job, job.id) is not None


@pytest.mark.parametrize("facts", [{"echo": "another job"}, {}], ids=["another's", "nobody's"])
async def test_a_forged_twin_is_neither_booked_nor_stopped(lab: Lab, facts: dict[str, Any]) -> None:
    job, book = await twins(lab)
    other = await lab.order("a lake")
    lab.vendor.submits.then(Accepted("task-3"))
    await lab.submit()
    book |= {"task-3": status("task-3", echo=other.code), "task-4": status("task-4", prompt="a bird", **facts)}
    for task in ("task-3", "task-4", "task-5"):
        await lab.ring(job, task)
    for _ in range(10):
        await lab.round(60)
    assert await lab.strays(job) == []
    assert lab.vendor.cancels.calls == []
    assert (await lab.now(job)).task_id == "task-2"


@pytest.mark.parametrize(
    ("trouble", "credits"), [(NO_ANSWER, PRICE), (THROTTLED, PRICE), (NOT_FOUND, 0)], ids=["silent", "busy", "gone"]
)
async def test_a_stray_of_which_nothing_more_is_heard_is_counted_in_the_end(
    lab: Lab, trouble: ProviderError, credits: int
) -> None:
    job, _ = await twins(lab)
    await lab.ring(job, "task-1", Progress.RUNNING)
    await lab.settle()
    lab.vendor.queries.always(trouble)
    lab.vendor.cancels.always(trouble)
    await after(lab, job, 7)
    [stray] = await lab.strays(job)
    assert (stray.credits, stray.due_at) == (credits, None)
    assert 2 < len(lab.vendor.cancels.calls) < 200 or credits == 0


async def test_strays_are_summed_for_a_server_and_a_month(lab: Lab) -> None:
    job, book = await twins(lab)
    book["task-2"] = done("task-2", echo=job.code)
    await lab.ring(job, "task-2")
    await lab.round()
    await lab.ring(job, "task-1", Progress.RUNNING)
    await lab.settle()
    since, until = job.created_at, job.created_at + 1
    [one] = await lab.ctx.database.read(strays.beside, 10, since, until)
    assert (one.provider, one.tasks, one.credits, one.running) == ("edge", 1, 0, 1)
    book["task-1"] = done("task-1", echo=job.code)
    await lab.round(180)
    [one] = await lab.ctx.database.read(strays.beside, 10, since, until)
    assert (one.tasks, one.credits, one.running) == (1, 30, 0)
    assert await lab.ctx.database.read(strays.beside, 11, since, until) == []
    assert await lab.ctx.database.read(strays.beside, 10, until, until + 1) == []
