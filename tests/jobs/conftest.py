"""Opens a laboratory and closes it again."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from storage import Database
from tests.jobs.lab import Lab


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    """A vendor and a database that gives up on another's lock at once; no piece of work may fail by a mistake."""
    database = await Database.open(f"sqlite+aiosqlite:///{tmp_path}/rushes.db", patience=50)
    with capture_logs() as log:
        yield Lab(database, tmp_path, log)
    await database.close()
    assert not [line for line in log if line["log_level"] == "error"]
