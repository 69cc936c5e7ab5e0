"""Holding the books against each other: the vendors' tasks, Discord's messages, and what the program wrote down."""

import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import islice

from sandbox.discord import Message
from sandbox.vendors import Task
from storage.codes import job_code
from tests.chaos.ledger import Reader
from tests.chaos.proxy import STRAYS
from tests.chaos.world import PURSE, World

_CODE = "[0-9a-hj-km-np-tv-z]{13}"
_FILE = re.compile(rf"(?:SPOILER_)?rushes-({_CODE})(?:-[0-9]+)?\.")
_MARK = re.compile(rf"'(?:custom_id)': '[a-z]+:({_CODE}):")
_WHO = ("vidu", "kling")  # can be asked whether they have a task of a job; of the others only a callback can tell


@dataclass
class Callbacks:
    """The callbacks that the program has answered with 200: by the codes of their jobs, digests of their bodies."""

    answered: dict[str, set[bytes]] = field(default_factory=lambda: defaultdict[str, set[bytes]](set))

    def gather(self, world: World) -> None:
        """Take over what is known, and let the stand-ins forget what nobody needs any more."""
        for vendor in world.vendors.values():
            for sent in vendor.sent:
                if sent.status == 200:
                    self.answered[code_of(sent.url)].add(hashlib.sha256(sent.body).digest())
            vendor.sent[:] = [sent for sent in vendor.sent if sent.status is None and not sent.error]
            vendor.calls.clear()
        world.discord.requests.clear()
        for message in islice(reversed(world.discord.messages.values()), 1_000):
            message.edits.clear()


@dataclass
class Verdict:
    """What came of a run. Each list of broken promises holds one line a case."""

    jobs: int = 0
    succeeded: int = 0
    failed: int = 0
    waiting: int = 0  # for a human: nobody can tell whether the vendor took them, and their hold is kept
    booked: int = 0  # duplicate tasks at a vendor that the program knows of
    lost: list[str] = field(default_factory=list[str])
    double_posts: list[str] = field(default_factory=list[str])
    double_settles: list[str] = field(default_factory=list[str])
    unbooked: list[str] = field(default_factory=list[str])
    needless: list[str] = field(default_factory=list[str])  # duplicate tasks, where no submission arrived late
    overdrawn: list[str] = field(default_factory=list[str])
    untrue: list[str] = field(default_factory=list[str])

    def promises(self) -> dict[str, list[str]]:
        """Name the promises, with the cases in which each was broken."""
        return {
            "lost": self.lost,
            "double posts": self.double_posts,
            "double settles": self.double_settles,
            "duplicate vendor tasks, not booked": self.unbooked,
            "needless duplicate vendor tasks": self.needless,
            "budgets overdrawn": self.overdrawn,
            "results that no vendor made": self.untrue,
        }

    def facts(self) -> dict[str, int]:
        """Put it in words that a machine reads."""
        counts = {"jobs": self.jobs, "posted": self.succeeded, "failed, credits back": self.failed}
        counts |= {"wait for a human": self.waiting, "duplicate vendor tasks, booked": self.booked}
        return counts | {name: len(cases) for name, cases in self.promises().items()}


@dataclass(frozen=True, slots=True)
class _Job:
    id: int
    code: str
    provider: str
    state: str
    task_id: str | None
    delivery: str | None


def audit(world: World, reader: Reader, callbacks: Callbacks) -> Verdict:
    """Read all books and judge."""
    verdict = Verdict()
    tasks: dict[str, list[Task]] = defaultdict(list)
    for vendor in world.vendors.values():
        for task in vendor.tasks.values():
            tasks[code_of(task.callback_url)].append(task)
    results, shown = _posted(world)
    columns = "SELECT jobs.id, provider, jobs.state, task_id, deliveries.state FROM jobs"
    rows = reader.rows(f"{columns} LEFT JOIN deliveries ON deliveries.job_id = jobs.id")
    jobs = {job_code(row[0]): _Job(row[0], job_code(row[0]), *row[1:]) for row in rows}
    entries: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for job_id, kind, amount in reader.rows("SELECT job_id, kind, amount FROM ledger ORDER BY id"):
        entries[job_id].append((kind, amount))
    booked = {(provider, task_id) for provider, task_id in reader.rows("SELECT provider, task_id FROM strays")}
    verdict.jobs = len(jobs)
    twins = [code for code, made in tasks.items() for _ in made[1:]]
    if len(twins) > sum(times for name, times in world.count.items() if name.endswith(STRAYS)):
        verdict.needless = twins
    for code in (tasks.keys() | shown | results.keys()) - jobs.keys():
        verdict.lost.append(f"{code}: shown to its member or sent to a vendor, and not in the database")
    for job in jobs.values():
        _judge_money(verdict, job, entries[job.id])
        _judge_posts(verdict, job, results.get(job.code, []), tasks.get(job.code, []))
        _judge_tasks(verdict, job, tasks.get(job.code, []), booked)
        _judge_end(verdict, job, tasks.get(job.code, []), entries[job.id], bool(callbacks.answered.get(job.code)))
    _judge_inbox(verdict, reader, callbacks, {job.code: job.id for job in jobs.values()})
    _judge_budgets(verdict, world, reader)
    return verdict


