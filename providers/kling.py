"""Kling's own API: text2video and image2video, looked up by our reference too, with callbacks that may be signed.

Documents: kling.ai/document-api, pages "Image to Video", "Text to Video", "Capability Map", "Callbacks",
"Authentication", "Error Code", "Account Information Inquiry"; read 2026-11, most of them as stored copies. No call to
cancel a task is documented.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import quote

import aiohttp

from . import checks, kling_models, kling_rules, kling_shapes, signatures
from .call import Api, Fault
from .contract import (
    Accepted,
    Account,
    Balance,
    Callback,
    ErrorKind,
    ProviderError,
    Reason,
    Status,
    Submission,
    Task,
    Trust,
    Verified,
)
from .orders import Extra, Model, Operation, Order, Problem, Role
from .reading import as_count, read_object

NAME, TITLE = "kling", "Kling"
BASE_URLS = ("https://api-singapore.klingai.com",)  # Authentication: for servers outside China
RESULT_HOSTS = (
    "kwimgs.com",
    "klingai.com",
)  # the example of "Query Task" and, at a reseller, of the same (read 2026-11)
TOKEN_LIFE, TOKEN_EARLY, TOKEN_USE = 1800.0, 5.0, 1500.0  # seconds; Authentication: exp = now + 1800, nbf = now - 5
PACKS_SINCE = 365 * 86_400.0  # seconds; a time must be said, and no pack is known to last longer

_PATHS = {
    Operation.TEXT_TO_VIDEO: "/v1/videos/text2video",
    Operation.IMAGE_TO_VIDEO: "/v1/videos/image2video",
    Operation.START_END_TO_VIDEO: "/v1/videos/image2video",
}


class Kling:
    """The Kling adapter."""

    name = NAME
    title = TITLE
    can_find = True

    def __init__(self, account: Account, session: aiohttp.ClientSession, clock: Callable[[], float]) -> None:
        self._account = account
        self._clock = clock
        self._token: tuple[float, str] | None = None  # when it was made, and itself
        self._api = Api(session, account.base_urls or BASE_URLS, self._headers, self._explain, clock=clock)

    def _headers(self) -> Mapping[str, str]:
        """Authentication: an API key as it is, or a token signed with the secret key."""
        if self._account.api_keys:
            return {"Authorization": f"Bearer {self._account.api_keys[0]}"}
        now = self._clock()
        if self._token is None or not 0 <= now - self._token[0] < TOKEN_USE:
            import jwt  # noqa: PLC0415 -- 2 MB, for accounts with a secret key alone

            claims = {"iss": self._account.access_key, "exp": int(now + TOKEN_LIFE), "nbf": int(now - TOKEN_EARLY)}
            self._token = now, jwt.encode(claims, self._account.secret_key, algorithm="HS256")
        return {"Authorization": f"Bearer {self._token[1]}"}

    def _explain(self, http: int, payload: Mapping[str, Any]) -> Fault:
        """Say what a refusal means, and what it does to the token."""
        self._judge_token(payload)
        return kling_shapes.explain(http, payload)

    def _judge_token(self, payload: Mapping[str, Any]) -> None:
        """Forget a token that is not valid yet or no more: it is not shown again."""
        if as_count(payload.get("code")) in kling_shapes.OUT_OF_TIME:
            self._token = None

    def operations(self) -> tuple[Operation, ...]:
        """Name what Kling can do here."""
        return tuple(_PATHS)

    def can_cancel(self, operation: Operation) -> bool:
        """Say whether a task of this operation can be stopped."""
        del operation
        return False

    def extras(self, operation: Operation) -> tuple[Extra, ...]:
        """List the further choices of an operation."""
        return kling_models.EXTRAS.get(operation, ())

    def models(self, operation: Operation) -> tuple[Model, ...]:
        """List the models of an operation, the default one first."""
        return kling_models.MODELS.get(operation, ())

    def fill(self, order: Order) -> Order:
        """Put Kling's defaults where the member said nothing, with a model and a mode that can do what was asked."""
        return kling_models.fill(order)

    def problems(self, order: Order) -> list[Problem]:
        """Check a filled order."""
        return kling_rules.problems(order)

    def price(self, order: Order) -> int | None:
        """Estimate a filled order in credits; None for a model or a combination the table does not know."""
        return kling_models.price(order)

    async def submit(self, submission: Submission) -> Accepted:
        """Create a task. Raise ProviderError."""
        body = _body(submission)
        try:
            answer = await self._api.call("POST", _PATHS[submission.order.operation], json=body)
            self._judge_token(answer)  # a refusal may come as a 200
            return kling_shapes.accepted(answer)
        except ProviderError as error:
            refusal = kling_shapes.refused_submission(error)
        raise refusal

    async def query(self, task: Task) -> Status:
        """Ask how a task is, at the path of its operation. Raise ProviderError."""
        return await self._ask(task.operation, task.task_id)

    async def find(self, task: Task, since: float, known: Collection[str] = ()) -> Status | None:
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
        return None if status.task_id in known else status

    async def _ask(self, operation: Operation, identifier: str) -> Status:
        """Ask about a task; once more where the token was out of time, for asking twice costs nothing."""
        path = f"{_PATHS[operation]}/{quote(identifier, safe='')}"
        return kling_shapes.answered(await self._got(path))

    async def _got(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        self._headers()  # makes the token that the call will go out with
        shown = self._token
        try:
            answer = await self._api.call("GET", path, query=query)
            self._judge_token(answer)  # a refusal may come as a 200
            if self._token is shown:
                return answer
        except ProviderError:
            if self._token is shown:
                raise
        return await self._api.call("GET", path, query=query)

    async def cancel(self, task: Task) -> None:
        """Refuse: Kling documents no way to stop a task. Raise ProviderError."""
        del task
        raise ProviderError(ErrorKind.REJECTED, Reason.VENDOR, "Kling cannot cancel")

    async def balance(self) -> Balance:
        """Ask for the resource packs of the last year and what is left of them. Raise ProviderError.

        The page warns that what is left may be up to twelve hours old.
        """
        now = self._clock()
        period = {"start_time": str(int((now - PACKS_SINCE) * 1000)), "end_time": str(int(now * 1000))}
        return kling_shapes.balance(await self._got("/account/costs", period))

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
        return kling_shapes.callback(read_object(body))


def _body(submission: Submission) -> dict[str, Any]:
    """Build the body of a submission, for a video from text and from pictures alike."""
    order = submission.order
    known = checks.model_of(kling_models.MODELS.get(order.operation, ()), order.model)
    sound = None
    if order.audio is not None and (order.audio if known is None else known.audio):
        sound = "on" if order.audio else "off"
    voices = str(order.extras.get("voice_list", "")).split()
    watermark = order.extras.get("watermark")
    fields = {
        "model_name": order.model,  # never "model": that is taken to mean the oldest one
        "mode": kling_shapes.mode_of(order.resolution),
        "duration": None if order.duration is None else str(order.duration),
        "image": _one_picture(order, Role.FIRST_FRAME),
        "image_tail": _one_picture(order, Role.LAST_FRAME),
        "prompt": order.prompt or None,
        "negative_prompt": order.extras.get("negative_prompt") or None,
        "cfg_scale": order.extras.get("cfg_scale"),
        "voice_list": [{"voice_id": voice} for voice in voices] or None,
        "sound": sound,
        "static_mask": _one_picture(order, Role.STATIC_MASK),
        "dynamic_masks": _dynamic_masks(order) or None,
        "camera_control": _camera(order),
        "aspect_ratio": order.aspect_ratio,
        "watermark_info": None if watermark is None else {"enabled": watermark},
        "callback_url": submission.callback_url,
        "external_task_id": submission.reference,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _one_picture(order: Order, role: Role) -> str | None:
    found = checks.in_order(order, role)
    return kling_shapes.bare_picture(found[0], kling_rules.PICTURES) if found else None


def _dynamic_masks(order: Order) -> list[dict[str, Any]]:
    masks = checks.in_order(order, Role.DYNAMIC_MASK)
    return [
        {
            "mask": kling_shapes.bare_picture(mask, kling_rules.PICTURES),
            "trajectories": [{"x": x, "y": y} for x, y in stroke],
        }
        for mask, stroke in zip(masks, order.strokes, strict=False)
    ]


def _camera(order: Order) -> dict[str, Any] | None:
    """Name all six axes of a simple movement, five of them zero; the other types take none."""
    kind, axis, amount = (order.extras.get(name) for name in kling_models.CAMERA_NAMES)
    if kind is None:
        return None
    if axis is None or amount is None:
        return {"type": kind}
    return {"type": kind, "config": {name: amount if name == axis else 0 for name in kling_models.CAMERA_AXES}}
