"""Kling's capability map: which model does what, in which mode, for how long, and for how much.

Documents: kling.ai/document-api, pages "Image to Video" and "Text to Video", and "Capability Map" as stored copies; all
read 2026-11. A mode is written as our resolution: std is 720p, pro is 1080p.
"""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from math import ceil

from . import checks, kling_shapes
from .orders import Extra, Kind, Model, Operation, Order, Role

_TEXT, _IMAGE, _FRAMES = Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO, Operation.START_END_TO_VIDEO
_BOTH, _STD, _PRO, _NONE = ("720p", "1080p"), ("720p",), ("1080p",), ()


def _row(
    name: str, resolutions: tuple[str, ...], durations: tuple[int, ...] = (5, 10), *, audio: bool = False
) -> Model:
    default = resolutions[0] if resolutions else ""
    return Model(name, durations, durations[0], resolutions, default, audio=audio)


def _shaped(model: Model) -> Model:
    """Text to Video: the picture's shape is chosen by the order alone."""
    return replace(model, aspect_ratios=("16:9", "9:16", "1:1"), default_aspect_ratio="16:9")


# The master models have no mode; sound goes with v2-6 in pro, and not towards a last frame.
MODELS: Mapping[Operation, tuple[Model, ...]] = {
    _TEXT: (
        _shaped(_row("kling-v2-6", _BOTH, audio=True)),
        _shaped(_row("kling-v2-5-turbo", _BOTH)),
        _shaped(_row("kling-v2-1-master", _NONE)),
        _shaped(_row("kling-v2-master", _NONE)),
        _shaped(_row("kling-v1-6", _BOTH)),
        _shaped(_row("kling-v1", _BOTH)),
    ),
    _IMAGE: (
        _row("kling-v2-6", _BOTH, audio=True),
        _row("kling-v2-5-turbo", _BOTH),
        _row("kling-v2-1", _BOTH),
        _row("kling-v2-1-master", _NONE),
        _row("kling-v2-master", _NONE),
        _row("kling-v1-6", _BOTH),
        _row("kling-v1-5", _BOTH),
        _row("kling-v1", _BOTH),
    ),
    _FRAMES: (
        _row("kling-v2-6", _PRO),
        _row("kling-v2-5-turbo", _PRO),
        _row("kling-v2-1", _PRO),
        _row("kling-v1-6", _PRO),
        _row("kling-v1-5", _PRO),
        _row("kling-v1", _BOTH, (5,)),
    ),
}

Ways = Mapping[str, tuple[tuple[str, ...], tuple[int, ...]]]  # by model: the resolutions and durations it is had with
TAIL_ALONE: Ways = {"kling-v1-6": (_PRO, (5, 10)), "kling-v1-5": (_PRO, (5, 10))}
BRUSH: Ways = {"kling-v1-5": (_PRO, (5,)), "kling-v1": (_BOTH, (5,))}
CAMERA: Mapping[Operation, Ways] = {_TEXT: {"kling-v1": (_STD, (5,))}, _IMAGE: {"kling-v1-5": (_PRO, (5,))}}
ONLY_SIMPLE = ("kling-v1-5",)  # of the camera types

MASKS = (Role.STATIC_MASK, Role.DYNAMIC_MASK)
CAMERA_TYPES = ("simple", "down_back", "forward_up", "right_turn_forward", "left_turn_forward")
# The English page calls a turn up or down "pan" and one to the side "tilt", the Chinese one the other way round; the
# words are passed on as they are.
CAMERA_AXES = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")
MOST_VOICES = 2

_NEGATIVE = Extra("negative_prompt", Kind.TEXT, most=2500)
_OLD = ("kling-v1-6", "kling-v1-5", "kling-v1")  # v2.x has no cfg_scale
CAMERA_NAMES = ("camera_type", "camera_axis", "camera_amount")


def _camera(operation: Operation) -> tuple[Extra, ...]:
    kind, axis, amount = CAMERA_NAMES
    return (
        Extra(kind, Kind.CHOICE, CAMERA_TYPES, models=tuple(CAMERA[operation])),
        Extra(axis, Kind.CHOICE, CAMERA_AXES),
        Extra(amount, Kind.DECIMAL, least=-10, most=10),
    )


