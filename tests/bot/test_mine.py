"""/jobs and /cancel: what a member sees of their own, page by page, and how they give one of it up."""

import contextlib
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.mine import PAGE, STATE_WORDS, label
from jobs.transitions import Event
from sandbox.discord import EPHEMERAL, Channel, Member, Message
from storage import deliveries, guilds, moderation
from storage import jobs as job_facts
from storage.words import GuildSettings, Job, State, StoredShot
from tests.bot.harness import Set
from tests.samples_of import NOON, a_job

REFUSED = "I can't do that for you"
HOSTILE = "[win](https://evil.example) @everyone <@1> **b** `c` ||s|| # x\n> y \u202e\u200b"


async def asked(films: Set, who: Member, line: str, channel: Channel | None = None, /, **options: Any) -> Message:
    """Type a command of one's own and read the answer, which nobody else sees."""
    message = await who.type(channel or films.channel, line, options).answered()
    await films.settled()
    assert message.flags & EPHEMERAL
    assert not message.pings
    return message


async def many(films: Set, count: int, **changes: Any) -> list[Job]:
    """Store jobs of ada's that end at once, without the way of a command."""
    stored: list[Job] = []
    for number in range(count):
        moment = films.ctx.now() - 1000 * (count - number)
        job = a_job(
            number,
            id=(moment << 21) + number,
            guild_id=films.guild.id,
            channel_id=films.channel.id,
            user_id=films.ada.id,
            prompt=f"film {number:02}",
            provider="acme",
            created_at=moment,
        )
        job = replace(job, **changes)
        assert await films.ctx.database.write(job_facts.held, job) is None
        stored.append(await films.happen(job, Event.CANCEL))
    return stored


def broken(folder: Path) -> None:
    with contextlib.closing(sqlite3.connect(folder / "rushes.db")) as file:
        file.execute("ALTER TABLE jobs RENAME TO elsewhere")


def room(films: Set) -> str:
    return f"https://discord.com/channels/{films.guild.id}/{films.channel.id}"


# /jobs


async def test_who_has_made_nothing_is_told_what_to_do(films: Set) -> None:
    for state in ("all", "running", "finished"):
        seen = await asked(films, films.ada, "/jobs", state=state)
        assert "`/video`" in seen.text
        assert seen.buttons == []


async def test_the_list_tells_how_each_job_stands_what_it_costs_and_where_it_is(films: Set) -> None:
    done, _ = await films.accepted(prompt="a boat at dawn")
    await films.finished(done, charged=33)
    assert await films.deliver()
    [result] = films.results()
    going, card = await films.accepted(prompt="the sea")
    seen = await asked(films, films.ada, "/jobs")
    lines = seen.text.splitlines()
    first, second = (next(n for n, line in enumerate(lines) if words in line) for words in ("the sea", "a boat"))
    assert first < second
    assert "Queued" in lines[first]
    assert f"<t:{going.created_at // 1000}:R>" in lines[first + 1]
    assert "Acme" in lines[first + 1]
    assert "40 credits reserved" in lines[first + 1]
    assert f"[Card]({room(films)}/{card.id})" in lines[first + 1]
    assert "Done" in lines[second]
    assert "33 credits spent" in lines[second + 1]
    assert f"[Result]({room(films)}/{result.id})" in lines[second + 1]
    assert seen.buttons == []


async def test_the_list_can_be_of_those_that_go_on_or_of_the_others(films: Set) -> None:
    await many(films, 1)
    await films.accepted(prompt="the sea")
    running = await asked(films, films.ada, "/jobs", state="running")
    assert "the sea" in running.text
    assert "film 00" not in running.text
    finished = await asked(films, films.ada, "/jobs", state="finished")
    assert "film 00" in finished.text
    assert "the sea" not in finished.text


async def test_a_result_that_could_not_be_posted_is_linked_for_its_week(films: Set) -> None:
    job, _ = await films.accepted()
    await films.finished(job)
    await films.ctx.database.write(deliveries.parked, job.id, "no permission")
    assert "[Result](https://rushes.example/media/outputs/" in (await asked(films, films.ada, "/jobs")).text
    films.clock.ahead += 8 * 86_400
    later = await asked(films, films.ada, "/jobs")
    assert "/media/" not in later.text
    assert "[Card](" in later.text


async def test_nobody_elses_and_no_other_servers_jobs_are_listed(films: Set) -> None:
    await films.accepted(prompt="the sea")
    elsewhere = films.discord.add_guild("Elsewhere")
    lobby, again = elsewhere.add_channel("lobby"), elsewhere.add_member("ada", user=films.ada.user)
    for seen in (await asked(films, films.ben, "/jobs"), await asked(films, again, "/jobs", lobby)):
        assert "not made anything here yet" in seen.text


