"""One vendor and one session a test; and every adapter in turn, where a test asks for it."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from providers import registry
from providers.contract import Account, Provider
from tests.providers.lab import Vendor
from tests.providers.orders import KEY


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    server = Vendor()
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture(params=registry.NAMES)
async def provider(request: pytest.FixtureRequest, vendor: Vendor, session: aiohttp.ClientSession) -> Provider:
    account = Account(api_keys=(KEY,), base_urls=(vendor.url,))
    return registry.build({request.param: account}, session, lambda: 1_700_000_000.0)[request.param]