EXTRAS: Mapping[Operation, tuple[Extra, ...]] = {
    _TEXT: (
        _NEGATIVE,
        Extra("cfg_scale", Kind.DECIMAL, least=0, most=1, models=("kling-v1-6", "kling-v1")),
        Extra("watermark", Kind.FLAG),
        *_camera(_TEXT),
    ),
    _IMAGE: (
        _NEGATIVE,
        Extra("cfg_scale", Kind.DECIMAL, least=0, most=1, models=_OLD),
        Extra("voice_list", Kind.WORDS, most=MOST_VOICES, models=("kling-v2-6",)),
        *_camera(_IMAGE),
    ),
    _FRAMES: (_NEGATIVE, Extra("cfg_scale", Kind.DECIMAL, least=0, most=1, models=_OLD)),
}


def tail_alone(order: Order) -> bool:
    """Say whether an order has a last frame and no first one."""
    roles = {picture.role for picture in order.pictures}
    return order.operation is _FRAMES and Role.LAST_FRAME in roles and Role.FIRST_FRAME not in roles


def _asked(order: Order) -> list[Ways]:
    """List the ways of what an order asks for beside the plain video."""
    roles = {picture.role for picture in order.pictures}
    brush = order.operation is _IMAGE and not roles.isdisjoint(MASKS)
    camera = order.operation in CAMERA and CAMERA_NAMES[0] in order.extras
    return [BRUSH] * brush + ([CAMERA[order.operation]] if camera else [])


def narrowed(order: Order) -> tuple[Model, ...]:
    """List the operation's models, each with the modes and durations that what is asked for leaves."""
    asked = _asked(order) + [TAIL_ALONE] * tail_alone(order)
    return tuple(_narrow(model, asked) for model in MODELS.get(order.operation, ()))


def _narrow(model: Model, asked: list[Ways]) -> Model:
    for ways in asked:
        if model.name in ways:
            resolutions, durations = ways[model.name]
            model = replace(
                model,
                resolutions=resolutions,
                default_resolution=resolutions[0],
                durations=durations,
                default_duration=durations[0],
            )
    return model


def fill(order: Order) -> Order:
    """Put Kling's defaults where the member said nothing, choosing a model and a mode that can do what was asked.

    A missing first frame chooses no model: it is forgotten more often than left out on purpose.
    """
    rows = narrowed(order)
    if order.model is None:
        rows = tuple(model for model in rows if _able(model, order)) or rows
    known = checks.model_of(rows, order.model)
    if order.audio and order.resolution is None and known is not None and known.audio:
        order = replace(order, resolution="1080p")
    return checks.fill(order, rows)


def _able(model: Model, order: Order) -> bool:
    """Say whether a model can do all that is asked for, a last frame without a first one apart."""
    chosen = [extra for extra in EXTRAS.get(order.operation, ()) if extra.name in order.extras]
    return all(model.name in ways for ways in _asked(order)) and all(
        not extra.models or model.name in extra.models for extra in chosen
    )


# An estimate from general knowledge for five seconds by model and mode; ten cost twice as much. What a task really
# took comes with its answers (final_unit_deduction).
_UNITS = {
    ("kling-v1", "std"): Fraction(1),
    ("kling-v1", "pro"): Fraction(7, 2),
    ("kling-v1-5", "std"): Fraction(2),
    ("kling-v1-5", "pro"): Fraction(7, 2),
    ("kling-v1-6", "std"): Fraction(2),
    ("kling-v1-6", "pro"): Fraction(7, 2),
    ("kling-v2-master", ""): Fraction(10),
    ("kling-v2-1", "std"): Fraction(2),
    ("kling-v2-1", "pro"): Fraction(7, 2),
    ("kling-v2-1-master", ""): Fraction(10),
    ("kling-v2-5-turbo", "std"): Fraction(3, 2),
    ("kling-v2-5-turbo", "pro"): Fraction(5, 2),
    ("kling-v2-6", "std"): Fraction(3, 2),
    ("kling-v2-6", "pro"): Fraction(5, 2),
    ("kling-v2-6", "pro with sound"): Fraction(5),
}


def price(order: Order) -> int | None:
    """Estimate a filled order in credits; None for a model or a combination the table does not know."""
    known = checks.model_of(MODELS.get(order.operation, ()), order.model)
    if known is None or order.duration not in known.durations:
        return None
    if order.resolution is not None and order.resolution not in known.resolutions:
        return None
    mode = kling_shapes.MODES.get(order.resolution or "", "")
    units = _UNITS.get((known.name, mode + " with sound" if order.audio else mode))
    return None if units is None else ceil(units * kling_shapes.CREDITS_A_UNIT * order.duration / 5)
