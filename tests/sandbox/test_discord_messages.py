"""Channel messages: nonces, files, limits, permissions, history, the CDN, faults and rate limits."""

import asyncio
from typing import Any

import aiohttp
import pytest

from sandbox.discord import COMPONENTS_V2, Fault, Limit
from tests.sandbox.conftest import Studio


def button(**more: Any) -> dict[str, Any]:
    return {"type": 2, "style": 1, "label": "Go", "custom_id": "go"} | more


def row(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"type": 1, "components": list(parts)}


async def test_every_answer_is_exactly_application_json(studio: Studio) -> None:
    for path in ("/users/@me", "/nowhere", "/channels/1", f"/channels/{studio.films.id}/messages"):
        await studio.raw.call("GET", path)
        assert studio.raw.headers["Content-Type"] == "application/json"


async def test_a_wrong_token_and_an_unknown_route_are_refused(studio: Studio) -> None:
    assert (await studio.raw.call("GET", "/users/@me", token="wrong"))[0] == 401
    assert await studio.raw.call("GET", "/nowhere") == (404, {"message": "404: Not Found", "code": 0})
    assert studio.discord.invalid_requests == 1


async def test_the_same_nonce_gives_the_first_message_for_a_few_minutes(studio: Studio) -> None:
    async def post() -> str:
        return str((await studio.raw.post(studio.films.id, content="film", nonce="job-1", enforce_nonce=True))[1]["id"])

    first = await post()
    studio.clock.forward(200)
    assert await post() == first
    studio.clock.forward(200)
    assert await post() != first
    assert len(studio.films.messages) == 2


async def test_a_nonce_without_enforce_nonce_stops_nothing(studio: Studio) -> None:
    for _ in range(2):
        await studio.raw.post(studio.films.id, content="film", nonce="job-1")
    assert len(studio.films.messages) == 2


async def test_the_nonce_of_a_deleted_message_gives_unknown_message(studio: Studio) -> None:
    body = {"content": "film", "nonce": "job-1", "enforce_nonce": True}
    _, message = await studio.raw.post(studio.films.id, **body)
    assert (await studio.raw.call("DELETE", f"/channels/{studio.films.id}/messages/{message['id']}"))[0] == 204
    status, refusal = await studio.raw.post(studio.films.id, **body)
    assert (status, refusal["code"]) == (404, 10008)


async def test_files_are_limited_one_by_one(studio: Studio) -> None:
    studio.guild.upload_limit = 10
    path = f"/channels/{studio.films.id}/messages"
    status, body = await studio.raw.send_files("POST", path, {}, {"a.mp4": b"x" * 11})
    assert (status, body["code"]) == (413, 40005)
    described: dict[str, Any] = {"attachments": [{"id": 0, "filename": "a.mp4", "description": "A film"}, {"id": 1}]}
    status, body = await studio.raw.send_files("POST", path, described, {"x": b"x" * 10, "b.png": b"y" * 10})
    assert status == 200
    [message] = studio.films.messages
    assert [(f.filename, f.content_type, f.data, f.description) for f in message.attachments] == [
        ("a.mp4", "video/mp4", b"x" * 10, "A film"),
        ("b.png", "image/png", b"y" * 10, None),
    ]
    sent = studio.discord.requests[-1].files
    assert [(f.field, f.filename, f.size) for f in sent] == [("files[0]", "x", 10), ("files[1]", "b.png", 10)]


async def test_an_edit_keeps_drops_and_adds_files(studio: Studio) -> None:
    path = f"/channels/{studio.films.id}/messages"
    _, body = await studio.raw.send_files("POST", path, {}, {"a.png": b"a", "b.png": b"b"})
    kept = body["attachments"][1]["id"]
    edit: dict[str, Any] = {"attachments": [{"id": kept}, {"id": 0, "filename": "c.png"}]}
    await studio.raw.send_files("PATCH", f"{path}/{body['id']}", edit, {"c.png": b"c"})
    [message] = studio.films.messages
    assert [file.filename for file in message.attachments] == ["b.png", "c.png"]
    assert [file.filename for file in message.edits[0].attachments] == ["a.png", "b.png"]
    missing = await studio.raw.call("PATCH", f"{path}/{body['id']}", {"attachments": [{"id": 0, "filename": "d.png"}]})
    assert missing[1]["code"] == 50035


