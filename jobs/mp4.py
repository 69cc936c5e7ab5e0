"""Is this file a video, and which? Read from the boxes of an MP4 alone: a hostile file must meet no decoder here.

An MP4 is a row of boxes, each with a length and a four-letter name; `moov` holds the description, `mdat` the pictures
and the sound, which are never read. Box layouts: ISO/IEC 14496-12.
"""

import io
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_MOST_BOXES = 20_000  # in the whole file; a fragmented minute has some hundreds
_MOST_DESCRIPTION = 16 << 20  # bytes of moov; ten minutes of video need less than one MiB
_MOST_TRACKS = 64
_LONGEST_SECONDS = 24 * 3600
_LARGEST_SIDE = 16384
_UNKNOWN_DURATION = {(1 << 32) - 1, (1 << 64) - 1}


class NotAVideo(Exception):  # noqa: N818 -- a finding about the file
    """Raised when a file is not a whole MP4 with a video track; says in plain words why."""


@dataclass(frozen=True, slots=True)
class Video:
    """What a video file says of itself."""

    seconds: float  # 0 when it does not tell, as files in fragments may
    width: int  # pixels as shown, after rotation
    height: int
    video_codec: str  # the four letters of the file: avc1, hvc1, av01, ...
    has_audio: bool
    faststart: bool  # the description comes before the pictures, so it plays while it loads


@dataclass(frozen=True, slots=True)
class _Track:
    kind: bytes  # vide, soun, ...
    codec: bytes
    size: tuple[int, int]


def inspect(path: Path) -> Video:
    """Read what a video file says of itself. Raise NotAVideo, or OSError for the disk. Blocks: use a thread."""
    try:
        with path.open("rb") as file:
            return _inspect(file, os.fstat(file.fileno()).st_size)
    except struct.error:
        raise NotAVideo("a box is shorter than what it must hold") from None


def inspect_bytes(data: bytes) -> Video:
    """Read what a video says of itself, from memory. Raise NotAVideo."""
    try:
        return _inspect(io.BytesIO(data), len(data))
    except struct.error:
        raise NotAVideo("a box is shorter than what it must hold") from None


def _inspect(file: BinaryIO, size: int) -> Video:
    left = _Budget(_MOST_BOXES)
    description, faststart = b"", True
    with_content = False
    for name, start, end in _top_level(file, size, left):
        if name == b"moov":
            if description:
                raise NotAVideo("two descriptions")
            if end - start > _MOST_DESCRIPTION:
                raise NotAVideo("the description is too large")
            file.seek(start)
            description, faststart = file.read(end - start), not with_content
        elif name == b"mdat":
            with_content = with_content or end > start
    if not description:
        raise NotAVideo("no description")
    if not with_content:
        raise NotAVideo("no content")
    return _describe(memoryview(description), left, faststart=faststart)


class _Budget:
    """Counts boxes down, over all levels."""

    def __init__(self, boxes: int) -> None:
        self._boxes = boxes

    def spend(self) -> None:
        self._boxes -= 1
        if self._boxes < 0:
            raise NotAVideo("too many boxes")


def _top_level(file: BinaryIO, size: int, left: _Budget) -> Iterator[tuple[bytes, int, int]]:
    """Walk the boxes of a file: name, start and end of the content. They must begin with ftyp and fill the file."""
    position = 0
    while position < size:
        left.spend()
        file.seek(position)
        head = file.read(16)
        length, name = struct.unpack_from(">I4s", head)
        start = position + 8
        if length == 0:  # up to the end of the file
            length = size - position
        elif length == 1:
            (length,) = struct.unpack_from(">Q", head, 8)
            start += 8
        end = position + length
        if end < start or end > size:
            raise NotAVideo("cut short, or not an MP4 at all")
        if (position == 0) != (name == b"ftyp"):
            raise NotAVideo("the file type does not stand at the beginning alone")
        yield name, start, end
        position = end


