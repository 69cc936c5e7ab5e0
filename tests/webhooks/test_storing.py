"""Store, then answer: under load, with the database in trouble, and with a wrong clock."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from storage import Connection, Database, StorageError, commits
from storage.commits import Writer
from storage.database import Reader
from tests.webhooks.harness import NOW, Receiver, hang_up, opened, read_all, read_answer, until
from webhooks.limits import Limits

T = TypeVar("T")

OLD = NOW - 3600


class Gate:
    """Holds writes back, and counts them."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.reached = asyncio.Event()
        self.writes = 0


class GatedWriter:
    """The real writer behind a gate; commits first, then waits, when told so."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.gate: Gate | None = None
        self.after_commit = False

    async def transact(self, work: Callable[[Connection], T]) -> T:
        if self.gate is None:
            return await self.writer.transact(work)
        self.gate.writes += 1
        if not self.after_commit:
            self.gate.reached.set()
            await self.gate.open.wait()
            return await self.writer.transact(work)
        outcome = await self.writer.transact(work)
        self.gate.reached.set()
        await self.gate.open.wait()
        return outcome

    async def close(self) -> None:
        await self.writer.close()


class GatedDatabase(Database):
    """The real database with such a writer."""

    def __init__(self, writer: Writer, reader: Reader) -> None:
        self.gated = GatedWriter(writer)
        super().__init__(self.gated, reader)


def gated(receiver: Receiver, *, after_commit: bool = False) -> Gate:
    database = receiver.ctx.database
    assert isinstance(database, GatedDatabase)
    database.gated.gate, database.gated.after_commit = Gate(), after_commit
    return database.gated.gate


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
    assert told["callback stored"] == 1


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


class FullWriter(GatedWriter):
    full = False

    async def transact(self, work: Callable[[Connection], T]) -> T:
        if self.full:
            raise StorageError("database or disk is full")
        return await super().transact(work)


class FullDatabase(Database):
    def __init__(self, writer: Writer, reader: Reader) -> None:
        super().__init__(FullWriter(writer), reader)


async def test_a_database_that_says_no_is_503(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path, database=FullDatabase) as receiver:
        monkeypatch.setattr(FullWriter, "full", True)
        answers = await asyncio.gather(
            *(receiver.send(receiver.request(receiver.job(), f"n{number}")) for number in range(20))
        )
        assert {answer.status for answer in answers} == {503}
        monkeypatch.setattr(FullWriter, "full", False)
        assert (await receiver.send(receiver.request(receiver.job(), "n"))).status == 200


async def test_when_too_many_wait_for_the_disk_the_next_is_503_and_told_when_to_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commits, "_MOST_WAITING", 5)
    async with opened(tmp_path, database=GatedDatabase) as receiver:
        gate = gated(receiver)
        tasks = [asyncio.create_task(receiver.send(receiver.request(receiver.job(), "n")))]
        await gate.reached.wait()
        tasks += [asyncio.create_task(receiver.send(receiver.request(receiver.job(), "n"))) for _ in range(12)]
        refused, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        while len(refused) < 7:
            more, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            refused |= more
        assert {(task.result().status, task.result().headers["retry-after"]) for task in refused} == {(503, "5")}
        gate.open.set()
        assert [(await task).status for task in waiting] == [200] * 6
        assert len(receiver.rows()) == 6


async def test_a_writer_that_breaks_down_is_503_for_all_who_wait_and_in_the_health_check(tmp_path: Path) -> None:
    async with opened(tmp_path, database=GatedDatabase) as receiver:
        assert (await receiver.get("/readyz")).status == 200
        gate = gated(receiver)
        tasks = [asyncio.create_task(receiver.send(receiver.request(receiver.job(), f"n{n}"))) for n in range(20)]
        await gate.reached.wait()
        database = receiver.ctx.database
        assert isinstance(database, GatedDatabase)
        await database.gated.writer.close()  # its thread is gone
        gate.open.set()
        assert {(await task).status for task in tasks} == {503}
        assert (await receiver.send(receiver.request(receiver.job(), "n"))).status == 503
        async with asyncio.timeout(30):
            while (answer := await receiver.get("/readyz")).status == 200:  # an answer is good for a second
                pass
        assert answer.body == b'{"database": false, "gateway": true}'


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


async def test_an_endless_head_behind_a_callback_that_is_being_stored_is_not_kept(tmp_path: Path) -> None:
    async with opened(tmp_path, database=GatedDatabase) as receiver:
        gate = gated(receiver)
        job = receiver.job()
        reader, writer = await receiver.connect()
        writer.write(receiver.request(job, "n1"))
        await gate.reached.wait()
        writer.write(b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: %b\r\n" % (n, b"a" * 1000) for n in range(20)))
        assert await read_all(reader) == b""
        gate.open.set()
        await until(lambda: "callback stored" in receiver.steps.names(job))
        await hang_up(writer)


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
