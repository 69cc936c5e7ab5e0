"""What both /doctor and `rushes doctor` look at: vendors, the way from outside, and what the program stands on."""

import asyncio
from collections.abc import Mapping
from functools import partial
from urllib.parse import urlsplit

from bot import judging
from bot.findings import Check, Grade, Line
from bot.language import _
from jobs import surroundings, trial
from jobs.context import Context
from providers.contract import Provider
from storage import condition
from storage.condition import Traffic

_ASK_AGAIN_AFTER = 30.0  # seconds, for the vendors


def vendor_checks(ctx: Context, vendors: Mapping[str, Provider], guild_id: int | None, *, figures: bool) -> list[Check]:
    """Look at each vendor, and at the jobs of one server there (None: of all)."""

    async def look() -> list[Line]:
        now = ctx.now()
        purses, traffic = await asyncio.gather(
            ctx.purses.ask(vendors.values(), _ASK_AGAIN_AFTER),
            ctx.database.read(condition.traffic, guild_id, now),
        )
        known = [(purse, traffic.get(purse.name, Traffic())) for purse in purses]
        return [judging.vendor(purse, goes_on, now, figures=figures) for purse, goes_on in known]

    if not vendors:
        return [Check(_("Vendors"), _none)]
    return [Check(_("Vendors"), look)]


async def _none() -> list[Line]:
    says = _("No vendor is set up, so nothing can be made.")
    return [Line(Grade.RED, _("Vendors"), says, _("Set at least one vendor's key, and restart the program."))]


def machine_checks(ctx: Context, discord_url: str, *, figures: bool) -> list[Check]:
    """Look at the way from outside, the clock, the database, the disk, ffmpeg."""
    url = ctx.addresses.base

    async def outside() -> list[Line]:
        round_, ahead = await asyncio.gather(
            trial.go_round(ctx.trials, ctx.addresses, ctx.clock),
            surroundings.ahead_of_server(f"{discord_url}/gateway", ctx.clock),
        )
        return [judging.callback(round_, _host(url)), judging.clock([ahead, round_.ahead])]

    async def tls() -> list[Line]:
        return [judging.certificate(await surroundings.certificate(url, ctx.clock()))]

    async def programs() -> list[Line]:
        return [judging.ffmpeg(await surroundings.has_ffmpeg())]

    return [
        Check(_("Callbacks"), outside),
        Check(_("TLS"), tls),
        *store_checks(ctx, figures=figures),
        Check(_("ffmpeg"), programs),
    ]


def store_checks(ctx: Context, *, figures: bool) -> list[Check]:
    """Look at the database and the files."""
    return [
        Check(_("Database"), partial(_database, ctx, figures=figures)),
        Check(_("Files"), partial(_files, ctx, figures=figures)),
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


async def _files(ctx: Context, *, figures: bool) -> list[Line]:
    return [judging.disk(_("Files"), await surroundings.disk(ctx.media_dir), figures=figures)]


def _host(url: str) -> str:
    return urlsplit(url).netloc
