"""Whom a message pings: the text of the message against its allowed_mentions.

Deliberately severe: a mention inside a code block counts, an unknown member's id counts, and a missing
allowed_mentions means that everything is parsed, in interaction answers too. A bot that passes here is safe there.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from sandbox.discord.values import Json, Pings, RefusedError, invalid

USER = re.compile(r"<@!?(\d{1,20})>")
ROLE = re.compile(r"<@&(\d{1,20})>")
EVERYONE = re.compile(r"@(?:everyone|here)")
KINDS = {"users", "roles", "everyone"}


def texts(content: str, components: Sequence[Json]) -> Iterator[str]:
    """Yield every piece of text that can ping: the content and text displays (embeds never ping)."""
    yield content
    for component in components:
        if component.get("type") == 10:
            yield str(component.get("content", ""))
        nested: list[Json] = list(component.get("components") or [])
        yield from texts("", nested)


def check(allowed: Any) -> RefusedError | None:
    """Give the refusal for an allowed_mentions that contradicts itself, if it does."""
    if allowed is None:
        return None
    if not isinstance(allowed, dict) or not set(allowed.get("parse") or ()) <= KINDS:  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType] -- JSON of a stranger
        return invalid("allowed_mentions.parse", "BASE_TYPE_CHOICES", "Value must be one of users, roles, everyone.")
    for kind in ("users", "roles"):
        if kind in (allowed.get("parse") or ()) and allowed.get(kind):  # pyright: ignore[reportUnknownMemberType] -- JSON of a stranger
            return invalid("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", f"parse:{kind} and {kind}")
    return None


def pings(
    content: str,
    components: Sequence[Json],
    allowed: Json | None,
    *,
    may_mention_everyone: bool = True,
    replied_to: int | None = None,
) -> Pings:
    """Work out the pings of a message from its words, its allowed_mentions and the author's right to @everyone."""
    said = "\n".join(texts(content, components))
    users = {int(number) for number in USER.findall(said)}
    roles = {int(number) for number in ROLE.findall(said)}
    everyone = EVERYONE.search(said) is not None
    replied = replied_to is not None
    if allowed is not None:
        parse: list[str] = list(allowed.get("parse") or ())
        users = users if "users" in parse else users & {int(number) for number in allowed.get("users") or ()}
        roles = roles if "roles" in parse else roles & {int(number) for number in allowed.get("roles") or ()}
        everyone = everyone and "everyone" in parse
        replied = replied and bool(allowed.get("replied_user", False))
    if replied and replied_to is not None:
        users = users | {replied_to}
    return Pings(frozenset(users), frozenset(roles), everyone and may_mention_everyone)
