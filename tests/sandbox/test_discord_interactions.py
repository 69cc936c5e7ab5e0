"""Interactions: who may answer what, when, and how often."""

import asyncio

import pytest

from sandbox.discord import COMPONENTS_V2, EPHEMERAL, LOADING, NotOfferedError, Upload
from tests.sandbox.conftest import Studio
from tests.sandbox.raw import VIDEO

ROW = {"type": 1, "components": [{"type": 2, "style": 2, "label": "Cancel", "custom_id": "job:1:cancel"}]}


@pytest.fixture(autouse=True)
async def registered(studio: Studio) -> None:
    await studio.with_command()


async def test_an_answer_becomes_a_message_that_the_callback_describes(studio: Studio) -> None:
    typed = studio.ada.type(studio.films, "/video", {"prompt": "cat"})
    status, body = await studio.raw.answer(typed, 4, content="Done")
    message = await typed.answered()
    assert (status, body["interaction"]["response_message_id"]) == (200, str(message.id))
    assert body["resource"]["message"]["content"] == message.content == "Done"
    assert studio.films.messages == [message]
    assert studio.told == ["command typed", "interaction answered", "message posted"]


async def test_a_late_first_answer_is_unknown(studio: Studio) -> None:
    typed = studio.ada.type(studio.films, "/video", {"prompt": "cat"})
    studio.clock.forward(3.1)
    status, body = await studio.raw.answer(typed, 5)
    assert (status, body["code"]) == (404, 10062)


async def test_a_second_answer_is_refused(studio: Studio) -> None:
    typed = studio.ada.type(studio.films, "/video", {"prompt": "cat"})
    await studio.raw.answer(typed, 5)
    status, body = await studio.raw.answer(typed, 4, content="again")
    assert (status, body["code"]) == (400, 40060)


async def test_a_foreign_token_is_unknown(studio: Studio) -> None:
    typed = studio.ada.type(studio.films, "/video", {"prompt": "cat"})
    status, body = await studio.raw.call("POST", f"/interactions/{typed.id}/guess/callback", {"type": 5})
    assert (status, body["code"]) == (404, 10062)


async def test_a_deferred_message_thinks_until_original_is_edited(studio: Studio) -> None:
    typed = studio.ada.type(studio.films, "/video", {"prompt": "cat"})
    status, body = await studio.raw.answer(typed, 5)
    thinking = await typed.deferred()
    assert thinking is not None
    assert (status, thinking.flags, typed.seconds) == (200, LOADING, None)
    assert body["interaction"]["response_message_loading"] is True
    assert "resource" not in body
    with pytest.raises(TimeoutError):
        await typed.answered(timeout=0)
    await studio.raw.call("PATCH", studio.raw.hook(typed, "/messages/@original"), {"content": "Ready"})
    assert await typed.answered() is thinking
    assert (thinking.content, thinking.flags, thinking.loading) == ("Ready", 0, False)
    assert typed.seconds is not None


async def test_a_bot_token_edit_does_not_end_thinking(studio: Studio) -> None:
    typed = studio.ada.type(studio.films, "/video", {"prompt": "cat"})
    await studio.raw.answer(typed, 5)
    message = await typed.deferred()
    assert message is not None
    path = f"/channels/{studio.films.id}/messages/{message.id}"
    status, body = await studio.raw.call("PATCH", path, {"content": "Half way"})
    assert (status, body["flags"], message.loading) == (200, LOADING, True)


async def test_only_the_visibility_can_be_chosen_when_deferring(studio: Studio) -> None:
    typed = studio.ada.type(studio.films, "/video", {"prompt": "cat"})
    await studio.raw.answer(typed, 5, flags=EPHEMERAL | COMPONENTS_V2)
    message = await typed.deferred()
    assert message is not None
    assert message.flags == LOADING | EPHEMERAL


