"""A result whose post nobody answered is found again, or posted, and never doubled."""

from dataclasses import replace

import pytest

from bot import alerts
from sandbox.discord import Fault
from storage import guilds
from storage import jobs as job_facts
from storage.words import DeliveryState, GuildSettings
from tests.bot.harness import FILM, Set, Upload, ready

SEND = r"/channels/\d+/messages$"
HOSTILE = "@everyone [free](https://evil.example) <@1>"


class PowerCut(BaseException):
    """The end of the program at a chosen step."""


async def cut_at(films: Set, step: str) -> None:
    """Deliver, and lose the power right after a step."""
    heard = films.ctx.tell

    def tell(said: str, job_id: int | None = None, /, **facts: object) -> None:
        heard(said, job_id, **facts)
        if said == step:
            raise PowerCut

    object.__setattr__(films.ctx, "tell", tell)
    with pytest.raises(PowerCut):
        await films.deliver()
    object.__setattr__(films.ctx, "tell", heard)
    await films.stop()
    await films.start()


@pytest.mark.parametrize("step", ["posting", "posted", "delivery recorded"])
@pytest.mark.parametrize("away", [5, 3600])
async def test_a_power_cut_at_any_step_and_for_any_time_is_one_message(films: Set, step: str, away: int) -> None:
    job = await ready(films)
    await cut_at(films, step)
    films.clock.ahead += away
    await films.deliver()
    [result] = films.results()
    stored = await films.delivery(job)
    assert (stored.state, stored.message_id) == (DeliveryState.POSTED, result.id)


async def test_an_old_doubt_is_resolved_among_many_other_messages(films: Set) -> None:
    job = await ready(films)
    other = await ready(films)
    await cut_at(films, "posted")
    films.clock.ahead += 300
    for number in range(150):
        films.ben.say(films.channel, f"rushes-{job.code}.mp4 {number}")
    await films.deliver()
    assert sorted(result.content != "" for result in films.results()) == [True, True]
    assert {(await films.delivery(one)).state for one in (job, other)} == {DeliveryState.POSTED}


async def test_a_card_or_a_strangers_message_is_not_taken_for_the_result(films: Set) -> None:
    job = await ready(films)
    await cut_at(films, "posting")
    await films.ctx.database.write(job_facts.card_lost, job.id)
    films.clock.ahead += 300
    upload = Upload(f"rushes-{job.code}.mp4", b"mine")
    films.ben.say(films.channel, f"job {job.code}", [upload])
    await films.deliver()
    [result] = films.results()
    assert result.attachments[0].data == FILM
    assert (await films.delivery(job)).message_id == result.id


@pytest.mark.parametrize("named", ["{}", "job {}", "x · job {}", "rushes-{}.mp4", "-# job {}", "a\n-# job {}"])
async def test_somebody_elses_result_that_names_the_job_is_not_taken_for_it(films: Set, named: str) -> None:
    job = await ready(films)
    await cut_at(films, "posting")
    words = named.format(job.code)
    films.ben.user.name = words
    theirs = await ready(films, who=films.ben, model=words[:64], prompt=words)
    await films.deliver()
    films.clock.ahead += 300
    await films.deliver()
    first, second = films.results()
    assert (await films.delivery(theirs)).message_id == first.id
    assert (await films.delivery(job)).message_id == second.id
    assert second.attachments[0].filename == f"rushes-{job.code}.mp4"


@pytest.mark.parametrize("aimed", [False, True])
@pytest.mark.parametrize("room", ["moderators_channel_id", "alerts_channel_id"])
async def test_a_notice_to_moderators_that_names_the_job_is_not_taken_for_its_result(
    films: Set, room: str, *, aimed: bool
) -> None:
    job, _ = await films.accepted()
    rules = GuildSettings(films.guild.id, approve_above=3)
    await films.ctx.database.write(guilds.decided, replace(rules, **{room: films.channel.id}), films.ctx.now())
    if aimed:  # a stranger's request that names it where the notice of theirs ends
        await films.accepted(who=films.ben, model=job.code)
        await alerts.work(films.ctx, films.bot).once()
    else:
        job, card = await films.accepted()
        await alerts.work(films.ctx, films.bot).once()
        await films.mod.press(card, "Approve").answered()
    [notice] = films.results()
    assert job.code in notice.content.splitlines()[-1]
    await films.finished(job)
    await cut_at(films, "posting")
    films.clock.ahead += 300
    await films.deliver()
    [_, result] = films.results()
    assert result.attachments[0].filename == f"rushes-{job.code}.mp4"
    assert (await films.delivery(job)).message_id == result.id


@pytest.mark.parametrize("denied", [("EMBED_LINKS",), ("ATTACH_FILES",), ("EMBED_LINKS", "ATTACH_FILES")])
async def test_a_result_in_any_form_is_known_again(films: Set, denied: tuple[str, ...]) -> None:
    job = await ready(films, count=2, lost=1)
    films.channel.deny(*denied)
    await cut_at(films, "posted")
    films.clock.ahead += 3600
    await films.deliver()
    [result] = films.results()
    assert (await films.delivery(job)).message_id == result.id


async def test_an_old_linked_doubt_is_found_by_its_link(films: Set) -> None:
    job = await ready(films, data=bytes(10 * 2**20 + 1))
    await cut_at(films, "posted")
    films.clock.ahead += 3600
    await films.deliver()
    [result] = films.results()
    assert (await films.delivery(job)).message_id == result.id


async def test_a_doubt_that_was_never_posted_begins_a_new_doubt_when_it_fails_again(films: Set) -> None:
    job = await ready(films)
    await cut_at(films, "posting")
    films.clock.ahead += 3600
    films.discord.faults.append(Fault("POST", SEND, status=503, when="after"))
    await films.deliver()
    stored = await films.delivery(job)
    assert stored.state is DeliveryState.POSTING
    assert stored.first_tried_at is not None
    assert films.ctx.now() - stored.first_tried_at < 60_000
    films.clock.ahead += 5
    await films.deliver()
    assert len(films.results()) == 1


async def test_an_old_doubt_without_the_right_to_look_is_parked_rather_than_doubled(films: Set) -> None:
    job = await ready(films)
    await cut_at(films, "posted")
    films.clock.ahead += 3600
    films.channel.deny("READ_MESSAGE_HISTORY")
    await films.deliver()
    assert len(films.results()) == 1
    assert (await films.delivery(job)).state is DeliveryState.PARKED
