"""The stage of the journeys: the whole program, a vendor and a Discord, all real servers on loopback sockets."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from jobs.context import Timing
from rushes.program import Program
from rushes.settings import Settings, load
from sandbox.discord import Channel, Discord, Fault, Member, Message, Typed, Upload
from sandbox.scenery import Scenery, Secrets, put_up
from sandbox.vendors import Studio, Vendor, VendorKeys
from storage import Database, deliveries, ledger
from storage import jobs as job_facts
from storage.words import Delivery, Entry, Job, LedgerRow
from tests.bot.harness import PATIENCE
from tests.journeys.material import boat, dance, picture, song

__all__ = ["Clock", "Fault", "Stage", "Upload", "picture"]

# Every secret the program is given; none of them may turn up anywhere (see test_secrets.py).
DISCORD_TOKEN = "canary-discord-token-5f1c9a"
SECRET_KEY = "canary-secret-key-8d2e-0123456789abcdef"
API_KEY = "canary-api-key-77ab31"
ACCESS_KEY = "canary-access-key-19d0"
KLING_SECRET = "canary-kling-secret-4b6e-0123456789abcdef"
WEBHOOK_SECRET = "whsec_Y2FuYXJ5LXdlYmhvb2stc2VjcmV0LTAxMjM0NTY3"

PROMPT = "a boat at dawn"
SHORT = {"prompt": PROMPT, "duration": 1, "resolution": "540p"}
KLING = {"prompt": PROMPT, "model": "kling-v1-6", "duration": 5, "resolution": "720p", "image": boat}

# The ways a video comes about, each by its quickest order: what is typed, and at which vendor (the first word).
WAYS: dict[str, tuple[str, dict[str, Any]]] = {
    "vidu": ("/video", {**SHORT, "model": "viduq3-turbo"}),
    "futurelabs": ("/video", {**SHORT, "model": "viduq3-turbo", "resolution": "720p", "image": boat}),
    "futurelabs dance": (
        "/motion",
        {"prompt": PROMPT, "image": boat, "video": dance, "character_orientation": "video"},
    ),
    "futurelabs song": ("/mv create", {"prompt": PROMPT, "image1": boat, "audio": song, "resolution": "540p"}),
    "kkiai": ("/video", {**SHORT, "image": boat}),
    "powertokens": ("/video", {**SHORT, "image": boat}),
    "apiframe": ("/video", {**KLING}),
    "kling": ("/video", {**KLING}),
    "kling signed": ("/video", {**KLING}),
}

QUICK = Timing(
    callback_grace=60_000,
    submit_deadline=24 * 3_600_000,
    job_deadline=6 * 3_600_000,
    rescue=24 * 3_600_000,
    absence_gap=60_000,
    retry_least=200,
    retry_most=2_000,
    card_gap=100,
    idle=60,
)


class Clock:
    """The real time, and as much more as a test says."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead

    def advance(self, seconds: float) -> None:
        self.ahead += seconds


@dataclass
class Step:
    """One thing that was told by the program, the vendor or Discord."""

    name: str
    job_id: int | None
    facts: Mapping[str, object]


