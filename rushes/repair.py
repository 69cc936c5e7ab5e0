"""Backups and repair on the command line: copy the database, bring a copy back, look into callbacks and jobs."""

import asyncio
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from jobs import packed
from jobs.context import Timing
from jobs.restored import Aftermath, aftermath
from rushes.settings import Settings
from rushes.terminal import fail, moment, read_settings, whole
from storage import Database, backup
from storage.lock import sole_use

_MEDIA = ".media.tar"  # after the name of the copy that it belongs to
_MOST_NAMED = 20


def add_to(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command(name="backup")(make_backup)
    app.command(name="restore")(bring_back)


def make_backup(
    path: Annotated[Path | None, typer.Argument(help="a new file, or a folder for one")] = None,
    *,
    media: Annotated[bool, typer.Option("--media", help="pack members' pictures and finished videos too")] = False,
) -> None:
    """Copy the database, whole and looked through, while the program runs; nobody waits for it."""
    settings = read_settings()

    async def do() -> None:
        file = backup.file_of(settings.database_url)
        target = _target(path, file)
        held = await asyncio.to_thread(backup.copied, file, target)
        typer.echo(f"{target}: {_size(held.size)}, read through and sound.")
        typer.echo(f"It holds {held.jobs} jobs ({held.running} not over) and {held.callbacks} callbacks.")
        if media:
            count = await asyncio.to_thread(packed.packed, settings.media_dir, _beside(target))
            typer.echo(f"{_beside(target)}: {count} files, {_size(_beside(target).stat().st_size)}.")
        else:
            count, size = await asyncio.to_thread(packed.counted, settings.media_dir)
            typer.echo(f"Not in it: {count} pictures and videos in {settings.media_dir}, {_size(size)}; add --media.")
        typer.echo("Not in it: .env. Keep SECRET_KEYS elsewhere; without them servers' own keys cannot be read.")

    whole(do)


def bring_back(
    path: Annotated[Path | None, typer.Argument(help="a copy made by rushes backup, Litestream or SQLite")] = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="replace the database that is there; it is kept beside")] = False,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="the database itself was brought back by other means: a disk's snapshot")
    ] = False,
) -> None:
    """Bring a backup back, so that nothing is sent or posted a second time. The program must not run."""
    settings = read_settings()
    if (path is None) != in_place:
        fail("Name the backup's file, or say --in-place where the database itself was brought back by other means.")

    async def do() -> None:
        async with sole_use(settings.database_url):
            if path is None:
                told = await _aftermath(settings.database_url)
            else:
                told = await _replaced(settings, path, yes=yes)
        _tell(told)

    whole(do)


async def _replaced(settings: Settings, path: Path, *, yes: bool) -> Aftermath:
    file = backup.file_of(settings.database_url)
    await asyncio.to_thread(backup.looked_through, path)
    if file.exists() and not yes:
        fail(f"There is a database at {file}. With --yes the backup takes its place, and it is kept beside it.")
    part = await asyncio.to_thread(backup.prepared, path, file)
    with _taken_away(part):
        told = await _aftermath(backup.address_of(settings.database_url, part))
        kept = await asyncio.to_thread(backup.swapped, part, file, time.time())
    if kept is not None:
        typer.echo(f"The database that was there is kept: {kept}")
    if _beside(path).is_file():
        count = await asyncio.to_thread(packed.unpacked, _beside(path), settings.media_dir)
        typer.echo(f"{count} pictures and videos were put back into {settings.media_dir}.")
    return told


@contextmanager
def _taken_away(part: Path) -> Generator[None]:
    try:
        yield
    finally:
        backup.removed(part)


async def _aftermath(url: str) -> Aftermath:
    database = await Database.open(url)
    try:
        return await database.write(aftermath, int(time.time() * 1000), Timing())
    finally:
        await database.close()


def _tell(told: Aftermath) -> None:
    """Say what was done, and what is left for a person."""
    typer.echo(f"Restored. The newest thing it knows is of {moment(told.newest) or 'never'} UTC. From then until now:")
    if told.doubts:
        codes = ", ".join(job.code for job in told.doubts[:_MOST_NAMED]) + ("…" if told.doubts[_MOST_NAMED:] else "")
        typer.echo(
            f"- {len(told.doubts)} jobs waited to be sent, and may have been since: {codes}. They are looked up at "
            "their vendors, and sent only where it is sure that they never arrived; their credits stay held. What "
            "nobody can find out comes to you: rushes doubts."
        )
    typer.echo(f"- {told.asked} jobs at vendors are asked about at once.")
    typer.echo(f"- {told.results} results were due. Each is looked for in its channel before it is posted.")
    if told.notices:
        typer.echo(f"- {told.notices} notices to admins may have been told already and are not told again.")
    typer.echo(
        "- Jobs asked for since then are not in it: their results are not posted, their credits not counted. Your "
        "vendors' own lists show them.\n"
        "- What members had deleted, keys that servers had removed, settings, budgets, blocks: all as they were then."
    )


def _target(path: Path | None, database: Path) -> Path:
    """Name the file a copy goes to. Raise OSError."""
    folder = database.parent / "backups" if path is None else path
    if path is None:
        folder.mkdir(exist_ok=True, mode=0o700)
    target = folder
    if folder.is_dir():
        target = folder / f"rushes-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.db"
    for one in (target, _beside(target)):
        if one.exists():
            raise FileExistsError(f"{one} is there already, and a backup replaces nothing")
    return target


def _beside(target: Path) -> Path:
    return target.with_name(target.name + _MEDIA)


def _size(size: int) -> str:
    return f"{size / 2**20:,.1f} MB" if size >= 2**20 else f"{size / 2**10:,.0f} kB"
