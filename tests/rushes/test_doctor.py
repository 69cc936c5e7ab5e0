"""`rushes doctor`: alone, beside a running program, and with everything broken that can be from outside."""

import asyncio
import contextlib
import signal
import sqlite3
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from rushes.settings import Settings
from sandbox.scenery import Scenery, put_up
from tests.rushes.test_cli import SECRETS, run, rushes, write_env


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
async def scenery(tmp_path: Path) -> AsyncGenerator[Scenery]:
    made = await put_up(tmp_path, "vidu", SECRETS)
    write_env(tmp_path, made)
    yield made
    await made.close()


async def looked(folder: Path) -> tuple[int, str]:
    code, out, err = await run(folder, "doctor")
    assert err == ""
    assert "canary" not in out
    return code, out


async def test_alone_it_sends_a_callback_round(scenery: Scenery, tmp_path: Path) -> None:
    code, out = await looked(tmp_path)
    assert code == 0, out
    assert out.startswith("⚠️ It works, with 1 thing to look at")
    for words in (
        "✅ Discord: It knows the bot's token.",
        "✅ Callbacks: A signed test callback went out to 127.0.0.1:",
        "⚠️ TLS: PUBLIC_URL is not https",
        "✅ Clock:",
        "✅ Vidu: It takes our key;",
        "✅ Database: It takes writes, is whole",
        "✅ Files:",
        "✅ ffmpeg:",
    ):
        assert words in out, words
    assert not list((tmp_path / "media").glob("*"))


async def test_beside_a_running_program_it_asks_whether_that_is_ready(scenery: Scenery, tmp_path: Path) -> None:
    program = await rushes(tmp_path, "run")
    try:
        await scenery.discord.connected(30)
        async with asyncio.timeout(30):  # the port is open before Discord is connected, but ready takes a moment more
            while (found := await looked(tmp_path))[0]:
                assert "is not connected to Discord" in found[1]
        assert "✅ Callbacks: The running program answers at 127.0.0.1:" in found[1]
        write_env(tmp_path, scenery, public_url="http://127.0.0.1:9")
        code, out = await looked(tmp_path)
        assert code == 1
        assert "❌ Callbacks: The program runs, but nobody answers at 127.0.0.1:9." in out
    finally:
        program.send_signal(signal.SIGTERM)
        await program.communicate()


async def test_a_key_nobody_knows_a_token_nobody_knows_and_a_port_in_use(scenery: Scenery, tmp_path: Path) -> None:
    taken = scenery.discord.address.rpartition(":")[2]
    write_env(tmp_path, scenery, discord_token="a-wrong-token", vidu_api_key="a-wrong-key", port=taken)
    code, out = await looked(tmp_path)
    assert code == 1
    assert "❌ Discord: It does not know the bot's token." in out
    assert "❌ Vidu: It refuses our key." in out
    assert f"❌ Callbacks: I can't listen on port {taken}" in out
    assert "a-wrong" not in out


async def test_a_database_that_cannot_be_opened_is_a_line_among_the_others(scenery: Scenery, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "rushes.db")) as database:
        database.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        database.execute("INSERT INTO alembic_version VALUES ('9999')")
        database.commit()
    code, out = await looked(tmp_path)
    assert code == 1
    assert "❌ Database: It can't be opened: the database is at revision 9999" in out
    assert "✅ Vidu: It takes our key;" in out
    assert "✅ Files:" in out


async def test_it_says_what_older_keys_are_needed_for(scenery: Scenery, tmp_path: Path) -> None:
    old = str(scenery.values["secret_keys"])
    write_env(
        tmp_path, scenery, secret_keys=f"canary-new-{'k' * 32},{old}", vidu_api_key="canary-vendor-key-0003,canary-old"
    )
    _, out = await looked(tmp_path)
    assert "✅ SECRET_KEYS, key 2: Leave it in; it is needed for links to files until" in out
    assert "⚠️ Vidu, key 2: No job needs it any more." in out
