"""Facts about one member: their jobs, what they may still spend, what is stored about them, how it is taken away."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, and_, case, cast, exists, func, or_, select, update

from storage import deliveries, guilds, limits, moderation, outputs
from storage import jobs as job_facts
from storage.codes import first_id_at
from storage.tables import CLOSING, RUNNING, UNSETTLED, acts, blocks, budgets, inbox, jobs, ledger, presets
from storage.tables import outputs as output_table
from storage.words import TERMINAL, Act, Block, Budget, Delivery, Entry, Job, Output, Period, Preset, Scope, State

_LONGEST_PAUSE = 24 * 3_600_000  # milliseconds between two jobs of a member, as in limits.py
_MOST_ACTS = 10_000  # in one answer
_KEPT_OPTIONS = ("duration", "resolution", "aspect_ratio", "seed", "audio")  # figures and words of a fixed list
_ended: ColumnElement[bool] = jobs.c.state.in_(sorted(TERMINAL))


# What a member asked for


class Which(StrEnum):
    """Which of a member's jobs are meant."""

    RUNNING = "running"
    FINISHED = "finished"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Listed:
    """A job with where its result is."""

    job: Job
    delivery: Delivery | None
    file: str | None  # of its results the first that is kept; None: there is none


def listed(
    connection: Connection, guild_id: int | None, user_id: int, which: Which, offset: int, limit: int
) -> list[Listed]:
    """List a member's jobs in a server (None: outside of all): those that go on first, then the newest."""
    statement = select(jobs.c.id).where(jobs.c.guild_id == guild_id, jobs.c.user_id == user_id)
    if which is Which.RUNNING:
        statement = statement.where(RUNNING)
    elif which is Which.FINISHED:
        statement = statement.where(_ended)
    statement = statement.order_by(case((_ended, 1), else_=0), jobs.c.id.desc()).offset(offset).limit(limit)
    return [_listed(connection, job) for job in _in_order(connection, statement)]


def _listed(connection: Connection, job: Job) -> Listed:
    file = next((output.file for output in outputs.of_job(connection, job.id) if output.file), None)
    return Listed(job, deliveries.of_job(connection, job.id), file)


def cancellable(
    connection: Connection, guild_id: int | None, user_id: int, *, everybody: bool, limit: int
) -> list[Job]:
    """List the jobs of a member in a server (None: outside of all), or of everybody there, that can be given up.

    The member's own come first, then the newest.
    """
    statement = select(jobs.c.id).where(jobs.c.guild_id == guild_id, RUNNING)
    statement = statement.where(jobs.c.state != State.CANCELLING.value)
    if not everybody:
        statement = statement.where(jobs.c.user_id == user_id)
    own_first = case((jobs.c.user_id == user_id, 0), else_=1)
    return _in_order(connection, statement.order_by(own_first, jobs.c.id.desc()).limit(limit))


def _in_order(connection: Connection, statement: Any) -> list[Job]:
    """Read jobs in the order of their ids as listed: sorting whole rows would read every prompt."""
    ids = [int(job_id) for job_id in connection.execute(statement).scalars()]
    found = {job.id: job for job in job_facts.by_ids(connection, ids)}
    return [found[job_id] for job_id in ids]


# What they may still spend


