"""Rights: what a channel gives counts in that channel; more needs a right of the whole server."""

from dataclasses import replace

import pytest

from sandbox.discord import Member
from storage import guilds
from storage import jobs as job_facts
from storage.words import GuildSettings, Job, State
from tests.bot.harness import Set

MANAGE_MESSAGES, ADMINISTRATOR = 1 << 13, 1 << 3
REFUSED = "I can't do that for you"


@pytest.fixture
def local(films: Set) -> Member:
    """Give somebody who may manage messages in one channel."""
    films.channel.grant(films.ben.user, "MANAGE_MESSAGES")
    return films.ben


async def state(films: Set, job: Job) -> State:
    return (await films.job(job.id)).state


async def asked_elsewhere(films: Set) -> Job:
    typed = films.ada.type(films.guild.add_channel("elsewhere"), "/video", {"prompt": "a boat"})
    return (await films.taken(typed))[0]


async def test_a_right_of_one_channel_gives_none_of_what_reaches_over_the_server(films: Set, local: Member) -> None:
    for command, options in (
        ("/mod queue", {}),
        ("/mod prompts", {"member": films.ada}),
        ("/mod block", {"member": films.ada}),
        ("/mod log", {}),
        ("/preset save", {"name": "noir", "words": "x"}),
    ):
        answer = await local.type(films.channel, command, options).answered()
        assert "Only moderators of this server" in answer.text
    await films.accepted()


async def test_a_right_of_one_channel_cancels_in_that_channel_alone(films: Set, local: Member) -> None:
    there, (here, card) = await asked_elsewhere(films), await films.accepted()
    assert await films.ben.autocomplete(films.channel, "/cancel", {}, "job") == []
    for job in (there, here):
        answer = await local.type(films.channel, "/cancel", {"job": job.code}).answered()
        assert (REFUSED in answer.text) == (job is there)
    assert (await state(films, there), await state(films, here)) == (State.QUEUED, State.CANCELLED)
    again, card = await films.accepted()
    await local.press(card, "Cancel").answered()
    assert await state(films, again) is State.CANCELLED


async def test_a_right_of_one_channel_approves_in_it_but_never_ones_own(films: Set, local: Member) -> None:
    await films.ctx.database.write(
        guilds.decided, replace(GuildSettings(films.guild.id), approve_above=39), films.ctx.now()
    )
    own, card = await films.taken(films.ask(local))
    assert REFUSED in (await local.press(card, "Approve").answered()).text
    others, card = await films.accepted()
    assert "it begins" in (await local.press(card, "Approve").answered()).text
    assert (await state(films, own), await state(films, others)) == (State.APPROVING, State.QUEUED)


@pytest.mark.parametrize("how", ["permission", "administrator", "owner", "role"])
async def test_a_right_of_the_server_reaches_everywhere(films: Set, how: str) -> None:
    job, ben = await asked_elsewhere(films), films.ben
    if how == "owner":
        ben = films.guild.add_member("boss", user=films.guild.owner)
    elif how == "role":
        role = films.guild.add_role("film crew")
        ben.roles.append(role)
        settings = replace(GuildSettings(films.guild.id), moderator_role_id=role)
        await films.ctx.database.write(guilds.decided, settings, films.ctx.now())
    else:
        ben.permissions |= MANAGE_MESSAGES if how == "permission" else ADMINISTRATOR
    offers = await ben.autocomplete(films.channel, "/cancel", {}, "job")
    assert [offer["value"] for offer in offers] == [job.code]
    await ben.type(films.channel, "/cancel", {"job": job.code}).answered()
    assert await state(films, job) is State.CANCELLED


async def test_a_right_that_was_taken_away_counts_no_more(films: Set) -> None:
    job = await asked_elsewhere(films)
    films.mod.permissions &= ~MANAGE_MESSAGES
    assert REFUSED in (await films.mod.type(films.channel, "/cancel", {"job": job.code}).answered()).text
    assert await state(films, job) is State.QUEUED


async def test_a_result_in_the_threads_channel_is_deleted_by_who_may_manage_that_channel(
    films: Set, local: Member
) -> None:
    thread = films.channel.add_thread("takes")
    typed = films.ada.type(thread, "/video", {"prompt": "a boat"})
    await typed.answered()
    await films.settled()
    job = await films.ctx.database.read(job_facts.by_interaction, typed.id)
    assert job is not None
    await films.finished(job)
    thread.delete()
    while await films.deliver():
        pass
    [result] = films.results()
    other = films.guild.add_member("other")
    assert REFUSED in (await other.press(result, "Delete").answered()).text
    assert "Deleted" in (await local.press(result, "Delete").answered()).text
    assert result.deleted
