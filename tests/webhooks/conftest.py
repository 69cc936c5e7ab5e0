"""The receiver as a fixture."""

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.webhooks.harness import Receiver, opened


@pytest.fixture(autouse=True)
def every_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "http")


@pytest.fixture
async def receiver(tmp_path: Path) -> AsyncIterator[Receiver]:
    async with opened(tmp_path) as one:
        yield one
