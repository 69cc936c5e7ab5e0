"""What every API in Vidu's shape has in common: its bodies, choices, words, reasons and prices; no address, no key.

Vidu itself speaks it, and resellers do with small differences, so that reading is lenient: `id` or `task_id`, `state`
or `status`, credits as a number or as digits.
"""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from . import checks
from .call import Fault, by_status
from .checks import FRAMES, PictureRules, Places, address_of, in_order, model_of
from .contract import (
    Accepted,
    ErrorKind,
    NotUnderstood,
    OutputLink,
    Progress,
    ProviderError,
    Reason,
    Status,
    Submission,
)
from .orders import Extra, Kind, Model, Operation, Order, Picture, Problem, Role, Rule, Value
from .reading import (
    as_count,
    as_identifier,
    as_link,
    as_moment,
    as_object,
    as_objects,
    as_text,
    for_log,
    read_object,
)

MOST_SEED = 2**31 - 1  # no document of Vidu's states a range; ComfyUI's Vidu nodes (read 2026-11) hold to this one
MOST_OUTPUTS = 10

# Formats, 50 MB a picture, 1:4 to 4:1, 20 MB a request body, which base64 fills with 15 MB of pictures (Vidu,
# image-to-video, read 2026-11). Room is left for the rest of the body.
PICTURES = PictureRules(
    formats=("image/png", "image/jpeg", "image/webp"),
    most_bytes=50_000_000,
    most_inline_bytes=(20_000_000 - 200_000) * 3 // 4,
    widest=Fraction(4),
)
# Reference pictures have at least this many pixels on each side (Vidu, reference-to-video, read 2026-11).
REFERENCES = replace(PICTURES, shortest_side=128)
# Up to seven reference pictures (Vidu, reference-to-video, read 2026-11). How many a template wants is its own affair.
PLACES: Mapping[Operation, Places] = {
    **FRAMES,
    Operation.REFERENCE_TO_VIDEO: {Role.REFERENCE: (1, 7)},
    Operation.REFERENCE_TO_IMAGE: {Role.REFERENCE: (1, 7)},
    Operation.TEMPLATE_TO_VIDEO: {Role.REFERENCE: (1, 7)},
}
# Size of the first frame by size of the last one (Vidu, start-end-to-video, read 2026-11).
CLOSE_ENOUGH = (Fraction(4, 5), Fraction(5, 4))

# Vidu, error-code, read 2026-11. The same names stand in `reason` of a refusal and in `err_code` of a failed task.
REASONS: dict[str, Reason] = {
    "BadRequest": Reason.BAD_ORDER,
    "FieldLacking": Reason.BAD_ORDER,
    "FieldUnwanted": Reason.BAD_ORDER,
    "FieldInvalid": Reason.BAD_ORDER,
    "FieldItemCountOutOfRange": Reason.BAD_ORDER,
    "ModelUnavailable": Reason.BAD_ORDER,
    "Conflict": Reason.BAD_ORDER,
    "PageSizeOutOfRange": Reason.PICTURE,  # speaks of a picture's size or ratio
    "ImageDownloadFailure": Reason.PICTURE,
    "ImageFormatInvalid": Reason.PICTURE,
    "ImageCheckBodyJointsFailed": Reason.PICTURE,
    "ImageCheckFaceFailed": Reason.PICTURE,
    "ImageObjectsUndetected": Reason.PICTURE,
    "TaskPromptPolicyViolation": Reason.CONTENT,
    "AuditSubmitIllegal": Reason.CONTENT,
    "CreationPolicyViolation": Reason.CONTENT,
    "CreditInsufficient": Reason.CREDIT,
    "Unauthorized": Reason.ACCESS,
    "Forbidden": Reason.ACCESS,
    "TaskNotFound": Reason.NOT_FOUND,
    "CreationNotFound": Reason.NOT_FOUND,
    "NotFound": Reason.NOT_FOUND,
    "OperationInProcess": Reason.BUSY,
    "QuotaExceeded": Reason.BUSY,
    "TooManyRequests": Reason.BUSY,
    "SystemThrottling": Reason.BUSY,
    "Canceled": Reason.VENDOR,
    "InternalServiceFailure": Reason.VENDOR,
}
CANCELLED_BY_USER = "UserCancelled"  # a cancelled task reads as failed with this code, there is no state for it

