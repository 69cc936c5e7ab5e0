"""What is sent to Vidu for each operation, and what is refused before it is sent."""

import base64
from dataclasses import replace
from fractions import Fraction
from typing import Any

import aiohttp
import pytest

from providers import vidu_shapes
from providers.orders import Clip, Operation, Order, Picture, Problem, Role, Rule
from providers.vidu import Vidu
from tests.providers.lab import Vendor, reply, sample
from tests.providers.orders import ACCOUNT, CALLBACK, HTTPS, KEY, order, picture, submission, task

TEXT, IMAGE, FRAMES = Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO, Operation.START_END_TO_VIDEO
PAINTED = Operation.REFERENCE_TO_IMAGE
SONG = Clip(Role.AUDIO, "audio/mpeg", 1000, 12.0)


@pytest.fixture
async def vidu(vendor: Vendor, session: aiohttp.ClientSession) -> Vidu:
    vendor.answers = [reply(200, sample("vidu/submit.json"))]
    return Vidu(replace(ACCOUNT, base_urls=(vendor.url,)), session, lambda: 0.0)


async def test_text_to_video_sends_what_the_page_lists(vidu: Vidu, vendor: Vendor) -> None:
    accepted = await vidu.submit(submission(vidu.fill(order(model="viduq3-pro"))))
    assert (accepted.task_id, accepted.credits) == ("801234567890123456", 10)
    assert vendor.last.path == "/ent/v2/text2video"
    assert vendor.last.headers["authorization"] == f"Token {KEY}"
    assert vendor.last.json == {
        "model": "viduq3-pro",
        "prompt": "a lighthouse in fog",
        "duration": 5,
        "aspect_ratio": "16:9",
        "resolution": "720p",
        "audio": True,
        "payload": "job-1",
        "callback_url": CALLBACK,
    }


async def test_only_the_newest_key_calls(vendor: Vendor, session: aiohttp.ClientSession) -> None:
    vendor.answers = [reply(200, sample("vidu/query_success.json"))]
    await Vidu(replace(ACCOUNT, api_keys=("new-key", "old-key"), base_urls=(vendor.url,)), session, lambda: 0.0).query(
        task()
    )
    assert vendor.last.headers["authorization"] == "Token new-key"


async def test_a_picture_goes_as_an_https_address_or_as_a_data_address(vidu: Vidu, vendor: Vendor) -> None:
    await vidu.submit(submission(vidu.fill(order(IMAGE))))
    assert vendor.last.path == "/ent/v2/img2video"
    assert vendor.last.json["images"] == [HTTPS]
    assert "aspect_ratio" not in vendor.last.json
    coded = "data:image/webp;base64," + base64.b64encode(b"RIFF").decode()
    for url in (None, "http://127.0.0.1/one.webp"):
        pictures = (picture(mime="image/webp", data=b"RIFF", url=url),)
        await vidu.submit(submission(vidu.fill(order(IMAGE, pictures=pictures))))
        assert vendor.last.json["images"] == [coded]


async def test_frames_go_first_frame_first(vidu: Vidu, vendor: Vendor) -> None:
    frames = (picture(Role.LAST_FRAME, url=HTTPS + "?last"), picture())
    await vidu.submit(submission(vidu.fill(order(FRAMES, pictures=frames))))
    assert vendor.last.path == "/ent/v2/start-end2video"
    assert vendor.last.json["images"] == [HTTPS, HTTPS + "?last"]


def test_the_fast_models_have_no_540p_and_old_ones_no_choice(vidu: Vidu) -> None:
    for operation in (IMAGE, FRAMES):
        for model in vidu.models(operation):
            assert ("540p" in model.resolutions) == (not model.name.endswith("-fast") and "q1" not in model.name)
    assert [model.name for model in vidu.models(TEXT)] == ["viduq3-turbo", "viduq3-pro", "viduq2", "viduq1"]


async def test_a_text_goes_with_every_choice_an_old_model_takes(vidu: Vidu, vendor: Vendor) -> None:
    extras = {"style": "anime", "movement_amplitude": "large", "bgm": False, "off_peak": True}
    chosen = vidu.fill(order(model="viduq1", aspect_ratio="9:16", extras=extras))
    assert vidu.problems(chosen) == []
    await vidu.submit(submission(chosen))
    assert vendor.last.json == sample("vidu/request_text2video.json")


