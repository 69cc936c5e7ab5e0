"""Store, then answer: under load, with the database in trouble, and with a wrong clock."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import pytest

from storage import Connection, Database, StorageError
from tests.webhooks.harness import NOW, Receiver, hang_up, opened, read_all, read_answer, until
from webhooks.limits import Limits
from webhooks.postbox import Letter, Postbox

P = ParamSpec("P")
T = TypeVar("T")

OLD = NOW - 3600


class Gate:
    """Holds writes back, and counts them."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.reached = asyncio.Event()
        self.writes = 0


class GatedDatabase(Database):
    """The real database behind a gate; commits first, then waits, when told so."""

    gate: Gate | None = None
    after_commit: bool = False

    async def write(self, change: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self.gate is None:
            return await super().write(change, *args, **kwargs)
        self.gate.writes += 1
        if not self.after_commit:
            self.gate.reached.set()
            await self.gate.open.wait()
            return await super().write(change, *args, **kwargs)
        outcome = await super().write(change, *args, **kwargs)
        self.gate.reached.set()
        await self.gate.open.wait()
        return outcome


def gated(receiver: Receiver, *, after_commit: bool = False) -> Gate:
    database = receiver.ctx.database
    assert isinstance(database, GatedDatabase)
    database.gate, database.after_commit = Gate(), after_commit
    return database.gate


@pytest.mark.parametrize("after_commit", [False, True])
async def test_not_a_byte_is_answered_before_the_row_is_committed(tmp_path: Path, after_commit: bool) -> None:
    async with opened(tmp_path, database=GatedDatabase) as receiver:
        gate = gated(receiver, after_commit=after_commit)
        reader, writer = await receiver.connect()
        writer.write(receiver.request(receiver.job(), "n1"))
        await gate.reached.wait()
        answer = asyncio.create_task(read_answer(reader))
        # The server has had every chance to answer: it has answered others meanwhile.
        for _ in range(20):
            assert (await receiver.get("/healthz")).status == 200
        assert not answer.done()
        assert len(receiver.rows()) == (1 if after_commit else 0)
        gate.open.set()
        assert (await answer).status == 200
        assert len(receiver.rows()) == 1
        await hang_up(writer)


async def test_at_every_200_the_row_can_be_seen_by_another_process(receiver: Receiver) -> None:
    for number in range(50):
        job = receiver.job()
        assert (await receiver.send(receiver.request(job, f"n{number}"))).status == 200
        assert receiver.rows()[-1]["job_id"] == job


async def test_the_same_callback_100_times_at_once_is_one_row_and_100_times_200(receiver: Receiver) -> None:
    request = receiver.request(receiver.job(), "n1")
    answers = await asyncio.gather(*(receiver.send(request) for _ in range(100)))
    assert Counter(answer.status for answer in answers) == {200: 100}
    assert len(receiver.rows()) == 1
    told = Counter(step for step, _, _ in receiver.steps.told)
    assert (told["callback stored"], told["callback repeated"]) == (1, 99)


async def test_callbacks_that_come_during_a_commit_share_the_next_one(tmp_path: Path) -> None:
    async with opened(tmp_path, database=GatedDatabase) as receiver:
        gate = gated(receiver)
        first = asyncio.create_task(receiver.send(receiver.request(receiver.job(), "first")))
        await gate.reached.wait()
        others = [asyncio.create_task(receiver.send(receiver.request(receiver.job(), f"n{i}"))) for i in range(50)]
        await until(lambda: len(receiver.steps.told) == 2 * 51)
        gate.open.set()
        assert {(await one).status for one in [first, *others]} == {200}
        assert gate.writes == 2
        assert len(receiver.rows()) == 51


async def test_a_locked_database_is_503_and_then_200(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=Limits(store_seconds=0.2)) as receiver:
        request = receiver.request(receiver.job(), "n1")
        other = sqlite3.connect(receiver.database_file, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            answer = await receiver.send(request)
            assert (answer.status, answer.body, answer.headers["retry-after"]) == (503, b"refused\n", "5")
            assert (await receiver.get("/healthz")).status == 200
            assert receiver.rows() == []
            other.execute("ROLLBACK")
        finally:
            other.close()
        assert (await receiver.send(request)).status == 200
        assert len(receiver.rows()) == 1


async def test_a_database_that_says_no_is_503(tmp_path: Path) -> None:
    class Full(Database):
        full = False

        async def write(self, change: Any, *args: Any, **kwargs: Any) -> Any:
            if self.full:
                raise StorageError("database or disk is full")
            return await super().write(change, *args, **kwargs)

    async with opened(tmp_path, database=Full) as receiver:
        Full.full = True
        answers = await asyncio.gather(
            *(receiver.send(receiver.request(receiver.job(), f"n{number}")) for number in range(20))
        )
        assert {answer.status for answer in answers} == {503}
        Full.full = False
        assert (await receiver.send(receiver.request(receiver.job(), "n"))).status == 200


async def test_one_letter_that_cannot_be_stored_does_not_harm_the_others(tmp_path: Path) -> None:
    database = await Database.open(f"sqlite+aiosqlite:///{tmp_path / 'rushes.db'}")
    try:
        postbox = Postbox(database)
        letters = [Letter("signer", number, f"n{number}", "data", b"{}", 0) for number in range(5)]
        letters[3] = Letter("signer", 1 << 70, "too large for a column", "data", b"{}", 0)
        outcomes = await asyncio.gather(*(postbox.put(one) for one in letters), return_exceptions=True)
        assert [outcome is True for outcome in outcomes] == [True, True, True, False, True]
        assert isinstance(outcomes[3], Exception)
        await postbox.close()
    finally:
        await database.close()


async def test_the_queue_does_not_grow_with_those_who_gave_up(tmp_path: Path) -> None:
    database = await GatedDatabase.open(f"sqlite+aiosqlite:///{tmp_path / 'rushes.db'}")
    try:
        postbox, gate = Postbox(database), Gate()
        database.gate = gate
        first = asyncio.create_task(postbox.put(Letter("signer", 1, "n1", "data", b"{}", 0)))
        await gate.reached.wait()
        for number in range(100):
            late = asyncio.create_task(postbox.put(Letter("signer", 1, f"late {number}", "data", b"{}", 0)))
            await asyncio.sleep(0)
            late.cancel()
        gate.open.set()
        assert await first
        await postbox.close()
        assert gate.writes == 1
    finally:
        await database.close()


async def test_who_hangs_up_early_is_stored_all_the_same(tmp_path: Path) -> None:
    async with opened(tmp_path, database=GatedDatabase) as receiver:
        gate = gated(receiver)
        job = receiver.job()
        _, writer = await receiver.connect()
        writer.write(receiver.request(job, "n1"))
        await gate.reached.wait()
        await hang_up(writer)
        gate.open.set()
        await until(lambda: "callback stored" in receiver.steps.names(job))
        assert len(receiver.rows()) == 1


async def test_closing_lets_a_callback_under_way_end(tmp_path: Path) -> None:
    async with opened(tmp_path, database=GatedDatabase) as receiver:
        gate = gated(receiver)
        reader, writer = await receiver.connect()
        writer.write(receiver.request(receiver.job(), "n1"))
        await gate.reached.wait()
        closing = asyncio.create_task(receiver.server.close())
        await asyncio.sleep(0)
        gate.open.set()
        await closing
        assert (await read_answer(reader)).status == 200
        assert await read_all(reader) == b""
        assert len(receiver.rows()) == 1
        await hang_up(writer)


async def test_a_stale_callback_is_401_and_rings_once(receiver: Receiver) -> None:
    job = receiver.job()
    request = receiver.request(job, "n1", at=OLD)
    for _ in range(10):
        answer = await receiver.send(request)
        assert (answer.status, answer.body) == (401, b"refused\n")
    assert [(row["job_id"], row["trust"]) for row in receiver.rows()] == [(job, "doorbell")]
    assert receiver.steps.names(job)[:3] == ["callback received", "callback stored", "callback refused"]
    assert "callback verified" not in receiver.steps.names(job)


async def test_every_news_rings_under_a_wrong_clock(receiver: Receiver) -> None:
    job = receiver.job()
    for nonce, state in (("n1", "running"), ("n2", "succeeded")):
        await receiver.send(receiver.request(job, nonce, b'{"state":"%b"}' % state.encode(), at=OLD))
    assert len(receiver.rows()) == 2
    assert receiver.ctx.wakes.settle.is_set()


async def test_old_callbacks_replayed_with_any_body_ring_a_bounded_number_of_times(receiver: Receiver) -> None:
    job = receiver.job()
    states = ("waiting", "running", "succeeded", "failed", "cancelled", *(f"odd {number}" for number in range(20)))
    for number, state in enumerate(states):
        await receiver.send(receiver.request(job, f"n{number}", b'{"state":"%b"}' % state.encode(), at=OLD))
    assert len(receiver.rows()) == 6


async def test_a_stale_callback_does_not_stand_in_the_way_of_a_fresh_one(receiver: Receiver) -> None:
    job = receiver.job()
    assert (await receiver.send(receiver.request(job, "n1", at=OLD))).status == 401
    assert (await receiver.send(receiver.request(job, "n1"))).status == 200
    assert [row["trust"] for row in receiver.rows()] == ["doorbell", "data"]


async def test_a_stale_body_that_is_no_json_rings_nothing(receiver: Receiver) -> None:
    assert (await receiver.send(receiver.request(receiver.job(), "n1", b"x", at=OLD))).status == 401
    assert receiver.rows() == []


async def test_a_stale_callback_that_cannot_be_stored_is_503(tmp_path: Path) -> None:
    async with opened(tmp_path, database=GatedDatabase, limits=Limits(store_seconds=0.05)) as receiver:
        gate = gated(receiver)
        assert (await receiver.send(receiver.request(receiver.job(), "n1", at=OLD))).status == 503
        gate.open.set()


async def test_twenty_senders_of_the_same_200_callbacks_make_200_rows(tmp_path: Path) -> None:
    async with opened(tmp_path) as receiver:
        requests = [receiver.request(receiver.job(), f"n{number}") for number in range(200)]

        async def sender(start: int) -> Counter[int]:
            reader, writer = await receiver.connect()
            turned = requests[start:] + requests[:start]
            statuses: Counter[int] = Counter()
            for request in turned:
                writer.write(request)
                statuses[(await read_answer(reader)).status] += 1
            await hang_up(writer)
            return statuses

        counted = await asyncio.gather(*(sender(10 * number) for number in range(20)))
        assert sum(counted, Counter[int]()) == {200: 4_000}
        assert len(receiver.rows()) == 200
        told = Counter(step for step, _, _ in receiver.steps.told)
        assert told["callback stored"] == 200
