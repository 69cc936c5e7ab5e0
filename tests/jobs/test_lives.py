"""Lives of jobs, drawn at random over the real tables: whatever comes in whatever order, each ends and is paid once.

What members, vendors, strangers, time and crashes do are the rules; what must hold is looked at after each of them,
and at the end, when all that was told late has been told. RUSHES_LIVES=500 lives that many of them, anew each time.
"""

import asyncio
import os
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Awaitable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from structlog.testing import capture_logs

from jobs import doubts, intake, reconcile, settle, strays, submit, twins
from jobs.loop import Work
from providers.contract import Progress, Reason, Trust
from providers.orders import Operation, Order
from storage import Connection, Database, deliveries, guilds, outputs
from storage import jobs as job_facts
from storage.words import Job, Period, Scope, State
from tests.jobs.acme import COST, Acme, Made
from tests.jobs.lab import PRICE, Gate, Lab, until
from tests.jobs.seen import Seen, looked_at, paid_once, posted_once

LIVES = int(os.environ.get("RUSHES_LIVES", "0"))
BUDGET = 3 * PRICE + 10
GUILD = 10
GIVEN_UP = {State.CANCELLING, State.CANCELLED, State.EXPIRED}
OPEN = (Progress.WAITING, Progress.RUNNING)
MEMORY = Path("/dev/shm")


def an_empty_database(folder: Path) -> None:
    """Make the tables once for all lives."""

    async def make() -> None:
        await (await Database.open(f"sqlite+aiosqlite:///{folder}/rushes.db")).close()

    asyncio.run(make())


_TABLES = tempfile.TemporaryDirectory(prefix="rushes-lives-", dir=MEMORY if MEMORY.is_dir() else None)
WHICH = st.integers(0, 7)
BEGINNINGS = [
    "it_was_asked_for",
    "it_runs",
    "it_is_in_doubt",
    "it_was_sent_twice",
    "its_answer_is_late",
    "it_vanished_where_nothing_can_be_looked_up",
    "it_is_being_cancelled_and_cannot_be_stopped",
    "it_was_cancelled_in_vain",
    "it_was_cancelled_in_doubt",
    "it_was_silent_till_its_credits_came_back",
]


