"""No connection stands still, there are never too many, and what is closed is closed."""

import asyncio
import socket
from pathlib import Path

import pytest

from jobs import files
from tests.webhooks.harness import (
    GOOD,
    NOW,
    PUBLIC_URL,
    Receiver,
    all_ready,
    hang_up,
    opened,
    read_all,
    read_answer,
    until,
)
from webhooks import server
from webhooks.connections import Doors
from webhooks.limits import Limits

SOON = 0.05
BIG = 64 * 1024 * 1024


def doors(receiver: Receiver) -> Doors:
    running = receiver.server._runner.server  # pyright: ignore[reportPrivateUsage] -- to wait for what only it knows
    assert isinstance(running, Doors)
    return running


def big_film(receiver: Receiver) -> str:
    """Store a film larger than the buffers between us, and return the path of its link."""
    film = files.save(receiver.ctx.media_dir, files.OUTPUTS, "big-1.mp4", b"")
    with film.open("wb") as file:
        file.truncate(BIG)
    return receiver.ctx.addresses.link(files.OUTPUTS, film.name, int(NOW * 1000) + 60_000).removeprefix(PUBLIC_URL)


async def drip(writer: asyncio.StreamWriter, data: bytes, ended: asyncio.Event) -> None:
    """Send a byte at a time for as long as the other side listens."""
    for byte in data:
        if ended.is_set() or writer.is_closing():
            return
        writer.write(bytes([byte]))
        await asyncio.sleep(SOON / 10)


