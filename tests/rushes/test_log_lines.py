"""What strangers say makes no line of the log, and gives the terminal no orders, wherever it stands in a line."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from rushes import logs


@pytest.fixture
def log() -> Iterator[None]:
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = before, level
    structlog.reset_defaults()


def test_a_strangers_words_are_no_lines_and_no_orders(log: None, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("INFO", "console", [])
    said = "boom\x1b[2J\x1b]0;owned\x07\x9b31m\r2026-11-21 [info] all is well"
    logging.getLogger("discord.client").warning("it said %s", said)
    structlog.get_logger("x").info(said, field=said, word="boom\x1b[2J\x85[info]")
    try:
        int(said)
    except ValueError:
        structlog.get_logger("x").exception("failed")
    written = capsys.readouterr().err
    assert not [letter for letter in written if letter not in "\n\t" and not letter.isprintable()]


@pytest.mark.parametrize("form", ["console", "json"])
@pytest.mark.parametrize("secret", ['quo"te-canary', "back\\slash-canary", "schlüssel-canary", "it's-a-canary"])
def test_a_secret_is_hidden_however_a_line_writes_its_letters(
    log: None, capsys: pytest.CaptureFixture[str], form: str, secret: str
) -> None:
    logs.configure("INFO", form, [secret])
    structlog.get_logger("x").info(f"said {secret}", field=secret, inside={"key": secret})
    assert "canary" not in capsys.readouterr().err
