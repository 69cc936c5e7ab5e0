"""/settings: who may, what is stored, and that a channel for alerts is one that can be posted in."""

import contextlib
import sqlite3
from pathlib import Path

import pytest

from bot.admin import NONE, shown
from sandbox.discord import EPHEMERAL, Channel, Member, Message, NotOfferedError
from storage import guilds
from storage.words import GuildSettings, Period, Scope
from tests.bot.harness import Set

MANAGE_GUILD = 1 << 5


@pytest.fixture
def admin(films: Set) -> Member:
    boss = films.guild.add_member("boss")
    boss.permissions |= MANAGE_GUILD
    return boss


async def answer(who: Member, channel: Channel, **options: object) -> Message:
    message = await who.type(channel, "/settings", options).answered()
    assert message.flags & EPHEMERAL
    assert not message.pings
    return message


async def stored(films: Set) -> GuildSettings:
    return await films.ctx.database.read(guilds.settings_of, films.guild.id)


async def test_without_options_the_settings_are_shown_and_stay(films: Set, admin: Member) -> None:
    seen = await answer(admin, films.channel)
    for words in ("the cheapest that can", "the job waits for its provider", "nowhere but in the log", "no limit"):
        assert words in seen.text
    assert await stored(films) == GuildSettings(films.guild.id)
    assert "settings changed" not in films.steps()


async def test_what_is_decided_is_stored_and_the_rest_stays(films: Set, admin: Member) -> None:
    await films.ctx.database.write(guilds.budget_set, films.guild.id, Scope.GUILD, 0, Period.MONTH, 500)
    room = films.guild.add_channel("alerts")
    seen = await answer(admin, films.channel, provider="ACME", fallback=True, alerts=room)
    assert await stored(films) == GuildSettings(films.guild.id, "acme", fallback=True, alerts_channel_id=room.id)
    for words in ("Acme, where it can", "another provider may be tried", f"<#{room.id}>", "500 credits a month"):
        assert words in seen.text
    assert [message.author for message in room.messages] == [films.discord.bot]
    await answer(admin, films.channel, provider=NONE)
    await answer(admin, films.channel, fallback=False)
    await answer(admin, films.channel, alerts_off=True)
    assert await stored(films) == GuildSettings(films.guild.id)


async def test_what_is_used_and_held_this_month_is_shown(films: Set, admin: Member) -> None:
    await films.accepted()
    assert "40 credits used or held" in (await answer(admin, films.channel)).text


async def test_a_channel_the_bot_may_not_post_in_is_refused(films: Set, admin: Member) -> None:
    room = films.guild.add_channel("closed")
    room.deny("SEND_MESSAGES")
    seen = await answer(admin, films.channel, alerts=room, fallback=True)
    assert f"I can't post in <#{room.id}>" in seen.text
    assert "Nothing was changed" in seen.text
    assert await stored(films) == GuildSettings(films.guild.id)


async def test_a_provider_that_is_not_here_is_refused(films: Set, admin: Member) -> None:
    seen = await answer(admin, films.channel, provider="@everyone [x](https://evil.example)")
    assert "There is no provider called" in seen.text
    assert "](https://evil" not in seen.text
    assert await stored(films) == GuildSettings(films.guild.id)


async def test_providers_are_suggested(films: Set, admin: Member) -> None:
    offers = await admin.autocomplete(films.channel, "/settings", {"provider": ""}, "provider")
    assert [offer["value"] for offer in offers] == [NONE, "acme"]
    offers = await admin.autocomplete(films.channel, "/settings", {"provider": "AC"}, "provider")
    assert [offer["value"] for offer in offers] == ["acme"]


async def test_members_are_not_offered_it_and_are_refused_where_it_was_shown_to_them(films: Set) -> None:
    with pytest.raises(NotOfferedError):
        films.ada.type(films.channel, "/settings", {})
    for command in films.discord.world.commands[None]:
        command["default_member_permissions"] = None
    seen = await answer(films.mod, films.channel, fallback=True)
    assert "Nothing was changed" in seen.text
    assert "credits" not in seen.text
    assert await stored(films) == GuildSettings(films.guild.id)


async def test_a_server_decides_for_itself_alone(films: Set, admin: Member) -> None:
    elsewhere = films.discord.add_guild("Elsewhere")
    lobby, eve = elsewhere.add_channel("lobby"), elsewhere.add_member("eve")
    eve.permissions |= MANAGE_GUILD
    await answer(eve, lobby, fallback=True)
    assert await stored(films) == GuildSettings(films.guild.id)
    assert (await films.ctx.database.read(guilds.settings_of, elsewhere.id)).fallback


async def test_a_database_that_does_not_store_is_told(films: Set, admin: Member, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "rushes.db")) as file:
        file.execute("ALTER TABLE guild_settings RENAME TO elsewhere")
    seen = await answer(admin, films.channel, fallback=True)
    assert "can't store anything just now, so nothing was changed" in seen.text


def test_a_provider_that_is_not_set_up_any_more_is_still_named() -> None:
    class Nobody:
        providers: dict[str, object] = {}  # noqa: RUF012 -- read only

    text = shown(Nobody(), GuildSettings(1, default_provider="kling"), 1, None)  # pyright: ignore[reportArgumentType] -- all it reads
    assert "Kling, where it can" in text
    assert "1 credit used or held" in text
