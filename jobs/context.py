"""What the rooms are given instead of reaching for it: database, vendors, clock, and a way to be overheard."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from jobs.accounts import Accounts
from jobs.addresses import Addresses
from jobs.hosts import Hosts
from jobs.keeping import Keeping
from jobs.keyring import Keyring
from jobs.purses import Purses
from jobs.ration import Ration
from jobs.trial import Trials
from providers.contract import Provider
from storage import Database
from storage.words import Job


class Tell(Protocol):
    """Hears of every step, after it happened: the log, the demo's timeline, and the tests that cut the power there."""

    def __call__(self, step: str, job_id: int | None = None, /, **facts: object) -> None:
        """Take note of a step of a job; facts hold no secret and no address of a result."""
        ...


@dataclass(frozen=True, slots=True)
class Timing:
    """How long to wait for what, in milliseconds."""

    callback_grace: int = 120_000  # without a callback for so long, the provider is asked
    submit_call: int = 300_000  # a submission that is still on the wire after so long is in doubt
    confirm_deadline: int = 3_600_000  # a price nobody agreed to for so long: called off
    approve_deadline: int = 24 * 3_600_000  # the same where a moderator must agree
    submit_deadline: int = 24 * 3_600_000  # not taken by the provider for so long: given up
    job_deadline: int = 6 * 3_600_000  # silent for so long: expired
    off_peak_deadline: int = 50 * 3_600_000  # the same where the vendor was given 48 hours for a lower price
    rescue: int = 24 * 3_600_000  # an expired job's hold is kept so long, in case the result arrives late
    absence_gap: int = 60_000  # between the two looks that prove a doubtful submission never arrived
    search: int = 300_000  # after a doubtful submission was sent again, it is looked up whether both arrived
    fetch_deadline: int = 24 * 3_600_000  # a result that could not be fetched for so long is given up
    retry_least: int = 2_000  # first pause after a failure; doubles up to
    retry_most: int = 300_000
    card_gap: int = 2_000  # between two edits of a card: Discord counts edits by channel, and several jobs share one
    idle: int = 1_000  # how often each loop looks for due work without being woken

    @property
    def longest_life(self) -> int:
        """Say how long a job may need its files at the longest."""
        return self.submit_deadline + max(self.job_deadline, self.off_peak_deadline)

    @property
    def longest_pause(self) -> int:
        """Say how far off any work may be put that waits for no person and no deadline."""
        return max(self.retry_most, self.callback_grace, self.submit_call, self.search)

    def patience(self, options: Mapping[str, Any]) -> int:
        """Say how long a vendor that has a job may be silent, given the job's options."""
        return self.off_peak_deadline if options.get("extras", {}).get("off_peak") else self.job_deadline


@dataclass(frozen=True, slots=True)
class Wakes:
    """Doorbells of the loops. Ringing is a hint; what is due stands in the database."""

    submit: asyncio.Event = field(default_factory=asyncio.Event)
    settle: asyncio.Event = field(default_factory=asyncio.Event)
    reconcile: asyncio.Event = field(default_factory=asyncio.Event)
    strays: asyncio.Event = field(default_factory=asyncio.Event)
    twins: asyncio.Event = field(default_factory=asyncio.Event)
    fetch: asyncio.Event = field(default_factory=asyncio.Event)
    deliver: asyncio.Event = field(default_factory=asyncio.Event)
    cards: asyncio.Event = field(default_factory=asyncio.Event)
    alerts: asyncio.Event = field(default_factory=asyncio.Event)
    acts: asyncio.Event = field(default_factory=asyncio.Event)


class Loop(Protocol):
    """A loop as somebody sees it who wants to know whether it still turns."""

    name: str

    @property
    def rested(self) -> float | None:
        """Seconds since its last look began; None: it has not begun."""
        ...

    @property
    def stumbling(self) -> bool:
        """Whether its last look failed."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """Everything the rooms share, made once in rushes/program.py."""

    database: Database
    providers: Mapping[str, Provider]  # with the operator's accounts
    addresses: Addresses
    media_dir: Path
    clock: Callable[[], float]  # seconds since 1970
    tell: Tell
    timing: Timing = field(default_factory=Timing)
    outside_daily: int = 0  # credits a person may spend in a day outside of servers; 0: nothing is offered there
    wakes: Wakes = field(default_factory=Wakes)
    loops: list[Loop] = field(default_factory=list[Loop])  # that run in this process
    trials: Trials = field(default_factory=Trials)
    purses: Purses = field(default_factory=Purses)
    ration: Ration = field(default_factory=Ration)
    keys: Keyring = field(default_factory=Keyring)
    hosts: Hosts = field(default_factory=Hosts)  # of results
    keeping: Keeping = field(default_factory=Keeping)
    accounts: Accounts = field(default_factory=Accounts)  # the operator's

    def offered(self, guild_id: int | None) -> Mapping[str, Provider]:
        """List the vendors that can be asked for in a server. Made for planning: whose account it is tells the job."""
        return self.keys.offered(self.providers, guild_id)

    @property
    def known(self) -> Mapping[str, Provider]:
        """List the vendors that can be asked for in any server."""
        return self.keys.known(self.providers)

    def knows(self, name: str) -> bool:
        """Say whether a vendor can be asked for in any server."""
        return name in self.providers or self.keys.any_of(name)

    def provider_of(self, job: Job) -> Provider | None:
        """Give the adapter that speaks with the account a job is made with; None: there is no way in just now."""
        if job.key_id is not None:
            return self.keys.provider(job.key_id)
        # A key that is not set any more may have been of the same account as the newest.
        return self.accounts.older(job.provider, job.account) or self.providers.get(job.provider)

    def now(self) -> int:
        """Read the clock in milliseconds, as the database keeps time."""
        return int(self.clock() * 1000)
