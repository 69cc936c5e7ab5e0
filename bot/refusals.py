"""What people read when a request cannot be taken: each says what is wrong, what would be right, and the cost. Pure."""

import re
from collections.abc import Sequence

from bot.amounts import credits_of, time_of
from bot.labels import capital, is_file, label, made, several
from bot.plain import clean, plain
from jobs.attachments import MOST_BYTES, Flaw
from jobs.intake import Hindered
from providers.orders import Operation, Problem, Role, Rule
from storage.words import LimitKind, Scope

NOTHING_SPENT = "Nothing was sent and nothing was spent."
_MOST_PROBLEMS = 5
_GIVEN_MOST = 60
_NOBODY = "this bot"  # where no provider is spoken of
_KEPT_MOST = 1500  # characters; a refusal has room for 4096
_UNITS = {"duration": " s"}
_RANGE = re.compile(r"(-?[0-9.]+)-(-?[0-9.]+)")
_FIGURE = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
# What is an option of some command; every other choice of the vendors' is set in the form.
_PLAIN = {"template_id", "text", "character_orientation", "keep_original_sound", "strokes"}
_INSTEAD: dict[str, str] = {
    Operation.TEXT_TO_VIDEO: " Attach an `image`, or choose another provider or model.",
    Operation.START_END_TO_VIDEO: " Leave `last_frame` out, or choose another provider or model.",
}


def refused(problems: Sequence[Problem], title: str | None, able: Sequence[str] = ()) -> str:
    """List what is wrong with a request at a vendor (None: at all of them); `able`: models that would take it."""
    end = f"It works as it is with {_listed(able)}.\n{NOTHING_SPENT}" if able else NOTHING_SPENT
    lines = [problem_text(problem, title or _NOBODY) for problem in problems[:_MOST_PROBLEMS]]
    if len(lines) == 1:
        return f"{lines[0]}\n{end}"
    head = f"{title} can't do it like this:" if title else "It can't be done like this:"
    return "\n".join([head, *(f"- {line}" for line in lines), end])


def problem_text(problem: Problem, title: str) -> str:
    """Say what is wrong with one thing, and what would be right."""
    name, given = capital(label(problem.field)), _given(problem.given)
    match problem.rule:
        case Rule.REQUIRED:
            return _required(problem, title)
        case Rule.ONE_OF:
            return _one_of(problem, title, name, given)
        case Rule.TOO_LONG:
            return f"{name} has {_number(problem.given)} characters; at most {_number(problem.limit)} are taken."
        case Rule.TOO_MANY:
            return _too_many(problem, title)
        case Rule.NOT_TOGETHER:
            return _not_together(problem, title, name, given)
        case Rule.NOT_OFFERED:
            return _not_offered(problem, title, given)
        case Rule.NOT_READ:
            return _not_read(problem, name, given)
        case Rule.NEEDS_PUBLIC_URL:
            return (
                f"{capital(title)} fetches files by address, and this bot has no public address to give. "
                "Choose another provider, or ask an admin to set `PUBLIC_URL`."
            )
        case _:
            return _file(problem, title, name, given)


def _required(problem: Problem, title: str) -> str:
    field, who = problem.field, capital(title)
    if field == Role.FIRST_FRAME:
        return f"A last frame needs a first one at {title}: attach an `image` too, or choose another provider or model."
    if field == "prompt":
        return f"{who} needs a prompt: say what should be seen."
    if field == Role.AUDIO and is_file(field):
        return f"{who} needs something to be heard: attach an `audio`, or type a `text` where there is one."
    if is_file(field):
        least = problem.limit or 1
        what = label(field) if least == 1 else f"at least {least} {several(field)}"
        return f"{who} needs {what} for this. Attach {'it' if least == 1 else 'them'} and try again."
    how = f"Fill in `{field}`." if field in _PLAIN else "Set it in the form that `advanced: True` opens."
    return f"{who} needs {label(field)} for this. {how}"


def _one_of(problem: Problem, title: str, name: str, given: str) -> str:
    unit = _UNITS.get(problem.field, "")
    if problem.field == "strokes" and len(problem.allowed) == 2:
        low, high = (plain(corner, 20) for corner in problem.allowed)
        return f"A stroke leaves the image at {given}. Points go from {low} (bottom left) to {high} (top right)."
    if problem.field == "strokes":
        return f"A stroke has {given} points; {title} takes {_choices(problem.allowed)}."
    text = f"{name} can't be {given or 'empty'}{unit} at {title}."
    if problem.allowed:
        text += f" Possible: {_choices(problem.allowed)}{unit}."
    if problem.nearest is not None and (len(problem.allowed) > 1 or _RANGE.fullmatch("".join(problem.allowed))):
        text += f" Closest: **{_given(problem.nearest)}{unit}**."
    return text


