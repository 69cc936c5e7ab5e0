"""The strokes of a brush, as a member types them. Pure.

"279,219 417,65; 10,10 40,80" is two strokes of two points: pixels from the left and from the bottom of the picture.
"""

import re

from providers.orders import Point, Problem, Rule, Stroke

EXAMPLE = "279,219 417,65; 10,10 40,80"
_POINT = re.compile(r"([0-9]{1,5}) ?, ?([0-9]{1,5})")


def read_strokes(text: str) -> tuple[Stroke, ...] | Problem:
    """Read strokes: points with blanks between them, strokes with semicolons; or say what could not be read."""
    text = " ".join(text.split())
    parts = [part.strip() for part in text.split(";")]
    strokes: list[Stroke] = []
    for part in parts if parts[-1] else parts[:-1]:
        stroke = _stroke(part)
        if stroke is None:
            return Problem("strokes", Rule.NOT_READ, given=part or ";", allowed=(EXAMPLE,))
        strokes.append(stroke)
    return tuple(strokes)


def _stroke(text: str) -> Stroke | None:
    points: list[Point] = []
    position = 0
    while position < len(text):
        found = _POINT.match(text, position)
        if found is None:
            return None
        points.append((int(found[1]), int(found[2])))
        position = found.end()
        if position < len(text):
            if text[position] != " ":
                return None
            position += 1
    return tuple(points) or None
