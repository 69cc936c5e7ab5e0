"""`rushes jobs show` and `rushes inbox`: a job's whole history, stored callbacks and refused ones, for an operator."""

import json
import time
from collections.abc import Iterator, Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.plain import clean
from providers.registry import TITLES
from rushes.terminal import fail, in_database, moment
from storage import Connection, refusals
from storage import record as records
from storage.codes import job_code, job_id_of
from storage.record import Record, Stored
from storage.refusals import Refusal
from storage.words import Job

_REFUSED = "R"  # before the number of a refusal

jobs = typer.Typer(help="Single jobs, as the database knows them.", no_args_is_help=True)
inbox = typer.Typer(help="Vendors' callbacks: stored ones, and why others were refused.", no_args_is_help=True)


def add_to(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.add_typer(jobs, name="jobs")
    app.add_typer(inbox, name="inbox")


@jobs.command(name="show")
def show(
    code: Annotated[str, typer.Argument(help="the job's code, as on its card")],
    *,
    prompt: Annotated[bool, typer.Option("--prompt", help="with the member's words")] = False,
) -> None:
    """Tell a job's whole history: states, callbacks, questions, credits, files, the post, and what people did."""
    job_id = _job_id(code)
    found = in_database(lambda database: database.read(records.record, job_id))
    if found is None:
        fail(f"There is no job {code}.")
    console = Console(highlight=False)
    for heading, lines in _told(found, prompt=prompt):
        console.print(Text(heading, style="bold"))
        for line in lines or ["none"]:
            console.print(Text(f"  {clean(line)}"), soft_wrap=True)


@inbox.command(name="list")
def listed(
    job: Annotated[str | None, typer.Option(help="of one job alone, by its code")] = None,
    limit: Annotated[int, typer.Option(help="so many of each", min=1, max=1_000)] = 20,
) -> None:
    """List the latest callbacks: those that were stored with what came of them, and why others were refused."""
    job_id = None if job is None else _job_id(job)

    def read(connection: Connection) -> tuple[list[Stored], list[Refusal]]:
        return records.callbacks(connection, job_id, limit), refusals.listed(connection, job_id, limit)

    stored, refused = in_database(lambda database: database.read(read))
    console = Console(highlight=False)
    console.print(
        _table(["id", "received (UTC)", "vendor", "job", "trust", "bytes", "what came of it"], map(_row, stored))
    )
    head = ["id", "last (UTC)", "vendor", "job", "answer", "times", "last body", "reason"]
    console.print(_table(head, map(_refusal_row, refused)))


@inbox.command(name="replay")
def replay(
    ids: Annotated[list[str], typer.Argument(help=f"as rushes inbox list shows them: 12, {_REFUSED}3")],
) -> None:
    """Act on stored callbacks once more, and ask vendors about the jobs that refused ones were for.

    What is over stays as it is, so this is safe at any time. The running program does it within a second or two.
    """
    numbers = [_numbered(one) for one in ids]

    def change(connection: Connection) -> list[str]:
        return [_replayed(connection, refused, number) for refused, number in numbers]

    for line in in_database(lambda database: database.write(change)):
        typer.echo(line)


def _replayed(connection: Connection, refused: bool, number: int) -> str:
    if not refused:
        before = records.replayed(connection, number)
        if before is None:
            return f"{number}: there is no such callback."
        if before.settled_at is None:
            return f"{number}: nobody has acted on it yet; that is still to come."
        return f"{number}: it is acted on once more, for job {job_code(before.job_id)}."
    refusal = refusals.by_id(connection, number)
    if refusal is None:
        return f"{_REFUSED}{number}: there is no such refusal."
    if not refusal.job_id:
        return f"{_REFUSED}{number}: its address named no job, so there is nobody to ask about."
    asked = records.asked_again(connection, refusal.job_id, int(time.time() * 1000))
    what = "its vendor is asked about it" if asked else "it is over, or not sent: there is nothing to ask"
    return f"{_REFUSED}{number}: refused callbacks are not kept. Job {job_code(refusal.job_id)}: {what}."


def _numbered(text: str) -> tuple[bool, int]:
    refused = text[:1].upper() == _REFUSED
    digits = text[1:] if refused else text
    if not digits.isascii() or not digits.isdigit() or len(digits) > 18:
        fail(f"{clean(text)[:40]} is no id of a callback; `rushes inbox list` shows them.")
    return refused, int(digits)


def _job_id(code: str) -> int:
    job_id = job_id_of(code.strip().lower())
    if job_id is None:
        fail(f"{clean(code)[:40]} is no code of a job; they have 13 letters and digits.")
    return job_id


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> Table:
    table = Table(*head)
    for row in rows:
        table.add_row(*(Text(clean(cell)) for cell in row))
    return table


def _row(one: Stored) -> list[str]:
    outcome = "not acted on yet" if one.settled_at is None else one.outcome or ""
    body = str(one.size) if one.size else "deleted"
    return [str(one.id), moment(one.received_at), one.provider, job_code(one.job_id), one.trust, body, outcome]


def _refusal_row(one: Refusal) -> list[str]:
    code = job_code(one.job_id) if one.job_id else ""
    body = f"{one.size} bytes, {one.digest}" if one.digest else "not read"
    name = f"{_REFUSED}{one.id}"
    return [name, moment(one.last_at), one.provider, code, str(one.status), str(one.times), body, one.reason]


def _told(found: Record, *, prompt: bool) -> Iterator[tuple[str, list[str]]]:
    job = found.job
    yield f"Job {job.code}", _about(job)
    if prompt:
        words = "taken away" if job.silenced else job.prompt or "none"
        yield "Words", [f"prompt: {words}", f"as typed: {json.dumps(job.asked, ensure_ascii=False)}"]
        yield "Inputs", [f"{one.role}: {one.file}, {one.mime}, {one.size} bytes" for one in job.inputs]
    yield "States", [f"{moment(at)}  {state}" for state, at in found.states]
    yield "Submission", _submission(job)
    yield "Credits", [f"{moment(row.at)}  {row.kind} {row.amount:+d}{_named(row.reported)}" for row in found.ledger]
    yield "Callbacks", ["  ".join((f"#{one.id}", *_row(one)[1:3], *_row(one)[4:])) for one in found.callbacks]
    yield "Refused callbacks", ["  ".join(_refusal_row(one)) for one in found.refusals]
    yield "Files", [_file(one.position, one.kind, one.file, one.size, one.problem) for one in found.outputs]
    yield "Post", _post(found)
    yield "Told to admins", [f"{moment(one.created_at)}  {one.kind}{_due(one.due_at)}" for one in found.alerts]
    yield (
        "Done by people",
        [f"{moment(one.at)}  {one.kind} by {one.actor_id or 'the command line'}" for one in found.acts],
    )


def _about(job: Job) -> list[str]:
    where = f"server {job.guild_id}" if job.guild_id is not None else job.place.value
    whose = "the server's own" if job.key_id is not None else f"ours, {job.account}" if job.account else "ours"
    lines = [
        f"{job.state}, asked {moment(job.created_at)} by {job.user_id} in {where}, channel {job.channel_id}",
        f"{job.operation} at {TITLES.get(job.provider, job.provider)}, {job.model or 'its usual model'}; key: {whose}",
        f"{job.price} credits held, {job.charged if job.charged is not None else 'none yet'} charged",
    ]
    if job.tried:
        lines.append(f"turned away before by {', '.join(job.tried)}")
    if job.silenced:
        lines.append("its words and files were taken away")
    return lines


def _submission(job: Job) -> list[str]:
    lines = [f"begun {job.attempts} times, sent again after a doubt {job.resent} times"]
    lines.append(f"task {job.task_id}, since {moment(job.submitted_at)}" if job.task_id else "the vendor named no task")
    lines.append(f"asked about {job.lookups} times since it last moved, not found {job.absences} times in a row")
    if job.due_at is not None:
        lines.append(f"looked at again {moment(job.due_at)}, given up {moment(job.deadline_at)}")
    if job.cancelled_by is not None:
        lines.append(f"cancelled by {job.cancelled_by}, vendor told {moment(job.cancel_sent_at) or 'not yet'}")
    if job.reason or job.detail:
        lines.append(f"{job.reason or ''} {job.detail or ''}".strip())
    return lines


def _named(reported: int | None) -> str:
    return "" if reported is None else f", the vendor said {reported}"


def _file(position: int, kind: str, file: str | None, size: int | None, problem: str | None) -> str:
    kept = f"{file}, {size} bytes" if file else "not kept"
    return f"{position}: {kind}, {kept}{'; ' + problem if problem else ''}"


def _post(found: Record) -> list[str]:
    one = found.delivery
    if one is None:
        return ["nothing to post"]
    lines = [f"{one.state}, tried {one.attempts} times, way: {one.way}{_due(one.due_at)}"]
    if one.message_id is not None:
        lines.append(f"{moment(one.posted_at)}  message {one.message_id}")
    if one.problem:
        lines.append(one.problem)
    return lines


def _due(due_at: int | None) -> str:
    return "" if due_at is None else f", due {moment(due_at)}"
