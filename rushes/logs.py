"""The log: one line a fact, for people or as JSON, and no secret in it whoever wrote the line."""

import io
import json
import logging
import sys
from collections.abc import Collection, MutableMapping
from typing import Any, TextIO

import structlog
from structlog.typing import ExcInfo

from storage.codes import job_code

_HIDDEN = "[secret]"
_STEPS = logging.getLogger("rushes")
# Steps that follow from a later one, which is written whenever they went well: a line costs as much as a transaction.
_DETAILS = {
    *("deferred", "pictures read", "planned", "pictures kept"),  # of "held"
    *("callback received", "callback verified"),  # of "callback stored"
    "delivery recorded",  # of "posted"
}
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


def _harmless(_logger: Any, _name: str, facts: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take from the words of a line, which may be a stranger's, what would begin a line or give a terminal orders.

    Facts are written as Python writes texts only where they hold a blank or a quote.
    """
    facts["event"] = str(facts["event"])
    for name, words in facts.items():
        if isinstance(words, str) and not words.isprintable():
            facts[name] = "".join(map(_shown, words))
    return facts


def _shown(letter: str) -> str:
    return letter if letter.isprintable() else letter.encode("unicode_escape").decode()


def _traceback(file: TextIO, problem: ExcInfo) -> None:
    """Write a traceback without local variables, which the rich one prints, and without orders to a terminal."""
    whole = io.StringIO()
    structlog.dev.plain_traceback(whole, problem)
    file.write("".join(letter if letter in "\n\t" else _shown(letter) for letter in whole.getvalue()))


class _Censor(logging.Formatter):
    """Writes a line by another formatter and hides every known secret in it, tracebacks included."""

    def __init__(self, inner: logging.Formatter, secrets: Collection[str]) -> None:
        super().__init__()
        self._inner = inner
        # The longest first: one secret may be the beginning of another.
        hidden = {form for one in secrets if len(one) >= _LEAST_SECRET for form in _forms(one)}
        self._secrets = sorted(hidden, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        """Write the line."""
        line = self._inner.format(record)
        for secret in self._secrets:
            line = line.replace(secret, _HIDDEN)
        return line


def _forms(secret: str) -> set[str]:
    """List how a text may stand in a line: as it is, as JSON has it, as Python does."""
    return {secret, json.dumps(secret)[1:-1], repr(secret)[1:-1], secret.encode("unicode_escape").decode()}


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
            exception_formatter=_traceback,
        )
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_no_voice)
    handler.setFormatter(
        _Censor(
            structlog.stdlib.ProcessorFormatter(
                foreign_pre_chain=shared,
                processors=[
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *([structlog.processors.format_exc_info] if form == "json" else [_harmless]),
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
