"""What an operator is told of a job and of callbacks, and what can be set in motion again."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from jobs import life
from jobs.context import Timing
from jobs.transitions import Event
from providers.contract import OutputLink
from rushes.settings import Settings
from storage import Connection, Database, deliveries, inbox, jobs, moderation, refusals
from storage import record as records
from storage.refusals import Refusal
from storage.words import Job
from tests.rushes.test_cli import GOOD, run
from tests.samples_of import NOON, a_job

SECRET_ADDRESS = "https://results.example/secret-address.mp4"
WORDS = "a boat [red]and a \x1b[2J lighthouse"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
async def job(tmp_path: Path) -> AsyncIterator[Job]:
    """A job that was made and posted, with a callback that was acted on and some that were refused."""
    address = f"sqlite+aiosqlite:///{tmp_path}/rushes.db"
    values = GOOD | {"DATABASE_URL": address}
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    database, job = await Database.open(address), a_job(1, prompt=WORDS)
    await database.write(_tell, job)
    yield job
    await database.close()


def _tell(connection: Connection, job: Job) -> None:
    assert jobs.held(connection, job) is None
    now, current = NOON, job
    steps: tuple[tuple[Event, dict[str, Any]], ...] = (
        (Event.SUBMIT, {"attempts": 1}),
        (Event.ACCEPTED, {"task_id": "task-1", "submitted_at": NOON}),
        (Event.SUCCEEDED, {"links": [OutputLink(SECRET_ADDRESS)], "credits": 30}),
    )
    for event, facts in steps:
        now += 1_000
        after = life.advance(connection, current, event, now, Timing(), **facts)
        assert after is not None
        current = after
    letter = inbox.Letter("vidu", job.id, "a", "doorbell", b'{"prompt": "a secret body"}', now)
    inbox.stored(connection, [letter])
    inbox.settled(connection, [1], now, "succeeded")
    inbox.stored(connection, [letter._replace(delivery_id="b", body=b"{}")])
    deliveries.posted(connection, job.id, 777, now)
    moderation.acted(connection, 10, 55, "delete", job.code, now)
    refused = Refusal("vidu", job.id, 401, "another signature", "0123456789ab", 40, 3, now, now)
    refusals.noted(connection, [refused, Refusal("other", 0, 404, "not an address of ours", "", 0, 9, now, now)])


async def test_a_jobs_whole_history_is_told_and_the_words_only_when_asked_for(job: Job, tmp_path: Path) -> None:
    code, out, err = await run(tmp_path, "jobs", "show", job.code.upper())
    assert (code, err) == (0, "")
    for words in (
        "2026-02-02 02:40:00 queued", "02:40:01 submitting", "02:40:02 submitted", "02:40:03 succeeded",
        "task task-1", "hold -40", "settle +10, the vendor said 30", "#1", "not acted on yet",
        "another signature", "0: video, not kept", "message 777", "delete by 55",
    ):  # fmt: skip
        assert words in out, words
    assert "boat" not in out
    assert "secret" not in out
    told = (await run(tmp_path, "jobs", "show", job.code, "--prompt"))[1]
    assert "prompt: a boat [red]and a" in told
    assert "\x1b[2J" not in told


async def test_callbacks_are_listed_with_what_came_of_them_and_refusals_with_their_reason(
    job: Job, tmp_path: Path
) -> None:
    out = (await run(tmp_path, "inbox", "list"))[1]
    for words in ("succeeded", "not acted on yet", "R1", "another signature", "not an address of ours", "0123456789ab"):
        assert words in out, words
    assert "secret" not in out
    of_job = (await run(tmp_path, "inbox", "list", "--job", job.code))[1]
    assert "another signature" in of_job
    assert "not an address" not in of_job


async def test_a_replayed_callback_is_acted_on_once_more(job: Job, tmp_path: Path) -> None:
    out = (await run(tmp_path, "inbox", "replay", "1", "2", "9", "R1", "r2", "R9"))[1]
    assert out.splitlines() == [
        f"1: it is acted on once more, for job {job.code}.",
        "2: nobody has acted on it yet; that is still to come.",
        "9: there is no such callback.",
        f"R1: refused callbacks are not kept. Job {job.code}: it is over, or not sent: there is nothing to ask.",
        "R2: its address named no job, so there is nobody to ask about.",
        "R9: there is no such refusal.",
    ]
    database = await Database.open(f"sqlite+aiosqlite:///{tmp_path}/rushes.db")
    try:
        assert [row.id for row in await database.read(inbox.unsettled, NOON * 2, 9)] == [1, 2]
    finally:
        await database.close()


async def test_a_job_that_goes_on_is_asked_about_at_once(tmp_path: Path) -> None:
    database, job = await Database.open(f"sqlite+aiosqlite:///{tmp_path}/rushes.db"), a_job(1)
    try:
        await database.write(jobs.held, job)
        assert not await database.write(records.asked_again, job.id, NOON)
        for event in (Event.SUBMIT, Event.ACCEPTED):

            def step(connection: Connection, event: Event = event) -> None:
                current = jobs.by_id(connection, job.id)
                assert current is not None
                life.advance(connection, current, event, NOON, Timing(), task_id="t")

            await database.write(step)
        assert await database.write(records.asked_again, job.id, NOON + 5)
        assert [one.id for one in await database.read(jobs.overdue, NOON + 5, 9)] == [job.id]
    finally:
        await database.close()


@pytest.mark.parametrize(
    "words",
    [
        ("jobs", "show", "nonsense"),
        ("jobs", "show", "0000000000001"),
        ("inbox", "replay", "x"),
        ("inbox", "replay", "R"),
    ],
)
async def test_what_is_no_job_and_no_callback_is_told_in_a_line(
    job: Job, tmp_path: Path, words: tuple[str, ...]
) -> None:
    code, out, err = await run(tmp_path, *words)
    assert (code, out, len(err.splitlines())) == (1, "", 1), err
