"""Dear requests: the member says yes first, a moderator above another price; credits are held and nothing is lost."""

import contextlib
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot import alerts
from jobs.transitions import Event
from sandbox.discord import EPHEMERAL, Channel, Fault, Message
from storage import guilds, ledger, moderation
from storage.words import Entry, GuildSettings, Job, Period, Scope, State
from tests.bot.harness import Set

HOUR = 3600


async def rules(films: Set, **changes: Any) -> None:
    settings = replace(GuildSettings(films.guild.id), **changes)
    await films.ctx.database.write(guilds.decided, settings, films.ctx.now())


async def told(films: Set) -> None:
    await alerts.work(films.ctx, films.bot).once()


async def state(films: Set, job: Job) -> State:
    return (await films.job(job.id)).state


async def kinds(films: Set, job: Job) -> list[Entry]:
    return [row.kind for row in await films.ctx.database.read(ledger.of_job, job.id)]


async def dear(films: Set) -> tuple[Job, Message, Channel]:
    """Ask for something that a moderator must approve, in the moderators' channel."""
    room = films.guild.add_channel("moderators")
    await rules(films, approve_above=39, moderators_channel_id=room.id)
    job, card = await films.accepted(prompt="a boat @everyone")
    await told(films)
    return job, card, room


async def test_up_to_the_price_nobody_is_asked(films: Set) -> None:
    await rules(films, confirm_above=40, approve_above=40)
    job, card = await films.accepted()
    assert job.state is State.QUEUED
    assert [button.label for button in card.buttons] == ["Cancel"]


async def test_above_it_the_member_sees_the_price_and_begins_it_with_yes(films: Set) -> None:
    await rules(films, confirm_above=39)
    job, card = await films.accepted()
    assert (job.state, await kinds(films, job)) == (State.CONFIRMING, [Entry.HOLD])
    assert "**40 credits**" in card.text
    assert "begins when you say yes" in card.text
    assert [button.label for button in card.buttons] == ["Yes, for 40 credits", "Cancel"]
    answer = await films.ada.press(card, "Yes, for 40 credits").answered()
    assert answer.flags & EPHEMERAL
    assert "it begins" in answer.text
    assert await state(films, job) is State.QUEUED
    await films.edit_cards()
    assert [button.label for button in card.buttons] == ["Cancel"]


async def test_yes_works_after_a_restart_and_once(films: Set) -> None:
    await rules(films, confirm_above=39)
    job, card = await films.accepted()
    await films.stop()
    await films.start()
    answers = [await films.ada.press(card, "Yes, for 40 credits").answered() for _ in range(2)]
    assert "it begins" in answers[0].text
    assert "nothing to agree to any more" in answers[1].text
    assert await kinds(films, job) == [Entry.HOLD]


@pytest.mark.parametrize("who", ["ben", "mod"])
async def test_nobody_says_yes_for_the_member(films: Set, who: str) -> None:
    await rules(films, confirm_above=39)
    job, card = await films.accepted()
    answer = await getattr(films, who).press(card, "Yes, for 40 credits").answered()
    assert "I can't do that for you" in answer.text
    assert await state(films, job) is State.CONFIRMING


async def test_no_gives_all_credits_back(films: Set) -> None:
    await rules(films, confirm_above=39)
    job, card = await films.accepted()
    assert "40 credits returned" in (await films.ada.press(card, "Cancel").answered()).text
    assert (await state(films, job), await kinds(films, job)) == (State.CANCELLED, [Entry.HOLD, Entry.RELEASE])
    assert "nothing to agree to" in (await films.ada.press_custom_id(card, f"job:{job.code}:agree").answered()).text
    assert await state(films, job) is State.CANCELLED


async def test_a_moderator_is_asked_in_their_channel_with_the_prompt_made_harmless(films: Set) -> None:
    job, card, room = await dear(films)
    assert job.state is State.APPROVING
    assert "a moderator must agree first" in card.text
    [asked] = room.messages
    for words in ("**40 credits**", f"<@{films.ada.id}>", "a boat", f"/{job.channel_id}/{card.id}"):
        assert words in str(asked.content)
    assert "@everyone" not in str(asked.content)
    await told(films)
    assert len(room.messages) == 1


