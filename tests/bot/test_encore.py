"""What else a result's buttons do: go on from its last picture, tell everything about it, and delete it."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bot.about import whole
from bot.messages import Vendor
from jobs import files
from sandbox.discord import EPHEMERAL, Fault
from storage import deliveries, moderation, outputs
from storage.codes import job_code
from storage.words import Delivery, DeliveryState, Job, State
from tests.bot.encore import break_storage, count, filled, forged, no_more, opened, posted, shown
from tests.bot.harness import FILM, Set, Upload, picture
from tests.bot.studio import open_studio, with_shots
from tests.bot.test_advanced import parts
from tests.bot.test_buttons import REFUSED
from tests.bot.test_messages import JOBS, VENDORS, delivery_with
from tests.jobs.test_frames import film

REMOVE = r"/channels/\d+/messages/\d+$"


@pytest.fixture
async def red_to_blue(tmp_path: Path) -> bytes:
    path = await film(tmp_path / "a.mp4")
    return path.read_bytes()


def stored(films: Set, job: Job, number: int = 0) -> Path:
    return films.ctx.media_dir / "outputs" / f"{job.code}-{number}.mp4"


async def state(films: Set, job: Job) -> DeliveryState:
    return (await films.delivery(job)).state


async def card_text(films: Set, job: Job) -> str:
    await films.edit_cards()
    return films.discord.messages[job.card_message_id or 0].text


# Animate last frame


async def test_another_film_begins_where_this_one_ends(films: Set, red_to_blue: bytes) -> None:
    _, result = await posted(films, data=red_to_blue, seed=7)
    sheet = await opened(films.ben, result, "Animate last frame")
    assert list(parts(sheet)) == ["prompt", "model", "duration", "resolution"]
    assert not any(value for value in filled(sheet).values())
    await films.stop()
    await films.start()
    again, card = await films.taken(films.ben.submit(sheet, {"prompt": "it sinks", "duration": ["8"]}))
    assert (again.operation, again.user_name, again.prompt) == ("image_to_video", "Ben", "it sinks")
    assert (again.options["duration"], again.options["seed"], again.price) == (8, None, 80)
    [first] = again.inputs
    assert (first.role, first.mime, first.width, first.height) == ("first_frame", "image/jpeg", 320, 180)
    with Image.open(files.locate(films.ctx.media_dir, files.INPUTS, first.file)) as image:
        pixel: Any = image.convert("RGB").getpixel((100, 90))
    assert pixel[0] < 60
    assert pixel[2] > 200
    assert "it sinks" in card.text


async def test_of_several_films_the_first_is_meant(films: Set, red_to_blue: bytes) -> None:
    job, result = await posted(films, data=red_to_blue, count=2)
    stored(films, job, 1).write_bytes(b"no film")
    sheet = await opened(films.ada, result, "Animate last frame")
    await films.taken(films.ada.submit(sheet, {"prompt": "it sinks"}))


async def test_a_film_without_a_last_picture_costs_nothing(films: Set) -> None:
    _, result = await posted(films)
    sheet = await opened(films.ada, result, "Animate last frame")
    typed = films.ada.submit(sheet, {"prompt": "it sinks"})
    answer = await typed.answered()
    await films.settled()
    for words in ("could not take the last picture", "/video", "nothing was spent"):
        assert words in answer.text
    assert "it sinks" not in answer.text
    [echo] = [message for message in typed.followups if message is not answer]
    assert echo.flags & EPHEMERAL
    assert "prompt: it sinks" in echo.text
    assert await count(films) == 1


async def test_a_film_that_is_gone_is_told_of_before_and_after_the_form(films: Set, red_to_blue: bytes) -> None:
    job, result = await posted(films, data=red_to_blue)
    sheet = await opened(films.ada, result, "Animate last frame")
    stored(films, job).unlink()
    await no_more(films, films.ada.press(result, "Animate last frame"), "kept for 8 days", "/video")
    await no_more(films, films.ada.submit(sheet, {"prompt": "it sinks"}), "kept for 8 days", "prompt: it sinks")


async def test_what_the_form_says_is_checked(films: Set, red_to_blue: bytes) -> None:
    _, result = await posted(films, data=red_to_blue)
    sheet = await opened(films.ada, result, "Animate last frame")
    await no_more(films, films.ada.submit(sheet, {}), "needs a prompt")
    wrong = {"prompt": "x", "model": ["fast-1"], "duration": ["8"]}
    await no_more(films, films.ada.submit(sheet, wrong), "8 s", "model: fast-1")


async def test_a_shot_can_be_animated_but_not_made_again(tmp_path: Path) -> None:
    async with open_studio(tmp_path) as films:
        root, card = await with_shots(films)
        job, _ = await films.taken(films.ada.press(card, "Compose"))
        _, result = await shown(films, await films.finished(job, charged=9))
        assert [button.label for button in result.buttons] == ["Animate last frame", "Details", "Delete"]
        assert REFUSED in await forged(films.ada, result, f"job:{job.code}:again")
        assert REFUSED in await forged(films.ada, result, f"job:{job.code}:edit")
        assert root.id == job.root_id


# Details


async def test_details_tell_everything_to_whoever_sees_the_result(films: Set) -> None:
    upload = Upload("a.png", picture())
    job, result = await posted(films, image=upload, model="slow-1", seed=7, charged=36)
    await films.stop()
    await films.start()
    answer = await films.ben.press(result, "Details").answered()
    assert answer.flags & EPHEMERAL
    for words in (
        "a boat at dawn", "a video from an image", "the image", "Acme (chosen for you)", "slow-1",
        "Settings asked for** seed 7", "Settings left at the usual** 4 s · 720p", "done; the result was posted",
        f"<t:{job.created_at // 1000}:f>",
        "40 credits reserved · 36 credits spent · 4 credits returned", f"job {job.code}", "asked for by Ada",
    ):  # fmt: skip
        assert words in answer.text
    for secret in ("vendor.example", f"task-{job.code}", "rushes.example"):
        assert secret not in answer.text


async def test_details_are_for_those_who_see_the_channel(films: Set) -> None:
    job, _ = await posted(films)
    other = films.guild.add_channel("other")
    own = await films.ben.type(other, "/video", {"prompt": "mine"}).answered()
    await films.settled()
    assert REFUSED in await forged(films.ben, own, f"job:{job.code}:details")
    assert REFUSED in await forged(films.ben, own, f"job:{job_code(job.id + 1)}:details")
    assert "a boat at dawn" in await forged(films.ada, own, f"job:{job.code}:details")


WORDS = st.text(max_size=200)
CHOICES = st.dictionaries(WORDS, st.one_of(WORDS, st.booleans(), st.integers(), st.floats()), max_size=40)


@given(JOBS, VENDORS, st.sampled_from(DeliveryState), CHOICES, st.integers(0, 10**15))
def test_details_always_fit_and_are_safe(
    job: Job, vendor: Vendor, how: DeliveryState, choices: dict[str, Any], moment: int
) -> None:
    object.__setattr__(job, "asked", {"extras": choices})
    delivery: Delivery = delivery_with(how)
    object.__setattr__(delivery, "posted_at", moment)
    text = whole(job, vendor, delivery)
    assert len(text) <= 4096
    assert "@everyone" not in text
    assert "://" not in text.replace("\\://", "")


# Delete


async def test_the_asker_deletes_message_and_files(films: Set) -> None:
    job, result = await posted(films, image=Upload("a.png", picture()))
    inputs = [files.locate(films.ctx.media_dir, files.INPUTS, one.file) for one in job.inputs]
    answer = await films.ada.press(result, "Delete").answered()
    assert answer.flags & EPHEMERAL
    assert "Deleted: the message and its files" in answer.text
    assert "40 credits stay spent" in answer.text
    await films.settled()
    assert result.deleted
    assert not any(path.exists() for path in [stored(films, job), *inputs])
    assert await state(films, job) is DeliveryState.DELETED
    assert "The result was deleted, and its files with it" in await card_text(films, job)
    listed = await films.ada.type(films.channel, "/jobs", {}).answered()
    assert f"/{result.id}" not in listed.text
    assert await films.ctx.database.read(moderation.acts_of, films.guild.id, 5) == []
    assert not await films.deliver()
    assert (await films.job(job.id)).state is State.SUCCEEDED


async def test_a_moderators_deletion_is_written_down_once(films: Set) -> None:
    job, result = await posted(films)
    custom_id = f"job:{job.code}:delete"
    first, second = films.mod.press_custom_id(result, custom_id), films.mod.press_custom_id(result, custom_id)
    texts = {(await first.answered()).text, (await second.answered()).text}
    assert len(texts) == 1
    assert "Deleted: the message" in texts.pop()
    await films.settled()
    [act] = await films.ctx.database.read(moderation.acts_of, films.guild.id, 5)
    assert (act.kind, act.subject, act.actor_id, act.detail) == (
        "delete",
        job.code,
        films.mod.id,
        {"member": films.ada.id},
    )
    assert result.deleted


async def test_nobody_else_deletes(films: Set) -> None:
    job, result = await posted(films)
    elsewhere = films.discord.add_guild("Elsewhere")
    channel, eve = elsewhere.add_channel("lobby"), elsewhere.add_member("eve")
    eve.permissions |= 1 << 13
    own = await eve.type(channel, "/video", {"prompt": "mine"}).answered()
    await films.settled()
    answers = {
        await forged(films.ben, result, f"job:{job.code}:delete"),
        await forged(eve, own, f"job:{job.code}:delete"),
        await forged(films.ada, result, f"job:{job_code(job.id + 1)}:delete"),
    }
    [only] = answers
    assert REFUSED in only
    assert not result.deleted
    assert stored(films, job).is_file()
    assert await state(films, job) is DeliveryState.POSTED


async def test_what_was_not_posted_cannot_be_deleted(films: Set) -> None:
    job, card = await films.accepted()
    assert REFUSED in await forged(films.ada, card, f"job:{job.code}:delete")
    await films.finished(job)
    assert REFUSED in await forged(films.ada, card, f"job:{job.code}:delete")
    assert await films.deliver()
    assert len(films.results()) == 1


@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_deletion_that_broke_off_is_ended_by_another_press(films: Set, when: str) -> None:
    job, result = await posted(films)
    films.discord.faults.append(Fault("DELETE", REMOVE, status=503, when=when))
    answer = await films.ada.press(result, "Delete").answered()
    assert "press Delete again" in answer.text
    assert await state(films, job) is DeliveryState.DELETING
    assert "is being deleted" in await card_text(films, job)
    await films.stop()
    await films.start()
    assert not await films.deliver()
    answer = await films.mod.press_custom_id(result, f"job:{job.code}:delete").answered()
    assert "Deleted: the message" in answer.text
    await films.settled()
    assert result.deleted
    assert await state(films, job) is DeliveryState.DELETED


async def test_a_result_deleted_before_its_posting_was_recorded_stays_deleted(films: Set) -> None:
    job, result = await posted(films)

    def unrecorded(connection: Any) -> None:
        now = films.ctx.now()
        deliveries.posted(connection, job.id, None, now)
        deliveries.posting(connection, job.id, now, retry_at=now, linked=False)

    await films.ctx.database.write(unrecorded)
    await films.ada.press(result, "Delete").answered()
    await films.settled()
    assert result.deleted
    await films.ctx.database.write(deliveries.posted, job.id, result.id, films.ctx.now())
    await films.ctx.database.write(deliveries.in_doubt, job.id, retry_at=0, problem="late")
    assert await state(films, job) is DeliveryState.DELETED
    films.clock.ahead += 600
    assert not await films.deliver()
    assert films.results() == []


async def test_a_message_somebody_deleted_by_hand_can_still_lose_its_files(films: Set) -> None:
    job, result = await posted(films)
    result.deleted = True
    await films.ada.press_custom_id(result, f"job:{job.code}:delete").answered()
    await films.settled()
    assert await state(films, job) is DeliveryState.DELETED
    assert not stored(films, job).exists()


async def test_without_storage_nothing_is_deleted(films: Set, tmp_path: Path) -> None:
    job, result = await posted(films)
    break_storage(tmp_path)
    answers = [await films.ada.press(result, label).answered() for label in ("Delete", "Details")]
    assert all("can't store anything just now" in answer.text for answer in answers)
    assert not result.deleted
    assert stored(films, job).is_file()


async def test_the_outputs_of_a_deleted_job_stay_on_record(films: Set) -> None:
    job, result = await posted(films)
    await films.ada.press(result, "Delete").answered()
    await films.settled()
    assert [one.size for one in await films.ctx.database.read(outputs.of_job, job.id)] == [len(FILM)]
