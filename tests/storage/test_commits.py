"""Writes that share a commit: who fails, who is told, and what a disk that fails does to them."""

import asyncio
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, text

from storage import Database, StorageError, commits, condition, inbox, sqlite
from storage.commits import Writer

T = TypeVar("T")
HERE = Path(__file__).parents[2]


class Counting:
    """The real writer; counts its transactions, and can hold the next ones back."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer
        self.transactions = 0
        self.open = asyncio.Event()
        self.open.set()

    async def transact(self, work: Callable[[Connection], T]) -> T:
        self.transactions += 1
        await self.open.wait()
        return await self.writer.transact(work)

    async def close(self) -> None:
        await self.writer.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rushes.db"


@pytest.fixture
async def writer(database: Database, file: Path) -> AsyncIterator[Counting]:
    opened = Counting(sqlite.Writer(file, 200))
    yield opened
    opened.open.set()
    await opened.close()


def put(connection: Connection, number: int) -> int:
    connection.execute(text("INSERT INTO alembic_version (version_num) VALUES (:number)"), {"number": str(number)})
    return number


def put_unless_odd(connection: Connection, number: int) -> int:
    put(connection, number)
    if number % 2:
        raise ValueError(number)
    return number


def put_all(connection: Connection, numbers: list[int]) -> list[int]:
    return [put_unless_odd(connection, number) for number in numbers]


def letter(number: int, job: int | None = None, body: bytes = b"{}") -> inbox.Letter:
    return inbox.Letter("vidu", job or number, f"n{number}", "data", body, 5)


def written(file: Path) -> list[int]:
    with sqlite3.connect(file) as connection:
        rows = connection.execute("SELECT version_num FROM alembic_version WHERE rowid > 1 ORDER BY rowid").fetchall()
    connection.close()
    return [int(row[0]) for row in rows]


def stored(file: Path) -> int:
    with sqlite3.connect(file) as connection:
        [count] = connection.execute("SELECT count(*) FROM inbox").fetchone()
    connection.close()
    return count


def size_of(file: Path, more: str = "") -> int:
    return file.with_name(file.name + more).stat().st_size


async def gathered(*writes: asyncio.Future[Any]) -> list[object]:
    return await asyncio.gather(*writes, return_exceptions=True)


async def test_what_waits_during_a_commit_shares_the_next_one(writer: Counting, file: Path) -> None:
    queue = commits.Commits(writer)
    writes = [asyncio.ensure_future(queue.write(lambda connection, n=n: put(connection, n))) for n in range(100)]
    assert await asyncio.gather(*writes) == list(range(100))
    assert writer.transactions <= 2
    assert written(file) == list(range(100))  # in the order they were asked for
    await queue.close()


async def test_one_that_raises_fails_alone_and_leaves_nothing(writer: Counting, file: Path) -> None:
    queue = commits.Commits(writer)
    writes = [asyncio.ensure_future(queue.write(lambda c, n=n: put_unless_odd(c, n))) for n in range(10)]
    outcomes = await gathered(*writes)
    assert [outcome for outcome in outcomes if isinstance(outcome, int)] == written(file) == [0, 2, 4, 6, 8]
    assert [str(outcome) for outcome in outcomes if isinstance(outcome, ValueError)] == ["1", "3", "5", "7", "9"]
    assert writer.transactions <= 2


async def test_one_that_raises_after_the_drivers_own_words_leaves_nothing_either(writer: Counting, file: Path) -> None:
    def put_and_raise(connection: Connection) -> None:
        sqlite.driver(connection).execute("INSERT INTO alembic_version (version_num) VALUES ('7')")
        raise ValueError(7)

    queue = commits.Commits(writer)
    for _ in range(2):  # the second begins where the first was undone
        with pytest.raises(ValueError, match="7"):
            await queue.write(put_and_raise)
    assert await queue.write(lambda connection: put(connection, 8)) == 8
    assert written(file) == [8]


async def test_a_row_that_cannot_be_written_fails_alone_among_those_it_came_with(writer: Counting, file: Path) -> None:
    queue = commits.Commits(writer)
    outcomes = await gathered(*(asyncio.ensure_future(queue.write_together(put_all, n, None)) for n in range(10)))
    assert [isinstance(outcome, ValueError) for outcome in outcomes] == [False, True] * 5
    assert written(file) == [0, 2, 4, 6, 8]
    assert writer.transactions == 1


async def test_one_letter_too_large_for_its_column_does_not_harm_the_others(database: Database, file: Path) -> None:
    letters = [letter(1), letter(1 << 70), letter(2)]
    outcomes = await gathered(*(asyncio.ensure_future(database.write_together(inbox.stored, one)) for one in letters))
    assert outcomes[::2] == [True, True]
    assert isinstance(outcomes[1], Exception)
    assert stored(file) == 2


async def test_letters_that_come_together_are_each_told_whether_they_are_new(database: Database, file: Path) -> None:
    await database.write_together(inbox.stored, letter(1))
    letters = [letter(1), letter(2), letter(2), letter(2, job=9), letter(1, job=9)]
    outcomes = await gathered(*(asyncio.ensure_future(database.write_together(inbox.stored, one)) for one in letters))
    assert outcomes == [False, True, False, True, True]
    assert stored(file) == 4


async def test_letters_of_many_jobs_that_come_together_are_each_told_whether_they_are_new(
    database: Database, file: Path
) -> None:
    full = [database.write_together(inbox.stored, letter(number, job=7)) for number in range(64)]
    assert all(await asyncio.gather(*full))
    again = [database.write_together(inbox.stored, letter(1, job=job)) for job in range(100, 110)]
    assert all(await asyncio.gather(*again))
    letters = [letter(1, job=job) for job in (7, *range(100, 700))]
    letters[0] = letter(64, job=7)
    outcomes = await asyncio.gather(*(database.write_together(inbox.stored, one) for one in letters))
    assert outcomes == [None] + [False] * 10 + [True] * 590
    assert stored(file) == 64 + 600
    assert (
        await asyncio.gather(*(database.write_together(inbox.stored, one) for one in letters)) == [None] + [False] * 600
    )


async def test_a_job_has_64_letters_at_most_even_if_all_come_together(database: Database, file: Path) -> None:
    flood = [letter(number, job=7) for number in range(100) for _ in range(2)]
    others = [letter(number) for number in range(200, 250)]
    outcomes = await gathered(
        *(asyncio.ensure_future(database.write_together(inbox.stored, one)) for one in [*flood, *others])
    )
    assert outcomes == [True, False] * 64 + [None] * 72 + [True] * 50
    assert stored(file) == 64 + 50


async def test_a_caller_that_is_cancelled_takes_a_row_back_but_not_a_change(writer: Counting, file: Path) -> None:
    queue = commits.Commits(writer)
    writer.open.clear()
    first = asyncio.create_task(queue.write(lambda connection: put(connection, 0)))
    for _ in range(2):  # asked, and taken by the writer
        await asyncio.sleep(0)
    late = [asyncio.ensure_future(queue.write_together(put_all, number, None)) for number in (2, 4, 6)]
    change = asyncio.create_task(queue.write(lambda connection: put(connection, 8)))
    await asyncio.sleep(0)
    for one in (late[0], late[2], change):
        one.cancel()
    writer.open.set()
    assert await late[1] == 4
    assert await first == 0
    await queue.close()
    assert sorted(written(file)) == [0, 4, 8]


async def test_who_does_not_wait_for_ever_takes_the_row_back_when_the_time_is_over(
    writer: Counting, file: Path
) -> None:
    queue = commits.Commits(writer)
    writer.open.clear()
    first = asyncio.create_task(queue.write(lambda connection: put(connection, 0)))
    for _ in range(2):  # asked, and taken by the writer
        await asyncio.sleep(0)
    late = [asyncio.ensure_future(queue.write_together(put_all, number, 0.01)) for number in (2, 4)]
    told = await gathered(*late)
    assert [str(error) for error in told] == ["the disk is too slow"] * 2
    with pytest.raises(StorageError, match="too slow"):  # whoever comes after them is given up likewise
        await asyncio.wait_for(queue.write_together(put_all, 8, 0.01), 20)
    patient = asyncio.ensure_future(queue.write_together(put_all, 6, 60.0))
    writer.open.set()
    assert (await first, await patient) == (0, 6)
    await queue.close()
    assert sorted(written(file)) == [0, 6]


async def test_a_queue_that_is_full_refuses_at_once_and_takes_again_when_it_is_not(
    writer: Counting, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commits, "_MOST_WAITING", 10)
    queue = commits.Commits(writer)
    writer.open.clear()
    first = asyncio.create_task(queue.write(lambda connection: put(connection, 0)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)  # it is on its way, no longer waiting
    waiting = [asyncio.ensure_future(queue.write_together(put_all, 2 * number, None)) for number in range(1, 11)]
    await asyncio.sleep(0)
    for _ in range(3):
        with pytest.raises(StorageError, match="too many"):
            await queue.write_together(put_all, 100, None)
        with pytest.raises(StorageError, match="too many"):
            await queue.write(lambda connection: put(connection, 100))
    writer.open.set()
    assert await asyncio.gather(first, *waiting) == [2 * number for number in range(11)]
    assert await queue.write_together(put_all, 100, None) == 100
    await queue.close()


async def test_a_writer_that_breaks_down_leaves_nobody_waiting(writer: Counting, file: Path) -> None:
    queue = commits.Commits(writer)
    writer.open.clear()
    first = asyncio.create_task(queue.write(lambda connection: put(connection, 0)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = [asyncio.ensure_future(queue.write_together(put_all, number, None)) for number in range(2, 9)]
    await asyncio.sleep(0)
    await writer.writer.close()  # its thread is gone
    writer.open.set()
    outcomes = await gathered(first, *others)
    assert [type(outcome) for outcome in outcomes] == [StorageError] * 8
    with pytest.raises(StorageError):
        await queue.write(lambda connection: put(connection, 9))


async def test_a_change_speaks_the_language_of_who_asked_for_it(database: Database) -> None:
    language: ContextVar[str] = ContextVar("language", default="?")

    async def ask(word: str) -> str:
        language.set(word)
        return await database.write(lambda _: language.get())

    assert await asyncio.gather(*(asyncio.create_task(ask(word)) for word in "abc")) == ["a", "b", "c"]


async def test_the_loop_turns_while_a_change_is_made(database: Database) -> None:
    turned = threading.Event()

    def wait(_: Connection) -> bool:
        return turned.wait(30)

    writing = asyncio.create_task(database.write(wait))
    await asyncio.sleep(0)
    turned.set()
    assert await writing


# Disks that fail


@contextmanager
def no_room(file: Path, more: int) -> Generator[None]:
    """Let no file of this process grow beyond a little more than the log is now: the kernel then says "too large"."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_of(file, "-wal") + more, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


