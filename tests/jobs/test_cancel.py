"""Cancelling: the vendor hears of it once whenever the member presses, and the money is counted once whatever races."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, create_engine

from jobs.cancel import CancelOutcome
from jobs.context import Timing
from jobs.life import advance
from jobs.transitions import Event
from providers.contract import Accepted, ErrorKind, OutputLink, Progress, ProviderError, Reason
from storage import deliveries, ledger, outputs
from storage import jobs as job_facts
from storage.tables import metadata
from storage.words import Entry, Job, State
from tests.jobs.lab import NO_ANSWER, NOT_FOUND, PRICE, RESULT, THROTTLED, Gate, Lab, done, status
from tests.samples_of import NOON, a_job

HOUR = 3600
NOT_SENT = ProviderError(ErrorKind.NOT_SENT, Reason.VENDOR, "no connection")
TOO_LATE = ProviderError(ErrorKind.REJECTED, Reason.BAD_ORDER, "already rendering")


async def later(lab: Lab, job: Job) -> Job:
    """Let an hour pass in small steps, and read the job."""
    for _ in range(30):
        await lab.round(120)
    return await lab.now(job)


async def called_off(lab: Lab, job: Job, task_id: str = "task-1") -> None:
    """Check that a job given up was told to the vendor once, and ends when the vendor confirms."""
    job = await later(lab, job)
    assert (job.state, lab.vendor.cancels.calls) == (State.CANCELLING, [task_id])
    lab.vendor.queries.rule = lambda task: status(task, Progress.CANCELLED, credits=0)
    job = await later(lab, job)
    assert (job.state, job.due_at, job.charged) == (State.CANCELLED, None, 0)
    assert await lab.entries(job) == [Entry.HOLD, Entry.RELEASE]
    assert lab.vendor.cancels.calls == [task_id]


async def test_a_job_given_up_at_the_vendor_is_told_to_it_once(lab: Lab) -> None:
    job = await lab.taken()
    assert await lab.give_up(job) is CancelOutcome.ASKED
    assert await lab.give_up(job) is CancelOutcome.OVER
    await called_off(lab, job)


async def test_a_job_given_up_before_it_was_sent_costs_nothing_and_nobody_hears_of_it(lab: Lab) -> None:
    job = await lab.order()
    assert await lab.give_up(job) is CancelOutcome.CANCELLED
    job = await later(lab, job)
    assert (job.state, lab.vendor.calls) == (State.CANCELLED, 0)
    assert await lab.entries(job) == [Entry.HOLD, Entry.RELEASE]


@pytest.mark.parametrize("can_find", [True, False])
async def test_pressed_while_the_submission_is_on_the_wire(lab: Lab, can_find: bool) -> None:
    lab.vendor.can_find = can_find
    job = await lab.order()
    gate = lab.vendor.submits.hold()
    sending = asyncio.create_task(lab.submit())
    await gate.reached.wait()
    lab.clock.forward(1)
    assert await lab.give_up(job) is CancelOutcome.ASKED
    await lab.round()
    await lab.round(20)
    assert lab.vendor.cancels.calls == []  # there is no task to speak of
    lab.clock.forward(1)
    gate.say(Accepted("task-1"))
    await sending
    await lab.reconcile()
    assert lab.vendor.cancels.calls == ["task-1"]  # at once
    await called_off(lab, job)


async def test_pressed_while_a_submission_that_goes_astray_is_on_the_wire(lab: Lab) -> None:
    job = await lab.given_up_on_the_wire(NO_ANSWER)
    lab.vendor.finds.always(status("task-1", echo=job.code))
    await called_off(lab, job)


@pytest.mark.parametrize("refusal", [THROTTLED, NOT_SENT])
async def test_pressed_while_a_submission_that_is_not_taken_is_on_the_wire(lab: Lab, refusal: Exception) -> None:
    job = await lab.given_up_on_the_wire(refusal)
    job = await later(lab, job)
    assert (job.state, lab.vendor.submits.calls, lab.vendor.cancels.calls) == (State.CANCELLED, [job.code], [])
    assert await lab.entries(job) == [Entry.HOLD, Entry.RELEASE]


@pytest.mark.parametrize("progress", [Progress.WAITING, Progress.RUNNING, None])
async def test_pressed_while_reconcile_asks(lab: Lab, progress: Progress | None) -> None:
    job = await lab.taken()
    lab.clock.forward(121)
    gate = lab.vendor.queries.hold()
    asking = asyncio.create_task(lab.reconcile())
    await gate.reached.wait()
    lab.clock.forward(1)
    await lab.give_up(job)
    lab.clock.forward(1)
    if progress is None:
        gate.fail(NO_ANSWER)
    else:
        gate.say(status("task-1", progress))
    await asking
    await lab.reconcile()
    assert lab.vendor.cancels.calls == ["task-1"]  # at once
    await called_off(lab, job)


async def test_news_between_the_press_and_the_loop_do_not_put_the_cancel_off(lab: Lab) -> None:
    job = await lab.taken()
    await lab.give_up(job)
    lab.clock.forward(1)
    await lab.ring(job, "task-1", Progress.RUNNING)
    await lab.settle()
    await lab.reconcile()
    assert lab.vendor.cancels.calls == ["task-1"]
    await called_off(lab, job)


@pytest.mark.parametrize("trouble", [THROTTLED, NOT_SENT, NO_ANSWER], ids=["throttled", "not sent", "no answer"])
async def test_a_cancel_the_vendor_has_not_understood_is_sent_again_until_it_has(lab: Lab, trouble: Exception) -> None:
    job = await lab.taken()
    lab.vendor.cancels.then(trouble, trouble)
    await lab.give_up(job)
    await lab.reconcile()
    assert not await lab.reconcile()  # not at once
    await lab.ring(job, "task-1", Progress.RUNNING)  # and news in between do not make it forgotten
    job = await later(lab, job)
    assert (job.state, lab.vendor.cancels.calls) == (State.CANCELLING, ["task-1"] * 3)


async def test_a_cancel_waits_as_long_as_a_throttling_vendor_says(lab: Lab) -> None:
    job = await lab.taken()
    lab.vendor.cancels.then(ProviderError(ErrorKind.THROTTLED, Reason.BUSY, "429", retry_after=300))
    await lab.give_up(job)
    await lab.reconcile()
    await lab.round(299)
    assert len(lab.vendor.cancels.calls) == 1
    await lab.round(2)
    assert len(lab.vendor.cancels.calls) == 2


@pytest.mark.parametrize("refusal", [TOO_LATE, NOT_FOUND], ids=["too late", "not found"])
async def test_a_cancel_refused_as_too_late_is_not_repeated_and_the_result_is_kept(
    lab: Lab, refusal: Exception
) -> None:
    job = await lab.taken()
    lab.vendor.cancels.always(refusal)
    await lab.give_up(job)
    job = await later(lab, job)
    assert (job.state, lab.vendor.cancels.calls) == (State.CANCELLING, ["task-1"])
    lab.vendor.queries.rule = done
    job = await later(lab, job)
    assert (job.state, job.charged, lab.vendor.cancels.calls) == (State.CANCELLED, 30, ["task-1"])
    assert (await lab.output(job)).url == RESULT
    assert await lab.delivery(job) is None


async def test_a_vendor_that_cannot_cancel_is_told_nothing_and_asked_at_leisure(lab: Lab) -> None:
    lab.vendor.stoppable = False
    job = await lab.taken()
    assert await lab.give_up(job) is CancelOutcome.CANNOT
    assert await lab.reconcile()
    for _ in range(5):
        assert not await lab.reconcile()
    job = await later(lab, job)
    assert (job.state, lab.vendor.cancels.calls) == (State.CANCELLING, [])
    assert len(lab.vendor.queries.calls) <= 40


@pytest.mark.parametrize("through", ["callback", "question"])
async def test_a_success_during_the_cancel_is_paid_once_and_kept(lab: Lab, through: str) -> None:
    job = await lab.taken()
    await lab.give_up(job)
    gate: Gate[None] = lab.vendor.cancels.hold()
    stopping = asyncio.create_task(lab.reconcile())
    await gate.reached.wait()
    lab.vendor.queries.rule = done
    if through == "callback":
        await lab.ring(job, "task-1")
        await lab.settle()
    gate.say(None)
    await stopping
    job = await later(lab, job)
    assert (job.state, job.due_at, job.charged) == (State.CANCELLED, None, 30)
    assert await lab.entries(job) == [Entry.HOLD, Entry.SETTLE]
    assert (await lab.output(job)).url == RESULT
    assert lab.vendor.cancels.calls == ["task-1"]


async def test_a_cancel_that_comes_after_the_success_changes_nothing(lab: Lab) -> None:
    job = await lab.taken()
    lab.vendor.queries.rule = done
    await lab.ring(job, "task-1")
    await lab.settle()
    job = await lab.now(job)
    assert await lab.give_up(job) is CancelOutcome.OVER
    await lab.reconcile()
    assert await lab.now(job) == job
    assert lab.vendor.cancels.calls == []


async def test_a_vendor_that_confirms_no_cancel_holds_the_credits_no_longer_than_the_deadline(lab: Lab) -> None:
    job = await lab.taken()
    await lab.give_up(job)
    for _ in range(7):
        await lab.round(HOUR)
    job = await lab.now(job)
    assert (job.state, job.due_at) == (State.CANCELLED, None)
    assert await lab.entries(job) == [Entry.HOLD, Entry.RELEASE]


@pytest.mark.parametrize("trouble", [NO_ANSWER, THROTTLED, NOT_SENT], ids=["no answer", "throttled", "not sent"])
async def test_a_job_whose_cancel_is_never_understood_is_asked_about_all_the_same(lab: Lab, trouble: Exception) -> None:
    job = await lab.taken()
    lab.vendor.cancels.always(trouble)
    lab.vendor.queries.rule = done
    await lab.give_up(job)
    job = await later(lab, job)
    assert (job.state, job.charged) == (State.CANCELLED, 30)
    assert await lab.entries(job) == [Entry.HOLD, Entry.SETTLE]


async def test_a_cancel_nobody_understands_is_tried_ever_more_rarely_and_ends_with_the_deadline(lab: Lab) -> None:
    job = await lab.taken()
    lab.vendor.cancels.always(NO_ANSWER)
    await lab.give_up(job)
    for _ in range(370):
        await lab.round(60)
    job = await lab.now(job)
    assert (job.state, job.charged) == (State.CANCELLED, 0)
    assert 10 < len(lab.vendor.cancels.calls) == len(lab.vendor.queries.calls) < 120


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    yield engine
    engine.dispose()


Step = tuple[Event, int | None]  # what happens, and the vendor's own figure
SENT = [Event.SUBMIT, Event.ACCEPTED]
BEFORE = [  # how far a job is when things begin to happen at random
    [],
    [Event.SUBMIT],
    [Event.SUBMIT, Event.UNCLEAR],
    SENT,
    [*SENT, Event.RUNNING],
    [*SENT, Event.CANCEL],
    [*SENT, Event.SUCCEEDED],
    [*SENT, Event.SILENT],
]
STEPS = st.lists(st.tuples(st.sampled_from(list(Event)), st.none() | st.integers(-5, 2 * PRICE)), max_size=10)
AN_END: list[Step] = [(Event.UNCLEAR, None), (Event.SILENT, None), (Event.CLOSED, None)]  # what time does to any job


@given(before=st.sampled_from(BEFORE), steps=STEPS)
@settings(max_examples=200)
def test_whatever_happens_in_whatever_order_a_job_ends_once_and_its_credits_are_counted_once(
    engine: Engine, before: list[Event], steps: list[Step]
) -> None:
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")  # the driver would begin with the first change, within a savepoint
        job = a_job(price=PRICE)
        assert job_facts.held(connection, job) is None
        begun: list[Step] = [(event, None) for event in before]
        for now, (event, credits) in enumerate([*begun, *steps, *AN_END, *steps, *AN_END], NOON):
            job = happen(connection, job, event, now, credits)
        assert job.state.terminal
        assert job.due_at is None
        assert len(closing(connection, job)) == 1


def happen(connection: Connection, job: Job, event: Event, now: int, credits: int | None) -> Job:
    """Let an event happen, and check what must hold after each."""
    links = [OutputLink(RESULT)] if event is Event.SUCCEEDED else []
    facts: dict[str, Any] = {"task_id": "task-1"} if event is Event.ACCEPTED else {}
    after = advance(connection, job, event, now, Timing(), credits=credits, links=links, **facts)
    kept(connection, job, after)
    return after or job


def kept(connection: Connection, before: Job, after: Job | None) -> None:
    """Check what must hold after each step."""
    job = after or before
    if after is None:
        assert job_facts.by_id(connection, before.id) == before
    elif before.state.terminal:
        assert before.state is State.EXPIRED
        assert after.state in {State.EXPIRED, State.SUCCEEDED}
    assert (job.due_at is not None) or job.state.terminal
    assert not (job.due_at is not None and job.state.terminal and job.state is not State.EXPIRED)
    closed = closing(connection, job)
    assert len(closed) <= 1
    assert bool(closed) == (job.charged is not None)
    assert bool(closed) or job.state is State.EXPIRED or not job.state.terminal
    assert balance(connection, job) == -(PRICE if job.charged is None else job.charged)
    assert len(outputs.of_job(connection, job.id)) <= 1
    posted = deliveries.of_job(connection, job.id) is not None
    assert posted == (job.state is State.SUCCEEDED)


def closing(connection: Connection, job: Job) -> list[Entry]:
    return [row.kind for row in ledger.of_job(connection, job.id) if row.kind is not Entry.HOLD]


def balance(connection: Connection, job: Job) -> int:
    return sum(row.amount for row in ledger.of_job(connection, job.id))
