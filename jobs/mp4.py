"""Is this file a video, or a recording, and which? Read from the boxes of an MP4: a hostile file must meet no decoder.

An MP4 is a row of boxes, of which `moov` holds the description, each `moof` that of a fragment, and `mdat` the pictures
and the sound, which are never read. Box layouts: ISO/IEC 14496-12.
"""

import io
import os
import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from jobs import lengths
from jobs.boxes import Budget, NotAVideo, boxes, find, top_level, version

_MOST_DESCRIPTION = 16 << 20  # bytes of moov, and of all moof together; ten minutes of video need less than one MiB
_MOST_TRACKS = 64
_LONGEST_SECONDS = 24 * 3600
_LARGEST_SIDE = 16384
# Coders of sound begin and end with some silence that is not played; a file that states its length leaves it out.
_UNHEARD = 4  # samples
_UNHEARD_SECONDS = 0.1
_UNKNOWN_DURATION = {(1 << 32) - 1, (1 << 64) - 1}


class NotASound(Exception):  # noqa: N818 -- a finding about the file
    """Raised when an MP4 has no track of sound, or one that is neither AAC nor ALAC."""


@dataclass(frozen=True, slots=True)
class Video:
    """What a video file says of itself."""

    seconds: float  # the longest of what it states and what its samples add up to; 0 when it holds none
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
    number: int = 0
    entry: memoryview = field(default_factory=lambda: memoryview(b""))  # of the table of forms


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
    left = Budget()
    return _describe(_opened(file, size, left), left)


def inspect_sound(data: bytes) -> float:
    """Tell the seconds of a recording. Raise NotAVideo when it is broken, NotASound when it is none."""
    try:
        left = Budget()
        movie = _opened(io.BytesIO(data), len(data), left)
        return _sound_seconds(movie, left)
    except struct.error:
        raise NotAVideo("a box is shorter than what it must hold") from None


@dataclass(frozen=True, slots=True)
class _Movie:
    """What a file says of itself, unread."""

    description: memoryview
    fragments: tuple[memoryview, ...]
    faststart: bool


def _opened(file: BinaryIO, size: int, left: Budget) -> _Movie:
    description, faststart = b"", True
    fragments: list[memoryview] = []
    with_content = False
    room = _MOST_DESCRIPTION
    for name, start, end in top_level(file, size, left):
        if name == b"mdat":
            with_content = with_content or end > start
        if name not in {b"moov", b"moof"}:
            continue
        room -= end - start if name == b"moof" else 0
        if end - start > _MOST_DESCRIPTION or room < 0:
            raise NotAVideo("the description is too large")
        if name == b"moov" and description:
            raise NotAVideo("two descriptions")
        file.seek(start)
        content = file.read(end - start)
        if name == b"moof":
            fragments.append(memoryview(content))
        else:
            description, faststart = content, not with_content
    if not description:
        raise NotAVideo("no description")
    if not with_content:
        raise NotAVideo("no content")
    return _Movie(memoryview(description), tuple(fragments), faststart)


def _stated(movie: _Movie, left: Budget) -> float:
    """Read how long a file says it is, in seconds: the longest of what stands where; 0 when it does not tell."""
    header = find(movie.description, left, b"mvhd")
    if header is None:
        raise NotAVideo("no duration")
    scale, ticks = _movie_time(header)
    if (whole := find(movie.description, left, b"mvex", b"mehd")) is not None:
        (fragmented,) = struct.unpack_from(">Q" if version(whole) == 1 else ">I", whole, 4)
        ticks = max(ticks, 0 if fragmented in _UNKNOWN_DURATION else fragmented)
    return max(ticks / scale, lengths.edited(movie.description, scale, left))


def _tracks(movie: _Movie, left: Budget) -> list[_Track]:
    tracks = [_track(content, left) for name, content in boxes(movie.description, left) if name == b"trak"]
    if len(tracks) > _MOST_TRACKS:
        raise NotAVideo("too many tracks")
    return tracks


def _sound_seconds(movie: _Movie, left: Budget) -> float:
    runs = lengths.runs(movie.description, movie.fragments, left)
    sounds = [track for track in _tracks(movie, left) if track.kind == b"soun"]
    if not sounds:
        raise NotASound
    stated = longest = _stated(movie, left)
    for track in sounds:
        each = lengths.sample_seconds(track.entry, track.codec, left)
        if not each:
            raise NotASound
        # Whatever times a file gives its samples, a decoder makes of each the sound that it holds.
        run, more = runs[track.number], _UNHEARD * each if stated else 0
        longest = max(longest, run.seconds - more, run.samples * each - more)
    return longest


def _describe(movie: _Movie, left: Budget) -> Video:
    tracks = _tracks(movie, left)
    picture = next((track for track in tracks if track.kind == b"vide"), None)
    if picture is None:
        raise NotAVideo("no video track")
    runs = lengths.runs(movie.description, movie.fragments, left)
    stated = _stated(movie, left)
    unheard = _UNHEARD_SECONDS if stated else 0
    played = [runs[one.number].seconds - (unheard if one.kind == b"soun" else 0) for one in tracks if one.kind]
    seconds = max(stated, *played)
    width, height = picture.size
    if not (0 < width <= _LARGEST_SIDE and 0 < height <= _LARGEST_SIDE and seconds <= _LONGEST_SECONDS):
        raise NotAVideo("a size or duration out of reason")
    if not picture.codec.isalnum():
        raise NotAVideo("no codec")
    has_audio = any(track.kind == b"soun" for track in tracks)
    return Video(seconds, width, height, picture.codec.decode("ascii"), has_audio, movie.faststart)


def _movie_time(header: memoryview) -> tuple[int, int]:
    """Read ticks a second, and ticks, from mvhd."""
    form, offset = (">IQ", 20) if version(header) == 1 else (">II", 12)
    scale, ticks = struct.unpack_from(form, header, offset)
    if scale == 0:
        raise NotAVideo("no time scale")
    return scale, 0 if ticks in _UNKNOWN_DURATION else ticks


def _track(track: memoryview, left: Budget) -> _Track:
    handler = find(track, left, b"mdia", b"hdlr")
    kind = bytes(handler[8:12]) if handler is not None else b""
    if kind not in {b"vide", b"soun"}:
        return _Track(b"", b"", (0, 0))  # subtitles, time codes, hints
    header = find(track, left, b"tkhd")
    samples = find(track, left, b"mdia", b"minf", b"stbl", b"stsd")
    if header is None or samples is None:
        raise NotAVideo("a track without its headers")
    form = next(boxes(samples[8:], left), None)
    if form is None:
        raise NotAVideo("a track without a form")
    codec, entry = form
    (number,) = struct.unpack_from(">I", header, 20 if version(header) == 1 else 12)
    return _Track(kind, codec, _shown_size(header, entry) if kind == b"vide" else (0, 0), number, entry)


def _shown_size(header: memoryview, entry: memoryview) -> tuple[int, int]:
    """Read the size a video is shown at from tkhd; some writers leave it out, then from the sample entry."""
    matrix = 52 if version(header) == 1 else 40
    across, turned, *_ = struct.unpack_from(">ii", header, matrix)
    wide, high = struct.unpack_from(">II", header, matrix + 36)
    width, height = wide >> 16, high >> 16
    if not width or not height:
        width, height = struct.unpack_from(">HH", entry, 24)
    return (height, width) if across == 0 and turned != 0 else (width, height)
