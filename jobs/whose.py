"""Whose a task is that a vendor speaks of: told by what the vendor repeats of ours, never by who asks about it."""

from providers.contract import Progress, Status, Task
from providers.orders import Operation
from storage import Connection
from storage import jobs as job_facts
from storage.words import Job

_CLOCK_SLACK = 3_600_000  # milliseconds a vendor's clock may be behind ours: ours may be wrong
_IN_VAIN = {Progress.FAILED, Progress.CANCELLED}


def task_of(job: Job, task_id: str) -> Task:
    """Write down what a vendor must be told to be asked about a job's task."""
    return Task(task_id, Operation(job.operation), job.code)


def ours(connection: Connection, job: Job, status: Status) -> bool:
    """Say whether a task was made for this job, and is not another's by now."""
    echoed = status.echo == job.code if status.echo is not None else _looks_like(job, status)
    holder = job_facts.holder_of_task(connection, job.provider, status.task_id)
    # A change is never what it changes, though a vendor may name that in its answers.
    changed = status.task_id in {job.options.get("parent"), *job.options.get("shots", [])}
    return bool(status.task_id) and echoed and holder in {None, job.id} and not changed


def _looks_like(job: Job, status: Status) -> bool:
    """Compare what a vendor that does not repeat our reference says of a task with what the job asked for.

    Where it repeats nothing at all, the address it called is what is left: it was given to that vendor alone.
    """
    made = status.created_at
    recent = made is None or made * 1000 >= job.created_at - _CLOCK_SLACK
    silent = status.prompt is None and status.model is None
    return (silent or status.prompt == job.prompt) and status.model in {None, job.model} and recent


def may_bill(status: Status) -> bool:
    """Say whether a vendor that speaks so of a task may want to be paid for it."""
    return status.progress not in _IN_VAIN or (status.credits or 0) > 0


def cost(job: Job, status: Status) -> int:
    """Say what a finished task cost: by the vendor's figure, else by what it named or we held for one that was made."""
    if status.credits is not None:
        return max(status.credits, 0)
    return 0 if status.progress in _IN_VAIN else job.price if job.quoted is None else job.quoted
