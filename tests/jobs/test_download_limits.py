"""Downloads that end early: silence, size, packing, the deadline, a cancel, a full disk, an address astray."""

import asyncio
import gzip
import os
import select
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest
from aiohttp import web

from jobs import guard
from jobs.download import Downloaded, DownloadFailed, download
from tests.jobs.downloads import failure, link, raw_server, server, there, until


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "outputs" / "video.mp4.part"


async def test_a_silent_server_is_worth_another_try(part: Path) -> None:
    async with raw_server(b"", hang_up=False) as (_, url):
        port = int(url.rpartition(":")[2])
        async with guard.session([("127.0.0.1", port)], silence=0.05) as session:
            assert await failure(session, url, part) == "temporary"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "GZIP", "identity, gzip"])
async def test_a_packed_file_is_refused_and_never_unpacked(part: Path, encoding: str) -> None:
    body = gzip.compress(b"\0" * 1_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n"
    async with raw_server(head.encode() + body) as (session, url):
        assert await failure(session, url, part) == "refused"


async def test_a_file_announced_too_large_is_not_begun(part: Path) -> None:
    async with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", hang_up=False) as (session, url):
        assert await failure(session, url, part, max_bytes=1000) == "too_large"
    assert not part.parent.exists()


@pytest.mark.parametrize("size", [1, 1_000_000])
async def test_results_leave_the_disk_some_room_for_what_is_more_important(part: Path, size: int) -> None:
    """Sixteen at once of the largest are 5 GB; without room in the database no callback is stored."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size
    async with raw_server(head + b"a" * size) as (session, url):
        with pytest.raises(OSError, match="not for results"):
            await download(session, url, part, spared=1 << 60)
    assert not there(part)
    async with raw_server(head + b"a" * size) as (session, url):
        assert (await download(session, url, part, spared=0)).size == size


async def test_a_file_without_end_is_cut_off_with_flat_memory(part: Path) -> None:
    piece = b"\0" * 65536

    async def serve(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        answer.enable_chunked_encoding()
        await answer.prepare(request)
        while True:
            await answer.write(piece)

    async with server(serve) as (session, url):
        tracemalloc.start()
        try:
            assert await failure(session, url, part, max_bytes=24 << 20) == "too_large"
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 4 << 20


async def test_a_file_exactly_as_large_as_allowed_arrives(part: Path) -> None:
    async def serve(request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"x" * 1000)

    async with server(serve) as (session, url):
        assert (await download(session, url, part, max_bytes=1000)).size == 1000


async def test_a_trickle_is_given_up(part: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nsome bytes"
    async with raw_server(head, hang_up=False) as (session, url):
        assert await failure(session, url, part, least_bytes_per_second=1000, patience=0.05) == "too_slow"


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nsome bytes"])
async def test_the_deadline_holds_for_everything(part: Path, head: bytes) -> None:
    async with raw_server(head, hang_up=False) as (session, url):
        assert await failure(session, url, part, deadline=0.05) == "too_slow"


async def test_a_cancelled_download_leaves_no_file_behind(part: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 300_000
    async with raw_server(head, hang_up=False) as (session, url):
        fetching = asyncio.create_task(download(session, url, part))
        await until(lambda: there(part) > 0)
        fetching.cancel()
        with pytest.raises(asyncio.CancelledError):
            await fetching
    assert not there(part)


async def test_a_cancelled_download_waits_for_the_thread_that_still_writes(part: Path) -> None:
    part.parent.mkdir()
    os.mkfifo(part)  # a file that takes no more than it is read
    reader = os.open(part, os.O_RDONLY | os.O_NONBLOCK)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 300_000
    async with raw_server(head, hang_up=False) as (session, url):
        fetching = asyncio.create_task(download(session, url, part))
        await until(lambda: bool(select.select([reader], [], [], 0)[0]))
        for _ in range(3):
            fetching.cancel()
            done, _ = await asyncio.wait({fetching}, timeout=0.02)
            assert not done
        await asyncio.to_thread(_drain, reader, fetching)
        with pytest.raises(asyncio.CancelledError):
            await fetching
    os.close(reader)
    assert not there(part)


def _drain(reader: int, until_done: "asyncio.Task[Downloaded]") -> None:
    while not until_done.done():
        with suppress(BlockingIOError):
            os.read(reader, 65536)
        select.select([reader], [], [], 0.01)


async def test_a_full_disk_is_the_disk_s_error_and_leaves_no_file_behind(part: Path) -> None:
    link(part, "/dev/full")

    async def serve(request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"x" * 600_000)

    async with server(serve) as (session, url):
        with pytest.raises(OSError, match="No space left"):
            await download(session, url, part)
    assert not there(part)


@pytest.mark.parametrize("url", ["", "nonsense", "http://example.com/a-secret", "https://a.internal/a-secret"])
async def test_an_address_astray_is_blocked(part: Path, url: str) -> None:
    async with guard.session() as session:
        with pytest.raises(DownloadFailed) as failed:
            await download(session, url, part)
    assert failed.value.kind == "blocked"
    assert "secret" not in str(failed.value)
