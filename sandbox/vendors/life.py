"""A task's life at the vendor: wait, work, end; the film is made, the account moved, callbacks sent on the way."""

import asyncio

from sandbox.vendors.book import Task
from sandbox.vendors.callbacks import notify
from sandbox.vendors.render import RenderFailed
from sandbox.vendors.vendor import Vendor


async def live(vendor: Vendor, task: Task) -> None:
    """Take a task from its first state to its last, one state a pace, unless it is cancelled or held."""
    dialect = task.dialect
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
        await work(vendor, task)
    finally:
        if task.mail:
            await asyncio.wait(task.mail)
        task.finished.set()
        vendor.stir()


async def work(vendor: Vendor, task: Task) -> None:
    """Render and end the task as the behaviour says."""
    dialect, outcome = task.dialect, vendor.behaviour.outcome
    if outcome == "success":
        try:
            await asyncio.gather((dialect.make or make)(vendor, task), asyncio.sleep(vendor.pace))
        except RenderFailed as problem:
            vendor.tell("render failed", task, problem=str(problem))
            fail(vendor, task, problem.word)
            return
    else:
        await asyncio.sleep(vendor.pace)
    if outcome == "failed":
        fail(vendor, task, vendor.behaviour.err_code or dialect.refusal_word)
        return
    task.empty = outcome == "success_without_outputs"
    move(vendor, task, dialect.done)


async def make(vendor: Vendor, task: Task) -> None:
    """Make the film or the pictures of the order; raises RenderFailed."""
    order, pictures = task.order, task.materials.pictures
    if order.makes == "image":
        task.images = [await vendor.studio.image(order.film, pictures, number) for number in range(order.many)]
    else:
        rendered = await vendor.studio.film(order.film, pictures)
        task.video, task.cover = rendered.video, rendered.cover


def fail(vendor: Vendor, task: Task, error: str) -> None:
    """End a task as failed and give its credits back: a failed task costs nothing."""
    task.error = error
    vendor.behaviour.credits_left += task.credits
    task.credits = 0
    move(vendor, task, task.dialect.failed)


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
    return limit is None or sum(task.state == task.dialect.working for task in vendor.tasks.values()) < limit
