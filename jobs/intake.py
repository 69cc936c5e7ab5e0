"""From what a member typed to a held job: choose the vendor, check the order, then store job and hold in one go."""

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil

from jobs import changes, consent, files
from jobs.context import Context
from jobs.orders import inputs_of, keep_files, options_of
from providers.contract import Provider
from providers.orders import Operation, Order, Problem, Role, Rule
from storage import Connection, guilds, limits, vendor_keys
from storage import jobs as job_facts
from storage.codes import job_code, new_job_id
from storage.words import Job, Limit, Place, State

_UNPRICED = 100  # credits (US$0.50) held where no vendor here publishes anything that could be compared
_USUAL_SECONDS = 5  # of a video whose length nobody has said
_LETTERS_A_SECOND = 15  # of a text that is read aloud
_LEAST_ALIKE = 4  # letters that two names must begin with to be of one make


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
    roles: tuple[int, ...] = ()  # of the member's, for budgets
    language: str | None = None  # of the card and the result
    place: Place = Place.SERVER
    parent_id: int | None = None  # the channel that the thread is in
    parent_open: bool = False  # the result may be shown there


@dataclass(frozen=True, slots=True)
class Plan:
    """An order that can be sent as it is: complete, checked and priced."""

    provider: str
    order: Order
    price: int  # credits to hold
    asked: Order  # the same before any defaults
    wanted: str | None  # the vendor the member named: then no other may be tried


@dataclass(frozen=True, slots=True)
class Refused:
    """An order that cannot be sent, and everything that is wrong with it at the vendor that came closest."""

    provider: str | None  # None: no vendor here can do it at all
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Hindered:
    """A limit of the server's stands in the way."""

    price: int
    limit: Limit


@dataclass(frozen=True, slots=True)
class Busy:
    """The same change of a music video, or one that this one needs, is under way."""

    by: Job


@dataclass(frozen=True, slots=True)
class NoAccount:
    """The key with which the job was to be made was taken away. `gone`: it is to change what only that key reaches."""

    provider: str
    gone: bool


def operation_for(roles: Sequence[Role]) -> Operation:
    """Tell what is asked from the pictures that are attached."""
    if Role.LAST_FRAME in roles:
        return Operation.START_END_TO_VIDEO
    return Operation.IMAGE_TO_VIDEO if roles else Operation.TEXT_TO_VIDEO


def fitting(
    providers: Mapping[str, Provider], operation: Operation, model: str | None, wanted: str | None
) -> dict[str, Provider]:
    """Choose the vendors that can be meant: the named one; else those that know the model for this; at all; else all.

    A vendor takes any model its table does not know, so one vendor's model would otherwise pass at all the others. A
    model that nobody knows goes to those that have models of its make, by the letters it begins with.
    """
    if wanted is not None and wanted in providers:
        return {wanted: providers[wanted]}
    for meant in (_same, _alike) if model else ():
        for operations in ((operation,), tuple(Operation)):
            knowing = {
                name: one
                for name, one in providers.items()
                if any(meant(model or "", known) for known in _model_names(one, operations))
            }
            if knowing:
                return knowing
    return dict(providers)


def _same(given: str, known: str) -> bool:
    return given.casefold() == known.casefold()


def _alike(given: str, known: str) -> bool:
    """Say whether two names begin with the same letters, up to the first digit or sign: viduq9, vidu2.0, viduq3-pro."""
    short, long = sorted((_make(given), _make(known)), key=len)
    return len(short) >= _LEAST_ALIKE and long.startswith(short)


def _make(model: str) -> str:
    found = re.match("[a-z]*", model.casefold())
    return found[0] if found else ""


def _spelled(providers: Mapping[str, Provider], order: Order) -> Order:
    """Write the model as the vendors do, whatever its capitals."""
    names = {name for one in providers.values() for name in _model_names(one, Operation)}
    if order.model is None or order.model in names:
        return order
    return replace(order, model=next((name for name in sorted(names) if _same(order.model, name)), order.model))


def _model_names(provider: Provider, operations: Iterable[Operation]) -> set[str]:
    return {model.name for operation in operations for model in provider.models(operation)}


