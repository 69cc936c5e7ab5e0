"""/video from Enter to the card, and every way it is refused."""

import io
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sandbox.discord import EPHEMERAL, Fault, Message
from storage import guilds
from storage import jobs as job_facts
from storage.words import GuildSettings, Period, Preset, Scope, State
from tests.bot.harness import FakeVendor, Set, Upload, open_set, picture

HOSTILE = (
    "@everyone <@1> <@&2> [free](https://evil.example) ||x|| `code` \u202egnp.exe\u200b\n# big\n> quote discord.gg/x"
)

PNG = Upload("a.png", picture())


async def refused(films: Set, message: Message, *words: str) -> None:
    """Hold a refusal against what all of them promise: plain words, nothing kept, nothing pinged."""
    assert not message.loading
    assert not message.pings
    assert not message.buttons
    for word in words:
        assert word in message.text
    assert "nothing was spent" in message.text.lower()
    assert await films.ctx.database.read(job_facts.count_by_state) == {}


async def test_a_command_becomes_a_held_job_with_a_card(films: Set) -> None:
    job, card = await films.accepted()
    assert card.id == job.card_message_id
    assert not card.loading
    assert "a boat at dawn" in card.text
    assert "40 credits are reserved" in card.text
    assert [button.label for button in card.buttons] == ["Cancel"]
    assert (job.user_name, job.model, job.price, job.state) == ("Ada", "slow-1", 40, State.QUEUED)
    watched = ["command received", "deferred", "pictures read", "planned", "card edited"]
    assert [step for step in films.steps() if step in watched] == watched


async def test_the_card_is_true_after_the_command_and_needs_no_second_edit(films: Set) -> None:
    job, _ = await films.accepted()
    assert (await films.job(job.id)).card_due_at is None
    assert not await films.edit_cards()


async def test_pictures_are_opened_and_kept(films: Set) -> None:
    job, _ = await films.accepted(
        image=Upload("a.gif", picture(form="JPEG")), last_frame=Upload("b", picture(), content_type="text/html")
    )
    assert job.operation == "start_end_to_video"
    assert [stored.mime for stored in job.inputs] == ["image/jpeg", "image/png"]
    assert len(list((films.ctx.media_dir / "inputs").iterdir())) == 2


async def test_what_is_wrong_with_the_options_is_told_to_the_asker_alone(films: Set) -> None:
    answer = await films.ask(duration=99, aspect_ratio="9:16").answered()
    assert answer.flags & EPHEMERAL
    await refused(films, answer, "99 s", "4, 8 s", "Closest: **8 s**", "16:9")
    assert films.channel.messages == []
    assert "deferred" not in films.steps()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"last_frame": Upload("b.png", picture())}, ["needs a first one"]),
        ({"provider": "nobody [x](https://evil.example)"}, ["no provider called nobody", "Acme"]),
        ({"seed": 5000}, ["seed", "1000"]),
        ({"prompt": "x" * 501}, ["501 characters", "500"]),
        ({"prompt": " \u2003 "}, ["needs a prompt"]),
        ({"model": "fast-1", "audio": True}, ["fast-1 makes no sound"]),
        ({"duration": -(10**12)}, ["1 to 600"]),
        ({"model": "later-model", "duration": 10**9}, ["1 to 600"]),
        ({"aspect_ratio": "@everyone"}, ["aspect ratio"]),
        ({"resolution": "8k" * 40}, ["resolution"]),
    ],
)
async def test_each_impossible_option_is_refused_with_what_is_possible(
    films: Set, options: dict[str, Any], words: list[str]
) -> None:
    answer = await films.ask(**options).answered()
    assert answer.flags & EPHEMERAL
    await refused(films, answer, *words)


def gif() -> bytes:
    out = io.BytesIO()
    Image.new("P", (200, 200)).save(out, "GIF")
    return out.getvalue()


