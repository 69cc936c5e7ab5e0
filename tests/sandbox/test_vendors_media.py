"""Sounds, films and subtitles are looked into before a vendor's limits are put on them."""

import asyncio
import base64
from collections.abc import Awaitable
from pathlib import Path

import aiohttp
import pytest

from sandbox.vendors.book import Media, MediaRules
from sandbox.vendors.media import MediaProblem, check, look_into
from sandbox.vendors.render import run_ffmpeg
from tests.sandbox.vendors_kit import SUBTITLES, make_film, make_sound, picture

SOUND = MediaRules("audio", frozenset({"mp3", "wav", "aac", "m4a"}), 1 << 20, (1, 9), base64="bare")
FILM = MediaRules("video", frozenset({"mp4", "mov"}), 1 << 20, (1, 9), (300, 700), base64="bare")
WORDS = MediaRules("subtitles", frozenset({"srt"}), 1 << 20, base64="bare")


async def seen(data: bytes, rules: MediaRules) -> Media:
    async with aiohttp.ClientSession() as session:
        return await look_into(session, base64.b64encode(data).decode(), rules)


async def kind(asked: Awaitable[object]) -> str:
    with pytest.raises(MediaProblem) as refused:
        await asked
    return refused.value.kind


@pytest.mark.parametrize("name", ["mp3", "wav", "aac", "m4a"])
async def test_a_sound_has_a_format_and_a_length(tmp_path: Path, name: str) -> None:
    found = await seen(await make_sound(tmp_path, 3, name), SOUND)
    assert (found.format, found.width) == (name, 0)
    assert found.seconds == pytest.approx(3, abs=0.3)


@pytest.mark.parametrize("name", ["mp4", "mov"])
async def test_a_film_has_a_format_a_length_and_a_size(tmp_path: Path, name: str) -> None:
    found = await seen(await make_film(tmp_path, 3, name, "640x360"), FILM)
    assert (found.format, found.seconds, found.width, found.height) == (name, 3.0, 640, 360)


async def test_the_cover_inside_a_sound_does_not_make_it_a_film(tmp_path: Path) -> None:
    (tmp_path / "plain.m4a").write_bytes(await make_sound(tmp_path, 3, "m4a"))
    (tmp_path / "cover.png").write_bytes(picture(64, 64))
    files = ("-i", str(tmp_path / "plain.m4a"), "-i", str(tmp_path / "cover.png"))
    how = ("-map", "0", "-map", "1", "-c", "copy", "-disposition:v:0", "attached_pic")
    await run_ffmpeg(["-loglevel", "error", "-y", *files, *how, str(tmp_path / "covered.m4a")])
    covered = await asyncio.to_thread((tmp_path / "covered.m4a").read_bytes)
    assert len(covered) > len(await make_sound(tmp_path, 3, "m4a"))
    assert (await seen(covered, SOUND)).format == "m4a"


async def test_what_cannot_be_read_is_a_matter_of_format(tmp_path: Path) -> None:
    sound, film = await make_sound(tmp_path, 3), await make_film(tmp_path, 3)
    for data in (b"", b"<html></html>", picture(400, 400), film[: len(film) // 3], SUBTITLES.encode(), film):
        assert await kind(seen(data, SOUND)) == "format"
    assert await kind(seen(sound, FILM)) == "format"
    for text in (b"la la la", picture(10, 10), b"\xff\xfe"):
        assert await kind(seen(text, WORDS)) == "format"


async def test_subtitles_may_have_a_mark_and_any_line_ends() -> None:
    text = "\ufeff" + SUBTITLES.replace("\n", "\r\n")
    assert (await seen(text.encode(), WORDS)).format == "srt"


async def test_a_list_of_files_is_not_a_sound(tmp_path: Path) -> None:
    (tmp_path / "secret.mp3").write_bytes(await make_sound(tmp_path, 3))
    lists = f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nfile://{tmp_path}/secret.mp3\n#EXT-X-ENDLIST\n"
    assert await kind(seen(lists.encode(), SOUND)) == "format"
    assert await kind(seen(f"ffconcat version 1.0\nfile {tmp_path}/secret.mp3\n".encode(), SOUND)) == "format"


@pytest.mark.parametrize(
    ("media", "rules", "why"),
    [
        (Media(b"", "mp3", 0.9), SOUND, "seconds"),
        (Media(b"", "mp3", 9.2), SOUND, "seconds"),
        (Media(b"", "ogg", 5), SOUND, "format"),
        (Media(b"", "mp4", 5, 299, 400), FILM, "size"),
        (Media(b"", "mp4", 5, 701, 400), FILM, "size"),
        (Media(b"", "mp4", 10, 400, 400), FILM, "seconds"),
    ],
)
def test_what_is_outside_the_rules_says_why(media: Media, rules: MediaRules, why: str) -> None:
    with pytest.raises(MediaProblem) as refused:
        check(media, rules)
    assert refused.value.kind == why


async def test_base64_is_taken_as_the_rules_say(tmp_path: Path) -> None:
    plain = base64.b64encode(await make_sound(tmp_path, 3)).decode()
    never = MediaRules("audio", SOUND.formats, 1 << 20)
    prefix = MediaRules("audio", SOUND.formats, 1 << 20, base64="prefix", most_decoded=1000)
    async with aiohttp.ClientSession() as session:
        for source, rules, why in [
            (plain, never, "prefix"),
            (plain, prefix, "prefix"),
            ("data:audio/mp3;base64," + plain, SOUND, "prefix"),
            ("data:audio/mp3;base64," + plain, prefix, "bytes"),
            ("no base64!", SOUND, "format"),
            ("http://127.0.0.1:1/a.mp3", SOUND, "unreachable"),
        ]:
            assert await kind(look_into(session, source, rules)) == why
