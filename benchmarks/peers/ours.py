"""Our own receiver: webhooks/server.py over a real database, as rushes/program.py puts it together, without the rest.

    python -m benchmarks.peers.ours PORT DATABASE LOG_LEVEL

The loops and the bot are left out, so that what is measured is what the peers do too: verify, store, answer.
"""

import asyncio
import signal
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from benchmarks.prepared import API_KEY, PUBLIC_URL, SECRET_KEY
from jobs.addresses import Addresses
from jobs.context import Context
from providers import registry
from rushes import logs, process
from rushes.settings import load
from storage import Database
from webhooks import server


async def main(port: int, file: str, log_level: str) -> None:
    """Serve until told to stop."""
    settings = load(
        None,
        discord_token="none",  # noqa: S106 -- nobody is called with it
        public_url=PUBLIC_URL,
        secret_keys=SECRET_KEY,
        vidu_api_key=API_KEY,
        database_url=f"sqlite+aiosqlite:///{file}",
        log_level=log_level,
    )
    logs.configure(settings.log_level, settings.log_format, settings.secret_values())
    with tempfile.TemporaryDirectory() as media:
        async with aiohttp.ClientSession() as session:
            ctx = Context(
                database=await Database.open(settings.database_url),
                providers=registry.build(settings.accounts(), session, time.time),
                addresses=Addresses(settings.public_url, [SECRET_KEY]),
                media_dir=Path(media),
                clock=time.time,
                tell=logs.write_step,
            )
            receiver = await server.start(ctx, host="127.0.0.1", port=port, ready=_ready)
            process.settle_in()
            stop = asyncio.Event()
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
            await stop.wait()
            await receiver.close()
            await ctx.database.close()


async def _ready() -> Mapping[str, bool]:
    return {"gateway": True}


if __name__ == "__main__":
    process.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3]))