@dataclass(frozen=True, slots=True)
class Allowance:
    """A budget that binds a member."""

    budget: Budget
    used: int  # credits, those that are only held included
    held: int  # of these
    until: int  # when it begins anew

    @property
    def left(self) -> int:
        """Say how many credits may still be spent."""
        return max(self.budget.credits - self.used, 0)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a member stands in a channel."""

    allowances: tuple[Allowance, ...]
    running: int  # their jobs that go on
    most_running: int | None  # None: no limit
    cooldown: int | None  # seconds between two jobs; None: none
    free_at: int  # when the pause since their last job is over
    block: Block | None


def standing(
    connection: Connection,
    guild_id: int | None,
    channel_id: int,
    user_id: int,
    roles: tuple[int, ...],
    now: int,
    outside: int = 0,
) -> Standing:
    """Tell what a member with these roles may still do in a channel; None: outside of servers."""
    settings = guilds.settings_of(connection, guild_id or 0)
    here = (jobs.c.guild_id == guild_id, jobs.c.user_id == user_id)
    running = connection.execute(select(func.count()).select_from(jobs).where(*here, RUNNING)).scalar_one()
    recent = select(func.max(jobs.c.created_at)).where(*here, jobs.c.id >= first_id_at(now - _LONGEST_PAUSE))
    last = connection.execute(recent).scalar()
    block = next((one for one in moderation.blocks_of(connection, guild_id or 0, now) if one.user_id == user_id), None)
    return Standing(
        allowances=tuple(
            Allowance(
                budget, used, _held(connection, guild_id, user_id, budget, now), limits.end_of(now, budget.period)
            )
            for budget, used in limits.allowances(connection, guild_id, channel_id, user_id, roles, now, outside)
        ),
        running=int(running),
        most_running=settings.most_running,
        cooldown=settings.cooldown,
        free_at=0 if last is None or not settings.cooldown else int(last) + settings.cooldown * 1000,
        block=block,
    )


def _held(connection: Connection, guild_id: int | None, user_id: int, budget: Budget, now: int) -> int:
    """Sum the holds of a budget that nothing has closed yet."""
    closing = ledger.alias("closing")
    closed = exists(select(closing.c.id).where(closing.c.job_id == ledger.c.job_id, CLOSING))
    whose = {
        Scope.CHANNEL: (ledger.c.channel_id == budget.subject_id,),
        Scope.MEMBER: (ledger.c.user_id == user_id,),
    }.get(budget.scope, ())
    since = limits.start_of(now, budget.period)
    statement = select(func.coalesce(func.sum(ledger.c.amount), 0)).where(
        ledger.c.guild_id == guild_id, ledger.c.held_at >= since, ledger.c.kind == Entry.HOLD.value, *whose, ~closed
    )
    return -int(connection.execute(statement).scalar_one())


# What is stored about them


@dataclass(frozen=True, slots=True)
class Movement:
    """A row of the ledger."""

    kind: Entry
    amount: int
    reported: int | None
    at: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A job with everything that hangs on it."""

    job: Job
    ledger: tuple[Movement, ...]
    outputs: tuple[Output, ...]
    delivery: Delivery | None
    callbacks: tuple[int, ...]  # when the vendor called about it


@dataclass(frozen=True, slots=True)
class About:
    """What is stored about a member besides jobs; the first number of a pair is the server's."""

    blocks: tuple[tuple[int, Block], ...]
    budgets: tuple[tuple[int, Budget], ...]  # their own ones
    presets: tuple[tuple[int, Preset], ...]  # that they made
    acts: tuple[Act, ...]  # by them, and about them, the latest first


def kept(connection: Connection, user_id: int, before: int | None, limit: int) -> list[Kept]:
    """List all of a member's jobs wherever they asked, the newest first; `before`: the id to go on from."""
    statement = select(jobs.c.id).where(jobs.c.user_id == user_id)
    if before is not None:
        statement = statement.where(jobs.c.id < before)
    return [_kept(connection, job) for job in _in_order(connection, statement.order_by(jobs.c.id.desc()).limit(limit))]


def _kept(connection: Connection, job: Job) -> Kept:
    rows = select(ledger.c.kind, ledger.c.amount, ledger.c.reported, ledger.c.at).where(ledger.c.job_id == job.id)
    calls = select(inbox.c.received_at).where(inbox.c.job_id == job.id).order_by(inbox.c.id)
    return Kept(
        job,
        tuple(
            Movement(Entry(kind), amount, reported, at)
            for kind, amount, reported, at in connection.execute(rows.order_by(ledger.c.id))
        ),
        tuple(outputs.of_job(connection, job.id)),
        deliveries.of_job(connection, job.id),
        tuple(connection.execute(calls).scalars()),
    )


def about(connection: Connection, user_id: int) -> About:
    """Read what is stored about a member besides their jobs."""
    theirs = or_(
        acts.c.actor_id == user_id,
        acts.c.subject == str(user_id),
        cast(acts.c.detail["member"].as_string(), String) == str(user_id),
    )
    latest = select(acts).where(theirs).order_by(acts.c.id.desc()).limit(_MOST_ACTS)
    budget_columns = (budgets.c.guild_id, budgets.c.scope, budgets.c.subject_id, budgets.c.period, budgets.c.credits)
    own = (budgets.c.scope == Scope.MEMBER.value, budgets.c.subject_id == user_id)
    return About(
        blocks=tuple(
            (row["guild_id"], Block(**{name: row[name] for name in Block.__dataclass_fields__}))
            for row in connection.execute(select(blocks).where(blocks.c.user_id == user_id)).mappings()
        ),
        budgets=tuple(
            (guild_id, Budget(Scope(scope), subject, Period(period), credits))
            for guild_id, scope, subject, period, credits in connection.execute(select(*budget_columns).where(*own))
        ),
        presets=tuple(
            (row["guild_id"], Preset(**{name: row[name] for name in Preset.__dataclass_fields__}))
            for row in connection.execute(select(presets).where(presets.c.by == user_id)).mappings()
        ),
        acts=tuple(Act(**row) for row in connection.execute(latest).mappings()),
    )


