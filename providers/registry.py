"""Which vendors there are, in the order they are offered, and which of them this installation is a customer of."""

from collections.abc import Callable, Mapping

import aiohttp

from . import apiframe, futurelabs, kkiai, kling, powertokens, vidu
from .contract import Account, Provider

_MAKERS: dict[str, tuple[str, Callable[[Account, aiohttp.ClientSession, Callable[[], float]], Provider]]] = {
    futurelabs.NAME: (futurelabs.TITLE, futurelabs.Futurelabs),
    vidu.NAME: (vidu.TITLE, vidu.Vidu),
    kkiai.NAME: (kkiai.TITLE, kkiai.Kkiai),
    powertokens.NAME: (powertokens.TITLE, powertokens.Powertokens),
    apiframe.NAME: (apiframe.TITLE, apiframe.Apiframe),
    kling.NAME: (kling.TITLE, kling.Kling),
}

NAMES: tuple[str, ...] = tuple(_MAKERS)
# What the documents, or else public records, show of where results live: the ends of the hosts' names.
RESULT_HOSTS: dict[str, tuple[str, ...]] = {
    one.NAME: one.RESULT_HOSTS for one in (futurelabs, vidu, kkiai, powertokens, apiframe, kling)
}
TITLES: dict[str, str] = {name: title for name, (title, _) in _MAKERS.items()}


def build(
    accounts: Mapping[str, Account], session: aiohttp.ClientSession, clock: Callable[[], float]
) -> dict[str, Provider]:
    """Make the adapters of the vendors whose keys are set, in the stated order; `clock` gives epoch seconds.

    A session whose connector has `force_close` is the safest: a pooled connection that a vendor closes just then
    makes a submit an unknown one.
    """
    return {
        name: make(name, accounts[name], session, clock)
        for name in NAMES
        if name in accounts and has_keys(name, accounts[name])
    }


def make(name: str, account: Account, session: aiohttp.ClientSession, clock: Callable[[], float]) -> Provider:
    """Make one vendor's adapter, for whatever account; without a key it can be asked for what is no secret."""
    return _MAKERS[name][1](account, session, clock)


def has_keys(name: str, account: Account) -> bool:
    """Say whether an account can be used: it has an API key, or at Kling an access key with its secret."""
    pair = name == kling.NAME and bool(account.access_key and account.secret_key)
    return pair or bool(account.api_keys and account.api_keys[0])
