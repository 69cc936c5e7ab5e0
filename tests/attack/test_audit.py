"""What pip-audit says is told apart: weak, sound, and not known."""

import json

import pytest

from tests.attack.audit import NOBODY, verdict

SOUND: dict[str, object] = {"name": "a", "version": "1", "vulns": []}
WEAK: dict[str, object] = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
UNASKED: dict[str, object] = {"name": "c", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("code", "found", "verdict_is"),
    [
        (0, [SOUND], (0, "1 packages, no weakness known")),
        (1, [SOUND, WEAK, UNASKED], (1, "b 2: CVE-1, mended in 3")),
        (0, [SOUND, UNASKED], (2, f"nothing is known of 1 of 2 packages: {NOBODY}")),
        (0, [UNASKED], (2, f"nothing is known of any package: {NOBODY}")),
        (1, [SOUND], (2, NOBODY)),
        (0, [], (2, NOBODY)),
    ],
)
def test_a_report_is_read(code: int, found: list[object], verdict_is: tuple[int, str]) -> None:
    said = verdict(code, json.dumps({"dependencies": found}))
    assert said == (verdict_is[0], [verdict_is[1]])


@pytest.mark.parametrize("told", ["", "no JSON", "[]", "{}", "null"])
def test_without_a_report_nothing_is_known(told: str) -> None:
    assert verdict(1, told) == (2, [NOBODY])
