"""The menu entry of a message that animates its first picture, with a form for the rest."""

from typing import Any

import pytest

from sandbox.discord import EPHEMERAL, Message, Typed
from storage import jobs as job_facts
from tests.bot.harness import Set, Upload, picture
from tests.bot.test_advanced import parts
from tests.bot.test_commands import HOSTILE, refused

NAME = "Animate this image"


def message(films: Set, *uploads: Upload, words: str = "look") -> Message:
    return films.ben.say(films.channel, words, uploads)


async def opened(films: Set, *uploads: Upload) -> Typed:
    typed = films.ada.apply(message(films, *uploads), NAME)
    await typed.modal_shown()
    return typed


async def test_the_first_picture_of_the_message_is_taken(films: Set) -> None:
    shown = await opened(
        films, Upload("notes.txt", b"words"), Upload("a.png", picture(320, 200)), Upload("b.png", picture())
    )
    asked = parts(shown)
    assert list(asked) == ["text:prompt", "pick:0", "pick:1", "pick:2", "lines"]
    assert [option["value"] for option in asked["pick:0"]["options"]] == ["model: slow-1", "model: fast-1"]
    assert asked["pick:1"]["options"][0]["label"] == "2 seconds"
    sent = films.ada.submit(
        shown,
        {
            "text:prompt": "it waves",
            "pick:0": ["model: slow-1"],
            "pick:1": ["duration: 8"],
            "lines": "seed: 7\naudio: yes\nstyle: anime",
        },
    )
    job, card = await films.taken(sent)
    assert (job.operation, job.prompt, job.model, job.user_name) == ("image_to_video", "it waves", "slow-1", "Ada")
    assert (job.options["duration"], job.options["seed"], job.options["audio"]) == (8, 7, True)
    assert job.options["extras"] == {"style": "anime"}
    assert [(stored.role, stored.height) for stored in job.inputs] == [("first_frame", 200)]
    assert "it waves" in card.text


async def test_a_picture_without_an_ending_is_known_by_its_claimed_type(films: Set) -> None:
    shown = await opened(films, Upload("photo", picture(form="JPEG"), content_type="image/jpeg"))
    job, _ = await films.taken(films.ada.submit(shown, {"text:prompt": "it waves"}))
    assert job.inputs[0].mime == "image/jpeg"


@pytest.mark.parametrize("uploads", [[], [Upload("notes.txt", b"words")], [Upload("film.mp4", b"words")]])
async def test_a_message_without_a_picture_is_refused(films: Set, uploads: list[Upload]) -> None:
    answer = await films.ada.apply(message(films, *uploads), NAME).answered()
    assert answer.flags & EPHEMERAL
    await refused(films, answer, "no picture attached", "`/video`")


async def test_what_only_claims_to_be_a_picture_is_refused_when_it_is_opened(films: Set) -> None:
    shown = await opened(films, Upload("a.png", b"<html>"))
    answer = await films.ada.submit(shown, {"text:prompt": "x"}).answered()
    await refused(films, answer, "not a PNG, JPEG or WebP picture")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, ["needs a prompt"]),
        ({"text:prompt": "x", "pick:1": ["duration: 9"]}, ["9 s", "Closest: **8 s**"]),
        ({"text:prompt": "x", "pick:0": ["model: fast-1"], "pick:1": ["duration: 8"]}, ["8 s", "2 s"]),
        ({"text:prompt": "x", "lines": "prompt: y"}, ["The prompt can be only one thing"]),
        ({"text:prompt": "x", "lines": "seed: -1"}, ["The seed can't be -1"]),
        ({"text:prompt": "x", "lines": "provider: nobody"}, ["no provider called nobody"]),
        ({"text:prompt": "x", "lines": "aspect_ratio: 16:9"}, ["takes no aspect ratio"]),
        ({"text:prompt": "x", "lines": f"model: {HOSTILE}"}, ["Nothing"]),
    ],
)
async def test_what_cannot_be_is_refused(films: Set, values: dict[str, Any], words: list[str]) -> None:
    answer = await films.ada.submit(await opened(films, Upload("a.png", picture())), values).answered()
    assert answer.flags & EPHEMERAL
    await refused(films, answer, *words)


async def test_where_nothing_could_be_posted_no_form_opens(films: Set) -> None:
    films.channel.deny("SEND_MESSAGES")
    typed = films.ada.apply(message(films, Upload("a.png", picture())), NAME)
    await refused(films, await typed.answered(), "may not post in this channel")
    assert typed.modal is None


async def test_the_form_is_answered_after_a_restart(films: Set) -> None:
    shown = await opened(films, Upload("a.png", picture()))
    await films.stop()
    await films.start()
    answer = await films.ada.submit(shown, {"text:prompt": "x"}).answered()
    await refused(films, answer, "type the command again")
    assert await films.ctx.database.read(job_facts.count_by_state) == {}
