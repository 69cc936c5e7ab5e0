"""kkiai (www.kkiai.com), a reseller of Vidu: videos from a first frame, with every field its page lists.

Document: docs.kkiai.com, "Create Image-to-Video Task", read 2026-11. It tells neither how to ask about a task nor
how to stop one: both paths are settings. Asking defaults to Vidu's own path, which other gateways of this kind use (an
inference); stopping is off until the admin has seen it work. Errors are read as Vidu's.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import aiohttp

from . import checks, signatures, vidu_choices, vidu_shapes
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
from .orders import Extra, Model, Operation, Order, Problem, Rule
from .reading import read_object

NAME, TITLE = "kkiai", "kkiai"
BASE_URLS = ("https://www.kkiai.com",)
RESULT_HOSTS: tuple[str, ...] = ()  # no page shows an address of a result (read 2026-11)
QUERY_PATHS = ("/ent/v2/tasks/{id}/creations",)
MOST_PROMPT = 2000  # characters

_IMAGE = Operation.IMAGE_TO_VIDEO
# `aspect_ratio` and `bgm` are not in the table of fields, but in its example. Switches are typed as text and sent as
# booleans by the example, the seed likewise as a number: JSON's own kinds go out. The example's model viduq2-pro is not
# in the list of models and its movement_amplitude "standard" not in that of amplitudes: the lists hold.
_FIELDS = (
    "model", "prompt", "duration", "seed", "aspect_ratio", "resolution", "audio", "payload", "wm_url", "callback_url",
)  # fmt: skip
_EXTRAS = (
    "movement_amplitude", "bgm", "voice_id", "is_rec", "off_peak", "watermark", "wm_position", "meta_data",
)  # fmt: skip
# The page is followed, not Vidu's own: the amplitude has no effect on q2 alone, off-peak goes with sound for no model,
# q3 included, and no model is named that has no music or no choice of voice.
_LIMITS = vidu_choices.Limits(ignored={"movement_amplitude": ("q2",)})

_ALL, _RATIOS = ("540p", "720p", "1080p"), ("16:9", "9:16", "1:1", "3:4", "4:3")
# Every model makes sound when asked; the q3 ones also unasked. The picture's own shape holds unless one is chosen.
_MODELS = (
    Model("viduq3-turbo", tuple(range(1, 17)), 5, _ALL, "720p", _RATIOS, None, audio=True, default_audio=True),
    Model("viduq3-pro", tuple(range(1, 17)), 5, _ALL, "720p", _RATIOS, None, audio=True, default_audio=True),
    Model("viduq2", tuple(range(1, 11)), 5, _ALL, "720p", _RATIOS, None, audio=True),
    Model("viduq1", (5,), 5, ("1080p",), "1080p", _RATIOS[:3], None, audio=True),
)


class Kkiai:
    """The kkiai adapter."""

    name = NAME
    title = TITLE
    can_find = False

    def __init__(self, account: Account, session: aiohttp.ClientSession, clock: Callable[[], float]) -> None:
        self._keys = account.api_keys
        self._signature = account.callback_signature
        self._query_paths = account.query_paths or QUERY_PATHS
        self._cancel_path = account.cancel_path
        self._api = Api(
            session, account.base_urls or BASE_URLS, self._headers, vidu_shapes.explain_reseller, clock=clock
        )

    def _headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._keys[0] if self._keys else ''}"}

    def operations(self) -> tuple[Operation, ...]:
        """Name what kkiai can do here."""
        return (_IMAGE,)

    def can_cancel(self, operation: Operation) -> bool:
        """Say whether the admin has set a path for it."""
        return operation is _IMAGE and bool(self._cancel_path)

    def extras(self, operation: Operation) -> tuple[Extra, ...]:
        """List the further choices."""
        return vidu_choices.extras(_EXTRAS, _MODELS, _LIMITS) if operation is _IMAGE else ()

    def models(self, operation: Operation) -> tuple[Model, ...]:
        """List the models, the default one first."""
        return _MODELS if operation is _IMAGE else ()

    def fill(self, order: Order) -> Order:
        """Put kkiai's defaults where the member said nothing."""
        return checks.fill(order, self.models(order.operation))

    def problems(self, order: Order) -> list[Problem]:
        """Check a filled order. A prompt is needed, and goes out even where a recommended one will replace it."""
        if order.operation is not _IMAGE:
            return [Problem("operation", Rule.NOT_OFFERED, given=order.operation)]
        return [
            *checks.prompt_problems(order, required=True, most=MOST_PROMPT),
            *checks.model_problems(order, _MODELS),
            *checks.seed_problems(order, vidu_shapes.MOST_SEED),
            *vidu_shapes.picture_problems(order, vidu_shapes.PICTURES, watermark=True),
            *checks.clip_problems(order, {}),
            *vidu_choices.extra_problems(order, _EXTRAS, _MODELS, limits=_LIMITS, prompt_required=True),
        ]

    def price(self, order: Order) -> int | None:
        """Estimate a filled order in credits; no list is published.

        The one price the page shows, 80 for five seconds of viduq1, is twice what that model costs elsewhere.
        """
        plain = replace(order, extras={**order.extras, "is_rec": False})
        elsewhere = vidu_choices.price(plain, self.models(order.operation))
        # A recommended prompt costs the same as elsewhere, the page says.
        more = vidu_choices.REC_CREDITS if order.extras.get("is_rec") is True else 0
        return None if elsewhere is None else 2 * elsewhere + more

    async def submit(self, submission: Submission) -> Accepted:
        """Create a task. Raise ProviderError."""
        body = vidu_shapes.request_body(submission, vidu_shapes.PICTURES, (*_FIELDS, *_EXTRAS))
        explain = vidu_shapes.explain_submission
        return vidu_shapes.accepted(await self._api.call("POST", "/ent/v2/img2video", json=body, explain=explain))

    async def query(self, task: Task) -> Status:
        """Ask how a task is, at the paths that are set, in turn until one knows it. Raise ProviderError."""

        def read(payload: Mapping[str, Any]) -> Status:
            return vidu_shapes.answered(payload, task.task_id, _IMAGE)

        return await vidu_shapes.asked_in_turn(self._api, self._query_paths, task.task_id, read)

    async def find(self, task: Task, since: float, known: Collection[str] = ()) -> Status | None:
        """Refuse: there is no list of tasks. Raise ProviderError."""
        del task, since, known
        raise ProviderError(ErrorKind.NOT_SENT, Reason.VENDOR, "kkiai has no list of tasks")

    async def cancel(self, task: Task) -> None:
        """Ask kkiai to stop a task, where a path for it is set. Raise ProviderError."""
        if not self._cancel_path:
            raise ProviderError(ErrorKind.REJECTED, Reason.VENDOR, "no path to cancel at kkiai is set")
        path = self._cancel_path.replace("{id}", quote(task.task_id, safe=""))
        await self._api.call("POST", path, json={"id": task.task_id}, any_body=True)

    async def balance(self) -> None:
        """Say nothing: its page tells no such call."""

    def verify(self, callback: Callback, now: float) -> Verified:
        """Take any callback at this job's address as a doorbell, or demand Vidu's signature if the admin says so.

        Vidu signs with the reseller's key, which we do not have. Raise NotAuthentic.
        """
        return Verified(Trust.DOORBELL, signatures.vidu_where_demanded(callback, self._signature, self._keys, now))

    def read_callback(self, body: bytes) -> Status:
        """Read a callback, which has the shape of a query's answer. Raise NotUnderstood."""
        return vidu_shapes.status(read_object(body))
