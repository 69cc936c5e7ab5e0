"""Acting on stored callbacks: what is signed is taken at its word, everything else is confirmed by one question."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import structlog

from jobs import life, strays
from jobs.context import Context
from jobs.loop import Work
from jobs.transitions import Event
from jobs.whose import may_bill, ours, task_of
from providers.contract import (
    NotUnderstood,
    Progress,
    Provider,
    ProviderError,
    Reason,
    Status,
    Trust,
)
from storage import Connection, StorageError, alerts, inbox
from storage import jobs as job_facts
from storage.words import AlertKind, InboxRow, Job, State, StoredShot

_log = structlog.get_logger("settle")
_ELSEWHERE = "the job is at another vendor"
_AT_ONCE = 32
_BATCH = 500
# Whoever knows a job's address can ring: a vendor does it a few times. More rings than that are answered together, so
# that nobody can make us ask a vendor without end.
_FREE_RINGS = 12
_PROMPT_RINGS = 6  # more than a vendor makes for most jobs; what more ask for, all jobs of an account share (ration.py)
_HINTS_READ = 16  # of the newest callbacks of a job, in one look: reading bodies takes time that others wait for
_TASKS_ASKED = 4  # in one look at a job in doubt, where each callback may name another task
_RING_GAP = 10_000  # milliseconds

_EVENTS = {
    Progress.WAITING: Event.WAITING,
    Progress.RUNNING: Event.RUNNING,
    Progress.SUCCEEDED: Event.SUCCEEDED,
    Progress.FAILED: Event.FAILED,
    Progress.CANCELLED: Event.STOPPED,
}

# States that concern nobody but the job's own card and files.
_USUAL = {State.SUBMITTED.value, State.PROCESSING.value, State.SUCCEEDED.value}


@dataclass(frozen=True, slots=True)
class Pile:
    """A job's callbacks that nobody has acted on."""

    job_id: int
    job: Job | None
    rows: list[InboxRow]
    rings: inbox.Rings


def work(ctx: Context) -> Work[Pile]:
    """Act on the callbacks that are waiting."""

    async def due() -> Sequence[Pile]:
        return await ctx.database.read(_piles, ctx.now())

    async def handle(pile: Pile) -> None:
        try:
            await _settle(ctx, pile)
        except StorageError:
            raise
        except Exception:  # noqa: BLE001 -- what one vendor said must not fill all hands
            _log.exception("callbacks not acted on", job=pile.job.code if pile.job else pile.job_id)
            await ctx.database.write(_put_off, ctx, pile.rows)

    return Work("settle", due, handle, lambda pile: pile.job_id, ctx.wakes.settle, _AT_ONCE, ctx.timing.idle / 1000)


def _piles(connection: Connection, now: int) -> list[Pile]:
    rows = sorted(inbox.unsettled(connection, now, _BATCH), key=lambda row: (row.job_id, row.id))
    groups = {job_id: list(group) for job_id, group in groupby(rows, key=lambda row: row.job_id)}
    next_ones = list(groups)[:_AT_ONCE]
    found = {job.id: job for job in job_facts.by_ids(connection, next_ones)}
    rings = inbox.rung(connection, next_ones)
    return [Pile(job_id, found.get(job_id), groups[job_id], rings[job_id]) for job_id in next_ones]


