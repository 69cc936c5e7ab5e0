"""What Kling answers, read without a socket."""

from typing import Any

import pytest

from providers import kling_shapes
from providers.contract import NotUnderstood, Progress, ProviderError, Reason
from tests.providers.lab import sample


def test_where_a_watermark_was_asked_for_the_marked_copy_is_the_result() -> None:
    status = kling_shapes.callback(sample("kling/callback_watermarked.json"))
    assert [output.url for output in status.outputs] == ["https://p1.a.kwimgs.com/marked.mp4"]
    plain = kling_shapes.callback(sample("kling/callback_new.json"))
    assert [output.url for output in plain.outputs] == ["https://p1.a.kwimgs.com/output.mp4"]


def test_pictures_are_told_from_videos() -> None:
    task = {"task_id": "1", "task_status": "succeed"}
    images = {"images": [{"index": 0, "url": "https://x.example/1.png"}], "videos": []}
    assert [output.kind for output in kling_shapes.status_of(task | {"task_result": images}).outputs] == ["image"]
    kinds = ["image", "IMAGE", "video", "video/mp4", "", None, 5]
    told = [{"type": kind, "url": "https://x.example/1"} for kind in kinds]
    read = kling_shapes.status_of({"task_id": "1", "status": "succeeded", "outputs": told}).outputs
    assert [output.kind for output in read] == ["image", "image", *["video"] * 5]


@pytest.mark.parametrize(
    ("fields", "moment"),
    [
        ({"created_at": 1722769557708}, 1722769557.708),
        ({"create_time": 1781080778802}, 1781080778.802),
        ({"created_at": "1722769557708"}, None),
        ({"created_at": True}, None),
        ({"created_at": -1}, None),
        ({"created_at": 10**30}, None),
        ({}, None),
    ],
)
def test_times_are_milliseconds(fields: dict[str, Any], moment: float | None) -> None:
    assert kling_shapes.status_of({"task_id": "1", "task_status": "submitted", **fields}).created_at == moment


def test_an_envelope_is_opened_or_its_refusal_raised() -> None:
    assert kling_shapes.data_of({"code": 0, "data": {"task_id": "1"}}) == {"task_id": "1"}
    refusals: list[dict[str, Any]] = [{"code": 0, "data": []}, {"code": 1203, "data": {"task_id": "1"}}, {}]
    for payload in refusals:
        with pytest.raises(ProviderError):
            kling_shapes.data_of(payload)
    assert kling_shapes.accepted(sample("kling/submit.json")).task_id == "881704293106061404"
    assert kling_shapes.answered(sample("kling/query_succeed.json")).progress is Progress.SUCCEEDED


@pytest.mark.parametrize("word", ["success", "completed", "finished", "cancelled", "queued"])
def test_another_vendors_word_means_running_here(word: str) -> None:
    assert kling_shapes.status_of({"task_id": "1", "task_status": word}).progress is Progress.RUNNING


def test_a_task_without_an_id_or_a_word_is_not_understood() -> None:
    for task in ({"task_status": "succeed"}, {"task_id": "1"}, {"task_id": "../1", "task_status": "succeed"}):
        with pytest.raises(NotUnderstood):
            kling_shapes.status_of(task)


def test_a_failure_without_a_word_about_content_is_the_vendors() -> None:
    assert kling_shapes.status_of({"task_id": "1", "task_status": "failed"}).reason is Reason.VENDOR


def test_a_failure_that_speaks_of_safety_is_of_the_content() -> None:
    task = {"task_id": "1", "task_status": "failed", "task_status_msg": "blocked by the safety system"}
    assert kling_shapes.status_of(task).reason is Reason.CONTENT


def test_success_without_an_address_is_a_failure() -> None:
    results: list[object] = [None, {}, {"videos": None}, {"videos": []}, {"videos": [{"url": ""}]}, []]
    for result in results:
        status = kling_shapes.status_of({"task_id": "1", "task_status": "succeed", "task_result": result})
        assert (status.progress, status.reason) == (Progress.FAILED, Reason.VENDOR)


@pytest.mark.parametrize(
    ("said", "credits"),
    [
        ("3.5", 98),
        ("1", 28),
        ("0", 0),
        ("0.01", 1),
        (2, 56),
        (2.5, 70),
        ("", None),
        ("-1", None),
        ("NaN", None),
        ("sNaN", None),
        ("Infinity", None),
        ("1e999999", None),
        ("1e-999999", 1),
        ("abc", None),
        (None, None),
        (True, None),
        ([], None),
        ("999999999", 1_000_000_000),
    ],
)
def test_units_taken_become_credits_rounded_up(said: object, credits: int | None) -> None:
    task = {"task_id": "1", "task_status": "processing", "final_unit_deduction": said}
    assert kling_shapes.status_of(task).credits == credits


def test_units_told_as_a_number_and_as_a_bill_are_counted_once() -> None:
    bills = [{"charge_type": "unit", "amount": "1"}, {"charge_type": "unit", "amount": "1"}]
    task = {"task_id": "1", "task_status": "succeed", "final_unit_deduction": "2", "billing": bills}
    assert kling_shapes.status_of(task).credits == 56
    assert kling_shapes.status_of({**task, "final_unit_deduction": ""}).credits == 56


@pytest.mark.parametrize(
    ("paid", "credits"),
    [
        ({"final_balance_deduction": {"quota": "0.7", "list_price": "1"}}, None),
        ({"final_balance_deduction": {"quota": 3}}, None),
        ({"final_balance_deduction": {"list_price": "1"}}, None),
        ({"final_balance_deduction": "0.7"}, None),
        ({"billing": [{"charge_type": "cash", "amount": "0.7"}]}, None),
        ({"final_balance_deduction": {"quota": "0", "list_price": "0"}}, 0),
        ({"final_balance_deduction": {"quota": "0", "list_price": "1"}}, 0),
        ({"final_balance_deduction": {"quota": "", "list_price": None}}, 0),
        ({"final_balance_deduction": None}, 0),
        ({"billing": [{"charge_type": "cash", "amount": "0"}]}, 0),
    ],
)
def test_no_units_beside_money_taken_is_not_a_video_for_nothing(paid: dict[str, Any], credits: int | None) -> None:
    task = {"task_id": "1", "task_status": "succeed", "final_unit_deduction": "0", **paid}
    assert kling_shapes.status_of(task).credits == credits
    assert kling_shapes.status_of({**task, "final_unit_deduction": "2"}).credits == 56


def test_bills_in_money_alone_tell_no_credits() -> None:
    bills = [{"charge_type": "cash", "amount": "0.7"}, {"charge_type": "unit", "amount": "0"}]
    assert kling_shapes.status_of({"id": "1", "status": "succeeded", "billing": bills}).credits is None
