"""A real discord.py bot against the stand-in: the whole path, restarts, retries and waits."""

import asyncio
import sys

import pytest

from sandbox.discord import REALISTIC_MESSAGES, Fault, Limit, Upload, ignore
from tests.sandbox.conftest import Studio
from tests.sandbox.small_bot import SmallBot, discord, post, running


async def test_a_command_goes_all_the_way(studio: Studio) -> None:
    async with running(studio.discord) as bot:
        typed = studio.ada.type(
            studio.films, "/video", {"prompt": "cat", "image": Upload("c.png", b"12345"), "length": 7}
        )
        answer = await typed.answered()
        assert answer.content == "Making 'cat' from 5 bytes"
        assert [b.label for b in answer.buttons] == ["Cancel"]
        film = (await studio.discord.until(lambda: studio.films.messages[1:]))[0]
        assert (film.attachments[0].filename, film.attachments[0].data) == ("film.mp4", b"film")
        assert film.nonce == f"job-{typed.id}"
        assert bot.seen[0].filesize_limit == 10 * 2**20
        assert bot.seen[0].app_permissions.attach_files
        pressed = studio.ada.press(film, "Cancel")
        assert (await pressed.answered()) is film
        assert film.content == "Cancelled j1"
        assert bot.errors == []


async def test_suggestions_modals_and_message_menus_work(studio: Studio) -> None:
    async with running(studio.discord):
        choices = await studio.ada.autocomplete(studio.films, "/video", {"provider": "k"}, focused="provider")
        assert [choice["value"] for choice in choices] == ["kling", "kkiai"]
        shown = studio.ada.type(studio.films, "/note")
        await shown.modal_shown()
        noted = await studio.ada.submit(shown, {"words": "hello"}).answered()
        assert (noted.content, noted.ephemeral) == ("Noted: hello", True)
        said = studio.ada.say(studio.films, "look", [Upload("x.png", b"1")])
        assert (await studio.ada.apply(said, "Animate").answered()).content == "Animating 1 pictures"


async def test_a_command_works_in_direct_messages(studio: Studio) -> None:
    async with running(studio.discord):
        await studio.ada.type(studio.ada.direct_messages, "/video", {"prompt": "cat"}).answered()
        await studio.discord.until(lambda: studio.ada.direct_messages.messages[1:])


async def test_a_slow_bot_loses_its_interaction(studio: Studio) -> None:
    async with running(studio.discord) as bot:
        bot.gate = asyncio.Event()
        typed = studio.ada.type(studio.films, "/video", {"prompt": "cat"})
        await studio.discord.until(lambda: bot.seen)
        studio.clock.forward(4)
        bot.gate.set()
        error = await studio.discord.until(lambda: bot.errors)
        assert "10062" in str(error[0])
        assert typed.answered_as is None


async def test_a_dropped_bot_resumes_and_still_hears_what_was_typed(studio: Studio) -> None:
    async with running(studio.discord):
        await studio.discord.drop_gateway()
        typed = studio.ada.type(studio.films, "/video", {"prompt": "cat"})
        await typed.answered()
        await studio.discord.reconnect()
        await studio.discord.until(lambda: studio.told.count("session started") == 3)
        assert studio.discord.gateway.started == 1


async def test_a_restarted_bot_has_a_new_session_and_its_old_buttons(studio: Studio) -> None:
    async with running(studio.discord):
        message = await studio.ada.type(studio.films, "/video", {"prompt": "cat"}).answered()
    lost = studio.ada.type(studio.films, "/video", {"prompt": "lost"})
    async with running(studio.discord):
        await studio.discord.connected(session=2)
        assert (await studio.ada.press(message, "Cancel").answered()).content == "Cancelled j1"
    assert (lost.lost, lost.answered_as) == (True, None)


async def test_two_shards_make_one_connection_state(studio: Studio) -> None:
    studio.discord.gateway.shards = 2
    async with running(studio.discord) as bot:
        assert sorted(s.shard for s in studio.discord.sessions) == [0, 1]
        assert [guild.name for guild in bot.guilds] == ["Studio"]
        await studio.ada.type(studio.films, "/video", {"prompt": "cat"}).answered()


