"""On the event loop the program really runs on, what depends on it holds as on asyncio's own."""

import asyncio
import gc
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path

import pytest

from jobs import children
from rushes import process
from tests.jobs import test_attachments as attachments
from tests.webhooks import test_connections as connections
from tests.webhooks import test_storing as storing

ALONE: list[Callable[[], Awaitable[None]]] = [
    attachments.test_a_command_called_off_leaves_no_process,
]
IN_A_FOLDER: list[Callable[[Path], Awaitable[None]]] = [
    connections.test_who_asks_and_never_listens_is_closed,
    connections.test_a_download_nobody_takes_is_closed,
    storing.test_a_locked_database_is_503_and_then_200,
    storing.test_closing_lets_a_callback_under_way_end,
    storing.test_twenty_senders_of_the_same_200_callbacks_make_200_rows,
]


async def awaited(what: Awaitable[None]) -> None:
    await what


def test_the_program_runs_on_uvloop_where_there_is_one() -> None:
    async def loop() -> str:
        return type(asyncio.get_running_loop()).__module__

    if sys.platform == "win32":
        pytest.skip("there is none for Windows")
    assert process.run(loop()).startswith("uvloop")


@pytest.mark.parametrize("fact", ALONE)
def test_a_fact_holds_there(fact: Callable[[], Awaitable[None]]) -> None:
    process.run(awaited(fact()))


@pytest.mark.parametrize("fact", IN_A_FOLDER)
def test_a_fact_of_the_receiver_holds_there(fact: Callable[[Path], Awaitable[None]], tmp_path: Path) -> None:
    process.run(awaited(fact(tmp_path)))


def test_a_process_that_does_not_hear_us_out_is_judged_by_its_end() -> None:
    async def deaf() -> int | None:
        async with children.begun("/bin/false", stdin=PIPE, stdout=PIPE, stderr=DEVNULL) as child:
            await child.wait()
            assert await children.told(child, b"x" * 1_000_000) == (b"", b"")
        return child.returncode

    assert process.run(deaf()) == 1


@pytest.fixture
def collector() -> Generator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def test_the_collector_rests_once_the_program_has_started(collector: None) -> None:
    process.settle_in()
    assert gc.get_freeze_count() > 10_000
    assert gc.get_threshold()[0] > 50_000
