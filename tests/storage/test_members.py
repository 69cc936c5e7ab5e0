"""One member's facts: their list, what they may still give up and spend, what is stored, and its deletion."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from storage import Connection, Database, deliveries, guilds, inbox, jobs, ledger, members, moderation, outputs
from storage.members import Which
from storage.tables import inbox as inbox_table
from storage.words import (
    Block,
    Budget,
    GuildSettings,
    Job,
    Period,
    Place,
    Preset,
    Scope,
    State,
    StoredInput,
    StoredShot,
)
from tests.samples_of import HOUR, NOON, a_job

GUILD, CHANNEL, ADA, BEN = 10, 20, 30, 31
WORDED: dict[str, Any] = {
    "asked": {"model": None, "extras": {"negative_prompt": "no rain"}, "roles": [7]},
    "options": {
        "duration": 5,
        "resolution": "720p",
        "extras": {"negative_prompt": "no rain", "cfg_scale": 0.5, "bgm": True},
        "strokes": [[[1, 2], [3, 4]]],
    },
    "inputs": (StoredInput("first_frame", "image/png", "0000000000001-0-first-frame.png", 9, 3, 3),),
}


def asked(number: int, **changes: Any) -> Job:
    moment = changes.get("created_at", NOON)
    return a_job(number, id=(moment << 21) + number, **changes)


async def hold(database: Database, *many: Job) -> None:
    for job in many:
        assert await database.write(jobs.held, job, 10_000) is None


def _ended(connection: Connection, job: Job, state: State, reported: int | None) -> None:
    connection_facts: dict[str, Any] = {"due_at": None, "detail": "the vendor says no"}
    jobs.move(connection, job, NOON + 5, state, connection_facts)
    if state is State.SUCCEEDED:
        ledger.settle(connection, job, NOON + 5, reported)
    else:
        ledger.release(connection, job, NOON + 5)


async def end(database: Database, job: Job, state: State = State.SUCCEEDED, reported: int | None = 30) -> None:
    await database.write(_ended, job, state, reported)


async def job_of(database: Database, job: Job) -> Job:
    found = await database.read(jobs.by_id, job.id)
    assert found is not None
    return found


# The list


async def test_those_that_go_on_come_first_then_the_newest(database: Database) -> None:
    many = [asked(number, created_at=NOON + number) for number in range(1, 6)]
    await hold(database, *many)
    for number in (0, 3, 4):
        await end(database, many[number])

    async def numbers(which: Which, offset: int = 0, limit: int = 9) -> list[int]:
        found = await database.read(members.listed, GUILD, ADA, which, offset, limit)
        return [one.job.id & 7 for one in found]

    assert await numbers(Which.ALL) == [3, 2, 5, 4, 1]
    assert await numbers(Which.RUNNING) == [3, 2]
    assert await numbers(Which.FINISHED) == [5, 4, 1]
    assert await numbers(Which.ALL, 1, 3) == [2, 5, 4]
    assert await numbers(Which.ALL, 5) == []


async def test_the_list_is_one_members_in_one_server(database: Database) -> None:
    await hold(database, asked(1), asked(2, user_id=BEN), asked(3, guild_id=11))
    assert [one.job.id & 7 for one in await database.read(members.listed, GUILD, ADA, Which.ALL, 0, 9)] == [1]


async def test_a_job_is_listed_with_its_result(database: Database) -> None:
    await hold(database, asked(1))
    await database.write(outputs.announced, asked(1).id, [("video", "https://a.example/1"), ("video", "x")], NOON)
    _, second = await database.read(outputs.of_job, asked(1).id)
    about: dict[str, Any] = {"size": 1, "sha256": "0", "seconds": None, "width": None, "height": None}
    await database.write(outputs.fetched, second.id, file="b.mp4", **about)
    await database.write(deliveries.awaited, asked(1).id)
    await database.write(deliveries.posted, asked(1).id, 99, NOON)
    [one] = await database.read(members.listed, GUILD, ADA, Which.ALL, 0, 9)
    assert one.file == "b.mp4"
    assert one.delivery is not None
    assert one.delivery.message_id == 99


# What can be given up


async def test_what_can_be_given_up_by_whom(database: Database) -> None:
    await hold(
        database,
        asked(1, channel_id=21),
        asked(2, user_id=BEN),
        asked(3, user_id=BEN, channel_id=21),
        asked(4, guild_id=11),
        asked(5),
        asked(6, state=State.CANCELLING),
    )
    await end(database, asked(5))

    async def numbers(*, everybody: bool, limit: int = 9) -> list[int]:
        found = await database.read(members.cancellable, GUILD, ADA, everybody=everybody, limit=limit)
        return [job.id & 7 for job in found]

    assert await numbers(everybody=False) == [1]
    assert await numbers(everybody=True) == [1, 3, 2]
    assert await numbers(everybody=True, limit=2) == [1, 3]


# What may be spent


async def test_a_member_without_any_rule_stands_free(database: Database) -> None:
    found = await database.read(members.standing, GUILD, CHANNEL, ADA, (), NOON)
    assert found == members.Standing((), 0, None, None, 0, None)


async def test_a_budget_tells_what_is_used_what_of_it_is_only_held_and_what_is_left(database: Database) -> None:
    await database.write(guilds.budget_set, GUILD, Scope.GUILD, 0, Period.MONTH, 500)
    await database.write(guilds.budget_set, GUILD, Scope.CHANNEL, CHANNEL, Period.DAY, 100)
    await database.write(guilds.budget_set, GUILD, Scope.ROLE, 7, Period.DAY, 90)
    await hold(database, asked(1), asked(2), asked(3, user_id=BEN, channel_id=21), asked(4, guild_id=11))
    await end(database, asked(1), reported=25)
    found = await database.read(members.standing, GUILD, CHANNEL, ADA, (7,), NOON)
    shown = [(one.budget.scope, one.used, one.held, one.left) for one in found.allowances]
    assert shown == [(Scope.GUILD, 105, 80, 395), (Scope.CHANNEL, 65, 40, 35), (Scope.MEMBER, 65, 40, 25)]
    assert all(one.until > NOON for one in found.allowances)


async def test_less_than_nothing_is_never_left(database: Database) -> None:
    await hold(database, asked(1))
    await database.write(guilds.budget_set, GUILD, Scope.MEMBER, ADA, Period.DAY, 10)
    [one] = (await database.read(members.standing, GUILD, CHANNEL, ADA, (), NOON)).allowances
    assert (one.used, one.left) == (40, 0)


async def test_jobs_at_once_the_pause_and_a_block_are_told(database: Database) -> None:
    rules = replace(GuildSettings(GUILD), most_running=3, cooldown=60)
    await database.write(guilds.decided, rules, NOON)
    await hold(database, asked(3, created_at=NOON - 25 * HOUR), asked(1), asked(2, user_id=BEN))
    block = Block(ADA, NOON + HOUR, 1, "spam", NOON)
    await database.write(moderation.blocked, GUILD, block)
    found = await database.read(members.standing, GUILD, CHANNEL, ADA, (), NOON)
    assert found == members.Standing((), 2, 3, 60, NOON + 60_000, block)
    assert (await database.read(members.standing, GUILD, CHANNEL, ADA, (), NOON + HOUR)).block is None
    assert (await database.read(members.standing, GUILD, CHANNEL, BEN, (), NOON)).block is None


# What is stored


async def test_everything_about_a_member_is_found_in_every_server_and_nobody_elses(database: Database) -> None:
    await hold(database, asked(1), asked(2, guild_id=11), asked(3, user_id=BEN), asked(4, guild_id=None))
    await end(database, asked(1))
    await database.write_together(inbox.stored, inbox.Letter("vidu", asked(1).id, "n", "data", b"{}", 5))
    found = await database.read(members.kept, ADA, None, 9)
    assert [one.job.id & 7 for one in found] == [4, 2, 1]
    assert [(row.kind, row.amount) for row in found[2].ledger] == [("hold", -40), ("settle", 10)]
    assert found[2].callbacks == (5,)
    assert [one.job.id & 7 for one in await database.read(members.kept, ADA, asked(4).id, 1)] == [2]
    assert await database.read(members.kept, ADA, asked(1).id, 9) == []


async def test_blocks_budgets_presets_and_acts_of_a_member_are_found(database: Database) -> None:
    assert await database.read(members.about, ADA) == members.About((), (), (), ())
    block, preset = Block(ADA, None, 1, "spam", NOON), Preset("noir", "black and white", {}, ADA, NOON)
    await database.write(moderation.blocked, 11, block)
    await database.write(moderation.blocked, 11, replace(block, user_id=BEN))
    await database.write(guilds.preset_saved, GUILD, preset)
    await database.write(guilds.preset_saved, GUILD, replace(preset, name="other", by=BEN))
    await database.write(guilds.budget_set, GUILD, Scope.MEMBER, ADA, Period.DAY, 5)
    await database.write(guilds.budget_set, GUILD, Scope.CHANNEL, ADA, Period.DAY, 6)
    await database.write(moderation.acted, GUILD, 1, "block", str(ADA), NOON, reason="spam")
    await database.write(moderation.acted, GUILD, 1, "cancel", "code", NOON, member=ADA)
    await database.write(moderation.acted, GUILD, ADA, "settings", "fallback", NOON)
    await database.write(moderation.acted, GUILD, 1, "cancel", "code", NOON, member=BEN)
    await database.write(moderation.acted, GUILD, 1, "block", str(BEN), NOON, member="strange")
    found = await database.read(members.about, ADA)
    assert found.blocks == ((11, block),)
    assert found.presets == ((GUILD, preset),)
    assert found.budgets == ((GUILD, Budget(Scope.MEMBER, ADA, Period.DAY, 5)),)
    assert [act.kind for act in found.acts] == ["settings", "cancel", "block"]


# Deletion


def _bodies(connection: Connection) -> list[bytes]:
    return list(connection.execute(select(inbox_table.c.body)).scalars())


async def test_words_and_files_go_and_what_the_sums_stand_on_stays(database: Database) -> None:
    job = asked(1, shots=(StoredShot("s", "succeeded", "a wave"),), **WORDED)
    await hold(database, job)
    await database.write(outputs.announced, job.id, [("video", "https://a.example/secret")], NOON)
    [output] = await database.read(outputs.of_job, job.id)
    await database.write(outputs.not_fetched, output, None, refused=True, problem="HTTP 404")
    letter = inbox.Letter("vidu", job.id, "n", "data", b'{"prompt": "a boat"}', 5)
    await database.write_together(inbox.stored, letter)
    await database.write(inbox.settled, [1], NOON, "succeeded")
    await end(database, job)
    before = await job_of(database, job)
    assert await database.write(members.silenced, ADA, 9) == 1
    after = await job_of(database, job)
    assert (after.prompt, after.user_name, after.inputs, after.asked, after.shots, after.detail) == (
        "", "", (), {}, (), None,
    )  # fmt: skip
    assert after.options == {"duration": 5, "resolution": "720p", "extras": {"cfg_scale": 0.5, "bgm": True}}
    emptied = {name: getattr(after, name) for name in ("prompt", "user_name", "inputs", "asked", "shots", "detail")}
    assert replace(before, **emptied, options=after.options, silenced=True) == after
    [output] = await database.read(outputs.of_job, job.id)
    assert (output.url, output.file, output.sha256) == ("", None, None)
    assert await database.read(_bodies) == [b""]
    assert not await database.write_together(inbox.stored, letter._replace(body=b"again", received_at=6))
    assert await database.read(ledger.spent_this_month, GUILD, NOON) == 30
    assert await database.write(members.silenced, ADA, 9) == 0


@pytest.mark.parametrize("asked_in", [{}, {"guild_id": None, "place": Place.DIRECT}])
async def test_jobs_that_something_can_still_come_of_are_left(database: Database, asked_in: dict[str, Any]) -> None:
    root = asked(6, operation="music_video", **WORDED)
    many = [asked(number, **WORDED) for number in range(1, 6)]
    await hold(database, *many, root, asked(7, root_id=root.id, operation="edit_shot", user_id=BEN, **asked_in))
    running, doubtful, fetching, posting, ringing = many
    await database.write(jobs.move, doubtful, NOON, State.EXPIRED, {"due_at": NOON})
    for job in (fetching, posting, ringing, root):
        await end(database, job)
    await database.write(outputs.announced, fetching.id, [("video", "u")], NOON)
    await database.write(deliveries.awaited, posting.id)
    await database.write(deliveries.ready, posting.id, NOON)
    await database.write_together(inbox.stored, inbox.Letter("vidu", ringing.id, "n", "data", b"{}", 5))
    assert await database.write(members.silenced, ADA, 9) == 0
    assert [job.id & 7 for job in await database.read(members.unfinished, ADA)] == [6, 5, 4, 3, 2, 1]
    assert await database.read(members.finished, ADA) == []
    assert (await job_of(database, running)).prompt == "a boat"
    await end(database, running, State.CANCELLED)
    await end(database, asked(7, **asked_in), State.FAILED)
    await database.write(deliveries.parked, posting.id, "gone")
    assert await database.write(members.silenced, ADA, 9) == 3
    assert [job_id & 7 for job_id in await database.read(members.finished, ADA)] == [1, 4, 6]


async def test_only_the_members_own_jobs_are_silenced_in_every_server_and_in_small_steps(database: Database) -> None:
    many = [asked(1, **WORDED), asked(2, guild_id=11), asked(3, guild_id=None), asked(4, user_id=BEN, **WORDED)]
    await hold(database, *many)
    for job in many:
        await end(database, job)
    assert [await database.write(members.silenced, ADA, 2) for _ in range(3)] == [2, 1, 0]
    assert (await job_of(database, many[3])).asked == WORDED["asked"]
