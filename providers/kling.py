"""Kling's own API: text2video and image2video, looked up by our reference too, with callbacks that may be signed.

Documents: kling.ai/document-api, pages "Image to Video", "Text to Video", "Capability Map", "Callbacks",
"Authentication", "Error Code"; read 2026-11, most of them as stored copies. No call to cancel a task is documented.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from math import ceil
from typing import Any
from urllib.parse import quote

import aiohttp
import jwt

from . import checks, signatures
from .call import Api, Fault, by_status
from .contract import (
    Accepted,
    Account,
    Callback,
    ErrorKind,
    NotUnderstood,
    OutputLink,
    Progress,
    ProviderError,
    Reason,
    Status,
    Submission,
    Task,
    Trust,
    Verified,
)
from .orders import Extra, Model, Operation, Order, Picture, Problem, Role, Rule
from .reading import (
    MOST_CREDITS,
    as_count,
    as_identifier,
    as_link,
    as_object,
    as_objects,
    as_text,
    for_log,
    read_object,
)

NAME, TITLE = "kling", "Kling"
BASE_URLS = ("https://api-singapore.klingai.com",)  # Authentication: for servers outside China
MOST_PROMPT = 2500  # characters; both pages
TOKEN_LIFE, TOKEN_EARLY, TOKEN_USE = 1800.0, 5.0, 1500.0  # seconds; Authentication: exp = now + 1800, nbf = now - 5

_PATHS = {
    Operation.TEXT_TO_VIDEO: "/v1/videos/text2video",
    Operation.IMAGE_TO_VIDEO: "/v1/videos/image2video",
    Operation.START_END_TO_VIDEO: "/v1/videos/image2video",
}

# Image to Video: jpg and png up to 10 MB, sides of 300 pixels and more, 1:2.5 to 2.5:1. The ratio is stated for the
# first frame alone, but a last frame of another shape could not be reached from it.
_PICTURES = checks.PictureRules(
    formats=("image/png", "image/jpeg"),
    most_bytes=10_000_000,
    most_inline_bytes=20_000_000,
    shortest_side=300,
    widest=Fraction(5, 2),
)

# Kling's modes are named std and pro; what they mean in pixels is general knowledge, the pages name none.
_MODES = {"720p": "std", "1080p": "pro"}
_BOTH, _PRO, _NONE = ("720p", "1080p"), ("1080p",), ()


def _row(
    name: str, resolutions: tuple[str, ...], durations: tuple[int, ...] = (5, 10), *, audio: bool = False
) -> Model:
    default = resolutions[0] if resolutions else ""
    return Model(name, durations, durations[0], resolutions, default, audio=audio)


def _shaped(name: str, resolutions: tuple[str, ...], *, audio: bool = False) -> Model:
    """Text to Video: the picture's shape is chosen by the order alone."""
    default = resolutions[0] if resolutions else ""
    return Model(name, (5, 10), 5, resolutions, default, ("16:9", "9:16", "1:1"), "16:9", audio=audio)


# Capability Map. The master models have no mode; sound goes with v2-6 in pro, and not towards a last frame.
_MODELS: dict[Operation, tuple[Model, ...]] = {
    Operation.TEXT_TO_VIDEO: (
        _shaped("kling-v2-6", _BOTH, audio=True),
        _shaped("kling-v2-5-turbo", _BOTH),
        _shaped("kling-v2-1-master", _NONE),
        _shaped("kling-v2-master", _NONE),
        _shaped("kling-v1-6", _BOTH),
        _shaped("kling-v1", _BOTH),
    ),
    Operation.IMAGE_TO_VIDEO: (
        _row("kling-v2-6", _BOTH, audio=True),
        _row("kling-v2-5-turbo", _BOTH),
        _row("kling-v2-1", _BOTH),
        _row("kling-v2-1-master", _NONE),
        _row("kling-v2-master", _NONE),
        _row("kling-v1-6", _BOTH),
        _row("kling-v1-5", _BOTH),
        _row("kling-v1", _BOTH),
    ),
    Operation.START_END_TO_VIDEO: (
        _row("kling-v2-6", _PRO),
        _row("kling-v2-5-turbo", _PRO),
        _row("kling-v2-1", _PRO),
        _row("kling-v1-6", _PRO),
        _row("kling-v1-5", _PRO),
        _row("kling-v1", _BOTH, (5,)),
    ),
}

# Kling counts in units. Sold singly a unit is US$0.14, and a credit of ours is US$0.005: general knowledge, 2026-11.
CREDITS_A_UNIT = 28
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

