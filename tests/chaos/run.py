"""A run: the program is started, hurt and killed, life after life; then it may finish, and the books are read."""

import asyncio
import contextlib
import os
import random
import sqlite3
import time
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from typing import Any, Final

from rich.console import Console

from sandbox.discord import Fault, Member, Typed
from sandbox.scenery import free_port
from tests.chaos import forger
from tests.chaos.books import Callbacks, Verdict, audit
from tests.chaos.ledger import Reader
from tests.chaos.machine import Machine
from tests.chaos.plan import CALM, CLOCK_OFF, VENDORS, Life, Plan
from tests.chaos.start import REFUSED, spawn, warm_up
from tests.chaos.world import PACE, World

_BACKLOG: Final = 48  # jobs under way at a time
_ORDERS: Final[dict[str, dict[str, Any]]] = {
    "vidu": {"model": "viduq3-turbo", "duration": 1, "resolution": "540p"},
    "futurelabs": {"model": "viduq3-turbo", "duration": 1, "resolution": "540p"},
    "kling": {"model": "kling-v1-6", "duration": 5, "resolution": "720p"},
    "apiframe": {"model": "kling-v1-6", "duration": 5, "resolution": "720p"},
}
_SEASON: Final = 6.0  # seconds for which a long life is troubled in the same way
_LONGEST: Final = 120.0  # seconds a long life may take to catch up
_CALM: Final = 10  # looks in a row that must find nothing left to do
_SAY_EVERY: Final = 15.0  # seconds between two lines about how far it is
_PATIENCE: Final = 60.0  # seconds the end may take without anything getting less


@dataclass
class Findings:
    """What a run brought to light besides the books."""

    kills: dict[str, int] = field(default_factory=dict[str, int])
    troubles: dict[str, int] = field(default_factory=dict[str, int])
    power_cuts: int = 0
    undone: int = 0  # writes that a power cut took along
    listening: list[float] = field(default_factory=list[float])  # seconds after a kill
    resumed: list[float] = field(default_factory=list[float])  # likewise, until all due work had been taken up
    last: dict[str, int] = field(default_factory=dict[str, int])  # what was taken up last, over all these times
    fell: list[str] = field(default_factory=list[str])  # ends that nobody brought about
    broken: list[str] = field(default_factory=list[str])
    seconds: float = 0.0


