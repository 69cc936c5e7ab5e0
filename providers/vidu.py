"""Vidu's own API: submit, query, list, cancel, and callbacks signed with the API key that made the task.

Documents: platform.vidu.com/docs, pages text-to-video, image-to-video, start-end-to-video, get-generation, tasks-list,
cancel-generation, callback-signature, error-code, usage-and-limits; read 2026-11.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import quote

import aiohttp

from . import checks, signatures, vidu_shapes
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
from .orders import Extra, Model, Operation, Order, Problem
from .reading import as_objects, as_text, read_object

NAME, TITLE = "vidu", "Vidu"
BASE_URLS = ("https://api.vidu.com",)  # api.vidu.cn is the one for China, with accounts of its own
MOST_PROMPT = 5000  # characters; text-to-video and image-to-video

_PATHS = {
    Operation.TEXT_TO_VIDEO: "/ent/v2/text2video",
    Operation.IMAGE_TO_VIDEO: "/ent/v2/img2video",
    Operation.START_END_TO_VIDEO: "/ent/v2/start-end2video",
}
_FIELDS = ("model", "prompt", "duration", "seed", "resolution", "audio", "payload", "callback_url")

_ALL = ("540p", "720p", "1080p")
_RATIOS = ("16:9", "9:16", "1:1", "3:4", "4:3")


def _q3(name: str, resolutions: tuple[str, ...] = _ALL) -> Model:
    """1 to 16 seconds, and sound unless it is switched off."""
    return Model(name, tuple(range(1, 17)), 5, resolutions, "720p", audio=True, default_audio=True)


def _q2(name: str, longest: int, resolutions: tuple[str, ...] = _ALL) -> Model:
    return Model(name, tuple(range(1, longest + 1)), 5, resolutions, "720p")


def _q1(name: str) -> Model:
    return Model(name, (5,), 5, ("1080p",), "1080p")


def _shaped(model: Model, ratios: tuple[str, ...] = _RATIOS) -> Model:
    """Only text-to-video lets one choose the picture's shape; elsewhere the pictures decide."""
    return replace(model, aspect_ratios=ratios, default_aspect_ratio="16:9")


# Left out: vidu2.0, whose resolutions depend on its duration; named by hand it passes unchecked.
# The q2 durations of 10 and 8 seconds stand on resellers' copies of the pages (read 2026-11).
_MODELS: dict[Operation, tuple[Model, ...]] = {
    Operation.TEXT_TO_VIDEO: (
        _shaped(_q3("viduq3-turbo")),
        _shaped(_q3("viduq3-pro")),
        _shaped(_q2("viduq2", 10)),
        _shaped(_q1("viduq1"), ("16:9", "9:16", "1:1")),
    ),
    Operation.IMAGE_TO_VIDEO: (
        _q3("viduq3-turbo"),
        _q3("viduq3-pro"),
        _q3("viduq3-pro-fast", ("720p", "1080p")),
        _q2("viduq2-turbo", 10),
        _q2("viduq2-pro", 10),
        _q2("viduq2-pro-fast", 10, ("720p", "1080p")),
        _q1("viduq1"),
        _q1("viduq1-classic"),
    ),
    Operation.START_END_TO_VIDEO: (
        _q3("viduq3-turbo"),
        _q3("viduq3-pro"),
        _q2("viduq2-turbo", 8),
        _q2("viduq2-pro", 8),
        _q2("viduq2-pro-fast", 8, ("720p", "1080p")),
        _q1("viduq1"),
        _q1("viduq1-classic"),
    ),
}

# Vidu's own price page could not be read; these are the rates Futurelabs publishes for the same models (2026-05-08),
# good for a hold. What a task really cost comes with its answers.
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
    {
        "viduq2": (Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO),
        "viduq1": (Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO),
    },
)

_PAGE_SIZE = 100  # tasks-list: at most
_MOST_ROWS = 1000  # taken of a page all the same
_PAGE_BYTES = 1024 * 1024  # each row may repeat a prompt of 5000 characters
_MOST_PAGES = 50
_MOST_LOOKED_AT = 20  # tasks asked for one by one
_SLACK = 600.0  # seconds; how far the vendor's clock may be behind ours


