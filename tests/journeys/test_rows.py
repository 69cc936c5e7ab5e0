"""Every row of the table of vendors and operations works from the command to the posted result."""

import io
from typing import Any, cast

import pytest
from PIL import Image

from providers import registry
from providers.contract import Account
from providers.orders import Operation
from sandbox.discord import Message
from storage.codes import job_code
from storage.words import Entry
from tests.journeys.conftest import OpenStage
from tests.journeys.material import boat, dance, song
from tests.journeys.stage import Stage

PROMPT = "a boat at dawn"


# What is typed for each operation, beside what QUICK adds for a vendor.
COMMANDS: dict[Operation, tuple[str, dict[str, Any]]] = {
    Operation.TEXT_TO_VIDEO: ("/video", {"prompt": PROMPT}),
    Operation.IMAGE_TO_VIDEO: ("/video", {"prompt": PROMPT, "image": boat}),
    Operation.START_END_TO_VIDEO: ("/video", {"prompt": PROMPT, "image": boat, "last_frame": boat}),
    Operation.REFERENCE_TO_VIDEO: ("/reference", {"prompt": PROMPT, "image1": boat}),
    Operation.TEMPLATE_TO_VIDEO: ("/template", {"template_id": "hugging", "image1": boat}),
    Operation.REFERENCE_TO_IMAGE: ("/image", {"prompt": PROMPT, "image1": boat}),
    Operation.MOTION_CONTROL: ("/motion", {"image": boat, "video": dance, "character_orientation": "video"}),
    Operation.AVATAR: ("/avatar", {"image": boat, "text": "Ahoy!"}),
    Operation.MUSIC_VIDEO: ("/mv create", {"image1": boat, "audio": song}),
}
SHORT = {"duration": 1, "resolution": "540p"}
QUICK: dict[str, dict[Operation, dict[str, Any]]] = {
    "vidu": dict.fromkeys((Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO, Operation.START_END_TO_VIDEO), SHORT)
    | {Operation.REFERENCE_TO_VIDEO: {"duration": 3, "resolution": "540p"}},
    "futurelabs": dict.fromkeys(
        (
            Operation.TEXT_TO_VIDEO,
            Operation.IMAGE_TO_VIDEO,
            Operation.START_END_TO_VIDEO,
            Operation.REFERENCE_TO_VIDEO,
        ),
        SHORT,
    )
    | {Operation.MUSIC_VIDEO: {"resolution": "540p"}},
    "kkiai": {Operation.IMAGE_TO_VIDEO: SHORT},
    "powertokens": {Operation.IMAGE_TO_VIDEO: SHORT},
    "apiframe": {},
    "kling": {kind: {"model": "kling-v1-6"} for kind in (Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO)},
}


def rows() -> list[tuple[str, Operation]]:
    nobody = Account(api_keys=("none",))
    vendors = registry.build(dict.fromkeys(registry.NAMES, nobody), cast("Any", None), lambda: 0.0)
    on_shots = {Operation.EDIT_SHOT, Operation.COMPOSE_SHOTS}  # the test of the music video goes on to these
    return [(name, kind) for name, one in vendors.items() for kind in one.operations() if kind not in on_shots]


async def asked(stage: Stage, command: str, options: dict[str, Any]) -> Message:
    """Let Ada type a command, and wait for the result of the newest job."""
    before = len(results(stage))
    made = {name: value() if callable(value) else value for name, value in options.items()}
    await stage.ada.type(stage.channel, command, made).answered()
    await stage.until(lambda: len(results(stage)) > before and stage.calm(), 60)
    return results(stage)[-1]


def results(stage: Stage) -> list[Message]:
    return [message for message in stage.channel.messages if message.attachments]


def entries(stage: Stage) -> list[list[str]]:
    """List the kinds of ledger rows, job by job."""
    found: dict[int, list[str]] = {}
    for job_id, kind in stage.rows("SELECT job_id, kind FROM ledger ORDER BY id"):
        found.setdefault(job_id, []).append(kind)
    return list(found.values())


@pytest.mark.parametrize(("vendor", "operation"), rows())
async def test_a_member_gets_what_they_asked_for(open_a_stage: OpenStage, vendor: str, operation: Operation) -> None:
    stage = await open_a_stage(vendor)
    command, options = COMMANDS[operation]
    message = await asked(stage, command, {**options, **QUICK[vendor].get(operation, {})})
    [file] = message.attachments
    if operation.makes == "image":
        with Image.open(io.BytesIO(file.data)) as made:
            assert made.format == "PNG"
    else:
        assert file.data[4:8] == b"ftyp"
    assert not message.pings
    assert stage.rows("SELECT operation, state FROM jobs") == [(operation.value, "succeeded")]
    assert entries(stage) == [[Entry.HOLD, Entry.SETTLE]]
    assert stage.vendor.sent
    assert {sent.status for sent in stage.vendor.sent} == {200}
    if operation is Operation.MUSIC_VIDEO:
        await changed_and_composed(stage)


async def changed_and_composed(stage: Stage) -> None:
    """Change a shot of the music video, then put its shots together again."""
    code = job_code(stage.only_job())
    shots = stage.rows("SELECT shots FROM jobs")[0][0]
    await asked(stage, "/mv edit", {"video": code, "shot": 2, "prompt": "a storm breaks"})
    after = stage.rows("SELECT shots FROM jobs ORDER BY id")[0][0]
    assert after != shots
    assert "a storm breaks" in after
    await asked(stage, "/mv compose", {"video": code})
    assert stage.rows("SELECT operation, state FROM jobs ORDER BY id") == [
        ("music_video", "succeeded"),
        ("edit_shot", "succeeded"),
        ("compose_shots", "succeeded"),
    ]
    assert entries(stage) == [[Entry.HOLD, Entry.SETTLE]] * 3
