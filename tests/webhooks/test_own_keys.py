"""Callbacks of jobs made with a server's own key are verified with that key alone."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import aiohttp

from jobs import own_keys
from jobs.addresses import Addresses
from jobs.context import Context
from jobs.keyring import Keyring
from jobs.vault import Vault
from providers import registry
from providers.contract import Account
from sandbox.vendors.signing import vidu_headers
from storage import Database, vendor_keys
from storage import jobs as job_facts
from storage.words import Job
from tests.samples_of import a_job
from tests.webhooks.harness import NOW, PUBLIC_URL, Steps, all_ready
from webhooks import server

OPERATORS, FIRST, SECOND = "operators-key-00000000", "first-key-0000000000", "second-key-000000000"
BODY = b'{"id":"task","state":"success"}'


@dataclass
class Hall:
    ctx: Context
    steps: Steps
    url: str
    session: aiohttp.ClientSession

    async def own(self, guild_id: int, key: str) -> None:
        await own_keys.put(self.ctx, guild_id, "vidu", Account((key,)), 1)

    async def job(self, number: int, guild_id: int, **changes: object) -> Job:
        key = await self.ctx.database.read(vendor_keys.in_use, guild_id, "vidu")
        job = replace(a_job(number, guild_id=guild_id, key_id=key.id if key else None), **changes)  # type: ignore[arg-type]
        assert await self.ctx.database.write(job_facts.held, job) is None
        return job

    async def ring(self, job: Job, key: str) -> int:
        addresses = self.ctx.addresses
        path = addresses.callback_path("vidu", addresses.callback_token("vidu", job.id))
        headers = vidu_headers(key, addresses.callback("vidu", job.id), NOW, f"nonce-{job.id}-{key}")
        async with self.session.post(self.url + path, data=BODY, headers=headers) as answer:
            return answer.status


@asynccontextmanager
async def opened(folder: Path, *, operators: bool = True) -> AsyncGenerator[Hall]:
    store, steps = await Database.open(f"sqlite+aiosqlite:///{folder}/rushes.db"), Steps()
    async with aiohttp.ClientSession() as session:
        make = partial(registry.make, session=session, clock=lambda: NOW)
        providers = {"vidu": make("vidu", Account((OPERATORS,)))} if operators else {}
        keys = Keyring(Vault(["s" * 40]), dict.fromkeys(registry.NAMES, Account()), make)
        addresses = Addresses(PUBLIC_URL, ["a secret key of the test"])
        ctx = Context(store, providers, addresses, folder, lambda: NOW, steps, keys=keys)
        running = await server.start(ctx, host="127.0.0.1", port=0, ready=all_ready)
        try:
            yield Hall(ctx, steps, running.url, session)
        finally:
            await running.close()
            await store.close()


async def test_a_servers_key_vouches_for_its_own_jobs_and_no_others(tmp_path: Path) -> None:
    async with opened(tmp_path) as hall:
        await hall.own(10, FIRST)
        await hall.own(11, SECOND)
        first, second, third = await hall.job(1, 10), await hall.job(2, 11), await hall.job(3, 12)
        keys = (FIRST, SECOND, OPERATORS)
        answers = [[await hall.ring(job, key) for key in keys] for job in (first, second, third)]
        assert answers == [[200, 401, 401], [401, 200, 401], [401, 401, 200]]


async def test_a_replaced_key_still_vouches_for_what_was_made_with_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as hall:
        await hall.own(10, FIRST)
        job = await hall.job(1, 10, resent=1)
        await hall.own(10, SECOND)
        assert [await hall.ring(job, key) for key in (FIRST, SECOND, OPERATORS)] == [200, 401, 401]


async def test_a_vendor_of_servers_alone_is_heard(tmp_path: Path) -> None:
    async with opened(tmp_path, operators=False) as hall:
        job = a_job(1)
        assert await hall.ring(job, FIRST) == 404
        await hall.own(10, FIRST)
        assert await hall.ring(await hall.job(1, 10), FIRST) == 200
        assert await hall.ring(await hall.job(2, 12), OPERATORS) == 401


async def test_with_a_key_that_cannot_be_read_nobody_vouches(tmp_path: Path) -> None:
    async with opened(tmp_path) as hall:
        await hall.own(10, FIRST)
        job = await hall.job(1, 10)
        spoil = "UPDATE vendor_keys SET sealed = x'00'"
        await hall.ctx.database.write(lambda connection: connection.exec_driver_sql(spoil))
        await hall.ctx.keys.load(hall.ctx.database)
        assert [await hall.ring(job, key) for key in (FIRST, OPERATORS, "")] == [401, 401, 401]


async def test_a_vendor_that_turned_a_job_away_is_heard_by_any_account_it_may_have_had(tmp_path: Path) -> None:
    async with opened(tmp_path) as hall:
        await hall.own(10, FIRST)
        await hall.own(11, SECOND)
        job = await hall.job(1, 10, provider="kling", key_id=None)
        assert [await hall.ring(job, key) for key in (FIRST, OPERATORS, SECOND)] == [200, 200, 401]


async def test_a_database_that_cannot_be_read_asks_the_sender_to_come_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as hall:
        await hall.own(10, FIRST)
        job = await hall.job(1, 10)
        await hall.ctx.database.write(lambda connection: connection.exec_driver_sql("ALTER TABLE jobs RENAME TO gone"))
        assert await hall.ring(job, FIRST) == 503
