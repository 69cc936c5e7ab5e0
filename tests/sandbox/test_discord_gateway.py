"""The gateway: sessions, resuming with replay, and what is lost while a bot is away."""

from typing import Any

import aiohttp
import pytest

from tests.sandbox.conftest import Studio
from tests.sandbox.raw import RawSession


@pytest.fixture(autouse=True)
async def registered(studio: Studio) -> None:
    await studio.with_command()


async def test_a_session_begins_with_ready_and_every_server(studio: Studio) -> None:
    session, ready = await RawSession.identify(studio.raw, shard=[0, 1])
    assert ready["shard"] == [0, 1]
    assert ready["application"]["id"] == str(studio.discord.bot.id)
    assert ready["resume_gateway_url"] == studio.discord.gateway_url
    assert ready["guilds"] == [{"id": str(studio.guild.id), "unavailable": True}]
    created = (await session.frame())["d"]
    assert created["name"] == "Studio"
    assert [c["name"] for c in created["channels"]] == ["films"]
    assert created["members"][0]["user"]["id"] == str(studio.discord.bot.id)
    await session.send(1, session.seen)
    assert (await session.frame())["op"] == 11
    await studio.discord.connected(session=1)
    assert studio.told == ["session started"]


@pytest.mark.parametrize(
    ("identify", "code"),
    [
        ({"token": "wrong"}, 4004),
        ({"intents": 1 << 15}, 4014),
        ({"intents": -1}, 4013),
        ({"shard": [2, 2]}, 4010),
    ],
)
async def test_a_bad_identify_is_closed_with_its_code(studio: Studio, identify: dict[str, Any], code: int) -> None:
    session = await RawSession.open(studio.raw)
    await session.send(2, {"token": "secret-of-the-bot", "intents": 1, "properties": {}} | identify)
    assert await session.closed_with() == code


async def test_a_second_identify_and_an_unknown_op_close_the_socket(studio: Studio) -> None:
    for op, code in ((2, 4005), (77, 4001)):
        session, _ = await RawSession.identify(studio.raw)
        await session.frame()
        await session.send(op, {})
        assert await session.closed_with() == code


async def test_a_resumed_session_gets_what_it_missed_in_order(studio: Studio) -> None:
    session, ready = await RawSession.identify(studio.raw)
    await session.frame()
    await studio.discord.drop_gateway()
    typed = [studio.ada.type(studio.films, "/video", {"prompt": prompt}) for prompt in ("one", "two")]
    assert [one.lost for one in typed] == [True, True]
    again = await RawSession.open(studio.raw)
    await again.send(6, {"token": "secret-of-the-bot", "session_id": ready["session_id"], "seq": session.seen})
    missed = [await again.frame() for _ in range(3)]
    assert [frame["t"] for frame in missed] == ["INTERACTION_CREATE", "INTERACTION_CREATE", "RESUMED"]
    assert [frame["d"]["id"] for frame in missed[:2]] == [str(one.id) for one in typed]
    assert [frame["s"] for frame in missed] == [session.seen + 1, session.seen + 2, session.seen + 3]
    assert studio.discord.gateway.started == 1


async def test_what_was_typed_while_the_bot_was_dead_is_lost(studio: Studio) -> None:
    first, _ = await RawSession.identify(studio.raw)
    await first.frame()
    await first.socket.close()
    await studio.discord.disconnected()
    lost = studio.ada.type(studio.films, "/video", {"prompt": "lost"})
    second, _ = await RawSession.identify(studio.raw)
    await second.frame()
    await studio.discord.connected(session=2)
    heard = studio.ada.type(studio.films, "/video", {"prompt": "heard"})
    assert (lost.lost, heard.lost) == (True, False)
    assert (await second.frame())["d"]["id"] == str(heard.id)


async def test_a_forgotten_session_cannot_be_resumed(studio: Studio) -> None:
    session = await RawSession.open(studio.raw)
    await session.send(6, {"token": "secret-of-the-bot", "session_id": "other", "seq": 1})
    assert await session.frame() == {"op": 9, "d": False, "s": None, "t": None}


