"""The receiver that is attacked: a process of its own, with the real vendors' adapters, log and database.

    python -m tests.attack.target FOLDER [--trusting]

It says its port in a line of JSON. For each line it reads it says what its loop and its memory went through since.
`--trusting` believes every callback: the control that shows that the counts can fail.
"""

import asyncio
import json
import resource
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import aiohttp

from jobs.addresses import Addresses
from jobs.context import Context
from providers import registry
from providers.contract import Callback, Provider, Trust, Verified
from providers.signatures import digest
from rushes import logs
from storage import Database
from tests.attack.aims import ACCOUNTS, PUBLIC_URL, SECRET_KEYS
from webhooks import server

_TICK = 0.005  # seconds


class Pulse:
    """Feels how long the loop stands still."""

    def __init__(self) -> None:
        self.longest = 0.0
        self.busy = 0.0  # seconds of the processor within the longest one: the rest was taken by other programs

    async def beat(self) -> NoReturn:
        """Feel it for ever."""
        loop = asyncio.get_running_loop()
        while True:
            began, used = loop.time(), time.thread_time()
            await asyncio.sleep(_TICK)
            stood = loop.time() - began - _TICK
            if stood > self.longest:
                self.longest, self.busy = stood, time.thread_time() - used

    def look(self) -> dict[str, float]:
        """Tell what was felt since the last look, and the memory in use now."""
        told = {
            "stall_ms": self.longest * 1000,
            "busy_ms": self.busy * 1000,
            "rss_mb": memory() / 2**20,
            "cpu": time.process_time(),
        }
        self.longest = self.busy = 0.0
        return told


def memory() -> int:
    """Tell how many bytes of memory this process has; where that is not told, the most it ever had."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _believe(callback: Callback, now: float) -> Verified:
    del now
    return Verified(Trust.DATA, digest(callback))


async def _ready() -> Mapping[str, bool]:
    return {"gateway": True}


async def main(folder: Path, *, trusting: bool) -> None:
    """Listen until nobody reads our lines any more."""
    logs.configure("INFO", "json", SECRET_KEYS)
    database = await Database.open(f"sqlite+aiosqlite:///{folder / 'rushes.db'}")
    async with aiohttp.ClientSession() as session:
        vendors: dict[str, Provider] = registry.build(ACCOUNTS, session, time.time)
        for vendor in vendors.values() if trusting else ():
            vendor.verify = _believe
        ctx = Context(
            database, vendors, Addresses(PUBLIC_URL, SECRET_KEYS), folder / "media", time.time, logs.write_step
        )
        listening = await server.start(ctx, host="127.0.0.1", port=0, ready=_ready)
        pulse = Pulse()
        beating = asyncio.create_task(pulse.beat())
        print(json.dumps({"port": listening.port}), flush=True)  # noqa: T201 -- to whoever started it
        while await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(pulse.look()), flush=True)  # noqa: T201 -- likewise
        beating.cancel()
        await listening.close()
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), trusting="--trusting" in sys.argv[2:]))
