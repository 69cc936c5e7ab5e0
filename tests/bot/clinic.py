"""A bot whose PUBLIC_URL really leads back to it: over TLS, through a proxy that a test can spoil."""

import asyncio
import datetime as dt
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from jobs.addresses import Addresses
from jobs.loop import Work
from jobs.purses import Purses
from jobs.trial import Trials
from sandbox.discord import Member
from tests.bot.harness import FakeVendor, Set, open_set
from webhooks import server

Spoil = Callable[[bytes], bytes | None]  # what the proxy makes of a request; None: it never answers


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """Signs certificates; trusted by who is given its file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._own = self._signed("authority", self._key, 3650, authority=True)
        self.file = folder / "authority.pem"
        self.file.write_bytes(self._own.public_bytes(serialization.Encoding.PEM))

    def context(self, host: str, days: float) -> ssl.SSLContext:
        """Make what a server speaks TLS with."""
        key = ec.generate_private_key(ec.SECP256R1())
        form = serialization.PrivateFormat.PKCS8
        pem = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        file = self._folder / f"{host}-{days}.pem"
        file.write_bytes(pem + self._signed(host, key, days).public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _signed(
        self, host: str, key: ec.EllipticCurvePrivateKey, days: float, *, authority: bool = False
    ) -> x509.Certificate:
        now = dt.datetime.now(dt.UTC)
        usage = x509.KeyUsage(*([not authority] + [False] * 4 + [authority] * 2 + [False] * 2))
        return (
            x509.CertificateBuilder()
            .subject_name(_name(host))
            .issuer_name(_name("authority"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=100))
            .not_valid_after(now + dt.timedelta(days=days))
            .add_extension(x509.BasicConstraints(authority, None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )


@dataclass
class Proxy:
    """Stands before the receiver as a reverse proxy does."""

    backend: int = 0
    spoil: Spoil | None = None
    answer: bytes | None = None  # instead of the receiver's
    seen: list[bytes] = field(default_factory=list[bytes])
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    async def listen(self, context: ssl.SSLContext | None) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._pass(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await _whole(reader)
        self.seen.append(request)
        changed = self.spoil(request) if self.spoil else request
        if changed is None:
            await asyncio.Event().wait()
            return
        answer = self.answer or await self._asked(changed)
        writer.write(answer)
        await writer.drain()
        writer.write_eof() if writer.can_write_eof() else None
        await reader.read()

    async def _asked(self, request: bytes) -> bytes:
        back, out = await asyncio.open_connection("127.0.0.1", self.backend)
        try:
            out.write(request)
            return await _whole(back)
        finally:
            out.close()
            await out.wait_closed()


async def _whole(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    return head + await reader.readexactly(int(lengths[0]) if lengths else 0)


@dataclass
class Clinic:
    """Everything of one test."""

    films: Set
    proxy: Proxy
    admin: Member
    operator: Member
    vendor: FakeVendor
    file: Path
    receiver: server.Server = field(init=False)

    async def start(self) -> None:
        self.receiver = await server.start(self.films.ctx, host="127.0.0.1", port=0, ready=_ready)
        self.proxy.backend = self.receiver.port
        await self.films.start()

    async def stop(self) -> None:
        await self.films.stop()
        await self.receiver.close()

    async def restart(self, **changes: Any) -> None:
        """Let another process take over: what was kept in memory is gone."""
        await self.stop()
        self.films.ctx = replace(self.films.ctx, **{"trials": Trials(), "purses": Purses(), **changes})
        await self.start()

    async def asked(self, who: Member | None = None) -> str:
        """Type /doctor; what the answer says."""
        message = await (who or self.admin).type(self.films.channel, "/doctor", {}).answered(20)
        return message.text


@asynccontextmanager
async def opened(
    folder: Path, *, host: str = "localhost", named: str = "localhost", days: float = 90.5, tls: bool = True
) -> AsyncGenerator[Clinic]:
    """Start everything; whose file a test trusts is for the test to say (SSL_CERT_FILE)."""
    authority, proxy, vendor = Authority(folder), Proxy(), FakeVendor("acme")
    port = await proxy.listen(authority.context(named, days) if tls else None)
    stopping = asyncio.Event()
    async with open_set(folder, vendor) as films:
        films.ctx = replace(films.ctx, addresses=Addresses(f"http{'s' * tls}://{host}:{port}", ["key"]))
        loop = Work("wait", _nothing_due, _never, int, films.ctx.wakes.submit, 1, 0.02)
        films.ctx.loops.append(loop)
        turning = asyncio.create_task(loop.run(stopping))
        admin, operator = films.guild.add_member("boss"), films.guild.add_member("root")
        for one in (admin, operator):
            one.permissions |= 1 << 5
        films.discord.world.owner = operator.user
        clinic = Clinic(films, proxy, admin, operator, vendor, folder / "rushes.db")
        await clinic.start()
        try:
            await films.discord.until(lambda: loop.rested is not None)
            yield clinic
        finally:
            await clinic.stop()
            stopping.set()
            await turning
            await proxy.close()


async def _ready() -> Mapping[str, bool]:
    return {"gateway": True}


async def _nothing_due() -> list[int]:
    return []


async def _never(piece: int) -> None:
    raise AssertionError(piece)
