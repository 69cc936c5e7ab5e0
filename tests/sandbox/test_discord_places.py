"""Threads, forums, direct messages and groups: who reaches what there, and what is refused."""

import pytest

from sandbox.discord import NotOfferedError
from sandbox.discord.values import FORUM, GROUP
from tests.sandbox.conftest import Studio

EVERYWHERE = {"integration_types": [0, 1], "contexts": [0, 1, 2]}


async def register(studio: Studio, **where: object) -> None:
    body = {"name": "go", "description": "Goes", "type": 1, **where}
    status, _ = await studio.raw.call("PUT", f"/applications/{studio.discord.bot.id}/commands", [body])
    assert status == 200


async def test_a_message_opens_an_archived_thread(studio: Studio) -> None:
    thread = studio.films.add_thread("takes")
    thread.archive()
    status, _ = await studio.raw.post(thread.id, content="here")
    assert (status, thread.archived) == (200, False)


@pytest.mark.parametrize("archived", [True, False])
async def test_a_locked_thread_takes_no_message(studio: Studio, archived: bool) -> None:
    thread = studio.films.add_thread("takes")
    thread.archive(locked=True)
    thread.archived = archived
    status, body = await studio.raw.post(thread.id, content="here")
    assert (status, body["code"]) == (403, 50083 if archived else 160005)
    assert thread.messages == []


async def test_nothing_is_edited_or_deleted_in_an_archived_thread(studio: Studio) -> None:
    thread = studio.films.add_thread("takes")
    _, message = await studio.raw.post(thread.id, content="here")
    thread.archive()
    path = f"/channels/{thread.id}/messages/{message['id']}"
    for answer in (await studio.raw.call("PATCH", path, {"content": "there"}), await studio.raw.call("DELETE", path)):
        assert (answer[0], answer[1]["code"]) == (400, 50083)


async def test_threads_have_a_right_of_their_own_and_the_others_of_their_channel(studio: Studio) -> None:
    thread = studio.films.add_thread("takes")
    studio.films.deny("SEND_MESSAGES")
    assert (await studio.raw.post(thread.id, content="here"))[0] == 200
    studio.films.deny("SEND_MESSAGES_IN_THREADS")
    assert (await studio.raw.post(thread.id, content="here"))[1]["code"] == 50013
    studio.films.deny("VIEW_CHANNEL")
    assert (await studio.raw.post(thread.id, content="here"))[1]["code"] == 50001


async def test_a_channel_takes_its_threads_along(studio: Studio) -> None:
    thread = studio.films.add_thread("takes")
    studio.films.delete()
    assert (await studio.raw.post(thread.id, content="here"))[1]["code"] == 10003


async def test_a_forum_takes_posts_and_no_messages(studio: Studio) -> None:
    forum = studio.guild.add_channel("ideas", forum=True)
    assert (await studio.raw.post(forum.id, content="here"))[1]["code"] == 50008
    assert (await studio.raw.post(forum.add_thread("a boat").id, content="here"))[0] == 200
    assert (await studio.raw.call("GET", f"/channels/{forum.id}"))[1]["type"] == FORUM


async def test_a_group_is_out_of_the_bots_reach(studio: Studio) -> None:
    group = studio.discord.add_group("trip", studio.ada)
    assert (await studio.raw.post(group.id, content="here"))[1]["code"] == 50001
    assert group.kind == GROUP


async def test_commands_are_offered_where_they_were_registered_for(studio: Studio) -> None:
    group = studio.discord.add_group("trip", studio.ada)
    await register(studio, contexts=[0, 1, 2])
    with pytest.raises(NotOfferedError, match="where the bot is not"):
        studio.ada.type(group, "/go")
    await register(studio, contexts=[0, 1], integration_types=[0, 1])
    with pytest.raises(NotOfferedError, match="this kind of channel"):
        studio.ada.type(group, "/go")
    await register(studio, **EVERYWHERE)
    assert studio.ada.type(group, "/go").owners == {"1": str(studio.ada.id)}
    with pytest.raises(NotOfferedError, match="not there"):
        studio.guild.add_member("ben").type(group, "/go")


async def test_an_interaction_tells_who_authorized_it(studio: Studio) -> None:
    await register(studio, **EVERYWHERE)
    assert studio.ada.type(studio.films, "/go").owners == {"0": str(studio.guild.id)}
    assert studio.ada.type(studio.ada.direct_messages, "/go").owners == {"0": "0"}
    studio.ada.has_app = True
    assert studio.ada.type(studio.films, "/go").owners == {"0": str(studio.guild.id), "1": str(studio.ada.id)}


async def test_nobody_types_in_a_locked_thread_and_typing_opens_an_archived_one(studio: Studio) -> None:
    await register(studio)
    thread = studio.films.add_thread("takes")
    thread.archive()
    studio.ada.type(thread, "/go")
    assert not thread.archived
    thread.archive(locked=True)
    with pytest.raises(NotOfferedError, match="locked"):
        studio.ada.type(thread, "/go")
