"""A large video from the vendor to Discord, alone and eight at once; how the program starts; what it takes idle."""

import asyncio
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import stock
from benchmarks.bench import Bench, Section, Table, Target
from benchmarks.machine import Trouble
from benchmarks.whole import Stage, opened
from sandbox.vendors import Studio
from sandbox.vendors.book import Film, Picture
from sandbox.vendors.render import Rendered

_MANY = 8
_ROOMS = 64
_PATIENCE = 120.0
_TIER_THREE = 100 * 2**20  # bytes a file may have in a server with the highest boost
_IDLE = 3.0  # seconds until what the start left behind is gone


@dataclass(frozen=True, slots=True)
class Found:
    """What one lot of videos took."""

    videos: int
    seconds: float  # from the end at the vendor to the last post
    download: float  # seconds of the program's, of all videos together
    upload: float
    extra: float  # MiB at the most above what was resident before


class _OneFilm(Studio):
    """Has one film on the shelf, for whatever is ordered."""

    def __init__(self, folder: Path, size: int) -> None:
        super().__init__(folder)
        self._size = size

    async def film(self, film: Film, pictures: tuple[Picture, ...]) -> Rendered:
        """Give the ordered film, grown to the size: a box that players skip follows it."""
        made = await super().film(film, pictures)
        await asyncio.to_thread(_grow, made.video, self._size)
        return made


def _grow(film: Path, size: int) -> None:
    missing = size - film.stat().st_size
    if missing > 8:
        with film.open("ab") as out:
            out.write(missing.to_bytes(4, "big") + b"free")
            out.truncate(size)


def films(bench: Bench) -> Section:
    """Post large videos."""
    folder = bench.folder / "films"
    folder.mkdir()
    found = asyncio.run(_posted(bench, folder))
    shutil.rmtree(folder)
    rows: list[tuple[str, ...]] = []
    for videos in (1, _MANY):
        lots = [one for one in found if one.videos == videos]
        seconds = median(one.seconds for one in lots)
        speed = videos * bench.plan.film_bytes / seconds / 1e6
        rest = [median(getattr(one, name) for one in lots) for name in ("download", "upload", "extra")]
        rows.append((str(videos), f"{seconds:.2f}", f"{speed:,.0f}", *(f"{value:.1f}" for value in rest)))
    size = f"{bench.plan.film_bytes / 1e6:,.0f} MB"
    columns = ("at once", "seconds", "MB/s", "download s", "upload s", "extra peak MiB")
    note = "The stand-ins, on one core together, send and take every byte in Python too: the speed is theirs as well."
    extra = {count: max(one.extra for one in found if one.videos == count) * 2**20 / 1e6 for count in (1, _MANY)}
    return Section(
        [Table(f"A video of {size} from Vidu to Discord", columns, rows, note)],
        [
            Target.most(f"a video of {size}: extra peak memory", 8, extra[1], "MB"),
            Target.most(f"{_MANY} of them at once: extra peak memory", 40, extra[_MANY], "MB"),
        ],
        {"lots": [[one.videos, one.seconds, one.download, one.upload, one.extra] for one in found]},
    )


async def _posted(bench: Bench, folder: Path) -> list[Found]:
    studio = _OneFilm(folder / "shelf", bench.plan.film_bytes)
    async with opened(bench, folder, studio=studio, upload_limit=_TIER_THREE) as stage:
        await _lot(bench, stage, 1)  # rendered once; and what only the first job loads is loaded
        lots = [1] * bench.plan.film_rounds + [_MANY] * bench.plan.film_rounds
        return [await _lot(bench, stage, videos) for videos in lots]


async def _lot(bench: Bench, stage: Stage, videos: int) -> Found:
    """Have so many videos made at once, and wait until they are posted."""
    before, already = stage.program.memory(), stage.posted()
    stage.program.forget_peak()
    known = set(stage.steps())
    for number in range(videos):
        stage.ask(number, _ROOMS)
    if not await stage.until_posted(already + videos, _PATIENCE):
        raise Trouble("a video is not posted")
    peak = stage.program.peak()
    jobs: list[dict[str, float]] = []
    while sum("posted" in job for job in jobs) < videos:  # its log is a moment behind Discord
        await asyncio.sleep(0.02)
        jobs = [{step: at for at, step in steps} for job, steps in stage.steps().items() if job not in known]
    for message in stage.scenery.discord.messages.values():
        message.attachments.clear()  # the stand-in keeps every byte it was sent
    found = Found(
        videos,
        max(job["posted"] for job in jobs) - min(job["settled"] for job in jobs),
        _sum(jobs, "settled", "fetched"),
        _sum(jobs, "posting", "posted"),
        max(0.0, peak - before),
    )
    bench.say(f"films: {videos} at once, {found.seconds:.1f} s, {found.extra:.1f} MiB more")
    return found


def _sum(jobs: Sequence[dict[str, float]], first: str, then: str) -> float:
    return sum(job[then] - job[first] for job in jobs)


def starts(bench: Bench) -> Section:
    """Start the program, on an empty database and on one with a history, and look how much it takes."""
    rows: list[tuple[str, ...]] = []
    facts: dict[str, object] = {}
    worst: list[float] = [0.0, 0.0]
    for name, jobs in (("no database yet", 0), (f"{bench.plan.growth[1]:,} jobs stored", bench.plan.growth[1])):
        history = stock.history(bench.folder, jobs) if jobs else None
        seen = [asyncio.run(_started(bench, history)) for _ in range(bench.plan.starts)]
        listening, connected, worked, resident = (median(each) for each in zip(*seen, strict=True))
        rows.append((name, f"{listening:.2f}", f"{connected:.2f}", f"{worked:.2f}", f"{resident:.0f}"))
        facts[name] = seen
        worst = [max(worst[0], listening), max(worst[1], resident)]
        bench.say(f"start, {name}: listens after {listening:.2f} s, {resident:.0f} MiB")
    columns = ("", "listening after s", "connected after s", "CPU s until then", "resident MiB, idle")
    return Section(
        [Table("Start, and idle", columns, rows)],
        [
            Target.most("resident memory, idle and connected", 100, worst[1] * 2**20 / 1e6, "MB"),
            Target.most("start to listening", 1.5, worst[0], "s"),
        ],
        facts,
    )


async def _started(bench: Bench, history: Path | None) -> tuple[float, float, float, float]:
    folder = bench.folder / f"start-{time.monotonic_ns()}"
    folder.mkdir()
    if history is not None:
        shutil.copyfile(history, folder / "rushes.db")
    async with opened(bench, folder) as stage:
        worked = stage.program.seconds_worked()
        await asyncio.sleep(_IDLE)
        return stage.listening_after, stage.connected_after, worked, stage.program.memory()
