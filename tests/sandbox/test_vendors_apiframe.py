"""Apiframe's stand-in: Kling by one submit and one fetch, with callbacks that echo the caller's secret."""

import json
import uuid
from pathlib import Path
from typing import Any

import pytest

from sandbox.vendors import Behaviour
from tests.sandbox.vendors_kit import KEYS, Answer, Scene, media_facts, scene

PATH = "/kling-imagine"


async def submit(stage: Scene, **fields: Any) -> Answer:
    return await stage.ask("POST", PATH, {"prompt": "a boat", "generation_type": "text2video", **fields})


async def fetch(stage: Scene, task_id: object) -> Answer:
    return await stage.ask("POST", "/fetch", {"task_id": task_id})


async def test_apiframe_from_submit_to_file(tmp_path: Path) -> None:
    async with scene(tmp_path, "apiframe") as stage:
        stage.vendor.behaviour.hold = True
        answer = await submit(
            stage, webhook_url=stage.hook(), webhook_secret="abc123", aspect_ratio="1:1", cfg_scale=0.5, duration=5
        )
        assert (answer.status, set(answer.json)) == (200, {"task_id"})
        task_id = answer.json["task_id"]
        assert str(uuid.UUID(task_id)) == task_id == stage.task.id
        waiting = (await fetch(stage, task_id)).json
        assert waiting == {"task_id": task_id, "task_type": "kling-video", "status": "staged", "percentage": 0}
        stage.vendor.release()
        task = await stage.finished()
        shown = (await fetch(stage, task_id)).json
        assert [got.state for got in stage.got] == ["staged", "processing", "finished"]
        assert [got.json["percentage"] for got in stage.got] == [0, "40", 100]
        assert {got.headers["x-webhook-secret"] for got in stage.got} == {"abc123"}
        assert stage.got[-1].json == shown
        assert (await stage.ask("GET", shown["video_url"])).body[4:8] == b"ftyp"
        assert task.video
        assert "720x720" in await media_facts(task.video)


async def test_apiframe_films_between_two_frames_without_a_secret(tmp_path: Path) -> None:
    async with scene(tmp_path, "apiframe") as stage:
        await submit(
            stage,
            generation_type="image2video",
            image_url=stage.image(),
            end_image_url=stage.image("400x400"),
            negative_prompt="rain",
            model="kling-v1-6",
            webhook_url=stage.hook(),
        )
        task = await stage.finished()
        assert task.state == "finished"
        assert len(task.materials.pictures) == 2
        assert "x-webhook-secret" not in stage.got[-1].headers


@pytest.mark.parametrize(
    ("fields", "cost"),
    [
        ({}, 10),
        ({"duration": 10}, 20),
        ({"mode": "pro", "model": "kling-v1-5", "duration": 10}, 40),
        ({"aspect_ratio": "21:9", "cfg_scale": 1, "image_url": "http://nowhere.example/a.png"}, 10),
    ],
)
async def test_apiframe_takes(tmp_path: Path, fields: dict[str, Any], cost: float) -> None:
    async with scene(tmp_path, "apiframe") as stage:
        stage.vendor.behaviour.hold = True
        assert (await submit(stage, **fields)).status == 200
        account = (await stage.ask("GET", "/account")).json
        assert account["credits"] == 100_000 - cost
        assert set(account) == {"email", "credits", "total_images", "plan"}


@pytest.mark.parametrize(
    "fields",
    [
        {"prompt": ""},
        {"prompt": 7},
        {"generation_type": ""},
        {"generation_type": "video2video"},
        {"mode": "pro"},
        {"mode": "pro", "model": "kling-v1-6"},
        {"mode": "best"},
        {"model": "kling-v2"},
        {"aspect_ratio": "5:1"},
        {"duration": "5"},
        {"duration": 7},
        {"duration": True},
        {"cfg_scale": 1.1},
        {"cfg_scale": "0.5"},
        {"negative_prompt": ["rain"]},
        {"webhook_url": "nowhere"},
        {"webhook_secret": 7},
        {"generation_type": "image2video"},
        {"generation_type": "image2video", "end_image_url": "PICTURE"},
        {"generation_type": "image2video", "image_url": "PICTURE", "aspect_ratio": "16:9"},
        {"generation_type": "image2video", "image_url": "data:image/png;base64,AAAA"},
        {"generation_type": "image2video", "image_url": "http://127.0.0.1:1/a.png"},
    ],
)
async def test_apiframe_refuses(tmp_path: Path, fields: dict[str, Any]) -> None:
    async with scene(tmp_path, "apiframe") as stage:
        real = {name: stage.image() if value == "PICTURE" else value for name, value in fields.items()}
        answer = await submit(stage, **real)
        assert answer.status == 400
        (error,) = answer.json["errors"]
        assert error["msg"]
        assert not stage.vendor.tasks


