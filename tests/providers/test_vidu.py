import base64
import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import aiohttp
import pytest

from providers import vidu_shapes
from providers.contract import (
    Callback,
    ErrorKind,
    NotAuthentic,
    Progress,
    ProviderError,
    Reason,
    Status,
)
from providers.orders import Clip, Operation, Order, Picture, Problem, Role, Rule
from providers.vidu import Vidu
from tests.providers.lab import Vendor, raw, reply, sample
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


async def test_the_answer_counts_for_more_than_the_list(vidu: Vidu, vendor: Vendor) -> None:
    filled = vidu.fill(order(model="viduq3-pro"))
    assert vidu.price(filled) == 40
    vendor.answers = [reply(200, sample("vidu/submit.json") | {"credits": 80})]
    assert (await vidu.submit(submission(filled))).credits == 80


def test_the_same_rates_as_the_best_known_price_list(vidu: Vidu) -> None:
    assert vidu.price(vidu.fill(order(model="viduq3-pro", resolution="1080p", duration=16))) == 256
    assert vidu.price(vidu.fill(order(IMAGE, model="viduq1"))) == 40
    assert vidu.price(vidu.fill(order(FRAMES, model="viduq1"))) is None
    assert vidu.price(vidu.fill(order(IMAGE, model="viduq2-pro"))) is None


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


async def test_an_answer_need_not_repeat_the_id(vidu: Vidu, vendor: Vendor) -> None:
    vendor.answers = [reply(200, sample("vidu/query_success.json"))]
    status = await vidu.query(task("801"))
    assert vendor.last.target == "/ent/v2/tasks/801/creations"
    assert (status.task_id, status.credits, status.echo) == ("801", 4, None)


def test_the_full_answer_is_read_with_credits_as_digits_and_our_reference(vidu: Vidu) -> None:
    status = vidu.read_callback(raw("vidu/query_success_full.json"))
    assert (status.task_id, status.credits, status.echo) == ("801234567890123456", 20, "job-1")
    assert [output.url for output in status.outputs] == ["https://files.example/902.mp4"]


def test_a_failed_task_tells_why(vidu: Vidu) -> None:
    status = vidu.read_callback(raw("vidu/query_failed.json"))
    assert (status.progress, status.reason, status.detail) == (
        Progress.FAILED,
        Reason.CONTENT,
        "CreationPolicyViolation",
    )
    assert status.outputs == ()


def test_a_task_cancelled_by_us_reads_as_cancelled_not_as_failed(vidu: Vidu) -> None:
    status = vidu.read_callback(raw("vidu/query_cancelled.json"))
    assert (status.progress, status.reason, status.credits) == (Progress.CANCELLED, None, 0)


def read(**fields: Any) -> Status:
    return vidu_shapes.status({"id": "1", "state": "success", **fields})


@pytest.mark.parametrize(
    ("word", "progress"),
    [
        ("created", Progress.WAITING),
        ("queueing", Progress.WAITING),
        ("processing", Progress.RUNNING),
        ("failed", Progress.FAILED),
        ("something-new", Progress.RUNNING),
    ],
)
def test_each_word_means_one_thing(word: str, progress: Progress) -> None:
    assert read(state=word).progress is progress
    assert vidu_shapes.status({"task_id": "1", "status": word}).progress is progress


@pytest.mark.parametrize(
    ("creations", "reason"),
    [
        (None, Reason.VENDOR),
        ([], Reason.VENDOR),
        ({}, Reason.VENDOR),
        ([{"id": "1", "url": ""}], Reason.CONTENT),
        ([{"id": "1"}], Reason.CONTENT),
        ([{"id": "1", "url": None, "moderation_url": ["https://x.example/m"]}], Reason.CONTENT),
        ([{"id": "1", "url": "javascript:alert(1)"}], Reason.CONTENT),
    ],
)
def test_success_without_a_usable_address_is_a_failure(creations: object, reason: Reason) -> None:
    status = read(creations=creations)
    assert (status.progress, status.reason, status.outputs) == (Progress.FAILED, reason, ())
    assert status.detail.startswith("success without a result")


def test_of_several_results_the_usable_ones_are_taken() -> None:
    status = read(creations=[{"url": ""}, {"url": "https://x.example/1"}, 7, {"url": "https://x.example/2"}])
    assert [output.url for output in status.outputs] == ["https://x.example/1", "https://x.example/2"]


def test_an_unknown_err_code_is_the_vendors_fault() -> None:
    status = read(state="failed", err_code="Whatever", err_msg="so sorry")
    assert (status.reason, status.detail) == (Reason.VENDOR, "Whatever so sorry")


