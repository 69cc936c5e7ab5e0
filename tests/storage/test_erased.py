"""What is deleted is gone from the file, however long it was: words, bodies of callbacks; and from later backups."""

import json
from pathlib import Path

from sqlalchemy import text

from storage import Database, backup, inbox, members, retention
from storage import jobs as job_facts
from storage.inbox import Letter
from tests.samples_of import NOON, a_job

_LONG = "canary-words " * 1200  # over several pages; a page has 4096 bytes


async def test_long_words_and_bodies_are_overwritten_in_the_file_and_in_no_later_backup(tmp_path: Path) -> None:
    file = tmp_path / "rushes.db"
    database = await Database.open(f"sqlite+aiosqlite:///{file}")
    job = a_job(1, prompt=_LONG, asked={"prompt": _LONG})
    await database.write(job_facts.held, job)
    body = json.dumps({"prompt": _LONG}).encode()
    await database.write_together(inbox.stored, Letter(job.provider, job.id, "d1", "doorbell", body, NOON))
    await database.write_together(inbox.stored, Letter(job.provider, job.id + 1, "d2", "doorbell", body, NOON))
    await database.write(lambda connection: connection.execute(text("UPDATE inbox SET settled_at = 1, outcome = ''")))
    await database.write(lambda connection: members.silence(connection, [job.id], "deleted"))
    assert await database.write(retention.bodies_gone, NOON + 1, 100) == 2
    await database.close()  # the last connection takes the log into the file
    assert file.read_bytes().count(b"canary-words") == 0
    backup.copied(file, tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_bytes().count(b"canary-words") == 0
