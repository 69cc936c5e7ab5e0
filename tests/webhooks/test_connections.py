"""No connection stands still, there are never too many, and what is closed is closed."""

import asyncio
import resource
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
from webhooks.limits import Limits, origin_of

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


async def test_a_stranger_may_take_a_quarter_of_the_connections(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=Limits(connections=12, knows_proxies=False)) as receiver:
        await _cap_holds(receiver, 3)


async def _cap_holds(receiver: Receiver, most: int) -> None:
    kept = [await receiver.connect() for _ in range(most)]
    for number, (_, writer) in enumerate(kept):
        writer.write(receiver.request(receiver.job(), f"n{number}")[:-1])
    await until(lambda: doors(receiver).open == most and not idle(receiver))
    for _ in range(5):
        reader, writer = await receiver.connect()
        assert await read_all(reader) == b""
        await hang_up(writer)
    for reader, writer in kept:
        writer.write(GOOD[-1:])
        assert (await read_answer(reader)).status == 200
    for _, writer in kept:
        await hang_up(writer)
    await until(lambda: doors(receiver).open == 0)
    assert (await receiver.get("/healthz")).status == 200


def idle(receiver: Receiver) -> int:
    return len(doors(receiver)._idle)  # pyright: ignore[reportPrivateUsage] -- seen from outside only when it is too late


@pytest.mark.parametrize("limits", [Limits(connections=3), Limits(connections=12, knows_proxies=False)])
async def test_a_new_connection_takes_the_place_of_the_longest_idle_one(tmp_path: Path, limits: Limits) -> None:
    async with opened(tmp_path, limits=limits) as receiver:
        first, second, asking = [await receiver.connect() for _ in range(3)]
        asking[1].write(receiver.request(receiver.job(), "n1")[:-1])
        for reader, writer in (second, first):  # the second one is idle for longer
            writer.write(receiver.head("GET", "/healthz", {}))
            assert (await read_answer(reader)).status == 200
        await until(lambda: idle(receiver) == 2)
        assert (await receiver.get("/healthz")).status == 200
        assert await read_all(second[0]) == b""
        first[1].write(receiver.head("GET", "/healthz", {}))
        assert (await read_answer(first[0])).status == 200
        asking[1].write(GOOD[-1:])
        assert (await read_answer(asking[0])).status == 200
        for _, writer in (first, second, asking):
            await hang_up(writer)
        await until(lambda: doors(receiver).open == 0)
        assert not idle(receiver)


async def test_heads_that_drip_make_way_and_no_genuine_one_is_turned_away(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=Limits(connections=3)) as receiver:
        dripping = [await receiver.connect() for _ in range(3)]
        for _, writer in dripping:
            writer.write(b"POST /callbacks/")
        await until(lambda: doors(receiver).open == 3)
        for number in range(10):
            more = await receiver.connect()
            more[1].write(b"POST /callb")
            dripping.append(more)
            assert (await receiver.send(receiver.request(receiver.job(), f"n{number}"))).status == 200
        for _, writer in dripping:
            await hang_up(writer)


async def test_connections_that_never_ask_make_way_too(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=Limits(connections=3)) as receiver:
        silent = [await receiver.connect() for _ in range(3)]
        await until(lambda: doors(receiver).open == 3)
        for _ in range(10):
            assert (await receiver.get("/healthz")).status == 200
        for _, writer in silent:
            await hang_up(writer)


@pytest.mark.parametrize(
    ("address", "most"),
    [
        ("127.0.0.1", 400),
        ("::1", 400),
        ("10.1.2.3", 400),
        ("172.19.0.1", 400),
        ("fdaa::3", 400),
        ("8.8.8.8", 100),
        ("2600:1901::", 100),
        ("?", 100),
        ("", 100),
    ],
)
def test_a_private_address_may_be_a_proxy_and_take_all(address: str, most: int) -> None:
    assert Limits().connections_of(address, 400) == most
    assert Limits().connections_of(address, 1) == 1


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("8.8.8.8", "8.8.8.8"),
        ("::ffff:8.8.8.8", "8.8.8.8"),
        ("2600:1901:0:1::99", "2600:1901:0:1::"),
        ("2600:1901:0:1:ffff::1", "2600:1901:0:1::"),
        ("?", "?"),
    ],
)
def test_an_ipv6_customer_is_one_network(address: str, origin: str) -> None:
    assert origin_of(address) == origin


@pytest.mark.parametrize("allowed", [1024, 300])
async def test_connections_leave_descriptors_to_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, allowed: int
) -> None:
    monkeypatch.setattr(resource, "getrlimit", {resource.RLIMIT_NOFILE: (allowed, allowed)}.get)
    async with opened(tmp_path) as receiver:
        most = doors(receiver)._most  # pyright: ignore[reportPrivateUsage] -- hundreds of sockets would show it too
        assert most == max(1, allowed - 256 - 64)


async def test_files_beyond_the_cap_are_put_off(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=Limits(files=3)) as receiver:
        await _files_are_put_off(receiver)


