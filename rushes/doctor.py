"""`rushes doctor`: what /doctor looks at, as far as it can be seen from here; beside a running program too.

Where none runs, the receiver is opened for the test callback; vendors' that come meanwhile are stored as ever. Where
one runs, only its own process could know a callback of its own again, so it is asked whether it is ready.
"""

import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any, NoReturn

import aiohttp
from rich.text import Text

from bot import judging
from bot.checks import files_check, host_of, outside_checks, store_checks, tls_check, vendor_checks
from bot.findings import SIGNS, Check, Grade, Line, looked, verdict, worst
from bot.plain import clean
from jobs import surroundings
from jobs.addresses import Addresses
from jobs.context import Context
from providers import registry
from rushes import rotation
from rushes.settings import Settings
from storage import Database, StorageError
from storage.lock import InUse, sole_use
from storage.migrate import FromTheFuture
from webhooks import server

_COLOURS = {Grade.GREEN: "green", Grade.YELLOW: "yellow", Grade.RED: "red"}


class _NoDatabase:
    """Stands where the database would, when it could not be opened."""

    async def read(self, *_question: object) -> NoReturn:
        raise StorageError("the database could not be opened")


async def examined(settings: Settings) -> list[Line]:
    """Look at everything that can be seen from here, side by side."""
    async with AsyncExitStack() as stack:
        found: list[Line] = []
        alone, database = True, None
        try:
            await stack.enter_async_context(sole_use(settings.database_url))
        except InUse:
            alone = False
        except (StorageError, OSError):
            pass  # opening it says the same, in a line
        try:
            database = await Database.open(settings.database_url)
            stack.push_async_callback(database.close)
        except (StorageError, FromTheFuture, OSError) as error:
            todo = "See DATABASE_URL, and whether the program's user may write there."
            found.append(Line(Grade.RED, "Database", f"It can't be opened: {error}.", todo))
        ctx = await _context(stack, settings, database)
        checks = vendor_checks(ctx, ctx.providers, None, figures=True)
        checks += store_checks(ctx, figures=True) if database else [files_check(ctx, figures=True)]
        checks += rotation.checks(database, settings, ctx.now()) if database else []
        trouble = await _listen(stack, ctx, settings) if alone and database else None
        if trouble is not None:
            found.append(trouble)
        if alone and database and trouble is None:
            checks += outside_checks(ctx, settings.discord_api_url, settings.discord_token.get_secret_value())
        else:
            checks += [_discord_check(ctx, settings), tls_check(ctx)]
            checks += [] if alone else [_readiness_check(ctx)]
        return [*await looked(checks), *found]


async def _listen(stack: AsyncExitStack, ctx: Context, settings: Settings) -> Line | None:
    try:
        receiver = await server.start(ctx, host=settings.host, port=settings.port, ready=_not_ready)
    except OSError:
        says = f"I can't listen on port {settings.port}, so no callback could arrive."
        return Line(Grade.RED, "Callbacks", says, "See HOST and PORT, and what else uses that port.")
    stack.push_async_callback(receiver.close)
    return None


async def _context(stack: AsyncExitStack, settings: Settings, database: Database | None) -> Context:
    closed: Any = _NoDatabase()
    session = await stack.enter_async_context(aiohttp.ClientSession(trust_env=False))
    return Context(
        database=database or closed,
        providers=registry.build(settings.accounts(), session, time.time),
        addresses=Addresses(settings.public_url, [key.get_secret_value() for key in settings.secret_keys]),
        media_dir=settings.media_dir,
        clock=time.time,
        tell=_silent,
    )


def _silent(_step: str, _job_id: int | None = None, /, **_facts: object) -> None:
    """Tell nobody: there is no log here."""


async def _not_ready() -> dict[str, bool]:
    return {"gateway": False}


def _discord_check(ctx: Context, settings: Settings) -> Check:
    """Show Discord the bot's token, and compare clocks."""

    async def look() -> list[Line]:
        token = settings.discord_token.get_secret_value()
        answer = await surroundings.answer_of(f"{settings.discord_api_url}/users/@me", ctx.clock, token)
        return [judging.token(answer and answer.status), judging.clock([answer and answer.ahead])]

    return Check("Discord", look)


def _readiness_check(ctx: Context) -> Check:
    """Ask the running program, by way of PUBLIC_URL, whether it is ready."""

    async def look() -> list[Line]:
        answer = await surroundings.answer_of(f"{ctx.addresses.base}/readyz", ctx.clock)
        return [judging.answering(answer and answer.status, host_of(ctx))]

    return Check("Callbacks", look)


def shown(lines: Sequence[Line]) -> Text:
    """Draw what was found for a terminal."""
    text = Text(f"{SIGNS[worst(lines)]} {verdict(lines)}\n", style="bold")
    for line in lines:
        text.append(f"{SIGNS[line.grade]} {clean(line.about)}: ", style=_COLOURS[line.grade])
        text.append(f"{clean(line.says)}\n")
        if line.todo:
            text.append(f"   → {clean(line.todo)}\n")
    return text


def fails(lines: Sequence[Line]) -> bool:
    """Say whether something does not work."""
    return worst(lines) is Grade.RED
