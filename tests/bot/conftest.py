"""A running bot in a server with one channel and three people: ada, ben and a moderator."""

from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest
import structlog

from tests.bot.harness import Set, open_set


@pytest.fixture
async def films(tmp_path: Path) -> AsyncGenerator[Set]:
    async with open_set(tmp_path) as made:
        await made.start()
        yield made
        await made.stop()


@pytest.fixture
def plain_log() -> Generator[None]:
    """Log as the program does: tracebacks without local variables."""
    renderer = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.stdlib.add_log_level, renderer])
    yield
    structlog.reset_defaults()
