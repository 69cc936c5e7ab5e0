"""ffmpeg on a stranger's film: in a process of its own, in bounds of memory, work and file size, knowing no secret."""

import asyncio
import shutil
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

import imageio_ffmpeg  # pyright: ignore[reportMissingTypeStubs] -- it has none
import structlog

from jobs import children

MEMORY = 2 * 2**30  # bytes of address space; a film of 4096x2160 takes 0.6 GB
# What every call begins with: no words but of errors, no questions, no address but files, one thread a stage.
QUIET = ("-v", "error", "-nostdin", "-filter_threads", "1", "-threads", "1", "-protocol_whitelist", "file")
_CHILD = str(Path(__file__).with_name("confine.py"))
_log = structlog.get_logger("jobs.ffmpeg")


class Failed(Exception):  # noqa: N818 -- a finding about the file
    """Raised when ffmpeg is not there, or could not do it."""


async def run(words: list[str], *, memory: int = MEMORY, cpu_seconds: int, most_bytes: int) -> None:
    """Run ffmpeg with these words. Raise Failed; half a file may be left then. The caller sets the time limit."""
    bounds = (str(memory), str(cpu_seconds), str(most_bytes))
    confined = (sys.executable, "-I", "-S", _CHILD, *bounds, await asyncio.to_thread(_program), *words)
    async with children.begun(*confined, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE) as child:
        _, said = await children.told(child)
    if child.returncode:
        _log.warning("ffmpeg failed", code=child.returncode, said=said.decode("utf-8", "replace")[-300:])
        raise Failed("ffmpeg could not read it")


def _program() -> str:
    try:
        found = shutil.which(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:
        found = None
    if found is None:
        raise Failed("there is no ffmpeg here")
    return found
