"""Music videos: who reaches them, by card, by command and by forged ids, and what is said when that fails."""

import contextlib
import sqlite3
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.transitions import Event
from sandbox.discord import EPHEMERAL
from storage import deliveries
from storage.codes import job_code
from tests.bot.harness import Set, cards
from tests.bot.studio import (
    REFUSED,
    forged,
    last_job,
    menus,
    open_studio,
    pick,
    quiet,
    refusal,
    with_shots,
)


@pytest.fixture
async def films(tmp_path: Path) -> AsyncGenerator[Set]:
    async with open_studio(tmp_path) as made:
        yield made


# Who may


async def test_a_moderator_may_and_a_stranger_may_not(films: Set) -> None:
    _, card = await with_shots(films)
    shown = pick(films, films.ada, card, "1")
    await shown.modal_shown()
    assert REFUSED in await refusal(films, pick(films, films.ben, card, "1"))
    assert REFUSED in await refusal(films, films.ben.press(card, "Compose"))
    assert REFUSED in await refusal(films, films.ben.submit(shown, {"prompt": "mine now"}))
    await pick(films, films.mod, card, "1").modal_shown()
    await films.mod.press(card, "Compose").answered()
    await quiet(films)
    assert (await last_job(films)).user_id == films.mod.id


async def test_a_shot_is_changed_once_at_a_time_wherever_that_is_asked_for(films: Set) -> None:
    await films.stop()
    films.ctx = replace(films.ctx, outside_daily=1000)
    await films.start()
    job, _ = await with_shots(films)
    await films.happen(job, Event.SUCCEEDED, links=[])
    room, held = films.ada.direct_messages, films.steps().count("held")
    change = {"video": job.code, "shot": 1, "prompt": "a storm"}
    await films.ada.type(room, "/mv edit", change).answered()
    await quiet(films)
    assert films.steps().count("held") == held + 1
    for where in (room, films.channel):
        assert "made anew already" in (await films.ada.type(where, "/mv edit", change).answered()).text
        await quiet(films)
    assert films.steps().count("held") == held + 1


async def test_hostile_ids_and_values_lead_nowhere(films: Set) -> None:
    job, card = await with_shots(films)
    video, _ = await films.accepted()
    ids = [
        f"mv:{video.code}:shots:0",
        f"mv:{job_code(job.id + 1)}:shots:0",
        "mv:lllllllllllll:shots:0",
        "mv:zzzzzzzzzzzzz:shots:0",
    ]
    menu = menus(card)[0]
    right = menu["custom_id"]
    for custom_id in ids:
        menu["custom_id"] = custom_id
        assert REFUSED in await refusal(films, forged(films.ada, card, custom_id, ["1"]))
    menu["custom_id"] = right
    for values in ([], ["0"], ["99"], ["-1"], ["1", "2"], ["1' OR 1=1"], ["\u0661"], ["9" * 5000]):
        assert "There is no shot" in await refusal(films, forged(films.ada, card, right, values))
    for custom_id in ("mv:x:shots:9", f"mv:{job.code}:shots:4", f"mv:{job.code}:compose:x"):
        answer = await forged(films.ada, card, custom_id, ["1"]).answered()
        assert answer.flags & EPHEMERAL
        assert "Nothing was changed" in answer.text


@pytest.mark.parametrize(
    "custom_id",
    ["mv:{}:edit:0", "mv:{}:edit:1", "mv:{}:edit:1:" + "0" * 16, "mv:{}:edit:99999:" + "0" * 16, "mv:x:edit:1", "mv:"],
)
async def test_a_forged_form_leads_nowhere(films: Set, custom_id: str) -> None:
    job, card = await with_shots(films)
    shown = pick(films, films.ada, card, "1")
    form = await shown.modal_shown()
    form["custom_id"] = custom_id.format(job.code)
    assert await refusal(films, films.ada.submit(shown, {"prompt": "x"}))


