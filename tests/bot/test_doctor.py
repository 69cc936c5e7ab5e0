"""/doctor: each line green and red, for whom it is, and that nothing that hangs, lies or is forged gets past it."""

import asyncio
import contextlib
import re
import sqlite3
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from bot.doctor import ALREADY, NOT_ADMIN
from jobs import own_keys
from jobs.addresses import Addresses
from jobs.keyring import Keyring
from jobs.transitions import Event
from jobs.vault import Vault
from providers.contract import Account, Balance, ErrorKind, ProviderError, Reason
from sandbox.discord import EPHEMERAL, NotOfferedError
from storage import Database, guilds
from storage.words import GuildSettings
from tests.bot.clinic import Clinic, Spoil, opened
from tests.bot.harness import FakeVendor


@pytest.fixture
async def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[Clinic]:
    async with opened(tmp_path) as made:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        made.vendor.left = Balance(1234, "1234 metered")
        yield made


async def test_all_is_green_for_the_one_who_runs_it(clinic: Clinic) -> None:
    message = await clinic.operator.type(clinic.films.channel, "/doctor", {}).answered(20)
    assert message.flags & EPHEMERAL
    assert message.text.startswith("## ✅ Everything works")
    assert not {"⚠️", "❌"} & {line[:1] for line in message.text.splitlines()}
    for words in (
        "came back to me in",
        "good for another 90 days",
        "My clock agrees",
        "I may do there what I need",
        "Files of up to 10 MB fit",
        "**Acme**: It takes our key; 1,234 credits left there.",
        "It takes writes, is whole",
        "MB are free",
        "large films can be made to fit",
        "The one there is goes round",
    ):
        assert words in message.text, words


async def test_figures_of_the_operators_are_not_for_other_admins(clinic: Clinic) -> None:
    text = await clinic.asked()
    assert "## ✅" in text
    assert "**Acme**: It takes our key." in text
    assert "1,234" not in text
    assert "MB are free" not in text
    clinic.vendor.left = ProviderError(ErrorKind.REJECTED, Reason.ACCESS, "HTTP 401 says *who*", http=401)
    await clinic.restart()
    text = await clinic.asked()
    assert "❌ **Acme**: It refuses our key." in text
    assert "who" not in text.partition("Acme")[2].partition("\n")[0]
    assert "It said: HTTP 401 says \\*who\\*" in await clinic.asked(clinic.operator)


async def test_a_team_of_operators_sees_figures_and_its_name_alone_does_not(clinic: Clinic) -> None:
    clinic.films.discord.world.team = [clinic.admin.user]
    await clinic.restart()
    assert "1,234 credits" in await clinic.asked(clinic.admin)
    assert "1,234" not in await clinic.asked(clinic.operator)


async def test_members_are_not_offered_it_and_are_refused_where_it_was_shown_to_them(clinic: Clinic) -> None:
    with pytest.raises(NotOfferedError):
        clinic.films.ada.type(clinic.films.channel, "/doctor", {})
    for command in clinic.films.discord.world.commands[None]:
        command["default_member_permissions"] = None
    assert await clinic.asked(clinic.films.mod) == NOT_ADMIN
    assert clinic.vendor.asked == 0
    assert clinic.proxy.seen == []


async def test_jobs_of_this_server_are_counted_and_of_no_other(clinic: Clinic) -> None:
    films = clinic.films
    job, _ = await films.accepted()
    await films.happen(job, Event.SUBMIT, Event.UNCLEAR)
    await films.accepted()
    elsewhere = films.discord.add_guild("Elsewhere")
    channel, eve = elsewhere.add_channel("films"), elsewhere.add_member("eve")
    eve.permissions |= 1 << 5
    await films.discord.until(lambda: films.bot.client and films.bot.client.get_guild(elsewhere.id))
    message = await eve.type(channel, "/doctor", {}).answered(20)
    assert "Jobs:" not in message.text
    text = await clinic.asked()
    assert "⚠️ **Acme**: It takes our key. Jobs: 1 waiting and 1 in doubt." in text
    assert "rushes doubts" in text


@pytest.mark.parametrize(
    ("ahead", "words"),  # the dates of answers are cut to whole seconds
    [
        (120, r"⚠️ \*\*Clock\*\*: My clock is (1 min 59 s|2 min|2 min 1 s) fast"),
        (-400, r"❌ \*\*Clock\*\*: My clock is 6 min (39|40|41) s slow. Signed callbacks are refused"),
    ],
)
async def test_a_wrong_clock_is_told(clinic: Clinic, ahead: int, words: str) -> None:
    clinic.films.clock.ahead = ahead
    assert re.search(words, await clinic.asked())


