"""The page of vendor keys: who may, what is stored and shown, and that no key is ever seen again."""

import contextlib
import logging
import sqlite3
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot import key_texts, leaving
from bot.answers import not_yours
from jobs.keyring import Keyring
from jobs.loop import Work
from jobs.tries import MOST, Tries
from jobs.vault import Vault
from providers.contract import Account, Balance, ErrorKind, Provider, ProviderError, Reason
from sandbox.discord import Fault, Member, Message, Typed
from sandbox.discord.world import walk
from storage import moderation, vendor_keys
from storage.words import State, StoredKey
from tests.bot.harness import FakeVendor, Set, open_set

KEY, OTHER = "canary-own-key-0123456789-abcd", "canary-other-key-9876543210-wxyz"
ACCESS, SECRET = "canary-access-key-55555-efgh", "canary-secret-key-66666-ijkl"
WRONG = ProviderError(ErrorKind.REJECTED, Reason.ACCESS, "no such key", http=401)
AWAY = ProviderError(ErrorKind.NOT_SENT, Reason.VENDOR, "no connection")


class Keyed(FakeVendor):
    """A vendor that is asked what is left with the key that was typed."""

    trouble: ProviderError | None = None

    async def balance(self) -> Balance | None:  # pyright: ignore[reportIncompatibleMethodOverride] -- the usual one says nothing
        if Keyed.trouble is not None:
            raise Keyed.trouble
        return Balance(1234, "1234")


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncGenerator[Set]:
    """A server whose operator has a key at acme alone; kling and zeta can be brought."""
    Keyed.trouble = None

    def make(name: str, account: Account) -> Provider:
        return Keyed(name)

    async with open_set(tmp_path) as films:
        terms: dict[str, Account] = dict.fromkeys(("acme", "kling", "zeta"), Account())
        films.ctx = replace(films.ctx, keys=Keyring(Vault(["s" * 40]), terms, make))
        await films.start()
        yield films
        await films.stop()
        shown = "\n".join(str(request.json) for request in films.discord.requests)
        shown += "\n".join(str((message.text, message.components)) for message in films.discord.messages.values())
        told = str(films.told)
        for canary in (KEY, OTHER, ACCESS, SECRET):
            assert canary not in shown
            assert canary not in told
            assert leaks(tmp_path, canary.encode()) == []


@pytest.fixture
def boss(studio: Set) -> Member:
    member = studio.guild.add_member("boss")
    member.permissions |= 1 << 5
    return member


def leaks(folder: Path, word: bytes) -> list[Path]:
    return [file for file in folder.glob("rushes.db*") if word in file.read_bytes()]


def words(panel: Message) -> str:
    return "\n".join(str(part.get("content", "")) for part in walk(panel.components))


def ids(panel: Message) -> list[str]:
    return [str(part["custom_id"]) for part in walk(panel.components) if "custom_id" in part]


async def opened(studio: Set, who: Member) -> Message:
    panel = await who.type(studio.channel, "/setup", {}).answered()
    await pressed(studio, who, panel, "keys:page")
    return panel


async def pressed(studio: Set, who: Member, panel: Message, custom_id: str) -> Typed:
    typed = who.press_custom_id(panel, custom_id)
    await typed.acknowledged()
    await studio.settled()
    return typed


async def form(studio: Set, who: Member, panel: Message, vendor: str) -> Typed:
    shown = who.press_custom_id(panel, f"keys:set:{vendor}")
    await shown.modal_shown()
    return shown


async def typed_in(
    studio: Set, who: Member, vendor: str = "zeta", key: str = KEY, panel: Message | None = None, **fields: str
) -> str:
    panel = panel or await opened(studio, who)
    sent = who.submit(await form(studio, who, panel, vendor), fields or {"api_key": key})
    await sent.acknowledged()
    await studio.settled()
    return "\n".join([words(panel), *(message.text for message in sent.followups)])


async def stored(studio: Set) -> list[StoredKey]:
    return await studio.ctx.database.read(vendor_keys.of_guild, studio.guild.id)