@pytest.mark.parametrize("auth", ["", "wrong", f"Bearer {KEYS.api_key}", f"Token {KEYS.api_key}"])
async def test_apiframe_demands_the_bare_key_and_says_nothing_else(tmp_path: Path, auth: str) -> None:
    async with scene(tmp_path, "apiframe") as stage:
        for method, path in (("POST", PATH), ("POST", "/fetch"), ("POST", "/fetch-many"), ("GET", "/account")):
            answer = await stage.ask(method, path, {}, auth)
            assert (answer.status, answer.json) == (401, {}), path


@pytest.mark.parametrize("wanted", ["1", "", None, 7])
async def test_apiframe_fetches_only_what_it_has(tmp_path: Path, wanted: object) -> None:
    async with scene(tmp_path, "apiframe") as stage:
        answer = await fetch(stage, wanted)
        assert (answer.status, list(answer.json)) == (400, ["errors"])
        assert (await stage.ask("POST", "/fetch", b"{")).status == 400
        assert (await stage.ask("POST", "/fetch", [])).status == 400


async def test_apiframe_fetches_many_at_once(tmp_path: Path) -> None:
    async with scene(tmp_path, "apiframe") as stage:
        stage.vendor.behaviour.hold = True
        ids = [(await submit(stage)).json["task_id"] for _ in range(2)]
        many = await stage.ask("POST", "/fetch-many", {"task_ids": ids})
        assert [task["task_id"] for task in many.json["tasks"]] == ids
        assert (await stage.ask("POST", "/fetch-many", {"task_ids": ids[:1]})).status == 400
        assert (await stage.ask("POST", "/fetch-many", {"task_ids": ids * 11})).status == 400


async def test_apiframe_tells_a_failure_and_cancels_nothing(tmp_path: Path) -> None:
    async with scene(tmp_path, "apiframe") as stage:
        stage.vendor.behaviour = Behaviour(outcome="failed", err_code="bad taste")
        await submit(stage, webhook_url=stage.hook())
        task = await stage.finished()
        shown = (await fetch(stage, task.id)).json
        assert (shown["status"], shown["errors"]) == ("failed", [{"msg": "bad taste"}])
        assert "video_url" not in shown
        assert stage.vendor.behaviour.credits_left == 100_000
        assert (await stage.ask("POST", "/cancel", {"task_id": task.id})).status == 404


async def test_apiframe_misbehaves_on_request(tmp_path: Path) -> None:
    async with scene(tmp_path, "apiframe") as stage:
        stage.vendor.behaviour = Behaviour(submit_faults=["throttle", "error500", "out_of_credit", "garbage_answer"])
        stage.vendor.behaviour.outcome = "success_without_outputs"
        stage.vendor.behaviour.callbacks = "final_first"
        throttled = await submit(stage)
        assert (throttled.status, throttled.headers["Retry-After"]) == (429, "1")
        broken = await submit(stage)
        assert (broken.status, broken.json) == (500, {})
        assert (await submit(stage)).json == {"errors": [{"msg": "Insufficient credits"}]}
        stage.answers += [500]
        with pytest.raises(json.JSONDecodeError):
            _ = (await submit(stage, webhook_url=stage.hook())).json
        task = await stage.finished()
        assert [got.state for got in stage.got] == ["finished", "staged", "processing"]
        stage.vendor.behaviour.query_faults = ["error500"]
        assert (await fetch(stage, task.id)).status == 500
        assert "video_url" not in (await fetch(stage, task.id)).json
