"""The tables of the command line say what the registry and the ledger hold, and the README says the same."""

import io
from collections.abc import AsyncIterator, Mapping
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from rich.console import Console

from bot.plain import clean
from jobs.doubts import decided
from providers import registry
from providers.contract import Account, Balance, ErrorKind, Provider, ProviderError, Reason
from providers.orders import Operation
from rushes import reports
from storage import Database, ledger
from storage import jobs as job_facts
from storage.words import Entry, Job, State
from tests.samples_of import HOUR, NOON, a_job

README = Path("README.md").read_text(encoding="utf-8")


@pytest.fixture
async def vendors() -> AsyncIterator[Mapping[str, Provider]]:
    nobody = Account(api_keys=("none",))
    async with aiohttp.ClientSession() as session:
        yield registry.build(dict.fromkeys(registry.NAMES, nobody), session, lambda: 0.0)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await Database.open(f"sqlite+aiosqlite:///{tmp_path}/rushes.db")
    yield database
    await database.close()


def decided_for(code: str, *, charge: bool) -> partial[Job | None]:
    return partial(decided, code=code, now=NOON, charge=charge)


def test_the_readme_holds_the_table_of_vendors_and_operations(vendors: Mapping[str, Provider]) -> None:
    assert reports.markdown(reports.matrix(vendors)) in README


def test_every_operation_has_a_command_and_a_vendor(vendors: Mapping[str, Provider]) -> None:
    assert set(reports.COMMANDS) == set(Operation)
    head, *rows = reports.matrix(vendors)
    assert head[2:] == [vendor.title for vendor in vendors.values()]
    assert all(any(cells[2:]) for cells in rows)


def test_a_vendor_in_full_names_its_models_and_choices(vendors: Mapping[str, Provider]) -> None:
    for vendor in vendors.values():
        rows = reports.vendor_rows(vendor)[1:]
        assert [row[0] for row in rows] == [operation.value.replace("_", " ") for operation in vendor.operations()]
        for operation, (_, models, choices) in zip(vendor.operations(), rows, strict=True):
            assert all(model.name in models for model in vendor.models(operation))
            assert all(extra.name in choices for extra in vendor.extras(operation))


async def test_drift_compares_what_was_held_with_what_vendors_said(database: Database) -> None:
    for number, reported in ((1, 30), (2, 60), (3, None)):
        job = a_job(number)
        assert await database.write(job_facts.held, job) is None
        await database.write(ledger.settle, job, NOON, reported)
    released = a_job(4)
    await database.write(job_facts.held, released)
    await database.write(ledger.release, released, NOON)
    [found] = await database.read(ledger.drift, NOON)
    assert (found.told, found.silent, found.held, found.reported) == (2, 1, 80, 90)
    assert reports.drift_rows([found])[1][-3:] == ["90", "+12%", "1"]
    assert await database.read(ledger.drift, NOON + 1) == []


@pytest.mark.parametrize("model", ["[/x]", "[bold]x", "\x1b[2Jx", "x\n\ry", "[link=http://a.example]x[/link]"])
async def test_a_typed_model_is_words_in_a_table_and_no_order_to_the_terminal(database: Database, model: str) -> None:
    job = a_job(1, model=model)
    await database.write(job_facts.held, job)
    await database.write(ledger.settle, job, NOON, 30)
    paper = io.StringIO()
    rows = reports.drift_rows(await database.read(ledger.drift, NOON))
    Console(width=200, file=paper, force_terminal=True, color_system=None).print(reports.shown(rows))
    shown = paper.getvalue()
    assert clean(model) in shown
    assert "\x1b" not in shown.replace("\x1b[1m", "").replace("\x1b[0m", "")  # of the heading
    assert "\r" not in shown


@pytest.mark.parametrize(("charge", "entry", "amount"), [(False, Entry.RELEASE, 40), (True, Entry.SETTLE, 0)])
async def test_a_person_decides_once_about_the_hold_of_a_doubtful_job(
    database: Database, charge: bool, entry: Entry, amount: int
) -> None:
    job = a_job(1, state=State.UNKNOWN)
    await database.write(job_facts.held, job)
    assert await database.write(decided_for(job.code, charge=charge)) is None  # still being looked into
    await database.write(job_facts.move, job, NOON, State.EXPIRED, {"due_at": NOON + HOUR})
    assert await database.write(job_facts.left_open, job, NOON)
    assert await database.write(decided_for("0000000000000", charge=charge)) is None
    assert await database.write(decided_for("rubbish", charge=charge)) is None
    after = await database.write(decided_for(job.code, charge=charge))
    assert after is not None
    assert after.state is State.EXPIRED
    assert await database.write(decided_for(job.code, charge=not charge)) is None
    rows = await database.read(ledger.of_job, job.id)
    assert [(row.kind, row.amount) for row in rows] == [(Entry.HOLD, -40), (entry, amount)]


def test_the_page_of_commands_is_the_one_the_bot_would_have(vendors: Mapping[str, Provider]) -> None:
    page = reports.commands_page(vendors)
    assert (Path(__file__).parents[2] / "COMMANDS.md").read_text() == page, (
        "make it anew: rushes commands > COMMANDS.md"
    )
    assert "## /mv create" in page
    assert "| prompt * | text | What should be seen |" in page


def test_balances_are_laid_out_with_what_could_not_be_asked_and_why() -> None:
    refused = ProviderError(ErrorKind.REJECTED, Reason.ACCESS, "HTTP 401 [bold]no[/bold]")
    rows = reports.balance_rows(
        {
            "Vidu": Balance(1230, "1200 metered, [link]"),
            "Apiframe": Balance(None, "1234 credits of its own"),
            "kkiai": None,
            "Kling": refused,
            "Acme": RuntimeError("a bug, with a secret"),
        }
    )
    paper = io.StringIO()
    Console(width=200, file=paper).print(reports.shown(rows))
    shown = paper.getvalue()
    for words in ("1230", "[link]", "?", "of its own", "console", "[bold]no[/bold]", "RuntimeError"):
        assert words in shown
    assert "secret" not in shown
