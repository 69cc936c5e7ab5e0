"""What every API in Kling's shape has in common: its envelope, its words, its codes. No address and no key lives here.

Kling itself speaks it, in an older and a newer dialect, and resellers pass it on; reading takes all of them.
"""

import base64
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from math import ceil
from typing import Any

from .call import Fault, by_status
from .checks import PictureRules, address_of
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
)
from .orders import Picture
from .reading import (
    MOST_CREDITS,
    as_count,
    as_identifier,
    as_link,
    as_object,
    as_objects,
    as_text,
    for_log,
    reason_told,
)

# Kling's modes are named std and pro; what they mean in pixels is general knowledge, the pages name none.
MODES: Mapping[str, str] = {"720p": "std", "1080p": "pro"}

# Kling counts in units. Sold singly a unit is US$0.14, and a credit of ours is US$0.005: general knowledge, 2026-11.
CREDITS_A_UNIT = 28

# Kling, Error Code, read 2026-11. What is not here is judged by its HTTP status.
CODES: Mapping[int, tuple[ErrorKind, Reason]] = {
    **dict.fromkeys((1000, 1001, 1002, 1003, 1004), (ErrorKind.REJECTED, Reason.ACCESS)),
    1100: (ErrorKind.REJECTED, Reason.ACCESS),  # account abnormal, as HTTP 429
    1101: (ErrorKind.REJECTED, Reason.CREDIT),  # in arrears, as HTTP 429
    1102: (ErrorKind.REJECTED, Reason.CREDIT),  # resource pack used up, as HTTP 429
    1103: (ErrorKind.REJECTED, Reason.ACCESS),
    1200: (ErrorKind.REJECTED, Reason.BAD_ORDER),
    1201: (ErrorKind.REJECTED, Reason.BAD_ORDER),
    1202: (ErrorKind.REJECTED, Reason.ACCESS),  # method not allowed: the address is wrong
    1203: (ErrorKind.REJECTED, Reason.NOT_FOUND),  # no such task, or no such model
    1300: (ErrorKind.REJECTED, Reason.CONTENT),
    1301: (ErrorKind.REJECTED, Reason.CONTENT),
    1302: (ErrorKind.THROTTLED, Reason.BUSY),  # too fast
    1303: (ErrorKind.THROTTLED, Reason.BUSY),  # more at once than the pack allows
    1304: (ErrorKind.REJECTED, Reason.ACCESS),  # our address is not on their list, as HTTP 429
    **dict.fromkeys((5000, 5001, 5002), (ErrorKind.UNKNOWN, Reason.VENDOR)),
}
OUT_OF_TIME = (1003, 1004)  # a token that is not valid yet, or has expired: a new one may pass

_WORDS = {
    "submitted": Progress.WAITING,
    "processing": Progress.RUNNING,
    "succeed": Progress.SUCCEEDED,  # /v1 tasks
    "succeeded": Progress.SUCCEEDED,  # tasks of the newer API
    "failed": Progress.FAILED,
}
_MOST_OUTPUTS = 10
_MOST_BILLS = 100
_MOST_MILLISECONDS = 10**14


def mode_of(resolution: str | None) -> str | None:
    """Write a resolution as Kling's mode; one the table has no word for as it is: later models have "4k"."""
    return MODES.get(resolution, resolution.lower()) if resolution else None


def explain(http: int, payload: Mapping[str, Any]) -> Fault:
    """Say what a refusal means. Kling's code counts for more than the HTTP status, except that a 5xx is never clear."""
    code = as_count(payload.get("code"))
    kind, reason = by_status(http)
    if http < 500 and code is not None and code in CODES:
        kind, reason = CODES[code]
    return kind, reason, for_log(code, as_text(payload.get("message")), as_text(payload.get("request_id")))


