"""/mod: moderators see the queue and recent requests, block and unblock, and every act is written down and told."""

import contextlib
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from bot import acts
from bot.acts import text_of
from bot.moderation import moment_of, not_moderator
from sandbox.discord import EPHEMERAL, Channel, Fault, NotOfferedError
from storage import guilds, moderation
from storage.words import Act, GuildSettings
from tests.bot.harness import Set
from tests.samples_of import HOUR, NOON

DAY = 24 * HOUR
HOSTILE = "@everyone [free](https://evil.example) <@1>"


async def answer(films: Set, command: str, **options: object) -> str:
    message = await films.mod.type(films.channel, f"/mod {command}", options).answered()
    assert message.flags & EPHEMERAL
    assert not message.pings
    return message.text


async def log_room(films: Set) -> Channel:
    room = films.guild.add_channel("log")
    settings = replace(GuildSettings(films.guild.id), log_channel_id=room.id)
    await films.ctx.database.write(guilds.decided, settings, films.ctx.now())
    return room


async def tell(films: Set) -> bool:
    return await acts.work(films.ctx, films.bot).once()


async def done(films: Set) -> list[Act]:
    return await films.ctx.database.read(moderation.acts_of, films.guild.id, 10)


async def test_the_queue_shows_what_is_waiting_and_who_asked(films: Set) -> None:
    assert "Nothing is waiting" in await answer(films, "queue")
    job, card = await films.accepted(prompt=HOSTILE)
    text = await answer(films, "queue")
    for words in ("**queued**", f"<@{films.ada.id}>", "40 credits", job.code, f"/{card.id}"):
        assert words in text
    assert "](https://evil" not in text
    await films.finished(job)
    assert "Nothing is waiting" in await answer(films, "queue")


async def test_a_long_queue_still_fits(films: Set) -> None:
    for _ in range(17):
        await films.accepted(prompt="x" * 400)
    text = await answer(films, "queue")
    assert "and more" in text
    assert len(text) < 4096


async def test_a_blocked_member_is_refused_and_told_until_when_and_an_unblocked_one_may_again(films: Set) -> None:
    text = await answer(films, "block", member=films.ada, until="2 days", reason=HOSTILE)
    assert f"<@{films.ada.id}> can ask for nothing here until <t:" in text
    refusal = await films.ask().answered()
    assert "A moderator has blocked you" in refusal.text
    assert "Nothing was sent and nothing was spent." in refusal.text
    await films.taken(films.ask(films.ben))
    assert "may ask again" in await answer(films, "unblock", member=films.ada)
    assert "was not blocked" in await answer(films, "unblock", member=films.ada)
    await films.accepted()
    assert [act.kind for act in await done(films)] == ["unblock", "block"]


async def test_a_block_ends_by_itself(films: Set) -> None:
    await answer(films, "block", member=films.ada, until="3 hours")
    films.clock.ahead += 3 * 3600 + 1
    await films.accepted()


async def test_a_time_that_is_none_blocks_nobody(films: Set) -> None:
    times = ("tomorrow", "0 days", "2001-01-01", "-3 hours", "9999 w", "\uff11 day")
    for until in (*times, "1 moon", "2 hourglasses", "3 dx", "3月", "3 m3ses", "11 years"):
        assert "Nothing was changed" in await answer(films, "block", member=films.ada, until=until)
    await films.accepted()
    assert await done(films) == []


async def test_spans_are_suggested(films: Set) -> None:
    offers = await films.mod.autocomplete(films.channel, "/mod block", {"until": "1"}, "until")
    assert [offer["value"] for offer in offers] == ["1 hour", "1 day", "1 week"]


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("3 hours", 3 * HOUR), ("1h", HOUR), ("2 Days", 2 * DAY), ("1 week", 7 * DAY), ("90 min", 90 * 60_000),
        ("5 m", 5 * 60_000), ("1 month", 30 * DAY), ("6 months", 180 * DAY), ("1 year", 365 * DAY),
        ("1 minuto", 60_000), ("3 horas", 3 * HOUR), ("2 DÍAS", 2 * DAY), ("2 di\u0301as", 2 * DAY), ("1 dia", DAY),
        ("1 semana", 7 * DAY), ("1 mes", 30 * DAY), ("6 meses", 180 * DAY), ("1 año", 365 * DAY),
        ("30分", 30 * 60_000), ("3時間", 3 * HOUR), ("3 日", 3 * DAY), ("1週間", 7 * DAY), ("1か月", 30 * DAY),
        ("2ヶ月", 60 * DAY), ("1年", 365 * DAY), ("30分钟", 30 * 60_000), ("3 小时", 3 * HOUR), ("2天", 2 * DAY),
        ("1周", 7 * DAY), ("1个星期", 7 * DAY), ("1 个月", 30 * DAY),
    ],
)  # fmt: skip
def test_spans_are_read(text: str, length: int) -> None:
    assert moment_of(text, NOON) == NOON + length


