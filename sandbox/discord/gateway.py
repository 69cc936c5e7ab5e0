"""The gateway: websocket sessions with HELLO, IDENTIFY, READY, heartbeats, RESUME with replay, and their troubles.

Frames are plain JSON text. Clients that ask for compression decode text frames all the same.
"""

import asyncio
import contextlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from sandbox.discord import payloads
from sandbox.discord.guilds import Guild
from sandbox.discord.values import Json, nested
from sandbox.discord.world import Channel, World

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, VOICE, RESUME, RECONNECT, MEMBERS, INVALID, HELLO, ACK = (
    0,
    1,
    2,
    3,
    4,
    6,
    7,
    8,
    9,
    10,
    11,
)
GUILDS = 1 << 0
PRIVILEGED = 1 << 1 | 1 << 8 | 1 << 15
HIGHEST_INTENT = 1 << 25


@dataclass(eq=False)
class Connection:
    """One socket."""

    socket: web.WebSocketResponse
    request: web.Request

    async def send(self, op: int, data: Any = None) -> None:
        """Send a frame that is no event; a socket that is gone is no error."""
        with contextlib.suppress(ConnectionError):
            await self.socket.send_str(json.dumps({"op": op, "d": data, "s": None, "t": None}))

    def cut(self) -> None:
        """Tear the connection down without a goodbye."""
        if self.request.transport is not None:
            self.request.transport.abort()


@dataclass(eq=False)
class Session:
    """One bot session on one shard; it outlives its socket so that it can be resumed."""

    id: str
    number: int
    shard: int
    shards: int
    intents: int
    events: list[str] = field(default_factory=list[str], repr=False)
    stirred: asyncio.Event = field(default_factory=asyncio.Event)
    connection: Connection | None = None
    ready: bool = False

    @property
    def live(self) -> bool:
        """Say whether a socket is attached and READY (or RESUMED) was sent."""
        return self.ready and self.connection is not None and not self.connection.socket.closed

    def push(self, event: str, data: Json) -> None:
        """Number an event and let the writer send it (now, or after a resume)."""
        self.events.append(json.dumps({"op": DISPATCH, "t": event, "s": len(self.events) + 1, "d": data}))
        self.stirred.set()

    async def write(self, connection: Connection, seen: int) -> None:
        """Send every event after number `seen`, for as long as the socket lives."""
        while True:
            self.stirred.clear()
            for event in self.events[seen:]:
                await connection.socket.send_str(event)
                seen += 1
            await self.stirred.wait()


