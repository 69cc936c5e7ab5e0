"""Vidu's own API: submit, query, list, cancel, and callbacks signed with the API key that made the task.

Documents: platform.vidu.com/docs, pages text-to-video, image-to-video, start-end-to-video, reference-to-video,
reference-to-image, template, get-generation, tasks-list, cancel-generation, callback-signature, error-code, off-peak,
usage-and-limits, get-account-info; read 2026-11, some of them as resellers' copies.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from urllib.parse import quote

import aiohttp

from . import checks, signatures, vidu_choices, vidu_shapes
from .call import Api
from .contract import (
    Accepted,
    Account,
    Balance,
    Callback,
    Status,
    Submission,
    Task,
    Trust,
    Verified,
)
from .orders import Extra, Model, Operation, Order, Problem, Role, Rule
from .reading import read_object
from .vidu_list import Search

NAME, TITLE = "vidu", "Vidu"
BASE_URLS = ("https://api.vidu.com",)  # api.vidu.cn is the one for China, with accounts of its own
# No page of Vidu's says where results live. Addresses in public records of calls, 2025 and 2026, show these two; the
# first is also in Alibaba Cloud Model Studio's page about Vidu (read 2026-11).
RESULT_HOSTS = ("prod-ss-vidu.s3.cn-northwest-1.amazonaws.com.cn", "prod-ss-vidu.s3.oss-cn-beijing.aliyuncs.com")
MOST_PROMPT = 5000  # characters; text-to-video and image-to-video, taken for all

_PATHS = {
    Operation.TEXT_TO_VIDEO: "/ent/v2/text2video",
    Operation.IMAGE_TO_VIDEO: "/ent/v2/img2video",
    Operation.START_END_TO_VIDEO: "/ent/v2/start-end2video",
    Operation.REFERENCE_TO_VIDEO: "/ent/v2/reference2video",
    Operation.REFERENCE_TO_IMAGE: "/ent/v2/reference2image",
    Operation.TEMPLATE_TO_VIDEO: "/ent/v2/template",
}
_ALWAYS = ("prompt", "seed", "payload", "callback_url")
_VIDEO = (*_ALWAYS, "model", "duration", "resolution", "audio")
# The template is named `template` here, and a template has no choice of model, length or size.
_FIELDS: dict[Operation, tuple[str, ...]] = {
    Operation.TEXT_TO_VIDEO: (*_VIDEO, "aspect_ratio"),
    Operation.IMAGE_TO_VIDEO: _VIDEO,
    Operation.START_END_TO_VIDEO: _VIDEO,
    Operation.REFERENCE_TO_VIDEO: (*_VIDEO, "aspect_ratio"),
    Operation.REFERENCE_TO_IMAGE: (*_ALWAYS, "model", "resolution", "aspect_ratio"),
    Operation.TEMPLATE_TO_VIDEO: (*_ALWAYS, "aspect_ratio"),
}
_NAMES = {"template_id": "template"}
_MARKED = ("watermark", "wm_position", "meta_data")
_MOVING = ("movement_amplitude", "bgm", "off_peak", *_MARKED)
_EXTRAS: dict[Operation, tuple[str, ...]] = {
    Operation.TEXT_TO_VIDEO: ("style", *_MOVING),
    Operation.IMAGE_TO_VIDEO: ("audio_type", "voice_id", "is_rec", *_MOVING),
    Operation.START_END_TO_VIDEO: ("is_rec", *_MOVING),
    Operation.REFERENCE_TO_VIDEO: _MOVING,
    Operation.REFERENCE_TO_IMAGE: (),
    Operation.TEMPLATE_TO_VIDEO: ("template_id", "bgm", *_MARKED),
}
_PROMPTED = (Operation.TEXT_TO_VIDEO, Operation.REFERENCE_TO_VIDEO, Operation.REFERENCE_TO_IMAGE)

_ALL, _FAST = ("540p", "720p", "1080p"), ("720p", "1080p")
_FEW = ("16:9", "9:16", "1:1")
_RATIOS = (*_FEW, "3:4", "4:3")


def _q3(name: str, resolutions: tuple[str, ...] = _ALL) -> Model:
    """1 to 16 seconds, and sound unless it is switched off."""
    return Model(name, tuple(range(1, 17)), 5, resolutions, "720p", audio=True, default_audio=True)


def _referring(name: str, resolutions: tuple[str, ...] = _ALL) -> Model:
    """q3 from references: 3 to 16 seconds."""
    return replace(_q3(name, resolutions), durations=tuple(range(3, 17)))


def _q2(name: str, longest: int, resolutions: tuple[str, ...] = _ALL) -> Model:
    return Model(name, tuple(range(1, longest + 1)), 5, resolutions, "720p")


def _q1(name: str) -> Model:
    return Model(name, (5,), 5, ("1080p",), "1080p")


def _sounding(model: Model) -> Model:
    """A first frame can be given sound by every model; all but q3 make it only when asked."""
    return replace(model, audio=True)


def _shaped(model: Model, ratios: tuple[str, ...] = _RATIOS) -> Model:
    """Without frames one may choose the picture's shape; else the frames decide."""
    return replace(model, aspect_ratios=ratios, default_aspect_ratio="16:9")


