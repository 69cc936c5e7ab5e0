"""Threads, and what becomes of a result that cannot be posted where it was asked for: each way once, never round."""

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest

from bot import alerts
from bot.talking import Trouble
from bot.ways import closes, next_way, nonce_of
from sandbox.discord import Channel, Fault, Message
from storage import alerts as alert_facts
from storage import guilds
from storage.words import AlertKind, DeliveryState, GuildSettings, Job, Place, Way
from tests.bot.harness import FILM, Set
from tests.samples_of import a_job

SEND = r"/channels/\d+/messages$"
FREE = GuildSettings(10)


async def asked_in(films: Set, room: Channel) -> Job:
    job, _ = await films.taken(films.ada.type(room, "/video", {"prompt": "a boat at dawn"}))
    return await films.finished(job)


def results(films: Set, room: Channel) -> list[Message]:
    return [message for message in room.messages if message.author is films.discord.bot and message.attachments]


async def restarted(films: Set) -> None:
    await films.stop()
    await films.start()


# The decision


@pytest.mark.parametrize("place", list(Place))
@pytest.mark.parametrize("channels", [(), (20,), (99,)])
@pytest.mark.parametrize(("parent_id", "parent_open"), [(None, False), (20, False), (20, True)])
def test_every_way_is_gone_once_and_they_end(
    place: Place, channels: tuple[int, ...], parent_id: int | None, parent_open: bool
) -> None:
    job = a_job(channel_id=21, place=place, parent_id=parent_id, parent_open=parent_open)
    gone: list[Way] = [Way.HERE]
    while (way := next_way(job, gone[-1], replace(FREE, channels=channels))) is not None:
        assert way not in gone
        gone.append(way)
    assert (gone[-1] is Way.DIRECT) == (place is not Place.DIRECT)
    assert (Way.PARENT in gone) == (parent_open and channels != (99,))


def test_only_what_does_not_pass_by_itself_closes_a_way() -> None:
    passing = {Trouble.DOUBT, Trouble.LATER, Trouble.DELETED}
    assert {trouble for trouble in Trouble if not closes(trouble)} == passing


def test_each_way_has_a_nonce_of_its_own_that_discord_takes() -> None:
    nonces = {nonce_of(a_job(), way) for way in Way}
    assert len(nonces) == len(Way)
    assert all(len(nonce) <= 25 for nonce in nonces)


# Threads


async def test_card_and_result_stand_in_the_thread(films: Set) -> None:
    thread = films.channel.add_thread("takes")
    job = await asked_in(films, thread)
    assert (job.channel_id, job.parent_id, job.parent_open) == (thread.id, films.channel.id, True)
    await films.deliver()
    [result] = results(films, thread)
    assert result.reply_to == job.card_message_id
    await films.edit_cards()
    card = films.discord.messages[job.card_message_id or 0]
    assert f"https://discord.com/channels/{films.guild.id}/{thread.id}/{result.id}" in card.text
    assert results(films, films.channel) == []


async def test_a_post_of_a_forum_is_a_thread_whose_forum_takes_no_result(films: Set) -> None:
    post = films.guild.add_channel("ideas", forum=True).add_thread("a boat")
    job = await asked_in(films, post)
    assert not job.parent_open
    await films.deliver()
    assert len(results(films, post)) == 1


async def test_an_archived_thread_is_opened_by_the_result_and_the_card_follows(films: Set) -> None:
    thread = films.channel.add_thread("takes")
    job = await asked_in(films, thread)
    thread.archive()
    await films.edit_cards()  # refused, and left until there is more to show
    assert not await films.edit_cards()
    await films.deliver()
    assert len(results(films, thread)) == 1
    assert not thread.archived
    await films.edit_cards()
    assert "Done in" in films.discord.messages[job.card_message_id or 0].text


async def test_the_rules_for_channels_hold_for_their_threads(films: Set) -> None:
    other = films.guild.add_channel("other").add_thread("talk")
    rules = replace(GuildSettings(films.guild.id), channels=(films.channel.id,))
    await films.ctx.database.write(guilds.decided, rules, films.ctx.now())
    refused = await films.ada.type(other, "/video", {"prompt": "a boat"}).answered()
    assert "work in" in refused.text
    await films.taken(films.ada.type(films.channel.add_thread("takes"), "/video", {"prompt": "a boat"}))


