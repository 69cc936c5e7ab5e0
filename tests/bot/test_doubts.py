"""Doubts nobody could clear: an admin decides by a button, once, and everybody concerned reads what became of it."""

import contextlib
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot import acts, alerts
from jobs import doubts
from jobs.transitions import Event
from sandbox.discord import EPHEMERAL, Channel, Member, Message
from storage import Connection, guilds, ledger, moderation
from storage import alerts as alert_facts
from storage import jobs as job_facts
from storage.words import Act, AlertKind, Entry, GuildSettings, Job, State
from tests.bot.harness import Set


@pytest.fixture
def boss(films: Set) -> Member:
    boss = films.guild.add_member("boss")
    boss.permissions |= 1 << 5
    return boss


async def told(films: Set) -> None:
    await alerts.work(films.ctx, films.bot).once()


async def kinds(films: Set, job: Job) -> list[Entry]:
    return [row.kind for row in await films.ctx.database.read(ledger.of_job, job.id)]


async def noted(films: Set) -> list[Act]:
    return await films.ctx.database.read(moderation.acts_of, films.guild.id, 5)


async def in_limbo(films: Set, **rooms: Any) -> tuple[Job, Message]:
    """Bring a job to where nobody looks after it any more."""
    settings = replace(GuildSettings(films.guild.id), **rooms)
    await films.ctx.database.write(guilds.decided, settings, films.ctx.now())
    job, card = await films.accepted()
    await films.happen(job, Event.SUBMIT, attempts=1)
    job = await films.happen(job, Event.UNCLEAR)
    job = await films.happen(job, Event.SILENT, reason="vendor")

    def left(connection: Connection) -> None:
        job_facts.left_open(connection, job, films.ctx.now())
        alert_facts.raised(connection, job, AlertKind.DOUBT, films.ctx.now())

    await films.ctx.database.write(left)
    await told(films)
    return await films.job(job.id), card


async def asked(films: Set) -> tuple[Job, Message, Channel, Message]:
    """Have the admins asked in their channel."""
    room = films.guild.add_channel("alerts")
    job, card = await in_limbo(films, alerts_channel_id=room.id)
    [question] = room.messages
    return job, card, room, question


RELEASE, CHARGE = "Give the credits back", "Count them as spent"


@pytest.mark.parametrize(
    ("label", "entry", "says", "shown", "below"),
    [
        (RELEASE, Entry.RELEASE, "40 credits given back", "gave the credits back", "Given back by <@{}>: 40 credits."),
        (CHARGE, Entry.SETTLE, "40 credits counted as spent", "counted it as made", "Counted as spent by <@{}>: 40"),
    ],
)
async def test_an_admin_decides_after_a_restart_and_all_concerned_read_it(
    films: Set, boss: Member, label: str, entry: Entry, says: str, shown: str, below: str
) -> None:
    job, card, room, question = await asked(films)
    for words in (
        "**Nobody can find out whether Acme received job",
        job.code,
        "40 credits stay reserved",
        "rushes rel",
    ):
        assert words in question.text
    assert [button.label for button in question.buttons] == [RELEASE, CHARGE]
    await films.edit_cards()
    assert "40 credits stay reserved until an admin decides" in card.text
    await films.stop()
    await films.start()
    answer = await boss.press(question, label).answered()
    assert answer.flags & EPHEMERAL
    assert says in answer.text
    assert await kinds(films, job) == [Entry.HOLD, entry]
    await films.edit_cards()
    assert shown in card.text
    await told(films)
    assert below.format(boss.id) in question.text
    assert question.buttons == []
    assert len(room.messages) == 1
    [act] = await noted(films)
    assert (act.kind, act.actor_id, act.subject) == (entry.value.replace("settle", "charge"), boss.id, job.code)
    assert act.detail == {"member": films.ada.id, "credits": 40}
    assert f"job {job.code} of <@{films.ada.id}>" in acts.text_of(act)


async def test_the_log_channel_is_told_of_it(films: Set, boss: Member) -> None:
    log = films.guild.add_channel("log")
    room = films.guild.add_channel("alerts")
    await in_limbo(films, alerts_channel_id=room.id, log_channel_id=log.id)
    await boss.press(room.messages[0], CHARGE).answered()
    await acts.work(films.ctx, films.bot).once()
    assert "counted 40 credits as spent" in log.messages[0].text


async def test_without_a_channel_for_alerts_the_moderators_channel_asks(films: Set, boss: Member) -> None:
    room = films.guild.add_channel("moderators")
    job, _ = await in_limbo(films, moderators_channel_id=room.id)
    await boss.press(room.messages[0], RELEASE).answered()
    assert await kinds(films, job) == [Entry.HOLD, Entry.RELEASE]


