"""Everybody is spoken to in the language their Discord shows, and a card in that of whoever asked or of the server.

The Japanese here is English in wide letters, made from the texts of the code: what is not looked up stays narrow.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo

from bot import language
from jobs.transitions import Event
from sandbox.discord import EPHEMERAL, Upload
from storage import guilds
from storage.words import GuildSettings, Job
from tests.bot.encore import shown
from tests.bot.harness import Set, open_set, picture
from tests.bot.test_advanced import parts
from tests.bot.test_catalogues import texts_in_the_code

_KEPT = re.compile(r"(\{\w*\}|`[^`]*`|<[^>\s]+>)")
_NARROW = re.compile(r"[A-Za-z]{3,}")


def wide(text: str, **values: object) -> str:
    """Write a text in the Japanese of these tests."""
    pieces = _KEPT.split(text)
    pieces[::2] = ["".join(chr(ord(c) + 0xFEE0) if c.isascii() and c.isalpha() else c for c in p) for p in pieces[::2]]
    return "".join(pieces).format(**values) if values else "".join(pieces)


@cache
def japanese() -> NullTranslations:
    catalogue = Catalog(locale="ja")
    for one, many in texts_in_the_code().items():
        catalogue.add(one if many is None else (one, many), wide(one) if many is None else [wide(many)])
    file = BytesIO()
    write_mo(file, catalogue)
    file.seek(0)
    return GNUTranslations(file)


def _catalogue(spoken: str) -> NullTranslations:
    return japanese() if spoken == "ja" else NullTranslations()


@pytest.fixture
async def films(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Set]:
    monkeypatch.setattr(language, "catalogue", _catalogue)
    async with open_set(tmp_path) as made:
        made.ben.locale = "ja"
        await made.start()
        yield made
        await made.stop()


def card(films: Set, job: Job) -> str:
    return films.discord.messages[job.card_message_id or 0].text


async def test_two_people_are_refused_at_the_same_time_each_in_their_language(films: Set) -> None:
    asked = [films.ask(films.ada, duration=99), films.ask(films.ben, duration=99)]
    english, other = await asyncio.gather(*(typed.answered() for typed in asked))
    assert "The duration can't be 99 s at Acme. Possible: 4, 8 s." in english.text
    assert "Nothing was sent and nothing was spent." in english.text
    assert wide("Nothing was sent and nothing was spent.") in other.text
    assert set(_NARROW.findall(other.text)) == {"Acme"}


async def test_a_card_and_its_result_keep_the_language_of_whoever_asked_over_a_restart(films: Set) -> None:
    jobs = [(await films.taken(films.ask(who)))[0] for who in (films.ada, films.ben)]
    assert [job.language for job in jobs] == ["en", "ja"]
    assert wide("Queued") in card(films, jobs[1])
    assert [button.label for button in films.discord.messages[jobs[1].card_message_id or 0].buttons] == [wide("Cancel")]
    await films.stop()
    await films.start()
    for job in jobs:
        await films.happen(job, Event.SUBMIT, Event.ACCEPTED, task_id=job.code, submitted_at=films.ctx.now())
    await films.edit_cards()
    assert "Waiting at Acme" in card(films, jobs[0])
    assert wide("Waiting at {vendor}", vendor="Acme") in card(films, jobs[1])
    assert wide("{count} credits are reserved.", count=40) in card(films, jobs[1])


async def test_a_result_speaks_the_language_of_its_card_and_its_buttons_that_of_whoever_presses(films: Set) -> None:
    job, _ = await films.taken(films.ask(films.ben))
    _, result = await shown(films, await films.finished(job))
    assert wide("Your videos are ready · {credits}", credits=wide("{count} credits", count=40)) in result.text
    assert [button.label for button in result.buttons][-1] == wide("Delete")
    for who, words in ((films.ada, "**Times** asked for by Ben"), (films.ben, wide("**Times** {times}", times=""))):
        answer = await who.press(result, wide("Details")).answered()
        assert answer.flags & EPHEMERAL
        assert words in answer.text
    await films.settled()


async def test_the_servers_own_language_wins_for_what_the_channel_sees(films: Set) -> None:
    await films.ctx.database.write(guilds.decided, GuildSettings(films.guild.id, language="ja"), films.ctx.now())
    job, _ = await films.taken(films.ask(films.ada))
    assert job.language == "ja"
    assert wide("Queued") in card(films, job)
    refusal = await films.ask(films.ada, duration=99).answered()
    assert "Nothing was sent and nothing was spent." in refusal.text
    result = (await shown(films, await films.finished(job)))[1]
    assert wide("Asked by {member} · made by {vendor}", member="Ada", vendor="Acme") in result.text


@pytest.mark.parametrize("locale", ["fr", "en-GB", "zz"])
async def test_who_speaks_what_we_do_not_is_spoken_to_in_english(films: Set, locale: str) -> None:
    films.ada.locale = locale
    job, _ = await films.taken(films.ask(films.ada))
    assert job.language == "en"
    assert "Queued" in card(films, job)


async def test_a_form_is_in_the_language_of_whoever_opens_it(films: Set) -> None:
    typed = films.ask(films.ben, advanced=True, image=Upload("a.png", picture()))
    await typed.modal_shown()
    assert typed.modal is not None
    assert typed.modal["title"] == wide("Advanced")
    heads = [part["label"] for part in typed.modal["components"]]
    assert heads == [wide("The negative prompt"), wide("Choices"), wide("More, as name: value, one a line"),
                     wide("A picture as the watermark")]  # fmt: skip
    values = [option["value"] for option in parts(typed)["pick:0"]["options"]]
    assert "bgm: yes" in values  # what is typed stays
    answer = await films.ben.submit(typed, {"lines": "cfg_scale: much"}).answered()
    assert wide("What you filled in, to be copied:") in answer.text
    assert "cfg_scale: much" in answer.text


async def test_suggestions_are_in_the_language_of_whoever_types(films: Set) -> None:
    for who, words in (
        (films.ada, "4 seconds · 40 credits"),
        (films.ben, wide("{n} seconds · {m} credits", n=4, m=40)),
    ):
        offered = await who.autocomplete(films.channel, "/video", {"model": "slow-1"}, "duration")
        assert words in [choice["name"] for choice in offered]


def _described(entry: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """List a command, its options and those of its subcommands, with what they say."""
    path = f"{path} {entry['name']}".strip()
    if entry.get("description"):
        yield path, entry
    for option in entry.get("options") or ():
        yield from _described(option, path)


async def test_commands_say_what_they_do_in_each_language_under_one_name(films: Set) -> None:
    entries = [entry for command in films.discord.commands for entry in _described(command)]
    assert len(entries) > 50
    assert not [path for path, entry in entries if entry.get("name_localizations")]
    told: dict[str, dict[str, str]] = {path: entry.get("description_localizations") or {} for path, entry in entries}
    assert told["video"] == {"ja": wide("Make a video from words and pictures")}
    assert told["image image3"] == {"ja": wide("Picture {number}", number=3)}
    assert [path for path, other in told.items() if set(other) != {"ja"}] == []