async def test_the_age_limit_of_a_channel_holds_for_its_threads(films: Set) -> None:
    rules = replace(GuildSettings(films.guild.id), nsfw_only=True)
    await films.ctx.database.write(guilds.decided, rules, films.ctx.now())
    refused = await films.ada.type(films.channel.add_thread("talk"), "/video", {"prompt": "a boat"}).answered()
    assert "age-restricted" in refused.text
    room = films.guild.add_channel("late", nsfw=True).add_thread("talk")
    await films.taken(films.ada.type(room, "/video", {"prompt": "a boat"}))


# Where it cannot be posted


def only_locked(thread: Channel) -> None:
    thread.archive(locked=True)
    thread.archived = False


CLOSED: dict[str, Callable[[Channel], None]] = {
    "deleted": lambda thread: thread.delete(),
    "archived and locked": lambda thread: thread.archive(locked=True),
    "locked": only_locked,
    "no right to send in threads": lambda thread: thread.deny("SEND_MESSAGES_IN_THREADS"),
    "not to be seen": lambda thread: thread.deny("VIEW_CHANNEL"),
}


@pytest.mark.parametrize("how", CLOSED)
async def test_what_a_thread_does_not_take_goes_to_its_channel(films: Set, how: str) -> None:
    thread = films.channel.add_thread("takes")
    job = await asked_in(films, thread)
    CLOSED[how](thread)
    assert await films.deliver()
    [result] = results(films, films.channel)
    assert f"<#{thread.id}>" in result.content
    assert not result.pings
    stored = await films.delivery(job)
    assert (stored.state, stored.way, stored.channel_id) == (DeliveryState.POSTED, Way.PARENT, films.channel.id)
    assert not await films.deliver()
    assert results(films, thread) == []


async def test_what_was_made_in_a_private_thread_is_never_shown_in_its_channel(films: Set) -> None:
    thread = films.channel.add_thread("whispers", private=True)
    await asked_in(films, thread)
    thread.archive(locked=True)
    await films.deliver()
    assert results(films, films.channel) == []
    assert len(results(films, films.ada.direct_messages)) == 1


async def test_a_channel_that_is_gone_sends_the_result_to_its_asker(films: Set) -> None:
    job = await asked_in(films, films.channel)
    films.channel.delete()
    await films.deliver()
    [result] = results(films, films.ada.direct_messages)
    assert result.attachments[0].data == FILM
    assert result.reply_to is None
    stored = await films.delivery(job)
    assert (stored.way, stored.channel_id) == (Way.DIRECT, films.ada.direct_messages.id)


async def test_a_missing_right_sends_it_to_its_asker_and_the_card_says_so(films: Set) -> None:
    job = await asked_in(films, films.channel)
    films.channel.deny("SEND_MESSAGES")
    await films.deliver()
    await films.edit_cards()
    assert "direct messages" in films.discord.messages[job.card_message_id or 0].text
    listed = await films.make("/jobs").answered()
    assert f"/channels/@me/{films.ada.direct_messages.id}/" in listed.text


async def test_where_nothing_is_left_it_is_parked_and_the_admins_are_told_once_a_day(films: Set) -> None:
    room = films.guild.add_channel("alerts")
    rules = replace(GuildSettings(films.guild.id), alerts_channel_id=room.id)
    await films.ctx.database.write(guilds.decided, rules, films.ctx.now())
    films.ada.user.accepts_direct_messages = False
    jobs = [await asked_in(films, films.channel), await asked_in(films, films.channel)]
    films.channel.deny("SEND_MESSAGES")
    await films.deliver()
    for job in jobs:
        stored = await films.delivery(job)
        assert (stored.state, stored.due_at) == (DeliveryState.PARKED, None)
    assert not await films.deliver()
    assert await alerts.work(films.ctx, films.bot).once()
    [told] = room.messages
    assert "could not post the result" in told.text
    assert f"<#{films.channel.id}>" in told.text
    assert not told.pings
    assert "/media/outputs/" in (await films.make("/jobs").answered()).text
    assert AlertKind.PARKED not in {one.kind for one in await films.ctx.database.read(alert_facts.due, 10**15, 9)}


async def test_the_way_is_tried_with_a_link_before_another_one_is_gone(films: Set) -> None:
    thread = films.channel.add_thread("takes")
    await asked_in(films, thread)
    films.channel.deny("ATTACH_FILES", "EMBED_LINKS")
    await films.deliver()
    [posted] = [one for one in thread.messages if "/media/outputs/" in one.content]
    assert posted.attachments == []
    assert results(films, films.ada.direct_messages) == []


