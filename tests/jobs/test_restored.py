"""After a restore nothing is sent that may have been sent, no hold is given back, and everything is asked about."""

import pytest

from jobs import life
from jobs.restored import Aftermath, aftermath
from jobs.transitions import Event
from storage import Connection, alerts, deliveries, moderation
from storage import jobs as job_facts
from storage.words import AlertKind, DeliveryState, Entry, Job, State
from tests.jobs.lab import NO_ANSWER, Lab, done

HOUR = 3600


async def restored(lab: Lab) -> Aftermath:
    """Bring the database as it is now back, an hour later."""
    lab.clock.forward(HOUR)
    return await lab.ctx.database.write(aftermath, lab.ctx.now(), lab.ctx.timing)


async def put(lab: Lab, job: Job, state: State) -> None:
    await lab.ctx.database.write(job_facts.move, job, lab.ctx.now(), state, {})


async def test_a_job_that_was_sent_since_is_found_and_not_sent_again(lab: Lab) -> None:
    job = await lab.order()
    told = await restored(lab)
    assert ([one.id for one in told.doubts], (await lab.now(job)).state) == ([job.id], State.UNKNOWN)
    lab.vendor.finds.always(done("task-9", echo=job.code))
    await lab.round()
    assert lab.vendor.submits.calls == []
    after = await lab.now(job)
    assert (after.state, after.task_id, after.charged) == (State.SUCCEEDED, "task-9", 30)


async def test_a_job_that_surely_never_arrived_is_sent_once(lab: Lab) -> None:
    job = await lab.order()
    await restored(lab)
    for _ in range(4):
        await lab.round(121)
    assert lab.vendor.submits.calls == [job.code]
    assert (await lab.now(job)).task_id == "task-1"
    assert await lab.entries(job) == [Entry.HOLD]


async def test_a_job_that_would_have_been_given_up_by_now_is_looked_up_and_never_sent(lab: Lab) -> None:
    job = await lab.order()
    lab.clock.forward(25 * HOUR)  # it was sent, or refused, or given up since; its vendor may not list what is so old
    await restored(lab)
    for _ in range(60):
        await lab.round(HOUR)
    assert lab.vendor.submits.calls == []
    assert lab.vendor.finds.calls
    assert [one.id for one in await lab.ctx.database.read(job_facts.in_limbo)] == [job.id]
    assert await lab.entries(job) == [Entry.HOLD]


async def test_where_nobody_can_look_a_callback_or_a_person_decides(lab: Lab) -> None:
    lab.vendor.can_find = False
    job, other = await lab.order(), await lab.order()
    await restored(lab)
    lab.vendor.queries.always(done("task-7", prompt="a boat", model="m1"))
    await lab.ring(other, "task-7")
    for _ in range(60):
        await lab.round(HOUR)
    assert lab.vendor.submits.calls == []
    assert (await lab.now(other)).state is State.SUCCEEDED
    assert [one.id for one in await lab.ctx.database.read(job_facts.in_limbo)] == [job.id]
    assert await lab.entries(job) == [Entry.HOLD]


@pytest.mark.parametrize("state", [State.CONFIRMING, State.APPROVING])
async def test_what_nobody_had_agreed_to_is_looked_up_and_never_sent(lab: Lab, state: State) -> None:
    job = await lab.order()
    await put(lab, job, state)
    await restored(lab)
    for _ in range(60):
        await lab.round(HOUR)
    assert lab.vendor.submits.calls == []
    assert lab.vendor.finds.calls
    assert [one.id for one in await lab.ctx.database.read(job_facts.in_limbo)] == [job.id]
    assert await lab.entries(job) == [Entry.HOLD]


async def test_a_submission_on_the_wire_becomes_a_doubt(lab: Lab) -> None:
    job = await lab.order()
    await lab.ctx.database.write(
        lambda connection: life.advance(connection, job, Event.SUBMIT, lab.ctx.now(), lab.ctx.timing)
    )
    await restored(lab)
    assert (await lab.now(job)).state is State.UNKNOWN


async def test_jobs_at_vendors_are_asked_about_at_once(lab: Lab) -> None:
    taken = await lab.taken()
    lab.vendor.submits.then(NO_ANSWER)
    doubtful = await lab.order()
    await lab.submit()
    told = await restored(lab)
    assert told.asked == 2
    lab.vendor.queries.always(done("task-1"))
    await lab.reconcile()
    assert (await lab.now(taken)).state is State.SUCCEEDED
    assert lab.vendor.finds.calls == [doubtful.code]


async def test_results_of_before_are_possibly_posted_ones_of_after_are_not(lab: Lab) -> None:
    due, waiting, late = await lab.taken(), await lab.taken(), await lab.taken()

    def succeed(connection: Connection, job: Job, *, ready: bool) -> None:
        current = job_facts.by_id(connection, job.id)
        assert current is not None
        life.advance(connection, current, Event.SUCCEEDED, lab.ctx.now(), lab.ctx.timing)
        if not ready:
            deliveries._changed(connection, job.id, state="waiting", due_at=None)  # pyright: ignore[reportPrivateUsage]

    await lab.ctx.database.write(succeed, due, ready=True)
    await lab.ctx.database.write(succeed, waiting, ready=False)
    assert (await restored(lab)).results == 1
    await lab.ctx.database.write(deliveries.ready, waiting.id, lab.ctx.now())
    await lab.ctx.database.write(succeed, late, ready=True)
    lab.clock.forward(1)
    after = await lab.taken()
    await lab.ctx.database.write(succeed, after, ready=True)
    found = {one.job_id: one for one in await lab.ctx.database.read(deliveries.due, lab.ctx.now(), 9)}
    for job in (due, waiting, late):
        assert found[job.id].state is DeliveryState.POSTING
        assert found[job.id].first_tried_at == job.created_at
    assert found[after.id].state is DeliveryState.DUE


async def test_what_admins_may_have_been_told_is_not_told_again(lab: Lab) -> None:
    job = await lab.order()
    await lab.ctx.database.write(alerts.raised, job, AlertKind.CREDIT, lab.ctx.now())
    await lab.ctx.database.write(moderation.acted, 10, 30, "cancel", job.code, lab.ctx.now())
    told = await restored(lab)
    assert told.notices == 2
    assert await lab.ctx.database.read(alerts.due, lab.ctx.now(), 9) == []
    assert await lab.ctx.database.read(moderation.acts_due, lab.ctx.now(), 9) == []


async def test_twice_does_no_harm(lab: Lab) -> None:
    job = await lab.order()
    await restored(lab)
    told = await restored(lab)
    assert (told.doubts, told.asked) == ((), 1)
    assert (await lab.now(job)).state is State.UNKNOWN
