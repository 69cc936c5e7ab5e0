"""The last picture of a film, so that another film can go on from it. ffmpeg opens it, in bounds and against time."""

import asyncio
import os
import shutil
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path

import imageio_ffmpeg  # pyright: ignore[reportMissingTypeStubs] -- it has none
import structlog

_MEMORY = 2 * 2**30  # bytes of address space; a film of 4096x2160 takes 0.6 GB
_CPU_SECONDS = 30
_SECONDS = 45.0  # in all, when the machine is busy
_MOST_BYTES = 50 * 2**20
_FROM_END = (1, 20, None)  # seconds looked at; more where a film's sound is longer than its pictures; None: all
_CHILD = str(Path(__file__).with_name("confine.py"))
_log = structlog.get_logger("jobs.frames")


class NoFrame(Exception):  # noqa: N818 -- a finding about the file
    """Raised when no picture could be taken out of a film."""


async def last_frame(film: Path, *, memory: int = _MEMORY, seconds: float = _SECONDS) -> bytes:
    """Give the last picture of an MP4 as a JPEG. Raise NoFrame, OSError. Takes at most `seconds` and `memory` bytes."""
    if not await asyncio.to_thread(film.is_file):
        raise NoFrame("the film is not there")
    program = await asyncio.to_thread(_program)
    with tempfile.TemporaryDirectory(prefix="rushes-frame-") as folder:
        picture = Path(folder) / "last.jpg"
        try:
            async with asyncio.timeout(seconds):
                for back in _FROM_END:
                    await _run(memory, [program, *_words(film, back, picture)])
                    if await asyncio.to_thread(picture.is_file):
                        return await asyncio.to_thread(picture.read_bytes)
        except TimeoutError as error:
            raise NoFrame("it took too long") from error
    raise NoFrame("it has no picture")


def _program() -> str:
    """Find ffmpeg. Raise NoFrame."""
    try:
        found = shutil.which(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError:
        found = None
    if found is None:
        raise NoFrame("there is no ffmpeg here")
    return found


def _words(film: Path, back: int | None, picture: Path) -> list[str]:
    """Write the command: each picture of the end goes into the same file, so that the last one stays."""
    return [
        *(
            "-v",
            "error",
            "-nostdin",
            "-filter_threads",
            "1",
            "-threads",
            "1",
            "-protocol_whitelist",
            "file",
            "-f",
            "mp4",
        ),
        *(() if back is None else ("-sseof", f"-{back}")),
        *("-i", f"file:{film}", "-map", "0:v:0", "-fps_mode", "passthrough"),
        *("-c:v", "mjpeg", "-q:v", "1", "-qmin", "1", "-pix_fmt", "yuvj420p", "-threads", "1"),
        *("-f", "image2", "-update", "1", "-y", str(picture)),
    ]


async def _run(memory: int, command: list[str]) -> None:
    """Run a command in bounds. Raise NoFrame when it fails: half a picture may be left then."""
    bounds = (str(memory), str(_CPU_SECONDS), str(_MOST_BYTES))
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", _CHILD, *bounds, *command),
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=PIPE,
        env={name: value for name, value in os.environ.items() if name.startswith(("LD_", "DYLD_"))},  # no secret
        start_new_session=True,  # Ctrl-C is for the program, which lets commands under way end
    )
    try:
        _, said = await child.communicate()
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()
    if child.returncode:
        _log.warning("no frame", code=child.returncode, said=said.decode("utf-8", "replace")[-300:])
        raise NoFrame("ffmpeg could not read it")
