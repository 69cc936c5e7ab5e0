"""A clock that was wrong for a while: nothing sleeps on because of it, and nothing is taken for not having arrived."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection

from jobs import clockwatch
from providers.contract import Status, Task
from storage import clocks, deliveries
from storage import jobs as job_facts
from storage.words import State
from tests.jobs.lab import THROTTLED, Lab, done, until

TEN_MINUTES = 600


async def test_a_doubtful_job_is_found_at_a_vendor_whose_clock_is_ten_minutes_behind_ours(lab: Lab) -> None:
    made_at = lab.clock.now - TEN_MINUTES

    async def find(task: Task, since: float, known: Collection[str] = ()) -> Status | None:
        return done("task-1", echo=task.reference, created_at=made_at) if made_at >= since else None

    lab.vendor.find = find
    job = await lab.doubtful()
    for _ in range(3):
        await lab.round(121)
    job = await lab.now(job)
    assert (job.state, job.task_id, len(lab.vendor.submits.calls)) == (State.SUCCEEDED, "task-1", 1)


async def test_a_doubtful_job_adopts_the_task_of_a_vendor_whose_clock_is_ten_minutes_behind_ours(lab: Lab) -> None:
    lab.vendor.can_find = False
    job = await lab.doubtful()
    made_at = lab.clock.now - TEN_MINUTES
    lab.vendor.queries.rule = lambda task: done(task, prompt="a boat", model="m1", created_at=made_at)
    await lab.ring(job, "task-1")
    await lab.settle()
    assert (await lab.now(job)).task_id == "task-1"


async def test_what_a_fast_clock_put_off_is_done_as_soon_as_a_program_starts_with_the_right_one(lab: Lab) -> None:
    lab.clock.forward(TEN_MINUTES)
    waits = await lab.order("waits to be sent")
    lab.vendor.submits.then(THROTTLED)
    await lab.submit()
    over = await lab.order("is over")
    await lab.submit()
    await lab.ring(over, "task-1")
    lab.vendor.queries.rule = done
    await lab.settle()
    await lab.ctx.database.write(deliveries.ready, over.id, lab.ctx.now())
    runs = await lab.taken("runs")
    lab.clock.forward(-TEN_MINUTES - 1)
    lab.vendor.queries.rule = done
    now = lab.ctx.now()
    assert await lab.ctx.database.read(deliveries.due, now, 9) == []

    await lab.ctx.database.write(clocks.set_right, now, lab.ctx.timing.longest_pause)

    due = await lab.ctx.database.read(deliveries.due, now, 9)
    assert [delivery.job_id for delivery in due] == [over.id]
    assert (await lab.output(over)).due_at == now
    cards = await lab.ctx.database.read(job_facts.cards_due, now, 0, 9)
    assert {card.id for card in cards} == {waits.id, over.id, runs.id}
    await lab.round()
    states = [(await lab.now(job)).state for job in (waits, runs)]
    assert states == [State.SUBMITTED, State.SUCCEEDED]


@contextlib.asynccontextmanager
async def watched(lab: Lab) -> AsyncGenerator[Callable[[], Awaitable[None]]]:
    """Watch the lab's clock beside one that stands still; what is given waits for two more looks."""
    looks = 0

    def steady() -> float:
        nonlocal looks
        looks += 1
        return 0.0

    async def two_looks() -> None:
        before = looks
        await until(lambda: looks >= before + 2)

    stopping = asyncio.Event()
    watching = asyncio.create_task(clockwatch.watch(lab.ctx, stopping, steady=steady, every=0.001))
    await two_looks()
    yield two_looks
    stopping.set()
    await watching


async def test_what_a_fast_clock_put_off_is_done_as_soon_as_it_is_set_back_while_the_program_runs(lab: Lab) -> None:
    async with watched(lab) as two_looks:
        for times in (1, 2):
            lab.clock.forward(TEN_MINUTES)
            await two_looks()
            lab.vendor.submits.then(THROTTLED)
            waits = await lab.order("waits to be sent")
            await lab.submit()
            lab.clock.forward(-TEN_MINUTES)
            await until(lambda: lab.logged("clock set back") == times)  # noqa: B023 -- waited for here
            assert await lab.submit()
            assert (await lab.now(waits)).state is State.SUBMITTED


async def test_a_clock_set_back_while_the_database_is_locked_is_seen_all_the_same(lab: Lab) -> None:
    async with watched(lab):
        with lab.locked():
            lab.clock.forward(-TEN_MINUTES)
            await until(lambda: lab.logged("clock set back, and the work not yet") > 0)
        await until(lambda: lab.logged("clock set back") == 1)


async def test_a_clock_that_goes_on_or_is_kept_right_is_left_alone(lab: Lab) -> None:
    job = await lab.taken()
    async with watched(lab) as two_looks:
        for seconds in (TEN_MINUTES, -0.4, -0.4, 1, -0.9):
            lab.clock.forward(seconds)
            await two_looks()
    assert lab.logged("clock set back") == 0
    assert (await lab.now(job)).due_at == job.due_at


async def test_what_waits_as_long_as_it_should_is_left_alone_by_a_start(lab: Lab) -> None:
    job = await lab.taken()
    await lab.ctx.database.write(clocks.set_right, lab.ctx.now(), lab.ctx.timing.longest_pause)
    assert (await lab.now(job)).due_at == job.due_at
