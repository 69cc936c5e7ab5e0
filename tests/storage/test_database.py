import asyncio
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, Table, create_engine, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateIndex, CreateTable

from storage import Database, StorageError, inbox, jobs, upgrading
from storage.lock import InUse, sole_use
from storage.migrate import NEWEST, FromTheFuture
from storage.postgresql import Reader
from storage.sqlite import Writer as SqliteWriter
from storage.tables import metadata
from tests.samples_of import NOON, a_job


def pragma(connection: Connection, name: str) -> object:
    return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


def plan_of(connection: Connection, question: str) -> str:
    return str(connection.exec_driver_sql("EXPLAIN QUERY PLAN " + question).all())


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


async def test_every_connection_is_durable_and_checks_foreign_keys(database: Database) -> None:
    for run in (database.read, database.write):
        assert await run(pragma, "journal_mode") == "wal"
        assert await run(pragma, "synchronous") == 2  # FULL
        assert await run(pragma, "foreign_keys") == 1


def schema(connection: Connection) -> dict[str, list[str]]:
    """Read what each table and index consists of; in which order a table's promises stand says nothing."""
    made = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
    return {name: sorted(line.strip().rstrip(",") for line in sql.splitlines()) for name, sql in made}


def migrated(tmp_path: Path) -> Engine:
    """Make a database by the migrations alone, as one is that an older program began."""
    engine = create_engine(f"sqlite:///{tmp_path}/migrated.db", poolclass=NullPool)
    with engine.begin() as connection:
        upgrading.run(connection)
    return engine


def test_the_migrations_make_the_tables_the_code_speaks_of(tmp_path: Path) -> None:
    with migrated(tmp_path).connect() as connection:
        assert differences(connection) == []


async def test_a_new_database_is_what_the_migrations_make(database: Database, tmp_path: Path) -> None:
    with migrated(tmp_path).connect() as connection:
        assert await database.read(schema) == schema(connection)
        newest = connection.execute(text("SELECT version_num FROM alembic_version")).all()
    assert (
        await database.read(lambda view: view.execute(text("SELECT version_num FROM alembic_version")).all()) == newest
    )


async def test_an_older_database_is_migrated(url: str) -> None:
    file = sqlite3.connect(url.removeprefix("sqlite+aiosqlite:///"))
    file.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")  # of before the first migration
    file.commit()
    file.close()
    database = await Database.open(url)
    assert await database.read(differences) == []
    await database.close()


def test_the_newest_migration_is_the_one_that_counts_as_newest() -> None:
    config = Config()
    config.set_main_option("script_location", str(upgrading.SCRIPTS))
    assert ScriptDirectory.from_config(config).get_heads() == [NEWEST]


def test_a_program_that_starts_on_a_new_database_or_as_it_left_it_needs_no_alembic(tmp_path: Path) -> None:
    script = f"""
import asyncio, sys
from storage import Database
async def main():
    database = await Database.open("sqlite+aiosqlite:///{tmp_path}/rushes.db")
    await database.close()
asyncio.run(main())
print("alembic" in sys.modules)
"""
    told = [subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout for _ in range(2)]
    assert told == [b"False\n", b"False\n"]


async def test_a_database_from_the_future_is_refused_and_left_alone(url: str) -> None:
    database = await Database.open(url)
    await database.write(lambda connection: connection.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    await database.close()
    with pytest.raises(FromTheFuture, match="9999"):
        await Database.open(url)
    again = sqlite3.connect(url.removeprefix("sqlite+aiosqlite:///"))
    assert again.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]
    again.close()


async def test_a_migration_that_fails_leaves_nothing_behind(url: str) -> None:
    file = url.removeprefix("sqlite+aiosqlite:///")
    blocker = sqlite3.connect(file)
    blocker.execute("CREATE TABLE outputs (id INTEGER)")  # in the way of a table in the middle of the migration
    blocker.commit()
    with pytest.raises(StorageError):
        await Database.open(url)
    names = {row[0] for row in blocker.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    blocker.close()
    assert names == {"outputs"}


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_each_table_and_index_is_understood_by_postgresql_as_by_sqlite(table: Table) -> None:
    for dialect in (postgresql.dialect(), sqlite.dialect()):
        assert str(CreateTable(table).compile(dialect=dialect))
    for index in table.indexes:
        on_sqlite = str(CreateIndex(index).compile(dialect=sqlite.dialect()))
        on_postgresql = str(CreateIndex(index).compile(dialect=postgresql.dialect()))
        assert ("WHERE" in on_sqlite) == ("WHERE" in on_postgresql)


async def test_a_work_list_reads_its_partial_index(database: Database) -> None:
    lists = {
        "jobs_due_to_submit": "SELECT id FROM jobs WHERE state = 'queued' AND due_at <= 5 ORDER BY due_at",
        "jobs_overdue": "SELECT id FROM jobs WHERE due_at IS NOT NULL AND "
        "state NOT IN ('queued', 'succeeded', 'failed', 'cancelled')"
        " AND due_at <= 5 ORDER BY due_at",
        "jobs_card_due": "SELECT id FROM jobs WHERE card_due_at IS NOT NULL AND card_due_at <= 5 ORDER BY card_due_at",
        "inbox_unsettled": "SELECT id FROM inbox WHERE settled_at IS NULL AND due_at <= 5 ORDER BY due_at, id",
        "outputs_due_to_fetch": "SELECT id FROM outputs WHERE due_at IS NOT NULL AND due_at <= 5 ORDER BY due_at",
        "deliveries_due": "SELECT job_id FROM deliveries WHERE due_at IS NOT NULL AND due_at <= 5 ORDER BY due_at",
    }
    for index, question in lists.items():
        assert index in await database.read(plan_of, question)


async def test_a_locked_database_is_a_storage_error_not_a_crash(url: str) -> None:
    database = await Database.open(url, patience=50)
    other = sqlite3.connect(url.removeprefix("sqlite+aiosqlite:///"))
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="locked"):
        await database.write(jobs.touch_card, 1, NOON)
    other.rollback()
    other.close()
    await database.write(jobs.touch_card, 1, NOON)
    await database.close()


