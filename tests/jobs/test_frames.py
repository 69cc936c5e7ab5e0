"""The last picture of a film: the true last one, in bounds, and nothing where there is none."""

import asyncio
import io
import re
from pathlib import Path

import imageio_ffmpeg  # pyright: ignore[reportMissingTypeStubs] -- it has none
import pytest
from PIL import Image

from jobs.frames import NoFrame, last_frame


async def ffmpeg(*words: str) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *words]
    child = await asyncio.create_subprocess_exec(*command)
    assert await child.wait() == 0


async def film(path: Path, *more: str, last: str = "blue", seconds: float = 1.0) -> Path:
    """Make a film that is red, but for its last picture."""
    rest = ("-f", "lavfi", "-i", f"color=red:s=320x180:r=10:d={seconds},drawbox=c={last}:t=fill:enable='gte(n,9)'")
    await ffmpeg(*rest, *more, "-pix_fmt", "yuv420p", "-movflags", "+faststart", str(path))
    return path


def colour(data: bytes) -> tuple[int, ...]:
    with Image.open(io.BytesIO(data), formats=["JPEG"]) as image:
        assert image.size == (320, 180)
        pixel = image.convert("RGB").getpixel((100, 90))
        assert isinstance(pixel, tuple)
        return pixel


def blue(data: bytes) -> bool:
    red, _, deep = colour(data)
    return red < 60 and deep > 200


async def test_it_is_the_last_picture_and_no_other(tmp_path: Path) -> None:
    assert blue(await last_frame(await film(tmp_path / "a.mp4")))


async def test_where_the_sound_goes_on_it_is_still_the_last_picture(tmp_path: Path) -> None:
    sound = ("-f", "lavfi", "-i", "sine=330:d=4")
    assert blue(await last_frame(await film(tmp_path / "a.mp4", *sound)))
    sound = ("-f", "lavfi", "-i", "sine=330:d=30")
    assert blue(await last_frame(await film(tmp_path / "b.mp4", *sound)))


@pytest.mark.parametrize("data", [b"", b"no film", b"\0\0\0\x18ftypisom" + bytes(2000)])
async def test_what_is_no_film_has_none(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    with pytest.raises(NoFrame):
        await last_frame(path)
    with pytest.raises(NoFrame, match="not there"):
        await last_frame(tmp_path / "b.mp4")


async def test_a_list_of_other_files_is_not_followed(tmp_path: Path) -> None:
    await film(tmp_path / "true.mp4")
    lying = tmp_path / "a.mp4"
    lying.write_text(f"ffconcat version 1.0\nfile {tmp_path / 'true.mp4'}\n")
    with pytest.raises(NoFrame):
        await last_frame(lying)


async def test_it_ends_when_time_or_memory_are_used_up(tmp_path: Path) -> None:
    path = await film(tmp_path / "a.mp4")
    with pytest.raises(NoFrame, match="too long"):
        await last_frame(path, seconds=0)
    with pytest.raises(NoFrame, match="could not read"):
        await last_frame(path, memory=20 * 2**20)


async def test_without_ffmpeg_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = await film(tmp_path / "a.mp4")
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "none"))
    with pytest.raises(NoFrame, match=re.escape("no ffmpeg")):
        await last_frame(path)
