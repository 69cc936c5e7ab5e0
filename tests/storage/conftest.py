"""A real database file for each test."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage import Database

# They need a server to be named; see the file.
collect_ignore = [] if "RUSHES_TEST_POSTGRESQL" in os.environ else ["test_postgresql.py"]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{tmp_path}/rushes.db"


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = await Database.open(url)
    yield opened
    await opened.close()
