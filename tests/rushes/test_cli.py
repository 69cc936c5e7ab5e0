import asyncio
import contextlib
import signal
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from jobs.vault import Vault, place_of
from providers.contract import Account
from rushes.settings import Settings
from sandbox.scenery import Scenery, Secrets, put_up
from sandbox.vendors import VendorKeys
from storage import Database, vendor_keys
from storage.words import StoredKey

SECRETS = Secrets(
    "canary-discord-token-0001", "canary-secret-key-0002-0123456789abcdef", VendorKeys("canary-vendor-key-0003")
)

GOOD = {
    "DISCORD_TOKEN": "a-token-of-discord",
    "PUBLIC_URL": "https://rushes.example.org",
    "SECRET_KEYS": "k" * 32,
    "VIDU_API_KEY": "a-key-of-vidu",
}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


async def rushes(folder: Path, *words: str) -> asyncio.subprocess.Process:
    """Start the command in a folder of its own, as an operator would."""
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "rushes",
        *words,
        cwd=folder,
        stdout=pipe,
        stderr=pipe,
        env={"PYTHONPATH": str(Path.cwd()), "PATH": "/usr/bin:/bin", "NO_COLOR": "1", "COLUMNS": "200"},
    )


async def run(folder: Path, *words: str) -> tuple[int, str, str]:
    process = await rushes(folder, *words)
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def write_env(folder: Path, scenery: Scenery, **changes: object) -> None:
    values = {**scenery.values, **changes}
    (folder / ".env").write_text("".join(f"{name.upper()}={value}\n" for name, value in values.items()))


async def test_without_settings_it_says_everything_that_is_missing_and_ends(tmp_path: Path) -> None:
    code, out, err = await run(tmp_path, "run")
    assert (code, out) == (1, "")
    assert all(name in err for name in ("DISCORD_TOKEN", "PUBLIC_URL", "SECRET_KEYS"))
    assert "Traceback" not in err


async def test_it_runs_from_a_dot_env_until_sigterm_and_refuses_a_second_on_the_same_database(tmp_path: Path) -> None:
    scenery = await put_up(tmp_path, "vidu", SECRETS)
    write_env(tmp_path, scenery)
    first = await rushes(tmp_path, "run")
    try:
        await scenery.discord.connected(60)
        code, _, err = await run(tmp_path, "run")
        assert (code, "another rushes is running" in err) == (1, True)
        first.send_signal(signal.SIGTERM)
        _, log = await asyncio.wait_for(first.communicate(), 60)
        assert first.returncode == 0
        assert "Traceback" not in log.decode()
    finally:
        if first.returncode is None:
            first.kill()
            await first.communicate()
        await scenery.close()


async def test_a_token_discord_does_not_know_ends_the_program_with_what_to_do(tmp_path: Path) -> None:
    scenery = await put_up(tmp_path, "vidu", SECRETS)
    write_env(tmp_path, scenery, discord_token="canary-wrong-token-0004")
    try:
        code, _, err = await run(tmp_path, "run")
    finally:
        await scenery.close()
    assert code == 1
    assert "DISCORD_TOKEN" in err
    assert "Traceback" not in err
    assert "canary" not in err


async def test_a_budget_can_be_set_read_and_taken_away(tmp_path: Path) -> None:
    scenery = await put_up(tmp_path, "vidu", SECRETS)
    write_env(tmp_path, scenery)
    await scenery.close()
    assert "of 500" in (await run(tmp_path, "budget", "10", "500"))[1]
    assert "of 500" in (await run(tmp_path, "budget", "10"))[1]
    assert "without limit" in (await run(tmp_path, "budget", "10", "--unlimited"))[1]
    assert "Vendors with a key: vidu" in (await run(tmp_path, "check"))[1]


async def test_without_a_vendor_it_checks_and_runs_with_a_warning(tmp_path: Path) -> None:
    scenery = await put_up(tmp_path, "vidu", SECRETS)
    write_env(tmp_path, scenery, vidu_api_key="")
    try:
        code, out, _ = await run(tmp_path, "check")
        assert (code, "No vendor has a key" in out) == (0, True)
        program = await rushes(tmp_path, "run")
        await scenery.discord.connected(60)
        program.send_signal(signal.SIGTERM)
        said = "".join(text.decode() for text in await program.communicate())
    finally:
        await scenery.close()
    assert program.returncode == 0
    assert "only servers that bring keys of their own with /setup" in said