async def test_a_picture_goes_with_sound_a_voice_music_and_a_watermark(vidu: Vidu, vendor: Vendor) -> None:
    extras = {
        "audio_type": "speech_only",
        "voice_id": "voice-7",
        "is_rec": False,
        "bgm": True,
        "off_peak": False,
        "watermark": True,
        "wm_position": "top_right",
        "meta_data": '{"Label": "a lighthouse"}',
    }
    mark = picture(Role.WATERMARK, url="https://pictures.example/mark.png")
    chosen = order(
        IMAGE,
        model="viduq2-turbo",
        prompt="the lamp turns",
        duration=6,
        seed=0,
        resolution="1080p",
        audio=True,
        pictures=(picture(), mark),
        extras=extras,
    )
    assert vidu.problems(vidu.fill(chosen)) == []
    await vidu.submit(submission(vidu.fill(chosen)))
    assert vendor.last.json == sample("vidu/request_img2video.json")


async def test_references_make_a_video(vidu: Vidu, vendor: Vendor) -> None:
    shown = tuple(picture(Role.REFERENCE, url=f"https://pictures.example/{name}.png") for name in ("keeper", "dog"))
    chosen = vidu.fill(Order(Operation.REFERENCE_TO_VIDEO, prompt="both walk along the pier", pictures=shown))
    assert vidu.problems(chosen) == []
    assert vidu.price(chosen) == 20
    await vidu.submit(submission(chosen))
    assert vendor.last.path == "/ent/v2/reference2video"
    assert vendor.last.json == sample("vidu/request_reference2video.json")


async def test_references_make_a_picture(vidu: Vidu, vendor: Vendor) -> None:
    shown = (picture(Role.REFERENCE, url="https://pictures.example/keeper.png"),)
    chosen = Order(PAINTED, None, "the keeper as an oil painting", None, "4K", "21:9", 7, pictures=shown)
    chosen = vidu.fill(chosen)
    assert vidu.problems(chosen) == []
    assert vidu.price(chosen) == 10
    await vidu.submit(submission(chosen))
    assert vendor.last.path == "/ent/v2/reference2image"
    assert vendor.last.json == sample("vidu/request_reference2image.json")
    vendor.answers = [reply(200, sample("vidu/query_image.json") | {"type": None})]
    status = await vidu.query(task("801234567890123458", PAINTED))
    assert [(output.kind, output.url) for output in status.outputs] == [("image", "https://files.example/904.png")]


async def test_a_template_is_named_and_chooses_the_model_itself(vidu: Vidu, vendor: Vendor) -> None:
    extras = {"template_id": "storm-at-sea", "bgm": True}
    shown = (picture(Role.REFERENCE),)
    chosen = vidu.fill(Order(Operation.TEMPLATE_TO_VIDEO, prompt="waves", seed=3, pictures=shown, extras=extras))
    assert vidu.problems(chosen) == []
    assert vidu.price(chosen) is None
    await vidu.submit(submission(chosen))
    assert vendor.last.path == "/ent/v2/template"
    assert vendor.last.json == sample("vidu/request_template.json")
    problems = vidu.problems(replace(chosen, model="viduq1", duration=5, resolution="720p", audio=True, extras={}))
    assert [(problem.field, problem.rule) for problem in problems] == [
        ("model", Rule.NOT_OFFERED),
        ("duration", Rule.NOT_OFFERED),
        ("resolution", Rule.NOT_OFFERED),
        ("audio", Rule.NOT_OFFERED),
        ("template_id", Rule.REQUIRED),
    ]


def test_only_viduq2_makes_a_picture_from_words_alone(vidu: Vidu) -> None:
    for model, needed in (("viduq2", False), ("viduq1", True), ("viduq7", False)):
        problems = vidu.problems(vidu.fill(Order(PAINTED, model, "fog")))
        assert [(problem.field, problem.rule) for problem in problems] == (
            [("reference", Rule.REQUIRED)] if needed else []
        )
    shown = (picture(Role.REFERENCE),)
    problem = only(vidu.problems(vidu.fill(Order(PAINTED, "viduq1", "fog", resolution="4K", pictures=shown))))
    assert (problem.field, problem.allowed) == ("resolution", ("1080p",))
    problem = only(vidu.problems(vidu.fill(Order(PAINTED, "viduq2", "fog", duration=5, pictures=shown))))
    assert (problem.field, problem.rule) == ("duration", Rule.NOT_OFFERED)


