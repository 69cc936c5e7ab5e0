"""The receiver under attack, and the guarded client: what was sent, what was answered, and whether that holds.

    python -m tests.attack [--count 1000000] [--seed 1] [--slow 1000] [--seconds 12] [--trusting]

Exit code 1 when anything was accepted or answered by 5xx, when the loop stood still or memory grew, when an authentic
callback waited, or when a hostile address was dialled. With --trusting the receiver believes everything: it must fail.
"""

import argparse
import asyncio
import json
import logging
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import structlog
from rich.console import Console
from rich.table import Table

from tests.attack import gun, outbound, slow
from tests.attack.aims import Aims
from tests.attack.corpus import KINDS
from tests.attack.gun import Tally
from tests.attack.outbound import Door

MOST_STALL_MS = 250.0
MOST_GROWTH_MB = 24.0  # between the first tenth and the end
MOST_WAIT = 1.0  # seconds, for an authentic callback
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Felt:
    """What the receiver's process went through since it was last asked."""

    stall_ms: float
    busy_ms: float
    rss_mb: float
    cpu: float


@dataclass
class Target:
    """The receiver, in its own process."""

    port: int
    folder: Path
    _process: subprocess.Popen[str]

    def look(self) -> Felt:
        """Ask what it went through."""
        assert self._process.stdin
        assert self._process.stdout
        print(file=self._process.stdin, flush=True)
        return Felt(**json.loads(self._process.stdout.readline()))

    def rows(self, aims: Aims) -> list[int]:
        """Tell, for each kind, the most callbacks that were stored for any of its jobs."""
        most = Counter[int]()
        with sqlite3.connect(f"file:{self.folder / 'rushes.db'}?mode=ro", uri=True) as database:
            for job, rows in database.execute("SELECT job_id, count(*) FROM inbox GROUP BY job_id"):
                most[aims.kind_of(job)] = max(most[aims.kind_of(job)], rows)
        database.close()
        return [most[number] for number in range(len(KINDS))]


@contextmanager
def target(*, trusting: bool = False) -> Generator[Target]:
    """Run the receiver; what it writes to its log goes nowhere, as fast as it would go anywhere."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.attack.target", folder, *(["--trusting"] if trusting else [])]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=_ROOT
        ) as process:
            assert process.stdout
            yield Target(json.loads(process.stdout.readline())["port"], Path(folder), process)
            assert process.stdin
            process.stdin.close()
            process.wait(30)


def judge_answers(tally: Tally, rows: list[int]) -> tuple[Table, list[str]]:
    """Lay out what was answered, and say what should not have been."""
    table = Table("attack", "threats", "sent", "answers", "accepted", "5xx", title="Callbacks", title_justify="left")
    wrong: list[str] = []
    for number, kind in enumerate(KINDS):
        answers = tally.answers[number]
        stored_too_many = max(0, rows[number] - kind.rows)
        taken = sum(count for status, count in answers.items() if 200 <= status < 300 and status not in kind.answers)
        broken = sum(count for status, count in answers.items() if status >= 500)
        accepted = taken + stored_too_many
        odd = {status: count for status, count in answers.items() if status not in kind.answers}
        shown = ", ".join(f"{status or 'closed'} {count:,}" for status, count in sorted(answers.items()))
        table.add_row(kind.name, kind.threats, f"{answers.total():,}", shown, str(accepted), str(broken))
        if accepted:
            wrong.append(f"{kind.name}: {taken} accepted, {stored_too_many} stored beyond what may be")
        if odd:
            wrong.append(f"{kind.name}: answers that are not in the table: {odd}")
    if tally.silent:
        wrong.append(f"{tally.silent} connections were neither answered nor closed")
    return table, wrong


def judge_doors(doors: list[Door]) -> tuple[Table, list[str]]:
    """Lay out what became of hostile addresses, and say what should not have."""
    table = Table("door", "threats", "hostile addresses", "fetched", "dialled", title="Addresses", title_justify="left")
    for door in doors:
        table.add_row(door.name, "16-19", str(door.tried), str(door.fetched), str(door.dialled))
    wrong = [
        f"{door.name}: {door.fetched} fetched, {door.dialled} dialled" for door in doors if door.fetched or door.dialled
    ]
    return table, wrong


def attack(count: int, seed: int, connections: int, seconds: float, *, trusting: bool, out: Console) -> list[str]:
    """Run it all and print it. Return what was missed."""
    aims = Aims()
    with target(trusting=trusting) as aim:
        asyncio.run(gun.fire(aim.port, aims, max(count // 10, 100), seed - 1))  # what is loaded or cached once, is now
        before, began = aim.look(), time.monotonic()
        tally = asyncio.run(gun.fire(aim.port, aims, count, seed))
        took, after = time.monotonic() - began, aim.look()
        table, wrong = judge_answers(tally, aim.rows(aims))
        held = asyncio.run(slow.hold(aim.port, aims, connections, seconds))
        hung = aim.look()
    out.print(table)
    out.print(f"{tally.sent:,} requests in {took:.0f} s, {tally.sent / took:,.0f} a second; seed {seed}")
    cpu = (after.cpu - before.cpu) * 1e6 / max(tally.sent, 1)
    out.print(f"event loop: stood still for {after.stall_ms:.0f} ms at the most ({after.busy_ms:.0f} ms of it at work)")
    out.print(f"memory: {before.rss_mb:.0f} MB before, {after.rss_mb:.0f} MB after; processor {cpu:.0f} µs a request")
    out.print(
        f"{connections:,} slow connections (never fewer than {held.least:,}; {held.closed:,} closed, and come again): "
        f"{held.answered} authentic callbacks answered, the slowest in {held.slowest * 1000:.0f} ms; "
        f"loop stood still for {hung.stall_ms:.0f} ms at the most"
    )
    if after.rss_mb - before.rss_mb > MOST_GROWTH_MB:
        wrong.append(f"memory grew by {after.rss_mb - before.rss_mb:.0f} MB")
    if held.refused:
        wrong.append(f"{held.refused} authentic callbacks were not answered by 200 beside slow connections")
    return [*wrong, *_late(after, hung, held.slowest)]


def _late(after: Felt, hung: Felt, slowest: float) -> list[str]:
    """Judge by the clock: a busy machine alone can miss these."""
    late = [
        f"{CLOCK}the loop stood still for {felt.stall_ms:.0f} ms ({felt.busy_ms:.0f} ms of it at work)"
        for felt in (after, hung)
        if felt.stall_ms >= MOST_STALL_MS
    ]
    if slowest >= MOST_WAIT:
        late.append(f"{CLOCK}an authentic callback waited for {slowest:.2f} s")
    return late


CLOCK = "by the clock: "


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="tests.attack", description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--slow", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--trusting", action="store_true")
    given = parser.parse_args()
    out = Console(width=150)
    # Each address that is refused is told in a line of the bot's.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    doors, astray = judge_doors(asyncio.run(outbound.knock()))
    missed = astray + attack(given.count, given.seed, given.slow, given.seconds, trusting=given.trusting, out=out)
    out.print(doors)
    if any(one.startswith(CLOCK) for one in missed):
        out.print(
            "What goes by the clock counts on a quiet machine: time not spent at work was taken by other programs."
        )
    for one in missed:
        out.print(f"[red]missed[/] {one}")
    out.print("[red]FAILED[/]" if missed else "[green]All of it held.[/]")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
