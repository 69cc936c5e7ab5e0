"""Real servers to download from, and what is looked at afterwards."""

import asyncio
import os
import traceback
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from jobs import guard
from jobs.download import DownloadFailed, download

SECRET = "Signature=a-secret"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def server(handler: Handler) -> AsyncGenerator[tuple[aiohttp.ClientSession, str]]:
    """Serve one handler on every path; yields a guarded session that may go there, and the address."""
    application = web.Application()
    application.router.add_get("/{path:.*}", handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port: int = runner.addresses[0][1]
    try:
        async with guard.session([("127.0.0.1", port)]) as session:
            yield session, f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def raw_server(answer: bytes, *, hang_up: bool = True) -> AsyncGenerator[tuple[aiohttp.ClientSession, str]]:
    """Answer every request with these bytes, then hang up, or keep silent until the asker leaves."""
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
            if not hang_up:
                await reader.read()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.create_task(serve(reader, writer)))

    async with await asyncio.start_server(begin, "127.0.0.1", 0) as listener:
        port: int = listener.sockets[0].getsockname()[1]
        async with guard.session([("127.0.0.1", port)]) as session:
            yield session, f"http://127.0.0.1:{port}"
        if serving:
            await asyncio.wait(serving, timeout=10)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what no event tells."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 -- the disk rings no bell
            await asyncio.sleep(0.001)


async def failure(session: aiohttp.ClientSession, url: str, part: Path, **limits: float) -> str:
    """Expect a download to fail cleanly; return the kind."""
    with pytest.raises(DownloadFailed) as failed:
        await download(session, f"{url}/secret-path?{SECRET}", part, **limits)  # pyright: ignore[reportArgumentType] -- limits of both kinds of number
    assert not there(part)
    assert "secret" not in str(failed.value)
    assert SECRET not in "".join(traceback.format_exception(failed.value))
    return failed.value.kind


def there(part: Path) -> int:
    """Tell how many bytes lie there; 0 for no file at all."""
    return part.lstat().st_size if os.path.lexists(part) else 0


def put(part: Path, data: bytes) -> None:
    part.parent.mkdir()
    part.write_bytes(data)


def link(part: Path, target: str) -> None:
    part.parent.mkdir()
    part.symlink_to(target)


def content(part: Path) -> bytes:
    return part.read_bytes()
