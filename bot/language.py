"""The languages people are spoken to in: gettext catalogues, and which of them the current task uses.

English stands in the code. `_("Saved {count} files.").format(count=n)` is a text, `ngettext` one that counts, and `N_`
marks one that is looked up later. What the task at hand speaks is set where an interaction or a job comes in.
"""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files
from io import BytesIO
from unicodedata import east_asian_width

import discord
from babel.dates import format_skeleton
from babel.lists import format_list
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from discord import app_commands

ENGLISH = "en"
# As stored, by what a person picks in /setup; and the catalogue's folder, which is spelled as gettext and Babel do.
LANGUAGES = {ENGLISH: "English", "es": "Español", "ja": "日本語", "zh-CN": "简体中文"}
_OF_DISCORD = {"es-ES": "es", "es-419": "es", "ja": "ja", "zh-CN": "zh-CN"}
_spoken: ContextVar[str] = ContextVar("language", default=ENGLISH)


def language_of(locale: discord.Locale | str) -> str:
    """Choose the language for a locale of Discord's: English where we have no other."""
    return _OF_DISCORD.get(str(locale), ENGLISH)


def speak(language: str | None) -> None:
    """Speak a language in the rest of the current task; None: English."""
    _spoken.set(language if language in LANGUAGES else ENGLISH)


@contextmanager
def speaking(language: str | None) -> Generator[None]:
    """Speak a language for a while; None: English."""
    before = _spoken.set(language if language in LANGUAGES else ENGLISH)
    try:
        yield
    finally:
        _spoken.reset(before)


def _(text: str) -> str:
    """Give a text in the language spoken."""
    return catalogue(_spoken.get()).gettext(text)


def ngettext(one: str, many: str, count: int) -> str:
    """Give the text that goes with this many, in the language spoken."""
    return catalogue(_spoken.get()).ngettext(one, many, count)


def N_(text: str) -> str:  # noqa: N802 -- the name gettext's tools and their users know
    """Mark a text that `_` is given later."""
    return text


def numbered(text: str, count: int) -> app_commands.locale_str:
    """Give one of several like descriptions its number: "Picture {number}". To be marked with `N_`."""
    return app_commands.locale_str(text.format(number=count), text=text, number=count)


def number(value: float) -> str:
    """Write a number, with the separators of the language spoken."""
    return _written(value, _folder(_spoken.get()))


@lru_cache(1024)
def _written(value: float, folder: str) -> str:
    """Write a number once: the same few prices stand on card after card."""
    return format_decimal(value, locale=folder)


def percent(share: float) -> str:
    """Write a share of one."""
    return format_percent(share, locale=_folder(_spoken.get()))


def month_name(moment: datetime) -> str:
    """Write which month of which year it is."""
    return format_skeleton("yMMMM", moment, locale=_folder(_spoken.get()))


def day_name(moment: datetime) -> str:
    """Write which day of its month it is, shortly."""
    return format_skeleton("d", moment, locale=_folder(_spoken.get()))


def either(words: Iterable[str]) -> str:
    """List alternatives: a, b or c."""
    return format_list(list(words), style="or", locale=_folder(_spoken.get()))


def listed(words: Iterable[str]) -> str:
    """List words that are read one by one: a, b, c."""
    return _(", ").join(words)


def flow(*sentences: str) -> str:
    """Put sentences after each other: with a space, but not after a full stop that is as wide as a letter."""
    text = ""
    for sentence in filter(None, sentences):
        text += sentence if not text or east_asian_width(text[-1]) in "WF" else f" {sentence}"
    return text


def both(words: Iterable[str]) -> str:
    """List what belongs together: a, b and c."""
    return format_list(list(words), locale=_folder(_spoken.get()))


@cache
def catalogue(language: str) -> NullTranslations:
    """Read a language's texts. They are kept as gettext's text files and made ready here: no built file to forget."""
    if language == ENGLISH:
        return NullTranslations()
    folder = _folder(language)
    with files("bot").joinpath("locales", folder, "LC_MESSAGES", "rushes.po").open("rb") as texts:
        read = read_po(texts, locale=folder)
    ready = BytesIO()
    write_mo(ready, read)
    ready.seek(0)
    return GNUTranslations(ready)


def read_all() -> None:
    """Read every language's texts, so that nobody waits for them later. Blocks on disk, for a tenth of a second."""
    for language in LANGUAGES:
        catalogue(language)


def _folder(language: str) -> str:
    """Name a language as Babel does. English lists end "b or c", as all our sentences do, and not "b, or c"."""
    return "en_GB" if language == ENGLISH else language.replace("-", "_")


class Commands(app_commands.Translator):
    """Gives Discord what commands and options say in each language.

    Their names stay: the same word is typed by everybody in a server, stands in our texts, and is found in the manual.
    """

    async def translate(
        self, string: app_commands.locale_str, locale: discord.Locale, context: app_commands.TranslationContextTypes
    ) -> str | None:
        """Translate a description or the name of a choice; None: as it is."""
        naming = {
            app_commands.TranslationContextLocation.command_name,
            app_commands.TranslationContextLocation.group_name,
            app_commands.TranslationContextLocation.parameter_name,
        }
        language = language_of(locale)
        if context.location in naming or language == ENGLISH:
            return None
        text = string.extras.get("text", string.message)
        said = catalogue(language).gettext(text)
        if said == text:
            return None
        return said.format(number=string.extras["number"]) if "number" in string.extras else said