def _not_read(problem: Problem, name: str, given: str) -> str:
    where = f" at “{given}”" if given else ""
    if not problem.allowed:
        return f"{name} can't be understood{where}. Please check how it is written."
    example = clean(problem.allowed[0])[:100].replace("`", "")
    return f"{name} can't be understood{where}. Write it like this: `{example}`."


def _too_many(problem: Problem, title: str) -> str:
    if problem.limit == 1:
        return f"{capital(title)} takes only one file as {label(problem.field)}. Leave the others out."
    most, given = _number(problem.limit), _number(problem.given)
    if is_file(problem.field) or several(problem.field) != label(problem.field):
        return f"{capital(title)} takes at most {most} {several(problem.field)}; you gave {given}."
    return f"{capital(label(problem.field))} has {given} words; {title} takes at most {most}."


def _not_together(problem: Problem, title: str, name: str, given: str) -> str:
    if problem.field == "strokes":
        return f"Each dynamic mask needs a stroke of its own, and each stroke a mask. These are {given} masks."
    if is_file(problem.field) and len(problem.allowed) == 2:
        low, high = (_given(word) for word in problem.allowed)
        return (
            f"{name} and {label(problem.given)} must be about the same size at {title}: "
            f"{low} to {high} times as many pixels. Crop or scale one of them."
        )
    if is_file(problem.field) and problem.allowed:
        return f"{name} must have the same size as {label(problem.given)} at {title}: {_choices(problem.allowed)}."
    other, colon, value = problem.given.partition(": ")
    if colon and value == "no":
        on = "True" if other == "audio" else "yes"
        return f"{name} is of no use without {label(other)}. Set `{plain(other, 30)}` to {on} too, or leave it out."
    with_what = f"`{plain(problem.given, _GIVEN_MOST).replace('`', '')}`" if colon else given
    if not colon and not label(problem.given).startswith("`"):
        with_what = label(problem.given)
    return f"{name} does not go together with {with_what or 'the rest'} at {title}. Leave one of them out."


def _not_offered(problem: Problem, title: str, given: str) -> str:
    field, who = problem.field, capital(title)
    models = f" Models that take it: {_choices(problem.allowed)}." if problem.allowed else ""
    if field == "operation":
        if title == _NOBODY:
            return f"No provider that is set up here can make {made(problem.given)}."
        instead = _INSTEAD.get(problem.given, " Choose another provider or model.")
        return f"{who} can't make {made(problem.given)}.{instead}"
    if field == "audio" and not is_file(field) and given == "no":
        return f"{who} can't switch the sound off here. Leave `audio` out, or choose another provider or model.{models}"
    if field == "audio" and not is_file(field):
        return f"{given or 'This model'} makes no sound at {title}. Leave `audio` out, or choose another model.{models}"
    if field == "aspect_ratio":
        return f"{who} takes no aspect ratio here; leave it out. With an image, the image's shape decides."
    if problem.allowed:
        return f"{given or 'This model'} does not take {label(field)} at {title}.{models}"
    if is_file(field):
        return f"{who} takes no such file here: {label(field)}. Leave it out, or choose another provider or model."
    model = given and problem.given not in set(Operation) and field not in {"duration", "resolution", "seed"}
    where = f" with {given}" if model else " here"
    return f"{who} takes no choice of {label(field).removeprefix('the ')}{where}. Leave it out."


def _file(problem: Problem, title: str, name: str, given: str) -> str:
    match problem.rule:
        case Rule.FILE_FORMAT:
            allowed = " or ".join(dict.fromkeys(_format(mime) for mime in problem.allowed))
            return f"{name} is {_article(_format(problem.given))} file; {title} takes {allowed}."
        case Rule.FILE_BYTES:
            return f"{name} has {_megabytes(problem.given)}; {title} takes at most {_megabytes(problem.limit)}."
        case Rule.FILE_PIXELS:
            needs = f"{_number(problem.limit)} or more"
            if len(problem.allowed) == 2:
                needs = f"{_number(problem.allowed[0])} to {_number(problem.allowed[1])}"
            return f"{name} has {given} pixels; at {title} each side needs {needs}."
        case Rule.FILE_SECONDS:
            between = " to ".join(_given(word) for word in problem.allowed)
            if not given:
                return f"{name} does not tell how long it is; {title} takes {between} s. Save it anew and try again."
            return f"{name} is {given} s long; {title} takes {between} s. Cut it and try again."
        case _:
            between = " to ".join(problem.allowed)
            return f"{name} has the shape {given}; {title} takes {plain(between, 40)}. Crop it and try again."


