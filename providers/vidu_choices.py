"""The choices that APIs in Vidu's shape have in common, which models ignore them, and what a video costs.

Every vendor of this shape lists by name what its own document offers; the rules stand here once. The only published
prices stand here too, for all of them.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from . import checks
from .checks import model_of
from .contract import NotUnderstood
from .orders import Extra, Kind, Model, Operation, Order, Problem, Role, Rule, Value
from .reading import read_object

# The further choices, as all documents of this shape spell them (Vidu's pages, read 2026-11; resellers' copies).
WM_POSITIONS = ("top_left", "top_right", "bottom_right", "bottom_left")  # over the wire: 1, 2, 3, 4
EXTRAS: Mapping[str, Extra] = {
    extra.name: extra
    for extra in (
        Extra("style", Kind.CHOICE, ("general", "anime")),
        Extra("movement_amplitude", Kind.CHOICE, ("auto", "small", "medium", "large")),
        Extra("bgm", Kind.FLAG),
        Extra("audio_type", Kind.CHOICE, ("all", "speech_only", "sound_effect_only")),
        Extra("voice_id", Kind.TEXT, most=200),  # no document says how long one may be
        Extra("is_rec", Kind.FLAG),
        Extra("off_peak", Kind.FLAG),
        Extra("watermark", Kind.FLAG),
        Extra("wm_position", Kind.CHOICE, WM_POSITIONS),
        Extra("meta_data", Kind.TEXT, most=4000),  # likewise
        Extra("template_id", Kind.TEXT, most=200, required=True),
    )
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What a vendor's document says has no effect, or does not go together."""

    ignored: Mapping[str, tuple[str, ...]]  # by choice: families, or single models, that ignore it or cannot do it
    off_peak_with_sound: tuple[str, ...] = ()  # the families that take both
    q2_without_music: tuple[int, ...] = ()  # seconds of a q2 video


# Vidu, image-to-video and off-peak, read 2026-11; powertokens and Futurelabs say the same of what they offer.
VIDU = Limits(
    ignored={
        "style": ("q2", "q3", "2.0"),
        "movement_amplitude": ("q2", "q3"),
        "bgm": ("q3",),
        "audio_type": ("q3",),
        "voice_id": ("q3",),
        "off_peak": ("viduq3-mix",),
    },
    off_peak_with_sound=("q3",),
    q2_without_music=(9, 10),
)
_META_DATA = '{"Label": "..."}'

# Credits a second by model and resolution: Futurelabs, "Pricing", 2026-05-08, the only published list; Vidu's own
# price page could not be read. All its 19 rows (5, 8, 10 and 16 seconds) are a whole number of credits times the
# seconds, so that a rate stands for every duration a model offers. Good for a hold: what a task really cost comes with
# its answers. viduq3-turbo has no row at 540p.
RATES: Mapping[tuple[str, str], int] = {
    ("viduq3-pro", "540p"): 4,
    ("viduq3-pro", "720p"): 8,
    ("viduq3-pro", "1080p"): 16,
    ("viduq3-turbo", "720p"): 4,
    ("viduq3-turbo", "1080p"): 8,
    ("viduq2", "540p"): 2,
    ("viduq2", "720p"): 4,
    ("viduq2", "1080p"): 8,
    ("viduq1", "1080p"): 8,
}
_PRICED = (Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO)
_PRICED_Q3 = (*_PRICED, Operation.START_END_TO_VIDEO, Operation.REFERENCE_TO_VIDEO)
IMAGE_CREDITS = 10  # a picture made from references, whatever its size; same list
REC_CREDITS = 10  # for a recommended prompt (is_rec); Vidu, image-to-video, read 2026-11


def family(model: str | None) -> str:
    """Name the generation of a model: q3, q2, q1, 2.0; empty for a name that tells none."""
    found = re.match(r"vidu(q\d+|\d+\.\d+)", model or "")
    return found[1] if found else ""


def extras(names: Sequence[str], models: Sequence[Model], limits: Limits = VIDU) -> tuple[Extra, ...]:
    """List the choices of these names with the models that take them.

    What none of them takes is listed without any: a model nobody has told us of may take it.
    """
    taken = {name: _takers(name, models, limits) for name in names}
    return tuple(
        replace(EXTRAS[name], models=() if len(takers) == len(models) else takers) for name, takers in taken.items()
    )


