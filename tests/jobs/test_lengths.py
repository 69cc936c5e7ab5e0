"""How long a recording or a film runs is what it holds, whatever its headers say: members pay by the second."""

import struct
import subprocess
from pathlib import Path

import imageio_ffmpeg  # pyright: ignore[reportMissingTypeStubs] - it has none
import pytest

from jobs.attachments import Desk, Flaw, Heard

SECONDS = 12


def render(path: Path, *arguments: str) -> bytes:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *arguments, str(path)]
    subprocess.run(command, check=True, timeout=60)
    return path.read_bytes()


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Twelve seconds of a tone, by the name of the file."""
    folder = tmp_path_factory.mktemp("lengths")
    tone = ["-f", "lavfi", "-i", f"sine=frequency=440:duration={SECONDS}"]
    fragments = ["-movflags", "frag_keyframe+empty_moov", "-frag_duration", "1000000"]
    return {
        "tone.mp3": render(folder / "tone.mp3", *tone),
        "slow.mp3": render(folder / "slow.mp3", *tone, "-ar", "16000", "-b:a", "24k"),
        "vbr.mp3": render(folder / "vbr.mp3", *tone, "-q:a", "5", "-id3v2_version", "4", "-metadata", "title=Tone"),
        "tone.wav": render(folder / "tone.wav", *tone, "-ar", "8000"),
        "tone.aac": render(folder / "tone.aac", *tone),
        "tone.m4a": render(folder / "tone.m4a", *tone),
        "low.m4a": render(folder / "low.m4a", *tone, "-ar", "22050"),
        "lossless.m4a": render(folder / "lossless.m4a", *tone, "-c:a", "alac"),
        "fragments.m4a": render(folder / "fragments.m4a", *tone, *fragments),
        "quicktime.m4a": render(folder / "quicktime.mov", *tone, "-c:a", "aac"),
    }


def patched(data: bytes, name: bytes, offset: int, value: bytes) -> bytes:
    """Write something else so far behind a name."""
    at = data.index(name) + len(name) + offset
    return data[:at] + value + data[at + len(value) :]


def number(value: int) -> bytes:
    return struct.pack(">I", value)


def header_lies(data: bytes, seconds: int = 3) -> bytes:
    """Let an MP4 say in all its headers that it is so long."""
    for name in (b"mvhd", b"mdhd"):
        (scale,) = struct.unpack_from(">I", data, data.index(name) + 4 + 12)
        data = patched(data, name, 16, number(scale * seconds))
    return patched(patched(data, b"tkhd", 20, number(1000 * seconds)), b"elst", 8, number(1000 * seconds))


@pytest.mark.parametrize(
    "name",
    [
        *("tone.mp3", "slow.mp3", "vbr.mp3", "tone.wav", "tone.aac"),
        *("tone.m4a", "low.m4a", "lossless.m4a", "fragments.m4a", "quicktime.m4a"),
    ],
)
async def test_a_recording_is_as_long_as_its_frames(sounds: dict[str, bytes], name: str) -> None:
    heard = await Desk().listen(sounds[name])
    assert isinstance(heard, Heard)
    assert heard.seconds == pytest.approx(SECONDS, abs=0.25)


async def test_a_recording_that_states_its_length_rightly_has_it_to_the_tenth(sounds: dict[str, bytes]) -> None:
    heard = await Desk().listen(sounds["tone.m4a"])
    assert isinstance(heard, Heard)
    assert f"{heard.seconds:.3f}" == "12.000"  # without the silence of the coder, so that 300 s are 300 s


def lies(sounds: dict[str, bytes]) -> dict[str, bytes]:
    mp3, wav, m4a = sounds["tone.mp3"], sounds["tone.wav"], sounds["tone.m4a"]
    frame = bytes([0xFF, 0xF1, 0x40 | 11 << 2, 0x40, 27 >> 3, (27 & 7) << 5 | 0x1F, 0xFC]) + bytes(20)  # 8 kHz
    mark = b"Xing" if b"Xing" in mp3 else b"Info"
    spread = header_lies(m4a)
    return {
        "an MP3 with few frames in its first one": patched(mp3, mark, 4, number(100)),
        "an MP3 behind a tag": b"ID3\4\0\0\0\0\1\0" + bytes(128) + patched(mp3, mark, 4, number(100)),
        "AAC behind a tag": b"ID3\4\0\0\0\0\1\0" + bytes(128) + sounds["tone.aac"],
        "AAC whose last frame is of another rate": frame * 94 + frame.replace(b"\x6c", b"\x40", 1),
        "a WAV of wide blocks": patched(wav, b"fmt ", 16, struct.pack("<H", 26)),
        "a WAV that states no size": patched(wav, b"data", 0, bytes(4)),
        "an M4A whose headers lie": spread,
        "an M4A whose table of lengths lies": patched(spread, b"stts", 12, number(256)),
        "an M4A whose scale lies": patched(spread, b"mdhd", 12, number(44100 * 4)),
        "an M4A whose entry states a higher rate": patched(
            patched(spread, b"stts", 12, number(256)), b"mp4a", 24, number(96000 << 16 & 0xFFFFFFFF)
        ),
        "an M4A whose table of lengths ends early": patched(spread, b"stts", 8, number(3)),
    }


LIES = [
    "an MP3 with few frames in its first one",
    "an MP3 behind a tag",
    "AAC behind a tag",
    "AAC whose last frame is of another rate",
    "a WAV of wide blocks",
    "a WAV that states no size",
    "an M4A whose headers lie",
    "an M4A whose table of lengths lies",
    "an M4A whose scale lies",
    "an M4A whose entry states a higher rate",
    "an M4A whose table of lengths ends early",
]


@pytest.mark.parametrize("lie", LIES)
async def test_a_header_that_lies_about_the_length_is_not_believed(sounds: dict[str, bytes], lie: str) -> None:
    heard = await Desk().listen(lies(sounds)[lie])
    assert isinstance(heard, Heard)
    assert heard.seconds == pytest.approx(SECONDS, abs=0.25)


async def test_an_audio_whose_length_cannot_be_known_is_refused(sounds: dict[str, bytes], tmp_path: Path) -> None:
    wav, m4a, mp3 = sounds["tone.wav"], sounds["tone.m4a"], sounds["tone.mp3"]
    samples = wav[wav.index(b"data") :]
    tone = ["-f", "lavfi", "-i", "sine=frequency=440:duration=1"]
    silent = render(tmp_path / "silent.mp4", "-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=1")
    refusals = {
        Flaw.DAMAGED: [
            wav + samples,  # two rows of samples
            render(tmp_path / "packed.wav", *tone, "-c:a", "adpcm_ms"),
            m4a[: len(m4a) // 2],
            mp3[:1000] + bytes(len(mp3)),  # hardly any sound in it
        ],
        Flaw.NOT_AN_AUDIO: [silent, render(tmp_path / "other.mp4", *tone, "-c:a", "libopus")],
    }
    for flaw, files in refusals.items():
        for data in files:
            assert await Desk().listen(data) is flaw


async def test_an_mp3_of_the_smallest_frames_is_measured_in_time() -> None:
    frame = b"\xff\xf3\x14\0" + bytes(20)  # 24 kHz at 8 kbit/s: 24 bytes for 24 ms
    heard = await Desk().listen(frame * 1_500_000)
    assert isinstance(heard, Heard)
    assert heard.seconds == pytest.approx(36_000)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("films")
    film = ["-f", "lavfi", "-i", f"testsrc=size=64x48:rate=10:duration={SECONDS}"]
    tone = ["-f", "lavfi", "-i", f"sine=frequency=440:duration={SECONDS}"]
    coded = ["-c:v", "libx264", "-preset", "ultrafast", "-threads", "1", "-g", "10"]
    fragments = ["-movflags", "frag_keyframe+empty_moov"]
    return {
        "plain": render(folder / "plain.mp4", *film, *coded),
        "with sound": render(folder / "sound.mp4", *film, *tone, *coded),
        "in fragments": render(folder / "fragments.mp4", *film, *coded, *fragments),
        "in fragments with sound": render(folder / "both.mp4", *film, *tone, *coded, *fragments),
        "in fragments behind a part": render(folder / "part.mp4", *film, *coded, "-movflags", "frag_keyframe"),
    }


@pytest.mark.parametrize("name", ["in fragments", "in fragments with sound", "in fragments behind a part"])
async def test_a_film_in_fragments_is_as_long_as_they_are_together(films: dict[str, bytes], name: str) -> None:
    heard = await Desk().watch(films[name])
    assert isinstance(heard, Heard)
    assert heard.seconds == pytest.approx(SECONDS, abs=0.25)


@pytest.mark.parametrize("name", ["plain", "with sound"])
async def test_a_film_that_states_its_length_rightly_has_it(films: dict[str, bytes], name: str) -> None:
    heard = await Desk().watch(films[name])
    assert isinstance(heard, Heard)
    assert heard.seconds == pytest.approx(SECONDS, abs=0.001)


async def test_a_film_whose_headers_lie_is_as_long_as_its_pictures(films: dict[str, bytes]) -> None:
    assert await Desk().watch(header_lies(films["plain"])) == Heard("video/mp4", SECONDS, 64, 48)


async def test_a_film_whose_edits_play_a_part_again_is_as_long_as_they_are(films: dict[str, bytes]) -> None:
    data = patched(films["plain"], b"elst", 8, number(60_000))
    assert await Desk().watch(data) == Heard("video/mp4", 60, 64, 48)


async def test_two_tracks_of_one_number_are_no_film(films: dict[str, bytes]) -> None:
    at = films["with sound"].rindex(b"tkhd")
    data = films["with sound"][:at] + patched(films["with sound"][at:], b"tkhd", 12, number(1))
    assert await Desk().watch(data) is Flaw.NOT_A_VIDEO