async def test_another_servers_music_video_is_out_of_reach(films: Set) -> None:
    root, _ = await with_shots(films)
    elsewhere = films.discord.add_guild("Elsewhere")
    lobby, eve = elsewhere.add_channel("lobby"), elsewhere.add_member("eve")
    eve.permissions |= 1 << 13
    assert await eve.autocomplete(lobby, "/mv show", {"video": ""}, "video") == []
    for command, more in (
        ("/mv show", {}),
        ("/mv edit", {"shot": 1, "prompt": "x"}),
        ("/mv compose", {}),
    ):
        text = await refusal(films, eve.type(lobby, command, {"video": root.code, **more}))
        assert "There is no such music video here" in text
        assert "boat" not in text
    own = await eve.type(lobby, "/video", {"prompt": "mine"}).answered()
    own.components[0]["components"].append({"type": 2, "style": 1, "custom_id": f"mv:{root.code}:compose", "id": 9})
    assert REFUSED in await refusal(films, eve.press_custom_id(own, f"mv:{root.code}:compose"))


async def test_music_videos_of_other_channels_are_shown_to_their_askers_only(films: Set) -> None:
    root, _ = await with_shots(films)
    lobby = films.guild.add_channel("lobby")
    for who, seen in ((films.ada, True), (films.ben, False), (films.mod, False)):
        offers = await who.autocomplete(lobby, "/mv show", {"video": ""}, "video")
        assert [offer["value"] for offer in offers] == ([root.code] if seen else [])
    assert "no such music video" in await refusal(films, films.mod.type(lobby, "/mv show", {"video": root.code}))
    shown = await films.ada.type(lobby, "/mv show", {"video": root.code}).answered()
    assert "a boat leaves" in shown.text


# The commands


async def test_show_draws_the_music_video_for_the_asker_alone_and_its_controls_work(films: Set) -> None:
    root, _ = await with_shots(films)
    shown = await films.ada.type(films.channel, "/mv show", {"video": root.code}).answered()
    assert shown.flags & EPHEMERAL
    assert "a boat leaves" in shown.text
    await pick(films, films.ada, shown, "2").modal_shown()
    await films.ada.press(shown, "Compose").answered()
    await quiet(films)
    assert (await last_job(films)).root_id == root.id
    seen = await films.ben.type(films.channel, "/mv show", {"video": root.code}).answered()
    assert "a boat leaves" in seen.text
    assert seen.buttons == []


async def test_music_videos_and_shots_are_suggested_by_what_they_are(films: Set) -> None:
    root, _ = await with_shots(films)
    [offer] = await films.ada.autocomplete(films.channel, "/mv edit", {"video": "BOAT"}, "video")
    assert offer["value"] == root.code
    assert offer["name"].startswith("a boat at dawn · ")
    assert offer["name"].endswith(f" ago · {root.code}")
    assert await films.ben.autocomplete(films.channel, "/mv edit", {"video": ""}, "video") == []
    given = {"video": root.code, "shot": ""}
    offers = await films.ada.autocomplete(films.channel, "/mv edit", given, "shot")
    assert [offer["value"] for offer in offers] == [1, 2, 3]
    assert offers[0]["name"] == "1 · 3 s · a boat leaves"
    assert await films.ada.autocomplete(films.channel, "/mv edit", {"shot": ""}, "shot") == []
    assert await films.ben.autocomplete(films.channel, "/mv edit", given, "shot") == []