async def test_every_way_is_asked_a_bounded_number_of_times(films: Set) -> None:
    films.ada.user.accepts_direct_messages = False
    thread = films.channel.add_thread("takes")
    await asked_in(films, thread)
    films.channel.deny("SEND_MESSAGES", "SEND_MESSAGES_IN_THREADS")
    before = len(films.discord.requests)
    await films.deliver()
    sent = [one.path for one in films.discord.requests[before:] if one.method == "POST" and "/messages" in one.path]
    assert [(path, len(list(many))) for path, many in itertools.groupby(sent)] == [
        (f"/channels/{thread.id}/messages", 4),
        (f"/channels/{films.channel.id}/messages", 4),
        (f"/channels/{films.ada.direct_messages.id}/messages", 1),
    ]
    films.clock.ahead += 3600
    assert not await films.deliver()


# Restarts and doubts on the way


async def test_a_restart_goes_on_with_the_way_that_was_stored(films: Set) -> None:
    thread = films.channel.add_thread("takes")
    job = await asked_in(films, thread)
    thread.delete()
    films.discord.faults.append(Fault("POST", rf"/channels/{films.channel.id}/messages", status=503, when="after"))
    await films.deliver()
    stored = await films.delivery(job)
    assert (stored.state, stored.way) == (DeliveryState.POSTING, Way.PARENT)
    await restarted(films)
    films.clock.ahead += 600
    await films.deliver()
    [result] = results(films, films.channel)
    assert (await films.delivery(job)).message_id == result.id


async def test_a_restart_finds_what_was_sent_to_the_asker(films: Set) -> None:
    job = await asked_in(films, films.channel)
    films.channel.delete()
    direct = films.ada.direct_messages
    films.discord.faults.append(Fault("POST", rf"/channels/{direct.id}/messages", status=503, when="after"))
    await films.deliver()
    await restarted(films)
    films.clock.ahead += 600
    await films.deliver()
    [result] = results(films, direct)
    assert (await films.delivery(job)).message_id == result.id


async def test_direct_messages_that_cannot_be_opened_just_now_are_opened_later(films: Set) -> None:
    job = await asked_in(films, films.channel)
    films.channel.delete()
    films.discord.faults.append(Fault("POST", "/users/@me/channels", status=503))
    await films.deliver()
    assert (await films.delivery(job)).due_at is not None
    await restarted(films)
    films.clock.ahead += 600
    await films.deliver()
    assert len(results(films, films.ada.direct_messages)) == 1


async def test_what_was_posted_before_the_thread_was_locked_is_not_posted_again(films: Set) -> None:
    thread = films.channel.add_thread("takes")
    job = await asked_in(films, thread)
    films.discord.faults.append(Fault("POST", SEND, status=503, when="after"))
    await films.deliver()
    thread.archive(locked=True)
    films.clock.ahead += 5
    await films.deliver()
    assert len(results(films, thread)) + len(results(films, films.channel)) == 1
    assert (await films.delivery(job)).state is DeliveryState.POSTED


async def test_what_may_stand_in_a_channel_nobody_lets_us_see_is_not_posted_elsewhere(films: Set) -> None:
    job = await asked_in(films, films.channel)
    films.discord.faults.append(Fault("POST", SEND, status=503, when="after"))
    await films.deliver()
    films.channel.deny("VIEW_CHANNEL")
    films.clock.ahead += 600
    await films.deliver()
    assert (await films.delivery(job)).state is DeliveryState.PARKED
    assert results(films, films.ada.direct_messages) == []


# The buttons of what went another way


async def test_the_buttons_work_in_direct_messages_for_the_asker(films: Set) -> None:
    job = await asked_in(films, films.channel)
    films.channel.delete()
    await films.deliver()
    [result] = results(films, films.ada.direct_messages)
    assert "a boat at dawn" in (await films.ada.press(result, "Details").answered()).text
    assert [button.label for button in result.buttons] == [
        "Details",
        "Delete",
    ]  # nothing may be made outside of servers
    await restarted(films)
    assert "Deleted" in (await films.ada.press(result, "Delete").answered()).text
    assert result.deleted
    assert (await films.delivery(job)).state is DeliveryState.DELETED


async def test_the_buttons_of_a_result_in_the_threads_channel_work(films: Set) -> None:
    thread = films.channel.add_thread("takes")
    await asked_in(films, thread)
    thread.archive(locked=True)
    await films.deliver()
    [result] = results(films, films.channel)
    assert "a boat at dawn" in (await films.ben.press(result, "Details").answered()).text
    assert "somebody else's" in (await films.ben.press(result, "Delete").answered()).text
    await films.ada.press(result, "Delete").answered()
    assert result.deleted
