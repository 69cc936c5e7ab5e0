"""Slash commands: what Discord accepts at registration, and what its client lets a person type."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.discord.limits import count, length
from sandbox.discord.values import Json, NotOfferedError, RefusedError, Upload, invalid
from sandbox.discord.world import Channel, World

STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, ATTACHMENT = range(3, 12)
SUBCOMMANDS = {1, 2}
NUMBERED = {USER, CHANNEL, ROLE, MENTIONABLE}
MOST = {1: 100, 2: 15, 3: 15}
# Discord, Locales, read 2026-11.
LOCALES = {
    "ar", "bg", "cs", "da", "de", "el", "en-GB", "en-US", "es-419", "es-ES", "fi", "fr", "he", "hi", "hr", "hu", "id",
    "it", "ja", "ko", "lt", "nl", "no", "pl", "pt-BR", "ro", "ru", "sv-SE", "th", "tr", "uk", "vi", "zh-CN", "zh-TW",
}  # fmt: skip


def legal_name(name: str) -> bool:
    """Say whether Discord takes a slash command's or option's name: 1-32 letters, digits, -, _ and ', lower case."""
    return (
        1 <= len(name) <= 32
        and name == name.lower()
        and all(
            c in "-_'"
            or unicodedata.category(c)[0] in "LN"
            or any(script in unicodedata.name(c, "") for script in ("DEVANAGARI", "THAI"))
            for c in name
        )
    )


def register(world: World, guild: int | None, bodies: Any) -> list[Json]:
    """Replace the commands of one server (None: all servers). Raises RefusedError for what Discord would refuse."""
    given = count("commands", bodies, 200)
    old = {(c["type"], c["name"]): c["id"] for c in world.commands.get(guild, [])}
    seen: set[tuple[int, str]] = set()
    accepted: list[Json] = []
    for number, body in enumerate(given):
        kind = int(body.get("type") or 1)
        _check_command(f"{number}", body, kind)
        if (kind, body["name"]) in seen:
            raise invalid(
                f"{number}", "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique"
            )
        seen.add((kind, body["name"]))
        if sum(k == kind for k, _ in seen) > MOST[kind]:
            raise RefusedError(400, 30032, f"Maximum number of application commands reached ({MOST[kind]})")
        accepted.append(_answer(world, guild, body, kind, old.get((kind, body["name"]))))
    world.commands[guild] = accepted
    world.changed()
    return accepted


def _answer(world: World, guild: int | None, body: Json, kind: int, number: str | None) -> Json:
    command: Json = {key: value for key, value in body.items() if value is not None} | {
        "id": number or str(world.snowflake()),
        "application_id": str(world.bot.id),
        "version": str(world.snowflake()),
        "type": kind,
        "description": body.get("description") or "",
        "default_member_permissions": None,
        "nsfw": bool(body.get("nsfw")),
    }
    if body.get("default_member_permissions") is not None:
        command["default_member_permissions"] = str(body["default_member_permissions"])
    if guild is not None:
        return command | {"guild_id": str(guild)}
    command.setdefault("integration_types", [0])
    command.setdefault("contexts", None)
    return command


def _check_command(where: str, body: Json, kind: int) -> None:
    name = body.get("name")
    length(f"{where}.name", name, 32, 1)
    if kind == 1:
        _check_name(where, str(name))
        length(f"{where}.description", body.get("description"), 100, 1)
        _check_options(f"{where}.options", body.get("options") or [])
    elif body.get("description") or body.get("options"):
        raise invalid(f"{where}.description", "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION_CANNOT_SET", "Not allowed.")
    _check_translations(where, body, named=kind == 1)


def _check_translations(where: str, body: Json, *, named: bool) -> None:
    """Refuse names and descriptions in other languages that would be refused in English, and unknown languages."""
    for key in ("name_localizations", "description_localizations"):
        translations: dict[str, str] = body.get(key) or {}
        for locale, words in translations.items():
            here = f"{where}.{key}.{locale}"
            if locale not in LOCALES:
                raise invalid(here, "DICT_TYPE_KEY_INVALID", "Not a language of Discord's.")
            length(here, words, 32 if key.startswith("name") else 100, 1)
            if key.startswith("name") and named:
                _check_name(here, words)


def _check_name(where: str, name: str) -> None:
    if not legal_name(name):
        raise invalid(f"{where}.name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")


