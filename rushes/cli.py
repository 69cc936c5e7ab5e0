"""The command line: run the program, check its settings, give a server a budget, see the demo."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from bot.client import TokenRefused
from rushes import logs
from rushes.program import Program
from rushes.settings import BadSettings, Settings, load
from storage import Database, StorageError, guilds, ledger
from storage.lock import InUse
from storage.migrate import FromTheFuture
from storage.words import GuildSettings

app = typer.Typer(
    help="Rushes turns /video in Discord into finished videos.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # its tracebacks print local variables: secrets
)

_OURS_ALONE = 0o077  # the umask: the database and the media are nobody else's business
_TROUBLES = (InUse, FromTheFuture, StorageError, OSError)  # of the surroundings: a sentence tells more than a traceback
_MOST_ID = 2**63 - 1
_MOST_CREDITS = 10**15


@app.command()
def run() -> None:
    """Run the bot with the settings of the environment or `.env`, until it is told to stop."""
    settings = _settings()
    os.umask(_OURS_ALONE)
    logs.configure(settings.log_level, settings.log_format, settings.secret_values())
    try:
        asyncio.run(_run(settings))
    except (*_TROUBLES, TokenRefused) as error:
        _fail(str(error))


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    program = await Program.start(settings, logs.write_step)
    told = asyncio.create_task(stop.wait())
    ended = asyncio.create_task(program.wait())
    try:
        await asyncio.wait([told, ended], return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            ended.result()
    finally:
        told.cancel()
        ended.cancel()
        await program.close()


@app.command()
def check() -> None:
    """Look at the settings and say what is wrong with them, or which vendors they offer."""
    settings = _settings()
    typer.echo("The settings are usable. Vendors with a key: " + ", ".join(settings.accounts()))


@app.command()
def budget(
    guild: Annotated[int, typer.Argument(help="the server's id in Discord", min=1, max=_MOST_ID)],
    credits: Annotated[
        int | None,
        typer.Argument(help="credits a month; leave out to read it", min=0, max=_MOST_CREDITS),
    ] = None,
    *,
    unlimited: Annotated[bool, typer.Option("--unlimited", help="take the limit away")] = False,
) -> None:
    """Read or set how many credits a server may use in a calendar month (UTC)."""
    settings = _settings()
    os.umask(_OURS_ALONE)
    try:
        asyncio.run(_budget(settings, guild, credits, unlimited=unlimited))
    except _TROUBLES as error:
        _fail(str(error))


async def _budget(settings: Settings, guild: int, credits: int | None, *, unlimited: bool) -> None:
    database = await Database.open(settings.database_url)
    now = int(time.time() * 1000)
    try:
        old = await database.read(guilds.settings_of, guild)
        if credits is not None or unlimited:
            new = GuildSettings(guild, None if unlimited else credits, old.default_provider)
            await database.write(guilds.decided, new, now)
        now_set = await database.read(guilds.settings_of, guild)
        spent = await database.read(ledger.spent_this_month, guild, now)
    finally:
        await database.close()
    limit = "without limit" if now_set.budget is None else f"of {now_set.budget}"
    typer.echo(f"Server {guild}: {spent} credits used or held this month, {limit}.")


@app.command()
def demo(
    image: Annotated[Path | None, typer.Option(help="a picture of yours (png, jpg)", exists=True)] = None,
    prompt: Annotated[str, typer.Option(help="what should happen")] = "The boat sails on; the camera drifts closer",
    provider: Annotated[str, typer.Option(help="futurelabs, vidu or kling")] = "vidu",
    output: Annotated[Path, typer.Option(help="where the posted video goes")] = Path("demo-output"),
) -> None:
    """Show a member's /video from Enter to the posted MP4, on this machine alone."""
    from rushes.demo import DemoFailed, show  # noqa: PLC0415 -- the stand-ins have no business in a real run

    try:
        asyncio.run(show(image, prompt, provider, output))
    except DemoFailed as error:
        _fail(f"The demo failed: {error}")


def _settings() -> Settings:
    try:
        return load()
    except BadSettings as error:
        _fail("The settings cannot be used:\n" + "\n".join(f"  - {problem}" for problem in error.problems))


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    sys.exit(1)