# Error Code. What is not here is judged by its HTTP status.
_CODES: dict[int, tuple[ErrorKind, Reason]] = {
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

_WORDS = {
    "submitted": Progress.WAITING,
    "processing": Progress.RUNNING,
    "succeed": Progress.SUCCEEDED,  # /v1 tasks
    "succeeded": Progress.SUCCEEDED,  # tasks of the newer API
    "failed": Progress.FAILED,
}
_MOST_OUTPUTS = 10
_MOST_BILLS = 100


class Kling:
    """The Kling adapter."""

    name = NAME
    title = TITLE
    can_find = True
    takes_bytes = True

    def __init__(self, account: Account, session: aiohttp.ClientSession, clock: Callable[[], float]) -> None:
        self._account = account
        self._clock = clock
        self._token: tuple[float, str] | None = None  # when it was made, and itself
        self._api = Api(session, account.base_urls or BASE_URLS, self._headers, explain, clock=clock)

    def _headers(self) -> Mapping[str, str]:
        """Authentication: an API key as it is, or a token signed with the secret key."""
        if self._account.api_keys:
            return {"Authorization": f"Bearer {self._account.api_keys[0]}"}
        now = self._clock()
        if self._token is None or not 0 <= now - self._token[0] < TOKEN_USE:
            claims = {"iss": self._account.access_key, "exp": int(now + TOKEN_LIFE), "nbf": int(now - TOKEN_EARLY)}
            self._token = now, jwt.encode(claims, self._account.secret_key, algorithm="HS256")
        return {"Authorization": f"Bearer {self._token[1]}"}

    def operations(self) -> tuple[Operation, ...]:
        """Name what Kling can do here."""
        return tuple(_MODELS)

    def can_cancel(self, operation: Operation) -> bool:
        """Say whether a task of this operation can be stopped."""
        del operation
        return False

    def extras(self, operation: Operation) -> tuple[Extra, ...]:
        """List the further choices of an operation."""
        del operation
        return ()

    def models(self, operation: Operation) -> tuple[Model, ...]:
        """List the models of an operation, the default one first."""
        return _MODELS.get(operation, ())

    def fill(self, order: Order) -> Order:
        """Put Kling's defaults where the member said nothing; asked for sound, the mode that can make it."""
        if order.audio and order.resolution is None:
            known = checks.model_of(self.models(order.operation), order.model)
            if known is not None and known.audio:
                order = replace(order, resolution="1080p")
        return checks.fill(order, self.models(order.operation))

    def problems(self, order: Order) -> list[Problem]:
        """Check a filled order. The prompt is needed for text alone; no seed is documented."""
        models = self.models(order.operation)
        problems = [
            *checks.prompt_problems(order, required=order.operation is Operation.TEXT_TO_VIDEO, most=MOST_PROMPT),
            *checks.model_problems(order, models),
            *checks.seed_problems(order, None),
            *checks.picture_problems(order, _PICTURES, checks.FRAMES.get(order.operation, {})),
        ]
        known = checks.model_of(models, order.model)
        if known is not None and known.audio and order.audio and order.resolution == "720p":
            problems.append(Problem("audio", Rule.NOT_TOGETHER, given="720p"))
        return problems

    def price(self, order: Order) -> int | None:
        """Estimate a filled order in credits; None for a model or a combination the table does not know."""
        known = checks.model_of(self.models(order.operation), order.model)
        if known is None or order.duration not in known.durations:
            return None
        if order.resolution is not None and order.resolution not in known.resolutions:
            return None
        mode = _MODES.get(order.resolution or "", "")
        units = _UNITS.get((known.name, mode + " with sound" if order.audio else mode))
        return None if units is None else ceil(units * CREDITS_A_UNIT * order.duration / 5)

    async def submit(self, submission: Submission) -> Accepted:
        """Create a task. Raise ProviderError."""
        body = self._body(submission)
        try:
            payload = await self._api.call("POST", _PATHS[submission.order.operation], json=body)
            task_id = as_identifier(_data(payload).get("task_id"))
        except ProviderError as error:
            if error.reason is not Reason.NOT_FOUND:
                raise
            failure = error
        else:
            if task_id:
                return Accepted(task_id)
            raise ProviderError(ErrorKind.UNKNOWN, Reason.VENDOR, "an answer without a task id")
        # Of a new task only the model can be unknown.
        raise ProviderError(failure.kind, Reason.BAD_ORDER, failure.detail, failure.retry_after)

    def _body(self, submission: Submission) -> dict[str, Any]:
        order = submission.order
        pictures = {picture.role: _picture(picture) for picture in order.pictures}
        known = checks.model_of(self.models(order.operation), order.model)
        sound = None
        if order.audio is not None and (order.audio if known is None else known.audio):
            sound = "on" if order.audio else "off"
        fields = {
            "model_name": order.model,  # never "model": that is taken to mean the oldest one
            "mode": _MODES.get(order.resolution or ""),
            "duration": None if order.duration is None else str(order.duration),
            "image": pictures.get(Role.FIRST_FRAME),
            "image_tail": pictures.get(Role.LAST_FRAME),
            "prompt": order.prompt or None,
            "aspect_ratio": order.aspect_ratio,
            "sound": sound,
            "callback_url": submission.callback_url,
            "external_task_id": submission.reference,
        }
        return {name: value for name, value in fields.items() if value is not None}

    async def query(self, task: Task) -> Status:
        """Ask how a task is, at the path of its operation. Raise ProviderError."""
        return await self._ask(task.operation, task.task_id)

    async def find(self, task: Task, since: float) -> Status | None:
        """Look a task up by our reference, which Kling takes in place of its own id. Raise ProviderError."""
        del since
        try:
            status = await self._ask(task.operation, task.reference)
        except ProviderError as error:
            if error.reason is Reason.NOT_FOUND:
                return None
            raise
        if status.echo not in (None, task.reference):
            raise ProviderError(ErrorKind.UNKNOWN, Reason.VENDOR, "the answer is about another task")
        return status

    async def _ask(self, operation: Operation, identifier: str) -> Status:
        payload = await self._api.call("GET", f"{_PATHS[operation]}/{quote(identifier, safe='')}")
        try:
            return status_of(_data(payload))
        except NotUnderstood as error:
            said = f"an answer with {error}"
        raise ProviderError(ErrorKind.UNKNOWN, Reason.VENDOR, said)

    async def cancel(self, task: Task) -> None:
        """Refuse: Kling documents no way to stop a task. Raise ProviderError."""
        del task
        raise ProviderError(ErrorKind.REJECTED, Reason.VENDOR, "Kling cannot cancel")

    def verify(self, callback: Callback, now: float) -> Verified:
        """With a webhook secret demand its signature, which covers the body. Raise NotAuthentic.

        Kling signs nothing until a secret is made in its console (Callbacks); then a callback is a doorbell.
        """
        if self._account.webhook_secrets:
            delivery = signatures.standard_webhooks(callback, self._account.webhook_secrets, now)
            return Verified(Trust.DATA, delivery)
        return Verified(Trust.DOORBELL, signatures.digest(callback))

    def read_callback(self, body: bytes) -> Status:
        """Read a callback: flat as documented, or in the envelope of a query's answer. Raise NotUnderstood."""
        payload = read_object(body)
        return status_of(as_object(payload.get("data")) or payload)


def explain(http: int, payload: Mapping[str, Any]) -> Fault:
    """Say what a refusal means. Kling's code counts for more than the HTTP status, except that a 5xx is never clear."""
    code = as_count(payload.get("code"))
    kind, reason = by_status(http)
    if http < 500 and code in _CODES:
        kind, reason = _CODES[code]
    return kind, reason, for_log(code, as_text(payload.get("message")), as_text(payload.get("request_id")))


def status_of(task: Mapping[str, Any]) -> Status:
    """Read a task of either API. Raise NotUnderstood when it has no id or no status."""
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
        reason = _reason(detail)
    echo = as_text(as_object(task.get("task_info")).get("external_task_id")) or as_text(task.get("external_id"))
    return Status(task_id, progress, word[:64], outputs, _credits(task), reason, detail, echo or None)


def _data(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Open the envelope of an answer. Raise ProviderError when it holds a refusal although the HTTP status is a 2xx."""
    code = as_count(payload.get("code"))
    if code == 0 and isinstance(payload.get("data"), dict):
        return as_object(payload.get("data"))
    _, _, said = explain(200, payload)
    kind, reason = _CODES.get(code or 0, (ErrorKind.UNKNOWN, Reason.VENDOR))
    raise ProviderError(kind, reason, for_log("HTTP 200", said))


def _outputs(task: Mapping[str, Any]) -> tuple[OutputLink, ...]:
    result = as_object(task.get("task_result"))
    found = [(item, "video") for item in as_objects(result.get("videos"))]
    found += [(item, "image") for item in as_objects(result.get("images"))]
    found += [(item, as_text(item.get("type")) or "video") for item in as_objects(task.get("outputs"))]
    links = [OutputLink(link, kind) for item, kind in found if (link := as_link(item.get("url")))]
    return tuple(links[:_MOST_OUTPUTS])


def _credits(task: Mapping[str, Any]) -> int | None:
    """Turn the units a task took into credits, rounded up; money taken instead of units is not counted here."""
    bills = [bill for bill in as_objects(task.get("billing"), _MOST_BILLS) if bill.get("charge_type") == "unit"]
    amounts = [_units(task.get("final_unit_deduction")), *(_units(bill.get("amount")) for bill in bills)]
    known = [amount for amount in amounts if amount is not None]
    return min(ceil(sum(known) * CREDITS_A_UNIT), MOST_CREDITS) if known else None


def _units(value: object) -> Decimal | None:
    text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else as_text(value)
    try:
        units = Decimal(text[:32])
    except InvalidOperation:
        return None
    return units if units.is_finite() and 0 <= units <= MOST_CREDITS else None


def _reason(message: str) -> Reason:
    """Guess from a failed task's text whether the content was refused; the page names risk control as its example."""
    lowered = message.lower()
    return Reason.CONTENT if any(word in lowered for word in ("risk", "policy", "sensitive")) else Reason.VENDOR


def _picture(picture: Picture) -> str:
    """Give a picture as an address, or as bare base64: Kling refuses the prefix of a data address."""
    address = checks.address_of(picture, _PICTURES)
    return address or base64.b64encode(picture.data).decode("ascii")
