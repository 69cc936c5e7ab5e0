"""The same on a real PostgreSQL, where one is named: RUSHES_TEST_POSTGRESQL=postgresql+asyncpg://user@host/postgres.

The user must be allowed to make databases; each test makes one and drops it.
"""

import asyncio
from collections.abc import AsyncIterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, make_url, text

from storage import Database, StorageError, deliveries, guilds, inbox, jobs, ledger, upgrading
from storage.lock import InUse, sole_use
from storage.tables import metadata
from storage.words import DeliveryState, Period, Scope
from tests.samples_of import NOON, a_job
from tests.storage.servers import SERVER, command, new_database


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with new_database() as address:
        yield address


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = await Database.open(url, patience=300)
    yield opened
    await opened.close()


def ask(connection: Connection, question: str) -> object:
    return connection.execute(text(question)).scalar()


def letter(job_id: int, name: str = "n") -> inbox.Letter:
    return inbox.Letter("vidu", job_id, name, "data", b"{}", 5)


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


def schema(connection: Connection) -> list[str]:
    """Read what each column, index and promise is."""
    columns = "table_name, column_name, data_type, character_maximum_length, is_nullable, column_default"
    questions = (
        f"SELECT {columns} FROM information_schema.columns WHERE table_schema = 'public'",
        "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "SELECT conrelid::regclass, conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid <> 0",
    )
    return sorted(str(row) for question in questions for row in connection.execute(text(question)))


async def test_the_migrations_make_a_new_database_and_the_tables_the_code_speaks_of(
    database: Database,
) -> None:
    made = await database.read(schema)

    def anew(connection: Connection) -> tuple[list[object], list[str]]:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
        upgrading.run(connection)
        return differences(connection), schema(connection)

    assert await database.write(anew) == ([], made)


async def test_letters_that_come_together_are_stored_once_and_one_that_cannot_be_fails_alone(
    database: Database,
) -> None:
    assert await database.write_together(inbox.stored, letter(1))
    letters = [letter(1), letter(2), letter(2), letter(1 << 70), letter(3)]
    outcomes = await asyncio.gather(
        *(database.write_together(inbox.stored, one) for one in letters), return_exceptions=True
    )
    assert outcomes[:3] + outcomes[4:] == [False, True, False, True]
    assert isinstance(outcomes[3], Exception)
    flood = [letter(9, name=str(number)) for number in range(80)]
    told = await asyncio.gather(*(database.write_together(inbox.stored, one) for one in flood))
    assert told == [True] * 64 + [None] * 16
    assert await database.read(ask, "SELECT count(*) FROM inbox") == 3 + 64


async def test_a_write_that_fails_among_others_fails_alone(database: Database) -> None:
    budgets = (database.write(guilds.budget_set, 10, Scope.GUILD, 0, Period.MONTH, number) for number in (1, 2))
    outcomes = await asyncio.gather(
        next(budgets), database.write(ask, "SELECT 1 / 0"), next(budgets), return_exceptions=True
    )
    assert [isinstance(outcome, Exception) for outcome in outcomes] == [False, True, False]
    assert await database.read(guilds.monthly, 10) == 2


async def test_two_programs_cannot_overdraw_a_budget_together(database: Database, url: str) -> None:
    other = await Database.open(url)
    await database.write(guilds.budget_set, 10, Scope.GUILD, 0, Period.MONTH, 10**15)
    wanted = [a_job(number, price=10**15 // 2) for number in range(16)]
    granted = await asyncio.gather(*((database, other)[job.id % 2].write(jobs.held, job) for job in wanted))
    assert granted.count(None) == 2
    assert await database.read(ledger.spent_this_month, 10, NOON) == 10**15
    await other.close()


async def test_after_a_restore_a_result_that_is_due_is_looked_for(database: Database) -> None:
    job = a_job()
    assert await database.write(jobs.held, job) is None
    await database.write(deliveries.awaited, job.id)
    assert await database.write(deliveries.ready, job.id, NOON)
    assert await database.write(deliveries.doubted) == 1
    found = await database.read(deliveries.of_job, job.id)
    assert found is not None
    assert (found.state, found.first_tried_at) == (DeliveryState.POSTING, NOON)


async def test_a_read_sees_one_moment_and_a_write_what_was_committed_before_it(database: Database) -> None:
    assert await database.read(ask, "SHOW transaction_isolation") == "repeatable read"
    assert await database.write(ask, "SHOW transaction_isolation") == "read committed"


async def test_a_locked_or_lost_database_is_a_storage_error_not_a_crash(database: Database, url: str) -> None:
    other = await Database.open(url)
    slow = asyncio.create_task(other.write(ask, "SELECT pg_sleep(1)"))

    async def write_beside() -> None:
        while not slow.done():  # the first ones may come before it has the lock
            await database.write(ask, "SELECT 1")

    with pytest.raises(StorageError, match="lock timeout"):
        await write_beside()
    await slow
    await other.close()
    name = make_url(url).database
    await command(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    with pytest.raises(StorageError):
        await database.write(ask, "SELECT 1")
    assert await database.write(ask, "SELECT 1") == 1


async def test_a_second_program_is_refused_until_the_first_one_ends(url: str) -> None:
    async with sole_use(url):
        with pytest.raises(InUse):
            async with sole_use(url):
                pass
        await (await Database.open(url)).close()  # as a command beside it does
    async with sole_use(url):
        pass


async def test_a_server_that_is_not_there_is_a_storage_error() -> None:
    nowhere = make_url(SERVER).set(host="127.0.0.1", port=1).render_as_string(hide_password=False)
    with pytest.raises(StorageError, match="Connect call failed"):
        await Database.open(nowhere)
    with pytest.raises(StorageError, match="Connect call failed"):
        async with sole_use(nowhere):
            pass


async def test_a_certificate_that_is_not_there_is_a_storage_error(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PGSSLROOTCERT", raising=False)
    monkeypatch.setenv("HOME", "/nowhere")
    with pytest.raises(StorageError, match="/nowhere/"):
        await Database.open(url + "?ssl=verify-full")
