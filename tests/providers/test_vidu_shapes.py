from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import vidu_choices, vidu_shapes
from providers.contract import NotUnderstood, Progress
from providers.orders import Extra, Kind, Model, Operation, Order, Problem, Role, Rule
from providers.reading import read_object
from tests.providers.lab import sample
from tests.providers.orders import order, picture, submission

TEXT, IMAGE, FRAMES = Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO, Operation.START_END_TO_VIDEO
REFERENCES, PAINTED = Operation.REFERENCE_TO_VIDEO, Operation.REFERENCE_TO_IMAGE
SECONDS = tuple(range(1, 17))
MODELS = tuple(
    Model(name, SECONDS, 5, ("540p", "720p", "1080p"), "720p", audio=True)
    for name in ("viduq3-turbo", "viduq3-pro", "viduq3-mix", "viduq2", "viduq1", "vidu2.0")
)
NAMES = tuple(name for name in vidu_choices.EXTRAS if name != "template_id")

# Futurelabs, "Pricing", 2026-05-08: model, resolution, seconds, credits; then what the row holds for.
PRICES = {
    ("viduq3-pro", "540p", 5): 20,
    ("viduq3-pro", "720p", 5): 40,
    ("viduq3-pro", "1080p", 5): 80,
    ("viduq3-pro", "720p", 8): 64,
    ("viduq3-pro", "1080p", 8): 128,
    ("viduq3-pro", "720p", 16): 128,
    ("viduq3-pro", "1080p", 16): 256,
    ("viduq3-turbo", "720p", 5): 20,
    ("viduq3-turbo", "1080p", 5): 40,
    ("viduq3-turbo", "720p", 8): 32,
    ("viduq3-turbo", "1080p", 8): 64,
    ("viduq2", "540p", 5): 10,
    ("viduq2", "720p", 5): 20,
    ("viduq2", "1080p", 5): 40,
    ("viduq2", "720p", 8): 32,
    ("viduq2", "1080p", 8): 64,
    ("viduq2", "720p", 10): 40,
    ("viduq2", "1080p", 10): 80,
    ("viduq1", "1080p", 5): 40,
}


def asked(operation: Operation = IMAGE, model: str = "viduq2", **extras: Any) -> Order:
    return Order(operation, model, "", 5, "720p", audio=False, extras=extras)


def said(order: Order, **options: Any) -> list[tuple[str, Rule, str]]:
    problems = vidu_choices.extra_problems(order, NAMES, MODELS, **options)
    return [(problem.field, problem.rule, problem.given) for problem in problems]


@pytest.mark.parametrize(("row", "credits"), PRICES.items())
def test_every_published_row_is_met_for_all_it_holds_for(row: tuple[str, str, int], credits: int) -> None:
    model, resolution, seconds = row
    priced = (TEXT, IMAGE, FRAMES, REFERENCES) if "q3" in model else (TEXT, IMAGE)
    for operation in Operation:
        estimate = vidu_choices.price(Order(operation, model, "", seconds, resolution), MODELS)
        expected = credits if operation in priced else 10 if operation is PAINTED else None
        assert estimate == expected


def test_between_the_rows_a_second_costs_the_same() -> None:
    per_second = [vidu_choices.price(Order(TEXT, "viduq3-pro", "", s, "1080p"), MODELS) for s in SECONDS]
    assert per_second == [16 * seconds for seconds in SECONDS]


@pytest.mark.parametrize(
    ("model", "resolution", "seconds"),
    [
        ("viduq3-turbo", "540p", 5),
        ("viduq3-mix", "720p", 5),
        ("vidu2.0", "720p", 5),
        ("viduq3-pro", "720p", 17),
        ("viduq3-pro", None, 5),
        ("viduq3-pro", "720p", None),
        ("viduq9", "720p", 5),
    ],
)
def test_what_is_not_published_has_no_price(model: str, resolution: str | None, seconds: int | None) -> None:
    assert vidu_choices.price(Order(TEXT, model, "", seconds, resolution), MODELS) is None


