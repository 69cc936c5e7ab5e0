"""A race: servers take turns, round by round, under the same load, each with a fresh copy of its database.

After each load the rows stored are held against the answers 200: a number from a receiver that lost or doubled a
callback is no number, and the whole run ends.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks import prepared, stock
from benchmarks.bench import Bench
from benchmarks.contestants import Contestant
from benchmarks.load import Load
from benchmarks.machine import ROOT, Server, Trouble, accepts, free_port, seconds_busy
from benchmarks.prepared import Prepared


@dataclass(frozen=True, slots=True)
class Sample:
    """One load on one server."""

    contestant: str
    connections: int
    round: int
    load: Load
    memory: float  # MiB resident at its end
    rows: int | None  # stored meanwhile; None: it stores nothing
    cpu: float  # microseconds of a core the server worked for each answer
    others: float  # share of a core that something else used meanwhile


@dataclass(frozen=True, slots=True)
class Race:
    """Who runs, and over which course."""

    name: str
    contestants: Sequence[Contestant]
    connections: Sequence[int]
    jobs: int  # stored before it begins
    targets: range  # the jobs whose callbacks come
    requests: int  # prepared for a round
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    only: Mapping[str, Sequence[int]] = field(default_factory=dict[str, Sequence[int]])  # fewer connections for some
    put_back: Callable[[Path], None] | None = None  # makes a used database as it was; None: each round has a copy


def run(bench: Bench, race: Race) -> list[Sample]:
    """Hold the race. Raise Trouble."""
    templates: dict[str, Path] = {}
    for one in race.contestants:
        if one.stocked:
            bench.say(f"{race.name}: filling the database of {one.title}")
            templates[one.key] = bench.folder / f"template-{one.key}.db"
            one.stocked(templates[one.key], race.jobs)
    samples: list[Sample] = []
    for number in range(bench.plan.rounds):
        requests = _requests(bench, race, number)  # anew, for their dates are good for five minutes
        turn = number % len(race.contestants)
        for one in [*race.contestants[turn:], *race.contestants[:turn]]:
            samples += _stint(bench, race, one, number, templates.get(one.key), requests[one.sent])
    for leftover in bench.folder.glob("template-*"):
        leftover.unlink()
    return samples


def _requests(bench: Bench, race: Race, number: int) -> dict[str, Prepared]:
    made = {"callbacks": prepared.callbacks(bench.folder / "callbacks", race.requests, race.targets, number)}
    if any(one.sent == "events" for one in race.contestants):
        made["events"] = prepared.events(bench.folder / "events", max(1, race.requests // 4))
    return made


def _stint(
    bench: Bench, race: Race, one: Contestant, number: int, template: Path | None, requests: Prepared
) -> list[Sample]:
    """Start one server, let it run over the course, and end it."""
    database = _database(bench, race, template)
    samples: list[Sample] = []
    with bench.cores.servers():
        server = one.start(free_port(), database, bench.folder / f"{one.key}.log", race.environment)
    try:
        server.wait(accepts)
        first = 0
        course = race.only.get(one.key, race.connections)
        for place, connections in enumerate(course):
            share = (requests.count - first) // (len(course) - place)  # leave something for those to come
            before = stock.rows(database, one.rows) if one.rows else 0
            watch = _Watch(server)
            load = put_on(bench, server.port, requests, range(first, first + share), connections)
            cpu, others = watch.seen(load)
            first += load.sent if one.rows else 0  # who keeps nothing may be told the same again
            rows = stock.rows(database, one.rows) - before if one.rows else None
            bench.say(
                f"{race.name}, round {number + 1} of {bench.plan.rounds}: {one.title}, {connections} connections, "
                f"{load.per_second:,.0f}/s"
            )
            if load.answers.get("none") or not load.accepted or rows not in (None, load.accepted):
                raise Trouble(f"{one.title}: answers {load.answers}, but {rows} rows")
            samples.append(Sample(one.key, connections, number, load, round(server.memory(), 1), rows, cpu, others))
    finally:
        server.stop()
    if race.put_back is not None:
        race.put_back(database)
    return samples


def _database(bench: Bench, race: Race, template: Path | None) -> Path:
    """Give a server its database: the disk has nothing else to write when the clock runs."""
    copy = bench.folder / "contestant.db"
    for leftover in bench.folder.glob("contestant.db*"):
        leftover.unlink()
    if template is not None and race.put_back is None:
        shutil.copyfile(template, copy)
    os.sync()
    return copy if template is None or race.put_back is None else template


class _Watch:
    """Looks how much the server works while a load runs, and whether something else does."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._began = (time.perf_counter(), seconds_busy(), server.seconds_worked())

    def seen(self, load: Load) -> tuple[float, float]:
        """Give microseconds for each answer, and the share of a core that neither the server nor the load used."""
        elapsed = time.perf_counter() - self._began[0]
        worked = self._server.seconds_worked() - self._began[2]
        others = seconds_busy() - self._began[1] - worked - load.busy * load.seconds
        return round(worked / max(1, load.sent) * 1e6, 1), round(max(0.0, others) / elapsed, 2)


def put_on(bench: Bench, port: int, requests: Prepared, share: range, connections: int) -> Load:
    """Put a share of the requests on a server, from a process of its own. Raise Trouble."""
    spans = [str(bench.plan.warmup), str(bench.plan.seconds)]
    numbers = [requests.length, share.start, len(share), connections]
    command = [sys.executable, "-m", "benchmarks.load", str(port), str(requests.file), *map(str, numbers), *spans]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Trouble(f"the load ended badly:\n{done.stderr[-2000:]}")
    return Load(**json.loads(done.stdout))


def typical(samples: Sequence[Sample], key: str, connections: int, of: Callable[[Sample], float]) -> float | None:
    """Give the median over the rounds; None without a sample."""
    found = [of(one) for one in samples if (one.contestant, one.connections) == (key, connections)]
    return median(found) if found else None


def ratio(
    samples: Sequence[Sample],
    key: str,
    to: str,
    connections: int,
    of: Callable[[Sample], float] = lambda one: one.load.per_second,
) -> float | None:
    """Give the median of the rounds' ratios of one contestant to another; None without samples of both."""

    def by_round(wanted: str) -> dict[int, float]:
        return {one.round: of(one) for one in samples if (one.contestant, one.connections) == (wanted, connections)}

    mine, theirs = by_round(key), by_round(to)
    found = [mine[number] / theirs[number] for number in mine.keys() & theirs.keys() if theirs[number]]
    return median(found) if found else None
