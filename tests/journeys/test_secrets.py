"""No secret reaches a log, an error, the database in clear or a reply: canaries in all of them, searched everywhere."""

import base64
from collections.abc import Iterable
from pathlib import Path

import pytest

from sandbox.vendors import Behaviour
from tests.journeys import stage as stages
from tests.journeys.stage import Fault, Stage
from tests.journeys.test_crashes import Crashing, OpenCrashing, crashing

__all__ = ["crashing"]  # the fixture, used below by name

CANARIES = [
    stages.DISCORD_TOKEN,
    stages.SECRET_KEY,
    stages.API_KEY,
    stages.ACCESS_KEY,
    stages.KLING_SECRET,
    stages.WEBHOOK_SECRET.removeprefix("whsec_"),
    base64.b64decode(stages.WEBHOOK_SECRET.removeprefix("whsec_")).decode(),
]


def found(data: bytes, more: Iterable[str] = ()) -> list[str]:
    return [canary for canary in (*CANARIES, *more) if canary.encode() in data]


def files_of(stage: Stage) -> Iterable[Path]:
    return (path for path in stage.folder.rglob("*") if path.is_file() and path.suffix not in {".mp4", ".jpg"})


@pytest.mark.parametrize("vendor", ["vidu", "futurelabs", "kkiai", "powertokens", "apiframe", "kling", "kling signed"])
async def test_no_secret_is_written_anywhere_even_when_everything_goes_wrong(
    crashing: OpenCrashing,
    vendor: str,
) -> None:
    stage: Crashing = await crashing(vendor)
    stage.vendor.behaviour = Behaviour(
        submit_faults=["throttle", "cut_after_accept"],
        query_faults=["throttle", "error500", "html", "cut", "cut"],
        file_faults=["404", "html"],
        retry_after=0,
    )
    stage.discord.faults.append(Fault("POST", r"/channels/\d+/messages$", 1, 502, "<html>"))
    await stage.start_child(kill_at="fetched")
    stage.ask()
    await stage.until_killed()
    await stage.discord.disconnected()
    await stage.start_child()
    await stage.one_video()
    log = (stage.folder / "log").read_text()
    assert "submitting" in log
    own = {task.order.callback_secret for task in stage.vendor.tasks.values()} - {""}
    assert bool(own) == (vendor == "apiframe")  # a job's own secret, which goes to that vendor alone
    for path in files_of(stage):
        assert found(path.read_bytes(), own) == [], path
    shown = [message.text for message in stage.discord.messages.values()]
    assert found("\n".join(shown).encode(), own) == []
    for call in stage.vendor.calls:
        body = call.body if call.status == 200 else b""
        assert found(body) == []


async def test_the_search_would_find_a_secret(crashing: OpenCrashing) -> None:
    stage = await crashing("vidu")
    leak = stage.folder / "leak"
    leak.write_text(f"Authorization: Token {stages.API_KEY}")
    assert [path for path in files_of(stage) if found(path.read_bytes())] == [leak]
