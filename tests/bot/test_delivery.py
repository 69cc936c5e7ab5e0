"""The result: one message, whatever Discord, the network or the power do in between."""

import asyncio
from typing import Any

from sqlalchemy import update

from jobs import files
from jobs.transitions import Event
from sandbox.discord import Fault
from storage import Connection, deliveries, outputs, tables
from storage.words import DeliveryState
from tests.bot.harness import FILM, Set, delivery, picture, ready

SEND = r"/channels/\d+/messages$"
HOSTILE = "@everyone [free](https://evil.example) <@1>"


async def test_the_film_is_attached_to_one_message(films: Set) -> None:
    job = await ready(films, seed=7)
    assert await films.deliver()
    assert not await films.deliver()
    [result] = films.results()
    [file] = result.attachments
    assert (file.filename, file.data) == (f"rushes-{job.code}.mp4", FILM)
    assert result.reply_to == job.card_message_id
    assert result.nonce == job.code
    for words in ("a boat at dawn", "40 credits", "slow-1", "seed 7", "4 s", "720p", "Ada", "Acme", job.code):
        assert words in result.text
    stored = await films.delivery(job)
    assert (stored.state, stored.message_id, stored.linked) == (DeliveryState.POSTED, result.id, False)
    steps = films.steps()
    assert steps.index("posting") < steps.index("posted") < steps.index("delivery recorded")


async def test_the_card_leads_to_the_film(films: Set) -> None:
    job = await ready(films)
    await films.deliver()
    [result] = films.results()
    await films.edit_cards()
    card = films.discord.messages[job.card_message_id or 0]
    assert "Done in" in card.text
    assert "40 credits" in card.text
    assert f"https://discord.com/channels/{films.guild.id}/{films.channel.id}/{result.id}" in card.text


async def test_a_hostile_prompt_and_name_ping_nobody_in_the_result(films: Set) -> None:
    films.ada.user.name = "@everyone <@1>"
    await ready(films, prompt=HOSTILE)
    await films.deliver()
    [result] = films.results()
    assert not result.pings
    assert "evil" not in result.content
    assert "@everyone" not in result.text


async def test_several_films_go_out_together_and_lost_ones_are_told(films: Set) -> None:
    job = await ready(films, count=3, lost=1)
    await films.deliver()
    [result] = films.results()
    assert [file.filename for file in result.attachments] == [f"rushes-{job.code}.mp4", f"rushes-{job.code}-2.mp4"]
    assert "1 more could not be fetched from Acme" in result.content


async def test_pictures_are_posted_as_pictures(films: Set) -> None:
    job = await ready(films, count=2)
    data = picture()

    def become_pictures(connection: Connection) -> None:
        values = {"operation": "reference_to_image"}
        connection.execute(update(tables.jobs).where(tables.jobs.c.id == job.id).values(values))

    await films.ctx.database.write(become_pictures)
    for output in await films.ctx.database.read(outputs.of_job, job.id):
        name = files.name_for(job.code, f"p{output.position}", "image/png")
        files.save(films.ctx.media_dir, files.OUTPUTS, name, data)
        about: dict[str, Any] = {"size": len(data), "sha256": "", "seconds": None, "width": 320, "height": 180}
        await films.ctx.database.write(outputs.fetched, output.id, file=name, **about)
    await films.deliver()
    [result] = films.results()
    assert "Your pictures are ready · 40 credits" in result.content
    names = [f"rushes-{job.code}.png", f"rushes-{job.code}-2.png"]
    assert [(file.filename, file.data) for file in result.attachments] == [(name, data) for name in names]
    await films.edit_cards()
    assert "[See the picture](" in films.discord.messages[job.card_message_id or 0].text


async def test_ten_results_are_one_message_and_those_beyond_are_linked_in_it(films: Set) -> None:
    job = await ready(films, count=12)
    await films.deliver()
    [result] = films.results()
    assert [file.filename for file in result.attachments] == [
        f"rushes-{job.code}{'' if number == 1 else f'-{number}'}.mp4" for number in range(1, 11)
    ]
    assert result.content.count("/media/outputs/") == 2
    assert "Your videos are ready" in result.content


async def test_when_no_file_could_be_fetched_that_is_the_result(films: Set) -> None:
    await ready(films, lost=1)
    await films.deliver()
    [result] = films.results()
    assert "could not be fetched" in result.content
    assert "40 credits" in result.content
    assert result.attachments == []


