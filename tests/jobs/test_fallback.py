"""A job that its vendor surely did not take may go to another one: where admins allow it, and never after a doubt."""

import asyncio
from dataclasses import replace

import pytest

from providers.contract import Accepted, ErrorKind, Progress, ProviderError, Reason
from storage import alerts, guilds
from storage.words import AlertKind, Entry, GuildSettings, Job, Period, Scope, State
from tests.jobs.lab import THROTTLED, Lab, Vendor, done

DOWN = ProviderError(ErrorKind.NOT_SENT, Reason.VENDOR, "no connection")
OTHER_PRICE = 55


class Other(Vendor):
    """A second, dearer vendor."""

    name = "other"
    title = "Other"

    def price(self, order: object) -> int | None:
        return OTHER_PRICE


@pytest.fixture
async def other(lab: Lab) -> Other:
    vendor = Other()
    lab.ctx = replace(lab.ctx, providers={**lab.ctx.providers, vendor.name: vendor})
    await lab.ctx.database.write(guilds.decided, GuildSettings(10, fallback=True), lab.ctx.now())
    return vendor


async def amounts(lab: Lab, job: Job) -> list[tuple[Entry, int]]:
    return [(row.kind, row.amount) for row in await lab.ledger(job)]


@pytest.mark.parametrize("trouble", [THROTTLED, DOWN], ids=["too busy", "down"])
async def test_the_next_vendor_takes_what_the_first_one_surely_did_not(
    lab: Lab, other: Other, trouble: ProviderError
) -> None:
    job = await lab.order()
    lab.vendor.submits.then(trouble)
    await lab.submit()
    await lab.submit()
    job = await lab.now(job)
    assert (job.state, job.provider, job.tried, job.price) == (State.SUBMITTED, "other", ("edge",), OTHER_PRICE)
    assert await amounts(lab, job) == [(Entry.HOLD, -OTHER_PRICE)]
    assert (len(lab.vendor.submits.calls), len(other.submits.calls)) == (1, 1)


async def test_where_admins_have_not_allowed_it_the_vendor_is_waited_for(lab: Lab, other: Other) -> None:
    await lab.ctx.database.write(guilds.decided, GuildSettings(10), lab.ctx.now())
    job = await lab.order()
    lab.vendor.submits.then(THROTTLED)
    await lab.submit()
    assert not await lab.submit()
    job = await lab.now(job)
    assert (job.state, job.provider, job.tried, other.calls) == (State.QUEUED, "edge", (), 0)


async def test_a_vendor_the_member_named_is_not_replaced(lab: Lab, other: Other) -> None:
    job = await lab.order(wanted="edge")
    lab.vendor.submits.then(THROTTLED)
    await lab.submit()
    assert ((await lab.now(job)).provider, other.calls) == ("edge", 0)


async def test_nothing_goes_elsewhere_after_an_unknown_outcome(lab: Lab, other: Other) -> None:
    lab.timing(absence_gap=1)
    job = await lab.doubtful()
    lab.vendor.submits.then(THROTTLED)
    for _ in range(4):
        await lab.round(200)
    job = await lab.now(job)
    assert (job.resent, len(lab.vendor.submits.calls) > 1) == (1, True)  # surely absent, so sent once more
    assert (job.provider, job.tried, other.calls) == ("edge", (), 0)


async def test_a_budget_that_does_not_reach_for_the_next_vendor_leaves_the_job_where_it_is(
    lab: Lab, other: Other
) -> None:
    await lab.ctx.database.write(guilds.budget_set, 10, Scope.GUILD, 0, Period.MONTH, 50)
    await lab.ctx.database.write(guilds.decided, GuildSettings(10, fallback=True), lab.ctx.now())
    job = await lab.order()
    lab.vendor.submits.then(THROTTLED)
    await lab.submit()
    assert ((await lab.now(job)).provider, other.calls) == ("edge", 0)
    assert await amounts(lab, job) == [(Entry.HOLD, -40)]


