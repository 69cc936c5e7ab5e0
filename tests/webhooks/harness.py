"""A real receiver on a real socket, with a real database and a small vendor whose signatures are real."""

import asyncio
import hashlib
import hmac
import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from jobs.addresses import Addresses
from jobs.context import Context
from providers.contract import (
    Accepted,
    Callback,
    NotAuthentic,
    NotUnderstood,
    Progress,
    Status,
    Submission,
    Task,
    Trust,
    Verified,
)
from providers.orders import Extra, Model, Operation, Order, Problem
from providers.reading import read_object
from storage import Database
from storage.codes import new_job_id
from tests.webhooks.bodies import GOOD
from webhooks import server
from webhooks.limits import Limits
from webhooks.server import Server

KEY = b"the key of the test's vendor"
NOW = 1_800_000_000.0
PUBLIC_URL = "https://rushes.example/base"


def sign(path: str, nonce: str, body: bytes, at: float = NOW) -> dict[str, str]:
    """Sign a delivery as the test's vendor does."""
    text = b"\n".join([path.encode(), nonce.encode(), str(int(at)).encode(), body])
    return {"X-Nonce": nonce, "X-At": str(int(at)), "X-Mac": hmac.new(KEY, text, hashlib.sha256).hexdigest()}


@dataclass
class Signer:
    """A vendor that signs path, nonce, time and body."""

    name: str = "signer"
    title: str = "Signer"
    stoppable: bool = False
    can_find: bool = False
    trust: Trust = Trust.DATA
    breaks: Exception | None = None  # raised by verify, though the contract forbids it

    def verify(self, callback: Callback, now: float) -> Verified:
        if self.breaks:
            raise self.breaks
        nonce, at, mac = (_one(callback, name) for name in (b"x-nonce", b"x-at", b"x-mac"))
        text = b"\n".join([callback.path.encode(), nonce, at, callback.body])
        if not hmac.compare_digest(hmac.new(KEY, text, hashlib.sha256).hexdigest().encode(), mac):
            raise NotAuthentic("another signature")
        if abs(now - float(at)) > 300:
            raise NotAuthentic("too old", stale=True)
        return Verified(self.trust, nonce.decode())

    def read_callback(self, body: bytes) -> Status:
        word = read_object(body).get("state")
        if word not in set(Progress):
            raise NotUnderstood("no state")
        return Status("task", Progress(word), str(word))

    def operations(self) -> tuple[Operation, ...]:
        return ()

    def can_cancel(self, operation: Operation) -> bool:
        return self.stoppable

    def extras(self, operation: Operation) -> tuple[Extra, ...]:
        return ()

    def models(self, operation: Operation) -> tuple[Model, ...]:
        return ()

    def fill(self, order: Order) -> Order:
        return order

    def problems(self, order: Order) -> list[Problem]:
        return []

    def price(self, order: Order) -> int | None:
        return None

    async def submit(self, submission: Submission) -> Accepted:
        _never()

    async def query(self, task: Task) -> Status:
        _never()

    async def find(self, task: Task, since: float, known: Collection[str] = ()) -> Status | None:
        _never()

    async def cancel(self, task: Task) -> None:
        _never()

    async def balance(self) -> None:
        _never()


def _never() -> NoReturn:
    raise AssertionError("the receiver called a vendor")


def _one(callback: Callback, name: bytes) -> bytes:
    values = [value for key, value in callback.headers if key.lower() == name]
    if len(values) != 1:
        raise NotAuthentic(f"{name.decode()} came {len(values)} times")
    return values[0]


@dataclass
class Steps:
    """Remembers what was told."""

    told: list[tuple[str, int | None, dict[str, object]]] = field(default_factory=list)

    def __call__(self, step: str, job_id: int | None = None, /, **facts: object) -> None:
        self.told.append((step, job_id, facts))

    def names(self, job_id: int) -> list[str]:
        return [step for step, job, _ in self.told if job == job_id]

    def reasons(self) -> list[object]:
        return [facts["reason"] for step, _, facts in self.told if step == "callback refused"]


@dataclass
class Answer:
    """What came back over a raw socket."""

    status: int
    headers: dict[str, str]
    body: bytes
    raw: bytes


