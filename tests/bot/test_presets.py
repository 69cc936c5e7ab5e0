"""Presets: moderators keep them, members choose them, and they change nothing that was typed."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from bot.choices import Typed
from bot.presets import applied, empty, not_moderator
from providers.orders import Operation
from sandbox.discord import EPHEMERAL, Member
from storage import guilds, moderation
from storage.words import Preset
from tests.bot.harness import Set
from tests.samples_of import NOON

NOIR = Preset("noir", "black and white, rain", {"duration": 8, "resolution": "1080p", "audio": False}, 1, NOON)
HOSTILE = "@everyone [x](https://evil.example)"


async def said(films: Set, command: str, who: Member | None = None, **options: object) -> str:
    message = await (who or films.mod).type(films.channel, f"/preset {command}", options).answered()
    assert message.flags & EPHEMERAL
    assert not message.pings
    return message.text


def test_a_preset_fills_what_was_left_open_and_comes_after_the_members_words() -> None:
    typed = applied(NOIR, Typed(prompt="a boat", duration=4))
    assert (typed.prompt, typed.duration, typed.resolution, typed.audio) == (
        "a boat, black and white, rain",
        4,
        "1080p",
        False,
    )
    assert applied(NOIR, Typed(Operation.IMAGE_TO_VIDEO)).prompt == "black and white, rain"
    assert applied(Preset("n", "", {}, 1, 1), Typed()) == Typed()


async def test_a_moderator_keeps_one_and_a_member_uses_it(films: Set) -> None:
    assert "is kept" in await said(films, "save", name="noir", words="black and white", duration=4)
    assert "“black and white” · duration 4" in await said(films, "list", films.ada)
    offers = await films.ada.autocomplete(films.channel, "/video", {"preset": "NO"}, "preset")
    assert [offer["value"] for offer in offers] == ["noir"]
    job, card = await films.accepted(prompt="a boat", preset="NOIR")
    assert (job.prompt, job.options["duration"]) == ("a boat, black and white", 4)
    assert "a boat, black and white" in card.text


async def test_its_words_alone_are_prompt_enough(films: Set) -> None:
    await said(films, "save", name="noir", words="black and white")
    job, _ = await films.taken(films.ada.type(films.channel, "/video", {"preset": "noir"}))
    assert job.prompt == "black and white"


async def test_one_that_nobody_knows_is_refused_and_nothing_is_spent(films: Set) -> None:
    answer = await films.ask(preset=HOSTILE[:40]).answered()
    assert "There is no preset called" in answer.text
    assert "Nothing was sent and nothing was spent." in answer.text
    assert "](https://" not in answer.text


async def test_a_choice_of_it_that_no_vendor_takes_is_refused_like_one_that_was_typed(films: Set) -> None:
    long = Preset("long", "", {"duration": 599}, 1, NOON)  # kept while a vendor took it
    await films.ctx.database.write(guilds.preset_saved, films.guild.id, long)
    answer = await films.ask(preset="long").answered()
    assert "can't be 599 s" in answer.text
    assert "held" not in films.steps()


async def test_members_do_not_change_presets(films: Set) -> None:
    assert await said(films, "save", films.ada, name="mine", words="x") == not_moderator()
    await said(films, "save", name="noir", words="x")
    assert await said(films, "delete", films.ada, name="noir") == not_moderator()
    assert len(await films.ctx.database.read(guilds.presets_of, films.guild.id)) == 1


@pytest.mark.parametrize("options", [{}, {"words": "\u200b"}, {"model": "\u200b"}])
async def test_one_that_would_do_nothing_is_not_kept(films: Set, options: dict[str, Any]) -> None:
    assert await said(films, "save", name="none", **options) == empty()
    assert "has no presets yet" in await said(films, "list")


async def test_a_deleted_one_is_gone_and_both_are_written_down(films: Set) -> None:
    await said(films, "save", name="noir", words="x")
    assert "is deleted" in await said(films, "delete", name="noir")
    assert "There is no preset called noir" in await said(films, "delete", name="noir")
    acts = await films.ctx.database.read(moderation.acts_of, films.guild.id, 5)
    assert [act.kind for act in acts] == ["drop preset", "preset"]


async def test_hostile_names_and_words_are_harmless_where_they_are_shown(films: Set) -> None:
    text = await said(films, "save", name=HOSTILE, words=HOSTILE)
    assert "](https://evil" not in text
    assert "](https://evil" not in await said(films, "save", name="x", model=HOSTILE)
    assert "](https://evil" not in await said(films, "list")


async def test_another_servers_presets_are_out_of_reach(films: Set) -> None:
    await said(films, "save", name="noir", words="x")
    elsewhere = films.discord.add_guild("Elsewhere")
    lobby, eve = elsewhere.add_channel("lobby"), elsewhere.add_member("eve")
    assert "has no presets yet" in (await eve.type(lobby, "/preset list", {}).answered()).text
    assert "no preset called" in (await eve.type(lobby, "/video", {"prompt": "x", "preset": "noir"}).answered()).text


async def test_a_database_that_does_not_store_is_told(films: Set, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "rushes.db")) as file:
        file.execute("ALTER TABLE presets RENAME TO elsewhere")
    assert "can't store anything just now" in await said(films, "save", name="noir", words="x")
    assert "can't read the presets" in await said(films, "list")
    assert "can't store anything" in (await films.ask(preset="noir").answered()).text


async def test_names_that_differ_by_case_are_one(films: Set) -> None:
    await said(films, "save", name="noir", words="black and white")
    await said(films, "save", name="NOIR", words="red paint")
    [kept] = await films.ctx.database.read(guilds.presets_of, films.guild.id)
    assert (kept.name, kept.words) == ("NOIR", "red paint")
    assert "is deleted" in await said(films, "delete", name="Noir")
    assert "has no presets yet" in await said(films, "list")


@pytest.mark.parametrize(
    "options",
    [
        {"model": "nope", "duration": 77},
        {"model": "slow-1", "duration": 77},
        {"duration": 599},
        {"provider": "nobody"},
        {"aspect_ratio": "7:5"},
        {"model": "draw-1", "duration": 4, "resolution": "99k"},
    ],
)
async def test_choices_that_no_vendor_takes_are_not_kept(films: Set, options: dict[str, Any]) -> None:
    text = await said(films, "save", name="odd", words="x", **options)
    assert "is kept" not in text
    assert "Nothing was changed." in text
    assert await films.ctx.database.read(guilds.presets_of, films.guild.id) == []


async def test_choices_that_some_vendor_takes_for_something_are_kept(films: Set) -> None:
    taken: list[dict[str, Any]] = [{"model": "draw-1"}, {"model": "slow-1", "duration": 8}, {"provider": "Acme"}]
    for options in taken:
        assert "is kept" in await said(films, "save", name="good", **options)
