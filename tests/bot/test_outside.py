"""Outside of servers: direct messages with the bot, groups, and servers where only a person brought it along."""

import re
from dataclasses import replace

import pytest

from bot.tokens import LIFE_MS
from jobs.transitions import Event
from sandbox.discord import Channel, Fault, Message, Typed, Upload
from storage.words import DeliveryState, Job, Place, State, Way
from tests.bot.harness import FILM, Set, picture

HOOK = r"/webhooks/"
ASKED = {"prompt": "a boat at dawn"}  # 40 credits


@pytest.fixture
async def abroad(films: Set) -> Set:
    """Let each person spend 100 credits a day outside of servers."""
    await films.stop()
    films.ctx = replace(films.ctx, outside_daily=100)
    await films.start()
    return films


def group_of(films: Set) -> Channel:
    return films.discord.add_group("trip", films.ada, films.ben)


async def asked_in(films: Set, room: Channel) -> tuple[Job, Message]:
    return await films.taken(films.ada.type(room, "/video", ASKED))


async def restarted(films: Set) -> None:
    await films.stop()
    await films.start()


def with_files(films: Set, room: Channel) -> list[Message]:
    return [one for one in room.messages if one.author is films.discord.bot and one.attachments]


def words(text: str) -> str:
    return re.sub(r"\s+", " ", text)


# Nothing unless it is allowed


async def test_unless_something_is_set_aside_everything_is_refused_in_plain_words(films: Set) -> None:
    for room in (films.ada.direct_messages, group_of(films)):
        refused = await films.ada.type(room, "/video", ASKED).answered()
        assert refused.ephemeral
        assert "in servers only" in refused.text
        assert "Nothing was sent and nothing was spent" in refused.text
        assert "in servers only" in (await films.ada.type(room, "/balance", {}).answered()).text
        assert "in servers only" in (await films.ada.type(room, "/help", {}).answered()).text
        assert "not made anything here" in (await films.ada.type(room, "/jobs", {}).answered()).text
    assert "held" not in films.steps()


async def test_a_server_without_the_bot_is_outside_whatever_was_decided_there(films: Set) -> None:
    elsewhere = films.discord.add_guild("Elsewhere", installed=False)
    room, eve = elsewhere.add_channel("lobby"), elsewhere.add_member("eve")
    eve.permissions |= 1 << 5 | 1 << 13
    assert "in servers only" in (await eve.type(room, "/video", ASKED).answered()).text


async def test_a_server_with_the_bot_stays_one_for_those_who_brought_it_too(films: Set) -> None:
    films.ada.has_app = True
    job, _ = await films.accepted()
    assert (job.guild_id, job.place) == (films.guild.id, Place.SERVER)


# Direct messages


async def test_in_direct_messages_a_job_goes_its_whole_way(abroad: Set) -> None:
    room = abroad.ada.direct_messages
    job, card = await asked_in(abroad, room)
    assert (job.guild_id, job.place, job.channel_id) == (None, Place.DIRECT, room.id)
    await restarted(abroad)
    await abroad.finished(job)
    await restarted(abroad)
    await abroad.deliver()
    await abroad.edit_cards()
    [result] = with_files(abroad, room)
    assert (result.attachments[0].data, result.reply_to) == (FILM, card.id)
    assert f"https://discord.com/channels/@me/{room.id}/{result.id}" in card.text
    listed = await abroad.ada.type(room, "/jobs", {}).answered()
    assert f"/channels/@me/{room.id}/{result.id}" in listed.text
    assert "not made anything here" in (await abroad.make("/jobs").answered()).text  # of the server


async def test_the_days_limit_is_each_persons_and_told(abroad: Set) -> None:
    room = abroad.ada.direct_messages
    await asked_in(abroad, room)
    assert "60 credits" in (await abroad.ada.type(room, "/balance", {}).answered()).text
    await asked_in(abroad, group_of(abroad))
    refused = words((await abroad.ada.type(room, "/video", ASKED).answered()).text)
    assert "20 credits left" in refused
    assert "Nothing was sent and nothing was spent" in refused
    await abroad.taken(abroad.ben.type(abroad.ben.direct_messages, "/video", ASKED))
    await abroad.accepted()  # in the server its own limits hold
    abroad.clock.ahead += 24 * 3600
    await asked_in(abroad, room)


