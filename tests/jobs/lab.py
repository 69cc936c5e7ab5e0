"""Jobs over a real database, with a vendor that says what a test wants, when the test wants it, and a movable clock."""

import asyncio
import json
import sqlite3
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Generic, TypeVar

import aiohttp

from jobs import cancel, intake, media, reconcile, settle, strays, submit, twins
from jobs.addresses import Addresses
from jobs.context import Context, Timing
from providers.contract import (
    Accepted,
    Callback,
    ErrorKind,
    NotUnderstood,
    OutputLink,
    Progress,
    ProviderError,
    Reason,
    Status,
    Submission,
    Task,
    Trust,
    Verified,
)
from providers.orders import Extra, Model, Operation, Order, Problem
from storage import Connection, Database, deliveries, inbox, ledger, outputs
from storage import jobs as job_facts
from storage import strays as stray_facts
from storage.words import Delivery, Entry, Job, LedgerRow, Output, State, Stray
from tests.samples_of import NOON

T = TypeVar("T")

QUICK = Timing(idle=1)  # no test waits for a loop's rest
PRICE = 40
RESULT = "https://results.example/1.mp4"

NOT_FOUND = ProviderError(ErrorKind.REJECTED, Reason.NOT_FOUND, "no such task")
NO_ANSWER = ProviderError(ErrorKind.UNKNOWN, Reason.VENDOR, "500")
THROTTLED = ProviderError(ErrorKind.THROTTLED, Reason.BUSY, "429")


class Gate(Generic[T]):
    """An answer that is held back: the vendor has heard the question, and says nothing yet."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self._answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    async def pass_through(self) -> T:
        self.reached.set()
        return await self._answer

    def say(self, answer: T) -> None:
        self._answer.set_result(answer)

    def fail(self, error: Exception) -> None:
        self._answer.set_exception(error)


@dataclass
class Line(Generic[T]):
    """One kind of call: who asked, what is answered next, and what is answered as a rule."""

    rule: Callable[[str], T]
    calls: list[str] = field(default_factory=list[str])  # the task asked about, or our reference where there is none
    _next: deque[Callable[[], Awaitable[T]]] = field(default_factory=deque[Callable[[], Awaitable[T]]])

    def then(self, *answers: T | Exception) -> None:
        """Answer so the next times."""
        self._next.extend(partial(_give, answer) for answer in answers)

    def hold(self) -> Gate[T]:
        """Hold the next answer back."""
        gate = Gate[T]()
        self._next.append(gate.pass_through)
        return gate

    def always(self, answer: T | Exception) -> None:
        """Answer so from now on, whatever is asked."""

        def rule(_asked: str) -> T:
            if isinstance(answer, Exception):
                raise answer
            return answer

        self.rule = rule

    async def ask(self, asked: str) -> T:
        self.calls.append(asked)
        return await self._next.popleft()() if self._next else self.rule(asked)


async def _give(answer: T | Exception) -> T:
    if isinstance(answer, Exception):
        raise answer
    return answer


def status(task_id: str, progress: Progress = Progress.RUNNING, **facts: Any) -> Status:
    """Say how a task is; a success brings a result and costs 30 credits of the 40 held."""
    if progress is Progress.SUCCEEDED:
        facts = {"outputs": (OutputLink(RESULT),), "credits": 30, **facts}
    return Status(task_id, progress, progress.value, **facts)


def done(task_id: str, **facts: Any) -> Status:
    """Say that a task succeeded."""
    return status(task_id, Progress.SUCCEEDED, **facts)


class Vendor:
    """A vendor at the network's edge: by itself it takes every order, runs for ever, finds and stops nothing."""

    name = "edge"
    title = "Edge"

    def __init__(self) -> None:
        numbers = count(1)
        self.stoppable = True
        self.can_find = True
        self.submits: Line[Accepted] = Line(lambda _reference: Accepted(f"task-{next(numbers)}"))
        self.queries: Line[Status] = Line(status)
        self.finds: Line[Status | None] = Line(lambda _reference: None)
        self.cancels: Line[None] = Line(lambda _task: None)
        self.bodies_read = 0

    @property
    def calls(self) -> int:
        """Count all it was ever asked."""
        return sum(len(line.calls) for line in (self.submits, self.queries, self.finds, self.cancels))

    def operations(self) -> tuple[Operation, ...]:
        return (Operation.TEXT_TO_VIDEO,)

    def can_cancel(self, operation: Operation) -> bool:
        return self.stoppable

    def extras(self, operation: Operation) -> tuple[Extra, ...]:
        return ()

    def models(self, operation: Operation) -> tuple[Model, ...]:
        return (Model("m1", (5,), 5, ("720p",), "720p"),)

    def fill(self, order: Order) -> Order:
        return order

    def problems(self, order: Order) -> list[Problem]:
        return []

    def price(self, order: Order) -> int | None:
        return PRICE

    async def submit(self, submission: Submission) -> Accepted:
        return await self.submits.ask(submission.reference)

    async def query(self, task: Task) -> Status:
        return await self.queries.ask(task.task_id)

    async def find(self, task: Task, since: float, known: Collection[str] = ()) -> Status | None:
        found = await self.finds.ask(task.reference)
        return None if found is None or found.task_id in known else found

    async def cancel(self, task: Task) -> None:
        await self.cancels.ask(task.task_id)

    async def balance(self) -> None:
        """Say nothing."""

    def verify(self, callback: Callback, now: float) -> Verified:
        return Verified(Trust.DOORBELL, "a delivery")

    def read_callback(self, body: bytes) -> Status:
        self.bodies_read += 1
        try:
            said = json.loads(body)
            return status(said["task"], Progress(said["progress"]), echo=said["echo"])
        except (ValueError, KeyError):
            raise NotUnderstood("not a callback") from None


