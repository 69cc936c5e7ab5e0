"""What is wrong with one thing of a request, as people read it: what it is, and what would be right. Pure."""

import re
from collections.abc import Sequence

from bot.labels import capital, is_file, label, made, several
from bot.language import N_, _, either, flow, listed, ngettext, number
from bot.plain import clean, plain
from providers.orders import Operation, Problem, Role, Rule

GIVEN_MOST = 60
_MOST_CHOICES = 12
_RANGE = re.compile(r"(-?[0-9.]+)-(-?[0-9.]+)")
_FIGURE = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
# What is an option of some command; every other choice of the vendors' is set in the form.
_PLAIN = {"template_id", "text", "character_orientation", "keep_original_sound", "strokes"}
_OTHER_VENDOR = N_("Choose another provider or model.")
_INSTEAD: dict[str, str] = {
    Operation.TEXT_TO_VIDEO: N_("Attach an `image`, or choose another provider or model."),
    Operation.START_END_TO_VIDEO: N_("Leave `last_frame` out, or choose another provider or model."),
}


def problem_text(problem: Problem, title: str | None) -> str:
    """Say what is wrong with one thing at a vendor, and what would be right. None: no vendor is spoken of."""
    name, given, vendor = capital(label(problem.field)), _given(problem.given), title or _("this bot")
    match problem.rule:
        case Rule.REQUIRED:
            return _required(problem, vendor)
        case Rule.ONE_OF:
            return _one_of(problem, vendor, name, given)
        case Rule.TOO_LONG:
            words = ngettext(
                "{name} has {count} character; at most {most} are taken.",
                "{name} has {count} characters; at most {most} are taken.",
                _whole(problem.given),
            )
            return words.format(name=name, count=_number(problem.given), most=_number(problem.limit))
        case Rule.TOO_MANY:
            return _too_many(problem, vendor)
        case Rule.NOT_TOGETHER:
            return _not_together(problem, vendor, name)
        case Rule.NOT_OFFERED:
            return _not_offered(problem, title, given)
        case Rule.NOT_READ:
            return _not_read(problem, name, given)
        case Rule.NEEDS_PUBLIC_URL:
            return _(
                "{vendor} fetches files by address, and this bot has no public address to give. "
                "Choose another provider, or ask an admin to set `PUBLIC_URL`."
            ).format(vendor=capital(vendor))
        case _:
            return _file(problem, vendor, name, given)


def _required(problem: Problem, vendor: str) -> str:
    field, who, least = problem.field, capital(vendor), problem.limit or 1
    if field == Role.FIRST_FRAME:
        words = _(
            "A last frame needs a first one at {vendor}: attach an `image` too, or choose another provider or model."
        )
        return words.format(vendor=vendor)
    if field == "prompt":
        return _("{vendor} needs a prompt: say what should be seen.").format(vendor=who)
    if field == Role.AUDIO and is_file(field):
        words = _("{vendor} needs something to be heard: attach an `audio`, or type a `text` where there is one.")
        return words.format(vendor=who)
    if is_file(field) and least > 1:
        words = _("{vendor} needs at least {count} {files} for this. Attach them and try again.")
        return words.format(vendor=who, count=number(least), files=several(field))
    if is_file(field):
        words = _("{vendor} needs {file} for this. Attach it and try again.")
        return words.format(vendor=who, file=label(field))
    if field in _PLAIN:
        words = _("{vendor} needs {thing} for this. Fill in `{option}`.")
        return words.format(vendor=who, thing=label(field), option=field)
    words = _("{vendor} needs {thing} for this. Set it in the form that `advanced: True` opens.")
    return words.format(vendor=who, thing=label(field))


def _one_of(problem: Problem, vendor: str, name: str, given: str) -> str:
    if problem.field == "strokes":
        return _one_of_strokes(problem, vendor, given)
    words = _("{name} can't be {given} at {vendor}.") if given else _("{name} can't be empty at {vendor}.")
    texts = [words.format(name=name, given=_measured(problem.field, given), vendor=vendor)]
    if problem.allowed:
        texts.append(_possible(_measured(problem.field, _choices(problem.allowed))))
    if problem.nearest is not None and (len(problem.allowed) > 1 or _RANGE.fullmatch("".join(problem.allowed))):
        nearest = _measured(problem.field, _given(problem.nearest))
        texts.append(_("Closest: **{value}**.").format(value=nearest))
    return flow(*texts)


