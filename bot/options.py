"""The commands that make something, as data: their options, what each option is for, and the operation asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import discord
from discord import app_commands

from bot import asking
from bot.brush import read_strokes
from bot.choices import Typed, typed_of
from bot.language import N_, numbered
from bot.taking import Asked
from jobs.intake import operation_for
from providers.orders import Operation, Problem, Role, Value

_MOST_REFERENCES = 7  # pictures; no vendor takes more
_MOST_MASKS = 6  # dynamic ones; likewise
_COMMON = ("prompt", "model", "duration", "aspect_ratio", "resolution", "seed", "audio", "provider")
SUGGESTED = ("model", "duration", "aspect_ratio", "resolution", "provider", "character_orientation", "language")


OPERATIONS = "operations"  # under this name a command's extras tell what it asks of a vendor


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a command."""

    name: str
    says: str | app_commands.locale_str  # at most 100 characters, in every language
    kind: Any  # what discord.py makes the option from: a type, or a range of one
    role: Role | None = None  # a file for this
    extra: bool = False  # a further choice of the vendors' under this very name
    required: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """One command."""

    name: str
    says: str
    operation: Operation | None  # None: the frames that are attached tell
    options: tuple[Option, ...]

    def operation_with(self, roles: Sequence[Role]) -> Operation:
        """Tell what is asked with these files."""
        return operation_for(roles) if self.operation is None else self.operation

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Name all that may be asked, whatever is attached."""
        if self.operation is None:
            return (Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO, Operation.START_END_TO_VIDEO)
        return (self.operation,)

    @property
    def extras(self) -> frozenset[str]:
        """Name the further choices that are options here."""
        return frozenset(option.name for option in self.options if option.extra)


def asked_of(form: Form, given: Mapping[str, Any]) -> Asked | Problem:
    """Read a whole command; or what could not be read."""
    files = [(option.role, given.get(option.name)) for option in form.options if option.role is not None]
    attachments = tuple((role, file) for role, file in files if file is not None)
    roles = tuple(role for role, _ in attachments)
    extras: dict[str, Value] = {}
    for name in form.extras:
        value = given.get(name)
        value = asking.storable(value) if isinstance(value, str) else value
        if value not in (None, ""):
            extras[name] = value
    strokes = read_strokes(given.get("strokes") or "")
    if isinstance(strokes, Problem):
        return strokes
    common = {option.name for option in form.options if option.role is None and not option.extra}
    said = {name: given.get(name) if name in common else None for name in _COMMON}
    typed = Typed(
        operation=form.operation_with(roles),
        roles=roles,
        prompt=_stored(said["prompt"]),
        model=_stored(said["model"]),
        duration=said["duration"],
        aspect_ratio=said["aspect_ratio"],
        resolution=said["resolution"],
        seed=said["seed"],
        audio=said["audio"],
        provider=said["provider"],
        extras=extras,
        strokes=strokes,
    )
    return Asked(typed, attachments, preset=_stored(given.get("preset")))


def half_typed(form: Form, options: Sequence[Mapping[str, Any]], but: str) -> Typed:
    """Read a command that is still being typed; what cannot be read yet is left out."""
    given = {str(option.get("name")): option.get("value") for option in options}
    roles = tuple(
        option.role for option in form.options if option.role is not None and given.get(option.name) is not None
    )
    extras: dict[str, Value] = {}
    for name in form.extras - {but}:
        value = given.get(name)
        if isinstance(value, str | int | float) and value != "":
            extras[name] = value
    return typed_of(options, but, form.operation_with(roles), roles, extras)


def _stored(text: str | None) -> str | None:
    return asking.storable(text) or None if text else None


PROMPT = Option("prompt", N_("What should be seen"), app_commands.Range[str, 1, asking.MOST_PROMPT])
MODEL = Option("model", N_("Which model makes it"), app_commands.Range[str, 1, asking.MOST_MODEL])
DURATION = Option("duration", N_("How many seconds"), int)
RATIO = Option("aspect_ratio", N_("The shape, where no picture decides it"), str)
RESOLUTION = Option("resolution", N_("How sharp the picture is, such as 720p"), str)
SEED = Option("seed", N_("The same seed gives a similar result again"), app_commands.Range[int, 0, asking.MOST_SEED])
AUDIO = Option("audio", N_("With sound, where the model can"), bool)
PROVIDER = Option("provider", N_("Who makes it; left out, the cheapest that can"), str)
PRESET = Option("preset", N_("A style of this server: fills what you leave open"), app_commands.Range[str, 1, 40])
ADVANCED = Option("advanced", N_("True: a form with all further choices opens before anything is sent"), bool)
_VIDEO = (MODEL, DURATION, RATIO, RESOLUTION, SEED, AUDIO, PROVIDER, PRESET, ADVANCED)


def _file(name: str, says: str | app_commands.locale_str, role: Role, *, required: bool = False) -> Option:
    return Option(name, says, discord.Attachment, role=role, required=required)


def _references(says: str) -> tuple[Option, ...]:
    first = _file("image1", says, Role.REFERENCE, required=True)
    more = (
        _file(f"image{n}", numbered(N_("Picture {number}"), n), Role.REFERENCE) for n in range(2, _MOST_REFERENCES + 1)
    )
    return (first, *more)


def _required(option: Option) -> Option:
    return Option(option.name, option.says, option.kind, option.role, option.extra, required=True)


FORMS = (
    Form(
        "video",
        N_("Make a video from words and pictures"),
        None,
        (
            PROMPT,
            _file("image", N_("The first frame: the video begins with this picture"), Role.FIRST_FRAME),
            _file("last_frame", N_("The video ends with this picture"), Role.LAST_FRAME),
            *_VIDEO,
        ),
    ),
    Form(
        "reference",
        N_("Make a video with the people and things of your pictures"),
        Operation.REFERENCE_TO_VIDEO,
        (_required(PROMPT), *_references(N_("Who or what is to be seen")), *_VIDEO),
    ),
    Form(
        "template",
        N_("Make a video by a vendor's template"),
        Operation.TEMPLATE_TO_VIDEO,
        (
            Option(
                "template_id",
                N_("The template's name, as the vendor's list of templates spells it"),
                app_commands.Range[str, 1, 200],
                extra=True,
                required=True,
            ),
            *_references(N_("The picture it is made from")),
            PROMPT,
            *_VIDEO,
        ),
    ),
    Form(
        "image",
        N_("Make a picture with the people and things of your pictures"),
        Operation.REFERENCE_TO_IMAGE,
        (
            _required(PROMPT),
            *_references(N_("Who or what is to be seen")),
            MODEL,
            RATIO,
            RESOLUTION,
            SEED,
            PROVIDER,
            PRESET,
        ),
    ),
    Form(
        "motion",
        N_("Let a picture move the way somebody moves in a video"),
        Operation.MOTION_CONTROL,
        (
            _file("image", N_("Who is to move"), Role.FIRST_FRAME, required=True),
            _file("video", N_("Whose movement it is: MP4 or MOV"), Role.MOTION, required=True),
            Option(
                "character_orientation",
                N_("Which way they face: as in the image, or as in the video"),
                str,
                extra=True,
                required=True,
            ),
            Option("keep_original_sound", N_("Keep the sound of the video"), bool, extra=True),
            PROMPT,
            MODEL,
            RESOLUTION,
            PROVIDER,
        ),
    ),
    Form(
        "avatar",
        N_("Let a face say a text or follow a recording"),
        Operation.AVATAR,
        (
            _file("image", N_("The face"), Role.FACE, required=True),
            Option("text", N_("What it says; or attach an audio"), app_commands.Range[str, 1, 5000], extra=True),
            _file("audio", N_("What is heard: MP3, WAV, M4A or AAC; or type a text"), Role.AUDIO),
            PROMPT,
            MODEL,
            RESOLUTION,
            PROVIDER,
        ),
    ),
    Form(
        "brush",
        N_("Let parts of a picture move along lines you give"),
        Operation.IMAGE_TO_VIDEO,
        (
            _file("image", N_("The first frame: the video begins with this picture"), Role.FIRST_FRAME, required=True),
            PROMPT,
            _file("static_mask", N_("What stays still: a picture of the same size, white there"), Role.STATIC_MASK),
            *(
                _file(
                    f"dynamic_mask{n}",
                    numbered(N_("What moves along stroke {number}: a picture of the same size"), n),
                    Role.DYNAMIC_MASK,
                )
                for n in range(1, _MOST_MASKS + 1)
            ),
            Option(
                "strokes",
                N_("A line for each dynamic mask, from the bottom left: 279,219 417,65; 10,10 40,80"),
                app_commands.Range[str, 1, asking.MOST_STROKES_TEXT],
            ),
            MODEL,
            DURATION,
            RESOLUTION,
            PROVIDER,
            ADVANCED,
        ),
    ),
)
