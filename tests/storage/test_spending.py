"""What a server spent is counted by the day it was asked for, each credit once, open holds apart."""

from storage import Database, jobs, ledger, limits, spending
from storage.spending import DAY, Line, Spent
from storage.words import Job, Period, State
from tests.samples_of import NOON, a_job

SINCE = limits.start_of(NOON, Period.MONTH)
UNTIL = limits.end_of(NOON, Period.MONTH)


async def stored(database: Database, job: Job, *, reported: int | None = None, how: str = "settle") -> None:
    assert await database.write(jobs.held, job) is None
    if how == "settle":
        await database.write(ledger.settle, job, NOON + 40 * DAY, reported)
    elif how == "release":
        await database.write(ledger.release, job, NOON + 40 * DAY)


async def test_each_kind_of_credit_is_summed_by_day_member_vendor_and_operation(database: Database) -> None:
    await stored(database, a_job(1), reported=30)
    await stored(database, a_job(2))
    await stored(database, a_job(3), reported=90)
    await stored(database, a_job(4), how="open")
    await stored(database, a_job(5), how="release")
    day = (NOON - SINCE) // DAY
    [one] = await database.read(spending.spent, 10, SINCE, UNTIL)
    assert one == Spent(
        day, 30, "vidu", "text_to_video", 5, held=40, settled=110, released=40, reported=120, expected=80
    )


async def test_days_members_vendors_and_operations_are_kept_apart(database: Database) -> None:
    changes = [{}, {"user_id": 31}, {"provider": "kling"}, {"operation": "avatar"}, {"created_at": NOON + DAY}]
    for number, change in enumerate(changes):
        await stored(database, a_job(number, **change))
    assert len(await database.read(spending.spent, 10, SINCE, UNTIL)) == 5


async def test_only_this_server_and_this_time_count(database: Database) -> None:
    for number, change in enumerate([{"guild_id": 11}, {"created_at": SINCE - 1}, {"created_at": UNTIL}]):
        await stored(database, a_job(number, **change))
    assert await database.read(spending.spent, 10, SINCE, UNTIL) == []
    await stored(database, a_job(8, created_at=SINCE))
    await stored(database, a_job(9, created_at=UNTIL - 1))
    assert len(await database.read(spending.spent, 10, SINCE, UNTIL)) == 2


async def test_jobs_are_listed_the_latest_first_with_what_they_cost(database: Database) -> None:
    await stored(database, a_job(1), reported=30)
    await stored(database, a_job(2, created_at=NOON + 1), how="release")
    await stored(database, a_job(3, created_at=NOON + 2), how="open")
    lines = await database.read(spending.lines, 10, SINCE, UNTIL, 10)
    assert [(line.charged, line.reported, line.held) for line in lines] == [
        (None, None, 40),
        (0, None, 40),
        (30, 30, 40),
    ]
    assert lines[-1] == Line(
        a_job(1).id, NOON, 30, "Ada", 20, "vidu", "text_to_video", "viduq3-pro", State.QUEUED, 40, 30, 30
    )
    assert len(await database.read(spending.lines, 10, SINCE, UNTIL, 2)) == 2