def extra_problems(
    order: Order,
    names: Sequence[str],
    models: Sequence[Model],
    *,
    limits: Limits = VIDU,
    prompt_required: bool = False,
) -> list[Problem]:
    """Check the further choices: known, well formed, taken by the model, and of use together."""
    problems = checks.extra_problems(order, [EXTRAS[name] for name in names])
    order = replace(order, extras={name: value for name, value in order.extras.items() if name in names})
    problems += _meta_data_problems(order)
    if "watermark" in names:
        problems += _watermark_problems(order)
    if order.extras.get("is_rec") is True and order.prompt and not prompt_required:
        problems.append(Problem("prompt", Rule.NOT_TOGETHER, given="is_rec"))  # the recommended one takes its place
    if model_of(models, order.model) is not None:
        for name in names:
            asked = order.extras.get(name) not in (None, False)
            if asked and _ignores(order.model or "", name, limits):
                takers = _takers(name, models, limits)
                problems.append(Problem(name, Rule.NOT_OFFERED, given=order.model or "", allowed=takers))
        problems += _sound_problems(order, limits)
    elif not limits.off_peak_with_sound:
        problems += _off_peak_problems(order, limits)
    return problems


def _takers(name: str, models: Sequence[Model], limits: Limits) -> tuple[str, ...]:
    return tuple(model.name for model in models if not _ignores(model.name, name, limits))


def _ignores(model: str, name: str, limits: Limits) -> bool:
    return family(model) in limits.ignored.get(name, ()) or model in limits.ignored.get(name, ())


def _meta_data_problems(order: Order) -> list[Problem]:
    """It is a text that holds a JSON object."""
    given = order.extras.get("meta_data")
    if given is None:
        return []
    try:
        read_object(str(given).encode())
    except (NotUnderstood, UnicodeEncodeError):
        return [Problem("meta_data", Rule.NOT_READ, given=str(given)[:60], allowed=(_META_DATA,))]
    return []


def _watermark_problems(order: Order) -> list[Problem]:
    """A place or a picture for a watermark is of no use without one."""
    asked = ["wm_position"] if order.extras.get("wm_position") is not None else []
    asked += [picture.role for picture in order.pictures if picture.role is Role.WATERMARK][:1]
    on = order.extras.get("watermark") is True
    return [] if on else [Problem(name, Rule.NOT_TOGETHER, given="watermark: no") for name in asked]


def _sound_problems(order: Order, limits: Limits) -> list[Problem]:
    """Say what goes with sound alone, and what does not go with it."""
    generation = family(order.model)
    problems = [
        Problem(name, Rule.NOT_TOGETHER, given="audio: no")
        for name in ("audio_type", "voice_id")
        if order.extras.get(name) is not None and not order.audio and not _ignores(order.model or "", name, limits)
    ]
    problems += _off_peak_problems(order, limits)
    if order.extras.get("bgm") is True and generation == "q2" and order.duration in limits.q2_without_music:
        problems.append(Problem("bgm", Rule.NOT_TOGETHER, given=f"duration: {order.duration}"))
    return problems


def _off_peak_problems(order: Order, limits: Limits) -> list[Problem]:
    both = order.extras.get("off_peak") is True and order.audio
    refused = both and family(order.model) not in limits.off_peak_with_sound
    return [Problem("off_peak", Rule.NOT_TOGETHER, given="audio")] if refused else []


def price(order: Order, models: Sequence[Model]) -> int | None:
    """Estimate a filled order in credits; None where nothing is published or the duration is not offered."""
    model = model_of(models, order.model)
    if model is None:
        return None
    if order.operation is Operation.REFERENCE_TO_IMAGE:
        base = IMAGE_CREDITS
    else:
        rate = RATES.get((model.name, order.resolution or ""))
        priced = _PRICED_Q3 if family(model.name) == "q3" else _PRICED
        if rate is None or order.duration not in model.durations or order.operation not in priced:
            return None
        base = rate * order.duration
    if order.extras.get("off_peak") is True:  # about half (Vidu, off-peak, read 2026-11), rounded up
        base = (base + 1) // 2
    return base + (REC_CREDITS if order.extras.get("is_rec") is True else 0)


def wire(name: str, value: Value) -> Value:
    """Write a choice as the wire has it."""
    if name == "wm_position" and value in WM_POSITIONS:
        return WM_POSITIONS.index(str(value)) + 1
    return value