async def test_missing_permissions_are_named(clinic: Clinic) -> None:
    films = clinic.films
    films.channel.deny("ATTACH_FILES", "SEND_MESSAGES_IN_THREADS")
    text = await clinic.asked()
    assert "⚠️ **This channel**: I can post there, but lack: Send Messages in Threads and Attach Files." in text
    films.channel.deny("SEND_MESSAGES")
    assert "❌ **This channel**: I lack what I need there: Send Messages, " in await clinic.asked()


async def test_a_thread_needs_its_own_permission(clinic: Clinic) -> None:
    films = clinic.films
    films.channel.deny("SEND_MESSAGES")
    thread = films.channel.add_thread("takes")
    message = await clinic.admin.type(thread, "/doctor", {}).answered(20)
    assert "✅ **This channel**" in message.text
    films.channel.deny("SEND_MESSAGES_IN_THREADS")
    message = await clinic.admin.type(thread, "/doctor", {}).answered(20)
    assert "❌ **This channel**: I lack what I need there: Send Messages in Threads" in message.text


async def test_channels_that_admins_chose_are_looked_at(clinic: Clinic) -> None:
    films = clinic.films
    log, gone = films.guild.add_channel("log"), films.guild.add_channel("gone")
    chosen = GuildSettings(
        films.guild.id, log_channel_id=log.id, moderators_channel_id=log.id, alerts_channel_id=gone.id
    )
    await films.ctx.database.write(guilds.decided, chosen, 1)
    text = await clinic.asked()
    assert "✅ **Log channel · Moderators' channel**" in text
    assert "✅ **Alerts channel**" in text
    log.deny("SEND_MESSAGES")
    gone.delete()
    text = await clinic.asked()
    assert "❌ **Log channel · Moderators' channel**: I lack what I need there: Send Messages" in text
    assert "❌ **Alerts channel**: I don't see that channel" in text


async def test_a_channel_of_another_server_is_none_of_ours(clinic: Clinic) -> None:
    films = clinic.films
    theirs = films.discord.add_guild("Elsewhere").add_channel("secret")
    await films.ctx.database.write(guilds.decided, GuildSettings(films.guild.id, log_channel_id=theirs.id), 1)
    assert "❌ **Log channel**: I don't see that channel" in await clinic.asked()


async def test_a_server_whose_boosts_allow_more_than_discord_says_is_yellow(clinic: Clinic) -> None:
    assert "✅ **File size**: Files of up to 10 MB" in await clinic.asked()
    clinic.films.guild.upload_limit = clinic.admin.upload_limit = 8 * 2**20
    text = await clinic.asked()
    assert "⚠️ **File size**: Files of up to 8 MB fit here" in text
    assert "\\(10 MB\\)" in text or "(10 MB)" in text


@pytest.mark.parametrize(
    ("left", "line"),
    [
        (None, "✅ **Acme**: It has no call that tells a balance"),
        (Balance(None, "9 of *its* own"), "✅ **Acme**: It takes our key; left there: 9 of \\*its\\* own."),
        (Balance(0, "none"), "❌ **Acme**: It takes our key, but our account there is empty."),
        (Balance(199, "199"), "⚠️ **Acme**: It takes our key; 199 credits left there."),
        (ProviderError(ErrorKind.NOT_SENT, Reason.VENDOR, "no connection"), "❌ **Acme**: It can't be reached."),
        (ProviderError(ErrorKind.NOT_SENT, Reason.ACCESS, "no address"), "❌ **Acme**: It can't be called with what"),
        (ProviderError(ErrorKind.REJECTED, Reason.ACCESS, "no", http=404), "⚠️ **Acme**: It answers, but knows no call"),
        (ProviderError(ErrorKind.REJECTED, Reason.ACCESS, "no", http=403), "❌ **Acme**: It refuses our key."),
        (ProviderError(ErrorKind.THROTTLED, Reason.BUSY, "no", http=429), "⚠️ **Acme**: It is too busy"),
        (ProviderError(ErrorKind.UNKNOWN, Reason.VENDOR, "no", http=500), "⚠️ **Acme**: It answers, but not with"),
        (RuntimeError("a secret"), "❌ **Acme**: It can't be reached."),
    ],
)
async def test_what_a_vendor_says_becomes_one_line(clinic: Clinic, left: Balance | Exception | None, line: str) -> None:
    clinic.vendor.left = left
    text = await clinic.asked(clinic.operator)
    assert line in text
    assert "secret" not in text


async def test_a_vendor_that_hangs_is_a_red_line(clinic: Clinic) -> None:
    clinic.vendor.gate = asyncio.Event()
    clinic.films.ctx.purses.seconds = 0.05
    text = await clinic.asked()
    assert "❌ **Acme**: It can't be reached." in text
    assert "✅ **Callbacks**" in text


