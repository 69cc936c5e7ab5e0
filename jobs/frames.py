"""The last picture of a film, so that another film can go on from it."""

import asyncio
import tempfile
from pathlib import Path

from jobs import ffmpeg

_CPU_SECONDS = 30
_SECONDS = 45.0  # in all, when the machine is busy
_MOST_BYTES = 50 * 2**20
_FROM_END = (1, 20, None)  # seconds looked at; more where a film's sound is longer than its pictures; None: all


class NoFrame(Exception):  # noqa: N818 -- a finding about the file
    """Raised when no picture could be taken out of a film."""


async def last_frame(film: Path, *, memory: int = ffmpeg.MEMORY, seconds: float = _SECONDS) -> bytes:
    """Give the last picture of an MP4 as a JPEG. Raise NoFrame, OSError. Takes at most `seconds` and `memory` bytes."""
    if not await asyncio.to_thread(film.is_file):
        raise NoFrame("the film is not there")
    with tempfile.TemporaryDirectory(prefix="rushes-frame-") as folder:
        picture = Path(folder) / "last.jpg"
        try:
            async with asyncio.timeout(seconds):
                for back in _FROM_END:
                    words = _words(film, back, picture)
                    await ffmpeg.run(words, memory=memory, cpu_seconds=_CPU_SECONDS, most_bytes=_MOST_BYTES)
                    if await asyncio.to_thread(picture.is_file):
                        return await asyncio.to_thread(picture.read_bytes)
        except TimeoutError as error:
            raise NoFrame("it took too long") from error
        except ffmpeg.Failed as error:
            raise NoFrame(str(error)) from error
    raise NoFrame("it has no picture")


def _words(film: Path, back: int | None, picture: Path) -> list[str]:
    """Write the command: each picture of the end goes into the same file, so that the last one stays."""
    return [
        *(*ffmpeg.QUIET, "-f", "mp4"),
        *(() if back is None else ("-sseof", f"-{back}")),
        *("-i", f"file:{film}", "-map", "0:v:0", "-fps_mode", "passthrough"),
        *("-c:v", "mjpeg", "-q:v", "1", "-qmin", "1", "-pix_fmt", "yuvj420p", "-threads", "1"),
        *("-f", "image2", "-update", "1", "-y", str(picture)),
    ]
