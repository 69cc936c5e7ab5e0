"""/credits: what the server spent, as a picture, as numbers and as a table to take away; for its admins."""

import asyncio
import csv
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import discord
import structlog
from discord import app_commands

from bot import accounts, chart, refusals
from bot.amounts import credits_of
from bot.labels import made
from bot.language import N_, _, day_name, flow, month_name, ngettext, number, percent
from bot.looks import notice, title_of
from bot.messages import Tone
from bot.plain import clean, plain
from bot.rights import Interaction
from bot.talking import NO_PINGS, working
from jobs.context import Context
from storage import Connection, StorageError, guilds, limits, spending, strays
from storage.codes import job_code
from storage.spending import DAY, Line, Spent
from storage.strays import Beside
from storage.words import Period

_log = structlog.get_logger("bot.credits")
_MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])")
_MOST_LINES = 50_000  # of the table; some 10 MB
_MOST_MEMBERS = 5
_MONTHS_OFFERED = 12
_LEAST_SEEN = DAY  # of a month, before anything is foretold from it
_HEAD = (
    "job", "asked at (UTC)", "member", "member's name", "channel", "provider", "operation", "model", "state",
    "credits reserved", "credits charged", "provider's own figure", "drift", "further tasks",
)  # fmt: skip


def not_admin() -> str:
    """Refuse somebody who is no admin."""
    return _("Only people who may manage this server can see what it spent.")


def not_read() -> str:
    """Say that there is no answer just now."""
    return _("I can't read the books just now. Please try again in a minute.")


@dataclass(frozen=True, slots=True)
class Books:
    """A month of one server."""

    since: int  # its first moment; milliseconds, as all here
    until: int
    now: int
    here: Sequence[Spent]
    before: Sequence[Spent]  # the month before
    budget: int | None
    lines: Sequence[Line]
    top: Sequence[tuple[int, int]]  # members and what they used, the most first
    beside: Sequence[Beside] = ()  # tasks that no hold pays for

    @property
    def used(self) -> int:
        """Credits spent or held."""
        return sum(one.settled + one.held for one in self.here)

    @property
    def forecast(self) -> int | None:
        """What the month will have used if it goes on like this; None: it is over, or too young to tell."""
        seen = self.now - self.since
        if not self.since <= self.now < self.until or seen < _LEAST_SEEN:
            return None
        return round(self.used * (self.until - self.since) / seen)


def credits_command(ctx: Context) -> app_commands.Command[Any, ..., None]:
    """Make the /credits command."""

    @app_commands.default_permissions(manage_guild=True)
    @app_commands.describe(month=N_("Which month, such as 2026-11; nothing: this one"))
    async def credits(interaction: Interaction, month: app_commands.Range[str, 1, 7] | None = None) -> None:
        with working(interaction):
            await interaction.response.defer(ephemeral=True, thinking=True)
            embed, files = await _answer(ctx, interaction, month)
            await interaction.edit_original_response(embed=embed, attachments=files, allowed_mentions=NO_PINGS)

    command: app_commands.Command[Any, ..., None] = app_commands.Command(
        name="credits", description=N_("What this server spent: picture, numbers, and a table"), callback=credits
    )
    command.autocomplete("month")(_naming(ctx))
    return command


def _naming(ctx: Context) -> Any:
    async def complete(_asker: Interaction, current: str) -> list[app_commands.Choice[str]]:
        names = _months(ctx.now(), _MONTHS_OFFERED)
        return [app_commands.Choice(name=name, value=name) for name in names if name.startswith(current.strip())]

    return complete


async def _answer(
    ctx: Context, interaction: Interaction, month: str | None
) -> tuple[discord.Embed, list[discord.File]]:
    if interaction.guild_id is None:
        return notice(refusals.only_in_servers()), []
    if not interaction.permissions.manage_guild:
        return notice(not_admin()), []
    since = limits.start_of(ctx.now(), Period.MONTH) if month is None else month_of(month)
    if since is None:
        return notice(_("A month is written like 2026-11: the year, a dash, the month.")), []
    try:
        books = await ctx.database.read(_books, interaction.guild_id, since, ctx.now())
    except StorageError as error:
        _log.warning("books not read", trouble=str(error))
        return notice(not_read()), []
    titles = {one.provider: title_of(ctx.known, one.provider) for one in books.here}
    asked = accounts.theirs(ctx, interaction) if books.since <= books.now < books.until else ()
    drawing = asyncio.to_thread(_drawn, books, titles)
    (picture, table), left = await asyncio.gather(drawing, accounts.left(ctx, asked))
    name = _name(since)
    embed = notice(text_of(books, titles), Tone.DONE)
    embed.title = _("Credits in {month}").format(month=month_name(datetime.fromtimestamp(since / 1000, UTC)))
    embed.set_image(url=f"attachment://credits-{name}.png")
    if left:
        embed.add_field(name=_("Left at the vendors"), value="\n".join(left))
    files = [discord.File(io.BytesIO(picture), f"credits-{name}.png")]
    return embed, [*files, discord.File(io.BytesIO(table), f"credits-{name}.csv")]


