"""Kling's image-to-video in full: masks, cameras, voices, guidance, and how a task with bad masks ends."""

import base64
from pathlib import Path
from typing import Any

import pytest

from sandbox.vendors import Behaviour
from tests.sandbox.vendors_kit import Answer, Scene, media_facts, picture, scene

PATH = "/v1/videos/image2video"
FRAME = base64.b64encode(picture(640, 400)).decode()
MASK = base64.b64encode(picture(640, 400, colour="white")).decode()
HALF = base64.b64encode(picture(481, 301, colour="white")).decode()  # the frame's shape but for a pixel
SQUARE = base64.b64encode(picture(400, 400, colour="white")).decode()
SMALL = base64.b64encode(picture(320, 200, colour="white")).decode()
V15: dict[str, Any] = {"model_name": "kling-v1-5", "mode": "pro"}
V26: dict[str, Any] = {"model_name": "kling-v2-6", "mode": "pro"}


def group(mask: str = MASK, points: int = 2) -> dict[str, Any]:
    return {"mask": mask, "trajectories": [{"x": number, "y": 2 * number} for number in range(points)]}


async def submit(stage: Scene, **fields: Any) -> Answer:
    return await stage.ask("POST", PATH, {"image": FRAME, **fields})


async def test_a_brushed_film_from_submit_to_file(tmp_path: Path) -> None:
    async with scene(tmp_path, "kling") as stage:
        answer = await submit(
            stage,
            image=stage.image("640x400"),
            static_mask=stage.image("640x400"),
            dynamic_masks=[group(stage.image("640x400"), 77), *[group()] * 5],
            prompt="waves",
            negative_prompt="rain",
            cfg_scale=0.7,
            callback_url=stage.hook(),
            external_task_id="job-7",
        )
        assert (answer.status, answer.json["data"]["task_status"]) == (200, "submitted"), answer.json
        task = await stage.finished()
        assert [got.state for got in stage.got] == ["submitted", "processing", "succeed"]
        assert len(task.materials.aside) == 7
        assert len(task.materials.pictures) == 1
        shown = (await stage.ask("GET", f"{PATH}/job-7")).json["data"]
        assert shown == stage.got[-1].json
        assert shown["final_unit_deduction"] == "1"
        (row,) = (await stage.ask("GET", f"{PATH}?pageNum=1&pageSize=30")).json["data"]
        assert row == shown
        assert (await stage.ask("GET", "/v1/videos/text2video/job-7")).json["code"] == 1203
        (video,) = shown["task_result"]["videos"]
        assert (video["duration"], "watermark_url" in video) == ("5", False)
        assert (await stage.ask("GET", video["url"])).body[4:8] == b"ftyp"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"static_mask": SQUARE}, "aspect ratio"),
        ({"dynamic_masks": [group(SQUARE)]}, "aspect ratio"),
        ({"static_mask": MASK, "dynamic_masks": [group(HALF)]}, "identical"),
        ({"dynamic_masks": [group(), group(HALF)]}, "identical"),
    ],
)
async def test_masks_that_do_not_fit_fail_the_task_and_cost_nothing(
    tmp_path: Path, fields: dict[str, Any], why: str
) -> None:
    async with scene(tmp_path, "kling") as stage:
        assert (await submit(stage, **fields, callback_url=stage.hook())).status == 200
        task = await stage.finished()
        assert [got.state for got in stage.got] == ["submitted", "processing", "failed"]
        told = stage.got[-1].json
        assert why in told["task_status_msg"]
        assert (told["final_unit_deduction"], "task_result" in told) == ("0", False)
        assert (task.video, stage.vendor.behaviour.credits_left) == (None, 100_000)


async def test_a_smaller_mask_of_the_same_shape_fits(tmp_path: Path) -> None:
    async with scene(tmp_path, "kling") as stage:
        await submit(stage, static_mask=HALF, **V15)
        task = await stage.finished()
        assert task.state == "succeed"
        assert task.video
        assert "1728x1080" in await media_facts(task.video)