@pytest.mark.parametrize(
    ("http", "name", "kind", "reason"),
    [
        (400, "BadRequest", ErrorKind.REJECTED, Reason.BAD_ORDER),
        (400, "FieldInvalid", ErrorKind.REJECTED, Reason.BAD_ORDER),
        (400, "CreditInsufficient", ErrorKind.REJECTED, Reason.CREDIT),
        (400, "TaskPromptPolicyViolation", ErrorKind.REJECTED, Reason.CONTENT),
        (400, "AuditSubmitIllegal", ErrorKind.REJECTED, Reason.CONTENT),
        (400, "ImageDownloadFailure", ErrorKind.REJECTED, Reason.PICTURE),
        (400, "PageSizeOutOfRange", ErrorKind.REJECTED, Reason.PICTURE),
        (400, "OperationInProcess", ErrorKind.THROTTLED, Reason.BUSY),
        (400, "SomethingNew", ErrorKind.REJECTED, Reason.BAD_ORDER),
        (401, "Unauthorized", ErrorKind.REJECTED, Reason.ACCESS),
        (403, "Forbidden", ErrorKind.REJECTED, Reason.ACCESS),
        (404, "TaskNotFound", ErrorKind.REJECTED, Reason.NOT_FOUND),
        (404, "", ErrorKind.REJECTED, Reason.ACCESS),
        (409, "Conflict", ErrorKind.REJECTED, Reason.BAD_ORDER),
        (429, "QuotaExceeded", ErrorKind.THROTTLED, Reason.BUSY),
        (429, "TooManyRequests", ErrorKind.THROTTLED, Reason.BUSY),
        (429, "SystemThrottling", ErrorKind.THROTTLED, Reason.BUSY),
        (429, "", ErrorKind.THROTTLED, Reason.BUSY),
        (429, "CreditInsufficient", ErrorKind.REJECTED, Reason.CREDIT),
        (499, "Canceled", ErrorKind.UNKNOWN, Reason.VENDOR),
        (500, "InternalServiceFailure", ErrorKind.UNKNOWN, Reason.VENDOR),
        (500, "QuotaExceeded", ErrorKind.UNKNOWN, Reason.BUSY),
    ],
)
def test_a_refusal_is_read_by_its_name(http: int, name: str, kind: ErrorKind, reason: Reason) -> None:
    assert vidu_shapes.explain(http, {"code": http, "reason": name, "message": "m"})[:2] == (kind, reason)
    assert vidu_shapes.explain(http, {"err_code": name})[:2] == (kind, reason)


async def test_an_empty_account_is_for_the_admin(vidu: Vidu, vendor: Vendor) -> None:
    vendor.answers = [reply(400, sample("vidu/refused_credit.json"))]
    with pytest.raises(ProviderError) as caught:
        await vidu.submit(submission(vidu.fill(order())))
    assert (caught.value.kind, caught.value.reason) == (ErrorKind.REJECTED, Reason.CREDIT)
    assert "0af7651916cd43dd8448eb211c80319c" in caught.value.detail


async def test_cancelling_repeats_the_id_and_takes_an_empty_answer(vidu: Vidu, vendor: Vendor) -> None:
    for body in (b"{}", b"null", b""):
        vendor.answers = [reply(200, body)]
        await vidu.cancel(task("801"))
    assert (vendor.last.target, vendor.last.json) == ("/ent/v2/tasks/801/cancel", {"id": "801"})


async def test_cancelling_too_late_is_a_refusal(vidu: Vidu, vendor: Vendor) -> None:
    vendor.answers = [reply(400, sample("vidu/cancel_too_late.json"))]
    with pytest.raises(ProviderError) as caught:
        await vidu.cancel(task("801"))
    assert caught.value.kind is ErrorKind.REJECTED


def test_an_unsigned_callback_is_not_authentic(vidu: Vidu) -> None:
    with pytest.raises(NotAuthentic):
        vidu.verify(Callback("/cb", [], raw("vidu/query_success_full.json")), 0.0)


def test_a_callback_may_say_status_and_task_id(vidu: Vidu) -> None:
    status = vidu.read_callback(json.dumps({"task_id": 7, "status": "processing"}).encode())
    assert (status.task_id, status.progress) == ("7", Progress.RUNNING)
    status = vidu.read_callback(raw("vidu/callback_processing.json"))
    assert (status.task_id, status.progress, status.credits) == ("801234567890123456", Progress.RUNNING, 15)


def test_the_frame_rule_is_exact() -> None:
    low, high = vidu_shapes.CLOSE_ENOUGH
    assert (low, high) == (Fraction("0.8"), Fraction("1.25"))
