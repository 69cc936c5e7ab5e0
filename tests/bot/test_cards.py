"""The card: a job's state in the channel, edited when it changes, given up when it is gone."""

import pytest

from bot.tokens import tokens_of
from jobs.transitions import Event
from providers.contract import OutputLink
from sandbox.discord import Fault, Message
from storage.words import Job, State
from tests.bot.harness import Set, cards


async def card_after(films: Set, *events: Event, **facts: object) -> tuple[Job, Message]:
    """Take a command, let events happen to its job, and show it."""
    job, card = await films.accepted()
    for event in events:
        about = {"task_id": "task-1", "submitted_at": films.ctx.now()} if event is Event.ACCEPTED else {}
        job = await films.happen(job, event, **(about | (facts if event is events[-1] else {})))
    await films.edit_cards()
    return job, card


async def restarted(films: Set) -> None:
    """Let the program begin another life, which knows no command's token."""
    await films.stop()
    await films.start()


@pytest.mark.parametrize(
    ("events", "facts", "words", "button"),
    [
        ([Event.SUBMIT], {}, ["Sending to Acme", "40 credits are reserved"], True),
        (
            [Event.SUBMIT, Event.NOT_TAKEN],
            {"reason": "busy", "attempts": 1},
            ["is busy", "I try again <t:", "stay reserved"],
            True,
        ),
        ([Event.SUBMIT, Event.UNCLEAR], {}, ["do not know whether Acme received it", "won't be sent twice"], True),
        ([Event.SUBMIT, Event.ACCEPTED], {}, ["Waiting at Acme", "40 credits are reserved"], True),
        ([Event.SUBMIT, Event.ACCEPTED, Event.RUNNING], {}, ["Rendering at Acme", "<t:"], True),
        (
            [Event.SUBMIT, Event.ACCEPTED, Event.CANCEL],
            {"task_id": "1"},
            ["Cancelling", "40 credits stay reserved until it answers"],
            False,
        ),
        (
            [Event.SUBMIT, Event.UNCLEAR, Event.CANCEL],
            {},
            [
                "Cancelling",
                "Nobody knows yet whether Acme received it",
                "stopped",
                "40 credits",
                "until that is certain",
            ],
            False,
        ),
        (
            [Event.SUBMIT, Event.UNCLEAR, Event.CANCEL, Event.UNTRACED],
            {"cancelled_by": 4},
            ["It was cancelled", "not posted", "40 credits stay reserved until that is certain"],
            False,
        ),
        (
            [Event.SUBMIT, Event.ACCEPTED, Event.SUCCEEDED],
            {"links": [OutputLink("https://v.example/1.mp4")]},
            ["Done in", "being fetched"],
            False,
        ),
        ([Event.SUBMIT, Event.REJECTED], {"reason": "content"}, ["content rules", "Nothing was spent"], False),
        ([Event.SUBMIT, Event.ACCEPTED, Event.FAILED], {"credits": 15}, ["15 credits spent", "25 credits ret"], False),
        ([Event.SILENT], {}, ["could not be reached", "Nothing was spent", "try again"], False),
        ([Event.SUBMIT, Event.ACCEPTED, Event.SILENT], {}, ["still comes", "until then"], False),
        ([Event.SUBMIT, Event.ACCEPTED, Event.SILENT, Event.CLOSED], {}, ["Nothing was spent: 40"], False),
        ([Event.CANCEL], {"cancelled_by": 4}, ["Nothing had been sent yet", "40 credits returned"], False),
        (
            [Event.SUBMIT, Event.ACCEPTED, Event.CANCEL, Event.STOPPED],
            {"attempts": 1},
            ["nothing came from Acme", "Nothing was"],
            False,
        ),
    ],
)
async def test_each_state_says_what_happens_to_job_and_credits(
    films: Set, events: list[Event], facts: dict[str, object], words: list[str], button: bool
) -> None:
    job, card = await card_after(films, *events, **facts)
    for word in words:
        assert word in card.text
    assert ("Cancel" in [one.label for one in card.buttons]) == button
    ended = job.state in {State.FAILED, State.CANCELLED, State.EXPIRED}
    assert ("Edit & again" in [one.label for one in card.buttons]) == ended
    assert "a boat at dawn" in card.text
    assert job.code in card.text
    assert (await films.job(job.id)).card_due_at is None
    assert not await films.edit_cards()


