"""Searches for further tasks of a job: planned once, put off, made, and not undone by what was read before."""

from storage import Database, jobs, strays
from storage.words import Search
from tests.samples_of import NOON, a_job

LATER = NOON + 300_000


async def planned(database: Database) -> Search:
    """Plan a search for a job's further tasks."""
    assert await database.write(jobs.held, a_job(1)) is None
    await database.write(strays.suspected, a_job(1).id, NOON, LATER)
    found = await database.read(strays.search_of, a_job(1).id)
    assert found is not None
    return found


async def test_a_search_is_due_when_its_time_has_come(database: Database) -> None:
    search = await planned(database)
    assert search == Search(a_job(1).id, NOON, LATER, 0)
    assert await database.read(strays.searches_due, LATER - 1, 9) == []
    assert await database.read(strays.searches_due, LATER, 9) == [search]


async def test_a_job_sent_once_more_has_one_search_which_is_later(database: Database) -> None:
    search = await planned(database)
    await database.write(strays.suspected, search.job_id, LATER, LATER + 1)
    assert await database.read(strays.searches_due, LATER + 1, 9) == [Search(search.job_id, NOON, LATER + 1, 0)]


async def test_a_search_that_was_made_is_over_and_one_put_off_has_one_attempt_more(database: Database) -> None:
    search = await planned(database)
    await database.write(strays.searched, search, LATER + 5)
    again = await database.read(strays.search_of, search.job_id)
    assert again == Search(search.job_id, NOON, LATER + 5, 1)
    await database.write(strays.searched, Search(search.job_id, NOON, LATER + 5, 1), None)
    assert await database.read(strays.search_of, search.job_id) is None


async def test_a_search_planned_anew_meanwhile_is_still_to_be_made(database: Database) -> None:
    search = await planned(database)
    await database.write(strays.suspected, search.job_id, LATER, LATER + 1)
    await database.write(strays.searched, search, None)
    assert await database.read(strays.search_of, search.job_id) is not None
