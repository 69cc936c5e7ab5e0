import base64
import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import aiohttp
import pytest

from providers import vidu_shapes
from providers.contract import (
    Callback,
    ErrorKind,
    NotAuthentic,
    Progress,
    ProviderError,
    Reason,
    Status,
)
from providers.orders import Operation, Picture, Problem, Role, Rule
from providers.vidu import Vidu
from tests.providers.lab import Vendor, raw, reply, sample
from tests.providers.orders import ACCOUNT, CALLBACK, HTTPS, KEY, order, picture, submission, task

TEXT, IMAGE, FRAMES = Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO, Operation.START_END_TO_VIDEO


@pytest.fixture
async def vidu(vendor: Vendor, session: aiohttp.ClientSession) -> Vidu:
    vendor.answers = [reply(200, sample("vidu/submit.json"))]
    return Vidu(replace(ACCOUNT, base_urls=(vendor.url,)), session, lambda: 0.0)


async def test_text_to_video_sends_what_the_page_lists(vidu: Vidu, vendor: Vendor) -> None:
    accepted = await vidu.submit(submission(vidu.fill(order(model="viduq3-pro"))))
    assert (accepted.task_id, accepted.credits) == ("801234567890123456", 10)
    assert vendor.last.path == "/ent/v2/text2video"
    assert vendor.last.headers["authorization"] == f"Token {KEY}"
    assert vendor.last.json == {
        "model": "viduq3-pro",
        "prompt": "a lighthouse in fog",
        "duration": 5,
        "aspect_ratio": "16:9",
        "resolution": "720p",
        "audio": True,
        "payload": "job-1",
        "callback_url": CALLBACK,
    }


async def test_only_the_newest_key_calls(vendor: Vendor, session: aiohttp.ClientSession) -> None:
    vendor.answers = [reply(200, sample("vidu/query_success.json"))]
    await Vidu(replace(ACCOUNT, api_keys=("new-key", "old-key"), base_urls=(vendor.url,)), session, lambda: 0.0).query(
        task()
    )
    assert vendor.last.headers["authorization"] == "Token new-key"


async def test_a_picture_goes_as_an_https_address_or_as_a_data_address(vidu: Vidu, vendor: Vendor) -> None:
    await vidu.submit(submission(vidu.fill(order(IMAGE))))
    assert vendor.last.path == "/ent/v2/img2video"
    assert vendor.last.json["images"] == [HTTPS]
    assert "aspect_ratio" not in vendor.last.json
    coded = "data:image/webp;base64," + base64.b64encode(b"RIFF").decode()
    for url in (None, "http://127.0.0.1/one.webp"):
        pictures = (picture(mime="image/webp", data=b"RIFF", url=url),)
        await vidu.submit(submission(vidu.fill(order(IMAGE, pictures=pictures))))
        assert vendor.last.json["images"] == [coded]


async def test_frames_go_first_frame_first(vidu: Vidu, vendor: Vendor) -> None:
    frames = (picture(Role.LAST_FRAME, url=HTTPS + "?last"), picture())
    await vidu.submit(submission(vidu.fill(order(FRAMES, pictures=frames))))
    assert vendor.last.path == "/ent/v2/start-end2video"
    assert vendor.last.json["images"] == [HTTPS, HTTPS + "?last"]


def test_the_fast_models_have_no_540p_and_old_ones_no_choice(vidu: Vidu) -> None:
    for operation in (IMAGE, FRAMES):
        for model in vidu.models(operation):
            assert ("540p" in model.resolutions) == (not model.name.endswith("-fast") and "q1" not in model.name)
    assert [model.name for model in vidu.models(TEXT)] == ["viduq3-turbo", "viduq3-pro", "viduq2", "viduq1"]


def test_the_same_rates_as_the_best_known_price_list(vidu: Vidu) -> None:
    assert vidu.price(vidu.fill(order(model="viduq3-pro", resolution="1080p", duration=16))) == 256
    assert vidu.price(vidu.fill(order(IMAGE, model="viduq1"))) == 40
    assert vidu.price(vidu.fill(order(FRAMES, model="viduq1"))) is None
    assert vidu.price(vidu.fill(order(IMAGE, model="viduq2-pro"))) is None


