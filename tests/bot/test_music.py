"""Music videos: shots on the card, changed and put together by whoever may, however old the card is."""

import contextlib
import io
import sqlite3
import wave
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.buttons import view_of
from jobs.transitions import Event
from providers.orders import Extra, Kind, Model, Operation, Order, Problem
from sandbox.discord import EPHEMERAL, Member, Message, Typed
from sandbox.discord.world import walk
from storage import deliveries
from storage import jobs as job_facts
from storage.words import Job, State, StoredShot, job_code
from tests.bot.harness import FakeVendor, Set, Upload, cards, open_set, picture
from tests.bot.test_messages import job_with

REFUSED = "I can't change that music video for you"
SHOTS = (
    StoredShot("s-1", "succeeded", "a boat leaves", 3),
    StoredShot("s-2", "succeeded", "[win](https://evil.example) @everyone", 4.5),
    StoredShot("s-3", "succeeded", "the sea"),
)
MUSIC = (Operation.MUSIC_VIDEO, Operation.EDIT_SHOT, Operation.COMPOSE_SHOTS)


class Studio(FakeVendor):
    """A vendor that makes music videos, and cannot stop them."""

    def operations(self) -> tuple[Operation, ...]:
        return (*super().operations(), *MUSIC)

    def can_cancel(self, operation: Operation) -> bool:
        return operation not in MUSIC

    def extras(self, operation: Operation) -> tuple[Extra, ...]:
        if operation is not Operation.MUSIC_VIDEO:
            return ()
        flags = (Extra("add_subtitle", Kind.FLAG), Extra("lip_sync", Kind.FLAG))
        return (*flags, Extra("language", Kind.CHOICE, choices=("en", "zh")))

    def models(self, operation: Operation) -> tuple[Model, ...]:
        return () if operation in MUSIC else super().models(operation)

    def fill(self, order: Order) -> Order:
        return order if order.operation in MUSIC else super().fill(order)

    def problems(self, order: Order) -> list[Problem]:
        return [] if order.operation in MUSIC else super().problems(order)

    def price(self, order: Order) -> int | None:
        return 60 if order.operation in MUSIC else super().price(order)


@pytest.fixture
async def films(tmp_path: Path) -> AsyncGenerator[Set]:
    async with open_set(tmp_path, Studio("acme"), Studio("other", rate=1)) as made:
        await made.start()
        yield made
        await made.stop()
        assert not [message for message in made.discord.messages.values() if message.pings]


def song() -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16_000 * 12))
    return out.getvalue()


async def last_job(films: Set) -> Job:
    job_id = next(job_id for step, job_id, _ in reversed(films.told) if step == "held")
    return await films.job(job_id or 0)


async def quiet(films: Set) -> None:
    """Wait until nothing that was begun by a command or a press is under way."""
    await films.discord.until(lambda: films.bot.client is not None and not films.bot.client._at_work)  # pyright: ignore[reportPrivateUsage] -- nothing else tells


async def created(films: Set, who: Member | None = None, **more: Any) -> tuple[Job, Message]:
    """Type /mv create and wait for the card."""
    given = {"audio": Upload("song.wav", song()), "image1": Upload("a.png", picture()), "prompt": "a boat at dawn"}
    typed = (who or films.ada).type(films.channel, "/mv create", given | more)
    card = await typed.answered()
    await quiet(films)
    return await last_job(films), card


async def with_shots(
    films: Set, shots: tuple[StoredShot, ...] = SHOTS, who: Member | None = None
) -> tuple[Job, Message]:
    """Bring a music video to where its shots are known, and show them."""
    job, card = await created(films, who)
    await films.happen(job, Event.SUBMIT)
    await films.happen(job, Event.ACCEPTED, task_id=f"mv-{job.code}", submitted_at=films.ctx.now())
    await films.happen(job, Event.RUNNING)
    await films.ctx.database.write(job_facts.show_shots, job.id, shots, films.ctx.now())
    await films.edit_cards()
    return await films.job(job.id), card


def menus(message: Message) -> list[dict[str, Any]]:
    return [part for part in walk(message.components) if part["type"] == 3]


def pick(films: Set, who: Member, card: Message, number: str) -> Typed:
    return who.choose(card, menus(card)[0]["custom_id"], [number])


def forged(who: Member, message: Message, custom_id: str, values: Any) -> Typed:
    """Send a pick that no Discord client would."""
    return who._use(message, {"custom_id": custom_id, "component_type": 3, "values": values})  # pyright: ignore[reportPrivateUsage] -- likewise


async def refusal(films: Set, typed: Typed) -> str:
    """Read an answer that only the one who asked sees, and that begins nothing."""
    before = films.steps().count("held")
    answer = await typed.answered()
    await quiet(films)
    assert answer.flags & EPHEMERAL
    assert films.steps().count("held") == before
    assert "Nothing was sent and nothing was spent." in answer.text
    return answer.text


