"""What the vendors' documents refuse, the stand-ins refuse, with the vendor's status, word and shape."""

import base64
from pathlib import Path
from typing import Any

import jwt
import pytest

from sandbox.vendors import Vendor
from tests.sandbox.vendors_kit import KEYS, SUBMIT, Answer, Scene, picture, scene

PRO: dict[str, Any] = {"model": "viduq3-pro"}
PNG = "data:image/png;base64," + base64.b64encode(picture(300, 200)).decode()
BARE = base64.b64encode(picture(300, 300)).decode()
SMALL = base64.b64encode(picture(299, 400)).decode()
LONG = base64.b64encode(picture(1000, 390)).decode()
WEBP = base64.b64encode(picture(300, 300, "webp")).decode()


def assert_vidu_shape(answer: Answer, status: int, reason: str) -> None:
    body = answer.json
    assert (answer.status, body["code"], body["reason"]) == (status, status, reason), body
    assert body["message"]
    assert body["metadata"]["trace_id"]


def assert_nothing_booked(vendor: Vendor) -> None:
    assert not vendor.tasks
    assert not vendor.sent
    assert vendor.behaviour.credits_left == 100_000


VIDU_TEXT = [
    ({"model": ""}, "FieldLacking"),
    ({"model": "viduq9"}, "ModelUnavailable"),
    ({"model": "viduq2-pro"}, "ModelUnavailable"),
    ({"prompt": ""}, "FieldLacking"),
    ({"prompt": "x" * 5001}, "FieldInvalid"),
    ({"prompt": 7}, "FieldInvalid"),
    ({"duration": 17}, "FieldInvalid"),
    ({"duration": 0}, "FieldInvalid"),
    ({"duration": "5"}, "FieldInvalid"),
    ({"duration": True}, "FieldInvalid"),
    ({"model": "viduq2", "duration": 11}, "FieldInvalid"),
    ({"model": "viduq1", "duration": 6, "resolution": "1080p"}, "FieldInvalid"),
    ({"model": "viduq1", "duration": 5, "resolution": "720p"}, "FieldInvalid"),
    ({"model": "viduq1", "duration": 5, "resolution": "1080p", "aspect_ratio": "4:3"}, "FieldInvalid"),
    ({"resolution": "4k"}, "FieldInvalid"),
    ({"aspect_ratio": "21:9"}, "FieldInvalid"),
    ({"movement_amplitude": "huge"}, "FieldInvalid"),
    ({"style": "noir"}, "FieldInvalid"),
    ({"audio": "true"}, "FieldInvalid"),
    ({"payload": "x" * 1_048_577}, "FieldInvalid"),
    ({"callback_url": "ftp://host"}, "FieldInvalid"),
]


@pytest.mark.parametrize("name", ["vidu", "futurelabs"])
async def test_vidu_text_fields_out_of_range(tmp_path: Path, name: str) -> None:
    async with scene(tmp_path, name) as stage:
        for fields, reason in VIDU_TEXT:
            assert_vidu_shape(await stage.submit(**fields), 400, reason)
        assert_nothing_booked(stage.vendor)


async def images(stage: Scene, operation: str, sources: object, **more: Any) -> Answer:
    return await stage.submit(operation, images=sources, **{**PRO, "prompt": "x", **more})


@pytest.mark.parametrize("name", ["vidu", "futurelabs"])
async def test_vidu_pictures_out_of_bounds(tmp_path: Path, name: str) -> None:
    async with scene(tmp_path, name) as stage:
        two = [stage.image(), stage.image()]
        cases: list[tuple[str, object, str]] = [
            ("img2video", None, "FieldLacking"),
            ("img2video", "one", "FieldInvalid"),
            ("img2video", [7], "FieldInvalid"),
            ("img2video", [], "FieldItemCountOutOfRange"),
            ("img2video", two, "FieldItemCountOutOfRange"),
            ("start-end2video", two[:1], "FieldItemCountOutOfRange"),
            ("img2video", [stage.here + "/nothing.png"], "ImageDownloadFailure"),
            ("img2video", ["http://127.0.0.1:1/a.png"], "ImageDownloadFailure"),
            ("img2video", [stage.image("page")], "ImageFormatInvalid"),
            ("img2video", [stage.image(kind="gif")], "ImageFormatInvalid"),
            ("img2video", [stage.image("900x200")], "PageSizeOutOfRange"),
            ("img2video", [stage.image("200x900")], "PageSizeOutOfRange"),
            ("start-end2video", [stage.image("400x400"), stage.image("400x300")], "PageSizeOutOfRange"),
            ("img2video", [BARE], "FieldInvalid"),
        ]
        for operation, sources, reason in cases:
            assert_vidu_shape(await images(stage, operation, sources), 400, reason)
        assert_nothing_booked(stage.vendor)


