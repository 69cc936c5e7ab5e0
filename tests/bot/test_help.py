"""/help: it tells of what there is, and of nothing else."""

import contextlib
import sqlite3
from dataclasses import replace
from pathlib import Path

import discord
import pytest

from bot.help import Entry, entries_of, nothing_set_up, page
from providers.orders import Operation
from sandbox.discord import EPHEMERAL, Member, Message
from storage import guilds
from storage.words import GuildSettings
from tests.bot.harness import FakeVendor, Set

NOBODY = discord.Permissions.none()


class Painter(FakeVendor):
    def operations(self) -> tuple[Operation, ...]:
        return (Operation.REFERENCE_TO_IMAGE, Operation.MUSIC_VIDEO)


async def shown(films: Set, who: Member | None = None) -> Message:
    message = await (who or films.ada).type(films.channel, "/help", {}).answered()
    await films.settled()
    assert message.flags & EPHEMERAL
    assert not message.pings
    return message


def offer(films: Set, *vendors: FakeVendor) -> None:
    object.__setattr__(films.ctx, "providers", {vendor.name: vendor for vendor in vendors})


async def test_every_command_that_some_vendor_can_serve_is_told_and_no_other(films: Set) -> None:
    seen = await shown(films)
    for name in ("/video", "/reference", "/image", "/motion", "/avatar", "/jobs", "/cancel", "/balance", "/help"):
        assert f"`{name}` · " in seen.text
    assert "**Animate this image** · " in seen.text
    assert "/mv" not in seen.text
    offer(films, Painter("brush"))
    seen = await shown(films)
    assert "`/image` · " in seen.text
    assert "`/mv create` · " in seen.text
    assert "`/mv show` · " in seen.text
    for name in ("/video", "/motion", "/mv edit", "Animate this image"):
        assert name not in seen.text


async def test_without_a_vendor_it_says_whom_to_tell(films: Set) -> None:
    offer(films)
    seen = await shown(films)
    assert nothing_set_up() in seen.text
    assert "`/jobs` · " in seen.text


async def test_the_commands_of_admins_are_told_to_those_who_may_use_them(films: Set) -> None:
    assert "/setup" not in (await shown(films)).text
    boss = films.guild.add_member("boss")
    boss.permissions |= 1 << 5
    assert "`/setup`" in (await shown(films, boss)).text


async def test_the_rules_of_the_server_are_told(films: Set) -> None:
    plain = (await shown(films)).text
    assert "I ask you before" not in plain
    assert "must agree" not in plain
    assert "Ask a moderator of this server" in plain
    settings = GuildSettings(
        films.guild.id, confirm_above=50, approve_above=1200, moderator_role_id=77, channels=tuple(range(1, 8))
    )
    await films.ctx.database.write(guilds.decided, settings, films.ctx.now())
    seen = (await shown(films)).text
    assert "Above 50 credits I ask you before it begins. Above 1,200 credits a moderator must agree too." in seen
    assert "Ask <@&77>, and name the job" in seen
    assert "Ask in <#1> <#2> <#3> <#4> <#5> and others; elsewhere I don't." in seen
    await films.ctx.database.write(guilds.decided, replace(settings, approve_above=20), films.ctx.now())
    assert "Above 20 credits a moderator must agree. Above 50 credits I ask you too" in (await shown(films)).text
    only = replace(settings, confirm_above=None)
    await films.ctx.database.write(guilds.decided, only, films.ctx.now())
    assert "a moderator must agree. `/balance`" in (await shown(films)).text


async def test_rules_that_cannot_be_read_spoil_nothing_else(films: Set, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "rushes.db")) as file:
        file.execute("ALTER TABLE guild_settings RENAME TO elsewhere")
    assert "`/video` · " in (await shown(films)).text


async def test_it_works_after_a_restart(films: Set) -> None:
    await films.stop()
    await films.start()
    assert "`/video` · " in (await shown(films)).text


async def test_the_page_names_every_command_there_is(films: Set) -> None:
    assert films.bot.client is not None
    tree = films.bot.client.tree
    found = entries_of([*tree.walk_commands(), *tree.walk_commands(type=discord.AppCommandType.message)])
    text = page(found, tuple(Operation), discord.Permissions.all(), None)
    assert all(entry.name in text for entry in found)
    assert len(text) < 4096
    making = {operation for entry in found for operation in entry.operations}
    assert making == set(Operation)


@pytest.mark.parametrize("count", [0, 1, 400])
def test_any_number_of_commands_fits(count: int) -> None:
    entries = [Entry(f"`/command{n}`", "says " * 19, frozenset({Operation.AVATAR}), None) for n in range(count)]
    assert len(page(entries, [Operation.AVATAR], NOBODY, None)) <= 4096
