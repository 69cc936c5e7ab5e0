"""What is sent to Kling for each operation, what is refused before it is sent, and what it costs."""

import base64
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from providers.kling import Kling
from providers.orders import Operation, Role, Rule
from tests.providers.lab import Vendor, reply, sample
from tests.providers.orders import ACCOUNT, CALLBACK, HTTPS, KEY, order, picture, submission

TEXT, IMAGE, FRAMES = Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO, Operation.START_END_TO_VIDEO
NOW = 1_781_080_794.0


@pytest.fixture
async def kling(vendor: Vendor, session: aiohttp.ClientSession) -> Kling:
    vendor.answers = [reply(200, sample("kling/submit.json"))]
    return Kling(replace(ACCOUNT, base_urls=(vendor.url,)), session, lambda: NOW)


async def test_text_to_video_sends_what_the_page_lists(kling: Kling, vendor: Vendor) -> None:
    accepted = await kling.submit(submission(kling.fill(order())))
    assert (accepted.task_id, accepted.credits) == ("881704293106061404", None)
    assert vendor.last.path == "/v1/videos/text2video"
    assert vendor.last.headers["authorization"] == f"Bearer {KEY}"
    assert vendor.last.json == {
        "model_name": "kling-v2-6",
        "mode": "std",
        "duration": "5",
        "prompt": "a lighthouse in fog",
        "aspect_ratio": "16:9",
        "sound": "off",
        "callback_url": CALLBACK,
        "external_task_id": "job-1",
    }


async def test_image_to_video_gives_an_https_address_or_bare_base64(kling: Kling, vendor: Vendor) -> None:
    await kling.submit(submission(kling.fill(order(IMAGE, model="kling-v1-6", duration=10, resolution="1080p"))))
    assert vendor.last.path == "/v1/videos/image2video"
    assert vendor.last.json == {
        "model_name": "kling-v1-6",
        "mode": "pro",
        "duration": "10",
        "image": HTTPS,
        "prompt": "a lighthouse in fog",
        "callback_url": CALLBACK,
        "external_task_id": "job-1",
    }
    for url in (None, "http://127.0.0.1/one.png"):
        await kling.submit(submission(kling.fill(order(IMAGE, pictures=(picture(url=url, data=b"\x89PNG"),)))))
        assert vendor.last.json["image"] == base64.b64encode(b"\x89PNG").decode()


async def test_two_frames_go_the_same_way_with_a_tail(kling: Kling, vendor: Vendor) -> None:
    frames = (picture(Role.LAST_FRAME, url=HTTPS + "?last"), picture())
    await kling.submit(submission(kling.fill(order(FRAMES, prompt="", pictures=frames))))
    assert vendor.last.path == "/v1/videos/image2video"
    assert vendor.last.json == {
        "model_name": "kling-v2-6",
        "mode": "pro",
        "duration": "5",
        "image": HTTPS,
        "image_tail": HTTPS + "?last",
        "callback_url": CALLBACK,
        "external_task_id": "job-1",
    }


async def test_a_master_model_has_no_mode(kling: Kling, vendor: Vendor) -> None:
    filled = kling.fill(order(model="kling-v2-master"))
    assert filled.resolution is None
    assert kling.problems(filled) == []
    await kling.submit(submission(filled))
    assert "mode" not in vendor.last.json
    [problem] = kling.problems(kling.fill(order(model="kling-v2-master", resolution="1080p")))
    assert (problem.field, problem.rule) == ("resolution", Rule.NOT_OFFERED)


async def test_sound_is_for_v2_6_in_pro_and_asking_for_it_chooses_pro(kling: Kling, vendor: Vendor) -> None:
    for operation in (TEXT, IMAGE):
        filled = kling.fill(order(operation, audio=True))
        assert (filled.model, filled.resolution) == ("kling-v2-6", "1080p")
        assert kling.problems(filled) == []
        await kling.submit(submission(filled))
        assert (vendor.last.json["sound"], vendor.last.json["mode"]) == ("on", "pro")
        [problem] = kling.problems(kling.fill(order(operation, audio=True, resolution="720p")))
        assert (problem.field, problem.rule, problem.given) == ("audio", Rule.NOT_TOGETHER, "720p")
        [problem] = kling.problems(kling.fill(order(operation, audio=True, model="kling-v2-5-turbo")))
        assert (problem.field, problem.rule) == ("audio", Rule.NOT_OFFERED)
    [problem] = kling.problems(kling.fill(order(FRAMES, audio=True)))
    assert (problem.field, problem.rule) == ("audio", Rule.NOT_OFFERED)


