"""Submissions of unknown outcome: the vendor's task is recognised, no stranger's is, and nothing is sent blindly."""

import asyncio
from typing import Any

import pytest

from jobs import life
from jobs.transitions import Event
from providers.contract import (
    Accepted,
    ErrorKind,
    Progress,
    ProviderError,
    Reason,
    Status,
    Trust,
)
from storage import alerts
from storage import jobs as job_facts
from storage.words import AlertKind, Entry, Job, State
from tests.jobs.lab import NO_ANSWER, NOT_FOUND, THROTTLED, Lab, done, status

HOUR = 3600
MINE: dict[str, Any] = {"prompt": "a boat", "model": "m1"}


class Answers(dict[str, Status]):
    """What a vendor knows of some tasks; it knows no others."""

    def __call__(self, task_id: str) -> Status:
        if task_id not in self:
            raise NOT_FOUND
        return self[task_id]


def only(task_id: str, **facts: Any) -> Answers:
    """Know one task, which succeeded."""
    return Answers({task_id: done(task_id, **facts)})


async def queued_again(lab: Lab) -> Job:
    """Order a video whose first submission went astray and whose second one is refused for ten minutes."""
    job = await lab.doubtful()
    for _ in range(3):
        lab.clock.forward(121)
        await lab.reconcile()
    lab.vendor.submits.then(ProviderError(ErrorKind.THROTTLED, Reason.BUSY, "429", retry_after=600))
    await lab.submit()
    job = await lab.now(job)
    assert (job.state, len(lab.vendor.submits.calls)) == (State.QUEUED, 2)
    return job


async def until_over(lab: Lab, job: Job) -> Job:
    """Let time pass, from one due moment to the next, until a job has ended."""
    for _ in range(1000):
        job = await lab.now(job)
        if job.state.terminal:
            return job
        assert job.due_at is not None
        await lab.round(max(job.due_at / 1000 - lab.clock.now, 0))
    raise AssertionError(f"no end in sight: {job}")


async def test_a_vendor_that_always_fails_is_sent_a_job_three_times_at_the_most_and_the_job_ends_in_time(
    lab: Lab,
) -> None:
    lab.timing(submit_deadline=3 * HOUR * 1000, absence_gap=600_000)
    job = await lab.order()
    lab.vendor.submits.always(NO_ANSWER)
    job = await until_over(lab, job)
    assert (job.state, len(lab.vendor.submits.calls)) == (State.EXPIRED, 3)
    assert job.deadline_at == job.created_at + 3 * HOUR * 1000
    assert lab.ctx.now() <= job.deadline_at + 600_000  # at the first look after it
    for _ in range(10):
        await lab.round(HOUR)
    assert len(lab.vendor.submits.calls) == 3


@pytest.mark.parametrize("submissions", [1, 3])
async def test_a_job_that_expired_in_doubt_keeps_its_hold_until_a_person_decides(lab: Lab, submissions: int) -> None:
    lab.timing(submit_deadline=HOUR * 1000, absence_gap=600_000)
    job = await lab.order()
    lab.vendor.submits.always(NO_ANSWER)
    if submissions == 1:
        lab.vendor.finds.always(NO_ANSWER)
    job = await until_over(lab, job)
    assert (job.state, len(lab.vendor.submits.calls)) == (State.EXPIRED, submissions)
    for _ in range(30):
        await lab.round(HOUR)
    assert await lab.entries(job) == [Entry.HOLD]
    assert (await lab.now(job)).due_at is None
    asked = lab.vendor.calls
    await lab.round(HOUR)
    assert lab.vendor.calls == asked
    [alert] = await lab.ctx.database.read(alerts.due, lab.ctx.now(), 10)
    assert (alert.kind, alert.job_id, alert.guild_id) == (AlertKind.DOUBT, job.id, job.guild_id)
    assert [one.id for one in await lab.ctx.database.read(job_facts.in_limbo)] == [job.id]
    for event, entry in ((Event.CLOSED, Entry.RELEASE), (Event.CHARGED, Entry.RELEASE)):  # the first word counts
        await life.happen(lab.ctx, job.id, event)
        assert await lab.entries(job) == [Entry.HOLD, entry]
    assert await lab.ctx.database.read(job_facts.in_limbo) == []


