"""What every API in Vidu's shape has in common: its bodies, its words, its reasons. No address and no key lives here.

Vidu itself speaks it, and resellers do with small differences, so that reading is lenient: `id` or `task_id`, `state`
or `status`, credits as a number or as digits.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from .call import Fault, by_status
from .checks import FRAMES, PictureRules, address_of, in_order, model_of, picture_problems
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
from .orders import Model, Operation, Order, Picture, Problem, Role, Rule
from .reading import as_count, as_identifier, as_link, as_moment, as_object, as_objects, as_text, for_log

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

_WORDS = {
    "created": Progress.WAITING,
    "queueing": Progress.WAITING,
    "processing": Progress.RUNNING,
    "success": Progress.SUCCEEDED,
    "failed": Progress.FAILED,
}


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


def request_body(submission: Submission, pictures: PictureRules, fields: Sequence[str]) -> dict[str, Any]:
    """Build the body of a submission from the fields this vendor documents for the operation."""
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
    }
    body = {name: known[name] for name in fields if known[name] is not None}
    if order.pictures:
        body["images"] = [
            address_of(picture, pictures) or _data_url(picture)
            for picture in in_order(order, Role.FIRST_FRAME, Role.LAST_FRAME)
        ]
    return body


def _data_url(picture: Picture) -> str:
    """Write a picture with the prefix that Vidu demands."""
    return f"data:{picture.mime};base64,{base64.b64encode(picture.data).decode('ascii')}"


def frame_problems(order: Order, rules: PictureRules) -> list[Problem]:
    """Check the pictures, and of a pair that both are about the same size."""
    problems = picture_problems(order, rules, FRAMES.get(order.operation, {}))
    frames = {picture.role: picture for picture in order.pictures}
    first, last = frames.get(Role.FIRST_FRAME), frames.get(Role.LAST_FRAME)
    if not problems and first is not None and last is not None:
        low, high = CLOSE_ENOUGH
        if not low <= Fraction(first.width * first.height, last.width * last.height) <= high:
            problems.append(Problem("last_frame", Rule.NOT_TOGETHER, given="first_frame", allowed=("0.8", "1.25")))
    return problems


def accepted(payload: Mapping[str, Any]) -> Accepted:
    """Read the answer to a submission. Raise ProviderError (UNKNOWN) when it names no task."""
    task_id = as_identifier(payload.get("task_id")) or as_identifier(payload.get("id"))
    if not task_id:
        raise ProviderError(ErrorKind.UNKNOWN, Reason.VENDOR, for_log("an answer without a task id", _said(payload)))
    return Accepted(task_id, as_count(payload.get("credits")))


def status(payload: Mapping[str, Any], asked: str = "") -> Status:
    """Read a task as a query, a list or a callback tells it. Raise NotUnderstood when it has no id or no state.

    `asked`: the id the question was about, for answers that do not repeat it, as Vidu's documented ones.
    """
    task_id = as_identifier(payload.get("task_id")) or as_identifier(payload.get("id")) or asked
    word = as_text(payload.get("state")) or as_text(payload.get("status"))
    if not task_id or not word:
        raise NotUnderstood("no task id" if word else "no state")
    progress = _WORDS.get(word.lower(), Progress.RUNNING)
    creations = as_objects(payload.get("creations"))
    links = [link for creation in creations if (link := as_link(creation.get("url")))]
    outputs = tuple(OutputLink(link) for link in links[:MOST_OUTPUTS])
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


def answered(payload: Mapping[str, Any], asked: str) -> Status:
    """Read the answer to a query. Raise ProviderError (UNKNOWN) when it is none."""
    try:
        return status(payload, asked)
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


def _said(payload: Mapping[str, Any]) -> str:
    inner = as_object(payload.get("error"))
    texts = [payload.get(name) for name in ("reason", "err_code", "message", "err_msg", "msg", "error")]
    trace = as_object(payload.get("metadata")).get("trace_id")
    return for_log(*(as_text(text) for text in texts), as_text(inner.get("message")), as_text(trace))
