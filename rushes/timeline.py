"""The demo's timeline: what passes between the member, Discord, the program and the vendor, as lines to watch."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console
from rich.text import Text

Say = Callable[[Mapping[str, Any]], str]

_ENDS = {"failed", "cancelled", "expired"}
_COLORS = {"Ada": "bright_white", "Discord": "bright_blue", "Rushes": "bright_green", "vendor": "bright_magenta"}


@dataclass(frozen=True, slots=True)
class Line:
    """How a step is told: who did something to whom, and what."""

    who: str
    whom: str
    say: Say


def _plain(text: str) -> Say:
    return lambda _facts: text


def _trust(trust: str) -> str:
    if trust == "data":
        return "signature covers the body: it is data"
    return "authentic, but its body is not signed: a doorbell, so ask"


def _settled(facts: Mapping[str, Any]) -> str:
    if facts.get("charged") is None:
        return f"job is {facts['outcome']}"
    return f"job is {facts['outcome']}, {facts['charged']} credits settled, delivery due: one transaction"


_PROGRAM = {
    "command received": Line("Discord", "Rushes", lambda f: f"interaction with {f['pictures']} picture(s)"),
    "deferred": Line("Rushes", "Discord", _plain("thinking … (within 3 s, or Discord gives up)")),
    "pictures read": Line("Rushes", "Discord", lambda f: f"{f['pictures']} picture(s) downloaded and looked into"),
    "planned": Line(
        "Rushes", "Rushes", lambda f: f"order checked against {f['provider']}'s table: {f['credits']} credits"
    ),
    "pictures kept": Line("Rushes", "disk", _plain("the picture is kept: Discord's address for it will die")),
    "held": Line("Rushes", "database", lambda f: f"job and hold of {f['credits']} credits, one transaction"),
    "card edited": Line("Rushes", "Discord", lambda f: f"job card: {f['state']}"),
    "submitting": Line("Rushes", "database", _plain("intent to submit: a crash from here on leaves doubt, not a loss")),
    "submit answered": Line("vendor", "Rushes", lambda f: f"task {f['task']}"),
    "submission recorded": Line("Rushes", "database", lambda f: f"job is {f['state']}"),
    "callback received": Line("vendor", "Rushes", lambda f: f"callback, {f['bytes']} bytes"),
    "callback verified": Line("Rushes", "Rushes", lambda f: _trust(str(f["trust"]))),
    "callback stored": Line("Rushes", "database", _plain("callback stored, then answered 200")),
    "callback repeated": Line("Rushes", "vendor", _plain("stored already: 200, and nothing happens")),
    "confirmed": Line("Rushes", "vendor", lambda f: f"asked with our key: {f['word']}"),
    "settled": Line("Rushes", "database", _settled),
    "fetched": Line("Rushes", "vendor", lambda f: f"video downloaded through the guarded client, {f['bytes']:,} bytes"),
    "output recorded": Line("Rushes", "database", _plain("it is an MP4; kept, ready to be posted")),
    "posting": Line("Rushes", "database", _plain("intent to post, with a nonce made of the job")),
    "posted": Line("Rushes", "Discord", lambda f: "link posted" if f["linked"] else "video posted in the channel"),
    "delivery recorded": Line("Rushes", "database", _plain("posted: the message's id is kept")),
}
_VENDOR = {
    "submit received": Line("Rushes", "vendor", lambda f: f"submit {f['operation']}"),
    "state changed": Line("vendor", "vendor", lambda f: f"task is {f['state']}"),
}
_DISCORD = {
    "command typed": Line("Ada", "Discord", lambda f: f"{f['command']} …"),
}


@dataclass
class Timeline:
    """Writes a line for each step, and remembers which were seen and when."""

    console: Console
    vendor: str  # as people read it
    begun: float = field(default_factory=time.perf_counter)
    job_id: int = 0  # the latest job that was told of
    ended: bool = False  # without a video
    seen: dict[str, list[float]] = field(default_factory=dict[str, list[float]])

    def program(self, step: str, job_id: int | None = None, /, **facts: object) -> None:
        """Hear the program."""
        self.job_id = job_id or self.job_id
        self.ended = self.ended or bool({str(facts.get("state")), str(facts.get("outcome"))} & _ENDS)
        self._note(step, _PROGRAM.get(step), facts)

    def around(self, event: str, facts: dict[str, Any]) -> None:
        """Hear the vendor and Discord."""
        lines = _VENDOR if "vendor" in facts else _DISCORD
        self._note(f"* {event}", lines.get(event), facts)

    def start(self) -> None:
        """Count the time from now."""
        self.begun = time.perf_counter()

    def first(self, step: str) -> float:
        """Seconds until a step was first seen."""
        return self.seen[step][0]

    def missing(self, steps: list[str]) -> list[str]:
        """List the steps that were not seen."""
        return [step for step in steps if step not in self.seen]

    def _note(self, step: str, line: Line | None, facts: Mapping[str, Any]) -> None:
        now = time.perf_counter() - self.begun
        self.seen.setdefault(step, []).append(now)
        if line is None:
            return
        text = Text(f"{now:8.3f} s  ", style="dim")
        text.append(f"{self._name(line.who):>10}", style=_COLORS.get(line.who, "white"))
        text.append("      " if line.who == line.whom else "  →   ", style="dim")
        there = "" if line.who == line.whom else self._name(line.whom)
        text.append(f"{there:<12}", style=_COLORS.get(line.whom, "yellow"))
        text.append(line.say(facts), style="default")
        self.console.print(text, soft_wrap=True)

    def _name(self, who: str) -> str:
        return self.vendor if who == "vendor" else who
