"""Real videos are recognised for what they are; nothing else is, and nothing but NotAVideo comes out of a bad file."""

import struct
import subprocess
from pathlib import Path

import imageio_ffmpeg  # pyright: ignore[reportMissingTypeStubs] - it has none
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jobs.boxes import NotAVideo
from jobs.mp4 import Video, inspect

CLEAR = ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=1"]
SOUND = ["-f", "lavfi", "-i", "sine=frequency=440:duration=1"]
H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-threads", "1"]
FAST = ["-movflags", "+faststart"]


def render(path: Path, *arguments: str) -> Path:
    """Make a real file with the encoder that the program itself brings along."""
    subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *arguments, str(path)],
        check=True,
        timeout=60,
    )
    return path


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("videos")


@pytest.fixture(scope="module")
def plain(shelf: Path) -> Path:
    """A video whose description comes first, with sound."""
    return render(shelf / "plain.mp4", *CLEAR, *SOUND, *H264, "-c:a", "aac", *FAST)


@pytest.fixture(scope="module")
def late(shelf: Path) -> Path:
    """A silent video whose description comes last."""
    return render(shelf / "late.mp4", *CLEAR, *H264)


def test_a_video_with_sound(plain: Path) -> None:
    found = inspect(plain)
    assert found == Video(found.seconds, 64, 48, "avc1", has_audio=True, faststart=True)
    assert found.seconds == pytest.approx(1, abs=0.1)


def test_a_silent_video_that_loads_before_it_plays(late: Path) -> None:
    assert inspect(late) == Video(1.0, 64, 48, "avc1", has_audio=False, faststart=False)


@pytest.mark.parametrize(
    ("name", "arguments", "codec", "size"),
    [
        ("mpeg4.mp4", ["-c:v", "mpeg4"], "mp4v", (64, 48)),
        ("fragments.mp4", [*H264, "-movflags", "frag_keyframe+empty_moov+default_base_moof"], "avc1", (64, 48)),
        ("quicktime.mov", H264, "avc1", (64, 48)),
        ("wide.mp4", [*H264, "-aspect", "16:9"], "avc1", (85, 48)),
        ("captions.mp4", [*H264, "-metadata", "title=x" * 50], "avc1", (64, 48)),
    ],
)
def test_other_kinds_of_mp4(shelf: Path, name: str, arguments: list[str], codec: str, size: tuple[int, int]) -> None:
    found = inspect(render(shelf / name, *CLEAR, *arguments))
    assert (found.video_codec, (found.width, found.height)) == (codec, size)
    assert found.seconds == 1


