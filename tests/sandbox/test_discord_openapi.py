"""A real bot's requests and the stand-in's answers against Discord's own description, where a copy lies at hand."""

import io
from typing import Any

import pytest

from sandbox.discord import Recorded, Upload
from tests.sandbox import openapi
from tests.sandbox.conftest import Studio
from tests.sandbox.small_bot import SmallBot, discord, running


async def journey(studio: Studio, bot: SmallBot) -> None:
    """Use every route once or more, well and badly."""
    ada, films = studio.ada, studio.films
    films.deny("MENTION_EVERYONE")
    await ada.type(films, "/video", {"prompt": "cat", "image": Upload("cat.png", b"12345")}).answered()
    film = await studio.discord.until(lambda: films.messages[1:])
    await ada.autocomplete(films, "/video", {"provider": "k"}, focused="provider")
    await ada.press(film[0], "Cancel").answered()
    noted = ada.type(films, "/note")
    await noted.modal_shown()
    await ada.submit(noted, {"words": "hi"}).answered()
    await ada.apply(ada.say(films, "hello", [Upload("x.png", b"1")]), "Animate").answered()
    channel: Any = await bot.fetch_channel(films.id)
    guild = await bot.fetch_guild(studio.guild.id)
    await guild.fetch_member(ada.id)
    await guild.fetch_channels()
    await bot.tree.fetch_commands()
    assert len([message async for message in channel.history()]) == 4
    user = await bot.fetch_user(ada.id)
    await user.send("hi", embed=discord.Embed(title="t").set_footer(text="f").add_field(name="a", value="b"))
    embed = discord.Embed(title="a").set_image(url="attachment://p.png")
    sent = await channel.send("x", file=discord.File(io.BytesIO(b"1"), "p.png"), embed=embed)
    await sent.reply("r")
    await sent.edit(content="y", attachments=[])
    await sent.delete()
    await channel.send(view=layout(), file=discord.File(io.BytesIO(b"1"), "p.png"))
    with pytest.raises(discord.NotFound):
        await channel.fetch_message(5)
    with pytest.raises(discord.HTTPException):
        await channel.send("x" * 2001)


def layout() -> discord.ui.LayoutView:
    view = discord.ui.LayoutView(timeout=None)
    picture = discord.ui.MediaGallery[Any](discord.MediaGalleryItem("attachment://p.png"))
    section = discord.ui.Section[Any]("x", accessory=discord.ui.Thumbnail("https://example.org/a.png"))
    parts = (discord.ui.TextDisplay[Any]("Film"), picture, discord.ui.Separator[Any](), section)
    view.add_item(discord.ui.Container[Any](*parts))
    return view


if openapi.available:

    async def test_requests_and_answers_are_what_discord_describes(studio: Studio) -> None:
        async with running(studio.discord) as bot:
            await journey(studio, bot)
            assert bot.errors == []
        assert len(studio.discord.requests) > 25
        for recorded in studio.discord.requests:
            openapi.check_request(recorded)
            openapi.check_answer(recorded)

    @pytest.mark.parametrize(
        ("method", "path", "body", "answer"),
        [
            ("POST", "/channels/1/messages", {"content": 5}, {}),
            ("POST", "/channels/1/messages", {"content": "x", "nonce": "n" * 26}, {}),
            ("PATCH", "/channels/1/messages/2", {"embeds": "x"}, {"id": "2"}),
            ("POST", "/interactions/1/token/callback", {"type": 77}, {}),
        ],
    )
    def test_the_check_sees_what_is_wrong(method: str, path: str, body: Any, answer: Any) -> None:
        recorded = Recorded(method, path, {}, body, (), {}, 0.0, status=200, answer=answer)
        recorded.content_type = "application/json"
        with pytest.raises(AssertionError):
            openapi.check_request(recorded)
        with pytest.raises(AssertionError):
            openapi.check_answer(recorded)
