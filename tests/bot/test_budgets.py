"""/budget: limits for the server, a channel, a member, a role or everybody; admins alone, and they bind at once."""

import contextlib
import sqlite3
from pathlib import Path

import pytest

from bot.acts import text_of
from bot.budgets import how_much, listing, one_only
from bot.setup import not_admin, not_stored
from sandbox.discord import EPHEMERAL, Member, NotOfferedError
from storage import guilds, moderation
from storage.words import Budget, Period, Scope
from tests.bot.harness import Set


async def said(films: Set, who: Member, **options: object) -> str:
    message = await who.type(films.channel, "/budget", options).answered()
    assert message.flags & EPHEMERAL
    assert not message.pings
    return message.text


async def test_without_options_the_budgets_are_shown(films: Set, admin: Member) -> None:
    assert "Nothing limits what is spent here" in await said(films, admin)
    assert await films.ctx.database.read(moderation.acts_of, films.guild.id, 5) == []


async def test_each_kind_of_budget_is_set_shown_told_and_taken_away(films: Set, admin: Member) -> None:
    role = films.guild.add_role("crew")
    for options, shown in (
        ({}, "**This server**, a month: 50 credits"),
        ({"channel": films.channel, "period": "day"}, f"**<#{films.channel.id}>**, a day: 50 credits"),
        ({"member": films.ada}, f"**<@{films.ada.id}>**, a month: 50 credits"),
        ({"role": role}, f"**Each with <@&{role}>**, a month: 50 credits"),
        ({"everybody": True, "period": "day"}, "**Each member**, a day: 50 credits"),
    ):
        assert shown in await said(films, admin, credits=50, **options)
        [act] = await films.ctx.database.read(moderation.acts_of, films.guild.id, 1)
        assert "to 50 credits" in text_of(act)
        assert shown not in await said(films, admin, unlimited=True, **options)
    assert await films.ctx.database.read(guilds.budgets_of, films.guild.id) == []


async def test_a_members_budget_binds_at_once_and_nobody_else(films: Set, admin: Member) -> None:
    await said(films, admin, credits=39, member=films.ada)
    refusal = await films.ask().answered()
    assert "you have 39 credits left for this month" in refusal.text
    await films.taken(films.ask(films.ben))


async def test_a_roles_budget_binds_whoever_has_it(films: Set, admin: Member) -> None:
    role = films.guild.add_role("crew")
    films.ben.roles.append(role)
    await said(films, admin, credits=0, role=role)
    assert "you have 0 credits left" in (await films.ask(films.ben).answered()).text
    await films.accepted()


async def test_what_is_not_clear_changes_nothing(films: Set, admin: Member) -> None:
    assert await said(films, admin, member=films.ada, everybody=True, credits=5) == one_only()
    for options in ({"member": films.ada}, {"credits": 5, "unlimited": True}, {"everybody": True}):
        assert await said(films, admin, **options) == how_much()
    assert await films.ctx.database.read(guilds.budgets_of, films.guild.id) == []


async def test_members_are_not_offered_it_and_are_refused_where_it_was_shown_to_them(films: Set) -> None:
    with pytest.raises(NotOfferedError):
        films.ada.type(films.channel, "/budget", {})
    for command in films.discord.world.commands[None]:
        command["default_member_permissions"] = None
    assert await said(films, films.mod, credits=10**9) == not_admin()


async def test_a_database_that_does_not_store_is_told(films: Set, admin: Member, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "rushes.db")) as file:
        file.execute("ALTER TABLE budgets RENAME TO elsewhere")
    assert await said(films, admin, credits=1) == not_stored()


def test_a_long_list_still_fits() -> None:
    text = listing([Budget(Scope.ROLE, 10**18 + number, Period.MONTH, 10**12) for number in range(200)])
    assert "and 160 more" in text
    assert len(text) < 4096
