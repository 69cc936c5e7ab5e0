"""A very small run of the benchmark: that it works, not how fast anything is."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import contestants as who
from benchmarks import pipeline, race, receivers, report, stock
from benchmarks.__main__ import PAGES
from benchmarks.bench import Bench, Plan, Section, Target
from benchmarks.load import Load
from benchmarks.machine import Cores, Trouble

TINY = Plan(rounds=1, seconds=0.1, warmup=0.05, connections=(1, 8), requests=2_000, jobs=200)
ABOUT = {"date": "2026-11-20", "machine": "a machine"}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(TINY, tmp_path, Cores(frozenset(), frozenset()))


def test_a_race_gives_a_whole_table_whole_json_and_as_many_rows_as_answers(bench: Bench, tmp_path: Path) -> None:
    section = receivers.race(bench, (who.BARE, who.OURS, who.NAIVE_WORK))
    sections = {"race": section}
    [table] = section.tables
    assert [row[:2] for row in table.rows] == [
        (one.title, count) for one in (who.BARE, who.OURS, who.NAIVE_WORK) for count in ("1", "8")
    ]
    assert all(len(row) == len(table.columns) for row in table.rows)
    told = json.loads(report.as_json(sections, ABOUT))
    samples = told["sections"]["race"]["facts"]["samples"]
    assert len(samples) == 3 * 2
    for sample in samples:
        assert set(sample["load"]["answers"]) == {"200"}
        assert sample["rows"] in (None, sample["load"]["answers"]["200"])
    assert not list(tmp_path.glob("template-*"))
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- bench: all -->\nold\n<!-- bench: end -->\nafter\n")
    report.write(sections, ABOUT, {page: ["all"]})
    assert page.read_text().startswith("before\n<!-- bench: all -->\n\n**Receivers")
    assert page.read_text().endswith("\n<!-- bench: end -->\nafter\n")
    assert "old" not in page.read_text()


def test_a_receiver_that_loses_a_callback_ends_the_run(bench: Bench) -> None:
    forgetful = replace(who.OURS, rows="SELECT count(*) / 2 FROM inbox")
    with pytest.raises(Trouble, match="rows"):
        receivers.race(bench, (forgetful,))


def test_a_receiver_that_does_not_listen_ends_the_run_with_its_own_words(bench: Bench) -> None:
    def fails(_port: int, _database: Path) -> list[str]:
        return [sys.executable, "-c", "raise OSError(77)"]

    with pytest.raises(Trouble, match="OSError: 77"):
        receivers.race(bench, (replace(who.BARE, command=fails),))


def test_who_is_not_installed_stays_in_the_table(bench: Bench) -> None:
    absent = replace(who.ADNANH, program="a-program-nobody-has")
    [table] = receivers.race(bench, (who.BARE, absent)).tables
    assert table.rows[-1][:3] == (absent.title, "", "not installed: a-program-nobody-has")


def test_a_ratio_is_the_median_of_the_rounds_ratios_not_the_ratio_of_the_medians() -> None:
    def sample(key: str, number: int, speed: float) -> race.Sample:
        return race.Sample(key, 8, number, Load({}, 0, speed, 0, 0, 0, 0, 1), 0, None, 0, 0)

    samples = [
        sample("a", 0, 10),
        sample("b", 0, 5),
        sample("a", 1, 90),
        sample("b", 1, 30),
        sample("a", 2, 20),
        sample("b", 2, 1),
    ]
    assert race.ratio(samples, "a", "b", 8) == 3
    assert race.ratio(samples, "a", "c", 8) is None


def test_stored_jobs_are_ours_to_the_last_row(tmp_path: Path) -> None:
    file = tmp_path / "rushes.db"
    stock.rushes(file, 100, 10)
    counts = {
        table: stock.rows(file, f"SELECT count(*) FROM {table}")
        for table in ("jobs", "inbox", "ledger", "outputs", "deliveries")
    }
    assert counts == {"jobs": 100, "inbox": 180, "ledger": 190, "outputs": 90, "deliveries": 90}
    assert stock.rows(file, "SELECT count(*) FROM jobs WHERE state = 'processing'") == 10
    assert stock.rows(file, "SELECT max(id) FROM jobs") == stock.job_id(stock.newest(1)[0])


def test_a_target_that_could_not_be_measured_is_neither_met_nor_missed() -> None:
    targets = [Target.least("speed", 2, 3.0), Target.most("delay", 2, 3.0, "s"), Target.least("more", 2, None)]
    told = report.targets({"one": Section(targets=targets)})
    assert [row[2:] for row in told.rows] == [("3.00 x", "met"), ("3.00 s", "NOT MET"), ("not measured here", "")]


def test_the_whole_program_posts_what_is_asked_and_each_step_has_its_time(bench: Bench) -> None:
    short = Bench(replace(TINY, growth=(20,), pipeline_seconds=0.3, patience=80), bench.folder, bench.cores)
    section = pipeline.pipeline(short)
    [rates, steps] = section.tables
    [row] = rates.rows
    assert (row[0], row[1]) == ("20", row[2])
    assert all(len(row) == len(steps.columns) for row in steps.rows)
    assert all(float(cell.replace(",", "")) >= 0 for row in steps.rows for cell in row[1:])


def test_the_step_that_led_to_the_post_counts_not_one_of_an_earlier_callback() -> None:
    names = [
        *("held", "submitting", "submit answered", "submission recorded", "callback stored", "confirmed", "settled"),
        *(
            "callback stored",
            "confirmed",
            "settled",
            "fetched",
            "output recorded",
            "posting",
            "posted",
            "callback stored",
        ),
    ]
    times = pipeline.times_of([(float(at), name) for at, name in enumerate(names)])
    assert times is not None
    assert (times["callback stored"], times["posted"]) == (7, 13)
    assert pipeline.times_of([(0.0, "held")]) is None


def test_the_pages_have_the_places_that_are_written(tmp_path: Path) -> None:
    copies = {tmp_path / str(number): page for number, page in enumerate(PAGES)}
    for copy, page in copies.items():
        copy.write_text(page.read_text())
    report.write({"one": Section()}, ABOUT, {copy: PAGES[page] for copy, page in copies.items()})
    assert all("2026-11-20, a machine." in copy.read_text() for copy in copies)
