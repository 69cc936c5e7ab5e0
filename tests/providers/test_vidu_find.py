"""Looking a task up by our reference: found, surely absent, or left open, which decides about spending again."""

from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from providers.contract import ErrorKind, Progress, ProviderError
from providers.orders import Operation
from providers.vidu import Vidu
from tests.providers.lab import Vendor, reply, sample
from tests.providers.orders import ACCOUNT, task


@pytest.fixture
async def vidu(vendor: Vendor, session: aiohttp.ClientSession) -> Vidu:
    return Vidu(replace(ACCOUNT, base_urls=(vendor.url,)), session, lambda: 0.0)


def row(number: int, payload: str | None = "other") -> dict[str, Any]:
    return {"id": str(number), "state": "processing"} | ({} if payload is None else {"payload": payload})


def page(*rows: object, token: str | None = None) -> bytes:
    return reply(200, {"tasks": rows} | ({} if token is None else {"next_page_token": token}))


async def test_a_task_is_found_by_our_payload(vidu: Vidu, vendor: Vendor) -> None:
    vendor.answers = [reply(200, sample("vidu/list.json"))]
    status = await vidu.find(task(""), 1_700_000_000.0)
    assert status is not None
    assert (status.task_id, status.progress) == ("801234567890123456", Progress.RUNNING)
    assert vendor.last.path == "/ent/v2/tasks"
    assert vendor.last.query["created_at.from"] == "2023-11-14T22:03:20Z"
    assert vendor.last.query["paper.pagesz"] == vendor.last.query["pager.pagesz"] == "100"


async def test_pages_are_followed_by_their_token(vidu: Vidu, vendor: Vendor) -> None:
    vendor.answers = [page(row(1), token="t1"), page(row(2), token="t2"), page(row(3, "job-1"), token="")]
    status = await vidu.find(task(""), 0.0)
    assert status is not None
    assert status.task_id == "3"
    assert [request.query.get("pager.page_token") for request in vendor.requests] == [None, "t1", "t2"]


async def test_pages_are_followed_by_their_number_where_there_is_no_token(vidu: Vidu, vendor: Vendor) -> None:
    vendor.answers = [page(row(1)), page(row(2)), page(row(3, "job-1")), page()]
    status = await vidu.find(task(""), 0.0)
    assert status is not None
    assert status.task_id == "3"
    assert [request.query["paper.page"] for request in vendor.requests] == ["0", "1", "2"]


@pytest.mark.parametrize(
    "pages",
    [
        [page()],
        [page(token="")],
        [reply(200, {"tasks": None})],
        [page(row(1)), page()],
        [page(row(1), token="t1"), page(row(2), token="")],
        [page(row(1), row(2, None)), page(row(3, "")), page()],
    ],
)
async def test_a_task_that_is_in_no_page_to_the_end_is_surely_absent(
    vidu: Vidu, vendor: Vendor, pages: list[bytes]
) -> None:
    vendor.answers = pages
    assert await vidu.find(task(""), 0.0) is None


async def test_where_the_list_shows_no_payload_its_tasks_are_asked_for(vidu: Vidu, vendor: Vendor) -> None:
    listed = [page(row(1, None), row(2, "")), page(), reply(200, row(1))]
    vendor.answers = [*listed, reply(200, row(2, "job-1"))]
    status = await vidu.find(task(""), 0.0)
    assert status is not None
    assert status.task_id == "2"
    assert [request.path for request in vendor.requests[2:]] == [
        "/ent/v2/tasks/1/creations",
        "/ent/v2/tasks/2/creations",
    ]
    vendor.answers = [*listed, reply(200, row(2, ""))]
    assert await vidu.find(task(""), 0.0) is None


async def test_a_whole_page_of_long_prompts_is_read(vidu: Vidu, vendor: Vendor) -> None:
    rows = [row(number) | {"prompt": "x" * 5000} for number in range(99)]
    vendor.answers = [page(*rows, row(99, "job-1"), token="t1")]
    found = await vidu.find(task(""), 0.0)
    assert found is not None
    assert found.task_id == row(99)["id"]


@pytest.mark.parametrize(
    "pages",
    [
        [page(row(1))],  # the same page again and again
        [page(row(1), token="t1")],
        [reply(200, {})],
        [reply(200, {"tasks": {}})],
        [reply(200, {"tasks": "none"})],
        [page(row(1), "row")],
        [page({"id": "1"})],
        [page({"state": "success", "payload": "x"})],
        [page(row(1, None)), page(), reply(200, row(1, None))],  # a payload is shown nowhere
        [page(row(1, "")), page(), reply(200, row(1, ""))],
        [page(row(1, None)), page(), reply(404, {"reason": "TaskNotFound"})],
        [page(*(row(number, None) for number in range(21))), page(), reply(200, row(1))],
        [page(row(1)), reply(500, {})],
        [page(*(row(number) for number in range(1001)), token="")],  # ten times what was asked for
    ],
)
async def test_a_list_that_proves_nothing_leaves_it_open(vidu: Vidu, vendor: Vendor, pages: list[bytes]) -> None:
    vendor.answers = pages
    with pytest.raises(ProviderError) as caught:
        await vidu.find(task(""), 0.0)
    assert caught.value.kind is ErrorKind.UNKNOWN


async def test_an_endless_list_leaves_it_open(vidu: Vidu, vendor: Vendor) -> None:
    vendor.answers = [page(row(number), token=f"t{number}") for number in range(210)]
    with pytest.raises(ProviderError) as caught:
        await vidu.find(task(""), 0.0)
    assert caught.value.kind is ErrorKind.UNKNOWN
    assert len(vendor.requests) == 200


async def test_a_found_picture_is_one(vidu: Vidu, vendor: Vendor) -> None:
    listed = sample("vidu/query_image.json")
    del listed["type"]
    vendor.answers = [page(listed, token="")]
    status = await vidu.find(task("", Operation.REFERENCE_TO_IMAGE), 0.0)
    assert status is not None
    assert [output.kind for output in status.outputs] == ["image"]
