"""A file is what its bytes say, and no file can make the program wait, stand still or run out of memory."""

import asyncio
import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import imageio_ffmpeg  # pyright: ignore[reportMissingTypeStubs] - it has none
import pytest
from PIL import Image

from jobs import attachments, decode
from jobs.attachments import Desk, Flaw, Heard, Seen, at_a_glance, read_subtitles
from tests.bot.harness import picture


def saved(form: str, mode: str = "RGB", size: tuple[int, int] = (64, 48), **options: Any) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size).save(out, form, **options)
    return out.getvalue()


def with_scans(side: int, count: int) -> bytes:
    """Make a progressive JPEG of `count` scans by repeating the last one, which has a few bytes."""
    whole = saved("JPEG", "L", (side, side), progressive=True, optimize=True)
    last, end = whole.rindex(b"\xff\xda"), whole.rindex(b"\xff\xd9")
    return whole[:end] + whole[last:end] * (count - whole.count(b"\xff\xda")) + whole[end:]


def children() -> list[int]:
    """List this process's children, ended ones that nobody waited for included."""
    me, found = os.getpid(), list[int]()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        found += [int(folder.name)] if parent == me else []
    return found


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (saved("PNG"), "image/png"),
        (saved("PNG", "I;16"), "image/png"),
        (saved("PNG", "P"), "image/png"),
        (saved("PNG", "RGBA"), "image/png"),
        (saved("JPEG"), "image/jpeg"),
        (saved("JPEG", "L"), "image/jpeg"),
        (saved("JPEG", "CMYK", progressive=True), "image/jpeg"),
        (saved("MPO", save_all=True, append_images=[Image.new("RGB", (64, 48))]), "image/jpeg"),
        (saved("WEBP"), "image/webp"),
        (saved("WEBP", "RGBA", lossless=True), "image/webp"),
        (saved("WEBP", save_all=True, append_images=[Image.new("RGB", (64, 48), (1, 2, 3))]), "image/webp"),
    ],
)
async def test_pictures_of_every_kind_are_seen(data: bytes, mime: str) -> None:
    assert await Desk().look(data) == Seen(mime, 64, 48)


async def test_a_jpeg_of_many_pixels_keeps_its_size_though_it_is_drawn_small() -> None:
    assert await Desk().look(saved("JPEG", size=(4001, 3003))) == Seen("image/jpeg", 4001, 3003)


@pytest.mark.parametrize("data", [b"", b"hello", saved("GIF"), saved("TIFF"), b"RIFF\0\0\0\0WAVEfmt ", b"\x89PNG"])
async def test_what_is_no_picture_is_told_so(data: bytes) -> None:
    assert await Desk().look(data) is Flaw.NOT_A_PICTURE


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("kept", [0.2, 0.7])
async def test_half_a_picture_is_damaged(form: str, kept: float) -> None:
    out = io.BytesIO()
    Image.effect_noise((64, 64), 90).convert("RGB").save(out, form)
    data = out.getvalue()
    assert await Desk().look(data[: int(len(data) * kept)]) is Flaw.DAMAGED


async def test_a_wrong_checksum_is_damage() -> None:
    data = saved("PNG")
    at = data.rindex(b"IEND") - 5  # within the sum of the chunk before
    assert await Desk().look(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]) is Flaw.DAMAGED


@pytest.mark.parametrize(("width", "flaw"), [(4000, None), (4001, Flaw.TOO_MANY_PIXELS), (16383, Flaw.TOO_MANY_PIXELS)])
def test_a_webp_of_too_many_pixels_is_refused_by_its_first_bytes(width: int, flaw: Flaw | None) -> None:
    lossy, lossless = bytearray(saved("WEBP")), bytearray(saved("WEBP", lossless=True))
    struct.pack_into("<HH", lossy, 26, width, 4000)
    struct.pack_into("<I", lossless, 21, 3999 << 14 | width - 1)
    assert [at_a_glance(lossy), at_a_glance(lossless)] == [flaw, flaw]


