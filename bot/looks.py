"""Our texts put into Discord's shapes."""

from collections.abc import Mapping

import discord

from bot.messages import Card, Tone, Vendor
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


def embed_of(card: Card) -> discord.Embed:
    """Frame a card."""
    embed = discord.Embed(title=card.title or None, description=card.body, colour=_COLOURS[card.tone])
    return embed.set_footer(text=card.footer) if card.footer else embed


def notice(text: str, tone: Tone = Tone.FAILED) -> discord.Embed:
    """Frame a plain answer. Framed text never pings and unfurls no link."""
    return discord.Embed(description=text, colour=_COLOURS[tone])


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
