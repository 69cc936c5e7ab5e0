"""What is sent to Futurelabs' Vidu part for each operation, and what is refused before it is sent."""

from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from providers.futurelabs import BASE_URLS, Futurelabs
from providers.orders import Clip, Operation, Order, Picture, Role, Rule
from tests.providers.lab import Vendor, reply, sample
from tests.providers.orders import ACCOUNT, CALLBACK, HTTPS, KEY, order, picture, submission, task

TEXT, IMAGE, FRAMES = Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO, Operation.START_END_TO_VIDEO
REFERENCE, TEMPLATE, PAINTED = (
    Operation.REFERENCE_TO_VIDEO,
    Operation.TEMPLATE_TO_VIDEO,
    Operation.REFERENCE_TO_IMAGE,
)
VIDU = (TEXT, IMAGE, FRAMES, REFERENCE, TEMPLATE, PAINTED)


def wrong(futurelabs: Futurelabs, order: Order) -> list[tuple[str, Rule]]:
    return [(problem.field, problem.rule) for problem in futurelabs.problems(futurelabs.fill(order))]


def references(count: int, **changes: Any) -> tuple[Picture, ...]:
    return tuple(picture(Role.REFERENCE, **changes) for _ in range(count))


@pytest.fixture
async def futurelabs(vendor: Vendor, session: aiohttp.ClientSession) -> Futurelabs:
    vendor.answers = [reply(200, sample("futurelabs/submit_text2video.json"))]
    return Futurelabs(replace(ACCOUNT, base_urls=(vendor.url,)), session, lambda: 0.0)


def test_it_does_every_operation_of_its_document_and_cancels_the_vidu_part_alone(futurelabs: Futurelabs) -> None:
    assert set(futurelabs.operations()) == set(Operation)
    assert {operation for operation in Operation if futurelabs.can_cancel(operation)} == set(VIDU)


def test_its_own_addresses_are_the_primary_and_the_alternate() -> None:
    assert BASE_URLS == ("https://api.imagine-future.com", "https://api.futurelabsai.dev")


async def test_text_to_video_sends_what_its_table_lists(futurelabs: Futurelabs, vendor: Vendor) -> None:
    accepted = await futurelabs.submit(submission(futurelabs.fill(order(seed=7))))
    assert (accepted.task_id, accepted.credits) == ("916198978159124480", 80)
    assert vendor.last.path == "/ai/avu/text2video"
    assert vendor.last.headers["authorization"] == f"Token {KEY}"
    assert vendor.last.json == {
        "model": "viduq3-turbo",
        "prompt": "a lighthouse in fog",
        "duration": 5,
        "seed": 7,
        "aspect_ratio": "16:9",
        "resolution": "720p",
        "audio": True,
        "payload": "job-1",
        "callback_url": CALLBACK,
    }


async def test_sound_is_switched_for_q3_only(futurelabs: Futurelabs, vendor: Vendor) -> None:
    await futurelabs.submit(submission(futurelabs.fill(order(model="viduq3-pro", audio=False))))
    assert vendor.last.json["audio"] is False
    await futurelabs.submit(submission(futurelabs.fill(order(model="viduq2"))))
    assert "audio" not in vendor.last.json
    [problem] = futurelabs.problems(futurelabs.fill(order(model="viduq2", audio=True)))
    assert (problem.field, problem.rule) == ("audio", Rule.NOT_OFFERED)


@pytest.mark.parametrize("operation", [IMAGE, FRAMES, REFERENCE])
@pytest.mark.parametrize("model", [None, "viduq3-turbo", "viduq3-pro", "viduq3-unheard-of"])
def test_silence_is_refused_where_a_q3_model_cannot_be_told_to_be_silent(
    futurelabs: Futurelabs, operation: Operation, model: str | None
) -> None:
    [problem] = futurelabs.problems(futurelabs.fill(order(operation, model=model, audio=False)))
    assert (problem.field, problem.rule, problem.given) == ("audio", Rule.NOT_OFFERED, "no")
    assert wrong(futurelabs, order(operation, model=model)) == []
    assert futurelabs.fill(order(operation, model=model)).audio is None


