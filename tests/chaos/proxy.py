"""A proxy that stands between two programs and spoils some of what passes: the network on a bad day.

Each request has a connection of its own, so that a fault hits one request and no other. A gateway's socket is passed
through untouched.
"""

import asyncio
import contextlib
import re
import socket
import struct
from collections import Counter
from collections.abc import Callable
from typing import Final

# What may happen to a request. The first ones never reach the other side, the others have their full effect there.
NEVER_ARRIVED: Final = ("reset", "429", "429 bare", "500", "502", "503", "html")
ARRIVED: Final = ("answer lost", "answer cut", "half json", "502 after", "slow")
CALLBACK: Final = ("reset", "answer lost", "502 after", "twice", "late", "503")
STRAYS: Final = "arrives late"  # the sender sees a reset, and much later the request arrives all the same
_STRAYS_FOR = 6.5  # seconds: longer than the program waits before it takes a submission for absent
_HTML = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
_LIMITED = b'{"message": "You are being rate limited.", "retry_after": 0.2, "global": false}'
_ANSWERS: Final = {
    "429": (
        429,
        "Too Many Requests",
        b"Via: 1.1 proxy\r\nRetry-After: 1\r\nContent-Type: application/json\r\n",
        _LIMITED,
    ),
    "429 bare": (429, "Too Many Requests", b"Content-Type: text/plain\r\n", b"slow down"),
    "500": (500, "Internal Server Error", b"Content-Type: application/json\r\n", b'{"message": "oops"}'),
    "502": (502, "Bad Gateway", b"Content-Type: text/html\r\n", _HTML),
    "503": (503, "Service Unavailable", b"", b""),
    "html": (200, "OK", b"Content-Type: text/html\r\n", _HTML),
    "502 after": (502, "Bad Gateway", b"Content-Type: text/html\r\n", _HTML),
}
_PIECES = 8

# Asked for each request: method and path -> what happens to it; None: nothing.
Choose = Callable[[str, str], str | None]


class Proxy:
    """One direction between two programs; `count` tells what happened how often."""

    def __init__(self, name: str, choose: Choose, count: Counter[str]) -> None:
        self.name = name
        self.port = 0
        self.upstream = 0  # the port behind it
        self.astray = 0  # requests that are still to arrive
        self._choose = choose
        self._count = count
        self._server: asyncio.Server | None = None
        self._passing: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    async def open(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._meet, "127.0.0.1", 0, limit=1 << 20, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Cut everything."""
        if self._server is not None:
            self._server.close()
        for task in list(self._passing):
            task.cancel()
        await asyncio.gather(*self._passing, return_exceptions=True)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._passing.add(task)
        try:
            await self._pass(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):
            _reset(writer)  # one side is gone: so is the other
        finally:
            self._passing.discard(task)
            writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, path, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ", 2)
        if re.search(rb"(?i)\r\nupgrade: *websocket", head):
            await self._through(head, reader, writer)
            return
        request = _alone(head) + await _body(head, reader)
        fault = self._choose(method, path)
        if fault is not None:
            self._count[f"{self.name}: {fault}"] += 1
        if fault == "reset":
            _reset(writer)
            return
        if fault == STRAYS:
            await self._astray(request, writer)
            return
        if fault in _ANSWERS and fault != "502 after":
            writer.write(_answer(fault))
            await writer.drain()
            return
        if fault == "late":
            await asyncio.sleep(0.7)
        answer = await self._asked(request)
        if fault == "twice":
            answer = await self._asked(request)
        await _given(writer, answer, fault)

    async def _astray(self, request: bytes, writer: asyncio.StreamWriter) -> None:
        _reset(writer)
        self.astray += 1
        try:
            await asyncio.sleep(_STRAYS_FOR)
            await self._asked(request)
        finally:
            self.astray -= 1

    async def _asked(self, request: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        try:
            writer.write(request)
            await writer.drain()
            answer = await reader.read(-1)
        finally:
            writer.close()
        if not answer:
            raise ConnectionResetError
        return answer

    async def _through(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        behind, onward = await asyncio.open_connection("127.0.0.1", self.upstream)
        onward.write(head)
        ways = [asyncio.create_task(_poured(reader, onward)), asyncio.create_task(_poured(behind, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            onward.close()


def _alone(head: bytes) -> bytes:
    """Ask for the connection to be closed after the answer."""
    kept = re.sub(rb"(?i)\r\n(connection|keep-alive):[^\r\n]*", b"", head)
    return kept[:-2] + b"Connection: close\r\n\r\n"


async def _body(head: bytes, reader: asyncio.StreamReader) -> bytes:
    length = re.search(rb"(?i)\r\ncontent-length: *([0-9]+)", head)
    if length:
        return await reader.readexactly(int(length[1]))
    if not re.search(rb"(?i)\r\ntransfer-encoding: *chunked", head):
        return b""
    body = b""
    while True:
        size = await reader.readuntil(b"\r\n")
        body += size + await reader.readexactly(int(size, 16) + 2)
        if int(size, 16) == 0:
            return body


def _answer(fault: str) -> bytes:
    status, reason, headers, body = _ANSWERS[fault]
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
    return head.encode() + headers + b"\r\n" + body


async def _given(writer: asyncio.StreamWriter, answer: bytes, fault: str | None) -> None:
    """Hand an answer on, or what is left of it."""
    head, _, body = answer.partition(b"\r\n\r\n")
    head = re.sub(rb"(?i)\r\nconnection:[^\r\n]*", b"", head) + b"\r\nConnection: close\r\n\r\n"
    if fault == "answer lost":
        _reset(writer)
        return
    if fault == "answer cut":
        writer.write(head + body[: len(body) // 2])
        await writer.drain()
        _reset(writer)
        return
    if fault == "502 after":
        writer.write(_answer(fault))
    elif fault == "half json":
        body = body[: len(body) // 2]
        head = re.sub(rb"(?i)\r\ncontent-length:[^\r\n]*", b"\r\nContent-Length: %d" % len(body), head)
        writer.write(head + body)
    elif fault == "slow":
        whole = head + body
        for piece in range(_PIECES):
            writer.write(whole[len(whole) * piece // _PIECES : len(whole) * (piece + 1) // _PIECES])
            await writer.drain()
            await asyncio.sleep(0.06)
    else:
        writer.write(head + body)
    await writer.drain()


async def _poured(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while data := await source.read(1 << 16):
        sink.write(data)
        await sink.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection as one that broke: the other side sees a reset."""
    sock: socket.socket | None = writer.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
