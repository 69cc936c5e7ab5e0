"""Holds recorded requests and answers to Discord's own OpenAPI description, where a copy of it lies at hand.

The description is no part of the project. Without it, `available` is False and the checks do nothing.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from sandbox.discord import Recorded

SPEC = Path(__file__).parents[2].parent / "shared" / "data" / "discord-openapi.json"
available = SPEC.exists()

# Routes that the description does not have although bots use them.
OUTSIDE = re.compile(r"^/attachments/refresh-urls$")
HERE = "urn:discord"


@cache
def _description() -> dict[str, Any]:
    text: dict[str, Any] = json.loads(SPEC.read_text())
    # The documentation allows numbers where it says snowflake (attachments[].id, message references).
    text["components"]["schemas"]["SnowflakeType"] = {"type": ["string", "integer"]}
    # Inside "errors" the documentation shows codes that are words; the description says numbers everywhere.
    inner = {"type": "object", "required": ["code", "message"], "properties": {"code": {"type": "string"}}}
    text["components"]["schemas"]["InnerErrors"]["properties"]["_errors"]["items"] = inner
    return text


@cache
def _registry() -> Registry[Any]:
    resource: Resource[Any] = Resource.from_contents(_description(), default_specification=DRAFT202012)
    empty: Registry[Any] = Registry()
    return empty.with_resource(HERE, resource)


def _operation(recorded: Recorded) -> tuple[str, dict[str, Any]]:
    """Find the path template (fewest parameters win) and the operation of a request."""
    found: list[tuple[int, str]] = []
    for template in _description()["paths"]:
        pattern = re.sub(r"\\{[^/]+?\\}", "[^/]+", re.escape(template))
        if re.fullmatch(pattern, unquote(recorded.path)):
            found.append((template.count("{"), template))
    assert found, f"Discord's description has no {recorded.path}"
    template = min(found)[1]
    operations = _description()["paths"][template]
    assert recorded.method.lower() in operations, f"Discord's description has no {recorded.method} {template}"
    return template, operations[recorded.method.lower()]


def _check(pointer: list[str], value: Any, what: str) -> None:
    reference = "#/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in pointer)
    schema = {"$ref": HERE + reference}
    validator = Draft202012Validator(schema, registry=_registry(), format_checker=FormatChecker(()))
    problems = [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(value)]  # pyright: ignore[reportUnknownMemberType] -- jsonschema's own types
    assert not problems, f"{what}: {problems}\n{json.dumps(value)[:2000]}"


def check_request(recorded: Recorded) -> None:
    """Fail when a request of the bot is not what Discord's description allows."""
    if not available or OUTSIDE.match(recorded.path):
        return
    template, operation = _operation(recorded)
    content: dict[str, Any] = operation.get("requestBody", {}).get("content", {})
    if recorded.json is None and not recorded.multipart:
        assert not operation.get("requestBody", {}).get("required"), f"{recorded.method} {template} needs a body"
        return
    media = "multipart/form-data" if recorded.multipart else "application/json"
    assert media in content, f"{recorded.method} {template} takes {list(content)}, not {media}"
    value: Any = recorded.json
    if recorded.multipart:
        body: dict[str, Any] = recorded.json or {}
        value = body | {file.field: "the file" for file in recorded.files}
    at = ["paths", template, recorded.method.lower(), "requestBody", "content", media, "schema"]
    _check(at, value, f"request {recorded.method} {template}")


def check_answer(recorded: Recorded) -> None:
    """Fail when an answer of the stand-in is not what Discord's description promises."""
    if not available or OUTSIDE.match(recorded.path) or recorded.status is None or recorded.faulted:
        return
    template, operation = _operation(recorded)
    responses: dict[str, Any] = operation["responses"]
    exact = str(recorded.status)
    key = exact if exact in responses else f"{exact[0]}XX"
    assert key in responses, f"{recorded.method} {template} never answers {recorded.status}"
    at = ["paths", template, recorded.method.lower(), "responses", key]
    response: dict[str, Any] = responses[key]
    if "$ref" in response:
        at = response["$ref"].removeprefix("#/").split("/")
        response = _description()["components"]["responses"][at[-1]]
    if "content" not in response:
        assert recorded.answer is None, f"{recorded.method} {template} answers {exact} without a body"
        return
    assert recorded.content_type == "application/json"
    _check(
        [*at, "content", "application/json", "schema"],
        recorded.answer,
        f"answer {exact} of {recorded.method} {template}",
    )
