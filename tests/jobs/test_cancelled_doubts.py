"""A doubtful job that is given up: its hold is kept until it is certain that nothing was made, or a person decides."""

import pytest

from jobs.cancel import CancelOutcome
from jobs.doubts import decided
from providers.contract import Progress
from storage import alerts
from storage import jobs as job_facts
from storage.words import AlertKind, Entry, Job, State
from tests.jobs.lab import NO_ANSWER, RESULT, Lab, done, status

HOUR = 3600


async def given_up(lab: Lab, *, can_find: bool = False) -> Job:
    """Have a member cancel a job of which nobody knows whether its vendor took it."""
    lab.timing(submit_deadline=HOUR * 1000)
    lab.vendor.can_find = can_find
    job = await lab.doubtful()
    assert await lab.give_up(job) is CancelOutcome.ASKED
    return await lab.now(job)


async def hours(lab: Lab, job: Job, count: int) -> Job:
    for _ in range(count):
        await lab.round(HOUR)
    return await lab.now(job)


async def test_nobody_finds_out_and_its_credits_wait_for_a_person(lab: Lab) -> None:
    job = await given_up(lab)
    job = await hours(lab, job, 2)
    assert (job.state, job.charged) == (State.EXPIRED, None)
    job = await hours(lab, job, 30)
    assert await lab.entries(job) == [Entry.HOLD]
    assert (job.due_at, lab.vendor.cancels.calls) == (None, [])
    [alert] = await lab.ctx.database.read(alerts.due, lab.ctx.now(), 10)
    assert (alert.kind, alert.job_id) == (AlertKind.DOUBT, job.id)
    assert [one.id for one in await lab.ctx.database.read(job_facts.in_limbo)] == [job.id]


@pytest.mark.parametrize(("charge", "entry"), [(False, Entry.RELEASE), (True, Entry.SETTLE)])
async def test_a_person_decides_about_it_once(lab: Lab, charge: bool, entry: Entry) -> None:
    job = await hours(lab, await given_up(lab), 30)
    for _ in range(2):
        await lab.ctx.database.write(lambda connection: decided(connection, job.code, lab.ctx.now(), charge=charge))
    assert await lab.entries(job) == [Entry.HOLD, entry]


async def test_one_that_was_on_the_wire_when_it_was_given_up_keeps_its_hold_too(lab: Lab) -> None:
    lab.timing(submit_deadline=HOUR * 1000)
    lab.vendor.can_find = False
    job = await lab.given_up_on_the_wire(NO_ANSWER)
    job = await hours(lab, job, 3)
    assert (job.state, await lab.entries(job)) == (State.EXPIRED, [Entry.HOLD])


async def test_where_it_surely_never_arrived_its_credits_return(lab: Lab) -> None:
    job = await given_up(lab, can_find=True)
    for _ in range(4):
        await lab.round(121)
    job = await lab.now(job)
    assert job.state is State.CANCELLED
    assert await lab.entries(job) == [Entry.HOLD, Entry.RELEASE]
    assert len(lab.vendor.submits.calls) == 1


@pytest.mark.parametrize("after", [0, 3, 30], ids=["soon", "after its deadline", "after a person was asked"])
async def test_one_that_turns_up_is_stopped_and_its_credits_return(lab: Lab, after: int) -> None:
    job = await hours(lab, await given_up(lab), after)
    lab.vendor.queries.rule = lambda task: status(task, Progress.RUNNING, echo=job.code)
    await lab.ring(job, "task-1", Progress.RUNNING)
    await lab.round(1)
    await lab.round(1)
    assert lab.vendor.cancels.calls == ["task-1"]
    assert await lab.entries(job) == [Entry.HOLD]
    lab.vendor.queries.rule = lambda task: status(task, Progress.CANCELLED, echo=job.code, credits=0)
    await lab.ring(job, "task-1", Progress.CANCELLED)
    job = await hours(lab, job, 1)
    assert job.state.terminal
    assert await lab.entries(job) == [Entry.HOLD, Entry.RELEASE]
    assert lab.vendor.cancels.calls == ["task-1"]


@pytest.mark.parametrize("after", [0, 3, 30], ids=["soon", "after its deadline", "after a person was asked"])
async def test_a_result_that_comes_after_all_is_paid_and_kept_not_posted(lab: Lab, after: int) -> None:
    job = await hours(lab, await given_up(lab), after)
    lab.vendor.queries.rule = lambda task: done(task, echo=job.code)
    await lab.ring(job, "task-1")
    job = await hours(lab, job, 1)
    assert (job.state, job.charged) == (State.CANCELLED, 30)
    assert await lab.entries(job) == [Entry.HOLD, Entry.SETTLE]
    assert (await lab.output(job)).url == RESULT
    assert await lab.delivery(job) is None


async def test_what_comes_after_a_person_gave_the_credits_back_is_written_down_beside_the_books(lab: Lab) -> None:
    job = await hours(lab, await given_up(lab), 30)
    await lab.ctx.database.write(lambda connection: decided(connection, job.code, lab.ctx.now(), charge=False))
    lab.vendor.queries.rule = lambda task: done(task, echo=job.code)
    await lab.ring(job, "task-1")
    job = await hours(lab, job, 1)
    assert await lab.entries(job) == [Entry.HOLD, Entry.RELEASE]
    assert await lab.delivery(job) is None
    [stray] = await lab.strays(job)
    assert (stray.task_id, stray.credits) == ("task-1", 30)


async def test_a_late_twin_of_it_is_booked(lab: Lab) -> None:
    lab.timing(submit_deadline=HOUR * 1000)
    job = await lab.order()
    lab.vendor.submits.always(NO_ANSWER)
    await lab.submit()
    for _ in range(3):
        lab.clock.forward(121)
        await lab.reconcile()
    await lab.submit()
    assert len(lab.vendor.submits.calls) == 2
    await lab.give_up(job)
    job = await hours(lab, job, 3)
    assert (job.state, job.resent, await lab.entries(job)) == (State.EXPIRED, 1, [Entry.HOLD])
    lab.vendor.queries.rule = lambda task: done(task, echo=job.code)
    for task in ("task-1", "task-2"):
        await lab.ring(job, task)
        await lab.round(1)
    job = await hours(lab, job, 1)
    assert (job.state, job.charged) == (State.CANCELLED, 30)
    [stray] = await lab.strays(job)
    assert stray.credits == 30
    assert {stray.task_id, job.task_id} == {"task-1", "task-2"}
