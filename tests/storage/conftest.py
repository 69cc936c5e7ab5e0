"""A real database for each test: a file, and where a PostgreSQL is named one there, too."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage import Database
from tests.storage.servers import SERVER, new_database

# They need a server to be named; see the file.
collect_ignore = [] if SERVER else ["test_postgresql.py"]
# What these ask and change must be the same on both.
_ON_BOTH = {f"test_{name}" for name in ("guilds", "history", "ledger", "limits", "members", "spending", "strays")}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Try on both what must be the same on both."""
    if SERVER and "url" in metafunc.fixturenames and metafunc.definition.path.stem in _ON_BOTH:
        metafunc.parametrize("url", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    if getattr(request, "param", "sqlite") == "sqlite":
        yield f"sqlite+aiosqlite:///{tmp_path}/rushes.db"
        return
    async with new_database() as address:
        yield address


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = await Database.open(url)
    yield opened
    await opened.close()
