"""What is framed fits: Discord turns away what is too long, and then nobody reads any of it."""

import pytest

from bot.looks import embed_of, fitting, notice
from bot.messages import Card, Tone
from tests.bot.harness import Set

SIGNS = ["a", "\\*", "\U0001f3ac", "e\u0301"]


def size(text: str | None) -> int:
    return len((text or "").encode("utf-16-le")) // 2


@pytest.mark.parametrize("sign", SIGNS)
def test_no_frame_holds_more_than_discord_takes(sign: str) -> None:
    assert 3900 < size(notice(sign * 5000).description) <= 4096
    assert 3900 < size(embed_of(Card("t", sign * 5000, Tone.DONE, "")).description) <= 4096


@pytest.mark.parametrize("sign", SIGNS)
def test_lines_that_do_not_fit_are_counted(sign: str) -> None:
    lines = [f"{number} {sign * 300}" for number in range(20)]
    text = fitting(lines, "the end")
    assert size(text) <= 4096
    *shown, told, end = text.split("\n")
    assert shown == lines[: len(shown)]
    assert (told, end) == (f"-# and {20 - len(shown)} more", "the end")
    assert fitting(lines[:3], "the end") == "\n".join([*lines[:3], "the end"])
    assert "-# and more" in fitting(lines, "the end", "-# and more")


async def test_a_moderator_reads_the_log_whatever_was_written_into_it(films: Set) -> None:
    for _ in range(10):
        await films.make("/mod block", films.mod, member=films.ada, reason="*" * 300).answered()
    text = (await films.make("/mod log", films.mod).answered()).text
    assert "\\*" in text
    assert "-# and" in text