def only(problems: list[Problem]) -> Problem:
    [problem] = problems
    return problem


@pytest.mark.parametrize(
    ("width", "height", "fits"),
    [(4000, 1000, True), (4001, 1000, False), (1000, 4000, True), (1000, 4001, False), (1, 1, True)],
)
def test_pictures_are_between_1_to_4_and_4_to_1(vidu: Vidu, width: int, height: int, fits: bool) -> None:
    problems = vidu.problems(vidu.fill(order(IMAGE, pictures=(picture(width=width, height=height),))))
    if fits:
        assert problems == []
    else:
        problem = only(problems)
        assert (problem.field, problem.rule, problem.allowed) == ("first_frame", Rule.FILE_RATIO, ("1:4", "4:1"))


@pytest.mark.parametrize(
    ("first", "last", "close"),
    [
        ((1000, 800), (1000, 1000), True),
        ((1000, 799), (1000, 1000), False),
        ((1000, 1250), (1000, 1000), True),
        ((1000, 1251), (1000, 1000), False),
    ],
)
def test_two_frames_are_about_the_same_size(
    vidu: Vidu, first: tuple[int, int], last: tuple[int, int], close: bool
) -> None:
    frames = (
        picture(width=first[0], height=first[1]),
        picture(Role.LAST_FRAME, width=last[0], height=last[1]),
    )
    problems = vidu.problems(vidu.fill(order(FRAMES, pictures=frames)))
    if close:
        assert problems == []
    else:
        problem = only(problems)
        assert (problem.field, problem.rule, problem.given) == ("last_frame", Rule.NOT_TOGETHER, "first_frame")


class Long(bytes):
    """Bytes that only say they are many."""

    size = 0

    def __len__(self) -> int:
        return self.size


def long(size: int) -> bytes:
    made = Long()
    made.size = size
    return made


@pytest.mark.parametrize(
    ("pictures", "limit"),
    [
        ([picture(data=long(50_000_000))], None),
        ([picture(data=long(50_000_001))], 50_000_000),
        ([picture(url=None, data=long(14_850_000))], None),
        ([picture(url=None, data=long(14_850_001))], 14_850_000),
        ([picture(url=None, data=long(7_425_001)), picture(Role.LAST_FRAME)], None),
        ([picture(url=None, data=long(7_425_001)), picture(Role.LAST_FRAME, url=None)], 7_425_000),
    ],
)
def test_a_picture_is_as_large_as_its_way_allows(vidu: Vidu, pictures: list[Picture], limit: int | None) -> None:
    operation = IMAGE if len(pictures) == 1 else FRAMES
    problems = vidu.problems(vidu.fill(order(operation, pictures=tuple(pictures))))
    assert [(problem.rule, problem.limit) for problem in problems] == (
        [] if limit is None else [(Rule.FILE_BYTES, limit)]
    )


async def test_the_largest_picture_given_as_bytes_stays_below_the_largest_body(vidu: Vidu, vendor: Vendor) -> None:
    largest = picture(url=None, data=bytes(vidu_shapes.PICTURES.most_inline_bytes))
    filled = vidu.fill(order(IMAGE, prompt="\N{GRINNING FACE}" * 5000, pictures=(largest,)))
    assert vidu.problems(filled) == []
    await vidu.submit(submission(filled))
    assert len(vendor.last.body) <= 20_000_000


def test_other_formats_are_named(vidu: Vidu) -> None:
    problem = only(vidu.problems(vidu.fill(order(IMAGE, pictures=(picture(mime="image/gif"),)))))
    assert (problem.rule, problem.given, problem.allowed) == (
        Rule.FILE_FORMAT,
        "image/gif",
        ("image/png", "image/jpeg", "image/webp"),
    )


