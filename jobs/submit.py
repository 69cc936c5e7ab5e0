"""Sending jobs to their vendors. The intent is stored before the first byte goes out: a crash leaves doubt, no loss."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import structlog

from jobs import consent, intake, life, orders
from jobs.context import Context
from jobs.loop import Work
from jobs.transitions import Event
from providers.contract import Accepted, ErrorKind, Provider, ProviderError, Reason, Submission
from providers.orders import Order
from storage import Connection, StorageError, alerts, guilds, strays
from storage import jobs as job_facts
from storage.words import AlertKind, Job, State

_log = structlog.get_logger("submit")
_AT_ONCE = 32
_CARRIERS = 2  # submissions that hold files in memory: some 20 MB each, a few times over

_EVENTS = {
    ErrorKind.NOT_SENT: Event.NOT_TAKEN,
    ErrorKind.THROTTLED: Event.NOT_TAKEN,
    ErrorKind.REJECTED: Event.REJECTED,
    ErrorKind.UNKNOWN: Event.UNCLEAR,
}


def work(ctx: Context) -> Work[Job]:
    """Send the queued jobs whose time has come."""

    async def due() -> Sequence[Job]:
        return await ctx.database.read(job_facts.due_to_submit, ctx.now(), _AT_ONCE)

    carriers = asyncio.Semaphore(_CARRIERS)

    async def handle(job: Job) -> None:
        if not orders.carries(ctx, job):
            await submit(ctx, job)
            return
        async with carriers:  # before the job counts as being on the wire, which it may be for so long only
            await submit(ctx, job)

    return Work("submit", due, handle, lambda job: job.id, ctx.wakes.submit, _AT_ONCE, ctx.timing.idle / 1000)


async def submit(ctx: Context, job: Job) -> None:
    """Send one queued job and store what came of it. Raise StorageError."""
    if ctx.now() >= job.deadline_at:
        await life.happen(
            ctx, job.id, Event.SILENT, reason=Reason.BUSY, detail="the vendor could not be reached in time"
        )
        return
    if ctx.provider_of(job) is None:  # somebody must bring the key back: what waits for a person need not be quick
        await ctx.database.write(_kept_waiting, ctx, job)
        ctx.wakes.alerts.set()
        return
    on_the_wire = {"attempts": job.attempts + 1, "due_at": ctx.now() + ctx.timing.submit_call}
    begun = await life.happen(ctx, job.id, Event.SUBMIT, account=_account_of(ctx, job), **on_the_wire)
    if begun is None:  # cancelled in between
        return
    ctx.tell("submitting", job.id, provider=job.provider)
    provider = ctx.provider_of(begun)  # the server's admins may have put another key in the place of the first
    event, facts = await _send(ctx, provider, begun) if provider else _no_account(ctx, begun)
    after = await _record(ctx, begun, event, facts)
    ctx.tell("submission recorded", job.id, state=after.state if after else "unchanged")
    if after and event is Event.NOT_TAKEN and after.state is State.QUEUED:
        await _try_another(ctx, after)
    ctx.wakes.settle.set()  # a callback may have come before this answer and wait for it
    if after and after.state is not State.SUBMITTED:
        ctx.wakes.reconcile.set()


def _account_of(ctx: Context, job: Job) -> str | None:
    """Name the operator's key a job is sent with: the newest, unless an earlier attempt may turn up at another."""
    if job.key_id is not None:
        return None
    return job.account if job.resent and job.account else ctx.accounts.newest(job.provider)


def _kept_waiting(connection: Connection, ctx: Context, job: Job) -> None:
    job_facts.postpone(connection, job, ctx.now() + ctx.timing.retry_most)
    if ctx.keys.lost(job.key_id):
        alerts.raised(connection, job, AlertKind.KEY, ctx.now())


async def _record(ctx: Context, job: Job, event: Event, facts: dict[str, Any]) -> Job | None:
    """Store what came of a submission, trying until the database takes it: nobody else knows."""
    failures = 0
    while True:
        try:
            after = await ctx.database.write(_came_of_it, ctx, job, event, facts)
        except StorageError as error:
            failures += 1
            _log.warning("submission not recorded yet", job=job.code, error=str(error))
            await asyncio.sleep(backoff(ctx, failures) / 1000)
        else:
            ctx.wakes.cards.set()
            return after


def _came_of_it(connection: Connection, ctx: Context, job: Job, event: Event, facts: dict[str, Any]) -> Job | None:
    now = job_facts.by_id(connection, job.id)
    if now is None or (now.attempts != job.attempts and event is not Event.ACCEPTED):
        return None  # what came of an earlier attempt says nothing of the one that is on the wire
    holder = job_facts.holder_of_task(connection, job.provider, str(facts.get("task_id", "")))
    if holder not in {None, job.id}:
        event, facts = Event.UNCLEAR, {"detail": "the vendor named a task of another job", **in_doubt(ctx, job)}
    has_one = now.task_id is not None or (now.state.terminal and now.state is not State.EXPIRED)
    if event is Event.ACCEPTED and has_one and now.task_id != facts["task_id"]:
        strays.found(connection, now, facts["task_id"], ctx.now())
        ctx.wakes.strays.set()
        return None
    if now.resent and event in {Event.ACCEPTED, Event.UNCLEAR}:
        # The look is timed from when it was sent, not from when that was decided: a vendor may put it off for long.
        strays.suspected(connection, now.id, ctx.now(), ctx.now() + ctx.timing.search)
    return life.advance(connection, now, event, ctx.now(), ctx.timing, **facts)


