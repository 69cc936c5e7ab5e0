"""Whatever is sent, the answer is one of the table, nothing unsigned is stored, and the next sender is served."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage import Connection
from storage.tables import inbox
from tests.webhooks.harness import Receiver, hang_up, opened, read_all
from webhooks.limits import Limits

TABLE = {200, 304, 400, 401, 404, 405, 408, 411, 413, 415}

# Mostly well-formed, or the parser would refuse everything before it came to us.
visible = st.characters(min_codepoint=33, max_codepoint=126)
wide = st.characters(min_codepoint=128, exclude_categories=["Cs", "Cc"])
methods = st.sampled_from(["POST"] * 6 + ["GET", "HEAD", "PUT", "OPTIONS", "CONNECT", "TRACE", "post"])
names = st.sampled_from(
    [
        *("Content-Encoding", "Expect", "Connection", "Upgrade", "Content-Type", "Cookie", "Accept"),
        *("X-Nonce", "X-At", "X-Mac", "Range", "If-Range", "If-Modified-Since", "X-Forwarded-For", "Via"),
    ]
) | st.from_regex(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}", fullmatch=True)
values = st.sampled_from(
    ["0", "1", "5", "-1", "70000", "chunked", "gzip", "identity", "100-continue", "close", "upgrade", "websocket"]
) | st.text(visible | wide, max_size=50)
framings = st.sampled_from(
    [(), ("Content-Length: 5",), ("Transfer-Encoding: chunked",), ("Content-Length: 70000",), ("Content-Length: x",)]
)
sound = st.sampled_from([((f"Content-Length: {n}",), b"{}" + b" " * (n - 2)) for n in (2, 5, 60_000)]) | st.binary(
    max_size=200
).map(lambda body: ((f"Content-Length: {len(body)}",), body))
pieces = st.sampled_from(
    [
        "/callbacks/",
        "/media/",
        "signer",
        "outputs",
        "/",
        "..",
        "%2F",
        "%00",
        "?",
        "#",
        "/healthz",
        "/readyz",
        "/metrics",
    ]
)
paths = st.lists(pieces | st.text(visible, max_size=40), max_size=6).map(lambda parts: "/" + "".join(parts).lstrip("/"))
odd = st.tuples(framings, st.sampled_from([b"", b"{}   ", b"5\r\n{}   \r\n0\r\n\r\n"]) | st.binary(max_size=200))
bodies = sound | odd
headings = st.lists(st.tuples(names, values), max_size=6)


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


fuzzed = settings(max_examples=150)


def head(first: str, framing: tuple[str, ...], headers: list[tuple[str, str]]) -> bytes:
    lines = [first, "Host: a", *framing, *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


@fuzzed
@given(method=methods, path=paths, headers=headings, body=bodies)
def test_any_request_ends_in_the_table(
    bench: Bench, method: str, path: str, headers: list[tuple[str, str]], body: tuple[tuple[str, ...], bytes]
) -> None:
    check(bench, bench.send(head(f"{method} {path} HTTP/1.1", body[0], headers) + body[1]))


@fuzzed
@given(method=methods, headers=headings, body=bodies)
def test_any_request_to_a_true_address_ends_in_the_table(
    bench: Bench, method: str, headers: list[tuple[str, str]], body: tuple[tuple[str, ...], bytes]
) -> None:
    path = bench.receiver.path(7 << 40)
    check(bench, bench.send(head(f"{method} {path} HTTP/1.1", body[0], headers) + body[1]))


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