def test_off_peak_is_half_rounded_up_and_a_recommended_prompt_ten_more() -> None:
    def estimate(**extras: Any) -> int | None:
        return vidu_choices.price(Order(IMAGE, "viduq2", "", 5, "540p", extras=extras), MODELS)

    assert estimate() == 10
    assert estimate(off_peak=True) == 5
    assert estimate(off_peak=False, is_rec=False) == 10
    assert estimate(is_rec=True) == 20
    assert estimate(is_rec=True, off_peak=True) == 15
    odd = (Model("odd", (1,), 1, ("720p",), "720p"),)
    assert vidu_choices.price(Order(IMAGE, "odd", "", 1, "720p", extras={"off_peak": True}), odd) is None


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("viduq3-turbo", "q3"),
        ("viduq3", "q3"),
        ("viduq2-pro-fast", "q2"),
        ("viduq1-classic", "q1"),
        ("vidu2.0", "2.0"),
        ("sora", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_a_name_tells_the_generation(name: str | None, family: str) -> None:
    assert vidu_choices.family(name) == family


@pytest.mark.parametrize(
    ("name", "value", "takers"),
    [
        ("style", "anime", {"viduq1"}),
        ("movement_amplitude", "large", {"viduq1", "vidu2.0"}),
        ("bgm", True, {"viduq2", "viduq1", "vidu2.0"}),
        ("audio_type", "all", {"viduq2", "viduq1", "vidu2.0"}),
        ("voice_id", "v", {"viduq2", "viduq1", "vidu2.0"}),
        ("off_peak", True, {"viduq3-turbo", "viduq3-pro", "viduq2", "viduq1", "vidu2.0"}),
        ("is_rec", True, {model.name for model in MODELS}),
        ("watermark", True, {model.name for model in MODELS}),
    ],
)
def test_a_choice_a_model_ignores_is_refused_with_the_models_that_take_it(
    name: str, value: Any, takers: set[str]
) -> None:
    sounding = name in ("audio_type", "voice_id")
    for model in MODELS:
        chosen = Order(IMAGE, model.name, "", 5, "720p", audio=sounding, extras={name: value})
        problems = vidu_choices.extra_problems(chosen, NAMES, MODELS)
        if model.name in takers:
            assert problems == []
        else:
            allowed = tuple(each.name for each in MODELS if each.name in takers)
            assert problems == [Problem(name, Rule.NOT_OFFERED, given=model.name, allowed=allowed)]
    [extra] = vidu_choices.extras((name,), MODELS)
    assert set(extra.models or [model.name for model in MODELS]) == takers
    assert said(Order(IMAGE, "viduq9", "", 5, audio=sounding, extras={name: value})) == []


def test_switching_off_what_a_model_cannot_do_is_no_mistake() -> None:
    assert said(asked(model="viduq3-pro", bgm=False)) == []
    assert said(asked(model="viduq3-mix", off_peak=False)) == []


def test_a_choice_that_no_listed_model_takes_is_offered_for_those_nobody_has_told_us_of() -> None:
    for models in (MODELS[:2], ()):
        assert vidu_choices.extras(("bgm", "off_peak"), models) == (
            Extra("bgm", Kind.FLAG),
            Extra("off_peak", Kind.FLAG),
        )
    assert said(Order(IMAGE, "viduq3-turbo", "", 5, extras={"bgm": True})) != []


@pytest.mark.parametrize(
    ("extras", "problem"),
    [
        ({"movement_amplitude": "standard"}, ("movement_amplitude", Rule.ONE_OF, "standard")),  # a reseller's example
        ({"style": "General"}, ("style", Rule.ONE_OF, "General")),
        ({"wm_position": "unspecified", "watermark": True}, ("wm_position", Rule.ONE_OF, "unspecified")),
        ({"bgm": "true"}, ("bgm", Rule.ONE_OF, "true")),  # resellers' tables say string and send booleans
        ({"voice_id": "x" * 201}, ("voice_id", Rule.TOO_LONG, "201")),
        ({"cfg_scale": 0.5}, ("cfg_scale", Rule.NOT_OFFERED, "image_to_video")),
        ({"meta_data": "Label"}, ("meta_data", Rule.NOT_READ, "Label")),
        ({"meta_data": "[1]"}, ("meta_data", Rule.NOT_READ, "[1]")),
        ({"meta_data": '{"a": NaN}'}, ("meta_data", Rule.NOT_READ, '{"a": NaN}')),
        ({"meta_data": "\ud800"}, ("meta_data", Rule.NOT_READ, "\ud800")),
        ({"wm_position": "top_left"}, ("wm_position", Rule.NOT_TOGETHER, "watermark: no")),
        ({"wm_position": "top_left", "watermark": False}, ("wm_position", Rule.NOT_TOGETHER, "watermark: no")),
    ],
)
def test_a_malformed_choice_is_named_also_for_a_model_nobody_knows(
    extras: dict[str, Any], problem: tuple[str, Rule, str]
) -> None:
    chosen = Order(IMAGE, "viduq9", "", 5, audio=True, extras=extras)
    assert said(chosen) == [problem]


def test_the_sound_effects_are_spelled_with_underscores() -> None:
    sounding = Order(IMAGE, "viduq2", "", 5, audio=True, extras={"audio_type": "sound_effect_only"})
    assert said(sounding) == []
    dashed = Order(IMAGE, "viduq2", "", 5, audio=True, extras={"audio_type": "sound-effect_only"})
    assert said(dashed) == [("audio_type", Rule.ONE_OF, "sound-effect_only")]


def test_a_voice_or_a_kind_of_sound_needs_sound() -> None:
    for name, chosen in (("audio_type", asked(audio_type="all")), ("voice_id", asked(voice_id="v"))):
        assert said(chosen) == [(name, Rule.NOT_TOGETHER, "audio: no")]


@pytest.mark.parametrize(
    ("model", "fits"), [("viduq3-pro", True), ("viduq2", False), ("viduq1", False), ("vidu9", True)]
)
def test_off_peak_goes_with_sound_at_q3_only(model: str, fits: bool) -> None:
    chosen = Order(IMAGE, model, "", 5, audio=True, extras={"off_peak": True})
    assert said(chosen) == ([] if fits else [("off_peak", Rule.NOT_TOGETHER, "audio")])
    assert said(asked(model=model, off_peak=True)) == []


@pytest.mark.parametrize(("seconds", "fits"), [(8, True), (9, False), (10, False), (11, True)])
def test_a_q2_video_of_9_or_10_seconds_has_no_music(seconds: int, fits: bool) -> None:
    chosen = Order(IMAGE, "viduq2", "", seconds, audio=False, extras={"bgm": True})
    assert said(chosen) == ([] if fits else [("bgm", Rule.NOT_TOGETHER, f"duration: {seconds}")])
    assert said(Order(IMAGE, "viduq1", "", seconds, extras={"bgm": True})) == []


def test_a_recommended_prompt_takes_the_place_of_a_written_one() -> None:
    both = Order(IMAGE, "viduq2", "fog", 5, extras={"is_rec": True})
    assert said(both) == [("prompt", Rule.NOT_TOGETHER, "is_rec")]
    assert said(both, prompt_required=True) == []
    assert said(asked(is_rec=True)) == []


@given(
    extras=st.dictionaries(
        st.sampled_from([*vidu_choices.EXTRAS, "cfg_scale"]),
        st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.sampled_from(["top_left", "all", "{}"]),
    ),
    model=st.sampled_from([*(model.name for model in MODELS), "viduq9", ""]) | st.none(),
    operation=st.sampled_from(Operation),
    audio=st.booleans() | st.none(),
)
def test_any_choices_are_checked_priced_and_written_without_an_exception(
    extras: dict[str, Any], model: str | None, operation: Operation, audio: bool | None
) -> None:
    chosen = Order(operation, model, "", 5, "720p", audio=audio, extras=extras)
    for problem in vidu_choices.extra_problems(chosen, tuple(vidu_choices.EXTRAS), MODELS):
        assert problem.nearest is None or problem.nearest != problem.given
    vidu_choices.price(chosen, MODELS)
    assert set(body(chosen, *vidu_choices.EXTRAS)) <= set(vidu_choices.EXTRAS)


def test_a_choice_of_another_operation_is_refused_once() -> None:
    chosen = asked(wm_position="top_left", is_rec=True, meta_data="no", voice_id="v")
    problems = vidu_choices.extra_problems(chosen, ("bgm",), MODELS)
    assert [(problem.field, problem.rule) for problem in problems] == [
        (name, Rule.NOT_OFFERED) for name in ("wm_position", "is_rec", "meta_data", "voice_id")
    ]


def body(order: Order, *fields: str) -> dict[str, Any]:
    return vidu_shapes.request_body(submission(order), vidu_shapes.PICTURES, fields)


def test_choices_go_as_booleans_and_whole_numbers() -> None:
    for number, place in enumerate(vidu_choices.WM_POSITIONS, 1):
        sent = body(order(seed=12345, extras={"wm_position": place, "bgm": False}), "seed", "wm_position", "bgm")
        assert sent == {"seed": 12345, "wm_position": number, "bgm": False}
        assert [type(value) for value in sent.values()] == [int, int, bool]


def test_only_documented_fields_go_under_the_vendors_names() -> None:
    chosen = order(extras={"style": "anime", "template_id": "t", "unheard": "x"})
    assert body(chosen, "style", "unheard") == {"style": "anime"}
    sent = vidu_shapes.request_body(
        submission(chosen), vidu_shapes.PICTURES, ("template_id",), {"template_id": "template"}
    )
    assert sent == {"template": "t"}


def test_references_keep_their_order_and_a_watermark_is_an_address_beside_them() -> None:
    shown = tuple(picture(Role.REFERENCE, url=f"https://x.example/{number}") for number in (3, 1, 2))
    chosen = Order(REFERENCES, pictures=(picture(Role.WATERMARK, url="https://x.example/mark"), *shown))
    assert body(chosen, "wm_url") == {
        "images": ["https://x.example/3", "https://x.example/1", "https://x.example/2"],
        "wm_url": "https://x.example/mark",
    }
    assert "wm_url" not in body(chosen)


def pictured(operation: Operation, *pictures: Any, watermark: bool = True) -> list[tuple[str, Rule]]:
    chosen = Order(operation, pictures=pictures)
    problems = vidu_shapes.picture_problems(chosen, vidu_shapes.REFERENCES, watermark=watermark)
    return [(problem.field, problem.rule) for problem in problems]


def test_one_to_seven_references_of_128_pixels_are_taken() -> None:
    one = picture(Role.REFERENCE, width=128, height=128)
    for operation in (REFERENCES, PAINTED, Operation.TEMPLATE_TO_VIDEO):
        assert pictured(operation, one) == pictured(operation, *[one] * 7) == []
        assert pictured(operation) == [("reference", Rule.REQUIRED)]
        assert pictured(operation, *[one] * 8) == [("reference", Rule.TOO_MANY)]
        assert pictured(operation, picture()) == [("reference", Rule.REQUIRED), ("first_frame", Rule.NOT_OFFERED)]
        assert pictured(operation, picture(Role.REFERENCE, width=127)) == [("reference", Rule.FILE_PIXELS)]


def test_a_watermark_is_one_small_picture_given_as_an_address() -> None:
    mark = picture(Role.WATERMARK, width=900, height=20)
    assert pictured(IMAGE, picture(), mark) == []
    assert pictured(IMAGE, picture(), mark, mark) == [("watermark", Rule.TOO_MANY)]
    assert pictured(IMAGE, picture(), picture(Role.WATERMARK, url=None)) == [("watermark", Rule.NEEDS_PUBLIC_URL)]
    assert pictured(IMAGE, picture(), mark, watermark=False)[0] == ("watermark", Rule.NOT_OFFERED)
    large = picture(url=None, data=bytes(14_850_000))  # a watermark takes nothing of the room of the others
    assert pictured(IMAGE, large, mark) == []
    unmarked = Order(IMAGE, "viduq1", pictures=(picture(), mark))
    assert said(unmarked) == [("watermark", Rule.NOT_TOGETHER, "watermark: no")]


def test_strokes_are_not_for_this_shape() -> None:
    chosen = Order(IMAGE, pictures=(picture(),), strokes=(((0, 0), (1, 1)),))
    [problem] = vidu_shapes.picture_problems(chosen, vidu_shapes.PICTURES)
    assert (problem.field, problem.rule) == ("strokes", Rule.NOT_OFFERED)


def test_results_of_an_operation_on_images_are_images() -> None:
    answer = sample("vidu/query_image.json")
    for status in (vidu_shapes.status(answer), vidu_shapes.status(answer | {"type": None}, "", PAINTED)):
        assert [(output.kind, output.url) for output in status.outputs] == [("image", "https://files.example/904.png")]
    for kind in ("ref2image/nano", "text2image"):
        assert vidu_shapes.status(answer | {"type": kind}).outputs[0].kind == "image"
    for kind in ("img2video", "", None, 5):
        assert vidu_shapes.status(answer | {"type": kind}).outputs[0].kind == "video"
    assert vidu_shapes.answered(answer, "", IMAGE).outputs[0].kind == "video"


def test_where_a_watermark_was_asked_for_the_marked_copy_is_the_result() -> None:
    marked = vidu_shapes.status(sample("vidu/query_watermarked.json"))
    assert [output.url for output in marked.outputs] == ["https://files.example/905-marked.mp4"]
    plain = vidu_shapes.status(sample("vidu/query_success_full.json"))
    assert [output.url for output in plain.outputs] == ["https://files.example/902.mp4"]


@pytest.mark.parametrize("digits", ["", ".5", ".504", ".504648", ".504648743"])
def test_a_time_has_any_number_of_digits(digits: str) -> None:
    status = vidu_shapes.status({"id": "1", "state": "created", "created_at": f"2026-01-20T04:01:53{digits}Z"})
    assert status.created_at == pytest.approx(1_768_881_713 + float(f"0{digits}"), abs=1e-5)


@pytest.mark.parametrize(
    ("given", "credits"), [("15", 15), (15, 15), (15.0, 15), ("", None), (None, None), ("x", None)]
)
def test_credits_come_as_a_number_or_as_digits(given: object, credits: int | None) -> None:
    assert vidu_shapes.status({"id": "1", "state": "success", "credits": given}).credits == credits
    assert vidu_shapes.accepted({"task_id": "1", "credits": given}).credits == credits


@pytest.mark.parametrize("word", ["succeed", "succeeded", "completed", "finished", "cancelled", "expired"])
def test_another_vendors_last_word_means_running_here(word: str) -> None:
    assert vidu_shapes.status({"id": "1", "state": word}).progress is Progress.RUNNING
    own = {**vidu_shapes.WORDS, word: Progress.FAILED}
    assert vidu_shapes.status({"id": "1", "state": word}, words=own).progress is Progress.FAILED


def test_the_documents_own_samples_with_their_comments_are_no_json() -> None:
    for text in (b'{"id": "1", "state": "success", // done\n "credits": 1}', b'{"id": "1", "state": "success",}'):
        with pytest.raises(NotUnderstood):
            vidu_shapes.status(read_object(text))
