"""What holds for every request, whatever the vendor. Pure. Discord's own ranges are hints: values outside do arrive."""

import re

from bot.choices import Typed
from bot.plain import clean
from providers.orders import Operation, Problem, Role, Rule

MOST_PROMPT = 5000
MOST_MODEL = 64
MOST_SEED = 2**32 - 1
MOST_TEXT = 6000  # characters of an option, at Discord
MOST_STROKES_TEXT = 6000
MOST_SECONDS = 600
_MOST_WORD = 20
_RATIO = re.compile(r"[0-9]{1,4}:[0-9]{1,4}|auto")  # auto: as the vendor sees fit


def out_of_range(typed: Typed) -> list[Problem]:
    """List what no vendor could take; a model nobody knows would let it through."""
    problems: list[Problem] = []
    if typed.operation is Operation.TEXT_TO_VIDEO and not worded(typed.prompt):
        problems.append(Problem("prompt", Rule.REQUIRED))
    for field, text, most in (("prompt", typed.prompt, MOST_PROMPT), ("model", typed.model, MOST_MODEL)):
        if text is not None and len(text) > most:
            problems.append(Problem(field, Rule.TOO_LONG, given=str(len(text)), limit=most))
    for field, number, least, most in (
        ("duration", typed.duration, 1, MOST_SECONDS),
        ("seed", typed.seed, 0, MOST_SEED),
    ):
        if number is not None and not least <= number <= most:
            nearest = str(min(max(number, least), most))
            problems.append(Problem(field, Rule.ONE_OF, str(number), (f"{least}-{most}",), nearest))
    if typed.aspect_ratio is not None and not _RATIO.fullmatch(typed.aspect_ratio):
        problems.append(Problem("aspect_ratio", Rule.ONE_OF, typed.aspect_ratio, ("16:9", "9:16", "1:1")))
    if typed.resolution is not None and not (typed.resolution.isalnum() and len(typed.resolution) <= _MOST_WORD):
        problems.append(Problem("resolution", Rule.ONE_OF, typed.resolution, ("540p", "720p", "1080p")))
    for name, value in typed.extras.items():
        if isinstance(value, str) and len(value) > MOST_TEXT:
            problems.append(Problem(name, Rule.TOO_LONG, given=str(len(value)), limit=MOST_TEXT))
    return problems + _stroke_problems(typed)


def _stroke_problems(typed: Typed) -> list[Problem]:
    """Each dynamic mask moves along one stroke."""
    masks, strokes = typed.roles.count(Role.DYNAMIC_MASK), len(typed.strokes)
    if masks == strokes:
        return []
    return [Problem("strokes", Rule.NOT_TOGETHER, given=str(strokes), limit=masks)]


def worded(prompt: str | None) -> str:
    """Give a prompt as it was typed; one that shows nothing is none."""
    return prompt if prompt and clean(prompt) else ""


def storable(text: str) -> str:
    """Take out what no database or vendor can take: NUL, and halves of characters."""
    return "".join(
        character for character in text if character != "\0" and not 0xD800 <= ord(character) < 0xE000
    ).strip()