async def test_vidu_takes_prefixed_base64_and_futurelabs_takes_addresses_only(tmp_path: Path) -> None:
    async with scene(tmp_path, "vidu") as stage:
        stage.vendor.behaviour.outcome = "success_without_outputs"
        assert (await images(stage, "img2video", [PNG])).status == 200
        assert_vidu_shape(await images(stage, "img2video", [PNG[:60] + "!"]), 400, "ImageFormatInvalid")
        assert_vidu_shape(await images(stage, "img2video", [PNG], model="viduq2"), 400, "ModelUnavailable")
        fast = {"model": "viduq3-pro-fast", "resolution": "540p"}
        assert_vidu_shape(await images(stage, "img2video", [PNG], **fast), 400, "FieldInvalid")
        assert (await images(stage, "img2video", [PNG], prompt="")).status == 200
    async with scene(tmp_path, "futurelabs") as stage:
        stage.vendor.behaviour.outcome = "success_without_outputs"
        assert_vidu_shape(await images(stage, "img2video", [PNG]), 400, "FieldInvalid")
        assert_vidu_shape(await images(stage, "img2video", [stage.image()], prompt=""), 400, "FieldLacking")
        assert (await images(stage, "start-end2video", [stage.image()] * 2, prompt="")).status == 200


@pytest.mark.parametrize("name", ["vidu", "futurelabs"])
@pytest.mark.parametrize("auth", ["", "Token", "Token wrong", "Bearer key-of-the-account", "key-of-the-account"])
async def test_vidu_demands_its_token_everywhere(tmp_path: Path, name: str, auth: str) -> None:
    async with scene(tmp_path, name) as stage:
        base = SUBMIT[name]
        for method, path in [("POST", "text2video"), ("GET", "tasks/1/creations"), ("POST", "tasks/1/cancel")]:
            assert_vidu_shape(await stage.ask(method, base + path, {}, auth), 401, "Unauthorized")
        assert "Authorization" not in stage.vendor.calls[0].headers


async def test_vidu_names_what_is_not_there(tmp_path: Path) -> None:
    async with scene(tmp_path, "vidu") as stage:
        assert_vidu_shape(await stage.ask("GET", "/ent/v2/tasks/1/creations"), 404, "TaskNotFound")
        assert_vidu_shape(await stage.ask("POST", "/ent/v2/tasks/1/cancel"), 404, "TaskNotFound")
        assert_vidu_shape(await stage.ask("POST", "/ent/v2/nothing"), 404, "NotFound")
        assert_vidu_shape(await stage.ask("POST", "/ent/v2/text2video", b"{"), 400, "BadRequest")
        assert_vidu_shape(await stage.ask("POST", "/ent/v2/text2video", []), 400, "BadRequest")


async def test_futurelabs_has_no_list(tmp_path: Path) -> None:
    async with scene(tmp_path, "futurelabs") as stage:
        assert (await stage.ask("GET", "/ai/avu/tasks")).status == 404


async def test_an_empty_account_is_told_in_each_vendors_way(tmp_path: Path) -> None:
    for name in ("vidu", "futurelabs"):
        async with scene(tmp_path, name) as stage:
            stage.vendor.behaviour.credits_left = 1
            assert_vidu_shape(await stage.submit(), 400, "CreditInsufficient")
    async with scene(tmp_path, "kling") as stage:
        stage.vendor.behaviour.credits_left = 0.5
        answer = await stage.submit()
        assert (answer.status, answer.json["code"]) == (429, 1102)