def flawed(role: str, flaw: Flaw, most: int = MOST_BYTES) -> str:
    """Say what is wrong with a file; `most` bytes are taken in its role."""
    what = capital(label(role))
    text = {
        Flaw.NOT_A_PICTURE: f"{what} is not a PNG, JPEG or WebP picture, whatever its name says. Attach one of those.",
        Flaw.NOT_AN_AUDIO: f"{what} is not an MP3, WAV, AAC or M4A recording, whatever its name says. Attach one.",
        Flaw.NOT_A_VIDEO: f"{what} is not an MP4 or MOV video, whatever its name says. Attach one of those.",
        Flaw.NOT_SUBTITLES: f"{what} is no SubRip subtitle file (.srt, as UTF-8 text). Attach one.",
        Flaw.TOO_MANY_PIXELS: f"{what} has too many pixels to be opened safely. Make it smaller and try again.",
        Flaw.TOO_MANY_BYTES: f"{what} is larger than {_whole_megabytes(most)} MB. Make it smaller and try again.",
        Flaw.DAMAGED: f"{what} is damaged or incomplete. Save it anew and try again.",
        Flaw.NOT_RECEIVED: f"Discord did not hand {label(role)} over. Please try again.",
    }[flaw]
    return f"{text}\n{NOTHING_SPENT}"


def too_much_together(most: int) -> str:
    """Say that the files of one command are too large together."""
    return f"These files together are larger than {most // 2**20} MB. Make them smaller and try again.\n{NOTHING_SPENT}"


def line_not_read(line: str, offered: Sequence[str]) -> str:
    """Say that a line of a form is no "name: value"."""
    return (
        f"I can't read the line “{plain(line, _GIVEN_MOST)}”: write `name: value`. {_offered(offered)}\n{NOTHING_SPENT}"
    )


def no_such_choice(name: str, offered: Sequence[str]) -> str:
    """Say that a name in a form is none that is offered there."""
    return f"There is no choice called {plain(name, _GIVEN_MOST)} here. {_offered(offered)}\n{NOTHING_SPENT}"


def twice(name: str, one: str, other: str) -> str:
    """Say that a form has two values for one name."""
    both = f"{plain(one, _GIVEN_MOST)} and {plain(other, _GIVEN_MOST)}"
    return f"{capital(label(name))} can be only one thing, and the form says both: {both}. Pick one.\n{NOTHING_SPENT}"


def nothing_further(what: str | None) -> str:
    """Say that there is no form to open."""
    who = plain(what, _GIVEN_MOST) if what else "This"
    return f"{who} has no further choices here. Leave `advanced` out and send the command again.\n{NOTHING_SPENT}"


def with_answers(refusal: str, written: str) -> str:
    """Add what was filled in, so that nobody has to think of it again: a form cannot be opened a second time."""
    kept = written.replace("`", "'").strip()[:_KEPT_MOST]
    return f"{refusal}\nWhat you filled in, to be copied:\n```\n{kept}\n```" if kept else refusal


def _offered(offered: Sequence[str]) -> str:
    return f"Possible: {plain('; '.join(offered), 1200)}."


def hindered(by: Hindered) -> str:
    """Say which rule of the server stands in the way, and when it does not any more."""
    limit = by.limit
    when = f" (<t:{limit.until // 1000}:R>)" if limit.until else ""
    match limit.kind:
        case LimitKind.BLOCKED:
            until = f" until <t:{limit.until // 1000}:f>" if limit.until else ""
            words = f"A moderator has blocked you from using this bot here{until}. Please talk to them."
        case LimitKind.RUNNING:
            most = "one thing" if limit.most == 1 else f"{limit.most} things"
            words = f"You may have {most} in the making at a time here. Wait until one is done, or cancel one."
        case LimitKind.COOLDOWN:
            words = f"There must be {time_of(limit.most)} between two of your requests here. Please try again{when}."
        case LimitKind.BUDGET:
            left = credits_of(max(limit.most - limit.used, 0))
            period = f"this {limit.period}" if limit.period else "now"
            words = (
                f"This would cost {credits_of(by.price)}, and {_HAVE.get(limit.scope, 'there is')} {left} left for "
                f"{period}. Try a shorter video or a lower resolution, wait until it begins anew{when}, "
                "or ask an admin for more."
            )
    return f"{words}\n{NOTHING_SPENT}"