class Vidu:
    """The Vidu adapter."""

    name = NAME
    title = TITLE
    can_find = True
    takes_bytes = True

    def __init__(self, account: Account, session: aiohttp.ClientSession, clock: Callable[[], float]) -> None:
        self._keys = account.api_keys
        self._api = Api(session, account.base_urls or BASE_URLS, self._headers, vidu_shapes.explain, clock=clock)

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
        del operation
        return ()

    def models(self, operation: Operation) -> tuple[Model, ...]:
        """List the models of an operation, the default one first."""
        return _MODELS.get(operation, ())

    def fill(self, order: Order) -> Order:
        """Put Vidu's defaults where the member said nothing."""
        return checks.fill(order, self.models(order.operation))

    def problems(self, order: Order) -> list[Problem]:
        """Check a filled order. The prompt is needed for text alone."""
        text = order.operation is Operation.TEXT_TO_VIDEO
        return [
            *checks.prompt_problems(order, required=text, most=MOST_PROMPT),
            *checks.model_problems(order, self.models(order.operation)),
            *checks.seed_problems(order, vidu_shapes.MOST_SEED),
            *vidu_shapes.frame_problems(order, vidu_shapes.PICTURES),
        ]

    def price(self, order: Order) -> int | None:
        """Estimate a filled order in credits."""
        return _RATES.price(order, self.models(order.operation))

    async def submit(self, submission: Submission) -> Accepted:
        """Create a task. Raise ProviderError."""
        operation = submission.order.operation
        fields = (*_FIELDS, "aspect_ratio") if operation is Operation.TEXT_TO_VIDEO else _FIELDS
        body = vidu_shapes.request_body(submission, vidu_shapes.PICTURES, fields)
        return vidu_shapes.accepted(await self._api.call("POST", _PATHS[operation], json=body))

    async def query(self, task: Task) -> Status:
        """Ask how a task is. Raise ProviderError."""
        payload = await self._api.call("GET", f"/ent/v2/tasks/{quote(task.task_id, safe='')}/creations")
        return vidu_shapes.answered(payload, task.task_id)

    async def find(self, task: Task, since: float) -> Status | None:
        """Look for our payload among the tasks made after `since`. Raise ProviderError when that leaves it open.

        The documented fields of a listed task do not include the payload, those of a queried one do: where the list
        shows none, the tasks in it are asked for one by one.
        """
        rows = await self._listed(since, task.reference)
        if rows and not any(row.echo for row in rows):
            if len(rows) > _MOST_LOOKED_AT:
                raise _left_open("the list of tasks shows no payload and is long")
            try:
                rows = [await self.query(replace(task, task_id=row.task_id)) for row in rows]
            except ProviderError as error:
                if error.reason is not Reason.NOT_FOUND:  # which would speak of the listed task, not of ours
                    raise
                raise _left_open("a task in the list is gone") from None
            if not any(row.echo for row in rows):
                raise _left_open("no task shows its payload")
        return next((row for row in rows if row.echo == task.reference), None)

    async def _listed(self, since: float, reference: str) -> list[Status]:
        """Walk the list of tasks to its end, or to the page that shows the reference. Raise ProviderError."""
        listed: dict[str, Status] = {}
        token = ""
        for page in range(_MOST_PAGES):
            payload = await self._api.call(
                "GET", "/ent/v2/tasks", query=_page_query(since, page, token), most_bytes=_PAGE_BYTES
            )
            rows = {row.task_id: row for row in (vidu_shapes.answered(each, "") for each in _rows(payload))}
            if rows and rows.keys() <= listed.keys():
                raise _left_open("the list of tasks repeats itself")
            listed |= rows
            was_token, token = token, as_text(payload.get("next_page_token"))
            # Without tokens only an empty page is surely the end.
            if (not token and (was_token or not rows)) or any(row.echo == reference for row in rows.values()):
                return list(listed.values())
        raise _left_open("the list of tasks has too many pages")

    async def cancel(self, task: Task) -> None:
        """Ask Vidu to stop a task that has not begun. Raise ProviderError (REJECTED: it has)."""
        path = f"/ent/v2/tasks/{quote(task.task_id, safe='')}/cancel"
        await self._api.call("POST", path, json={"id": task.task_id}, any_body=True)

    def verify(self, callback: Callback, now: float) -> Verified:
        """Demand Vidu's signature under any of our keys. The body is not signed: a doorbell. Raise NotAuthentic."""
        return Verified(Trust.DOORBELL, signatures.vidu(callback, self._keys, now))

    def read_callback(self, body: bytes) -> Status:
        """Read a callback, which has the shape of a query's answer. Raise NotUnderstood."""
        return vidu_shapes.status(read_object(body))


def _page_query(since: float, page: int, token: str) -> dict[str, str]:
    """Ask for a page in both spellings the document has: "paper" for the numbers, "pager" for the token."""
    start = datetime.fromtimestamp(max(since - _SLACK, 0.0), tz=UTC)
    query = {"created_at.from": start.strftime("%Y-%m-%dT%H:%M:%SZ")}
    for spelling in ("paper", "pager"):
        query[f"{spelling}.pagesz"] = str(_PAGE_SIZE)
        if not token:
            query[f"{spelling}.page"] = str(page)
    if token:
        query["pager.page_token"] = token
    return query


def _rows(payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed: object = payload.get("tasks", "absent")
    rows = as_objects(listed, _MOST_ROWS)
    if listed is not None and len(rows) != (len(cast("list[object]", listed)) if isinstance(listed, list) else -1):
        raise _left_open("the list of tasks is malformed")
    return rows


def _left_open(detail: str) -> ProviderError:
    return ProviderError(ErrorKind.UNKNOWN, Reason.VENDOR, detail)
