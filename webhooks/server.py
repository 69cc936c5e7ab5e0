"""The HTTP server: opens the port, sends each request to its room, closes cleanly.

Requests are routed by the path as it came over the wire, so there is nothing to decode that a proxy, a vendor and we
could decode differently.
"""

import asyncio
from dataclasses import dataclass

import structlog
from aiohttp import web

from jobs.context import Context
from webhooks import callbacks, health, media, replies
from webhooks.connections import Door, Doors
from webhooks.crowds import Crowds
from webhooks.health import Readiness, Ready
from webhooks.limits import Limits
from webhooks.metrics import Metrics
from webhooks.refused import Refused

__all__ = ["Limits", "Server", "start"]

_log = structlog.get_logger("http")
_PAGES = {"/": "home", "/healthz": "healthz", "/readyz": "readyz", "/metrics": "metrics"}
_GRACE = 2.0  # seconds for requests under way when the server closes
_BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class Server:
    """A server that listens."""

    host: str
    port: int
    _rooms: "_Rooms"
    _runner: web.ServerRunner

    @property
    def url(self) -> str:
        """Where it can be reached from this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.host, self.host)  # noqa: S104 -- not bound
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    async def close(self) -> None:
        """Stop listening, let requests under way end, and close every connection."""
        await self._runner.cleanup()
        await self._rooms.refused.close()
        await self._rooms.readiness.close()


async def start(ctx: Context, *, host: str, port: int, ready: Ready, limits: Limits | None = None) -> Server:
    """Open the port (0: any free one) and answer; `ready` names what else must work. Raise OSError."""
    bounds = limits or Limits()
    loop = asyncio.get_running_loop()
    rooms = _Rooms(ctx, bounds, Readiness(ctx.database, ready), Metrics(ctx), Refused(ctx), Crowds(loop.time))
    runner = web.ServerRunner(Doors(rooms.answer, bounds), shutdown_timeout=_GRACE)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=_BACKLOG).start()
    except BaseException:
        await runner.cleanup()
        raise
    return Server(host, runner.addresses[0][1], rooms, runner)


@dataclass(frozen=True, slots=True)
class _Rooms:
    """What the requests are answered with."""

    ctx: Context
    limits: Limits
    readiness: Readiness
    metrics: Metrics
    refused: Refused
    crowds: Crowds

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        route = _route(request)
        if isinstance(request.protocol, Door):
            request.protocol.start_request(route, request.content)
        try:
            response = await self._reply(route, request)
        except Exception:  # noqa: BLE001 -- a mistake of ours is logged, never shown
            _log.exception("request not answered", route=route)
            response = replies.refuse(400)
        if not request.content.is_eof() or not callbacks.ends_plainly(request):
            # A proxy must not send another request after a body nobody reads, or whose end it may see elsewhere.
            response.force_close()
        return response

    async def _reply(self, route: str, request: web.BaseRequest) -> web.StreamResponse:
        if route == "callbacks":
            response = await callbacks.receive(request, self.ctx, self.limits, self.refused, self.crowds)
            self.metrics.answered(callbacks.provider_of(request, self.ctx), response.status)
            return response
        if route == "media":
            return await media.send(request, self.ctx, self.limits)
        if route == "-":
            return replies.refuse(404)
        if request.method not in {"GET", "HEAD"}:
            return replies.refuse(405, allow="GET, HEAD")
        return await self._page(route, request)

    async def _page(self, route: str, request: web.BaseRequest) -> web.Response:
        if route == "healthz":
            return health.alive()
        if route == "readyz":
            return await health.ready(self.readiness)
        if route == "metrics":
            return await self.metrics.page(request)
        return replies.plain("Rushes")


def _route(request: web.BaseRequest) -> str:
    path = request.raw_path
    if path.startswith("/callbacks/"):
        return "callbacks"
    if path.startswith("/media/"):
        return "media"
    return _PAGES.get(path.partition("?")[0], "-")
