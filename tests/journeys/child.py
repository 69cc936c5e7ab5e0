"""The program as a process of its own, whose power can be cut at any step of a job."""

import asyncio
import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from jobs.context import Timing
from rushes import logs
from rushes.program import Program
from rushes.settings import load

# Forked from a process that has imported everything once: a start costs milliseconds, not seconds.
_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["tests.journeys.child"])

PROMPT = Timing(
    callback_grace=1_500,
    absence_gap=100,
    retry_least=100,
    retry_most=400,
    card_gap=100,
    idle=60,
)


def spawn(values: dict[str, Any], log: Path, kill_at: str | None = None) -> BaseProcess:
    """Start the program on the given settings; it cuts its own power at the first step named `kill_at`."""
    child = _SERVER.Process(target=_main, args=(values, log, kill_at))
    child.start()
    return child


def _main(values: dict[str, Any], log: Path, kill_at: str | None) -> None:
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(descriptor, 2)
    asyncio.run(_run(values, _killer(kill_at)))


def _killer(kill_at: str | None) -> Callable[..., None]:
    def tell(step: str, job_id: int | None = None, /, **facts: object) -> None:
        logs.write_step(step, job_id, **facts)
        if step == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    return tell


async def _run(values: dict[str, Any], tell: Callable[..., None]) -> None:
    settings = load(None, **values)
    logs.configure("DEBUG", "json", settings.secret_values())
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    program = await Program.start(settings, tell, timing=PROMPT, ready_timeout=0.02)
    await stop.wait()
    await program.close()
