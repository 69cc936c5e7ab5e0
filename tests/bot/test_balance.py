"""/balance: what a member may still spend, and what binds them."""

from dataclasses import replace
from pathlib import Path

import pytest

from bot.balance import card_of as balance_of
from bot.balance import headline
from storage import guilds, moderation
from storage.members import Allowance, Standing
from storage.words import Block, Budget, GuildSettings, Period, Scope
from tests.bot.harness import Set
from tests.bot.test_mine import HOSTILE, asked, broken
from tests.samples_of import NOON


async def test_who_is_bound_by_nothing_is_told_so(films: Set) -> None:
    seen = await asked(films, films.ada, "/balance")
    assert "There is no limit on the credits you may spend here." in seen.text
    assert "**In the making** · 0; there is no limit" in seen.text
    assert "**Pause between two requests** · none" in seen.text
    assert "blocked" not in seen.text


async def test_what_binds_a_member_is_told_with_what_is_used_reserved_and_left(films: Set) -> None:
    database, guild = films.ctx.database, films.guild.id
    await database.write(guilds.budget_set, guild, Scope.MEMBER, 0, Period.DAY, 100)
    await database.write(guilds.budget_set, guild, Scope.GUILD, 0, Period.MONTH, 5000)
    await database.write(guilds.budget_set, guild, Scope.MEMBER, films.ben.id, Period.DAY, 7)
    rules = replace(GuildSettings(guild), most_running=3, cooldown=90)
    job, _ = await films.accepted()
    await films.finished(job, charged=25)
    await films.accepted()
    await database.write(guilds.decided, rules, films.ctx.now())
    seen = await asked(films, films.ada, "/balance")
    assert "**35 credits** today and **4,935 credits** this month" in seen.text
    assert "**You, today** · 35 of 100 credits left: 25 used, 40 reserved" in seen.text
    assert "**The whole server, this month** · 4,935 of 5,000 credits left" in seen.text
    assert seen.text.count("begins anew <t:") == 2
    assert "**In the making** · 1 of at most 3 at a time" in seen.text
    assert "1 min 30 s; you may ask again <t:" in seen.text
    films.clock.ahead += 91
    assert "you may ask now" in (await asked(films, films.ada, "/balance")).text


async def test_a_block_is_told_without_its_reason_which_is_the_moderators_own(films: Set) -> None:
    block = Block(films.ada.id, films.ctx.now() + 3_600_000, films.mod.id, HOSTILE, films.ctx.now())
    await films.ctx.database.write(moderation.blocked, films.guild.id, block)
    seen = await asked(films, films.ada, "/balance")
    assert f"blocked you from using this bot here until <t:{(block.until or 0) // 1000}:f>" in seen.text
    assert "evil" not in seen.text
    assert "blocked" not in (await asked(films, films.ben, "/balance")).text


async def test_a_balance_that_cannot_be_read_says_so(films: Set, tmp_path: Path) -> None:
    broken(tmp_path)
    assert "can't look anything up just now" in (await asked(films, films.ada, "/balance")).text


def an_allowance(period: Period, credits: int, used: int = 0) -> Allowance:
    return Allowance(Budget(Scope.MEMBER, 1, period, credits), used, 0, NOON)


@pytest.mark.parametrize(
    ("allowances", "words"),
    [
        ([], "no limit on the credits"),
        ([an_allowance(Period.DAY, 1)], "**1 credit** today. There is no limit by the month"),
        ([an_allowance(Period.MONTH, 9)], "**9 credits** this month. There is no limit by the day"),
        ([an_allowance(Period.DAY, 50), an_allowance(Period.MONTH, 9)], "**9 credits** today and **9 credits** this"),
        ([an_allowance(Period.DAY, 5), an_allowance(Period.DAY, 3, 9)], "**0 credits** today"),
    ],
)
def test_the_narrowest_budget_decides(allowances: list[Allowance], words: str) -> None:
    assert words in headline(allowances)


def test_a_block_without_end_is_said_plainly() -> None:
    text = balance_of(Standing((), 0, None, None, 0, Block(1, None, 2, " ", 3)), NOON).body
    assert "using this bot here.** Please talk to them." in text
