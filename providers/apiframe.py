"""Apiframe's first API (api.apiframe.pro): Kling's older models by text, picture, and first and last frame.

Document: docs.apiframe.ai, "Kling: Imagine", "Webhooks", "Fetch", "Account", read 2026-11. It states neither prices nor
what a failed task looks like, has no way to stop a task, and repeats nothing of ours but the secret of each webhook.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

import aiohttp

from . import checks, signatures
from .call import Api, Fault, by_status
from .contract import (
    Accepted,
    Account,
    Balance,
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
from .orders import Extra, Kind, Model, Operation, Order, Problem, Role, Rule
from .reading import as_count, as_identifier, as_link, as_object, as_objects, as_text, for_log, read_object, reason_told

NAME, TITLE = "apiframe", "Apiframe"
BASE_URLS = ("https://api.apiframe.pro",)
RESULT_HOSTS = ("apiframe.pro",)  # the examples of its picture pages; the video pages blot the host out (read 2026-11)
MOST_PROMPT = 2500  # characters; not stated, so Kling's own limit, which makes the videos

_TYPES = {  # generation_type; an end frame goes with image2video
    Operation.TEXT_TO_VIDEO: "text2video",
    Operation.IMAGE_TO_VIDEO: "image2video",
    Operation.START_END_TO_VIDEO: "image2video",
}
# Pictures are addresses. No limits are stated for them; Kling's own are taken (Kling, image-to-video, read 2026-11).
_PICTURES = checks.PictureRules(
    formats=("image/png", "image/jpeg"), most_bytes=10_000_000, shortest_side=300, addresses_only=True
)
_MODES = {"720p": "std", "1080p": "pro"}  # as at Kling: the document names only the modes
_RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "21:9")


def _model(name: str, ratios: tuple[str, ...]) -> Model:
    """Only kling-v1-5 works with pro, the document says, although Kling itself has it for others too."""
    resolutions = ("720p", "1080p") if name == "kling-v1-5" else ("720p",)
    return Model(name, (5, 10), 5, resolutions, "720p", ratios, ratios[0] if ratios else None)


_NAMES = ("kling-v1-6", "kling-v1-5", "kling-v1")
_MODELS = {
    operation: tuple(_model(name, _RATIOS if operation is Operation.TEXT_TO_VIDEO else ()) for name in _NAMES)
    for operation in _TYPES
}
_EXTRAS = (
    Extra("negative_prompt", Kind.TEXT, most=MOST_PROMPT),
    Extra("cfg_scale", Kind.DECIMAL, least=0, most=1),
)

# The document shows processing and finished; the others were seen in code that uses the API, or are their like.
_WORDS = {
    "pending": Progress.WAITING,
    "queued": Progress.WAITING,
    "staged": Progress.WAITING,
    "starting": Progress.WAITING,
    "processing": Progress.RUNNING,
    "retry": Progress.RUNNING,
    "finished": Progress.SUCCEEDED,
    "completed": Progress.SUCCEEDED,
    "success": Progress.SUCCEEDED,
    "failed": Progress.FAILED,
    "error": Progress.FAILED,
}


class Apiframe:
    """The Apiframe adapter."""

    name = NAME
    title = TITLE
    can_find = False

    def __init__(self, account: Account, session: aiohttp.ClientSession, clock: Callable[[], float]) -> None:
        self._keys = account.api_keys
        self._api = Api(session, account.base_urls or BASE_URLS, self._headers, _explain, clock=clock)

    def _headers(self) -> Mapping[str, str]:
        return {"Authorization": self._keys[0] if self._keys else ""}  # the key alone, without a scheme

    def operations(self) -> tuple[Operation, ...]:
        """Name what Apiframe can do here."""
        return tuple(_TYPES)

    def can_cancel(self, operation: Operation) -> bool:
        """Say no: no way to stop a task is documented."""
        del operation
        return False

    def extras(self, operation: Operation) -> tuple[Extra, ...]:
        """List the further choices of an operation."""
        return _EXTRAS if operation in _TYPES else ()

    def models(self, operation: Operation) -> tuple[Model, ...]:
        """List the models of an operation, the default one first."""
        return _MODELS.get(operation, ())

    def fill(self, order: Order) -> Order:
        """Put the defaults where the member said nothing; asked for 1080p alone, the model that can make it."""
        if order.model is None and order.resolution == "1080p":
            order = replace(order, model="kling-v1-5")
        return checks.fill(order, self.models(order.operation))

    def problems(self, order: Order) -> list[Problem]:
        """Check a filled order. The prompt is needed always; no seed and no sound are documented."""
        if order.operation not in _TYPES:
            return [Problem("operation", Rule.NOT_OFFERED, given=order.operation)]
        strokes = [Problem("strokes", Rule.NOT_OFFERED, given=order.operation)] if order.strokes else []
        return [
            *checks.prompt_problems(order, required=True, most=MOST_PROMPT),
            *checks.misplaced_model(order, _MODELS),
            *checks.model_problems(order, self.models(order.operation)),
            *checks.seed_problems(order, None),
            *checks.picture_problems(order, _PICTURES, checks.FRAMES[order.operation]),
            *checks.clip_problems(order, {}),
            *checks.extra_problems(order, _EXTRAS),
            *strokes,
        ]

    def price(self, order: Order) -> int | None:
        """Say nothing: no price is published."""
        del order

    async def submit(self, submission: Submission) -> Accepted:
        """Create a task. Raise ProviderError."""
        payload = await self._api.call("POST", "/kling-imagine", json=_body(submission))
        task_id = as_identifier(payload.get("task_id"))
        if not task_id:
            raise ProviderError(
                ErrorKind.UNKNOWN, Reason.VENDOR, for_log("an answer without a task id", _said(payload))
            )
        return Accepted(task_id)

    async def query(self, task: Task) -> Status:
        """Ask how a task is ("Fetch"). Raise ProviderError."""
        payload = await self._api.call("POST", "/fetch", json={"task_id": task.task_id})
        try:
            return status_of(payload, task.task_id)
        except NotUnderstood as error:
            said = for_log(f"an answer with {error}", _said(payload))
        raise ProviderError(ErrorKind.UNKNOWN, Reason.VENDOR, said)

    async def find(self, task: Task, since: float, known: Collection[str] = ()) -> Status | None:
        """Refuse: there is no list of tasks, and none repeats our reference. Raise ProviderError."""
        del task, since, known
        raise ProviderError(ErrorKind.NOT_SENT, Reason.VENDOR, "Apiframe has no list of tasks")

    async def cancel(self, task: Task) -> None:
        """Refuse: Apiframe documents no way to stop a task. Raise ProviderError."""
        del task
        raise ProviderError(ErrorKind.REJECTED, Reason.VENDOR, "Apiframe cannot cancel")

    async def balance(self) -> Balance:
        """Ask what is left ("Account"). What one of its credits is worth is not told. Raise ProviderError."""
        payload = await self._api.call("GET", "/account")
        left = as_count(payload.get("credits"))
        if left is None:
            raise ProviderError(ErrorKind.UNKNOWN, Reason.VENDOR, "an answer without a balance")
        plan = as_text(payload.get("plan"))
        return Balance(None, for_log(f"{left} credits of its own", f"(plan {plan})" if plan else ""))

    def verify(self, callback: Callback, now: float) -> Verified:
        """Demand this job's own secret; it stands in the clear and covers nothing: a doorbell. Raise NotAuthentic."""
        del now
        signatures.static_secret(callback.headers, "x-webhook-secret", callback.secrets())
        return Verified(Trust.DOORBELL, signatures.digest(callback))

    def read_callback(self, body: bytes) -> Status:
        """Read a callback, which has the shape of what Fetch answers. Raise NotUnderstood."""
        return status_of(read_object(body))