@pytest.mark.parametrize("limit", ["confirm_above", "approve_above"])
@pytest.mark.parametrize(("above", "stays"), [(40, True), (54, True), (55, False), (39, False)])
async def test_a_job_is_not_made_dearer_than_what_nobody_had_to_agree_to(
    lab: Lab, other: Other, limit: str, above: int, stays: bool
) -> None:
    job = await lab.order()
    settings = replace(GuildSettings(10, fallback=True), **{limit: above})
    await lab.ctx.database.write(guilds.decided, settings, lab.ctx.now())
    lab.vendor.submits.then(THROTTLED)
    await lab.submit()
    job = await lab.now(job)
    assert (job.state, job.provider) == (State.QUEUED, "edge" if stays else "other")
    assert await amounts(lab, job) == [(Entry.HOLD, -40 if stays else -OTHER_PRICE)]


async def test_each_vendor_is_tried_once_and_the_last_one_is_waited_for(lab: Lab, other: Other) -> None:
    job = await lab.order()
    lab.vendor.submits.then(DOWN)
    other.submits.then(DOWN, Accepted("late"))
    await lab.submit()
    await lab.submit()
    job = await lab.now(job)
    assert (job.state, job.provider) == (State.QUEUED, "other")
    await lab.round(10)
    assert (await lab.now(job)).task_id == "late"


async def test_a_callback_at_the_address_of_the_vendor_before_changes_nothing(lab: Lab, other: Other) -> None:
    job = await lab.order()
    lab.vendor.submits.then(THROTTLED)
    await lab.submit()
    await lab.submit()
    await lab.ring(job, "task-9")
    await lab.settle()
    assert lab.outcomes() == ["the job is at another vendor"]
    assert other.queries.calls == []
    assert (await lab.now(job)).state is State.SUBMITTED


async def told(lab: Lab) -> list[tuple[AlertKind, str]]:
    return [(one.kind, one.provider) for one in await lab.ctx.database.read(alerts.due, lab.ctx.now(), 10)]


@pytest.mark.parametrize(
    ("progress", "alerted"), [(Progress.SUCCEEDED, True), (Progress.RUNNING, True), (Progress.FAILED, False)]
)
async def test_admins_are_told_once_when_the_vendor_before_seems_to_have_made_it_too(
    lab: Lab, other: Other, progress: Progress, alerted: bool
) -> None:
    job = await lab.order()
    lab.vendor.submits.then(THROTTLED)
    await lab.submit()
    await lab.submit()
    for _ in range(2):
        await lab.ring(job, "task-9", progress)
        await lab.settle()
    assert await told(lab) == ([(AlertKind.TWICE, "edge")] if alerted else [])
    assert (lab.logged("perhaps made by two vendors") > 0) is alerted


@pytest.mark.parametrize("sent", [True, False], ids=["on the wire to the next", "not sent to the next yet"])
async def test_the_answer_of_the_vendor_before_is_not_taken_for_one_of_the_next(
    lab: Lab, other: Other, sent: bool
) -> None:
    await lab.ctx.database.write(guilds.decided, GuildSettings(10, fallback=False), lab.ctx.now())
    job = await lab.order()
    lab.vendor.submits.then(THROTTLED, THROTTLED)
    await lab.submit()  # turned away, and yet the vendor calls back
    await lab.ring(job, "task-9")
    question = lab.vendor.queries.hold()
    settling = asyncio.create_task(lab.settle())
    await question.reached.wait()
    await lab.ctx.database.write(guilds.decided, GuildSettings(10, fallback=True), lab.ctx.now())
    lab.clock.forward(10)
    await lab.submit()
    assert (await lab.now(job)).provider == "other"
    sending = other.submits.hold()
    submitting = asyncio.create_task(lab.submit())
    await sending.reached.wait()
    if not sent:
        sending.fail(THROTTLED)
        await submitting
    before = await lab.now(job)
    question.say(done("task-9"))
    await settling
    assert await lab.now(job) == before
    assert lab.outcomes() == ["the job is at another vendor"]
    assert await told(lab) == [(AlertKind.TWICE, "edge")]
    if sent:
        sending.say(Accepted("task-1"))
        await submitting
        assert (await lab.now(job)).task_id == "task-1"


async def test_a_job_cancelled_while_it_was_turned_away_goes_nowhere(lab: Lab, other: Other) -> None:
    job = await lab.order()
    held = lab.vendor.submits.hold()
    sending = asyncio.create_task(lab.submit())
    await held.reached.wait()
    await lab.give_up(job)
    held.fail(THROTTLED)
    await sending
    job = await lab.now(job)
    assert (job.state, job.provider, other.calls) == (State.CANCELLED, "edge", 0)
    assert await amounts(lab, job) == [(Entry.HOLD, -40), (Entry.RELEASE, 40)]
