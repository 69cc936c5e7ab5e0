"""What every API in Vidu's shape has in common: its bodies, words and reasons; no address and no key.

Vidu itself speaks it, and resellers do with small differences, so that reading is lenient: `id` or `task_id`, `state`
or `status`, credits as a number or as digits.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any
from urllib.parse import quote

from . import checks, vidu_choices
from .call import Api, Fault, by_status
from .checks import FRAMES, PictureRules, Places, address_of, in_order
from .contract import (
    Accepted,
    Balance,
    ErrorKind,
    NotUnderstood,
    OutputLink,
    Progress,
    ProviderError,
    Reason,
    Status,
    Submission,
)
from .orders import Operation, Order, Picture, Problem, Role, Rule
from .reading import (
    as_count,
    as_identifier,
    as_link,
    as_moment,
    as_object,
    as_objects,
    as_text,
    for_log,
)

MOST_SEED = 2**31 - 1  # no document of Vidu's states a range; ComfyUI's Vidu nodes (read 2026-11) hold to this one
MOST_OUTPUTS = 10
_MOST_KINDS = 100  # of credits

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

_NO_SUCH_TASK = {"task_not_exist", "task_not_exists", "task_not_found", "not_found"}

WORDS: Mapping[str, Progress] = {
    "created": Progress.WAITING,
    "queueing": Progress.WAITING,
    "processing": Progress.RUNNING,
    "success": Progress.SUCCEEDED,
    "failed": Progress.FAILED,
}


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
    known |= {
        name: vidu_choices.wire(name, value) for name, value in order.extras.items() if name in vidu_choices.EXTRAS
    }
    body = {(names or {}).get(name, name): known[name] for name in fields if known.get(name) is not None}
    images = in_order(order, Role.FIRST_FRAME, Role.LAST_FRAME, Role.REFERENCE)
    if images:
        body["images"] = [address_of(picture, pictures) or _data_url(picture) for picture in images]
    return body


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
    """Read a refusal as Vidu's; as resellers document none, a 404 in JSON is enough to say "no such task".

    So is a 400 with such a code: new-api, a program that gateways of this kind run, answers so (seen in its code,
    2026-11).
    """
    kind, reason, detail = explain(http, payload)
    codes = {as_text(part.get("code")).lower() for part in (payload, as_object(payload.get("error")))}
    absent = (http == 404 and payload) or (http == 400 and not codes.isdisjoint(_NO_SUCH_TASK))
    return kind, (Reason.NOT_FOUND if absent else reason), detail


def balance(payload: Mapping[str, Any]) -> Balance:
    """Read what is left, by kind of credits. Raise ProviderError (UNKNOWN) when the answer does not say it.

    The list is named remains in the example and remaining_credits in the table (Vidu, get-account-info, read 2026-11).
    """
    rows = as_objects(payload.get("remains"), _MOST_KINDS) or as_objects(payload.get("remaining_credits"), _MOST_KINDS)
    told = [
        (as_text(row.get("type")), left) for row in rows if (left := as_count(row.get("credit_remain"))) is not None
    ]
    if not told:
        raise ProviderError(ErrorKind.UNKNOWN, Reason.VENDOR, "an answer without a balance")
    return Balance(sum(left for _, left in told), for_log(", ".join(f"{left} {kind}".strip() for kind, left in told)))


async def asked_in_turn(
    api: Api, paths: Sequence[str], task_id: str, read: Callable[[Mapping[str, Any]], Status]
) -> Status:
    """Ask a reseller about a task at each path in turn, until one of them knows it. Raise ProviderError.

    `paths`: with {id}. `read` reads an answer, and raises ProviderError where it is none. Tried on is after a page that
    is not there, a web page or a task without a state in the place of an answer, and a refusal that says that there is
    no such task. Anything else, as a key that is refused or a trouble that passes, is raised at once.
    """
    unread: list[ProviderError] = []
    missing: list[ProviderError] = []
    for path in paths:
        payload = None
        try:
            payload = await api.call("GET", path.replace("{id}", quote(task_id, safe="")))
            return read(payload)
        except ProviderError as error:
            if payload is not None or error.http == 200:
                unread.append(error)
            elif error.http == 404 or error.reason is Reason.NOT_FOUND:
                missing.append(error)
            else:
                raise
    # Where something was answered that could not be read, nobody has said that the task is not there. Else the vendor's
    # own word on the task counts for more than a page that is not there.
    told = [error for error in missing if error.reason is Reason.NOT_FOUND]
    raise (unread or told or missing)[-1]


def explain_submission(http: int, payload: Mapping[str, Any]) -> Fault:
    """Read a refusal of a new task. There is no task yet that could be unknown: not found is then the address."""
    kind, reason, detail = explain(http, payload)
    return kind, Reason.ACCESS if reason is Reason.NOT_FOUND else reason, detail


def _said(payload: Mapping[str, Any]) -> str:
    inner = as_object(payload.get("error"))
    texts = [payload.get(name) for name in ("reason", "err_code", "message", "err_msg", "msg", "error")]
    trace = as_object(payload.get("metadata")).get("trace_id")
    return for_log(*(as_text(text) for text in texts), as_text(inner.get("message")), as_text(trace))
