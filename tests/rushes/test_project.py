"""What the files beside the code say is true: settings, packages, image, commands and links."""

import importlib
import re
import subprocess
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values

from providers.registry import NAMES
from rushes.settings import BadSettings, Settings, load

ROOT = Path(__file__).parents[2]
REQUIRED = ("DISCORD_TOKEN", "PUBLIC_URL", "SECRET_KEYS")
# Kept in halves, so that this file does not hold what it looks for.
ELSEWHERE = ["".join(halves) for halves in (
    ("/wo", "rk/"), ("/tmp/", "house"), ("/opt/", "py"), ("py", "pi"), ("python", "hosted"), ("npm", "js."),
    ("--index", "-url"), ("--extra", "-index"), ("find", "-links"), ("anth", "ropic"), ("cla", "ude"), ("co", "dex"),
    ("chat", "gpt"), ("co", "pilot"),
)]  # fmt: skip


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(scope="module")
def tracked() -> list[Path]:
    """List the files git knows, as far as they are there."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    return [path for name in listed.decode().split("\0") if name and (path := ROOT / name).is_file()]


def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def example_with(tmp_path: Path, **values: str) -> Path:
    """Fill in the example file as a person would."""
    text = (ROOT / ".env.example").read_text()
    for name, value in values.items():
        text, found = re.subn(rf"^{name}=$", f"{name}={value}", text, flags=re.MULTILINE)
        assert found == 1
    file = tmp_path / ".env"
    file.write_text(text)
    return file


def test_the_example_settings_name_every_setting_and_nothing_else() -> None:
    assert set(dotenv_values(ROOT / ".env.example")) == {name.upper() for name in Settings.model_fields}


def test_each_example_setting_stands_once_and_below_a_comment() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    names = [line.partition("=")[0] for line in lines if line and not line.startswith("#")]
    assert len(names) == len(set(names))
    assert all(before for before, line in pairwise(lines) if line and not line.startswith("#"))


def test_the_example_settings_as_they_stand_lack_only_what_a_person_must_give(tmp_path: Path) -> None:
    with pytest.raises(BadSettings) as bad:
        load(example_with(tmp_path))
    assert [problem.split()[0] for problem in bad.value.problems] == list(REQUIRED)


def test_the_example_settings_filled_in_load_with_the_defaults(tmp_path: Path) -> None:
    given = {"DISCORD_TOKEN": "a-token", "PUBLIC_URL": "https://x.example", "SECRET_KEYS": "k" * 32}
    settings = load(example_with(tmp_path, **given, VIDU_API_KEY="a-key"))
    assert set(settings.accounts()) == {"vidu"}
    for name, field in Settings.model_fields.items():
        if name.upper() not in given and name != "vidu_api_key":
            assert getattr(settings, name) == field.default, name


def test_the_console_script_is_the_command_line() -> None:
    [(script, target)] = pyproject()["project"]["scripts"].items()
    module, _, name = target.partition(":")
    assert script == "rushes"
    assert callable(getattr(importlib.import_module(module), name))


def test_every_folder_of_code_is_packaged(tracked: list[Path]) -> None:
    folders = {path.parent.relative_to(ROOT) for path in tracked if path.suffix == ".py"}
    others = {(), ("benchmarks",), ("docs",), ("tests",)}
    code = {".".join(folder.parts) for folder in folders if folder.parts[:1] not in others}
    assert set(pyproject()["tool"]["setuptools"]["packages"]) == code


def test_the_image_holds_every_room_and_is_let_in() -> None:
    rooms = {name.partition(".")[0] for name in pyproject()["tool"]["setuptools"]["packages"]}
    copied = re.findall(r"^COPY (\w[\w.]*) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {*rooms, "requirements.txt", "LICENSE"} == set(copied) == let_in


def test_no_vendor_is_left_out_of_the_rule_that_none_knows_another() -> None:
    contracts = pyproject()["tool"]["importlinter"]["contracts"]
    [modules] = [contract["modules"] for contract in contracts if contract["type"] == "independence"]
    assert {f"providers.{name}" for name in NAMES} <= set(modules)


def test_no_file_speaks_of_the_place_it_was_made_in(tracked: list[Path]) -> None:
    found = [
        f"{path.relative_to(ROOT)}: {word}"
        for path in tracked
        for word in ELSEWHERE
        if word.encode() in path.read_bytes().lower()
    ]
    assert found == []


def test_every_make_command_in_a_document_exists(tracked: list[Path]) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    documents = [path for path in tracked if path.suffix in {".md", ".yml", ".yaml"} or path == ROOT / ".ci/run"]
    told = {
        (path.name, target)
        for path in documents
        for target in re.findall(r"(?:^|[`$&;]|run:)[ \t]*make ([a-z]+)", path.read_text(), re.MULTILINE)
    }
    assert {target for _, target in told} >= {"check", "test"}
    assert [(name, target) for name, target in sorted(told) if target not in targets] == []


def test_every_link_to_a_file_in_a_document_leads_somewhere(tracked: list[Path]) -> None:
    link = re.compile(r"\]\(<?([^)\s>]+)|(?:src|srcset|href)=\"([^\"\s]+)")
    known = {path for file in tracked for path in (file, *file.parents)}
    broken: list[str] = []
    for path in (path for path in tracked if path.suffix == ".md"):
        for one, other in link.findall(path.read_text()):
            target = (one or other).partition("#")[0]
            if target and not re.match(r"[a-z]+:", target) and (path.parent / target).resolve() not in known:
                broken.append(f"{path.name}: {target}")
    assert broken == []


def test_the_configuration_for_continuous_copies_names_the_images_database() -> None:
    text = (ROOT / "deploy" / "litestream.yml").read_text()
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    keys = [line.strip().removeprefix("- ").partition(":")[0] for line in lines]
    # Litestream 0.5 knows these; an older one would pass over `replica`.
    assert keys == [
        "snapshot",
        "interval",
        "retention",
        "dbs",
        "path",
        "busy-timeout",
        "replica",
        "url",
        "sync-interval",
    ]
    [path] = [line.partition("path: ")[2] for line in lines if "path: " in line]
    assert f"sqlite+aiosqlite:///{path}" in (ROOT / "Dockerfile").read_text()