def _boxes(data: memoryview, left: _Budget) -> Iterator[tuple[bytes, memoryview]]:
    """Walk the boxes inside a box: name and content. They must fill it."""
    position = 0
    while position < len(data):
        left.spend()
        length, name = struct.unpack_from(">I4s", data, position)
        start = position + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, start)
            start += 8
        end = position + length
        if end < start or end > len(data):
            raise NotAVideo("a box reaches out of the one around it")
        yield name, data[start:end]
        position = end


def _find(data: memoryview, left: _Budget, *names: bytes) -> memoryview | None:
    """Go down to the first box of each name in turn; None when one is missing."""
    found: memoryview | None = data
    for name in names:
        if found is None:
            return None
        found = next((content for given, content in _boxes(found, left) if given == name), None)
    return found


def _describe(description: memoryview, left: _Budget, *, faststart: bool) -> Video:
    tracks: list[_Track] = []
    scale, seconds = 0, 0.0
    for name, content in _boxes(description, left):
        if name == b"mvhd":
            scale, ticks = _movie_time(content)
            seconds = ticks / scale
        elif name == b"trak":
            tracks.append(_track(content, left))
            if len(tracks) > _MOST_TRACKS:
                raise NotAVideo("too many tracks")
    if not scale:
        raise NotAVideo("no duration")
    if seconds == 0 and (whole := _find(description, left, b"mvex", b"mehd")) is not None:
        seconds = struct.unpack_from(">Q" if _version(whole) == 1 else ">I", whole, 4)[0] / scale
    picture = next((track for track in tracks if track.kind == b"vide"), None)
    if picture is None:
        raise NotAVideo("no video track")
    width, height = picture.size
    if not (0 < width <= _LARGEST_SIDE and 0 < height <= _LARGEST_SIDE and seconds <= _LONGEST_SECONDS):
        raise NotAVideo("a size or duration out of reason")
    if not picture.codec.isalnum():
        raise NotAVideo("no codec")
    has_audio = any(track.kind == b"soun" for track in tracks)
    return Video(seconds, width, height, picture.codec.decode("ascii"), has_audio, faststart)


def _version(box: memoryview) -> int:
    """Read which layout a box has: 1 has 64-bit times."""
    return struct.unpack_from(">B", box)[0]


def _movie_time(header: memoryview) -> tuple[int, int]:
    """Read ticks a second, and ticks, from mvhd."""
    form, offset = (">IQ", 20) if _version(header) == 1 else (">II", 12)
    scale, ticks = struct.unpack_from(form, header, offset)
    if scale == 0:
        raise NotAVideo("no time scale")
    return scale, 0 if ticks in _UNKNOWN_DURATION else ticks


def _track(track: memoryview, left: _Budget) -> _Track:
    handler = _find(track, left, b"mdia", b"hdlr")
    kind = bytes(handler[8:12]) if handler is not None else b""
    if kind not in {b"vide", b"soun"}:
        return _Track(b"", b"", (0, 0))  # subtitles, time codes, hints
    header = _find(track, left, b"tkhd")
    samples = _find(track, left, b"mdia", b"minf", b"stbl", b"stsd")
    if header is None or samples is None:
        raise NotAVideo("a track without its headers")
    form = next(_boxes(samples[8:], left), None)
    if form is None:
        raise NotAVideo("a track without a form")
    codec, entry = form
    return _Track(kind, codec, _shown_size(header, entry) if kind == b"vide" else (0, 0))


def _shown_size(header: memoryview, entry: memoryview) -> tuple[int, int]:
    """Read the size a video is shown at from tkhd; some writers leave it out, then from the sample entry."""
    matrix = 52 if _version(header) == 1 else 40
    across, turned, *_ = struct.unpack_from(">ii", header, matrix)
    wide, high = struct.unpack_from(">II", header, matrix + 36)
    width, height = wide >> 16, high >> 16
    if not width or not height:
        width, height = struct.unpack_from(">HH", entry, 24)
    return (height, width) if across == 0 and turned != 0 else (width, height)
