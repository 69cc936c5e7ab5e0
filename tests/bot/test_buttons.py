"""Cancel: who may, who may not, after a restart, twice, and by ids that lead nowhere."""

import pytest

from jobs.transitions import Event
from sandbox.discord import EPHEMERAL, Member, Message
from storage.codes import job_code
from storage.words import State
from tests.bot.harness import FakeVendor, Set

REFUSED = "I can't do that for you"


async def pressed(who: Member, message: Message, custom_id: str, *, planted: bool = False) -> str:
    """Press and read the answer, which nobody else sees; `planted`: the message has such a button."""
    if planted:
        message.components[0]["components"][0]["custom_id"] = custom_id
    answer = await who.press_custom_id(message, custom_id).answered()
    assert answer.flags & EPHEMERAL
    assert not answer.pings
    return answer.text


async def test_the_asker_cancels_a_queued_job_for_nothing(films: Set) -> None:
    job, card = await films.accepted()
    answer = await films.ada.press(card, "Cancel").answered()
    assert answer.flags & EPHEMERAL
    assert "Cancelled before anything was sent" in answer.text
    assert "40 credits returned" in answer.text
    assert (await films.job(job.id)).state is State.CANCELLED
    await films.edit_cards()
    assert "Cancelled" in card.text
    assert [one.label for one in card.buttons] == ["Again", "Edit & again"]
    assert ("button pressed", job.id) in [(step, about) for step, about, _ in films.told]


async def test_a_moderator_cancels_anybodys_job(films: Set) -> None:
    job, card = await films.accepted()
    await films.mod.press(card, "Cancel").answered()
    after = await films.job(job.id)
    assert (after.state, after.cancelled_by) == (State.CANCELLED, films.mod.id)


@pytest.mark.parametrize("planted", [False, True])
async def test_a_stranger_a_forged_id_and_a_stale_id_get_one_and_the_same_answer(films: Set, planted: bool) -> None:
    job, card = await films.accepted()
    answers = {
        await pressed(films.ben, card, f"job:{job.code}:cancel", planted=planted),
        await pressed(films.ada, card, f"job:{job_code(job.id + 1)}:cancel", planted=planted),
        await pressed(films.ada, card, "job:0000000000000:cancel", planted=planted),
        await pressed(films.ada, card, "job:zzzzzzzzzzzzz:cancel", planted=planted),
        await pressed(films.ada, card, "job:" + "l" * 13 + ":cancel", planted=planted),
        await pressed(films.ada, card, "job:'; DROP TABLE jobs;--:cancel", planted=planted),
        await pressed(films.ada, card, "something else", planted=planted),
    }
    [only] = answers
    assert REFUSED in only
    assert (await films.job(job.id)).state is State.QUEUED


async def test_a_moderator_of_another_server_may_not(films: Set) -> None:
    job, _ = await films.accepted()
    elsewhere = films.discord.add_guild("Elsewhere")
    channel, moderator = elsewhere.add_channel("lobby"), elsewhere.add_member("eve")
    moderator.permissions |= 1 << 13
    own = await moderator.type(channel, "/video", {"prompt": "mine"}).answered()
    assert REFUSED in await pressed(moderator, own, f"job:{job.code}:cancel", planted=True)
    assert (await films.job(job.id)).state is State.QUEUED


async def test_the_button_lives_on_after_a_restart(films: Set) -> None:
    job, card = await films.accepted()
    await films.stop()
    await films.start()
    await films.ada.press(card, "Cancel").answered()
    assert (await films.job(job.id)).state is State.CANCELLED


async def test_a_second_press_changes_nothing_and_says_so(films: Set) -> None:
    job, card = await films.accepted()
    custom_id = f"job:{job.code}:cancel"
    first, second = films.ada.press_custom_id(card, custom_id), films.ada.press_custom_id(card, custom_id)
    texts = [(await first.answered()).text, (await second.answered()).text]
    assert sorted("Cancelled before" in text for text in texts) == [False, True]
    assert sorted("nothing to cancel. Nothing was spent" in text for text in texts) == [False, True]


@pytest.mark.parametrize("can_cancel", [True, False])
async def test_at_the_vendor_the_answer_is_honest_about_what_may_still_be_charged(films: Set, can_cancel: bool) -> None:
    vendor = films.ctx.providers["acme"]
    assert isinstance(vendor, FakeVendor)
    vendor.stoppable = can_cancel
    job, card = await films.accepted()
    await films.happen(job, Event.SUBMIT)
    await films.happen(job, Event.ACCEPTED, task_id="task-1", submitted_at=films.ctx.now())
    answer = await films.ada.press(card, "Cancel").answered()
    wanted = "is being asked to stop" if can_cancel else "may still charge"
    assert wanted in answer.text
    assert "40 credits stay reserved" in answer.text
    await films.edit_cards()
    assert wanted in card.text
    assert card.buttons == []


async def test_a_press_on_a_card_whose_button_went_meanwhile_is_answered(films: Set) -> None:
    job, card = await films.accepted()
    await films.finished(job)
    assert await films.deliver()
    await films.edit_cards()
    assert card.buttons == []
    assert REFUSED in await pressed(films.ada, card, f"job:{job.code}:cancel")
