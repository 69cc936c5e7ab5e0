"""Agreeing to a price: where a job begins, what a yes does, and that silence gives the credits back."""

import asyncio

import pytest

from jobs import consent
from jobs.consent import first_state
from storage import guilds
from storage.words import Entry, GuildSettings, Job, State
from tests.jobs.lab import PRICE, Lab


@pytest.mark.parametrize(
    ("confirm", "approve", "state"),
    [
        (None, None, State.QUEUED),
        (40, 40, State.QUEUED),
        (39, None, State.CONFIRMING),
        (39, 39, State.CONFIRMING),
        (None, 39, State.APPROVING),
        (40, 39, State.APPROVING),
        (0, 40, State.CONFIRMING),
    ],
)
def test_a_job_begins_where_its_price_puts_it(confirm: int | None, approve: int | None, state: State) -> None:
    assert first_state(GuildSettings(1, confirm_above=confirm, approve_above=approve), 40) is state


async def rules(lab: Lab, confirm: int | None, approve: int | None) -> None:
    settings = GuildSettings(10, confirm_above=confirm, approve_above=approve)
    await lab.ctx.database.write(guilds.decided, settings, lab.ctx.now())


@pytest.mark.parametrize(
    ("confirm", "approve", "patience"),
    [(PRICE - 1, None, "confirm_deadline"), (None, PRICE - 1, "approve_deadline")],
)
async def test_what_nobody_agrees_to_is_called_off_and_nothing_was_sent(
    lab: Lab, confirm: int | None, approve: int | None, patience: str
) -> None:
    await rules(lab, confirm, approve)
    job = await lab.order()
    await lab.submit()
    await lab.reconcile()
    wait = getattr(lab.ctx.timing, patience) / 1000
    lab.clock.forward(wait - 1)
    await lab.reconcile()
    assert (await lab.now(job)).state is job.state
    lab.clock.forward(2)
    await lab.reconcile()
    after = await lab.now(job)
    assert (after.state, after.cancelled_by, lab.vendor.calls) == (State.CANCELLED, None, 0)
    assert await lab.entries(job) == [Entry.HOLD, Entry.RELEASE]


async def test_after_a_yes_the_job_has_all_the_time_a_fresh_one_has(lab: Lab) -> None:
    await rules(lab, PRICE - 1, None)
    job = await lab.order()
    lab.clock.forward(lab.ctx.timing.confirm_deadline / 1000 - 1)
    after = await consent.agree(lab.ctx, job.id)
    assert isinstance(after, Job)
    assert after.deadline_at == lab.ctx.now() + lab.ctx.timing.submit_deadline
    await lab.submit()
    assert lab.vendor.calls == 1


async def test_a_yes_after_the_admins_lowered_their_price_goes_on_to_a_moderator(lab: Lab) -> None:
    await rules(lab, PRICE - 1, None)
    job = await lab.order()
    await rules(lab, PRICE - 1, PRICE - 1)
    after = await consent.agree(lab.ctx, job.id)
    assert isinstance(after, Job)
    assert after.state is State.APPROVING


async def test_yes_and_no_at_the_same_time_end_in_one_of_both(lab: Lab) -> None:
    await rules(lab, None, PRICE - 1)
    for number in range(8):
        job = await lab.order()
        both = (consent.approve(lab.ctx, job.id), lab.give_up(job))
        await asyncio.gather(*(both if number % 2 else reversed(both)))
        after = await lab.now(job)
        rows = await lab.entries(job)
        assert (after.state, rows) in [
            (State.CANCELLED, [Entry.HOLD, Entry.RELEASE]),
            (State.QUEUED, [Entry.HOLD]),
        ]