WORDS: Mapping[str, Progress] = {
    "created": Progress.WAITING,
    "queueing": Progress.WAITING,
    "processing": Progress.RUNNING,
    "success": Progress.SUCCEEDED,
    "failed": Progress.FAILED,
}

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
# The families, or single models, that silently ignore a choice or cannot do what it asks for.
IGNORED: Mapping[str, tuple[str, ...]] = {
    "style": ("q2", "q3", "2.0"),
    "movement_amplitude": ("q2", "q3"),
    "bgm": ("q3",),
    "audio_type": ("q3",),
    "voice_id": ("q3",),
    "off_peak": ("viduq3-mix",),
}
_LONG_WITHOUT_MUSIC = (9, 10)  # seconds of a q2 video
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


@dataclass(frozen=True, slots=True)
class Rates:
    """Credits a second by model and resolution, for the operations they hold for.

    Every published row is linear in the seconds, so that a rate stands for all durations its model offers.
    """

    by_model: Mapping[tuple[str, str], int]
    only: Mapping[str, tuple[Operation, ...]]  # models whose rates hold for some operations alone

    def price(self, order: Order, models: Sequence[Model]) -> int | None:
        """Estimate a filled order in credits; None where nothing is published or the duration is not offered."""
        model = model_of(models, order.model)
        rate = self.by_model.get((order.model or "", order.resolution or ""))
        if model is None or rate is None or order.duration not in model.durations:
            return None
        if order.operation not in self.only.get(model.name, tuple(Operation)):
            return None
        return rate * order.duration


def family(model: str | None) -> str:
    """Name the generation of a model: q3, q2, q1, 2.0; empty for a name that tells none."""
    found = re.match(r"vidu(q\d+|\d+\.\d+)", model or "")
    return found[1] if found else ""


def extras(
    names: Sequence[str], models: Sequence[Model], ignored: Mapping[str, Sequence[str]] = IGNORED
) -> tuple[Extra, ...]:
    """List the choices of these names with the models that take them, leaving out what none of them takes."""
    taken = {name: _takers(name, models, ignored) for name in names}
    return tuple(
        replace(EXTRAS[name], models=() if len(takers) == len(models) else takers)
        for name, takers in taken.items()
        if takers or not models
    )