@pytest.mark.parametrize("start", [b"", b"P", b"POST /callbacks/", b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-A: b\r\n"])
async def test_a_head_that_does_not_end_is_closed(tmp_path: Path, start: bytes) -> None:
    async with opened(tmp_path, limits=Limits(header_seconds=SOON)) as receiver:
        reader, writer = await receiver.connect()
        writer.write(start)
        assert await read_all(reader) == b""
        await hang_up(writer)
        await until(lambda: doors(receiver).open == 0)


async def test_a_head_that_drips_is_closed(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=Limits(header_seconds=SOON)) as receiver:
        reader, writer = await receiver.connect()
        ended = asyncio.Event()
        dripping = asyncio.create_task(drip(writer, b"GET /healthz HTTP/1.1\r\n" + b"X-A: b\r\n" * 10_000, ended))
        assert await read_all(reader) == b""
        ended.set()
        await asyncio.gather(dripping, return_exceptions=True)
        await hang_up(writer)


async def test_a_second_head_that_does_not_end_is_closed(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=Limits(header_seconds=SOON)) as receiver:
        reader, writer = await receiver.connect()
        writer.write(receiver.head("GET", "/healthz", {}))
        assert (await read_answer(reader)).status == 200
        writer.write(b"GET /healthz HTTP/1.1\r\n")
        assert await read_all(reader) == b""
        await hang_up(writer)


async def test_a_second_head_begun_with_the_first_request_is_closed(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=Limits(header_seconds=60, idle_seconds=SOON)) as receiver:
        reader, writer = await receiver.connect()
        writer.write(receiver.head("GET", "/healthz", {}) + b"GET /healthz HTTP/1.1\r\n")
        assert (await read_answer(reader)).status == 200
        assert await read_all(reader) == b""
        await hang_up(writer)


async def test_an_idle_connection_is_kept_longer_than_a_head_may_take(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=Limits(header_seconds=SOON)) as receiver:
        reader, writer = await receiver.connect()
        for _ in range(3):
            writer.write(receiver.head("GET", "/healthz", {}))
            assert (await read_answer(reader)).status == 200
            await asyncio.sleep(2 * SOON)  # the idleness is what is tested
        await hang_up(writer)


async def test_an_idle_connection_is_closed_in_the_end(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=Limits(idle_seconds=SOON)) as receiver:
        reader, writer = await receiver.connect()
        writer.write(receiver.head("GET", "/healthz", {}))
        assert (await read_answer(reader)).status == 200
        assert await read_all(reader) == b""
        await hang_up(writer)


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_drips_is_408_and_closed(tmp_path: Path, chunked: bool) -> None:
    async with opened(tmp_path, limits=Limits(body_seconds=SOON)) as receiver:
        reader, writer = await receiver.connect()
        framing = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": "60000"}
        writer.write(receiver.head("POST", receiver.path(receiver.job()), framing))
        ended = asyncio.Event()
        body = b"1\r\nx\r\n" * 10_000 if chunked else b"x" * 60_000
        dripping = asyncio.create_task(drip(writer, body, ended))
        assert (await read_answer(reader)).status == 408
        assert await read_all(reader) == b""
        ended.set()
        await asyncio.gather(dripping, return_exceptions=True)
        await hang_up(writer)


async def test_a_refused_body_that_never_ends_is_closed(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=Limits(body_seconds=SOON)) as receiver:
        reader, writer = await receiver.connect()
        writer.write(receiver.head("POST", "/nowhere", {"Content-Length": "1000000"}))
        ended = asyncio.Event()
        dripping = asyncio.create_task(drip(writer, b"x" * 60_000, ended))
        assert (await read_answer(reader)).status == 404
        assert await read_all(reader) == b""
        ended.set()
        await asyncio.gather(dripping, return_exceptions=True)
        await hang_up(writer)


async def test_who_asks_and_never_listens_is_closed(tmp_path: Path) -> None:
    limits = Limits(body_seconds=SOON, store_seconds=SOON, reply_seconds=SOON)
    async with opened(tmp_path, limits=limits) as receiver:
        client = socket.create_connection(("127.0.0.1", receiver.server.port))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        question = receiver.head("GET", "/healthz", {}) * 1000
        loop = asyncio.get_running_loop()

        async def ask() -> None:
            while True:
                await loop.sock_sendall(client, question)

        with pytest.raises(ConnectionError):
            await asyncio.wait_for(ask(), 60)
        client.close()
        await until(lambda: doors(receiver).open == 0)


async def test_a_download_nobody_takes_is_closed(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=Limits(body_seconds=60, reply_seconds=SOON, slowest_media=1 << 40)) as receiver:
        reader, writer = await receiver.connect()
        writer.write(receiver.head("GET", big_film(receiver), {}))
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200")
        # Reading stops here, and the buffers between us fill up.
        await until(lambda: doors(receiver).open == 0)
        await until(lambda: not doors(receiver).connections)  # whose handlers have ended
        await hang_up(writer)


async def test_a_large_file_may_take_longer_than_a_reply(tmp_path: Path) -> None:
    limits = Limits(body_seconds=SOON, store_seconds=SOON, reply_seconds=SOON, slowest_media=1024)
    async with opened(tmp_path, limits=limits) as receiver:
        reader, writer = await receiver.connect()
        writer.write(receiver.head("GET", big_film(receiver), {}))
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(6 * SOON)  # the slowness is what is tested
        size = 0
        while size < BIG:
            part = await reader.read(1 << 20)
            assert part
            size += len(part)
        await hang_up(writer)


async def test_connections_beyond_the_cap_are_closed_and_room_comes_back(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=Limits(connections=3)) as receiver:
        await _cap_holds(receiver, 3)


async def test_one_address_may_not_take_all_connections(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=Limits(connections=100, connections_per_address=3)) as receiver:
        await _cap_holds(receiver, 3)


async def _cap_holds(receiver: Receiver, most: int) -> None:
    kept = [await receiver.connect() for _ in range(most)]
    await until(lambda: doors(receiver).open == most)
    for _ in range(5):
        reader, writer = await receiver.connect()
        assert await read_all(reader) == b""
        await hang_up(writer)
    for reader, writer in kept:
        writer.write(receiver.head("GET", "/healthz", {}))
        assert (await read_answer(reader)).status == 200
    for _, writer in kept:
        await hang_up(writer)
    await until(lambda: doors(receiver).open == 0)
    assert (await receiver.get("/healthz")).status == 200


async def test_the_connections_of_an_address_are_forgotten_with_the_last(receiver: Receiver) -> None:
    for _ in range(3):
        await receiver.get("/healthz")
    await until(lambda: doors(receiver).open == 0)
    assert not doors(receiver)._open  # pyright: ignore[reportPrivateUsage] -- a leak shows nowhere else


async def test_slow_senders_do_not_hold_up_the_others(tmp_path: Path) -> None:
    async with opened(tmp_path) as receiver:
        slow = [await receiver.connect() for _ in range(200)]
        for number, (_, writer) in enumerate(slow):
            request = receiver.request(receiver.job(), f"slow {number}", GOOD)
            writer.write(request[: -1 - number % 300])
        for number in range(20):
            assert (await receiver.send(receiver.request(receiver.job(), f"n{number}"))).status == 200
        for _, writer in slow:
            await hang_up(writer)
        assert len(receiver.rows()) == 20


async def test_closing_closes_every_connection_and_the_port(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=Limits(body_seconds=SOON)) as receiver:
        idle, half_head, half_body = [await receiver.connect() for _ in range(3)]
        half_head[1].write(b"POST /callbacks/")
        half_body[1].write(receiver.request(receiver.job(), "n1")[:-1])
        await until(lambda: doors(receiver).open == 3)
        await receiver.server.close()
        for reader, writer in (idle, half_head, half_body):
            await read_all(reader)
            await hang_up(writer)
        with pytest.raises(OSError, match="Connect call failed"):
            await receiver.connect()


async def test_a_port_in_use_is_an_error_and_leaves_nothing_open(receiver: Receiver, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="in use"):
        await server.start(receiver.ctx, host="127.0.0.1", port=receiver.server.port, ready=all_ready)