async def test_two_writes_that_read_first_do_not_undo_each_other(database: Database) -> None:
    await database.write(jobs.held, a_job())

    def count_up(connection: Connection) -> None:
        job = jobs.by_id(connection, a_job().id)
        assert job is not None
        jobs.postpone(connection, job, NOON, lookups=job.lookups + 1)

    await asyncio.gather(*(database.write(count_up) for _ in range(20)))
    job = await database.read(jobs.by_id, a_job().id)
    assert job is not None
    assert job.lookups == 20


async def test_a_caller_that_is_cancelled_leaves_the_write_whole(database: Database) -> None:
    writing = asyncio.create_task(database.write(jobs.held, a_job()))
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert await database.write(jobs.by_id, a_job().id) == await database.read(jobs.by_id, a_job().id)


async def test_the_same_delivery_is_stored_once_and_at_another_job_again(database: Database) -> None:
    async def store(job_id: int) -> bool:
        return bool(
            await database.write_together(inbox.stored, inbox.Letter("kling", job_id, "n", "data", b"{}", NOON))
        )

    assert [await store(1), await store(1), await store(2)] == [True, False, True]
    rows = await database.read(inbox.unsettled, NOON, 10)
    await database.write(inbox.postponed, [rows[0].id], NOON + 1)
    assert await database.read(inbox.unsettled, NOON, 10) == rows[1:]
    await database.write(inbox.settled, [row.id for row in rows], NOON, "done")
    assert await database.read(inbox.unsettled, NOON + 1, 10) == []


async def test_a_second_program_on_the_same_file_is_refused(url: str) -> None:
    async with sole_use(url):
        with pytest.raises(InUse):
            async with sole_use(url):
                pass
    async with sole_use(url):
        pass


async def test_a_second_program_that_comes_by_a_link_is_refused_too(url: str, tmp_path: Path) -> None:
    (tmp_path / "linked.db").symlink_to(tmp_path / "rushes.db")
    (tmp_path / "folder").symlink_to(tmp_path)
    async with sole_use(url):
        for other in ("linked.db", "folder/rushes.db", "folder/linked.db"):
            with pytest.raises(InUse):
                async with sole_use(url.replace("rushes.db", other)):
                    pass


@pytest.mark.parametrize(
    "trouble", [ConnectionRefusedError(111, "refused"), TimeoutError(), socket.gaierror(-2, "who")]
)
async def test_a_server_that_cannot_be_reached_is_a_storage_error(tmp_path: Path, trouble: OSError) -> None:
    async def connect() -> None:
        raise trouble

    engine = create_async_engine("sqlite+aiosqlite://", async_creator=connect)
    database = Database(SqliteWriter(tmp_path / "rushes.db", 0), Reader(engine))
    with pytest.raises(StorageError, match=r"just now: ."):
        await database.read(jobs.by_id, 1)
    await database.close()


class SaidError(Exception):
    """What PostgreSQL's driver raises."""

    def __init__(self, sqlstate: str | None) -> None:
        super().__init__("what it said")
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("sqlstate", "temporary"),
    [
        ("08006", True),  # connection failure
        ("57P01", True),  # admin shutdown
        ("53300", True),  # too many connections
        ("55P03", True),  # lock not available
        ("28P01", True),  # wrong password
        ("42501", True),  # no right to make tables
        ("42601", False),  # syntax error
        ("23505", False),  # unique violation
        ("25001", False),  # a transaction within a transaction
        (None, False),
    ],
)
async def test_what_postgresql_says_of_itself_is_a_storage_error_and_what_it_says_of_us_is_not(
    database: Database, sqlstate: str | None, temporary: bool
) -> None:
    error = DBAPIError("SELECT", ("a member's words",), SaidError(sqlstate), hide_parameters=True)

    def fail(connection: Connection) -> None:
        raise error

    with pytest.raises(StorageError if temporary else DBAPIError, match="what it said") as raised:
        await database.read(fail)
    assert "words" not in str(raised.value)
