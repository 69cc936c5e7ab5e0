import asyncio
import signal
import sys
from pathlib import Path

import pytest

from rushes.settings import Settings
from sandbox.scenery import Scenery, Secrets, put_up
from sandbox.vendors import VendorKeys

SECRETS = Secrets(
    "canary-discord-token-0001", "canary-secret-key-0002-0123456789abcdef", VendorKeys("canary-vendor-key-0003")
)


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
        await scenery.discord.connected(30)
        code, _, err = await run(tmp_path, "run")
        assert (code, "another rushes is running" in err) == (1, True)
        first.send_signal(signal.SIGTERM)
        _, log = await asyncio.wait_for(first.communicate(), 15)
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


async def test_the_demo_ends_with_a_video_a_person_can_open(tmp_path: Path) -> None:
    code, out, err = await run(tmp_path, "demo", "--provider", "kling")
    assert (code, err) == (0, "")
    [video] = (tmp_path / "demo-output").glob("*.mp4")
    assert video.stat().st_size > 10_000
    for said in ("avc1", "First answer", "signature covers the body", "settle", str(video)):
        assert said in out


async def test_the_demo_fails_loudly(tmp_path: Path) -> None:
    code, _, err = await run(tmp_path, "demo", "--provider", "nobody")
    assert (code, "The demo failed" in err) == (1, True)