REFUSED: list[dict[str, Any]] = [
    {"static_mask": "data:image/png;base64," + MASK},
    {"static_mask": "not base64"},
    {"static_mask": SMALL},
    {"static_mask": "http://127.0.0.1:1/mask.png"},
    {"static_mask": 7},
    {"static_mask": MASK, "model_name": "kling-v1-6"},
    {"static_mask": MASK, "image": "", "image_tail": FRAME},
    {"dynamic_masks": "mask"},
    {"dynamic_masks": ["mask"]},
    {"dynamic_masks": [group()] * 7},
    {"dynamic_masks": [group(points=1)]},
    {"dynamic_masks": [group(points=78)]},
    {"dynamic_masks": [{"mask": MASK}]},
    {"dynamic_masks": [{"mask": MASK, "trajectories": [{"x": 1}, {"x": 2}]}]},
    {"dynamic_masks": [{"mask": MASK, "trajectories": [{"x": 1.5, "y": 1}, {"x": 2, "y": 2}]}]},
    {"dynamic_masks": [{"mask": MASK, "trajectories": [{"x": True, "y": 1}, {"x": 2, "y": 2}]}]},
    {"dynamic_masks": [{"trajectories": group()["trajectories"]}]},
    {"prompt": "The man <<<voice_1>>> said", **V26},
    {"voice_list": "v1", "sound": "on", **V26},
    {"voice_list": [{"name": "v1"}], "sound": "on", **V26},
    {"sound": True, **V26},
    {"cfg_scale": True},
    {"cfg_scale": -0.1},
    {"cfg_scale": "0.5"},
    {"negative_prompt": 7},
    {"watermark_info": True},
    {"watermark_info": {"enabled": "yes"}},
    {"camera_control": "simple", **V15},
    {"camera_control": {"type": "spin", "config": {"zoom": 1}}, **V15},
    {"camera_control": {"type": "simple", "config": {"zoom": True}}, **V15},
    {"camera_control": {"type": "simple", "config": {"zoom": "5"}}, **V15},
    {"camera_control": {"type": "simple", "config": dict.fromkeys(("zoom", "pan"), 0)}, **V15},
    {"camera_control": {"type": "simple", "config": {"zoom": 5}}, "static_mask": MASK, **V15},
]


async def test_kling_refuses_what_its_document_forbids(tmp_path: Path) -> None:
    async with scene(tmp_path, "kling") as stage:
        for fields in REFUSED:
            answer = await submit(stage, **fields)
            assert (answer.status, answer.json["code"]) == (400, 1201), (fields.keys(), answer.json)
        assert not stage.vendor.tasks


AXES = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")


@pytest.mark.parametrize("axis", AXES)
async def test_a_simple_camera_moves_on_any_one_axis(tmp_path: Path, axis: str) -> None:
    async with scene(tmp_path, "kling") as stage:
        stage.vendor.behaviour.hold = True
        config = {**dict.fromkeys(AXES, 0), axis: -10}
        answer = await submit(stage, camera_control={"type": "simple", "config": config}, **V15)
        assert answer.status == 200, answer.json


@pytest.mark.parametrize("kind", ["down_back", "forward_up", "right_turn_forward", "left_turn_forward"])
async def test_the_other_cameras_take_no_config(tmp_path: Path, kind: str) -> None:
    async with scene(tmp_path, "kling") as stage:
        stage.vendor.behaviour.hold = True
        assert (await stage.submit(camera_control={"type": kind, "config": None})).status == 200
        answer = await stage.submit(camera_control={"type": kind, "config": {"zoom": 1}})
        assert (answer.status, answer.json["code"]) == (400, 1201)


async def test_a_film_with_voices_and_a_watermark(tmp_path: Path) -> None:
    async with scene(tmp_path, "kling") as stage:
        voices = [{"voice_id": "a"}, {"voice_id": "b"}]
        prompt = "<<<voice_1>>> hello <<<voice_2>>>"
        fields = {"sound": "on", "voice_list": voices, "prompt": prompt, "watermark_info": {"enabled": True}}
        assert (await submit(stage, **fields, **V26)).status == 200
        task = await stage.finished()
        assert task.video
        assert "Audio: aac" in await media_facts(task.video)
        (video,) = (await stage.query(task))["data"]["task_result"]["videos"]
        assert video["watermark_url"].startswith(stage.vendor.url)


async def test_an_image_for_the_end_alone(tmp_path: Path) -> None:
    async with scene(tmp_path, "kling") as stage:
        stage.vendor.behaviour = Behaviour(outcome="success_without_outputs")
        fields: dict[str, Any] = {"image": None, "image_tail": FRAME}
        assert (await submit(stage, **fields, **V15)).status == 200
        assert (await submit(stage, **fields)).json["code"] == 1201
        task = await stage.finished()
        assert (await stage.query(task))["data"]["task_result"] == {"videos": []}


async def test_units_that_are_used_up_are_told_with_too_many_requests(tmp_path: Path) -> None:
    async with scene(tmp_path, "kling") as stage:
        stage.vendor.behaviour.credits_left = 0.5
        answer = await submit(stage)
        assert (answer.status, answer.json["code"]) == (429, 1102)