def bomb(side: int) -> bytes:
    """Claim side x side pixels in a few bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<html>", ["not a PNG"]),
        (b"", ["not a PNG"]),
        (gif(), ["not a PNG"]),
        (picture()[:200], ["damaged"]),
        (bomb(30_000), ["too many pixels"]),
        (bomb(12_000), ["too many pixels"]),
        (bomb(8_000), ["too many pixels"]),
        (picture(320, 50), ["320x50", "100 or more"]),
        (picture(form="WEBP"), ["WebP", "PNG or JPEG"]),
    ],
)
async def test_a_file_of_no_use_as_a_picture_is_refused_in_place_of_the_thinking_message(
    films: Set, data: bytes, words: list[str]
) -> None:
    await refused(films, await films.ask(image=Upload("cat.png", data)).answered(), *words)
    [seen] = films.channel.messages
    assert not seen.loading


async def test_a_file_larger_than_the_cap_is_not_even_fetched(films: Set) -> None:
    films.ada.upload_limit = 60 * 2**20
    answer = await films.ask(image=Upload("cat.png", bytes(50 * 2**20 + 1))).answered()
    await refused(films, answer, "larger than 50 MB")


async def test_an_attachment_that_discord_lost_is_told(films: Set) -> None:
    typed = films.ask(image=Upload("cat.png", picture()))
    films.discord.world.files.clear()
    await refused(films, await typed.answered(), "did not hand the image over", "try again")


async def test_a_budget_that_does_not_reach_is_told_with_what_is_left(films: Set) -> None:
    await films.ctx.database.write(guilds.budget_set, films.guild.id, Scope.GUILD, 0, Period.MONTH, 30)
    await refused(films, await films.ask().answered(), "40 credits", "30 credits left")


async def test_the_servers_preferred_provider_is_taken(tmp_path: Path) -> None:
    async with open_set(tmp_path, FakeVendor("acme", rate=1), FakeVendor("bolt", rate=10)) as films:
        await films.start()
        cheap, _ = await films.accepted()
        await films.ctx.database.write(guilds.decided, GuildSettings(films.guild.id, "bolt"), films.ctx.now())
        preferred, _ = await films.accepted()
        named, _ = await films.accepted(provider="ACME")
        assert [cheap.provider, preferred.provider, named.provider] == ["acme", "bolt", "acme"]
        await films.stop()


async def test_a_full_disk_is_told_and_nothing_is_held(films: Set) -> None:
    films.ctx.media_dir.mkdir()
    (films.ctx.media_dir / "inputs").write_text("in the way")
    answer = await films.ask(image=Upload("cat.png", picture())).answered()
    await refused(films, answer, "can't store")


async def test_no_credit_is_spent_where_the_result_could_not_be_posted(films: Set) -> None:
    films.channel.deny("SEND_MESSAGES")
    await refused(films, await films.ask().answered(), "may not post in this channel")


async def test_without_any_provider_the_member_is_told(tmp_path: Path) -> None:
    async with open_set(tmp_path) as made:
        films = replace(made, ctx=replace(made.ctx, providers={}))
        await films.start()
        await refused(films, await films.ask().answered(), "No video provider")
        await films.stop()


async def test_a_bug_becomes_one_sentence_for_the_member(films: Set, capsys: pytest.CaptureFixture[str]) -> None:
    vendor = films.ctx.providers["acme"]
    assert isinstance(vendor, FakeVendor)
    vendor.broken = True
    answer = await films.ask().answered()
    assert answer.flags & EPHEMERAL
    assert "Something went wrong on my side" in answer.text
    assert "RuntimeError" not in answer.text
    assert "command failed" in capsys.readouterr().out


async def test_an_answer_discord_did_not_take_begins_nothing(films: Set) -> None:
    films.discord.faults.append(
        Fault("POST", "/callback", status=404, body={"code": 10062, "message": "Unknown interaction"})
    )
    films.ask()
    await films.discord.until(lambda: films.discord.requests and films.discord.requests[-1].status == 404)
    await films.stop()
    assert await films.ctx.database.read(job_facts.count_by_state) == {}
    await films.start()


@pytest.mark.parametrize("status", [400, "cut"])
async def test_an_answer_that_only_seemed_lost_does_not_think_for_ever(films: Set, status: int | str) -> None:
    known = {"code": 40060, "message": "Interaction has already been acknowledged."}
    films.discord.faults.append(Fault("POST", "/callback", status=status, body=known, times=9, when="after"))
    answer = await films.ask().answered()
    assert "so I did not begin" in answer.text
    assert "nothing was spent" in answer.text
    await films.settled()
    assert await films.ctx.database.read(job_facts.count_by_state) == {}


async def test_a_card_that_could_not_be_shown_is_shown_by_the_card_loop(films: Set) -> None:
    films.discord.faults.append(Fault("PATCH", "/webhooks/", status=400, body={"code": 50035, "message": "no"}))
    typed = films.ask()
    await films.until_told("held")
    await films.discord.until(lambda: any(r.status == 400 for r in films.discord.requests))
    assert await films.edit_cards()
    assert typed.original is not None
    assert "40 credits are reserved" in typed.original.text


async def test_hostile_prompts_ping_nobody_and_break_nothing(films: Set) -> None:
    _, card = await films.accepted(prompt=HOSTILE)
    assert not card.pings
    [embed] = card.embeds
    first_line, rest = embed["description"].split("\n", 1)
    assert first_line.startswith("> ")
    assert rest.startswith("\n")
    assert "\u202e" not in first_line
    assert "\u200b" not in first_line.replace("@\u200b", "")
    assert "\\[free\\](https\\://" in first_line
    assert not any(version.pings for version in card.edits)


async def test_what_is_a_servers_own_is_offered_in_servers_alone(films: Set) -> None:
    offered = {command["name"]: command for command in films.discord.commands}
    servers = {name for name, command in offered.items() if command["contexts"] == [0]}
    assert servers == {"preset", "mod", "setup", "budget", "credits", "doctor"}
    assert all(offered[name]["integration_types"] == [0] for name in servers)
    for name in offered.keys() - servers:
        assert (offered[name]["contexts"], offered[name]["integration_types"]) == ([0, 1, 2], [0, 1])


async def test_suggestions_follow_what_is_typed(films: Set) -> None:
    async def values(focused: str, **typed: object) -> list[object]:
        offers = await films.ada.autocomplete(films.channel, "/video", {"prompt": "x", **typed}, focused)
        return [offer["value"] for offer in offers]

    assert await values("duration") == [4, 8]
    assert await values("duration", model="fast-1") == [2]
    assert await values("duration", duration="8") == [8]
    assert await values("model") == ["slow-1", "fast-1"]
    assert await values("model", resolution="540p") == ["fast-1"]
    assert await values("model", model="FAST") == ["fast-1"]
    assert await values("aspect_ratio", model="fast-1") == ["16:9"]
    assert await values("aspect_ratio", image="1") == []
    assert await values("provider") == ["acme"]
    assert await values("provider", resolution="4k") == []
    assert await values("resolution", audio=True) == ["720p", "1080p"]


async def test_a_bug_while_suggesting_leaves_the_member_typing(films: Set) -> None:
    vendor = films.ctx.providers["acme"]
    assert isinstance(vendor, FakeVendor)
    vendor.broken = True
    assert await films.ada.autocomplete(films.channel, "/video", {"prompt": "x"}, "duration") == []


async def test_every_request_of_the_bot_carries_an_empty_list_of_mentions(films: Set) -> None:
    await films.accepted(prompt=HOSTILE)
    sent = [r.json for r in films.discord.requests if r.method == "PATCH" and "/messages/" in r.path]
    assert sent
    assert all(body["allowed_mentions"]["parse"] == [] for body in sent)


@pytest.mark.parametrize("unseen", ["\u200b", " \u2060\u200d ", "\u3164", "\u2800\u202e"])
async def test_a_prompt_that_shows_nothing_is_none(films: Set, unseen: str) -> None:
    refusal = await films.ask(prompt=unseen).answered()
    assert refusal.flags & EPHEMERAL
    await refused(films, refusal, "needs a prompt")
    await refused(films, await films.make("/reference", prompt=unseen, image1=PNG).answered(), "needs a prompt")


async def test_a_preset_adds_nothing_to_a_prompt_that_shows_nothing(films: Set) -> None:
    await films.ctx.database.write(guilds.preset_saved, films.guild.id, Preset("noir", "rain", {}, 1, films.ctx.now()))
    job, _ = await films.accepted(prompt="\u200b", preset="noir")
    assert job.prompt == "rain"
