"""A backup brought back while the world has moved on: one video, one task, one settle."""

import asyncio
from pathlib import Path

import pytest

from jobs.context import Timing
from jobs.restored import aftermath
from sandbox.vendors import Behaviour
from storage import Database, backup
from tests.journeys.conftest import OpenStage
from tests.journeys.stage import Stage


async def copy_of(stage: Stage) -> Path:
    copy = stage.folder / "copy.db"
    await asyncio.to_thread(backup.copied, stage.folder / "rushes.db", copy)
    return copy


async def bring_back(stage: Stage, copy: Path) -> None:
    file = stage.folder / "rushes.db"
    part = backup.prepared(copy, file)
    database = await Database.open(backup.address_of(stage.settings.database_url, part))
    await database.write(aftermath, int(stage.clock() * 1000), Timing())
    await database.close()
    backup.swapped(part, file, stage.clock())


@pytest.mark.parametrize("step", ["held", "submission recorded", "settled", "output recorded", "delivery recorded"])
async def test_a_backup_taken_at_any_step_posts_nothing_twice(open_a_stage: OpenStage, step: str) -> None:
    stage = await open_a_stage("vidu")
    seen = asyncio.Event()
    copy = stage.folder / "copy.db"
    heard = stage.told

    def told(name: str, job_id: int | None = None, /, **facts: object) -> None:
        heard(name, job_id, **facts)
        if name == step and not seen.is_set():
            backup.copied(stage.folder / "rushes.db", copy)
            seen.set()

    object.__setattr__(stage.running.ctx, "tell", told)
    stage.ask()
    first = await stage.one_video()
    assert seen.is_set()
    await stage.stop()
    await bring_back(stage, copy)
    stage.clock.advance(3600)
    await stage.start()
    again = await stage.one_video()
    assert again.id == first.id


async def test_a_job_the_vendor_never_got_is_made_after_all(open_a_stage: OpenStage) -> None:
    stage = await open_a_stage("vidu")
    stage.vendor.behaviour = Behaviour(submit_faults=["throttle"] * 3, retry_after=30)
    stage.ask()
    await stage.until_heard("submission recorded")
    copy = await copy_of(stage)
    await stage.stop()
    stage.vendor.behaviour = Behaviour()
    await bring_back(stage, copy)
    await stage.start()
    await stage.pass_time(lambda: stage.heard("posted"), 0.05, steps=20)
    await stage.one_video()