@pytest.mark.parametrize(("seconds", "fits"), [(2, False), (3, True), (16, True), (17, False)])
def test_q3_takes_3_to_16_seconds_for_references(vidu: Vidu, seconds: int, fits: bool) -> None:
    shown = (picture(Role.REFERENCE),)
    for model in ("viduq3-turbo", "viduq3", "viduq3-mix"):
        chosen = Order(Operation.REFERENCE_TO_VIDEO, model, "fog", seconds, pictures=shown)
        assert (vidu.problems(vidu.fill(chosen)) == []) is fits


def test_sound_is_for_q3_except_over_a_first_frame(vidu: Vidu) -> None:
    assert all(model.audio for model in vidu.models(IMAGE))
    for operation in (*vidu.operations(), IMAGE):
        for model in vidu.models(operation):
            assert model.default_audio == ("q3" in model.name)
            assert model.audio == ("q3" in model.name or operation is IMAGE)


def test_what_vidu_does_not_do_is_said_before_anything_else(vidu: Vidu) -> None:
    for operation in set(Operation) - set(vidu.operations()):
        assert vidu.problems(Order(operation, prompt="x" * 9999)) == [
            Problem("operation", Rule.NOT_OFFERED, given=operation)
        ]
        assert vidu.extras(operation) == ()
        assert not vidu.can_cancel(operation)
    assert all(vidu.can_cancel(operation) for operation in vidu.operations())


def test_each_operation_offers_what_its_page_lists(vidu: Vidu) -> None:
    always = ["movement_amplitude", "bgm", "off_peak", "watermark", "wm_position", "meta_data"]
    offered = {operation: [extra.name for extra in vidu.extras(operation)] for operation in vidu.operations()}
    assert offered == {
        TEXT: ["style", *always],
        IMAGE: ["audio_type", "voice_id", "is_rec", *always],
        FRAMES: ["is_rec", *always],
        Operation.REFERENCE_TO_VIDEO: always,
        PAINTED: [],
        Operation.TEMPLATE_TO_VIDEO: ["template_id", "bgm", "watermark", "wm_position", "meta_data"],
    }
    models = {extra.name: extra.models for extra in vidu.extras(TEXT)}
    assert (models["style"], models["bgm"], models["off_peak"]) == (("viduq1",), ("viduq2", "viduq1"), ())


@pytest.mark.parametrize(
    ("changes", "field", "rule", "given"),
    [
        ({"model": "viduq3-pro", "extras": {"voice_id": "v"}}, "voice_id", Rule.NOT_OFFERED, "viduq3-pro"),
        ({"model": "viduq3-pro", "extras": {"bgm": True}}, "bgm", Rule.NOT_OFFERED, "viduq3-pro"),
        ({"model": "viduq3-pro", "extras": {"audio_type": "all"}}, "audio_type", Rule.NOT_OFFERED, "viduq3-pro"),
        ({"model": "viduq2-pro", "extras": {"audio_type": "all"}}, "audio_type", Rule.NOT_TOGETHER, "audio: no"),
        ({"model": "viduq2-pro", "audio": True, "extras": {"off_peak": True}}, "off_peak", Rule.NOT_TOGETHER, "audio"),
        ({"extras": {"style": "anime"}}, "style", Rule.NOT_OFFERED, "image_to_video"),
        ({"extras": {"is_rec": True}}, "prompt", Rule.NOT_TOGETHER, "is_rec"),
        ({"clips": (SONG,)}, "audio", Rule.NOT_OFFERED, "image_to_video"),
        ({"strokes": (((0, 0), (1, 1)),)}, "strokes", Rule.NOT_OFFERED, "image_to_video"),
    ],
)
def test_what_would_be_ignored_is_refused_before_it_is_sent(
    vidu: Vidu, changes: dict[str, Any], field: str, rule: Rule, given: str
) -> None:
    problem = only(vidu.problems(vidu.fill(order(IMAGE, **changes))))
    assert (problem.field, problem.rule, problem.given) == (field, rule, given)


