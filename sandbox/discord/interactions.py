"""One interaction's life: what was sent to the bot, how it may be answered, and what the person sees of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sandbox.discord import commands, limits, payloads, posting
from sandbox.discord.posting import Sent
from sandbox.discord.values import EPHEMERAL, LOADING, Json, RefusedError, invalid
from sandbox.discord.world import Channel, Message, World

if TYPE_CHECKING:  # only names for annotations
    from sandbox.discord.members import Member

COMMAND, COMPONENT, AUTOCOMPLETE, MODAL = 2, 3, 4, 5
MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, CHOICES, SHOW_MODAL = 4, 5, 6, 7, 8, 9

TOKEN_SECONDS = 15 * 60.0
# A server that did not install the app: the person brought it along, and Discord counts the follow-ups.
FOLLOWUPS_WITHOUT_INSTALL = 5


@dataclass(eq=False, slots=True, repr=False)
class Typed:
    """One thing a member did (command, button, autocomplete, modal) and everything the bot made of it.

    `target` is the message it was done to, `origin` what showed the modal. `lost` says that no session was
    connected when it was sent. `original` is @original.
    """

    world: World
    member: Member
    channel: Channel
    kind: int
    name: str
    id: int
    token: str
    sent_at: float
    upload_limit: int
    target: Message | None = None
    origin: Typed | None = None
    owners: Mapping[str, str] = field(default_factory=dict[str, str])
    lost: bool = False
    answered_as: int | None = None
    acknowledged_at: float | None = None
    visible_at: float | None = None
    original: Message | None = None
    followups: list[Message] = field(default_factory=list[Message])
    modal: Json | None = None
    choices: list[Json] | None = None

    def __repr__(self) -> str:
        return f"<Typed {self.name} by {self.member.name} in {self.channel.name}, answered as {self.answered_as}>"

    @property
    def seconds(self) -> float | None:
        """Give the seconds to the first visible answer, None while there is none."""
        return None if self.visible_at is None else self.visible_at - self.sent_at

    @property
    def seconds_to_acknowledge(self) -> float | None:
        """Give the seconds to the first answer of any kind, None while there is none."""
        return None if self.acknowledged_at is None else self.acknowledged_at - self.sent_at

    async def acknowledged(self, timeout: float = 30.0) -> int:  # noqa: ASYNC109 -- a deadline is part of the question
        """Wait for the first answer of any kind; give its type (4 message, 5 deferred, ...). Raises TimeoutError."""
        return await self.world.until(lambda: self.answered_as or 0, timeout, f"an answer to {self.name}")

    async def deferred(self, timeout: float = 30.0) -> Message | None:  # noqa: ASYNC109 -- see above
        """Wait for a deferring answer; give the "thinking" message (None for a deferred update).

        Raises TimeoutError, and AssertionError if the answer was another one.
        """
        kind = await self.acknowledged(timeout)
        if kind not in (DEFERRED, DEFERRED_UPDATE):
            raise AssertionError(f"{self.name} was answered with type {kind}, not deferred")
        return self.original if kind == DEFERRED else None

    async def answered(self, timeout: float = 30.0) -> Message:  # noqa: ASYNC109 -- see above
        """Wait for the first answer a person can read and give that message. Raises TimeoutError."""
        seen = await self.world.until(self._visible, timeout, f"a visible answer to {self.name}")
        if seen is None:
            raise TimeoutError
        return seen

    async def modal_shown(self, timeout: float = 30.0) -> Json:  # noqa: ASYNC109 -- see above
        """Wait for a modal and give it. Raises TimeoutError."""
        return await self.world.until(lambda: self.modal or {}, timeout, f"a modal after {self.name}")

    def _visible(self) -> Message | None:
        if self.visible_at is None:
            return None
        if self.original is not None and not self.original.deleted and not self.original.loading:
            return self.original
        return self.followups[0] if self.followups else self.original

    def mark_visible(self) -> None:
        """Note when the person first saw an answer."""
        if self.visible_at is None:
            self.visible_at = self.world.clock()

    def metadata(self) -> Json:
        """Describe the interaction on the messages that answer it."""
        body: Json = {
            "id": str(self.id),
            "type": self.kind,
            "user": payloads.user(self.member.user),
            "authorizing_integration_owners": dict(self.owners),
        }
        if self.origin is not None:
            body["triggering_interaction_metadata"] = self.origin.metadata()
        elif self.target is not None:
            body["interacted_message_id" if self.kind == COMPONENT else "target_message_id"] = str(self.target.id)
        return body


ALLOWED_ANSWERS = {
    COMMAND: {MESSAGE, DEFERRED, SHOW_MODAL},
    COMPONENT: {MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE, SHOW_MODAL},
    AUTOCOMPLETE: {CHOICES},
    MODAL: {MESSAGE, DEFERRED, DEFERRED_UPDATE, UPDATE},
}


def answer(world: World, number: int, token: str, sent: Sent) -> Typed:
    """Take the first answer to an interaction. Raises RefusedError: unknown or late 10062, second 40060, bad 50035."""
    typed = world.interactions.get(token)
    if typed is None or typed.id != number:
        raise RefusedError(404, 10062, "Unknown interaction")
    if typed.answered_as is not None:
        raise RefusedError(400, 40060, "Interaction has already been acknowledged.")
    if world.clock() - typed.sent_at > world.first_answer:
        raise RefusedError(404, 10062, "Unknown interaction")
    body: Json = sent.body or {}
    kind = body.get("type")
    if kind not in ALLOWED_ANSWERS[typed.kind]:
        raise invalid("type", "BASE_TYPE_CHOICES", f"Value must be one of {sorted(ALLOWED_ANSWERS[typed.kind])}.")
    if kind in (DEFERRED_UPDATE, UPDATE) and typed.target is None:
        raise invalid("type", "BASE_TYPE_CHOICES", "There is no message to update.")
    ANSWERS[int(kind)](typed, Sent(body.get("data") or {}, sent.files, sent.parts, sent.multipart))
    typed.answered_as = int(kind)
    typed.acknowledged_at = world.clock()
    facts: dict[str, Any] = {
        "typed": typed,
        "kind": kind,
        "seconds": typed.seconds_to_acknowledge,
        "command": typed.name,
    }
    world.tell("interaction answered", facts)
    if kind == MESSAGE and typed.original is not None:
        world.tell("message posted", posting.told(typed.original))
    elif kind == UPDATE and typed.original is not None:
        world.tell("message edited", posting.told(typed.original))
    world.changed()
    return typed


def _reach(typed: Typed) -> None:
    """Refuse what the token cannot do where it stands: the channel is gone, or the thread was locked meanwhile."""
    typed.world.channel(typed.channel.id)
    guild = typed.channel.guild
    if guild is not None and not guild.installed and typed.channel.locked:
        raise RefusedError(403, 50001, "Missing Access")
    posting.open_for(typed.channel)


def _post(typed: Typed, sent: Sent, flags: int = 0) -> Message:
    _reach(typed)
    return posting.create(
        typed.world,
        typed.channel,
        sent,
        upload_limit=typed.upload_limit,
        flags=flags,
        viewer=typed.member.user,
        interaction=typed.metadata(),
    )


def _answer_message(typed: Typed, sent: Sent) -> None:
    typed.original = _post(typed, sent)
    typed.mark_visible()


def _answer_deferred(typed: Typed, sent: Sent) -> None:
    # Only the visibility may be chosen here; other flags belong on the edit that follows.
    ephemeral = int(sent.body.get("flags") or 0) & EPHEMERAL
    typed.original = _post(typed, Sent({}, {}), LOADING | ephemeral)


def _answer_deferred_update(typed: Typed, sent: Sent) -> None:
    del sent
    typed.original = typed.target


def _answer_update(typed: Typed, sent: Sent) -> None:
    if typed.target is None or typed.target.deleted:
        raise RefusedError(404, 10008, "Unknown Message")
    typed.original = posting.edit(typed.world, typed.target, sent, upload_limit=typed.upload_limit, by_interaction=True)
    typed.mark_visible()


def _answer_choices(typed: Typed, sent: Sent) -> None:
    choices = limits.count("data.choices", sent.body.get("choices"), 25)
    commands.check_suggestions("data.choices", choices)
    typed.choices = choices


def _answer_modal(typed: Typed, sent: Sent) -> None:
    modal: Json = sent.body
    limits.length("data.custom_id", modal.get("custom_id"), 100, 1)
    limits.length("data.title", modal.get("title"), 45, 1)
    tops = limits.count("data.components", modal.get("components"), 5, 1)
    for number, top in enumerate(tops):
        if top.get("type") not in (1, 10, 18):
            raise invalid(f"data.components.{number}.type", "UNION_TYPE_CHOICES", "Value must be one of (1, 10, 18).")
    typed.modal = modal | {"components": posting.numbered(tops)}


ANSWERS = {
    MESSAGE: _answer_message,
    DEFERRED: _answer_deferred,
    DEFERRED_UPDATE: _answer_deferred_update,
    UPDATE: _answer_update,
    CHOICES: _answer_choices,
    SHOW_MODAL: _answer_modal,
}


def answer_json(typed: Typed) -> Json:
    """Describe what the first answer created, for a bot that asked with with_response."""
    about: Json = {"id": str(typed.id), "type": typed.kind}
    body: Json = {"interaction": about}
    if typed.original is not None and typed.answered_as in (MESSAGE, DEFERRED, UPDATE):
        about |= {
            "response_message_id": str(typed.original.id),
            "response_message_loading": typed.original.loading,
            "response_message_ephemeral": typed.original.ephemeral,
        }
    if typed.original is not None and typed.answered_as in (MESSAGE, UPDATE):
        body["resource"] = {"type": typed.answered_as, "message": payloads.message(typed.original)}
    return body


def by_token(world: World, token: str) -> Typed:
    """Find an interaction by a working token. Raises RefusedError 10015 (unknown, unanswered), 50027 (too old)."""
    typed = world.interactions.get(token)
    if typed is None:
        raise RefusedError(404, 10015, "Unknown Webhook")
    if world.clock() - typed.sent_at > TOKEN_SECONDS:
        raise RefusedError(401, 50027, "Invalid Webhook Token")
    if typed.answered_as in (None, CHOICES, SHOW_MODAL):
        raise RefusedError(404, 10015, "Unknown Webhook")
    return typed


def reachable(typed: Typed, which: str) -> Message:
    """Find a message that the token can reach: @original or one of the follow-ups. Raises RefusedError 10008."""
    mine = [message for message in (typed.original, *typed.followups) if message is not None and not message.deleted]
    for message in mine:
        if which in (str(message.id), "@original") and (which != "@original" or message is typed.original):
            return message
    raise RefusedError(404, 10008, "Unknown Message")


def edit_reply(typed: Typed, message: Message, sent: Sent) -> Message:
    """Change one of the interaction's messages by its token."""
    _reach(typed)
    posting.edit(typed.world, message, sent, upload_limit=typed.upload_limit, by_interaction=True)
    typed.mark_visible()
    typed.world.tell("message edited", posting.told(message))
    return message


def follow_up(typed: Typed, sent: Sent) -> Message:
    """Post a follow-up. The first one after "thinking" becomes that message, as at Discord. Raises RefusedError."""
    if typed.original is not None and typed.original.loading and not typed.original.deleted:
        given: Json = sent.body or {}
        body = {key: value for key, value in given.items() if key != "flags"}
        return edit_reply(typed, typed.original, Sent(body, sent.files, sent.parts, sent.multipart))
    if "0" not in typed.owners and len(typed.followups) >= FOLLOWUPS_WITHOUT_INSTALL:
        raise RefusedError(400, 40094, "This interaction has reached the maximum number of follow-up messages")
    message = _post(typed, sent)
    typed.followups.append(message)
    typed.mark_visible()
    typed.world.tell("message posted", posting.told(message))
    typed.world.changed()
    return message
