"""The connection: made anew when it dies, given up when the token is wrong, and closed without a trace."""

import asyncio
from pathlib import Path

import pytest

from sandbox.discord import Fault
from tests.bot.harness import TOKEN, Bot, Set, TokenRefused, open_set


async def test_a_malformed_event_costs_one_client_and_not_the_bot(films: Set) -> None:
    session = max(one.number for one in films.discord.sessions)
    films.discord.world.dispatch("GUILD_CREATE", {"id": "no number"}, None, 0)
    await films.discord.connected(session=session + 1)
    await films.discord.until(lambda: films.bot.ready)
    await films.accepted()


async def test_a_discord_that_is_away_at_first_is_waited_for(tmp_path: Path) -> None:
    async with open_set(tmp_path) as films:
        films.discord.faults.append(Fault("GET", "/users/@me", status="cut"))
        films.discord.faults.append(Fault("GET", "/gateway/bot", status=403, body={"code": 0, "message": "no"}))
        await films.start()
        await films.accepted()
        await films.stop()


async def test_a_wrong_token_ends_it_with_a_clear_word(tmp_path: Path) -> None:
    async with open_set(tmp_path) as films:
        bot = Bot(films.ctx, "wrong", api_url=films.discord.api_url)
        with pytest.raises(TokenRefused, match="DISCORD_TOKEN"):
            await bot.run(asyncio.Event())
        assert not bot.ready
        assert bot.client is None
        assert [request.path for request in films.discord.requests] == ["/users/@me"]


async def test_commands_discord_refuses_leave_the_old_ones_working(tmp_path: Path) -> None:
    async with open_set(tmp_path) as films:
        await films.start()
        await films.stop()
        body = {"code": 50035, "message": "Invalid Form Body"}
        films.discord.faults.append(Fault("PUT", "/commands", status=400, body=body))
        await films.start()
        await films.accepted()
        await films.stop()


async def test_every_command_is_registered(films: Set) -> None:
    commands = {command["name"]: command for command in films.discord.world.commands[None]}
    assert {"video", "mv", "setup"} <= set(commands)
    assert [option["name"] for option in commands["mv"]["options"]] == ["create", "show", "edit", "compose"]
    assert commands["setup"]["default_member_permissions"] == str(1 << 5)


async def test_the_gateways_address_is_asked_for_where_the_bot_is_pointed(films: Set) -> None:
    assert "/gateway/bot" in [request.path for request in films.discord.requests]
    assert all(request.headers["Authorization"] == f"Bot {TOKEN}" for request in films.discord.requests)


async def test_ready_follows_the_socket(films: Set) -> None:
    assert films.bot.ready
    await films.discord.gateway.close()
    await films.discord.until(lambda: not films.bot.ready)


async def test_it_can_be_stopped_while_discord_is_away(tmp_path: Path) -> None:
    async with open_set(tmp_path) as films:
        gate = asyncio.Event()
        films.discord.faults.append(Fault("GET", "/users/@me", times=9, gate=gate))
        bot, stopping = Bot(films.ctx, TOKEN, api_url=films.discord.api_url), asyncio.Event()
        running = asyncio.create_task(bot.run(stopping))
        await films.discord.until(lambda: films.discord.requests)
        stopping.set()
        await running
        gate.set()


async def test_close_ends_the_run(tmp_path: Path) -> None:
    async with open_set(tmp_path) as films:
        bot = Bot(films.ctx, TOKEN, api_url=films.discord.api_url, ready_timeout=0.02)
        running = asyncio.create_task(bot.run(asyncio.Event()))
        await films.discord.until(lambda: bot.ready)
        await bot.close()
        await running
        assert bot.client is None


async def test_a_command_under_way_is_finished_before_the_bot_stops(films: Set) -> None:
    gate = asyncio.Event()
    films.discord.faults.append(Fault("PATCH", "/webhooks/", gate=gate))
    typed = films.ask()
    await films.until_told("held")
    await films.discord.until(lambda: films.discord.requests[-1].method == "PATCH")
    bot = films.bot
    stopping = asyncio.create_task(films.stop())
    await films.discord.until(lambda: bot.client is None)
    gate.set()
    await stopping
    assert "card edited" in films.steps()
    assert typed.original is not None
    assert "40 credits are reserved" in typed.original.text
    await films.start()


async def test_the_token_is_in_no_log(films: Set, capfd: pytest.CaptureFixture[str]) -> None:
    films.discord.faults += [Fault("PATCH", "/webhooks/", status=400), Fault("PATCH", "/webhooks/", status=400)]
    session = max(one.number for one in films.discord.sessions)
    typed = films.ask()
    await films.until_told("held")
    await films.edit_cards()
    films.discord.world.dispatch("GUILD_CREATE", {"id": "no number"}, None, 0)
    await films.discord.connected(session=session + 1)
    heard = "".join(capfd.readouterr())
    assert "card not edited" in heard
    assert "making a new one" in heard
    assert TOKEN not in heard
    assert typed.token not in heard


async def test_an_invalid_session_and_a_dropped_socket_are_gone_through_without_a_new_client(films: Set) -> None:
    client = films.bot.client
    for trouble in (films.discord.gateway.invalidate, films.discord.gateway.drop, films.discord.gateway.reconnect):
        await trouble()
        await films.discord.until(lambda: films.bot.ready, 20)
    assert films.bot.client is client
    await films.accepted()


async def test_a_first_connect_that_fails_is_tried_again(tmp_path: Path) -> None:
    async with open_set(tmp_path) as films:
        films.discord.faults.append(Fault("GET", "/gateway/bot", times=2, status=500))
        films.discord.faults.append(Fault("GET", "/users/@me", status=200, body={"strange": "answer"}))
        await films.start()
        await films.accepted()
        await films.stop()


async def test_a_token_that_is_refused_later_stops_the_storm_and_not_the_program(films: Set) -> None:
    asked = [request for request in films.discord.requests if request.path == "/users/@me"]
    films.discord.faults.append(Fault("GET", "/users/@me", times=99, status=401, body={"code": 0, "message": "401"}))
    films.discord.world.dispatch("GUILD_CREATE", {"id": "no number"}, None, 0)

    def refused() -> int:
        return len([one for one in films.discord.requests if one.path == "/users/@me"]) - len(asked)

    await films.discord.until(refused)
    await films.discord.until(lambda: films.bot.client is None)
    running = films._running  # pyright: ignore[reportPrivateUsage] -- whether it goes on
    assert running is not None
    done, _ = await asyncio.wait([running], timeout=3)  # a storm would have tried again by now
    assert (done, refused(), films.bot.ready) == (set(), 1, False)
    films.discord.faults.clear()
    await films.stop()
    await films.start()
