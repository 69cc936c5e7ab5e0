"""Kling's own API: text2video and image2video, looked up by our reference too, with callbacks that may be signed.

Documents: kling.ai/document-api, pages "Image to Video", "Text to Video", "Capability Map", "Callbacks",
"Authentication", "Error Code"; read 2026-11, most of them as stored copies. No call to cancel a task is documented.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from math import ceil
from typing import Any
from urllib.parse import quote

import aiohttp
import jwt

from . import checks, kling_shapes, signatures
from .call import Api
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
from .orders import Extra, Model, Operation, Order, Problem, Role, Rule
from .reading import read_object

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
        self._api = Api(session, account.base_urls or BASE_URLS, self._headers, kling_shapes.explain, clock=clock)

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
        mode = kling_shapes.MODES.get(order.resolution or "", "")
        units = _UNITS.get((known.name, mode + " with sound" if order.audio else mode))
        return None if units is None else ceil(units * kling_shapes.CREDITS_A_UNIT * order.duration / 5)

    async def submit(self, submission: Submission) -> Accepted:
        """Create a task. Raise ProviderError."""
        body = self._body(submission)
        try:
            return kling_shapes.accepted(await self._api.call("POST", _PATHS[submission.order.operation], json=body))
        except ProviderError as error:
            refusal = kling_shapes.refused_submission(error)
        raise refusal

    def _body(self, submission: Submission) -> dict[str, Any]:
        order = submission.order
        pictures = {picture.role: kling_shapes.bare_picture(picture, _PICTURES) for picture in order.pictures}
        known = checks.model_of(self.models(order.operation), order.model)
        sound = None
        if order.audio is not None and (order.audio if known is None else known.audio):
            sound = "on" if order.audio else "off"
        fields = {
            "model_name": order.model,  # never "model": that is taken to mean the oldest one
            "mode": kling_shapes.MODES.get(order.resolution or ""),
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
        path = f"{_PATHS[operation]}/{quote(identifier, safe='')}"
        return kling_shapes.answered(await self._api.call("GET", path))

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
        return kling_shapes.callback(read_object(body))