@pytest.mark.parametrize("on_card", [False, True])
async def test_a_moderators_yes_begins_it_and_is_written_down(films: Set, on_card: bool) -> None:
    job, card, room = await dear(films)
    await films.stop()
    await films.start()
    answer = await films.mod.press(card if on_card else room.messages[0], "Approve").answered()
    assert "it begins" in answer.text
    assert await state(films, job) is State.QUEUED
    [act] = await films.ctx.database.read(moderation.acts_of, films.guild.id, 5)
    assert (act.kind, act.actor_id, act.subject) == ("approve", films.mod.id, job.code)
    assert act.detail == {"member": films.ada.id, "credits": 40}
    again = await films.mod.press_custom_id(card, f"job:{job.code}:approve").answered()
    assert "nothing to agree to" in again.text or "I can't do that" in again.text
    assert len(await films.ctx.database.read(moderation.acts_of, films.guild.id, 5)) == 1


@pytest.mark.parametrize("who", ["ada", "ben"])
async def test_members_do_not_approve_not_even_their_own(films: Set, who: str) -> None:
    job, card, _ = await dear(films)
    assert "I can't do that for you" in (await getattr(films, who).press(card, "Approve").answered()).text
    assert await state(films, job) is State.APPROVING


async def test_the_admins_role_makes_a_moderator(films: Set) -> None:
    job, card, _ = await dear(films)
    role = films.guild.add_role("film crew")
    films.ben.roles.append(role)
    settings = await films.ctx.database.read(guilds.settings_of, films.guild.id)
    await films.ctx.database.write(guilds.decided, replace(settings, moderator_role_id=role), films.ctx.now())
    await films.discord.until(lambda: films.bot.client is not None)
    assert "it begins" in (await films.ben.press(card, "Approve").answered()).text
    assert await state(films, job) is State.QUEUED


async def test_a_moderators_no_gives_all_back_and_is_written_down(films: Set) -> None:
    job, _, room = await dear(films)
    await films.mod.press(room.messages[0], "Cancel").answered()
    assert (await state(films, job), await kinds(films, job)) == (State.CANCELLED, [Entry.HOLD, Entry.RELEASE])
    [act] = await films.ctx.database.read(moderation.acts_of, films.guild.id, 5)
    assert (act.kind, act.detail) == ("cancel", {"member": films.ada.id})


@pytest.mark.parametrize("pressed", ["Approve", "Cancel"])
async def test_what_cannot_be_written_down_does_not_happen(films: Set, pressed: str, tmp_path: Path) -> None:
    job, card, _ = await dear(films)
    _renamed(tmp_path, "acts", "elsewhere")
    assert "can't store" in (await films.mod.press(card, pressed).answered()).text
    assert await state(films, job) is State.APPROVING
    _renamed(tmp_path, "elsewhere", "acts")
    await films.mod.press(card, pressed).answered()
    assert await state(films, job) is not State.APPROVING
    assert len(await films.ctx.database.read(moderation.acts_of, films.guild.id, 5)) == 1


def _renamed(folder: Path, table: str, name: str) -> None:
    with contextlib.closing(sqlite3.connect(folder / "rushes.db")) as file:
        file.execute(f"ALTER TABLE {table} RENAME TO {name}")


async def test_above_both_prices_both_are_asked_the_member_first(films: Set) -> None:
    room = films.guild.add_channel("moderators")
    await rules(films, confirm_above=10, approve_above=20, moderators_channel_id=room.id)
    job, card = await films.accepted()
    await told(films)
    assert (job.state, room.messages) == (State.CONFIRMING, [])
    answer = await films.ada.press(card, "Yes, for 40 credits").answered()
    assert "a moderator must agree too" in answer.text
    await told(films)
    await films.mod.press(room.messages[0], "Approve").answered()
    assert await state(films, job) is State.QUEUED


async def test_an_approval_nobody_needs_any_more_is_not_asked_for(films: Set) -> None:
    room = films.guild.add_channel("moderators")
    await rules(films, approve_above=39, moderators_channel_id=room.id)
    _, card = await films.accepted()
    await films.ada.press(card, "Cancel").answered()
    await told(films)
    assert room.messages == []


async def blocked(films: Set) -> None:
    await films.make("/mod block", films.mod, member=films.ada).answered()


async def broke(films: Set) -> None:
    await films.ctx.database.write(guilds.budget_set, films.guild.id, Scope.GUILD, 0, Period.MONTH, 0)


@pytest.mark.parametrize(("meanwhile", "why"), [(blocked, "blocked you"), (broke, "has 0 credits left")])
async def test_a_yes_begins_nothing_that_a_block_or_a_budget_forbids_by_now(
    films: Set, meanwhile: Callable[[Set], Awaitable[None]], why: str
) -> None:
    await rules(films, confirm_above=39)
    job, card = await films.accepted()
    await meanwhile(films)
    answer = await films.ada.press(card, "Yes, for 40 credits").answered()
    assert why in answer.text
    assert "40 credits stay reserved." in answer.text
    assert (await state(films, job), await kinds(films, job)) == (State.CONFIRMING, [Entry.HOLD])