async def test_a_submission_that_was_throttled_does_not_count_as_one(lab: Lab) -> None:
    lab.timing(absence_gap=600_000)
    job = await lab.order()
    busy = [THROTTLED] * 3
    lab.vendor.submits.then(*busy, NO_ANSWER, *busy, NO_ANSWER, *busy, NO_ANSWER, Accepted("one too many"))
    job = await until_over(lab, job)
    assert len(lab.vendor.submits.calls) == 12
    assert (job.state, job.task_id) == (State.EXPIRED, None)


async def test_a_job_whose_second_submission_is_taken_is_an_ordinary_one(lab: Lab) -> None:
    job = await lab.order()
    lab.vendor.submits.then(NO_ANSWER, Accepted("task-2"))
    lab.vendor.queries.rule = done
    assert (await until_over(lab, job)).state is State.SUCCEEDED


async def test_a_second_submission_refused_as_a_bad_order_may_mean_that_the_first_one_arrived(lab: Lab) -> None:
    job = await lab.order()
    refusal = ProviderError(ErrorKind.REJECTED, Reason.BAD_ORDER, "400 this external id is taken")
    lab.vendor.submits.then(NO_ANSWER, refusal)
    lab.vendor.finds.then(None, None, None)
    lab.vendor.finds.rule = lambda reference: done("task-1", echo=reference)
    job = await until_over(lab, job)
    assert (job.state, job.task_id, len(lab.vendor.submits.calls)) == (State.SUCCEEDED, "task-1", 2)


async def test_a_first_submission_refused_as_a_bad_order_has_failed(lab: Lab) -> None:
    job = await lab.order()
    lab.vendor.submits.then(THROTTLED, ProviderError(ErrorKind.REJECTED, Reason.BAD_ORDER, "400"))
    job = await until_over(lab, job)
    assert (job.state, job.charged) == (State.FAILED, 0)
    assert await lab.entries(job) == [Entry.HOLD, Entry.RELEASE]


async def test_a_vendor_that_never_has_room_is_given_up_when_the_time_to_send_is_over(lab: Lab) -> None:
    lab.timing(submit_deadline=2 * HOUR * 1000)
    job = await lab.order()
    lab.vendor.submits.always(THROTTLED)
    job = await until_over(lab, job)
    assert (job.state, lab.ctx.now() >= job.created_at + 2 * HOUR * 1000) == (State.EXPIRED, True)
    assert await lab.entries(job) == [Entry.HOLD, Entry.RELEASE]


async def test_the_late_callback_of_a_first_submission_is_taken_up_while_the_job_waits_to_be_sent_again(
    lab: Lab,
) -> None:
    job = await queued_again(lab)
    lab.vendor.queries.rule = Answers({"task-1": status("task-1", **MINE)})
    await lab.ring(job, "task-1", Progress.RUNNING)
    await lab.settle()
    job = await lab.now(job)
    assert (job.state, job.task_id) == (State.PROCESSING, "task-1")
    for _ in range(5):
        await lab.round(600)
    assert len(lab.vendor.submits.calls) == 2
    lab.vendor.queries.rule = done
    await lab.round(600)
    assert (await lab.now(job)).state is State.SUCCEEDED


async def test_the_late_success_of_a_first_submission_ends_the_job_that_waits_to_be_sent_again(lab: Lab) -> None:
    job = await queued_again(lab)
    lab.vendor.queries.rule = only("task-1", **MINE)
    await lab.ring(job, "task-1")
    await lab.settle()
    job = await lab.now(job)
    assert (job.state, job.task_id) == (State.SUCCEEDED, "task-1")
    await lab.round(HOUR)
    assert len(lab.vendor.submits.calls) == 2


@pytest.mark.parametrize("cannot_find", [True, False])
async def test_forged_tasks_do_not_keep_the_genuine_one_away(lab: Lab, cannot_find: bool) -> None:
    lab.vendor.can_find = not cannot_find
    job = await lab.doubtful()
    lab.vendor.queries.rule = only("task-1", **MINE)
    for number in range(30):
        await lab.ring(job, f"forged-{number}")
    await lab.ring(job, "task-1")
    for number in range(30):
        await lab.ring(job, f"forged-again-{number}")
    for _ in range(16):  # four are asked about, then ten seconds pass
        await lab.settle()
        lab.clock.forward(10)
    job = await lab.now(job)
    assert (job.state, job.task_id) == (State.SUCCEEDED, "task-1")


