"""The page about the receiver says what the code does: its addresses, its answers, and the shape of each."""

import json
import re
from typing import Any

import jsonschema
import pytest

from jobs import files
from tests.attack.api import PAGE
from tests.webhooks.harness import NOW, PUBLIC_URL, Answer, Receiver
from webhooks import callbacks, media, server

DESCRIBED: dict[str, Any] = json.loads(PAGE.read_text())
CALLBACK, MEDIA = "/callbacks/{provider}/{token}", "/media/{kind}/{ticket}/{file}"


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in part:
        return part
    found: Any = DESCRIBED
    for step in part["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return resolved(found)


def patterns(path: str) -> str:
    """Put a path's parameters together as one expression."""
    [item] = DESCRIBED["paths"][path].values()
    for parameter in item["parameters"]:
        schema = parameter["schema"]
        if parameter["in"] == "path":
            given = schema.get("pattern", "").strip("^$")
            path = path.replace(f"{{{parameter['name']}}}", f"({given})")
    return path


def test_it_names_every_page_but_the_one_for_this_machine_alone() -> None:
    ours = server._PAGES.items()  # pyright: ignore[reportPrivateUsage] -- the truth
    pages = {path for path, name in ours if name != "metrics"}
    assert set(DESCRIBED["paths"]) == {*pages, CALLBACK, MEDIA}


def test_its_addresses_are_those_of_the_code() -> None:
    assert patterns(CALLBACK) == callbacks._ADDRESS.pattern  # pyright: ignore[reportPrivateUsage] -- the truth
    described = patterns(MEDIA).replace("()", "([a-z]{1,16})")
    assert described == media._ADDRESS.pattern  # pyright: ignore[reportPrivateUsage] -- the truth


def test_its_answers_to_a_callback_are_those_of_the_table() -> None:
    told = set(re.findall(r"\b[2-5]\d\d\b", callbacks.__doc__ or ""))
    assert set(DESCRIBED["paths"][CALLBACK]["post"]["responses"]) == told - {"405"}


def fits(answer: Answer, path: str, method: str) -> None:
    described = resolved(DESCRIBED["paths"][path][method]["responses"][str(answer.status)])
    for name, header in described.get("headers", {}).items():
        jsonschema.validate(answer.headers[name.lower()], resolved(header)["schema"])
    kind = answer.headers.get("content-type", "").partition(";")[0]
    schema = described["content"][kind]["schema"]
    if kind == "application/json":
        jsonschema.validate(json.loads(answer.body), schema)
    elif kind == "text/plain":
        jsonschema.validate(answer.body.decode(), schema)


async def test_what_is_answered_has_the_shape_it_says(receiver: Receiver) -> None:
    job = receiver.job()
    for path in ("/", "/healthz", "/readyz"):
        fits(await receiver.get(path), path, "get")
    fits(await receiver.send(receiver.request(job, "n1")), CALLBACK, "post")
    fits(await receiver.send(receiver.request(job, "n2", b"[]")), CALLBACK, "post")
    forged = receiver.request(job, "n3").replace(b'"succeeded"', b'"SUCCEEDED"')
    fits(await receiver.send(forged), CALLBACK, "post")
    for headers, status in (({}, 411), ({"Content-Length": "70000"}, 413), ({"Content-Encoding": "gzip"}, 415)):
        answer = await receiver.send(receiver.head("POST", receiver.path(job), headers))
        assert answer.status == status
        fits(answer, CALLBACK, "post")
    film = files.save(receiver.ctx.media_dir, files.OUTPUTS, "a-1.mp4", b"film")
    link = receiver.ctx.addresses.link(files.OUTPUTS, film.name, int(NOW * 1000) + 60_000).removeprefix(PUBLIC_URL)
    fits(await receiver.get(link), MEDIA, "get")
    fits(await receiver.get(link, Range="bytes=0-1"), MEDIA, "get")
    fits(await receiver.get(link[:-1]), MEDIA, "get")


@pytest.mark.parametrize("path", sorted(DESCRIBED["paths"]))
def test_no_answer_it_promises_is_a_failure_of_ours(path: str) -> None:
    for operation in DESCRIBED["paths"][path].values():
        assert not {status for status in operation["responses"] if status.startswith("5")} - {"503"}