def _one_of_strokes(problem: Problem, vendor: str, given: str) -> str:
    if len(problem.allowed) == 2:
        low, high = (plain(corner, 20) for corner in problem.allowed)
        words = _("A stroke leaves the image at {point}. Points go from {low} (bottom left) to {high} (top right).")
        return words.format(point=given, low=low, high=high)
    words = ngettext(
        "A stroke has {count} point; {vendor} takes {choices}.",
        "A stroke has {count} points; {vendor} takes {choices}.",
        _whole(problem.given),
    )
    return words.format(count=given, vendor=vendor, choices=_choices(problem.allowed))


def _not_read(problem: Problem, name: str, given: str) -> str:
    sample = clean(problem.allowed[0])[:100].replace("`", "") if problem.allowed else ""
    if given and sample:
        words = _("{name} can't be understood at “{given}”. Write it like this: `{sample}`.")
    elif given:
        words = _("{name} can't be understood at “{given}”. Please check how it is written.")
    elif sample:
        words = _("{name} can't be understood. Write it like this: `{sample}`.")
    else:
        words = _("{name} can't be understood. Please check how it is written.")
    return words.format(name=name, given=given, sample=sample)


def _too_many(problem: Problem, vendor: str) -> str:
    field, who = problem.field, capital(vendor)
    most, given = _number(problem.limit), _number(problem.given)
    if problem.limit == 1:
        words = _("{vendor} takes only one file as {role}. Leave the others out.")
        return words.format(vendor=who, role=label(field))
    if is_file(field) or several(field) != label(field):
        words = _("{vendor} takes at most {most} {things}; you gave {given}.")
        return words.format(vendor=who, most=most, things=several(field), given=given)
    words = ngettext(
        "{name} has {count} word; {vendor} takes at most {most}.",
        "{name} has {count} words; {vendor} takes at most {most}.",
        _whole(problem.given),
    )
    return words.format(name=capital(label(field)), count=given, vendor=vendor, most=most)


def _not_together(problem: Problem, vendor: str, name: str) -> str:
    if problem.field == "strokes":
        words = _(
            "Each dynamic mask needs a stroke of its own, and each stroke a mask. "
            "Strokes: {strokes}. Dynamic masks: {masks}."
        )
        return words.format(strokes=_number(problem.given), masks=_number(problem.limit))
    if is_file(problem.field) and len(problem.allowed) == 2:
        low, high = (_given(word) for word in problem.allowed)
        words = _(
            "{name} and {other} must be about the same size at {vendor}: {low} to {high} times as many pixels. "
            "Crop or scale one of them."
        )
        return words.format(name=name, other=label(problem.given), vendor=vendor, low=low, high=high)
    if is_file(problem.field) and problem.allowed:
        words = _("{name} must have the same size as {other} at {vendor}: {size}.")
        return words.format(name=name, other=label(problem.given), vendor=vendor, size=_choices(problem.allowed))
    other, colon, value = problem.given.partition(": ")
    if colon and value == "no":
        words = _("{name} is of no use without {other}. Set `{option}` to {value} too, or leave it out.")
        on = "True" if other == "audio" else "yes"
        return words.format(name=name, other=label(other), option=plain(other, 30), value=on)
    if not problem.given:
        words = _("{name} does not go together with the rest at {vendor}. Leave one of them out.")
        return words.format(name=name, vendor=vendor)
    words = _("{name} does not go together with {other} at {vendor}. Leave one of them out.")
    return words.format(name=name, other=_other(problem.given), vendor=vendor)


def _other(given: str) -> str:
    """Name what something does not go together with: a field, or a field with its value."""
    if ": " in given:
        return f"`{plain(given, GIVEN_MOST).replace('`', '')}`"
    named = label(given)
    return _given(given) if named.startswith("`") else named


def _not_offered(problem: Problem, title: str | None, given: str) -> str:
    field = problem.field
    if field == "operation":
        return _not_made(problem, title)
    vendor = title or _("this bot")
    who, model = capital(vendor), given or _("This model")
    models = _("Models that take it: {models}.").format(models=_choices(problem.allowed)) if problem.allowed else ""
    if field == "audio" and not is_file(field) and given == "no":
        words = _("{vendor} can't switch the sound off here. Leave `audio` out, or choose another provider or model.")
        return flow(words.format(vendor=who), models)
    if field == "audio" and not is_file(field):
        words = _("{model} makes no sound at {vendor}. Leave `audio` out, or choose another model.")
        return flow(words.format(model=model, vendor=vendor), models)
    if field == "aspect_ratio":
        words = _("{vendor} takes no aspect ratio here; leave it out. With an image, the image's shape decides.")
        return words.format(vendor=who)
    if problem.allowed:
        words = _("{model} does not take {thing} at {vendor}.")
        return flow(words.format(model=model, thing=label(field), vendor=vendor), models)
    if is_file(field):
        words = _("{vendor} takes no such file here: {file}. Leave it out, or choose another provider or model.")
        return words.format(vendor=who, file=label(field))
    if given and problem.given not in set(Operation) and field not in {"duration", "resolution", "seed"}:
        words = _("{vendor} does not let you choose {thing} with {model}. Leave it out.")
    else:
        words = _("{vendor} does not let you choose {thing} here. Leave it out.")
    return words.format(vendor=who, thing=label(field), model=given)


