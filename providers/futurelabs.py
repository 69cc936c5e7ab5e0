"""Futurelabs (imagine-future.com), a reseller of Vidu: the Vidu part of its API.

Document: doc.futurelabsai.dev, "Vidu API Documentation", last updated 2026-05-08. It states no error table, no callback
signature and no list of tasks, so that errors are read as Vidu's, callbacks are doorbells and nothing can be found by
our reference.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import aiohttp

from . import checks, signatures, vidu_shapes
from .call import Api, Fault
from .contract import (
    Accepted,
    Account,
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
from .orders import Extra, Model, Operation, Order, Problem
from .reading import read_object

NAME, TITLE = "futurelabs", "Futurelabs"
# "Base URL": two addresses of one service; the second one for when the first cannot be reached.
BASE_URLS = ("https://api.imagine-future.com", "https://api.futurelabsai.dev")
MOST_PROMPT = 5000  # characters, in all three operations

_PATHS = {
    Operation.TEXT_TO_VIDEO: "/ai/avu/text2video",
    Operation.IMAGE_TO_VIDEO: "/ai/avu/img2video",
    Operation.START_END_TO_VIDEO: "/ai/avu/start-end2video",
}
# What each operation's table lists. `payload` and `audio` stand under text2video alone.
_FIELDS = {
    Operation.TEXT_TO_VIDEO: (
        "model", "prompt", "duration", "seed", "aspect_ratio", "resolution", "audio", "payload", "callback_url",
    ),
    Operation.IMAGE_TO_VIDEO: ("model", "prompt", "duration", "seed", "aspect_ratio", "resolution", "callback_url"),
    Operation.START_END_TO_VIDEO: ("model", "prompt", "duration", "seed", "resolution", "callback_url"),
}  # fmt: skip

# Pictures are addresses everywhere. No limits are stated for them but Vidu's, which makes the videos.
_PICTURES = replace(vidu_shapes.PICTURES, addresses_only=True)

_ALL = ("540p", "720p", "1080p")
# Durations and resolutions are stated under text2video; the other two operations refer to it.
_SILENT = (
    Model("viduq3-turbo", tuple(range(1, 17)), 5, _ALL, "720p"),
    Model("viduq3-pro", tuple(range(1, 17)), 5, _ALL, "720p"),
    Model("viduq2", tuple(range(1, 11)), 5, _ALL, "720p"),
    Model("viduq1", (5,), 5, ("1080p",), "1080p"),
)


def _shaped(model: Model, default: str | None) -> Model:
    """3:4 and 4:3 go with q2 and q3 only."""
    few = ("16:9", "9:16", "1:1")
    return replace(
        model, aspect_ratios=few if model.name == "viduq1" else (*few, "3:4", "4:3"), default_aspect_ratio=default
    )


def _sounding(model: Model) -> Model:
    """q3 makes sound unless it is switched off."""
    q3 = model.name.startswith("viduq3")
    return replace(model, audio=q3, default_audio=q3)


_MODELS: dict[Operation, tuple[Model, ...]] = {
    Operation.TEXT_TO_VIDEO: tuple(_shaped(_sounding(model), "16:9") for model in _SILENT),
    # A shape is listed for a first frame too, with 16:9 as the default; unasked we send none, so that a portrait
    # picture is not pressed into a landscape.
    Operation.IMAGE_TO_VIDEO: tuple(_shaped(model, None) for model in _SILENT),
    Operation.START_END_TO_VIDEO: _SILENT,
}

# "Pricing": 19 rows, each of them this many credits a second. viduq3-turbo has no row at 540p.
_RATES = vidu_shapes.Rates(
    {
        ("viduq3-pro", "540p"): 4,
        ("viduq3-pro", "720p"): 8,
        ("viduq3-pro", "1080p"): 16,
        ("viduq3-turbo", "720p"): 4,
        ("viduq3-turbo", "1080p"): 8,
        ("viduq2", "540p"): 2,
        ("viduq2", "720p"): 4,
        ("viduq2", "1080p"): 8,
        ("viduq1", "1080p"): 8,
    },
    {  # priced for text and image only
        "viduq2": (Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO),
        "viduq1": (Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO),
    },
)


class Futurelabs:
    """The Futurelabs adapter."""

    name = NAME
    title = TITLE
    can_find = False
    takes_bytes = False

    def __init__(self, account: Account, session: aiohttp.ClientSession, clock: Callable[[], float]) -> None:
        self._keys = account.api_keys
        self._signature = account.callback_signature
        self._api = Api(session, account.base_urls or BASE_URLS, self._headers, _explain, clock=clock)

    def _headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Token {self._keys[0] if self._keys else ''}"}

    def operations(self) -> tuple[Operation, ...]:
        """Name what Futurelabs can do here."""
        return tuple(_MODELS)

    def can_cancel(self, operation: Operation) -> bool:
        """Say whether a task of this operation can be stopped."""
        return operation in _MODELS

    def extras(self, operation: Operation) -> tuple[Extra, ...]:
        """List the further choices of an operation."""
        del operation
        return ()

    def models(self, operation: Operation) -> tuple[Model, ...]:
        """List the models of an operation, the default one first."""
        return _MODELS.get(operation, ())

    def fill(self, order: Order) -> Order:
        """Put Futurelabs' defaults where the member said nothing."""
        return checks.fill(order, self.models(order.operation))

    def problems(self, order: Order) -> list[Problem]:
        """Check a filled order. The prompt may be left out between two frames only."""
        required = order.operation is not Operation.START_END_TO_VIDEO
        return [
            *checks.prompt_problems(order, required=required, most=MOST_PROMPT),
            *checks.model_problems(order, self.models(order.operation)),
            *checks.seed_problems(order, vidu_shapes.MOST_SEED),
            *vidu_shapes.frame_problems(order, _PICTURES),
        ]

    def price(self, order: Order) -> int | None:
        """Estimate a filled order in credits."""
        return _RATES.price(order, self.models(order.operation))

    async def submit(self, submission: Submission) -> Accepted:
        """Create a task. Raise ProviderError."""
        order = submission.order
        if any(not picture.url for picture in order.pictures):
            raise ProviderError(ErrorKind.NOT_SENT, Reason.BAD_ORDER, "a picture without an address")
        models = self.models(order.operation)
        known = checks.model_of(models, order.model)
        if known is not None and not known.audio:  # the switch is for q3 only
            submission = replace(submission, order=replace(order, audio=None))
        body = vidu_shapes.request_body(submission, _PICTURES, _FIELDS[order.operation])
        return vidu_shapes.accepted(await self._api.call("POST", _PATHS[order.operation], json=body))

    async def query(self, task: Task) -> Status:
        """Ask how a task is ("Get Creation"). Raise ProviderError."""
        payload = await self._api.call("GET", f"/ai/avu/tasks/{quote(task.task_id, safe='')}/creations")
        return vidu_shapes.answered(payload, task.task_id)

    async def find(self, task: Task, since: float) -> Status | None:
        """Refuse: there is no list of tasks. Raise ProviderError."""
        del task, since
        raise ProviderError(ErrorKind.NOT_SENT, Reason.VENDOR, "Futurelabs has no list of tasks")

    async def cancel(self, task: Task) -> None:
        """Ask Futurelabs to stop a task; it takes no body and documents no answer. Raise ProviderError."""
        await self._api.call("POST", f"/ai/avu/tasks/{quote(task.task_id, safe='')}/cancel", any_body=True)

    def verify(self, callback: Callback, now: float) -> Verified:
        """Take any callback at this job's address as a doorbell, or demand Vidu's signature if the admin says so.

        A signature that Vidu made is made with Futurelabs' key, which we do not have. Raise NotAuthentic.
        """
        if self._signature == "vidu":
            return Verified(Trust.DOORBELL, signatures.vidu(callback, self._keys, now))
        return Verified(Trust.DOORBELL, signatures.digest(callback))

    def read_callback(self, body: bytes) -> Status:
        """Read a callback, taken to have the shape of a query's answer. Raise NotUnderstood."""
        return vidu_shapes.status(read_object(body))


def _explain(http: int, payload: Mapping[str, Any]) -> Fault:
    """Read a refusal as Vidu's; as no error table is documented, a 404 in JSON is enough to say "no such task"."""
    kind, reason, detail = vidu_shapes.explain(http, payload)
    if http == 404 and payload:
        reason = Reason.NOT_FOUND
    return kind, reason, detail
