"""Two servers with keys of their own at one vendor: each is served and believed by its own account, from end to end."""

from dataclasses import replace
from pathlib import Path

from sandbox.vendors import VendorKeys
from tests.journeys.conftest import OpenStage
from tests.journeys.stage import SHORT
from tests.journeys.test_secrets import files_of

FIRST, SECOND = "canary-first-servers-key-0011", "canary-second-servers-key-0022"


async def test_two_servers_make_videos_with_their_own_keys(open_a_stage: OpenStage) -> None:
    stage = await open_a_stage("vidu")
    stage.vendor.further = [replace(VendorKeys("x"), api_key=key) for key in (FIRST, SECOND)]
    elsewhere = stage.discord.add_guild("Elsewhere")
    places = [(stage.channel, stage.channel.guild, FIRST), (elsewhere.add_channel("reels"), elsewhere, SECOND)]
    for channel, guild, key in places:
        assert guild is not None
        boss = guild.add_member("boss")
        boss.permissions |= 1 << 5
        panel = await boss.type(channel, "/setup", {}).answered()
        await boss.press_custom_id(panel, "keys:page").acknowledged()
        await stage.until(lambda panel=panel: "keys:set:vidu" in str(panel.components))
        shown = boss.press_custom_id(panel, "keys:set:vidu")
        await shown.modal_shown()
        await boss.submit(shown, {"api_key": key}).acknowledged()
        await stage.until(lambda panel=panel: "is set" in str(panel.components))
        await boss.type(channel, "/video", {**SHORT, "model": "viduq3-turbo"}).answered()
    await stage.until(lambda: stage.rows("SELECT count(*) FROM deliveries WHERE state = 'posted'") == [(2,)], 60)
    assert [task.keys and task.keys.api_key for task in stage.vendor.tasks.values()] == [FIRST, SECOND]
    assert {sent.status for sent in stage.vendor.sent} == {200}
    assert not [step for step in stage.steps if step.name == "callback refused"]
    for path in files_of(stage):
        assert leaked(path) == [], path
    shown = "\n".join(f"{message.text}{message.components}" for message in stage.discord.messages.values())
    assert not [key for key in (FIRST, SECOND) if key in shown]


def leaked(path: Path) -> list[str]:
    data = path.read_bytes()
    return [key for key in (FIRST, SECOND) if key.encode() in data]