def test_a_day_begins_at_midnight_utc() -> None:
    assert moment_of("2026-02-03", 1_770_033_600_000) == 1_770_076_800_000


async def test_a_members_requests_are_read_by_moderators_and_that_is_written_down(films: Set) -> None:
    assert "asked for nothing here yet" in await answer(films, "prompts", member=films.ada)
    job, _ = await films.accepted(prompt=HOSTILE)
    await films.taken(films.ask(films.ben, prompt="not this one"))
    await films.finished(job)
    text = await answer(films, "prompts", member=films.ada)
    assert f"done · 40 credits · job {job.code}" in text
    assert "](https://evil" not in text
    assert "not this one" not in text
    assert [act.kind for act in await done(films)] == ["read prompts"] * 2


async def test_another_servers_requests_are_out_of_reach(films: Set) -> None:
    await films.accepted(prompt="ours")
    elsewhere = films.discord.add_guild("Elsewhere")
    lobby, eve = elsewhere.add_channel("lobby"), elsewhere.add_member("eve")
    eve.permissions |= 1 << 13
    for command, options in (("queue", {}), ("log", {}), ("prompts", {"member": eve})):
        seen = await eve.type(lobby, f"/mod {command}", options).answered()
        assert "ours" not in seen.text


async def test_members_are_not_offered_it_and_are_refused_where_it_was_shown_to_them(films: Set) -> None:
    with pytest.raises(NotOfferedError):
        films.ada.type(films.channel, "/mod queue", {})
    for command in films.discord.world.commands[None]:
        command["default_member_permissions"] = None
    for command, options in (
        ("queue", {}),
        ("block", {"member": films.mod}),
        ("unblock", {"member": films.mod}),
        ("prompts", {"member": films.ada}),
        ("log", {}),
    ):
        assert (await films.ada.type(films.channel, f"/mod {command}", options).answered()).text == not_moderator()
    assert await done(films) == []


async def test_a_database_that_does_not_store_is_told(films: Set, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "rushes.db")) as file:
        file.execute("ALTER TABLE blocks RENAME TO elsewhere")
    assert "can't store anything just now" in await answer(films, "block", member=films.ada)


async def test_each_act_is_told_once_in_the_log_channel_and_pings_nobody(films: Set) -> None:
    room = await log_room(films)
    await answer(films, "block", member=films.ada, reason=HOSTILE)
    while await tell(films):
        pass
    assert len(room.messages) == 1
    assert f"<@{films.mod.id}> blocked <@{films.ada.id}>" in room.messages[0].text
    assert "](https://evil" not in room.messages[0].text
    assert not room.messages[0].pings


async def test_an_act_nobody_could_be_told_of_is_told_when_discord_takes_it(films: Set) -> None:
    room = await log_room(films)
    await answer(films, "block", member=films.ada)
    films.discord.faults.append(Fault("POST", rf"/channels/{room.id}/messages$", status=500))
    await tell(films)
    films.clock.ahead += 60
    await tell(films)
    assert len(room.messages) == 1


async def test_an_act_is_not_tried_for_ever(films: Set) -> None:
    room = await log_room(films)
    room.deny("SEND_MESSAGES")
    await answer(films, "unblock", member=films.ada)
    await answer(films, "block", member=films.ada)
    films.clock.ahead += 25 * 3600
    await tell(films)
    assert not await tell(films)
    assert len(await done(films)) == 1


async def test_without_a_log_channel_acts_are_kept_all_the_same(films: Set) -> None:
    await answer(films, "block", member=films.ada)
    await tell(films)
    assert not await tell(films)
    assert "blocked" in await answer(films, "log")


@pytest.mark.parametrize(
    ("kind", "detail"),
    [
        ("cancel", {"member": 5}),
        ("approve", {"member": 5, "credits": 40}),
        ("delete", {"member": 5}),
        ("block", {"until": NOON, "reason": HOSTILE}),
        ("settings", {"language": HOSTILE, "fallback": None}),
        (HOSTILE, {}),
    ],
)
def test_every_act_is_one_harmless_line(kind: str, detail: dict[str, object]) -> None:
    text = text_of(Act(1, 2, 3, kind, "subject", detail, NOON))
    assert text.startswith("<@3> ")
    assert "\n" not in text
    assert "](https://evil" not in text
    assert "@everyone" not in text


async def test_in_japanese_a_sentence_follows_a_full_stop_without_a_space(films: Set) -> None:
    films.mod.locale = "ja"
    text = await answer(films, "block", member=films.ada)
    assert "。" in text
    assert "。 " not in text
