"""A film made to fit: within the limit, as large as stays worth watching, and not at all where nothing would be."""

import asyncio
from pathlib import Path

import imageio_ffmpeg  # pyright: ignore[reportMissingTypeStubs] -- it has none
import pytest

from jobs import mp4
from jobs.shrink import Plan, plan, shrunk

MB = 2**20


@pytest.mark.parametrize(
    ("seconds", "side", "limit", "lines"),
    [
        (5, 1080, 10 * MB, 1080),
        (30, 1080, 10 * MB, 1080),
        (60, 1080, 10 * MB, 720),
        (90, 1080, 10 * MB, 540),
        (120, 1080, 10 * MB, 480),
        (180, 1080, 10 * MB, 360),
        (60, 480, 10 * MB, 480),
        (5, 240, 10 * MB, 240),
    ],
)
def test_the_largest_picture_worth_watching_is_chosen(seconds: float, side: int, limit: int, lines: int) -> None:
    chosen = plan(seconds, side, limit)
    assert chosen is not None
    assert chosen.lines == lines
    assert (chosen.bits + 96_000) * seconds / 8 <= limit


@pytest.mark.parametrize(
    ("seconds", "side", "limit"), [(600, 1080, 10 * MB), (5, 1080, 1000), (0, 1080, MB), (5, 0, MB), (60, 240, 1000)]
)
def test_where_nothing_would_be_worth_watching_nothing_is_chosen(seconds: float, side: int, limit: int) -> None:
    assert plan(seconds, side, limit) is None


async def film(path: Path, size: str = "1280x720") -> Path:
    """Make two seconds of noise, which no encoder makes small by itself."""
    noise = f"testsrc2=s={size}:r=10:d=2,noise=alls=60:allf=t"
    words = ("-f", "lavfi", "-i", noise, "-f", "lavfi", "-i", "sine=330:d=2", "-pix_fmt", "yuv420p", "-qp", "12")
    program = imageio_ffmpeg.get_ffmpeg_exe()
    command = [program, "-v", "error", "-nostdin", "-y", *words, "-preset", "ultrafast", str(path)]
    child = await asyncio.create_subprocess_exec(*command)
    assert await child.wait() == 0
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_it_fits_streams_and_is_made_once(tmp_path: Path) -> None:
    whole = await film(tmp_path / "a.mp4")
    limit = 400_000
    assert whole.stat().st_size > limit
    made = await shrunk(whole, 2.0, (1280, 720), limit)
    assert made is not None
    assert made.stat().st_size <= limit
    found = mp4.inspect(made)
    assert (found.width, found.height, found.faststart) == (1280, 720, True)
    before = made.stat().st_mtime_ns
    assert await shrunk(whole, 2.0, (1280, 720), limit) == made
    assert made.stat().st_mtime_ns == before
    assert names(tmp_path) == ["a-fit400000.mp4", "a.mp4"]


async def test_a_tall_film_stays_tall(tmp_path: Path) -> None:
    whole = await film(tmp_path / "a.mp4", "404x720")
    made = await shrunk(whole, 2.0, (404, 720), 150_000)
    assert made is not None
    found = mp4.inspect(made)
    assert found.width < found.height


async def test_what_is_no_film_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"\0\0\0\x18ftypisom" + bytes(2000))
    assert await shrunk(path, 5.0, (1280, 720), 10 * MB) is None
    assert names(tmp_path) == ["a.mp4"]


def test_a_plan_says_what_it_is() -> None:
    assert plan(5, 360, 10 * MB) == Plan(360, int(10 * MB * 8 * 0.94 / 5) - 96_000)
