"""What people read when a request cannot be taken: each says what is wrong, what would be right, and the cost. Pure."""

from collections.abc import Sequence

from bot.messages import credits_of
from jobs.attachments import MOST_BYTES, Flaw
from bot.plain import plain
from jobs.intake import OverBudget
from providers.orders import Operation, Problem, Rule

NOTHING_SPENT = "Nothing was sent and nothing was spent."
_MOST_PROBLEMS = 5
_GIVEN_MOST = 60

_FIELDS = {
    "prompt": "the prompt",
    "model": "the model",
    "duration": "the duration",
    "resolution": "the resolution",
    "aspect_ratio": "the aspect ratio",
    "seed": "the seed",
    "audio": "sound",
    "first_frame": "the image",
    "last_frame": "the last frame",
    "operation": "the kind of video",
    "provider": "the provider",
}
_OPERATIONS: dict[str, str] = {
    Operation.TEXT_TO_VIDEO: "make a video from words alone; attach an `image`",
    Operation.IMAGE_TO_VIDEO: "make a video from an image",
    Operation.START_END_TO_VIDEO: "make a video with a last frame; leave `last_frame` out",
}
_UNITS = {"duration": " s"}


def refused(problems: Sequence[Problem], title: str | None) -> str:
    """List what is wrong with a request at a vendor (None: at all of them)."""
    lines = [problem_text(problem, title or "this bot") for problem in problems[:_MOST_PROBLEMS]]
    if len(lines) == 1:
        return f"{lines[0]}\n{NOTHING_SPENT}"
    head = f"{title} can't do it like this:" if title else "It can't be done like this:"
    return "\n".join([head, *(f"- {line}" for line in lines), NOTHING_SPENT])


def problem_text(problem: Problem, title: str) -> str:
    """Say what is wrong with one thing, and what would be right."""
    field = _FIELDS.get(problem.field, plain(problem.field, 30))
    given = plain(problem.given, _GIVEN_MOST)
    match problem.rule:
        case Rule.REQUIRED:
            return _required(problem, title)
        case Rule.ONE_OF:
            return _one_of(problem, title, field, given)
        case Rule.TOO_LONG:
            return (
                f"{_first(field)} has {_number(problem.given)} characters; at most {_number(problem.limit)} are taken."
            )
        case Rule.NOT_TOGETHER:
            return f"{_first(field)} does not go together with {given or 'the rest'} at {title}. Leave one of them out."
        case Rule.NOT_OFFERED:
            return _not_offered(problem, title, field, given)
        case Rule.NEEDS_PUBLIC_URL:
            return (
                f"{_first(title)} fetches pictures by address, and this bot has no public address to give. "
                "Choose another provider, or ask an admin to set `PUBLIC_URL`."
            )
        case _:
            return _picture(problem, title, field, given)


def _required(problem: Problem, title: str) -> str:
    if problem.field == "first_frame":
        return "A last frame needs a first one: attach an `image` too."
    if problem.field == "prompt":
        return f"{_first(title)} needs a prompt: say what should be seen."
    return f"{_first(title)} needs {_FIELDS.get(problem.field) or plain(problem.field, 30) or 'more'}."


def _one_of(problem: Problem, title: str, field: str, given: str) -> str:
    unit = _UNITS.get(problem.field, "")
    text = f"{_first(field)} can't be {given}{unit} at {title}."
    if problem.allowed:
        text += f" Possible: {_choices(problem.allowed)}{unit}."
    if problem.nearest is not None and len(problem.allowed) > 1:
        text += f" Closest: **{plain(problem.nearest, _GIVEN_MOST)}{unit}**."
    return text


def _not_offered(problem: Problem, title: str, field: str, given: str) -> str:
    if problem.field == "operation":
        return f"{_first(title)} can't {_OPERATIONS.get(problem.given, 'do that')}."
    if problem.field == "audio":
        return f"{given or 'This model'} makes no sound at {title}. Leave `audio` out, or choose another model."
    if problem.field == "aspect_ratio":
        return f"{_first(title)} takes no aspect ratio here; leave it out. With an image, the image's shape decides."
    return f"{_first(title)} takes no choice of {field.removeprefix('the ')} here. Leave it out."