def _check_options(where: str, options: Any) -> None:
    names: set[str] = set()
    optional_seen = False
    for number, option in enumerate(count(where, options, 25)):
        here = f"{where}.{number}"
        _check_name(here, str(option.get("name")))
        length(f"{here}.description", option.get("description"), 100, 1)
        _check_translations(here, option, named=True)
        if option["name"] in names:
            raise invalid(here, "APPLICATION_COMMAND_OPTIONS_NAME_DUPLICATED", "Option names must be unique")
        names.add(option["name"])
        kind = option.get("type")
        if not isinstance(kind, int) or not 1 <= kind <= ATTACHMENT:
            raise invalid(f"{here}.type", "BASE_TYPE_CHOICES", "Value must be one of 1 to 11.")
        if kind in SUBCOMMANDS:
            _check_options(f"{here}.options", option.get("options") or [])
            continue
        if option.get("required") and optional_seen:
            raise invalid(here, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", "Required options come first")
        optional_seen = optional_seen or not option.get("required")
        _check_choices(here, option)


def _check_choices(where: str, option: Json) -> None:
    choices = count(f"{where}.choices", option.get("choices") or [], 25)
    if choices and option.get("autocomplete"):
        raise invalid(f"{where}.autocomplete", "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_CHOICES", "Not with choices.")
    if (choices or option.get("autocomplete")) and option["type"] not in (STRING, INTEGER, NUMBER):
        raise invalid(where, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", "Only text and numbers have choices.")
    check_suggestions(f"{where}.choices", choices)


def check_suggestions(where: str, choices: Sequence[Json]) -> None:
    """Refuse choices with missing, empty or long names and values."""
    for number, choice in enumerate(choices):
        length(f"{where}.{number}.name", choice.get("name"), 100, 1)
        translations: dict[str, str] = choice.get("name_localizations") or {}
        for locale, name in translations.items():
            length(f"{where}.{number}.name_localizations.{locale}", name, 100, 1)
        if isinstance(choice.get("value"), str):
            length(f"{where}.{number}.value", choice["value"], 100, 1)
        elif not isinstance(choice.get("value"), int | float):
            raise invalid(f"{where}.{number}.value", "BASE_TYPE_REQUIRED", "This field is required")


def find(world: World, guild: int | None, name: str, kind: int = 1) -> Json:
    """Find the command a person means; a server's own command hides the global one. Raises NotOfferedError."""
    scopes = [guild, None] if guild is not None else [None]
    for scope in scopes:
        for command in world.commands.get(scope, []):
            if command["type"] == kind and command["name"] == name:
                return command
    raise NotOfferedError(
        f"there is no command {name!r}; registered: {[c['name'] for c in world.commands.get(None, [])]}"
    )


def resolve_path(command: Json, words: Sequence[str]) -> tuple[list[str], list[Json]]:
    """Follow "video make" down to the subcommand; give its path and its options. Raises NotOfferedError."""
    options: list[Json] = command.get("options") or []
    for word in words:
        step = next((o for o in options if o["type"] in SUBCOMMANDS and o["name"] == word), None)
        if step is None:
            raise NotOfferedError(f"/{command['name']} has no subcommand {word!r}")
        options = step.get("options") or []
    if any(o["type"] in SUBCOMMANDS for o in options):
        raise NotOfferedError(f"/{command['name']} needs a subcommand: {[o['name'] for o in options]}")
    return list(words), options


def fill_in(options: Sequence[Json], typed: Mapping[str, Any], limit: int, *, partial: bool = False) -> list[Json]:
    """Turn what a person typed into option values the way the client does. Raises NotOfferedError.

    `limit` is the largest file the person may attach; `partial` allows missing options (autocomplete).
    """
    known = {option["name"]: option for option in options}
    for name in typed:
        if name not in known:
            raise NotOfferedError(f"there is no option {name!r}; known: {sorted(known)}")
    missing = [o["name"] for o in options if o.get("required") and typed.get(o["name"]) is None]
    if missing and not partial:
        raise NotOfferedError(f"required options are missing: {missing}")
    return [
        {"name": name, "type": known[name]["type"], "value": value if partial else _value(known[name], value, limit)}
        for name, value in typed.items()
        if value is not None
    ]


def _value(option: Json, value: Any, limit: int) -> Any:
    kind, name = option["type"], option["name"]
    choices: list[Json] = option.get("choices") or []
    if choices:
        for choice in choices:
            if value in (choice["value"], choice["name"]):
                return choice["value"]
        raise NotOfferedError(f"{name}: {value!r} is not one of {[c['value'] for c in choices]}")
    expected: dict[int, Any] = {STRING: str, INTEGER: int, BOOLEAN: bool, NUMBER: (int, float), ATTACHMENT: Upload}
    if kind in expected and (not isinstance(value, expected[kind]) or (isinstance(value, bool) and kind != BOOLEAN)):
        raise NotOfferedError(f"{name}: {value!r} has the wrong type")
    if kind in (INTEGER, NUMBER):
        _between(name, value, option.get("min_value"), option.get("max_value"))
    if isinstance(value, str) and kind == STRING:
        _between(f"{name}'s length", len(value), option.get("min_length"), option.get("max_length", 6000))
    if isinstance(value, Upload) and len(value.data) > limit:
        raise NotOfferedError(f"{name}: the file is larger than {limit} bytes")
    if kind in NUMBERED and not (isinstance(value, Channel | int) or hasattr(value, "id")):
        raise NotOfferedError(f"{name}: {value!r} has the wrong type")
    return value


def _between(name: str, value: float, least: float | None, most: float | None) -> None:
    if (least is not None and value < least) or (most is not None and value > most):
        raise NotOfferedError(f"{name}: {value} is not between {least} and {most}")


def words_of(line: str) -> list[str]:
    """Split "/video make" to its words."""
    return re.sub(r"^/", "", line.strip()).split()
