"""What is left of our accounts at the vendors: asked side by side, with a deadline, and remembered for a while."""

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import structlog

from providers.contract import Balance, ErrorKind, Provider, ProviderError, Reason

SECONDS = 5.0  # for one vendor
_log = structlog.get_logger("purses")


@dataclass(frozen=True, slots=True)
class Purse:
    """What a vendor said when it was asked what is left."""

    name: str
    title: str
    balance: Balance | None = None  # None without trouble: it has no call that tells
    trouble: ProviderError | None = None
    asked_at: float = 0.0  # by time.monotonic()


@dataclass(slots=True)
class Purses:
    """The last answers. Who asks while somebody else does waits for the same answer."""

    seconds: float = SECONDS
    _known: WeakKeyDictionary[Provider, Purse] = field(default_factory=WeakKeyDictionary[Provider, Purse])
    _asking: WeakKeyDictionary[Provider, asyncio.Lock] = field(
        default_factory=WeakKeyDictionary[Provider, asyncio.Lock]
    )

    async def ask(self, vendors: Iterable[Provider], most_age: float) -> list[Purse]:
        """Ask every vendor, or repeat what it said within the last `most_age` seconds. Takes `seconds` at the most."""
        return list(await asyncio.gather(*(self._one(vendor, most_age) for vendor in vendors)))

    async def _one(self, vendor: Provider, most_age: float) -> Purse:
        turn = self._asking.setdefault(vendor, asyncio.Lock())
        try:
            async with asyncio.timeout(self.seconds), turn:
                known = self._known.get(vendor)
                if known is None or time.monotonic() - known.asked_at > most_age:
                    known = self._known[vendor] = await _asked(vendor)
                return known
        except TimeoutError:
            silent = ProviderError(ErrorKind.UNKNOWN, Reason.VENDOR, "no answer in time")
            return Purse(vendor.name, vendor.title, trouble=silent, asked_at=time.monotonic())


async def _asked(vendor: Provider) -> Purse:
    balance, trouble = None, None
    try:
        balance = await vendor.balance()
    except ProviderError as error:
        trouble = error
    except Exception as error:  # noqa: BLE001 -- an adapter's mistake is one line of the answer
        _log.exception("balance not asked", provider=vendor.name)
        trouble = ProviderError(ErrorKind.UNKNOWN, Reason.VENDOR, f"a fault in this program ({type(error).__name__})")
    return Purse(vendor.name, vendor.title, balance, trouble, time.monotonic())