def _body(submission: Submission) -> dict[str, Any]:
    order = submission.order
    urls = {picture.role: picture.url for picture in order.pictures}
    if any(not url for url in urls.values()):
        raise ProviderError(ErrorKind.NOT_SENT, Reason.BAD_ORDER, "a picture without an address")
    fields: dict[str, Any] = {
        "prompt": order.prompt,
        "generation_type": _TYPES[order.operation],
        "negative_prompt": order.extras.get("negative_prompt") or None,
        "image_url": urls.get(Role.FIRST_FRAME),
        "end_image_url": urls.get(Role.LAST_FRAME),
        "mode": _MODES.get(order.resolution or "", (order.resolution or "").lower()) or None,
        "aspect_ratio": order.aspect_ratio,
        "model": order.model,
        "duration": order.duration,
        "cfg_scale": order.extras.get("cfg_scale"),
        "webhook_url": submission.callback_url,
        "webhook_secret": submission.callback_secret or None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def status_of(payload: Mapping[str, Any], asked: str = "") -> Status:
    """Read a task. Raise NotUnderstood when it has no id or no status."""
    task_id = as_identifier(payload.get("task_id")) or asked
    word = as_text(payload.get("status"))
    if not task_id or not word:
        raise NotUnderstood("no task id" if word else "no status")
    progress = _WORDS.get(word.lower(), Progress.RUNNING)
    link = as_link(payload.get("video_url"))
    detail, reason = _said(payload), None
    if progress is Progress.SUCCEEDED and not link:
        progress, reason, detail = Progress.FAILED, Reason.VENDOR, for_log("finished without a video", detail)
    elif progress is Progress.FAILED:
        reason = reason_told(detail)
    outputs = (OutputLink(link),) if progress is Progress.SUCCEEDED else ()
    return Status(task_id, progress, word[:64], outputs, reason=reason, detail=detail)


def _explain(http: int, payload: Mapping[str, Any]) -> Fault:
    """Say what a refusal means: the HTTP status tells most, for 401 and 500 come with an empty object."""
    kind, reason = by_status(http)
    said = _said(payload)
    lowered = said.lower()
    if kind is ErrorKind.REJECTED and re.search(r"(enough|insufficient|out of|no|more) (\w+ )?credits?\b", lowered):
        reason = Reason.CREDIT
    elif kind is ErrorKind.REJECTED and "task" in lowered and "not found" in lowered:
        reason = Reason.NOT_FOUND
    return kind, reason, said


def _said(payload: Mapping[str, Any]) -> str:
    """Put together what the vendor says went wrong: errors[].msg as documented, or what else was seen."""
    listed = [as_text(error.get("msg")) for error in as_objects(payload.get("errors"))]
    error = payload.get("error")
    inner = as_text(as_object(error).get("message"))
    return for_log(*listed, as_text(error), inner, as_text(payload.get("message")))
