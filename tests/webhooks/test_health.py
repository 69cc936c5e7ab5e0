"""Pages for supervisors: alive, ready, numbers; and a word for who comes by."""

import asyncio
import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.webhooks.harness import Answer, Receiver, all_ready, hang_up, opened, read_answer
from webhooks import health


async def metrics(receiver: Receiver, more: str = "", *, host: str = "127.0.0.1:8080", version: str = "1.1") -> Answer:
    head = f"GET /metrics HTTP/{version}\r\nHost: {host}\r\n{more}Connection: close\r\n\r\n"
    return await receiver.send(head.encode())


async def test_alive_is_alive(receiver: Receiver) -> None:
    answer = await receiver.get("/healthz")
    assert (answer.status, answer.body, answer.headers["cache-control"]) == (200, b"ok\n", "no-store")


async def test_home_names_the_program_and_no_version(receiver: Receiver) -> None:
    answer = await receiver.get("/")
    assert (answer.status, answer.body) == (200, b"Rushes\n")
    assert "aiohttp" not in answer.raw.decode()


async def test_ready_is_ready(receiver: Receiver) -> None:
    answer = await receiver.get("/readyz")
    assert (answer.status, json.loads(answer.body)) == (200, {"database": True, "gateway": True})


async def test_without_discord_it_is_not_ready(tmp_path: Path) -> None:
    async def alone() -> Mapping[str, bool]:
        return {"gateway": False}

    async with opened(tmp_path, ready=alone) as receiver:
        answer = await receiver.get("/readyz")
        assert (answer.status, json.loads(answer.body)) == (503, {"database": True, "gateway": False})


async def test_a_question_that_fails_is_not_ready(tmp_path: Path) -> None:
    async def broken() -> Mapping[str, bool]:
        raise RuntimeError("a bug")

    async with opened(tmp_path, ready=broken) as receiver:
        answer = await receiver.get("/readyz")
        assert (answer.status, json.loads(answer.body)) == (503, {"database": True, "program": False})


async def test_a_locked_database_is_not_ready_and_becomes_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_PATIENCE", 0.1)
    monkeypatch.setattr(health, "_FRESH", 0.0)
    async with opened(tmp_path) as receiver:
        other = sqlite3.connect(receiver.database_file, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            # Many ask; one looks, and they all hear of it.
            answers = await asyncio.gather(*(receiver.get("/readyz") for _ in range(10)))
            assert {(one.status, one.body) for one in answers} == {(503, b'{"database": false}')}
            other.execute("ROLLBACK")
        finally:
            other.close()
        async with asyncio.timeout(30):
            while (await receiver.get("/readyz")).status != 200:
                pass


async def test_many_questions_are_one_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_FRESH", 3600.0)
    looks = 0

    async def counted() -> Mapping[str, bool]:
        nonlocal looks
        looks += 1
        return {"gateway": True}

    async with opened(tmp_path, ready=counted) as receiver:
        for _ in range(5):
            assert (await receiver.get("/readyz")).status == 200
    assert looks == 1


async def test_who_asks_while_another_one_begins_the_next_look_is_answered(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "_FRESH", 0.0)

    readiness = health.Readiness(receiver.ctx.database, all_ready)

    async def asked_twice() -> list[dict[str, bool]]:
        return [await readiness.ask() for _ in range(2)]  # the second begins a look while others wake from the first

    answers = await asyncio.gather(*(asked_twice() for _ in range(3)))
    await readiness.close()
    assert [one for each in answers for one in each] == [{"database": True, "gateway": True}] * 6


@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/metrics"])
async def test_pages_take_get_and_head_alone(receiver: Receiver, path: str) -> None:
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert (await receiver.get(path, method)).status == 405
    reader, writer = await receiver.connect()
    writer.write(f"HEAD {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert (await read_answer(reader, bodiless=True)).status == 200
    await hang_up(writer)


@pytest.mark.parametrize("path", ["/callbacks", "/media", "/healthz/", "/.env", "/index.html", "/favicon.ico", "//"])
async def test_other_paths_are_404(receiver: Receiver, path: str) -> None:
    answer = await receiver.get(path)
    assert (answer.status, answer.body) == (404, b"refused\n")


async def test_metrics_count_callbacks_by_answer(receiver: Receiver) -> None:
    job = receiver.job()
    await receiver.send(receiver.request(job, "n1"))
    await receiver.send(receiver.request(job, "n1"))
    await receiver.send(receiver.request(job, "n1").replace(b"X-Mac: ", b"X-Mac: 0"))
    for number in range(20):
        await receiver.get(f"/callbacks/made-up-{number}/x", "POST", Content_Length="0")
    text = (await metrics(receiver)).body.decode()
    assert 'rushes_callbacks_total{answer="200",provider="signer"} 2.0' in text
    assert 'rushes_callbacks_total{answer="401",provider="signer"} 1.0' in text
    assert 'rushes_callbacks_total{answer="404",provider="other"} 20.0' in text
    assert "made-up" not in text
    assert "# TYPE rushes_jobs gauge" in text


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP", "x-forwarded-proto"])
async def test_metrics_are_not_for_who_comes_through_a_proxy(receiver: Receiver, name: str) -> None:
    assert (await metrics(receiver, f"{name}: 203.0.113.7\r\n")).status == 404


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1:9", "127.1.2.3", "[::1]", "[::1]:8080"])
async def test_metrics_are_for_who_asks_this_machine_for_them(receiver: Receiver, host: str) -> None:
    assert (await metrics(receiver, host=host)).status == 200


@pytest.mark.parametrize(
    ("host", "version"),
    [
        ("rushes.example", "1.1"),  # a tunnel that only passes bytes on, or a page whose name leads to this machine
        ("localhost.rushes.example", "1.1"),
        ("127.0.0.1.rushes.example:8080", "1.1"),
        ("", "1.1"),
        ("127.0.0.1:8080", "1.0"),  # what nginx makes of every request unless it is told otherwise
    ],
)
async def test_metrics_are_not_for_who_comes_through_what_says_nothing_of_itself(
    receiver: Receiver, host: str, version: str
) -> None:
    assert (await metrics(receiver, host=host, version=version)).status == 404


async def test_two_servers_in_one_process_count_apart(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    async with opened(tmp_path / "one") as one, opened(tmp_path / "two") as two:
        await one.send(one.request(one.job(), "n1"))
        assert b'answer="200"' in (await metrics(one)).body
        assert b'answer="200"' not in (await metrics(two)).body
