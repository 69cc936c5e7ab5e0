"""The program as a process of its own, that falls where the plan says, on a machine that may be ill (machine.py)."""

import asyncio
import gc
import os
import signal
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from jobs.context import Timing
from rushes import logs
from rushes.program import Program
from rushes.settings import load
from storage.lock import InUse
from tests.chaos import sabotage
from tests.chaos.start import REFUSED

TIMING: Final = Timing(
    absence_gap=200,
    search=8_000,  # what arrives late does so within seven
    retry_least=100,
    retry_most=500,
    card_gap=200,
    idle=100,
)


def live(values: dict[str, Any], log: Path, step: str, nth: int, sabotages: Sequence[str]) -> None:
    """Be the program, until the end; kill yourself as you tell `step` for the n-th time."""
    gc.freeze()  # what was imported stays: no use to look through it
    os.environ.pop("LD_PRELOAD", None)  # its own children are no part of the experiment
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    sabotage.commit(sabotages)
    try:
        asyncio.run(_run(values, _killer(step, nth)))
    except InUse:
        os._exit(REFUSED)


def _killer(wanted: str, nth: int) -> Callable[..., None]:
    told: Counter[str] = Counter()

    def tell(step: str, job_id: int | None = None, /, **facts: object) -> None:
        logs.write_step(step, job_id, **facts)
        told[step] += 1
        if step == wanted and told[step] == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    return tell


async def _run(values: dict[str, Any], tell: Callable[..., None]) -> None:
    settings = load(None, **values)
    logs.configure("INFO", "json", settings.secret_values())
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    program = await Program.start(
        settings, tell, timing=replace(TIMING, callback_grace=settings.callback_grace * 1000), ready_timeout=0.02
    )
    await stop.wait()
    await program.close()
