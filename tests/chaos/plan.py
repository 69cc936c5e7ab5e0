"""What will happen, in which order: a list of lives of the program, drawn from a seed. The same seed, the same plan."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sandbox.vendors import Behaviour

VENDORS: Final = ("vidu", "kling", "apiframe", "futurelabs")
# The steps that the program tells; it may be killed right after each of them. The first ones come before a job is held.
STEPS: Final = (
    *("command received", "deferred", "planned", "pictures kept", "held", "card edited"),
    *("submitting", "submit answered", "submit failed", "submission recorded", "found in doubt", "not found", "found"),
    *("callback received", "callback verified", "callback stored", "callback repeated", "callback refused"),
    *("confirmed", "confirm failed", "settled", "put away", "asked", "reconcile failed"),
    *("fetched", "fetch failed", "output recorded", "posting", "posted", "delivery recorded"),
)
# What the others see before the program does: it is killed while their answer is on its way.
EVENTS: Final = (
    *("submit received", "task accepted", "query answered", "callback sent", "callback answered", "file served"),
    *("interaction answered", "message posted", "message edited", "session started"),
)
_CALLBACKS: Final = (
    "normal",
    "normal",
    "normal",
    "double",
    "final_first",
    "before_answer",
    "late",
    "none",
    "only_final",
)
_TROUBLES: Final = ("disk full", "syncs fail", "locked", "clock ahead", "clock behind", "second program", "gateway cut")
_SHIMMED: Final = {"disk full", "syncs fail", "clock ahead", "clock behind"}
CLOCK_OFF: Final = {"clock ahead": 600, "clock behind": -600}


@dataclass(frozen=True, slots=True)
class Life:
    """One life of the program, from its start to the kill that ends it."""

    number: int
    after: float  # seconds after it listens, it is killed at the latest
    step: str = ""  # or as it tells this step
    event: str = ""  # or as a vendor or Discord sees this
    nth: int = 1  # for the n-th time
    write: int = 0  # or before its n-th write to the database
    sync: int = 0  # or at its n-th sync of the database
    sync_done: bool = False  # after it, instead of before
    power: bool = False  # with the power: what was not synced is gone
    trouble: str = ""  # of its machine
    trouble_at: float = 0.0  # seconds after it listens
    spoiled: float = 0.0  # the share of requests that the proxies spoil
    quiet: bool = False  # no trouble, so that the time until all work is resumed can be measured
    long: bool = False  # lives until the jobs that are due by now have been taken
    whole: bool = False  # may end as soon as nothing is left to do
    signed: bool = True  # Kling signs its callbacks
    bursts: int = 0  # times that somebody with few credits types many commands at once
    lost_posts: int = 0  # so many results are posted, and the answer is lost
    pace: float = 0.04  # seconds that a task stays in each state
    behaviours: dict[str, Behaviour] = field(default_factory=dict[str, Behaviour])

    @property
    def end(self) -> str:
        """Say what kills it, in a word or two."""
        if self.step:
            return f"at “{self.step}”"
        if self.event:
            return f"while “{self.event}”"
        if self.write or self.sync:
            return "in the middle of a commit" if self.write else "after a sync" if self.sync_done else "before a sync"
        return "by the clock"


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole run."""

    seed: int
    jobs: int
    lives: Sequence[Life]
    grace: int = 2  # seconds after which the program asks a vendor that has not called back


CALM: Final = Behaviour(credits_left=1e12)
_LOST: Final = Behaviour(submit_faults=["cut_after_accept"] * 2, credits_left=1e12)
# For each promise the life that would show it broken; see sabotage.py for how it is broken.
PROVOCATIONS: Final[dict[str, Life]] = {
    "acknowledge_before_commit": Life(0, 20.0, event="callback answered", nth=4),
    "synchronous_off": Life(0, 20.0, event="message edited", nth=4, power=True),
    "read_then_write_budgets": Life(0, 20.0, whole=True, bursts=2),
    "blind_resubmit": Life(0, 20.0, whole=True, behaviours=dict.fromkeys(VENDORS, _LOST)),
    "random_nonces": Life(0, 20.0, whole=True, lost_posts=4),
    "trusted_unsigned_body": Life(0, 20.0, whole=True, signed=False, pace=0.4),
}
SHORT_JOBS: Final = 60
_JOBS_OF_A_PROVOCATION: Final = 14


def drawn(seed: int, jobs: int, kills: int, *, able: bool) -> Plan:
    """Draw a plan. `able`: there is a shim, so the machine itself can be troubled (machine.py)."""
    dice = random.Random(f"{seed} lives")
    # Every eighth life is a long one, in which the jobs catch up with the kills; the last one ends with the jobs.
    return Plan(seed, jobs, [_life(dice, number, able=able, long=number % 8 == 7) for number in range(kills)], grace=5)


def short(seed: int, *, able: bool) -> Plan:
    """Draw a plan of some seconds: every provocation once, on a bad day for the network, and two lives besides."""
    lives = [
        *_possible(able=able).values(),
        Life(0, 3.0, step="posted", nth=3, trouble="second program"),
        Life(0, 1.5, quiet=True, trouble="locked"),
    ]
    lives = [replace(life, number=number, spoiled=0.05) for number, life in enumerate(lives)]
    return Plan(seed, SHORT_JOBS, lives)


def provoking(seed: int, promise: str, *, able: bool) -> Plan:
    """Put one promise to the test."""
    return Plan(seed, _JOBS_OF_A_PROVOCATION, [_possible(able=able)[promise]])


def _possible(*, able: bool) -> dict[str, Life]:
    return {name: life for name, life in PROVOCATIONS.items() if able or not life.power}


def _life(dice: random.Random, number: int, *, able: bool, long: bool) -> Life:
    after = dice.uniform(0.5, 3.0)
    ways = ["time", "step", "step", "step", "event", "event", *(["write", "sync", "sync done"] if able else [])]
    troubles = [trouble for trouble in _TROUBLES if able or trouble not in _SHIMMED]
    quiet = number % 4 == 3  # begins undisturbed
    way = "time" if quiet else dice.choice(ways)
    return Life(
        number,
        after,
        step=dice.choice(STEPS) if way == "step" else "",
        event=dice.choice(EVENTS) if way == "event" else "",
        nth=dice.randint(1, 8),
        write=dice.randint(1, 120) if way == "write" else 0,
        sync=dice.randint(1, 60) if way.startswith("sync") else 0,
        sync_done=way == "sync done",
        power=able and dice.random() < 0.3,
        trouble=dice.choice(troubles) if dice.random() < 0.3 and not quiet else "",
        trouble_at=dice.uniform(0.0, after / 2),
        spoiled=dice.choice([0.0, 0.02, 0.05, 0.1]),
        quiet=quiet,
        long=long,
        signed=dice.random() < 0.5,
        bursts=int(dice.random() < 0.1),
        lost_posts=dice.choice([0, 0, 0, 1, 2]),
        behaviours={vendor: _behaviour(dice) for vendor in VENDORS},
    )


def _behaviour(dice: random.Random) -> Behaviour:
    """Draw how a vendor behaves for a while; faults that hit one request each are left to the proxies."""
    return Behaviour(
        callbacks=dice.choice(_CALLBACKS),
        late_by=dice.uniform(0.2, 1.0),
        outcome="failed" if dice.random() < 0.08 else "success",
        submit_faults=["throttle", "garbage_answer"] if dice.random() < 0.2 else [],
        query_faults=["throttle", "error500", "html", "cut"] if dice.random() < 0.2 else [],
        file_faults=["404", "truncated", "html"] if dice.random() < 0.2 else [],
        credits_left=1e12,
    )
