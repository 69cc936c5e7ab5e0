"""What both /doctor and `rushes doctor` look at: vendors, the way from outside, and what the program stands on."""

import asyncio
from collections.abc import Mapping
from functools import partial
from urllib.parse import urlsplit

import structlog

from bot import judging
from bot.accounts import owned
from bot.findings import Check, Grade, Line
from bot.language import _
from jobs import surroundings, trial
from jobs.context import Context
from providers.contract import Provider
from storage import StorageError, condition
from storage.condition import Traffic

_ASK_AGAIN_AFTER = 30.0  # seconds, for the vendors
_log = structlog.get_logger("doctor")


def vendor_checks(ctx: Context, vendors: Mapping[str, Provider], guild_id: int | None, *, figures: bool) -> list[Check]:
    """Look at each vendor, and at the jobs of one server there (None: of all)."""

    async def look() -> list[Line]:
        now = ctx.now()
        purses, traffic = await asyncio.gather(
            ctx.purses.ask(vendors.values(), _ASK_AGAIN_AFTER), _traffic(ctx, guild_id, now)
        )
        lines = [judging.unreadable(ctx.keys.title(name)) for name in sorted(ctx.keys.unreadable(guild_id))]
        for purse in purses:
            own = owned(ctx, purse.name, vendors[purse.name])
            goes_on = traffic.get(purse.name, Traffic())
            lines.append(judging.vendor(purse, goes_on, now, figures=figures or own, own=own))
        return lines or [judging.no_vendor(server=guild_id is not None)]

    return [Check(_("Vendors"), look)]


async def _traffic(ctx: Context, guild_id: int | None, now: int) -> dict[str, Traffic]:
    try:
        return await ctx.database.read(condition.traffic, guild_id, now)
    except StorageError as error:  # the line about the database tells it
        _log.warning("jobs not counted", trouble=str(error))
        return {}


def outside_checks(ctx: Context, discord_url: str, token: str = "") -> list[Check]:
    """Send ourselves a callback, compare clocks, and show Discord the bot's token if there is need for that."""

    async def look() -> list[Line]:
        path = "users/@me" if token else "gateway"
        round_, answer = await asyncio.gather(
            trial.go_round(ctx.trials, ctx.addresses, ctx.clock),
            surroundings.answer_of(f"{discord_url}/{path}", ctx.clock, token),
        )
        shown = [judging.token(answer and answer.status)] if token else []
        clock = judging.clock([answer and answer.ahead, round_.ahead])
        return [*shown, judging.callback(round_, host_of(ctx)), clock]

    return [Check(_("Callbacks"), look), tls_check(ctx)]


def tls_check(ctx: Context) -> Check:
    """Look at the certificate of PUBLIC_URL."""

    async def look() -> list[Line]:
        return [judging.certificate(await surroundings.certificate(ctx.addresses.base, ctx.clock()))]

    return Check(_("TLS"), look)


def store_checks(ctx: Context, *, figures: bool) -> list[Check]:
    """Look at the database, the files and ffmpeg."""
    return [
        Check(_("Database"), partial(_database, ctx, figures=figures)),
        files_check(ctx, figures=figures),
        Check(_("ffmpeg"), _programs),
    ]


def loop_checks(ctx: Context) -> list[Check]:
    """Look at the loops of this process."""

    async def look() -> list[Line]:
        return [judging.loops(surroundings.pulses(ctx.loops))]

    return [Check(_("Queues"), look)]


async def _database(ctx: Context, *, figures: bool) -> list[Line]:
    await ctx.database.write(condition.touched)
    found = await ctx.database.read(condition.condition)
    lines = [judging.database(found)]
    if found.file is not None:
        room = judging.disk(_("Database's disk"), await surroundings.disk(found.file.parent), figures=figures)
        lines += [room] if room.grade is not Grade.GREEN else []
    return lines


def files_check(ctx: Context, *, figures: bool) -> Check:
    """Look at where members' and vendors' files are kept."""

    async def look() -> list[Line]:
        return [judging.disk(_("Files"), await surroundings.disk(ctx.media_dir), figures=figures)]

    return Check(_("Files"), look)


async def _programs() -> list[Line]:
    return [judging.ffmpeg(await surroundings.has_ffmpeg())]


def host_of(ctx: Context) -> str:
    """Name the host of PUBLIC_URL, with its port if it has one."""
    return urlsplit(ctx.addresses.base).netloc