async def test_an_ephemeral_message_is_seen_by_one_person_and_unreachable_by_the_bots_token(studio: Studio) -> None:
    typed = studio.ada.type(studio.films, "/video", {"prompt": "cat"})
    await studio.raw.answer(typed, 4, content="Only you", flags=EPHEMERAL)
    message = await typed.answered()
    bob = studio.guild.add_member("bob")
    assert studio.films.messages == []
    assert (studio.ada.sees(studio.films), bob.sees(studio.films)) == ([message], [])
    path = f"/channels/{studio.films.id}/messages/{message.id}"
    for method, body in (("PATCH", {"content": "x"}), ("GET", None), ("DELETE", None)):
        status, refusal = await studio.raw.call(method, path, body)
        assert (status, refusal["code"]) == (404, 10008)


async def test_the_token_dies_after_fifteen_minutes(studio: Studio) -> None:
    typed = studio.ada.type(studio.films, "/video", {"prompt": "cat"})
    await studio.raw.answer(typed, 4, content="Done")
    studio.clock.forward(15 * 60 - 1)
    assert (await studio.raw.call("GET", studio.raw.hook(typed, "/messages/@original")))[0] == 200
    studio.clock.forward(2)
    for method, rest in (("GET", "/messages/@original"), ("PATCH", "/messages/@original"), ("POST", "")):
        status, body = await studio.raw.call(method, studio.raw.hook(typed, rest), {"content": "x"})
        assert (status, body["code"]) == (401, 50027)


async def test_the_webhook_does_not_exist_before_the_first_answer(studio: Studio) -> None:
    typed = studio.ada.type(studio.films, "/video", {"prompt": "cat"})
    status, body = await studio.raw.call("POST", studio.raw.hook(typed), {"content": "x"})
    assert (status, body["code"]) == (404, 10015)


async def test_follow_ups_are_messages_of_their_own(studio: Studio) -> None:
    typed = studio.ada.type(studio.films, "/video", {"prompt": "cat"})
    await studio.raw.answer(typed, 4, content="One")
    _, body = await studio.raw.call("POST", studio.raw.hook(typed), {"content": "Two"})
    assert [m.content for m in studio.films.messages] == ["One", "Two"]
    assert [m.id for m in typed.followups] == [int(body["id"])]
    where = studio.raw.hook(typed, f"/messages/{body['id']}")
    assert (await studio.raw.call("PATCH", where, {"content": "2"}))[1]["content"] == "2"
    assert (await studio.raw.call("DELETE", where))[0] == 204
    assert (await studio.raw.call("GET", where))[1]["code"] == 10008
    assert (await studio.raw.call("DELETE", studio.raw.hook(typed, "/messages/@original")))[0] == 204
    assert studio.films.messages == []


async def test_the_first_follow_up_after_thinking_becomes_that_message(studio: Studio) -> None:
    typed = studio.ada.type(studio.films, "/video", {"prompt": "cat"})
    await studio.raw.answer(typed, 5)
    await studio.raw.call("POST", studio.raw.hook(typed), {"content": "Ready"})
    assert [m.content for m in studio.films.messages] == ["Ready"]
    assert typed.followups == []


async def test_the_same_follow_up_twice_is_two_messages_because_webhooks_know_no_nonce(studio: Studio) -> None:
    typed = studio.ada.type(studio.films, "/video", {"prompt": "cat"})
    await studio.raw.answer(typed, 4, content="One")
    body = {"content": "Two", "nonce": "n", "enforce_nonce": True}
    for _ in range(2):
        await studio.raw.call("POST", studio.raw.hook(typed), body)
    assert len(studio.films.messages) == 3


async def test_a_brought_along_app_has_five_follow_ups_and_no_channel(studio: Studio) -> None:
    await studio.raw.register(VIDEO | {"integration_types": [0, 1]})
    elsewhere = studio.discord.add_guild("Elsewhere", installed=False)
    channel, eve = elsewhere.add_channel("lobby"), elsewhere.add_member("eve")
    typed = eve.type(channel, "/video", {"prompt": "cat"})
    await studio.raw.answer(typed, 4, content="One")
    answers = [await studio.raw.call("POST", studio.raw.hook(typed), {"content": "x"}) for _ in range(6)]
    assert [status for status, _ in answers] == [200] * 5 + [400]
    assert answers[-1][1]["code"] == 40094
    assert (await studio.raw.post(channel.id, content="x"))[1]["code"] == 50001


