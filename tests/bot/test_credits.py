"""/credits: the picture shows what the books say, the words and the table too, and only admins see them."""

import asyncio
import contextlib
import csv
import io
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageColor

from bot import chart
from bot.chart import Month, bar, draw, highest
from bot.credits import Books, month_drawn, month_of, not_admin, not_read, table_of, text_of
from jobs.purses import Purses
from providers.contract import Balance, ErrorKind, ProviderError, Reason
from providers.orders import Operation
from sandbox.discord import EPHEMERAL, Member, Message, NotOfferedError
from storage import Connection, guilds, strays
from storage.spending import DAY, Line, Spent
from storage.words import Period, Scope, State
from tests.bot.harness import FakeVendor, Set
from tests.samples_of import NOON

NOVEMBER = 1_793_491_200_000  # 2026-11-01
EMPTY = Month("Credits", [0] * 30, [0] * 30, [0] * 30, None, None, None, [], [])


async def seen(films: Set, who: Member, **options: str) -> Message:
    message = await who.type(films.channel, "/credits", options).answered()
    assert message.flags & EPHEMERAL
    assert not message.pings
    return message


async def test_an_admin_sees_picture_numbers_and_table(films: Set, admin: Member) -> None:
    await films.ctx.database.write(guilds.budget_set, films.guild.id, Scope.GUILD, 0, Period.MONTH, 500)
    job, _ = await films.accepted(prompt="=cmd()")
    await films.finished(job, charged=30)
    await films.accepted()
    message = await seen(films, admin)
    for words in (
        "**30 credits spent**",
        "40 credits reserved",
        "2 requests",
        "430 credits left",
        f"<@{films.ada.id}> 70",
    ):
        assert words in message.text
    assert "Acme says 30 credits, 25% below what was reserved" in message.text
    picture, table = message.attachments
    assert picture.filename in message.embeds[0]["image"]["url"]
    assert picture.data.startswith(b"\x89PNG")
    rows = list(csv.reader(io.StringIO(table.data.decode("utf-8-sig"))))
    assert [row[9:] for row in rows[1:]] == [["40", "", "", "", ""], ["40", "30", "30", "-10", ""]]


async def test_what_a_vendor_made_beside_the_books_is_drift(films: Set, admin: Member) -> None:
    job, _ = await films.accepted()
    await films.finished(job, charged=40)

    def store(connection: Connection) -> None:
        for task in ("twin", "late"):
            stray = strays.found(connection, job, task, films.ctx.now())
            assert stray is not None
            if task == "twin":
                assert strays.booked(connection, job, stray, 33, films.ctx.now())

    await films.ctx.database.write(store)
    message = await seen(films, admin)
    assert "Drift: Acme made 2 tasks that no budget pays for (sent twice in doubt, or too late), for 33 credits." in (
        message.text
    )
    assert "What 1 of them costs is not known yet." in message.text
    assert "**40 credits spent**" in message.text
    rows = list(csv.reader(io.StringIO(message.attachments[1].data.decode("utf-8-sig"))))
    assert rows[1][-1] == "33"


async def test_what_is_left_at_the_vendors_is_for_the_operator_alone(films: Set, admin: Member) -> None:
    acme = FakeVendor("acme")
    vendors = [acme, FakeVendor("silent"), FakeVendor("own"), FakeVendor("shut"), FakeVendor("away")]
    acme.left = Balance(1234, "1234 metered")
    vendors[2].left = Balance(None, "7 of *its* own")
    vendors[3].left = ProviderError(ErrorKind.REJECTED, Reason.ACCESS, "HTTP 401", http=401)
    vendors[4].gate = asyncio.Event()
    await films.stop()
    purses = Purses(seconds=0.2)
    films.ctx = replace(films.ctx, providers={one.name: one for one in vendors}, purses=purses)
    films.discord.world.owner = films.mod.user
    films.mod.permissions |= 1 << 5
    await films.start()
    text = (await seen(films, films.mod)).text
    for words in (
        "Left at the vendors: Acme: 1,234 credits\n",
        "Silent: not told by its API\n",
        "Own: 7 of \\*its\\* own\n",
        "Shut: refuses our key\n",
        "Away: could not be asked",
    ):
        assert words in text, words
    assert acme.asked == 1
    await seen(films, films.mod)
    assert acme.asked == 1
    assert "Left at" not in (await seen(films, films.mod, month="2020-02")).text
    assert "Left at" not in (await seen(films, admin)).text
    assert acme.asked == 1


async def test_a_month_of_long_ago_is_empty_and_says_so(films: Set, admin: Member) -> None:
    message = await seen(films, admin, month="2020-02")
    assert "0 credits spent" in message.text
    assert "February 2020" in message.text


@pytest.mark.parametrize("month", ["2026-13", "26-11", "@here", "2026/11"])
async def test_what_is_no_month_is_refused(films: Set, admin: Member, month: str) -> None:
    assert "A month is written like 2026-11" in (await seen(films, admin, month=month)).text


async def test_the_last_twelve_months_are_suggested(films: Set, admin: Member) -> None:
    offers = await admin.autocomplete(films.channel, "/credits", {"month": ""}, "month")
    assert len(offers) == 12
    assert offers[0]["value"] > offers[-1]["value"]
    assert all(month_of(str(offer["value"])) for offer in offers)


async def test_members_are_not_offered_it_and_are_refused_where_it_was_shown_to_them(films: Set) -> None:
    with pytest.raises(NotOfferedError):
        films.ada.type(films.channel, "/credits", {})
    for command in films.discord.world.commands[None]:
        command["default_member_permissions"] = None
    message = await seen(films, films.mod)
    assert message.text == not_admin()
    assert message.attachments == []