async def test_an_admin_sets_a_key_and_the_server_can_use_the_vendor(studio: Set, boss: Member, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.INFO, "discord")  # as the program has it: below, discord.py writes all that it hears
    assert "paid by whoever runs this bot" in words(await opened(studio, boss))
    answer = await studio.ask(provider="zeta").answered()
    assert "no provider called" in answer.text
    text = await typed_in(studio, boss)
    assert "`…abcd`" in text
    assert f"<@{boss.id}>" in text
    assert "left there: 1,234 credits" in text
    [key] = await stored(studio)
    assert (key.provider, key.hint, key.set_by) == ("zeta", "abcd", boss.id)
    job, _ = await studio.accepted(provider="zeta")
    assert (job.provider, job.key_id) == ("zeta", key.id)
    elsewhere = studio.discord.add_guild("Elsewhere")
    lobby, eve = elsewhere.add_channel("lobby"), elsewhere.add_member("eve")
    answer = await eve.type(lobby, "/video", {"prompt": "x", "provider": "zeta"}).answered()
    assert "no provider called" in answer.text
    assert "canary" not in caplog.text


async def test_where_the_operator_has_no_vendor_a_server_brings_one(studio: Set, boss: Member) -> None:
    await studio.stop()
    studio.ctx = replace(studio.ctx, providers={})
    await studio.start()
    answer = await studio.ask().answered()
    assert "An admin of this server can bring a key with `/setup`" in answer.text
    assert "Nothing was sent and nothing was spent" in answer.text
    await typed_in(studio, boss)
    job, _ = await studio.accepted()
    assert job.provider == "zeta"


async def test_a_key_is_replaced_and_removed_and_the_acts_tell_it(studio: Set, boss: Member) -> None:
    await typed_in(studio, boss)
    job, _ = await studio.accepted(provider="zeta")
    assert "was replaced" in await typed_in(studio, boss, key=OTHER)
    [key] = await stored(studio)
    assert (key.hint, (await studio.job(job.id)).key_id) == ("wxyz", key.id)
    panel = await opened(studio, boss)
    await pressed(studio, boss, panel, f"keys:ask:{key.id}")
    assert "Remove this server's own key" in words(panel)
    assert await stored(studio) == [key]
    await pressed(studio, boss, panel, f"keys:drop:{key.id}")
    assert "was removed" in words(panel)
    assert await stored(studio) == []
    assert (await studio.job(job.id)).state is State.CANCELLED
    acts = await studio.ctx.database.read(moderation.acts_of, studio.guild.id, 9)
    assert [act.kind for act in acts] == ["removed key", "replaced key", "set key"]


async def test_a_pair_goes_to_kling_and_half_of_one_nowhere(studio: Set, boss: Member) -> None:
    assert "belong together" in await typed_in(studio, boss, "kling", access_key=ACCESS)
    assert await stored(studio) == []
    assert "`…efgh`" in await typed_in(studio, boss, "kling", access_key=ACCESS, secret_key=SECRET)


async def test_the_vendor_decides_about_a_key_where_it_can_be_asked(studio: Set, boss: Member) -> None:
    Keyed.trouble = WRONG
    assert "does not take this key (HTTP 401)" in await typed_in(studio, boss)
    assert await stored(studio) == []
    Keyed.trouble = AWAY
    assert "could not be asked" in await typed_in(studio, boss)
    assert len(await stored(studio)) == 1


async def test_nobody_can_ask_which_of_many_keys_are_good(studio: Set, boss: Member) -> None:
    Keyed.trouble = WRONG
    for number in range(MOST):
        assert "does not take this key" in await typed_in(studio, boss, key=f"guessed-key-number-{number:04}")
    Keyed.trouble = None
    assert "have tried as many keys" in await typed_in(studio, boss)
    other = studio.guild.add_member("boss too")
    other.permissions |= 1 << 5
    assert "have tried as many keys" in await typed_in(studio, other)
    assert studio.steps().count("key tried") == MOST
    assert await stored(studio) == []
    studio.clock.ahead += 3601
    await typed_in(studio, boss)
    assert len(await stored(studio)) == 1


def test_a_person_has_no_more_tries_in_another_server() -> None:
    tries = Tries()
    assert [tries.taken(guild, 1, 1000 + guild) for guild in range(MOST)] == [None] * MOST
    assert tries.taken(99, 1, 2000) == 1000 + 3_600_000
    assert tries.taken(99, 2, 2000) is None
    assert tries.taken(99, 1, 1000 + 3_600_000) is None