@pytest.mark.parametrize(
    ("fields", "cost"),
    [
        ({"model": "viduq3-pro", "duration": 5, "resolution": "540p"}, 20),
        ({"model": "viduq3-pro", "duration": 8, "resolution": "1080p"}, 128),
        ({"model": "viduq3-turbo", "duration": 8, "resolution": "720p"}, 32),
        ({"model": "viduq2", "duration": 10, "resolution": "1080p"}, 80),
        ({"model": "viduq2", "duration": 5, "resolution": "540p"}, 10),
        ({"model": "viduq1", "duration": 5, "resolution": "1080p"}, 40),
        ({"model": "viduq3-pro", "duration": 5, "resolution": "720p", "off_peak": True}, 20),
    ],
)
async def test_futurelabs_charges_its_price_table(tmp_path: Path, fields: dict[str, Any], cost: int) -> None:
    async with scene(tmp_path, "futurelabs") as stage:
        stage.vendor.behaviour.hold = True
        assert (await stage.submit(**fields)).json["credits"] == cost


V26: dict[str, Any] = {"model_name": "kling-v2-6", "mode": "pro"}
V15: dict[str, Any] = {"model_name": "kling-v1-5", "mode": "pro"}
CAMERA = {"type": "simple", "config": {"zoom": 5}}
POINTS = [{"x": 1, "y": 1}, {"x": 2, "y": 2}]
KLING_IMAGE: list[dict[str, Any]] = [
    {"image": ""},
    {"image": "data:image/png;base64," + BARE},
    {"image": "not base64"},
    {"image": SMALL},
    {"image": LONG},
    {"image": WEBP},
    {"image": BARE, "mode": "best"},
    {"image": BARE, "duration": "7"},
    {"image": BARE, "duration": 5},
    {"image": BARE, "prompt": "x" * 2501},
    {"image": BARE, "negative_prompt": "x" * 2501},
    {"image": BARE, "cfg_scale": 1.1},
    {"image": BARE, "cfg_scale": 0.5, "model_name": "kling-v2-1"},
    {"image": BARE, "sound": "on"},
    {"image": BARE, "sound": "on", "model_name": "kling-v2-6"},
    {"image": BARE, "sound": "loud"},
    {"image": BARE, "image_tail": BARE, "sound": "on", **V26},
    {"image": BARE, "voice_list": [{"voice_id": "1"}], **V26},
    {"image": BARE, "voice_list": [{"voice_id": "1"}] * 3, "sound": "on", **V26},
    {"image": BARE, "image_tail": BARE, "duration": "10"},
    {"image": BARE, "image_tail": BARE, "model_name": "kling-v1-6"},
    {"image": BARE, "image_tail": BARE, "model_name": "kling-v2-master"},
    {"image_tail": BARE},
    {"image_tail": BARE, "mode": "pro", "model_name": "kling-v2-1"},
    {"image": BARE, "camera_control": CAMERA},
    {"image": BARE, "camera_control": {"type": "simple", "config": {"zoom": 5, "pan": 1}}, **V15},
    {"image": BARE, "camera_control": {"type": "simple", "config": {"zoom": 11}}, **V15},
    {"image": BARE, "camera_control": {"type": "simple"}, **V15},
    {"image": BARE, "camera_control": {"type": "forward_up"}, **V15},
    {"image": BARE, "static_mask": BARE, "duration": "10"},
    {"image": BARE, "dynamic_masks": [{"mask": BARE, "trajectories": POINTS}] * 7},
    {"image": BARE, "dynamic_masks": [{"mask": BARE, "trajectories": POINTS[:1]}]},
    {"image": BARE, "dynamic_masks": [{"mask": BARE, "trajectories": POINTS * 39}]},
    {"image": BARE, "image_tail": BARE, "static_mask": BARE},
    {"image": BARE, "static_mask": BARE, "camera_control": CAMERA, **V15},
    {"image": BARE, "callback_url": "nowhere"},
]


async def test_kling_refuses_pictures_and_combinations_out_of_its_map(tmp_path: Path) -> None:
    async with scene(tmp_path, "kling") as stage:
        gone = {"image": stage.here + "/nothing.png"}
        for fields in [*KLING_IMAGE, gone]:
            answer = await stage.submit("image2video", **{"image": "", **fields})
            assert (answer.status, answer.json["code"]) == (400, 1201), (fields.keys(), answer.json)
            assert answer.json["message"]
            assert answer.json["request_id"]
        assert_nothing_booked(stage.vendor)


