"""Strokes as members type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.brush import EXAMPLE, read_strokes
from bot.refusals import refused
from providers.orders import Problem, Stroke
from tests.bot.test_plain import ANY

STROKES = st.lists(
    st.lists(st.tuples(st.integers(0, 9999), st.integers(0, 9999)), min_size=1, max_size=80).map(tuple), max_size=6
).map(tuple)


@given(STROKES)
def test_what_is_written_is_read(strokes: tuple[Stroke, ...]) -> None:
    assert read_strokes("; ".join(" ".join(f"{x},{y}" for x, y in stroke) for stroke in strokes)) == strokes


@pytest.mark.parametrize(
    ("text", "strokes"),
    [
        (EXAMPLE, (((279, 219), (417, 65)), ((10, 10), (40, 80)))),
        ("", ()),
        (" \n ", ()),
        ("1,2", (((1, 2),),)),
        ("1 , 2   3 ,4;5,6;", (((1, 2), (3, 4)), ((5, 6),))),
    ],
)
def test_blanks_and_a_last_semicolon_do_no_harm(text: str, strokes: tuple[Stroke, ...]) -> None:
    assert read_strokes(text) == strokes


@pytest.mark.parametrize(
    "text", ["1", "1,2 3", "1,2,3,4", "a,b", "-1,2", "1.5,2", ";1,2", "1,2;;3,4", "1,2-3,4", "٣,٤"]
)
def test_what_cannot_be_read_is_refused_with_an_example(text: str) -> None:
    problem = read_strokes(text)
    assert isinstance(problem, Problem)
    assert EXAMPLE in refused([problem], None)


@given(ANY)
def test_anything_may_be_typed(text: str) -> None:
    problem = read_strokes(text)
    if isinstance(problem, Problem):
        assert len(refused([problem], None)) < 500