async def test_the_same_key_sent_twice_is_stored_once(studio: Set, boss: Member) -> None:
    panel = await opened(studio, boss)
    shown = await form(studio, boss, panel, "zeta")
    sent = [boss.submit(shown, {"api_key": KEY}) for _ in range(3)]
    for one in sent:
        await one.acknowledged()
    await studio.settled()
    [key] = await stored(studio)
    acts = await studio.ctx.database.read(moderation.acts_of, studio.guild.id, 9)
    assert [act.kind for act in acts] == ["set key"]
    assert await studio.ctx.database.read(vendor_keys.kept) == [key]


async def test_page_form_and_question_work_after_restarts(studio: Set, boss: Member) -> None:
    panel = await opened(studio, boss)
    await again(studio)
    shown = await form(studio, boss, panel, "zeta")
    await again(studio)
    await boss.submit(shown, {"api_key": KEY}).acknowledged()
    await studio.settled()
    [key] = await stored(studio)
    await pressed(studio, boss, panel, f"keys:ask:{key.id}")
    await again(studio)
    await pressed(studio, boss, panel, "keys:page")
    await pressed(studio, boss, panel, "keys:home")
    assert "How I work in this server" in words(panel)
    assert "This server's own: Zeta" in words(panel)


async def again(studio: Set) -> None:
    await studio.stop()
    await studio.start()


async def test_who_is_no_admin_any_more_sees_and_changes_nothing(studio: Set, boss: Member) -> None:
    await typed_in(studio, boss)
    [key] = await stored(studio)
    panel = await opened(studio, boss)
    shown = await form(studio, boss, panel, "zeta")
    await pressed(studio, boss, panel, f"keys:ask:{key.id}")
    boss.permissions &= ~(1 << 5)
    for custom_id in ids(panel):
        answer = await boss.press_custom_id(panel, custom_id).answered()
        assert answer.text == key_texts.not_admin()
    answer = await boss.submit(shown, {"api_key": OTHER}).answered()
    assert answer.text == key_texts.not_admin()
    assert await stored(studio) == [key]


async def test_another_servers_key_cannot_be_removed(studio: Set, boss: Member) -> None:
    await typed_in(studio, boss)
    [key] = await stored(studio)
    elsewhere = studio.discord.add_guild("Elsewhere")
    lobby, eve = elsewhere.add_channel("lobby"), elsewhere.add_member("eve")
    eve.permissions |= 1 << 5
    panel = await eve.type(lobby, "/setup", {}).answered()
    await pressed(studio, eve, panel, "keys:page")
    assert "abcd" not in words(panel)
    for act in ("ask", "drop"):
        answer = await eve.press_custom_id(panel, f"keys:{act}:{key.id}").answered()
        assert answer.text == not_yours()
    assert await stored(studio) == [key]


async def test_a_forged_or_stale_id_changes_nothing(studio: Set, boss: Member) -> None:
    await typed_in(studio, boss)
    [first] = await stored(studio)
    panel = await opened(studio, boss)
    await pressed(studio, boss, panel, f"keys:ask:{first.id}")
    await typed_in(studio, boss, key=OTHER)
    await pressed(studio, boss, panel, f"keys:drop:{first.id}")
    assert "not in use any more" in words(panel)
    assert [key.hint for key in await stored(studio)] == ["wxyz"]
    for custom_id in ("keys:set:nobody", "keys:drop", "keys:", "keys:steal:zeta", f"keys:drop:{'9' * 30}"):
        answer = await boss.press_custom_id(panel, custom_id).answered()
        assert answer.text == not_yours()


async def test_a_key_that_cannot_be_read_is_refused_in_words_and_named_on_the_page(
    studio: Set, boss: Member, tmp_path: Path
) -> None:
    await typed_in(studio, boss)
    await typed_in(studio, boss, "acme", OTHER)
    await studio.stop()
    with contextlib.closing(sqlite3.connect(tmp_path / "rushes.db")) as file:
        file.execute("UPDATE vendor_keys SET guild_id = guild_id, sealed = x'00'")
        file.commit()
    await studio.ctx.keys.load(studio.ctx.database)
    await studio.start()
    answer = await studio.ask(provider="zeta").answered()
    assert "can't be read any more" in answer.text
    answer = await studio.ask().answered()  # acme would be the operator's, too
    assert "can't be read any more" in answer.text
    assert "cannot be read any more" in words(await opened(studio, boss))
    assert "was replaced" in await typed_in(studio, boss)
    job, _ = await studio.accepted(provider="zeta")
    assert job.key_id is not None


