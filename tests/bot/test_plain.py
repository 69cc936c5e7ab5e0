"""Strangers' words, whatever they are, stay on one line, in their place, and mean nothing to Discord."""

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.plain import clean, cut, plain

ANY = st.text(
    st.characters()
    | st.sampled_from(
        "*_~`|[]()<>@#:/\\-+.1\n\r\t\u200b\u200d\u202e\u2066\ufeff\u0301\ufe0f\U000e0100\ufff0\U0001f1e9\U0001f3fd👩🚀"
    )
)
_MENTION = re.compile(r"(?<!\\)<[@#:/t]|<@[!&]?\d|@everyone|@here")
_UNESCAPED = re.compile(r"(?<!\\)(?:\\\\)*[*_~`|\[\]<]")


@given(ANY)
@example("@everyone <@1> <@&2> <#3> </x:4> <t:5> <:a:6> [a](https://b) https://c ||d|| `e`")
def test_plain_text_has_no_meaning_in_markdown(text: str) -> None:
    made = plain(text, 200)
    assert not _UNESCAPED.search(made)
    assert not _MENTION.search(made)
    assert not re.search(r"(?<!\\)://", made)
    assert not re.match(r"[#>+-]|\d+[.)]", made)
    assert len(made.splitlines()) <= 1


@pytest.mark.parametrize(
    "link",
    [
        "discord.gg/x", "DISCORD.GG/x", "discord.com/invite/x", "discordapp.com/invite/x", "discord.gg/invite/x",
        "ptb.discord.com/invite/x", "https://discord.gg/x", "discord.new/x", "discord.gift/x", "xdiscord.gg/x",
        "discord.gg/discord.gg/x", "disc\u200bord.gg/x", "discord.gg\u2060/x", "discord.com:443/invite/x",
    ],
)  # fmt: skip
def test_an_invitation_leads_nowhere_and_reads_the_same(link: str) -> None:
    made = plain(f"join {link}", 200)
    assert not re.search(r"discord(app)?\.[a-z]+(:\d+)?/", made, re.IGNORECASE)
    assert re.sub(r"\\([^\w\s])", r"\1", made) == clean(f"join {link}")


@given(ANY)
def test_cleaning_removes_what_cannot_be_seen_and_changes_nothing_the_second_time(text: str) -> None:
    made = clean(text)
    assert clean(made) == made
    assert made == made.strip()
    assert all(unicodedata.category(character) not in {"Cc", "Cs", "Co"} for character in made)
    assert all(character == "\u200d" or unicodedata.category(character) != "Cf" for character in made)
    made.encode()


@pytest.mark.parametrize(
    "text",
    [
        "\ufe0f" * 3,
        "\ufe00",
        "\u2065" * 5,
        "\ufff0",
        "\U000e0100" * 5,
        "\U000e01ef",
        "\U000e0000",
        "\U000e0fff",
        "\u0378",
        "\ufdd0",
        "\U0010fffe",
        "\u0301",
        " \ufe0f \u0301 ",
        "\u200d\ufe0f\u200d",
        "\u115f\ufe0f",
        "\u2800\ufe0f",
        "\U0001d159",
        "\u20e3",
    ],
)
def test_what_shows_nothing_is_nothing(text: str) -> None:
    assert clean(text) == ""
    assert clean(f"a {text} b") == "a b"


def test_every_character_alone_is_nothing_or_seen() -> None:
    unseen = {"Cc", "Cf", "Cs", "Co", "Mn", "Me", "Zs", "Zl", "Zp"}
    for number in range(0x110000):
        made = clean(chr(number))
        assert made == "" or unicodedata.category(made) not in unseen
        assert made == "" or not 0xFFF0 <= number <= 0xFFF8
        assert made == "" or not 0xE0000 <= number <= 0xE0FFF


def test_what_chooses_a_shape_stays_with_its_character() -> None:
    for text in ("1\ufe0f\u20e3", "❤\ufe0f", "a ❤\ufe0f\u200d🔥", "葛\U000e0100", "🏳\ufe0f\u200d🌈", "e\u0301"):
        assert clean(text) == text
    assert clean("a\ufe0f\ufe0f\ufe0f\U000e0100b") == "a\ufe0fb"


def test_an_emoji_newer_than_python_is_kept() -> None:
    assert clean("\U0001faff") == "\U0001faff"


@given(ANY, st.integers(2, 60))
def test_cutting_keeps_to_the_length_and_to_the_beginning(text: str, most: int) -> None:
    made = cut(text, most)
    assert len(made) <= most
    assert text.startswith(made.removesuffix("…"))


@pytest.mark.parametrize(
    ("text", "most", "made"),
    [
        ("ae\u0301i", 3, "a…"),
        ("xx👩\u200d🚀y", 5, "xx…"),
        ("x👍🏽y", 3, "x…"),
        ("🇩🇪🇫🇷🇮🇹", 4, "🇩🇪…"),
        ("🇩🇪🇫🇷🇮🇹", 6, "🇩🇪🇫🇷🇮🇹"),
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
    ],
)
def test_what_is_seen_as_one_sign_is_not_cut_through(text: str, most: int, made: str) -> None:
    assert cut(text, most) == made


def test_emoji_made_of_several_stay_whole() -> None:
    assert clean("a 👩\u200d🚀 and 🏳\ufe0f\u200d🌈") == "a 👩\u200d🚀 and 🏳\ufe0f\u200d🌈"


def test_a_joiner_that_hides_is_taken_out() -> None:
    assert clean("pay\u200dpal a\u200d👩") == "paypal a👩"


def test_marks_do_not_climb_over_the_lines_around() -> None:
    assert clean("a" + "\u0301" * 50) == "a" + "\u0301" * 3


def test_a_sign_without_end_is_cut_all_the_same() -> None:
    assert len(cut("👩" + "\u200d👩" * 500, 100)) <= 100
