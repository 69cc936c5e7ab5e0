"""Every text a person reads fits Discord's limits, tells about the credits, and lets no stranger's words through."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import refusals
from bot.looks import embed_of
from bot.messages import Card, Vendor, cancel_answer, card_of, credits_of, details, failure, time_of
from bot.results import result_of
from jobs.attachments import Flaw
from jobs.cancel import CancelOutcome
from jobs.intake import OverBudget
from providers.contract import Reason
from providers.orders import Problem, Rule
from storage.words import Delivery, DeliveryState, Job, State
from tests.bot.test_plain import ANY

VENDOR = Vendor("Acme", can_cancel=True)
NUMBER = st.integers(0, 2**60)
MAYBE = st.none() | NUMBER


def job_with(**changes: Any) -> Job:
    values: dict[str, Any] = {
        "id": 2**60, "interaction_id": 1, "guild_id": 2, "channel_id": 3, "user_id": 4, "user_name": "Ada",
        "card_message_id": 5, "upload_limit": 10, "provider": "acme", "operation": "text_to_video", "model": "slow-1",
        "prompt": "a boat", "options": {"duration": 4, "resolution": "720p", "seed": 0, "audio": True},
        "inputs": (), "state": State.QUEUED, "created_at": 1_000_000, "changed_at": 1_048_000, "due_at": 1_060_000,
        "deadline_at": 2_000_000, "submitted_at": None, "finished_at": 1_048_000, "attempts": 0, "lookups": 0,
        "absences": 0, "resent": 0, "cancel_sent_at": None,
        "task_id": None, "price": 40, "charged": None, "cancelled_by": None, "reason": None,
        "detail": "@everyone https://evil.example", "card_due_at": None, "card_version": 1,
    }  # fmt: skip
    return Job(**(values | changes))


def delivery_with(state: DeliveryState, message_id: int | None = None) -> Delivery:
    return Delivery(1, state, None, 0, None, linked=False, message_id=message_id, posted_at=None, problem="@here")


JOBS = st.builds(
    job_with,
    state=st.sampled_from(State),
    prompt=ANY | st.text(min_size=3000, max_size=5000),
    model=ANY,
    user_name=ANY,
    price=NUMBER,
    charged=MAYBE,
    submitted_at=st.none() | st.integers(0, 2**42),
    due_at=st.none() | st.integers(0, 2**42),
    attempts=st.integers(0, 99),
    reason=st.sampled_from([None, "nonsense", *Reason]),
    options=st.fixed_dictionaries(
        {"duration": MAYBE, "resolution": st.none() | ANY, "seed": MAYBE, "audio": st.none()}
    ),
)


def holds(card: Card) -> None:
    """Hold a card against Discord's limits and our promises."""
    embed = embed_of(card)
    assert len(card.title) <= 256
    assert 0 < len(card.body) <= 4096
    assert len(card.footer) <= 2048
    assert len(embed) <= 6000
    assert "@everyone" not in card.body
    assert "evil" not in card.title + card.footer
    assert not any("  " in line for line in card.body.splitlines())


@given(JOBS, st.sampled_from(DeliveryState), MAYBE, st.booleans())
def test_every_card_fits_and_is_safe(job: Job, state: DeliveryState, message_id: int | None, can_cancel: bool) -> None:
    card = card_of(job, Vendor("Acme", can_cancel=can_cancel), delivery_with(state, message_id))
    holds(card)
    prompt_line, blank, *rest = card.body.split("\n")
    assert prompt_line.startswith("> ")
    assert (blank, len(rest)) == ("", 1)


@given(
    JOBS,
    st.lists(st.just("https://rushes.example/media/outputs/x.mp4"), max_size=10),
    st.integers(0, 10),
    st.integers(0, 10),
)
def test_every_result_fits_and_is_safe(job: Job, links: list[str], missing: int, files: int) -> None:
    result = result_of(job, VENDOR, links=links, missing=missing, files=files)
    assert 0 < len(result.headline) <= 1900
    assert "@" not in result.headline
    holds(result.card)


@pytest.mark.parametrize("state", [state for state in State if state is not State.SUCCEEDED])
@pytest.mark.parametrize("charged", [None, 0, 15, 40])
def test_every_card_tells_about_the_credits(state: State, charged: int | None) -> None:
    body = card_of(job_with(state=state, charged=charged), VENDOR, None).body
    assert "40 credits" in body or "15 credits spent" in body


@pytest.mark.parametrize(("outcome", "state"), list(itertools.product(CancelOutcome, State)))
def test_every_answer_to_cancel_tells_about_the_credits(outcome: CancelOutcome, state: State) -> None:
    text = cancel_answer(outcome, job_with(state=state, charged=0 if state.terminal else None), VENDOR)
    assert "credits" in text


def test_a_finished_job_tells_how_long_and_how_much() -> None:
    card = card_of(job_with(state=State.SUCCEEDED, charged=40), VENDOR, delivery_with(DeliveryState.POSTED, 77))
    assert card.title == "Done in 48 s · 40 credits"
    assert "https://discord.com/channels/2/3/77" in card.body