class Lives(RuleBasedStateMachine):
    """One program with its database, one vendor, and some jobs."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.log = capture_logs()
        log = self.log.__enter__()
        self.said = log
        if not (Path(_TABLES.name) / "rushes.db").exists():
            an_empty_database(Path(_TABLES.name))
        self.folder = Path(tempfile.mkdtemp(dir=_TABLES.name))
        shutil.copy(Path(_TABLES.name) / "rushes.db", self.folder)
        database = self.do(Database.open(f"sqlite+aiosqlite:///{self.folder}/rushes.db"))
        self.lab = Lab(database, self.folder, log)
        self.acme = Acme()
        self.lab.vendor = self.acme
        self.lab.ctx = replace(self.lab.ctx, providers={self.acme.name: self.acme})
        hour = 3_600_000  # shorter waits than in earnest: a life has fewer dull moments
        self.lab.timing(job_deadline=hour, submit_deadline=2 * hour, rescue=3 * hour, retry_most=hour)
        self.ids: list[int] = []
        self.over: dict[int, State] = {}
        self.decided = set[int]()  # by an admin
        self.posts: Counter[int] = Counter()
        self.asked = count(1)
        self.running: set[asyncio.Task[bool]] = set()
        self.begin_loops()
        self.do(database.write(guilds.budget_set, GUILD, Scope.GUILD, 0, Period.MONTH, BUDGET))

    def begin_loops(self) -> None:
        ctx = self.lab.ctx
        self.loops: list[Work[Any]] = [each.work(ctx) for each in (submit, settle, reconcile, strays, twins)]

    def do(self, work: Awaitable[Any]) -> Any:
        async def awaited() -> Any:
            return await work

        return self.runner.run(awaited())

    async def turn(self, loop: Work[Any]) -> bool:
        """Let a loop do what is due, up to an answer that is long on its way."""
        task = asyncio.create_task(loop.once())
        self.running.add(task)
        waits = self.waits
        await until(lambda: task.done() or len(self.waits) > len(waits) or (bool(waits) and self.rests(loop)))
        return task.done() and task.result()

    @property
    def waits(self) -> list[Gate[None]]:
        return [gate for gate in self.acme.held if gate.reached.is_set()]

    def rests(self, loop: Work[Any]) -> bool:
        """Whether all a loop has in hand waits for an answer that is long on its way."""
        return len(loop._busy) <= len(self.waits)  # pyright: ignore[reportPrivateUsage] -- nothing else tells

    def jobs(self) -> list[Job]:
        return self.do(self.lab.ctx.database.read(job_facts.by_ids, self.ids))

    def job(self, which: int) -> Job:
        return self.do(self.lab.ctx.database.read(job_facts.by_id, self.ids[which % len(self.ids)]))

    def made(self, which: int) -> Made:
        tasks = list(self.acme.book.values())
        return tasks[which % len(tasks)]

    # How a life may begin

    @initialize(first=st.sampled_from(BEGINNINGS), second=st.sampled_from(BEGINNINGS))
    def some_jobs_have_come_so_far(self, first: str, second: str) -> None:
        for beginning in (first, second):
            self.a_member_asks()
            getattr(self, beginning)()
            self.acme.mute = self.acme.hidden = False

    def it_was_asked_for(self) -> None:
        """Begin with nothing sent."""

    def it_runs(self) -> None:
        self.do(self.turn(self.loops[0]))

    def it_is_in_doubt(self) -> None:
        self.acme.outcome = "unanswered"
        self.do(self.turn(self.loops[0]))

    def it_was_sent_twice(self) -> None:
        self.it_is_in_doubt()
        self.acme.hidden = True
        for _ in range(3):
            self.lab.clock.forward(121)
            self.do(self.turn(self.loops[2]))
        self.do(self.turn(self.loops[0]))

    def its_answer_is_late(self) -> None:
        self.acme.holding = True
        self.do(self.turn(self.loops[0]))
        self.acme.holding = False
        self.lab.clock.forward(301)
        self.do(self.turn(self.loops[2]))

    def it_vanished_where_nothing_can_be_looked_up(self) -> None:
        self.acme.outcome, self.acme.can_find = "vanished", False
        self.do(self.turn(self.loops[0]))

    def it_is_being_cancelled_and_cannot_be_stopped(self) -> None:
        self.acme.stoppable = False
        self.it_runs()
        self.a_member_cancels(len(self.ids) - 1)

    def it_was_cancelled_in_vain(self) -> None:
        self.it_runs()
        self.a_member_cancels(len(self.ids) - 1)
        self.acme.mute = True
        for _ in range(4):
            self.time_passes(3_601)

    def it_was_cancelled_in_doubt(self) -> None:
        self.acme.can_find = False
        self.it_is_in_doubt()
        self.a_member_cancels(len(self.ids) - 1)
        for _ in range(3):
            self.time_passes(3_601)

    def it_was_silent_till_its_credits_came_back(self) -> None:
        self.it_runs()
        for _ in range(10):
            self.time_passes(3_601)

    # Members and admins

    @rule()
    def a_member_asks(self) -> None:
        number = next(self.asked)
        order = Order(Operation.TEXT_TO_VIDEO, model="m1", prompt=f"boat {number}", duration=5)
        asker = intake.Asker(1000 + number, GUILD, 20, 30, "Ada", 40, 10 * 2**20)
        job = self.do(intake.accept(self.lab.ctx, intake.Plan("edge", order, PRICE, order, None), asker))
        if isinstance(job, Job):
            self.ids.append(job.id)
        else:
            assert isinstance(job, intake.Hindered)
            assert self.spent(self.lab.ctx.now()) + PRICE > BUDGET

    @precondition(lambda self: self.ids)
    @rule(which=WHICH)
    def a_member_cancels(self, which: int) -> None:
        self.do(self.lab.give_up(self.job(which)))

    @precondition(lambda self: self.ids)
    @rule(which=WHICH, charge=st.booleans())
    def an_admin_decides(self, which: int, charge: bool) -> None:
        job = self.job(which)
        after = self.do(self.lab.ctx.database.write(doubts.decided, job.code, self.lab.ctx.now(), charge=charge))
        assert after is None or (job.state is State.EXPIRED and job.charged is None)
        self.decided |= {job.id} if after else set()

    # The vendor

    @rule(outcome=st.sampled_from(["unanswered", "unanswered", "vanished", "throttled", "refused"]))
    def the_next_submission_goes_otherwise(self, outcome: str) -> None:
        self.acme.outcome = outcome

    @rule(mute=st.booleans(), hidden=st.booleans(), stoppable=st.booleans(), can_find=st.booleans())
    def the_vendor_is_otherwise(self, mute: bool, hidden: bool, stoppable: bool, can_find: bool) -> None:
        self.acme.mute, self.acme.hidden, self.acme.stoppable, self.acme.can_find = mute, hidden, stoppable, can_find

    @precondition(lambda self: self.acme.book)
    @rule(which=WHICH, to=st.sampled_from([Progress.RUNNING, Progress.SUCCEEDED, Progress.SUCCEEDED, Progress.FAILED]))
    def a_task_goes_on(self, which: int, to: Progress) -> None:
        made = self.made(which)
        if made.progress in OPEN:
            made.progress = to

    @precondition(lambda self: self.acme.book)
    @rule(which=WHICH, signed=st.booleans())
    def a_callback_comes(self, which: int, signed: bool) -> None:
        self.call(self.made(which), Trust.DATA if signed else Trust.DOORBELL)

    def call(self, made: Made, trust: Trust = Trust.DOORBELL) -> None:
        job = next(job for job in self.jobs() if job.code == made.reference)
        self.do(self.lab.ring(job, made.id, made.progress, trust=trust, echo=made.reference))

    @precondition(lambda self: self.ids and self.acme.book)
    @rule(which=WHICH, task=WHICH, progress=st.sampled_from(list(Progress)), known=st.booleans())
    def a_stranger_rings(self, which: int, task: int, progress: Progress, known: bool) -> None:
        name = self.made(task).id if known else f"forged-{task}"
        self.do(self.lab.ring(self.job(which), name, progress, echo=self.job(which).code))

    # The program

    @rule(which=st.integers(0, 3))
    def a_loop_turns(self, which: int) -> None:
        self.do(self.turn(self.loops[which]))

    @rule(which=st.integers(0, 3))
    def a_loop_turns_and_its_answer_is_long_on_its_way(self, which: int) -> None:
        self.acme.holding = True
        self.do(self.turn(self.loops[which]))
        self.acme.holding = False

    @precondition(lambda self: self.acme.held)
    @rule(which=WHICH)
    def an_answer_arrives(self, which: int) -> None:
        gate = self.acme.held.pop(which % len(self.acme.held))
        gate.say(None)
        self.do(self.settled_down())

    async def settled_down(self) -> None:
        await until(lambda: sum(not task.done() for task in self.running) <= len(self.acme.held))
        self.running = {task for task in self.running if not task.done()}

    @rule()
    def results_are_fetched(self) -> None:
        self.do(self.lab.ctx.database.write(self._fetched))

    def _fetched(self, connection: Connection) -> None:
        about: dict[str, Any] = {"seconds": 5.0, "width": 16, "height": 9}
        for output in outputs.due_to_fetch(connection, self.lab.ctx.now(), 10):
            outputs.fetched(connection, output.id, file="f.mp4", size=9, sha256="0", **about)
            deliveries.ready(connection, output.job_id, self.lab.ctx.now())

    @rule()
    def results_are_posted(self) -> None:
        now = self.lab.ctx.now()
        for delivery in self.do(self.lab.ctx.database.read(deliveries.due, now, 10)):
            begun = self.do(
                self.lab.ctx.database.write(deliveries.posting, delivery.job_id, now, retry_at=now + 1000, linked=False)
            )
            assert begun
            self.posts[delivery.job_id] += 1
            self.do(self.lab.ctx.database.write(deliveries.posted, delivery.job_id, 1, now))

    @rule(seconds=st.sampled_from([0, 1, 3, 11, 61, 121, 301, 3_601, 2 * 3_600]))
    def time_passes(self, seconds: int) -> None:
        self.lab.clock.forward(seconds)
        for loop in self.loops:
            self.do(self.turn(loop))

    @rule()
    def the_program_is_killed_and_begins_again(self) -> None:
        self.do(self.killed())
        self.begin_loops()
        self.do(submit.recover(self.lab.ctx))

    async def killed(self) -> None:
        tasks: list[asyncio.Task[Any]] = [*self.running, *(task for loop in self.loops for task in loop._busy.values())]  # pyright: ignore[reportPrivateUsage] -- a kill asks nobody
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.running.clear()
        self.acme.held.clear()

    # What holds at any time

    def spent(self, moment: int) -> int:
        with closing(sqlite3.connect(self.lab.file)) as file:
            rows = file.execute("SELECT held_at, amount FROM ledger").fetchall()
        return -sum(amount for at, amount in rows if _month(at) == _month(moment))

    @invariant()
    def what_must_hold_holds(self) -> None:
        seen: list[Seen] = self.do(self.lab.ctx.database.read(looked_at, self.ids))
        for one in seen:
            self.never_stuck_and_never_back(one.job)
            self.kept_for_a_late_result(one.job)
            assert one.job.cancelled_by is None or one.job.state in GIVEN_UP
            paid_once(one)
            posted_once(one, self.posts[one.job.id])
            self.theirs_alone(one)
        rows = [row for one in seen for row in one.rows]
        for month in {_month(row.at) for row in rows}:
            mine = {one.job.id for one in seen if _month(one.job.created_at) == month}
            assert -sum(row.amount for row in rows if row.job_id in mine) <= BUDGET
        assert [line for line in self.said if line["log_level"] == "error"] == []

    def never_stuck_and_never_back(self, job: Job) -> None:
        assert job.due_at is not None or job.state.terminal
        before = self.over.get(job.id)
        late = State.SUCCEEDED if job.cancelled_by is None else State.CANCELLED
        assert before in {None, job.state} or (before is State.EXPIRED and job.state is late)
        if job.state.terminal:
            self.over[job.id] = job.state

    def kept_for_a_late_result(self, job: Job) -> None:
        """What expired keeps its hold for a day, and until a person decides where nobody knows whether it arrived."""
        if job.state is not State.EXPIRED or job.id in self.decided or job.reason == Reason.BUSY:
            return
        made = self.acme.book.get(job.task_id or "")
        if made is None:
            assert job.charged is None
        elif made.progress not in COST or made.progress is Progress.SUCCEEDED:
            over = self.lab.ctx.now() >= (job.finished_at or 0) + self.lab.ctx.timing.rescue
            assert job.charged is None or over

    def theirs_alone(self, one: Seen) -> None:
        """Each task belongs to the job it was made for, as its own or as a stray."""
        for task_id in [one.job.task_id, *(stray.task_id for stray in one.strays)]:
            assert task_id is None or self.acme.book[task_id].reference == one.job.code
        for stray in one.strays:
            assert stray.task_id != one.job.task_id or one.job.charged == 0
            assert (stray.credits is None) == (stray.due_at is not None)

    # The end

    def teardown(self) -> None:
        try:
            self.all_comes_to_its_end()
        finally:
            self.do(self.killed())
            self.do(self.lab.ctx.database.close())
            self.runner.close()
            self.log.__exit__(None, None, None)
            shutil.rmtree(self.folder)

    def all_comes_to_its_end(self) -> None:
        self.acme.mute = self.acme.hidden = self.acme.holding = False
        for gate in self.acme.held:
            gate.say(None)
        self.acme.held.clear()
        self.do(self.settled_down())
        self.until_nothing_is_due()
        for made in self.acme.book.values():
            if made.progress in OPEN:
                made.progress = Progress.SUCCEEDED
            self.call(made)
        self.until_nothing_is_due()
        self.what_must_hold_holds()
        for one in self.do(self.lab.ctx.database.read(looked_at, self.ids)):
            assert one.job.state.terminal
            assert one.job.due_at is None
            assert one.job.charged is not None or doubts.in_limbo(one.job)
            assert self.posts[one.job.id] == (one.job.state is State.SUCCEEDED)
            self.all_that_was_billed_is_counted(one)

    def all_that_was_billed_is_counted(self, one: Seen) -> None:
        beside = {stray.task_id: stray.credits or 0 for stray in one.strays}
        for made in self.acme.book.values():
            if made.reference == one.job.code:
                counted = (one.job.charged or 0) if made.id == one.job.task_id else 0
                assert counted + beside.get(made.id, 0) >= COST[made.progress], (made, one)

    def until_nothing_is_due(self) -> None:
        for _ in range(600):
            for loop in self.loops:
                self.do(self.turn(loop))
            self.results_are_fetched()
            self.results_are_posted()
            moment = self.next_due()
            if moment is None:
                return
            self.lab.clock.forward(max(moment / 1000 - self.lab.clock.now, 0))
        raise AssertionError(f"no end in sight: {self.jobs()}")

    def next_due(self) -> int | None:
        open_ = {"inbox": "settled_at IS NULL"}
        with closing(sqlite3.connect(self.lab.file)) as file:
            moments = [
                file.execute(f"SELECT MIN(due_at) FROM {table} WHERE {open_.get(table, 'TRUE')}").fetchone()[0]
                for table in ("jobs", "inbox", "strays", "searches", "outputs", "deliveries")
            ]
        return min((moment for moment in moments if moment is not None), default=None)


def _month(moment: int) -> tuple[int, int]:
    at = datetime.fromtimestamp(moment / 1000, UTC)
    return at.year, at.month


TestLives = Lives.TestCase
TestLives.settings = settings(
    max_examples=LIVES or 12,
    stateful_step_count=25,
    derandomize=not LIVES,
    print_blob=True,
    phases=[phase for phase in Phase if LIVES or phase is not Phase.shrink],  # which takes minutes
)
TestLives.pytestmark = [pytest.mark.timeout(max(120, 10 * LIVES))]  # pyright: ignore[reportAttributeAccessIssue] -- read by pytest
