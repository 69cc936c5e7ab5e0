"""A member's file is fetched from where Discord says it is, and from nowhere that leads astray."""

from collections.abc import Iterator

import pytest
from aiohttp import web

from bot import files
from bot.talking import TROUBLES
from jobs import guard
from jobs.attachments import Flaw
from sandbox.discord import Upload
from tests.bot.harness import Set, picture
from tests.jobs.hostile import HOSTILE, Answers, listening, overheard


@pytest.fixture
def dials() -> Iterator[list[tuple[str, int]]]:
    with overheard() as heard:
        yield heard


@pytest.mark.parametrize("template", HOSTILE)
async def test_an_attachment_at_a_hostile_address_is_not_fetched(template: str, dials: list[tuple[str, int]]) -> None:
    async with (
        listening(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi") as (port, came),
        guard.session(resolver=Answers("127.0.0.1", "::1")) as session,
    ):
        with pytest.raises(TROUBLES):
            await files.fetched(session, template.replace("{port}", str(port)), 1000)
    assert came == []
    assert dials == []


async def test_a_picture_that_discord_says_lies_elsewhere_on_this_machine_is_not_received(films: Set) -> None:
    """An address of the stand-in's is allowed because the operator chose it; a neighbour of it is not."""
    async with listening(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi") as (port, came):
        home, films.discord.world.base_url = films.discord.world.base_url, f"http://127.0.0.1:{port}"
        typed = films.ask(image=Upload("a.png", picture(), "image/png"))
        card = await typed.answered()
        await films.settled()
        films.discord.world.base_url = home
    assert came == []
    assert card.text.startswith("Discord did not hand the image over.")
    job, _ = await films.accepted(image=Upload("a.png", picture(), "image/png"))
    assert job.inputs


@pytest.mark.parametrize("status", [301, 302, 307, 403, 404, 410, 500, 503])
async def test_only_a_plain_answer_is_a_file(status: int) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": "/other"}, body=b"hi")

    application = web.Application()
    application.router.add_get("/a.png", answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port: int = runner.addresses[0][1]
    async with guard.session([("127.0.0.1", port)]) as session:
        assert await files.fetched(session, f"http://127.0.0.1:{port}/a.png", 1000) is Flaw.NOT_RECEIVED
    await runner.cleanup()


async def test_more_bytes_than_discord_said_are_not_read_to_their_end() -> None:
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 90000\r\n\r\n" + bytes(90_000)
    async with listening(endless) as (port, _), guard.session([("127.0.0.1", port)]) as session:
        assert await files.fetched(session, f"http://127.0.0.1:{port}/", 1000) is Flaw.TOO_MANY_BYTES