def _picture(problem: Problem, title: str, field: str, given: str) -> str:
    match problem.rule:
        case Rule.FILE_FORMAT:
            allowed = " or ".join(_format(mime) for mime in problem.allowed)
            return f"{_first(field)} is a {_format(problem.given)} file; {title} takes {allowed}."
        case Rule.FILE_BYTES:
            return (
                f"{_first(field)} has {_megabytes(problem.given)}; {title} takes at most {_megabytes(problem.limit)}."
            )
        case Rule.FILE_PIXELS:
            return f"{_first(field)} has {given} pixels; at {title} each side needs {_number(problem.limit)} or more."
        case _:
            between = " to ".join(problem.allowed)
            return f"{_first(field)} has the shape {given}; {title} takes {plain(between, 40)}. Crop it and try again."


def flawed(field: str, flaw: Flaw) -> str:
    """Say what is wrong with a file as a picture."""
    what = _first(_FIELDS[field])
    text = {
        Flaw.NOT_A_PICTURE: f"{what} is not a PNG, JPEG or WebP picture, whatever its name says. Attach one of those.",
        Flaw.TOO_MANY_PIXELS: f"{what} has too many pixels to be opened safely. Make it smaller and try again.",
        Flaw.TOO_MANY_BYTES: f"{what} is larger than {MOST_BYTES // 2**20} MB. Make it smaller and try again.",
        Flaw.DAMAGED: f"{what} is damaged or incomplete. Save it anew and try again.",
        Flaw.NOT_RECEIVED: f"Discord did not hand {_FIELDS[field]} over. Please try again.",
    }[flaw]
    return f"{text}\n{NOTHING_SPENT}"


def over_budget(over: OverBudget) -> str:
    """Say that the month's budget does not reach."""
    return (
        f"This would cost {credits_of(over.price)}, and this server has {credits_of(over.left)} left for this month. "
        f"Try a shorter video or a lower resolution, or ask an admin for a larger budget.\n{NOTHING_SPENT}"
    )


def no_such_provider(given: str, titles: Sequence[str]) -> str:
    """Say that the named vendor is not here."""
    here = f"Here are: {', '.join(titles)}." if titles else "None is set up here yet: please tell an admin of this bot."
    return f"There is no provider called {plain(given, _GIVEN_MOST)}. {here}\n{NOTHING_SPENT}"


NO_PROVIDERS = f"No video provider is set up here yet. Please tell an admin of this bot.\n{NOTHING_SPENT}"
STORAGE_TROUBLE = (
    f"I can't store anything just now, so I did not take it. Please try again in a minute.\n{NOTHING_SPENT}"
)
ONLY_IN_SERVERS = f"I make videos in servers only.\n{NOTHING_SPENT}"
CANCEL_NOT_STORED = "I can't store anything just now, so nothing was cancelled. Please press again in a minute."
UNEXPECTED_PRESS = "Something went wrong on my side; the card shows whether it was cancelled. The admin can see why."
MAY_NOT_POST = (
    "I may not post in this channel, so a video could not be delivered. "
    f"Ask an admin to let me see the channel and send messages in it.\n{NOTHING_SPENT}"
)
UNEXPECTED = (
    "Something went wrong on my side, and it has been noted for the admin. "
    "If no card appeared here, nothing was sent and nothing was spent."
)


def _choices(allowed: Sequence[str]) -> str:
    """List what is allowed; a whole run of numbers as its two ends."""
    if len(allowed) > 2 and all(word.isdecimal() for word in allowed):
        numbers = [int(word) for word in allowed]
        if numbers == list(range(numbers[0], numbers[0] + len(numbers))):
            return f"{numbers[0]} to {numbers[-1]}"
    shown = ", ".join(plain(word, _GIVEN_MOST) for word in allowed[:12])
    return shown + (f" and {len(allowed) - 12} more" if len(allowed) > 12 else "")


def _first(text: str) -> str:
    return text[:1].upper() + text[1:]


def _number(value: str | int | None) -> str:
    text = str(value or 0)
    return f"{int(text):,}" if text.isascii() and text.isdigit() and len(text) < 16 else plain(text, 20)


def _megabytes(value: str | int | None) -> str:
    text = str(value or 0)
    return f"{int(text) / 1e6:,.1f} MB" if text.isascii() and text.isdigit() and len(text) < 16 else plain(text, 20)


def _format(mime: str) -> str:
    return {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WebP"}.get(mime, plain(mime, 30))