def _books(connection: Connection, guild_id: int, since: int, now: int) -> Books:
    until = limits.end_of(since, Period.MONTH)
    here = spending.spent(connection, guild_id, since, until)
    before = spending.spent(connection, guild_id, limits.start_of(since - 1, Period.MONTH), since)
    lines = spending.lines(connection, guild_id, since, until, _MOST_LINES)
    members = _sums((one.user_id, one.settled + one.held) for one in here)
    beside = strays.beside(connection, guild_id, since, until)
    return Books(since, until, now, here, before, guilds.monthly(connection, guild_id), lines, members, beside)


def _sums(amounts: Any) -> list[tuple[Any, int]]:
    counted: Counter[Any] = Counter()
    for key, amount in amounts:
        counted[key] += amount
    return [(key, amount) for key, amount in counted.most_common() if amount]


def _drawn(books: Books, titles: Mapping[str, str]) -> tuple[bytes, bytes]:
    return chart.draw(month_drawn(books, titles)), table_of(books.lines)


def month_drawn(books: Books, titles: Mapping[str, str]) -> chart.Month:
    """Put a month's books into what the picture shows, which speaks English: bot/chart.py tells why."""
    days = (books.until - books.since) // DAY
    settled, held, before = [0] * days, [0] * days, [0] * 31
    for one in books.here:
        settled[one.day] += one.settled
        held[one.day] += one.held
    for one in books.before:
        before[one.day] += one.settled + one.held
    return chart.Month(
        title=f"Credits in {datetime.fromtimestamp(books.since / 1000, UTC):%B %Y}",
        settled=settled,
        held=held,
        before=before,
        today=(books.now - books.since) // DAY if books.since <= books.now < books.until else None,
        budget=books.budget,
        forecast=books.forecast,
        vendors=_sums((titles[one.provider], one.settled + one.held) for one in books.here),
        operations=_sums((one.operation.replace("_", " "), one.settled + one.held) for one in books.here),
    )


def text_of(books: Books, titles: Mapping[str, str]) -> str:
    """Tell a month in words."""
    spent, held = sum(one.settled for one in books.here), sum(one.held for one in books.here)
    jobs = sum(one.jobs for one in books.here)
    words = ngettext(
        "**{spent} spent**, {reserved} reserved, for {count} request.",
        "**{spent} spent**, {reserved} reserved, for {count} requests.",
        jobs,
    )
    lines = [words.format(spent=credits_of(spent), reserved=credits_of(held), count=number(jobs))]
    if books.budget is not None:
        left = credits_of(max(books.budget - spent - held, 0))
        words = _("Budget: {credits} a month, {left} left.")
        lines.append(words.format(credits=credits_of(books.budget), left=left))
    if books.forecast is not None and books.used:
        words = _("Going on like this, the month ends at about {credits}.")
        lines.append(words.format(credits=credits_of(books.forecast)))
    lines += _before(books)
    released = sum(one.released for one in books.here)
    if released:
        lines.append(_("Returned because nothing came of it: {credits}.").format(credits=credits_of(released)))
    lines += _drift(books, titles)
    lines += _parts(books, titles)
    if books.top:
        members = " · ".join(f"<@{user}> {number(amount)}" for user, amount in books.top[:_MOST_MEMBERS])
        lines.append(_("Most by: {members}").format(members=members))
    worth = _("A credit is worth US$0.005. Days are UTC; a request counts on the day it was made.")
    return "\n".join([*lines, f"-# {worth}"])


def _parts(books: Books, titles: Mapping[str, str]) -> list[str]:
    """Tell what was spent or is reserved by day, vendor and operation: all that the picture draws."""
    used = [(one, one.settled + one.held) for one in books.here]
    days = sorted(_sums((one.day, amount) for one, amount in used))
    vendors = _sums((titles.get(one.provider, one.provider), amount) for one, amount in used)
    operations = _sums((one.operation, amount) for one, amount in used)
    if not days:
        return []
    by_day = [f"**{_day(books.since + day * DAY)}** {number(amount)}" for day, amount in days]
    by_vendor = [f"{plain(title, 40)} {number(amount)}" for title, amount in vendors]
    by_kind = [f"{made(operation)} {number(amount)}" for operation, amount in operations]
    return [
        _("By day: {days}").format(days=" · ".join(by_day)),
        _("By provider: {providers}").format(providers=" · ".join(by_vendor)),
        _("By kind: {kinds}").format(kinds=" · ".join(by_kind)),
    ]


