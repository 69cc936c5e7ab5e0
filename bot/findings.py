"""What /doctor and `rushes doctor` find: one line a thing, green, yellow or red; and looking at many things at once.

Texts here are bare: whoever shows them makes strangers' words harmless.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum

import structlog

from bot.language import _, ngettext, number
from storage import StorageError

_log = structlog.get_logger("doctor")


class Grade(IntEnum):
    """How a thing is; the larger, the worse."""

    GREEN = 0
    YELLOW = 1
    RED = 2


SIGNS = {Grade.GREEN: "✅", Grade.YELLOW: "⚠️", Grade.RED: "❌"}


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at."""

    grade: Grade
    about: str
    says: str
    todo: str = ""  # what to do next; empty: nothing


@dataclass(frozen=True, slots=True)
class Check:
    """One look, and how long it may take."""

    about: str
    look: Callable[[], Awaitable[list[Line]]]
    seconds: float = 8.0


async def looked(checks: Iterable[Check]) -> list[Line]:
    """Look at everything side by side. What hangs, fails or stumbles is a red line."""
    found = await asyncio.gather(*map(_looked, checks))
    return [line for lines in found for line in lines]


async def _looked(check: Check) -> list[Line]:
    try:
        async with asyncio.timeout(check.seconds):
            return await check.look()
    except TimeoutError:
        says = _("There was no answer within {seconds} s.").format(seconds=number(check.seconds))
        return [Line(Grade.RED, check.about, says, _("Try again in a minute; the log may say more."))]
    except StorageError as error:
        _log.warning("not looked", about=check.about, trouble=str(error))
        says = _("The database cannot be used just now.")
        return [Line(Grade.RED, check.about, says, _("See whether its disk is full or its server is away."))]
    except Exception:  # noqa: BLE001 -- the rim: one look must not take the others along
        _log.exception("look failed", about=check.about)
        return [Line(Grade.RED, check.about, _("I stumbled while I looked."), _("The log says over what."))]


def worst(lines: Iterable[Line]) -> Grade:
    """Say how bad it is as a whole."""
    return max((line.grade for line in lines), default=Grade.GREEN)


def verdict(lines: Sequence[Line]) -> str:
    """Say in a sentence how it is."""
    red = sum(line.grade is Grade.RED for line in lines)
    yellow = sum(line.grade is Grade.YELLOW for line in lines)
    if red:
        words = ngettext("{count} thing does not work", "{count} things do not work", red)
        return words.format(count=number(red))
    if yellow:
        words = ngettext("It works, with {count} thing to look at", "It works, with {count} things to look at", yellow)
        return words.format(count=number(yellow))
    return _("Everything works")
