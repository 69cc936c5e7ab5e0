"""What all sections share: how much is measured, what comes of it, where files go, and a line for each step."""

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.machine import Cores


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    rounds: int = 3
    seconds: float = 2.0  # of each load
    warmup: float = 0.5
    connections: tuple[int, ...] = (1, 16, 64, 256)
    requests: int = 150_000  # prepared for a round
    jobs: int = 100_000  # stored before the race
    growth: tuple[int, ...] = (1_000, 100_000, 1_000_000)
    pipeline_seconds: float = 20.0
    film_bytes: int = 100_000_000
    film_rounds: int = 3
    starts: int = 3
    patience: float = 30.0  # seconds for the last posts


QUICK = Plan(
    rounds=1,
    seconds=0.7,
    warmup=0.2,
    connections=(1, 64),
    requests=25_000,
    jobs=10_000,
    growth=(1_000, 10_000),
    pipeline_seconds=6.0,
    film_bytes=20_000_000,
    film_rounds=1,
    starts=1,
)


@dataclass(frozen=True, slots=True)
class Table:
    """A part of the result, for people."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """What was to be reached, and what was."""

    what: str
    wanted: str
    measured: float | None  # None: it could not be measured here
    met: bool | None
    unit: str = ""

    @classmethod
    def least(cls, what: str, least: float, measured: float | None, unit: str = "x") -> "Target":
        """Ask for at least so much."""
        met = None if measured is None else measured >= least
        return cls(what, f"at least {least:g} {unit}".rstrip(), measured, met, unit)

    @classmethod
    def most(cls, what: str, most: float, measured: float | None, unit: str = "x") -> "Target":
        """Ask for at most so much."""
        met = None if measured is None else measured <= most
        return cls(what, f"at most {most:g} {unit}".rstrip(), measured, met, unit)


@dataclass(slots=True)
class Section:
    """What one section found."""

    tables: list[Table] = field(default_factory=list[Table])
    targets: list[Target] = field(default_factory=list[Target])
    facts: Mapping[str, object] = field(default_factory=dict[str, object])  # every single measurement, for the JSON


@dataclass(frozen=True, slots=True)
class Bench:
    """One run."""

    plan: Plan
    folder: Path  # for databases, requests and logs; deleted at the end
    cores: Cores
    began: float = field(default_factory=time.perf_counter)

    def say(self, text: str) -> None:
        """Tell whoever waits how far it is."""
        minutes, seconds = divmod(int(time.perf_counter() - self.began), 60)
        sys.stderr.write(f"{minutes:3d}:{seconds:02d}  {text}\n")
        sys.stderr.flush()