def _day(moment: int) -> str:
    return day_name(datetime.fromtimestamp(moment / 1000, UTC))


def _before(books: Books) -> list[str]:
    """Tell of the month before; of one that is not over, up to the same day too."""
    before = sum(one.settled + one.held for one in books.before)
    if not before:
        return []
    if not books.since <= books.now < books.until:
        return [_("The month before: {credits}.").format(credits=credits_of(before))]
    same = sum(one.settled + one.held for one in books.before if one.day * DAY < books.now - books.since)
    words = _("The month before: {credits}, {part} of them by this day.")
    return [words.format(credits=credits_of(before), part=number(same))]


def _drift(books: Books, titles: Mapping[str, str]) -> list[str]:
    """Tell where the vendors' own figures differ from what was reserved."""
    found: list[str] = []
    for provider in sorted({one.provider for one in books.here}):
        mine = [one for one in books.here if one.provider == provider]
        reported, expected = sum(one.reported for one in mine), sum(one.expected for one in mine)
        if expected and reported != expected:
            if reported > expected:
                words = _("Drift: {vendor} says {credits}, {share} above what was reserved.")
            else:
                words = _("Drift: {vendor} says {credits}, {share} below what was reserved.")
            share = percent(abs(reported - expected) / expected)
            found.append(words.format(vendor=titles[provider], credits=credits_of(reported), share=share))
    return [*found, *(_beside(one, titles.get(one.provider, one.provider)) for one in books.beside)]


def _beside(one: Beside, title: str) -> str:
    """Tell what a vendor made that nobody's credits pay for."""
    words = ngettext(
        "Drift: {vendor} made {count} task that no budget pays for (sent twice in doubt, or too late), for {credits}.",
        "Drift: {vendor} made {count} tasks that no budget pays for (sent twice in doubt, or too late), for {credits}.",
        one.tasks,
    )
    told = words.format(vendor=title, count=number(one.tasks), credits=credits_of(one.credits))
    if not one.running:
        return told
    open_ = ngettext(
        "What {count} of them costs is not known yet.", "What {count} of them cost is not known yet.", one.running
    )
    return flow(told, open_.format(count=number(one.running)))


def table_of(lines: Sequence[Line]) -> bytes:
    """Write jobs as CSV, one a line, for a spreadsheet."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_HEAD)
    for line in lines:
        drift = "" if line.reported is None else line.reported - line.held
        moment = (
            datetime.fromtimestamp(line.at / 1000, UTC).isoformat(sep=" ", timespec="seconds").removesuffix("+00:00")
        )
        row = (
            job_code(line.job_id), moment, line.user_id, line.user_name, line.channel_id, line.provider,
            line.operation, line.model, line.state.value, line.held, line.charged, line.reported, drift,
            line.beside or "",
        )  # fmt: skip
        writer.writerow([_cell(value) for value in row])
    return b"\xef\xbb\xbf" + out.getvalue().encode()  # the mark by which spreadsheets know UTF-8


_PARTING = str.maketrans({";": "\uff1b"})
_FORMULA = set("=+-@\uff1d\uff0b\uff0d\uff20")  # the wide ones too: some spreadsheets take them for the others


def _cell(value: object) -> object:
    """Keep a stranger's word from being a formula, and long numbers from being rounded."""
    if isinstance(value, int) and value >= 10**15:
        return f"'{value}"
    if not isinstance(value, str):
        return value
    text = clean(value).translate(_PARTING)  # some spreadsheets part cells there, whatever stands around
    return f"'{text}" if text[:1] in _FORMULA else text


def month_of(name: str) -> int | None:
    """Read 2026-11 as the month's first moment (UTC), in milliseconds; None when it is none."""
    found = _MONTH.fullmatch(name.strip())
    return int(datetime(int(found[1]), int(found[2]), 1, tzinfo=UTC).timestamp() * 1000) if found else None


def _name(since: int) -> str:
    return f"{datetime.fromtimestamp(since / 1000, UTC):%Y-%m}"


def _months(now: int, count: int) -> list[str]:
    found, moment = list[str](), limits.start_of(now, Period.MONTH)
    for _month in range(count):
        found.append(_name(moment))
        moment = limits.start_of(moment - 1, Period.MONTH)
    return found