async def test_a_budget_can_be_given_before_the_first_run(tmp_path: Path) -> None:
    settings = GOOD | {"DATABASE_URL": "sqlite+aiosqlite:///data/rushes.db"}
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    code, out, err = await run(tmp_path, "budget", "10", str(10**15))
    assert (code, err) == (0, "")
    assert f"of {10**15}" in out
    assert {path.stat().st_mode & 0o077 for path in [tmp_path / "data", *(tmp_path / "data").iterdir()]} == {0}


@pytest.mark.parametrize("words", [("10", str(10**30)), (str(10**30),), ("0",), ("10", "-1")])
async def test_a_budget_no_table_can_hold_is_refused_in_words(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in GOOD.items()))
    code, _, err = await run(tmp_path, "budget", "--", *words)
    assert code != 0
    assert "Traceback" not in err


def spoil(folder: Path) -> None:
    (folder / "rushes.db").write_bytes(b"no database" * 200)


def age(folder: Path) -> None:
    with contextlib.closing(sqlite3.connect(folder / "rushes.db")) as database:
        database.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        database.execute("INSERT INTO alembic_version VALUES ('9999')")
        database.commit()


def block(folder: Path) -> None:
    (folder / "rushes.db").mkdir()


def wall(folder: Path) -> None:
    (folder / "data").touch()


@pytest.mark.parametrize("trouble", [spoil, age, block, wall])
@pytest.mark.parametrize("command", [["budget", "10"], ["run"]])
async def test_a_database_that_cannot_be_used_is_told_in_one_line(
    tmp_path: Path, trouble: Callable[[Path], None], command: list[str]
) -> None:
    file = "data/rushes.db" if trouble is wall else "rushes.db"
    settings = GOOD | {"DATABASE_URL": f"sqlite+aiosqlite:///{file}", "MEDIA_DIR": "media"}
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    trouble(tmp_path)
    code, out, err = await run(tmp_path, *command)
    assert (code, out) == (1, "")
    assert len(err.splitlines()) == 1, err


async def test_the_demo_ends_with_a_video_a_person_can_open(tmp_path: Path) -> None:
    code, out, err = await run(tmp_path, "demo", "--provider", "kling")
    assert (code, err) == (0, "")
    [video] = (tmp_path / "demo-output").glob("*.mp4")
    assert video.stat().st_size > 10_000
    for said in ("avc1", "First answer", "signature covers the body", "settle", str(video)):
        assert said in out


async def test_the_demo_fails_loudly_and_at_once(tmp_path: Path) -> None:
    code, _, err = await run(tmp_path, "demo", "--provider", "nobody")
    assert (code, "The demo failed" in err) == (1, True)
    (tmp_path / "not.png").write_text("not a picture")
    code, _, err = await run(tmp_path, "demo", "--image", "not.png")
    assert (code, "the order was refused" in err) == (1, True)


async def test_balances_are_asked_for_line_by_line_and_a_trouble_is_one_of_them(tmp_path: Path) -> None:
    """Nobody listens at the vendor's address here, and the reseller has no such call."""
    settings = GOOD | {"VIDU_BASE_URL": "http://127.0.0.1:9", "KKIAI_API_KEY": "a-key-of-kkiai"}
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    code, out, err = await run(tmp_path, "balance")
    assert (code, err) == (0, "")
    assert "could not be asked: no connection" in out
    assert "kkiai" in out
    assert "a-key" not in out


async def test_stored_keys_are_sealed_anew_once_and_a_missing_secret_key_is_told(tmp_path: Path) -> None:
    old, new = "old-" + "k" * 32, "new-" + "k" * 32
    address = f"sqlite+aiosqlite:///{tmp_path}/rushes.db"
    database = await Database.open(address)
    key = StoredKey(1, 77, "vidu", None, "", 30, 1_770_000_000_000)
    sealed = Vault([old]).seal(place_of(key), Account(("canary-own-key-0123",)))
    await database.write(vendor_keys.stored, replace(key, sealed=sealed))
    await database.close()

    def use(secret_keys: str) -> None:
        values = GOOD | {"DATABASE_URL": address, "SECRET_KEYS": secret_keys}
        (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in values.items()))

    use(new)
    code, out, err = await run(tmp_path, "keys", "rotate")
    assert (code, "Sealed anew: 0." in out) == (1, True)
    assert "server 77, Vidu, set 2026-02-02" in err
    assert "1 cannot be read" in err
    use(f"{new},{old}")
    assert "Sealed anew: 1." in (await run(tmp_path, "keys", "rotate"))[1]
    use(new)
    code, out, err = await run(tmp_path, "keys", "rotate")
    assert (code, err) == (0, "")
    assert "Sealed anew: 0. Sealed by the newest key already: 1." in out
    assert "canary" not in out
