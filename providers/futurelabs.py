"""Futurelabs (imagine-future.com), a reseller of Vidu and Kling: the Vidu part of its API, and the door to the others.

Document: doc.futurelabsai.dev, "Vidu API Documentation", last updated 2026-05-08. It states no error table, no callback
signature and no list of tasks: under "Get Task List" stands the address of one task. So errors are read as Vidu's,
callbacks are doorbells and nothing can be found by our reference.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import aiohttp

from . import checks, futurelabs_kling, futurelabs_mv, kling_shapes, signatures, vidu_choices, vidu_shapes
from .call import Api
from .contract import (
    Accepted,
    Account,
    Callback,
    ErrorKind,
    NotUnderstood,
    ProviderError,
    Reason,
    Status,
    Submission,
    Task,
    Trust,
    Verified,
)
from .orders import Extra, Model, Operation, Order, Problem, Role, Rule
from .reading import as_object, read_object

NAME, TITLE = "futurelabs", "Futurelabs"
# "Base URL": two addresses of one service; the second one for when the first cannot be reached.
BASE_URLS = ("https://api.imagine-future.com", "https://api.futurelabsai.dev")
RESULT_HOSTS = ("imagine-future.com", "klingai.com")  # the examples of "Get Creation" and "Query Task" (read 2026-11)
MOST_PROMPT = 5000  # characters; for a template and a picture none is stated

_TEXT, _IMAGE, _FRAMES = Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO, Operation.START_END_TO_VIDEO
_REFERENCE, _TEMPLATE = Operation.REFERENCE_TO_VIDEO, Operation.TEMPLATE_TO_VIDEO
_PAINTED = Operation.REFERENCE_TO_IMAGE
# Vidu itself names two of these "template" and "reference2image".
_PATHS = {
    _TEXT: "/ai/avu/text2video",
    _IMAGE: "/ai/avu/img2video",
    _FRAMES: "/ai/avu/start-end2video",
    _REFERENCE: "/ai/avu/reference2video",
    _TEMPLATE: "/ai/avu/template2video",
    _PAINTED: "/ai/avu/ref2image/nano",
}
# What each operation's table lists; more is neither sent nor offered. `payload` and `audio` stand under one alone.
_ALWAYS = ("model", "prompt", "resolution", "callback_url")
_FIELDS: Mapping[Operation, tuple[str, ...]] = {
    _TEXT: (*_ALWAYS, "duration", "seed", "aspect_ratio", "audio", "payload"),
    _IMAGE: (*_ALWAYS, "duration", "seed", "aspect_ratio"),
    _FRAMES: (*_ALWAYS, "duration", "seed"),
    _REFERENCE: (*_ALWAYS, "duration", "seed", "aspect_ratio"),
    _TEMPLATE: (*_ALWAYS, "duration"),
    _PAINTED: (*_ALWAYS, "seed", "aspect_ratio"),
}
_EXTRAS: Mapping[Operation, tuple[str, ...]] = {
    _TEXT: ("style", "movement_amplitude", "bgm", "off_peak"),
    _IMAGE: ("movement_amplitude", "off_peak"),
    _FRAMES: ("off_peak",),
    _REFERENCE: ("off_peak",),
    _TEMPLATE: ("template_id",),
    _PAINTED: (),
}
_PROMPTED = (_TEXT, _IMAGE, _REFERENCE, _PAINTED)

# Pictures are addresses everywhere. No limits are stated for them but Vidu's, which makes the videos; nor is there one
# for how many a template or a picture takes.
_FRAME_RULES = replace(vidu_shapes.PICTURES, addresses_only=True)
_REFERENCE_RULES = replace(vidu_shapes.REFERENCES, addresses_only=True)
_PLACES: Mapping[Operation, checks.Places] = {**vidu_shapes.PLACES, _REFERENCE: {Role.REFERENCE: (1, 4)}}

_ALL = ("540p", "720p", "1080p")
_RATIOS = ("16:9", "9:16", "1:1", "3:4", "4:3")
# Durations and resolutions are stated under text2video, taken for all.
_SILENT = (
    Model("viduq3-turbo", tuple(range(1, 17)), 5, _ALL, "720p"),
    Model("viduq3-pro", tuple(range(1, 17)), 5, _ALL, "720p"),
    Model("viduq2", tuple(range(1, 11)), 5, _ALL, "720p"),
    Model("viduq1", (5,), 5, ("1080p",), "1080p"),
)


def _shaped(model: Model, default: str | None) -> Model:
    """3:4 and 4:3 go with q2 and q3 only."""
    ratios = _RATIOS[:3] if model.name == "viduq1" else _RATIOS
    return replace(model, aspect_ratios=ratios, default_aspect_ratio=default)


def _sounding(model: Model) -> Model:
    """q3 makes sound unless it is switched off; no other model takes the switch."""
    q3 = vidu_choices.family(model.name) == "q3"
    return replace(model, audio=q3, default_audio=q3)


_MODELS: Mapping[Operation, tuple[Model, ...]] = {
    _TEXT: tuple(_shaped(_sounding(model), "16:9") for model in _SILENT),
    # A shape is listed for a first frame too (Vidu has none there), with 16:9 as the default; unasked we send none, so
    # that a portrait picture is not pressed into a landscape.
    _IMAGE: tuple(_shaped(model, None) for model in _SILENT),
    _FRAMES: _SILENT,
    _REFERENCE: tuple(_shaped(model, "16:9") for model in _SILENT),
    # A model must be named for these two, and none is listed: those of the other operations, and Vidu's for a picture.
    _TEMPLATE: _SILENT,
    _PAINTED: (
        Model("viduq2", (), None, ("1080p", "2K", "4K"), "1080p", _RATIOS, "16:9"),
        Model("viduq1", (), None, ("1080p",), "1080p", _RATIOS, "16:9"),
    ),
}
_TABLE = {**_MODELS, **futurelabs_kling.MODELS, **futurelabs_mv.MODELS}


class Futurelabs:
    """The Futurelabs adapter."""

    name = NAME
    title = TITLE
    can_find = False

    def __init__(self, account: Account, session: aiohttp.ClientSession, clock: Callable[[], float]) -> None:
        self._keys = account.api_keys
        self._signature = account.callback_signature
        base_urls = account.base_urls or BASE_URLS
        self._api = Api(session, base_urls, self._headers, vidu_shapes.explain_reseller, clock=clock)
        self._kling = Api(session, base_urls, self._headers, futurelabs_kling.explain, clock=clock)

    def _headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Token {self._keys[0] if self._keys else ''}"}

    def operations(self) -> tuple[Operation, ...]:
        """Name what Futurelabs can do here."""
        return tuple(_TABLE)

    def can_cancel(self, operation: Operation) -> bool:
        """Say whether a task of this operation can be stopped: the Vidu part alone documents it."""
        return operation in _MODELS

    def extras(self, operation: Operation) -> tuple[Extra, ...]:
        """List the further choices of an operation."""
        if operation in _EXTRAS:
            return vidu_choices.extras(_EXTRAS[operation], _MODELS[operation])
        return futurelabs_kling.EXTRAS.get(operation, ()) or futurelabs_mv.EXTRAS.get(operation, ())

    def models(self, operation: Operation) -> tuple[Model, ...]:
        """List the models of an operation, the default one first."""
        return _TABLE.get(operation, ())

    def fill(self, order: Order) -> Order:
        """Put Futurelabs' defaults where the member said nothing.

        How long a template's video is, and how large a picture, is the vendor's affair unless somebody asks. Where no
        field switches the sound, none is filled in: it stays known whether the member has said no to it.
        """
        filled = checks.fill(order, self.models(order.operation))
        if "audio" not in _FIELDS.get(order.operation, ("audio",)):
            filled = replace(filled, audio=order.audio)
        if order.operation is _TEMPLATE:
            return replace(filled, duration=order.duration)
        if order.operation is _PAINTED:
            return replace(filled, resolution=order.resolution)
        return filled

    def problems(self, order: Order) -> list[Problem]:
        """Check a filled order. The prompt may be left out between two frames and for a template."""
        operation, misplaced = order.operation, checks.misplaced_model(order, _TABLE)
        if operation in futurelabs_kling.MODELS:
            return [*misplaced, *futurelabs_kling.problems(order)]
        if operation in futurelabs_mv.MODELS:
            return [*misplaced, *futurelabs_mv.problems(order)]
        if operation not in _MODELS:
            return [Problem("operation", Rule.NOT_OFFERED, given=operation)]
        models, prompted = _MODELS[operation], operation in _PROMPTED
        seeds = vidu_shapes.MOST_SEED if "seed" in _FIELDS[operation] else None
        return [
            *checks.prompt_problems(order, required=prompted, most=MOST_PROMPT),
            *misplaced,
            *checks.model_problems(order, models),
            *_silence_problems(order),
            *checks.seed_problems(order, seeds),
            *vidu_shapes.picture_problems(order, _pictures(operation), _PLACES[operation]),
            *checks.clip_problems(order, {}),
            *vidu_choices.extra_problems(order, _EXTRAS[operation], models, prompt_required=prompted),
        ]

    def price(self, order: Order) -> int | None:
        """Estimate a filled order in credits; nothing is published for templates, motion and avatars."""
        if order.operation in futurelabs_mv.MODELS:
            return futurelabs_mv.price(order)
        return vidu_choices.price(order, _MODELS.get(order.operation, ()))

    async def submit(self, submission: Submission) -> Accepted:
        """Create a task. Raise ProviderError."""
        order = submission.order
        if order.operation in futurelabs_kling.MODELS:
            return await futurelabs_kling.submit(self._kling, submission)
        if order.operation in futurelabs_mv.MODELS:
            return await futurelabs_mv.submit(self._api, submission)
        if any(not picture.url for picture in order.pictures):
            raise ProviderError(ErrorKind.NOT_SENT, Reason.BAD_ORDER, "a picture without an address")
        known = checks.model_of(_MODELS[order.operation], order.model)
        if known is not None and not known.audio:  # the switch is for q3 only
            submission = replace(submission, order=replace(order, audio=None))
        fields = (*_FIELDS[order.operation], *_EXTRAS[order.operation])
        body = vidu_shapes.request_body(submission, _pictures(order.operation), fields)
        path, explain = _PATHS[order.operation], vidu_shapes.explain_submission
        return vidu_shapes.accepted(await self._api.call("POST", path, json=body, explain=explain))

    async def query(self, task: Task) -> Status:
        """Ask how a task is, where its operation is asked about. Raise ProviderError."""
        if task.operation in futurelabs_kling.MODELS:
            return await futurelabs_kling.query(self._kling, task)
        if task.operation in futurelabs_mv.MODELS:
            return await futurelabs_mv.query(self._api, task)
        payload = await self._api.call("GET", f"/ai/avu/tasks/{quote(task.task_id, safe='')}/creations")
        return vidu_shapes.answered(payload, task.task_id, task.operation)

    async def find(self, task: Task, since: float, known: Collection[str] = ()) -> Status | None:
        """Refuse: there is no list of tasks. Raise ProviderError."""
        del task, since, known
        raise ProviderError(ErrorKind.NOT_SENT, Reason.VENDOR, "Futurelabs has no list of tasks")

    async def cancel(self, task: Task) -> None:
        """Ask Futurelabs to stop a task; it takes no body and documents no answer. Raise ProviderError."""
        if not self.can_cancel(task.operation):
            raise ProviderError(ErrorKind.REJECTED, Reason.VENDOR, "Futurelabs cannot cancel this kind of task")
        await self._api.call("POST", f"/ai/avu/tasks/{quote(task.task_id, safe='')}/cancel", any_body=True)

    async def balance(self) -> None:
        """Say nothing: its document tells no such call."""

    def verify(self, callback: Callback, now: float) -> Verified:
        """Take any callback at this job's address as a doorbell, or demand Vidu's signature if the admin says so.

        A signature that Vidu made is made with Futurelabs' key, which we do not have. None of Vidu's comes with what
        Kling made, so that a body of its shape rings without one; it is worth no more than that either way. Raise
        NotAuthentic.
        """
        scheme = "" if _of_kling(callback.body) else self._signature
        return Verified(Trust.DOORBELL, signatures.vidu_where_demanded(callback, scheme, self._keys, now))

    def read_callback(self, body: bytes) -> Status:
        """Read a callback, whose fields tell which part of the API it comes from. Raise NotUnderstood."""
        payload = read_object(body)
        if _kling_shaped(payload):
            return kling_shapes.callback(payload)
        if futurelabs_mv.is_ours(payload):
            return futurelabs_mv.status(payload)
        return vidu_shapes.status(payload)


def _of_kling(body: bytes) -> bool:
    try:
        return _kling_shaped(read_object(body))
    except NotUnderstood:
        return False


def _kling_shaped(payload: Mapping[str, Any]) -> bool:
    return "task_status" in payload or bool(as_object(payload.get("data")))


def _silence_problems(order: Order) -> list[Problem]:
    """q3 makes sound unless it is switched off, and but for text2video no table lists the switch."""
    unswitched = order.operation in (_IMAGE, _FRAMES, _REFERENCE)
    loud = order.audio is False and vidu_choices.family(order.model) == "q3"
    return [Problem("audio", Rule.NOT_OFFERED, given="no")] if unswitched and loud else []


def _pictures(operation: Operation) -> checks.PictureRules:
    return _REFERENCE_RULES if operation in (_REFERENCE, _PAINTED) else _FRAME_RULES
