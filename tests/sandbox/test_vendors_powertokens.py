"""powertokens' stand-in: Vidu's image-to-video resold, asked for at one of three contradictory addresses."""

from pathlib import Path
from typing import Any

import aiohttp
import pytest

from sandbox.vendors import Behaviour
from sandbox.vendors.behaviour import QueryPath, changed
from tests.sandbox.vendors_kit import Answer, Scene, scene

PATH = "/vidu/ent/v2/img2video"
QUERIES: dict[QueryPath, str] = {
    "creations": "/vidu/ent/v2/tasks/{}/creations",
    "tasks": "/vidu/ent/v2/tasks/{}",
    "videos": "/vidu/v1/videos/{}",
}


async def submit(stage: Scene, **fields: Any) -> Answer:
    plain = {"model": "viduq3-pro", "images": [stage.image()], "duration": 1, "resolution": "540p"}
    return await stage.ask("POST", PATH, {**plain, **fields})


async def test_powertokens_from_submit_to_file(tmp_path: Path) -> None:
    async with scene(tmp_path, "powertokens") as stage:
        answer = await submit(stage, callback_url=stage.hook(), payload="job-7")
        body = answer.json
        assert (body["state"], body["model"], body["prompt"], body["credits"]) == ("created", "viduq3-pro", "", 4)
        assert (body["audio"], body["audio_type"], body["off_peak"], body["payload"]) == (True, "all", False, "job-7")
        assert "type" not in body
        task = await stage.finished()
        shown = await stage.query(task)
        assert (shown["id"], shown["task_id"], shown["credits"]) == (task.id, task.id, "4")
        assert [got.state for got in stage.got] == ["processing", "success"]
        assert stage.got[-1].json == {**shown, "credits": 4}
        assert (await stage.ask("GET", shown["creations"][0]["url"])).body[4:8] == b"ftyp"


@pytest.mark.parametrize("real", ["creations", "tasks", "videos"])
async def test_only_one_of_three_addresses_answers(tmp_path: Path, real: QueryPath) -> None:
    async with scene(tmp_path, "powertokens") as stage:
        stage.vendor.behaviour = changed(Behaviour(outcome="success_without_outputs"), {"query_path": real})
        await submit(stage)
        task = await stage.finished()
        for kind, path in QUERIES.items():
            answer = await stage.ask("GET", path.format(task.id))
            assert answer.status == (200 if kind == real else 404), kind
        missing = await stage.ask("GET", QUERIES[real].format("1"))
        assert (missing.status, missing.json["reason"]) == (404, "TaskNotFound")


async def test_a_task_can_look_like_openais(tmp_path: Path) -> None:
    async with scene(tmp_path, "powertokens") as stage:
        stage.vendor.behaviour = Behaviour(query_path="videos", hold=True)
        await submit(stage)
        path = QUERIES["videos"].format(stage.task.id)
        waiting = (await stage.ask("GET", path)).json
        assert (waiting["id"], waiting["object"], waiting["status"]) == (stage.task.id, "video", "queued")
        assert "metadata" not in waiting
        stage.vendor.release()
        await stage.finished()
        done = (await stage.ask("GET", path)).json
        assert (done["status"], done["progress"], done["completed_at"] >= done["created_at"]) == (
            "succeeded",
            100,
            True,
        )
        assert (await stage.ask("GET", done["metadata"]["url"])).body[4:8] == b"ftyp"


async def test_a_failed_task_can_look_like_openais(tmp_path: Path) -> None:
    async with scene(tmp_path, "powertokens") as stage:
        stage.vendor.behaviour = Behaviour(query_path="videos", outcome="failed")
        await submit(stage)
        shown = (await stage.ask("GET", QUERIES["videos"].format((await stage.finished()).id))).json
        assert (shown["status"], shown["error"]["code"]) == ("failed", "CreationPolicyViolation")


@pytest.mark.parametrize("spelling", ["sound_effect_only", "sound-effect_only"])
async def test_both_spellings_of_sound_effects_are_taken(tmp_path: Path, spelling: str) -> None:
    async with scene(tmp_path, "powertokens") as stage:
        stage.vendor.behaviour.hold = True
        fields: dict[str, Any] = {"voice_id": "v", "is_rec": True, "bgm": True, "seed": 9, "off_peak": True}
        body = (await submit(stage, audio=True, audio_type=spelling, movement_amplitude="small", **fields)).json
        assert (body["audio_type"], body["seed"], body["movement_amplitude"]) == ("sound_effect_only", 9, "small")
        assert (body["off_peak"], body["credits"]) == (True, 12)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"model": "viduq2"}, "ModelUnavailable"),
        ({"images": []}, "FieldItemCountOutOfRange"),
        ({"prompt": "x" * 5001}, "FieldInvalid"),
        ({"audio_type": "noise"}, "FieldInvalid"),
        ({"audio": "true"}, "FieldInvalid"),
        ({"duration": 0}, "FieldInvalid"),
        ({"resolution": "360p"}, "FieldInvalid"),
        ({"model": "viduq3-pro-fast", "resolution": "540p"}, "FieldInvalid"),
        ({"movement_amplitude": "standard"}, "FieldInvalid"),
        ({"payload": 7}, "FieldInvalid"),
    ],
)
async def test_powertokens_refuses(tmp_path: Path, fields: dict[str, Any], reason: str) -> None:
    async with scene(tmp_path, "powertokens") as stage:
        answer = await submit(stage, **fields)
        assert (answer.status, answer.json["reason"]) == (400, reason), answer.json


async def test_powertokens_demands_a_bearer_key_and_credits(tmp_path: Path) -> None:
    async with scene(tmp_path, "powertokens") as stage:
        for method, path in (("POST", PATH), ("GET", QUERIES["creations"].format(1))):
            answer = await stage.ask(method, path, {}, "Token key-of-the-account")
            assert (answer.status, answer.json["reason"]) == (401, "Unauthorized")
        stage.vendor.behaviour.credits_left = 1
        answer = await submit(stage)
        assert (answer.status, answer.json["reason"]) == (400, "CreditInsufficient")


async def test_powertokens_cancels_what_has_not_started(tmp_path: Path) -> None:
    async with scene(tmp_path, "powertokens") as stage:
        stage.vendor.behaviour.hold = True
        await submit(stage)
        assert (await stage.ask("POST", f"/vidu/ent/v2/tasks/{stage.task.id}/cancel")).json == {}
        shown = await stage.query(await stage.finished())
        assert (shown["err_code"], shown["credits"]) == ("UserCancelled", "0")


async def test_powertokens_passes_callbacks_on_with_the_id_at_vidu_and_twice(tmp_path: Path) -> None:
    async with scene(tmp_path, "powertokens") as stage:
        stage.vendor.behaviour = Behaviour(outcome="success_without_outputs", callbacks="double", forwarded_id=True)
        stage.vendor.behaviour.submit_faults = ["cut_after_accept"]
        with pytest.raises(aiohttp.ClientConnectionError):
            await submit(stage, callback_url=stage.hook())
        task = await stage.finished()
        assert [got.state for got in stage.got] == ["processing"] * 2 + ["success"] * 2
        assert task.id not in {got.json["id"] for got in stage.got}
