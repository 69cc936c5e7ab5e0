"""Vidu beyond text and frames: references, pictures, templates, and the fields that all its films share."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sandbox.vendors import Behaviour
from tests.sandbox.vendors_kit import Answer, Scene, media_facts, scene

QUICK: dict[str, Any] = {"prompt": "a boat", "duration": 1, "resolution": "540p"}
Case = tuple[str, dict[str, Any], str]


async def submit(stage: Scene, operation: str, **fields: Any) -> Answer:
    """Submit with PICTURE and FILM put in place of addresses."""
    return await stage.ask("POST", f"/ent/v2/{operation}", real(stage, fields))


def real(stage: Scene, value: Any) -> Any:
    if isinstance(value, dict):
        return {name: real(stage, each) for name, each in value.items()}  # pyright: ignore[reportUnknownVariableType] - JSON
    if isinstance(value, list):
        return [real(stage, each) for each in value]  # pyright: ignore[reportUnknownVariableType] - JSON
    return {"PICTURE": stage.image("400x400"), "SMALL": stage.image("127x400"), "FILM": stage.film()}.get(value, value)


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "viduq2", "images": ["PICTURE"]},
        {"model": "viduq2", "images": ["PICTURE"] * 7, "auto_subjects": True, "aspect_ratio": "9:16"},
        {
            "model": "viduq2-pro",
            "prompt": "@ada meets @bob",
            "subjects": [
                {"name": "ada", "images": ["PICTURE"] * 3, "voice_id": "v1"},
                {"id": "bob", "images": ["PICTURE"], "videos": ["FILM"]},
            ],
        },
    ],
)
async def test_references_become_a_film(tmp_path: Path, fields: dict[str, Any]) -> None:
    async with scene(tmp_path, "vidu") as stage:
        answer = await submit(stage, "reference2video", **{**QUICK, **fields}, callback_url=stage.hook(), payload="p")
        assert (answer.status, answer.json["credits"], answer.json["payload"]) == (200, 2, "p"), answer.json
        task = await stage.finished()
        shown = await stage.query(task)
        assert [got.state for got in stage.got] == ["processing", "success"]
        assert stage.got[-1].json == shown
        assert (await stage.ask("GET", shown["creations"][0]["url"])).body[4:8] == b"ftyp"
        assert task.video
        assert ("540x960" if "aspect_ratio" in fields else "960x540") in await media_facts(task.video)


async def test_a_film_as_reference_needs_no_picture(tmp_path: Path) -> None:
    async with scene(tmp_path, "vidu") as stage:
        fields = {"model": "viduq2-pro", "subjects": [{"name": "ada", "videos": ["FILM"]}]}
        await submit(stage, "reference2video", **{**QUICK, **fields})
        assert (await stage.finished()).state == "success"


REFUSED: list[Case] = [
    ("reference2video", {"model": "viduq3-pro", "images": ["PICTURE"]}, "ModelUnavailable"),
    ("reference2video", {"model": "viduq2", "images": []}, "FieldItemCountOutOfRange"),
    ("reference2video", {"model": "viduq2", "images": ["PICTURE"] * 8}, "FieldItemCountOutOfRange"),
    ("reference2video", {"model": "viduq2"}, "FieldLacking"),
    ("reference2video", {"model": "viduq2", "images": ["PICTURE"], "prompt": ""}, "FieldLacking"),
    ("reference2video", {"model": "viduq2", "images": ["SMALL"]}, "PageSizeOutOfRange"),
    ("reference2video", {"model": "viduq3", "images": ["PICTURE"], "duration": 2}, "FieldInvalid"),
    (
        "reference2video",
        {"model": "viduq3-mix", "images": ["PICTURE"], "duration": 3, "off_peak": True},
        "FieldInvalid",
    ),
    ("reference2video", {"model": "viduq2", "images": ["PICTURE"], "subjects": [{"name": "a"}]}, "FieldUnwanted"),
    ("reference2video", {"model": "viduq2", "subjects": []}, "FieldInvalid"),
    ("reference2video", {"model": "viduq2", "subjects": ["ada"]}, "FieldInvalid"),
    ("reference2video", {"model": "viduq2", "subjects": [{"images": ["PICTURE"]}]}, "FieldLacking"),
    ("reference2video", {"model": "viduq2", "subjects": [{"name": "a"}]}, "FieldLacking"),
    ("reference2video", {"model": "viduq2", "subjects": [{"name": "a", "images": "PICTURE"}]}, "FieldInvalid"),
    (
        "reference2video",
        {"model": "viduq2", "subjects": [{"name": "a", "images": ["PICTURE"] * 4}]},
        "FieldItemCountOutOfRange",
    ),
    (
        "reference2video",
        {"model": "viduq2", "subjects": [{"name": str(number), "images": ["PICTURE"] * 2} for number in range(4)]},
        "FieldItemCountOutOfRange",
    ),
    ("reference2video", {"model": "viduq2", "subjects": [{"name": "a", "videos": ["FILM"]}]}, "FieldInvalid"),
    ("reference2video", {"model": "viduq2-pro", "subjects": [{"name": "a", "videos": ["PICTURE"]}]}, "FieldInvalid"),
    ("reference2image", {"model": "viduq1"}, "FieldLacking"),
    ("reference2image", {"model": "viduq1", "images": []}, "FieldItemCountOutOfRange"),
    ("reference2image", {"model": "viduq3-pro"}, "ModelUnavailable"),
    ("reference2image", {"model": "viduq2", "prompt": ""}, "FieldLacking"),
    ("reference2image", {"model": "viduq2", "resolution": "720p"}, "FieldInvalid"),
    ("reference2image", {"model": "viduq2", "aspect_ratio": "5:1"}, "FieldInvalid"),
    ("reference2image", {"model": "viduq2", "images": ["PICTURE"] * 8}, "FieldItemCountOutOfRange"),
    ("template", {"images": ["PICTURE"]}, "FieldLacking"),
    ("template", {"template": "hugging"}, "FieldLacking"),
    ("template", {"template": "hugging", "images": ["PICTURE"], "aspect_ratio": "5:1"}, "FieldInvalid"),
    ("img2video", {"model": "viduq3-turbo", "images": ["PICTURE"], "audio_type": "sound-effect_only"}, "FieldInvalid"),
    ("img2video", {"model": "viduq3-turbo", "images": ["PICTURE"], "wm_position": 0}, "FieldInvalid"),
    ("img2video", {"model": "viduq3-turbo", "images": ["PICTURE"], "wm_position": "3"}, "FieldInvalid"),
    ("img2video", {"model": "viduq3-turbo", "images": ["PICTURE"], "wm_url": "mark.png"}, "FieldInvalid"),
    ("img2video", {"model": "viduq3-turbo", "images": ["PICTURE"], "meta_data": "{"}, "FieldInvalid"),
    ("img2video", {"model": "viduq3-turbo", "images": ["PICTURE"], "is_rec": "yes"}, "FieldInvalid"),
    ("img2video", {"model": "viduq2-pro", "images": ["PICTURE"], "audio": True, "off_peak": True}, "FieldInvalid"),
    (
        "img2video",
        {"model": "viduq3-turbo", "images": ["PICTURE"], "watermark": True, "wm_url": "http://127.0.0.1:1/m.png"},
        "ImageDownloadFailure",
    ),
]


async def test_vidu_refuses_what_its_other_operations_do_not_take(tmp_path: Path) -> None:
    async with scene(tmp_path, "vidu") as stage:
        for operation, fields, reason in REFUSED:
            plain = QUICK if operation.endswith("video") else {"prompt": "a boat"}
            answer = await submit(stage, operation, **{**plain, **fields})
            assert (answer.status, answer.json["reason"]) == (400, reason), (operation, fields, answer.json)
        assert not stage.vendor.tasks
        assert stage.vendor.behaviour.credits_left == 100_000


@pytest.mark.parametrize(
    ("fields", "size", "cost"),
    [
        ({"model": "viduq2"}, (1920, 1080), 6),
        ({"model": "viduq2", "images": ["PICTURE"] * 7, "aspect_ratio": "2:3", "resolution": "2K"}, (1080, 1620), 8),
        ({"model": "viduq1", "images": ["PICTURE"], "aspect_ratio": "auto", "resolution": "4K"}, (1080, 1080), 10),
    ],
)
async def test_references_or_words_become_a_picture(
    tmp_path: Path, fields: dict[str, Any], size: tuple[int, int], cost: float
) -> None:
    async with scene(tmp_path, "vidu") as stage:
        answer = await submit(stage, "reference2image", prompt="a boat", **fields, callback_url=stage.hook())
        assert answer.json["credits"] == cost
        shown = await stage.query(await stage.finished())
        assert stage.got[-1].json == shown
        (creation,) = shown["creations"]
        assert creation["cover_url"] == creation["url"]
        got = await stage.ask("GET", creation["url"])
        with Image.open(io.BytesIO(got.body)) as drawn:
            assert (drawn.format, drawn.size) == ("PNG", size)


async def test_a_template_becomes_a_film_and_can_be_listed_by_its_name(tmp_path: Path) -> None:
    async with scene(tmp_path, "vidu") as stage:
        fields = {"template": "hugging", "images": ["PICTURE", "PICTURE"], "seed": 3, "bgm": True, "area": "denmark"}
        answer = (await submit(stage, "template", **fields)).json
        assert (answer["template"], answer["credits"], answer["seed"], answer["prompt"]) == ("hugging", 30, 3, "")
        shown = await stage.query(await stage.finished())
        assert (await stage.ask("GET", shown["creations"][0]["url"])).body[4:8] == b"ftyp"
        await submit(stage, "reference2image", model="viduq2", prompt="x")
        await stage.finished()
        named = (await stage.ask("GET", "/ent/v2/tasks?templates=hugging")).json["tasks"]
        assert [(row["id"], row["template"], row["type"]) for row in named] == [(shown["id"], "hugging", "template")]
        everything = (await stage.ask("GET", "/ent/v2/tasks")).json["tasks"]
        assert [row["type"] for row in everything] == ["reference2image", "template"]


async def test_a_film_takes_every_field_that_films_share(tmp_path: Path) -> None:
    async with scene(tmp_path, "vidu") as stage:
        stage.vendor.behaviour = Behaviour(outcome="success_without_outputs")
        mark = stage.image("900x90")
        fields: dict[str, Any] = {
            "audio_type": "speech_only",
            "voice_id": "v1",
            "is_rec": True,
            "bgm": True,
            "watermark": True,
            "wm_position": 1,
            "wm_url": mark,
            "meta_data": '{"Label": "x"}',
            "movement_amplitude": "small",
            "off_peak": True,
            "seed": 7,
        }
        answer = await submit(stage, "img2video", model="viduq3-turbo", images=["PICTURE"], **QUICK, **fields)
        assert {name: answer.json[name] for name in fields} == fields
        assert answer.json["credits"] == 11  # half of 2, and 10 for the vendor's own prompt
        task = await stage.finished()
        assert [picture.width for picture in task.materials.aside] == [900]
        assert [picture.width for picture in task.materials.pictures] == [400]
        shown = await stage.query(task)
        assert (shown["bgm"], shown["off_peak"]) == (True, True)


async def test_a_watermark_is_asked_for_and_told_apart(tmp_path: Path) -> None:
    async with scene(tmp_path, "vidu") as stage:
        await submit(stage, "text2video", model="viduq3-turbo", **QUICK, watermark=True, style="anime")
        (creation,) = (await stage.query(await stage.finished()))["creations"]
        assert creation["watermarked_url"].startswith(stage.vendor.url)


async def test_an_account_without_credits_makes_no_picture(tmp_path: Path) -> None:
    async with scene(tmp_path, "vidu") as stage:
        stage.vendor.behaviour.credits_left = 5
        answer = await submit(stage, "reference2image", model="viduq2", prompt="x")
        assert (answer.status, answer.json["reason"]) == (400, "CreditInsufficient")
        credit = (await stage.ask("GET", "/ent/v2/credits?show_detail=true")).json
        assert (credit["remains"][0]["credit_remain"], len(credit["packages"])) == (5, 1)


async def test_other_operations_demand_the_token_too(tmp_path: Path) -> None:
    async with scene(tmp_path, "vidu") as stage:
        for operation in ("reference2video", "reference2image", "template"):
            assert (await stage.ask("POST", f"/ent/v2/{operation}", {}, "Bearer x")).status == 401