def test_a_seed_of_zero_is_shown() -> None:
    assert details(job_with()) == f"slow-1 · 4 s · 720p · seed 0 · with sound · job {job_with().code}"


def test_every_reason_says_what_to_do_next() -> None:
    for reason in Reason:
        assert any(word in failure(reason, "Acme").lower() for word in ("try", "tell an admin"))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.4, "59 s"), (60, "1 min"), (125, "2 min 5 s"), (3780, "1 h 3 min"), (-5, "0 s")],
)
def test_times_are_written_for_people(seconds: float, text: str) -> None:
    assert time_of(seconds) == text


def test_one_credit_is_one_credit() -> None:
    assert [credits_of(amount) for amount in (0, 1, 2, 1500)] == ["0 credits", "1 credit", "2 credits", "1,500 credits"]
    assert "1 credit is reserved" in card_of(job_with(price=1), VENDOR, None).body
    assert "1 credit stays reserved" in card_of(job_with(price=1, state=State.UNKNOWN), VENDOR, None).body


FIELDS = st.sampled_from(
    [
        "prompt",
        "model",
        "duration",
        "resolution",
        "aspect_ratio",
        "seed",
        "audio",
        "first_frame",
        "last_frame",
        "operation",
    ]
)
PROBLEMS = st.builds(
    Problem,
    field=FIELDS | ANY,
    rule=st.sampled_from(Rule),
    given=ANY,
    allowed=st.lists(st.sampled_from(["16:9", "1", "2", "3", "image/png"]), max_size=40).map(tuple),
    nearest=st.none() | ANY,
    limit=MAYBE,
)


@given(st.lists(PROBLEMS, min_size=1, max_size=30), st.none() | st.just("Acme"))
def test_every_refusal_fits_and_is_safe(problems: list[Problem], title: str | None) -> None:
    text = refusals.refused(problems, title)
    assert len(text) <= 4096
    assert "@everyone" not in text
    assert text.endswith(refusals.NOTHING_SPENT)
    assert len(text.splitlines()) <= 7


@pytest.mark.parametrize("rule", list(Rule))
@pytest.mark.parametrize("field", ["prompt", "duration", "first_frame", "audio", "operation"])
def test_every_rule_has_its_sentence(rule: Rule, field: str) -> None:
    text = refusals.problem_text(Problem(field, rule, "12", ("5", "10"), "10", 7), "Acme")
    assert text[0].isupper() or text.startswith("12")
    assert text.endswith(".")


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (
            Problem("duration", Rule.ONE_OF, "20", tuple(str(n) for n in range(1, 17)), "16"),
            "The duration can't be 20 s at Acme. Possible: 1 to 16 s. Closest: **16 s**.",
        ),
        (
            Problem("resolution", Rule.ONE_OF, "4k", ("720p", "1080p"), "1080p"),
            "The resolution can't be 4k at Acme. Possible: 720p, 1080p. Closest: **1080p**.",
        ),
        (
            Problem("prompt", Rule.TOO_LONG, "6000", limit=5000),
            "The prompt has 6,000 characters; at most 5,000 are taken.",
        ),
        (
            Problem("first_frame", Rule.FILE_BYTES, "12500000", limit=10_000_000),
            "The image has 12.5 MB; Acme takes at most 10.0 MB.",
        ),
        (
            Problem("last_frame", Rule.FILE_FORMAT, "image/webp", ("image/png", "image/jpeg")),
            "The last frame is a WebP file; Acme takes PNG or JPEG.",
        ),
        (
            Problem("seed", Rule.NOT_OFFERED, "7"),
            "Acme takes no choice of seed here. Leave it out.",
        ),
    ],
)
def test_refusals_say_what_would_be_right(problem: Problem, text: str) -> None:
    assert refusals.problem_text(problem, "Acme") == text


@given(ANY)
def test_a_provider_that_is_not_here_cannot_speak_through_the_refusal(given_name: str) -> None:
    text = refusals.no_such_provider(given_name, ["Acme"])
    assert "@everyone" not in text
    assert len(text.splitlines()) == 2


def test_every_flaw_and_trouble_says_that_nothing_was_spent() -> None:
    texts = [refusals.flawed("first_frame", flaw) for flaw in Flaw]
    texts += [refusals.over_budget(OverBudget(40, 3)), refusals.STORAGE_TROUBLE, refusals.MAY_NOT_POST]
    assert all("Nothing was sent and nothing was spent." in text for text in texts)


@pytest.mark.parametrize("name", ["", "\ufe0f", "\u2065\u2065", "\ufff0", "\U000e0100", "\u3164", "\u0301"])
def test_a_name_or_prompt_that_shows_nothing_is_replaced_by_a_word(name: str) -> None:
    result = result_of(job_with(user_name=name, prompt=name), VENDOR, links=[], missing=0, files=1)
    assert "> (no prompt)" in result.card.body
    assert "Asked by somebody · made by" in result.card.body
