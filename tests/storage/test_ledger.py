import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import ClauseElement, event
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import IntegrityError

from storage import Connection, Database, guilds, jobs, ledger
from storage.codes import job_code, job_id_of, new_job_id
from storage.words import Entry, Period, Scope
from tests.samples_of import NOON, a_job

DAY = 86_400_000


async def give_budget(database: Database, credits: int | None) -> None:
    await database.write(guilds.budget_set, 10, Scope.GUILD, 0, Period.MONTH, credits)


@pytest.mark.parametrize("hundred", range(10))  # a thousand rounds, shared among the workers
async def test_thirty_two_commands_at_once_on_a_budget_for_two_are_granted_exactly_two(
    database: Database, hundred: int
) -> None:
    await give_budget(database, 95)
    for round_ in range(100):
        wanted = [a_job(100 * round_ + number, created_at=NOON + 40 * DAY * round_) for number in range(32)]
        granted = await asyncio.gather(*(database.write(jobs.held, job) for job in wanted))
        assert granted.count(None) == 2
        stored = [job for job in wanted if await database.read(jobs.by_id, job.id)]
        assert len(stored) == 2


async def test_without_a_budget_there_is_no_limit(database: Database) -> None:
    assert await database.write(jobs.held, a_job(price=10**9)) is None
    await give_budget(database, None)
    assert await database.write(jobs.held, a_job(2, price=10**9)) is None


async def test_a_budget_of_nothing_refuses_everything_that_costs(database: Database) -> None:
    await give_budget(database, 0)
    assert await database.write(jobs.held, a_job(price=1)) is not None
    assert await database.write(jobs.held, a_job(2, price=0)) is None


async def test_a_budget_beyond_four_bytes_is_no_less_a_budget(database: Database) -> None:
    await give_budget(database, 10**15)
    assert await database.write(jobs.held, a_job(price=10**15)) is None
    assert await database.write(jobs.held, a_job(2, price=1)) is not None

    def on_postgresql(connection: Connection) -> str:
        said: list[str] = []

        def hear(_: object, clause: ClauseElement, *rest: object) -> None:
            said.append(str(clause.compile(dialect=postgresql.dialect())))

        event.listen(connection, "before_execute", hear)
        ledger.hold(connection, a_job(3, price=1))
        return " ".join(said)

    # SQLite takes any number for an INTEGER; PostgreSQL would stop at 2147483647.
    assert "AS INTEGER" not in await database.write(on_postgresql)


async def test_what_comes_back_can_be_spent_again_in_the_month_it_was_held_in(database: Database) -> None:
    await give_budget(database, 40)
    assert await database.write(jobs.held, a_job(1)) is None
    assert await database.write(jobs.held, a_job(2)) is not None
    await database.write(ledger.release, a_job(1), NOON + 60 * DAY)
    assert await database.write(jobs.held, a_job(3)) is None
    assert await database.read(ledger.spent_this_month, 10, NOON) == 40
    assert await database.read(ledger.spent_this_month, 10, NOON + 60 * DAY) == 0


@pytest.mark.parametrize(("reported", "charged"), [(None, 40), (25, 25), (0, 0), (80, 40), (-5, 0)])
async def test_a_job_is_charged_what_the_vendor_reports_but_never_more_than_was_held(
    database: Database,
    reported: int | None,
    charged: int,
) -> None:
    await database.write(jobs.held, a_job())
    assert await database.write(ledger.settle, a_job(), NOON, reported)
    job = await database.read(jobs.by_id, a_job().id)
    assert job is not None
    assert job.charged == charged
    rows = await database.read(ledger.of_job, job.id)
    assert sum(row.amount for row in rows) == -charged
    assert rows[-1].reported == reported


async def test_a_hold_is_closed_once_whichever_way(database: Database) -> None:
    await database.write(jobs.held, a_job())
    results = await asyncio.gather(
        *(database.write(ledger.settle, a_job(), NOON, 30) for _ in range(5)),
        *(database.write(ledger.release, a_job(), NOON) for _ in range(5)),
    )
    assert results.count(True) == 1
    rows = await database.read(ledger.of_job, a_job().id)
    assert rows[0].kind is Entry.HOLD
    assert len(rows) == 2


async def test_the_tables_themselves_refuse_a_second_closing(database: Database) -> None:
    await database.write(jobs.held, a_job())
    await database.write(ledger.release, a_job(), NOON)

    def settle_behind_the_back(connection: Connection) -> None:
        connection.exec_driver_sql(
            "INSERT INTO ledger (job_id, kind, amount, user_id, held_at, at) "
            f"VALUES ({a_job().id}, 'settle', 1, 1, 1, 1)",
        )

    with pytest.raises(IntegrityError):
        await database.write(settle_behind_the_back)


async def test_a_job_that_is_neither_over_nor_due_cannot_be_stored(database: Database) -> None:
    with pytest.raises(IntegrityError):
        await database.write(jobs.held, a_job(due_at=None))


@given(st.integers(min_value=0, max_value=2**42 - 1))
def test_a_job_code_reads_back_and_sorts_by_time(now: int) -> None:
    job_id = new_job_id(now)
    assert job_id_of(job_code(job_id)) == job_id
    assert job_id >> 21 == now
    assert job_code(job_id) <= job_code(new_job_id(now + 1))


@given(st.text(max_size=20))
def test_no_text_makes_a_job_code_stumble(text: str) -> None:
    job_id = job_id_of(text)
    assert job_id is None or job_code(job_id) == text