async def test_who_types_it_twice_is_looked_at_once(clinic: Clinic) -> None:
    clinic.vendor.gate = asyncio.Event()
    first = clinic.admin.type(clinic.films.channel, "/doctor", {})
    await clinic.films.discord.until(lambda: clinic.vendor.asked)
    assert await clinic.asked(clinic.operator) == ALREADY
    clinic.vendor.gate.set()
    assert "## ✅" in (await first.answered(20)).text
    assert "## ✅" in await clinic.asked()
    assert clinic.vendor.asked == 1  # for half a minute its answer is good


def swallow(request: bytes) -> None:
    del request


def alter(request: bytes) -> bytes:
    return request.replace(b"success", b"SUCCESS")


def strip(request: bytes) -> bytes:
    return b"\r\n".join(line for line in request.split(b"\r\n") if not line.startswith(b"X-Rushes-Signature"))


def reroute(request: bytes) -> bytes:
    return request.replace(b"POST /", b"POST /base/", 1)


def answer(status: str, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", "Content-Length: 0", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@pytest.mark.parametrize(
    ("spoil", "instead", "words", "todo"),
    [
        (swallow, None, "did not answer in time", "firewall"),
        (alter, None, "not as I had sent it", "unchanged"),
        (strip, None, "not as I had sent it", "unchanged"),
        (reroute, None, "with HTTP 404, and it did not reach me", "path in PUBLIC\\_URL"),
        (None, answer("502 Bad Gateway"), "with HTTP 502", "finds no program behind it"),
        (None, answer("403 Forbidden"), "with HTTP 403", "without a login"),
        (None, answer("301 Moved", "Location: https://evil.example/"), "sends callers elsewhere", "leads to"),
        (None, answer("200 OK"), "another program took it", "second one runs"),
        (None, b"no http at all\r\n\r\n", "Nobody takes connections", "proxy runs"),
    ],
)
async def test_a_way_that_leads_astray_is_told_with_what_to_do(
    clinic: Clinic, spoil: Spoil | None, instead: bytes | None, words: str, todo: str
) -> None:
    clinic.films.ctx.trials.seconds = 0.5 if spoil is swallow else 5
    clinic.proxy.spoil, clinic.proxy.answer = spoil, instead
    text = await clinic.asked()
    line = text.partition("❌ **Callbacks**")[2].partition("**TLS**")[0]
    assert words in line
    assert todo in line
    assert "evil" not in text
    assert text.startswith("## ❌")


async def point_at(clinic: Clinic, url: str) -> None:
    await clinic.restart(addresses=Addresses(url, ["key"]))


async def test_a_name_that_leads_nowhere_and_a_port_nobody_listens_at(clinic: Clinic) -> None:
    await point_at(clinic, "https://nowhere.invalid")
    text = await clinic.asked()
    assert "❌ **Callbacks**: The name nowhere.invalid leads nowhere" in text
    assert "❌ **TLS**: I could not look at the certificate" in text
    await point_at(clinic, "https://localhost:9")
    assert "❌ **Callbacks**: Nobody takes connections at localhost:9" in await clinic.asked()


@pytest.mark.parametrize(
    ("named", "days", "trusted", "words"),
    [
        ("localhost", -1, True, "❌ **TLS**: The certificate of localhost has ended"),
        ("other.example", 90, True, "❌ **TLS**: The certificate at localhost is for another name"),
        ("localhost", 90, False, "❌ **TLS**: The certificate of localhost comes from nobody I trust"),
        ("localhost", 5.5, True, "⚠️ **TLS**: The certificate of localhost ends in 5 days"),
    ],
)
async def test_a_certificate_that_vendors_would_not_take_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str, days: float, trusted: bool, words: str
) -> None:
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    async with opened(tmp_path, named=named, days=days) as clinic:
        text = await clinic.asked()
    assert words in text
    assert ("I get no safe connection" in text) == words.startswith("❌")


async def test_without_tls_it_is_a_trial_and_said_so(tmp_path: Path) -> None:
    async with opened(tmp_path, tls=False) as clinic:
        text = await clinic.asked()
        assert "⚠️ **TLS**: PUBLIC\\_URL is not https" in text
        assert "✅ **Callbacks**" in text


async def test_https_where_none_is_spoken(tmp_path: Path) -> None:
    async with opened(tmp_path, tls=False) as clinic:
        await point_at(clinic, clinic.films.discord.cdn_url.replace("http://127.0.0.1", "https://localhost"))
        assert "does not speak TLS as I do" in await clinic.asked()


async def test_tables_of_another_version_are_told(clinic: Clinic) -> None:
    with contextlib.closing(sqlite3.connect(clinic.file)) as file:
        file.execute("UPDATE alembic_version SET version_num = '0000'")
        file.commit()
    assert "❌ **Database**: Its tables are not those of this version" in await clinic.asked()


