"""People: what the Discord client lets them do, and whom a message pings."""

from typing import Any

import pytest

from sandbox.discord import NotOfferedError, Pings, Upload
from sandbox.discord.commands import legal_name
from sandbox.discord.mentions import pings
from tests.sandbox.conftest import Studio
from tests.sandbox.raw import VIDEO, RawSession

SAID = "<@1> <@!2> <@&3> @everyone"
ALL = Pings(frozenset({1, 2}), frozenset({3}), everyone=True)


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        (None, ALL),
        ({"parse": ["users", "roles", "everyone"]}, ALL),
        ({"parse": []}, Pings()),
        ({}, Pings()),
        ({"parse": ["users"]}, Pings(frozenset({1, 2}))),
        ({"parse": ["roles"], "users": ["2", "9"]}, Pings(frozenset({2}), frozenset({3}))),
        ({"parse": ["everyone"], "roles": ["3"]}, Pings(roles=frozenset({3}), everyone=True)),
    ],
)
def test_allowed_mentions_decide_who_is_pinged(allowed: dict[str, Any] | None, expected: Pings) -> None:
    assert pings(SAID, (), allowed) == expected


def test_replies_ping_unless_told_otherwise_and_text_displays_ping_like_content() -> None:
    assert pings("", (), None, replied_to=7).users == {7}
    assert not pings("", (), {"parse": []}, replied_to=7)
    assert pings("", (), {"parse": [], "replied_user": True}, replied_to=7).users == {7}
    assert pings("", ({"type": 17, "components": [{"type": 10, "content": "<@5>"}]},), None).users == {5}
    assert not pings("@here", (), None, may_mention_everyone=False)


async def test_a_message_tells_whom_it_pinged_before_and_after_an_edit(studio: Studio) -> None:
    _, body = await studio.raw.post(studio.films.id, content=f"<@{studio.ada.id}>", embeds=[{"title": "@everyone"}])
    [message] = studio.films.messages
    assert message.pings == Pings(frozenset({studio.ada.id}))
    assert body["mentions"][0]["username"] == "ada"
    path = f"/channels/{studio.films.id}/messages/{message.id}"
    await studio.raw.call("PATCH", path, {"content": "@everyone", "allowed_mentions": {"parse": []}})
    assert not message.pings
    await studio.raw.call("PATCH", path, {"content": "@everyone"})
    assert message.pings.everyone
    assert [bool(version.pings) for version in message.edits] == [True, False]
    studio.films.deny("MENTION_EVERYONE")
    await studio.raw.post(studio.films.id, content="@everyone")
    assert not studio.films.messages[-1].pings


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({}, "required"),
        ({"prompt": "x", "colour": "red"}, "no option"),
        ({"prompt": 5}, "wrong type"),
        ({"prompt": "x" * 21}, "length"),
        ({"prompt": "x", "length": "5"}, "wrong type"),
        ({"prompt": "x", "length": True}, "wrong type"),
        ({"prompt": "x", "length": 0}, "between"),
        ({"prompt": "x", "length": 21}, "between"),
        ({"prompt": "x", "ratio": "1:1"}, "not one of"),
        ({"prompt": "x", "image": b"bytes"}, "wrong type"),
        ({"prompt": "x", "image": Upload("a.png", b"x" * 101)}, "larger"),
    ],
)
async def test_the_client_does_not_send(studio: Studio, options: dict[str, Any], why: str) -> None:
    await studio.with_command()
    studio.guild.upload_limit = studio.ada.upload_limit = 100
    with pytest.raises(NotOfferedError, match=why):
        studio.ada.type(studio.films, "/video", options)


async def test_the_client_offers_a_command_only_where_and_to_whom_it_is_meant(studio: Studio) -> None:
    with pytest.raises(NotOfferedError, match="there is no command"):
        studio.ada.type(studio.films, "/video", {})
    await studio.raw.register(VIDEO | {"default_member_permissions": "32", "contexts": [0]})
    with pytest.raises(NotOfferedError, match="may not use"):
        studio.ada.type(studio.films, "/video", {"prompt": "x"})
    chief = studio.guild.add_member("chief", permissions=8)
    chief.type(studio.films, "/video", {"prompt": "x"})
    with pytest.raises(NotOfferedError, match="kind of channel"):
        chief.type(chief.direct_messages, "/video", {"prompt": "x"})
    other = studio.discord.add_guild("Other")
    with pytest.raises(NotOfferedError, match="not there"):
        chief.type(other.add_channel("lobby"), "/video", {"prompt": "x"})
    with pytest.raises(NotOfferedError, match="no suggestions"):
        await chief.autocomplete(studio.films, "/video", {}, focused="prompt")


