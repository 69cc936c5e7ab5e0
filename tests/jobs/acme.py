"""A vendor whose book of tasks is one thing and whose answers are another, for the random lives of jobs."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import count

from providers.contract import (
    Accepted,
    ErrorKind,
    OutputLink,
    Progress,
    ProviderError,
    Reason,
    Status,
    Submission,
    Task,
)
from tests.jobs.lab import NO_ANSWER, NOT_FOUND, RESULT, THROTTLED, Gate, Vendor

COST = {Progress.SUCCEEDED: 30, Progress.FAILED: 5, Progress.CANCELLED: 0}
REFUSED = ProviderError(ErrorKind.REJECTED, Reason.CONTENT, "no")
TOO_LATE = ProviderError(ErrorKind.REJECTED, Reason.BAD_ORDER, "begun")


@dataclass
class Made:
    """A task as it truly is at the vendor."""

    id: str
    reference: str
    progress: Progress = Progress.WAITING

    @property
    def status(self) -> Status:
        links = (OutputLink(RESULT),) if self.progress is Progress.SUCCEEDED else ()
        cost = COST.get(self.progress)
        return Status(self.id, self.progress, self.progress.value, links, credits=cost, echo=self.reference)


class Acme(Vendor):
    """A vendor that keeps a book of what it made. What it does and what we hear of it are two things."""

    def __init__(self) -> None:
        super().__init__()
        self.book: dict[str, Made] = {}
        self.outcome = "taken"  # of the next submission
        self.mute = False  # does what is asked, and is not heard
        self.hidden = False  # its list and look-up lag behind
        self.holding = False  # the next answer is long on its way
        self.held: list[Gate[None]] = []
        self._numbers = count(1)

    async def _wire(self) -> None:
        if self.holding:
            self.holding = False
            gate = Gate[None]()
            self.held.append(gate)
            await gate.pass_through()
        if self.mute:
            raise NO_ANSWER

    async def submit(self, submission: Submission) -> Accepted:
        outcome, self.outcome = self.outcome, "taken"
        made = Made(f"task-{next(self._numbers)}", submission.reference)
        if outcome in {"taken", "unanswered"}:
            self.book[made.id] = made
        await self._wire()
        if outcome == "taken":
            return Accepted(made.id)
        raise {"throttled": THROTTLED, "refused": REFUSED}.get(outcome, NO_ANSWER)

    async def query(self, task: Task) -> Status:
        made = self.book.get(task.task_id)
        said = made.status if made else None
        await self._wire()
        if said is None:
            raise NOT_FOUND
        return said

    async def find(self, task: Task, since: float, known: Collection[str] = ()) -> Status | None:
        others = [made for made in self.book.values() if made.id not in known]
        mine = [made for made in others if made.reference == task.reference and not self.hidden]
        said = mine[0].status if mine else None
        await self._wire()
        return said

    def read_callback(self, body: bytes) -> Status:
        said = super().read_callback(body)
        return replace(said, credits=COST.get(said.progress))  # a signed one tells all that an answer tells

    async def cancel(self, task: Task) -> None:
        made = self.book.get(task.task_id)
        stopped = made is not None and made.progress is Progress.WAITING
        if made is not None and stopped:
            made.progress = Progress.CANCELLED
        await self._wire()
        if not stopped:
            raise TOO_LATE