async def test_the_size_read_at_a_glance_is_the_one_that_is_decoded() -> None:
    assert await Desk().look(saved("WEBP", size=(4000, 4000), lossless=True)) == Seen("image/webp", 4000, 4000)
    assert await Desk().look(saved("WEBP", size=(6300, 6300), lossless=True)) is Flaw.TOO_MANY_PIXELS


def test_a_webp_with_extras_is_refused_by_its_canvas() -> None:
    canvas = struct.pack("<I", 16382)[:3] * 2
    head = b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(4) + canvas
    assert at_a_glance(head) is Flaw.TOO_MANY_PIXELS


@pytest.mark.parametrize("end", range(12, 30))
def test_a_webp_that_ends_early_has_no_size(end: int) -> None:
    assert at_a_glance(saved("WEBP")[:end]) is None


async def test_a_jpeg_of_hundreds_of_scans_is_not_decoded() -> None:
    assert await Desk().look(with_scans(64, 65)) is Flaw.DAMAGED
    assert await Desk().look(with_scans(64, 64)) == Seen("image/jpeg", 64, 64)


@pytest.mark.parametrize("side", [8_000, 12_000, 30_000])
async def test_what_states_too_many_pixels_is_not_decoded(side: int) -> None:
    data = bytearray(saved("PNG", "1"))
    struct.pack_into(">II", data, 16, side, side)
    struct.pack_into(">I", data, 29, zlib.crc32(data[12:29]))
    assert await Desk().look(bytes(data)) is Flaw.TOO_MANY_PIXELS


async def test_what_needs_too_much_memory_has_too_many_pixels() -> None:
    data = saved("PNG", "RGBA", (4000, 4000))
    assert await Desk(memory=80 * 2**20).look(data) is Flaw.TOO_MANY_PIXELS
    assert await Desk().look(data) == Seen("image/png", 4000, 4000)


async def test_what_takes_too_much_work_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    endless = tmp_path / "endless.py"
    endless.write_text(
        f"import runpy, sys\nconfine = runpy.run_path({decode.__file__!r})['confine']\n"
        "confine(int(sys.argv[2]), int(sys.argv[3]))\nwhile True: pass\n"
    )
    monkeypatch.setattr(attachments, "_CHILD", str(endless))
    assert await Desk(cpu_seconds=1, seconds=100).look(picture()) is Flaw.TOO_MANY_PIXELS
    assert children() == []


async def test_what_takes_too_long_is_given_up_and_leaves_no_process() -> None:
    assert await Desk(seconds=0.001).look(picture()) is Flaw.TOO_MANY_PIXELS
    assert children() == []


async def test_a_command_called_off_leaves_no_process() -> None:
    desk = Desk()
    looking = asyncio.create_task(desk.look(with_scans(6300, 64)))
    async with asyncio.timeout(30):
        while not children():  # noqa: ASYNC110 -- the system tells of it in no other way
            await asyncio.sleep(0.001)
    looking.cancel()
    await asyncio.gather(looking, return_exceptions=True)
    assert looking.cancelled()
    assert children() == []
    assert await desk.look(picture()) == Seen("image/png", 320, 180)


