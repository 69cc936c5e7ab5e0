"""Starting the program in milliseconds: it is forked from a process that has imported everything once."""

import multiprocessing
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Final

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["tests.chaos.child"])

REFUSED: Final = 3  # the status of a program that found another one on its database


def warm_up() -> None:
    """Have everything imported, so that the first start is as quick as the others."""
    child = _SERVER.Process(target=_nothing)
    child.start()
    child.join()


def spawn(
    values: dict[str, Any], log: Path, *, step: str = "", nth: int = 1, sabotages: Sequence[str] = ()
) -> BaseProcess:
    """Start the program; it kills itself as it tells `step` for the n-th time."""
    child = _SERVER.Process(target=_live, args=(values, log, step, nth, sabotages))
    child.start()
    return child


def _live(*given: Any) -> None:
    from tests.chaos.child import live  # noqa: PLC0415 -- the one who starts it has no need of the program

    live(*given)


def _nothing() -> None:
    pass
