"""The boxes of an MP4: each a length, a four-letter name and a content, which may be boxes again (ISO/IEC 14496-12)."""

import struct
from collections.abc import Iterator
from typing import BinaryIO

MOST_BOXES = 100_000  # looked at in the whole file; a fragmented minute has some hundreds


class NotAVideo(Exception):  # noqa: N818 -- a finding about the file
    """Raised when a file is not a whole MP4 with a video track; says in plain words why."""


class Budget:
    """Counts boxes down, over all levels."""

    def __init__(self, boxes: int = MOST_BOXES) -> None:
        self._boxes = boxes

    def spend(self) -> None:
        """Count one. Raise NotAVideo when there are too many."""
        self._boxes -= 1
        if self._boxes < 0:
            raise NotAVideo("too many boxes")


def top_level(file: BinaryIO, size: int, left: Budget) -> Iterator[tuple[bytes, int, int]]:
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


def boxes(data: memoryview, left: Budget) -> Iterator[tuple[bytes, memoryview]]:
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


def find(data: memoryview, left: Budget, *names: bytes) -> memoryview | None:
    """Go down to the first box of each name in turn; None when one is missing."""
    found: memoryview | None = data
    for name in names:
        if found is None:
            return None
        found = next((content for given, content in boxes(found, left) if given == name), None)
    return found


def version(box: memoryview) -> int:
    """Read which layout a box has: 1 has 64-bit times."""
    return struct.unpack_from(">B", box)[0]
