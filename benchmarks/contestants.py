"""Who takes part in the race of the receivers: how each is started, what it is sent, and where its rows are."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import stock
from benchmarks.machine import ROOT, Server
from benchmarks.prepared import API_KEY

_PEERS = ROOT / ".venv-bench" / "bin" / "python"
_OURS = sys.executable


@dataclass(frozen=True, slots=True)
class Contestant:
    """A receiver."""

    key: str
    title: str
    command: Callable[[int, Path], list[str]]  # of a port and a database
    needs: tuple[str, ...] = ()  # modules of the peers' environment
    program: str = ""  # which must be installed on the machine
    sent: str = "callbacks"  # or "events"
    rows: str = ""  # how to count what it stored; empty: it stores nothing
    stocked: Callable[[Path, int], None] | None = None  # makes its database, with so many jobs
    settings: Mapping[str, str] | None = None

    def missing(self) -> str:
        """Say what is not installed; empty: it can take part."""
        if self.program:
            return "" if shutil.which(self.program) else self.program
        if not self.needs or _imports(self.needs):
            return ""
        return ", ".join(self.needs)

    def start(self, port: int, database: Path, log: Path, environment: Mapping[str, str]) -> Server:
        """Start it. It listens a moment later."""
        own = {"BENCH_KEY": API_KEY, "BENCH_DATABASE": str(database), **(self.settings or {})}
        return Server(self.title, self.command(port, database), port, log, {**own, **environment})


def _interpreter() -> str:
    """Choose the peers' environment, or ours where it could not be made: some peers need nothing else."""
    return str(_PEERS) if _PEERS.exists() else _OURS


def _imports(modules: tuple[str, ...]) -> bool:
    return (
        subprocess.run(
            [_interpreter(), "-c", f"import {', '.join(modules)}"], capture_output=True, check=False
        ).returncode
        == 0
    )


def _peer(module: str, *, mode: str = "") -> Callable[[int, Path], list[str]]:
    def command(port: int, database: Path) -> list[str]:
        rest = [str(database), API_KEY, mode] if mode else []
        return [_interpreter(), "-m", f"benchmarks.peers.{module}", str(port), *rest]

    return command


def _ours(log_level: str) -> Callable[[int, Path], list[str]]:
    return lambda port, database: [_OURS, "-m", "benchmarks.peers.ours", str(port), str(database), log_level]


def _naive(key: str, title: str, module: str, mode: str, *needs: str) -> Contestant:
    return Contestant(
        key,
        title,
        _peer(module, mode=mode),
        needs=needs,
        rows="SELECT count(*) FROM events",
        stocked=stock.naive,
    )


def _gunicorn(port: int, database: Path) -> list[str]:
    del database
    options = ["--worker-class", "gthread", "--threads", "4", "--backlog", "1024", "--log-level", "warning"]
    return [_interpreter(), "-m", "gunicorn", *options, "-b", f"127.0.0.1:{port}", "benchmarks.peers.django_app:wsgi"]


def _uvicorn(port: int, database: Path) -> list[str]:
    del database
    options = ["--no-access-log", "--log-level", "warning", "--lifespan", "off", "--backlog", "1024"]
    return [_interpreter(), "-m", "uvicorn", *options, "--port", str(port), "benchmarks.peers.django_app:asgi"]


def _django(key: str, title: str, command: Callable[[int, Path], list[str]], view: str) -> Contestant:
    return Contestant(
        key,
        title,
        command,
        needs=("django_github_app", "gunicorn", "uvicorn"),
        sent="events",
        rows="SELECT count(*) FROM django_github_app_eventlog",
        stocked=_migrated,
        settings={"BENCH_VIEW": view},
    )


def _migrated(file: Path, count: int) -> None:
    del count  # it knows no jobs
    environment = {"BENCH_KEY": API_KEY, "BENCH_DATABASE": str(file), "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [_interpreter(), "-m", "benchmarks.peers.django_app", "migrate"], env=environment, cwd=ROOT, check=True
    )


def _adnanh(port: int, database: Path) -> list[str]:
    del database
    options = ["-template", "-hooks", "benchmarks/peers/webhook.json", "-ip", "127.0.0.1"]
    return ["webhook", *options, "-port", str(port)]


RAW = Contestant("raw", "no server: a fixed answer", _peer("raw"))
BARE = Contestant("bare", "bare aiohttp, reads the body", _peer("bare"))
OURS = Contestant(
    "ours",
    "Rushes",
    _ours("WARNING"),
    rows="SELECT count(*) FROM inbox",
    stocked=stock.rushes,
)
OURS_LOGGING = Contestant(
    "ours_logging", "Rushes, every step in its log", _ours("INFO"), rows=OURS.rows, stocked=OURS.stocked
)
NAIVE_ROW = _naive("naive_row", "aiohttp + aiosqlite, the same row", "naive_aiohttp", "row")
NAIVE_WORK = _naive("naive_work", "aiohttp + aiosqlite, the hour's work", "naive_aiohttp", "work")
FASTAPI_ROW = _naive("fastapi_row", "FastAPI + SQLAlchemy, the same row", "naive_fastapi", "row", "fastapi", "uvicorn")
FASTAPI_WORK = _naive(
    "fastapi_work", "FastAPI + SQLAlchemy, the hour's work", "naive_fastapi", "work", "fastapi", "uvicorn"
)
DJANGO_THREADS = _django("django_threads", "django-github-app, gunicorn threads", _gunicorn, "sync")
DJANGO_ASYNC = _django("django_async", "django-github-app, uvicorn", _uvicorn, "async")
ADNANH = Contestant(
    "adnanh",
    "adnanh/webhook, insert awaited",
    _adnanh,
    program="webhook",
    sent="events",
    rows="SELECT count(*) FROM events",
    stocked=stock.webhook,
)

ALL = (
    RAW,
    BARE,
    OURS,
    OURS_LOGGING,
    NAIVE_ROW,
    NAIVE_WORK,
    FASTAPI_ROW,
    FASTAPI_WORK,
    DJANGO_THREADS,
    DJANGO_ASYNC,
    ADNANH,
)