async def test_an_answer_need_not_repeat_the_id(vidu: Vidu, vendor: Vendor) -> None:
    vendor.answers = [reply(200, sample("vidu/query_success.json"))]
    status = await vidu.query(task("801"))
    assert vendor.last.target == "/ent/v2/tasks/801/creations"
    assert (status.task_id, status.credits, status.echo) == ("801", 4, None)


def test_the_full_answer_is_read_with_credits_as_digits_and_our_reference(vidu: Vidu) -> None:
    status = vidu.read_callback(raw("vidu/query_success_full.json"))
    assert (status.task_id, status.credits, status.echo) == ("801234567890123456", 20, "job-1")
    assert [output.url for output in status.outputs] == ["https://files.example/902.mp4"]


def test_a_failed_task_tells_why(vidu: Vidu) -> None:
    status = vidu.read_callback(raw("vidu/query_failed.json"))
    assert (status.progress, status.reason, status.detail) == (
        Progress.FAILED,
        Reason.CONTENT,
        "CreationPolicyViolation",
    )
    assert status.outputs == ()


def test_a_task_cancelled_by_us_reads_as_cancelled_not_as_failed(vidu: Vidu) -> None:
    status = vidu.read_callback(raw("vidu/query_cancelled.json"))
    assert (status.progress, status.reason, status.credits) == (Progress.CANCELLED, None, 0)


def read(**fields: Any) -> Status:
    return vidu_shapes.status({"id": "1", "state": "success", **fields})


@pytest.mark.parametrize(
    ("word", "progress"),
    [
        ("created", Progress.WAITING),
        ("queueing", Progress.WAITING),
        ("processing", Progress.RUNNING),
        ("failed", Progress.FAILED),
        ("something-new", Progress.RUNNING),
    ],
)
def test_each_word_means_one_thing(word: str, progress: Progress) -> None:
    assert read(state=word).progress is progress
    assert vidu_shapes.status({"task_id": "1", "status": word}).progress is progress


@pytest.mark.parametrize(
    ("creations", "reason"),
    [
        (None, Reason.VENDOR),
        ([], Reason.VENDOR),
        ({}, Reason.VENDOR),
        ([{"id": "1", "url": ""}], Reason.CONTENT),
        ([{"id": "1"}], Reason.CONTENT),
        ([{"id": "1", "url": None, "moderation_url": ["https://x.example/m"]}], Reason.CONTENT),
        ([{"id": "1", "url": "javascript:alert(1)"}], Reason.CONTENT),
    ],
)
def test_success_without_a_usable_address_is_a_failure(creations: object, reason: Reason) -> None:
    status = read(creations=creations)
    assert (status.progress, status.reason, status.outputs) == (Progress.FAILED, reason, ())
    assert status.detail.startswith("success without a result")


def test_of_several_results_the_usable_ones_are_taken() -> None:
    status = read(creations=[{"url": ""}, {"url": "https://x.example/1"}, 7, {"url": "https://x.example/2"}])
    assert [output.url for output in status.outputs] == ["https://x.example/1", "https://x.example/2"]


def test_an_unknown_err_code_is_the_vendors_fault() -> None:
    status = read(state="failed", err_code="Whatever", err_msg="so sorry")
    assert (status.reason, status.detail) == (Reason.VENDOR, "Whatever so sorry")


