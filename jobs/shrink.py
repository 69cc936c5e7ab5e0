"""A film made small enough for where it is posted, where it stays worth watching; else a link is the better way."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import structlog

from jobs import ffmpeg
from jobs.files import keep

_CPU_SECONDS = 240
_SECONDS = 300.0
_SOUND = 96_000  # bits a second
_ROOM = 0.94  # of the limit: the container and the encoder's own ups and downs take the rest
_TRIES = (1.0, 0.8, 0.6)  # of those bits: short or restless films come out larger than asked for
# By lines, the bits a second below which a film of that height is not worth watching (H.264, ordinary scenes).
_LEAST = {1080: 2_400_000, 720: 1_100_000, 540: 700_000, 480: 550_000, 360: 320_000}
_one_at_a_time = asyncio.Semaphore(1)  # an encoder takes a whole processor
_log = structlog.get_logger("jobs.shrink")


@dataclass(frozen=True, slots=True)
class Plan:
    """How small a film becomes."""

    lines: int  # of its shorter side
    bits: int  # of its pictures, a second


def plan(seconds: float, shorter_side: int, limit: int) -> Plan | None:
    """Choose the largest picture that so many bytes keep worth watching; None: none would be."""
    if seconds <= 0 or shorter_side <= 0:
        return None
    bits = int(limit * 8 * _ROOM / seconds) - _SOUND
    for lines, least in _LEAST.items():
        if lines <= shorter_side and bits >= least:
            return Plan(lines, bits)
    smallest = min(_LEAST)
    return Plan(shorter_side, bits) if shorter_side < smallest and bits >= _LEAST[smallest] else None


async def shrunk(film: Path, seconds: float, size: tuple[int, int], limit: int) -> Path | None:
    """Make an MP4 of at most `limit` bytes beside the film, once; None when it would not be worth watching.

    `size`: width and height of the film. Raise OSError.
    """
    made = film.with_name(f"{film.stem}-fit{limit}.mp4")
    if await asyncio.to_thread(made.is_file):
        return made
    chosen = plan(seconds, min(size), limit)
    if chosen is None:
        return None
    part = made.with_name(f"{made.name}.part")
    try:
        async with _one_at_a_time, asyncio.timeout(_SECONDS):
            for share in _TRIES:
                words = _words(film, chosen.lines, size, int(chosen.bits * share), part)
                await ffmpeg.run(words, cpu_seconds=_CPU_SECONDS, most_bytes=2 * limit)
                if (await asyncio.to_thread(part.stat)).st_size <= limit:
                    await asyncio.to_thread(keep, part, made)
                    return made
    except (ffmpeg.Failed, TimeoutError) as error:
        _log.warning("film not made smaller", film=film.name, trouble=str(error) or type(error).__name__)
    finally:
        await asyncio.to_thread(part.unlink, missing_ok=True)
    return None


def _words(film: Path, lines: int, size: tuple[int, int], bits: int, target: Path) -> list[str]:
    scale = f"scale=-2:{lines}" if size[0] >= size[1] else f"scale={lines}:-2"
    return [
        *(*ffmpeg.QUIET, "-f", "mp4", "-i", f"file:{film}", "-map", "0:v:0", "-map", "0:a:0?"),
        *("-vf", f"{scale},format=yuv420p", "-c:v", "libx264", "-preset", "veryfast", "-threads", "1"),
        *("-b:v", str(bits), "-maxrate", str(bits), "-bufsize", str(bits)),
        *("-c:a", "aac", "-b:a", str(_SOUND), "-map_metadata", "-1", "-movflags", "+faststart"),
        *("-f", "mp4", "-y", str(target)),
    ]
