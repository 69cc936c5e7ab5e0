"""The log: one line a fact, for people or as JSON, and no secret in it whoever wrote the line."""

import logging
import sys
from collections.abc import Collection
from typing import Any

import structlog

from storage.codes import job_code

_HIDDEN = "[secret]"
_STEPS = logging.getLogger("rushes")
_DETAILS = {"callback received", "callback verified"}  # of "callback stored", which is told whenever they went well
_LEAST_SECRET = 8  # characters; hiding shorter ones would hide ordinary words
# discord.py writes addresses with interaction tokens at DEBUG, SQLAlchemy and aiosqlite every statement at INFO.
_NOT_BELOW = {
    "discord": logging.INFO,
    "aiohttp": logging.INFO,
    "PIL": logging.INFO,
    "alembic": logging.WARNING,
    "aiosqlite": logging.WARNING,
    "sqlalchemy": logging.WARNING,
}


class _Censor(logging.Formatter):
    """Writes a line by another formatter and hides every known secret in it, tracebacks included."""

    def __init__(self, inner: logging.Formatter, secrets: Collection[str]) -> None:
        super().__init__()
        self._inner = inner
        # The longest first: one secret may be the beginning of another.
        self._secrets = sorted((one for one in secrets if len(one) >= _LEAST_SECRET), key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        """Write the line."""
        line = self._inner.format(record)
        for secret in self._secrets:
            line = line.replace(secret, _HIDDEN)
        return line


def _no_voice(record: logging.LogRecord) -> bool:
    """Drop discord.py's remark that voice will not work: nothing here speaks."""
    return "voice will NOT be supported" not in record.getMessage()


def configure(level: str, form: str, secrets: Collection[str]) -> None:
    """Send every log line, ours and the libraries', through one censored handler to standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        # Turns a line away before anything is made of it; the library's own wrapper does so after everything was.
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        cache_logger_on_first_use=False,
    )
    renderer: Any = structlog.processors.JSONRenderer()
    if form == "console":
        renderer = structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            exception_formatter=structlog.dev.plain_traceback,  # the rich one prints local variables: secrets
        )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_no_voice)
    handler.setFormatter(
        _Censor(
            structlog.stdlib.ProcessorFormatter(
                foreign_pre_chain=shared,
                processors=[
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *([structlog.processors.format_exc_info] if form == "json" else []),
                    renderer,
                ],
            ),
            secrets,
        ),
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name, least in _NOT_BELOW.items():
        logging.getLogger(name).setLevel(max(logging.getLevelNamesMapping()[level], least))


def write_step(step: str, job_id: int | None = None, /, **facts: object) -> None:
    """Write a step of a job to the log: the program's own `tell`. Where the log is not to have it, it costs nothing."""
    level = logging.DEBUG if step in _DETAILS else logging.INFO
    if not _STEPS.isEnabledFor(level):
        return
    job = {} if job_id is None else {"job": job_code(job_id)}
    structlog.get_logger(_STEPS.name).log(level, step, **job, **{name: str(fact) for name, fact in facts.items()})
