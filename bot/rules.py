"""What the admins of a server decided about asking: where, with which words, and with which model. Pure."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import replace

import discord

from bot.choices import Typed
from bot.language import _
from bot.plain import clean
from jobs.intake import fitting
from providers.contract import Provider
from storage.words import GuildSettings

_MOST_NAMED = 5


def broken(settings: GuildSettings, channel: object, typed: Typed) -> str | None:
    """Say which rule a request breaks; None: none."""
    here = {getattr(channel, "id", 0), getattr(channel, "parent_id", 0)}
    if settings.channels and not here & set(settings.channels):
        named = " ".join(f"<#{one}>" for one in settings.channels[:_MOST_NAMED])
        if len(settings.channels) > _MOST_NAMED:
            words = _("The admins of this server let me work in {channels} and others only. Please ask there.")
        else:
            words = _("The admins of this server let me work in {channels} only. Please ask there.")
        return words.format(channels=named)
    if settings.nsfw_only and not _restricted(channel):
        return _("The admins of this server let me work in age-restricted channels only. Please ask in one of them.")
    texts = [typed.prompt or "", *(value for value in typed.extras.values() if isinstance(value, str))]
    if any(forbidden_in(settings.forbidden, text) for text in texts):
        return _("The admins of this server do not allow a word in this request. Please change it.")
    return None


def forbidden_in(words: tuple[str, ...], text: str) -> bool:
    """Tell whether a text holds one of the words, however it is written in large, small or wide letters."""
    plain = _folded(text)
    return any(re.search(rf"(?<!\w){re.escape(_folded(word))}(?!\w)", plain) for word in words)


def _folded(text: str) -> str:
    return clean(unicodedata.normalize("NFKC", text)).casefold()


def _restricted(channel: object) -> bool:
    """Threads are as their channel is; what discord.py has no name for counts as open to all."""
    if isinstance(channel, discord.Thread):
        channel = channel.parent
    marked = getattr(channel, "is_nsfw", None)
    return bool(marked and marked())


def with_default_model(providers: Mapping[str, Provider], settings: GuildSettings, typed: Typed) -> Typed:
    """Put the server's model where the member named neither a model nor a vendor, and a vendor here has it."""
    model = settings.default_models.get(typed.operation)
    if not model or typed.model or typed.provider:
        return typed
    known = any(
        one.name == model
        for provider in fitting(providers, typed.operation, model, None).values()
        for one in provider.models(typed.operation)
    )
    return replace(typed, model=model) if known else typed
