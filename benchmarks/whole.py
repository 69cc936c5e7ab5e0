"""The whole program as it is run, `rushes run` in a process of its own, beside the stand-ins for Discord and Vidu.

Nothing of it is opened up for the measurement: its settings tell it everything, and its steps are read in its log.
"""

import asyncio
import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.machine import Server, Trouble, accepts
from benchmarks.prepared import API_KEY, SECRET_KEY
from rushes.settings import Settings
from sandbox.discord import REALISTIC_MESSAGES, Limit, Typed, Upload
from sandbox.scenery import Scenery, Secrets, put_up
from sandbox.vendors import Studio, VendorKeys

_TOKEN = "the-benchmark's-bot"  # noqa: S105 -- guards nothing
_PATIENCE = 30.0
_ORDER = {"prompt": "a boat at dawn", "model": "viduq3-turbo", "duration": 1, "resolution": "540p"}

__all__ = ["Stage", "Upload", "opened"]


@dataclass(frozen=True, slots=True)
class Stage:
    """The program, running, and what is around it."""

    scenery: Scenery
    program: Server
    log: Path
    listening_after: float  # seconds from its start
    connected_after: float

    def ask(self, number: int, rooms: int) -> Typed:
        """Let somebody type /video, each time in the next of so many channels."""
        guild = self.scenery.channel.guild
        if guild is None:
            raise Trouble("the stand-in's channel is in no server")
        while len(guild.channels) < rooms:
            guild.add_channel(f"films-{len(guild.channels)}")
        return self.scenery.member.type(guild.channels[number % rooms], "/video", _ORDER)

    def posted(self) -> int:
        """Count the results in Discord."""
        return sum(request.multipart and request.status == 200 for request in self.scenery.discord.requests)

    async def until_posted(self, count: int, seconds: float) -> bool:
        """Wait for so many results; False when they do not come in time."""
        end = time.perf_counter() + seconds
        while self.posted() < count:
            if time.perf_counter() > end:
                return False
            await asyncio.sleep(0.02)
        return True

    def steps(self) -> dict[str, list[tuple[float, str]]]:
        """Read what the program told of each job: the steps with their times, in order."""
        found: dict[str, list[tuple[float, str]]] = {}
        for line in self.log.read_text().splitlines():
            if not line.startswith("{"):
                continue
            told = json.loads(line)
            if "job" in told:
                at = datetime.fromisoformat(told["timestamp"]).timestamp()
                found.setdefault(told["job"], []).append((at, told["event"]))
        return found


@asynccontextmanager
async def opened(
    bench: Bench, folder: Path, *, studio: Studio | None = None, upload_limit: int = 10 * 2**20, pace: float = 0.3
) -> AsyncGenerator[Stage]:
    """Start the stand-ins and the program in a folder, which may hold a database. Raise Trouble."""
    secrets = Secrets(_TOKEN, SECRET_KEY, VendorKeys(API_KEY))
    scenery = await put_up(folder, "vidu", secrets, studio=studio, pace=pace, upload_limit=upload_limit)
    scenery.vendor.behaviour.credits_left = 1e9
    limits = scenery.discord.limits
    limits.messages, limits.routes, limits.overall = REALISTIC_MESSAGES, REALISTIC_MESSAGES, Limit(50, 1.0)
    values = {**scenery.values, "log_level": "INFO", "log_format": "json"}
    # An empty variable counts as none: whatever else is set on this machine must not reach the program.
    unset = dict.fromkeys((name.upper() for name in Settings.model_fields), "")
    environment = unset | {name.upper(): str(value) for name, value in values.items()}
    environment["PYTHONDONTWRITEBYTECODE"] = ""  # as where it is installed: compiled once, not at each start
    log, port = folder / "program.log", int(values["port"])
    with bench.cores.servers():
        program = Server("rushes run", [sys.executable, "-m", "rushes", "run"], port, log, environment, folder)
    try:
        listening = await asyncio.to_thread(program.wait, accepts)
        await _connected(scenery, program)
        yield Stage(scenery, program, log, listening, time.perf_counter() - program.began)
    finally:
        await asyncio.to_thread(program.ask_to_stop)
        await scenery.close()


async def _connected(scenery: Scenery, program: Server) -> None:
    end = time.perf_counter() + _PATIENCE
    while not (scenery.discord.commands and await asyncio.to_thread(_ready, program.port)):
        if time.perf_counter() > end:
            raise Trouble("the program does not get ready")
        await asyncio.sleep(0.01)


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return answer.status == 200
    except (urllib.error.URLError, OSError):
        return False