async def test_books_that_cannot_be_read_are_told(films: Set, admin: Member, tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "rushes.db")) as file:
        file.execute("ALTER TABLE ledger RENAME TO elsewhere")
    assert (await seen(films, admin)).text == not_read()


def books(
    *here: Spent, now: int = NOVEMBER + 10 * DAY, before: tuple[Spent, ...] = (), budget: int | None = None
) -> Books:
    return Books(NOVEMBER, NOVEMBER + 30 * DAY, now, here, before, budget, (), ())


def test_the_forecast_goes_on_as_the_month_began() -> None:
    spent = Spent(0, 1, "vidu", "avatar", 1, 100, 900, 0, 0, 0)
    assert books(spent).forecast == 3000
    assert books(spent, now=NOVEMBER + DAY - 1).forecast is None
    assert books(spent, now=NOVEMBER + 30 * DAY).forecast is None


def test_last_month_is_compared_up_to_the_same_day() -> None:
    before = tuple(Spent(day, 1, "vidu", "avatar", 1, 0, 10, 0, 0, 0) for day in (0, 9, 10, 29))
    assert "The month before: 40 credits, 20 of them by this day." in text_of(books(before=before), {})
    over = books(before=before, now=NOVEMBER + 60 * DAY)
    assert "The month before: 40 credits." in text_of(over, {})


def test_picture_and_text_say_the_same_of_a_longer_month_before() -> None:
    october = tuple(Spent(day, 1, "vidu", "avatar", 1, 0, 10, 0, 0, 0) for day in (0, 30))
    month = month_drawn(books(before=october), {})
    assert (len(month.settled), sum(month.before)) == (30, 20)
    assert draw(month).startswith(b"\x89PNG")


def test_the_text_has_the_numbers_of_the_picture_by_day_provider_and_kind() -> None:
    spent = (
        Spent(0, 1, "vidu", "avatar", 1, 0, 1000, 0, 0, 0),
        Spent(9, 2, "vidu", "text_to_video", 1, 20, 0, 0, 0, 0),
        Spent(9, 1, "kling", "avatar", 2, 0, 300, 7, 0, 0),
        Spent(11, 1, "kling", "avatar", 1, 0, 0, 50, 0, 0),
    )
    text = text_of(books(*spent), {"vidu": "Vidu", "kling": "Kling"})
    assert "By day: **1** 1,000 · **10** 320\n" in text
    assert "By provider: Vidu 1,020 · Kling 300\n" in text
    assert "By kind: a talking face 1,300 · a video from words alone 20\n" in text
    assert "By " not in text_of(books(), {})


def test_the_numbers_of_a_busy_month_fit_into_one_frame() -> None:
    kinds = list(Operation)
    spent = [Spent(n % 31, n, f"vendor{n % 6}", kinds[n % len(kinds)], 1, 0, 10**9, 0, 0, 0) for n in range(31 * 66)]
    assert len(text_of(books(*spent), {})) < 4096


def pixel(month: Month, x: int, y: int) -> tuple[int, ...]:
    with Image.open(io.BytesIO(draw(month))) as image:
        assert image.size == chart.SIZE
        found = image.convert("RGB").getpixel((x, y))
    assert isinstance(found, tuple)
    return found


def test_a_bar_is_as_high_as_its_credits() -> None:
    month = replace(EMPTY, settled=[0, 50, *[0] * 28], held=[0, 25, *[0] * 28])
    assert highest(month) == 80
    start, width = bar(month, 1)
    _, top, _, bottom = chart.PLOT
    for share, colour in (
        (0.3, chart.SETTLED),
        (0.6, chart.SETTLED),
        (0.65, chart.HELD),
        (0.9, chart.HELD),
        (0.96, chart.GROUND),
    ):
        y = int(bottom - (bottom - top) * share)
        assert pixel(month, start + width // 2, y) == ImageColor.getrgb(colour), share


@pytest.mark.parametrize(
    "month",
    [
        EMPTY,
        replace(EMPTY, budget=0, forecast=0),
        replace(EMPTY, settled=[10**9] * 30, budget=1, forecast=10**12, vendors=[("A" * 40, 10**12)]),
        replace(EMPTY, settled=[1] * 28, held=[0] * 28, before=[5] * 28, today=3),
        replace(EMPTY, operations=[(f"kind {number}", 9 - number) for number in range(9)]),
    ],
)
def test_any_month_can_be_drawn(month: Month) -> None:
    assert draw(month).startswith(b"\x89PNG")


def test_no_cell_of_the_table_is_a_formula() -> None:
    for name in ("=1+1", "+1", "-1", "@SUM(A1)"):
        line = Line(1 << 40, NOON, 10**17, name, 5, "vidu", "avatar", "=m", State.SUCCEEDED, 40, 30, 30)
        [_, row] = csv.reader(io.StringIO(table_of([line]).decode("utf-8-sig")))
        assert not any(cell.startswith(("=", "+", "@")) for cell in row)
        assert row[3] == f"'{name}"
        assert row[2] == f"'{10**17}"


def test_nor_is_one_for_programs_that_part_cells_otherwise() -> None:
    for name in (";=1+1;", '";=1+1;"', "\uff1d1+1", "\uff0b1", "\uff0d1", "\uff20SUM(A1)", "\t=1"):
        line = Line(1 << 40, NOON, 5, name, 5, "vidu", "avatar", "x;=m", State.SUCCEEDED, 40, 30, 30)
        text = table_of([line]).decode("utf-8-sig")
        assert ";" not in text
        [_, row] = csv.reader(io.StringIO(text))
        assert row[3][:1] not in set("=+-@\uff1d\uff0b\uff0d\uff20")
