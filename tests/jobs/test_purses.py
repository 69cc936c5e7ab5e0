"""What is left at the vendors: asked once by however many, remembered for a while, and never waited for too long."""

import asyncio

import pytest

from jobs.purses import Purses
from providers.contract import Balance, ErrorKind, ProviderError, Reason
from tests.bot.harness import FakeVendor


@pytest.fixture
def vendor() -> FakeVendor:
    made = FakeVendor("acme")
    made.left = Balance(5, "five")
    return made


async def test_many_ask_and_one_is_asked(vendor: FakeVendor) -> None:
    purses = Purses()
    found = await asyncio.gather(*(purses.ask([vendor], 60) for _ in range(5)))
    assert vendor.asked == 1
    assert {purse.balance for [purse] in found} == {Balance(5, "five")}
    await purses.ask([vendor], -1)
    assert vendor.asked == 2


async def test_a_refusal_is_an_answer_and_a_fault_of_ours_too(vendor: FakeVendor) -> None:
    purses, other = Purses(), FakeVendor("other")
    vendor.left = ProviderError(ErrorKind.REJECTED, Reason.ACCESS, "no", http=401)
    other.left = RuntimeError("a secret")
    refused, broken = await purses.ask([vendor, other], 60)
    assert refused.trouble is vendor.left
    assert broken.trouble is not None
    assert "secret" not in broken.trouble.detail


async def test_one_that_hangs_holds_up_none_and_is_asked_again(vendor: FakeVendor) -> None:
    purses, quick = Purses(seconds=0.05), FakeVendor("quick")
    vendor.gate = asyncio.Event()
    slow, fine = await purses.ask([vendor, quick], 60)
    assert slow.trouble is not None
    assert (fine.trouble, fine.balance) == (None, None)
    vendor.gate.set()
    [after] = await purses.ask([vendor], 60)
    assert after.balance == Balance(5, "five")
