"""What a message body may hold: lengths, counts, embeds and components, refused in Discord's own error shape."""

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.discord import mentions
from sandbox.discord.values import COMPONENTS_V2, Json, RefusedError, invalid, nested
from sandbox.discord.world import walk

EMBED_LENGTHS = {"title": 256, "description": 4096}
FIELD_LENGTHS = {"name": 256, "value": 1024}
SELECTS = {3, 5, 6, 7, 8}
ONLY_V2 = {9, 10, 11, 12, 13, 14, 17}


def length(path: str, value: Any, most: int, least: int = 0) -> None:
    """Refuse a text that is no text, too short or too long."""
    if not isinstance(value, str):
        raise invalid(path, "STRING_TYPE_CONVERT", "Could not interpret value as string.")
    if len(value) > most:
        raise invalid(path, "BASE_TYPE_MAX_LENGTH", f"Must be {most} or fewer in length.")
    if len(value) < least:
        raise invalid(path, "BASE_TYPE_MIN_LENGTH", f"Must be {least} or more in length.")


def count(path: str, value: Any, most: int, least: int = 0) -> list[Json]:
    """Refuse a list that is no list, too short or too long; give it."""
    if not isinstance(value, list):
        raise invalid(path, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
    items: list[Json] = list(value)  # pyright: ignore[reportUnknownArgumentType] -- JSON
    if not least <= len(items) <= most:
        raise invalid(path, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length.")
    return items


def check_message(body: Json, flags: int) -> None:
    """Refuse a message body (new or an edit) that breaks a limit. `flags` are the message's flags with this body."""
    if body.get("content") is not None:
        length("content", body["content"], 2000)
    _check_embeds(count("embeds", body.get("embeds") or [], 10))
    components = count("components", body.get("components") or [], 40)
    check_components(components, v2=bool(flags & COMPONENTS_V2))
    if flags & COMPONENTS_V2 and (body.get("content") or body.get("embeds") or body.get("poll")):
        raise invalid("content", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", "Not with components V2.")
    wrong = mentions.check(body.get("allowed_mentions"))
    if wrong is not None:
        raise wrong
    nonce = body.get("nonce")
    if isinstance(nonce, str) and len(nonce) > 25:
        raise invalid("nonce", "NONCE_TYPE_TOO_LONG", "Must be 25 or fewer in length.")
    if nonce is not None and not isinstance(nonce, str | int):
        raise invalid("nonce", "NONCE_TYPE_INVALID", "Must be a string or an integer.")


def check_sizes(files: Sequence[bytes], limit: int) -> None:
    """Refuse files of which one is larger than the limit (bytes), or more than ten files."""
    if any(len(data) > limit for data in files):
        raise RefusedError(413, 40005, "Request entity too large")
    if len(files) > 10:
        raise invalid("attachments", "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")


def _check_embeds(embeds: Sequence[Json]) -> None:
    total = 0
    for number, embed in enumerate(embeds):
        where = f"embeds.{number}"
        parts: list[tuple[str, Any, int, int]] = [
            (key, embed[key], most, 0) for key, most in EMBED_LENGTHS.items() if embed.get(key) is not None
        ]
        for key, inner, most in (("footer", "text", 2048), ("author", "name", 256)):
            if embed.get(key):
                parts.append((f"{key}.{inner}", embed[key].get(inner), most, 1))
        for index, field in enumerate(count(f"{where}.fields", embed.get("fields") or [], 25)):
            parts += [(f"fields.{index}.{key}", field.get(key), most, 1) for key, most in FIELD_LENGTHS.items()]
        for path, value, most, least in parts:
            length(f"{where}.{path}", value, most, least)
            total += len(value)
        for key in ("image", "thumbnail"):
            url = str(nested(embed, key).get("url") or "attachment://")
            if not url.startswith(("http://", "https://", "attachment://")):
                raise invalid(
                    f"{where}.{key}.url", "URL_TYPE_INVALID_SCHEME", "Scheme must be http, https or attachment."
                )
    if total > 6000:
        raise invalid("embeds", "MAX_EMBED_SIZE_EXCEEDED", "Embed size exceeds maximum size of 6000")


def check_components(components: Sequence[Json], *, v2: bool, most: int = 5) -> None:
    """Refuse components that Discord would not show: rows, buttons, ids, the V2 kinds without their flag."""
    if not v2:
        count("components", list(components), most)
    seen: set[str] = set()
    everything = list(walk(components))
    for number, part in enumerate(components):
        if part.get("type") != 1 and not (v2 and part.get("type") in ONLY_V2):
            raise invalid(f"components.{number}.type", "UNION_TYPE_CHOICES", "Value of field must be one of (1,).")
    if len(everything) > 40:
        raise invalid("components", "COMPONENT_MAX_TOTAL_EXCEEDED", "Must be 40 or fewer.")
    if sum(len(str(part.get("content") or "")) for part in everything if part.get("type") == 10) > 4000:
        raise invalid("components", "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED", "Must be 4000 or fewer in length.")
    for number, part in enumerate(everything):
        where = f"components.{number}"
        check_part(where, part)
        custom_id = part.get("custom_id")
        if custom_id is not None:
            length(f"{where}.custom_id", custom_id, 100, 1)
            if custom_id in seen:
                raise invalid(
                    f"{where}.custom_id", "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated"
                )
            seen.add(custom_id)


def check_part(where: str, part: Json) -> None:
    """Refuse one component that breaks the rules of its kind."""
    kind = part.get("type")
    inside: list[Json] = part.get("components") or []
    if kind == 1:
        selects = [child for child in inside if child.get("type") in SELECTS]
        count(f"{where}.components", inside, 1 if selects else 5, 1)
        if any(child.get("type") not in SELECTS | {2} for child in inside):
            raise invalid(f"{where}.components", "UNION_TYPE_CHOICES", "A row holds buttons or one select.")
    elif kind == 2:
        check_button(where, part)
    elif kind == 3:
        _check_options(where, count(f"{where}.options", part.get("options"), 25, 1))
    elif kind == 10:
        length(f"{where}.content", part.get("content"), 4000, 1)
    elif kind == 12:
        count(f"{where}.items", part.get("items"), 10, 1)


def _check_options(where: str, options: Sequence[Json]) -> None:
    values: set[str] = set()
    for index, option in enumerate(options):
        for key in ("label", "value"):
            length(f"{where}.options.{index}.{key}", option.get(key), 100, 1)
        if option["value"] in values:
            raise invalid(f"{where}.options.{index}.value", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "Duplicated.")
        values.add(option["value"])


def check_button(where: str, part: Mapping[str, Any]) -> None:
    """Refuse a button without a label or with an id and style that do not go together."""
    style = part.get("style")
    if style not in {1, 2, 3, 4, 5, 6}:
        raise invalid(f"{where}.style", "BASE_TYPE_CHOICES", "Value must be one of (1, 2, 3, 4, 5, 6).")
    if part.get("label") is not None:
        length(f"{where}.label", part["label"], 80)
    if style != 6 and not part.get("label") and not part.get("emoji"):
        raise invalid(where, "BUTTON_COMPONENT_LABEL_OR_EMOJI_REQUIRED", "A button must have a label or emoji.")
    if style == 5:
        length(f"{where}.url", part.get("url"), 512, 1)
        if not str(part["url"]).startswith(("http://", "https://", "discord://")):
            raise invalid(f"{where}.url", "URL_TYPE_INVALID_SCHEME", "Scheme must be one of (discord, http, https).")
    if style in {1, 2, 3, 4}:
        length(f"{where}.custom_id", part.get("custom_id"), 100, 1)
    if style == 5 and part.get("custom_id"):
        raise invalid(f"{where}.custom_id", "BUTTON_COMPONENT_CUSTOM_ID_URL_EXCLUSIVE", "Not with a url.")
