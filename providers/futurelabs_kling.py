"""Kling through Futurelabs: a picture that moves as a video does, and a face that speaks.

Document: doc.futurelabsai.dev, "Vidu API Documentation", part "Kling AI", last updated 2026-05-08. Its results live for
30 minutes, a task is asked for by the vendor's or Kling's id and never by ours, and nothing can be cancelled. What it
leaves open about files is filled in from Kling's own pages (kling.ai/document-api, read 2026-11).
"""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any
from urllib.parse import quote

from . import checks, kling_shapes, vidu_shapes
from .call import Api, Fault
from .checks import ClipRules, PictureRules
from .contract import Accepted, ErrorKind, ProviderError, Reason, Status, Submission, Task
from .orders import Extra, Kind, Model, Operation, Order, Problem, Role, Rule
from .reading import as_count

MOST_PROMPT = 2500  # characters; stated for the motion, taken for the avatar
MOST_TEXT = 5000  # characters an avatar says; none is stated

_ENDPOINTS = {
    Operation.MOTION_CONTROL: "videos/motion-control",
    Operation.AVATAR: "videos/avatar/image2video",
}
# The table names this model as its example. `mode` must be sent: 720p is std, 1080p is pro.
_MODELS = (Model("kling-v2-6", (), None, tuple(kling_shapes.MODES), "720p"),)
MODELS: Mapping[Operation, tuple[Model, ...]] = dict.fromkeys(_ENDPOINTS, _MODELS)
EXTRAS: Mapping[Operation, tuple[Extra, ...]] = {
    Operation.MOTION_CONTROL: (
        Extra("character_orientation", Kind.CHOICE, ("image", "video"), required=True),
        Extra("keep_original_sound", Kind.FLAG),
    ),
    # Kling's own avatar takes no text; this one reads it aloud.
    Operation.AVATAR: (Extra("text", Kind.TEXT, most=MOST_TEXT),),
}

# 10 MB, sides of 300 pixels and more, 1:2.5 to 2.5:1; stated for the motion. Kling's avatar takes the same.
_PICTURES = PictureRules(
    formats=("image/png", "image/jpeg"),
    most_bytes=10_000_000,
    most_inline_bytes=10_000_000,
    shortest_side=300,
    widest=Fraction(5, 2),
)
_PLACES: Mapping[Operation, checks.Places] = {
    Operation.MOTION_CONTROL: {Role.FIRST_FRAME: (1, 1)},
    Operation.AVATAR: {Role.FACE: (1, 1)},
}
_MOTION = ClipRules(("video/mp4", "video/quicktime"), 100_000_000, seconds=(3, 30), sides=(340, 3850), required=True)
_SHORT = (3, 10)  # seconds, when the character looks as in the picture
# Formats, size and length as Kling's avatar page has them; Futurelabs says only that it is an address.
_VOICE = ClipRules(("audio/mpeg", "audio/wav", "audio/aac", "audio/mp4"), 5_000_000, seconds=(2, 300))


def problems(order: Order) -> list[Problem]:
    """Check a filled order."""
    return [
        *checks.prompt_problems(order, required=False, most=MOST_PROMPT),
        *checks.model_problems(order, MODELS[order.operation]),
        *checks.seed_problems(order, None),
        *vidu_shapes.picture_problems(order, _PICTURES, _PLACES[order.operation]),
        *checks.clip_problems(order, _clips(order)),
        *checks.extra_problems(order, EXTRAS[order.operation]),
        *(_words_problems(order) if order.operation is Operation.AVATAR else ()),
    ]


def _clips(order: Order) -> Mapping[Role, ClipRules]:
    if order.operation is Operation.AVATAR:
        return {Role.AUDIO: _VOICE}
    short = order.extras.get("character_orientation") == "image"
    return {Role.MOTION: replace(_MOTION, seconds=_SHORT) if short else _MOTION}


def _words_problems(order: Order) -> list[Problem]:
    """An avatar says a text or follows an audio: one of them, and what both would mean is not told."""
    text = str(order.extras.get("text", "")).strip()
    audio = checks.clip_in(order, Role.AUDIO)
    if text and audio is not None:
        return [Problem("text", Rule.NOT_TOGETHER, given=Role.AUDIO)]
    return [] if text or audio is not None else [Problem(Role.AUDIO, Rule.REQUIRED)]


async def submit(api: Api, submission: Submission) -> Accepted:
    """Create a task. Raise ProviderError."""
    order = submission.order
    if any(not clip.url for clip in order.clips):
        raise ProviderError(ErrorKind.NOT_SENT, Reason.BAD_ORDER, "a file without an address")
    path = f"/ai/kling/v1/{_ENDPOINTS[order.operation]}"
    try:
        # A 404 without a code of Kling's speaks of the address: there is no task yet that could be unknown.
        answer = await api.call("POST", path, json=_body(submission), explain=kling_shapes.explain)
        return kling_shapes.accepted(answer)
    except ProviderError as error:
        refusal = kling_shapes.refused_submission(error)
    raise refusal


def _body(submission: Submission) -> dict[str, Any]:
    order = submission.order
    pictures = checks.in_order(order, *_PLACES[order.operation])
    shown = kling_shapes.bare_picture(pictures[0], _PICTURES) if pictures else None
    fields: dict[str, Any] = {
        "model_name": order.model,
        "mode": kling_shapes.mode_of(order.resolution) or "std",
        "prompt": order.prompt or None,
        "callback_url": submission.callback_url,
        "external_task_id": submission.reference,
    }
    if order.operation is Operation.MOTION_CONTROL:
        sound = order.extras.get("keep_original_sound")
        fields |= {
            "image_url": shown,
            "video_url": _address(order, Role.MOTION),
            "character_orientation": order.extras.get("character_orientation"),
            "keep_original_sound": None if sound is None else "yes" if sound else "no",
        }
    else:
        text = str(order.extras.get("text", "")).strip()
        fields |= {"image": shown, "sound_file": _address(order, Role.AUDIO), "text": text or None}
    return {name: value for name, value in fields.items() if value is not None}


def _address(order: Order, role: Role) -> str | None:
    clip = checks.clip_in(order, role)
    return clip.url if clip is not None else None


async def query(api: Api, task: Task) -> Status:
    """Ask how a task is, naming the endpoint it was made at. Raise ProviderError."""
    path = f"/ai/kling/v1/tasks/{quote(task.task_id, safe='')}?endpoint={_ENDPOINTS[task.operation]}"
    return kling_shapes.answered(await api.call("GET", path))


def explain(http: int, payload: Mapping[str, Any]) -> Fault:
    """Read a refusal as Kling's; as none is documented here, a 404 in JSON is enough to say "no such task"."""
    kind, reason, detail = kling_shapes.explain(http, payload)
    coded = as_count(payload.get("code")) in kling_shapes.CODES
    return kind, (Reason.NOT_FOUND if http == 404 and payload and not coded else reason), detail
