"""Music videos: shots on the card, changed and put together, however old the card is."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.buttons import view_of
from jobs.transitions import Event
from sandbox.discord import Typed
from storage import guilds
from storage import jobs as job_facts
from storage.words import GuildSettings, State, StoredShot
from tests.bot.harness import Set, Upload, picture
from tests.bot.studio import SHOTS, created, last_job, menus, open_studio, pick, quiet, refusal, with_shots
from tests.bot.test_messages import job_with


@pytest.fixture
async def films(tmp_path: Path) -> AsyncGenerator[Set]:
    async with open_studio(tmp_path) as made:
        yield made


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
    assert "Acme has no way to stop it any more and may still charge for it" in answer.text
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
    await films.happen(job, Event.CANCEL)
    await films.stop()
    await films.start()
    await films.ada.press(card, "Compose").answered()
    await quiet(films)
    assert (await last_job(films)).operation == "compose_shots"


async def test_the_newest_version_of_a_shot_is_what_is_changed(films: Set) -> None:
    root, card = await with_shots(films)
    shown = pick(films, films.ada, card, "2")
    await shown.modal_shown()
    newer = (SHOTS[0], StoredShot("s-2b", "succeeded", "newer", 4, origin="s-2"), SHOTS[2])
    await films.ctx.database.write(job_facts.show_shots, root.id, newer, films.ctx.now())
    await films.ada.submit(shown, {"prompt": "newest"}).answered()
    await quiet(films)
    assert (await last_job(films)).options["shots"] == ["s-2b"]


async def test_a_form_changes_the_shot_it_shows_wherever_that_stands_by_then(films: Set) -> None:
    root, card = await with_shots(films, (SHOTS[0], SHOTS[2]))
    shown = pick(films, films.ada, card, "2")
    form = await shown.modal_shown()
    assert form["components"][0]["component"]["value"] == "the sea"
    await films.ctx.database.write(job_facts.show_shots, root.id, SHOTS, films.ctx.now())
    await films.ada.submit(shown, {"prompt": "a storm"}).answered()
    await quiet(films)
    assert (await last_job(films)).options["shots"] == ["s-3"]


async def test_a_form_of_a_shot_that_is_gone_changes_no_other_one(films: Set) -> None:
    root, card = await with_shots(films)
    shown = pick(films, films.ada, card, "2")
    await shown.modal_shown()
    await films.ctx.database.write(job_facts.show_shots, root.id, (SHOTS[0], SHOTS[2]), films.ctx.now())
    assert "Pick the shot again" in await refusal(films, films.ada.submit(shown, {"prompt": "a storm"}))


async def test_a_shot_longer_than_anybody_may_ask_for_is_changed_all_the_same(films: Set) -> None:
    _, card = await with_shots(films, (replace(SHOTS[0], seconds=600.5), replace(SHOTS[1], seconds=600)))
    for number, seconds in (("1", None), ("2", 600)):
        shown = pick(films, films.ada, card, number)
        await shown.modal_shown()
        await films.ada.submit(shown, {"prompt": "a storm"}).answered()
        await quiet(films)
        job = await last_job(films)
        assert (job.operation, job.options["duration"]) == ("edit_shot", seconds)


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
    for unseen in (" \0 \n", "\u200b"):
        assert "needs a prompt" in await refusal(films, films.ada.submit(shown, {"prompt": unseen}))


# Putting together


async def test_compose_puts_all_newest_shots_together(films: Set) -> None:
    root, card = await with_shots(films)
    new = await films.ada.press(card, "Compose").answered()
    await quiet(films)
    job = await last_job(films)
    assert (job.operation, job.provider, job.prompt, job.root_id) == ("compose_shots", "acme", "", root.id)
    assert (job.options["parent"], job.options["shots"]) == (root.task_id, ["s-1", "s-2", "s-3"])
    assert f"3 shots of music video {root.code}, put together" in new.text


async def asked_twice(films: Set, first: Typed, second: Typed) -> list[str]:
    """Wait for both answers, and give the texts of those that began nothing."""
    before = films.steps().count("held")
    answers = [await typed.answered() for typed in (first, second)]
    await quiet(films)
    assert films.steps().count("held") == before + 1
    return [answer.text for answer in answers if "Nothing was sent and nothing was spent." in answer.text]


async def test_the_same_shots_are_put_together_once_however_often_it_is_pressed(films: Set) -> None:
    root, card = await with_shots(films)
    [text] = await asked_twice(films, films.ada.press(card, "Compose"), films.mod.press(card, "Compose"))
    assert "These shots are being put together already" in text
    assert "being put together already" in await refusal(films, films.ada.press(card, "Compose"))
    other = films.ada.type(films.channel, "/mv compose", {"video": root.code, "shots": "2 1 3"})
    await other.answered()
    await quiet(films)
    job = await last_job(films)
    assert job.options["shots"] == ["s-2", "s-1", "s-3"]
    await films.finished(job)
    again = films.ada.type(films.channel, "/mv compose", {"video": root.code, "shots": "2 1 3"})
    await again.answered()
    await quiet(films)
    assert (await last_job(films)).id != job.id


async def test_one_shot_is_made_anew_once_at_a_time(films: Set) -> None:
    _, card = await with_shots(films)
    forms = [pick(films, films.ada, card, "2"), pick(films, films.ada, card, "2")]
    for shown in forms:
        await shown.modal_shown()
    prompts = ("a storm", "a calm")
    [text] = await asked_twice(
        films, *(films.ada.submit(shown, {"prompt": said}) for shown, said in zip(forms, prompts, strict=True))
    )
    assert "Shot 2 is being made anew already" in text
    assert "Shot 2 is being made anew already" in await refusal(films, pick(films, films.ada, card, "2"))
    await pick(films, films.ada, card, "1").modal_shown()


async def test_nothing_is_put_together_of_a_shot_that_is_being_made_anew(films: Set) -> None:
    root, card = await with_shots(films)
    shown = pick(films, films.ada, card, "2")
    await shown.modal_shown()
    await films.ada.submit(shown, {"prompt": "a storm"}).answered()
    await quiet(films)
    edit = await last_job(films)
    text = await refusal(films, films.ada.press(card, "Compose"))
    assert f"Shot 2 is being made anew already (`{edit.code}`)" in text
    await films.ada.type(films.channel, "/mv compose", {"video": root.code, "shots": "1 3"}).answered()
    await quiet(films)
    assert (await last_job(films)).options["shots"] == ["s-1", "s-3"]
    await films.happen(edit, Event.CANCEL)
    await films.ada.press(card, "Compose").answered()
    await quiet(films)
    assert (await last_job(films)).options["shots"] == ["s-1", "s-2", "s-3"]


async def test_a_change_that_waits_for_a_yes_says_so(films: Set) -> None:
    _, card = await with_shots(films)
    settings = GuildSettings(films.guild.id, confirm_above=10)
    await films.ctx.database.write(guilds.decided, settings, films.ctx.now())
    await films.ada.press(card, "Compose").answered()
    await quiet(films)
    assert "waits for somebody's yes" in await refusal(films, films.ada.press(card, "Compose"))


async def test_shots_that_nobody_makes_any_more_can_be_changed_whatever_was_said_last(films: Set) -> None:
    root, card = await with_shots(films, (SHOTS[0], replace(SHOTS[1], state="running")))
    assert "is being made just now" in await refusal(films, pick(films, films.ada, card, "2"))
    await films.happen(root, Event.SUCCEEDED, links=[], credits=60)
    await pick(films, films.ada, card, "2").modal_shown()
    await films.ada.press(card, "Compose").answered()
    await quiet(films)
    assert (await last_job(films)).options["shots"] == ["s-1", "s-2"]
    assert "is being made just now" in await refusal(films, pick(films, films.ada, card, "2"))


@pytest.mark.parametrize(("state", "words"), [("running", "is being made just now"), ("failed", "is not ready")])
async def test_shots_that_are_not_ready_are_not_put_together(films: Set, state: str, words: str) -> None:
    _, card = await with_shots(films, (SHOTS[0], replace(SHOTS[1], state=state)))
    assert f"Shot 2 {words}" in await refusal(films, films.ada.press(card, "Compose"))
