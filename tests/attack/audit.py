"""pip-audit over the locked requirements, telling apart what is weak from what could not be asked.

    python tests/attack/audit.py PIP-AUDIT requirements.txt ...

Exit code 1: a weakness is known. 2: nobody could be asked, so nothing is known. Plain Python: it runs anywhere.
"""

import json
import subprocess
import sys

NOBODY = "nobody to ask: the advisory database does not answer from here, so nothing is known either way"


def verdict(code: int, told: str) -> tuple[int, list[str]]:
    """Read pip-audit's JSON. Return the exit code, and lines to print."""
    try:
        found = json.loads(told)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return 2, [NOBODY]
    unasked = [one["name"] for one in found if "skip_reason" in one]
    weak = [
        f"{one['name']} {one['version']}: {flaw['id']}, mended in {', '.join(flaw['fix_versions']) or 'no version yet'}"
        for one in found
        for flaw in one.get("vulns", [])
    ]
    if weak:
        return 1, weak
    if unasked:
        many = f"{len(unasked)} of {len(found)} packages" if len(unasked) < len(found) else "any package"
        return 2, [f"nothing is known of {many}: {NOBODY}"]
    return (2, [NOBODY]) if code or not found else (0, [f"{len(found)} packages, no weakness known"])


def main() -> int:
    """Ask about each file."""
    program, *files = sys.argv[1:]
    worst = 0
    for file in files:
        command = [program, "--disable-pip", "--require-hashes", "--progress-spinner", "off", "-f", "json", "-r", file]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        code, lines = verdict(done.returncode, done.stdout)
        print(*(f"{file}: {line}" for line in lines), sep="\n")  # noqa: T201 -- its only way to speak
        worst = 1 if 1 in {worst, code} else max(worst, code)
    return worst


if __name__ == "__main__":
    sys.exit(main())