def plan(
    providers: Mapping[str, Provider],
    order: Order,
    *,
    wanted: str | None,
    preferred: str | None,
    but: Sequence[str] = (),
) -> Plan | Refused:
    """Choose a vendor for an order and complete it there.

    The wanted vendor, and no other, when one was named; else the server's preferred one when it can, else the cheapest
    that can, with those after it whose price nobody publishes. `but` names vendors that are out of the question.
    """
    chosen = fitting(providers, order.operation, order.model, wanted)
    order = _spelled(chosen, order)
    able = [
        provider
        for provider in chosen.values()
        if order.operation in provider.operations() and wanted in {None, provider.name} and provider.name not in but
    ]
    if not able:
        problem = Problem(field="operation", rule=Rule.NOT_OFFERED, given=order.operation.value)
        return Refused(wanted, (problem,))
    offers = [(provider, provider.fill(order)) for provider in able]
    refusals = [Refused(provider.name, tuple(provider.problems(filled))) for provider, filled in offers]
    valid = [offer for offer, refusal in zip(offers, refusals, strict=True) if not refusal.problems]
    if not valid:
        return min(refusals, key=lambda each: (_not_taken(order, each), len(each.problems), -_most_taken(each)))
    plans = [
        (
            provider.price(filled) is None,
            Plan(provider.name, filled, estimate(providers, provider, filled), order, wanted),
        )
        for provider, filled in valid
    ]
    return min(plans, key=lambda one: (one[1].provider != preferred, one[0], one[1].price))[1]


def _not_taken(order: Order, refusal: Refused) -> int:
    """Count the attached files that a vendor has no use for: what is wrong with them, another one can say better."""
    given = {file.role.value for file in (*order.pictures, *order.clips)} | {"operation"}
    return sum(problem.rule is Rule.NOT_OFFERED and problem.field in given for problem in refusal.problems)


def _most_taken(refusal: Refused) -> int:
    """Say how far the vendor goes in what there was too much of: the one with more room came closer."""
    limits = [problem.limit for problem in refusal.problems if problem.rule in {Rule.TOO_MANY, Rule.TOO_LONG}]
    return max((limit for limit in limits if limit is not None), default=0)


def estimate(providers: Mapping[str, Provider], provider: Provider, order: Order) -> int:
    """Price an order in credits, to be shown and held.

    Where the vendor publishes no price, the dearest of its models at the same duration and resolution counts, then its
    dearest rate a second, then what the dearest other vendor here would ask: budgets must hold.
    """
    price = provider.price(order)
    if price is not None:
        return price
    models = provider.models(order.operation)
    alike = [provider.price(provider.fill(replace(order, model=model.name))) for model in models]
    known = [price for price in alike if price is not None] or _by_rate(provider, order)
    if not known:
        others = [one for one in providers.values() if one is not provider]
        known = [price for other in others for price in _elsewhere(other, order)]
    return max(max(known, default=_UNPRICED), 1)


def _elsewhere(provider: Provider, order: Order) -> list[int]:
    if order.operation not in provider.operations():
        return _by_rate(provider, order)
    price = provider.price(provider.fill(replace(order, model=None)))
    return _by_rate(provider, order) if price is None else [price]


def _by_rate(provider: Provider, order: Order) -> list[int]:
    """Price an order no model has a price for: by the dearest rate a second at the nearest resolution upwards.

    Where nothing of its operation is priced, what the vendor asks for a video from a text is the measure.
    """
    if order.operation.makes == "image":
        return []
    rates = _rates(provider, order) or _rates(provider, Order(Operation.TEXT_TO_VIDEO, prompt="x"))
    if not rates:
        return []
    models = provider.models(order.operation)
    usual = provider.fill(replace(order, model=models[0].name)) if models else order
    seconds = _seconds(order) if usual.duration is None else usual.duration
    nearest = min((lines for lines, _ in rates if lines >= _lines(usual.resolution)), default=None)
    return [ceil(max(rate for lines, rate in rates if nearest in {None, lines}) * ceil(seconds))]


def _seconds(order: Order) -> float:
    """Say how long a video will be whose length is not chosen: as its clips, or as its text takes to be said."""
    spoken = len(str(order.extras.get("text", ""))) / _LETTERS_A_SECOND
    lengths = [clip.seconds for clip in order.clips if clip.seconds]
    return max(lengths) if lengths else max(spoken, _USUAL_SECONDS)


def _rates(provider: Provider, order: Order) -> list[tuple[int, Fraction]]:
    return [
        (_lines(size), Fraction(price, seconds))
        for model in provider.models(order.operation)
        for size in model.resolutions
        for seconds in model.durations
        if (price := provider.price(replace(order, model=model.name, duration=seconds, resolution=size))) is not None
    ]


def _lines(resolution: str | None) -> int:
    """Read 720p as 720; what is no such word counts as more than any."""
    return int(resolution[:-1]) if resolution and re.fullmatch("[0-9]{1,5}p", resolution) else sys.maxsize