@pytest.mark.parametrize(
    ("http", "name", "kind", "reason"),
    [
        (400, "BadRequest", ErrorKind.REJECTED, Reason.BAD_ORDER),
        (400, "FieldInvalid", ErrorKind.REJECTED, Reason.BAD_ORDER),
        (400, "CreditInsufficient", ErrorKind.REJECTED, Reason.CREDIT),
        (400, "TaskPromptPolicyViolation", ErrorKind.REJECTED, Reason.CONTENT),
        (400, "AuditSubmitIllegal", ErrorKind.REJECTED, Reason.CONTENT),
        (400, "ImageDownloadFailure", ErrorKind.REJECTED, Reason.PICTURE),
        (400, "PageSizeOutOfRange", ErrorKind.REJECTED, Reason.PICTURE),
        (400, "OperationInProcess", ErrorKind.THROTTLED, Reason.BUSY),
        (400, "SomethingNew", ErrorKind.REJECTED, Reason.BAD_ORDER),
        (401, "Unauthorized", ErrorKind.REJECTED, Reason.ACCESS),
        (403, "Forbidden", ErrorKind.REJECTED, Reason.ACCESS),
        (404, "TaskNotFound", ErrorKind.REJECTED, Reason.NOT_FOUND),
        (404, "", ErrorKind.REJECTED, Reason.ACCESS),
        (409, "Conflict", ErrorKind.REJECTED, Reason.BAD_ORDER),
        (429, "QuotaExceeded", ErrorKind.THROTTLED, Reason.BUSY),
        (429, "TooManyRequests", ErrorKind.THROTTLED, Reason.BUSY),
        (429, "SystemThrottling", ErrorKind.THROTTLED, Reason.BUSY),
        (429, "", ErrorKind.THROTTLED, Reason.BUSY),
        (429, "CreditInsufficient", ErrorKind.REJECTED, Reason.CREDIT),
        (499, "Canceled", ErrorKind.UNKNOWN, Reason.VENDOR),
        (500, "InternalServiceFailure", ErrorKind.UNKNOWN, Reason.VENDOR),
        (500, "QuotaExceeded", ErrorKind.UNKNOWN, Reason.BUSY),
    ],
)
def test_a_refusal_is_read_by_its_name(http: int, name: str, kind: ErrorKind, reason: Reason) -> None:
    assert vidu_shapes.explain(http, {"code": http, "reason": name, "message": "m"})[:2] == (kind, reason)
    assert vidu_shapes.explain(http, {"err_code": name})[:2] == (kind, reason)


async def test_an_empty_account_is_for_the_admin(vidu: Vidu, vendor: Vendor) -> None:
    vendor.answers = [reply(400, sample("vidu/refused_credit.json"))]
    with pytest.raises(ProviderError) as caught:
        await vidu.submit(submission(vidu.fill(order())))
    assert (caught.value.kind, caught.value.reason) == (ErrorKind.REJECTED, Reason.CREDIT)
    assert "0af7651916cd43dd8448eb211c80319c" in caught.value.detail


async def test_cancelling_repeats_the_id_and_takes_an_empty_answer(vidu: Vidu, vendor: Vendor) -> None:
    for body in (b"{}", b"null", b""):
        vendor.answers = [reply(200, body)]
        await vidu.cancel(task("801"))
    assert (vendor.last.target, vendor.last.json) == ("/ent/v2/tasks/801/cancel", {"id": "801"})


async def test_cancelling_too_late_is_a_refusal(vidu: Vidu, vendor: Vendor) -> None:
    vendor.answers = [reply(400, sample("vidu/cancel_too_late.json"))]
    with pytest.raises(ProviderError) as caught:
        await vidu.cancel(task("801"))
    assert caught.value.kind is ErrorKind.REJECTED


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
    vendor.answers = [page(row(number), token=f"t{number}") for number in range(60)]
    with pytest.raises(ProviderError) as caught:
        await vidu.find(task(""), 0.0)
    assert caught.value.kind is ErrorKind.UNKNOWN
    assert len(vendor.requests) == 50


def test_an_unsigned_callback_is_not_authentic(vidu: Vidu) -> None:
    with pytest.raises(NotAuthentic):
        vidu.verify(Callback("/cb", [], raw("vidu/query_success_full.json")), 0.0)


def test_a_callback_may_say_status_and_task_id(vidu: Vidu) -> None:
    status = vidu.read_callback(json.dumps({"task_id": 7, "status": "processing"}).encode())
    assert (status.task_id, status.progress) == ("7", Progress.RUNNING)


def test_the_frame_rule_is_exact() -> None:
    low, high = vidu_shapes.CLOSE_ENOUGH
    assert (low, high) == (Fraction("0.8"), Fraction("1.25"))
