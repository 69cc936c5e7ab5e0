"""Vidu's list of tasks: walked to its end to learn whether a submission that was never answered arrived.

A walk is long where much is made, and doubts come in crowds: after a crash, or when the network was away. So one walk
answers everyone who asked before it began; who asks during it waits for the next, as what they ask for may have been
made behind its back. Document: platform.vidu.com/docs, page tasks-list, read 2026-11.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

from . import vidu_shapes
from .call import Api
from .contract import ErrorKind, ProviderError, Reason, Status, Task
from .reading import as_objects, as_text

_PAGE_SIZE = 100  # tasks-list: at most
_MOST_ROWS = 1000  # taken of a page all the same
_PAGE_BYTES = 1024 * 1024  # each row may repeat a prompt of 5000 characters
_MOST_PAGES = 200
_MOST_LOOKED_AT = 20  # tasks asked for one by one
_SLACK = 600.0  # seconds; how far the vendor's clock may be behind ours
_SPAN = 3600.0  # seconds; an old doubt would make the walk of the young ones long


@dataclass(eq=False, slots=True)
class _Asker:
    """One task that is looked for, and what came of it."""

    task: Task
    since: float
    known: Collection[str]
    served: bool = False
    found: Status | None = None
    trouble: ProviderError | None = None

    def goes_with(self, other: "_Asker") -> bool:
        """Tell whether one walk can answer both."""
        alike = self.task.operation.makes == other.task.operation.makes
        return not self.served and alike and abs(self.since - other.since) <= _SPAN


class Search:
    """Finds tasks by our reference, which Vidu repeats as their payload."""

    def __init__(self, api: Api, query: Callable[[Task], Awaitable[Status]]) -> None:
        self._api = api
        self._query = query
        self._askers: list[_Asker] = []
        self._turn = asyncio.Lock()

    async def find(self, task: Task, since: float, known: Collection[str]) -> Status | None:
        """Look for a task made after `since` and not `known`; None: surely absent. Raise ProviderError: left open."""
        asker = _Asker(task, since, known)
        self._askers.append(asker)
        try:
            async with self._turn:
                if not asker.served:
                    await self._serve([each for each in self._askers if each.goes_with(asker)])
        finally:
            self._askers.remove(asker)
        if asker.trouble is not None:
            raise asker.trouble
        return asker.found

    async def _serve(self, askers: Sequence[_Asker]) -> None:
        """Walk once for all of them. Who walks may be cancelled: then nobody is served, and the next one walks."""
        trouble: ProviderError | None = None
        try:
            await self._walk(askers, min(asker.since for asker in askers), askers[0].task)
        except ProviderError as error:
            trouble = error
        for asker in askers:
            asker.trouble = None if asker.found else trouble
            asker.served = True

    async def _walk(self, askers: Sequence[_Asker], since: float, task: Task) -> None:
        """Go through the list to its end, or until everyone has found theirs. Raise ProviderError.

        The documented fields of a listed task do not include the payload, those of a queried one do: where the list
        shows none, the tasks in it are asked for one by one.
        """
        listed: set[str] = set()
        silent: list[str] = []
        token, echoed = "", False
        for number in range(_MOST_PAGES):
            query = _page_query(since, number, token)
            payload = await self._api.call("GET", "/ent/v2/tasks", query=query, most_bytes=_PAGE_BYTES)
            rows = [vidu_shapes.answered(each, "", task.operation) for each in _rows(payload)]
            if rows and listed.issuperset(row.task_id for row in rows):
                raise _left_open("the list of tasks repeats itself")
            listed.update(row.task_id for row in rows)
            if _recognised(rows, askers):
                return
            echoed = echoed or any(row.echo for row in rows)
            silent = [] if echoed else [*silent, *(row.task_id for row in rows)][: _MOST_LOOKED_AT + 1]
            was_token, token = token, as_text(payload.get("next_page_token"))
            if not token and (was_token or not rows):  # without tokens only an empty page is surely the end
                break
        else:
            raise _left_open("the list of tasks has too many pages")
        if silent:
            await self._look_at(silent, askers, task)

    async def _look_at(self, tasks: Sequence[str], askers: Sequence[_Asker], task: Task) -> None:
        """Ask for tasks one by one. Raise ProviderError."""
        if len(tasks) > _MOST_LOOKED_AT:
            raise _left_open("the list of tasks shows no payload and is long")
        try:
            rows = [await self._query(replace(task, task_id=each)) for each in tasks]
        except ProviderError as error:
            if error.reason is not Reason.NOT_FOUND:  # which would speak of the listed task, not of ours
                raise
            raise _left_open("a task in the list is gone") from None
        _recognised(rows, askers)
        if not any(row.echo for row in rows):
            raise _left_open("no task shows its payload")


def _recognised(rows: Sequence[Status], askers: Sequence[_Asker]) -> bool:
    """Hand each asker the first row of theirs; tell whether everyone has one."""
    shown: dict[str, list[Status]] = {}
    for row in rows:
        shown.setdefault(row.echo or "", []).append(row)
    for asker in askers:
        if asker.found is None:
            theirs = shown.get(asker.task.reference, ())
            asker.found = next((row for row in theirs if row.task_id not in asker.known), None)
    return all(asker.found for asker in askers)


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
