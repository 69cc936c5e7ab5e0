"""From what a member typed to a held job: choose the vendor, check the order, then store job and hold in one go."""

import asyncio
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil

from jobs import files
from jobs.context import Context
from providers.contract import Provider
from providers.orders import Operation, Order, Picture, Problem, Role, Rule
from storage import guilds, ledger
from storage import jobs as job_facts
from storage.words import Job, State, StoredPicture, new_job_id


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asked, and where the answer goes."""

    interaction_id: int
    guild_id: int | None
    channel_id: int
    user_id: int
    user_name: str
    card_message_id: int | None
    upload_limit: int  # bytes a file may have there


@dataclass(frozen=True, slots=True)
class Plan:
    """An order that can be sent as it is: complete, checked and priced."""

    provider: str
    order: Order
    price: int  # credits to hold


@dataclass(frozen=True, slots=True)
class Refused:
    """An order that cannot be sent, and everything that is wrong with it at the vendor that came closest."""

    provider: str | None  # None: no vendor here can do it at all
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class OverBudget:
    """The server's budget for the month does not reach."""

    price: int
    left: int


def operation_for(roles: Sequence[Role]) -> Operation:
    """Tell what is asked from the pictures that are attached."""
    if Role.LAST_FRAME in roles:
        return Operation.START_END_TO_VIDEO
    return Operation.IMAGE_TO_VIDEO if roles else Operation.TEXT_TO_VIDEO


def plan(
    providers: Mapping[str, Provider], order: Order, *, wanted: str | None, preferred: str | None
) -> Plan | Refused:
    """Choose a vendor for an order and complete it there.

    The wanted vendor, and no other, when one was named; else the server's preferred one when it can, else the cheapest
    that can.
    """
    able = [
        provider
        for provider in providers.values()
        if order.operation in provider.operations() and wanted in {None, provider.name}
    ]
    if not able:
        problem = Problem(field="operation", rule=Rule.NOT_OFFERED, given=order.operation.value)
        return Refused(wanted, (problem,))
    offers = [(provider, provider.fill(order)) for provider in able]
    refusals = [Refused(provider.name, tuple(provider.problems(filled))) for provider, filled in offers]
    plans = [
        Plan(provider.name, filled, _price(provider, filled))
        for (provider, filled), refusal in zip(offers, refusals, strict=True)
        if not refusal.problems
    ]
    if not plans:
        return min(refusals, key=lambda refusal: len(refusal.problems))
    return min(plans, key=lambda plan: (plan.provider != preferred, plan.price))


def _price(provider: Provider, order: Order) -> int:
    """Price an order in credits, to be shown and held.

    Where the vendor publishes no price, the dearest of its models at the same duration and resolution counts, so that
    budgets hold. What the order leaves open is what the vendor's defaults are.
    """
    price = provider.price(order)
    if price is not None:
        return price
    models = provider.models(order.operation)
    alike = [provider.price(provider.fill(replace(order, model=model.name))) for model in models]
    return max((price for price in alike if price is not None), default=None) or _price_by_rate(provider, order)


def _price_by_rate(provider: Provider, order: Order) -> int:
    """Price an order no model has a price for: by the dearest rate a second at the nearest resolution upwards."""
    models = provider.models(order.operation)
    rates = [
        (_lines(size), Fraction(price, seconds))
        for model in models
        for size in model.resolutions
        for seconds in model.durations
        if (price := provider.price(replace(order, model=model.name, duration=seconds, resolution=size))) is not None
    ]
    usual = provider.fill(replace(order, model=models[0].name)) if models else order
    nearest = min((lines for lines, _ in rates if lines >= _lines(usual.resolution)), default=None)
    dearest = max((rate for lines, rate in rates if nearest in {None, lines}), default=Fraction(0))
    return max(ceil(dearest * (usual.duration or 0)), 1)


