"""Opens stages and closes them again."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.journeys.stage import Stage, close_stage, open_stage
from tests.sandbox.openapi import check_answer, check_request

OpenStage = Callable[..., Awaitable[Stage]]


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keep the vendors' films for all tests, and for all of pytest's workers."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "films"


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
        for recorded in stage.discord.requests:
            check_request(recorded)
            if not recorded.faulted and recorded.status is not None:
                check_answer(recorded)