# Left out: vidu2.0, whose resolutions depend on its duration; named by hand it passes unchecked.
# The q2 durations of 10 and 8 seconds stand on resellers' copies of the pages (read 2026-11).
_MODELS: dict[Operation, tuple[Model, ...]] = {
    Operation.TEXT_TO_VIDEO: (
        _shaped(_q3("viduq3-turbo")),
        _shaped(_q3("viduq3-pro")),
        _shaped(_q2("viduq2", 10)),
        _shaped(_q1("viduq1"), _FEW),
    ),
    Operation.IMAGE_TO_VIDEO: (
        _q3("viduq3-turbo"),
        _q3("viduq3-pro"),
        _q3("viduq3-pro-fast", _FAST),
        _sounding(_q2("viduq2-turbo", 10)),
        _sounding(_q2("viduq2-pro", 10)),
        _sounding(_q2("viduq2-pro-fast", 10, _FAST)),
        _sounding(_q1("viduq1")),
        _sounding(_q1("viduq1-classic")),
    ),
    Operation.START_END_TO_VIDEO: (
        _q3("viduq3-turbo"),
        _q3("viduq3-pro"),
        _q2("viduq2-turbo", 8),
        _q2("viduq2-pro", 8),
        _q2("viduq2-pro-fast", 8, _FAST),
        _q1("viduq1"),
        _q1("viduq1-classic"),
    ),
    Operation.REFERENCE_TO_VIDEO: (
        _shaped(_referring("viduq3-turbo")),
        _shaped(_referring("viduq3")),
        _shaped(_referring("viduq3-mix", _FAST)),
        _shaped(_q2("viduq2", 10)),
        _shaped(_q2("viduq2-pro", 10)),
        _shaped(_q1("viduq1"), _FEW),
    ),
    Operation.REFERENCE_TO_IMAGE: (
        _shaped(Model("viduq2", (), None, ("1080p", "2K", "4K"), "1080p"), (*_RATIOS, "21:9", "2:3", "3:2", "auto")),
        _shaped(Model("viduq1", (), None, ("1080p",), "1080p")),
    ),
    Operation.TEMPLATE_TO_VIDEO: (),
}


