"""The command line: run the program, check its settings, see what vendors can do and cost, decide doubts, the demo."""

import asyncio
import os
import signal
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Annotated

import aiohttp
import structlog
import typer
from rich.console import Console

from bot.client import TokenRefused
from jobs import own_keys
from jobs.doubts import decided_by_operator
from jobs.vault import Vault
from providers import registry
from providers.contract import Account, Balance, Provider
from rushes import logs, process, record, repair, reports
from rushes.program import Program
from rushes.settings import Settings
from rushes.terminal import OURS_ALONE, TROUBLES, fail, in_database, read_settings
from storage import Connection, Database, guilds, ledger, strays
from storage import jobs as job_facts
from storage.words import Period, Scope

app = typer.Typer(
    help="Rushes turns /video in Discord into finished videos.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # its tracebacks print local variables: secrets
)

_MOST_ID = 2**63 - 1
_MOST_CREDITS = 10**15
_STOP_WITHIN = 9.5  # seconds from the signal to the end
_NO_VENDOR = "No vendor has a key: only servers that bring keys of their own with /setup can have anything made."
_log = structlog.get_logger("rushes")


@app.command()
def run() -> None:
    """Run the bot with the settings of the environment or `.env`, until it is told to stop."""
    settings = read_settings()
    os.umask(OURS_ALONE)
    logs.configure(settings.log_level, settings.log_format, settings.secret_values())
    if not settings.accounts():
        _log.warning(_NO_VENDOR)
    try:
        process.run(_run(settings))
    except (*TROUBLES, TokenRefused) as error:
        fail(str(error))


def _leave_in_time() -> None:
    """Leave hard when closing takes too long, even if a thread hangs: every step was stored before it was taken."""
    timer = threading.Timer(_STOP_WITHIN, os._exit, (1,))
    timer.daemon = True
    timer.start()


async def _run(settings: Settings) -> None:
    stop = asyncio.Event()

    def told_to_stop() -> None:
        if not stop.is_set():
            _leave_in_time()
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told_to_stop)
    program = await Program.start(settings, logs.write_step)
    process.settle_in()
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
    settings = read_settings()
    vendors = settings.accounts()
    typer.echo("The settings are usable. " + (f"Vendors with a key: {', '.join(vendors)}" if vendors else _NO_VENDOR))


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
    settings = read_settings()
    os.umask(OURS_ALONE)
    try:
        asyncio.run(_budget(settings, guild, credits, unlimited=unlimited))
    except TROUBLES as error:
        fail(str(error))


async def _budget(settings: Settings, guild: int, credits: int | None, *, unlimited: bool) -> None:
    database = await Database.open(settings.database_url)
    now = int(time.time() * 1000)
    try:
        if credits is not None or unlimited:
            limit = None if unlimited else credits
            await database.write(guilds.budget_set, guild, Scope.GUILD, 0, Period.MONTH, limit)
        limit = await database.read(guilds.monthly, guild)
        spent = await database.read(ledger.spent_this_month, guild, now)
    finally:
        await database.close()
    words = "without limit" if limit is None else f"of {limit}"
    typer.echo(f"Server {guild}: {spent} credits used or held this month, {words}.")


@app.command()
def providers(
    name: Annotated[str | None, typer.Argument(help="one vendor, in full")] = None,
    *,
    markdown: Annotated[bool, typer.Option("--markdown", help="as it stands in the README")] = False,
) -> None:
    """List which vendor can do what; needs no settings."""
    vendors = asyncio.run(_all_vendors())
    if name is not None and name not in vendors:
        fail(f"There is no vendor {name}. There are: {', '.join(vendors)}.")
    rows = reports.matrix(vendors) if name is None else reports.vendor_rows(vendors[name])
    if markdown:
        typer.echo(reports.markdown(rows))
    else:
        Console().print(reports.shown(rows))
    if name is None:
        typer.echo(f"\n{reports.LEGEND}")


@app.command()
def commands() -> None:
    """Write the page of all commands in Discord as Markdown; needs no settings."""
    typer.echo(reports.commands_page(asyncio.run(_all_vendors())), nl=False)


async def _all_vendors() -> dict[str, Provider]:
    async with aiohttp.ClientSession() as session:
        nobody = Account(api_keys=("none",))
        return registry.build(dict.fromkeys(registry.NAMES, nobody), session, time.time)


@app.command()
def balance() -> None:
    """Ask each vendor that is set up what is left of the account there."""
    found = asyncio.run(_balances(read_settings()))
    Console().print(reports.shown(reports.balance_rows(found)))


async def _balances(settings: Settings) -> dict[str, Balance | Exception | None]:
    async with aiohttp.ClientSession() as session:
        vendors = list(registry.build(settings.accounts(), session, time.time).values())
        answers = await asyncio.gather(*(vendor.balance() for vendor in vendors), return_exceptions=True)
    found: dict[str, Balance | Exception | None] = {}
    for vendor, answer in zip(vendors, answers, strict=True):
        if isinstance(answer, BaseException) and not isinstance(answer, Exception):
            raise answer
        found[vendor.title] = answer
    return found