class Gateway:
    """All sessions of the bot."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.shards = 1
        self.heartbeat_ms = 41_250
        self.privileged_intents = False
        self.starts_left = 1000
        self.sessions: list[Session] = []
        self.started = 0
        self._connections: set[Connection] = set()
        world.dispatch = self.dispatch
        world.dispatch_channel = self.dispatch_channel

    # -- events --

    def dispatch(self, event: str, data: Json, guild: Guild | None, intent: int) -> bool:
        """Give an event to the sessions it is for; say whether one of them is connected."""
        if guild is not None and not guild.installed and intent:
            return False
        heard = False
        for session in self.sessions:
            mine = ((guild.id >> 22) % session.shards if guild is not None and guild.installed else 0) == session.shard
            if mine and session.intents & intent == intent:
                session.push(event, data)
                heard = heard or session.live
        return heard

    def dispatch_channel(self, event: str, channel: Channel) -> None:
        """Tell sessions about a channel."""
        self.dispatch(event, payloads.channel(channel), channel.guild, GUILDS)

    def join(self, guild: Guild) -> None:
        """Tell running sessions that the bot is in a new server."""
        self.dispatch("GUILD_CREATE", payloads.guild_create(guild), guild, GUILDS)

    def live(self) -> list[Session]:
        """List the sessions that are connected."""
        return [session for session in self.sessions if session.live]

    # -- troubles on demand --

    async def drop(self) -> None:
        """Cut every socket; the sessions stay resumable."""
        connections = list(self._connections)
        for connection in connections:
            connection.cut()
        await self._gone(connections)

    async def reconnect(self) -> None:
        """Ask the bot to reconnect and resume (op 7)."""
        for connection in list(self._connections):
            await connection.send(RECONNECT)

    async def invalidate(self) -> None:
        """Declare every session over (op 9, not resumable)."""
        connections = list(self._connections)
        self.sessions.clear()
        for connection in connections:
            await connection.send(INVALID, False)

    async def close(self) -> None:
        """Say goodbye to everyone."""
        for connection in list(self._connections):
            with contextlib.suppress(ConnectionError, TimeoutError):
                async with asyncio.timeout(1):
                    await connection.socket.close(code=1001)
            connection.cut()

    async def _gone(self, connections: list[Connection]) -> None:
        await self.world.until(lambda: not self._connections & set(connections), what="the end of the sockets")

    # -- the socket --

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Hold one socket from HELLO to its end."""
        socket = web.WebSocketResponse(compress=False, timeout=1.0)
        await socket.prepare(request)
        connection = Connection(socket, request)
        self._connections.add(connection)
        writer: asyncio.Task[None] | None = None
        session: Session | None = None
        try:
            await connection.send(HELLO, {"heartbeat_interval": self.heartbeat_ms, "_trace": ["sandbox"]})
            async for frame in socket:
                if frame.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                    break
                message = _decode(frame.data)
                if message.get("op") in (IDENTIFY, RESUME) and session is None:
                    session, seen = await self._open(connection, message)
                    if session is not None:
                        writer = asyncio.create_task(session.write(connection, seen))
                        self._announce(session, resumed=message["op"] == RESUME)
                else:
                    await self._other(connection, session, message)
        finally:
            self._connections.discard(connection)
            if session is not None and session.connection is connection:
                session.connection = None
            if writer is not None:
                writer.cancel()
                await asyncio.gather(writer, return_exceptions=True)
            self.world.changed()
        return socket

    async def _other(self, connection: Connection, session: Session | None, message: Json) -> None:
        op = message.get("op")
        if not message:
            await connection.socket.close(code=4002, message=b"Decode error.")
        elif op == HEARTBEAT:
            await connection.send(ACK)
        elif op in (IDENTIFY, RESUME):
            await connection.socket.close(code=4005, message=b"Already authenticated.")
        elif op not in (PRESENCE, VOICE, MEMBERS):
            await connection.socket.close(code=4001, message=b"Unknown opcode.")
        elif session is None:
            await connection.socket.close(code=4003, message=b"Not authenticated.")

    async def _open(self, connection: Connection, message: Json) -> tuple[Session | None, int]:
        data: Json = message.get("d") or {}
        if data.get("token") != self.world.token:
            await connection.socket.close(code=4004, message=b"Authentication failed.")
            return None, 0
        if message["op"] == RESUME:
            return await self._resume(connection, data)
        wrong = self._wrong_identify(data)
        if wrong is not None:
            await connection.socket.close(code=wrong[0], message=wrong[1])
            return None, 0
        return self._identify(connection, data), 0

    def _wrong_identify(self, data: Json) -> tuple[int, bytes] | None:
        shard, shards = data.get("shard") or [0, 1]
        intents = data.get("intents")
        if not 0 <= shard < shards:
            return 4010, b"Invalid shard."
        if not isinstance(intents, int) or not 0 <= intents < HIGHEST_INTENT << 1:
            return 4013, b"Invalid intent(s)."
        if intents & PRIVILEGED and not self.privileged_intents:
            return 4014, b"Disallowed intent(s)."
        return None

    def _identify(self, connection: Connection, data: Json) -> Session:
        shard, shards = data.get("shard") or [0, 1]
        # A session whose socket is gone is forgotten when its shard starts anew: what was waiting in it is lost.
        self.sessions = [s for s in self.sessions if s.shard != shard or s.connection is not None]
        self.starts_left -= 1
        self.started += shard == 0
        session = Session(secrets.token_hex(16), self.started, shard, shards, data["intents"], connection=connection)
        guilds = [
            guild
            for guild in self.world.guilds.values()
            if guild.installed and session.intents & GUILDS and (guild.id >> 22) % shards == shard
        ]
        session.push(
            "READY",
            {
                "v": 10,
                "user": payloads.own_user(self.world),
                "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
                "session_id": session.id,
                "resume_gateway_url": self.url(),
                "shard": [shard, shards],
                "application": {"id": str(self.world.bot.id), "flags": 0},
                "private_channels": [],
            },
        )
        for guild in guilds:
            session.push("GUILD_CREATE", payloads.guild_create(guild))
        self.sessions.append(session)
        return session

    async def _resume(self, connection: Connection, data: Json) -> tuple[Session | None, int]:
        session = next((s for s in self.sessions if s.id == data.get("session_id")), None)
        seen = data.get("seq")
        if session is None or not isinstance(seen, int) or not 0 <= seen <= len(session.events):
            await connection.send(INVALID, False)
            return None, 0
        if session.connection is not None:
            session.connection.cut()
        session.connection = connection
        session.push("RESUMED", {"_trace": ["sandbox"]})
        return session, seen

    def _announce(self, session: Session, *, resumed: bool) -> None:
        session.ready = True
        facts = {"session": session.number, "shard": session.shard, "resumed": resumed}
        self.world.tell("session started", facts)
        self.world.changed()

    def url(self) -> str:
        """Give the address of the gateway."""
        return self.world.base_url.replace("http", "ws", 1) + "/gateway/"

    def about(self) -> Json:
        """Answer GET /gateway/bot."""
        limit = {"total": 1000, "remaining": max(0, self.starts_left), "reset_after": 86_400_000, "max_concurrency": 1}
        return {"url": self.url(), "shards": self.shards, "session_start_limit": limit}


def _decode(data: str | bytes) -> Json:
    try:
        message: Any = json.loads(data)
    except ValueError:
        return {}
    return nested({"message": message}, "message")