async def _settle(ctx: Context, pile: Pile) -> None:
    job, rows = pile.job, pile.rows
    provider = ctx.provider_of(job) if job else None
    if job is not None and provider is None and ctx.keys.lost(job.key_id):
        await ctx.database.write(_put_off, ctx, rows)  # the key may be readable again after the next start
        return
    if job is None or provider is None:
        await _put_away(ctx, rows, "no such job" if job is None else "the vendor is not set up any more")
        return
    strange = [row for row in rows if row.provider != job.provider]
    if strange:
        await _left_behind(ctx, job, strange)
        rows = [row for row in rows if row.provider == job.provider]
    doubtful = [row for row in rows if not await _take_at_its_word(ctx, provider, job, row)]
    doubtful = await _of_use(ctx, provider, job, doubtful)
    if not doubtful:
        return
    rings, again = pile.rings.many, pile.rings.last + _RING_GAP
    if rings > _FREE_RINGS and ctx.now() < again:  # there were many, and it was asked about a moment ago
        await ctx.database.write(inbox.postponed, [row.id for row in doubtful], again)
        return
    for number, (task_id, group) in enumerate(_by_task(provider, job, _next(job, doubtful)).items()):
        if (rings > _PROMPT_RINGS or number) and not await _rationed(ctx, job, group):
            continue
        after = await _confirm(ctx, provider, job, task_id, group)
        if after is not None and after.task_id != job.task_id:
            return  # the job has found its task: the other callbacks are looked at again in that light


async def _of_use(ctx: Context, provider: Provider, job: Job, rows: list[InboxRow]) -> list[InboxRow]:
    """Put away the callbacks of a job that is over, but for those that may speak of a task nobody has counted."""
    if not job.state.terminal or job.state is State.EXPIRED:
        return rows
    more = [row for row in rows[-_HINTS_READ:] if strays.asks_for_more(job, _read(provider, row))]
    rest = [row for row in rows if row not in more]
    if rest:
        await _put_away(ctx, rest, "the job was over")
    return more


async def _left_behind(ctx: Context, job: Job, rows: Sequence[InboxRow]) -> None:
    """Put away what was posted by the vendor that had turned a job away before another took it."""
    known = ctx.known
    hints = [(row, _read(known[row.provider], row)) for row in rows if row.provider in known]
    bills = {row.provider for row, hint in hints if hint is None or may_bill(hint)}

    def change(connection: Connection) -> None:
        for vendor in bills:
            alerts.raised(connection, replace(job, provider=vendor), AlertKind.TWICE, ctx.now())
        inbox.settled(connection, [row.id for row in rows], ctx.now(), _ELSEWHERE)

    await ctx.database.write(change)
    ctx.tell("put away", job.id, outcome=_ELSEWHERE)
    for vendor in bills:
        _made_twice(ctx, job, vendor)


def _made_twice(ctx: Context, job: Job, vendor: str) -> None:
    _log.warning("perhaps made by two vendors", job=job.code, turned_away_by=vendor)
    ctx.tell("perhaps made by two vendors", job.id, provider=vendor)
    ctx.wakes.alerts.set()


def _put_off(connection: Connection, ctx: Context, rows: Sequence[InboxRow]) -> None:
    """Act on callbacks later, and ever more seldom; give up when their job is not looked after any more either."""
    now, ids = ctx.now(), [row.id for row in rows]
    if now - rows[0].received_at >= ctx.timing.rescue:
        inbox.settled(connection, ids, now, "given up: it could not be acted on")
    else:
        inbox.postponed(connection, ids, now + _growing(ctx, rows))


def _growing(ctx: Context, rows: Sequence[InboxRow]) -> int:
    """Say how long to wait, in milliseconds: as long again as some callbacks have waited so far, within bounds."""
    waited = ctx.now() - rows[0].received_at
    return min(max(waited, ctx.timing.retry_least), ctx.timing.retry_most)


def _next(job: Job, rows: Sequence[InboxRow]) -> Sequence[InboxRow]:
    """Pick the callbacks to act on in this look: the newest, and of a job in doubt those never asked about first."""
    if job.task_id is not None and not job.resent:
        return rows[-_HINTS_READ:]
    return sorted(rows, key=lambda row: (row.asked_at or 0, -row.id))[:_TASKS_ASKED]


def _by_task(provider: Provider, job: Job, rows: Sequence[InboxRow]) -> dict[str, list[InboxRow]]:
    """Sort callbacks by the task they ring for: the job's own where it is known, else the one each of them names.

    A job that was sent twice may have two.
    """
    groups: dict[str, list[InboxRow]] = {}
    for row in rows:
        hint = None if job.task_id and not job.resent else _read(provider, row)
        named = hint.task_id if hint else ""
        groups.setdefault(named or job.task_id or "", []).append(row)
    return groups


