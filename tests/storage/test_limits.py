"""What stands in the way of a job: blocks, jobs at once, pauses, and budgets by server, channel, member and role."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from storage import Database, guilds, jobs, ledger, limits, moderation
from storage.words import Block, GuildSettings, Job, Limit, LimitKind, Period, Scope, State
from tests.samples_of import HOUR, NOON, a_job

DAY = 24 * HOUR
GUILD, CHANNEL, ADA = 10, 20, 30


async def budget(database: Database, scope: Scope, subject: int, period: Period, credits: int | None) -> None:
    await database.write(guilds.budget_set, GUILD, scope, subject, period, credits)


async def rules(database: Database, **changes: Any) -> None:
    await database.write(guilds.decided, replace(GuildSettings(GUILD), **changes), NOON)


async def hold(database: Database, number: int, **changes: Any) -> Limit | None:
    return await database.write(jobs.held, asked(number, **changes))


def asked(number: int, *, roles: tuple[int, ...] = (), **changes: Any) -> Job:
    """Make a job of its own moment: ids grow with time."""
    moment = changes.get("created_at", NOON)
    return a_job(number, id=(moment << 21) + number, asked={"roles": list(roles)}, **changes)


@pytest.mark.parametrize("period", list(Period))
@pytest.mark.parametrize(
    ("scope", "subject", "elsewhere"),
    [
        (Scope.GUILD, 0, {"guild_id": 11}),
        (Scope.CHANNEL, CHANNEL, {"channel_id": 21}),
        (Scope.MEMBER, ADA, {"user_id": 31}),
        (Scope.MEMBER, 0, {"user_id": 31}),
    ],
)
async def test_a_budget_binds_where_it_belongs_until_it_begins_anew(
    database: Database, scope: Scope, subject: int, elsewhere: dict[str, int], period: Period
) -> None:
    await budget(database, scope, subject, period, 50)
    assert await hold(database, 1) is None
    until = limits.end_of(NOON, period)
    assert await hold(database, 2) == Limit(LimitKind.BUDGET, scope, period, 50, 40, until)
    assert await hold(database, 3, **elsewhere) is None
    assert await hold(database, 4, created_at=until - 1) is not None
    assert await hold(database, 5, created_at=until) is None
    await budget(database, scope, subject, period, None)
    assert await hold(database, 6) is None


async def test_a_members_own_budget_wins_then_the_largest_of_their_roles_then_everyones(database: Database) -> None:
    await budget(database, Scope.MEMBER, 0, Period.MONTH, 40)
    await budget(database, Scope.ROLE, 7, Period.MONTH, 80)
    await budget(database, Scope.ROLE, 8, Period.MONTH, 120)
    for number, (who, roles, times) in enumerate([(31, (), 1), (32, (7,), 2), (33, (8, 7, 9), 3), (34, (9,), 1)]):
        for again in range(times):
            assert await hold(database, 10 * number + again, user_id=who, roles=roles) is None
        limit = await hold(database, 10 * number + 9, user_id=who, roles=roles)
        assert limit is not None
        assert (limit.scope, limit.most, limit.used) == (Scope.MEMBER, 40 * times, 40 * times)
    await budget(database, Scope.MEMBER, 33, Period.MONTH, 10)
    assert await hold(database, 99, user_id=33, roles=(8,), price=1) is not None


async def test_roles_nobody_gave_a_budget_leave_a_member_unbound(database: Database) -> None:
    await budget(database, Scope.ROLE, 7, Period.DAY, 0)
    assert await hold(database, 1, roles=(8,), price=10**9) is None
    assert await hold(database, 2, roles=(8, 7)) is not None


async def test_what_is_given_back_can_be_spent_again_by_the_same_member(database: Database) -> None:
    await budget(database, Scope.MEMBER, 0, Period.DAY, 40)
    assert await hold(database, 1) is None
    await database.write(ledger.release, asked(1), NOON)
    assert await hold(database, 2) is None


async def test_a_blocked_member_is_kept_out_until_the_moment_said(database: Database) -> None:
    await database.write(moderation.blocked, GUILD, Block(ADA, NOON + HOUR, 1, "spam", NOON))
    assert await hold(database, 1) == Limit(LimitKind.BLOCKED, until=NOON + HOUR)
    assert await hold(database, 2, user_id=31) is None
    assert await hold(database, 3, guild_id=11) is None
    assert await hold(database, 4, created_at=NOON + HOUR) is None
    await database.write(moderation.blocked, GUILD, Block(ADA, None, 1, "again", NOON))
    assert await hold(database, 5, created_at=NOON + 100 * DAY) == Limit(LimitKind.BLOCKED)
    assert await database.write(moderation.unblocked, GUILD, ADA)
    assert not await database.write(moderation.unblocked, GUILD, ADA)
    assert await hold(database, 6) is None


async def test_no_more_than_so_many_jobs_of_a_member_run_at_once(database: Database) -> None:
    await rules(database, most_running=2)
    assert [await hold(database, number) for number in (1, 2)] == [None, None]
    assert await hold(database, 3) == Limit(LimitKind.RUNNING, most=2, used=2)
    assert await hold(database, 4, user_id=31) is None
    await database.write(jobs.move, asked(1), NOON, State.CANCELLED, {"due_at": None})
    assert await hold(database, 5) is None


async def test_between_two_jobs_of_a_member_the_pause_must_pass(database: Database) -> None:
    await rules(database, cooldown=60)
    assert await hold(database, 1) is None
    assert await hold(database, 2, created_at=NOON + 59_999) == Limit(LimitKind.COOLDOWN, most=60, until=NOON + 60_000)
    assert await hold(database, 3, created_at=NOON + 59_999, user_id=31) is None
    assert await hold(database, 4, created_at=NOON + 60_000) is None


async def test_what_is_refused_leaves_nothing_behind(database: Database) -> None:
    await rules(database, most_running=0)
    assert await hold(database, 1) is not None
    assert await database.read(jobs.by_id, asked(1).id) is None
    assert await database.read(ledger.of_job, asked(1).id) == []


async def test_thirty_two_at_once_get_what_a_members_budget_holds_and_no_more(database: Database) -> None:
    await budget(database, Scope.MEMBER, 0, Period.DAY, 95)
    for round_ in range(5):
        moment = NOON + round_ * DAY
        granted = await asyncio.gather(
            *(hold(database, 100 * round_ + number, created_at=moment) for number in range(32))
        )
        assert granted.count(None) == 2


async def test_a_dearer_price_counts_against_the_members_budget_and_not_twice(database: Database) -> None:
    await budget(database, Scope.MEMBER, 0, Period.DAY, 100)
    assert await hold(database, 1) is None
    assert await database.write(ledger.changed, asked(1, price=100))
    assert not await database.write(ledger.changed, asked(1, price=101))


async def test_the_budgets_that_bind_a_member_are_listed_with_what_is_used(database: Database) -> None:
    await budget(database, Scope.GUILD, 0, Period.MONTH, 500)
    await budget(database, Scope.ROLE, 7, Period.DAY, 90)
    await hold(database, 1, roles=(7,))
    await hold(database, 2, user_id=31)
    found = await database.read(limits.allowances, GUILD, CHANNEL, ADA, (7,), NOON)
    assert [(one.scope, one.period, one.credits, used) for one, used in found] == [
        (Scope.GUILD, Period.MONTH, 500, 80),
        (Scope.MEMBER, Period.DAY, 90, 40),
    ]


def test_days_and_months_end_where_the_next_begin() -> None:
    december = 1_767_139_200_000  # 2025-12-31
    assert limits.start_of(december + 5, Period.DAY) == december
    assert limits.end_of(december + 5, Period.DAY) == limits.end_of(december + 5, Period.MONTH) == december + DAY
    february = limits.start_of(1_709_164_800_000, Period.MONTH)  # of a leap year
    assert limits.end_of(february, Period.MONTH) - february == 29 * DAY


async def test_a_thread_spends_of_its_channels_budget(database: Database) -> None:
    await budget(database, Scope.CHANNEL, CHANNEL, Period.DAY, 50)
    assert await hold(database, 1, channel_id=99, parent_id=CHANNEL) is None
    refused = Limit(LimitKind.BUDGET, Scope.CHANNEL, Period.DAY, 50, 40, limits.end_of(NOON, Period.DAY))
    assert await hold(database, 2) == refused
    assert await hold(database, 3, channel_id=98, parent_id=CHANNEL) == refused


# Outside of servers


async def outside(database: Database, number: int, most: int, **changes: Any) -> Limit | None:
    return await database.write(jobs.held, asked(number, guild_id=None, **changes), most)


async def test_outside_of_servers_nothing_is_taken_unless_that_is_allowed(database: Database) -> None:
    closed = Limit(LimitKind.BUDGET, Scope.MEMBER, Period.DAY, 0, 0, limits.end_of(NOON, Period.DAY))
    assert await database.write(jobs.held, asked(1, guild_id=None)) == closed
    assert await outside(database, 2, 0, price=0) == closed
    assert await outside(database, 3, -5, price=0) is not None


async def test_outside_of_servers_each_person_has_their_own_limit_by_the_day(database: Database) -> None:
    assert await hold(database, 1) is None  # what is spent in a server does not count here
    assert await outside(database, 2, 80) is None
    assert await outside(database, 3, 80, channel_id=77) is None
    over = Limit(LimitKind.BUDGET, Scope.MEMBER, Period.DAY, 80, 80, limits.end_of(NOON, Period.DAY))
    assert await outside(database, 4, 80) == over
    assert await outside(database, 5, 80, user_id=31) is None
    assert await outside(database, 6, 80, created_at=NOON + DAY) is None


async def test_what_is_left_outside_of_servers_is_told(database: Database) -> None:
    await outside(database, 1, 100)
    [(told, used)] = await database.read(limits.allowances, None, CHANNEL, ADA, (), NOON, 100)
    assert (told.credits, told.period, used) == (100, Period.DAY, 40)


async def test_two_requests_outside_of_servers_cannot_both_take_the_last_credits(database: Database) -> None:
    answers = await asyncio.gather(*(outside(database, number, 40) for number in range(1, 9)))
    assert answers.count(None) == 1
