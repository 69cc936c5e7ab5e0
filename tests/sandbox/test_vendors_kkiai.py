"""kkiai's stand-in: Vidu's image-to-video resold, loosely typed, with callbacks that only the reseller can check."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sandbox.vendors import Behaviour
from sandbox.vendors.signing import vidu_headers
from tests.sandbox.vendors_kit import KEYS, Answer, Got, Scene, media_facts, scene

PATH = "/ent/v2/img2video"
ANSWERED = {
    *("task_id", "type", "state", "model", "style", "prompt", "images", "duration", "seed", "aspect_ratio"),
    *("resolution", "movement_amplitude", "created_at", "credits", "payload", "cus_priority", "off_peak", "watermark"),
    *("is_rec", "wm_position", "wm_url", "meta_data", "client_request_id"),
}


async def submit(stage: Scene, **fields: Any) -> Answer:
    plain = {"model": "viduq3-turbo", "images": [stage.image()], "prompt": "a boat", "duration": 1}
    return await stage.ask("POST", PATH, {**plain, "resolution": "540p", **fields})


def signed_with(key: str, got: Got, url: str, now: float) -> bool:
    headers = vidu_headers(key, url, now, got.headers["x-request-nonce"])
    return headers["X-HMAC-SIGNATURE"] == got.headers["X-HMAC-SIGNATURE"]


async def test_kkiai_from_submit_to_file(tmp_path: Path) -> None:
    async with scene(tmp_path, "kkiai") as stage:
        answer = await submit(stage, audio=False, callback_url=stage.hook(), payload="job-7", seed=5)
        assert answer.status == 200
        body = answer.json
        assert set(body) == ANSWERED
        assert (body["type"], body["state"], body["style"], body["cus_priority"]) == (
            "img2video",
            "created",
            "general",
            0,
        )
        assert (body["wm_position"], body["wm_url"], body["meta_data"]) == ("unspecified", "", "")
        assert (body["payload"], body["seed"], body["credits"]) == ("job-7", 5, 2)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z", body["created_at"])
        task = await stage.finished()
        shown = await stage.query(task)
        assert shown["id"] == shown["task_id"] == body["task_id"] == task.id
        assert [got.state for got in stage.got] == ["processing", "success"]
        assert stage.got[-1].json == shown
        assert (await stage.ask("GET", shown["creations"][0]["url"])).body[4:8] == b"ftyp"
        assert task.video
        assert "Audio" not in await media_facts(task.video)


async def test_kkiai_takes_every_field_loosely_and_answers_what_it_understood(tmp_path: Path) -> None:
    async with scene(tmp_path, "kkiai") as stage:
        stage.vendor.behaviour.hold = True
        mark = stage.image("900x90")
        fields: dict[str, Any] = {
            "audio": "true",
            "voice_id": "v1",
            "is_rec": "true",
            "off_peak": "false",
            "bgm": "false",
            "watermark": "true",
            "wm_position": "2",
            "wm_url": mark,
            "meta_data": '{"Label": "x"}',
            "seed": "0",
            "movement_amplitude": "standard",
            "aspect_ratio": "16:9",
            "client_request_id": "c-1",
        }
        body = (await submit(stage, **fields)).json
        assert (body["is_rec"], body["off_peak"], body["watermark"]) == (True, False, True)
        assert (body["wm_position"], body["wm_url"], body["meta_data"]) == ("2", mark, '{"Label": "x"}')
        assert (body["movement_amplitude"], body["aspect_ratio"], body["client_request_id"]) == ("auto", "16:9", "c-1")
        assert body["seed"] > 0
        assert body["credits"] == 12
        assert stage.task.order.film.audio
        assert [picture.width for picture in stage.task.materials.aside] == [900]


@pytest.mark.parametrize(
    ("fields", "cost"),
    [
        ({"model": "viduq1", "duration": 5, "resolution": "1080p"}, 80),
        ({"model": "viduq1", "duration": 5, "resolution": "1080p", "off_peak": True}, 40),
        ({"model": "viduq2-pro", "duration": 2, "resolution": "1080p", "audio": False}, 16),
        ({"model": "viduq3-pro", "off_peak": True}, 2),
    ],
)
async def test_kkiai_charges(tmp_path: Path, fields: dict[str, Any], cost: float) -> None:
    async with scene(tmp_path, "kkiai") as stage:
        stage.vendor.behaviour.hold = True
        assert (await submit(stage, **fields)).json["credits"] == cost


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"prompt": ""}, "FieldLacking"),
        ({"prompt": "x" * 2001}, "FieldInvalid"),
        ({"model": ""}, "FieldLacking"),
        ({"model": "viduq9"}, "ModelUnavailable"),
        ({"images": None}, "FieldLacking"),
        ({"images": ["a", "b"]}, "FieldItemCountOutOfRange"),
        ({"images": ["bare"]}, "FieldInvalid"),
        ({"audio": "loud"}, "FieldInvalid"),
        ({"audio": True, "off_peak": True}, "FieldInvalid"),
        ({"duration": 17}, "FieldInvalid"),
        ({"model": "viduq1", "duration": 4, "resolution": "1080p"}, "FieldInvalid"),
        ({"resolution": "4k"}, "FieldInvalid"),
        ({"movement_amplitude": "huge"}, "FieldInvalid"),
        ({"wm_position": 5}, "FieldInvalid"),
        ({"wm_url": "mark.png"}, "FieldInvalid"),
        ({"watermark": True, "wm_url": "http://127.0.0.1:1/mark.png"}, "ImageDownloadFailure"),
        ({"meta_data": "{"}, "FieldInvalid"),
        ({"meta_data": {"Label": "x"}}, "FieldInvalid"),
        ({"payload": "x" * 1_048_577}, "FieldInvalid"),
        ({"callback_url": "ftp://host"}, "FieldInvalid"),
        ({"aspect_ratio": "5:1"}, "FieldInvalid"),
    ],
)
async def test_kkiai_refuses(tmp_path: Path, fields: dict[str, Any], reason: str) -> None:
    async with scene(tmp_path, "kkiai") as stage:
        answer = await submit(stage, **fields)
        assert (answer.status, answer.json["reason"]) == (400, reason), answer.json
        assert not stage.vendor.tasks


@pytest.mark.parametrize("auth", ["", "Bearer", "Bearer wrong", "Token key-of-the-account", "key-of-the-account"])
async def test_kkiai_demands_a_bearer_key_everywhere(tmp_path: Path, auth: str) -> None:
    async with scene(tmp_path, "kkiai") as stage:
        places = [("POST", PATH), ("GET", "/ent/v2/tasks/1/creations"), ("POST", "/ent/v2/tasks/1/cancel")]
        for method, path in [*places, ("GET", "/api/usage/token/")]:
            answer = await stage.ask(method, path, {}, auth)
            assert (answer.status, answer.json["reason"]) == (401, "Unauthorized"), path


async def test_a_customer_of_kkiai_cannot_check_the_signature_of_a_callback(tmp_path: Path) -> None:
    clock = [1_000_000.0]
    async with scene(tmp_path, "kkiai", clock=lambda: clock[0]) as stage:
        stage.vendor.behaviour.outcome = "success_without_outputs"
        await submit(stage, callback_url=stage.hook())
        await stage.finished()
        for got in stage.got:
            assert signed_with(KEYS.reseller_key, got, stage.hook(), clock[0])
            assert not signed_with(KEYS.api_key, got, stage.hook(), clock[0])


async def test_kkiai_can_sign_with_the_customers_key_or_not_at_all(tmp_path: Path) -> None:
    clock = [1_000_000.0]
    async with scene(tmp_path, "kkiai", clock=lambda: clock[0]) as stage:
        stage.vendor.behaviour.outcome = "success_without_outputs"
        stage.vendor.keys = replace(KEYS, reseller_key=KEYS.api_key)
        await submit(stage, callback_url=stage.hook())
        await stage.finished()
        assert signed_with(KEYS.api_key, stage.got[-1], stage.hook(), clock[0])
        stage.vendor.keys = replace(KEYS, reseller_key="")
        await submit(stage, callback_url=stage.hook())
        await stage.finished()
        assert "X-HMAC-SIGNATURE" not in stage.got[-1].headers


async def test_a_callback_can_carry_the_id_at_vidu(tmp_path: Path) -> None:
    async with scene(tmp_path, "kkiai") as stage:
        stage.vendor.behaviour = Behaviour(outcome="success_without_outputs", forwarded_id=True)
        await submit(stage, callback_url=stage.hook(), payload="job-7")
        task = await stage.finished()
        told = stage.got[-1].json
        assert told["id"] == told["task_id"] != task.id
        assert told["payload"] == "job-7"
        assert (await stage.query(task))["id"] == task.id


async def test_kkiai_cancels_what_has_not_started_and_gives_the_credits_back(tmp_path: Path) -> None:
    async with scene(tmp_path, "kkiai") as stage:
        stage.vendor.behaviour.hold = True
        await submit(stage, off_peak=True)
        cancelled = await stage.ask("POST", f"/ent/v2/tasks/{stage.task.id}/cancel")
        assert (cancelled.status, cancelled.json) == (200, {})
        shown = await stage.query(await stage.finished())
        assert (shown["state"], shown["err_code"], shown["credits"]) == ("failed", "UserCancelled", 0)
        again = await stage.ask("POST", f"/ent/v2/tasks/{stage.task.id}/cancel")
        assert (again.status, again.json["reason"]) == (400, "BadRequest")


async def test_kkiai_tells_what_is_left_and_refuses_beyond_it(tmp_path: Path) -> None:
    async with scene(tmp_path, "kkiai") as stage:
        stage.vendor.behaviour = Behaviour(hold=True, credits_left=3)
        assert (await submit(stage, audio=False)).status == 200
        usage = (await stage.ask("GET", "/api/usage/token/")).json
        assert usage["code"] is True
        assert [usage["data"][f"total_{what}"] for what in ("granted", "used", "available")] == [3, 2, 1]
        answer = await submit(stage, audio=False)
        assert (answer.status, answer.json["reason"]) == (400, "CreditInsufficient")


async def test_kkiai_misbehaves_on_request(tmp_path: Path) -> None:
    async with scene(tmp_path, "kkiai") as stage:
        stage.vendor.behaviour = Behaviour(submit_faults=["throttle", "error500"], outcome="failed")
        stage.vendor.behaviour.query_faults = ["html"]
        assert (await submit(stage)).status == 429
        assert (await submit(stage)).json["reason"] == "InternalServiceFailure"
        stage.answers += [200, 500, 500, 200]
        stage.vendor.behaviour.retry_every = 0
        await submit(stage, callback_url=stage.hook())
        task = await stage.finished()
        assert [got.state for got in stage.got] == ["processing", "failed", "failed", "failed"]
        assert (await stage.ask("GET", f"/ent/v2/tasks/{task.id}/creations")).status == 502
        assert (await stage.query(task))["err_code"] == "CreationPolicyViolation"