def _not_made(problem: Problem, title: str | None) -> str:
    """Say that an operation is not on offer."""
    if title is None:
        words = _("No provider that is set up here can make {thing}.")
        return words.format(thing=made(problem.given))
    words = _("{vendor} can't make {thing}.").format(vendor=capital(title), thing=made(problem.given))
    return flow(words, _(_INSTEAD.get(problem.given, _OTHER_VENDOR)))


def _file(problem: Problem, vendor: str, name: str, given: str) -> str:
    match problem.rule:
        case Rule.FILE_FORMAT:
            words = _("{file} is in {format} format; {vendor} takes {formats}.")
            allowed = either(dict.fromkeys(_format(mime) for mime in problem.allowed))
            return words.format(file=name, format=_format(problem.given), vendor=vendor, formats=allowed)
        case Rule.FILE_BYTES:
            words = _("{file} has {size}; {vendor} takes at most {most}.")
            return words.format(
                file=name, size=_megabytes(problem.given), vendor=vendor, most=_megabytes(problem.limit)
            )
        case Rule.FILE_PIXELS:
            words = _("{file} has {size} pixels; at {vendor} each side needs {needed}.")
            return words.format(file=name, size=given, vendor=vendor, needed=_sides(problem))
        case Rule.FILE_SECONDS:
            between = _between([_given(word) for word in problem.allowed])
            if not given:
                words = _(
                    "{file} does not tell how long it is; {vendor} takes {between} s. Save it anew and try again."
                )
            else:
                words = _("{file} is {seconds} s long; {vendor} takes {between} s. Cut it and try again.")
            return words.format(file=name, seconds=given, vendor=vendor, between=between)
        case _:
            words = _("{file} has the shape {shape}; {vendor} takes {between}. Crop it and try again.")
            between = _between([plain(word, 20) for word in problem.allowed])
            return words.format(file=name, shape=given, vendor=vendor, between=between)


def _sides(problem: Problem) -> str:
    if len(problem.allowed) == 2:
        return _between([_number(word) for word in problem.allowed])
    return _("{count} or more").format(count=_number(problem.limit))


def _between(ends: Sequence[str]) -> str:
    """Write a range; what has not two ends, as it is."""
    if len(ends) != 2:
        return either(ends)
    return _("{low} to {high}").format(low=ends[0], high=ends[1])


def _possible(choices: str) -> str:
    return _("Possible: {choices}.").format(choices=choices)


def _measured(field: str, value: str) -> str:
    """Write a value with its unit, where it has one."""
    return _("{seconds} s").format(seconds=value) if field == "duration" and value else value


def _given(text: str) -> str:
    """Show a stranger's word; a number needs no escaping."""
    return text if _FIGURE.fullmatch(text) else plain(text, GIVEN_MOST)


def _choices(allowed: Sequence[str]) -> str:
    """List what is allowed; a whole run of numbers, or a range, as its two ends."""
    ends = _RANGE.fullmatch(allowed[0]) if len(allowed) == 1 else None
    if ends is not None:
        return _between([ends[1], ends[2]])
    if len(allowed) > 2 and all(word.isdecimal() for word in allowed):
        numbers = [int(word) for word in allowed]
        if numbers == list(range(numbers[0], numbers[0] + len(numbers))):
            return _between([str(numbers[0]), str(numbers[-1])])
    shown = listed(_given(word) for word in allowed[:_MOST_CHOICES])
    rest = len(allowed) - _MOST_CHOICES
    return _("{choices} and {count} more").format(choices=shown, count=rest) if rest > 0 else shown


def _whole(value: str | int | None) -> int:
    """Read how many there are, for the form of the words around it."""
    text = str(value or 0)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _number(value: str | int | None) -> str:
    text = str(value or 0)
    return number(int(text)) if text.isascii() and text.isdigit() and len(text) < 16 else plain(text, 20)


def _megabytes(value: str | int | None) -> str:
    text = str(value or 0)
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        return plain(text, 20)
    return _("{count} MB").format(count=number(round(int(text) / 1e6, 1)))


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