async def test_the_buttons_in_direct_messages_are_the_askers(abroad: Set) -> None:
    room = abroad.ada.direct_messages
    job, card = await asked_in(abroad, room)
    forged = await abroad.ben.press_custom_id(
        (await abroad.taken(abroad.ben.type(abroad.ben.direct_messages, "/video", ASKED)))[1], f"job:{job.code}:cancel"
    ).answered()
    assert "I can't do that for you" in forged.text
    assert "I can't do that for you" in (await pressed_in_server(abroad, job)).text
    await restarted(abroad)
    assert "Cancelled before anything was sent" in (await abroad.ada.press(card, "Cancel").answered()).text
    assert (await abroad.job(job.id)).state is State.CANCELLED


async def pressed_in_server(films: Set, job: Job) -> Message:
    """Press in the server, as its moderator, what belongs to a job from outside."""
    _, card = await films.accepted()
    return await films.mod.press_custom_id(card, f"job:{job.code}:cancel").answered()


async def test_cancel_names_ones_own_jobs_there(abroad: Set) -> None:
    room = abroad.ada.direct_messages
    job, _ = await asked_in(abroad, room)
    [offer] = await abroad.ada.autocomplete(room, "/cancel", {}, "job")
    assert offer["value"] == job.code
    assert await abroad.ben.autocomplete(abroad.ben.direct_messages, "/cancel", {}, "job") == []
    assert "Cancelled" in (await abroad.ada.type(room, "/cancel", {"job": job.code}).answered()).text


async def test_closed_direct_messages_park_the_result_with_a_link(abroad: Set) -> None:
    room = abroad.ada.direct_messages
    job, _ = await asked_in(abroad, room)
    await abroad.finished(job)
    abroad.ada.user.accepts_direct_messages = False
    await abroad.deliver()
    stored = await abroad.delivery(job)
    assert (stored.state, stored.way) == (DeliveryState.PARKED, Way.HERE)
    assert "/media/outputs/" in (await abroad.ada.type(room, "/jobs", {}).answered()).text


async def test_again_in_direct_messages_takes_pictures_along(abroad: Set) -> None:
    room = abroad.ada.direct_messages
    given = {**ASKED, "image": Upload("a.png", picture()), "model": "fast-1"}
    job, _ = await abroad.taken(abroad.ada.type(room, "/video", given))
    await abroad.finished(job, charged=20)
    await abroad.deliver()
    [result] = with_files(abroad, room)
    other, _ = await abroad.taken(abroad.ada.press(result, "Again"))
    assert (other.place, other.guild_id, len(other.inputs)) == (Place.DIRECT, None, 1)


# Groups, and servers without the bot: the command's own token


async def test_where_the_bot_was_brought_along_the_card_becomes_the_result(abroad: Set) -> None:
    room = group_of(abroad)
    job, card = await asked_in(abroad, room)
    assert (job.guild_id, job.place) == (None, Place.BROUGHT)
    assert "15 minutes" in card.text
    await abroad.happen(job, Event.SUBMIT)
    await abroad.edit_cards()
    assert "Sending to" in card.text
    job = await abroad.job(job.id)
    await finish(abroad, job)
    await abroad.edit_cards()
    await abroad.deliver()
    assert [file.data for file in card.attachments] == [FILM]
    assert "Your video is ready" in card.content
    assert room.messages == [card]
    stored = await abroad.delivery(job)
    assert (stored.state, stored.way, stored.message_id) == (DeliveryState.POSTED, Way.HERE, card.id)
    await abroad.edit_cards()
    assert not await abroad.edit_cards()
    assert "Your video is ready" in card.content
    assert [button.label for button in card.buttons][-2:] == ["Details", "Delete"]
    assert with_files(abroad, abroad.ada.direct_messages) == []


