"""What is left of our accounts at the vendors, in words, for those whose accounts they are."""

from collections.abc import Iterable, Sequence

from bot.amounts import credits_of
from bot.language import _
from bot.plain import plain
from bot.rights import Interaction, operates
from jobs.context import Context
from jobs.purses import Purse
from providers.contract import Provider, Reason

_FRESH = 300.0  # seconds an answer is good for: vendors' figures are late themselves
_MOST_DETAIL = 80  # characters of a vendor's own words


def theirs(ctx: Context, interaction: Interaction) -> list[Provider]:
    """List the accounts that are somebody's business who manages a server: its own, and to the operator all."""
    every, operator = ctx.keys.accounts(ctx.providers, interaction.guild_id), operates(interaction)
    return [vendor for name, vendor in every.items() if operator or owned(ctx, name, vendor)]


def owned(ctx: Context, name: str, vendor: Provider) -> bool:
    """Say whether an adapter speaks with a server's own key, not with the operator's."""
    return vendor is not ctx.providers.get(name)


async def left(ctx: Context, vendors: Iterable[Provider]) -> list[str]:
    """Ask vendors what is left, and put what they say, or why they do not, in a line each."""
    return told(await ctx.purses.ask(vendors, _FRESH))


def told(purses: Sequence[Purse]) -> list[str]:
    """Put what vendors said, or why they did not, in a line each."""
    return [_("{vendor}: {answer}").format(vendor=plain(purse.title, 40), answer=_said(purse)) for purse in purses]


def _said(purse: Purse) -> str:
    if purse.trouble is not None:
        if purse.trouble.reason is Reason.ACCESS and purse.trouble.http in {401, 403}:
            return _("refuses our key")
        return _("could not be asked")
    if purse.balance is None:
        return _("not told by its API")
    if purse.balance.credits is None:
        return plain(purse.balance.detail, _MOST_DETAIL)
    return credits_of(purse.balance.credits)
