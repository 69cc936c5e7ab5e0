"""The result: a table for people, JSON for programs, and the pages of the project that quote it."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from rich.console import Console
from rich.table import Table as Drawn

from benchmarks.bench import Section, Table, Target

_MARKS = ("<!-- bench: {name} -->", "<!-- bench: end -->")


def show(console: Console, sections: Mapping[str, Section], about: Mapping[str, str]) -> None:
    """Print everything."""
    for table in tables(sections):
        drawn = Drawn(
            *table.columns, title=table.title, caption=table.note or None, title_justify="left", caption_justify="left"
        )
        for column in drawn.columns[1:]:
            column.justify = "right"
        for row in table.rows:
            drawn.add_row(*row)
        console.print(drawn)
        console.print()
    console.print(", ".join(about.values()), style="dim")


def tables(sections: Mapping[str, Section]) -> list[Table]:
    """List the tables, that of the targets last."""
    return [*(table for section in sections.values() for table in section.tables), targets(sections)]


def targets(sections: Mapping[str, Section]) -> Table:
    """Hold what was measured against what was wanted."""
    rows = [_target(one) for section in sections.values() for one in section.targets]
    return Table("Targets", ("what", "wanted", "measured", ""), rows)


def _target(one: Target) -> tuple[str, str, str, str]:
    measured = "not measured here" if one.measured is None else f"{one.measured:,.2f} {one.unit}".rstrip()
    return one.what, one.wanted, measured, {True: "met", False: "NOT MET", None: ""}[one.met]


def as_json(sections: Mapping[str, Section], about: Mapping[str, str], *, facts: bool = True) -> str:
    """Write everything down; with `facts` each single measurement, a line for each of thousands of jobs included."""
    told = {name: asdict(one if facts else replace(one, facts={})) for name, one in sections.items()}
    return json.dumps({"about": about, "sections": told}, indent=1) + "\n"


def write(sections: Mapping[str, Section], about: Mapping[str, str], places: Mapping[Path, Sequence[str]]) -> None:
    """Put the tables into pages: of each page, the marked places of these names. Raise ValueError without the marks."""
    told = {"targets": _markdown(targets(sections), about), "all": "\n\n".join(map(_markdown, tables(sections)))}
    told["all"] += f"\n\n{_about(about)}"
    for page, names in places.items():
        text = page.read_text()
        for name in names:
            begin, end = (mark.format(name=name) for mark in _MARKS)
            pattern = re.compile(f"(?<={re.escape(begin)}\n).*?(?={re.escape(end)})", re.DOTALL)
            filled = told[name]
            text, found = pattern.subn(lambda _, filled=filled: f"\n{filled}\n\n", text)
            if found != 1:
                raise ValueError(f"{page.name} has {found} places marked {begin}")
        page.write_text(text)


def _markdown(table: Table, about: Mapping[str, str] | None = None) -> str:
    lines = [f"**{table.title}**", "", _row(table.columns), _row(["---", *["---:"] * (len(table.columns) - 1)])]
    lines += [_row(row) for row in table.rows]
    lines += ["", table.note] if table.note else []
    lines += ["", _about(about)] if about else []
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _about(about: Mapping[str, str]) -> str:
    return ", ".join(about.values()) + "."