async def test_reconnect_and_invalidate_are_told_to_every_socket(studio: Studio) -> None:
    session, ready = await RawSession.identify(studio.raw)
    await session.frame()
    await studio.discord.reconnect()
    assert (await session.frame())["op"] == 7
    await studio.discord.invalidate()
    assert (await session.frame())["op"] == 9
    again = await RawSession.open(studio.raw)
    await again.send(6, {"token": "secret-of-the-bot", "session_id": ready["session_id"], "seq": session.seen})
    assert (await again.frame())["op"] == 9


async def test_a_server_belongs_to_one_shard(studio: Studio) -> None:
    studio.discord.gateway.shards = 2
    about = (await studio.raw.call("GET", "/gateway/bot"))[1]
    assert (about["shards"], about["session_start_limit"]["remaining"]) == (2, 1000)
    sessions = [await RawSession.identify(studio.raw, shard=[n, 2]) for n in (0, 1)]
    await studio.discord.connected(session=1)
    mine = (studio.guild.id >> 22) % 2
    assert [len(ready["guilds"]) for _, ready in sessions] == [int(mine == 0), int(mine == 1)]
    session = sessions[mine][0]
    await session.frame()
    studio.ada.type(studio.films, "/video", {"prompt": "x"})
    assert (await session.frame())["t"] == "INTERACTION_CREATE"


async def test_a_session_hears_of_channels_servers_and_the_messages_it_asked_for(studio: Studio) -> None:
    session, _ = await RawSession.identify(studio.raw, intents=1 | 1 << 9)
    await session.frame()
    studio.films.deny("ATTACH_FILES")
    studio.guild.add_channel("new")
    studio.discord.add_guild("Another")
    studio.ada.say(studio.films, "private words")
    studio.ada.say(studio.films, f"<@{studio.discord.bot.id}> hello")
    studio.films.delete()
    frames = [await session.frame() for _ in range(6)]
    assert [frame["t"] for frame in frames] == [
        "CHANNEL_UPDATE",
        "CHANNEL_CREATE",
        "GUILD_CREATE",
        "MESSAGE_CREATE",
        "MESSAGE_CREATE",
        "CHANNEL_DELETE",
    ]
    assert [frame["d"]["content"] for frame in frames[3:5]] == ["", f"<@{studio.discord.bot.id}> hello"]


async def test_until_gives_up_with_an_error(studio: Studio) -> None:
    with pytest.raises(TimeoutError):
        await studio.discord.connected(timeout=0)
    with pytest.raises(TimeoutError):
        await studio.discord.until(lambda: False, timeout=0)


async def test_closing_ends_open_sockets(studio: Studio) -> None:
    session, _ = await RawSession.identify(studio.raw)
    await session.frame()
    await studio.discord.close()
    assert (await session.socket.receive()).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)


async def test_nonsense_on_the_socket_closes_it(studio: Studio) -> None:
    session = await RawSession.open(studio.raw)
    await session.socket.send_str("not json")
    assert await session.closed_with() == 4002


async def test_a_bot_that_is_thrown_out_hears_it_and_reaches_nothing(studio: Studio) -> None:
    session, _ = await RawSession.identify(studio.raw)
    await session.frame()
    studio.guild.kick_bot()
    assert (await session.frame())["t"] == "GUILD_DELETE"
    assert (await studio.raw.post(studio.films.id, content="x"))[1]["code"] == 50001
    assert (await studio.raw.call("GET", f"/guilds/{studio.guild.id}"))[1]["code"] == 50001


async def test_a_fault_of_the_stand_in_itself_is_not_silent(studio: Studio) -> None:
    def tell(event: str, facts: dict[str, Any]) -> None:
        raise LookupError(event)

    studio.discord.tell = tell
    assert (await studio.raw.post(studio.films.id, content="x"))[0] == 500
    with pytest.raises(ExceptionGroup):
        await studio.discord.close()