async def _confirm(ctx: Context, provider: Provider, job: Job, task_id: str, rows: list[InboxRow]) -> Job | None:
    """Ask about the task some callbacks rang for, and take the answer in."""
    if not task_id:
        await _put_away(ctx, rows, "names no task")
        return None
    asked_at = ctx.now()
    try:
        status = await provider.query(task_of(job, task_id))
    except ProviderError as error:
        ctx.tell("confirm failed", job.id, kind=error.kind, reason=error.reason, detail=error.detail)
        await ctx.database.write(_ask_again, ctx, job, rows, error)
        return None
    ctx.tell("confirmed", job.id, word=status.word, credits=status.credits)
    hints = [hint for row in rows[-_HINTS_READ:] if (hint := _read(provider, row)) is not None]
    promised_end = any(hint.progress.final for hint in hints) and not status.progress.final
    due_at = ctx.now() + 2 * ctx.timing.retry_least if promised_end else None
    return await learn(ctx, job, status, asked_at, of=task_id, rows=rows, due_at=due_at)


async def _rationed(ctx: Context, job: Job, rows: Sequence[InboxRow]) -> bool:
    """Say whether one more question may be asked for strangers' sake; else put the callbacks off until it may."""
    account, now = (job.provider, job.key_id), ctx.now()
    if ctx.ration.take(account, now):
        return True
    ctx.tell("confirm put off", job.id, reason="the account's allowance for many rings is used up")
    await ctx.database.write(inbox.postponed, [row.id for row in rows], now + ctx.ration.wait(account, now))
    return False


async def _take_at_its_word(ctx: Context, provider: Provider, job: Job, row: InboxRow) -> bool:
    """Act on a callback whose body is signed; False when it must be confirmed like any other."""
    if row.trust != Trust.DATA.value:
        return False
    status = _read(provider, row)
    if status is None or not (status.task_id == job.task_id or status.echo == job.code):
        return False  # signed, but about another job: its address was replayed
    await learn(ctx, job, status, row.received_at, of=status.task_id or job.task_id or "", rows=[row])
    return True


def _read(provider: Provider, row: InboxRow) -> Status | None:
    try:
        return provider.read_callback(row.body)
    except NotUnderstood:
        return None


async def learn(
    ctx: Context,
    job: Job,
    status: Status,
    asked_at: int,
    *,
    of: str,
    rows: Sequence[InboxRow] = (),
    due_at: int | None = None,
    lookups: int = 0,
) -> Job | None:
    """Take in what the vendor of a job as it was read says of a task, with all that follows, in one transaction.

    `of` is the task, `asked_at` when the question was asked that this answers, `rows` are the callbacks that led to it;
    `due_at` and `lookups` say when to look again if the job goes on.
    Raise StorageError.
    """
    status = replace(status, task_id=of)

    def change(connection: Connection) -> tuple[str, Job | None]:
        outcome, after = _learned(ctx, connection, job, status, asked_at, due_at, lookups)
        inbox.settled(connection, [row.id for row in rows], ctx.now(), outcome)
        return outcome, after

    outcome, after = await ctx.database.write(change)
    ctx.tell("settled", job.id, word=status.word, outcome=outcome, charged=after.charged if after else None)
    ctx.wakes.cards.set()
    if outcome not in _USUAL:
        ctx.wakes.strays.set()
        ctx.wakes.alerts.set()
    if outcome == _ELSEWHERE and may_bill(status):
        _made_twice(ctx, job, job.provider)
    if after and after.state.terminal:
        ctx.wakes.fetch.set()
    return after


