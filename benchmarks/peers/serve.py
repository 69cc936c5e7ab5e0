"""What the aiohttp peers share: the fastest event loop there is, and a server without an access log."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from importlib import import_module
from importlib.util import find_spec

from aiohttp import web

PATH = "/callbacks/vidu/{token}"
Handler = Callable[[web.Request], Awaitable[web.Response]]


def run(main: Coroutine[None, None, None]) -> None:
    """Run on uvloop where it is installed."""
    if find_spec("uvloop"):
        import_module("uvloop").run(main)  # by name: it is in the peers' own environment alone
    else:
        asyncio.run(main)


async def serve(port: int, handler: Handler) -> None:
    """Take callbacks until killed."""
    app = web.Application()
    app.router.add_post(PATH, handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    await asyncio.Event().wait()
