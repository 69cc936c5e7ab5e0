"""The receivers: ours against the others, the same on a slow disk, and ours with ever more jobs stored."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from benchmarks import contestants as who
from benchmarks import stock
from benchmarks.bench import Bench, Section, Table, Target
from benchmarks.contestants import Contestant
from benchmarks.machine import ROOT
from benchmarks.race import Race, Sample, ratio, run, typical

_USUAL = 64  # connections, at which the targets are set
_SLOWER = 5_000  # microseconds
_OF_A_JOB = 50  # callbacks at the most: fewer than the receiver keeps
_ON_A_SLOW_DISK = 60_000  # requests: more than anybody takes there
_NOISE = 0.25  # of a core
_COLUMNS = (
    "receiver",
    "conn.",
    "callbacks/s",
    "p50 ms",
    "p99 ms",
    "CPU µs",
    "MiB",
    "of bare",
    "Rushes is",
    "load busy",
)


def race(bench: Bench, entrants: Sequence[Contestant] = who.ALL) -> Section:
    """Let everybody run who is installed."""
    plan = bench.plan
    absent = {one.key: one.missing() for one in entrants}
    able = [one for one in entrants if not absent[one.key]]
    once = {who.RAW.key: (_USUAL,), who.OURS_LOGGING.key: (_USUAL,)}
    samples = run(
        bench, Race("receivers", able, plan.connections, plan.jobs, stock.newest(plan.jobs), plan.requests, only=once)
    )
    rows = [row for one in able for row in _rows(samples, one, plan.connections)]
    rows += [(one.title, "", "not installed: " + absent[one.key], *[""] * 7) for one in entrants if absent[one.key]]
    note = (
        "One core for the server, another for the load. Each callback is a distinct signed one, each 200 a row on the "
        "disk; CPU is the server's own for each. Rows and answers were equal after every load. " + _calm(samples)
    )
    return Section(
        [Table(f"Receivers, {plan.jobs:,} jobs stored", _COLUMNS, rows, note)],
        _targets(samples),
        {
            "samples": [asdict(one) for one in samples],
            "not installed": {key: what for key, what in absent.items() if what},
        },
    )


def slow_disk(bench: Bench) -> Section:
    """Let ours and the naive one run while each fsync takes 5 ms longer."""
    plan, able = bench.plan, (who.OURS, who.NAIVE_ROW)
    what = f"each fsync {_SLOWER // 1000} ms slower, {_USUAL} connections, against aiohttp + aiosqlite"
    shim = _shim(bench.folder)
    if shim is None:
        bench.say("slow disk: no C compiler here to slow fsync with")
        return Section(targets=[Target.least(what, 25, None)])
    environment = {"LD_PRELOAD": str(shim), "SLOW_FSYNC_US": str(_SLOWER)}
    requests = min(plan.requests, _ON_A_SLOW_DISK)
    course = Race("slow disk", able, (_USUAL,), plan.jobs, stock.newest(plan.jobs), requests, environment)
    samples = run(bench, course)
    table = Table(
        f"Receivers, each fsync {_SLOWER // 1000} ms slower",
        _COLUMNS,
        [row for one in able for row in _rows(samples, one, (_USUAL,))],
    )
    target = Target.least(what, 25, ratio(samples, "ours", "naive_row", _USUAL))
    return Section([table], [target], {"samples": [asdict(one) for one in samples]})


def growth(bench: Bench) -> Section:
    """Race ours against itself with more jobs stored, the same number of them running."""
    sizes = bench.plan.growth
    bench.say("growth: making the databases")
    able = [
        replace(
            who.OURS,
            key=f"ours_{jobs}",
            title=f"Rushes with {jobs:,} jobs",
            stocked=partial(_linked, history=stock.history(bench.folder, jobs)),
        )
        for jobs in sizes
    ]
    requests = min(bench.plan.requests, stock.RUNNING * _OF_A_JOB)
    samples = run(
        bench, Race("growth", able, (_USUAL,), 0, stock.newest(stock.RUNNING), requests, put_back=stock.put_back)
    )
    rows: list[tuple[str, ...]] = []
    for jobs in sizes:
        key = f"ours_{jobs}"
        speed = typical(samples, key, _USUAL, lambda one: one.load.per_second)
        late = typical(samples, key, _USUAL, lambda one: one.load.p99)
        rows.append(
            (f"{jobs:,}", _number(speed), _number(late, 1), _number(ratio(samples, key, able[0].key, _USUAL), 2))
        )
    table = Table("Growth of the receiver", ("jobs stored", "callbacks/s", "p99 ms", "of the smallest"), rows)
    target = Target.least(
        f"callbacks/s at {sizes[-1]:,} stored jobs against {sizes[0]:,}",
        0.9,
        ratio(samples, able[-1].key, able[0].key, _USUAL),
    )
    return Section([table], [target], {"samples": [asdict(one) for one in samples]})


def _linked(file: Path, count: int, *, history: Path) -> None:
    del count  # each of them has its own
    file.hardlink_to(history)


def _shim(folder: Path) -> Path | None:
    compiler, library = shutil.which("cc"), folder / "slow_fsync.so"
    if compiler is None:
        return None
    source = ROOT / "benchmarks" / "slow_fsync.c"
    command = [compiler, "-O1", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    return library if subprocess.run(command, check=False).returncode == 0 else None


def _rows(samples: Sequence[Sample], one: Contestant, connections: Sequence[int]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for count in connections:
        speed = typical(samples, one.key, count, lambda sample: sample.load.per_second)
        if speed is None:
            continue
        against = None if one.key in {"ours", "raw"} else ratio(samples, "ours", one.key, count)
        of_bare = None if one.key == "raw" else ratio(samples, one.key, "bare", count)
        rows.append((
            one.title,
            str(count),
            _number(speed),
            _number(typical(samples, one.key, count, lambda sample: sample.load.p50), 2),
            _number(typical(samples, one.key, count, lambda sample: sample.load.p99), 1),
            _number(typical(samples, one.key, count, lambda sample: sample.cpu)),
            _number(typical(samples, one.key, count, lambda sample: sample.memory)),
            _number(of_bare, 2),
            "" if against is None else f"{against:.{1 if against >= 1 else 2}f} x",
            _number(typical(samples, one.key, count, lambda sample: sample.load.busy), 2),
        ))  # fmt: skip
    return rows


def _targets(samples: Sequence[Sample]) -> list[Target]:
    def times(peer: str, connections: int = _USUAL) -> float | None:
        return ratio(samples, "ours", peer, connections)

    django = [found for key in ("django_threads", "django_async") if (found := times(key)) is not None]
    late = ratio(samples, "ours", "bare", _USUAL, lambda one: one.load.p99)
    busiest = max((one.load.busy for one in samples if one.contestant != "raw"), default=None)
    return [
        Target.least("durable callbacks/s, 64 connections, against bare aiohttp", 0.5, times("bare")),
        Target.least("… against aiohttp + aiosqlite, the same row", 5, times("naive_row")),
        Target.least("… against aiohttp + aiosqlite, the hour's work", 8, times("naive_work")),
        Target.least("… against FastAPI + SQLAlchemy, the same row", 15, times("fastapi_row")),
        Target.least("… against FastAPI + SQLAlchemy, the hour's work", 25, times("fastapi_work")),
        Target.least("… against django-github-app, the faster way", 12, min(django, default=None)),
        Target.most("p99, 64 connections, against bare aiohttp's", 4, late),
        Target.least("one connection, against aiohttp + aiosqlite, the same row", 1.0, times("naive_row", 1)),
        Target.most("the load generator's own share of its core", 0.9, busiest, ""),
    ]


def _calm(samples: Sequence[Sample]) -> str:
    """Say whether anything else ran on the machine."""
    loud = sum(one.others > _NOISE for one in samples)
    if not loud:
        return "Nothing else ran meanwhile."
    return f"In {loud} of {len(samples)} loads something else used more than {_NOISE:.0%} of a core: take it with care."


def _number(value: float | None, places: int = 0) -> str:
    return "" if value is None else f"{value:,.{places}f}"