async def test_what_a_vendor_says_is_never_shown(films: Set) -> None:
    detail = "@everyone [win](https://evil.example) key=sk-123"
    _, card = await card_after(films, Event.SUBMIT, Event.REJECTED, reason="bad_order", detail=detail)
    assert "evil" not in card.text
    assert "sk-123" not in card.text
    assert not card.pings


async def test_a_deleted_card_is_given_up(films: Set) -> None:
    job, card = await films.accepted()
    card.deleted = True
    await films.happen(job, Event.SUBMIT)
    await films.edit_cards()
    assert (await films.job(job.id)).card_message_id is None
    assert not await films.edit_cards()


@pytest.mark.parametrize("trouble", [{"status": 503}, {"status": "cut"}, {"status": 429, "body": {"retry_after": 1.0}}])
async def test_a_card_that_cannot_be_edited_now_is_edited_later(films: Set, trouble: dict[str, object]) -> None:
    job, card = await films.accepted()
    await restarted(films)
    await films.happen(job, Event.SUBMIT)
    films.discord.faults.append(Fault("PATCH", "/channels/", **trouble))  # pyright: ignore[reportArgumentType] -- the parameters above
    await films.edit_cards()
    assert "Sending" not in card.text
    assert not await films.edit_cards()
    films.clock.ahead += 30
    await films.edit_cards()
    assert "Sending to Acme" in card.text


async def test_a_card_is_edited_by_its_commands_own_token_beside_the_bots_own_requests(films: Set) -> None:
    job, card = await films.accepted()
    await films.happen(job, Event.SUBMIT)
    known = len(films.discord.requests)
    await films.edit_cards()
    assert [request.path.split("/")[1] for request in films.discord.requests[known:]] == ["webhooks"]
    assert "Sending to Acme" in card.text


async def test_a_card_whose_commands_token_is_over_is_edited_by_the_bot(films: Set) -> None:
    job, card = await films.accepted()
    await films.happen(job, Event.SUBMIT)
    films.discord.faults.append(
        Fault("PATCH", "/webhooks/", status=404, body={"code": 10015, "message": "Unknown Webhook"})
    )
    await films.edit_cards()
    assert "Sending" not in card.text
    await films.edit_cards()
    assert "Sending to Acme" in card.text


async def test_a_jobs_token_is_forgotten_when_its_card_says_how_it_ended(films: Set) -> None:
    job, _ = await films.accepted()
    assert films.bot.client is not None
    assert len(tokens_of(films.bot.client)) == 1
    job = await films.happen(job, Event.SUBMIT)
    await films.edit_cards()
    assert len(tokens_of(films.bot.client)) == 1
    films.clock.ahead += 30
    await films.happen(job, Event.REJECTED, reason="content")
    await films.edit_cards()
    assert len(tokens_of(films.bot.client)) == 0


async def test_a_card_left_thinking_by_a_power_cut_is_replaced(films: Set) -> None:
    films.discord.faults.append(Fault("PATCH", "/webhooks/", status="cut"))
    typed = films.ask()
    await films.until_told("held")
    await films.discord.until(lambda: any(request.path.startswith("/webhooks/") for request in films.discord.requests))
    thinking = typed.original
    assert thinking is not None
    assert thinking.loading
    await restarted(films)
    await films.edit_cards()
    assert films.channel.messages == [thinking]
    films.clock.ahead += 120
    await films.edit_cards()
    [card] = films.channel.messages
    assert card is not thinking
    assert "40 credits are reserved" in card.text
    assert [button.label for button in card.buttons] == ["Cancel"]
    assert not await films.edit_cards()


async def test_edits_of_one_card_keep_a_distance(films: Set) -> None:
    job, _ = await films.accepted()
    await films.happen(job, Event.SUBMIT)
    assert not await cards.work(films.ctx, films.bot).once()
    assert await films.edit_cards()
