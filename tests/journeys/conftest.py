"""Opens stages and closes them again."""

import os
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from sandbox.discord import Recorded
from tests.journeys.stage import Stage, close_stage, open_stage
from tests.sandbox.openapi import check_answer, check_request

OpenStage = Callable[..., Awaitable[Stage]]
seen: Counter[str] = Counter()


def hold_to_the_description(recorded: Recorded) -> None:
    """Check a request and its answer against Discord's description; each shape a few times, for it takes long."""
    shape = f"{recorded.method} {re.sub(r'[0-9]+', '#', recorded.path)} {recorded.status}"
    shape += f" {shape_of(recorded.json)} {shape_of(recorded.answer)}"
    seen[shape] += 1
    if seen[shape] > 3:
        return
    check_request(recorded)
    if not recorded.faulted and recorded.status is not None:
        check_answer(recorded)


def shape_of(value: object) -> object:
    """Reduce JSON to its keys and types."""
    if isinstance(value, dict):
        return {key: shape_of(inner) for key, inner in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [shape_of(inner) for inner in cast("list[object]", value)]
    return type(value).__name__


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
            hold_to_the_description(recorded)