def data_of(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Open the envelope of an answer. Raise ProviderError when it holds a refusal although the HTTP status is a 2xx."""
    code = as_count(payload.get("code"))
    if code == 0 and isinstance(payload.get("data"), dict):
        return as_object(payload.get("data"))
    _, _, said = explain(200, payload)
    kind, reason = CODES.get(code or 0, (ErrorKind.UNKNOWN, Reason.VENDOR))
    raise ProviderError(kind, reason, for_log("HTTP 200", said))


def accepted(payload: Mapping[str, Any]) -> Accepted:
    """Read the answer to a submission. Raise ProviderError (UNKNOWN) when it names no task."""
    task_id = as_identifier(data_of(payload).get("task_id"))
    if not task_id:
        raise ProviderError(ErrorKind.UNKNOWN, Reason.VENDOR, "an answer without a task id")
    return Accepted(task_id)


def refused_submission(error: ProviderError) -> ProviderError:
    """Read a refusal of a new task: of it only the model can be unknown, so that "not found" means a bad order."""
    reason = Reason.BAD_ORDER if error.reason is Reason.NOT_FOUND else error.reason
    return ProviderError(error.kind, reason, error.detail, error.retry_after)


def answered(payload: Mapping[str, Any]) -> Status:
    """Read the answer to a query. Raise ProviderError (UNKNOWN) when it is none."""
    try:
        return status_of(data_of(payload))
    except NotUnderstood as error:
        said = f"an answer with {error}"
    raise ProviderError(ErrorKind.UNKNOWN, Reason.VENDOR, said)


def callback(payload: Mapping[str, Any]) -> Status:
    """Read a callback: flat as documented, or in the envelope of a query's answer. Raise NotUnderstood."""
    return status_of(as_object(payload.get("data")) or payload)


def status_of(task: Mapping[str, Any]) -> Status:
    """Read a task of either dialect. Raise NotUnderstood when it has no id or no status."""
    task_id = as_identifier(task.get("task_id")) or as_identifier(task.get("id"))
    word = as_text(task.get("task_status")) or as_text(task.get("status"))
    if not task_id or not word:
        raise NotUnderstood("no task id" if word else "no status")
    progress = _WORDS.get(word.lower(), Progress.RUNNING)
    detail = for_log(as_text(task.get("task_status_msg")) or as_text(task.get("message")))
    reason = None
    outputs = _outputs(task) if progress is Progress.SUCCEEDED else ()
    if progress is Progress.SUCCEEDED and not outputs:
        progress, reason, detail = Progress.FAILED, Reason.VENDOR, for_log("success without a result", detail)
    elif progress is Progress.FAILED:
        reason = reason_told(detail)
    echo = as_text(as_object(task.get("task_info")).get("external_task_id")) or as_text(task.get("external_id"))
    return Status(
        task_id=task_id,
        progress=progress,
        word=word[:64],
        outputs=outputs,
        credits=_credits(task),
        reason=reason,
        detail=detail,
        echo=echo or None,
        created_at=_moment(task.get("created_at", task.get("create_time"))),
    )


def balance(payload: Mapping[str, Any]) -> Balance:
    """Add up what is left of the resource packs that can be used now. Raise ProviderError when the answer tells none.

    Kling, Account Information Inquiry, read 2026-11: an envelope within the envelope has a code of its own.
    """
    data = data_of(payload)
    if as_count(data.get("code", 0)) != 0 or not isinstance(data.get("resource_pack_subscribe_infos"), list):
        raise ProviderError(
            ErrorKind.UNKNOWN, Reason.VENDOR, for_log("an answer without packs", as_text(data.get("msg")))
        )
    packs = as_objects(data.get("resource_pack_subscribe_infos"), _MOST_BILLS)
    usable = [pack for pack in packs if pack.get("status") == "online"]
    left = sum((_units(pack.get("remaining_quantity")) or Decimal(0) for pack in usable), Decimal(0))
    return Balance(min(int(left * CREDITS_A_UNIT), MOST_CREDITS), for_log("; ".join(map(_pack, packs)) or "no packs"))


def _pack(pack: Mapping[str, Any]) -> str:
    left, total = (_units(pack.get(name)) for name in ("remaining_quantity", "total_quantity"))
    return f"{as_text(pack.get('resource_pack_name'))}: {left} of {total} units, {as_text(pack.get('status'))}"


def bare_picture(picture: Picture, rules: PictureRules) -> str:
    """Give a picture as an address, or as bare base64: Kling refuses the prefix of a data address."""
    return address_of(picture, rules) or base64.b64encode(picture.data).decode("ascii")


def _outputs(task: Mapping[str, Any]) -> tuple[OutputLink, ...]:
    result = as_object(task.get("task_result"))
    found = [(item, "video") for item in as_objects(result.get("videos"))]
    found += [(item, "image") for item in as_objects(result.get("images"))]
    found += [
        (item, "image" if as_text(item.get("type")).lower() == "image" else "video")
        for item in as_objects(task.get("outputs"))
    ]
    links = [OutputLink(link, kind) for item, kind in found if (link := _link(item))]
    return tuple(links[:_MOST_OUTPUTS])


def _link(item: Mapping[str, Any]) -> str:
    """Take the watermarked copy where there is one: it is empty unless it was asked for (Callbacks, read 2026-11)."""
    return as_link(item.get("watermark_url")) or as_link(item.get("url"))


def _credits(task: Mapping[str, Any]) -> int | None:
    """Turn the units a task took into credits, rounded up. Where money was taken in their place, nothing is known.

    Old tasks tell one number, new ones a list of bills: an answer with both says the same thing twice.
    """
    bills = as_objects(task.get("billing"), _MOST_BILLS)
    total = _units(task.get("final_unit_deduction"))
    amounts = [total] if total is not None else [_units(bill.get("amount")) for bill in bills if _charged(bill, "unit")]
    known = [amount for amount in amounts if amount is not None]
    if not any(known) and _money(task, bills):
        return None
    return min(ceil(sum(known) * CREDITS_A_UNIT), MOST_CREDITS) if known else None


def _money(task: Mapping[str, Any], bills: Sequence[Mapping[str, Any]]) -> bool:
    """Say whether the account's balance paid. What a unit of money is worth in credits no page tells."""
    balance = as_object(task.get("final_balance_deduction"))
    amounts = [balance.get("quota", balance.get("list_price")), task.get("final_balance_deduction")]
    amounts += [bill.get("amount") for bill in bills if _charged(bill, "cash")]
    return any(_units(amount) for amount in amounts)


def _charged(bill: Mapping[str, Any], kind: str) -> bool:
    return bill.get("charge_type") == kind


def _units(value: object) -> Decimal | None:
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else as_text(value)
    try:
        units = Decimal(text[:32])
    except InvalidOperation:
        return None
    return units if units.is_finite() and 0 <= units <= MOST_CREDITS else None


def _moment(value: object) -> float | None:
    """Turn Kling's milliseconds into epoch seconds."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < _MOST_MILLISECONDS:
        return None
    return value / 1000
