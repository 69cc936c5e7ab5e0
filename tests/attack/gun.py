"""Sending the bad input: several kept connections, many requests in a row on each, every answer counted by its kind."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random

from rich.console import Console

from tests.attack.aims import Aims
from tests.attack.corpus import KINDS, shares

_STATUS = re.compile(rb"HTTP/1\.[01] ([2-9]\d\d)")  # no body of ours holds such a line
_IN_A_ROW = 16
_SECONDS = 20.0  # for a row of answers: more than any deadline of the receiver
_SAY_EVERY = 15.0  # seconds
_TRIES = 3  # at requests that another one before them had the connection closed for

Row = list[tuple[int, bytes]]  # the number of its kind, and the request


@dataclass
class Tally:
    """What was answered, by kind; 0 stands for hanging up without a word."""

    answers: list[Counter[int]] = field(default_factory=lambda: [Counter[int]() for _ in KINDS])
    silent: int = 0  # connections that neither answered nor ended in time

    @property
    def sent(self) -> int:
        """Count them all."""
        return sum(count.total() for count in self.answers)


async def fire(port: int, aims: Aims, count: int, seed: int, connections: int = 8) -> Tally:
    """Send so many requests of all kinds, and say now and then how far it is."""
    tally, rows = Tally(), _rows(Random(seed), aims, count)
    aside = asyncio.create_task(_tell(tally, count))
    try:
        await asyncio.gather(*(_stand(port, rows, tally) for _ in range(connections)))
    finally:
        aside.cancel()
    return tally


async def _tell(tally: Tally, count: int) -> None:
    console = Console(stderr=True, highlight=False)
    while True:
        await asyncio.sleep(_SAY_EVERY)
        console.print(f"{tally.sent:,} of {count:,} requests")


def _rows(rng: Random, aims: Aims, count: int) -> Iterator[Row]:
    """Mix the kinds, and put what may end a connection last on it."""
    left = shares(count)
    keeping = [number for number, kind in enumerate(KINDS) if not kind.closes]
    closing = [number for number, kind in enumerate(KINDS) if kind.closes]
    while any(left):
        numbers = [number for number in rng.choices(keeping, k=_IN_A_ROW) if _take(left, number)]
        numbers = numbers or [number for number in keeping if _take(left, number)][:_IN_A_ROW]
        number = rng.choice(closing)
        if _take(left, number) or not numbers:
            numbers.append(number)
        yield [(number, KINDS[number].make(rng, aims, number)) for number in numbers]


def _take(left: list[int], number: int) -> bool:
    left[number] -= 1
    if left[number] < 0:
        left[number] = 0
        return False
    return True


async def _stand(port: int, rows: Iterator[Row], tally: Tally) -> None:
    line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    for row in rows:
        waiting, tries = row, 0
        while waiting:
            line = line or await asyncio.open_connection("127.0.0.1", port)
            # What cannot be read at all takes what came in with it along, so it goes out alone.
            whole = len(waiting) == 1 or not KINDS[waiting[-1][0]].closes
            now = waiting if whole else waiting[:-1]
            statuses, alive = await _exchange(*line, now, tally)
            for (number, _), status in zip(waiting, statuses, strict=False):
                tally.answers[number][status] += 1
            waiting = waiting[len(statuses) :]
            tries += len(statuses) < len(now)
            if waiting and len(statuses) < len(now) and (tries == _TRIES or KINDS[now[0][0]].closes):
                tally.answers[waiting.pop(0)[0]][0] += 1
            if not alive or KINDS[now[-1][0]].closes:
                await _hang_up(line[1])
                line = None
    if line is not None:
        await _hang_up(line[1])


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, row: Sequence[tuple[int, bytes]], tally: Tally
) -> tuple[list[int], bool]:
    """Send a row, and read its answers in order; and whether the connection lives on."""
    heard = bytearray()
    statuses: list[int] = []
    try:
        async with asyncio.timeout(_SECONDS):
            writer.writelines([request for _, request in row])
            while len(statuses) < len(row):
                part = await reader.read(1 << 16)
                if not part:
                    return statuses, False
                heard += part
                statuses = [int(found) for found in _STATUS.findall(heard)][: len(row)]
    except TimeoutError:
        tally.silent += 1
        return statuses, False
    except OSError:
        return statuses, False
    return statuses, True


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()
