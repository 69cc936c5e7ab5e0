"""The films are real: the right codec, length, size and sound, index in front, made once."""

import asyncio
import base64
from pathlib import Path

import pytest
from PIL import Image

from sandbox.vendors import Studio
from sandbox.vendors.book import Film, Picture
from sandbox.vendors.card import draw_card, printable
from sandbox.vendors.render import RenderFailed, frame_size, run_ffmpeg
from tests.sandbox.vendors_kit import Scene, media_facts, picture, scene


def boxes(path: Path) -> list[str]:
    """Name the outer boxes of an MP4 in order."""
    data, at, names = path.read_bytes(), 0, list[str]()
    while at < len(data):
        names.append(data[at + 4 : at + 8].decode())
        at += int.from_bytes(data[at : at + 4])
    return names


async def pixel(path: Path, at: float) -> bytes:
    """Return the colour in the middle of the frame at that second, as red, green, blue."""
    target = path.with_name(f"{at}.ppm")
    crop = ("-vf", "crop=2:2", "-frames:v", "1", "-pix_fmt", "rgb24", str(target))
    await run_ffmpeg(["-loglevel", "error", "-y", "-ss", str(at), "-i", str(path), *crop])
    return target.read_bytes()[-3:]


async def made(stage: Scene, operation: str, **fields: object) -> tuple[str, Path]:
    answer = await stage.submit(operation, **fields)
    assert answer.status == 200, answer.json
    task = await stage.finished()
    assert task.video
    return await media_facts(task.video), task.video


async def test_a_text_film_has_the_asked_length_shape_and_sound(tmp_path: Path) -> None:
    async with scene(tmp_path, "vidu") as stage:
        facts, path = await made(stage, "text2video", duration=2, aspect_ratio="9:16", resolution="540p", audio=True)
        assert "h264" in facts
        assert "yuv420p" in facts
        assert "540x960" in facts
        assert "Duration: 00:00:02.0" in facts
        assert "24 fps" in facts
        assert "Audio: aac" in facts
        assert boxes(path).index("moov") < boxes(path).index("mdat")


async def test_a_picture_film_follows_the_picture_and_is_silent_when_asked(tmp_path: Path) -> None:
    async with scene(tmp_path, "vidu") as stage:
        fields = {"model": "viduq3-pro", "duration": 1, "resolution": "540p", "audio": False}
        facts, path = await made(stage, "img2video", images=[stage.image("400x500", "webp")], **fields)
        assert "540x674" in facts or "540x676" in facts
        assert "Duration: 00:00:01.0" in facts
        assert "Audio" not in facts
        with Image.open(stage.task.cover or path) as cover:
            assert cover.format == "JPEG"
            assert cover.width == 540


async def test_a_film_of_two_pictures_begins_with_one_and_ends_with_the_other(tmp_path: Path) -> None:
    async with scene(tmp_path, "kling") as stage:
        red, blue = (base64.b64encode(picture(400, 300, colour=colour)).decode() for colour in ("red", "blue"))
        facts, path = await made(stage, "image2video", image=red, image_tail=blue)
        assert "Duration: 00:00:05.0" in facts
        assert "960x720" in facts
        first, last = await pixel(path, 0), await pixel(path, 4.9)
        assert (first[0] > 200, first[2] > 60) == (True, False)
        assert (last[2] > 200, last[0] > 60) == (True, False)


async def test_kling_pro_is_1080p(tmp_path: Path) -> None:
    async with scene(tmp_path, "kling") as stage:
        facts, _ = await made(stage, "text2video", mode="pro", aspect_ratio="1:1")
        assert "1080x1080" in facts


@pytest.mark.parametrize(
    ("film", "pictures", "size"),
    [
        (Film(5, 540, 16 / 9), (), (960, 540)),
        (Film(5, 1080, 9 / 16), (), (1080, 1920)),
        (Film(5, 720, 4 / 3), (), (960, 720)),
        (Film(5, 720), (), (1280, 720)),
        (Film(5, 720), (Picture(b"", 4000, 1000),), (1280, 320)),
        (Film(5, 720), (Picture(b"", 1000, 2500),), (512, 1280)),
        (Film(5, 720, 1.0), (Picture(b"", 4000, 1000),), (720, 720)),
    ],
)
def test_frames_are_even_and_never_larger_than_wide_screen(
    film: Film, pictures: tuple[Picture, ...], size: tuple[int, int]
) -> None:
    assert frame_size(film, pictures) == size


async def test_the_same_film_is_made_once_and_by_another_studio_equally(tmp_path: Path) -> None:
    film = Film(1, 360, 1.0, audio=True, text="a boat", label="stand-in")
    one, other = Studio(tmp_path / "one"), Studio(tmp_path / "other")
    first = await asyncio.gather(*(one.film(film, ()) for _ in range(3)))
    second = await other.film(film, ())
    assert (one.rendered, other.rendered) == (1, 1)
    assert len({each.video for each in first}) == 1
    assert first[0].video.read_bytes() == second.video.read_bytes()
    assert sorted(each.suffix for each in (tmp_path / "one").iterdir()) == [".jpg", ".mp4"]


async def test_pictures_of_any_kind_become_films(tmp_path: Path) -> None:
    Image.new("RGBA", (64, 64), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    Image.new("P", (64, 64)).save(tmp_path / "palette.png")
    Image.new("CMYK", (64, 64)).save(tmp_path / "print.jpg")
    studio = Studio(tmp_path / "films")
    for name in ("clear.png", "palette.png", "print.jpg"):
        made = await studio.film(Film(1, 64), (Picture((tmp_path / name).read_bytes(), 64, 64),))
        assert made.video.stat().st_size > 0


async def test_what_ffmpeg_refuses_is_an_error_with_its_words(tmp_path: Path) -> None:
    with pytest.raises(RenderFailed, match="No such file"):
        await run_ffmpeg(["-i", str(tmp_path / "nothing.ppm"), "-f", "null", "-"])


async def test_a_picture_with_a_broken_body_fails_the_task(tmp_path: Path) -> None:
    async with scene(tmp_path, "kling") as stage:
        broken = base64.b64encode(picture(400, 300, "jpeg")[:2000]).decode()
        assert (await stage.submit("image2video", image=broken)).status == 200
        task = await stage.finished()
        assert (task.state, task.error, task.credits) == ("failed", "InternalServiceFailure", 0)


def test_the_card_shows_any_text() -> None:
    for text in ("", "boat", "word " * 800, "w" * 3000, "\u6f22\u5b57 \N{PARTY POPPER}", "caf\u00e9 \u201cnoir\u201d"):
        assert draw_card(text, "stand-in", 320, 180).size == (320, 180)
    assert printable("\u201cCaf\u00e9\u201d \u6f22\u5b57\n noir\u2026") == '"Caf\u00e9" noir...'
