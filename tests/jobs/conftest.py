"""Opens a laboratory and closes it again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from storage import Database
from tests.jobs.lab import Lab


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    """A vendor and a database that gives up on another's lock at once."""
    database = await Database.open(f"sqlite+aiosqlite:///{tmp_path}/rushes.db", patience=50)
    yield Lab(database, tmp_path)
    await database.close()
