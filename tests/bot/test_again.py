"""Again, and Edit & again: by anybody who sees the result, as their own, with every check; after restarts too."""

from pathlib import Path
from typing import Any

import pytest

from bot import again
from bot.again_form import form, typed_again
from jobs import files
from jobs.transitions import Event
from sandbox.discord import Typed
from storage import guilds, members
from storage.codes import job_code
from storage.words import GuildSettings, Job, State
from tests.bot.encore import break_storage, count, filled, forged, labels, no_more, opened, posted, shown
from tests.bot.harness import Set, Upload, picture
from tests.bot.studio import created, open_studio
from tests.bot.test_advanced import parts
from tests.bot.test_buttons import REFUSED
from tests.bot.test_messages import job_with
from tests.jobs.test_attachments import film

FILMED = ["Again", "Edit & again", "Animate last frame", "Details", "Delete"]
PNG = Upload("a.png", picture())
HOSTILE = "@everyone [free](https://evil.example) <@1>"


def kept(films: Set, job: Job) -> list[bytes]:
    return [files.locate(films.ctx.media_dir, files.INPUTS, one.file).read_bytes() for one in job.inputs]


def sweep(films: Set) -> None:
    assert files.delete(files.older(films.ctx.media_dir, films.clock() + 60))


async def test_a_result_can_be_pressed(films: Set) -> None:
    _, result = await posted(films)
    assert labels(result) == FILMED


async def test_where_no_film_came_none_can_be_animated(films: Set) -> None:
    _, result = await posted(films, lost=1)
    assert labels(result) == ["Again", "Edit & again", "Details", "Delete"]


async def test_also_a_result_without_a_frame_can_be_pressed(films: Set) -> None:
    films.channel.deny("EMBED_LINKS", "READ_MESSAGE_HISTORY")
    _, result = await posted(films)
    assert result.embeds == []
    assert labels(result) == FILMED


async def test_a_shot_of_a_music_video_is_not_made_again_from_its_result(tmp_path: Path) -> None:
    async with open_studio(tmp_path) as films:
        job, _ = await created(films)
        _, result = await shown(films, await films.finished(job, charged=60))
        assert labels(result) == FILMED
        again, _ = await films.taken(films.ben.press(result, "Again"))
        assert (again.operation, again.user_name) == ("music_video", "Ben")
        assert kept(films, again) == kept(films, job)


# Again


async def test_the_same_is_made_again_for_whoever_presses(films: Set) -> None:
    job, result = await posted(films, image=PNG, model="slow-1", duration=8, seed=7, audio=True)
    again, card = await films.taken(films.ben.press(result, "Again"))
    assert (again.user_id, again.user_name, again.state) == (films.ben.id, "Ben", State.QUEUED)
    assert (again.prompt, again.model, again.options, again.price) == (job.prompt, job.model, job.options, job.price)
    assert again.asked | {"roles": []} == job.asked | {"roles": []}
    assert kept(films, again) == kept(films, job) == [PNG.data]
    assert [one.file for one in again.inputs] != [one.file for one in job.inputs]
    assert card.id == again.card_message_id
    assert "a boat at dawn" in card.text
    assert result in films.results()


@pytest.mark.parametrize("event", [Event.REJECTED, Event.CANCEL])
async def test_what_came_to_nothing_is_changed_and_asked_for_again_from_its_card(films: Set, event: Event) -> None:
    job, card = await films.accepted(image=PNG, duration=8)
    if event is Event.REJECTED:
        await films.happen(job, Event.SUBMIT)
    job = await films.happen(job, event)
    await films.edit_cards()
    shown = films.ada.press(card, "Edit & again")
    modal = await shown.modal_shown()
    assert "a boat at dawn" in str(modal)
    again, _ = await films.taken(films.ben.press(card, "Again"))
    assert (again.prompt, again.options, again.user_id) == (job.prompt, job.options, films.ben.id)
    assert kept(films, again) == [PNG.data]
    animated = films.ada.press_custom_id(card, f"job:{job.code}:animate")
    assert "somebody else's" in (await animated.answered()).text