async def test_what_is_typed_arrives_as_discord_sends_it(studio: Studio) -> None:
    await studio.with_command()
    session, _ = await RawSession.identify(studio.raw)
    await session.frame()
    image = Upload("cat.png", b"picture", width=4, height=3)
    typed = studio.ada.type(studio.films, "/video", {"prompt": "x", "image": image, "ratio": "Wide", "length": 5})
    payload = (await session.frame())["d"]
    assert payload["attachment_size_limit"] == 10 * 2**20
    assert payload["authorizing_integration_owners"] == {"0": str(studio.guild.id)}
    assert (payload["member"]["user"]["id"], payload["context"], payload["token"]) == (
        str(studio.ada.id),
        0,
        typed.token,
    )
    values = {option["name"]: option["value"] for option in payload["data"]["options"]}
    file = payload["data"]["resolved"]["attachments"][values.pop("image")]
    assert values == {"prompt": "x", "ratio": "16:9", "length": 5}
    assert (file["filename"], file["size"], file["content_type"], file["ephemeral"]) == (
        "cat.png",
        7,
        "image/png",
        True,
    )
    async with studio.raw.session.get(file["url"]) as response:
        assert await response.read() == b"picture"


async def test_direct_messages_carry_a_user_and_no_server(studio: Studio) -> None:
    await studio.with_command()
    session, _ = await RawSession.identify(studio.raw)
    await session.frame()
    studio.ada.type(studio.ada.direct_messages, "/video", {"prompt": "x"})
    payload = (await session.frame())["d"]
    assert (payload["user"]["username"], payload["context"]) == ("ada", 1)
    assert not {"member", "guild_id"} & set(payload)


async def test_subcommands_and_people_as_values(studio: Studio) -> None:
    grant = {
        "type": 1,
        "name": "grant",
        "description": "d",
        "options": [{"type": 6, "name": "who", "description": "d"}],
    }
    await studio.raw.register({"name": "credits", "description": "d", "options": [grant]})
    session, _ = await RawSession.identify(studio.raw)
    await session.frame()
    studio.ada.type(studio.films, "/credits grant", {"who": studio.ada})
    data = (await session.frame())["d"]["data"]
    assert data["options"] == [
        {"name": "grant", "type": 1, "options": [{"name": "who", "type": 6, "value": str(studio.ada.id)}]}
    ]
    assert data["resolved"]["users"][str(studio.ada.id)]["username"] == "ada"
    for line in ("/credits", "/credits take"):
        with pytest.raises(NotOfferedError, match="subcommand"):
            studio.ada.type(studio.films, line)


@pytest.mark.parametrize("name", ["video", "vidéo", "make-it_so", "वीडियो", "วิดีโอ", "动画", "2fast"])
def test_names_of_commands(name: str) -> None:
    assert legal_name(name)


@pytest.mark.parametrize("name", ["Video", "a b", "", "x" * 33, "a/b", "a.b"])
def test_no_names_of_commands(name: str) -> None:
    assert not legal_name(name)


def option(**more: Any) -> dict[str, Any]:
    return {"type": 3, "name": "o", "description": "d"} | more


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Video"},
        {"name": "a b"},
        {"description": ""},
        {"description": "x" * 101},
        {"options": [option(name=f"o{n}") for n in range(26)]},
        {"options": [option(), option()]},
        {"options": [option(name="a"), option(name="b", required=True)]},
        {"options": [option(choices=[{"name": str(n), "value": str(n)} for n in range(26)])]},
        {"options": [option(choices=[{"name": "x", "value": "x"}], autocomplete=True)]},
        {"options": [option(type=11, autocomplete=True)]},
        {"options": [option(type=99)]},
        {"name_localizations": {"de": "Nicht Erlaubt"}},
        {"description_localizations": {"ja": "x" * 101}},
        {"description_localizations": {"es": "x"}},
        {"options": [option(description_localizations={"ja": "x" * 101})]},
        {"options": [option(type=1, options=[option(description_localizations={"ja": ""})])]},
        {"options": [option(choices=[{"name": "x", "value": "x", "name_localizations": {"ja": "x" * 101}}])]},
    ],
)
async def test_a_bad_command_is_refused_at_registration(studio: Studio, change: dict[str, Any]) -> None:
    status, body = await studio.raw.register(VIDEO | change)
    assert (status, body["code"]) == (400, 50035)
    assert studio.discord.commands == []


async def test_commands_keep_their_numbers_and_servers_have_their_own(studio: Studio) -> None:
    _, first = await studio.raw.register(VIDEO)
    _, second = await studio.raw.register(VIDEO)
    assert first[0]["id"] == second[0]["id"]
    assert (await studio.raw.register(VIDEO, VIDEO))[0] == 400
    path = f"/applications/{studio.discord.bot.id}/guilds/{studio.guild.id}/commands"
    _, own = await studio.raw.call("PUT", path, [VIDEO | {"name": "own"}])
    assert (await studio.raw.call("GET", path))[1] == own
    studio.ada.type(studio.films, "/own", {"prompt": "x"})