async def test_pages_are_turned_both_ways_also_after_a_restart(films: Set) -> None:
    await many(films, 2 * PAGE + 1)
    seen = await asked(films, films.ada, "/jobs")
    assert [button.label for button in seen.buttons] == ["Older"]
    assert "film 16" in seen.text
    assert "film 08" not in seen.text
    assert "Page 1" in seen.text
    await films.stop()
    await films.start()
    turned = await films.ada.press(seen, "Older").answered()
    assert turned is seen
    assert [button.label for button in seen.buttons] == ["Newer", "Older"]
    assert "film 08" in seen.text
    assert "film 16" not in seen.text
    await films.ada.press(seen, "Older").answered()
    assert [button.label for button in seen.buttons] == ["Newer"]
    assert "film 00" in seen.text
    await films.ada.press(seen, "Newer").answered()
    assert "film 08" in seen.text
    await films.settled()


async def test_a_full_last_page_offers_nothing_after_it(films: Set) -> None:
    await many(films, PAGE)
    assert (await asked(films, films.ada, "/jobs", state="finished")).buttons == []


async def test_a_page_that_is_not_there_any_more_leads_back_to_the_first(films: Set) -> None:
    await many(films, PAGE + 1)
    seen = await asked(films, films.ada, "/jobs", state="finished")
    custom_id = f"jobs:{films.ada.id}:finished:7"
    seen.components[0]["components"][0]["custom_id"] = custom_id
    await films.ada.press_custom_id(seen, custom_id).answered()
    assert "film 08" in seen.text
    assert [button.label for button in seen.buttons] == ["Older"]


@pytest.mark.parametrize("planted", [False, True])
async def test_only_the_one_who_asked_turns_pages_and_forged_ids_lead_nowhere(films: Set, planted: bool) -> None:
    await many(films, PAGE + 1)
    seen = await asked(films, films.ada, "/jobs")
    before, right = seen.text, seen.buttons[0].custom_id
    answers: list[Message] = []
    ids = [
        f"jobs:{films.ben.id}:all:1",
        "jobs:x:all:1",
        f"jobs:{films.ada.id}:all:-1",
        f"jobs:{films.ada.id}:all:99999",
    ]
    for who, custom_id in [(films.ben, right or ""), *((films.ada, one) for one in ids)]:
        if planted:
            seen.components[0]["components"][0]["custom_id"] = custom_id
        answers.append(await who.press_custom_id(seen, custom_id).answered())
    assert {answer.text for answer in answers} == {answers[0].text}
    assert REFUSED in answers[0].text
    assert all(answer.flags & EPHEMERAL for answer in answers)
    assert seen.text == before


async def test_two_presses_at_once_end_on_the_same_page(films: Set) -> None:
    await many(films, PAGE + 1)
    seen = await asked(films, films.ada, "/jobs")
    first, second = films.ada.press(seen, "Older"), films.ada.press(seen, "Older")
    await first.answered()
    await second.answered()
    await films.settled()
    assert "film 00" in seen.text


async def test_a_list_that_cannot_be_read_says_so_and_the_page_stays(films: Set, tmp_path: Path) -> None:
    await many(films, PAGE + 1)
    seen = await asked(films, films.ada, "/jobs")
    before = seen.text
    broken(tmp_path)
    pressed = films.ada.press(seen, "Older")
    await films.discord.until(lambda: pressed.followups)
    assert "can't look anything up just now" in pressed.followups[0].text
    assert pressed.followups[0].flags & EPHEMERAL
    assert seen.text == before
    assert "can't look anything up just now" in (await asked(films, films.ada, "/jobs")).text


async def test_the_most_hostile_words_fit_and_stay_words(films: Set) -> None:
    await many(films, PAGE, prompt="@*" * 2000, model="[" * 64, price=10**9)
    assert (await asked(films, films.ada, "/jobs")).text
    await many(films, 1, prompt=HOSTILE, interaction_id=5)
    seen = await asked(films, films.ada, "/jobs")
    assert "](https://evil" not in seen.text
    assert "\u202e" not in seen.text
    assert "\\*\\*b" in seen.text


async def test_jobs_without_a_prompt_are_named_by_what_they_make(films: Set) -> None:
    await many(films, 1, prompt=" \u200b", operation="reference_to_image")
    await many(films, 1, prompt="", operation="compose_shots", interaction_id=7, shots=(StoredShot("s", "x"),))
    seen = await asked(films, films.ada, "/jobs")
    assert "a picture from reference pictures" in seen.text
    assert "shots put together" in seen.text


def test_every_state_has_a_word() -> None:
    assert set(STATE_WORDS) == set(State)


# /cancel


async def offers(who: Member, channel: Channel, typed: str = "") -> list[str]:
    return [offer["value"] for offer in await who.autocomplete(channel, "/cancel", {"job": typed}, "job")]