async def test_a_film_and_further_choices_come_along_whole(films: Set, tmp_path: Path) -> None:
    dance = film(tmp_path / "dance.mp4")
    options = {"character_orientation": "video", "keep_original_sound": True}
    job, _ = await films.taken(films.make("/motion", image=PNG, video=Upload("d.mp4", dance), **options))
    _, result = await shown(films, await films.finished(job))
    again, _ = await films.taken(films.ada.press(result, "Again"))
    assert kept(films, again) == [PNG.data, dance]
    assert (again.inputs[1].seconds, again.options["extras"]) == (job.inputs[1].seconds, options)


async def test_it_works_after_a_restart(films: Set) -> None:
    _, result = await posted(films)
    await films.stop()
    await films.start()
    again, _ = await films.taken(films.ben.press(result, "Again"))
    assert again.prompt == "a boat at dawn"


async def test_a_double_click_is_one_order_and_a_later_click_another(films: Set) -> None:
    job, result = await posted(films)
    first, second = films.ada.press(result, "Again"), films.ada.press(result, "Again")
    await films.taken(first)
    assert "twice within three seconds" in (await second.answered()).text
    await films.taken(films.ben.press(result, "Again"))  # somebody else's press is their own
    films.clock.ahead += 3.1
    await films.taken(films.ada.press(result, "Again"))
    assert await count(films) == 4
    assert (await films.job(job.id)).state is State.SUCCEEDED


async def test_the_rules_of_the_house_are_asked_anew(films: Set) -> None:
    _, result = await posted(films)
    rules = GuildSettings(films.guild.id, forbidden=("boat",))
    await films.ctx.database.write(guilds.decided, rules, films.ctx.now())
    answer = await films.ada.press(result, "Again").answered()
    assert "do not allow a word" in answer.text
    await films.ctx.database.write(guilds.decided, GuildSettings(films.guild.id, cooldown=3600), films.ctx.now())
    films.clock.ahead += 4
    answer = await films.ada.press(result, "Again").answered()
    assert "between two of your requests" in answer.text
    assert await count(films) == 1
    await films.ctx.database.write(guilds.decided, GuildSettings(films.guild.id, confirm_above=1), films.ctx.now())
    again, card = await films.taken(films.ben.press(result, "Again"))
    assert again.state is State.CONFIRMING
    await films.ben.press(card, "Yes, for 40 credits").answered()
    assert (await films.job(again.id)).state is State.QUEUED


async def test_files_that_are_gone_are_told_of(films: Set) -> None:
    _, result = await posted(films, image=PNG)
    sweep(films)
    await no_more(films, films.ada.press(result, "Again"), "attach them", "kept for 8 days")
    await no_more(films, films.ada.press(result, "Edit & again"), "attach them")


async def test_what_its_asker_took_back_is_not_made_again(films: Set) -> None:
    _, result = await posted(films, image=PNG)
    assert await films.ctx.database.write(members.silenced, films.ada.id, 10) == 1
    await no_more(films, films.ben.press(result, "Again"), "deleted after a while")
    await no_more(films, films.ben.press(result, "Edit & again"), "deleted after a while")
    await no_more(films, films.ben.press(result, "Animate last frame"), "don't have this video")
    assert "(no prompt)" in (await films.ben.press(result, "Details").answered()).text


async def test_where_nothing_could_be_posted_nothing_begins(films: Set) -> None:
    _, result = await posted(films)
    films.channel.deny("SEND_MESSAGES")
    await no_more(films, films.ada.press(result, "Again"), "may not post in this channel")
    await no_more(films, films.ada.press(result, "Edit & again"), "may not post in this channel")