async def test_a_locked_database_is_red_and_the_rest_is_still_told(clinic: Clinic) -> None:
    before = clinic.films.ctx.database
    hasty = await Database.open(f"sqlite+aiosqlite:///{clinic.file}", patience=50)
    await clinic.restart(database=hasty)
    with contextlib.closing(sqlite3.connect(clinic.file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        text = await clinic.asked()
    await clinic.restart(database=before)
    await hasty.close()
    assert "❌ **Database**: The database cannot be used just now." in text
    assert "✅ **Callbacks**" in text


async def test_settings_that_cannot_be_read_are_told(clinic: Clinic) -> None:
    with contextlib.closing(sqlite3.connect(clinic.file)) as file:
        file.execute("ALTER TABLE guild_settings RENAME TO elsewhere")
        file.execute("ALTER TABLE jobs RENAME TO elsewhere_too")
    text = await clinic.asked()
    assert "❌ **Settings**: The database cannot be used" in text
    assert "✅ **Acme**: It takes our key." in text


async def test_a_folder_that_cannot_be_written_to_is_told(clinic: Clinic) -> None:
    clinic.films.ctx.media_dir.touch()
    assert "❌ **Files**: I can't write there." in await clinic.asked()


async def test_it_works_after_a_restart_and_without_vendors(clinic: Clinic) -> None:
    await clinic.restart()
    assert "## ✅" in await clinic.asked()
    await clinic.restart(providers={})
    assert "❌ **Vendors**: No vendor is set up" in await clinic.asked()


async def test_nothing_secret_is_in_any_line(clinic: Clinic) -> None:
    clinic.films.ctx.trials.seconds = 0.3
    clinic.proxy.spoil = swallow
    text = await clinic.asked(clinic.operator)
    [request] = [one for one in clinic.proxy.seen if one.startswith(b"POST")]
    word = request.split(b" ")[1].rpartition(b"/")[2].decode()
    assert len(word) == 35
    assert word not in text
    assert word not in repr(clinic.films.told)
    assert "canary" not in text


async def with_keys(clinic: Clinic, secret: str, own: FakeVendor) -> Keyring:
    """Let servers bring keys for acme and zeta; `own` is what speaks with them."""

    def make(name: str, account: Account) -> FakeVendor:
        return own if account.api_keys else FakeVendor(name)

    keys = Keyring(Vault([secret]), {"acme": Account(), "zeta": Account()}, make)
    await keys.load(clinic.films.ctx.database)
    await clinic.restart(keys=keys)
    return keys


async def test_a_servers_own_account_is_its_admins_business(clinic: Clinic) -> None:
    own, films = FakeVendor("zeta"), clinic.films
    own.left = Balance(77, "77 of *theirs*")
    await with_keys(clinic, "k" * 32, own)
    await own_keys.put(films.ctx, films.guild.id, "zeta", Account(api_keys=("a-key-of-theirs",)), clinic.admin.id)
    text = await clinic.asked()
    assert "✅ **Acme**: It takes our key.\n" in text
    assert "⚠️ **Zeta**: It takes our key; 77 credits left there." in text
    credits = await clinic.admin.type(films.channel, "/credits", {}).answered()
    assert "Left at the vendors: Zeta: 77 credits" in credits.text
    assert "Acme" not in credits.text
    own.left = ProviderError(ErrorKind.REJECTED, Reason.ACCESS, "HTTP 401 says who", http=401)
    await clinic.restart()
    text = await clinic.asked()
    assert "❌ **Zeta**: It refuses our key. It said: HTTP 401 says who" in text
    assert "type it again with /setup" in text
    elsewhere = films.discord.add_guild("Elsewhere")
    channel, eve = elsewhere.add_channel("films"), elsewhere.add_member("eve")
    eve.permissions |= 1 << 5
    await films.discord.until(lambda: films.bot.client and films.bot.client.get_guild(elsewhere.id))
    assert "Zeta" not in (await eve.type(channel, "/doctor", {}).answered(20)).text


async def test_an_own_key_that_cannot_be_read_is_told(clinic: Clinic) -> None:
    own, films = FakeVendor("acme"), clinic.films
    await with_keys(clinic, "k" * 32, own)
    await own_keys.put(films.ctx, films.guild.id, "acme", Account(api_keys=("a-key-of-theirs",)), clinic.admin.id)
    await with_keys(clinic, "another" * 5, own)
    asked = clinic.vendor.asked
    assert "❌ **Acme**: This server's own key there can't be read any more" in await clinic.asked()
    assert clinic.vendor.asked == asked  # nor is anybody else's used in its place
