"""The picture of a month's credits: a bar a day beside last month's, the budget, and where the credits went. Pure.

Drawn with Pillow, which is here anyway. No stranger's words stand in it, and it speaks English to all: its one typeface
knows the letters of ASCII and little more. The text beside it says the same in the reader's language.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # only names for annotations: Pillow's 6 MB are for whoever looks at a picture
    from PIL import ImageDraw, ImageFont

SIZE = (1200, 675)
GROUND, PANEL, INK, FAINT = "#2b2d31", "#313338", "#f2f3f5", "#949ba4"
SETTLED, HELD, BEFORE, OVER = "#5865f2", "#a5adf9", "#4e5058", "#ed4245"
PLOT = (90, 130, 780, 520)  # where the days are
_SIDE = (830, 130, 1150, 610)  # where the shares are
_MOST_SHARES = 5
_STEPS = 4  # lines across the plot


@dataclass(frozen=True, slots=True)
class Month:
    """What is drawn. Amounts are credits."""

    title: str
    settled: Sequence[int]  # by day
    held: Sequence[int]  # by day, still open
    before: Sequence[int]  # by day, last month, all of its days: only as many as this one has are drawn
    today: int | None  # the day that is not over, from 0; None: the month is
    budget: int | None
    forecast: int | None
    vendors: Sequence[tuple[str, int]]  # the largest first
    operations: Sequence[tuple[str, int]]


def draw(month: Month) -> bytes:
    """Draw a month as PNG."""
    from PIL import Image, ImageDraw  # noqa: PLC0415 -- see above

    image = Image.new("RGB", SIZE, GROUND)
    pen = ImageDraw.Draw(image)
    pen.text((50, 34), month.title, INK, _font(34))
    used = sum(month.settled) + sum(month.held)
    pen.text((50, 82), _summary(month, used), FAINT, _font(20))
    _days(pen, month)
    _budget(pen, month, used)
    top = _shares(pen, "By provider", month.vendors, _SIDE[1])
    _shares(pen, "By kind", month.operations, top + 24)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _summary(month: Month, used: int) -> str:
    parts = [f"{sum(month.settled):,} spent"]
    parts += [f"{sum(month.held):,} reserved"] if sum(month.held) else []
    parts += [f"about {month.forecast:,} by the end of the month"] if month.forecast and used else []
    parts += [f"{sum(month.before):,} the month before"] if sum(month.before) else []
    return "   ·   ".join(parts)


def highest(month: Month) -> int:
    """Choose where the plot ends: a round number above every bar."""
    bars = [settled + held for settled, held in zip(month.settled, month.held, strict=True)]
    most = max([*bars, *month.before, 1])
    step = 1
    while step * 10 <= most:
        step *= 10
    return next(step * times for times in (1, 2, 3, 4, 6, 8, 10) if step * times >= most)


def _days(pen: ImageDraw.ImageDraw, month: Month) -> None:
    left, top, right, bottom = PLOT
    end = highest(month)
    for step in range(_STEPS + 1):
        y = bottom - (bottom - top) * step // _STEPS
        pen.line((left, y, right, y), fill="#3f4147", width=1)
        value = end * step / _STEPS
        pen.text(
            (left - 12, y), f"{value:,.0f}" if value == int(value) else f"{value:g}", FAINT, _font(17), anchor="rm"
        )
    for day in range(len(month.settled)):
        start, width = bar(month, day)
        base = bottom
        if day < len(month.before) and month.before[day]:
            pen.rectangle((start - 2, _y(month.before[day], end), start + width // 2, base - 1), fill=BEFORE)
        for amount, colour in ((month.settled[day], SETTLED), (month.held[day], HELD)):
            height = (bottom - top) * amount // end
            if height:
                pen.rectangle((start + width // 4, base - height, start + width, base - 1), fill=colour)
                base -= height
        if day % 5 == 4 or day == 0:
            pen.text((start + width // 2, bottom + 8), str(day + 1), FAINT, _font(17), anchor="ma")
        if day == month.today:
            pen.rectangle((start, bottom + 2, start + width, bottom + 4), fill=INK)
    _legend(pen, bottom + 40)


def bar(month: Month, day: int) -> tuple[int, int]:
    """Say where a day's bar begins, and how wide it is, in pixels."""
    left, _, right, _ = PLOT
    room = (right - left) / len(month.settled)
    return int(left + room * day + room * 0.15), max(int(room * 0.7), 2)


def _y(amount: int, end: int) -> int:
    return PLOT[3] - (PLOT[3] - PLOT[1]) * amount // end


def _legend(pen: ImageDraw.ImageDraw, y: int) -> None:
    x = PLOT[0]
    for colour, words in ((SETTLED, "spent"), (HELD, "reserved"), (BEFORE, "the month before")):
        pen.rectangle((x, y, x + 14, y + 14), fill=colour)
        pen.text((x + 22, y + 7), words, FAINT, _font(17), anchor="lm")
        x += 60 + int(_font(17).getlength(words))


def _budget(pen: ImageDraw.ImageDraw, month: Month, used: int) -> None:
    """Draw how far the month's budget is used; the mark is where the month is heading."""
    left, _, right, bottom = PLOT
    y = bottom + 78
    if month.budget is None:
        pen.text((left, y + 8), "No monthly budget is set.", FAINT, _font(17), anchor="lm")
        return
    whole = max(month.budget, used, month.forecast or 0, 1)
    room = right - left
    pen.rectangle((left, y, left + room * month.budget // whole, y + 16), fill="#3f4147")
    pen.rectangle((left, y, left + max(room * used // whole, 1), y + 16), fill=OVER if used > month.budget else SETTLED)
    if month.forecast is not None:
        x = left + room * month.forecast // whole
        pen.line((x, y - 4, x, y + 20), fill=OVER if month.forecast > month.budget else INK, width=2)
    share = f"{100 * used // month.budget} %" if month.budget else "all"
    pen.text((left, y + 36), f"{share} of the month's {month.budget:,} credits", FAINT, _font(17), anchor="lm")


def _shares(pen: ImageDraw.ImageDraw, title: str, shares: Sequence[tuple[str, int]], top: int) -> int:
    """Draw the largest shares as bars; return where they end."""
    left, _, right, _ = _SIDE
    pen.text((left, top), title, INK, _font(20))
    top += 34
    if not shares:
        pen.text((left, top), "nothing yet", FAINT, _font(17))
        return top + 24
    largest = max(amount for _, amount in shares) or 1
    rest = sum(amount for _, amount in shares[_MOST_SHARES:])
    shown = [*shares[:_MOST_SHARES], *([("the others", rest)] if rest else [])]
    for name, amount in shown:
        pen.text((left, top), name, FAINT, _font(17))
        pen.text((right, top), f"{amount:,}", INK, _font(17), anchor="ra")
        length = min((right - left) * amount // largest, right - left)
        pen.rectangle((left, top + 23, left + max(length, 2), top + 27), fill=SETTLED)
        top += 36
    return top


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    from PIL import ImageFont  # noqa: PLC0415 -- see above

    return ImageFont.load_default(size)
