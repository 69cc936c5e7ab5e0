"""Each judgement over its edges, and the sheet they are written on."""

import asyncio

import pytest

from bot import judging
from bot.doctor import sheet
from bot.findings import Check, Grade, Line, looked, verdict
from jobs.surroundings import Certificate, Disk, Flaw, Pulse
from jobs.trial import Round, Way
from sandbox.discord.world import walk
from storage import StorageError
from storage.condition import Condition

G, Y, R = Grade.GREEN, Grade.YELLOW, Grade.RED
MB = 2**20


@pytest.mark.parametrize("way", Way)
def test_every_way_has_words(way: Way) -> None:
    line = judging.callback(Round(way, 404, 0.01), "rushes.example")
    assert line.grade is {Way.THERE: G, Way.BUSY: Y}.get(way, R)
    assert "{" not in line.says + line.todo
    assert bool(line.todo) == (line.grade is not G)


@pytest.mark.parametrize("flaw", Flaw)
def test_every_flaw_of_a_certificate_has_words(flaw: Flaw) -> None:
    line = judging.certificate(Certificate("rushes.example", flaw=flaw))
    assert (line.grade, "rushes.example" in line.says, bool(line.todo)) == (R, True, True)


@pytest.mark.parametrize(("days", "grade"), [(14, G), (13.9, Y), (0.5, Y), (400, G)])
def test_a_certificate_is_told_of_before_it_ends(days: float, grade: Grade) -> None:
    assert judging.certificate(Certificate("rushes.example", days=days)).grade is grade


@pytest.mark.parametrize(
    ("readings", "grade"),
    [
        ([0.0, None], G),
        ([60.0], G),
        ([-60.5], Y),
        ([1.0, 300.0], Y),
        ([1.0, -300.5], R),
        ([None, None], Y),
        ([], Y),
    ],
)
def test_a_clock_is_judged_by_the_worst_reading(readings: list[float | None], grade: Grade) -> None:
    assert judging.clock(readings).grade is grade


@pytest.mark.parametrize(
    ("disk", "grade"),
    [
        (Disk(writable=False), R),
        (Disk(writable=True, free=255 * MB), R),
        (Disk(writable=True, free=256 * MB), Y),
        (Disk(writable=True, free=2048 * MB), G),
    ],
)
def test_a_disk_is_judged_by_its_room(disk: Disk, grade: Grade) -> None:
    for figures in (True, False):
        assert judging.disk("Files", disk, figures=figures).grade is grade
    assert not any(digit in judging.disk("Files", disk, figures=False).says for digit in "0123456789")


@pytest.mark.parametrize(
    ("condition", "grade"),
    [
        (Condition("sqlite", newest=True, sound=True), G),
        (Condition("postgresql", newest=True), G),
        (Condition("sqlite", newest=True, sound=False), R),
        (Condition("sqlite", newest=False, sound=True), R),
        (Condition("sqlite", newest=True, sound=True, wal=False), Y),
    ],
)
def test_a_database_is_judged(condition: Condition, grade: Grade) -> None:
    assert judging.database(condition).grade is grade


@pytest.mark.parametrize(
    ("pulses", "grade"),
    [
        ([], R),
        ([Pulse("submit", 1.0, stumbling=False)], G),
        ([Pulse("submit", 1.0, stumbling=False), Pulse("settle", None, stumbling=False)], R),
        ([Pulse("submit", 91.0, stumbling=False)], R),
        ([Pulse("submit", 30.0, stumbling=True)], Y),
    ],
)
def test_loops_are_judged_by_their_last_look(pulses: list[Pulse], grade: Grade) -> None:
    line = judging.loops(pulses)
    assert line.grade is grade
    if grade is not G and pulses:
        assert pulses[-1].name in line.says


def test_ffmpeg_and_upload() -> None:
    assert [judging.ffmpeg(there).grade for there in (True, False)] == [G, Y]
    assert judging.upload(500 * MB, 10 * MB).grade is G
    assert "10 MB" in judging.upload(500 * MB, 10 * MB).says
    assert judging.upload(10 * MB, 50 * MB).grade is Y
    assert judging.upload(10 * MB, None).grade is G


async def test_what_hangs_fails_or_stumbles_is_a_red_line_of_its_own() -> None:
    async def hang() -> list[Line]:
        await asyncio.Event().wait()
        return []

    async def fail() -> list[Line]:
        raise StorageError("a path")

    async def stumble() -> list[Line]:
        raise RuntimeError("a secret")

    async def fine() -> list[Line]:
        return [Line(G, "fine", "fine")]

    checks = [Check("hangs", hang, 0.01), Check("fails", fail), Check("stumbles", stumble), Check("fine", fine)]
    lines = await looked(checks)
    assert [(line.about, line.grade) for line in lines] == [("hangs", R), ("fails", R), ("stumbles", R), ("fine", G)]
    assert "secret" not in repr(lines)
    assert verdict(lines) == "3 things do not work"


def words(*sections: tuple[str, list[Line]]) -> str:
    [frame] = sheet(sections).to_components()
    return "\n".join(part["content"] for part in walk([frame]) if "content" in part)


def test_the_verdict_is_a_sentence() -> None:
    green, yellow, red = (Line(grade, "a", "b") for grade in Grade)
    for lines, said in (
        ([green], "## ✅ Everything works"),
        ([green, yellow], "## ⚠️ It works, with 1 thing to look at"),
        ([yellow, yellow], "## ⚠️ It works, with 2 things to look at"),
        ([yellow, red], "## ❌ 1 thing does not work"),
    ):
        assert words(("part", lines)).splitlines()[0] == said


def test_strangers_words_are_harmless_and_the_sheet_fits() -> None:
    evil = "@everyone [x](https://evil.example) **bold** \n# heading `code` " + "x" * 5000
    lines = [Line(R, evil, evil, evil) for _ in range(30)]
    text = words(("one", lines), ("two", lines), ("three", lines))
    assert len(text) <= 4000
    assert "and 29 more" in text or "and 28 more" in text
    assert "@everyone" not in text
    assert "[x](" not in text.replace("\\]", "")
    assert "\n# heading" not in text


def test_where_there_is_no_room_what_works_gives_way() -> None:
    lines = [*(Line(G, "fine", "x" * 200) for _ in range(9)), Line(R, "broken", "y", "mend it")]
    text = words(("one", lines))
    assert "broken" in text
    assert "and 9 more" in text