async def finish(films: Set, job: Job) -> None:
    """Bring a job to its end that is being submitted."""
    await films.happen(job, Event.NOT_TAKEN, due_at=films.ctx.now())
    await films.finished(await films.job(job.id))


async def test_a_foreign_server_is_the_same_and_its_moderators_are_nobody(abroad: Set) -> None:
    elsewhere = abroad.discord.add_guild("Elsewhere", installed=False)
    room, eve, boss = elsewhere.add_channel("lobby"), elsewhere.add_member("eve"), elsewhere.add_member("boss")
    boss.permissions |= 1 << 13
    job, card = await abroad.taken(eve.type(room, "/video", ASKED))
    assert (job.guild_id, job.place) == (None, Place.BROUGHT)
    assert "I can't do that for you" in (await boss.press(card, "Cancel").answered()).text
    await abroad.finished(job)
    await abroad.deliver()
    assert [file.data for file in card.attachments] == [FILM]


async def test_follow_ups_that_are_used_up_keep_no_result_away(abroad: Set) -> None:
    room = group_of(abroad)
    typed = abroad.ada.type(room, "/video", ASKED)
    job, card = await abroad.taken(typed)
    await abroad.finished(job)
    typed.followups += [card] * 5
    await abroad.deliver()
    assert [file.data for file in card.attachments] == [FILM]


async def test_an_answer_that_got_lost_is_given_again_and_stays_one(abroad: Set) -> None:
    room = group_of(abroad)
    job, card = await asked_in(abroad, room)
    await abroad.finished(job)
    abroad.discord.faults.append(Fault("PATCH", HOOK, status="cut", when="after"))
    await abroad.deliver()
    abroad.clock.ahead += 5
    await abroad.deliver()
    assert len(card.attachments) == 1
    assert room.messages == [card]
    assert (await abroad.delivery(job)).state is DeliveryState.POSTED


@pytest.mark.parametrize("why", ["too late", "over at Discord", "restart", "card deleted", "group deleted"])
async def test_what_the_token_does_not_reach_any_more_is_sent_to_the_asker(abroad: Set, why: str) -> None:
    room = group_of(abroad)
    job, card = await asked_in(abroad, room)
    await abroad.finished(job)
    match why:
        case "too late":
            abroad.clock.ahead += LIFE_MS / 1000 + 1
        case "over at Discord":
            body = {"code": 50027, "message": "Invalid Webhook Token"}
            abroad.discord.faults.append(Fault("PATCH", HOOK, status=401, body=body))
        case "restart":
            await restarted(abroad)
        case "card deleted":
            card.deleted = True
        case _:
            room.delete()
    await abroad.deliver()
    [result] = with_files(abroad, abroad.ada.direct_messages)
    assert "15 minutes" in result.content
    stored = await abroad.delivery(job)
    assert (stored.state, stored.way) == (DeliveryState.POSTED, Way.DIRECT)
    assert card.attachments == []
    await abroad.edit_cards()
    assert not await abroad.edit_cards()
    assert "Deleted" in (await abroad.ada.press(result, "Delete").answered()).text


async def test_a_card_nobody_can_reach_any_more_is_left_as_it_is(abroad: Set) -> None:
    job, card = await asked_in(abroad, group_of(abroad))
    before = card.text
    await restarted(abroad)
    await abroad.happen(job, Event.SUBMIT)
    await abroad.edit_cards()
    assert not await abroad.edit_cards()
    assert card.text == before