async def test_a_vendor_that_was_named_and_is_gone_is_told_of_or_changed(films: Set) -> None:
    _, result = await posted(films, provider="acme")
    vendor = films.ctx.providers["acme"]
    object.__setattr__(vendor, "name", "bolt")
    object.__setattr__(vendor, "title", "Bolt")
    object.__setattr__(films.ctx, "providers", {"bolt": vendor})
    await no_more(films, films.ada.press(result, "Again"), "no provider called acme", "Bolt")
    sheet = await opened(films.ada, result, "Edit & again")
    again, _ = await films.taken(films.ada.submit(sheet, filled(sheet)))
    assert again.provider == "bolt"


@pytest.mark.parametrize("act", ["again", "edit", "animate"])
async def test_a_press_that_cannot_be_meant_gets_the_one_refusal(films: Set, act: str) -> None:
    job, result = await posted(films)
    other = films.guild.add_channel("other")
    running = await films.ada.type(other, "/video", {"prompt": "mine"}).answered()
    elsewhere = films.discord.add_guild("Elsewhere")
    channel, eve = elsewhere.add_channel("lobby"), elsewhere.add_member("eve")
    own = await eve.type(channel, "/video", {"prompt": "mine"}).answered()
    await films.settled()
    here, _ = await films.accepted()
    before = await count(films)
    answers = {
        await forged(eve, own, f"job:{job.code}:{act}"),
        await forged(films.ben, running, f"job:{job.code}:{act}"),  # from a channel where it does not stand
        await forged(films.ada, result, f"job:{here.code}:{act}"),  # not done
        await forged(films.ada, result, f"job:{job_code(job.id + 1)}:{act}"),
        await forged(films.ada, result, f"job:zzzzzzzzzzzzz:{act}"),
        await forged(films.ada, result, f"job:{job.code}:{act}s"),
    }
    [only] = answers
    assert REFUSED in only
    assert await count(films) == before


async def test_storage_trouble_is_said(films: Set, tmp_path: Path) -> None:
    _, result = await posted(films)
    sheet = await opened(films.ada, result, "Edit & again")
    await films.settled()
    break_storage(tmp_path)
    for typed in (
        films.ada.press(result, "Again"),
        films.ada.press(result, "Edit & again"),
        films.ada.press(result, "Animate last frame"),
        films.ada.submit(sheet, filled(sheet)),
    ):
        assert "can't store anything just now" in (await typed.answered()).text


# Edit & again


async def test_the_form_shows_what_was_asked(films: Set) -> None:
    _, result = await posted(films, model="slow-1", duration=8)
    asked = parts(await opened(films.ben, result, "Edit & again"))
    assert list(asked) == ["prompt", "model", "duration", "resolution", "aspect_ratio"]
    assert asked["prompt"]["value"] == "a boat at dawn"
    assert [option["value"] for option in asked["model"]["options"]] == ["slow-1", "fast-1"]
    chosen = {name: value for name, value in filled_defaults(asked).items() if value}
    assert chosen == {"model": ["slow-1"], "duration": ["8"]}
    assert asked["resolution"]["placeholder"] == "As usual; last time 720p"