async def accept(ctx: Context, plan: Plan, asker: Asker, root: Job | None = None) -> Job | Hindered | Busy | NoAccount:
    """Take a planned order: keep its files, then store job and hold in one transaction. Raise StorageError, OSError.

    The same command taken twice leads to the same job. `root`: the music video whose shots it is about.
    """
    job = _job(plan, asker, ctx.now(), root.id if root else None)
    await keep_files(ctx, job, plan.order)
    ctx.tell("pictures kept", job.id, pictures=len(job.inputs))
    held = await ctx.database.write(_held, ctx, job, root)
    if not isinstance(held, Job) or held.id != job.id:
        for stored in job.inputs:
            files.locate(ctx.media_dir, files.INPUTS, stored.file).unlink(missing_ok=True)
        return Hindered(job.price, held) if isinstance(held, Limit) else held
    ctx.tell("held", held.id, provider=held.provider, operation=held.operation, credits=held.price, state=held.state)
    ctx.wakes.submit.set()
    if held.state is State.APPROVING:
        ctx.wakes.alerts.set()
    return held


def foreseen(
    connection: Connection, ctx: Context, plan: Plan, asker: Asker, root: Job | None = None
) -> Hindered | Busy | NoAccount | None:
    """Tell what would keep a planned order from being taken, as things are now.

    Nothing is stored, and nothing promised: the hold asks the same once more.
    """
    job = _job(plan, asker, ctx.now(), root.id if root else None)
    if job_facts.by_interaction(connection, job.interaction_id) is not None:
        return None
    account = _account(connection, ctx, job, root)
    if isinstance(account, Busy | NoAccount):
        return account
    limit = limits.first(connection, job, ctx.outside_daily)
    return None if limit is None else Hindered(job.price, limit)


def _held(connection: Connection, ctx: Context, job: Job, root: Job | None) -> Job | Limit | Busy | NoAccount:
    """Store a job where the server's rules as they are now let it begin, and no other change of its video does not.

    The job that the same command led to before is returned instead.
    """
    known = job_facts.by_interaction(connection, job.interaction_id)
    if known is not None:
        return known
    account = _account(connection, ctx, job, root)
    if isinstance(account, Busy | NoAccount):
        return account
    job = replace(job, key_id=account)
    state = consent.first_state(guilds.settings_of(connection, job.guild_id or 0), job.price)
    until = consent.deadline(ctx, state, job.created_at)
    job = replace(job, state=state, deadline_at=until, due_at=job.created_at if state is State.QUEUED else until)
    limit = job_facts.held(connection, job, ctx.outside_daily)
    if limit is None:
        consent.asked(connection, job, job.created_at)
    return limit or job


def _account(connection: Connection, ctx: Context, job: Job, root: Job | None) -> int | Busy | NoAccount | None:
    """Say whose account a job goes on; or what of its music video, or of the keys, stands in its way."""
    if root is not None:
        shots = job.options.get("shots", [])
        other = changes.in_the_way(Operation(job.operation), shots, job_facts.changes_of(connection, root))
        if other is not None:
            return Busy(other)
    return account_for(connection, ctx.providers, job, root)


def account_for(
    connection: Connection, operators: Mapping[str, Provider], job: Job, root: Job | None = None
) -> int | NoAccount | None:
    """Say whose account a job goes on as it is stored: the server's own key, else None, the operator's.

    What changes a music video stays with the account that has it; a key that was removed begins nothing new.
    """
    guild_id = job.guild_id if job.place is Place.SERVER else None  # not for who only brings the bot along
    own = vendor_keys.in_use(connection, guild_id, job.provider)
    theirs = own is not None if root is None else root.key_id is not None
    if theirs and own is not None:
        return own.id
    return NoAccount(job.provider, gone=theirs) if theirs or job.provider not in operators else None


def _job(plan: Plan, asker: Asker, now: int, root_id: int | None) -> Job:
    job_id = new_job_id(now)
    order = plan.order
    return Job(
        id=job_id,
        interaction_id=asker.interaction_id,
        guild_id=asker.guild_id,
        place=asker.place,
        channel_id=asker.channel_id,
        parent_id=asker.parent_id,
        parent_open=asker.parent_open,
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
        options=options_of(order),
        inputs=inputs_of(job_code(job_id), order),
        state=State.QUEUED,
        created_at=now,
        changed_at=now,
        due_at=now,
        deadline_at=now,
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
        asked={**options_of(plan.asked), "model": plan.asked.model, "wanted": plan.wanted, "roles": list(asker.roles)},
        root_id=root_id,
        language=asker.language,
    )