async def test_one_address_is_sent_few_files_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=Limits(files_per_address=3, knows_proxies=False)) as receiver:
        await _files_are_put_off(receiver)


async def test_who_watches_through_our_proxy_takes_half_of_the_files_at_most(tmp_path: Path) -> None:
    """A film nobody takes is sent for up to ten minutes."""
    async with opened(tmp_path, limits=Limits(files=4)) as receiver:
        film, taking = big_film(receiver), [await receiver.connect() for _ in range(2)]
        for reader, writer in taking:
            writer.write(receiver.head("GET", film, {"X-Forwarded-For": "192.0.2.9, 203.0.113.7"}))
            assert (await reader.readexactly(12)).endswith(b"200")
        assert (await receiver.get(film, X_Forwarded_For="203.0.113.7")).status == 503
        other = receiver.head("HEAD", film, {"X-Forwarded-For": "198.51.100.1", "Connection": "close"})
        reader, writer = await receiver.connect()
        writer.write(other)
        assert (await read_answer(reader, bodiless=True)).status == 200
        for _, one in (*taking, (reader, writer)):
            await hang_up(one)


async def _files_are_put_off(receiver: Receiver) -> None:
    film, taking = big_film(receiver), [await receiver.connect() for _ in range(3)]
    for reader, writer in taking:
        writer.write(receiver.head("GET", film, {}))
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200")
    answer = await receiver.get(film)
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert (await receiver.get("/healthz")).status == 200
    picture = files.save(receiver.ctx.media_dir, files.INPUTS, "a-1.png", b"x")
    link = receiver.ctx.addresses.link(files.INPUTS, picture.name, int(NOW * 1000) + 60_000)
    assert (await receiver.get(link.removeprefix(PUBLIC_URL))).status == 200
    for _, writer in taking:
        await hang_up(writer)
    await until(lambda: doors(receiver).open == 0)
    for _ in range(5):
        assert (await receiver.get(film, Range="bytes=0-0")).status == 206
    await until(lambda: not doors(receiver)._files)  # pyright: ignore[reportPrivateUsage] -- a leak shows only in the end


async def test_a_file_sent_makes_room_on_a_connection_that_stays(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=Limits(files=1)) as receiver:
        film = files.save(receiver.ctx.media_dir, files.OUTPUTS, "small-1.mp4", b"film")
        link = receiver.ctx.addresses.link(files.OUTPUTS, film.name, int(NOW * 1000) + 60_000)
        reader, writer = await receiver.connect()
        for _ in range(3):
            writer.write(receiver.head("GET", link.removeprefix(PUBLIC_URL), {}))
            assert (await read_answer(reader)).status == 200
        await hang_up(writer)


async def test_a_file_of_any_size_has_its_deadline(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=Limits(slowest_media=1, media_seconds=SOON)) as receiver:
        reader, writer = await receiver.connect()
        writer.write(receiver.head("GET", big_film(receiver), {}))
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200")
        await until(lambda: doors(receiver).open == 0)
        await hang_up(writer)


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
        with pytest.raises(OSError, match=r"refused|Connect call failed"):
            await receiver.connect()


async def test_a_port_in_use_is_an_error_and_leaves_nothing_open(receiver: Receiver, tmp_path: Path) -> None:
    with pytest.raises(OSError, match="in use"):
        await server.start(receiver.ctx, host="127.0.0.1", port=receiver.server.port, ready=all_ready)


def long_head(size: int) -> bytes:
    """Write the beginning of a head with so many bytes of headers, none of them long."""
    return b"GET /healthz HTTP/1.1\r\nHost: a\r\n" + b"".join(
        b"X-%d: %b\r\n" % (n, b"a" * 1000) for n in range(size // 1000)
    )


@pytest.mark.parametrize("before", [b"", b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"])
@pytest.mark.parametrize("pieces", [True, False])
async def test_a_head_of_many_long_headers_is_not_kept(tmp_path: Path, before: bytes, pieces: bool) -> None:
    async with opened(tmp_path, limits=Limits(header_seconds=60)) as receiver:
        reader, writer = await receiver.connect()
        if before:
            writer.write(before)
            await read_answer(reader)
        head = long_head(40_000) + (b"" if pieces else b"\r\n")
        for start in range(0, len(head), 4000 if pieces else len(head)):
            writer.write(head[start : start + 4000] if pieces else head)
            await asyncio.sleep(0)
        assert await read_all(reader) == b""
        await until(lambda: doors(receiver).open == 0)
        await hang_up(writer)


async def test_a_large_body_in_pieces_counts_as_no_head(receiver: Receiver) -> None:
    body = b'{"state": "succeeded", "more": "%b"}' % (b"a" * 60_000)
    request = receiver.request(receiver.job(), "n1", body)
    reader, writer = await receiver.connect()
    for start in range(0, len(request), 500):
        writer.write(request[start : start + 500])
        await asyncio.sleep(0)
    writer.write(receiver.request(receiver.job(), "n2", body))
    assert [(await read_answer(reader)).status for _ in range(2)] == [200, 200]
    await hang_up(writer)