async def test_a_file_above_the_limit_is_linked_at_once(films: Set) -> None:
    job = await ready(films, data=bytes(10 * 2**20 + 1))
    await films.deliver()
    [result] = films.results()
    assert result.attachments == []
    assert "https://rushes.example/media/outputs/" in result.content
    assert f"{job.code}-0.mp4" in result.content
    assert [request.status for request in films.discord.requests if request.method == "POST" and request.files] == []
    assert (await films.delivery(job)).linked


async def test_a_file_that_discord_finds_too_large_is_linked(films: Set) -> None:
    job = await ready(films)
    films.guild.upload_limit = 100
    await films.deliver()
    [result] = films.results()
    assert result.attachments == []
    assert "/media/outputs/" in result.content
    assert (await films.delivery(job)).linked
    assert films.steps().count("posting") == 2


async def test_once_linked_always_linked(films: Set) -> None:
    job = await ready(films)
    films.guild.upload_limit = 100
    films.discord.faults.append(Fault("POST", SEND, status=413, body={"code": 40005, "message": "too large"}))
    films.discord.faults.append(Fault("POST", SEND, status=503))
    await films.deliver()
    films.guild.upload_limit = 10 * 2**20
    films.clock.ahead += 5
    await films.deliver()
    [result] = films.results()
    assert result.attachments == []
    assert (await films.delivery(job)).linked


async def test_stored_but_answered_with_an_error_is_one_message(films: Set) -> None:
    job = await ready(films)
    films.discord.faults.append(Fault("POST", SEND, status=502, when="after"))
    await films.deliver()
    [result] = films.results()
    assert (await films.delivery(job)).message_id == result.id


async def test_stored_but_answered_with_an_error_the_library_does_not_repeat_is_one_message(films: Set) -> None:
    job = await ready(films)
    films.discord.faults.append(Fault("POST", SEND, status=503, when="after"))
    await films.deliver()
    assert (await films.delivery(job)).state is DeliveryState.POSTING
    films.clock.ahead += 5
    await films.deliver()
    [result] = films.results()
    assert (await films.delivery(job)).message_id == result.id


async def test_a_connection_that_broke_is_one_message_in_the_end(films: Set) -> None:
    job = await ready(films)
    films.discord.faults.append(Fault("POST", SEND, status="cut", when="after"))
    await films.deliver()
    films.clock.ahead += 5
    await films.deliver()
    [result] = films.results()
    assert (await films.delivery(job)).message_id == result.id


async def test_too_many_requests_is_tried_later(films: Set) -> None:
    job = await ready(films)
    films.discord.faults.append(Fault("POST", SEND, status=429, body={"message": "slow down", "retry_after": 1.0}))
    await films.deliver()
    stored = await films.delivery(job)
    assert (stored.state, stored.first_tried_at) == (DeliveryState.DUE, None)
    assert not await films.deliver()
    films.clock.ahead += 5
    await films.deliver()
    assert len(films.results()) == 1


async def test_too_many_requests_after_a_doubt_keeps_the_doubt(films: Set) -> None:
    job = await ready(films)
    films.discord.faults.append(Fault("POST", SEND, status=503, when="after"))
    films.discord.faults.append(Fault("POST", SEND, status=429, body={"message": "slow down", "retry_after": 1.0}))
    await films.deliver()
    films.clock.ahead += 5
    await films.deliver()
    stored = await films.delivery(job)
    assert stored.state is DeliveryState.POSTING
    assert stored.first_tried_at is not None
    films.clock.ahead += 600
    await films.deliver()
    assert len(films.results()) == 1


async def test_a_channel_that_is_gone_and_an_asker_who_takes_no_messages_park_the_result(films: Set) -> None:
    job = await ready(films)
    films.ada.user.accepts_direct_messages = False
    films.channel.delete()
    await films.deliver()
    stored = await films.delivery(job)
    assert (stored.state, stored.due_at) == (DeliveryState.PARKED, None)
    assert "50007" in (stored.problem or "")
    await films.edit_cards()
    assert (await films.job(job.id)).card_message_id is None
    assert not await films.edit_cards()


