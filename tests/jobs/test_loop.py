"""The shape of the loops: pieces side by side, never one in two hands, and no trouble that ends or heats a loop."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from structlog.testing import capture_logs

from jobs.loop import Work
from storage import StorageError
from tests.jobs.lab import until

LONG = 10.0  # seconds of rest that no test waits for


class Pieces:
    """A work list of numbers: what is due, what is in hand, and what each piece does."""

    def __init__(self, *due: int) -> None:
        self.due = set(due)
        self.begun: Counter[int] = Counter()
        self.in_hand: Counter[int] = Counter()
        self.most_in_hand = 0
        self.hangs: dict[int, asyncio.Event] = {}
        self.fails: dict[int, Exception] = {}
        self.looks = 0
        self.sight: Exception | None = None  # what looking raises

    async def look(self) -> Sequence[int]:
        self.looks += 1
        if self.sight is not None:
            raise self.sight
        return sorted(self.due)

    async def handle(self, piece: int) -> None:
        self.begun[piece] += 1
        self.in_hand[piece] += 1
        self.most_in_hand = max(self.most_in_hand, self.in_hand.total())
        try:
            assert self.in_hand[piece] == 1, "in two hands"
            if piece in self.hangs:
                await self.hangs[piece].wait()
            if piece in self.fails:
                raise self.fails[piece]
            self.due.discard(piece)
        finally:
            self.in_hand[piece] -= 1

    def work(self, *, idle: float = LONG, at_once: int = 4) -> Work[int]:
        return Work("test", self.look, self.handle, lambda piece: piece, asyncio.Event(), at_once, idle)


@asynccontextmanager
async def running(work: Work[int]) -> AsyncGenerator[asyncio.Event]:
    """Run a loop; it is told to stop at the end of the block at the latest, and must then come to its end."""
    stopping = asyncio.Event()
    task = asyncio.create_task(work.run(stopping))
    try:
        yield stopping
    finally:
        stopping.set()
        async with asyncio.timeout(LONG / 2):
            await task


async def seen(pieces: Pieces, work: Work[int], looks: int = 3) -> None:
    """Ring until the loop has looked so many times more."""
    enough = pieces.looks + looks

    def rung() -> bool:
        work.wake.set()
        return pieces.looks >= enough

    await until(rung)


async def test_a_piece_that_hangs_holds_up_no_other() -> None:
    pieces = Pieces(1, 2, 3)
    pieces.hangs[1] = asyncio.Event()
    work = pieces.work()
    async with running(work):
        await until(lambda: pieces.due == {1})
        pieces.due |= {4, 5}
        work.wake.set()
        await until(lambda: pieces.due == {1})
        pieces.hangs[1].set()
        await until(lambda: not pieces.due)
    assert pieces.begun == Counter({1: 1, 2: 1, 3: 1, 4: 1, 5: 1})


async def test_a_piece_in_hand_is_not_taken_up_again_though_it_is_still_due() -> None:
    pieces = Pieces(1)
    pieces.hangs[1] = asyncio.Event()
    work = pieces.work()
    async with running(work):
        await until(lambda: pieces.begun[1] == 1)
        await seen(pieces, work)
        assert pieces.begun[1] == 1
        pieces.hangs[1].set()
        await until(lambda: not pieces.due)
        await seen(pieces, work)
    assert pieces.begun[1] == 1


async def test_a_piece_that_was_done_while_the_loop_looked_is_not_done_twice() -> None:
    pieces = Pieces(1)
    pieces.hangs[1] = asyncio.Event()
    seen_before = asyncio.Event()
    go_on = asyncio.Event()

    async def slow_look() -> Sequence[int]:
        found = await pieces.look()
        if pieces.looks == 2:  # the list is read while piece 1 is in hand, and comes when it is done
            seen_before.set()
            await go_on.wait()
        return found

    work = Work("test", slow_look, pieces.handle, lambda piece: piece, asyncio.Event(), 4, LONG)
    async with running(work):
        await until(lambda: pieces.begun[1] == 1)
        work.wake.set()
        await seen_before.wait()
        pieces.hangs[1].set()
        await until(lambda: not pieces.due)
        await until(lambda: not pieces.in_hand[1])
        go_on.set()
        await until(lambda: pieces.looks > 2)
    assert pieces.begun[1] == 1


async def test_no_more_pieces_are_in_hand_than_allowed_and_a_free_hand_takes_the_next() -> None:
    pieces = Pieces(*range(20))
    pieces.hangs = {piece: asyncio.Event() for piece in range(20)}
    work = pieces.work(at_once=3)
    async with running(work):
        await until(lambda: pieces.in_hand.total() == 3)
        work.wake.set()
        await until(lambda: not work.wake.is_set())
        for hang in pieces.hangs.values():
            hang.set()
        await until(lambda: not pieces.due)
    assert pieces.most_in_hand == 3
    assert set(pieces.begun.values()) == {1}


async def test_a_piece_that_raises_is_met_again_after_a_pause_and_not_before() -> None:
    pieces = Pieces(1, 2)
    pieces.fails[1] = KeyError("a mistake of ours")
    work = pieces.work()
    with capture_logs() as log:
        async with running(work):
            await until(lambda: pieces.due == {1})
            for piece in range(3, 9):  # others come and go meanwhile
                pieces.due.add(piece)
                work.wake.set()
                await until(lambda: pieces.due == {1})
            await seen(pieces, work)
            assert pieces.begun[1] == 1
    assert [line["event"] for line in log] == ["work failed"]


async def test_a_piece_that_raised_is_done_when_the_trouble_is_over() -> None:
    pieces = Pieces(1)
    pieces.fails[1] = StorageError("locked")
    work = pieces.work(idle=0.001)
    with capture_logs() as log:
        async with running(work):
            await until(lambda: pieces.begun[1] >= 3)
            del pieces.fails[1]
            await until(lambda: not pieces.due)
    assert {line["event"] for line in log} == {"database not usable"}


async def test_a_look_that_fails_is_repeated_after_a_pause() -> None:
    pieces = Pieces(1)
    pieces.sight = StorageError("locked")
    work = pieces.work(idle=0.001)
    with capture_logs():
        async with running(work):
            await until(lambda: pieces.looks >= 3)
            pieces.sight = KeyError("a mistake of ours")
            await until(lambda: pieces.looks >= 5)
            pieces.sight = None
            await until(lambda: not pieces.due)


async def test_a_database_that_is_away_for_days_ends_no_loop() -> None:
    stopping, wake = asyncio.Event(), asyncio.Event()
    looks = 0

    async def look() -> Sequence[int]:
        nonlocal looks
        looks += 1
        if looks > 1100:  # half a minute each: nine hours
            stopping.set()
        wake.set()
        raise StorageError("locked")

    with capture_logs():
        await Work("test", look, Pieces().handle, lambda piece: piece, wake, 4, LONG).run(stopping)


async def test_stopping_waits_for_what_is_in_hand_and_begins_nothing_new() -> None:
    pieces = Pieces(1)
    pieces.hangs[1] = asyncio.Event()
    work = pieces.work()
    stopping = asyncio.Event()
    task = asyncio.create_task(work.run(stopping))
    await until(lambda: pieces.begun[1] == 1)
    looks = pieces.looks
    stopping.set()
    pieces.due.add(2)
    work.wake.set()
    for _ in range(20):
        await asyncio.sleep(0)
    assert not task.done()
    pieces.hangs[1].set()
    await task
    assert pieces.due == {2}
    assert (pieces.begun, pieces.looks) == (Counter({1: 1}), looks)


async def test_stopping_does_not_wait_for_the_pause_after_a_failure() -> None:
    pieces = Pieces(1)
    pieces.fails[1] = StorageError("locked")
    with capture_logs():
        async with running(pieces.work()):
            await until(lambda: pieces.begun[1] == 1)


async def test_a_loop_that_is_abandoned_leaves_no_piece_behind() -> None:
    pieces = Pieces(1)
    pieces.hangs[1] = asyncio.Event()
    task = asyncio.create_task(pieces.work().run(asyncio.Event()))
    await until(lambda: pieces.begun[1] == 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert not pieces.in_hand.total()
