"""One vendor and one session a test."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.providers.lab import Vendor


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