async def test_a_channel_the_bot_may_not_post_in_parks_the_result_and_the_card_gives_a_link(films: Set) -> None:
    job = await ready(films)
    films.ada.user.accepts_direct_messages = False
    films.channel.deny("SEND_MESSAGES")
    await films.deliver()
    assert (await films.delivery(job)).state is DeliveryState.PARKED
    await films.edit_cards()
    card = films.discord.messages[job.card_message_id or 0]
    assert "could not post it" in card.text
    assert "https://rushes.example/media/outputs/" in card.text


async def test_without_the_right_to_frame_or_refer_the_film_still_goes_out(films: Set) -> None:
    job = await ready(films)
    films.channel.deny("EMBED_LINKS", "READ_MESSAGE_HISTORY")
    await films.deliver()
    [result] = films.results()
    assert len(result.attachments) == 1
    assert job.code in result.content


async def test_without_the_right_to_attach_a_link_goes_out(films: Set) -> None:
    await ready(films)
    films.channel.deny("ATTACH_FILES")
    await films.deliver()
    [result] = films.results()
    assert result.attachments == []
    assert "/media/outputs/" in result.content
    assert "Asked by Ada" in result.text


async def test_without_a_frame_it_still_says_whose_it_is(films: Set) -> None:
    await ready(films)
    films.channel.deny("ATTACH_FILES", "EMBED_LINKS")
    await films.deliver()
    [result] = films.results()
    assert (result.attachments, result.embeds) == ([], [])
    assert "/media/outputs/" in result.content
    assert "-# Asked by Ada · made by Acme · job " in result.content


async def test_a_result_somebody_deleted_at_once_is_not_posted_again(films: Set) -> None:
    job = await ready(films)
    films.discord.faults.append(Fault("POST", SEND, status=503, when="after"))
    await films.deliver()
    [result] = films.results()
    result.deleted = True
    films.clock.ahead += 5
    await films.deliver()
    assert films.results() == []
    stored = await films.delivery(job)
    assert (stored.state, stored.message_id) == (DeliveryState.POSTED, None)
    await films.edit_cards()
    assert "was deleted" in films.discord.messages[job.card_message_id or 0].text


async def test_without_a_connection_nothing_is_tried(films: Set) -> None:
    job = await ready(films)
    bot = films.bot
    await films.stop()
    assert not await delivery.work(films.ctx, bot).once()
    assert (await films.delivery(job)).state is DeliveryState.DUE
    await films.start()


async def test_one_delivery_that_breaks_does_not_hold_up_the_others(films: Set) -> None:
    job, other = await ready(films), await ready(films)
    [output] = await films.ctx.database.read(outputs.of_job, job.id)
    about: dict[str, Any] = {"size": 1, "sha256": "", "seconds": None, "width": None, "height": None}
    await films.ctx.database.write(outputs.fetched, output.id, file="../../etc/passwd", **about)
    await films.deliver()
    assert len(films.results()) == 1
    assert (await films.delivery(other)).state is DeliveryState.POSTED
    assert (await films.delivery(job)).due_at is not None


async def test_a_file_that_vanished_from_the_store_is_told(films: Set) -> None:
    job = await ready(films)
    (films.ctx.media_dir / "outputs" / f"{job.code}-0.mp4").unlink()
    await films.deliver()
    [result] = films.results()
    assert "could not be fetched" in result.content


async def test_two_steps_side_by_side_make_one_message(films: Set) -> None:
    await ready(films)
    await asyncio.gather(films.deliver(), films.deliver())
    assert len(films.results()) == 1


async def test_a_card_deleted_meanwhile_does_not_hold_up_the_film(films: Set) -> None:
    job = await ready(films)
    films.discord.messages[job.card_message_id or 0].deleted = True
    await films.deliver()
    [result] = films.results()
    assert result.reply_to is None
    assert result.embeds
    await films.edit_cards()
    assert (await films.job(job.id)).card_message_id is None


async def test_a_rescued_job_is_delivered_like_any_other(films: Set) -> None:
    job, _ = await films.accepted()
    await films.happen(job, Event.SUBMIT)
    await films.happen(job, Event.ACCEPTED, task_id="task-9", submitted_at=films.ctx.now())
    await films.happen(job, Event.SILENT)
    await films.edit_cards()
    card = films.discord.messages[job.card_message_id or 0]
    assert "40 credits stay reserved until then" in card.text
    await films.happen(job, Event.SUCCEEDED, links=[], credits=40)
    await films.ctx.database.write(deliveries.ready, job.id, films.ctx.now())
    await films.deliver()
    assert len(films.results()) == 1