async def test_edit_and_compose_by_command(films: Set) -> None:
    root, _ = await with_shots(films)
    await films.ada.type(films.channel, "/mv edit", {"video": root.code, "shot": 3, "prompt": "calm"}).answered()
    await quiet(films)
    job = await last_job(films)
    assert (job.operation, job.prompt, job.options["shots"]) == ("edit_shot", "calm", ["s-3"])
    await films.happen(job, Event.CANCEL)
    await films.ada.type(films.channel, "/mv compose", {"video": root.code, "shots": "3, 1"}).answered()
    await quiet(films)
    assert (await last_job(films)).options["shots"] == ["s-3", "s-1"]
    await films.ada.type(films.channel, "/mv compose", {"video": root.code.upper()}).answered()
    await quiet(films)
    assert (await last_job(films)).options["shots"] == ["s-1", "s-2", "s-3"]


@pytest.mark.parametrize(
    ("shots", "words"),
    [
        ("1 1", "named twice"),
        ("1 4", "no shot 4"),
        ("all", "can't read"),
        (", ;", "can't read"),
        ("1 " * 200, "more than 100"),
        ("0", "no shot 0"),
        ("-1", "can't read"),
        ("\u0661", "can't read"),
    ],
)
async def test_shots_that_cannot_be_meant_are_refused(films: Set, shots: str, words: str) -> None:
    root, _ = await with_shots(films)
    typed = films.ada.type(films.channel, "/mv compose", {"video": root.code, "shots": shots})
    assert words in await refusal(films, typed)


async def test_a_music_video_nobody_has_is_refused(films: Set) -> None:
    video, _ = await films.accepted()
    for code in (video.code, "nothing", "'; DROP TABLE jobs;--", "zzzzzzzzzzzzz"):
        typed = films.ada.type(films.channel, "/mv compose", {"video": code})
        assert "no such music video" in await refusal(films, typed)


async def test_its_vendor_and_no_other_changes_a_music_video(films: Set) -> None:
    root, card = await with_shots(films)
    providers = {name: one for name, one in films.ctx.providers.items() if name != root.provider}
    object.__setattr__(films.ctx, "providers", providers)
    assert "no provider called acme" in await refusal(films, films.ada.press(card, "Compose"))


async def test_what_goes_wrong_with_the_database_is_said(films: Set, tmp_path: Path) -> None:
    root, card = await with_shots(films)
    shown = pick(films, films.ada, card, "1")
    await shown.modal_shown()
    await quiet(films)
    with contextlib.closing(sqlite3.connect(tmp_path / "rushes.db")) as file:
        file.execute("ALTER TABLE jobs RENAME TO elsewhere")
    for typed in (
        films.ada.press(card, "Compose"),
        pick(films, films.ada, card, "1"),
        films.ada.submit(shown, {"prompt": "x"}),
        films.ada.type(films.channel, "/mv show", {"video": root.code}),
    ):
        assert "can't store anything just now" in await refusal(films, typed)
    assert await films.ada.autocomplete(films.channel, "/mv show", {"video": ""}, "video") == []
    given = {"video": root.code, "shot": ""}
    assert await films.ada.autocomplete(films.channel, "/mv edit", given, "shot") == []


async def test_the_result_of_an_edit_leads_back_to_its_shot(films: Set) -> None:
    root, _ = await with_shots(films)
    await films.ada.type(films.channel, "/mv edit", {"video": root.code, "shot": 1, "prompt": "calm"}).answered()
    await quiet(films)
    await films.finished(await last_job(films), charged=9)
    await films.deliver()
    [result] = films.results()
    assert "Your shot is ready · 9 credits" in result.content
    assert f"A shot of music video {root.code}, made anew" in result.text


async def test_a_music_video_without_a_film_says_what_to_do(films: Set) -> None:
    job, card = await with_shots(films)
    await films.happen(job, Event.SUCCEEDED, links=[], credits=60)
    await films.ctx.database.write(deliveries.ready, job.id, films.ctx.now())
    await films.deliver()
    [result] = films.results()
    assert "The shots of your music video are ready · 60 credits" in result.content
    assert "Compose on the card" in result.content
    await films.edit_cards()
    assert "[See the result](https://discord.com/channels/" in card.text
    assert not await cards.work(films.ctx, films.bot).once()