async def test_a_model_of_tomorrow_is_sent_as_ordered(kling: Kling, vendor: Vendor) -> None:
    new = kling.fill(order(model="kling-v3", duration=12, audio=True, resolution="1080p"))
    assert kling.problems(new) == []
    await kling.submit(submission(new))
    assert vendor.last.json["duration"] == "12"
    assert (vendor.last.json["sound"], vendor.last.json["mode"]) == ("on", "pro")


def test_what_kling_does_not_take_is_named(kling: Kling) -> None:
    [problem] = kling.problems(kling.fill(order(seed=7)))
    assert (problem.field, problem.rule) == ("seed", Rule.NOT_OFFERED)
    [problem] = kling.problems(kling.fill(order(IMAGE, aspect_ratio="1:1")))
    assert (problem.field, problem.rule) == ("aspect_ratio", Rule.NOT_OFFERED)
    [problem] = kling.problems(kling.fill(order(aspect_ratio="4:3")))
    assert (problem.allowed, problem.nearest) == (("16:9", "9:16", "1:1"), "1:1")


def test_the_prompt_ends_at_2500_characters_and_is_needed_for_text_alone(kling: Kling) -> None:
    assert kling.problems(kling.fill(order(prompt="é" * 2500))) == []
    [problem] = kling.problems(kling.fill(order(prompt="é" * 2501)))
    assert (problem.rule, problem.limit) == (Rule.TOO_LONG, 2500)
    assert kling.problems(kling.fill(order(IMAGE, prompt=""))) == []


async def test_the_motion_brush_goes_with_masks_and_strokes(kling: Kling, vendor: Vendor) -> None:
    masks = [(Role.DYNAMIC_MASK, "boat"), (Role.STATIC_MASK, "still"), (Role.DYNAMIC_MASK, "gull")]
    pictures = (
        *(picture(role, width=640, height=360, url=f"https://pictures.example/{name}.png") for role, name in masks),
        picture(),
    )
    strokes = (((0, 0), (640, 360), (1279, 719)), ((10, 700), (20, 600)))
    extras = {"negative_prompt": "rain", "cfg_scale": 0.25}
    chosen = kling.fill(order(IMAGE, model="kling-v1", pictures=pictures, strokes=strokes, extras=extras))
    assert kling.problems(chosen) == []
    await kling.submit(submission(chosen))
    assert vendor.last.path == "/v1/videos/image2video"
    assert vendor.last.json == sample("kling/request_brush.json")


async def test_all_pictures_given_as_bytes_go_without_a_prefix(kling: Kling, vendor: Vendor) -> None:
    pictures = tuple(
        picture(role, url=None, data=role.encode()) for role in (Role.FIRST_FRAME, Role.STATIC_MASK, Role.DYNAMIC_MASK)
    )
    chosen = kling.fill(order(IMAGE, pictures=pictures, strokes=(((0, 0), (1, 1)),)))
    assert kling.problems(chosen) == []
    await kling.submit(submission(chosen))
    sent = vendor.last.json
    given = [sent["image"], sent["static_mask"], sent["dynamic_masks"][0]["mask"]]
    assert [base64.b64decode(one, validate=True) for one in given] == [b"first_frame", b"static_mask", b"dynamic_mask"]


async def test_a_camera_moves_along_one_axis(kling: Kling, vendor: Vendor) -> None:
    extras = {"camera_type": "simple", "camera_axis": "pan", "camera_amount": -2.5}
    chosen = kling.fill(order(IMAGE, extras=extras))
    assert kling.problems(chosen) == []
    await kling.submit(submission(chosen))
    assert vendor.last.json == sample("kling/request_camera.json")


