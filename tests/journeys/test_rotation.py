"""Keys are changed while jobs are under way: nothing is lost, and old keys can go when nothing needs them."""

from dataclasses import replace
from typing import Any

import pytest

from jobs.files import OUTPUTS
from rushes.settings import load
from sandbox.vendors import VendorKeys
from tests.journeys import stage as stages
from tests.journeys.conftest import OpenStage
from tests.journeys.stage import Stage

NEW = "canary-new-secret-key-0123456789abcdef-xyz"
NEW_VENDOR_KEY = "canary-new-api-key-5512"


async def held_job(open_a_stage: OpenStage, vendor: str) -> Stage:
    """Let a job be at its vendor, which says nothing yet; then stop the program."""
    stage = await open_a_stage(vendor)
    stage.vendor.behaviour.hold = True
    stage.ask()
    await stage.until_heard("submission recorded")
    await stage.stop()
    return stage


async def start_with(stage: Stage, **changes: Any) -> None:
    stage.settings = load(None, **{**stage.values, **changes})
    await stage.start()
    stage.steps.clear()
    stage.vendor.release()


@pytest.mark.parametrize("vendor", ["vidu", "apiframe", "kling signed", "kkiai"])
async def test_callbacks_in_flight_are_believed_when_the_secret_key_changes(
    open_a_stage: OpenStage, vendor: str
) -> None:
    stage = await held_job(open_a_stage, vendor)
    await start_with(stage, secret_keys=f"{NEW},{stages.SECRET_KEY}")
    await stage.one_video()
    assert {sent.status for sent in stage.vendor.sent} == {200}
    assert not stage.heard("callback refused")


async def test_without_the_old_key_the_vendor_is_asked_and_nothing_is_lost(open_a_stage: OpenStage) -> None:
    stage = await held_job(open_a_stage, "vidu")
    await start_with(stage, secret_keys=NEW)
    await stage.until_heard("callback refused")
    await stage.pass_time(lambda: stage.heard("posted"), 0.1)
    await stage.one_video()


async def test_links_of_the_old_key_stay_good(open_a_stage: OpenStage) -> None:
    stage = await open_a_stage("vidu", upload_limit=1000)
    stage.ask()
    await stage.one_video()
    [(file,)] = stage.rows("SELECT file FROM outputs")
    until = stage.running.ctx.now() + 3_600_000
    before = stage.running.ctx.addresses.link(OUTPUTS, str(file), until)
    await stage.stop()
    await start_with(stage, secret_keys=f"{NEW},{stages.SECRET_KEY}")
    kind, ticket, name = before.rsplit("/", 3)[1:]
    opens = stage.running.ctx.addresses.open_link
    assert opens(kind, ticket, name, stage.running.ctx.now()) is not None
    await stage.stop()
    await start_with(stage, secret_keys=NEW)
    assert stage.running.ctx.addresses.open_link(kind, ticket, name, stage.running.ctx.now()) is None


async def test_a_job_is_asked_about_and_believed_with_the_vendors_key_it_was_sent_with(open_a_stage: OpenStage) -> None:
    stage = await held_job(open_a_stage, "vidu")
    old = stage.vendor.keys
    for task in stage.vendor.tasks.values():
        task.keys = old
    # Two accounts now: the task is known to its own one alone.
    stage.vendor.keys = replace(VendorKeys("x"), api_key=NEW_VENDOR_KEY)
    stage.vendor.further = [old]
    await start_with(stage, vidu_api_key=f"{NEW_VENDOR_KEY},{stages.API_KEY}")
    await stage.one_video()
    assert {sent.status for sent in stage.vendor.sent} == {200}
    stage.ask()
    await stage.until(lambda: len(stage.vendor.tasks) == 2)
    assert [task.keys for task in stage.vendor.tasks.values()][1] is None  # the newest key's
    await stage.until(lambda: stage.rows("SELECT count(*) FROM deliveries WHERE state = 'posted'") == [(2,)], 60)
    assert len({account for (account,) in stage.rows("SELECT account FROM jobs")}) == 2


async def test_without_the_vendors_old_key_the_job_waits_and_is_taken_up_when_it_is_back(
    open_a_stage: OpenStage,
) -> None:
    stage = await held_job(open_a_stage, "vidu")
    old = stage.vendor.keys
    for task in stage.vendor.tasks.values():
        task.keys = old
    stage.vendor.keys, stage.vendor.further = replace(VendorKeys("x"), api_key=NEW_VENDOR_KEY), [old]
    await start_with(stage, vidu_api_key=NEW_VENDOR_KEY)
    await stage.until_heard("callback refused")
    assert stage.rows("SELECT state FROM jobs") == [("submitted",)]
    await stage.stop()
    await start_with(stage, vidu_api_key=f"{NEW_VENDOR_KEY},{stages.API_KEY}")
    await stage.pass_time(lambda: stage.heard("posted"), 0.1)
    await stage.one_video()