# /mv create


async def test_a_music_video_is_taken_with_its_song_and_pictures(films: Set) -> None:
    subtitles = Upload("words.srt", b"1\n00:00:00,000 --> 00:00:02,000\nhello\n")
    job, card = await created(
        films, image2=Upload("b.png", picture()), subtitles=subtitles, add_subtitle=True, language="en", lip_sync=False
    )
    assert job.operation == "music_video"
    assert sorted(stored.role for stored in job.inputs) == ["audio", "reference", "reference", "subtitles"]
    assert job.asked["extras"] == {"add_subtitle": True, "language": "en", "lip_sync": False}
    for words in ("a boat at dawn", "60 credits are reserved", "add subtitle", "language en", "no lip sync"):
        assert words in card.text
    assert [button.label for button in card.buttons] == ["Cancel"]


async def test_the_choices_of_a_music_video_are_suggested(films: Set) -> None:
    offers = await films.ada.autocomplete(films.channel, "/mv create", {"prompt": "x", "language": ""}, "language")
    assert {offer["value"] for offer in offers} == {"en", "zh"}
    offers = await films.ada.autocomplete(films.channel, "/mv create", {"provider": "oth"}, "provider")
    assert [offer["value"] for offer in offers] == ["other"]


async def test_a_song_that_is_none_is_refused(films: Set) -> None:
    given = {"audio": Upload("song.mp3", b"no song at all"), "image1": Upload("a.png", picture())}
    answer = await films.ada.type(films.channel, "/mv create", given).answered()
    assert "Nothing was sent and nothing was spent." in answer.text


# The card


async def test_the_card_lists_the_shots_and_offers_to_change_them(films: Set) -> None:
    _, card = await with_shots(films)
    for words in ("**1** ready · 3 s · a boat leaves", "**2** ready · 4.5 s", "**3** ready · the sea"):
        assert words in card.text
    assert "](https://evil" not in card.text
    assert "@everyone" not in card.text
    [menu] = menus(card)
    assert menu["placeholder"] == "Pick a shot to change"
    assert [option["value"] for option in menu["options"]] == ["1", "2", "3"]
    assert [button.label for button in card.buttons] == ["Compose", "Cancel"]
    assert "can't be stopped at Acme" in card.text


async def test_a_finished_music_video_keeps_its_controls(films: Set) -> None:
    job, card = await with_shots(films)
    await films.happen(job, Event.SUCCEEDED, links=[], credits=60)
    await films.edit_cards()
    assert [button.label for button in card.buttons] == ["Compose"]
    assert len(menus(card)) == 1


async def test_a_cancelled_music_video_has_no_controls(films: Set) -> None:
    job, card = await with_shots(films)
    answer = await films.ada.press(card, "Cancel").answered()
    assert "Acme has no way to stop a music video and may still charge for it" in answer.text
    await films.edit_cards()
    assert (await films.job(job.id)).state is State.CANCELLING
    assert card.buttons == []
    assert menus(card) == []


async def test_many_shots_are_spread_over_menus_and_still_fit(films: Set) -> None:
    many = tuple(StoredShot(f"s-{n}", "succeeded", "@[*_" * 1000, 3) for n in range(1, 131))
    _, card = await with_shots(films, many)
    assert [len(menu["options"]) for menu in menus(card)] == [25, 25, 25, 25]
    assert menus(card)[1]["placeholder"] == "Pick a shot to change (26-50)"
    assert "and 110 more" in card.text
    assert [button.label for button in card.buttons] == ["Compose", "Cancel"]


async def test_a_job_that_is_no_music_video_has_no_shots_to_press() -> None:
    video = job_with(shots=SHOTS, task_id="t", state=State.SUCCEEDED)
    assert view_of(video) is None
    assert view_of(replace(video, operation="music_video")) is not None
    assert view_of(replace(video, operation="music_video", task_id=None)) is None


# Changing a shot


async def test_a_shot_is_picked_and_its_new_prompt_becomes_a_job(films: Set) -> None:
    root, card = await with_shots(films)
    shown = pick(films, films.ada, card, "2")
    form = await shown.modal_shown()
    assert form["title"] == "Shot 2"
    assert form["components"][0]["component"]["value"] == SHOTS[1].prompt
    sent = films.ada.submit(shown, {"prompt": "a storm comes"})
    edit_card = await sent.answered()
    await quiet(films)
    job = await last_job(films)
    assert (job.operation, job.provider, job.prompt, job.root_id) == ("edit_shot", "acme", "a storm comes", root.id)
    assert (job.options["parent"], job.options["shots"]) == (root.task_id, ["s-2"])
    assert job.asked["wanted"] == "acme"
    assert "a storm comes" in edit_card.text
    assert f"A shot of music video {root.code}, made anew" in edit_card.text
    assert "60 credits are reserved" in edit_card.text


