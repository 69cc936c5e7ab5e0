"""Schemathesis against the real receiver, from docs/openapi.json: is what the page says so, and is the rest refused?

    python -m tests.attack.api SCHEMATHESIS [its options]

Twice: as a stranger, who knows no address, and as somebody who was shown true ones.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from jobs import files
from tests.attack.__main__ import target
from tests.attack.aims import ACCOUNTS, PUBLIC_URL, Aims

PAGE = Path(__file__).parents[2] / "docs" / "openapi.json"
# 503: here nobody looks at the callbacks, so a job's inbox fills up. 416: any text may stand in a Range, of none too.
_SETTINGS = """
[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", 503]

[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", 401, 403, 404, 409, 416, 429, 503]
"""
_FILM = b"\0\0\0\x18ftypisom" + bytes(2000)


def shown(page: dict[str, Any], aims: Aims, media_dir: Path) -> dict[str, Any]:
    """Rewrite the page so that it names true addresses alone."""
    files.save(media_dir, files.OUTPUTS, "shown-1.mp4", _FILM)
    link = aims.addresses.link(files.OUTPUTS, "shown-1.mp4", int(time.time() * 1000) + 3_600_000)
    _, _, kind, ticket, name = link.removeprefix(PUBLIC_URL).split("/")
    known = {"kind": [kind], "ticket": [ticket], "file": [name]}
    paths: dict[str, Any] = {}
    for path, item in page["paths"].items():
        if "{token}" not in path:
            paths[path] = item
            continue
        for vendor in ACCOUNTS:
            token = aims.addresses.callback_token(vendor, aims.job(1))
            post = item["post"] | {"operationId": f"callback_{vendor}", "parameters": []}
            paths[f"/callbacks/{vendor}/{token}"] = {"post": post}
    text = json.dumps(page | {"paths": paths})
    narrowed = json.loads(text)
    for parameter in narrowed["paths"]["/media/{kind}/{ticket}/{file}"]["get"]["parameters"]:
        if parameter["name"] in known:
            parameter["schema"] = {"type": "string", "enum": known[parameter["name"]]}
    return narrowed


def main() -> int:
    """Run both."""
    program, *options = sys.argv[1:]
    program = str(Path(program).absolute())
    page, worst = json.loads(PAGE.read_text()), 0
    with target() as aim, tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "schemathesis.toml").write_text(_SETTINGS)
        for name, described in (("stranger", page), ("shown", shown(page, Aims(), aim.folder / "media"))):
            file = Path(folder) / f"{name}.json"
            file.write_text(json.dumps(described))
            command = [program, "run", str(file), "--url", f"http://127.0.0.1:{aim.port}", "--no-color"]
            command += ["--suppress-health-check", "all", "--warnings", "off", *options]
            worst = max(worst, subprocess.run(command, check=False, cwd=folder).returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main())