class Run:
    """One run of a plan."""

    def __init__(self, plan: Plan, world: World, machine: Machine, sabotages: Sequence[str]) -> None:
        self.findings = Findings()
        self._plan, self._world, self._machine, self._sabotages = plan, world, machine, sabotages
        self._reader = Reader(world.database)
        self._callbacks = Callbacks()
        self._dice = random.Random(f"{plan.seed} members")
        self._wanted = self._taken = self._under_way = 0
        self._typed: list[Typed] = []  # commands that nothing can be seen of yet
        self._bursts = self._owed = 0
        self._child: BaseProcess | None = None
        self._died = time.monotonic()
        self._event, self._nth = "", 0
        self._said = 0.0
        self._aside = Console(stderr=True, highlight=False)

    async def go(self) -> Verdict:
        """Live through the plan and judge."""
        begun = time.monotonic()
        self._world.hear = self._heard
        await asyncio.to_thread(warm_up)
        self._died = time.monotonic()
        beside = [asyncio.create_task(work()) for work in (self._crowd, self._watch, self._forge)]
        try:
            for life in self._plan.lives:
                share = (life.number + 1) / len(self._plan.lives)
                self._wanted = round(self._plan.jobs * share)
                await self._live(life)
                self._say(f"{life.number + 1:,} of {len(self._plan.lives):,} lives", begun)
            self._say("now it may finish", begun)
            await self._finish()
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            if self._child is not None:
                self._child.kill()
                self._child.join()
        self._callbacks.gather(self._world)
        self.findings.seconds = time.monotonic() - begun
        return audit(self._world, self._reader, self._callbacks)

    def _say(self, how_far: str, begun: float) -> None:
        """Tell whoever waits how far it is, in a line now and then."""
        now = time.monotonic()
        if now - max(begun, self._said) >= _SAY_EVERY:
            self._said = now
            self._aside.print(f"{now - begun:5.0f} s: {how_far}, {self._taken:,} of {self._plan.jobs:,} jobs")

    # -- one life --

    async def _live(self, life: Life) -> None:
        self._prepare(life)
        waiting: set[tuple[Any, ...]] = self._reader.due(time.time()) if life.quiet else set()
        self._reader.close()
        child = self._start(life)
        if await self._until_it_listens(child):
            self.findings.listening.append(time.monotonic() - self._died)
            if life.quiet:
                await self._until_resumed(child, waiting)
            self._turn_to(life)
            self._event, self._nth = life.event, life.nth
            posts = Fault("POST", r"/channels/\d+/messages$", life.lost_posts, "cut", when="after")
            self._world.discord.faults = [posts] if life.lost_posts else []
            self._owed = life.bursts
            await self._work(child, life)
        await self._end(child, life)

    def _prepare(self, life: Life) -> None:
        machine = self._machine
        machine.kill_write, machine.kill_sync, machine.kill_after = life.write, life.sync, int(life.sync_done)
        machine.records = 1
        machine.tell()
        self._world.spoiled = 0.0
        for vendor in self._world.vendors.values():
            vendor.behaviour, vendor.pace = deepcopy(CALM), PACE
        self._world.discord.faults = []

    def _start(self, life: Life) -> BaseProcess:
        values = self._world.settings(signed=life.signed)
        log = self._world.folder / "log"
        self._child = spawn(values, log, step=life.step, nth=life.nth, sabotages=self._sabotages)
        return self._child

    async def _until_it_listens(self, child: BaseProcess) -> bool:
        while child.is_alive():
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self._world.port)
                writer.close()
                return True
            await asyncio.sleep(0.01)
        return False

    async def _until_resumed(self, child: BaseProcess, waiting: set[tuple[Any, ...]]) -> None:
        """Wait until each piece of work that was due at the kill has been taken up, undisturbed."""
        last: set[tuple[Any, ...]] = set()
        while child.is_alive() and time.monotonic() < self._died + 30:
            left = waiting & self._reader.due(time.time())
            if not left:
                self.findings.resumed.append(time.monotonic() - self._died)
                for piece in last:
                    _count(self.findings.last, f"{piece[0]} {piece[2]}".strip())
                return
            last = left
            await asyncio.sleep(0.05)
        if child.is_alive():
            left = sorted(waiting & self._reader.due(time.time()))
            self.findings.broken.append(f"not resumed within half a minute: {len(left)} pieces of work, {left[:3]}")

    def _turn_to(self, life: Life) -> None:
        """Let vendors and network be as in this life."""
        self._world.spoiled = life.spoiled
        for name, vendor in self._world.vendors.items():
            vendor.behaviour, vendor.pace = deepcopy(life.behaviours.get(name, CALM)), life.pace

    async def _work(self, child: BaseProcess, life: Life) -> None:
        """Let it work, with its trouble, until it falls by itself or its time is over."""
        loop = asyncio.get_running_loop()
        fallen = asyncio.Event()
        loop.add_reader(child.sentinel, fallen.set)
        trouble = asyncio.create_task(self._trouble(life))
        begun, season = time.monotonic(), 1
        try:
            while not fallen.is_set():
                lived = time.monotonic() - begun
                behind = life.long and self._taken < self._wanted and lived < _LONGEST
                if (lived >= life.after and not behind) or (life.whole and self._left() == 0):
                    break
                if life.long and lived > season * _SEASON:  # what goes wrong in a long life changes now and then
                    self._turn_to(self._plan.lives[(life.number + season) % len(self._plan.lives)])
                    season += 1
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(fallen.wait(), 0.3 if life.whole else 0.05)
        finally:
            loop.remove_reader(child.sentinel)
            self._event = ""
            trouble.cancel()
            await asyncio.gather(trouble, return_exceptions=True)

    async def _end(self, child: BaseProcess, life: Life) -> None:
        child.kill()
        child.join()
        self._died = time.monotonic()
        self._world.spoiled = 0.0
        if child.exitcode != -9:  # it gave up by itself; whoever watches over it starts it again
            self.findings.fell.append(f"life {life.number} ({life.trouble or life.end}): status {child.exitcode}")
        _count(self.findings.kills, life.end if child.exitcode == -9 else "gave up by itself")
        self._reader.close()
        self._typed.clear()
        self._machine.well()
        self.findings.power_cuts += life.power
        self.findings.undone += self._machine.settle(power_lost=life.power)

    # -- what goes wrong --

    async def _trouble(self, life: Life) -> None:
        if not life.trouble:
            return
        await asyncio.sleep(life.trouble_at)
        _count(self.findings.troubles, life.trouble)
        machine = self._machine
        match life.trouble:
            case "disk full":
                machine.full = 1
            case "syncs fail":
                machine.unsyncable = 1
            case "locked":
                await self._lock()
            case "second program":
                await self._second(life)
            case "gateway cut":
                await self._world.discord.drop_gateway()
            case _:
                machine.ahead = CLOCK_OFF[life.trouble]
        machine.tell()

    async def _lock(self) -> None:
        """Hold the database's lock as another process would."""
        connection = sqlite3.connect(self._world.database, timeout=0.3, isolation_level=None)
        try:
            with contextlib.suppress(sqlite3.OperationalError):
                connection.execute("BEGIN IMMEDIATE")
            await asyncio.sleep(60)  # until the end of this life
        finally:
            self._reader.progress()  # somebody must have the file open, or closing would tidy it up
            connection.close()

    async def _second(self, life: Life) -> None:
        """Start another program on the same database: it must refuse."""
        values = {**self._world.settings(signed=life.signed), "port": free_port()}
        second = spawn(values, self._world.folder / "log")
        try:
            await asyncio.to_thread(second.join, 20)
            if second.exitcode != REFUSED:
                self.findings.broken.append(f"a second program was not refused: status {second.exitcode}")
        finally:
            second.kill()
            second.join()

    def _heard(self, event: str, facts: dict[str, Any]) -> None:
        if event == "callback sent" and facts["status"] == 200 and self._event == "callback answered":
            event = self._event
        if event == self._event:
            self._nth -= 1
            if self._nth <= 0 and self._child is not None and self._child.pid is not None:
                self._event = ""
                os.kill(self._child.pid, 9)

    # -- who lives beside it --

    async def _crowd(self) -> None:
        """Type commands, as fast as keeps the program busy."""
        while True:
            await asyncio.sleep(0.02)
            if self._under_way + len(self._typed) >= _BACKLOG or not self._world.discord.gateway.live():
                continue
            if self._taken + len(self._typed) < self._wanted:
                self._type(self._dice.choice(self._world.members), self._dice.choice(VENDORS))
            if self._owed:
                self._owed -= 1
                self._burst()

    def _type(self, member: Member, vendor: str) -> None:
        places = [channel for channel in self._world.channels if channel.guild is member.guild]
        prompt = f"a boat at dawn, take {self._dice.randrange(10**9)}"
        with contextlib.suppress(ConnectionError):
            options = {"prompt": prompt, "provider": vendor, **_ORDERS[vendor]}
            self._typed.append(member.type(self._dice.choice(places), "/video", options))

    def _burst(self) -> None:
        """Let somebody with few credits type eight commands at once."""
        assert self._world.poor.guild is not None
        self._bursts += 1
        member = self._world.poor.guild.add_member(f"poor{self._bursts}")
        for number in range(8):
            member.type(self._world.poor, "/video", {"prompt": f"a coin, take {number}", **_ORDERS["vidu"]})

    async def _watch(self) -> None:
        """Keep count."""
        while True:
            await asyncio.sleep(0.2)
            found = self._reader.progress() if self._child is not None and self._child.is_alive() else None
            if found is not None:
                self._taken, self._under_way = found
            late = time.time() - 2
            self._typed = [one for one in self._typed if one.visible_at is None and one.sent_at > late and not one.lost]
            self._callbacks.gather(self._world)

    async def _forge(self) -> None:
        """Post lies to addresses that became known."""
        while True:
            await asyncio.sleep(0.25)
            await forger.lie(self._world, self._dice)

    def _left(self) -> int:
        """Count what is left to do."""
        owed = max(0, self._wanted - self._taken) + self._owed + len(self._typed)
        owed += sum(proxy.astray for proxy in self._world.proxies)
        return owed or self._reader.unfinished()

    async def _finish(self) -> None:
        """Let the program finish in peace."""
        quiet = Life(len(self._plan.lives), 0.0)
        self._prepare(quiet)
        self._wanted = self._plan.jobs
        child = self._start(quiet)
        await self._until_it_listens(child)
        least, since, calm = 10**9, time.monotonic(), 0
        while time.monotonic() - since < _PATIENCE and child.is_alive() and calm < _CALM:
            left = self._left()
            calm = calm + 1 if left == 0 else 0
            if left < least:
                least, since = left, time.monotonic()
            await asyncio.sleep(0.1)
        child.terminate()
        await asyncio.to_thread(child.join, 15)
        if child.exitcode != 0:
            self.findings.broken.append(f"did not stop on SIGTERM: status {child.exitcode}")


def _count(counts: dict[str, int], name: str) -> None:
    counts[name] = counts.get(name, 0) + 1