def test_a_video_shown_upright_has_its_sides_swapped(shelf: Path, late: Path) -> None:
    found = inspect(render(shelf / "upright.mp4", "-display_rotation", "90", "-i", str(late), "-c", "copy"))
    assert (found.width, found.height) == (48, 64)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("sound.m4a", [*SOUND, "-c:a", "aac"]),
        ("film.mkv", [*CLEAR, *H264]),
        ("film.avi", [*CLEAR, "-c:v", "mpeg4"]),
        ("picture.png", [*CLEAR, "-frames:v", "1"]),
        ("film.gif", CLEAR),
    ],
)
def test_another_kind_of_file_is_no_video(shelf: Path, name: str, arguments: list[str]) -> None:
    with pytest.raises(NotAVideo):
        inspect(render(shelf / name, *arguments))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0",
        b"<!doctype html><html></html>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"PK\x03\x04" + b"\0" * 100,
        b'{"error": "expired"}',
        b"\0\0\0\x08ftyp",
        b"\0\0\0\0ftyp",
        b"\0\0\0\x14ftypisom\0\0\0\0isom",
    ],
)
def test_a_file_of_another_make_is_no_video(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(NotAVideo):
        inspect(write(tmp_path, data))


def test_a_missing_file_is_the_disk_s_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        inspect(tmp_path / "none.mp4")


@pytest.mark.parametrize("which", ["plain", "late"])
def test_a_video_cut_short_anywhere_is_no_video(which: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    whole = request.getfixturevalue(which).read_bytes()
    for length in [*range(0, len(whole), 97), len(whole) - 1]:
        with pytest.raises(NotAVideo):
            inspect(write(tmp_path, whole[:length]))


@pytest.mark.parametrize("tail", [b"\0", b"<script>", b"PK\x03\x04" + b"\0" * 30])
def test_a_video_with_something_behind_it_is_no_video(plain: Path, tmp_path: Path, tail: bytes) -> None:
    with pytest.raises(NotAVideo):
        inspect(write(tmp_path, plain.read_bytes() + tail))


def write(folder: Path, data: bytes) -> Path:
    path = folder / "tried.mp4"
    path.write_bytes(data)
    return path


def box(name: bytes, *contents: bytes, wide: bool = False) -> bytes:
    content = b"".join(contents)
    if wide:
        return struct.pack(">I4sQ", 1, name, len(content) + 16) + content
    return struct.pack(">I4s", len(content) + 8, name) + content


FTYP = box(b"ftyp", b"isom\0\0\0\0isom")
MDAT = box(b"mdat", b"pictures")


def mvhd(scale: int = 1000, ticks: int = 5000, *, wide: bool = False) -> bytes:
    if wide:
        return box(b"mvhd", struct.pack(">B3xQQIQ", 1, 0, 0, scale, ticks), bytes(80))
    return box(b"mvhd", struct.pack(">B3xIIII", 0, 0, 0, scale, ticks), bytes(80))


def trak(
    kind: bytes = b"vide", codec: bytes = b"av01", size: tuple[int, int] = (640, 360), *, wide: bool = False
) -> bytes:
    times = bytes(32) if wide else bytes(20)
    matrix = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    tkhd = box(
        b"tkhd", bytes([wide, 0, 0, 0]), times, bytes(16), matrix, struct.pack(">II", size[0] << 16, size[1] << 16)
    )
    entry = box(codec, bytes(24), struct.pack(">HH", 320, 180), bytes(50))
    stsd = box(b"stsd", bytes(4), struct.pack(">I", 1), entry)
    hdlr = box(b"hdlr", bytes(8), kind, bytes(13))
    return box(b"trak", tkhd, box(b"mdia", hdlr, box(b"minf", box(b"stbl", stsd))))


def test_the_handmade_video_the_next_tests_spoil_is_one(tmp_path: Path) -> None:
    for wide in (False, True):
        data = FTYP + box(b"moov", mvhd(wide=wide), trak(wide=wide), wide=wide) + box(b"mdat", b"x", wide=wide)
        assert inspect(write(tmp_path, data)) == Video(5, 640, 360, "av01", has_audio=False, faststart=True)


def test_the_last_box_may_reach_to_the_end_of_the_file(tmp_path: Path) -> None:
    data = FTYP + box(b"moov", mvhd(), trak()) + b"\0\0\0\0mdat" + b"x" * 100
    assert inspect(write(tmp_path, data)).faststart


def test_a_size_left_out_is_taken_from_the_sample_entry(tmp_path: Path) -> None:
    found = inspect(write(tmp_path, FTYP + box(b"moov", mvhd(), trak(size=(0, 0))) + MDAT))
    assert (found.width, found.height) == (320, 180)


def test_the_duration_of_fragments_is_taken_from_where_it_stands(tmp_path: Path) -> None:
    for mehd in (struct.pack(">B3xI", 0, 7000), struct.pack(">B3xQ", 1, 7000)):
        data = FTYP + box(b"moov", mvhd(ticks=0), trak(), box(b"mvex", box(b"mehd", mehd))) + MDAT
        assert inspect(write(tmp_path, data)).seconds == 7


def test_an_unknown_duration_is_none(tmp_path: Path) -> None:
    for ticks, wide in ((0xFFFFFFFF, False), (0xFFFFFFFF_FFFFFFFF, True)):
        assert inspect(write(tmp_path, FTYP + box(b"moov", mvhd(ticks=ticks, wide=wide), trak()) + MDAT)).seconds == 0


def test_content_of_huge_size_is_stepped_over(tmp_path: Path) -> None:
    path = tmp_path / "huge.mp4"
    with path.open("wb") as file:
        file.write(FTYP + struct.pack(">I4sQ", 1, b"mdat", 16 + (5 << 30)))
        file.seek(5 << 30, 1)
        file.write(box(b"moov", mvhd(), trak()))
    assert not inspect(path).faststart


@pytest.mark.parametrize(
    "spoiled",
    {
        "no type": box(b"moov", mvhd(), trak()) + MDAT,
        "the type comes late": box(b"free") + FTYP + box(b"moov", mvhd(), trak()) + MDAT,
        "two types": FTYP + FTYP + box(b"moov", mvhd(), trak()) + MDAT,
        "no description": FTYP + MDAT,
        "an empty description": FTYP + box(b"moov") + MDAT,
        "two descriptions": FTYP + box(b"moov", mvhd(), trak()) * 2 + MDAT,
        "no content": FTYP + box(b"moov", mvhd(), trak()),
        "empty content": FTYP + box(b"moov", mvhd(), trak()) + box(b"mdat"),
        "no duration": FTYP + box(b"moov", trak()) + MDAT,
        "no time scale": FTYP + box(b"moov", mvhd(0), trak()) + MDAT,
        "a week": FTYP + box(b"moov", mvhd(1, 7 * 86400), trak()) + MDAT,
        "no track": FTYP + box(b"moov", mvhd()) + MDAT,
        "sound alone": FTYP + box(b"moov", mvhd(), trak(b"soun", b"mp4a")) + MDAT,
        "a size out of reason": FTYP + box(b"moov", mvhd(), trak(size=(65535, 2))) + MDAT,
        "a codec without letters": FTYP + box(b"moov", mvhd(), trak(codec=b"\xff<>\0")) + MDAT,
        "a thousand tracks": FTYP + box(b"moov", mvhd(), trak() * 1000) + MDAT,
        "a million boxes": FTYP + box(b"free") * 1_000_000 + box(b"moov", mvhd(), trak()) + MDAT,
        "a million boxes inside": FTYP + box(b"moov", mvhd(), box(b"free") * 1_000_000, trak()) + MDAT,
        "a heavy description": FTYP + box(b"moov", mvhd(), trak(), box(b"free", bytes(17 << 20))) + MDAT,
        "a box reaching out": FTYP + box(b"moov", mvhd(), b"\xff\xff\xff\xfftrak", trak()) + MDAT,
        "a box without end inside": FTYP + box(b"moov", mvhd(), b"\0\0\0\0free", trak()) + MDAT,
        "a length that wraps": FTYP
        + struct.pack(">I4sQ", 1, b"free", (1 << 64) - 1)
        + box(b"moov", mvhd(), trak())
        + MDAT,
        "a wide length too small": FTYP + struct.pack(">I4sQ", 1, b"free", 8) + box(b"moov", mvhd(), trak()) + MDAT,
        "a wide length too small at the end": FTYP
        + box(b"moov", mvhd(), trak())
        + MDAT
        + struct.pack(">I4sQ", 1, b"free", 8),
        "a last box reaching out": FTYP + box(b"moov", mvhd(), trak(), b"\xff\xff\xff\xfffree") + MDAT,
        "a length too small": FTYP + b"\0\0\0\x07free" + box(b"moov", mvhd(), trak()) + MDAT,
    }.items(),
    ids=lambda item: item[0],
)
def test_a_spoiled_file_is_no_video(spoiled: tuple[str, bytes], tmp_path: Path) -> None:
    with pytest.raises(NotAVideo):
        inspect(write(tmp_path, spoiled[1]))


def tried(path: Path, data: bytes) -> None:
    """Let the reader have it: a plausible video comes out, or NotAVideo."""
    path.write_bytes(data)
    try:
        found = inspect(path)
    except NotAVideo:
        return
    assert 0 <= found.seconds <= 86400
    assert 0 < found.width <= 16384
    assert 0 < found.height <= 16384
    assert found.video_codec.isalnum()


fuzz = settings(max_examples=300)


@given(changes=st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), max_size=8), cut=st.integers(0, 200))
@fuzz
def test_a_real_video_with_bytes_changed_raises_nothing_else(
    late: Path, tmp_path: Path, changes: list[tuple[int, int]], cut: int
) -> None:
    data = bytearray(late.read_bytes())
    start = data.index(b"moov") - 4
    for at, value in changes:
        data[start + at % (len(data) - start)] = value
    tried(tmp_path / "fuzz.mp4", bytes(data[: len(data) - cut]))