@pytest.mark.parametrize("operation", [IMAGE, FRAMES, REFERENCE])
def test_silence_needs_no_switch_with_models_that_make_no_sound(futurelabs: Futurelabs, operation: Operation) -> None:
    for model in ("viduq2", "viduq1"):
        assert wrong(futurelabs, order(operation, model=model, audio=False)) == []


async def test_image_to_video_gives_the_address_and_neither_payload_nor_an_unasked_shape(
    futurelabs: Futurelabs, vendor: Vendor
) -> None:
    await futurelabs.submit(submission(futurelabs.fill(order(IMAGE))))
    assert vendor.last.path == "/ai/avu/img2video"
    assert vendor.last.json == {
        "model": "viduq3-turbo",
        "images": [HTTPS],
        "prompt": "a lighthouse in fog",
        "duration": 5,
        "resolution": "720p",
        "callback_url": CALLBACK,
    }
    await futurelabs.submit(submission(futurelabs.fill(order(IMAGE, aspect_ratio="9:16"))))
    assert vendor.last.json["aspect_ratio"] == "9:16"


async def test_start_end_gives_the_first_frame_first_and_no_shape(futurelabs: Futurelabs, vendor: Vendor) -> None:
    frames = (picture(Role.LAST_FRAME, url="http://last.example/2"), picture(url="http://first.example/1"))
    await futurelabs.submit(submission(futurelabs.fill(order(FRAMES, prompt="", pictures=frames))))
    assert vendor.last.path == "/ai/avu/start-end2video"
    assert vendor.last.json == {
        "model": "viduq3-turbo",
        "images": ["http://first.example/1", "http://last.example/2"],
        "duration": 5,
        "resolution": "720p",
        "callback_url": CALLBACK,
    }
    [problem] = futurelabs.problems(futurelabs.fill(order(FRAMES, aspect_ratio="16:9")))
    assert (problem.field, problem.rule) == ("aspect_ratio", Rule.NOT_OFFERED)


async def test_references_go_in_the_order_given(futurelabs: Futurelabs, vendor: Vendor) -> None:
    pictures = tuple(picture(Role.REFERENCE, url=f"{HTTPS}?{n}") for n in range(4))
    await futurelabs.submit(submission(futurelabs.fill(order(REFERENCE, pictures=pictures, seed=3))))
    assert vendor.last.path == "/ai/avu/reference2video"
    assert vendor.last.json == {
        "model": "viduq3-turbo",
        "images": [f"{HTTPS}?{n}" for n in range(4)],
        "prompt": "a lighthouse in fog",
        "duration": 5,
        "seed": 3,
        "aspect_ratio": "16:9",
        "resolution": "720p",
        "callback_url": CALLBACK,
    }


async def test_a_template_goes_by_its_id_with_a_model_and_no_length_unasked(
    futurelabs: Futurelabs, vendor: Vendor
) -> None:
    await futurelabs.submit(submission(futurelabs.fill(order(TEMPLATE, prompt=""))))
    assert vendor.last.path == "/ai/avu/template2video"  # Vidu's own is named otherwise
    assert vendor.last.json == {
        "model": "viduq3-turbo",
        "template_id": "storm-at-sea",
        "images": [HTTPS],
        "resolution": "720p",
        "callback_url": CALLBACK,
    }
    await futurelabs.submit(submission(futurelabs.fill(order(TEMPLATE, duration=8))))
    assert (vendor.last.json["duration"], vendor.last.json["prompt"]) == (8, "a lighthouse in fog")
    assert wrong(futurelabs, order(TEMPLATE, extras={})) == [("template_id", Rule.REQUIRED)]
    assert wrong(futurelabs, order(TEMPLATE, seed=1)) == [("seed", Rule.NOT_OFFERED)]