def _lines(resolution: str | None) -> int:
    """Read 720p as 720; what is no such word counts as more than any."""
    return int(resolution[:-1]) if resolution and re.fullmatch("[0-9]{1,5}p", resolution) else sys.maxsize


async def accept(ctx: Context, plan: Plan, asker: Asker) -> Job | OverBudget:
    """Take a planned order: keep its pictures, then store job and hold in one transaction. Raise StorageError, OSError.

    The same command taken twice leads to the same job.
    """
    known = await ctx.database.read(job_facts.by_interaction, asker.interaction_id)
    if known is not None:
        return known
    job = _job(plan, asker, ctx.now(), ctx.timing.submit_deadline)
    for picture, stored in zip(plan.order.pictures, job.pictures, strict=True):
        await asyncio.to_thread(files.save, ctx.media_dir, files.INPUTS, stored.file, picture.data)
    ctx.tell("pictures kept", job.id, pictures=len(job.pictures))
    if not await ctx.database.write(job_facts.held, job):
        for stored in job.pictures:
            files.locate(ctx.media_dir, files.INPUTS, stored.file).unlink(missing_ok=True)
        return OverBudget(job.price, await _left(ctx, asker.guild_id))
    ctx.tell("held", job.id, provider=job.provider, operation=job.operation, credits=job.price)
    ctx.wakes.submit.set()
    return job


def _job(plan: Plan, asker: Asker, now: int, submit_deadline: int) -> Job:
    job_id = new_job_id(now)
    order = plan.order
    job = Job(
        id=job_id,
        interaction_id=asker.interaction_id,
        guild_id=asker.guild_id,
        channel_id=asker.channel_id,
        user_id=asker.user_id,
        user_name=asker.user_name[:100],
        card_message_id=asker.card_message_id,
        card_due_at=now if asker.card_message_id else None,
        card_version=1,
        upload_limit=asker.upload_limit,
        provider=plan.provider,
        operation=order.operation,
        model=order.model or "",
        prompt=order.prompt,
        options={
            "duration": order.duration,
            "resolution": order.resolution,
            "aspect_ratio": order.aspect_ratio,
            "seed": order.seed,
            "audio": order.audio,
        },
        pictures=(),
        state=State.QUEUED,
        created_at=now,
        changed_at=now,
        due_at=now,
        deadline_at=now + submit_deadline,
        submitted_at=None,
        finished_at=None,
        attempts=0,
        lookups=0,
        absences=0,
        resent=0,
        task_id=None,
        price=plan.price,
        charged=None,
        cancelled_by=None,
        cancel_sent_at=None,
        reason=None,
        detail=None,
    )
    return replace(job, pictures=tuple(_stored(job.code, picture) for picture in order.pictures))


def _stored(code: str, picture: Picture) -> StoredPicture:
    name = files.name_for(code, picture.role.value.replace("_", "-"), picture.mime)
    return StoredPicture(picture.role.value, picture.mime, picture.width, picture.height, name)


def order_of(ctx: Context, job: Job) -> Order:
    """Make a job's order again from what is stored, with fresh links to its pictures. Raise OSError. Blocks on disk."""
    until = ctx.now() + ctx.timing.job_deadline + ctx.timing.submit_deadline
    pictures = tuple(
        Picture(
            role=Role(stored.role),
            mime=stored.mime,
            width=stored.width,
            height=stored.height,
            data=files.locate(ctx.media_dir, files.INPUTS, stored.file).read_bytes(),
            url=ctx.addresses.link(files.INPUTS, stored.file, until),
        )
        for stored in job.pictures
    )
    return Order(
        operation=Operation(job.operation),
        model=job.model,
        prompt=job.prompt,
        pictures=pictures,
        **job.options,
    )


async def _left(ctx: Context, guild_id: int | None) -> int:
    if guild_id is None:
        return 0
    settings = await ctx.database.read(guilds.settings_of, guild_id)
    spent = await ctx.database.read(ledger.spent_this_month, guild_id, ctx.now())
    return max((settings.budget or 0) - spent, 0)