names = st.sampled_from(
    [
        b"moov",
        b"trak",
        b"mdia",
        b"minf",
        b"stbl",
        b"stsd",
        b"hdlr",
        b"tkhd",
        b"mvhd",
        b"mvex",
        b"mehd",
        b"mdat",
        b"free",
        b"ftyp",
    ]
)
leaves = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([mvhd(), mvhd(wide=True), trak(), trak(b"soun", b"mp4a"), b"\0\0\0\0vide", b"\0" * 8 + b"vide"]),
)


def wrapped(inner: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    whole = st.tuples(names, st.lists(inner, max_size=4), st.booleans())
    return whole.map(lambda parts: box(parts[0], *parts[1], wide=parts[2]))


trees = st.recursive(leaves, wrapped, max_leaves=20)


@given(parts=st.lists(trees, max_size=6), cut=st.integers(0, 3))
@example(parts=[], cut=0)
@fuzz
def test_any_tree_of_boxes_raises_nothing_else(tmp_path: Path, parts: list[bytes], cut: int) -> None:
    inside = b"".join(parts)
    tried(tmp_path / "fuzz.mp4", FTYP + inside + MDAT)
    tried(tmp_path / "fuzz.mp4", FTYP + box(b"moov", mvhd(), inside) + MDAT)
    whole = FTYP + box(b"moov", mvhd(), box(b"trak", inside), trak()) + MDAT
    tried(tmp_path / "fuzz.mp4", whole[: len(whole) - cut])


@given(data=st.binary(max_size=300))
@fuzz
def test_any_bytes_raise_nothing_else(tmp_path: Path, data: bytes) -> None:
    tried(tmp_path / "fuzz.mp4", data)
    tried(tmp_path / "fuzz.mp4", FTYP + data)
    tried(tmp_path / "fuzz.mp4", FTYP + box(b"moov", data) + MDAT)
