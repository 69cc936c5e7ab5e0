import contextlib
import json
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import reading
from providers.contract import NotUnderstood, Reason

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"1",
        b'"x"',
        b"{",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
        b'{"a":"\xff"}',
        b'{"a":' + b"9" * 10_000 + b"}",
        b'{"a":' * 200_000,
    ],
)
def test_what_is_no_json_object_is_not_understood(body: bytes) -> None:
    with pytest.raises(NotUnderstood):
        reading.read_object(body)


@given(st.binary(max_size=100))
def test_garbage_is_read_or_not_understood(body: bytes) -> None:
    with contextlib.suppress(NotUnderstood):
        assert isinstance(reading.read_object(body), dict)


@given(JSON)
def test_every_json_value_is_read_as_every_kind(value: object) -> None:
    assert isinstance(reading.as_object(value), dict)
    assert all(isinstance(item, dict) for item in reading.as_objects(value))
    reading.as_text(value).encode()
    count = reading.as_count(value)
    assert count is None or 0 <= count <= reading.MOST_CREDITS
    assert "/" not in reading.as_identifier(value)
    assert "\0" not in reading.as_text(value)
    assert reading.as_link(value)[:4].lower() in ("", "http")
    line = reading.for_log(value)
    assert len(line) <= 300
    assert line.isprintable()


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (80, 80),
        ("15", 15),
        (0, 0),
        ("0", 0),
        (4.0, 4),
        (4.5, None),
        (-1, None),
        ("-1", None),
        ("1.5", None),
        ("", None),
        (None, None),
        (True, None),
        (10**9, 10**9),
        (10**9 + 1, None),
        (1e999, None),
        ("٣", None),
        ([], None),
    ],
)
def test_credits_are_whole_numbers_as_numbers_or_as_digits(value: object, count: int | None) -> None:
    assert reading.as_count(value) == count


@pytest.mark.parametrize("value", ["", "..", ".", "a/b", "a?b", "a b", "a\n", "é", "x" * 129, -1, True, None, 1.5, []])
def test_an_id_that_could_change_a_path_is_none(value: object) -> None:
    assert reading.as_identifier(value) == ""


def test_an_id_is_digits_or_a_word() -> None:
    assert reading.as_identifier("916198978159124480") == "916198978159124480"
    assert reading.as_identifier(916198978159124480) == "916198978159124480"
    assert reading.as_identifier("a-B_1.2:3") == "a-B_1.2:3"
    assert reading.as_identifier("x" * 128) == "x" * 128  # what its column takes


@pytest.mark.parametrize("value", ["", "ftp://x/y", "javascript:alert(1)", "//x/y", "data:video/mp4;base64,", 5, None])
def test_only_web_addresses_are_links(value: object) -> None:
    assert reading.as_link(value) == ""


def test_a_lone_surrogate_becomes_text_that_a_database_takes() -> None:
    assert reading.as_text(json.loads('"a\\ud800b"')) == "a?b"


@pytest.mark.parametrize("letter", ["\0", "\n", "\x7f", "\u202e"])
def test_an_address_with_letters_that_cannot_be_seen_is_no_link(letter: str) -> None:
    assert reading.as_link(f"https://cdn.example/a{letter}.mp4") == ""


def test_a_nul_is_left_out_of_a_text_for_postgresql_takes_none() -> None:
    assert reading.as_text("a\0b") == "ab"


def test_a_line_for_the_log_holds_no_address_and_no_control_letter() -> None:
    assert reading.for_log("no", "", None, 7, "at https://u:p@h.example/a?key=1, end\r\n\x1b[0m") == (
        "no 7 at <address> end [0m"
    )


def test_of_an_endless_list_only_the_beginning_is_walked() -> None:
    class Walked(list[object]):
        def __iter__(self) -> NoReturn:
            raise AssertionError("the whole list was walked")

    endless: list[object] = Walked([{"n": number} for number in range(1000)])
    assert reading.as_objects(endless) == [{"n": number} for number in range(10)]
    assert len(reading.as_objects(endless, 100)) == 100
    mixed: list[object] = ["a", *[{}] * 20]
    assert reading.as_objects(mixed) == [{}] * 9


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("Failure to pass the risk control system", Reason.CONTENT),
        ("against our policy", Reason.CONTENT),
        ("see our Policies", Reason.CONTENT),
        ("Sensitive words", Reason.CONTENT),
        ("inappropriate image", Reason.CONTENT),
        ("blocked by the safety system", Reason.CONTENT),
        ("content blocked", Reason.CONTENT),
        ("the prompt violates our terms", Reason.CONTENT),
        ("VIOLATION", Reason.CONTENT),
        ("NSFW", Reason.CONTENT),
        ("illegal input", Reason.CONTENT),
        ("this is prohibited", Reason.CONTENT),
        ("", Reason.VENDOR),
        ("an asterisk", Reason.VENDOR),
        ("a brisk wind", Reason.VENDOR),
        ("discontent", Reason.VENDOR),
        ("wrong Content-Type of the picture", Reason.VENDOR),
        ("out of order", Reason.VENDOR),
    ],
)
def test_a_refusal_of_the_content_is_told_by_its_words(said: str, reason: Reason) -> None:
    assert reading.reason_told(said) is reason