async def test_a_picture_from_references_has_an_address_of_its_own_and_no_size_unasked(
    futurelabs: Futurelabs, vendor: Vendor
) -> None:
    await futurelabs.submit(submission(futurelabs.fill(order(PAINTED, seed=3))))
    assert vendor.last.path == "/ai/avu/ref2image/nano"  # Vidu's own is named otherwise
    assert vendor.last.json == {
        "model": "viduq2",
        "images": [HTTPS],
        "prompt": "a lighthouse in fog",
        "seed": 3,
        "aspect_ratio": "16:9",
        "callback_url": CALLBACK,
    }
    vendor.answers = [reply(200, sample("futurelabs/query_image.json"))]
    status = await futurelabs.query(task("930000000000000041", PAINTED))
    assert vendor.last.target == "/ai/avu/tasks/930000000000000041/creations"
    assert [output.kind for output in status.outputs] == ["image"]
    assert futurelabs.price(futurelabs.fill(order(PAINTED))) == status.credits == 10


@pytest.mark.parametrize(
    ("operation", "least", "most"), [(REFERENCE, 1, 4), (TEMPLATE, 1, 7), (PAINTED, 1, 7), (TEXT, 0, 0)]
)
def test_only_so_many_references_go_with_an_operation(
    futurelabs: Futurelabs, operation: Operation, least: int, most: int
) -> None:
    assert wrong(futurelabs, order(operation, pictures=references(least))) == []
    assert wrong(futurelabs, order(operation, pictures=references(most))) == []
    rule = Rule.TOO_MANY if most else Rule.NOT_OFFERED
    assert wrong(futurelabs, order(operation, pictures=references(most + 1))) == [("reference", rule)]
    if least:
        assert wrong(futurelabs, order(operation, pictures=())) == [("reference", Rule.REQUIRED)]


def test_reference_pictures_have_a_least_size_and_files_of_sound_go_nowhere(futurelabs: Futurelabs) -> None:
    assert wrong(futurelabs, order(REFERENCE, pictures=references(1, width=127, height=127))) == [
        ("reference", Rule.FILE_PIXELS)
    ]
    song = Clip(Role.AUDIO, "audio/mpeg", 1, 20.0, url=HTTPS)
    for operation in VIDU:
        assert wrong(futurelabs, order(operation, clips=(song,))) == [("audio", Rule.NOT_OFFERED)]


LISTED = {
    TEXT: {"style", "movement_amplitude", "bgm", "off_peak"},
    IMAGE: {"movement_amplitude", "off_peak"},
    FRAMES: {"off_peak"},
    REFERENCE: {"off_peak"},
    TEMPLATE: {"template_id"},
    PAINTED: set[str](),
}
VALUES = {"style": "anime", "movement_amplitude": "small", "bgm": True, "off_peak": True}


@pytest.mark.parametrize("operation", VIDU)
async def test_each_operation_offers_and_sends_the_choices_its_table_lists(
    futurelabs: Futurelabs, vendor: Vendor, operation: Operation
) -> None:
    assert {extra.name for extra in futurelabs.extras(operation)} == LISTED[operation]
    base = order(operation, model="viduq1")
    for name, value in VALUES.items():
        chosen = futurelabs.fill(replace(base, extras={**base.extras, name: value}))
        expected = [] if name in LISTED[operation] else [(name, Rule.NOT_OFFERED)]
        assert wrong(futurelabs, chosen) == expected
        await futurelabs.submit(submission(chosen))
        assert vendor.last.json.get(name) == (value if name in LISTED[operation] else None)


@pytest.mark.parametrize(
    ("extras", "takers"),
    [
        ({"style": "general"}, ("viduq1",)),
        ({"movement_amplitude": "large"}, ("viduq1",)),
        ({"movement_amplitude": "auto"}, ("viduq1",)),  # though the examples send it with a q3 model
        ({"bgm": True}, ("viduq2", "viduq1")),
    ],
)
def test_a_choice_without_effect_on_a_model_is_refused(
    futurelabs: Futurelabs, extras: dict[str, Any], takers: tuple[str, ...]
) -> None:
    [name] = extras
    [offered] = [extra for extra in futurelabs.extras(TEXT) if extra.name == name]
    assert offered.models == takers
    for model in futurelabs.models(TEXT):
        expected = [] if model.name in takers else [(name, Rule.NOT_OFFERED)]
        assert wrong(futurelabs, order(model=model.name, extras=extras)) == expected


