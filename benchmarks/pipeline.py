"""The pipeline: members type /video at a steady rate, and results are posted: how many a second, and where time goes.

The stand-in for Discord has Discord's limits: 50 requests a second for a bot, five in five seconds for posting in one
channel, and likewise for every other kind. Commands come a little faster than the target and slower than that limit.
"""

import asyncio
import math
import os
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks import stock
from benchmarks.bench import Bench, Section, Table, Target
from benchmarks.machine import Trouble
from benchmarks.whole import Stage, opened
from sandbox.discord import Recorded

_RATE = 48.0  # commands a second
_ROOMS = 240  # channels: each sees a message every five seconds
_CHAIN = {  # the steps of a job, and what went on until each
    "held": "",
    "submitting": "waits for its turn to be submitted",
    "submit answered": "Vidu takes it (stand-in)",
    "submission recorded": "stored",
    "callback stored": "Vidu works (stand-in); its last callback is stored",
    "confirmed": "Vidu is asked whether it is so",
    "settled": "job, credits and delivery stored",
    "fetched": "the video is downloaded",
    "output recorded": "looked into, stored",
    "posting": "waits for its turn to be posted",
    "posted": "uploaded to Discord (stand-in)",
}
_SUMS = {
    ("callback stored", "posted"): "from the last callback to the post",
    ("held", "posted"): "from the hold to the post",
}


@dataclass(frozen=True, slots=True)
class Found:
    """What came of one run."""

    asked: int
    posted: int
    per_second: float  # posted, from a quarter of the time on to the last command
    cpu: float  # milliseconds of a core the program worked for each job, to the last post
    program_busy: float  # share of its core, while commands came
    stand_ins_busy: float  # likewise
    requests: dict[str, int]  # to Discord meanwhile, by kind
    jobs: list[dict[str, float]]  # when each posted job took each step, in seconds


def pipeline(bench: Bench) -> Section:
    """Run it with few and with many jobs stored."""
    section = Section()
    facts: dict[str, object] = {}
    rates: list[tuple[str, ...]] = []
    for jobs in bench.plan.growth:
        folder = bench.folder / f"pipeline-{jobs}"
        folder.mkdir()
        bench.say(f"pipeline: filling the database with {jobs:,} jobs")
        stock.history(bench.folder, jobs).rename(folder / "rushes.db")
        stock.left_alone(folder / "rushes.db")
        os.sync()
        found = asyncio.run(_measured(bench, folder))
        facts[str(jobs)] = asdict(found)
        rates.append(_row(jobs, found))
        bench.say(f"pipeline, {jobs:,} jobs stored: {found.per_second:.1f} jobs/s posted")
        if jobs == bench.plan.growth[0]:
            section.tables.append(Table("Where a job's time goes", ("step", "p50 ms", "p99 ms"), _steps(found)))
            section.targets += _targets(found)
        shutil.rmtree(folder)
    columns = ("jobs stored", "asked", "posted", "posted/s", "callback to post p50 ms", "p99 ms")
    columns += ("results sent", "cards edited", "429", "CPU ms a job", "program busy", "stand-ins busy")
    note = f"{_RATE:g} commands a second for {bench.plan.pipeline_seconds:g} s, beside Discord's 50 requests a second."
    section.tables.insert(0, Table("Pipeline, from command to post", columns, rates, note))
    section.facts = facts
    return section


async def _measured(bench: Bench, folder: Path) -> Found:
    async with opened(bench, folder) as stage:
        stage.ask(0, _ROOMS)  # the film is rendered once, and everything is warm
        if not await stage.until_posted(1, bench.plan.patience):
            raise Trouble("the first job is not posted")
        before = (stage.program.seconds_worked(), time.process_time())
        began, known = time.time(), len(stage.scenery.discord.requests)
        asked = await _type(stage, bench.plan.pipeline_seconds)
        ended = time.time()
        worked = (stage.program.seconds_worked() - before[0], time.process_time() - before[1])
        requests = Counter(map(_kind, stage.scenery.discord.requests[known:]))
        await stage.until_posted(asked + 1, bench.plan.patience)
        whole = stage.program.seconds_worked() - before[0]
    # Its log is whole now.
    jobs = [times for steps in stage.steps().values() if (times := times_of(steps)) and times["held"] >= began]
    warm = began + (ended - began) / 4
    return Found(
        asked=asked,
        posted=len(jobs),
        per_second=sum(warm <= times["posted"] < ended for times in jobs) / (ended - warm),
        cpu=round(whole / max(1, len(jobs)) * 1000, 1),
        program_busy=round(worked[0] / (ended - began), 2),
        stand_ins_busy=round(worked[1] / (ended - began), 2),
        requests=dict(requests),
        jobs=[{name: round(at - began, 4) for name, at in times.items()} for times in jobs],
    )


def _kind(request: Recorded) -> str:
    """Say what a request to Discord was for."""
    if request.status == 429:
        return "refused"
    if request.path.startswith(("/interactions", "/webhooks")):
        return "answer"  # to a command; the limit for the whole bot does not count it
    return "result" if request.multipart else "card" if request.method == "PATCH" else "other"


async def _type(stage: Stage, seconds: float) -> int:
    """Type commands at a steady rate; give how many."""
    begun, number = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        number += 1
        stage.ask(number, _ROOMS)
        await asyncio.sleep(max(0.0, number / _RATE - (time.perf_counter() - begun)))
    return number


def times_of(steps: Sequence[tuple[float, str]]) -> dict[str, float] | None:
    """Give when a posted job took each step of the chain: from its post backwards, the last before the next."""
    found: dict[str, float] = {}
    before = math.inf
    for name in reversed(_CHAIN):
        before = max((at for at, step in steps if step == name and at <= before), default=-math.inf)
        found[name] = before
    return found if math.isfinite(before) else None


def _spans(found: Found, first: str, then: str) -> tuple[float, float]:
    """Give median and 99th percentile of the milliseconds from one step to another."""
    spans = sorted((times[then] - times[first]) * 1000 for times in found.jobs)
    return (spans[len(spans) // 2], spans[int(len(spans) * 0.99)]) if spans else (math.nan, math.nan)


def _steps(found: Found) -> list[tuple[str, ...]]:
    pairs = {(first, then): _CHAIN[then] for first, then in pairwise(_CHAIN)} | _SUMS
    return [(text, *(f"{value:,.1f}" for value in _spans(found, *pair))) for pair, text in pairs.items()]


def _row(jobs: int, found: Found) -> tuple[str, ...]:
    half, late = _spans(found, "callback stored", "posted")
    counts = (f"{jobs:,}", str(found.asked), str(found.posted), f"{found.per_second:.1f}")
    spread = [str(found.requests.get(kind, 0)) for kind in ("result", "card", "refused")]
    return (
        *counts,
        f"{half:,.0f}",
        f"{late:,.0f}",
        *spread,
        f"{found.cpu:.0f}",
        f"{found.program_busy:.2f}",
        f"{found.stand_ins_busy:.2f}",
    )


def _targets(found: Found) -> list[Target]:
    late = _spans(found, "callback stored", "posted")[1] / 1000
    return [
        Target.least(
            "pipeline: jobs/s from command to post, under Discord's limits", 45, round(found.per_second, 2), "/s"
        ),
        Target.most("pipeline: callback to post, p99", 2, late if found.jobs else None, "s"),
    ]
