"""What is refused because of who asks, where, or with which words is seen by the one who asked, and nobody else."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sandbox.discord import EPHEMERAL, Fault, Member
from storage import Connection, guilds, moderation
from storage.words import Block, GuildSettings, Period, Preset, Scope
from tests.bot.encore import filled, no_more, opened, posted
from tests.bot.harness import Set, Upload, picture
from tests.jobs.test_attachments import film

IMAGE = {"image": Upload("a.png", picture())}
_SLOW_AFTER = 4  # connections that readers share
_PATIENCE = 20.0  # seconds


async def decide(films: Set, **settings: Any) -> None:
    await films.ctx.database.write(guilds.decided, replace(GuildSettings(films.guild.id), **settings), films.ctx.now())


async def block(films: Set, who: Member) -> None:
    block = Block(who.id, None, films.mod.id, "", films.ctx.now())
    await films.ctx.database.write(moderation.blocked, films.guild.id, block)


async def budget(films: Set, credits: int) -> None:
    await films.ctx.database.write(guilds.budget_set, films.guild.id, Scope.GUILD, 0, Period.MONTH, credits)


@contextlib.asynccontextmanager
async def silent(films: Set) -> AsyncGenerator[None]:
    """Let the database answer no question until the end of this."""
    free, begun = threading.Event(), threading.Barrier(_SLOW_AFTER + 1)

    def hold(_: Connection) -> None:
        begun.wait(_PATIENCE)
        free.wait()

    taken = [asyncio.create_task(films.ctx.database.read(hold)) for _ in range(_SLOW_AFTER)]
    await asyncio.to_thread(begun.wait, _PATIENCE)
    try:
        yield
    finally:
        free.set()
        await asyncio.gather(*taken)


@pytest.mark.parametrize("options", [{}, IMAGE])
async def test_what_stands_in_a_members_way_is_told_to_them_alone(films: Set, options: dict[str, Any]) -> None:
    await block(films, films.ada)
    await no_more(films, films.ask(**options), "A moderator has blocked you")
    await films.ctx.database.write(moderation.unblocked, films.guild.id, films.ada.id)
    await budget(films, 39)
    await no_more(films, films.ask(**options), "This would cost 40 credits, and this server has 39 credits left")
    await budget(films, 1000)
    await decide(films, most_running=1)
    await films.accepted(**options)
    await no_more(films, films.ask(**options), "You may have 1 thing in the making at a time")
    await decide(films, cooldown=60)
    await no_more(films, films.ask(**options), "between two of your requests")
    assert len(films.channel.messages) == 1


@pytest.mark.parametrize("options", [{}, IMAGE])
async def test_a_broken_rule_of_the_server_is_told_to_the_asker_alone(films: Set, options: dict[str, Any]) -> None:
    await decide(films, forbidden=("boat",))
    assert "boat" not in await no_more(films, films.ask(**options), "do not allow a word")
    await decide(films, nsfw_only=True)
    await no_more(films, films.ask(**options), "age-restricted channels only")
    await decide(films, channels=(films.guild.add_channel("other").id,))
    await no_more(films, films.ask(**options), "let me work in")


async def test_a_preset_that_cannot_be_used_is_told_to_the_asker_alone(films: Set) -> None:
    await no_more(films, films.ask(preset="nobody's"), "There is no preset called nobody's here")
    long = Preset("long", "", {"duration": 599}, 1, films.ctx.now())
    rude = Preset("rude", "slurword", {}, 1, films.ctx.now())
    for preset in (long, rude):
        await films.ctx.database.write(guilds.preset_saved, films.guild.id, preset)
    await no_more(films, films.ask(preset="long"), "can't be 599 s")
    await decide(films, forbidden=("slurword",))
    assert "slurword" not in await no_more(films, films.ask(preset="rude"), "do not allow a word")


async def test_a_default_model_that_cannot_do_it_is_told_to_the_asker_alone(films: Set) -> None:
    await decide(films, default_models={"text_to_video": "fast-1"})
    await no_more(films, films.ask(duration=8), "can't be 8 s at Acme. Possible: 2 s.")


async def test_a_budget_is_not_judged_by_the_length_of_a_film_nobody_has_looked_at(films: Set, tmp_path: Path) -> None:
    await budget(films, 39)
    dance = Upload("a.mp4", film(tmp_path / "a.mp4"))
    typed = films.make("/motion", **IMAGE, video=dance, character_orientation="image")
    answer = await typed.answered()
    await films.settled()
    assert not answer.ephemeral
    assert "this server has 39 credits left" in answer.text


async def test_a_forbidden_word_of_a_form_is_repeated_to_its_writer_alone(films: Set) -> None:
    _, result = await posted(films)
    await decide(films, forbidden=("slurword",))
    form = await opened(films.ben, result, "Edit & again")
    typed = films.ben.submit(form, filled(form, prompt="a slurword\u202e \u200bhere ```"))
    text = await no_more(films, typed, "do not allow a word", "prompt: a slurword here '''")
    assert not {"\u202e", "\u200b"} & set(text)
    assert all("slurword" not in message.text for message in films.channel.messages)


async def test_what_was_filled_in_stays_private_when_the_files_turn_out_to_be_of_no_use(films: Set) -> None:
    typed = films.make("/video", prompt="a secret plan", image=Upload("a.png", b"nope"), advanced=True)
    await typed.modal_shown()
    sent = films.ada.submit(typed, {"lines": "negative_prompt: cats\u202e and dogs"})
    answer = await sent.answered()
    await films.settled()
    assert "not a PNG, JPEG or WebP" in answer.text
    assert "cats" not in answer.text
    [echo] = sent.followups
    assert echo.flags & EPHEMERAL
    assert "negative_prompt: cats and dogs" in echo.text
    assert "to be copied" in echo.text
    assert not echo.pings


async def test_a_follow_up_that_is_not_taken_changes_nothing(films: Set) -> None:
    typed = films.make("/video", prompt="a secret plan", image=Upload("a.png", b"nope"), advanced=True)
    await typed.modal_shown()
    films.discord.faults.append(Fault("POST", r"/webhooks/\d+/[^/]+$", status=404))
    sent = films.ada.submit(typed, {"lines": "negative_prompt: cats"})
    answer = await sent.answered()
    await films.settled()
    assert "not a PNG, JPEG or WebP" in answer.text
    assert "cats" not in answer.text


async def test_a_database_that_is_slow_does_not_keep_discord_waiting(films: Set) -> None:
    async with silent(films):
        typed = films.ask()
        assert await typed.deferred() is not None
    await films.taken(typed)


async def test_who_is_refused_only_by_the_hold_hears_it_all_the_same(films: Set) -> None:
    await block(films, films.ada)
    form = films.make("/video", prompt="x", advanced=True)
    await form.modal_shown()
    async with silent(films):
        typed = films.ada.submit(form, {"lines": "negative_prompt: cats"})
        await typed.deferred()
    answer = await typed.answered()
    await films.settled()
    assert "blocked you" in answer.text
    assert "cats" not in answer.text
    assert "negative_prompt: cats" in typed.followups[0].text