async def test_a_disk_that_is_full_is_told_to_everyone_and_forgotten_when_there_is_room(
    database: Database, file: Path
) -> None:
    assert await database.write_together(inbox.stored, letter(1))
    large = os.urandom(60_000)
    with no_room(file, 20_000):
        outcomes = await gathered(
            asyncio.ensure_future(database.write(lambda connection: put(connection, 0))),
            *(
                asyncio.ensure_future(database.write_together(inbox.stored, letter(n, body=large)))
                for n in range(2, 22)
            ),
        )
        assert {type(outcome) for outcome in outcomes} == {StorageError}
        assert stored(file) == 1
        assert written(file) == []
    assert await database.write_together(inbox.stored, letter(2, body=large))
    await database.write(condition.touched)
    assert stored(file) == 2


def test_a_failed_sync_fails_the_batch_and_the_health_check_until_a_sync_works(tmp_path: Path) -> None:
    """In a process whose fsync and fdatasync fail while a file says so."""
    source, shim, broken = tmp_path / "shim.c", tmp_path / "shim.so", tmp_path / "broken"
    source.write_text(
        "#include <errno.h>\n#include <unistd.h>\n#include <sys/syscall.h>\n"
        f'static int bad(void) {{ if (access("{broken}", F_OK) == 0) {{ errno = EIO; return 1; }} return 0; }}\n'
        "int fsync(int fd) { return bad() ? -1 : syscall(SYS_fsync, fd); }\n"
        "int fdatasync(int fd) { return bad() ? -1 : syscall(SYS_fdatasync, fd); }\n"
    )
    try:
        subprocess.run(["cc", "-shared", "-fPIC", "-o", shim, source], check=True, capture_output=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        pytest.skip("no C compiler here")
    script = f"""
import asyncio, pathlib, shutil, sqlite3
from storage import Database, StorageError, condition, inbox
broken = pathlib.Path({str(broken)!r})
def letter(n): return inbox.Letter("vidu", n, f"n{{n}}", "data", b"{{}}", 5)
async def refused(write):
    try:
        await write
    except StorageError:
        return True
    return False
async def main():
    database = await Database.open("sqlite+aiosqlite:///{tmp_path}/rushes.db")
    assert await database.write_together(inbox.stored, letter(1))
    broken.touch()
    assert all(await asyncio.gather(*(refused(database.write_together(inbox.stored, letter(n))) for n in range(2, 9))))
    assert await refused(database.write(condition.touched))
    broken.unlink()
    await database.write(condition.touched)
    # What was refused may have been stored all the same. If it is called stored it is in the database, not in a log
    # of which nobody knows whether it was written.
    copy = sqlite3.connect(shutil.copy("{tmp_path}/rushes.db", "{tmp_path}/copy.db"))
    certain = {{row[0] for row in copy.execute("SELECT job_id FROM inbox")}}
    copy.close()
    repeated = [n for n in range(1, 9) if not await database.write_together(inbox.stored, letter(n))]
    assert set(repeated) <= certain, (repeated, certain)
    assert len(await database.read(inbox.unsettled, 9, 99)) == 8
    await database.close()
asyncio.run(main())
"""
    subprocess.run(
        [sys.executable, "-c", script], check=True, cwd=HERE, env={**os.environ, "LD_PRELOAD": str(shim)}, timeout=60
    )


def test_no_answered_letter_is_lost_when_the_process_is_killed_under_load(tmp_path: Path) -> None:
    script = f"""
import asyncio, itertools, os
from storage import Database, inbox
numbers = itertools.count(1)
async def sender(database):
    for n in numbers:
        await database.write_together(inbox.stored, inbox.Letter("vidu", n, f"n{{n}}", "data", b"x" * 500, 5))
        os.write(1, b"%d\\n" % n)
async def main():
    database = await Database.open("sqlite+aiosqlite:///{tmp_path}/rushes.db")
    await asyncio.gather(*(sender(database) for _ in range(64)))
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", script], cwd=HERE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        told = [int(child.stdout.readline()) for _ in range(5_000)]
        child.kill()
        told += [int(line) for line in child.stdout.read().split(b"\n")[:-1] if line]
    connection = sqlite3.connect(tmp_path / "rushes.db")
    kept = {row[0] for row in connection.execute("SELECT job_id FROM inbox")}
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    assert set(told) <= kept
    assert len(kept - set(told)) <= 2048  # rows without an answer: what was on its way


# The log and the database


async def test_the_log_is_copied_into_the_database_and_begun_anew(
    database: Database, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_COPY_EVERY", 8)
    sizes: list[int] = []
    for number in range(1, 401):
        await database.write_together(inbox.stored, letter(number, body=b"x" * 500))
        sizes.append(size_of(file, "-wal"))
    # Some seven pages a commit: it would be four times as large, were it not begun anew.
    assert max(sizes) < 400 * 7 * 4096 / 4
    assert size_of(file) > 300 * 500  # while it is open: what was stored is in the database itself
    assert stored(file) == 400


async def test_a_log_of_large_things_is_copied_before_its_turn(
    database: Database, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "_LARGE", 2**20)
    sizes: list[int] = []
    for number in range(1, 201):
        await database.write_together(inbox.stored, letter(number, body=b"x" * 60_000))
        sizes.append(size_of(file, "-wal"))
    assert max(sizes) < 200 * 60_000 / 2