@pytest.mark.parametrize(
    ("fields", "units"),
    [
        ({"image": BARE}, 1),
        ({"image": BARE, "model": "kling-v2-6"}, 1),  # the old field means V1
        ({"image": BARE, "mode": "pro", "duration": "10"}, 7),
        ({"image": BARE, "image_tail": LONG, "mode": "pro", "model_name": "kling-v2-1"}, 3.5),
        ({"image": "", "image_tail": BARE, "mode": "pro", "model_name": "kling-v1-6"}, 3.5),
        ({"image": BARE, "sound": "on", "voice_list": [{"voice_id": "1"}], **V26}, 5),
        ({"image": BARE, "model_name": "kling-v2-5-turbo"}, 1.5),
        ({"image": BARE, "model_name": "kling-v2-master", "duration": "10"}, 20),
        ({"image": BARE, "camera_control": CAMERA, **V15}, 3.5),
        ({"image": BARE, "static_mask": BARE, "dynamic_masks": [{"mask": BARE, "trajectories": POINTS}]}, 1),
    ],
)
async def test_kling_takes_what_its_map_allows(tmp_path: Path, fields: dict[str, Any], units: float) -> None:
    async with scene(tmp_path, "kling") as stage:
        stage.vendor.behaviour.hold = True
        answer = await stage.submit("image2video", **fields)
        assert answer.status == 200, answer.json
        assert stage.task.credits == units


async def test_kling_text_fields_out_of_range(tmp_path: Path) -> None:
    async with scene(tmp_path, "kling") as stage:
        for fields in ({"prompt": ""}, {"aspect_ratio": "4:3"}, {"camera_control": CAMERA, "duration": "10"}):
            assert (await stage.submit(**fields)).json["code"] == 1201
        for model in ("kling-v9", "kling-v2-1"):
            answer = await stage.submit(model_name=model)
            assert (answer.status, answer.json["code"]) == (404, 1203)
        assert (await stage.ask("POST", "/v1/videos/text2video", b"{")).json["code"] == 1200
        assert (await stage.ask("GET", "/v1/videos/text2video?pageSize=501")).json["code"] == 1201
        assert (await stage.ask("GET", "/v1/videos/text2video?pageNum=0")).json["code"] == 1201
        assert_nothing_booked(stage.vendor)


async def test_kling_pages_its_list(tmp_path: Path) -> None:
    async with scene(tmp_path, "kling") as stage:
        stage.vendor.behaviour.hold = True
        for number in range(3):
            await stage.submit(external_task_id=f"job-{number}")
        page = await stage.ask("GET", "/v1/videos/text2video?pageNum=2&pageSize=2")
        assert [row["task_info"]["external_task_id"] for row in page.json["data"]] == ["job-0"]


async def test_kling_takes_an_external_task_id_once(tmp_path: Path) -> None:
    async with scene(tmp_path, "kling") as stage:
        stage.vendor.behaviour.hold = True
        assert (await stage.submit(external_task_id="job-7")).status == 200
        again = await stage.submit(external_task_id="job-7")
        assert (again.status, again.json["code"]) == (400, 1201)
        assert len(stage.vendor.tasks) == 1


async def test_kling_refuses_more_tasks_at_once_than_the_pack_allows(tmp_path: Path) -> None:
    async with scene(tmp_path, "kling") as stage:
        stage.vendor.behaviour.hold = True
        stage.vendor.behaviour.parallel = 1
        assert (await stage.submit()).status == 200
        answer = await stage.submit()
        assert (answer.status, answer.json["code"]) == (429, 1303)


async def test_kling_takes_a_token_of_the_key_pair_by_its_own_clock(tmp_path: Path) -> None:
    clock = [1_000_000.0]
    async with scene(tmp_path, "kling", clock=lambda: clock[0]) as stage:
        claims = {"iss": KEYS.access_key, "exp": 1_001_800, "nbf": 999_995}
        auth = "Bearer " + jwt.encode(claims, str(KEYS.secret_key), headers={"typ": "JWT"})
        assert (await stage.ask("GET", "/v1/videos/text2video", auth=auth)).json["code"] == 0
        clock[0] += 1800
        answer = await stage.ask("GET", "/v1/videos/text2video", auth=auth)
        assert (answer.status, answer.json["code"]) == (401, 1004)


@pytest.mark.parametrize(
    ("auth", "code"),
    [("", 1001), (KEYS.api_key, 1002), ("Token " + KEYS.api_key, 1002), ("Bearer wrong", 1002)],
)
async def test_kling_demands_its_key(tmp_path: Path, auth: str, code: int) -> None:
    async with scene(tmp_path, "kling") as stage:
        for method in ("POST", "GET"):
            answer = await stage.ask(method, "/v1/videos/text2video", {}, auth)
            assert (answer.status, answer.json["code"]) == (401, code)
