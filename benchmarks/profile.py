"""Where our receiver spends its time: the same load at 64 connections, with Python's own profiler in the server.

Only its event loop is seen, not the thread that writes to the disk, and everything is slower than it really is: what to
look at are the shares.
"""

import io
import pstats
import sys
from dataclasses import replace
from pathlib import Path

from benchmarks import contestants, prepared, race, stock
from benchmarks.bench import Bench
from benchmarks.machine import accepts, free_port

_CONNECTIONS = 64
_LINES = 40


def receiver(bench: Bench) -> str:
    """Give the functions that take longest themselves, then those that take longest with all they call."""
    out, database, jobs = bench.folder / "profile", bench.folder / "profiled.db", min(bench.plan.jobs, 20_000)
    stock.rushes(database, jobs)
    requests = prepared.callbacks(bench.folder / "callbacks", min(bench.plan.requests, 60_000), stock.newest(jobs))

    def command(port: int, file: Path) -> list[str]:
        interpreter, *rest = contestants.OURS.command(port, file)
        return [interpreter, "-m", "cProfile", "-o", str(out), *rest]

    with bench.cores.servers():
        profiled = replace(contestants.OURS, command=command)
        server = profiled.start(free_port(), database, bench.folder / "profiled.log", {})
    try:
        server.wait(accepts)
        load = race.put_on(bench, server.port, requests, range(requests.count), _CONNECTIONS)
    finally:
        server.ask_to_stop()
    told = io.StringIO()
    found = pstats.Stats(str(out), stream=told)
    found.sort_stats("tottime").print_stats(_LINES)
    found.sort_stats("cumtime").print_stats(r"(bot|jobs|providers|rushes|storage|webhooks)/", _LINES)
    here = f"{Path(sys.prefix).parent}/"
    return f"{load.sent:,} callbacks\n{told.getvalue()}".replace(here, "")
