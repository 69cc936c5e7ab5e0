"""A result that is too large is made smaller where that keeps it worth watching; a covered one stays covered."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from bot import parcels
from jobs import mp4
from sandbox.discord import Fault
from storage import guilds
from storage.words import DeliveryState, GuildSettings
from tests.bot.harness import Set, open_set, ready
from tests.jobs.test_shrink import film

LIMIT = 500_000


async def test_a_film_above_the_limit_is_made_smaller_and_the_whole_one_is_linked(tmp_path: Path) -> None:
    whole = await film(tmp_path / "whole.mp4")
    async with open_set(tmp_path, upload_limit=LIMIT) as films:
        await films.start()
        films.ada.upload_limit = LIMIT
        job = await ready(films, data=whole.read_bytes())
        await films.deliver()
        [result] = films.results()
        [attached] = result.attachments
        assert attached.filename == f"rushes-{job.code}.mp4"
        assert attached.size <= LIMIT
        assert min(mp4.inspect_bytes(attached.data).width, 1280) < 1280
        assert "Made smaller to fit in here; [in full](https://rushes.example/media/outputs/" in result.content
        assert "made smaller" in films.steps()
        assert not (await films.delivery(job)).linked
        await films.stop()


async def test_what_discord_then_still_finds_too_large_is_linked_in_full(tmp_path: Path) -> None:
    whole = await film(tmp_path / "whole.mp4")
    async with open_set(tmp_path, upload_limit=LIMIT) as films:
        await films.start()
        films.ada.upload_limit = LIMIT
        job = await ready(films, data=whole.read_bytes())
        too_large = {"message": "too large", "code": 40005}
        films.discord.faults.append(Fault("POST", r"/channels/\d+/messages$", status=413, body=too_large))
        await films.deliver()
        [result] = films.results()
        assert result.attachments == []
        assert f"{job.code}-0.mp4" in result.content
        assert "Made smaller" not in result.content
        await films.stop()


async def test_films_being_made_smaller_hold_up_nobody_elses_results(
    films: Set, monkeypatch: pytest.MonkeyPatch
) -> None:
    done, begun = asyncio.Event(), list[Path]()

    async def slow(film: Path, *_: object) -> None:
        begun.append(film)
        await done.wait()

    monkeypatch.setattr(parcels, "shrunk", slow)
    large = [await ready(films, data=bytes(10 * 2**20 + 1)) for _ in range(5)]
    small = await ready(films)
    stopping = asyncio.Event()
    running = asyncio.create_task(films.postman.run(stopping))
    await films.until_told("posted")
    assert (await films.delivery(small)).state is DeliveryState.POSTED
    assert len(begun) == 1
    done.set()
    for turn in range(2, 7):
        films.clock.ahead += 5
        films.ctx.wakes.deliver.set()
        await films.until_told("posted", turn)
    stopping.set()
    await running
    assert len(begun) == len(large)
    assert {(await films.delivery(job)).state for job in large} == {DeliveryState.POSTED}


async def test_a_film_that_could_not_be_made_smaller_is_not_worked_on_again(films: Set) -> None:
    job = await ready(films, data=bytes(10 * 2**20 + 1))
    films.discord.faults.append(Fault("POST", r"/channels/\d+/messages$", status=404))
    await films.deliver()
    after = await films.delivery(job)
    assert (after.state, after.linked) == (DeliveryState.DUE, True)


async def test_where_the_admins_want_it_results_are_covered_and_known_again(films: Set) -> None:
    settings = replace(GuildSettings(films.guild.id), spoiler=True)
    await films.ctx.database.write(guilds.decided, settings, films.ctx.now())
    job = await ready(films)
    films.discord.faults.append(Fault("POST", r"/channels/\d+/messages$", status="cut", when="after"))
    await films.deliver()
    films.clock.ahead += 3600
    await films.deliver()
    [result] = films.results()
    assert [file.filename for file in result.attachments] == [f"SPOILER_rushes-{job.code}.mp4"]


async def test_the_whole_of_a_covered_film_is_not_shown_beside_it(tmp_path: Path) -> None:
    whole = await film(tmp_path / "whole.mp4")
    async with open_set(tmp_path, upload_limit=LIMIT) as films:
        await films.start()
        films.ada.upload_limit = LIMIT
        settings = replace(GuildSettings(films.guild.id), spoiler=True)
        await films.ctx.database.write(guilds.decided, settings, films.ctx.now())
        await ready(films, data=whole.read_bytes())
        await films.deliver()
        [result] = films.results()
        assert "[in full](<https://rushes.example/media/outputs/" in result.content
        await films.stop()


async def test_a_covered_link_is_covered(films: Set) -> None:
    settings = replace(GuildSettings(films.guild.id), spoiler=True)
    await films.ctx.database.write(guilds.decided, settings, films.ctx.now())
    await ready(films, data=bytes(10 * 2**20 + 1))
    await films.deliver()
    [result] = films.results()
    assert "||https://rushes.example/media/outputs/" in result.content