@pytest.mark.parametrize(("meanwhile", "why"), [(blocked, "is blocked"), (broke, "a budget here has less left")])
async def test_nor_does_an_approval(films: Set, meanwhile: Callable[[Set], Awaitable[None]], why: str) -> None:
    job, _, room = await dear(films)
    await meanwhile(films)
    answer = await films.mod.press(room.messages[-1], "Approve").answered()
    assert why in answer.text
    assert "40 credits stay reserved." in answer.text
    assert await state(films, job) is State.APPROVING
    assert not [
        act for act in await films.ctx.database.read(moderation.acts_of, films.guild.id, 5) if act.kind == "approve"
    ]


async def test_a_block_that_is_over_stands_in_no_way(films: Set) -> None:
    await rules(films, confirm_above=39)
    job, card = await films.accepted()
    await films.make("/mod block", films.mod, member=films.ada, until="1 hour").answered()
    films.clock.ahead += 3601
    await films.ada.press(card, "Yes, for 40 credits").answered()
    assert await state(films, job) is State.QUEUED


async def test_moderators_are_shown_no_link_of_a_members(films: Set) -> None:
    room = films.guild.add_channel("moderators")
    await rules(films, approve_above=39, moderators_channel_id=room.id)
    await films.accepted(prompt="discord.gg/x https://evil.example discord.com/invite/y")
    await told(films)
    [message] = room.messages
    assert "discord.gg\\/x https\\://evil.example discord.com\\/invite/y" in message.text


async def test_the_question_says_who_approved_it_and_loses_its_buttons(films: Set) -> None:
    _, card, room = await dear(films)
    [asked] = room.messages
    await films.mod.press(card, "Approve").answered()  # from the card, not from the question
    await films.stop()
    await films.start()
    await told(films)
    assert f"Approved by <@{films.mod.id}>" in asked.text
    assert "a boat" in asked.text
    assert asked.buttons == []
    assert not asked.pings
    edits = len(asked.edits)
    await told(films)
    assert (len(asked.edits), len(room.messages)) == (edits, 1)


async def test_the_question_says_who_refused_it_or_that_it_was_taken_back(films: Set) -> None:
    _, _, room = await dear(films)
    await films.mod.press(room.messages[0], "Cancel").answered()
    _, card = await films.accepted(prompt="another boat")
    await told(films)
    await films.ada.press(card, "Cancel").answered()
    await told(films)
    first, second = room.messages
    assert f"Refused by <@{films.mod.id}>" in first.text
    assert f"<@{films.ada.id}> has taken it back" in second.text
    assert first.buttons == second.buttons == []


async def test_the_question_says_when_nobody_decided(films: Set) -> None:
    job, _, room = await dear(films)
    await films.happen(job, Event.SILENT)
    await told(films)
    assert "Nobody decided in time" in room.messages[0].text
    assert room.messages[0].buttons == []


async def test_a_moderators_cancel_on_the_question_works_after_the_approval(films: Set) -> None:
    job, card, room = await dear(films)
    await films.mod.press(card, "Approve").answered()
    answer = await films.mod.press(room.messages[0], "Cancel").answered()  # it is not edited yet
    assert "Cancelled before anything was sent" in answer.text
    assert await state(films, job) is State.CANCELLED


@pytest.mark.parametrize(("status", "edits"), [(404, 0), (503, 1)])
async def test_a_question_that_cannot_be_edited_now_is_edited_later_or_left(
    films: Set, status: int, edits: int
) -> None:
    _, card, room = await dear(films)
    await films.mod.press(card, "Approve").answered()
    films.discord.faults.append(
        Fault("PATCH", rf"/channels/{room.id}/messages/", status=status, body={"code": 10008 if status == 404 else 0})
    )
    await told(films)
    films.clock.ahead += 3600
    await told(films)
    assert len(room.messages[0].edits) == edits
    await told(films)
    assert len(room.messages[0].edits) == edits


async def test_without_a_channel_for_it_the_member_is_told_where_a_moderator_agrees(films: Set) -> None:
    await rules(films, confirm_above=10, approve_above=20)
    _, card = await films.accepted()
    answer = await films.ada.press(card, "Yes, for 40 credits").answered()
    assert "with the button on this card" in answer.text
    assert "I have asked" not in answer.text
