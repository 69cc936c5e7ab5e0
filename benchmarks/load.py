"""The load: a process of its own that keeps connections busy with prepared requests and writes down each answer.

A closed loop, as wrk is one: a connection sends its next request when it has the answer to the last. It is nothing but
system calls and a search for the end of the answer, so that it can outrun every server here; `busy` says how near it
came to its own limit. At the end every request is waited for, so that rows and answers can be compared exactly.

    python -m benchmarks.load PORT FILE LENGTH FIRST COUNT CONNECTIONS WARMUP SECONDS
"""

import json
import mmap
import re
import selectors
import socket
import sys
import time
from array import array
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_PATIENCE = 60.0  # seconds without any answer: the server hangs


@dataclass(frozen=True, slots=True)
class Load:
    """What one run of the generator came to."""

    answers: dict[str, int]  # by status, the warm-up's included
    sent: int
    per_second: float  # answers 200 after the warm-up
    p50: float  # milliseconds
    p99: float
    most: float
    busy: float  # share of a core the generator itself used
    seconds: float  # from the first request to the last answer

    @property
    def accepted(self) -> int:
        """How many requests were answered 200."""
        return self.answers.get("200", 0)


class _Run:
    """Connections, and the requests still to be sent."""

    def __init__(self, port: int, requests: mmap.mmap, length: int, first: int, count: int) -> None:
        self.port = port
        self.view = memoryview(requests)
        self.length, self.next, self.end = length, first, first + count
        self.selector = selectors.DefaultSelector()
        self.sent_at: dict[int, float] = {}
        self.halves: dict[int, bytes] = {}  # what has come of an answer that is not whole
        self.answers: Counter[str] = Counter()

    def connect(self) -> socket.socket:
        """Open one connection more."""
        link = socket.create_connection(("127.0.0.1", self.port), timeout=_PATIENCE)
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.selector.register(link, selectors.EVENT_READ)
        return link

    def send(self, link: socket.socket) -> bool:
        """Send the next request; False when there is none left."""
        if self.next >= self.end:
            return False
        begin = self.next * self.length
        self.next += 1
        self.sent_at[link.fileno()] = time.perf_counter()
        link.sendall(self.view[begin : begin + self.length])
        return True

    def hang_up(self, link: socket.socket) -> None:
        """Close a connection."""
        self.selector.unregister(link)
        self.sent_at.pop(link.fileno(), None)
        self.halves.pop(link.fileno(), None)
        link.close()

    def receive(self, link: socket.socket) -> tuple[str, float] | None:
        """Read what has come; when that is an answer's end, give its status and seconds. Raise ConnectionError."""
        number = link.fileno()
        data = link.recv(65536)
        if not data:
            raise ConnectionResetError("the server closed the connection")
        if number in self.halves:
            data = self.halves.pop(number) + data
        if not _whole(data):
            self.halves[number] = data
            return None
        status = data[9:12].decode()
        self.answers[status] += 1
        return status, time.perf_counter() - self.sent_at.pop(number)


def _whole(data: bytes) -> bool:
    head = data.find(b"\r\n\r\n")
    if head < 0:
        return False
    length = _LENGTH.search(data, 0, head)
    if length is None:  # chunked
        return data.endswith(b"0\r\n\r\n")
    return len(data) >= head + 4 + int(length[1])


def _drive(run: _Run, connections: int, warmup: float, seconds: float) -> Load:
    links = [run.connect() for _ in range(connections)]
    begun, counted_from = time.perf_counter(), time.process_time()
    start, stop = begun + warmup, begun + warmup + seconds
    times = array("d")
    waiting = sum(run.send(link) for link in links)
    last = start
    while waiting:
        events = run.selector.select(_PATIENCE)
        if not events:
            raise TimeoutError(f"no answer within {_PATIENCE:.0f} s; {waiting} requests wait")
        for key, _ in events:
            link: Any = key.fileobj
            try:
                answer = run.receive(link)
            except ConnectionError:
                waiting -= link.fileno() in run.sent_at
                run.answers["none"] += link.fileno() in run.sent_at
                run.hang_up(link)
                answer, link = ("none", 0.0), run.connect()
                waiting += 1
            if answer is None:
                continue
            now = time.perf_counter()
            if start <= now < stop and answer[0] == "200":
                times.append(answer[1])
                last = now
            waiting -= 1
            if now < stop:
                waiting += run.send(link)
    lasted = time.perf_counter() - begun
    busy = (time.process_time() - counted_from) / lasted
    for link in list(run.selector.get_map().values()):
        run.hang_up(link.fileobj)  # pyright: ignore[reportArgumentType] -- only sockets are registered
    return _summary(run, sorted(times), max(last - start, 1e-9), busy, lasted)


def _summary(run: _Run, times: list[float], seconds: float, busy: float, lasted: float) -> Load:
    def percentile(share: float) -> float:
        return round(times[min(int(len(times) * share), len(times) - 1)] * 1000, 3) if times else 0.0

    return Load(
        answers=dict(run.answers),
        sent=sum(run.answers.values()),
        per_second=round(len(times) / seconds, 1),
        p50=percentile(0.50),
        p99=percentile(0.99),
        most=percentile(1.0),
        busy=round(busy, 3),
        seconds=round(lasted, 3),
    )


def main(
    port: int, file: str, length: int, first: int, count: int, connections: int, spans: tuple[float, float]
) -> Load:
    """Run the load and say what it came to. Raise TimeoutError, OSError."""
    with Path(file).open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as requests:
        run = _Run(port, requests, length, first, count)
        try:
            return _drive(run, connections, *spans)
        finally:
            run.view.release()
            run.selector.close()


if __name__ == "__main__":
    port, length, first, count, connections = (int(argument) for argument in (sys.argv[1], *sys.argv[3:7]))
    spans = float(sys.argv[7]), float(sys.argv[8])
    result = main(port, sys.argv[2], length, first, count, connections, spans)
    sys.stdout.write(json.dumps(asdict(result)) + "\n")