@pytest.mark.parametrize(
    "body",
    [
        {"content": "x" * 2001},
        {"content": 5},
        {"content": "x", "nonce": "n" * 26},
        {"embeds": [{"title": "x" * 257}]},
        {"embeds": [{"description": "x" * 4097}]},
        {"embeds": [{"fields": [{"name": "n", "value": ""}]}]},
        {"embeds": [{"fields": [{"name": "n", "value": "v"}] * 26}]},
        {"embeds": [{"description": "x" * 3001}] * 2},
        {"embeds": [{"title": "x"}] * 11},
        {"embeds": [{"image": {"url": "ftp://x"}}]},
        {"content": "x", "components": [row(*(button(custom_id=str(n)) for n in range(6)))]},
        {"content": "x", "components": [row(button(custom_id=str(n))) for n in range(6)]},
        {"content": "x", "components": [row()]},
        {"content": "x", "components": [button()]},
        {"content": "x", "components": [row(button(), button())]},
        {"content": "x", "components": [row(button(custom_id="x" * 101))]},
        {"content": "x", "components": [row(button(label="x" * 81))]},
        {"content": "x", "components": [row(button(label=None))]},
        {"content": "x", "components": [row(button(style=5))]},
        {"content": "x", "components": [row({"type": 3, "custom_id": "s", "options": []})]},
        {"components": [{"type": 10, "content": "needs the flag"}]},
        {"flags": COMPONENTS_V2, "content": "x", "components": [{"type": 10, "content": "x"}]},
        {"flags": COMPONENTS_V2, "components": [{"type": 10, "content": "x" * 2001}] * 2},
        {"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}},
        {"content": "x", "allowed_mentions": {"parse": ["all"]}},
        {"content": "x", "message_reference": {"message_id": "5"}},
    ],
)
async def test_a_body_beyond_the_limits_is_refused_with_the_field_named(studio: Studio, body: dict[str, Any]) -> None:
    status, refusal = await studio.raw.post(studio.films.id, **body)
    assert (status, refusal["code"]) == (400, 50035)
    assert refusal["errors"]
    assert studio.films.messages == []


async def test_an_empty_message_is_refused(studio: Studio) -> None:
    assert (await studio.raw.post(studio.films.id, content=""))[1]["code"] == 50006


@pytest.mark.parametrize(
    ("denied", "code"), [("VIEW_CHANNEL", 50001), ("SEND_MESSAGES", 50013), ("ATTACH_FILES", 50013)]
)
async def test_a_missing_permission_is_refused(studio: Studio, denied: str, code: int) -> None:
    path = f"/channels/{studio.films.id}/messages"
    studio.films.deny(denied)
    status, body = await studio.raw.send_files("POST", path, {}, {"a.png": b"a"})
    assert (status, body["code"]) == (403, code)
    studio.films.allow(denied)
    assert (await studio.raw.send_files("POST", path, {}, {"a.png": b"a"}))[0] == 200


async def test_without_history_the_bot_lists_nothing(studio: Studio) -> None:
    _, message = await studio.raw.post(studio.films.id, content="x")
    studio.films.deny("READ_MESSAGE_HISTORY")
    path = f"/channels/{studio.films.id}/messages"
    assert await studio.raw.call("GET", path) == (200, [])
    assert (await studio.raw.call("GET", f"{path}/{message['id']}"))[1]["code"] == 50013


async def test_what_is_gone_is_unknown(studio: Studio) -> None:
    path = f"/channels/{studio.films.id}/messages"
    assert (await studio.raw.call("GET", f"{path}/5"))[1]["code"] == 10008
    studio.films.delete()
    for method, where in (("POST", path), ("GET", f"/channels/{studio.films.id}")):
        status, body = await studio.raw.call(method, where, {"content": "x"} if method == "POST" else None)
        assert (status, body["code"]) == (404, 10003)


async def test_history_is_paged_newest_first(studio: Studio) -> None:
    ids = [int((await studio.raw.post(studio.films.id, content=str(n)))[1]["id"]) for n in range(5)]

    async def page(query: str) -> list[int]:
        _, body = await studio.raw.call("GET", f"/channels/{studio.films.id}/messages?{query}")
        return [int(message["content"]) for message in body]

    assert await page("") == [4, 3, 2, 1, 0]
    assert await page("limit=2") == [4, 3]
    assert await page(f"limit=2&before={ids[3]}") == [2, 1]
    assert await page(f"limit=2&after={ids[1]}") == [3, 2]
    assert await page(f"limit=3&around={ids[2]}") == [3, 2, 1]
    assert (await studio.raw.call("GET", f"/channels/{studio.films.id}/messages?limit=101"))[1]["code"] == 50035


async def test_the_bot_edits_only_its_own_messages(studio: Studio) -> None:
    said = studio.ada.say(studio.films, "hello")
    path = f"/channels/{studio.films.id}/messages/{said.id}"
    assert (await studio.raw.call("PATCH", path, {"content": "x"}))[1]["code"] == 50005
    assert (await studio.raw.call("DELETE", path))[1]["code"] == 50013


async def test_direct_messages_open_once_and_may_be_closed(studio: Studio) -> None:
    body = {"recipient_id": str(studio.ada.id)}
    _, channel = await studio.raw.call("POST", "/users/@me/channels", body)
    assert (await studio.raw.call("POST", "/users/@me/channels", body))[1]["id"] == channel["id"]
    await studio.raw.post(int(channel["id"]), content="psst")
    assert [m.content for m in studio.ada.direct_messages.messages] == ["psst"]
    studio.ada.user.accepts_direct_messages = False
    assert (await studio.raw.post(int(channel["id"]), content="psst"))[1]["code"] == 50007


async def test_the_cdn_serves_signed_addresses_until_they_expire(studio: Studio) -> None:
    path = f"/channels/{studio.films.id}/messages"
    _, message = await studio.raw.send_files("POST", path, {}, {"a film.mp4": b"film"})
    url = message["attachments"][0]["url"]

    async def fetch(where: str) -> tuple[int, bytes]:
        async with studio.raw.session.get(where) as response:
            return response.status, await response.read()

    assert await fetch(url) == (200, b"film")
    assert studio.told[-1] == "file served"
    assert (await fetch(url.replace("hm=", "hm=0")))[0] == 404
    assert (await fetch(url.split("?")[0]))[0] == 404
    studio.clock.forward(25 * 3600)
    assert (await fetch(url))[0] == 404
    _, again = await studio.raw.call("GET", f"{path}/{message['id']}")
    assert await fetch(again["attachments"][0]["url"]) == (200, b"film")
    _, fresh = await studio.raw.call("POST", "/attachments/refresh-urls", {"attachment_urls": [url]})
    assert await fetch(fresh["refreshed_urls"][0]["refreshed"]) == (200, b"film")
    await studio.raw.call("DELETE", f"{path}/{message['id']}")
    assert (await fetch(fresh["refreshed_urls"][0]["refreshed"]))[0] == 404


async def test_a_full_bucket_is_refused_until_it_empties(studio: Studio) -> None:
    studio.discord.limits.messages = Limit(2, 0.2)
    for left in ("1", "0"):
        await studio.raw.post(studio.films.id, content="x")
        assert (studio.raw.headers["X-RateLimit-Limit"], studio.raw.headers["X-RateLimit-Remaining"]) == ("2", left)
    status, body = await studio.raw.post(studio.films.id, content="x")
    assert (status, body["global"]) == (429, False)
    assert studio.raw.headers["Via"]
    assert studio.raw.headers["X-RateLimit-Scope"] == "user"
    other = studio.guild.add_channel("other")
    assert (await studio.raw.post(other.id, content="x"))[0] == 200
    await asyncio.sleep(body["retry_after"])
    assert (await studio.raw.post(studio.films.id, content="x"))[0] == 200


async def test_the_whole_bot_is_limited_but_not_its_interaction_answers(studio: Studio) -> None:
    await studio.with_command()
    studio.discord.limits.overall = Limit(2, 60.0)
    studio.discord.limits.windows.clear()
    statuses = [(await studio.raw.call("GET", "/users/@me"))[0] for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert studio.raw.headers["X-RateLimit-Global"] == "true"
    typed = studio.ada.type(studio.films, "/video", {"prompt": "x"})
    assert (await studio.raw.answer(typed, 4, content="x"))[0] == 200


async def test_faults_strike_in_order_before_or_after_the_effect(studio: Studio) -> None:
    posts = r"/channels/\d+/messages$"
    studio.discord.faults += [
        Fault("POST", posts, times=2, status=503, body={"message": "down", "code": 0}),
        Fault("*", posts, status=502, body="bad gateway", headers={"X-Odd": "1"}, when="after"),
        Fault("POST", posts, status="cut"),
    ]
    assert (await studio.raw.call("GET", "/users/@me"))[0] == 200
    assert [(await studio.raw.post(studio.films.id, content="x"))[0] for _ in range(2)] == [503, 503]
    assert studio.films.messages == []
    assert await studio.raw.post(studio.films.id, content="y") == (502, "bad gateway")
    assert (studio.raw.headers["X-Odd"], len(studio.films.messages)) == ("1", 1)
    with pytest.raises(aiohttp.ClientConnectionError):
        await studio.raw.post(studio.films.id, content="z")
    assert studio.discord.faults == []
    assert (await studio.raw.post(studio.films.id, content="z"))[0] == 200
    assert [r.status for r in studio.discord.requests if r.method == "POST"] == [503, 503, 502, None, 200]


async def test_a_gate_holds_an_answer_back(studio: Studio) -> None:
    gate = asyncio.Event()
    studio.discord.faults.append(Fault("POST", "/messages$", when="after", gate=gate))
    posting = asyncio.create_task(studio.raw.post(studio.films.id, content="x"))
    await studio.discord.until(lambda: studio.films.messages)
    assert not posting.done()
    gate.set()
    assert (await posting)[0] == 200


async def test_servers_and_members_can_be_asked_for(studio: Studio) -> None:
    guild = f"/guilds/{studio.guild.id}"
    assert (await studio.raw.call("GET", guild))[1]["name"] == "Studio"
    assert (await studio.raw.call("GET", f"{guild}/members/{studio.ada.id}"))[1]["user"]["username"] == "ada"
    assert (await studio.raw.call("GET", f"{guild}/members/5"))[1]["code"] == 10007
    assert (await studio.raw.call("GET", "/guilds/5"))[1]["code"] == 10004
    assert [c["name"] for c in (await studio.raw.call("GET", f"{guild}/channels"))[1]] == ["films"]
