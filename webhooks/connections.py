"""The connections of the receiver: how many there may be, and that none of them can stand still.

aiohttp alone bounds only the time between requests. Here every moment of a connection has a deadline: a timer runs
while a head is coming in, another one from the head to the end of the reply, and aiohttp's own in between.
"""

import asyncio
import logging
import resource
import socket
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

import structlog
from aiohttp import StreamReader, web

from webhooks import replies
from webhooks.hush import Hush
from webhooks.limits import Limits, may_be_proxy, origin_of

_lines = logging.getLogger("http")
_log = structlog.get_logger(_lines.name)
_KEPT_FILES = 256  # descriptors left for the database, the vendors and Discord
_KINDS = 2  # of files: pictures and films
_ASKED_OFTEN = {"healthz", "readyz", "metrics", "callbacks"}  # what came of a callback is told as a step of its job
_LONGEST = 45  # characters of an address
_LAST_WORDS = 1.0  # seconds between shutting a late connection and tearing it down


class Doors(web.Server):
    """All connections; makes one Door for each."""

    def __init__(self, answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], limits: Limits) -> None:
        super().__init__(answer)
        self.limits = limits
        self.hush = Hush(asyncio.get_running_loop().time)
        self._most = _affordable(limits)
        self._open: Counter[str] = Counter()
        self._files: Counter[tuple[str, str]] = Counter()  # on their way, by kind and receiver
        self._idle: dict[Door, None] = {}  # without a whole head, the longest first: half heads cost a stranger nothing

    def __call__(self) -> web.RequestHandler:
        """Make the protocol of a new connection."""
        return Door(self, self.limits)

    def enter(self, door: "Door") -> bool:
        """Count a connection in, in the place of an idle one if need be; False when there are too many."""
        address = door.address
        if self._open[address] >= self.limits.connections_of(address, self._most):
            room = self._make_room(address)
        else:
            room = self._open.total() < self._most or self._make_room(None)
        if room:
            self._open[address] += 1
            self.rests(door)
        return room

    def leave(self, door: "Door") -> None:
        """Count a connection out."""
        self._idle.pop(door, None)
        _less(self._open, door.address)

    def rests(self, door: "Door") -> None:
        """Note that a connection has nothing to do from now on."""
        self._idle.pop(door, None)
        self._idle[door] = None

    def works(self, door: "Door") -> None:
        """Note that a connection has a request."""
        self._idle.pop(door, None)

    def is_idle(self, door: "Door") -> bool:
        """Say whether a connection has no whole head."""
        return door in self._idle

    def take_file(self, kind: str, sender: str, address: str) -> bool:
        """Count a file to be sent to somebody, who came by an address; False when too many are on their way."""
        if sum(count for (of, _), count in self._files.items() if of == kind) >= self.limits.files:
            return False
        most = self.limits.files_of(address) if sender == address else max(1, self.limits.files // 2)
        if self._files[kind, sender] >= most:
            return False
        self._files[kind, sender] += 1
        return True

    def sent_file(self, kind: str, sender: str) -> None:
        """Count a file as sent, or given up."""
        _less(self._files, (kind, sender))

    @property
    def open(self) -> int:
        """How many connections there are."""
        return self._open.total()

    def _make_room(self, address: str | None) -> bool:
        """Close the connection that was idle for longest, of one address or of all; False when none is."""
        for door in self._idle:
            if address in (None, door.address):
                door.give_way()
                return True
        return False


class Door(web.RequestHandler):
    """One connection."""

    def __init__(self, doors: Doors, limits: Limits) -> None:
        # Kept: to ask for the running loop is a system call each time, all of which are a twentieth of a callback.
        self._turning = asyncio.get_running_loop()
        super().__init__(
            doors,
            loop=self._turning,
            keepalive_timeout=limits.idle_seconds,
            lingering_time=min(limits.body_seconds, 2.0),  # a refused body is read on so long, for the reply to arrive
            auto_decompress=False,  # 60 kB of gzip would hold up the loop while it grows to 60 MB
            max_line_size=4096,
            max_headers=64,
            access_log=None,  # pyright: ignore[reportArgumentType] -- aiohttp tests it for None; its signature forgot
        )
        self.route = "-"  # of the request being answered, for the log: never the path, which is a secret
        self.began = 0.0
        self._doors = doors
        self._limits = limits
        self.address = "?"
        self._counted = False
        self._file: tuple[str, str] | None = None  # the kind of the file being sent, and to whom
        self._head = 0  # bytes of a head that is not whole
        self._body: StreamReader | None = None  # of the request being answered
        self._deadline: float | None = None  # by the loop's time; None: nothing goes on
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let a connection in, or close it at once when there are too many."""
        self.address = origin_of(str((transport.get_extra_info("peername") or ("?",))[0]))
        self._counted = self._doors.enter(self)
        if not self._counted:
            cast("asyncio.Transport", transport).abort()
            return
        super().connection_made(cast("asyncio.Transport", transport))  # asyncio's signature is wider than its promise
        self.end_within(self._limits.header_seconds)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Count a connection out."""
        self._deadline = None
        if self._timer is not None:
            self._timer.cancel()
        self._leave()
        super().connection_lost(exc)

    def give_way(self) -> None:
        """Close a connection for the sake of others."""
        self._leave()
        if self.transport is not None:
            self.transport.abort()

    def may_tell(self) -> bool:
        """Say whether the log has room for one more line about a refusal."""
        return self._doors.hush.allows()

    def take_file(self, kind: str, sender: str) -> bool:
        """Count the reply to come as one that sends a file; False when too many do."""
        if not self._doors.take_file(kind, sender, self.address):
            return False
        self._file = kind, sender
        return True

    def data_received(self, data: bytes) -> None:
        """Start the clock with the first byte of a head. Until the last one this counts as idle, and makes way."""
        if data and self._deadline is None:
            self.end_within(self._limits.header_seconds)
        super().data_received(data)
        if self._messages:
            self._doors.works(self)
            # What came whole and at once was not counted as it grew.
            if self._head + len(data) > self._limits.max_head and any(
                _length(message) > self._limits.max_head for message, _body in self._messages
            ):
                self._too_long()
            self._head = 0
        elif self._doors.is_idle(self) or (self._body is not None and self._body.is_eof()):
            self._head += len(data)
            if self._head > self._limits.max_head:
                self._too_long()

    def start_request(self, route: str, body: StreamReader) -> None:
        """Note that a head is complete; the reply must be out in time."""
        limits = self._limits
        self._doors.works(self)
        self.route = route
        self._body = body
        self.began = self._turning.time()
        self.end_within(limits.body_seconds + limits.store_seconds + limits.reply_seconds)

    def end_within(self, seconds: float) -> None:
        """Close the connection unless what goes on now is over in time.

        A timer is set at most once in so many seconds, not for each request: it looks whether the time has come.
        """
        self._deadline = self._turning.time() + seconds
        if self._timer is None or self._timer.when() > self._deadline:
            self._set_timer()

    def log_access(self, request: web.BaseRequest, response: web.StreamResponse, time: float | None) -> None:
        """Write the one line there is of a request: aiohttp calls this when the reply is out."""
        del request, time
        self._deadline = None
        self._put_down()
        if self._counted:
            self._doors.rests(self)
        spent = self._turning.time() - self.began if self.began else 0.0
        refused = response.status >= 400
        level = logging.DEBUG if self.route in _ASKED_OFTEN and not refused else logging.INFO
        counted = refused or self.route != "callbacks"  # anybody may ask for a page, and again and again for a file
        if _lines.isEnabledFor(level) and (not counted or self._doors.hush.allows()):
            _log.log(level, "answered", route=self.route, status=response.status, ms=round(spent * 1000, 1))
        self.route, self.began, self._body = "-", 0.0, None

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Refuse what is not HTTP, without telling the sender or the log what it was."""
        del request, message
        if status == 500:
            _log.error("request not answered", route=self.route, exc_info=exc)
        refusal = replies.refuse(400)
        refusal.force_close()
        return refusal

    def log_exception(self, *args: Any, **kw: Any) -> None:
        """Log what went wrong while a reply was written."""
        del args
        _log.error("reply not written", route=self.route, exc_info=kw.get("exc_info", True))

    def _leave(self) -> None:
        self._put_down()
        if self._counted:
            self._counted = False
            self._doors.leave(self)

    def _put_down(self) -> None:
        if self._file is not None:
            self._doors.sent_file(*self._file)
            self._file = None

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        late = self._look_at_the_time
        self._timer = None if self._deadline is None else self._turning.call_at(self._deadline, late)

    def _look_at_the_time(self) -> None:
        self._timer = None
        if self._deadline is not None and self._turning.time() < self._deadline:
            self._set_timer()
        elif self._deadline is not None:
            self._deadline = None
            self._too_late()

    def _too_long(self) -> None:
        if self.may_tell():
            _log.info("head too long")
        if self._file is None:
            self.give_way()
        else:
            self._shut()

    def _too_late(self) -> None:
        if self.may_tell():
            _log.info("too slow", route=self.route)
        self._shut()

    def _shut(self) -> None:
        transport = self.transport
        if transport is None:
            return
        if self._timer is not None:
            self._timer.cancel()
        # A file being sent waits for the socket, not for the transport: only shutting the socket wakes it up.
        handle = transport.get_extra_info("socket")
        try:
            # A copy of the handle: the socket that uvloop shows has no shutdown of its own.
            with socket.fromfd(handle.fileno(), handle.family, handle.type) as same:
                same.shutdown(socket.SHUT_RDWR)
        except OSError:
            transport.abort()
        else:
            self._timer = self._turning.call_later(_LAST_WORDS, transport.abort)


def sender_of(request: web.BaseRequest) -> str:
    """Tell senders apart: by their address, or by the one that our reverse proxy saw, which it writes last.

    A hint, good for who waits and for nothing else: where the proxy writes none, a sender may make one up.
    """
    door = request.protocol
    address = door.address if isinstance(door, Door) else ""
    if address and not may_be_proxy(address):
        return address
    seen = request.headers.getall("X-Forwarded-For", [""])[-1].rpartition(",")[2].strip()
    return origin_of(seen[:_LONGEST]) or address


def _affordable(limits: Limits) -> int:
    """Stay below the number of open files the system allows us, those being sent included."""
    allowed, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY:
        return limits.connections
    return max(1, min(limits.connections, allowed - _KEPT_FILES - _KINDS * limits.files))


def _length(message: object) -> int:
    """Count the bytes of a request's headers."""
    headers: Sequence[tuple[bytes, bytes]] = getattr(message, "raw_headers", ())  # what is not HTTP has none
    return sum(len(name) + len(value) for name, value in headers)


def _less(counts: Counter[Any], key: object) -> None:
    counts[key] -= 1
    if not counts[key]:
        del counts[key]
