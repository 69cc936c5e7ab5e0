"""Discord did what was asked, and what it answered cannot be read: as good as no answer."""

from bot import refusals
from sandbox.discord import Fault
from storage.words import DeliveryState
from tests.bot.harness import Set, ready

SEND = r"/channels/\d+/messages$"


def half_an_answer(method: str, path: str) -> Fault:
    return Fault(
        method, path, status=200, body='{"id": "12', when="after", headers={"Content-Type": "application/json"}
    )


async def test_a_command_whose_first_answer_was_confirmed_in_garbled_words_says_that_nothing_was_begun(
    films: Set,
) -> None:
    films.discord.faults.append(half_an_answer("POST", r"/interactions/\d+/.*/callback"))
    message = await films.ada.type(films.channel, "/video", {"prompt": "a boat"}).answered()
    assert message.embeds[0]["description"] == refusals.not_begun()
    assert "held" not in films.steps()


async def test_a_result_that_was_confirmed_in_garbled_words_is_posted_once(films: Set) -> None:
    job = await ready(films)
    films.discord.faults.append(half_an_answer("POST", SEND))
    await films.deliver()
    films.clock.ahead += 10
    await films.deliver()
    [result] = films.results()
    stored = await films.delivery(job)
    assert (stored.state, stored.message_id) == (DeliveryState.POSTED, result.id)


async def test_a_card_that_was_confirmed_in_garbled_words_goes_on_showing_the_job(films: Set) -> None:
    films.discord.faults.append(half_an_answer("PATCH", "/messages/@original"))
    job, card = await films.taken(films.ask())
    await films.settled()
    assert refusals.unexpected() not in card.text
    assert job.prompt in card.text
