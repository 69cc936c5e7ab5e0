"""Futurelabs beyond text and pictures to video: references, templates, pictures as results, and Kling through it."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sandbox.vendors import Behaviour
from sandbox.vendors.book import Task
from tests.sandbox.vendors_kit import KEYS, Answer, Scene, media_facts, scene

QUICK: dict[str, Any] = {"model": "viduq3-turbo", "duration": 1, "resolution": "540p", "prompt": "a boat"}
MOTION = "/ai/kling/v1/videos/motion-control"
AVATAR = "/ai/kling/v1/videos/avatar/image2video"


async def kling(stage: Scene, task: Task, endpoint: str | None = None) -> Answer:
    wanted = f"videos/{task.operation}" if endpoint is None else endpoint
    return await stage.ask("GET", f"/ai/kling/v1/tasks/{task.id}" + (f"?endpoint={wanted}" if wanted else ""))


def motion(stage: Scene, **changes: Any) -> dict[str, Any]:
    plain = {"image_url": stage.image("400x400"), "video_url": stage.film(), "mode": "std"}
    return {**plain, "character_orientation": "image", **changes}


def avatar(stage: Scene, **changes: Any) -> dict[str, Any]:
    return {"image": stage.image("400x400"), "text": "Hello", "mode": "std", **changes}


@pytest.mark.parametrize(
    ("operation", "more", "cost"),
    [
        ("reference2video", {}, 2),
        ("template2video", {"template_id": "hugging", "prompt": ""}, 30),
    ],
)
@pytest.mark.parametrize("count", [1, 3, 4])
async def test_references_and_templates_become_films(
    tmp_path: Path, operation: str, more: dict[str, Any], cost: int, count: int
) -> None:
    async with scene(tmp_path, "futurelabs") as stage:
        fields = {**QUICK, "images": [stage.image("640x360")] * count, "callback_url": stage.hook(), **more}
        submitted = (await stage.submit(operation, **fields)).json
        assert (submitted["type"], submitted["state"], submitted["credits"]) == (operation, "created", cost)
        assert submitted.get("template_id", "hugging") == "hugging"
        task = await stage.finished()
        shown = await stage.query(task)
        assert [got.state for got in stage.got] == ["processing", "success"]
        assert stage.got[-1].json == shown
        assert (await stage.ask("GET", shown["creations"][0]["url"])).body[4:8] == b"ftyp"


async def test_references_become_a_picture(tmp_path: Path) -> None:
    async with scene(tmp_path, "futurelabs") as stage:
        fields = {"model": "nano", "prompt": "a boat", "aspect_ratio": "9:16", "resolution": "540p"}
        sources = [stage.image("640x360"), stage.image("400x400", "jpeg")]
        answer = await stage.submit("ref2image/nano", images=sources, callback_url=stage.hook(), **fields)
        assert (answer.json["type"], answer.json["credits"], "duration" in answer.json) == ("ref2image", 10, False)
        shown = await stage.query(await stage.finished())
        assert stage.got[-1].json == shown
        (creation,) = shown["creations"]
        assert creation["url"] == creation["cover_url"]
        got = await stage.ask("GET", creation["url"])
        assert got.headers["Content-Type"] == "image/png"
        with Image.open(io.BytesIO(got.body)) as drawn:
            assert (drawn.format, drawn.size) == ("PNG", (540, 960))
        stage.vendor.behaviour.slow_file = 0.0001
        slow = await stage.ask("GET", creation["url"])
        assert (slow.headers["Content-Type"], slow.body) == ("image/png", got.body)


async def test_pictures_can_be_missing_from_a_success(tmp_path: Path) -> None:
    async with scene(tmp_path, "futurelabs") as stage:
        stage.vendor.behaviour.outcome = "success_without_outputs"
        await stage.submit("ref2image/nano", images=[stage.image()], model="nano", prompt="x")
        assert (await stage.query(await stage.finished()))["creations"] == []


async def test_futurelabs_refuses_what_its_other_operations_do_not_take(tmp_path: Path) -> None:
    async with scene(tmp_path, "futurelabs") as stage:
        one, five, eight = ([stage.image()] * count for count in (1, 5, 8))
        cases: list[tuple[str, dict[str, Any], str]] = [
            ("reference2video", {**QUICK, "images": []}, "FieldItemCountOutOfRange"),
            ("reference2video", {**QUICK, "images": five}, "FieldItemCountOutOfRange"),
            ("reference2video", {**QUICK, "images": "one"}, "FieldInvalid"),
            ("reference2video", {**QUICK, "images": one, "prompt": ""}, "FieldLacking"),
            ("template2video", {**QUICK, "images": one}, "FieldLacking"),
            ("ref2image/nano", {"model": "nano", "prompt": "x", "images": None}, "FieldLacking"),
            ("ref2image/nano", {"model": "nano", "prompt": "", "images": one}, "FieldLacking"),
            ("ref2image/nano", {"model": "", "prompt": "x", "images": one}, "FieldLacking"),
            ("ref2image/nano", {"model": "nano", "prompt": "x", "images": eight}, "FieldItemCountOutOfRange"),
            ("ref2image/nano", {"model": "nano", "prompt": "x", "images": one, "aspect_ratio": "5:1"}, "FieldInvalid"),
        ]
        for operation, fields, reason in cases:
            answer = await stage.ask("POST", f"/ai/avu/{operation}", fields)
            assert (answer.status, answer.json["reason"]) == (400, reason), (operation, fields)
        assert not stage.vendor.tasks


async def test_two_references_need_not_be_alike(tmp_path: Path) -> None:
    async with scene(tmp_path, "futurelabs") as stage:
        stage.vendor.behaviour.hold = True
        unlike = [stage.image("400x400"), stage.image("400x200")]
        assert (await stage.submit("reference2video", images=unlike, **QUICK)).status == 200
        assert (await stage.submit("start-end2video", images=unlike, **QUICK)).status == 400


@pytest.mark.parametrize("operation", ["motion-control", "avatar/image2video"])
async def test_kling_through_futurelabs_from_submit_to_file(tmp_path: Path, operation: str) -> None:
    async with scene(tmp_path, "futurelabs") as stage:
        path, make = (MOTION, motion) if operation == "motion-control" else (AVATAR, avatar)
        stage.vendor.behaviour.hold = True
        answer = await stage.ask("POST", path, make(stage, callback_url=stage.hook(), external_task_id="job-7"))
        assert (answer.status, answer.json["code"], answer.json["message"]) == (200, 0, "SUCCEED")
        first = answer.json["data"]
        assert (first["task_status"], first["task_info"]) == ("submitted", {"external_task_id": "job-7"})
        waiting = (await kling(stage, stage.task)).json
        assert (waiting["code"], waiting["data"]["task_status"], waiting["data"]["task_result"]) == (
            0,
            "submitted",
            None,
        )
        stage.vendor.release()
        task = await stage.finished()
        shown = (await kling(stage, task)).json["data"]
        assert [got.state for got in stage.got] == ["submitted", "processing", "succeed"]
        assert stage.got[-1].json == shown
        assert not [name for name in stage.got[-1].headers if name.lower().startswith(("x-", "webhook-"))]
        assert first["task_id"] == shown["task_id"] == task.id
        (video,) = shown["task_result"]["videos"]
        assert video["duration"] == str(task.order.film.seconds) == ("3" if path == MOTION else "2")
        assert (await stage.ask("GET", video["url"])).body[4:8] == b"ftyp"
        assert task.video
        assert "Audio: aac" in await media_facts(task.video)


async def test_a_wrong_endpoint_does_not_find_a_task(tmp_path: Path) -> None:
    async with scene(tmp_path, "futurelabs") as stage:
        stage.vendor.behaviour.hold = True
        await stage.ask("POST", AVATAR, avatar(stage, external_task_id="job-7"))
        task = stage.task
        assert (await kling(stage, task)).status == 200
        for endpoint in ("", "videos/motion-control", "videos/avatar", "avatar/image2video"):
            answer = await kling(stage, task, endpoint)
            assert (answer.status, answer.json["code"]) == (404, 1203), endpoint
        assert (await stage.ask("GET", f"/ai/avu/tasks/{task.id}/creations")).json["reason"] == "TaskNotFound"
        end = "?endpoint=videos/avatar/image2video"
        assert (await stage.ask("GET", f"/ai/kling/v1/tasks/job-7{end}")).status == 404
        system = task.order.settled["system_id"]
        assert (await stage.ask("GET", f"/ai/kling/v1/tasks/{system}{end}")).json["data"]["task_id"] == task.id


async def test_the_systems_id_takes_the_place_of_the_callers(tmp_path: Path) -> None:
    async with scene(tmp_path, "futurelabs") as stage:
        stage.vendor.behaviour.hold = True
        answer = await stage.ask("POST", MOTION, motion(stage))
        system = answer.json["data"]["task_info"]["external_task_id"]
        assert (await stage.ask("GET", f"/ai/kling/v1/tasks/{system}")).json["data"]["task_id"] == stage.task.id


async def test_kling_links_through_futurelabs_live_for_half_an_hour(tmp_path: Path) -> None:
    clock = [1_000_000.0]
    async with scene(tmp_path, "futurelabs", clock=lambda: clock[0]) as stage:
        await stage.ask("POST", AVATAR, avatar(stage))
        task = await stage.finished()
        url = (await kling(stage, task)).json["data"]["task_result"]["videos"][0]["url"]
        clock[0] += 1799
        assert (await stage.ask("GET", url)).status == 200
        clock[0] += 1
        assert (await stage.ask("GET", url)).status == 403


@pytest.mark.parametrize(
    ("path", "changes", "seconds", "credits"),
    [
        (MOTION, {}, 3, 18),
        (MOTION, {"mode": "pro"}, 3, 30),
        (MOTION, {"video_url": "8", "keep_original_sound": "no"}, 8, 48),
        (AVATAR, {"text": "x" * 100}, 7, 42),
        (AVATAR, {"text": "", "sound_file": "wav"}, 4, 24),
        (AVATAR, {"sound_file": "m4a"}, 4, 24),
        (AVATAR, {"sound_file": "aac", "mode": "pro", "model_name": "kling-v2-6"}, 4, 40),
    ],
)
async def test_length_and_price_follow_the_sound_or_the_film(
    tmp_path: Path, path: str, changes: dict[str, Any], seconds: int, credits: int
) -> None:
    async with scene(tmp_path, "futurelabs") as stage:
        stage.vendor.behaviour.hold = True
        fields = motion(stage, **changes) if path == MOTION else avatar(stage, **changes)
        if fields.get("video_url") == "8":
            fields["video_url"] = stage.film("340x340", 8, "mov")
        if "sound_file" in fields:
            fields["sound_file"] = stage.sound(4, fields["sound_file"])
        answer = await stage.ask("POST", path, fields)
        assert answer.status == 200, answer.json
        assert (stage.task.order.film.seconds, stage.task.credits) == (seconds, credits)
        assert stage.vendor.behaviour.credits_left == 100_000 - credits


async def test_kling_through_futurelabs_refuses_in_klings_numbers(tmp_path: Path) -> None:
    async with scene(tmp_path, "futurelabs") as stage:
        wrong_motion: list[dict[str, Any]] = [
            {"image_url": ""},
            {"image_url": stage.image("299x400")},
            {"image_url": stage.image("1000x390")},
            {"image_url": stage.image("400x400", "webp")},
            {"image_url": "data:image/png;base64,AAAA"},
            {"image_url": stage.here + "/nothing.png"},
            {"video_url": ""},
            {"video_url": "not an address"},
            {"video_url": stage.here + "/nothing.mp4"},
            {"video_url": stage.image("400x400")},
            {"video_url": stage.sound(4, "m4a")},
            {"video_url": stage.subtitles()},
            {"video_url": stage.film("338x360")},
            {"video_url": stage.film(seconds=2)},
            {"video_url": stage.film(seconds=11)},
            {"video_url": stage.film(seconds=31), "character_orientation": "video"},
            {"video_url": stage.film(kind="mkv")},
            {"mode": ""},
            {"mode": "best"},
            {"character_orientation": ""},
            {"character_orientation": "sideways"},
            {"keep_original_sound": True},
            {"prompt": "x" * 2501},
            {"callback_url": "nowhere"},
        ]
        wrong_avatar: list[dict[str, Any]] = [
            {"image": ""},
            {"text": ""},
            {"mode": ""},
            {"text": 7},
            {"sound_file": stage.sound(1)},
            {"sound_file": stage.sound(4, "ogg")},
            {"sound_file": stage.film()},
            {"sound_file": stage.here + "/nothing.mp3"},
            {"sound_file": "AAAA"},
        ]
        for changes in wrong_motion:
            answer = await stage.ask("POST", MOTION, motion(stage, **changes))
            assert (answer.status, answer.json["code"]) == (400, 1201), (changes, answer.json)
        for changes in wrong_avatar:
            answer = await stage.ask("POST", AVATAR, avatar(stage, **changes))
            assert (answer.status, answer.json["code"]) == (400, 1201), (changes, answer.json)
        long = motion(stage, video_url=stage.film(seconds=11), character_orientation="video")
        stage.vendor.behaviour.hold = True
        assert (await stage.ask("POST", MOTION, long)).status == 200
        assert (await stage.ask("POST", MOTION, motion(stage, model_name="kling-v9"))).json["code"] == 1203
        assert (await stage.ask("POST", MOTION, b"{")).json["code"] == 1200
        assert (await stage.ask("GET", "/ai/kling/v1/nothing")).json["code"] == 1203
        assert (await stage.ask("GET", "/ai/nothing")).json["reason"] == "NotFound"
        assert len(stage.vendor.tasks) == 1


@pytest.mark.parametrize(
    ("auth", "code"),
    [("", 1001), (KEYS.api_key, 1002), (f"Bearer {KEYS.api_key}", 1002), ("Token wrong", 1000)],
)
async def test_kling_through_futurelabs_demands_the_token(tmp_path: Path, auth: str, code: int) -> None:
    async with scene(tmp_path, "futurelabs") as stage:
        for method, path in (("POST", MOTION), ("POST", AVATAR), ("GET", "/ai/kling/v1/tasks/1")):
            answer = await stage.ask(method, path, {}, auth)
            assert (answer.status, answer.json["code"]) == (401, code)


async def test_the_faults_of_the_kling_part_are_klings(tmp_path: Path) -> None:
    async with scene(tmp_path, "futurelabs") as stage:
        stage.vendor.behaviour = Behaviour(
            submit_faults=["throttle", "error500", "html", "out_of_credit"], query_faults=["throttle"], parallel=1
        )
        stage.vendor.behaviour.hold = True
        seen = [await stage.ask("POST", AVATAR, avatar(stage)) for _ in range(6)]
        assert [answer.status for answer in seen] == [429, 500, 502, 429, 200, 429]
        assert [answer.json["code"] for answer in seen if answer.status == 429] == [1302, 1102, 1303]
        assert [(await kling(stage, stage.task)).status for _ in range(2)] == [429, 200]


async def test_a_task_of_another_part_takes_no_place_of_klings(tmp_path: Path) -> None:
    async with scene(tmp_path, "futurelabs") as stage:
        stage.vendor.behaviour = Behaviour(parallel=1, hold=True)
        assert (await stage.submit()).status == 200
        assert [(await stage.ask("POST", AVATAR, avatar(stage))).status for _ in range(2)] == [200, 429]


async def test_a_failed_kling_task_has_a_message_and_no_result(tmp_path: Path) -> None:
    async with scene(tmp_path, "futurelabs") as stage:
        stage.vendor.behaviour.outcome = "failed"
        await stage.ask("POST", AVATAR, avatar(stage, callback_url=stage.hook()))
        shown = (await kling(stage, await stage.finished())).json["data"]
        assert (shown["task_status"], bool(shown["task_status_msg"]), shown["task_result"]) == ("failed", True, None)
        assert stage.got[-1].json == shown
        assert stage.vendor.behaviour.credits_left == 100_000


async def test_an_external_id_is_taken_once(tmp_path: Path) -> None:
    async with scene(tmp_path, "futurelabs") as stage:
        stage.vendor.behaviour.hold = True
        assert (await stage.ask("POST", AVATAR, avatar(stage, external_task_id="job-7"))).status == 200
        again = await stage.ask("POST", MOTION, motion(stage, external_task_id="job-7"))
        assert (again.status, again.json["code"]) == (400, 1201)