async def test_a_text_goes_with_every_choice_its_page_lists(kling: Kling, vendor: Vendor) -> None:
    extras = {"negative_prompt": "rain", "cfg_scale": 1, "camera_type": "down_back", "watermark": True}
    chosen = kling.fill(order(aspect_ratio="1:1", extras=extras))
    assert kling.problems(chosen) == []
    await kling.submit(submission(chosen))
    assert vendor.last.json == sample("kling/request_text.json")


async def test_two_voices_go_in_their_order(kling: Kling, vendor: Vendor) -> None:
    prompt, extras = "<<<voice_1>>> greets <<<voice_2>>>", {"voice_list": "keeper-voice  829"}
    chosen = kling.fill(order(IMAGE, prompt=prompt, duration=10, audio=True, extras=extras))
    assert kling.problems(chosen) == []
    await kling.submit(submission(chosen))
    assert vendor.last.json == sample("kling/request_voices.json")


async def test_a_last_frame_may_go_alone_where_the_model_can(kling: Kling, vendor: Vendor) -> None:
    alone = order(FRAMES, pictures=order(FRAMES).pictures[1:])
    chosen = kling.fill(replace(alone, model="kling-v1-6"))
    assert kling.problems(chosen) == []
    await kling.submit(submission(chosen))
    assert vendor.last.json == sample("kling/request_tail.json")
    for model in (None, "kling-v2-6", "kling-v2-1", "kling-v1"):
        [problem] = kling.problems(kling.fill(replace(alone, model=model)))
        assert (problem.field, problem.rule) == ("first_frame", Rule.REQUIRED)
    assert kling.problems(kling.fill(replace(alone, model="kling-v3"))) == []
    problems = kling.problems(kling.fill(order(FRAMES, model="kling-v1-6", pictures=())))
    assert [(problem.field, problem.rule) for problem in problems] == [
        ("first_frame", Rule.REQUIRED),
        ("last_frame", Rule.REQUIRED),
    ]


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"mime": "image/jpeg"}, None),
        ({"mime": "image/webp"}, Rule.FILE_FORMAT),
        ({"width": 300, "height": 300}, None),
        ({"width": 299, "height": 300}, Rule.FILE_PIXELS),
        ({"width": 300, "height": 299}, Rule.FILE_PIXELS),
        ({"width": 750, "height": 300}, None),
        ({"width": 751, "height": 300}, Rule.FILE_RATIO),
        ({"width": 300, "height": 751}, Rule.FILE_RATIO),
        ({"data": bytes(10_000_000)}, None),
        ({"data": bytes(10_000_001)}, Rule.FILE_BYTES),
        ({"data": bytes(10_000_001), "url": None}, Rule.FILE_BYTES),
    ],
)
def test_pictures_are_what_the_page_allows(kling: Kling, changes: dict[str, Any], rule: Rule | None) -> None:
    problems = kling.problems(kling.fill(order(IMAGE, pictures=(picture(**changes),))))
    assert [problem.rule for problem in problems] == ([] if rule is None else [rule])


def test_two_full_frames_fit_together(kling: Kling) -> None:
    frames = (picture(url=None, data=bytes(10_000_000)), picture(Role.LAST_FRAME, url=None, data=bytes(10_000_000)))
    assert kling.problems(kling.fill(order(FRAMES, pictures=frames))) == []


@pytest.mark.parametrize(
    ("model", "resolution", "duration", "audio", "credits"),
    [
        ("kling-v1", "720p", 5, False, 28),
        ("kling-v1", "1080p", 5, False, 98),
        ("kling-v1-6", "720p", 10, False, 112),
        ("kling-v2-master", None, 5, False, 280),
        ("kling-v2-5-turbo", "720p", 5, False, 42),
        ("kling-v2-6", "1080p", 5, False, 70),
        ("kling-v2-6", "1080p", 10, True, 280),
        ("kling-v2-6", "720p", 5, True, None),
        ("kling-v1", "720p", 7, False, None),
        ("kling-v1", "4k", 5, False, None),
        ("kling-v9", "720p", 5, False, None),
    ],
)
def test_units_become_credits(
    kling: Kling, model: str, resolution: str | None, duration: int, audio: bool, credits: int | None
) -> None:
    chosen = kling.fill(order(model=model, resolution=resolution, duration=duration, audio=audio))
    assert kling.price(chosen) == credits