def extra_problems(
    order: Order,
    names: Sequence[str],
    models: Sequence[Model],
    *,
    ignored: Mapping[str, Sequence[str]] = IGNORED,
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
            if asked and _ignores(order.model or "", name, ignored):
                takers = _takers(name, models, ignored)
                problems.append(Problem(name, Rule.NOT_OFFERED, given=order.model or "", allowed=takers))
        problems += _sound_problems(order, ignored)
    return problems


def _takers(name: str, models: Sequence[Model], ignored: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    return tuple(model.name for model in models if not _ignores(model.name, name, ignored))


def _ignores(model: str, name: str, ignored: Mapping[str, Sequence[str]]) -> bool:
    return family(model) in ignored.get(name, ()) or model in ignored.get(name, ())


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


def _sound_problems(order: Order, ignored: Mapping[str, Sequence[str]]) -> list[Problem]:
    """Vidu, image-to-video and off-peak, read 2026-11: what goes with sound, and what does not."""
    generation = family(order.model)
    problems = [
        Problem(name, Rule.NOT_TOGETHER, given="audio: no")
        for name in ("audio_type", "voice_id")
        if order.extras.get(name) is not None and not order.audio and not _ignores(order.model or "", name, ignored)
    ]
    if order.extras.get("off_peak") is True and order.audio and generation != "q3":
        problems.append(Problem("off_peak", Rule.NOT_TOGETHER, given="audio"))
    if order.extras.get("bgm") is True and generation == "q2" and order.duration in _LONG_WITHOUT_MUSIC:
        problems.append(Problem("bgm", Rule.NOT_TOGETHER, given=f"duration: {order.duration}"))
    return problems


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


def request_body(
    submission: Submission, pictures: PictureRules, fields: Sequence[str], names: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Build the body of a submission from the fields this vendor documents for the operation.

    `fields`: our names, those of the further choices and `wm_url` among them. `names`: the vendor's, where they differ.
    """
    order = submission.order
    known: dict[str, Any] = {
        "model": order.model,
        "prompt": order.prompt or None,
        "duration": order.duration,
        "seed": order.seed,
        "aspect_ratio": order.aspect_ratio,
        "resolution": order.resolution,
        "audio": order.audio,
        "payload": submission.reference,
        "callback_url": submission.callback_url,
        "wm_url": next((picture.url for picture in order.pictures if picture.role is Role.WATERMARK), None),
    }
    known |= {name: _wire(name, value) for name, value in order.extras.items() if name in EXTRAS}
    body = {(names or {}).get(name, name): known[name] for name in fields if known.get(name) is not None}
    images = in_order(order, Role.FIRST_FRAME, Role.LAST_FRAME, Role.REFERENCE)
    if images:
        body["images"] = [address_of(picture, pictures) or _data_url(picture) for picture in images]
    return body


def _wire(name: str, value: Value) -> Value:
    if name == "wm_position" and value in WM_POSITIONS:
        return WM_POSITIONS.index(str(value)) + 1
    return value


def _data_url(picture: Picture) -> str:
    """Write a picture with the prefix that Vidu demands."""
    return f"data:{picture.mime};base64,{base64.b64encode(picture.data).decode('ascii')}"


def picture_problems(
    order: Order, rules: PictureRules, places: Places | None = None, *, watermark: bool = False
) -> list[Problem]:
    """Check the pictures, and of a pair of frames that both are about the same size.

    `places`: what the vendor takes, by default what Vidu does. `watermark`: whether one may be given as an address.
    """
    wanted = PLACES.get(order.operation, {}) if places is None else places
    marks = tuple(picture for picture in order.pictures if watermark and picture.role is Role.WATERMARK)
    shown = replace(order, pictures=tuple(picture for picture in order.pictures if picture not in marks))
    problems = checks.picture_problems(shown, rules, wanted)
    plain = replace(rules, addresses_only=True, shortest_side=0, widest=None)
    problems += checks.picture_problems(replace(order, pictures=marks), plain, {Role.WATERMARK: (0, 1)})
    if order.strokes:
        problems.append(Problem("strokes", Rule.NOT_OFFERED, given=order.operation))
    frames = {picture.role: picture for picture in order.pictures}
    first, last = frames.get(Role.FIRST_FRAME), frames.get(Role.LAST_FRAME)
    if not problems and first is not None and last is not None:
        low, high = CLOSE_ENOUGH
        if not low <= Fraction(first.width * first.height, last.width * last.height) <= high:
            problems.append(Problem("last_frame", Rule.NOT_TOGETHER, given="first_frame", allowed=("0.8", "1.25")))
    return problems


def frame_problems(order: Order, rules: PictureRules) -> list[Problem]:
    """Check the pictures of an operation on frames."""
    return picture_problems(order, rules)


def accepted(payload: Mapping[str, Any]) -> Accepted:
    """Read the answer to a submission. Raise ProviderError (UNKNOWN) when it names no task."""
    task_id = as_identifier(payload.get("task_id")) or as_identifier(payload.get("id"))
    if not task_id:
        raise ProviderError(ErrorKind.UNKNOWN, Reason.VENDOR, for_log("an answer without a task id", _said(payload)))
    return Accepted(task_id, as_count(payload.get("credits")))


def status(
    payload: Mapping[str, Any],
    asked: str = "",
    operation: Operation | None = None,
    words: Mapping[str, Progress] = WORDS,
) -> Status:
    """Read a task as a query, a list or a callback tells it. Raise NotUnderstood when it has no id or no state.

    `asked`: the id the question was about, for answers that do not repeat it, as Vidu's documented ones.
    `operation`: what was asked for; None: the answer's own `type` tells whether its results are pictures.
    """
    task_id = as_identifier(payload.get("task_id")) or as_identifier(payload.get("id")) or asked
    word = as_text(payload.get("state")) or as_text(payload.get("status"))
    if not task_id or not word:
        raise NotUnderstood("no task id" if word else "no state")
    progress = words.get(word.lower(), Progress.RUNNING)
    creations = as_objects(payload.get("creations"))
    # A watermarked copy comes beside the plain one (Vidu, get-generation, read 2026-11); where none was asked for, a
    # reseller's answer shows an empty text.
    links = [link for one in creations if (link := as_link(one.get("watermarked_url")) or as_link(one.get("url")))]
    outputs = tuple(OutputLink(link, _kind(payload, operation)) for link in links[:MOST_OUTPUTS])
    code = as_text(payload.get("err_code"))
    reason, detail = None, for_log(code, as_text(payload.get("err_msg")))
    if progress is Progress.FAILED:
        reason = REASONS.get(code, Reason.VENDOR)
        if code == CANCELLED_BY_USER:
            progress, reason = Progress.CANCELLED, None
    elif progress is Progress.SUCCEEDED and not outputs:
        # A creation held back by the vendor's review comes without an address (inferred; no document says it).
        progress, reason = Progress.FAILED, Reason.CONTENT if creations else Reason.VENDOR
        detail = for_log("success without a result", detail)
    return Status(
        task_id=task_id,
        progress=progress,
        word=word[:64],
        outputs=outputs if progress is Progress.SUCCEEDED else (),
        credits=as_count(payload.get("credits")),
        reason=reason,
        detail=detail,
        echo=as_text(payload.get("payload")) or None,
        prompt=as_text(payload.get("prompt")) or None,
        model=as_text(payload.get("model")) or None,
        created_at=as_moment(payload.get("created_at")),
    )


def _kind(payload: Mapping[str, Any], operation: Operation | None) -> str:
    if operation is not None:
        return operation.makes
    return "image" if "2image" in as_text(payload.get("type")) else "video"


def answered(
    payload: Mapping[str, Any],
    asked: str,
    operation: Operation | None = None,
    words: Mapping[str, Progress] = WORDS,
) -> Status:
    """Read the answer to a query. Raise ProviderError (UNKNOWN) when it is none."""
    try:
        return status(payload, asked, operation, words)
    except NotUnderstood as error:
        said = for_log(f"an answer with {error}", _said(payload))
    raise ProviderError(ErrorKind.UNKNOWN, Reason.VENDOR, said)


def explain(http: int, payload: Mapping[str, Any]) -> Fault:
    """Say what a refusal means. The name in `reason` or `err_code` counts for more than the HTTP status."""
    kind, reason = by_status(http)
    name = as_text(payload.get("reason")) or as_text(payload.get("err_code"))
    reason = REASONS.get(name, reason)
    if kind is ErrorKind.THROTTLED and reason is not Reason.BUSY:
        kind = ErrorKind.REJECTED  # waiting does not mend it
    elif kind is ErrorKind.REJECTED and reason is Reason.BUSY:
        kind = ErrorKind.THROTTLED
    return kind, reason, _said(payload)


def explain_reseller(http: int, payload: Mapping[str, Any]) -> Fault:
    """Read a refusal as Vidu's; as resellers document none, a 404 in JSON is enough to say "no such task"."""
    kind, reason, detail = explain(http, payload)
    return kind, (Reason.NOT_FOUND if http == 404 and payload else reason), detail


def _said(payload: Mapping[str, Any]) -> str:
    inner = as_object(payload.get("error"))
    texts = [payload.get(name) for name in ("reason", "err_code", "message", "err_msg", "msg", "error")]
    trace = as_object(payload.get("metadata")).get("trace_id")
    return for_log(*(as_text(text) for text in texts), as_text(inner.get("message")), as_text(trace))
