"""The threat model names tests that are there, a defence for each row, and what holds the build together."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.attack.corpus import KINDS

ROOT = Path(__file__).parents[2]
MODEL = (ROOT / "THREAT_MODEL.md").read_text()
NAMED = re.findall(r"`(\w+)/(test_\w+)::(test_\w+)`", MODEL)
LOCKS = sorted(path for path in ROOT.rglob("requirements*.txt") if not any(part.startswith(".") for part in path.parts))


def rows(heading: str) -> list[list[str]]:
    """Read the tables of a chapter, without their heads."""
    chapter = MODEL.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line.strip("|").split("|") for line in chapter.splitlines() if re.match(r"\| ?\d", line)]
    return [[cell.strip() for cell in cells] for cells in lines]


THREATS, PROMISES = rows("What could be done, and what is done about it"), rows("Ten promises")


@cache
def names_in(room: str, file: str) -> set[str]:
    path = ROOT / "tests" / room / f"{file}.py"
    text = path.read_text() if path.is_file() else ""
    return set(re.findall(r"^(?:async )?def (test_\w+)", text, re.MULTILINE))


@pytest.mark.parametrize(("room", "file", "name"), sorted(set(NAMED)))
def test_each_test_it_names_is_there(room: str, file: str, name: str) -> None:
    assert name in names_in(room, file)


def test_each_threat_has_an_attacker_a_defence_and_a_test() -> None:
    assert [int(row[0]) for row in THREATS] == [*range(1, len(THREATS) + 1)]
    assert len(THREATS) >= 35
    for row in THREATS:
        assert len(row) == 6
        assert all(row)
        assert "::test_" in row[5]


def test_each_of_the_ten_promises_has_a_test() -> None:
    assert [row[0] for row in PROMISES] == [str(number) for number in range(1, 11)]
    assert all("::test_" in row[2] for row in PROMISES)


def test_each_kind_of_attack_belongs_to_a_row() -> None:
    known = {row[0] for row in THREATS}
    assert {number for kind in KINDS for number in kind.threats.split(", ")} <= known


def test_nothing_that_looks_like_a_tests_name_escapes() -> None:
    assert len(re.findall(r"::test_", MODEL)) == len(NAMED)


def test_the_readme_leads_there() -> None:
    assert "(THREAT_MODEL.md)" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_package_is_locked_by_hash(lock: Path) -> None:
    packages = re.split(r"^(?=\S)", lock.read_text().replace("\\\n", " "), flags=re.MULTILINE)
    named = [text for text in packages if text.strip() and not text.startswith("#")]
    assert named
    for text in named:
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z,-]+\])?==\S+", text), text[:60]
        assert "--hash=sha256:" in text, text[:60]
    assert "://" not in lock.read_text()


def test_every_action_is_named_by_its_commit() -> None:
    used = re.findall(
        r"uses: (\S+)", "\n".join(path.read_text() for path in (ROOT / ".github/workflows").glob("*.yml"))
    )
    assert used
    assert [action for action in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", action)] == []


def test_the_image_does_not_run_as_root() -> None:
    users = re.findall(r"^USER (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert users
    assert users[-1].partition(":")[0] not in {"root", "0"}