# How it is taken away


@cache  # made anew at each step of a long tidying, it would leave megabytes to the collector, which looks seldom
def over() -> ColumnElement[bool]:
    """Tell a job that nothing can come of any more: ended, paid, its files fetched, its result posted.

    A music video whose shots are being worked on is needed still, wherever somebody asked for that.
    """
    child = jobs.alias("child")
    closed = exists(select(ledger.c.id).where(and_(ledger.c.job_id == jobs.c.id, CLOSING)))
    waited_for = (
        exists(select(output_table.c.id).where(output_table.c.job_id == jobs.c.id, output_table.c.due_at.is_not(None))),
        exists(deliveries.under_way(jobs.c.id)),
        exists(select(inbox.c.id).where(inbox.c.job_id == jobs.c.id, UNSETTLED)),
        exists(select(child.c.id).where(child.c.root_id == jobs.c.id, RUNNING)),
    )
    return and_(_ended, closed, *(~one for one in waited_for))


def unfinished(connection: Connection, user_id: int) -> list[Job]:
    """List a member's jobs, wherever they asked, whose words and files are needed still, the newest first."""
    statement = select(jobs.c.id).where(jobs.c.user_id == user_id, ~over()).order_by(jobs.c.id.desc())
    return _in_order(connection, statement)


def finished(connection: Connection, user_id: int) -> list[int]:
    """List the ids of a member's other jobs, those without words any more included."""
    statement = select(jobs.c.id).where(jobs.c.user_id == user_id, over()).order_by(jobs.c.id)
    return [int(job_id) for job_id in connection.execute(statement).scalars()]


def worded(connection: Connection, user_id: int, limit: int | None) -> list[int]:
    """List finished jobs of a member that still hold words of theirs, the oldest first."""
    empty = (cast(jobs.c.asked, String) == "{}", cast(jobs.c.inputs, String) == "[]")
    words = or_(jobs.c.prompt != "", jobs.c.user_name != "", jobs.c.detail.is_not(None), *(~one for one in empty))
    statement = select(jobs.c.id).where(jobs.c.user_id == user_id, words, over()).order_by(jobs.c.id)
    return [int(job_id) for job_id in connection.execute(statement.limit(limit)).scalars()]


def silenced(connection: Connection, user_id: int, limit: int) -> int:
    """Take the words and files out of some finished jobs of a member; how many, 0: there are none any more.

    What the ledger's sums and the comparison of prices stand on stays: when, where, which model, how long, the credits.
    """
    ids = worded(connection, user_id, limit)
    silence(connection, ids, "deleted by the member")
    return len(ids)


def silence(connection: Connection, ids: Sequence[int], why: str) -> None:
    """Take the words and files out of jobs that are over."""
    for job_id, options in connection.execute(select(jobs.c.id, jobs.c.options).where(jobs.c.id.in_(ids))).all():
        empty: dict[str, Any] = {"prompt": "", "user_name": "", "inputs": [], "asked": {}, "shots": [], "detail": None}
        connection.execute(
            update(jobs)
            .where(jobs.c.id == job_id)
            .values(**empty, options=_without_words(options or {}), silenced=True)
        )
    nowhere = {"url": "", "file": None, "sha256": None, "problem": why}
    connection.execute(update(output_table).where(output_table.c.job_id.in_(ids)).values(nowhere))
    # A vendor's callback may repeat the prompt; the row stays, so that a repeat of it is still known.
    connection.execute(update(inbox).where(inbox.c.job_id.in_(ids)).values(body=b""))


def _without_words(options: dict[str, Any]) -> dict[str, Any]:
    """Keep of an order's options what is no text of the member's."""
    extras: dict[str, Any] = options.get("extras") or {}
    figures = {name: value for name, value in extras.items() if not isinstance(value, str)}
    return {name: options[name] for name in _KEPT_OPTIONS if name in options} | {"extras": figures}
