"""The fault suite in short, and its negative controls: with a promise broken on purpose it must say which."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.plan import PROVOCATIONS, drawn, short

ROOT = Path(__file__).parents[2]
FOUND_OUT = {
    "acknowledge_before_commit": "lost",
    "synchronous_off": "lost",
    "read_then_write_budgets": "budgets overdrawn",
    "blind_resubmit": "needless duplicate vendor tasks",
    "random_nonces": "double posts",
    "trusted_unsigned_body": "results that no vendor made",
}


def run(tmp_path: Path, *words: str, seed: int = 1) -> dict[str, Any]:
    figures = tmp_path / f"figures-{seed}.json"
    command = [sys.executable, "-m", "tests.chaos", "--untimed", "--seed", str(seed), "--json", str(figures), *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110, check=False)
    assert figures.exists(), done.stdout + done.stderr
    found: dict[str, Any] = json.loads(figures.read_text())
    assert done.returncode == (1 if found["broken"] else 0)
    return found


def test_every_promise_holds_over_kills_and_faults(tmp_path: Path) -> None:
    found = run(tmp_path, "--short")
    assert found["broken"] == {}
    assert sum(found["kills"].values()) >= len(PROVOCATIONS)
    assert found["jobs"] == found["posted"] + found["failed, credits back"] + found["wait for a human"] > 0


@pytest.mark.timeout(400)
@pytest.mark.parametrize(("promise", "word"), FOUND_OUT.items())
def test_a_promise_that_is_broken_on_purpose_is_found_out(tmp_path: Path, promise: str, word: str) -> None:
    if PROVOCATIONS[promise].power and shutil.which("cc") is None:
        pytest.skip("no C compiler here, so nothing can be done to the disk")
    # A race decides whether it shows in one run (a lie must come before the truth): another has its own.
    runs = (run(tmp_path, "--provoke", promise, "--sabotage", promise, seed=seed) for seed in (1, 2, 3))
    assert any(word in found["broken"] for found in runs)


def test_the_same_seed_gives_the_same_plan() -> None:
    assert drawn(7, 100, 40, able=True) == drawn(7, 100, 40, able=True) != drawn(8, 100, 40, able=True)


def test_without_a_compiler_nothing_is_planned_that_needs_one() -> None:
    for life in (*drawn(7, 100, 200, able=False).lives, *short(7, able=False).lives):
        assert (life.power, life.write, life.sync) == (False, 0, 0)
        assert life.trouble not in {"disk full", "syncs fail", "clock ahead", "clock behind"}
