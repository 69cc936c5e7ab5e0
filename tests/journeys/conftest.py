"""Opens stages and closes them again."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.stage import Stage, close_stage, open_stage

OpenStage = Callable[..., Awaitable[Stage]]


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("films")


@pytest.fixture
async def open_a_stage(tmp_path: Path, films: Path) -> AsyncIterator[OpenStage]:
    """Open a stage with the program running on it."""
    stages: list[Stage] = []

    async def open_one(vendor: str, **changes: Any) -> Stage:
        stage = await open_stage(tmp_path, films, vendor, **changes)
        stages.append(stage)
        await stage.start()
        return stage

    yield open_one
    for stage in stages:
        await close_stage(stage)