async def test_the_card_is_drawn_anew_after_a_pick_so_that_the_same_shot_can_be_picked_again(films: Set) -> None:
    root, card = await with_shots(films)
    await pick(films, films.ada, card, "1").modal_shown()
    await quiet(films)
    assert (await films.job(root.id)).card_due_at is not None
    assert await films.edit_cards()


async def test_forms_leave_nothing_behind(films: Set) -> None:
    _, card = await with_shots(films)
    for number in ("1", "2", "3"):
        await pick(films, films.ada, card, number).modal_shown()
    await quiet(films)
    client = films.bot.client
    assert client is not None
    assert client._connection._view_store._modals == {}  # pyright: ignore[reportPrivateUsage] -- nothing else tells
    assert client._connection._view_store._views == {}  # pyright: ignore[reportPrivateUsage] -- likewise


async def test_card_menu_and_form_outlive_a_restart(films: Set) -> None:
    root, card = await with_shots(films)
    await films.stop()
    await films.start()
    shown = pick(films, films.ada, card, "1")
    await shown.modal_shown()
    await quiet(films)
    await films.stop()
    await films.start()
    await films.ada.submit(shown, {"prompt": "after the restart"}).answered()
    await quiet(films)
    job = await last_job(films)
    assert (job.root_id, job.prompt, job.options["shots"]) == (root.id, "after the restart", ["s-1"])
    await films.stop()
    await films.start()
    await films.ada.press(card, "Compose").answered()
    await quiet(films)
    assert (await last_job(films)).operation == "compose_shots"


async def test_the_newest_version_of_a_shot_is_what_is_changed(films: Set) -> None:
    root, card = await with_shots(films)
    shown = pick(films, films.ada, card, "2")
    await shown.modal_shown()
    newer = (SHOTS[0], StoredShot("s-2b", "succeeded", "newer", 4), SHOTS[2])
    await films.ctx.database.write(job_facts.show_shots, root.id, newer, films.ctx.now())
    await films.ada.submit(shown, {"prompt": "newest"}).answered()
    await quiet(films)
    assert (await last_job(films)).options["shots"] == ["s-2b"]


async def test_a_shot_that_is_gone_or_being_made_is_not_changed(films: Set) -> None:
    root, card = await with_shots(films)
    shown = pick(films, films.ada, card, "3")
    await shown.modal_shown()
    fewer = (SHOTS[0], replace(SHOTS[1], state="running"))
    await films.ctx.database.write(job_facts.show_shots, root.id, fewer, films.ctx.now())
    assert "There is no shot 3" in await refusal(films, films.ada.submit(shown, {"prompt": "late"}))
    assert "There is no shot 3" in await refusal(films, pick(films, films.ada, card, "3"))
    assert "Shot 2 is being made just now" in await refusal(films, pick(films, films.ada, card, "2"))
    await films.ctx.database.write(job_facts.show_shots, root.id, (), films.ctx.now())
    assert "no shots" in await refusal(films, films.ada.press(card, "Compose"))


async def test_a_prompt_that_shows_nothing_is_no_prompt(films: Set) -> None:
    _, card = await with_shots(films)
    shown = pick(films, films.ada, card, "1")
    await shown.modal_shown()
    assert "needs a prompt" in await refusal(films, films.ada.submit(shown, {"prompt": " \0 \n"}))


# Putting together


async def test_compose_puts_all_newest_shots_together(films: Set) -> None:
    root, card = await with_shots(films)
    new = await films.ada.press(card, "Compose").answered()
    await quiet(films)
    job = await last_job(films)
    assert (job.operation, job.provider, job.prompt, job.root_id) == ("compose_shots", "acme", "", root.id)
    assert (job.options["parent"], job.options["shots"]) == (root.task_id, ["s-1", "s-2", "s-3"])
    assert f"3 shots of music video {root.code}, put together" in new.text


@pytest.mark.parametrize(("state", "words"), [("running", "is being made just now"), ("failed", "is not ready")])
async def test_shots_that_are_not_ready_are_not_put_together(films: Set, state: str, words: str) -> None:
    _, card = await with_shots(films, (SHOTS[0], replace(SHOTS[1], state=state)))
    assert f"Shot 2 {words}" in await refusal(films, films.ada.press(card, "Compose"))


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


@pytest.mark.parametrize("custom_id", ["mv:{}:edit:0", "mv:{}:edit:99999", "mv:{}:edit:4", "mv:x:edit:1", "mv:"])
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
