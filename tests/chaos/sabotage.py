"""The promises of the program, broken on purpose and by name: with any of these the suite must fail."""

import asyncio
import random
import sqlite3
import sqlite3.dbapi2
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, insert

import bot.parcels
import jobs.settle
import jobs.submit
from jobs.context import Context
from jobs.transitions import Event
from providers.contract import ErrorKind, Provider, Trust
from storage import Database, ledger, limits
from storage.tables import ledger as ledger_table
from storage.words import InboxRow, Job, Way


def acknowledge_before_commit() -> None:
    """Answer 200 as soon as a callback is in memory."""
    careful = Database.write_together
    later: set[asyncio.Task[Any]] = set()

    def write_together(self: Database, change: Any, row: Any, *, within: float | None = None) -> Awaitable[bool]:
        async def after_a_while() -> None:
            await asyncio.sleep(0.5)
            await careful(self, change, row, within=within)

        async def at_once() -> bool:
            return True

        task = asyncio.create_task(after_a_while())
        later.add(task)
        task.add_done_callback(later.discard)
        return at_once()

    Database.write_together = write_together  # pyright: ignore[reportAttributeAccessIssue] -- a breach is the aim


def synchronous_off() -> None:
    """Trust the operating system to write things down in time."""
    opened = sqlite3.connect

    class Careless(sqlite3.Cursor):
        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            return super().execute(sql.replace("synchronous=FULL", "synchronous=OFF"), *values)

    class Connected(sqlite3.Connection):
        def cursor(self, factory: Any = None) -> Any:
            return super().cursor(factory or Careless)

        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            return self.cursor().execute(sql, *values)

    def connect(*args: Any, **kwargs: Any) -> sqlite3.Connection:
        return opened(*args, **{**kwargs, "factory": Connected})

    sqlite3.connect = sqlite3.dbapi2.connect = connect


def read_then_write_budgets() -> None:
    """Look at the budget, then spend: two commands may both see the last credits."""

    def hold(connection: Connection, job: Job, outside: int = 0) -> bool:
        row = {"job_id": job.id, "kind": "hold", "amount": -job.price, "guild_id": job.guild_id}
        row |= {"channel_id": job.room_id, "user_id": job.user_id, "held_at": job.created_at, "at": job.created_at}
        connection.execute(insert(ledger_table).values(row))
        return True

    assert limits.first  # what bot/taking.py reads beforehand
    ledger.hold = hold


def blind_resubmit() -> None:
    """Take a submission whose answer was lost for one that was not sent."""
    jobs.submit._EVENTS[ErrorKind.UNKNOWN] = Event.NOT_TAKEN  # pyright: ignore[reportPrivateUsage] -- a breach is the aim


def random_nonces() -> None:
    """Post under another nonce each time."""

    def nonce_of(job: Job, way: Way) -> str:
        del job, way
        return str(random.getrandbits(60))

    bot.parcels.nonce_of = nonce_of


def trusted_unsigned_body() -> None:
    """Believe whatever a callback says."""
    careful = jobs.settle._take_at_its_word  # pyright: ignore[reportPrivateUsage] -- a breach is the aim

    async def take(ctx: Context, provider: Provider, job: Job, row: InboxRow) -> bool:
        return await careful(ctx, provider, job, replace(row, trust=Trust.DATA.value))

    jobs.settle._take_at_its_word = take  # pyright: ignore[reportPrivateUsage] -- a breach is the aim


def commit(names: Sequence[str]) -> None:
    """Break the named promises in this process."""
    breaches: dict[str, Callable[[], None]] = {
        "acknowledge_before_commit": acknowledge_before_commit,
        "synchronous_off": synchronous_off,
        "read_then_write_budgets": read_then_write_budgets,
        "blind_resubmit": blind_resubmit,
        "random_nonces": random_nonces,
        "trusted_unsigned_body": trusted_unsigned_body,
    }
    for name in names:
        breaches[name]()