@app.command()
def doctor() -> None:
    """Look whether everything works, from here to the vendors and back; ends with 1 when something does not."""
    from rushes import doctor as examine  # noqa: PLC0415 -- what it brings along, the program would hold in vain

    settings = read_settings()
    os.umask(OURS_ALONE)
    logs.configure("ERROR", settings.log_format, settings.secret_values())
    found = asyncio.run(examine.examined(settings))
    Console(highlight=False).print(examine.shown(found), end="")
    if examine.fails(found):
        sys.exit(1)


@app.command()
def drift(
    days: Annotated[int, typer.Option(help="how far back", min=1, max=3660)] = 30,
) -> None:
    """Compare what was held with what the vendors said it cost; show what they made that no hold pays for."""
    since = int((time.time() - days * 86_400) * 1000)
    found, beside = in_database(lambda database: database.read(_drift, since))
    if found:
        Console().print(reports.shown(reports.drift_rows(found)))
    else:
        typer.echo(f"No job was paid for in the last {days} days.")
    if beside:
        typer.echo(
            "Made beside the books: second tasks, and tasks that came to light after their credits were given back."
        )
        Console().print(reports.shown(reports.beside_rows(beside)))


def _drift(connection: Connection, since: int) -> tuple[list[ledger.Drift], list[strays.Beside]]:
    return ledger.drift(connection, since), strays.everywhere(connection, since)


@app.command()
def doubts() -> None:
    """List jobs of which nobody knows whether a vendor took them; their credits stay held until you decide."""
    for job in in_database(lambda database: database.read(job_facts.in_limbo)):
        asked = time.strftime("%Y-%m-%d %H:%M", time.gmtime(job.created_at / 1000))
        typer.echo(f"{job.code}  {job.provider}  {job.operation}  asked {asked} UTC  {job.price} credits held")
    typer.echo("Look into the vendor's own list; then: rushes release CODE (not taken), or rushes charge CODE (taken).")


@app.command()
def release(code: Annotated[str, typer.Argument(help="the job's code")]) -> None:
    """Give the held credits of a doubtful job back: the vendor did not take it."""
    _decide(code, charge=False)


@app.command()
def charge(code: Annotated[str, typer.Argument(help="the job's code")]) -> None:
    """Count the held credits of a doubtful job as spent: the vendor took it."""
    _decide(code, charge=True)


def _decide(code: str, *, charge: bool) -> None:
    now = int(time.time() * 1000)
    write = partial(decided_by_operator, code=code.strip().lower(), now=now, charge=charge)
    job = in_database(lambda database: database.write(write))
    if job is None:
        fail(f"No job {code} waits for a decision. `rushes doubts` lists those that do.")
    typer.echo(f"Job {job.code}: {job.price} credits {'counted as spent' if charge else 'given back'}.")


repair.add_to(app)
record.add_to(app)
keys = typer.Typer(help="Servers' own keys at vendors, as the database keeps them.", no_args_is_help=True)
app.add_typer(keys, name="keys")


@keys.command()
def rotate() -> None:
    """Seal every stored key with the newest of SECRET_KEYS; do it before an older one is taken away."""
    vault = Vault([key.get_secret_value() for key in read_settings().secret_keys])
    done = in_database(lambda database: database.write(own_keys.rotate, vault))
    typer.echo(f"Sealed anew: {done.renewed}. Sealed by the newest key already: {done.current}.")
    if not done.unreadable:
        return
    for key in done.unreadable:
        day = time.strftime("%Y-%m-%d", time.gmtime(key.set_at / 1000))
        typer.echo(f"  server {key.guild_id}, {registry.TITLES.get(key.provider, key.provider)}, set {day}", err=True)
    fail(
        f"{len(done.unreadable)} cannot be read by any of SECRET_KEYS and stay as they are. Put the older key back "
        "behind the newest one and rotate again; if it is lost, the server's admins must type theirs anew in /setup."
    )


@app.command()
def demo(
    image: Annotated[Path | None, typer.Option(help="a picture of yours (png, jpg)", exists=True)] = None,
    prompt: Annotated[str, typer.Option(help="what should happen")] = "The boat sails on; the camera drifts closer",
    provider: Annotated[str, typer.Option(help=", ".join(registry.NAMES))] = "vidu",
    output: Annotated[Path, typer.Option(help="where the posted video goes")] = Path("demo-output"),
) -> None:
    """Show a member's /video from Enter to the posted MP4, on this machine alone."""
    from rushes.demo import DemoFailed, show  # noqa: PLC0415 -- the stand-ins have no business in a real run

    try:
        asyncio.run(show(image, prompt, provider, output))
    except DemoFailed as error:
        fail(f"The demo failed: {error}")
