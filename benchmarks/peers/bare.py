"""The yardstick: an aiohttp handler that reads the body and answers. It checks nothing and keeps nothing."""

import sys

from aiohttp import web

from benchmarks.peers.serve import run, serve


async def receive(request: web.Request) -> web.Response:
    """Read, answer."""
    await request.read()
    return web.Response(text="ok")


if __name__ == "__main__":
    run(serve(int(sys.argv[1]), receive))
