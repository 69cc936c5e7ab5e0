"""The fault suite: `python -m tests.chaos`. See README.md, "Chaos"."""

import argparse
import asyncio
import json
import random
import sys
import tempfile
from pathlib import Path

from tests.chaos import report, world
from tests.chaos.machine import Machine
from tests.chaos.plan import PROVOCATIONS, Plan, drawn, provoking, short
from tests.chaos.run import Run


def main() -> int:
    """Read the command line, run, print; 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="of the plan")
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--short", action="store_true", help="each promise put to the test once, in some seconds")
    parser.add_argument("--untimed", action="store_true", help="do not judge how long anything took")
    parser.add_argument("--provoke", choices=PROVOCATIONS, help="put one promise to the test, in some seconds")
    parser.add_argument("--sabotage", choices=PROVOCATIONS, help="break a promise, to see that it is found out")
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--keep", type=Path, help="a folder to keep everything in")
    given = parser.parse_args()
    # In memory where there is such a place: what a disk forgets in a power cut is the shim's part, not the disk's.
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="rushes-chaos-", dir=memory if memory.is_dir() else None) as name:
        folder: Path = given.keep or Path(name)
        (folder / "program").mkdir(parents=True, exist_ok=True)
        machine = Machine(folder / "machine", folder / "program")
        machine.build()
        plan = _plan(given, machine)
        report.announce(plan)
        return asyncio.run(_run(given, folder, machine, plan))


def _plan(given: argparse.Namespace, machine: Machine) -> Plan:
    if given.provoke:
        return provoking(given.seed, given.provoke, able=machine.able)
    if given.short:
        return short(given.seed, able=machine.able)
    return drawn(given.seed, given.jobs, given.kills, able=machine.able)


async def _run(given: argparse.Namespace, folder: Path, machine: Machine, plan: Plan) -> int:
    around = await world.create(folder, plan)
    run = Run(plan, around, machine, [given.sabotage] if given.sabotage else [])
    try:
        verdict = await run.go()
    finally:
        await around.close()
    figures = report.figures(plan, machine, around, run.findings, verdict, timed=not given.untimed)
    report.show(figures, verdict, run.findings)
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2) + "\n")
    return 1 if figures["broken"] else 0


if __name__ == "__main__":
    sys.exit(main())
