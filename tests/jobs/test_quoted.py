"""What a vendor says a job will cost, when it takes it, is its figure where it says nothing at the end."""

from dataclasses import replace

import pytest

from providers.contract import Accepted, Progress
from storage import ledger
from storage.words import Entry, Job, State
from tests.jobs.lab import Lab, done, status


async def taken_for(lab: Lab, credits: int | None) -> Job:
    """Order a video for 40 credits, and have the vendor take it and name what it will cost."""
    lab.vendor.submits.then(Accepted("task-1", credits))
    return await lab.taken()


async def told(lab: Lab, job: Job) -> tuple[Entry, int, int | None]:
    """Say how a job's hold was closed, what came back, and which figure of the vendor's is kept."""
    closing = (await lab.ledger(job))[1]
    return closing.kind, closing.amount, closing.reported


async def ended(lab: Lab, job: Job, progress: Progress, credits: int | None) -> Job:
    made = done("task-1") if progress is Progress.SUCCEEDED else status("task-1", progress)
    lab.vendor.queries.always(replace(made, credits=credits))
    await lab.ring(job, "task-1", progress)
    await lab.settle()
    return await lab.now(job)


@pytest.mark.parametrize(
    ("quoted", "final", "charged", "reported"),
    [
        (25, None, 25, 25),
        (80, None, 40, 80),  # never more than was held; the figure is kept
        (0, None, 0, 0),
        (25, 30, 30, 30),  # the last word counts
        (25, 0, 0, 0),
        (None, None, 40, None),
    ],
)
async def test_a_success_is_charged_by_the_last_figure_the_vendor_named(
    lab: Lab, quoted: int | None, final: int | None, charged: int, reported: int | None
) -> None:
    job = await taken_for(lab, quoted)
    assert job.quoted == quoted
    job = await ended(lab, job, Progress.SUCCEEDED, final)
    assert (job.state, job.charged) == (State.SUCCEEDED, charged)
    assert await told(lab, job) == (Entry.SETTLE, 40 - charged, reported)


@pytest.mark.parametrize("progress", [Progress.FAILED, Progress.CANCELLED])
async def test_what_was_made_of_nothing_is_not_charged_by_what_it_would_have_cost(lab: Lab, progress: Progress) -> None:
    job = await ended(lab, await taken_for(lab, 25), progress, None)
    assert await told(lab, job) == (Entry.RELEASE, 40, None)


async def test_estimates_are_held_against_it(lab: Lab) -> None:
    await ended(lab, await taken_for(lab, 25), Progress.SUCCEEDED, None)
    [found] = await lab.ctx.database.read(ledger.drift, 0)
    assert (found.told, found.silent, found.held, found.reported) == (1, 0, 40, 25)
