"""What the process that serves for months is run on: the quicker event loop, and a garbage collector that rests."""

import asyncio
import gc
from collections.abc import Coroutine
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end, on uvloop where it is installed (there is none for Windows), else on asyncio's own loop."""
    factory = import_module("uvloop").new_event_loop if find_spec("uvloop") else None
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)


def settle_in() -> None:
    """Tell the collector, once everything is started, that what there is now stays, and to look seldom from now on.

    A look at all that discord.py and SQLAlchemy consist of takes as long as hundreds of callbacks do.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
