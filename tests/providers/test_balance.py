"""What is left of our account: who can tell, how it is asked, and what is taken for an answer."""

from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from providers import registry
from providers.contract import Account, Balance, ErrorKind, Provider, ProviderError, Reason
from tests.providers.lab import Vendor, reply
from tests.providers.orders import KEY

NOW = 1_781_080_794.0


@dataclass(frozen=True)
class Told:
    """How one vendor tells it."""

    path: str
    answer: dict[str, Any]
    balance: Balance
    query: dict[str, str] = field(default_factory=dict[str, str])


def pack(name: str, left: object, status: str) -> dict[str, Any]:
    return {"resource_pack_name": name, "total_quantity": 100.0, "remaining_quantity": left, "status": status}


def packs(*listed: dict[str, Any]) -> dict[str, Any]:
    return {"code": 0, "data": {"code": 0, "msg": "ok", "resource_pack_subscribe_infos": list(listed)}}


TOLD = {
    "vidu": Told(
        "/ent/v2/credits",
        {"remains": [{"type": "metered", "credit_remain": 1200}, {"type": "test", "credit_remain": "30"}]},
        Balance(1230, "1200 metered, 30 test"),
    ),
    "kling": Told(
        "/account/costs",
        packs(pack("small", 2.5, "online"), pack("spent", 0, "runOut"), pack("later", 100, "toBeOnline")),
        Balance(70, "small: 2.5 of 100.0 units, online; spent: 0 of 100.0 units, runOut; "
                "later: 100 of 100.0 units, toBeOnline"),
        {"start_time": "1749544794000", "end_time": "1781080794000"},
    ),
    "apiframe": Told(
        "/account",
        {"email": "somebody@example.org", "credits": 1234, "total_images": 5, "plan": "pro"},
        Balance(None, "1234 credits of its own (plan pro)"),
    ),
}  # fmt: skip
SILENT = set(registry.NAMES) - TOLD.keys()


@pytest.fixture(params=registry.NAMES)
async def provider(request: pytest.FixtureRequest, vendor: Vendor, session: aiohttp.ClientSession) -> Provider:
    account = Account(api_keys=(KEY,), base_urls=(vendor.url,))
    return registry.build({request.param: account}, session, lambda: NOW)[request.param]


async def test_it_is_told_where_a_document_says_how_and_nobody_is_asked_elsewhere(
    provider: Provider, vendor: Vendor
) -> None:
    if provider.name in SILENT:
        assert await provider.balance() is None
        assert vendor.connections == 0
        return
    told = TOLD[provider.name]
    vendor.answers = [reply(200, told.answer)]
    assert await provider.balance() == told.balance
    assert (vendor.last.method, vendor.last.path, vendor.last.query) == ("GET", told.path, told.query)
    assert KEY in vendor.last.headers["authorization"]
    assert vendor.last.body == b""


@pytest.mark.parametrize("answer", [{}, {"code": 0, "data": {}}, {"remains": [{"type": "test"}]}, {"credits": "many"}])
async def test_an_answer_without_a_balance_is_none(provider: Provider, vendor: Vendor, answer: dict[str, Any]) -> None:
    if provider.name in SILENT:
        return
    vendor.answers = [reply(200, answer)]
    with pytest.raises(ProviderError) as caught:
        await provider.balance()
    assert (caught.value.kind, caught.value.reason) == (ErrorKind.UNKNOWN, Reason.VENDOR)


async def test_a_refused_key_is_for_the_admin(provider: Provider, vendor: Vendor) -> None:
    if provider.name in SILENT:
        return
    vendor.answers = [reply(401, {"message": f"bad key {KEY}"})]
    with pytest.raises(ProviderError) as caught:
        await provider.balance()
    assert caught.value.reason is Reason.ACCESS
    assert KEY not in caught.value.detail


@pytest.mark.parametrize(
    ("answer", "credits"),
    [
        (packs(), 0),
        (packs(pack("odd", "NaN", "online"), pack("minus", -5, "online"), pack("text", "1.5", "online")), 42),
        (packs(pack("huge", 10**9, "online")), 1_000_000_000),
    ],
)
async def test_klings_packs_are_added_up_whatever_stands_in_them(
    vendor: Vendor, session: aiohttp.ClientSession, answer: dict[str, Any], credits: int
) -> None:
    kling = registry.build({"kling": Account((KEY,), base_urls=(vendor.url,))}, session, lambda: NOW)["kling"]
    vendor.answers = [reply(200, answer)]
    left = await kling.balance()
    assert left is not None
    assert left.credits == credits


async def test_klings_inner_code_is_a_refusal_too(vendor: Vendor, session: aiohttp.ClientSession) -> None:
    kling = registry.build({"kling": Account((KEY,), base_urls=(vendor.url,))}, session, lambda: NOW)["kling"]
    vendor.answers = [reply(200, {"code": 0, "data": {**packs()["data"], "code": 1, "msg": "too often"}})]
    with pytest.raises(ProviderError) as caught:
        await kling.balance()
    assert "too often" in caught.value.detail
