"""One walk through Vidu's list of tasks for everyone who asked before it began, and for nobody else."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from providers.contract import ErrorKind, ProviderError, Status, Task
from providers.orders import Operation
from providers.vidu import Vidu
from tests.providers.lab import Vendor, read_request, reply
from tests.providers.orders import ACCOUNT

FILM, PICTURE = Operation.TEXT_TO_VIDEO, Operation.REFERENCE_TO_IMAGE
Found = Status | None | BaseException


@pytest.fixture
async def begun() -> asyncio.Event:
    """Give what is set when a walk has begun."""
    return asyncio.Event()


@pytest.fixture
async def vidu(vendor: Vendor, session: aiohttp.ClientSession, begun: asyncio.Event) -> Vidu:
    """Give a Vidu that answers when it is released."""

    async def hold(reader: StreamReader, writer: StreamWriter) -> None:
        vendor.requests.append(await read_request(reader, writer))
        begun.set()
        await vendor.release.wait()
        writer.write(vendor.answers.pop(0) if len(vendor.answers) > 1 else vendor.answers[0])
        await writer.drain()

    vendor.misbehave = hold
    return Vidu(replace(ACCOUNT, base_urls=(vendor.url,)), session, lambda: 0.0)


def page(*payloads: str, token: str = "", state: str = "processing") -> bytes:
    rows: list[dict[str, Any]] = [{"id": f"{each}-id", "state": state, "payload": each} for each in payloads]
    return reply(200, {"tasks": rows, "next_page_token": token})


def looking(vidu: Vidu, *names: str, since: float = 90_000.0, operation: Operation = FILM) -> list[asyncio.Task[Any]]:
    return [asyncio.create_task(vidu.find(Task("", operation, name), since)) for name in names]


def ids(found: Sequence[Found]) -> list[str | None]:
    return [one.task_id if isinstance(one, Status) else one and repr(one) for one in found]


async def test_whoever_asked_before_a_walk_began_is_answered_by_it(
    vidu: Vidu, vendor: Vendor, begun: asyncio.Event
) -> None:
    vendor.answers = [page("x"), page("a", token="t1"), page("b", token="t2"), page("c", "y")]
    first = looking(vidu, "x")
    await begun.wait()
    crowd = looking(vidu, "a", "nowhere", "c", "a")
    vendor.release.set()
    assert ids(await asyncio.gather(*first, *crowd)) == ["x-id", "a-id", None, "c-id", "a-id"]
    assert len(vendor.requests) == 1 + 3


async def test_who_asks_during_a_walk_waits_for_the_next(vidu: Vidu, vendor: Vendor, begun: asyncio.Event) -> None:
    vendor.answers = [page("other"), page(), page("late")]
    early = looking(vidu, "early")
    await begun.wait()
    late = looking(vidu, "late")
    vendor.release.set()
    assert ids(await asyncio.gather(*early, *late)) == [None, "late-id"]
    assert len(vendor.requests) == 2 + 1


async def test_a_walk_ends_when_everyone_has_found_theirs(vidu: Vidu, vendor: Vendor, begun: asyncio.Event) -> None:
    vendor.answers = [page("x"), page("a", token="t1"), page("b", token="t2"), page("c")]
    first = looking(vidu, "x")
    await begun.wait()
    pair = looking(vidu, "b", "a")
    vendor.release.set()
    assert ids(await asyncio.gather(*first, *pair)) == ["x-id", "b-id", "a-id"]
    assert len(vendor.requests) == 1 + 2


async def test_who_walks_for_others_and_is_cancelled_leaves_nobody_without_an_answer(
    vidu: Vidu, vendor: Vendor, begun: asyncio.Event
) -> None:
    vendor.answers = [page("a", "b"), page("a", "b"), page()]
    gone, *others = looking(vidu, "gone", "a", "nowhere")
    await begun.wait()
    gone.cancel()
    await asyncio.wait({gone})
    vendor.release.set()
    assert ids(await asyncio.gather(*others)) == ["a-id", None]


async def test_a_walk_that_fails_leaves_it_open_for_all_but_those_already_found(
    vidu: Vidu, vendor: Vendor, begun: asyncio.Event
) -> None:
    vendor.answers = [page("x"), page("a", token="t1"), reply(500, {}), page("b")]
    first = looking(vidu, "x")
    await begun.wait()
    crowd = looking(vidu, "a", "b", "nowhere")
    vendor.release.set()
    found = await asyncio.gather(*first, *crowd, return_exceptions=True)
    assert ids(found[:2]) == ["x-id", "a-id"]
    troubles = [one for one in found[2:] if isinstance(one, ProviderError)]
    assert [trouble.kind for trouble in troubles] == [ErrorKind.UNKNOWN] * 2
    assert ids(await asyncio.gather(*looking(vidu, "b"))) == ["b-id"]


async def test_an_old_doubt_does_not_make_the_walk_of_the_young_ones_long(
    vidu: Vidu, vendor: Vendor, begun: asyncio.Event
) -> None:
    vendor.answers = [page("x"), page("young"), page("old")]
    first = looking(vidu, "x")
    await begun.wait()
    crowd = [*looking(vidu, "young"), *looking(vidu, "old", since=3_600.0)]
    vendor.release.set()
    assert ids(await asyncio.gather(*first, *crowd)) == ["x-id", "young-id", "old-id"]
    begins = [request.query["created_at.from"] for request in vendor.requests]
    assert begins == ["1970-01-02T00:50:00Z", "1970-01-02T00:50:00Z", "1970-01-01T00:50:00Z"]


async def test_the_walk_begins_with_the_oldest_it_is_for(vidu: Vidu, vendor: Vendor, begun: asyncio.Event) -> None:
    vendor.answers = [page("x"), page("young", "older")]
    first = looking(vidu, "x")
    await begun.wait()
    crowd = [*looking(vidu, "young"), *looking(vidu, "older", since=88_200.0)]
    vendor.release.set()
    assert ids(await asyncio.gather(*first, *crowd)) == ["x-id", "young-id", "older-id"]
    assert [request.query["created_at.from"][11:] for request in vendor.requests] == ["00:50:00Z", "00:20:00Z"]


async def test_a_picture_is_not_read_as_a_film_of_another(vidu: Vidu, vendor: Vendor, begun: asyncio.Event) -> None:
    done = {"state": "success", "creations": [{"url": "https://r.example/x"}]}
    rows = [{"id": name, "payload": name} | done for name in ("film", "picture")]
    vendor.answers = [page("x"), reply(200, {"tasks": rows, "next_page_token": ""})]
    first = looking(vidu, "x")
    await begun.wait()
    crowd = [*looking(vidu, "film"), *looking(vidu, "picture", operation=PICTURE)]
    vendor.release.set()
    found = await asyncio.gather(*first, *crowd)
    assert [[output.kind for output in one.outputs] for one in found] == [[], ["video"], ["image"]]