def code_of(address: str) -> str:
    """Read a job's code out of its callback address."""
    return address.rpartition("/")[2][:13]


def _posted(world: World) -> tuple[dict[str, list[Message]], set[str]]:
    """Sort what the bot posted: results by their jobs' codes, and the codes of all jobs anybody was shown."""
    results: dict[str, list[Message]] = defaultdict(list)
    shown: set[str] = set()
    for message in world.discord.messages.values():
        if message.author is not world.discord.bot:
            continue
        files = {found[1] for file in message.attachments if (found := _FILE.match(file.filename))}
        marks = set(_MARK.findall(str(message.components)))
        shown |= files | marks
        if message.content:  # a card has no words outside its frame
            for code in files or marks:
                results[code].append(message)
    return results, shown


def _judge_money(verdict: Verdict, job: _Job, entries: list[tuple[str, int]]) -> None:
    kinds = [kind for kind, _ in entries]
    closed = [kind for kind in kinds if kind != "hold"]
    if kinds.count("hold") != 1:
        verdict.lost.append(f"{job.code}: has {kinds.count('hold')} holds")
    if len(closed) > 1 or sum(amount for _, amount in entries) > 0:
        verdict.double_settles.append(f"{job.code}: {entries}")
    if job.state == "succeeded" and closed != ["settle"]:
        verdict.lost.append(f"{job.code}: succeeded, but its hold is {closed or 'open'}")
    if job.state in {"failed", "cancelled"} and not closed:
        verdict.lost.append(f"{job.code}: {job.state}, and its hold is still open")


def _judge_posts(verdict: Verdict, job: _Job, messages: list[Message], tasks: list[Task]) -> None:
    if len(messages) > 1:
        where = [f"#{message.id} with nonce {message.nonce}" for message in messages]
        verdict.double_posts.append(f"{job.code}: {', '.join(where)}")
    films = [task.video.read_bytes() for task in tasks if task.video is not None]
    for message in messages:
        if any(file.data not in films for file in message.attachments):
            verdict.untrue.append(f"{job.code}: what was posted is no film of its task")


def _judge_tasks(verdict: Verdict, job: _Job, tasks: list[Task], booked: set[tuple[str, str]]) -> None:
    """Each task but one must be booked: a vendor may bill it, and no hold pays for it."""
    known = [task for task in tasks if (job.provider, task.id) in booked]
    verdict.booked += len(known)
    if len(tasks) - len(known) > 1:
        ends = [task.states[-1] for task in tasks]
        verdict.unbooked.append(f"{job.code}: {job.provider} has {len(tasks)} tasks of it, {len(known)} booked, {ends}")


def _judge_end(verdict: Verdict, job: _Job, tasks: list[Task], entries: list[tuple[str, int]], rang: bool) -> None:
    ends = [task.states[-1] for task in tasks]
    if job.state == "succeeded" and job.delivery == "posted":
        verdict.succeeded += 1
    elif job.state == "failed" and not any(task.state == task.dialect.done for task in tasks):
        verdict.failed += 1
    elif job.state == "unknown" and len(entries) == 1 and not rang and (not tasks or job.provider not in _WHO):
        verdict.waiting += 1
    else:
        verdict.lost.append(f"{job.code}: {job.state} at {job.provider}, delivery {job.delivery}, vendor says {ends}")


def _judge_inbox(verdict: Verdict, reader: Reader, callbacks: Callbacks, ids: dict[str, int]) -> None:
    stored: dict[int, set[bytes]] = defaultdict(set)
    for job_id, body in reader.rows("SELECT job_id, body FROM inbox"):
        stored[job_id].add(hashlib.sha256(body).digest())
    for code, answered in callbacks.answered.items():
        missing = answered - stored.get(ids.get(code, 0), set())
        if missing:
            verdict.lost.append(f"{code}: {len(missing)} callbacks were answered with 200 and are not in the inbox")


def _judge_budgets(verdict: Verdict, world: World, reader: Reader) -> None:
    assert world.poor.guild is not None
    spent: dict[int, int] = defaultdict(int)
    question = "SELECT user_id, amount FROM ledger WHERE guild_id = :guild ORDER BY id"
    for user, amount in reader.rows(question, guild=world.poor.guild.id):
        spent[user] -= amount
        if spent[user] > PURSE and amount < 0:
            verdict.overdrawn.append(f"member {user} has spent {spent[user]} of {PURSE} credits")
