"""A program that dies while a submission is on the wire, and again: sent anew only where it surely never arrived."""

import asyncio

from jobs import submit
from storage.words import Entry, State
from tests.jobs.lab import NO_ANSWER, Lab, status


async def killed_while_sending(lab: Lab) -> None:
    """Let the program die while a submission is on the wire, and begin again; the vendor never had it."""
    gate = lab.vendor.submits.hold()
    sending = asyncio.create_task(lab.submit())
    await gate.reached.wait()
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)
    await submit.recover(lab.ctx)


async def test_a_job_that_surely_never_arrived_is_sent_again_after_a_second_kill_too(lab: Lab) -> None:
    job = await lab.order()
    for sent in (1, 2):
        await killed_while_sending(lab)
        assert ((await lab.now(job)).state, len(lab.vendor.submits.calls)) == (State.UNKNOWN, sent)
        for _ in range(3):
            lab.clock.forward(121)
            await lab.reconcile()
    await lab.submit()
    job = await lab.now(job)
    assert (job.state, len(lab.vendor.submits.calls)) == (State.SUBMITTED, 3)
    assert lab.vendor.submits.calls == [job.code] * 3  # by the same reference, so that all are found by it


async def test_one_that_cannot_be_looked_for_is_not_sent_again_after_any_kill(lab: Lab) -> None:
    lab.vendor.finds.always(NO_ANSWER)
    job = await lab.order()
    await killed_while_sending(lab)
    for _ in range(30):
        await lab.round(3600)
    assert len(lab.vendor.submits.calls) == 1
    assert await lab.entries(job) == [Entry.HOLD]


async def test_one_that_arrived_before_the_second_kill_is_found_and_not_sent_again(lab: Lab) -> None:
    job = await lab.order()
    await killed_while_sending(lab)
    for _ in range(3):
        lab.clock.forward(121)
        await lab.reconcile()
    await killed_while_sending(lab)
    lab.vendor.finds.always(status("task-2", echo=job.code))
    await lab.round(121)
    job = await lab.now(job)
    assert (job.task_id, len(lab.vendor.submits.calls)) == ("task-2", 2)


async def test_one_that_is_sent_no_more_is_looked_for_only_now_and_then(lab: Lab) -> None:
    await lab.order()
    for _ in range(3):
        await killed_while_sending(lab)
        for _ in range(3):
            lab.clock.forward(121)
            await lab.reconcile()
    before = len(lab.vendor.finds.calls)
    for _ in range(60):
        lab.clock.forward(60)
        await lab.reconcile()
    assert len(lab.vendor.submits.calls) == 3
    assert 25 <= len(lab.vendor.finds.calls) - before <= 30  # in an hour: once in two minutes
