"""Addresses made to lead astray, a name server in the attacker's hands, and an ear for what is really dialled."""

import asyncio
import socket
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import cast

from aiohttp.abc import AbstractResolver, ResolveResult


def words(text: str) -> list[str]:
    return text.split()


HOSTILE = words("""
https://127.0.0.1/ https://127.0.0.1:{port}/ http://127.0.0.1:{port}/ http://127.0.0.1/ https://127.0.0.2/
https://[::1]/ https://[::1]:{port}/ http://[::1]:{port}/ https://localhost/ https://localhost:{port}/
http://localhost:{port}/ https://LOCALHOST/ https://localhost./ https://foo.localhost/ https://localhost.localdomain/
https://127.1/ https://127.0.1/ https://2130706433/ https://0x7f000001/ https://0x7f.0.0.1/ https://0177.0.0.1/
https://017700000001/ https://127.0.0.1./ https://127.0.0.1.:{port}/ https://①②⑦.0.0.1/ http://①②⑦.0.0.1:{port}/
https://127。0。0。1/ https://ⓛocalhost/ https://localhost。/ https://0.0.0.0/ http://0.0.0.0:{port}/ https://0/
https://[::]/ http://[::]:{port}/ https://[::ffff:127.0.0.1]/ https://[::ffff:7f00:1]/ http://[::ffff:7f00:1]:{port}/
https://[::127.0.0.1]/ https://[64:ff9b::7f00:1]/ https://[64:ff9b::a9fe:a9fe]/ https://[64:ff9b:1::1]/
https://[2002:7f00:1::]/ https://[2001:0:7f00:1::]/ https://[fe80::1]/ https://[fe80::1%25lo]/ https://[::1%25lo]/
https://[fec0::1]/ https://[fd00::1]/ https://[fdaa::3]/ https://[fd00:ec2::254]/ https://[ff02::1]/ https://[5f00::1]/
https://10.0.0.1/ https://172.16.0.1/ https://192.168.0.1/ https://169.254.169.254/latest/meta-data/
http://169.254.169.254/latest/meta-data/ https://100.100.100.200/ https://168.63.129.16/ https://192.0.0.192/
https://224.0.0.1/ https://255.255.255.255/ https://8.8.8.8/ https://[2606:4700::1111]/
https://metadata.google.internal/ https://metadata。google。internal/ https://_api.internal:4280/ https://_api.internal/
https://app.flycast/ https://top1.nearest.of.app.internal/ https://METADATA.INTERNAL./ https://printer.local/ https://db/
https://router.lan/ https://1.0.0.127.in-addr.arpa/ https://hidden.onion/
https://user@127.0.0.1/ https://user:word@video.example.com/ https://video.example.com@127.0.0.1:{port}/
https://@video.example.com/ https://video.example.com:{port}/ http://video.example.com/ https://video.example.com:22/
http://video.example.com:443/ https://video.example.com:0/ https://video.example.com:99999/
https://video.example.com\\@127.0.0.1/ https://video.example.com#@127.0.0.1:{port}/x@ https://127.0.0.1#.example.com/
https://127.0.0.1%2f.example.com/ https://%6c%6f%63%61%6c%68%6f%73%74/ https://video.example.com%00.internal/
https://video..example.com/ https://.example.com/ https://-video.example.com/ https://xn--a/ https:///etc/passwd
https:127.0.0.1 https://[::1 https://[vF.x]/ ftp://127.0.0.1/ file:///etc/passwd ws://127.0.0.1:{port}/
wss://video.example.com/ unix:///run/docker.sock data:text/html,x javascript:alert(1) gopher://127.0.0.1:{port}/_x
https://rebound.example.com/ https://rebound.example.com/?a=b HTTPS://REBOUND.EXAMPLE.COM/ https://[::ffff:8.8.8.8]/
""")

UNPRINTABLE = [
    "",
    " ",
    "https://",
    "https://a b.example.com/",
    "https://127.0.0.1\n/",
    "\x00",
    "https://a\r\nb/",
    "\ud800",
]


class Answers(AbstractResolver):
    """A name server in the hands of the attacker: every name leads where it likes."""

    def __init__(self, *addresses: str) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""


_dialled: list[list[tuple[str, int]]] = []  # the lists that want to hear of dials


def _overhear(event: str, facts: tuple[object, ...]) -> None:
    if event == "socket.connect" and _dialled and isinstance(facts[1], tuple):
        address = cast("tuple[str, int]", facts[1][:2])
        for heard in _dialled:
            heard.append(address)


sys.addaudithook(_overhear)  # the interpreter's own report; it cannot be taken away again, so it listens only on demand


@contextmanager
def overheard() -> Generator[list[tuple[str, int]]]:
    """List every address this process dials."""
    heard: list[tuple[str, int]] = []
    _dialled.append(heard)
    yield heard
    _dialled.remove(heard)


@asynccontextmanager
async def listening(answer: bytes) -> AsyncGenerator[tuple[int, list[str]]]:
    """Listen on 127.0.0.1 and ::1 at one port, answer everybody the same; yields the port and who came."""
    came: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(str(writer.get_extra_info("sockname")[0]))
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    first = await asyncio.start_server(serve, "127.0.0.1", 0)
    port: int = first.sockets[0].getsockname()[1]
    async with first, await asyncio.start_server(serve, "::1", port):
        yield port, came