def filled_defaults(asked: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    return {
        name: [option["value"] for option in part["options"] if option.get("default")]
        for name, part in asked.items()
        if "options" in part
    }


async def test_what_is_changed_is_changed_and_the_rest_stays(films: Set) -> None:
    job, result = await posted(films, image=PNG, model="slow-1", duration=8, seed=7, audio=True)
    sheet = await opened(films.ben, result, "Edit & again")
    await films.stop()
    await films.start()
    changes = filled(sheet, prompt="a boat at noon", duration=["4"], resolution=["1080p"])
    again, card = await films.taken(films.ben.submit(sheet, changes))
    assert (again.user_name, again.prompt, again.model) == ("Ben", "a boat at noon", "slow-1")
    wanted = {"duration": 4, "resolution": "1080p", "seed": 7, "audio": True}
    assert again.options == job.options | wanted
    assert kept(films, again) == [PNG.data]
    assert "a boat at noon" in card.text


async def test_what_is_emptied_is_as_usual(films: Set) -> None:
    _, result = await posted(films, model="slow-1", duration=8, aspect_ratio="1:1")
    sheet = await opened(films.ada, result, "Edit & again")
    again, _ = await films.taken(films.ada.submit(sheet, filled(sheet, duration=[], aspect_ratio=[])))
    assert (again.options["duration"], again.options["aspect_ratio"]) == (4, "16:9")
    assert (again.asked["model"], again.asked["duration"]) == ("slow-1", None)


async def test_a_model_nobody_lists_stays_among_the_choices(films: Set) -> None:
    _, result = await posted(films, model="new-9", duration=3)
    sheet = await opened(films.ada, result, "Edit & again")
    assert filled_defaults(parts(sheet)) | {"resolution": [], "aspect_ratio": []} == {
        "model": ["new-9"], "duration": ["3"], "resolution": [], "aspect_ratio": [],
    }  # fmt: skip
    again, _ = await films.taken(films.ada.submit(sheet, filled(sheet)))
    assert (again.model, again.options["duration"]) == ("new-9", 3)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"prompt": ""}, ["needs a prompt"]),
        ({"prompt": " \0 "}, ["needs a prompt"]),
        ({"model": ["fast-1"], "duration": ["8"]}, ["8 s", "2 s", "model: fast-1", "prompt: a boat at dawn"]),
        ({"duration": ["long"]}, ["can't be understood"]),
        ({"duration": ["0"]}, ["can't be 0"]),
        ({"aspect_ratio": [HOSTILE]}, ["aspect ratio"]),
    ],
)
async def test_changes_that_cannot_be_are_refused_and_shown_again(
    films: Set, changes: dict[str, Any], words: list[str]
) -> None:
    _, result = await posted(films)
    sheet = await opened(films.ada, result, "Edit & again")
    await no_more(films, films.ada.submit(sheet, filled(sheet) | changes), *words)


def test_a_prompt_longer_than_a_form_is_cut_and_that_is_said() -> None:
    for length, said in ((4000, False), (4500, True)):
        job = job_with(prompt="x" * length)
        made = form({}, job, "edit", typed_again(job)).to_dict()["components"][0]
        assert len(made["component"]["value"]) == 4000
        assert bool(made.get("description")) is said


async def test_a_form_sent_from_elsewhere_or_for_nothing_is_refused(films: Set) -> None:
    job, result = await posted(films)
    sheet = await opened(films.ada, result, "Edit & again")
    assert sheet.modal is not None
    elsewhere = films.discord.add_guild("Elsewhere")
    channel, eve = elsewhere.add_channel("lobby"), elsewhere.add_member("eve")
    await no_more(films, eve.submit(moved(sheet, channel), filled(sheet)), REFUSED)
    for custom_id in ("job:0000000000000:edit", f"job:{job.code}:again", f"job:{job.code}:delete", "job:"):
        sheet.modal["custom_id"] = custom_id
        await no_more(films, films.ada.submit(sheet, filled(sheet)), REFUSED)


def moved(form: Typed, channel: Any) -> Typed:
    """Send a form as if it had been opened elsewhere."""
    form.channel = channel
    return form


async def test_a_form_made_of_anything_at_all_begins_nothing_odd(films: Set) -> None:
    _, result = await posted(films)
    sheet = await opened(films.ada, result, "Edit & again")
    assert sheet.modal is not None
    sheet.modal["components"] = []
    again, _ = await films.taken(films.ada.submit(sheet, {}))  # nothing was changed: the same again
    assert again.prompt == "a boat at dawn"


def test_how_long_files_are_kept_is_told_as_it_is_set() -> None:
    for gone in (again.files_gone, again.film_gone):
        assert "kept for 30 days" in gone(30)
        assert "kept for" not in gone(0)  # for ever