async def test_the_other_process_is_given_no_secret_and_no_socket(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spy = tmp_path / "spy"
    spy.write_text(f"#!/bin/sh\nexec >{tmp_path}/seen\n/usr/bin/env\nls -l /proc/self/fd\ncat >/dev/null\n")
    spy.chmod(0o700)
    monkeypatch.setenv("DISCORD_TOKEN", "a-secret")
    monkeypatch.setattr(sys, "executable", str(spy))
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        with pytest.raises(RuntimeError):
            await Desk().look(picture())
    seen = (tmp_path / "seen").read_text()
    assert "a-secret" not in seen
    assert "socket:" not in seen


async def test_a_process_that_cannot_work_is_our_mistake_and_not_the_picture_s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(RuntimeError, match="cannot be decoded"):
        await Desk().look(picture())


async def test_a_member_waits_for_their_own_pictures_and_not_in_front_of_others() -> None:
    desk = Desk()
    begun: list[str] = []
    two, going_on = asyncio.Event(), asyncio.Event()

    async def command(member: int, name: str) -> None:
        async with desk.turn(member):
            begun.append(name)
            if len(begun) == 2:
                two.set()
            await going_on.wait()

    commands = [asyncio.create_task(command(1, f"ada {number}")) for number in range(3)]
    commands.append(asyncio.create_task(command(2, "ben")))
    await asyncio.wait_for(two.wait(), 30)
    assert begun == ["ada 0", "ben"]
    going_on.set()
    await asyncio.gather(*commands)
    assert len(begun) == 4


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Three and a half seconds of a tone, by extension."""
    folder = tmp_path_factory.mktemp("sounds")
    made: dict[str, bytes] = {}
    for ending in ("mp3", "wav", "aac", "m4a"):
        path = folder / f"tone.{ending}"
        tone = ["-f", "lavfi", "-i", "sine=frequency=440:duration=3.5"]
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", *tone, str(path)]
        subprocess.run(command, check=True, timeout=60)
        made[ending] = path.read_bytes()
    return made


@pytest.mark.parametrize(
    ("ending", "mime"), [("mp3", "audio/mpeg"), ("wav", "audio/wav"), ("aac", "audio/aac"), ("m4a", "audio/mp4")]
)
async def test_an_audio_is_known_by_its_content_with_its_length(
    sounds: dict[str, bytes], ending: str, mime: str
) -> None:
    heard = await Desk().listen(sounds[ending])
    assert isinstance(heard, Heard)
    assert heard.mime == mime
    assert heard.seconds == pytest.approx(3.5, abs=0.15)


@pytest.mark.parametrize(
    ("data", "flaw"),
    [
        (b"", Flaw.NOT_AN_AUDIO),
        (saved("PNG"), Flaw.NOT_AN_AUDIO),
        (b"RIFF\x10\0\0\0WAVE", Flaw.DAMAGED),
        (b"ID3\4\0\0\x7f\x7f\x7f\x7f", Flaw.DAMAGED),
        (b"\xff\xf1" + bytes(5000), Flaw.DAMAGED),
        (b"\xff\xfb" + bytes(5000), Flaw.DAMAGED),
        (b"\0\0\0\x18ftypM4A " + bytes(500), Flaw.DAMAGED),
    ],
)
async def test_what_is_no_audio_or_a_broken_one_is_named(data: bytes, flaw: Flaw) -> None:
    assert await Desk().listen(data) is flaw


def film(path: Path) -> bytes:
    what = ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=1", "-c:v", "libx264", "-threads", "1"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", *what, str(path)]
    subprocess.run(command, check=True, timeout=60)
    return path.read_bytes()


async def test_a_video_is_known_by_its_boxes(tmp_path: Path) -> None:
    for ending, mime in (("mp4", "video/mp4"), ("mov", "video/quicktime")):
        assert await Desk().watch(film(tmp_path / f"film.{ending}")) == Heard(mime, 1.0, 64, 48)
    assert await Desk().watch(b"GIF89a") is Flaw.NOT_A_VIDEO


@pytest.mark.parametrize(
    ("data", "seen"),
    [
        (b"1\n00:00:01,000 --> 00:00:02,500\nHello\n", True),
        ("\ufeff1\n00:00:01,000 --> 00:00:02,500\nGr\u00fc\u00dfe\n".encode(), True),
        (b"hello", False),
        (b"\xff\xfe00:00:01,000 --> 00:00:02,500", False),
        (b"x" * 2**20 + b"00:00:01,000 --> 00:00:02,500", False),
    ],
)
def test_subtitles_are_text_with_cues(data: bytes, seen: bool) -> None:
    assert read_subtitles(data) == (Heard("application/x-subrip", 0.0) if seen else Flaw.NOT_SUBTITLES)