async def _send(ctx: Context, provider: Provider, job: Job) -> tuple[Event, dict[str, Any]]:
    """Make the call, and put its outcome in the words of the table."""
    try:
        order = await _order_of(ctx, job)
        address = ctx.addresses.callback(job.provider, job.id)
        secret = ctx.addresses.callback_secrets(job.provider, job.id)[0]
        accepted = await provider.submit(Submission(order, job.code, address, secret))
    except ProviderError as error:
        ctx.tell("submit failed", job.id, kind=error.kind, reason=error.reason, detail=error.detail)
        return _after_failure(ctx, job, error)
    except OSError as error:  # a picture of ours is gone: nothing was sent
        detail = f"a stored picture could not be read ({type(error).__name__})"
        return Event.REJECTED, {"reason": Reason.PICTURE, "detail": detail}
    ctx.tell("submit answered", job.id, task=accepted.task_id, credits=accepted.credits)
    return Event.ACCEPTED, _after_success(ctx, job, accepted)


async def _order_of(ctx: Context, job: Job) -> Order:
    """Make the order that is sent. Without files nothing of it is on the disk. Raise OSError."""
    if not job.inputs:
        return orders.order_of(ctx, job)
    return await asyncio.to_thread(orders.order_of, ctx, job, contents=orders.carries(ctx, job))


def _no_account(ctx: Context, job: Job) -> tuple[Event, dict[str, Any]]:
    facts = {"reason": Reason.ACCESS, "detail": "the key is not to be had just now"}
    return Event.NOT_TAKEN, {**facts, "due_at": _pause(ctx, job.attempts)}


def _after_success(ctx: Context, job: Job, accepted: Accepted) -> dict[str, Any]:
    now = ctx.now()
    deadline = now + ctx.timing.patience(job.options)
    facts = {"task_id": accepted.task_id, "submitted_at": now, "deadline_at": deadline}
    return {**facts, "quoted": accepted.credits}


def _after_failure(ctx: Context, job: Job, error: ProviderError) -> tuple[Event, dict[str, Any]]:
    event = _EVENTS[error.kind]
    if event is Event.REJECTED and error.reason is Reason.BAD_ORDER and job.resent:
        event = Event.UNCLEAR  # "already there", perhaps: the first attempt arrived after all
    facts: dict[str, Any] = {"reason": error.reason, "detail": error.detail}
    if event is Event.UNCLEAR:
        return event, {**facts, **in_doubt(ctx, job)}
    if event is Event.NOT_TAKEN:
        wait = _pause(ctx, job.attempts)
        if error.retry_after is not None:
            wait = max(wait, ctx.now() + int(error.retry_after * 1000))
        facts["due_at"] = wait
    return event, facts


def in_doubt(ctx: Context, job: Job) -> dict[str, Any]:
    """Say when to look into a submission of which nobody knows whether it arrived, and until when."""
    now, timing = ctx.now(), ctx.timing
    deadline = min(now + timing.patience(job.options), job.created_at + timing.submit_deadline)
    return {"due_at": now + timing.retry_least, "absences": 0, "deadline_at": deadline}


async def _try_another(ctx: Context, job: Job) -> None:
    """Give a job that its vendor surely did not take to the next one that can, where the server's admins allow it.

    Never one that was in doubt before, and never away from a vendor the member named.
    """
    if job.resent or job.guild_id is None or job.asked.get("wanted") or not job.asked:
        return
    settings = await ctx.database.read(guilds.settings_of, job.guild_id)
    if not settings.fallback:
        return
    try:
        order = await asyncio.to_thread(orders.asked_of, ctx, job)
    except OSError:
        return
    tried = (*job.tried, job.provider)
    vendors = ctx.offered(job.guild_id)
    plan = intake.plan(vendors, order, wanted=None, preferred=settings.default_provider, but=tried)
    if isinstance(plan, intake.Refused) or consent.needed_anew(settings, job.price, plan.price):
        return
    options = orders.options_of(plan.order)
    model, price = plan.order.model or "", plan.price
    other = replace(job, provider=plan.provider, model=model, options=options, price=price, tried=tried)
    if await ctx.database.write(_rerouted, ctx, other):
        ctx.tell("given to another vendor", job.id, provider=plan.provider, credits=plan.price)
        ctx.wakes.submit.set()
        ctx.wakes.cards.set()


def _rerouted(connection: Connection, ctx: Context, other: Job) -> bool:
    account = intake.account_for(connection, ctx.providers, other)
    if isinstance(account, intake.NoAccount):
        return False
    return job_facts.rerouted(connection, replace(other, key_id=account), ctx.now())


async def recover(ctx: Context) -> None:
    """Take over what an earlier run left on the wire: whether it arrived is not known. Call once, before the loops."""
    for job in await ctx.database.read(job_facts.in_doubt):
        await life.happen(
            ctx, job.id, Event.UNCLEAR, detail="the program stopped while submitting", **in_doubt(ctx, job)
        )
        ctx.tell("found in doubt", job.id)


def backoff(ctx: Context, failures: int) -> int:
    """Say how long to wait after so many failures in a row: doubling, with jitter; in milliseconds."""
    most = min(ctx.timing.retry_least * 2 ** min(failures, 16), ctx.timing.retry_most)
    return most // 2 + random.randrange(most // 2 + 1)  # noqa: S311 -- spreads retries, guards nothing


def _pause(ctx: Context, failures: int) -> int:
    return ctx.now() + backoff(ctx, failures)