@dataclass
class Clock:
    """The time, in seconds since 1970, which passes only when it is told to."""

    now: float = NOON / 1000

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += seconds


class Lab:
    """One vendor, one database, and the loops' work to be done piece by piece."""

    def __init__(self, database: Database, folder: Path, log: Sequence[Mapping[str, Any]]) -> None:
        self.vendor = Vendor()
        self.clock = Clock()
        self.file = folder / "rushes.db"
        self.steps: list[str] = []
        self._log = log
        addresses = Addresses("https://rushes.example", ["k" * 40])
        providers = {self.vendor.name: self.vendor}
        self.ctx = Context(database, providers, addresses, folder / "media", self.clock, self._heard, QUICK)
        self._numbers = count(1)

    def _heard(self, step: str, job_id: int | None = None, /, **facts: object) -> None:
        self.steps.append(step)

    def timing(self, **waits: int) -> None:
        """Wait otherwise than by default, in milliseconds."""
        self.ctx = replace(self.ctx, timing=replace(self.ctx.timing, **waits))

    # What members do

    async def order(self, prompt: str = "a boat", wanted: str | None = None) -> Job:
        """Order a video."""
        number = next(self._numbers)
        order = Order(Operation.TEXT_TO_VIDEO, model="m1", prompt=prompt, duration=5)
        asker = intake.Asker(1000 + number, 10, 20, 30, "Ada", 40, 10 * 2**20)
        job = await intake.accept(self.ctx, intake.Plan(self.vendor.name, order, PRICE, order, wanted), asker)
        assert isinstance(job, Job)
        return job

    async def taken(self, prompt: str = "a boat") -> Job:
        """Order a video and have the vendor take it; the clock has moved on a second."""
        job = await self.order(prompt)
        await self.submit()
        self.clock.forward(1)
        return await self.now(job)

    async def doubtful(self, prompt: str = "a boat") -> Job:
        """Order a video of which nobody knows whether the vendor took it; the clock has moved on a second."""
        job = await self.order(prompt)
        self.vendor.submits.then(NO_ANSWER)
        await self.submit()
        self.clock.forward(1)
        job = await self.now(job)
        assert job.state is State.UNKNOWN
        return job

    async def give_up(self, job: Job) -> cancel.CancelOutcome:
        """Press Cancel."""
        outcome, _ = await cancel.cancel(self.ctx, job.id, 30)
        return outcome

    async def given_up_on_the_wire(self, answer: Exception) -> Job:
        """Have a member press Cancel while a submission is under way, which then comes to nothing."""
        job = await self.order()
        gate = self.vendor.submits.hold()
        sending = asyncio.create_task(self.submit())
        await gate.reached.wait()
        await self.give_up(job)
        gate.fail(answer)
        await sending
        return job

    # What the vendor posts

    async def ring(
        self,
        job: Job,
        task_id: str,
        progress: Progress = Progress.SUCCEEDED,
        *,
        trust: Trust = Trust.DOORBELL,
        echo: str | None = None,
    ) -> bool:
        """Store a callback that came for a job; False when it was not stored."""
        return await self.ctx.database.write(self._rung, job.id, task_id, progress, trust, echo)

    async def flood(self, jobs: list[Job], rings: int) -> int:
        """Ring so often at each of some jobs, for tasks nobody ever made; how many rings were stored."""

        def change(connection: Connection) -> int:
            return sum(
                self._rung(connection, job.id, f"forged-{ring}", Progress.SUCCEEDED, Trust.DOORBELL, None)
                for ring in range(rings)
                for job in jobs
            )

        return await self.ctx.database.write(change)

    def _rung(
        self, connection: Connection, job_id: int, task_id: str, progress: Progress, trust: Trust, echo: str | None
    ) -> bool:
        letter = inbox.Letter(
            provider=self.vendor.name,
            job_id=job_id,
            delivery_id=f"delivery-{next(self._numbers)}",
            trust=trust.value,
            body=json.dumps({"task": task_id, "progress": progress.value, "echo": echo}).encode(),
            received_at=self.ctx.now(),
        )
        return inbox.stored(connection, [letter]) == [True]

    # What the loops do: the work that is due now, once

    async def submit(self) -> bool:
        return await submit.work(self.ctx).once()

    async def settle(self) -> bool:
        return await settle.work(self.ctx).once()

    async def reconcile(self) -> bool:
        return await reconcile.work(self.ctx).once()

    async def follow(self) -> bool:
        return await strays.work(self.ctx).once()

    async def search(self) -> bool:
        return await twins.work(self.ctx).once()

    async def fetch(self, session: aiohttp.ClientSession) -> bool:
        return await media.work(self.ctx, session).once()

    async def round(self, seconds: float = 0) -> None:
        """Move the clock on, and let every loop that talks to the vendor have its turn."""
        self.clock.forward(seconds)
        await self.submit()
        await self.settle()
        await self.reconcile()
        await self.follow()
        await self.search()

    # What is known

    async def now(self, job: Job) -> Job:
        """Read a job as it is now."""
        found = await self.ctx.database.read(job_facts.by_id, job.id)
        assert found is not None
        return found

    async def entries(self, job: Job) -> list[Entry]:
        """List the kinds of a job's ledger rows."""
        return [row.kind for row in await self.ctx.database.read(ledger.of_job, job.id)]

    async def ledger(self, job: Job) -> list[LedgerRow]:
        """List a job's ledger rows."""
        return await self.ctx.database.read(ledger.of_job, job.id)

    async def strays(self, job: Job) -> list[Stray]:
        """List the tasks made for a job beside its own."""
        return await self.ctx.database.read(stray_facts.of_job, job.id)

    async def output(self, job: Job) -> Output:
        """Read a job's only result."""
        [output] = await self.ctx.database.read(outputs.of_job, job.id)
        return output

    async def delivery(self, job: Job) -> Delivery | None:
        return await self.ctx.database.read(deliveries.of_job, job.id)

    def logged(self, event: str) -> int:
        """Count the lines in the log that say so."""
        return sum(line["event"] == event for line in self._log)

    def outcomes(self) -> list[str | None]:
        """List what came of each stored callback; None: nobody has acted on it."""
        with self._from_outside() as connection:
            return [row[0] for row in connection.execute("SELECT outcome FROM inbox ORDER BY id")]

    def trusts(self) -> list[str]:
        """List what each stored callback is worth."""
        with self._from_outside() as connection:
            return [row[0] for row in connection.execute("SELECT trust FROM inbox ORDER BY id")]

    @contextmanager
    def locked(self) -> Generator[None]:
        """Hold the database's write lock, as a backup or another program may."""
        with self._from_outside() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            finally:
                connection.execute("ROLLBACK")

    @contextmanager
    def _from_outside(self) -> Generator[sqlite3.Connection]:
        connection = sqlite3.connect(self.file, isolation_level=None)
        try:
            yield connection
        finally:
            connection.close()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what no event tells."""
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 -- nobody rings
            await asyncio.sleep(0.001)