async def test_a_button_updates_its_message(studio: Studio) -> None:
    typed = studio.ada.type(studio.films, "/video", {"prompt": "cat"})
    await studio.raw.answer(typed, 4, content="Running", components=[ROW])
    message = await typed.answered()
    pressed = studio.ada.press(message, "Cancel")
    await studio.raw.answer(pressed, 7, content="Cancelled", components=[])
    assert await pressed.answered() is message
    assert (message.content, message.buttons, len(message.edits)) == ("Cancelled", [], 1)
    assert message.edits[0].content == "Running"
    with pytest.raises(NotOfferedError):
        studio.ada.press(message, "Cancel")
    stale = studio.ada.press_custom_id(message, "job:1:cancel")
    await studio.raw.answer(stale, 6)
    assert await stale.deferred() is None
    await studio.raw.call("PATCH", studio.raw.hook(stale, "/messages/@original"), {"content": "Too late"})
    assert (await stale.answered()).content == "Too late"


@pytest.mark.parametrize("kind", [6, 7, 8, 1, 99])
async def test_a_command_cannot_be_answered_with(studio: Studio, kind: int) -> None:
    typed = studio.ada.type(studio.films, "/video", {"prompt": "cat"})
    status, body = await studio.raw.answer(typed, kind, content="x")
    assert (status, body["code"], typed.answered_as) == (400, 50035, None)


async def test_more_than_25_suggestions_are_refused(studio: Studio) -> None:
    asking = asyncio.create_task(studio.ada.autocomplete(studio.films, "/video", {"provider": "k"}, "provider"))
    [typed] = await studio.discord.until(lambda: list(studio.discord.world.interactions.values()))
    choices = [{"name": str(n), "value": str(n)} for n in range(26)]
    assert (await studio.raw.answer(typed, 8, choices=choices))[1]["code"] == 50035
    assert (await studio.raw.answer(typed, 8, choices=choices[:25]))[0] == 200
    assert await asking == choices[:25]


async def test_a_modal_is_shown_and_filled_in(studio: Studio) -> None:
    typed = studio.ada.type(studio.films, "/video", {"prompt": "cat"})
    field = {"type": 18, "label": "Words", "component": {"type": 4, "custom_id": "words", "style": 1}}
    await studio.raw.answer(typed, 9, custom_id="form", title="Form", components=[field])
    assert (await typed.modal_shown())["custom_id"] == "form"
    with pytest.raises(NotOfferedError, match="must be filled in"):
        studio.ada.submit(typed, {})
    submitted = studio.ada.submit(typed, {"words": "hello"})
    assert (await studio.raw.answer(submitted, 9, custom_id="f", title="t", components=[field]))[1]["code"] == 50035
    await studio.raw.answer(submitted, 4, content="Thanks")
    assert (await submitted.answered()).content == "Thanks"


async def test_an_interaction_answer_may_use_the_members_own_upload_limit(studio: Studio) -> None:
    studio.guild.upload_limit, studio.ada.upload_limit = 100, 200
    typed = studio.ada.type(studio.films, "/video", {"prompt": "cat", "image": Upload("a.png", b"x" * 150)})
    await studio.raw.answer(typed, 5)
    original = studio.raw.hook(typed, "/messages/@original")
    assert (await studio.raw.send_files("PATCH", original, {}, {"a.mp4": b"x" * 201}))[1]["code"] == 40005
    assert (await studio.raw.send_files("PATCH", original, {}, {"a.mp4": b"x" * 200}))[0] == 200
    assert (await typed.answered()).attachments[0].data == b"x" * 200
    posted = await studio.raw.send_files("POST", f"/channels/{studio.films.id}/messages", {}, {"a.mp4": b"x" * 150})
    assert (posted[0], posted[1]["code"]) == (413, 40005)
