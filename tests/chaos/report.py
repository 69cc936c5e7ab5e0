"""The figures of a run, as a table for people and as JSON for machines."""

from collections.abc import Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from tests.chaos.books import Verdict
from tests.chaos.machine import Machine
from tests.chaos.plan import Plan
from tests.chaos.run import Findings
from tests.chaos.world import World

LISTENING: Final = 2.0  # seconds after a kill
RESUMED: Final = 10.0


def figures(
    plan: Plan, machine: Machine, world: World, findings: Findings, verdict: Verdict, *, timed: bool
) -> dict[str, Any]:
    """Put everything in words that a machine reads."""
    broken = {**verdict.promises(), "otherwise": findings.broken}
    times = {"listening again": (findings.listening, LISTENING), "all work resumed": (findings.resumed, RESUMED)}
    late = {name: [f"{max(took):.2f} s"] for name, (took, most) in times.items() if took and max(took) > most}
    return {
        "seed": plan.seed,
        **verdict.facts(),
        "kills": dict(sorted(findings.kills.items())),
        "power cuts": findings.power_cuts,
        "unsynced writes lost with the power": findings.undone,
        "troubles of the machine": dict(sorted(findings.troubles.items())),
        "faults of the network": dict(sorted(world.count.items())),
        "ended by itself": findings.fell,
        "seconds from a kill": {name: _spread(took) for name, (took, _) in times.items()},
        "taken up last": dict(sorted(findings.last.items())),
        "seconds in all": round(findings.seconds, 1),
        "left out": [] if machine.able else ["disk, power and clock: no C compiler here"],
        "broken": {name: cases[:20] for name, cases in (broken | (late if timed else {})).items() if cases},
    }


def announce(plan: Plan) -> None:
    """Say what is about to happen, and how to have it happen again."""
    Console(highlight=False).print(f"seed {plan.seed}: {plan.jobs:,} jobs, {len(plan.lives):,} kills")


def _spread(took: Sequence[float]) -> dict[str, float]:
    ordered = sorted(took)
    if not ordered:
        return {}
    return {"times": len(took), "half": round(ordered[len(took) // 2], 3), "most": round(ordered[-1], 3)}


def show(figures: dict[str, Any], verdict: Verdict, findings: Findings) -> None:
    """Print the tables, and every broken promise below them."""
    console = Console(highlight=False)
    table = Table("", "", title="Chaos", title_justify="left", show_header=False)
    table.columns[1].justify = "right"
    for name in verdict.facts():
        table.add_row(name, f"{figures[name]:,}")
    table.add_section()
    for name, spread in figures["seconds from a kill"].items():
        words = f"{spread['half']:.2f} s, at most {spread['most']:.2f} s" if spread else "not measured"
        table.add_row(f"{name} after", words)
    table.add_row("the whole run", f"{findings.seconds:.0f} s")
    table.add_section()
    table.add_row("kills", f"{sum(findings.kills.values()):,}")
    for name, count in figures["kills"].items():
        table.add_row(f"  {name}", f"{count:,}")
    table.add_row("  of them with the power", f"{findings.power_cuts:,}")
    table.add_row("  unsynced writes lost so", f"{findings.undone:,}")
    table.add_section()
    for name, count in figures["troubles of the machine"].items():
        table.add_row(name, f"{count:,}")
    console.print(table)
    console.print(_network(figures["faults of the network"]))
    for line in (*figures["left out"], *(f"ended by itself: {one}" for one in findings.fell)):
        console.print(line)
    for name, cases in figures["broken"].items():
        console.print(f"[bold red]broken:[/] {name} ({len(cases)})")
        for case in cases:
            console.print(f"  {case}", markup=False)
    if not figures["broken"]:
        console.print("[bold green]every promise held[/]")


def _network(count: dict[str, int]) -> Table:
    """Draw what happened to requests, by where they went."""
    table = Table("requests", "to vendors", "to Discord", "callbacks", title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    places = {"discord": 1, "program": 2}
    rows: dict[str, list[int]] = {}
    for name, times in count.items():
        place, _, fault = name.partition(": ")
        row = rows.setdefault(fault or place, [0, 0, 0])
        row[places.get(place, 0) if fault else 2] += times
    for fault, row in sorted(rows.items()):
        table.add_row(fault, *(f"{times:,}" if times else "" for times in row))
    return table
