"""Whatever is sent, the answer is one of the table, nothing unsigned is stored, and the next sender is served."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage import Connection
from storage.tables import inbox
from tests.webhooks.harness import Receiver, hang_up, opened, read_all
from webhooks.limits import Limits

TABLE = {200, 304, 400, 401, 404, 405, 408, 411, 413, 415}

methods = st.sampled_from(["POST", "GET", "HEAD", "PUT", "OPTIONS", "CONNECT", "TRACE", "post", "P\u00d6ST", ""])
names = st.sampled_from(
    [
        *("Content-Length", "Transfer-Encoding", "Content-Encoding", "Expect", "Connection", "Upgrade", "Host"),
        *("X-Nonce", "X-At", "X-Mac", "Range", "If-Range", "If-Modified-Since", "Content-Type", "Cookie", "Accept"),
    ]
) | st.text(max_size=20)
values = st.sampled_from(
    ["0", "1", "5", "-1", "70000", "chunked", "gzip", "identity", "100-continue", "close", "upgrade", "websocket"]
) | st.text(max_size=50)
pieces = st.sampled_from(["/callbacks/", "/media/", "signer", "outputs", "/", "..", "%2F", "%00", "?", "#", "http://a"])
paths = st.lists(pieces | st.text(max_size=40), max_size=6).map("".join)
bodies = st.binary(max_size=200) | st.sampled_from(
    [b"{}", b"5\r\nhello\r\n0\r\n\r\n", b"[" * 1000, b"GET / HTTP/1.1\r\n"]
)


class Bench:
    """One receiver and one loop for all examples: opening them anew for each would be most of the time."""

    def __init__(self, tmp_path: Path) -> None:
        self.runner = asyncio.Runner()
        limits = Limits(header_seconds=0.02, body_seconds=0.02, idle_seconds=0.02)
        self.scope = opened(tmp_path, limits=limits)
        self.receiver: Receiver = self.runner.run(self.scope.__aenter__())

    def send(self, data: bytes) -> bytes:
        async def exchange() -> bytes:
            reader, writer = await self.receiver.connect()
            writer.write(data)
            answered = await read_all(reader)
            await hang_up(writer)
            return answered

        return self.runner.run(exchange())

    def close(self) -> None:
        self.runner.run(self.scope.__aexit__(None, None, None))
        self.runner.close()


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    one = Bench(tmp_path_factory.mktemp("fuzz"))
    yield one
    one.close()


def check(bench: Bench, answered: bytes) -> None:
    for line in answered.split(b"\r\n"):
        if line.startswith(b"HTTP/1."):
            status = int(line.split(b" ")[1])
            assert status in TABLE | {100}
    assert b"aiohttp" not in answered
    assert bench.receiver.rows() == []


fuzzed = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@fuzzed
@given(method=methods, path=paths, headers=st.lists(st.tuples(names, values), max_size=8), body=bodies)
def test_any_request_ends_in_the_table(
    bench: Bench, method: str, path: str, headers: list[tuple[str, str]], body: bytes
) -> None:
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    head = "\r\n".join(lines).encode("utf-8", "surrogatepass")
    check(bench, bench.send(head + b"\r\n\r\n" + body))


@fuzzed
@given(headers=st.lists(st.tuples(names, values), max_size=8), body=bodies)
def test_any_request_to_a_true_address_ends_in_the_table(
    bench: Bench, headers: list[tuple[str, str]], body: bytes
) -> None:
    path = bench.receiver.path(7 << 40)
    lines = [f"POST {path} HTTP/1.1", f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in headers)]
    head = "\r\n".join(lines).encode("utf-8", "surrogatepass")
    check(bench, bench.send(head + b"\r\n\r\n" + body))


@fuzzed
@given(junk=st.binary(max_size=2000))
def test_any_bytes_end_in_the_table(bench: Bench, junk: bytes) -> None:
    check(bench, bench.send(junk + b"\r\n\r\n"))


@fuzzed
@given(place=st.integers(0, 400), byte=st.integers(0, 255))
def test_one_altered_byte_never_stores_and_never_breaks(bench: Bench, place: int, byte: int) -> None:
    """Of the signed path, nonce, time, body and signature, every byte counts; of the rest, none does harm."""
    receiver = bench.receiver
    request = bytearray(receiver.request(7 << 40, "n1"))
    position = place % len(request)
    changed = request[position] != byte
    request[position] = byte
    answered = bench.send(bytes(request))
    harmless = not changed or b"HTTP/1.1 200" in answered
    if harmless:  # letter case of a header's name, a byte of Host: the callback is the same
        assert all(row["delivery_id"] == "n1" and row["job_id"] == 7 << 40 for row in receiver.rows())
        bench.runner.run(receiver.ctx.database.write(_forget))
    check(bench, answered)


def _forget(connection: Connection) -> None:
    connection.execute(inbox.delete())