def _learned(
    ctx: Context,
    connection: Connection,
    asked: Job,
    status: Status,
    asked_at: int,
    due_at: int | None,
    lookups: int,
) -> tuple[str, Job | None]:
    job, now = job_facts.by_id(connection, asked.id), ctx.now()
    if job is None:
        return "no such job", None
    if job.provider != asked.provider:  # it was given to another one while this one was asked
        if may_bill(status):
            alerts.raised(connection, asked, AlertKind.TWICE, now)
        return _ELSEWHERE, job
    if job.task_id is None and not (job.state.terminal and job.state is not State.EXPIRED):
        adopted = _adopted(ctx, connection, job, status)
        if adopted is None:
            return "a task of somebody else", job
        job = adopted
    elif job.task_id != status.task_id:
        return strays.heard(connection, ctx, job, status), job
    if status.shots:
        shots = [
            StoredShot(shot.id, shot.progress.value, shot.prompt, shot.seconds, shot.origin) for shot in status.shots
        ]
        job_facts.show_shots(connection, job.root_id or job.id, shots, asked_at)
    if status.progress is Progress.FAILED and (hope := _made_twice_perhaps(ctx, connection, job, status)) is not None:
        return hope
    if status.progress.final:
        strays.uncounted(connection, job, status, now)
    after = life.advance(
        connection,
        job,
        _EVENTS[status.progress],
        now,
        ctx.timing,
        due_at=due_at,
        credits=status.credits,
        links=status.outputs,
        lookups=lookups,
        reason=status.reason,
        detail=status.detail or None,
    )
    return (after.state.value, after) if after else ("nothing new", job)


def _made_twice_perhaps(ctx: Context, connection: Connection, job: Job, status: Status) -> tuple[str, Job] | None:
    """Let a job whose task failed go on with another task of it, if there is one or it is not known yet."""
    other = strays.stands_in(connection, ctx, job, status)
    if other is not None:
        return "failed, and its second task stands in", other
    look = strays.looked_for(connection, job)
    if look is None:
        return None
    now = ctx.now()
    # A look may take minutes: the vendor is not asked about the failed task all the time meanwhile.
    due_at = max(look + ctx.timing.retry_least, now + ctx.timing.callback_grace // 8)
    after = life.advance(connection, job, Event.RUNNING, now, ctx.timing, due_at=due_at)
    return "failed, and perhaps made twice", after or job


def _adopted(ctx: Context, connection: Connection, job: Job, status: Status) -> Job | None:
    """Give a job in doubt the task the vendor says is its own; None when it is not."""
    if not ours(connection, job, status):
        return None
    now = ctx.now()
    facts: dict[str, Any] = {
        "task_id": status.task_id,
        "submitted_at": now,
        "deadline_at": now + ctx.timing.patience(job.options),
    }
    return life.advance(connection, job, Event.ACCEPTED, now, ctx.timing, **facts)


async def _put_away(ctx: Context, rows: Sequence[InboxRow], outcome: str) -> None:
    await ctx.database.write(inbox.settled, [row.id for row in rows], ctx.now(), outcome)
    ctx.tell("put away", rows[0].job_id, outcome=outcome)


def _ask_again(connection: Connection, ctx: Context, job: Job, rows: Sequence[InboxRow], error: ProviderError) -> None:
    """Ask later: by the job while it is looked after and its task is known, else by the callbacks themselves."""
    now, timing, ids = ctx.now(), ctx.timing, [row.id for row in rows]
    waited = now - rows[0].received_at
    looked_after = job.task_id is not None and job.due_at is not None
    # A vendor may need a moment until it finds a task it has just made; after that, there is no such task.
    worth = timing.absence_gap * 5 if error.reason is Reason.NOT_FOUND else timing.rescue
    if not looked_after and waited < worth:
        inbox.postponed(connection, ids, now + _growing(ctx, rows), asked_at=now)
        return
    inbox.settled(connection, ids, now, f"the vendor could not be asked: {error.kind}")
    if job.due_at is not None:
        job_facts.postpone(connection, job, min(now + timing.retry_least, job.due_at))
