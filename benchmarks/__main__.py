"""`make bench`: measure, print, and write down.

make bench                           everything, in about ten minutes
make bench ARGS="--quick"            a look, in about one
make bench ARGS="--only race,films"  some sections
make bench ARGS="--profile"          where our receiver spends its time
make bench ARGS="--write"            put the result into README.md and benchmarks/README.md
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from benchmarks import films, pipeline, profile, receivers, report
from benchmarks.bench import QUICK, Bench, Plan, Section
from benchmarks.machine import ROOT, Cores, Trouble, describe

SECTIONS: dict[str, Callable[[Bench], Section]] = {
    "race": receivers.race,
    "slow-disk": receivers.slow_disk,
    "growth": receivers.growth,
    "pipeline": pipeline.pipeline,
    "films": films.films,
    "starts": films.starts,
}
PAGES = {ROOT / "README.md": ["targets"], ROOT / "benchmarks" / "README.md": ["all"]}


def main(arguments: list[str]) -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(
        prog="make bench", description="Measure how fast Rushes is, beside what others would do."
    )
    parser.add_argument("--quick", action="store_true", help="one short round: shows that it works, not how fast it is")
    parser.add_argument("--only", default=",".join(SECTIONS), help=f"sections, of {', '.join(SECTIONS)}")
    parser.add_argument("--write", action="store_true", help="put the result into the project's pages")
    parser.add_argument("--profile", action="store_true", help="where our receiver spends its time, and nothing else")
    parser.add_argument("--output", type=Path, default=ROOT / "bench-output", help="where the JSON goes")
    asked = parser.parse_args(arguments)
    wanted = asked.only.split(",")
    if unknown := set(wanted) - SECTIONS.keys():
        parser.error(f"there is no section {', '.join(unknown)}")
    command = "make bench" + (f' ARGS="{" ".join(arguments)}"' if arguments else "")
    about = {"date": time.strftime("%Y-%m-%d"), **describe(), "command": f"`{command}`"}
    plan = QUICK if asked.quick else Plan()
    cores = Cores.of_this_machine()
    cores.keep()
    try:
        with tempfile.TemporaryDirectory(prefix="rushes-bench-") as folder:
            bench = Bench(plan, Path(folder), cores)
            if asked.profile:
                sys.stdout.write(profile.receiver(bench))
                return 0
            sections = {name: measure(bench) for name, measure in SECTIONS.items() if name in wanted}
    except Trouble as trouble:
        sys.stderr.write(f"\n{trouble}\n")
        return 1
    asked.output.mkdir(parents=True, exist_ok=True)
    (asked.output / "bench.json").write_text(report.as_json(sections, about))
    if asked.write:
        report.write(sections, about, PAGES)
        (ROOT / "benchmarks" / "newest.json").write_text(report.as_json(sections, about, facts=False))
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    report.show(console, sections, about)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
