"""Fetching results at once, because their addresses die: through the guarded client, checked, then kept whole."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import aiohttp

from jobs import files
from jobs.attachments import MOST_BYTES, Desk, Flaw, Seen
from jobs.boxes import NotAVideo
from jobs.context import Context
from jobs.download import Downloaded, DownloadFailed, download
from jobs.loop import Work
from jobs.mp4 import Video, inspect
from jobs.submit import backoff
from jobs.whose import task_of
from providers.contract import Progress, ProviderError
from storage import Connection, alerts, deliveries, outputs
from storage import jobs as job_facts
from storage.words import AlertKind, Job, Output

_AT_ONCE = 16
_TRIES = 8  # at a file that is refused or is no video; trouble that passes has until the deadline


@dataclass(frozen=True, slots=True)
class _Kept:
    """A result that lies in the media store."""

    file: str
    downloaded: Downloaded
    width: int
    height: int
    seconds: float | None  # None: a picture


class NotAPicture(Exception):  # noqa: N818 -- a finding about the file
    """Raised when a file is not a picture that can be opened; says in plain words why."""


def work(ctx: Context, session: aiohttp.ClientSession) -> Work[tuple[Output, Job]]:
    """Fetch the results whose time has come."""
    desk = Desk()

    async def due() -> Sequence[tuple[Output, Job]]:
        return await ctx.database.read(_due, ctx.now())

    async def handle(piece: tuple[Output, Job]) -> None:
        output, job = piece
        await fetch(ctx, session, desk, job, output)

    return Work("fetch", due, handle, lambda piece: piece[0].id, ctx.wakes.fetch, _AT_ONCE, ctx.timing.idle / 1000)


def _due(connection: Connection, now: int) -> list[tuple[Output, Job]]:
    found = outputs.due_to_fetch(connection, now, _AT_ONCE)
    theirs = {job.id: job for job in job_facts.by_ids(connection, [output.job_id for output in found])}
    return [(output, theirs[output.job_id]) for output in found if output.job_id in theirs]


async def fetch(ctx: Context, session: aiohttp.ClientSession, desk: Desk, job: Job, output: Output) -> None:
    """Fetch one result and keep it, or store why not and when to try again. Raise StorageError."""
    try:
        kept = await _keep(ctx, session, desk, job, output)
    except (DownloadFailed, NotAVideo, NotAPicture, OSError) as problem:
        await _failed(ctx, job, output, problem)
        return
    ctx.tell("fetched", job.id, bytes=kept.downloaded.size)
    ready = await ctx.database.write(_fetched, output, kept, ctx.now())
    ctx.tell("output recorded", job.id)
    if ready:
        ctx.wakes.deliver.set()


async def _keep(ctx: Context, session: aiohttp.ClientSession, desk: Desk, job: Job, output: Output) -> _Kept:
    """Download, look inside, and give the file its name. Raise DownloadFailed, NotAVideo, NotAPicture, OSError."""
    folder = ctx.media_dir / files.OUTPUTS
    part = folder / f"{job.code}-{output.position}.part"
    try:
        downloaded = await download(session, output.url, part, allowed=partial(ctx.hosts.allowed, job.provider))
        if output.kind != "image":
            file, video = await asyncio.to_thread(_kept_video, ctx, job, output, part)
            return _Kept(file, downloaded, video.width, video.height, video.seconds)
        picture = await _looked_at(desk, part, downloaded.size)
        file, target = _place_of(ctx, job, output, picture.mime)
        await asyncio.to_thread(files.keep, part, target)
        return _Kept(file, downloaded, picture.width, picture.height, None)
    finally:
        part.unlink(missing_ok=True)


def _place_of(ctx: Context, job: Job, output: Output, mime: str) -> tuple[str, Path]:
    file = files.name_for(job.code, str(output.position), mime)
    return file, files.locate(ctx.media_dir, files.OUTPUTS, file)


def _kept_video(ctx: Context, job: Job, output: Output, part: Path) -> tuple[str, Video]:
    """Look into a video and give the file its name. Raise NotAVideo, OSError. Blocks on disk."""
    video = inspect(part)
    file, target = _place_of(ctx, job, output, "video/mp4")
    files.keep(part, target)
    return file, video


async def _looked_at(desk: Desk, part: Path, size: int) -> Seen:
    """Look at a picture. Raise NotAPicture, OSError."""
    data = await asyncio.to_thread(part.read_bytes) if size <= MOST_BYTES else b""
    seen = await desk.look(data)
    if isinstance(seen, Flaw):
        raise NotAPicture(f"no picture: {seen.value.replace('_', ' ')}")
    return seen


def _fetched(connection: Connection, output: Output, kept: _Kept, now: int) -> bool:
    outputs.fetched(
        connection,
        output.id,
        file=kept.file,
        size=kept.downloaded.size,
        sha256=kept.downloaded.sha256,
        seconds=kept.seconds,
        width=kept.width,
        height=kept.height,
    )
    return _ready_when_all_here(connection, output.job_id, now)


def _ready_when_all_here(connection: Connection, job_id: int, now: int) -> bool:
    waiting = any(output.due_at is not None for output in outputs.of_job(connection, job_id))
    return not waiting and deliveries.ready(connection, job_id, now)


async def _failed(ctx: Context, job: Job, output: Output, problem: Exception) -> None:
    detail = str(problem) or type(problem).__name__
    ctx.tell("fetch failed", job.id, problem=detail, attempts=output.attempts + 1)
    refused = not _passes(problem)
    late = ctx.now() - (job.finished_at or 0) >= ctx.timing.fetch_deadline
    given_up = output.refusals + 1 >= _TRIES if refused else late
    due_at = None if given_up else ctx.now() + backoff(ctx, output.attempts + 1)

    def store(connection: Connection) -> bool:
        outputs.not_fetched(connection, output, due_at, refused=refused, problem=detail)
        ready = _ready_when_all_here(connection, output.job_id, ctx.now())
        if isinstance(problem, DownloadFailed) and problem.kind == "strange" and due_at is not None:
            alerts.raised(connection, job, AlertKind.HOST, ctx.now())
        if ready and not any(one.file for one in outputs.of_job(connection, job.id)):
            alerts.raised(connection, job, AlertKind.LOST, ctx.now())
        return ready

    if await ctx.database.write(store):
        ctx.wakes.deliver.set()
    ctx.wakes.alerts.set()
    if due_at is not None:
        await _ask_for_new_addresses(ctx, job)


def _passes(problem: Exception) -> bool:
    """Tell trouble that may be over in a while (ours, the network's, a setting's) from a file that cannot be had."""
    return isinstance(problem, OSError) or (
        isinstance(problem, DownloadFailed) and problem.kind in {"temporary", "too_slow", "strange"}
    )


async def _ask_for_new_addresses(ctx: Context, job: Job) -> None:
    """Ask the vendor for the result once more: addresses expire, and a new answer may carry living ones."""
    provider = ctx.provider_of(job)
    if provider is None or job.task_id is None:
        return
    try:
        status = await provider.query(task_of(job, job.task_id))
    except ProviderError as error:
        ctx.tell("asked in vain", job.id, kind=error.kind, detail=error.detail)
        return
    if status.progress is Progress.SUCCEEDED and status.outputs:
        links = [(link.kind, link.url) for link in status.outputs]
        await ctx.database.write(outputs.readdressed, job.id, links)
