"""Our texts put into Discord's shapes."""

from collections.abc import Mapping, Sequence

import discord

from bot.language import _, number
from bot.messages import Card, Tone, Vendor
from bot.plain import cut
from providers.contract import Provider
from providers.orders import Operation
from providers.registry import TITLES
from storage.words import Job

_COLOURS = {
    Tone.WAITING: 0x95A5A6,
    Tone.WORKING: 0x3498DB,
    Tone.DOUBT: 0xE67E22,
    Tone.DONE: 0x2ECC71,
    Tone.FAILED: 0xE74C3C,
    Tone.STOPPED: 0x607D8B,
}


_MOST = 4096  # what Discord takes in a frame, counted in UTF-16 so that no way of counting finds more
_ROOM = 60  # for the line that counts the rest


def fitting(lines: Sequence[str], end: str = "", more: str = "") -> str:
    """Join lines and an end, with fewer lines and how many more there are where it would not fit into a frame.

    `more`: what is said where there are others that were not even read.
    """
    shown = list(lines)
    while True:
        rest = len(lines) - len(shown)
        told = "-# " + _("and {count} more").format(count=number(rest)) if rest and not more else more
        text = "\n".join(part for part in (*shown, told, end) if part)
        if _size(text) <= _MOST or not shown:
            return _cut(text)
        shown.pop()


def _cut(text: str) -> str:
    """Shorten what Discord would turn away: half a text is more than none."""
    most = _MOST
    while _size(text) > _MOST:
        text, most = cut(text, most), most - _ROOM
    return text


def _size(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def embed_of(card: Card) -> discord.Embed:
    """Frame a card."""
    embed = discord.Embed(title=card.title or None, description=_cut(card.body), colour=_COLOURS[card.tone])
    return embed.set_footer(text=card.footer) if card.footer else embed


def notice(text: str, tone: Tone = Tone.FAILED) -> discord.Embed:
    """Frame a plain answer. Framed text never pings and unfurls no link."""
    return discord.Embed(description=_cut(text), colour=_COLOURS[tone])


def vendor_of(providers: Mapping[str, Provider], job: Job) -> Vendor:
    """Name a job's vendor for people; one that is not set up any more by what it is called inside."""
    tried = tuple(title_of(providers, name) for name in job.tried)
    provider = providers.get(job.provider)
    if provider is None:
        return Vendor(title_of(providers, job.provider), can_cancel=False, tried=tried)
    operation = Operation(job.operation)
    known = {model.name for model in provider.models(operation)}
    listed = not job.model or not known or job.model in known
    return Vendor(provider.title, provider.can_cancel(operation), listed, tried)


def title_of(providers: Mapping[str, Provider], name: str) -> str:
    """Write a vendor's name for people."""
    provider = providers.get(name)
    return TITLES.get(name, name.capitalize()) if provider is None else provider.title
