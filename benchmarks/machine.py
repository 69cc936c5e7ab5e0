"""The machine: its cores, the processes that run on them, and how much memory they take."""

import os
import platform
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[1]
_PATIENCE = 30.0  # seconds for a server to listen
_MIB = 2**20


class Trouble(Exception):  # noqa: N818 -- says what is wrong
    """The benchmark cannot go on, and why."""


@dataclass(frozen=True, slots=True)
class Cores:
    """Where servers run and where everything else does; both empty where processes cannot be held to a core."""

    server: frozenset[int]
    others: frozenset[int]

    @classmethod
    def of_this_machine(cls) -> Self:
        """Give servers the first core and everything else the second."""
        mine = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
        return cls(frozenset(mine[:1]), frozenset(mine[1:2])) if len(mine) > 1 else cls(frozenset(), frozenset())

    def keep(self) -> None:
        """Hold this process, and what it starts from now on, to the second core."""
        if self.others:
            os.sched_setaffinity(0, self.others)

    @contextmanager
    def servers(self) -> Generator[None]:
        """Start processes on the first core."""
        if not self.server:
            yield
            return
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, self.server)
        try:
            yield
        finally:
            os.sched_setaffinity(0, before)


class Server:
    """A process group that listens on a port of this machine."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        port: int,
        log: Path,
        environment: Mapping[str, str],
        place: Path = ROOT,
    ) -> None:
        self.name = name
        self.port = port
        self.began = time.perf_counter()
        self._log = log
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                command,
                stdout=out,
                stderr=out,
                cwd=place,
                env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Number of the first process of the group."""
        return self._process.pid

    def wait(self, listening: Callable[[int], bool]) -> float:
        """Wait until it listens; give the seconds since its start. Raise Trouble."""
        while time.perf_counter() - self.began < _PATIENCE:
            if self._process.poll() is not None:
                break
            if listening(self.port):
                return time.perf_counter() - self.began
            time.sleep(0.005)
        self.stop()
        raise Trouble(f"{self.name} does not listen:\n{self._log.read_text(errors='replace')[-2000:]}")

    def stop(self) -> None:
        """End it without a chance to tidy up: what was answered must be on the disk already."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def ask_to_stop(self, seconds: float = 20.0) -> None:
        """Let it close in its own way."""
        self._process.terminate()
        try:
            self._process.wait(seconds)
        finally:
            self.stop()

    def memory(self) -> float:
        """Say how much is resident now, all processes of the group together, in MiB; 0 where there is no telling."""
        return sum(_status(pid, "VmRSS") for pid in self._group())

    def peak(self) -> float:
        """Say how much was resident at the most since `forget_peak`, in MiB."""
        return sum(_status(pid, "VmHWM") for pid in self._group())

    def forget_peak(self) -> None:
        """Begin to look for the peak anew."""
        for pid in self._group():
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def seconds_worked(self) -> float:
        """Say how many seconds of a core it has used so far."""
        ticks = sum(sum(map(int, _stat(pid)[11:13])) for pid in self._group())
        return ticks / os.sysconf("SC_CLK_TCK")

    def _group(self) -> list[int]:
        pids = [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]
        return [pid for pid in pids if (stat := _stat(pid)) and int(stat[2]) == self._process.pid]


def free_port() -> int:
    """Find a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def accepts(port: int) -> bool:
    """Tell whether somebody takes connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def seconds_busy() -> float:
    """Say how many seconds all cores have worked since the machine started; 0 where there is no telling."""
    try:
        fields = [int(ticks) for ticks in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    except OSError:
        return 0.0
    idle = fields[3] + fields[4]
    return (sum(fields) - idle) / os.sysconf("SC_CLK_TCK")


def describe() -> dict[str, str]:
    """Say what was measured on."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")
        ]
        cpu = f"{len(names)} x {names[0]}" if names else cpu
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "machine": f"{cpu}, {total:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": f"Python {platform.python_version()}",
    }


def _status(pid: int, field: str) -> float:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = text.partition(f"{field}:")[2].split()
    return int(found[0]) * 1024 / _MIB if found else 0.0


def _stat(pid: int) -> list[str]:
    """Read a process's figures, from its state on: what comes before may hold blanks."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