def only(problems: list[Problem]) -> Problem:
    [problem] = problems
    return problem


@pytest.mark.parametrize(
    ("width", "height", "fits"),
    [(4000, 1000, True), (4001, 1000, False), (1000, 4000, True), (1000, 4001, False), (1, 1, True)],
)
def test_pictures_are_between_1_to_4_and_4_to_1(vidu: Vidu, width: int, height: int, fits: bool) -> None:
    problems = vidu.problems(vidu.fill(order(IMAGE, pictures=(picture(width=width, height=height),))))
    if fits:
        assert problems == []
    else:
        problem = only(problems)
        assert (problem.field, problem.rule, problem.allowed) == ("first_frame", Rule.FILE_RATIO, ("1:4", "4:1"))


@pytest.mark.parametrize(
    ("first", "last", "close"),
    [
        ((1000, 800), (1000, 1000), True),
        ((1000, 799), (1000, 1000), False),
        ((1000, 1250), (1000, 1000), True),
        ((1000, 1251), (1000, 1000), False),
    ],
)
def test_two_frames_are_about_the_same_size(
    vidu: Vidu, first: tuple[int, int], last: tuple[int, int], close: bool
) -> None:
    frames = (
        picture(width=first[0], height=first[1]),
        picture(Role.LAST_FRAME, width=last[0], height=last[1]),
    )
    problems = vidu.problems(vidu.fill(order(FRAMES, pictures=frames)))
    if close:
        assert problems == []
    else:
        problem = only(problems)
        assert (problem.field, problem.rule, problem.given) == ("last_frame", Rule.NOT_TOGETHER, "first_frame")


class Long(bytes):
    """Bytes that only say they are many."""

    size = 0

    def __len__(self) -> int:
        return self.size


def long(size: int) -> bytes:
    made = Long()
    made.size = size
    return made


@pytest.mark.parametrize(
    ("pictures", "limit"),
    [
        ([picture(data=long(50_000_000))], None),
        ([picture(data=long(50_000_001))], 50_000_000),
        ([picture(url=None, data=long(14_850_000))], None),
        ([picture(url=None, data=long(14_850_001))], 14_850_000),
        ([picture(url=None, data=long(7_425_001)), picture(Role.LAST_FRAME)], None),
        ([picture(url=None, data=long(7_425_001)), picture(Role.LAST_FRAME, url=None)], 7_425_000),
    ],
)
def test_a_picture_is_as_large_as_its_way_allows(vidu: Vidu, pictures: list[Picture], limit: int | None) -> None:
    operation = IMAGE if len(pictures) == 1 else FRAMES
    problems = vidu.problems(vidu.fill(order(operation, pictures=tuple(pictures))))
    assert [(problem.rule, problem.limit) for problem in problems] == (
        [] if limit is None else [(Rule.FILE_BYTES, limit)]
    )


async def test_the_largest_picture_given_as_bytes_stays_below_the_largest_body(vidu: Vidu, vendor: Vendor) -> None:
    largest = picture(url=None, data=bytes(vidu_shapes.PICTURES.most_inline_bytes))
    filled = vidu.fill(order(IMAGE, prompt="\N{GRINNING FACE}" * 5000, pictures=(largest,)))
    assert vidu.problems(filled) == []
    await vidu.submit(submission(filled))
    assert len(vendor.last.body) <= 20_000_000


def test_other_formats_are_named(vidu: Vidu) -> None:
    problem = only(vidu.problems(vidu.fill(order(IMAGE, pictures=(picture(mime="image/gif"),)))))
    assert (problem.rule, problem.given, problem.allowed) == (
        Rule.FILE_FORMAT,
        "image/gif",
        ("image/png", "image/jpeg", "image/webp"),
    )


def test_the_frame_rule_is_exact() -> None:
    low, high = vidu_shapes.CLOSE_ENOUGH
    assert (low, high) == (Fraction("0.8"), Fraction("1.25"))