@pytest.mark.parametrize("before", [1, 2, 5])
async def test_a_box_full_of_forged_rings_has_room_for_the_genuine_one_once_they_were_looked_at(
    lab: Lab, before: int
) -> None:
    lab.vendor.can_find = False
    job = await lab.doubtful()
    lab.vendor.queries.rule = only("task-1", **MINE)
    for _ in range(before):
        await lab.flood([job], 64)
        for _ in range(17):
            await lab.settle()
            lab.clock.forward(10)
    assert await lab.ring(job, "task-1")
    await lab.settle()
    job = await lab.now(job)
    assert (job.state, job.task_id) == (State.SUCCEEDED, "task-1")


async def test_rings_for_a_job_in_doubt_make_us_ask_four_times_in_ten_seconds_at_the_most(lab: Lab) -> None:
    lab.vendor.can_find = False
    job = await lab.doubtful()
    lab.vendor.queries.always(NOT_FOUND)
    for second in range(600):
        await lab.flood([job], 3)
        await lab.settle()
        lab.clock.forward(1)
        assert len(lab.vendor.queries.calls) <= 40 + 4 * (second // 10 + 1)
    assert len(lab.outcomes()) == 64


async def test_a_signed_callback_is_not_thrown_away_for_rings(lab: Lab) -> None:
    job = await lab.taken()
    await lab.ring(job, "task-1", Progress.RUNNING, trust=Trust.DATA)
    for _ in range(5):
        await lab.flood([job], 64)
        for _ in range(5):
            await lab.settle()
            lab.clock.forward(10)
    assert "data" in lab.trusts()
    assert len(lab.trusts()) == 64


async def test_a_forged_task_that_was_asked_about_first_does_not_keep_the_genuine_one_away(lab: Lab) -> None:
    job = await lab.doubtful()
    lab.vendor.queries.rule = only("task-1", **MINE)
    await lab.ring(job, "forged")
    await lab.settle()
    await lab.ring(job, "task-1")
    await lab.settle()
    assert (await lab.now(job)).task_id == "task-1"


async def test_the_task_of_another_job_does_not_keep_the_genuine_one_away(lab: Lab) -> None:
    other = await lab.taken()  # the same order, even
    job = await lab.doubtful()
    lab.vendor.queries.rule = Answers({"task-1": status("task-1", **MINE), "task-2": done("task-2", **MINE)})
    await lab.ring(job, "task-1")
    await lab.ring(job, "task-2")
    await lab.settle()
    job = await lab.now(job)
    assert (job.state, job.task_id) == (State.SUCCEEDED, "task-2")
    assert await lab.now(other) == other


@pytest.mark.parametrize(
    "facts",
    [
        {**MINE, "prompt": "another boat"},
        {**MINE, "prompt": None},  # a vendor that tells nothing proves nothing
        {**MINE, "model": "m2"},
        {**MINE, "created_at": -3_601.0},
        {**MINE, "echo": "another job"},
    ],
    ids=["prompt", "no prompt", "model", "made before the job", "echo"],
)
async def test_a_task_that_is_not_what_the_job_asked_for_is_not_taken_up(lab: Lab, facts: dict[str, Any]) -> None:
    job = await lab.doubtful()
    made = facts.pop("created_at", None)
    created_at = job.created_at / 1000 + made if isinstance(made, float) else None
    lab.vendor.queries.rule = only("task-1", created_at=created_at, **facts)
    lab.vendor.finds.always(lab.vendor.queries.rule("task-1"))
    await lab.ring(job, "task-1")
    await lab.round(121)
    assert lab.outcomes() == ["a task of somebody else"]
    job = await lab.now(job)
    assert (job.state, job.task_id) == (State.UNKNOWN, None)
    assert await lab.entries(job) == [Entry.HOLD]


@pytest.mark.parametrize(
    "facts",
    [
        {**MINE, "created_at": -3_599.0},  # clocks differ
        {**MINE, "model": None},
        {},  # a vendor that repeats nothing: its call at the job's own address must do
        {"echo": "mine"},
        {"echo": "mine", "prompt": "as the vendor has rewritten it"},
    ],
    ids=["made in time", "no model", "nothing", "echo", "echo and another prompt"],
)
async def test_a_task_that_is_what_the_job_asked_for_is_taken_up(lab: Lab, facts: dict[str, Any]) -> None:
    job = await lab.doubtful()
    made = facts.pop("created_at", None)
    if isinstance(made, float):
        facts["created_at"] = job.created_at / 1000 + made
    if "echo" in facts:
        facts["echo"] = job.code
    lab.vendor.queries.rule = only("task-1", **facts)
    await lab.ring(job, "task-1")
    await lab.settle()
    assert (await lab.now(job)).state is State.SUCCEEDED


async def test_callbacks_that_name_unknown_tasks_are_put_away_in_the_end(lab: Lab) -> None:
    lab.vendor.can_find = False
    job = await lab.doubtful()
    lab.vendor.queries.always(NOT_FOUND)
    for number in range(20):
        await lab.ring(job, f"forged-{number}")
    await lab.ring(job, "")
    for _ in range(20):
        await lab.round(60)
    assert None not in lab.outcomes()
    asked = lab.vendor.calls
    for _ in range(10):
        await lab.round(HOUR)
    assert lab.vendor.calls == asked


async def test_a_vendor_that_cannot_be_asked_for_an_hour_is_asked_again(lab: Lab) -> None:
    lab.vendor.can_find = False
    job = await lab.doubtful()
    lab.vendor.queries.always(NO_ANSWER)
    await lab.ring(job, "task-1")
    for _ in range(12):
        await lab.round(300)
    lab.vendor.queries.rule = only("task-1", **MINE)
    await lab.round(300)
    assert (await lab.now(job)).state is State.SUCCEEDED


async def test_one_failed_confirmation_does_not_lose_the_late_success_of_an_expired_job(lab: Lab) -> None:
    job = await lab.taken()
    await lab.round(7 * HOUR)
    for _ in range(30):
        await lab.round(HOUR)
    job = await lab.now(job)
    assert (job.state, job.due_at) == (State.EXPIRED, None)
    lab.vendor.queries.then(NO_ANSWER)
    lab.vendor.queries.rule = done
    await lab.ring(job, "task-1")
    await lab.round()
    await lab.round(300)
    assert (await lab.now(job)).state is State.SUCCEEDED
    assert await lab.entries(job) == [Entry.HOLD, Entry.RELEASE]  # what was given back is not taken again


async def test_hundreds_of_rings_at_jobs_on_the_wire_do_not_hold_up_the_callbacks_of_another(lab: Lab) -> None:
    slow = [await lab.order() for _ in range(9)]
    gates = [lab.vendor.submits.hold() for _ in slow]
    sending = asyncio.create_task(lab.submit())
    for gate in gates:
        await gate.reached.wait()
    assert await lab.flood(slow, 64) == 9 * 64
    job = await lab.taken()
    lab.vendor.queries.rule = done
    assert job.task_id is not None
    await lab.ring(job, job.task_id)
    await lab.settle()
    assert (await lab.now(job)).state is State.SUCCEEDED
    for number, gate in enumerate(gates):
        gate.say(Accepted(f"slow-{number}"))
    await sending


async def test_more_rings_than_any_vendor_makes_are_not_stored(lab: Lab) -> None:
    job, other = await lab.taken(), await lab.taken()
    assert await lab.flood([job], 520) == 64
    assert not await lab.ring(job, "task-1")
    assert await lab.ring(other, "task-2")
    lab.vendor.queries.rule = done
    await lab.settle()
    assert (await lab.now(other)).state is State.SUCCEEDED


async def test_a_look_reads_few_bodies_and_asks_once_about_a_job_that_is_rung_for_often(lab: Lab) -> None:
    job = await lab.taken()
    await lab.flood([job], 64)
    await lab.settle()
    assert lab.vendor.bodies_read <= 16
    assert len(lab.vendor.queries.calls) == 1
    for _ in range(5):
        await lab.settle()
    assert len(lab.vendor.queries.calls) == 1


async def test_a_stored_callback_is_acted_on_though_the_clock_was_set_back(lab: Lab) -> None:
    job = await lab.taken()
    await lab.ring(job, "task-1")
    lab.vendor.queries.rule = done
    lab.clock.forward(-HOUR)
    await lab.settle()
    assert (await lab.now(job)).state is State.SUCCEEDED


async def test_a_signed_callback_replayed_at_another_job_is_not_taken_at_its_word(lab: Lab) -> None:
    first, second = await lab.taken(), await lab.taken()
    await lab.ring(second, "task-1", trust=Trust.DATA)
    await lab.settle()
    assert (await lab.now(second)).state is State.PROCESSING
    assert await lab.now(first) == first
