"""How long an MP4 runs, added up from its samples: what its headers say of it anybody can write there.

Samples stand in a table of their track (stts, stsz), in fragments (moof), or in both.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from jobs.boxes import Budget, NotAVideo, boxes, find, version

_AAC = {0x40, 0x66, 0x67, 0x68}  # objects of MPEG-4 Systems (14496-1) that are AAC
_AAC_KINDS = {1, 2, 3, 4, 5, 29}  # of 14496-3, whose frames have 1024 samples
_AAC_SAMPLES = 1024
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)


@dataclass(frozen=True, slots=True)
class Run:
    """The samples of one track."""

    samples: int
    seconds: float


@dataclass(slots=True)
class _Sum:
    scale: int  # ticks a second
    usual: int = 0  # ticks of a sample in a fragment that says nothing else
    samples: int = 0
    ticks: int = 0


def runs(movie: memoryview, fragments: Iterable[memoryview], left: Budget) -> dict[int, Run]:
    """Add up the samples of each track, by its number. Raise NotAVideo or struct.error."""
    sums: dict[int, _Sum] = {}
    for name, content in boxes(movie, left):
        if name == b"trak":
            number, found = _table(content, left)
            if number in sums:
                raise NotAVideo("two tracks of one number")
            sums[number] = found
    for name, content in boxes(find(movie, left, b"mvex") or memoryview(b""), left):
        number, usual = struct.unpack_from(">I4xI", content, 4) if name == b"trex" else (0, 0)
        if number in sums:
            sums[number].usual = usual
    for fragment in fragments:
        for name, content in boxes(fragment, left):
            if name == b"traf":
                _add(content, sums, left)
    return {number: Run(one.samples, one.ticks / one.scale) for number, one in sums.items()}


def _table(track: memoryview, left: Budget) -> tuple[int, _Sum]:
    """Read a track's number, and its samples outside of fragments."""
    header, times = find(track, left, b"tkhd"), find(track, left, b"mdia", b"mdhd")
    if header is None:
        raise NotAVideo("a track without its headers")
    (number,) = struct.unpack_from(">I", header, 20 if version(header) == 1 else 12)
    found = _Sum(1)
    if times is not None:
        (found.scale,) = struct.unpack_from(">I", times, 20 if version(times) == 1 else 12)
    if found.scale == 0:
        raise NotAVideo("no time scale")
    last = 0
    for name, content in boxes(find(track, left, b"mdia", b"minf", b"stbl") or memoryview(b""), left):
        if name == b"stts":
            (rows,) = struct.unpack_from(">I", content, 4)
            if rows > (len(content) - 8) // 8:
                raise NotAVideo("a table that is cut short")
            for count, last in struct.iter_unpack(">II", content[8 : 8 + 8 * rows]):
                found.samples, found.ticks = found.samples + count, found.ticks + count * last
    for name, content in boxes(find(track, left, b"mdia", b"minf", b"stbl") or memoryview(b""), left):
        if name in {b"stsz", b"stz2"}:  # players go on with the last length where the table of lengths ends early
            (more,) = struct.unpack_from(">I", content, 8)
            more = max(more - found.samples, 0)
            found.samples, found.ticks = found.samples + more, found.ticks + more * last
    return number, found


def _add(fragment: memoryview, sums: dict[int, _Sum], left: Budget) -> None:
    """Add the samples that a fragment has of one track."""
    head = find(fragment, left, b"tfhd")
    if head is None:
        raise NotAVideo("a fragment without its header")
    flags, number = struct.unpack_from(">II", head)
    whole = sums.get(number)
    if whole is None:
        return
    usual = whole.usual
    if flags & 0x8:  # a length of its own, behind an offset and a number that may be there
        (usual,) = struct.unpack_from(">I", head, 8 + (8 if flags & 0x1 else 0) + (4 if flags & 0x2 else 0))
    for name, content in boxes(fragment, left):
        if name != b"trun":
            continue
        flags, count = struct.unpack_from(">II", content)
        whole.samples += count
        if not flags & 0x100:  # no lengths of their own
            whole.ticks += count * usual
            continue
        begin = 8 + (4 if flags & 0x1 else 0) + (4 if flags & 0x4 else 0)
        size = 4 * (flags >> 8 & 0xF).bit_count()
        if begin + count * size > len(content):
            raise NotAVideo("a fragment that is cut short")
        lengths = struct.iter_unpack(f">I{size - 4}x", content[begin : begin + count * size])
        whole.ticks += sum(ticks for (ticks,) in lengths)


def edited(movie: memoryview, scale: int, left: Budget) -> float:
    """Tell the seconds of the longest list of edits, which may play parts again; `scale`: the film's ticks a second."""
    longest = 0
    for name, content in boxes(movie, left):
        edits = find(content, left, b"edts", b"elst") if name == b"trak" else None
        if edits is not None:
            form = ">Q12x" if version(edits) == 1 else ">I8x"
            rows = min(struct.unpack_from(">I", edits, 4)[0], (len(edits) - 8) // struct.calcsize(form))
            parts = struct.iter_unpack(form, edits[8 : 8 + rows * struct.calcsize(form)])
            longest = max(longest, sum(ticks for (ticks,) in parts))
    return longest / scale


def sample_seconds(entry: memoryview, codec: bytes, left: Budget) -> float:
    """Tell how long a sample of sound lasts by its codec; 0 for a codec that M4A files do not have."""
    kind = struct.unpack_from(">H", entry, 8)[0]
    inner = entry[28 + {0: 0, 1: 16, 2: 36}.get(kind, 0) :]  # QuickTime's entries are longer
    if kind and (wave := find(inner, left, b"wave")) is not None:
        inner = wave
    if codec == b"alac" and (cookie := find(inner, left, b"alac")) is not None:
        samples, rate = struct.unpack_from(">I16xI", cookie, 4)
        return samples / rate if rate else 0.0
    described = find(inner, left, b"esds") if codec == b"mp4a" else None
    rate = _aac_rate(bytes(described[4:])) if described is not None else 0
    return _AAC_SAMPLES / rate if rate else 0.0


def _aac_rate(data: bytes) -> int:
    """Read the samples a second of AAC from the descriptors of 14496-1; 0 when it is no AAC."""
    at = _inside(data, 0, 3)
    flags = data[at + 2 : at + 3]
    if at == 0 or not flags:
        return 0
    at += 3 + (2 if flags[0] & 0x80 else 0)
    if flags[0] & 0x40:
        at += 1 + (data[at] if at < len(data) else 0)
    at = _inside(data, at + (2 if flags[0] & 0x20 else 0), 4)
    if at == 0 or data[at : at + 1] == b"" or data[at] not in _AAC:
        return 0
    at = _inside(data, at + 13, 5)
    if at == 0:
        return 0
    bits = int.from_bytes(data[at : at + 5].ljust(5, b"\0"))
    if bits >> 35 not in _AAC_KINDS:
        return 0
    index = bits >> 31 & 15
    return bits >> 7 & 0xFFFFFF if index == 15 else _AAC_RATES[index] if index < len(_AAC_RATES) else 0


def _inside(data: bytes, at: int, tag: int) -> int:
    """Say where the content of the descriptor that stands here begins; 0 when another one does."""
    if data[at : at + 1] != bytes([tag]):
        return 0
    for step in range(1, 5):
        if at + step < len(data) and data[at + step] < 0x80:
            return at + step + 1
    return 0