class Vidu:
    """The Vidu adapter."""

    name = NAME
    title = TITLE
    can_find = True

    def __init__(self, account: Account, session: aiohttp.ClientSession, clock: Callable[[], float]) -> None:
        self._keys = account.api_keys
        self._api = Api(session, account.base_urls or BASE_URLS, self._headers, vidu_shapes.explain, clock=clock)
        self._tasks = Search(self._api, self.query)

    def _headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Token {self._keys[0] if self._keys else ''}"}

    def operations(self) -> tuple[Operation, ...]:
        """Name what Vidu can do here."""
        return tuple(_MODELS)

    def can_cancel(self, operation: Operation) -> bool:
        """Say whether a task of this operation can be stopped."""
        return operation in _MODELS

    def extras(self, operation: Operation) -> tuple[Extra, ...]:
        """List the further choices of an operation."""
        return vidu_choices.extras(_EXTRAS.get(operation, ()), self.models(operation))

    def models(self, operation: Operation) -> tuple[Model, ...]:
        """List the models of an operation, the default one first."""
        return _MODELS.get(operation, ())

    def fill(self, order: Order) -> Order:
        """Put Vidu's defaults where the member said nothing."""
        return checks.fill(order, self.models(order.operation))

    def problems(self, order: Order) -> list[Problem]:
        """Check a filled order. The prompt may be left out where pictures or a template say what to make."""
        operation = order.operation
        if operation not in _MODELS:
            return [Problem("operation", Rule.NOT_OFFERED, given=operation)]
        models, prompted = self.models(operation), operation in _PROMPTED
        return [
            *checks.prompt_problems(order, required=prompted, most=MOST_PROMPT),
            *checks.misplaced_model(order, _MODELS),
            *(checks.model_problems(order, models) if models else _template_problems(order)),
            *checks.seed_problems(order, vidu_shapes.MOST_SEED),
            *vidu_shapes.picture_problems(order, _pictures(order), _places(order), watermark=bool(_EXTRAS[operation])),
            *checks.clip_problems(order, {}),
            *vidu_choices.extra_problems(order, _EXTRAS[operation], models, prompt_required=prompted),
        ]

    def price(self, order: Order) -> int | None:
        """Estimate a filled order in credits."""
        return vidu_choices.price(order, self.models(order.operation))

    async def submit(self, submission: Submission) -> Accepted:
        """Create a task. Raise ProviderError."""
        order = submission.order
        fields = (*_FIELDS[order.operation], *_EXTRAS[order.operation])
        fields = (*fields, "wm_url") if "watermark" in fields else fields
        body = vidu_shapes.request_body(submission, _pictures(order), fields, _NAMES)
        path, explain = _PATHS[order.operation], vidu_shapes.explain_submission
        return vidu_shapes.accepted(await self._api.call("POST", path, json=body, explain=explain))

    async def query(self, task: Task) -> Status:
        """Ask how a task is. Raise ProviderError."""
        payload = await self._api.call("GET", f"/ent/v2/tasks/{quote(task.task_id, safe='')}/creations")
        return vidu_shapes.answered(payload, task.task_id, task.operation)

    async def find(self, task: Task, since: float, known: Collection[str] = ()) -> Status | None:
        """Look for our payload among the tasks made after `since`. Raise ProviderError when that leaves it open."""
        return await self._tasks.find(task, since, known)

    async def cancel(self, task: Task) -> None:
        """Ask Vidu to stop a task that has not begun. Raise ProviderError (REJECTED: it has)."""
        path = f"/ent/v2/tasks/{quote(task.task_id, safe='')}/cancel"
        await self._api.call("POST", path, json={"id": task.task_id}, any_body=True)

    async def balance(self) -> Balance:
        """Ask what is left of our credits, which are as ours. Raise ProviderError."""
        return vidu_shapes.balance(await self._api.call("GET", "/ent/v2/credits"))

    def verify(self, callback: Callback, now: float) -> Verified:
        """Demand Vidu's signature under any of our keys. The body is not signed: a doorbell. Raise NotAuthentic."""
        return Verified(Trust.DOORBELL, signatures.vidu(callback, self._keys, now))

    def read_callback(self, body: bytes) -> Status:
        """Read a callback, which has the shape of a query's answer. Raise NotUnderstood."""
        return vidu_shapes.status(read_object(body))


def _pictures(order: Order) -> checks.PictureRules:
    reference = Role.REFERENCE in _places(order) and order.operation is not Operation.TEMPLATE_TO_VIDEO
    return vidu_shapes.REFERENCES if reference else vidu_shapes.PICTURES


def _places(order: Order) -> checks.Places:
    """Say which pictures go with an operation. viduq2 makes pictures without any, too; so may a model of tomorrow."""
    if order.operation is Operation.REFERENCE_TO_IMAGE and order.model != "viduq1":
        return {Role.REFERENCE: (0, 7)}
    return vidu_shapes.PLACES.get(order.operation, {})


def _template_problems(order: Order) -> list[Problem]:
    """A template decides alone about these."""
    said = {
        "model": order.model,
        "duration": order.duration,
        "resolution": order.resolution,
        "audio": order.audio or None,
    }
    return [Problem(name, Rule.NOT_OFFERED, given=str(value)[:60]) for name, value in said.items() if value is not None]
