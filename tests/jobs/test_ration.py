"""However many addresses a stranger knows, a vendor is asked so often; and who rings seldom never waits."""

from jobs.ration import Ration
from storage.words import State
from tests.jobs.lab import Lab, done

ACME = ("acme", None)


def test_an_allowance_is_used_up_and_grows_back_by_one_a_second() -> None:
    ration = Ration()
    assert [ration.take(ACME, 0) for _ in range(22)] == [True] * 20 + [False] * 2
    assert 0 < ration.wait(ACME, 0) <= 1001
    assert [ration.take(ACME, 1000) for _ in range(2)] == [True, False]
    assert sum(ration.take(ACME, 10**9) for _ in range(30)) == 20


def test_accounts_share_nothing() -> None:
    ration = Ration()
    while ration.take(ACME, 0):
        pass
    assert ration.take(("acme", 7), 0)
    assert ration.take(("brand", None), 0)


def test_a_clock_set_back_gives_nothing_and_takes_nothing() -> None:
    ration = Ration()
    while ration.take(ACME, 50_000):
        pass
    assert not ration.take(ACME, 1_000)
    assert ration.take(ACME, 2_000)


def test_accounts_without_end_are_not_remembered_without_end() -> None:
    ration = Ration()
    for number in range(10_000):
        assert ration.take(("acme", number), number * 1000)
    assert len(ration._left) <= 4096 + 1  # pyright: ignore[reportPrivateUsage] -- a leak shows nowhere else


async def test_rings_for_many_jobs_make_us_ask_a_burst_and_then_once_a_second(lab: Lab) -> None:
    """The pause of each job alone would let sixty questions through at a time."""
    jobs = [await lab.taken(f"boat {number}") for number in range(60)]
    await lab.flood(jobs, 10)
    for _ in range(10):
        await lab.settle()
    assert len(lab.vendor.queries.calls) == 20
    for second in range(1, 60):
        lab.clock.forward(1)
        await lab.settle()
        assert len(lab.vendor.queries.calls) <= 20 + second + 1
    assert len(lab.vendor.queries.calls) >= 60  # nobody's rings are forgotten


async def test_a_job_that_rings_as_seldom_as_vendors_do_never_waits_for_it(lab: Lab) -> None:
    strange = [await lab.taken(f"boat {number}") for number in range(40)]
    await lab.flood(strange, 10)
    for _ in range(5):
        await lab.settle()
    assert not lab.ctx.ration.take((lab.vendor.name, None), lab.ctx.now())
    lab.vendor.queries.rule = done
    honest = [await lab.taken(f"honest {number}") for number in range(30)]
    for job in honest:
        assert job.task_id
        await lab.ring(job, job.task_id)
    for _ in range(6):
        await lab.settle()
    assert {(await lab.now(job)).state for job in honest} == {State.SUCCEEDED}


async def test_a_job_that_is_over_has_nothing_asked_about_it(lab: Lab) -> None:
    job = await lab.taken()
    lab.vendor.queries.rule = done
    await lab.ring(job, "task-1")
    await lab.settle()
    assert (await lab.now(job)).state is State.SUCCEEDED
    asked = len(lab.vendor.queries.calls)
    await lab.flood([job], 64)
    await lab.settle()
    assert len(lab.vendor.queries.calls) == asked
