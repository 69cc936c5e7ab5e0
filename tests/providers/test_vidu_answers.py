"""What Vidu costs, how a task is stopped, and how answers, refusals and callbacks are read."""

import json
from dataclasses import replace
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
from providers.orders import Operation
from providers.vidu import Vidu
from tests.providers.lab import Vendor, raw, reply, sample
from tests.providers.orders import ACCOUNT, order, submission, task

IMAGE, FRAMES = Operation.IMAGE_TO_VIDEO, Operation.START_END_TO_VIDEO


@pytest.fixture
async def vidu(vendor: Vendor, session: aiohttp.ClientSession) -> Vidu:
    vendor.answers = [reply(200, sample("vidu/submit.json"))]
    return Vidu(replace(ACCOUNT, base_urls=(vendor.url,)), session, lambda: 0.0)


async def test_the_answer_counts_for_more_than_the_list(vidu: Vidu, vendor: Vendor) -> None:
    filled = vidu.fill(order(model="viduq3-pro"))
    assert vidu.price(filled) == 40
    vendor.answers = [reply(200, sample("vidu/submit.json") | {"credits": 80})]
    assert (await vidu.submit(submission(filled))).credits == 80


def test_the_same_rates_as_the_best_known_price_list(vidu: Vidu) -> None:
    assert vidu.price(vidu.fill(order(model="viduq3-pro", resolution="1080p", duration=16))) == 256
    assert vidu.price(vidu.fill(order(IMAGE, model="viduq1"))) == 40
    assert vidu.price(vidu.fill(order(FRAMES, model="viduq1"))) is None
    assert vidu.price(vidu.fill(order(IMAGE, model="viduq2-pro"))) is None


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


def test_an_unsigned_callback_is_not_authentic(vidu: Vidu) -> None:
    with pytest.raises(NotAuthentic):
        vidu.verify(Callback("/cb", [], raw("vidu/query_success_full.json")), 0.0)


def test_a_callback_may_say_status_and_task_id(vidu: Vidu) -> None:
    status = vidu.read_callback(json.dumps({"task_id": 7, "status": "processing"}).encode())
    assert (status.task_id, status.progress) == ("7", Progress.RUNNING)
    status = vidu.read_callback(raw("vidu/callback_processing.json"))
    assert (status.task_id, status.progress, status.credits) == ("801234567890123456", Progress.RUNNING, 15)
