"""The stand-in itself: one real HTTP server for REST, gateway and CDN, with recording, faults and rate limits."""

import hmac
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

from aiohttp import web

from sandbox.discord import cdn, posting, rest
from sandbox.discord.gateway import Gateway, Session
from sandbox.discord.guilds import Guild
from sandbox.discord.members import Member
from sandbox.discord.posting import Sent
from sandbox.discord.ratelimits import RateLimits
from sandbox.discord.values import Fault, Json, Recorded, RefusedError, Tell, ignore
from sandbox.discord.world import Channel, Message, User, World

T = TypeVar("T")
PREFIX = "/api/v10"
LARGEST_BODY = 600 * 2**20


class Discord:
    """A Discord of one's own. Make it with `start_discord`, end it with `close`."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.gateway = Gateway(world)
        self.api_url = ""
        self.gateway_url = ""
        self.cdn_url = ""
        self.address = ""
        self.failures: list[Exception] = []
        self._runner: web.AppRunner | None = None

    # -- what exists --

    @property
    def bot(self) -> User:
        """Give the bot's account."""
        return self.world.bot

    @property
    def messages(self) -> dict[int, Message]:
        """Give every message ever made by its number, deleted and ephemeral ones included."""
        return self.world.messages

    @property
    def commands(self) -> list[Json]:
        """List the commands registered for everywhere."""
        return self.world.commands.get(None, [])

    @property
    def requests(self) -> list[Recorded]:
        """List every REST request of the bot, oldest first."""
        return self.world.requests

    @property
    def faults(self) -> list[Fault]:
        """Give the faults to come; append to it. They are used up in order."""
        return self.world.faults

    @faults.setter
    def faults(self, faults: list[Fault]) -> None:
        self.world.faults[:] = faults

    @property
    def limits(self) -> RateLimits:
        """Give the rate limits in force; set its fields."""
        return self.world.limits

    @property
    def sessions(self) -> list[Session]:
        """List the bot's gateway sessions, resumable ones included."""
        return self.gateway.sessions

    @property
    def tell(self) -> Tell:
        """Give the listener; set it to listen differently."""
        return self.world.tell

    @tell.setter
    def tell(self, tell: Tell) -> None:
        self.world.tell = tell

    @property
    def invalid_requests(self) -> int:
        """Count the answers 401, 403 and 429: ten thousand in ten minutes get a bot banned."""
        return sum(request.status in (401, 403, 429) for request in self.requests)

    def add_guild(self, name: str, *, upload_limit: int = 10 * 2**20, installed: bool = True) -> Guild:
        """Create a server (upload limit in bytes per file); the bot is in it at once unless `installed` is False."""
        world = self.world
        guild = Guild(
            world=world,
            id=world.snowflake(),
            name=name,
            upload_limit=upload_limit,
            owner=world.add_user("owner"),
            created_at=world.clock(),
            bot_role=world.snowflake(),
            installed=installed,
        )
        world.guilds[guild.id] = guild
        self.gateway.join(guild)
        return guild

    def add_group(self, name: str, *people: Member) -> Channel:
        """Open a group of people, where the bot is not."""
        return self.world.group(name, tuple(one.user for one in people))

    # -- waiting --

    async def until(self, condition: Callable[[], T], timeout: float = 30.0) -> T:  # noqa: ASYNC109 -- a deadline is part of the question
        """Wait until the condition gives something true and return that. Raises TimeoutError."""
        return await self.world.until(condition, timeout)

    async def connected(self, timeout: float = 30.0, session: int | None = None) -> None:  # noqa: ASYNC109 -- see above
        """Wait until a bot session (the n-th one with `session=n`) has READY on all its shards. Raises TimeoutError."""

        def ready() -> bool:
            live = [s for s in self.gateway.live() if session is None or s.number >= session]
            return any(len({s.shard for s in live if s.shards == one.shards}) == one.shards for one in live)

        await self.world.until(ready, timeout, f"bot session {session or ''}")

    async def disconnected(self, timeout: float = 30.0) -> None:  # noqa: ASYNC109 -- see above
        """Wait until no bot session is connected. Raises TimeoutError."""
        await self.world.until(lambda: not self.gateway.live(), timeout, "the end of all bot sessions")

    # -- troubles --

    async def drop_gateway(self) -> None:
        """Cut every gateway socket without a goodbye; the sessions can be resumed."""
        await self.gateway.drop()

    async def reconnect(self) -> None:
        """Ask the bot to reconnect and resume (op 7)."""
        await self.gateway.reconnect()

    async def invalidate(self) -> None:
        """Declare every session over (op 9): the bot must identify anew."""
        await self.gateway.invalidate()

    async def close(self) -> None:
        """End everything: sockets, server. Raises what went wrong inside the stand-in itself, if anything did."""
        await self.gateway.close()
        if self._runner is not None:
            await self._runner.cleanup()
        failures, self.failures = self.failures, []
        if failures:
            raise ExceptionGroup("the stand-in itself failed", failures)

    # -- the server --

    async def listen(self, host: str, port: int) -> None:
        """Open the socket and learn the port."""
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_get("/gateway/", self.gateway.serve)
        for folder in ("attachments", "ephemeral-attachments"):
            app.router.add_get(f"/{folder}/{{folder}}/{{file:\\d+}}/{{name}}", self._serve_file)
        for method, path, route in rest.ROUTES:
            app.router.add_route(method, PREFIX + path, self._handler(path, route))
        app.router.add_route("*", PREFIX + "/{rest:.*}", self._handler("/unknown", _unknown))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, host, port)
        await site.start()
        found: int = self._runner.addresses[0][1]
        self.address = f"{host}:{found}"
        self.world.base_url = self.cdn_url = f"http://{self.address}"
        self.api_url = self.cdn_url + PREFIX
        self.gateway_url = self.gateway.url()

    async def _serve_file(self, request: web.Request) -> web.Response:
        return await cdn.serve(self.world, request)

    def _handler(self, template: str, route: rest.Route) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            sent, wrong = Sent(None, {}), None
            try:
                sent = await posting.read(request)
            except RefusedError as refusal:
                wrong = refusal
            record = self._record(request, sent)
            status, body, headers = await self._answer(request, record, sent, template, route, wrong)
            if status == "cut":
                if request.transport is not None:
                    request.transport.abort()
                return web.Response()
            record.status, record.answer = int(status), body
            response = reply(int(status), body, headers)
            record.content_type = response.headers.get("Content-Type")
            self.world.changed()
            return response

        return handle

    def _record(self, request: web.Request, sent: Sent) -> Recorded:
        record = Recorded(
            method=request.method,
            path=request.path.removeprefix(PREFIX),
            query=dict(request.query),
            json=sent.body,
            files=sent.parts,
            headers=dict(request.headers),
            at=self.world.clock(),
            multipart=sent.multipart,
        )
        self.world.requests.append(record)
        self.world.changed()
        return record

    async def _answer(
        self,
        request: web.Request,
        record: Recorded,
        sent: Sent,
        template: str,
        route: rest.Route,
        wrong: RefusedError | None,
    ) -> tuple[int | str, Any, dict[str, str]]:
        fault = self._take_fault(record)
        if fault is not None and fault.when == "before":
            await _hold(fault)
            if fault.status is not None:
                return fault.status, fault.body, dict(fault.headers)
        answer = self._act(dict(request.match_info), record, sent, template, route, wrong)
        if fault is not None and fault.when == "after":
            await _hold(fault)
            if fault.status is not None:
                return fault.status, fault.body, dict(fault.headers)
        return answer

    def _act(
        self,
        at: dict[str, str],
        record: Recorded,
        sent: Sent,
        template: str,
        route: rest.Route,
        wrong: RefusedError | None,
    ) -> tuple[int, Any, dict[str, str]]:
        if wrong is not None:
            return wrong.status, wrong.body(), {}
        if not self._may_ask(record):
            return 401, {"message": "401: Unauthorized", "code": 0}, {}
        major = ":".join(at.get(key, "") for key in ("channel", "guild", "app", "token"))
        verdict = self.world.limits.admit(record.method, template, major, self.world.clock())
        if verdict.refused is not None:
            return 429, verdict.refused, verdict.headers
        try:
            status, body = route(rest.Ask(self.world, self.gateway, at, record.query, sent))
        except RefusedError as refusal:
            return refusal.status, refusal.body(), verdict.headers
        except Exception as error:  # noqa: BLE001 -- kept and raised by close(): a bug here must not pass for Discord's
            self.failures.append(error)
            return 500, {"message": "500: Internal Server Error", "code": 0}, verdict.headers
        return status, body, verdict.headers

    def _may_ask(self, record: Recorded) -> bool:
        given = record.headers.get("Authorization", "")
        by_bot = hmac.compare_digest(given.encode(), f"Bot {self.world.token}".encode())
        return by_bot or record.path in rest.PUBLIC or record.path.startswith(rest.WITHOUT_BOT_TOKEN)

    def _take_fault(self, record: Recorded) -> Fault | None:
        for number, fault in enumerate(self.world.faults):
            if fault.matches(record.method, record.path):
                self.world.faults[number : number + 1] = (
                    [replace(fault, times=fault.times - 1)] if fault.times > 1 else []
                )
                record.faulted = True
                return fault
        return None


async def _hold(fault: Fault) -> None:
    if fault.gate is not None:
        await fault.gate.wait()


def _unknown(ask: rest.Ask) -> rest.Reply:
    del ask
    return 404, {"message": "404: Not Found", "code": 0}


def reply(status: int, body: Any, headers: dict[str, str]) -> web.Response:
    """Build an answer. The media type must be exactly application/json: clients compare it as a whole."""
    if body is None:
        return web.Response(status=status, headers=headers)
    if isinstance(body, str):
        return web.Response(status=status, text=body, headers=headers)
    return web.Response(
        status=status, body=json.dumps(body).encode(), headers={"Content-Type": "application/json"} | headers
    )


async def start_discord(
    *,
    token: str,
    host: str = "127.0.0.1",
    port: int = 0,
    clock: Callable[[], float] = time.time,
    tell: Tell = ignore,
) -> Discord:
    """Start a stand-in for Discord that knows one bot by its token. `clock` gives seconds since 1970."""
    discord = Discord(World(token=token, clock=clock, tell=tell))
    await discord.listen(host, port)
    return discord
