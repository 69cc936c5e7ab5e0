"""Our texts put into Discord's shapes."""

from collections.abc import Mapping

import discord

from bot.messages import Card, Tone, Vendor
from providers.contract import Provider
from providers.orders import Operation
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
    provider = providers.get(job.provider)
    if provider is None:
        return Vendor(job.provider.capitalize(), can_cancel=False)
    return Vendor(provider.title, provider.can_cancel(Operation(job.operation)))
