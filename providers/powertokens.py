"""powertokens (api.powertokens.ai), a reseller of Vidu: videos from a first frame with viduq3-pro and its siblings.

Document: docs.powertokens.ai, "viduq3-pro, image to video", read 2026-11. Its pages disagree on how to ask about a
task: three paths are tried in turn until one knows it, or those the admin sets. Answers may look like Vidu's or like
OpenAI's. No way to stop a task is told; a path for it is a setting, off by default. Errors are read as Vidu's.
"""

from collections.abc import Callable, Collection, Mapping
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
    Progress,
    ProviderError,
    Reason,
    Status,
    Submission,
    Task,
    Trust,
    Verified,
)
from .orders import Extra, Model, Operation, Order, Problem, Rule
from .reading import as_link, as_object, as_objects, as_text, read_object

NAME, TITLE = "powertokens", "powertokens"
BASE_URLS = ("https://api.powertokens.ai",)
RESULT_HOSTS: tuple[str, ...] = ()  # no page shows an address of a result (read 2026-11)
QUERY_PATHS = ("/vidu/ent/v2/tasks/{id}/creations", "/vidu/v1/videos/{id}", "/vidu/ent/v2/tasks/{id}")
MOST_PROMPT = 5000  # characters

_IMAGE = Operation.IMAGE_TO_VIDEO
_FIELDS = ("model", "prompt", "duration", "seed", "resolution", "audio", "payload", "callback_url")
# The text spells one audio_type "sound-effect_only", the list of values "sound_effect_only": the list holds.
# The q3 models ignore the first four, and no others are listed: they are for a model named by hand.
_EXTRAS = ("movement_amplitude", "bgm", "audio_type", "voice_id", "is_rec", "off_peak")

# The page lists viduq3-pro alone, and speaks of the two others under duration and resolution.
_MODELS = (
    Model("viduq3-pro", tuple(range(1, 17)), 5, ("540p", "720p", "1080p"), "720p", audio=True, default_audio=True),
    Model("viduq3-turbo", tuple(range(1, 17)), 5, ("540p", "720p", "1080p"), "720p", audio=True, default_audio=True),
    Model("viduq3-pro-fast", tuple(range(1, 17)), 5, ("720p", "1080p"), "720p", audio=True, default_audio=True),
)

# The words of the OpenAI-like answers beside Vidu's.
_WORDS = {
    **vidu_shapes.WORDS,
    "queued": Progress.WAITING,
    "running": Progress.RUNNING,
    "succeeded": Progress.SUCCEEDED,
    "completed": Progress.SUCCEEDED,
    "cancelled": Progress.CANCELLED,
    "expired": Progress.FAILED,
}


class Powertokens:
    """The powertokens adapter."""

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
        """Name what powertokens can do here."""
        return (_IMAGE,)

    def can_cancel(self, operation: Operation) -> bool:
        """Say whether the admin has set a path for it."""
        return operation is _IMAGE and bool(self._cancel_path)

    def extras(self, operation: Operation) -> tuple[Extra, ...]:
        """List the further choices."""
        return vidu_choices.extras(_EXTRAS, _MODELS) if operation is _IMAGE else ()

    def models(self, operation: Operation) -> tuple[Model, ...]:
        """List the models, the default one first."""
        return _MODELS if operation is _IMAGE else ()

    def fill(self, order: Order) -> Order:
        """Put powertokens' defaults where the member said nothing."""
        return checks.fill(order, self.models(order.operation))

    def problems(self, order: Order) -> list[Problem]:
        """Check a filled order. The prompt may be left out."""
        if order.operation is not _IMAGE:
            return [Problem("operation", Rule.NOT_OFFERED, given=order.operation)]
        return [
            *checks.prompt_problems(order, required=False, most=MOST_PROMPT),
            *checks.model_problems(order, _MODELS),
            *checks.seed_problems(order, vidu_shapes.MOST_SEED),
            *vidu_shapes.picture_problems(order, vidu_shapes.PICTURES),
            *checks.clip_problems(order, {}),
            *vidu_choices.extra_problems(order, _EXTRAS, _MODELS),
        ]

    def price(self, order: Order) -> int | None:
        """Estimate a filled order in credits: none are published, those of the same models elsewhere stand in."""
        return vidu_choices.price(order, self.models(order.operation))

    async def submit(self, submission: Submission) -> Accepted:
        """Create a task. Raise ProviderError."""
        body = vidu_shapes.request_body(submission, vidu_shapes.PICTURES, (*_FIELDS, *_EXTRAS))
        path, explain = "/vidu/ent/v2/img2video", vidu_shapes.explain_submission
        return vidu_shapes.accepted(await self._api.call("POST", path, json=body, explain=explain))

    async def query(self, task: Task) -> Status:
        """Ask how a task is, at each path in turn until one knows it. Raise ProviderError."""

        def read(payload: Mapping[str, Any]) -> Status:
            return vidu_shapes.answered(_like_vidu(payload), task.task_id, _IMAGE, _WORDS)

        return await vidu_shapes.asked_in_turn(self._api, self._query_paths, task.task_id, read)

    async def find(self, task: Task, since: float, known: Collection[str] = ()) -> Status | None:
        """Refuse: there is no list of tasks. Raise ProviderError."""
        del task, since, known
        raise ProviderError(ErrorKind.NOT_SENT, Reason.VENDOR, "powertokens has no list of tasks")

    async def cancel(self, task: Task) -> None:
        """Ask powertokens to stop a task, where a path for it is set. Raise ProviderError."""
        if not self._cancel_path:
            raise ProviderError(ErrorKind.REJECTED, Reason.VENDOR, "no path to cancel at powertokens is set")
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
        return vidu_shapes.status(_like_vidu(read_object(body)), words=_WORDS)


def _like_vidu(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Put an OpenAI-like answer in Vidu's shape: its address stands in metadata.url, its fault in error."""
    links = [as_object(payload.get("metadata")).get("url"), payload.get("video_url"), payload.get("url")]
    creations = [{"url": link} for link in links if as_link(link)][:1]
    changed: dict[str, Any] = {}
    if creations and not any(as_link(one.get("url")) for one in as_objects(payload.get("creations"))):
        changed["creations"] = creations
    error = as_object(payload.get("error"))
    code, message = as_text(error.get("code")), as_text(error.get("message")) or as_text(payload.get("error"))
    changed |= {"err_code": code} if code and not payload.get("err_code") else {}
    changed |= {"err_msg": message} if message and not payload.get("err_msg") else {}
    return {**payload, **changed}