async def test_the_asker_cancels_by_choosing_from_what_is_offered_anywhere_in_the_server(films: Set) -> None:
    job, _ = await films.accepted()
    lobby = films.guild.add_channel("lobby")
    assert await offers(films.ada, lobby) == [job.code]
    seen = await asked(films, films.ada, "/cancel", lobby, job=job.code)
    assert "Cancelled before anything was sent" in seen.text
    assert "40 credits returned" in seen.text
    assert (await films.job(job.id)).state is State.CANCELLED
    assert await offers(films.ada, lobby) == []


async def test_what_is_offered_follows_what_is_typed(films: Set) -> None:
    boat, _ = await films.accepted(prompt="a BOAT at dawn")
    sea, _ = await films.accepted(prompt="the sea")
    assert await offers(films.ada, films.channel) == [sea.code, boat.code]
    assert await offers(films.ada, films.channel, "boat") == [boat.code]
    assert await offers(films.ada, films.channel, sea.code[:13]) == [sea.code]
    assert await offers(films.ada, films.channel, "nothing such") == []


async def test_a_stranger_is_offered_nothing_and_refused(films: Set) -> None:
    job, _ = await films.accepted()
    assert await offers(films.ben, films.channel) == []
    texts = {
        (await asked(films, who, "/cancel", job=code)).text
        for who, code in (
            (films.ben, job.code),
            (films.ada, "0000000000000"),
            (films.ada, "'; DROP TABLE jobs;--"),
            (films.ada, HOSTILE[:90]),
        )
    }
    [only] = texts
    assert REFUSED in only
    assert (await films.job(job.id)).state is State.QUEUED


async def test_a_moderator_is_offered_everybodys_jobs_with_who_asked_and_a_cancel_is_noted(films: Set) -> None:
    job, _ = await films.accepted()
    lobby = films.guild.add_channel("lobby")
    [offer] = await films.mod.autocomplete(lobby, "/cancel", {"job": ""}, "job")
    assert offer["value"] == job.code
    assert " · by Ada · " in offer["name"]
    await asked(films, films.mod, "/cancel", lobby, job=job.code.upper())
    after = await films.job(job.id)
    assert (after.state, after.cancelled_by) == (State.CANCELLED, films.mod.id)
    [act] = await films.ctx.database.read(moderation.acts_of, films.guild.id, 9)
    assert (act.kind, act.actor_id, act.subject) == ("cancel", films.mod.id, job.code)


async def test_the_moderators_role_is_enough_and_without_it_nothing_is_offered(films: Set) -> None:
    job, _ = await films.accepted()
    helpers = films.guild.add_role("helpers")
    settings = replace(GuildSettings(films.guild.id), moderator_role_id=helpers)
    await films.ctx.database.write(guilds.decided, settings, films.ctx.now())
    assert await offers(films.ben, films.channel) == []
    films.ben.roles.append(helpers)
    assert await offers(films.ben, films.channel) == [job.code]
    await asked(films, films.ben, "/cancel", job=job.code)
    assert (await films.job(job.id)).cancelled_by == films.ben.id


async def test_a_moderator_of_another_server_is_offered_nothing_and_refused(films: Set) -> None:
    job, _ = await films.accepted()
    elsewhere = films.discord.add_guild("Elsewhere")
    lobby, eve = elsewhere.add_channel("lobby"), elsewhere.add_member("eve")
    eve.permissions |= 1 << 13
    assert await offers(eve, lobby) == []
    assert REFUSED in (await asked(films, eve, "/cancel", lobby, job=job.code)).text


async def test_cancelling_twice_changes_nothing_and_says_so(films: Set) -> None:
    job, _ = await films.accepted()
    first, second = (films.ada.type(films.channel, "/cancel", {"job": job.code}) for _ in range(2))
    texts = [(await first.answered()).text, (await second.answered()).text]
    assert sorted("Cancelled before" in text for text in texts) == [False, True]
    assert sorted("nothing to cancel" in text for text in texts) == [False, True]


async def test_what_is_cancelled_already_is_not_offered(films: Set) -> None:
    job, _ = await films.accepted()
    await films.happen(job, Event.SUBMIT)
    await asked(films, films.ada, "/cancel", job=job.code)
    assert (await films.job(job.id)).state is State.CANCELLING
    assert await offers(films.ada, films.channel) == []


async def test_a_database_that_does_not_answer_is_told(films: Set, tmp_path: Path) -> None:
    job, _ = await films.accepted()
    broken(tmp_path)
    assert await offers(films.ada, films.channel) == []
    assert "did not go through" in (await asked(films, films.ada, "/cancel", job=job.code)).text


@pytest.mark.parametrize("own", [True, False])
def test_a_choice_fits_and_ends_with_its_code(own: bool) -> None:
    for words in ("x" * 5000, HOSTILE, "", "👩‍👩‍👧" * 200):
        job = a_job(prompt=words, user_name=words[:100])
        name = label(job, NOON + 5000, own=own)
        assert len(name) <= 100
        assert name.endswith(f" · {job.code}")
        assert "\n" not in name
