"""A task's life at the vendor: wait, work, end; the film is made, the account moved, callbacks sent on the way."""

import asyncio

from sandbox.vendors.book import Picture, Task
from sandbox.vendors.callbacks import notify
from sandbox.vendors.render import RenderFailed
from sandbox.vendors.vendor import Vendor


async def live(vendor: Vendor, task: Task, pictures: tuple[Picture, ...]) -> None:
    """Take a task from its first state to its last, one state a pace, unless it is cancelled or held."""
    dialect = vendor.dialect
    notify(vendor, task)
    try:
        await vendor.until(lambda: not vendor.behaviour.hold or task.cancelled, timeout=86400)
        for state in (*dialect.waiting[1:], dialect.working):
            await asyncio.sleep(vendor.pace)
            if state == dialect.working:
                await vendor.until(lambda: task.cancelled or has_place(vendor), timeout=86400)
            if task.cancelled:
                return
            move(vendor, task, state)
        await work(vendor, task, pictures)
    finally:
        if task.mail:
            await asyncio.wait(task.mail)
        task.finished.set()
        vendor.stir()


async def work(vendor: Vendor, task: Task, pictures: tuple[Picture, ...]) -> None:
    """Render and end the task as the behaviour says."""
    dialect, outcome = vendor.dialect, vendor.behaviour.outcome
    if outcome == "success":
        try:
            rendered, _ = await asyncio.gather(
                vendor.studio.film(task.order.film, pictures), asyncio.sleep(vendor.pace)
            )
            task.video, task.cover = rendered.video, rendered.cover
        except RenderFailed as problem:
            vendor.tell("render failed", task, problem=str(problem))
            fail(vendor, task, "InternalServiceFailure")
            return
    else:
        await asyncio.sleep(vendor.pace)
    if outcome == "failed":
        fail(vendor, task, vendor.behaviour.err_code or dialect.refusal_word)
        return
    task.empty = task.video is None
    move(vendor, task, dialect.done)


def fail(vendor: Vendor, task: Task, error: str) -> None:
    """End a task as failed and give its credits back: a failed task costs nothing."""
    task.error = error
    vendor.behaviour.credits_left += task.credits
    task.credits = 0
    move(vendor, task, vendor.dialect.failed)


def move(vendor: Vendor, task: Task, state: str) -> None:
    """Write the next state in the book and tell everyone, the callback's receiver included."""
    task.state = state
    task.states.append(state)
    task.updated_at = vendor.clock()
    notify(vendor, task)
    vendor.tell("state changed", task)


def has_place(vendor: Vendor) -> bool:
    """Tell whether one more task may run at once."""
    limit = vendor.behaviour.parallel
    return limit is None or sum(task.state == vendor.dialect.working for task in vendor.tasks.values()) < limit