async def test_the_first_word_counts(films: Set, boss: Member) -> None:
    job, _, _, question = await asked(films)
    presses = [boss.press(question, label) for label in (RELEASE, RELEASE, CHARGE)]
    answers = [await press.answered() for press in presses]
    assert sum("given back" in answer.text for answer in answers) <= 1
    assert sum("nothing to decide" in answer.text for answer in answers) == 2
    assert len(await kinds(films, job)) == 2
    assert len(await noted(films)) == 1


async def test_the_question_and_its_buttons_speak_the_servers_language(films: Set, boss: Member) -> None:
    room = films.guild.add_channel("alerts")
    boss.locale = "ja"
    await in_limbo(films, alerts_channel_id=room.id, language="es")
    [question] = room.messages
    assert [button.label for button in question.buttons] == ["Devolver los créditos", "Contarlos como gastados"]
    answer = await boss.press_custom_id(question, str(question.buttons[0].custom_id)).answered()
    assert "40" in answer.text
    assert "Done" not in answer.text
    await told(films)
    assert f"<@{boss.id}>" in question.text
    assert "Given back" not in question.text


@pytest.mark.parametrize("who", ["ada", "ben", "mod"])
async def test_nobody_but_admins_decides(films: Set, who: str) -> None:
    job, _, _, question = await asked(films)
    answer = await getattr(films, who).press(question, RELEASE).answered()
    assert "I can't do that for you" in answer.text
    assert (await kinds(films, job), await noted(films)) == ([Entry.HOLD], [])


async def test_an_admin_of_another_server_is_refused_in_the_same_words(films: Set, boss: Member) -> None:
    job, _, _, _ = await asked(films)
    other = films.discord.add_guild("Elsewhere")
    stranger = other.add_member("stranger")
    stranger.permissions |= 1 << 5
    channel = other.add_channel("room")
    typed = await stranger.type(channel, "/help", {}).answered()
    for code in (job.code, "0" * 13):
        answer = await stranger.press_custom_id(typed, f"doubt:{code}:release").answered()
        assert "I can't do that for you" in answer.text
    assert (await kinds(films, job), await noted(films)) == ([Entry.HOLD], [])


@pytest.mark.parametrize("forged", ["doubt:{}:pay", "doubt:{}", "doubt:zzzz:release", "doubt:{}:release:x"])
async def test_a_forged_id_is_refused_in_the_same_words(films: Set, boss: Member, forged: str) -> None:
    job, _, _, question = await asked(films)
    answer = await boss.press_custom_id(question, forged.format(job.code)).answered()
    assert "I can't do that for you" in answer.text
    assert await kinds(films, job) == [Entry.HOLD]


async def test_a_job_that_waits_for_nobody_is_not_decided_about(films: Set, boss: Member) -> None:
    _, _, _, question = await asked(films)
    running, _ = await films.accepted()
    await films.happen(running, Event.SUBMIT, Event.UNCLEAR)
    await boss.press_custom_id(question, f"doubt:{running.code}:charge").answered()
    assert await kinds(films, running) == [Entry.HOLD]
    assert await noted(films) == []


async def test_what_cannot_be_written_down_does_not_happen(films: Set, boss: Member, tmp_path: Path) -> None:
    job, _, _, question = await asked(films)
    with contextlib.closing(sqlite3.connect(tmp_path / "rushes.db")) as file:
        file.execute("ALTER TABLE acts RENAME TO elsewhere")
    assert "can't store" in (await boss.press(question, CHARGE).answered()).text
    assert await kinds(films, job) == [Entry.HOLD]


async def test_what_the_command_line_or_a_late_result_decided_is_said_below_too(films: Set) -> None:
    first, _, room, question = await asked(films)
    await films.ctx.database.write(doubts.decided_by_operator, first.code, films.ctx.now(), charge=False)
    second, _ = await in_limbo(films, alerts_channel_id=room.id)
    job = await films.happen(second, Event.SUCCEEDED, credits=30)
    assert (job.state, job.charged) == (State.SUCCEEDED, 30)
    await told(films)
    assert "Given back: 40 credits." in question.text
    [act] = await noted(films)
    assert acts.text_of(act).startswith("Whoever runs this bot gave 40 credits back for job")
    assert "30 credits spent: its result came after all." in room.messages[1].text
    assert question.buttons == room.messages[1].buttons == []


async def test_a_doubt_cleared_before_it_was_told_is_not_asked_about(films: Set) -> None:
    room = films.guild.add_channel("alerts")
    job, _ = await in_limbo(films)  # there is no channel yet: the log is told
    await films.ctx.database.write(doubts.decided, job.code, films.ctx.now(), charge=True)
    settings = GuildSettings(films.guild.id, alerts_channel_id=room.id)
    await films.ctx.database.write(guilds.decided, settings, films.ctx.now())
    await films.ctx.database.write(alert_facts.raised, job, AlertKind.DOUBT, films.ctx.now() + 1)
    await told(films)
    assert room.messages == []