@pytest.mark.parametrize("why", ["too late", "over at Discord", "restart"])
async def test_an_end_without_a_result_that_the_card_cannot_show_any_more_is_sent_to_the_asker_once(
    abroad: Set, why: str
) -> None:
    job, card = await asked_in(abroad, group_of(abroad))
    before = card.text
    await abroad.happen(job, Event.SUBMIT)
    match why:
        case "too late":
            abroad.clock.ahead += LIFE_MS / 1000 + 1
        case "over at Discord":
            body = {"code": 50027, "message": "Invalid Webhook Token"}
            abroad.discord.faults.append(Fault("PATCH", HOOK, status=401, body=body))
        case _:
            await restarted(abroad)
    await abroad.edit_cards()
    room = abroad.ada.direct_messages
    assert [one for one in room.messages if one.author is abroad.discord.bot] == []
    await abroad.happen(job, Event.REJECTED, reason="content")
    while await abroad.edit_cards():
        pass
    [told] = [one for one in room.messages if one.author is abroad.discord.bot]
    assert "content rules forbid it" in told.text
    assert "Nothing was spent" in told.text
    assert "15 minutes" in told.content
    assert card.text == before
    listed = (await abroad.ada.type(room, "/jobs", {}).answered()).text
    assert "Failed" in listed


async def test_an_end_nobody_can_be_told_of_is_seen_in_the_list(abroad: Set) -> None:
    room = group_of(abroad)
    job, _ = await asked_in(abroad, room)
    await restarted(abroad)
    abroad.ada.user.accepts_direct_messages = False
    await abroad.happen(job, Event.SUBMIT)
    await abroad.happen(job, Event.REJECTED, reason="content")
    await abroad.edit_cards()
    assert not await abroad.edit_cards()
    assert abroad.ada.direct_messages.messages == []
    assert "Failed" in (await abroad.ada.type(room, "/jobs", {}).answered()).text


async def test_where_not_even_the_asker_is_reached_it_is_kept_and_listed(abroad: Set) -> None:
    room = group_of(abroad)
    job, _ = await asked_in(abroad, room)
    await abroad.finished(job)
    await restarted(abroad)
    abroad.ada.user.accepts_direct_messages = False
    await abroad.deliver()
    assert (await abroad.delivery(job)).state is DeliveryState.PARKED
    assert not await abroad.deliver()
    assert "/media/outputs/" in (await abroad.ada.type(room, "/jobs", {}).answered()).text


async def test_the_buttons_of_a_group_are_the_askers_alone(abroad: Set) -> None:
    room = group_of(abroad)
    job, card = await asked_in(abroad, room)
    refused = (await abroad.ben.press(card, "Cancel").answered()).text
    assert "I can't do that for you" in refused
    assert "Only the one who asked can" in refused
    assert "moderators" not in refused
    await abroad.finished(job)
    await abroad.deliver()
    for label in ("Again", "Edit & again", "Details"):
        answer = await abroad.ben.press(card, label).answered()
        assert "I can't do that for you" in answer.text
        assert answer.ephemeral
    refused = await told_of(abroad.ben.press(card, "Delete"))
    assert "I can't do that for you" in refused.text
    assert not card.deleted
    assert "a boat at dawn" in (await abroad.ada.press(card, "Details").answered()).text
    other, _ = await abroad.taken(abroad.ada.press(card, "Again"))
    assert (other.place, other.user_id) == (Place.BROUGHT, abroad.ada.id)
    await restarted(abroad)
    assert "Deleted" in (await told_of(abroad.ada.press(card, "Delete"))).text
    assert card.deleted
    assert (await abroad.delivery(job)).state is DeliveryState.DELETED


async def told_of(pressed: Typed) -> Message:
    """Read the answer beside the message that was pressed, which only one person sees."""
    await pressed.world.until(lambda: pressed.followups)
    [answer] = pressed.followups
    assert answer.ephemeral
    return answer


async def test_no_token_is_written_down(abroad: Set, caplog: pytest.LogCaptureFixture) -> None:
    typed = abroad.ada.type(group_of(abroad), "/video", ASKED)
    job, _ = await abroad.taken(typed)
    await abroad.finished(job)
    abroad.discord.faults.append(Fault("PATCH", HOOK, status=400, body={"code": 1, "message": "no"}, times=3))
    await abroad.deliver()
    folder = abroad.ctx.media_dir.parent
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert any(file.name.startswith("rushes.db") for file in files)
    assert not [file for file in files if typed.token.encode() in file.read_bytes()]
    assert typed.token not in caplog.text
    assert typed.token not in repr(abroad.told)
