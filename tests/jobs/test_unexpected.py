"""A vendor's answer that cannot be stored: its job waits its turn, holds up no other, and ends with its deadline."""

from structlog.testing import capture_logs

from providers.contract import OutputLink
from storage.words import Entry, State
from tests.jobs.lab import Lab, done

HOUR = 3600
# A lone surrogate, which no adapter lets through and no database takes: it stands for what nobody has thought of.
UNSTORABLE = OutputLink("https://results.example/\ud800.mp4")


async def test_jobs_whose_news_cannot_be_stored_do_not_keep_another_waiting(lab: Lab) -> None:
    jobs = [await lab.taken() for _ in range(17)]  # one more than there are hands
    good = jobs[-1]
    lab.vendor.queries.rule = lambda task: done(task) if task == good.task_id else done(task, outputs=(UNSTORABLE,))
    for job in jobs:
        assert job.task_id is not None
        await lab.ring(job, job.task_id)
    with capture_logs() as log:
        await lab.settle()
        await lab.settle()
        assert not await lab.settle()  # the others are not due again at once
    assert (await lab.now(good)).state is State.SUCCEEDED
    assert [line["event"] for line in log if line["log_level"] == "error"] == ["callbacks not acted on"] * 16


async def test_a_job_whose_news_can_never_be_stored_is_asked_about_ever_less_and_expires(lab: Lab) -> None:
    job = await lab.taken()
    lab.vendor.queries.always(done("task-1", outputs=(UNSTORABLE,)))
    await lab.ring(job, "task-1")
    with capture_logs():
        for _ in range(60):
            await lab.round(1)
        assert len(lab.vendor.queries.calls) < 10
        for _ in range(8):
            await lab.round(HOUR)
        assert (await lab.now(job)).state is State.EXPIRED
        for _ in range(30):
            await lab.round(HOUR)
        assert lab.outcomes() == ["given up: it could not be acted on"]
        assert await lab.entries(job) == [Entry.HOLD, Entry.RELEASE]
        calls = lab.vendor.calls
        await lab.round(HOUR)
        assert lab.vendor.calls == calls


async def test_news_that_can_be_stored_after_all_is_taken_in(lab: Lab) -> None:
    job = await lab.taken()
    lab.vendor.queries.then(done("task-1", outputs=(UNSTORABLE,)))
    lab.vendor.queries.always(done("task-1"))
    await lab.ring(job, "task-1")
    with capture_logs():
        await lab.settle()
    lab.clock.forward(2)
    await lab.settle()
    assert (await lab.now(job)).state is State.SUCCEEDED


async def test_an_overdue_job_whose_news_cannot_be_stored_does_not_stop_the_ones_behind_it(lab: Lab) -> None:
    jobs = [await lab.taken() for _ in range(9)]  # one more than there are hands
    good = jobs[-1]
    lab.vendor.queries.rule = lambda task: done(task) if task == good.task_id else done(task, outputs=(UNSTORABLE,))
    lab.clock.forward(600)
    with capture_logs() as log:
        await lab.reconcile()
        await lab.reconcile()
        assert not await lab.reconcile()
    assert (await lab.now(good)).state is State.SUCCEEDED
    assert {line["event"] for line in log if line["log_level"] == "error"} == {"job not asked about"}
