"""What the process that serves for months is run on: the quicker event loop, one heap, and a collector that rests."""

import asyncio
import ctypes
import gc
import sys
from collections.abc import Coroutine
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar

T = TypeVar("T")

_ARENA_MAX = -8  # glibc's M_ARENA_MAX


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end, on uvloop where it is installed (there is none for Windows), else on asyncio's own loop."""
    _share_a_heap()
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


def _share_a_heap() -> None:
    """Have all threads share one heap. Where each has its own, as glibc gives it, each holds what it freed for itself.

    They take turns anyway, since Python lets one run at a time.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):  # another C library has no such thing
            ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)