@dataclass
class Stage:
    """Everything of one journey."""

    folder: Path
    scenery: Scenery
    settings: Settings
    clock: Clock
    values: dict[str, Any]  # what the settings were made of
    way: str
    timing: Timing = QUICK
    steps: list[Step] = field(default_factory=list[Step])
    program: Program | None = None
    stirred: asyncio.Event = field(default_factory=asyncio.Event)

    def told(self, step: str, job_id: int | None = None, /, **facts: object) -> None:
        """Hear the program."""
        self.steps.append(Step(step, job_id, facts))
        self.stir()

    def stir(self) -> None:
        """Wake whoever waits."""
        self.stirred.set()
        self.stirred = asyncio.Event()

    @property
    def vendor(self) -> Vendor:
        """The vendor's stand-in."""
        return self.scenery.vendor

    @property
    def discord(self) -> Discord:
        """Discord's stand-in."""
        return self.scenery.discord

    @property
    def channel(self) -> Channel:
        """Where Ada types."""
        return self.scenery.channel

    @property
    def ada(self) -> Member:
        """The member."""
        return self.scenery.member

    @property
    def running(self) -> Program:
        """The program, which must run."""
        assert self.program is not None
        return self.program

    async def start(self) -> None:
        """Start the program and wait until it is in Discord."""
        session = max((one.number for one in self.discord.sessions), default=0) + 1
        self.program = await Program.start(
            self.settings, self.told, timing=self.timing, clock=self.clock, ready_timeout=0.02
        )
        await self.discord.connected(session=session)
        await self.until(lambda: self.running.bot.ready)

    async def stop(self) -> None:
        """Stop the program."""
        if self.program is not None:
            await self.program.close()
            self.program = None

    async def until(self, condition: Callable[[], object], seconds: float = 20) -> None:
        """Wait until a condition holds, looked at whenever anything happens and a few times a second."""
        try:
            async with asyncio.timeout(seconds):
                while not condition():
                    try:
                        async with asyncio.timeout(0.05):
                            await self.stirred.wait()
                    except TimeoutError:
                        if condition():
                            return
                        continue
        except TimeoutError:
            names = [step.name for step in self.steps]
            books = [(task.id, task.states) for task in self.vendor.tasks.values()]
            raise TimeoutError(f"not reached in {seconds} s; told {names}; vendor {books}") from None

    async def pass_time(self, condition: Callable[[], object], hours: float, steps: int = 12) -> None:
        """Let hours pass in steps until a condition holds; after each, everything that it sets going comes to rest."""
        for _ in range(steps):
            self.clock.advance(hours * 3600)
            if await self._rested(condition):
                return
        await self.until(condition)

    async def _rested(self, condition: Callable[[], object]) -> bool:
        """Wait until a condition holds, or nothing was told in ten looks: a machine that stands still makes none."""
        looks = 10
        while looks and not condition():
            looks -= 1
            try:
                async with asyncio.timeout(0.05):
                    await self.stirred.wait()
                looks = 10
            except TimeoutError:
                continue
        return bool(condition())

    def heard(self, name: str) -> list[Step]:
        """List the steps of a name."""
        return [step for step in self.steps if step.name == name]

    async def until_heard(self, name: str, times: int = 1, seconds: float = 20) -> None:
        """Wait until a step was told so many times."""
        await self.until(lambda: len(self.heard(name)) >= times, seconds)

    def ask(self, **options: Any) -> Typed:
        """Let Ada type the quickest order of this way, changed by options."""
        command, usual = WAYS[self.way]
        wanted: dict[str, Any] = {**usual, **options}
        return self.ada.type(
            self.channel, command, {name: value() if callable(value) else value for name, value in wanted.items()}
        )

    def videos(self) -> list[Message]:
        """List the messages in the channel that bring a result."""
        return [
            message
            for message in self.channel.messages
            if any(file.filename.endswith(".mp4") for file in message.attachments)
            or "/media/outputs/" in str(message.content)
        ]

    def rows(self, question: str) -> list[tuple[Any, ...]]:
        """Read the database beside the program."""
        file = self.settings.database_url.removeprefix("sqlite+aiosqlite:///")
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
            rows = connection.execute(question).fetchall()
        connection.close()
        return rows

    def only_job(self) -> int:
        """Name the one job there is."""
        [(job_id,)] = self.rows("SELECT id FROM jobs")
        return int(job_id)

    async def job(self) -> Job:
        """Read the one job there is."""
        return (await self.books())[0]

    async def books(self) -> tuple[Job, Delivery | None, list[LedgerRow]]:
        """Read all that is kept of the one job there is, beside the program."""
        database, job_id = await Database.open(self.settings.database_url), self.only_job()
        try:
            job = await database.read(job_facts.by_id, job_id)
            assert job is not None
            return job, await database.read(deliveries.of_job, job_id), await database.read(ledger.of_job, job_id)
        finally:
            await database.close()

    async def one_video(self, seconds: float = 30, *, with_card: bool = True) -> Message:
        """Wait for the result, let everything calm down, and hold the books against each other.

        One message with the vendor's own bytes, one task, one hold and one settle, and nothing left to do.
        """
        await self.until(partial(self.calm, with_card=with_card), seconds)
        [message] = self.videos()
        job, delivery, rows = await self.books()
        assert job.state == "succeeded"
        assert delivery is not None
        assert (delivery.state, delivery.message_id) == ("posted", message.id)
        assert [row.kind for row in rows] == [Entry.HOLD, Entry.SETTLE]
        assert sum(row.amount for row in rows) == -(job.charged or 0)
        finished = [task for task in self.vendor.tasks.values() if task.id == job.task_id]
        assert len(self.vendor.tasks) == len(finished) == 1
        assert finished[0].video is not None
        if message.attachments:
            assert message.attachments[0].data == finished[0].video.read_bytes()
        return message

    def calm(self, *, with_card: bool = True) -> bool:
        """Tell whether nothing is left to do: the result is posted, the card is true, the inbox is empty."""
        card = " OR card_due_at IS NOT NULL" if with_card else ""
        return self.rows(
            f"SELECT (SELECT count(*) FROM jobs WHERE due_at IS NOT NULL{card}),"
            " (SELECT count(*) FROM inbox WHERE settled_at IS NULL),"
            " (SELECT count(*) FROM deliveries WHERE state <> 'posted'),"
            " (SELECT count(*) FROM jobs WHERE state = 'succeeded') > 0,"
            " (SELECT count(*) FROM outputs WHERE file IS NULL)",
        ) == [(0, 0, 0, 1, 0)]


async def open_stage(
    folder: Path,
    films: Path,
    vendor: str,
    *,
    kind: type[Stage] = Stage,
    upload_limit: int = 10 * 2**20,
    **changes: Any,
) -> Stage:
    """Set the stage for one way to a video ("kling signed": callbacks are signed); the program is not started yet."""
    clock, name, signed = Clock(), vendor.split(maxsplit=1)[0], vendor.endswith("signed")
    stage: Stage | None = None

    def hear(event: str, facts: dict[str, Any]) -> None:
        del facts
        if stage is not None:
            stage.steps.append(Step(f"* {event}", None, {}))
            stage.stir()

    scenery = await put_up(
        folder,
        name,
        Secrets(DISCORD_TOKEN, SECRET_KEY, keys_for(name, signed=signed)),
        studio=Studio(films),
        clock=clock,
        tell=hear,
        upload_limit=upload_limit,
    )
    scenery.discord.world.first_answer = PATIENCE
    values = {**scenery.values, **changes}
    stage = kind(folder, scenery, load(None, **values), clock, values, vendor)
    return stage


def keys_for(vendor: str, *, signed: bool) -> VendorKeys:
    """Choose the keys a vendor knows us by."""
    if vendor != "kling":
        return VendorKeys(API_KEY)
    return VendorKeys(API_KEY, ACCESS_KEY, KLING_SECRET, WEBHOOK_SECRET if signed else None)


async def close_stage(stage: Stage) -> None:
    """End everything."""
    await stage.stop()
    await stage.scenery.close()
