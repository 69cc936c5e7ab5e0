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
# Scripts whose words follow each other without a space, or have their endings grown on: Thai, Lao, Burmese, Khmer,
# Hangul, kana, Han.
_TOGETHER = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3040-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\U0001aff0-\U0001b16f\U00020000-\U0003ffff"
)
_RUN_ON = re.compile(f"[{_TOGETHER}]")
_LONGER = "\u30fc"  # lengthens the sound before it, and so makes another word (エロ, イエロー)
# What is left of marks when letters have taken theirs in, and what chooses a letter's shape.
_ADDED = re.compile(
    "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\U000e0100-\U000e01ef]"
)

# Small letters of Cyrillic, Greek and phonetic writing that nobody tells from a Latin one, after folding to small.
_LOOK_ALIKES = str.maketrans("аеорсухкіјѕԁһԛԝѵαικορτυχνγıɑɡ", "aeopcyxkijsdhqwvaikoptuxvyiag")
_ACCENTS = re.compile("(?<=[a-z])(?!(?<=n)\u0303)[\u0300-\u036f]+")  # ñ is no n with an accent


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
    """Tell whether a text holds one of the words, however it is written in large, small, wide or struck letters.

    A word without accents is found with them too; one that has some is another word without.
    """
    plain = _folded(text)
    bare = _bare(plain)
    folded = [word for word in map(_folded, words) if word]
    return any(_pattern(word).search(bare if word == _bare(word) else plain) for word in folded)


def _pattern(word: str) -> re.Pattern[str]:
    """Look for a whole word where words are set apart, and anywhere in scripts that write without spaces."""
    before = "" if _RUN_ON.match(word[0]) else rf"(?<![^\W{_TOGETHER}])"
    after = rf"(?!{_LONGER})" if _RUN_ON.match(word[-1]) else rf"(?![^\W{_TOGETHER}])"
    return re.compile(before + re.escape(word) + after)


def _folded(text: str) -> str:
    """Write alike what is read alike, in whatever script. Marks that make another letter stay (バ, ハ)."""
    wide = unicodedata.normalize("NFKC", clean(text)).casefold()
    return " ".join(_ADDED.sub("", unicodedata.normalize("NFKC", wide)).translate(_LOOK_ALIKES).split())


def _bare(text: str) -> str:
    """Take the accents from Latin letters."""
    return unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", text)))


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