def test_music_has_no_effect_on_q2_at_nine_and_ten_seconds(futurelabs: Futurelabs) -> None:
    for duration, expected in ((8, []), (9, [("bgm", Rule.NOT_TOGETHER)]), (10, [("bgm", Rule.NOT_TOGETHER)])):
        assert wrong(futurelabs, order(model="viduq2", duration=duration, extras={"bgm": True})) == expected
        assert wrong(futurelabs, order(model="viduq2", duration=duration, extras={"bgm": False})) == []


def test_the_prompt_is_needed_but_between_two_frames_and_for_a_template_and_ends_at_5000_characters(
    futurelabs: Futurelabs,
) -> None:
    needed = [operation for operation in VIDU if wrong(futurelabs, order(operation, prompt=""))]
    assert needed == [TEXT, IMAGE, REFERENCE, PAINTED]
    for operation in VIDU:
        assert futurelabs.problems(futurelabs.fill(order(operation, prompt="é" * 5000))) == []
        [problem] = futurelabs.problems(futurelabs.fill(order(operation, prompt="é" * 5001)))
        assert (problem.rule, problem.given, problem.limit) == (Rule.TOO_LONG, "5001", 5000)


@pytest.mark.parametrize(
    ("model", "shortest", "longest", "resolutions", "default"),
    [
        ("viduq3-turbo", 1, 16, ("540p", "720p", "1080p"), "720p"),
        ("viduq3-pro", 1, 16, ("540p", "720p", "1080p"), "720p"),
        ("viduq2", 1, 10, ("540p", "720p", "1080p"), "720p"),
        ("viduq1", 5, 5, ("1080p",), "1080p"),
    ],
)
@pytest.mark.parametrize("operation", [TEXT, IMAGE, FRAMES, REFERENCE])
def test_durations_and_resolutions_are_the_documented_ones(
    futurelabs: Futurelabs,
    operation: Operation,
    model: str,
    shortest: int,
    longest: int,
    resolutions: tuple[str, ...],
    default: str,
) -> None:
    [row] = [row for row in futurelabs.models(operation) if row.name == model]
    assert row.durations == tuple(range(shortest, longest + 1))
    assert row.default_duration == 5
    assert (row.resolutions, row.default_resolution) == (resolutions, default)
    for duration in (shortest - 1, longest + 1):
        [problem] = futurelabs.problems(futurelabs.fill(order(operation, model=model, duration=duration)))
        assert problem.nearest == str(min(max(duration, shortest), longest))


def test_the_nearest_choice_is_offered(futurelabs: Futurelabs) -> None:
    [problem] = futurelabs.problems(futurelabs.fill(order(resolution="4000p")))
    assert (problem.field, problem.nearest) == ("resolution", "1080p")
    [problem] = futurelabs.problems(futurelabs.fill(order(resolution="HD")))
    assert (problem.rule, problem.nearest) == (Rule.ONE_OF, None)
    [problem] = futurelabs.problems(futurelabs.fill(order(model="viduq1", aspect_ratio="3:4")))
    assert (problem.allowed, problem.nearest) == (("16:9", "9:16", "1:1"), "9:16")


@pytest.mark.parametrize("seed", [-1, 2**31])
def test_a_seed_outside_31_bits_is_named(futurelabs: Futurelabs, seed: int) -> None:
    [problem] = futurelabs.problems(futurelabs.fill(order(seed=seed)))
    assert (problem.field, problem.nearest) == ("seed", str(min(max(seed, 0), 2**31 - 1)))
    assert futurelabs.problems(futurelabs.fill(order(seed=min(max(seed, 0), 2**31 - 1)))) == []


async def test_both_recorded_submissions_are_read(futurelabs: Futurelabs, vendor: Vendor) -> None:
    vendor.answers = [reply(200, sample("futurelabs/submit_img2video.json"))]
    assert (await futurelabs.submit(submission(futurelabs.fill(order(IMAGE))))).task_id == "916201234567890123"
