"""No secret reaches a log, an error, the database in clear or a reply: canaries in all of them, searched everywhere."""

import asyncio
import base64
from collections.abc import Iterable
from pathlib import Path

import aiohttp
import pytest

from jobs import packed
from sandbox.vendors import Behaviour
from storage import Database, backup, guilds
from storage.words import GuildSettings
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


OLD_SECRET_KEY = "canary-old-secret-key-3c4d-0123456789abcdef"
OLD_API_KEY = "canary-old-api-key-90fe"
OLDER = (OLD_SECRET_KEY, OLD_API_KEY)


async def test_older_keys_backups_metrics_alerts_and_tracebacks_hold_no_secret_either(crashing: OpenCrashing) -> None:
    stage: Crashing = await crashing("vidu")
    stage.values["secret_keys"] = f"{stages.SECRET_KEY},{OLD_SECRET_KEY}"
    stage.values["vidu_api_key"] = f"{stages.API_KEY},{OLD_API_KEY}"
    guild = stage.channel.guild
    assert guild is not None
    alerts = guild.add_channel("alerts")
    await stage.start_child()
    database = await Database.open(stage.settings.database_url)
    try:
        await database.write(guilds.decided, GuildSettings(guild.id, alerts_channel_id=alerts.id), 1)
    finally:
        await database.close()
    stage.vendor.behaviour = Behaviour(submit_faults=["out_of_credit"])
    stage.ask()
    await stage.until(lambda: alerts.messages)
    stage.ask()
    await stage.until(stage.videos)
    session = max(one.number for one in stage.discord.sessions)
    stage.discord.faults.append(Fault("GET", "/users/@me", 1, 500, "<html>"))
    stage.discord.world.dispatch("GUILD_CREATE", {"id": "no number"}, None, 0)
    await stage.discord.connected(session=session + 1)
    async with aiohttp.ClientSession() as asker:
        async with asker.post(f"{stage.values['public_url']}/callbacks/vidu/{'x' * 35}", data=b"{}") as answer:
            replies = await answer.read()
        async with asker.get(f"{stage.values['public_url']}/metrics") as answer:
            replies += await answer.read()
    assert b"rushes_callbacks" in replies
    copy = stage.folder / "copy.db"
    await asyncio.to_thread(backup.copied, stage.folder / "rushes.db", copy)
    assert await asyncio.to_thread(packed.packed, stage.settings.media_dir, stage.folder / "copy.tar")
    names = {path.name for path in files_of(stage)}
    assert {"rushes.db", "rushes.db-wal", "copy.db", "copy.tar", "log"} <= names
    assert "Traceback" in (stage.folder / "log").read_text()
    for path in files_of(stage):
        assert found(path.read_bytes(), OLDER) == [], path
    shown = "".join(f"{message.text}{message.components}" for message in stage.discord.messages.values())
    assert found(shown.encode() + replies, OLDER) == []


async def test_the_search_would_find_a_secret(crashing: OpenCrashing) -> None:
    stage = await crashing("vidu")
    leak = stage.folder / "leak"
    leak.write_text(f"Authorization: Token {stages.API_KEY}")
    assert [path for path in files_of(stage) if found(path.read_bytes())] == [leak]