_HAVE: dict[Scope | None, str] = {
    Scope.GUILD: "this server has",
    Scope.CHANNEL: "this channel has",
    Scope.MEMBER: "you have",
}


def house_rule(broken: str) -> str:
    """Say which rule of the server forbids it."""
    return f"{broken}\n{NOTHING_SPENT}"


def no_such_provider(given: str, titles: Sequence[str]) -> str:
    """Say that the named vendor is not here."""
    here = f"Here are: {', '.join(titles)}." if titles else "None is set up here yet: please tell an admin of this bot."
    return f"There is no provider called {plain(given, _GIVEN_MOST)}. {here}\n{NOTHING_SPENT}"


NO_PROVIDERS = f"No video provider is set up here yet. Please tell an admin of this bot.\n{NOTHING_SPENT}"
TYPE_AGAIN = f"I don't remember this form any more. Please type the command again.\n{NOTHING_SPENT}"
NO_PICTURE_THERE = (
    f"That message has no picture attached. Choose one that has, or use `/video` with an `image`.\n{NOTHING_SPENT}"
)
STORAGE_TROUBLE = (
    f"I can't store anything just now, so I did not take it. Please try again in a minute.\n{NOTHING_SPENT}"
)
ONLY_IN_SERVERS = f"I make videos in servers only.\n{NOTHING_SPENT}"
PRESS_NOT_STORED = "I can't store anything just now, so this did not go through. Please try again in a minute."
UNEXPECTED_PRESS = "Something went wrong on my side; the card shows how it stands. The admin can see why."
MAY_NOT_POST = (
    "I may not post in this channel, so a video could not be delivered. "
    f"Ask an admin to let me see the channel and send messages in it.\n{NOTHING_SPENT}"
)
UNEXPECTED = (
    "Something went wrong on my side, and it has been noted for the admin. "
    "If no card appeared here, nothing was sent and nothing was spent."
)


def _listed(words: Sequence[str]) -> str:
    shown = [plain(word, _GIVEN_MOST) for word in words]
    return " or ".join(part for part in (", ".join(shown[:-1]), shown[-1]) if part)


def _given(text: str) -> str:
    """Show a stranger's word; a number needs no escaping."""
    return text if _FIGURE.fullmatch(text) else plain(text, _GIVEN_MOST)


def _choices(allowed: Sequence[str]) -> str:
    """List what is allowed; a whole run of numbers, or a range, as its two ends."""
    ends = _RANGE.fullmatch(allowed[0]) if len(allowed) == 1 else None
    if ends is not None:
        return f"{ends[1]} to {ends[2]}"
    if len(allowed) > 2 and all(word.isdecimal() for word in allowed):
        numbers = [int(word) for word in allowed]
        if numbers == list(range(numbers[0], numbers[0] + len(numbers))):
            return f"{numbers[0]} to {numbers[-1]}"
    shown = ", ".join(_given(word) for word in allowed[:12])
    return shown + (f" and {len(allowed) - 12} more" if len(allowed) > 12 else "")


def _number(value: str | int | None) -> str:
    text = str(value or 0)
    return f"{int(text):,}" if text.isascii() and text.isdigit() and len(text) < 16 else plain(text, 20)


def _megabytes(value: str | int | None) -> str:
    text = str(value or 0)
    return f"{int(text) / 1e6:,.1f} MB" if text.isascii() and text.isdigit() and len(text) < 16 else plain(text, 20)


def _whole_megabytes(count: int) -> int:
    """Write a bound in the megabytes it was meant in: 50 * 2**20 as 50, 100 * 10**6 as 100."""
    return count // 2**20 if count % 2**20 == 0 else count // 10**6


_FORMATS = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/webp": "WebP",
    "video/mp4": "MP4",
    "video/quicktime": "MOV",
    "audio/mpeg": "MP3",
    "audio/wav": "WAV",
    "audio/aac": "AAC",
    "audio/mp4": "M4A",
    "application/x-subrip": "SRT",
}


def _format(mime: str) -> str:
    return _FORMATS.get(mime, plain(mime, 30))


def _article(word: str) -> str:
    """Put the article before a word that is read as letters: an MP4, an AAC, a PNG."""
    return f"an {word}" if word[:1] in "AMS" else f"a {word}"
