"""Bounds itself, then becomes another program: `python -I -S confine.py <memory> <seconds> <file bytes> <program> ...`.

What works on a stranger's file is given bytes of address space, seconds of work and a largest file; past them it ends
alone. It imports nothing of ours, so that it starts in a few hundredths of a second.
"""

import os
import resource
import sys


def main() -> None:
    """Take the bounds, then the program's place."""
    memory, seconds, size, *command = sys.argv[1:]
    bounds = {
        resource.RLIMIT_AS: int(memory),
        resource.RLIMIT_CPU: int(seconds),
        resource.RLIMIT_FSIZE: int(size),
        resource.RLIMIT_CORE: 0,
    }
    for what, most in bounds.items():
        try:
            resource.setrlimit(what, (most, most))
        except (ValueError, OSError):  # a bound already lower, or one this system does not know
            continue
    os.execv(command[0], command)  # noqa: S606 -- the program and its words are ours


if __name__ == "__main__":
    main()