@dataclass
class Receiver:
    """A running server and what a test needs to talk to it."""

    server: Server
    ctx: Context
    steps: Steps
    vendor: Signer
    database_file: Path

    def job(self) -> int:
        return new_job_id(int(NOW * 1000))

    def path(self, job_id: int, provider: str = "signer") -> str:
        return self.ctx.addresses.callback_path(provider, self.ctx.addresses.callback_token(provider, job_id))

    def signed(self, job_id: int, nonce: str, body: bytes, at: float = NOW) -> dict[str, str]:
        token = self.ctx.addresses.callback_token("signer", job_id)
        return sign(self.ctx.addresses.signed_path("signer", token), nonce, body, at)

    def request(
        self, job_id: int, nonce: str, body: bytes = GOOD, *, at: float = NOW, more: Mapping[str, str] | None = None
    ) -> bytes:
        """Write a whole, valid callback."""
        headers = self.signed(job_id, nonce, body, at) | {"Content-Length": str(len(body))} | dict(more or {})
        return self.head("POST", self.path(job_id), headers) + body

    def head(self, method: str, target: str, headers: Mapping[str, str]) -> bytes:
        lines = [f"{method} {target} HTTP/1.1", "Host: rushes.example", *(f"{k}: {v}" for k, v in headers.items())]
        return "\r\n".join(lines).encode() + b"\r\n\r\n"

    def connect(self) -> Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        return asyncio.open_connection("127.0.0.1", self.server.port)

    async def send(self, data: bytes) -> Answer:
        """Send bytes on a connection of their own and read one answer."""
        reader, writer = await self.connect()
        try:
            writer.write(data)
            return await read_answer(reader)
        finally:
            await hang_up(writer)

    async def get(self, target: str, method: str = "GET", **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.send(self.head(method, target, {**named, "Connection": "close"}))

    def rows(self) -> list[dict[str, Any]]:
        """Read the inbox through a connection of our own, as another process would."""
        connection = sqlite3.connect(self.database_file)
        connection.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in connection.execute("SELECT * FROM inbox ORDER BY id")]
        finally:
            connection.close()


async def read_answer(reader: asyncio.StreamReader, *, bodiless: bool = False) -> Answer:
    """Read one answer, with a deadline only a hung server meets."""
    async with asyncio.timeout(30):
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}
        body = b"" if bodiless else await reader.readexactly(int(headers.get("content-length", "0")))
    return Answer(int(first.split(" ")[1]), headers, body, head + body)


async def read_all(reader: asyncio.StreamReader) -> bytes:
    """Read until the server closes; a reset is an end too."""
    data = bytearray()
    async with asyncio.timeout(30):
        try:
            while part := await reader.read(65536):
                data += part
        except ConnectionError:
            pass
    return bytes(data)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close a client's end, whatever has become of it."""
    writer.close()
    with suppress(ConnectionError, OSError):
        await writer.wait_closed()


async def all_ready() -> Mapping[str, bool]:
    return {"gateway": True}


@asynccontextmanager
async def opened(
    tmp_path: Path,
    *,
    limits: Limits | None = None,
    ready: Callable[[], Awaitable[Mapping[str, bool]]] = all_ready,
    database: type[Database] = Database,
    clock: Callable[[], float] = lambda: NOW,
) -> AsyncGenerator[Receiver]:
    """Open a receiver on a free port."""
    file = tmp_path / "rushes.db"
    (tmp_path / "media").mkdir(exist_ok=True)
    store = await database.open(f"sqlite+aiosqlite:///{file}")
    vendor, steps = Signer(), Steps()
    ctx = Context(
        database=store,
        providers={"signer": vendor},
        addresses=Addresses(PUBLIC_URL, ["a secret key of the test"]),
        media_dir=tmp_path / "media",
        clock=clock,
        tell=steps,
    )
    running = await server.start(ctx, host="127.0.0.1", port=0, ready=ready, limits=limits)
    try:
        yield Receiver(running, ctx, steps, vendor, file)
    finally:
        await running.close()
        await store.close()


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop turn until something is so; with a deadline only a hung server meets."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 -- what is waited for has no event of its own
            await asyncio.sleep(0)