async def test_a_stored_post_that_was_answered_502_is_one_message_thanks_to_its_nonce(studio: Studio) -> None:
    async with running(studio.discord) as bot:
        studio.discord.faults.append(Fault("POST", "/messages$", status=502, when="after"))
        channel = bot.get_channel(studio.films.id)
        sent = await post(channel, b"film", nonce="job-1")
        assert [message.id for message in studio.films.messages] == [sent.id]
        assert [r.status for r in studio.discord.requests if r.path.endswith("/messages")] == [502, 200]


async def test_a_library_that_reads_the_headers_is_never_refused(studio: Studio) -> None:
    studio.discord.limits.messages = Limit(4, 0.3)
    assert REALISTIC_MESSAGES.requests == 5
    async with running(studio.discord) as bot:
        channel = bot.get_channel(studio.films.id)
        await asyncio.gather(*(post(channel, b"film") for _ in range(9)))
        assert len(studio.films.messages) == 9
        assert 429 not in [r.status for r in studio.discord.requests]


async def test_a_429_is_waited_out(studio: Studio) -> None:
    limited = {"message": "You are being rate limited.", "retry_after": 0.01, "global": False}
    async with running(studio.discord) as bot:
        studio.discord.faults.append(Fault("POST", "/messages$", status=429, body=limited, headers={"Via": "1.1 x"}))
        await post(bot.get_channel(studio.films.id), b"film")
        assert len(studio.films.messages) == 1


async def test_errors_arrive_with_discords_codes(studio: Studio) -> None:
    async with running(studio.discord) as bot:
        channel = bot.get_channel(studio.films.id)
        studio.guild.upload_limit = 3
        with pytest.raises(discord.HTTPException) as large:
            await post(channel, b"film")
        assert (large.value.status, large.value.code) == (413, 40005)
        studio.films.deny("SEND_MESSAGES")
        with pytest.raises(discord.Forbidden) as forbidden:
            await post(channel, b"f")
        assert forbidden.value.code == 50013
        studio.films.delete()
        with pytest.raises(discord.NotFound) as gone:
            await post(channel, b"f")
        assert gone.value.code == 10003


async def test_a_wrong_token_cannot_log_in(studio: Studio) -> None:
    studio.discord.world.token = "another"
    with pytest.raises(discord.LoginFailure):
        async with running(studio.discord):
            pass


async def test_listeners_hear_before_the_bot_does(studio: Studio) -> None:
    order: list[str] = []

    def tell(event: str, facts: dict[str, object]) -> None:
        if event == "message posted":
            order.append(f"told, answered: {studio.discord.requests[-1].status}")

    studio.discord.tell = tell
    async with running(studio.discord) as bot:
        await post(bot.get_channel(studio.films.id), b"film")
        order.append("sent")
    assert order == ["told, answered: None", "sent"]


async def test_an_invalidated_session_is_begun_anew(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(studio.discord) as bot:
        assert isinstance(bot, SmallBot)
        await studio.discord.invalidate()
        await studio.discord.connected(session=2)


async def test_a_process_killed_at_the_moment_of_posting_leaves_the_message_and_a_free_place(studio: Studio) -> None:
    async def start() -> asyncio.subprocess.Process:
        addresses = (studio.discord.api_url, studio.discord.gateway_url)
        return await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.sandbox.small_bot", *addresses)

    def kill(event: str, facts: dict[str, object]) -> None:
        if event == "message posted":
            process.kill()

    process = await start()
    studio.discord.tell = kill
    await studio.discord.connected(timeout=30)
    typed = studio.ada.type(studio.films, "/video", {"prompt": "cat"})
    await process.wait()
    await studio.discord.disconnected()
    assert [message.nonce for message in studio.films.messages] == [None, f"job-{typed.id}"]
    lost = studio.ada.type(studio.films, "/video", {"prompt": "lost"})
    studio.discord.tell = ignore
    process = await start()
    await studio.discord.connected(timeout=30, session=2)
    assert (await studio.ada.press(studio.films.messages[1], "Cancel").answered()).content == "Cancelled j1"
    assert lost.lost
    process.kill()
    await process.wait()