async def test_a_database_that_does_not_store_is_told(studio: Set, boss: Member, tmp_path: Path) -> None:
    panel = await opened(studio, boss)
    with contextlib.closing(sqlite3.connect(tmp_path / "rushes.db")) as file:
        file.execute("ALTER TABLE vendor_keys RENAME TO elsewhere")
    assert key_texts.not_stored() in await typed_in(studio, boss, panel=panel)


async def test_where_a_member_brought_me_along_a_servers_own_keys_count_for_nothing(studio: Set, boss: Member) -> None:
    await typed_in(studio, boss)
    assert "zeta" in studio.ctx.offered(studio.guild.id)
    studio.guild.installed = False
    await studio.stop()
    studio.ctx = replace(studio.ctx, outside_daily=500)
    await studio.start()
    eve = studio.guild.add_member("eve")
    eve.has_app = True
    answer = await eve.type(studio.channel, "/video", {"prompt": "x", "provider": "zeta"}).answered()
    assert "no provider called" in answer.text
    assert "zeta" not in answer.text.lower().partition("here are")[2]


async def test_who_throws_me_out_takes_the_keys_along(studio: Set, boss: Member) -> None:
    await typed_in(studio, boss)
    job, _ = await studio.accepted(provider="zeta")
    studio.guild.kick_bot()
    await studio.until_told("server left")
    assert await stored(studio) == []
    assert await studio.ctx.database.read(vendor_keys.kept) == []
    assert (await studio.job(job.id)).state is State.CANCELLED


async def thrown_out_while_away(studio: Set, boss: Member) -> Work[int]:
    await typed_in(studio, boss)
    await studio.stop()
    studio.guild.kick_bot()
    await studio.start()
    return leaving.work(studio.ctx, studio.bot)


def later(studio: Set, milliseconds: int = leaving.GRACE_MS) -> None:
    studio.clock.ahead += milliseconds / 1000


async def test_who_threw_me_out_while_i_was_away_takes_the_keys_along_after_a_while(studio: Set, boss: Member) -> None:
    loop = await thrown_out_while_away(studio, boss)
    assert not await loop.once()
    later(studio, leaving.GRACE_MS - 60_000)
    assert not await loop.once()
    assert len(await stored(studio)) == 1
    later(studio, 60_000)
    assert await loop.once()
    assert await stored(studio) == []
    assert await studio.ctx.database.read(vendor_keys.kept) == []
    later(studio)
    assert not await loop.once()
    assert studio.steps().count("server left") == 1


@pytest.mark.parametrize("status", [500, 401, 404, 200])
async def test_without_discords_own_word_the_keys_stay(studio: Set, boss: Member, status: int) -> None:
    loop = await thrown_out_while_away(studio, boss)
    await loop.once()
    later(studio)
    if status == 200:
        studio.guild.installed = True  # invited again, and the gateway has not told so yet
    else:
        studio.discord.faults = [Fault("GET", r"/guilds/\d+$", status=status, body={"code": 0}, times=9)]
    assert await loop.once()
    assert len(await stored(studio)) == 1


async def test_an_outage_costs_no_server_its_keys(studio: Set, boss: Member) -> None:
    await typed_in(studio, boss)
    loop = leaving.work(studio.ctx, studio.bot)
    studio.discord.world.dispatch("GUILD_DELETE", {"id": str(studio.guild.id), "unavailable": True}, studio.guild, 0)
    await studio.discord.until(lambda: studio.bot.client is not None and studio.bot.client.guilds[0].unavailable)
    await loop.once()
    later(studio)
    assert not await loop.once()
    assert len(await stored(studio)) == 1


async def test_time_without_a_connection_does_not_count(studio: Set, boss: Member) -> None:
    loop = await thrown_out_while_away(studio, boss)
    await loop.once()
    later(studio)
    bot = studio.bot
    await studio.stop()
    assert bot.client is None
    assert not await loop.once()
    await studio.start()
    loop = leaving.work(studio.ctx, studio.bot)
    assert not await loop.once()
    assert len(await stored(studio)) == 1
