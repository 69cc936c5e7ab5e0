"""Kling's capability map and its rules, without a socket."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import kling_models, kling_rules
from providers.orders import Operation, Order, Problem, Role, Rule
from tests.providers.orders import order, picture

TEXT, IMAGE, FRAMES = Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO, Operation.START_END_TO_VIDEO
LINE = ((0, 0), (100, 100))
PATCH = picture(Role.DYNAMIC_MASK)
STILL = picture(Role.STATIC_MASK)
SIMPLE = {"camera_type": "simple", "camera_axis": "zoom", "camera_amount": 3}


def checked(order: Order) -> list[Problem]:
    return kling_rules.problems(kling_models.fill(order))


def said(order: Order) -> list[tuple[str, Rule, str]]:
    return [(problem.field, problem.rule, problem.given) for problem in checked(order)]


def brushed(*masks: Any, model: str | None = None, strokes: Any = (LINE,), **changes: Any) -> Order:
    return order(IMAGE, model=model, pictures=(picture(), *(masks or (PATCH,))), strokes=strokes, **changes)


def both(*durations: int) -> dict[str, tuple[int, ...]]:
    return {"720p": durations, "1080p": durations}


# The capability map: operation and model -> durations by resolution ("" where there is no mode).
CAPABILITIES = {
    TEXT: {
        "kling-v1": both(5, 10),
        "kling-v1-6": both(5, 10),
        "kling-v2-master": {"": (5, 10)},
        "kling-v2-1-master": {"": (5, 10)},
        "kling-v2-5-turbo": both(5, 10),
        "kling-v2-6": both(5, 10),
    },
    IMAGE: {
        "kling-v1": both(5, 10),
        "kling-v1-5": both(5, 10),
        "kling-v1-6": both(5, 10),
        "kling-v2-master": {"": (5, 10)},
        "kling-v2-1": both(5, 10),
        "kling-v2-1-master": {"": (5, 10)},
        "kling-v2-5-turbo": both(5, 10),
        "kling-v2-6": both(5, 10),
    },
    FRAMES: {
        "kling-v1": both(5),
        "kling-v1-5": {"1080p": (5, 10)},
        "kling-v1-6": {"1080p": (5, 10)},
        "kling-v2-1": {"1080p": (5, 10)},
        "kling-v2-5-turbo": {"1080p": (5, 10)},
        "kling-v2-6": {"1080p": (5, 10)},
    },
}


@pytest.mark.parametrize("operation", [TEXT, IMAGE, FRAMES])
def test_the_table_is_the_capability_map(operation: Operation) -> None:
    table = {
        model.name: dict.fromkeys(model.resolutions or ("",), model.durations)
        for model in kling_models.MODELS[operation]
    }
    assert table == CAPABILITIES[operation]


def test_a_mode_or_a_duration_outside_the_map_is_named() -> None:
    [problem] = checked(order(FRAMES, model="kling-v2-1", resolution="720p"))
    assert (problem.field, problem.allowed, problem.nearest) == ("resolution", ("1080p",), "1080p")
    [problem] = checked(order(FRAMES, model="kling-v1", duration=10))
    assert (problem.field, problem.allowed) == ("duration", ("5",))
    [problem] = checked(order(duration=8))
    assert problem.nearest == "10"


# What few models can do beside the plain video, by operation and model: durations by resolution.
BRUSH = {"kling-v1": both(5), "kling-v1-5": {"1080p": (5,)}}
CAMERA = {TEXT: {"kling-v1": {"720p": (5,)}}, IMAGE: {"kling-v1-5": {"1080p": (5,)}}}
TAIL_ALONE = {"kling-v1-5": {"1080p": (5, 10)}, "kling-v1-6": {"1080p": (5, 10)}}


def possible(asked: Order) -> dict[str, dict[str, tuple[int, ...]]]:
    """Try every model, mode and duration."""
    found: dict[str, dict[str, tuple[int, ...]]] = {}
    for model in CAPABILITIES[asked.operation]:
        for resolution in ("720p", "1080p"):
            fits = tuple(
                seconds
                for seconds in (5, 10)
                if not kling_rules.problems(
                    kling_models.fill(replace(asked, model=model, resolution=resolution, duration=seconds))
                )
            )
            if fits:
                found.setdefault(model, {})[resolution] = fits
    return found


def test_the_motion_brush_is_what_the_capability_map_says() -> None:
    assert possible(brushed(PATCH)) == possible(brushed(STILL, strokes=())) == BRUSH


def test_the_camera_is_what_the_capability_map_says() -> None:
    for operation, ways in CAMERA.items():
        assert possible(order(operation, extras=SIMPLE)) == ways
    assert possible(order(extras={"camera_type": "forward_up"})) == CAMERA[TEXT]
    assert possible(order(IMAGE, extras={"camera_type": "forward_up"})) == {}


def test_a_last_frame_alone_is_what_the_capability_map_says() -> None:
    assert possible(order(FRAMES, pictures=order(FRAMES).pictures[1:])) == TAIL_ALONE


def test_a_model_that_can_do_it_is_chosen_where_none_was_named() -> None:
    for asked, model, resolution in (
        (brushed(), "kling-v1-5", "1080p"),
        (order(IMAGE, extras=SIMPLE), "kling-v1-5", "1080p"),
        (order(TEXT, extras=SIMPLE), "kling-v1", "720p"),
        (order(TEXT, extras={"cfg_scale": 0.5}), "kling-v1-6", "720p"),
        (order(FRAMES, extras={"cfg_scale": 0.5}), "kling-v1-6", "1080p"),
        (order(IMAGE), "kling-v2-6", "720p"),
        (order(IMAGE, extras={"negative_prompt": "rain"}), "kling-v2-6", "720p"),
    ):
        filled = kling_models.fill(asked)
        assert (filled.model, filled.resolution, filled.duration) == (model, resolution, 5)
        assert kling_rules.problems(filled) == []
        assert kling_models.fill(filled) == filled


def test_the_nearest_way_a_model_can_do_it_is_named() -> None:
    [problem] = checked(brushed(model="kling-v1-5", resolution="720p"))
    assert (problem.field, problem.allowed, problem.nearest) == ("resolution", ("1080p",), "1080p")
    [problem] = checked(brushed(model="kling-v1", duration=10))
    assert (problem.field, problem.allowed, problem.nearest) == ("duration", ("5",), "5")
    [problem] = checked(brushed(model="kling-v1-6"))
    assert (problem.field, problem.rule, problem.given) == ("dynamic_mask", Rule.NOT_OFFERED, "kling-v1-6")
    assert problem.allowed == ("kling-v1-5", "kling-v1")
    [problem] = checked(order(IMAGE, model="kling-v2-6", extras=SIMPLE))
    assert (problem.field, problem.rule, problem.allowed) == ("camera_type", Rule.NOT_OFFERED, ("kling-v1-5",))


def test_a_model_of_tomorrow_may_do_everything() -> None:
    extras = {"cfg_scale": 0.5, "negative_prompt": "rain", "voice_list": "a b", **SIMPLE}
    assert said(order(IMAGE, model="kling-v4", resolution="4k", duration=15, audio=True, extras=extras)) == []
    assert said(brushed(model="kling-v4", duration=15)) == []


def test_two_frames_masks_and_the_camera_exclude_each_other() -> None:
    frames = order(FRAMES).pictures
    for mask, strokes in ((PATCH, (LINE,)), (STILL, ())):
        both_ways = order(FRAMES, model="kling-v1", pictures=(*frames, mask), strokes=strokes)
        assert said(both_ways) == [(mask.role, Rule.NOT_TOGETHER, "last_frame")]
        tail = order(FRAMES, model="kling-v1-5", pictures=(frames[1], mask), strokes=strokes)
        assert said(tail) == [(mask.role, Rule.NOT_TOGETHER, "last_frame")]
        moved = brushed(mask, model="kling-v1-5", strokes=strokes, extras=SIMPLE)
        assert said(moved) == [(mask.role, Rule.NOT_TOGETHER, "camera_type")]
    assert {field for field, rule, _ in said(order(FRAMES, extras=SIMPLE)) if rule is Rule.NOT_OFFERED} == set(SIMPLE)


def test_up_to_six_dynamic_masks_and_one_static_one_are_taken() -> None:
    assert said(brushed(STILL, *[PATCH] * 6, strokes=(LINE,) * 6)) == []
    assert said(brushed(*[PATCH] * 7, strokes=(LINE,) * 7)) == [("dynamic_mask", Rule.TOO_MANY, "7")]
    assert said(brushed(STILL, STILL, strokes=())) == [("static_mask", Rule.TOO_MANY, "2")]
    assert said(order(TEXT, pictures=(STILL,))) == [("static_mask", Rule.NOT_OFFERED, "text_to_video")]
    assert said(order(TEXT, strokes=(LINE,))) == [("strokes", Rule.NOT_OFFERED, "text_to_video")]


def test_each_dynamic_mask_has_its_stroke() -> None:
    [problem] = checked(brushed(PATCH, PATCH, strokes=(LINE,)))
    assert (problem.field, problem.rule, problem.given, problem.limit) == ("strokes", Rule.REQUIRED, "1", 2)
    [problem] = checked(brushed(STILL, strokes=(LINE,)))
    assert (problem.field, problem.rule, problem.limit) == ("dynamic_mask", Rule.REQUIRED, 1)


@pytest.mark.parametrize(("points", "nearest"), [(0, "2"), (1, "2"), (2, None), (77, None), (78, "77")])
def test_a_stroke_has_2_to_77_points(points: int, nearest: str | None) -> None:
    problems = checked(brushed(strokes=(tuple((number, number) for number in range(points)),)))
    assert problems == ([] if nearest is None else [Problem("strokes", Rule.ONE_OF, str(points), ("2-77",), nearest)])


@pytest.mark.parametrize(
    ("point", "nearest"),
    [
        ((0, 0), None),
        ((1279, 719), None),
        ((1280, 5), "1279,5"),
        ((5, 720), "5,719"),
        ((-1, 5), "0,5"),
        ((5, -3), "5,0"),
    ],
)
def test_a_stroke_stays_inside_the_picture(point: tuple[int, int], nearest: str | None) -> None:
    problems = checked(brushed(strokes=(((0, 0), point),)))
    given = f"{point[0]},{point[1]}"
    assert problems == (
        [] if nearest is None else [Problem("strokes", Rule.ONE_OF, given, ("0,0", "1279,719"), nearest)]
    )


def test_masks_have_the_same_size_and_the_shape_of_the_picture() -> None:
    def sized(width: int, height: int, role: Role = Role.DYNAMIC_MASK) -> Any:
        return picture(role, width=width, height=height)

    assert said(brushed(sized(640, 360))) == []
    assert said(brushed(sized(854, 480))) == []  # the whole numbers nearest to 16:9
    [problem] = checked(brushed(sized(640, 400)))
    assert (problem.field, problem.rule, problem.given, problem.allowed) == (
        "dynamic_mask", Rule.FILE_RATIO, "640:400", ("1280:720",),
    )  # fmt: skip
    [problem] = checked(brushed(sized(640, 360, Role.STATIC_MASK), sized(1280, 720)))
    assert (problem.field, problem.rule, problem.given, problem.allowed) == (
        "dynamic_mask", Rule.NOT_TOGETHER, "static_mask", ("640x360",),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("extras", "problems"),
    [
        (SIMPLE, []),
        (SIMPLE | {"camera_amount": -10}, []),
        (SIMPLE | {"camera_amount": 10.5}, [("camera_amount", Rule.ONE_OF, "10.5")]),
        (SIMPLE | {"camera_amount": 0}, [("camera_amount", Rule.ONE_OF, "0")]),
        (SIMPLE | {"camera_amount": 0.0}, [("camera_amount", Rule.ONE_OF, "0.0")]),
        (SIMPLE | {"camera_amount": float("nan")}, [("camera_amount", Rule.ONE_OF, "nan")]),
        (SIMPLE | {"camera_axis": "sideways"}, [("camera_axis", Rule.ONE_OF, "sideways")]),
        (SIMPLE | {"camera_type": "spin"}, [
            ("camera_type", Rule.ONE_OF, "spin"),
            ("camera_axis", Rule.NOT_TOGETHER, "spin"),
            ("camera_amount", Rule.NOT_TOGETHER, "spin"),
        ]),
        ({"camera_type": "simple"}, [("camera_axis", Rule.REQUIRED, ""), ("camera_amount", Rule.REQUIRED, "")]),
        ({"camera_type": "simple", "camera_axis": "pan"}, [("camera_amount", Rule.REQUIRED, "")]),
        ({"camera_axis": "pan", "camera_amount": 1}, [("camera_type", Rule.REQUIRED, "")]),
        ({"camera_type": "down_back"}, []),
        ({"camera_type": "left_turn_forward", "camera_amount": 1}, [
            ("camera_amount", Rule.NOT_TOGETHER, "left_turn_forward"),
        ]),
    ],
)  # fmt: skip
def test_a_camera_is_simple_with_one_axis_or_whole_in_itself(
    extras: dict[str, Any], problems: list[tuple[str, Rule, str]]
) -> None:
    assert said(order(TEXT, model="kling-v1", extras=extras)) == problems


@given(
    extras=st.dictionaries(
        st.sampled_from([*kling_models.CAMERA_NAMES, "cfg_scale", "negative_prompt", "voice_list", "watermark", "bgm"]),
        st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.sampled_from(["simple", "pan"]),
    ),
    strokes=st.lists(st.lists(st.tuples(st.integers(), st.integers()), max_size=4).map(tuple), max_size=3).map(tuple),
    roles=st.lists(st.sampled_from(Role), max_size=4),
    size=st.tuples(st.integers(0, 2000), st.integers(0, 2000)),
    operation=st.sampled_from(Operation),
    model=st.sampled_from(["kling-v1", "kling-v1-5", "kling-v2-6", "kling-v9"]) | st.none(),
)
def test_any_order_is_checked_and_priced_without_an_exception(
    extras: dict[str, Any],
    strokes: Any,
    roles: list[Role],
    size: tuple[int, int],
    operation: Operation,
    model: str | None,
) -> None:
    pictures = tuple(picture(role, width=size[0], height=size[1]) for role in roles)
    strange = Order(operation, model, pictures=pictures, extras=extras, strokes=strokes)
    for chosen in (strange, kling_models.fill(strange)):
        for problem in kling_rules.problems(chosen):
            assert problem.nearest is None or problem.nearest != problem.given
        kling_models.price(chosen)


def test_the_axes_are_passed_on_under_the_english_pages_names() -> None:
    assert kling_models.CAMERA_AXES == ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")


def test_v1_5_moves_the_camera_simply_only() -> None:
    [problem] = checked(order(IMAGE, extras={"camera_type": "down_back"}))
    assert (problem.field, problem.given, problem.nearest) == ("camera_type", "down_back", "simple")


@pytest.mark.parametrize("operation", [TEXT, IMAGE, FRAMES])
def test_cfg_scale_is_0_to_1_and_not_for_v2(operation: Operation) -> None:
    for model in CAPABILITIES[operation]:
        fits = [(said(order(operation, model=model, extras={"cfg_scale": scale}))) for scale in (0, 0.5, 1)]
        assert fits == [[] if "-v1" in model else [("cfg_scale", Rule.NOT_OFFERED, model)]] * 3
    for scale, nearest in ((-0.1, "0"), (1.1, "1")):
        [problem] = checked(order(operation, extras={"cfg_scale": scale}))
        assert (problem.field, problem.nearest) == ("cfg_scale", nearest)


def test_a_negative_prompt_ends_at_2500_characters() -> None:
    for operation in (TEXT, IMAGE, FRAMES):
        assert said(order(operation, extras={"negative_prompt": "é" * 2500})) == []
        assert said(order(operation, extras={"negative_prompt": "é" * 2501})) == [
            ("negative_prompt", Rule.TOO_LONG, "2501")
        ]


def test_up_to_two_voices_are_for_v2_6_with_sound() -> None:
    def voiced(voices: str, **changes: Any) -> list[tuple[str, Rule, str]]:
        return said(order(IMAGE, extras={"voice_list": voices}, **changes))

    assert voiced("a b", audio=True) == []
    assert voiced("a b c", audio=True) == [("voice_list", Rule.TOO_MANY, "3")]
    assert voiced("a") == [("voice_list", Rule.NOT_TOGETHER, "audio: no")]
    assert voiced("a", model="kling-v9") == [("voice_list", Rule.NOT_TOGETHER, "audio: no")]
    assert ("voice_list", Rule.NOT_OFFERED, "kling-v1-6") in voiced("a", model="kling-v1-6", audio=True)
    for operation in (TEXT, FRAMES):
        problems = said(order(operation, extras={"voice_list": "a"}))
        assert ("voice_list", Rule.NOT_OFFERED, operation) in problems


def test_what_kling_does_not_do_is_said_before_anything_else() -> None:
    for operation in set(Operation) - {TEXT, IMAGE, FRAMES}:
        assert kling_rules.problems(Order(operation, prompt="x" * 9999)) == [
            Problem("operation", Rule.NOT_OFFERED, given=operation)
        ]
