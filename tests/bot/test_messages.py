"""Every text a person reads fits Discord's limits, tells about the credits, and lets no stranger's words through."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.amounts import credits_of, time_of
from bot.answers import cancel_answer
from bot.looks import embed_of
from bot.messages import Card, Vendor, card_of, details, failure
from bot.results import result_of
from bot.shots import chosen, label
from jobs.cancel import CancelOutcome
from providers.contract import Progress, Reason
from providers.orders import Operation
from storage.words import Delivery, DeliveryState, Job, Outlook, State, StoredShot
from tests.bot.test_plain import ANY
from tests.samples_of import NOON

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


EXTRA = ANY | st.booleans() | st.integers() | st.floats()
MANY_EXTRAS = {f"{number} @everyone {'x' * 99}": "y" * 99 for number in range(12)}
# The most that a list of shots can ask of a card: every word for a state, and prompts that grow when made harmless.
HARD = ["a boat", "", "@" * 300, "[*_" * 100, "://" * 90]
STATES = [*(word.value for word in Progress), "nonsense"]
SHOT_LISTS = [
    tuple(StoredShot("s", STATES[number % len(STATES)], prompt, 599.25) for number in range(count))
    for count in (0, 1, 20, 21, 130)
    for prompt in HARD
]
JOBS = st.builds(
    job_with,
    state=st.sampled_from(State),
    prompt=ANY | st.text(min_size=30, max_size=50).map(lambda words: words * 100),
    model=ANY,
    user_name=ANY,
    price=NUMBER,
    charged=MAYBE,
    submitted_at=st.none() | st.integers(0, 2**42),
    due_at=st.none() | st.integers(0, 2**42),
    attempts=st.integers(0, 99),
    reason=st.sampled_from([None, "nonsense", *Reason]),
    options=st.fixed_dictionaries(
        {
            "duration": MAYBE,
            "resolution": st.none() | ANY,
            "seed": MAYBE,
            "audio": st.none(),
            "extras": st.sampled_from([{}, {"off_peak": True}]),
        }
    ),
    operation=st.sampled_from([operation.value for operation in Operation]),
    root_id=st.none() | st.just(2**61),
    task_id=st.none() | ANY,
    asked=st.fixed_dictionaries({"extras": st.dictionaries(ANY, EXTRA, max_size=3) | st.just(MANY_EXTRAS)}),
    shots=st.sampled_from(SHOT_LISTS),
)
VENDORS = st.builds(
    Vendor, st.just("Acme"), st.booleans(), st.booleans(), st.sampled_from([(), ("Bolt",), ("Bolt", "Core", "Dyna")])
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


@given(JOBS, st.sampled_from(DeliveryState), MAYBE, VENDORS, st.booleans())
def test_every_card_fits_and_is_safe(
    job: Job, state: DeliveryState, message_id: int | None, vendor: Vendor, empty: bool
) -> None:
    card = card_of(job, vendor, delivery_with(state, message_id), empty=empty)
    holds(card)
    lines = card.body.split("\n")
    assert lines[0].startswith("> ")
    # Nothing typed begins a line of its own: what is said, at most three notes, and the listed shots.
    assert len(lines) <= 2 + 1 + 3 + (min(len(job.shots), 20) + 3 if job.shots else 0) + 1


@given(JOBS)
def test_every_shot_can_be_offered_in_a_menu(job: Job) -> None:
    for number, shot in enumerate(job.shots, 1):
        assert 0 < len(label(number, shot)) <= 100
        assert "\n" not in label(number, shot)


@given(
    JOBS,
    VENDORS,
    st.lists(st.just("https://rushes.example/media/outputs/x.mp4"), max_size=10),
    st.integers(0, 10),
    st.integers(0, 10),
)
def test_every_result_fits_and_is_safe(job: Job, vendor: Vendor, links: list[str], missing: int, files: int) -> None:
    result = result_of(job, vendor, links=links, missing=missing, files=files)
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


def test_further_choices_are_told_as_they_were_typed() -> None:
    extras = {"style": "anime", "off_peak": True, "bgm": False, "cfg_scale": 0.5, "negative_prompt": "x" * 900}
    text = details(job_with(asked={"extras": extras}, options={"extras": {"movement_amplitude": "auto"}}))
    shown = ["slow-1", "style anime", "off peak", "no bgm", "cfg scale 0.5", "negative prompt " + "x" * 23 + "…"]
    assert text == " · ".join([*shown, f"job {job_with().code}"])
    many = details(job_with(asked={"extras": dict.fromkeys(map(str, range(40)), 1)}))
    assert "32 more · job " in many


@pytest.mark.parametrize(
    ("operation", "thing", "look"),
    [
        ("text_to_video", "video", "Watch the video"),
        ("avatar", "video", "Watch the video"),
        ("reference_to_image", "picture", "See the picture"),
        ("music_video", "music video", "Watch the video"),
        ("edit_shot", "shot", "Watch the video"),
        ("compose_shots", "music video", "Watch the video"),
    ],
)
def test_what_is_made_has_its_name_above_the_result_and_on_its_link(operation: str, thing: str, look: str) -> None:
    job = job_with(operation=operation, charged=40)
    assert f"Your {thing} is ready · 40 credits" in result_of(job, VENDOR, links=[], missing=0, files=1).headline
    assert f"Your {thing}s are ready" in result_of(job, VENDOR, links=[], missing=1, files=2).headline
    done = job_with(operation=operation, state=State.SUCCEEDED)
    posted = card_of(done, VENDOR, delivery_with(DeliveryState.POSTED, 7)).body
    assert f"[{look}](https://discord.com" in posted


def test_the_card_says_where_the_result_is() -> None:
    def body(state: State, delivery: Delivery | None = None, **changes: Any) -> str:
        return card_of(job_with(state=state, **changes), Vendor("Acme", can_cancel=False), delivery).body

    none = result_of(job_with(charged=40), VENDOR, links=[], missing=1, files=0)
    assert "has made it, but the file could not be fetched" in none.headline
    assert "the result is being fetched" in body(State.SUCCEEDED)
    assert "The message with the result was deleted" in body(State.SUCCEEDED, delivery_with(DeliveryState.POSTED))
    assert "It is ready, but I could not" in body(State.SUCCEEDED, delivery_with(DeliveryState.PARKED))
    assert "If the result still comes" in body(State.EXPIRED)
    assert "nothing came from Acme" in body(State.CANCELLED, attempts=1, charged=0)
    assert "The result is kept, but not posted" in body(State.CANCELLED, attempts=1, charged=40)
    assert "no way to stop it any more and may still charge" in body(State.CANCELLING, task_id="1")
    over = job_with(state=State.SUCCEEDED, charged=40)
    assert "It cost 40 credits" in cancel_answer(CancelOutcome.OVER, over, VENDOR)


def test_what_was_refused_by_the_rules_on_content_leaks_nothing() -> None:
    words = {"detail": "audit failed for user 4711: nudity", "task_id": "task-4711", "reason": "content"}
    for operation in Operation:
        card = card_of(job_with(state=State.FAILED, charged=0, operation=operation.value, **words), VENDOR, None)
        assert "Acme's content rules forbid it" in card.body
        assert "4711" not in card.body + card.title + card.footer
        assert "nudity" not in card.body


def test_another_vendor_is_told_of() -> None:
    def body(*tried: str, **changes: Any) -> str:
        return card_of(job_with(**changes), Vendor("Kling", can_cancel=True, tried=tried), None).body

    assert "too busy" not in body()
    assert "Vidu was too busy or away, so I turned to Kling." in body("Vidu")
    assert "Vidu and Acme were too busy or away, so I turned to Kling." in body("Vidu", "Acme")
    moved = Vendor("Kling", can_cancel=True, tried=("Vidu",))
    result = result_of(job_with(task_id="t", charged=1), moved, links=[], missing=0, files=1)
    assert "Vidu was too busy or away, so I turned to Kling." in result.card.body


def test_a_model_no_table_knows_is_told_of() -> None:
    vendor = Vendor("Acme", can_cancel=True, listed=False)
    words = "⚠️ new\\_1 is not in my list for Acme; it goes there unchecked."
    assert words in card_of(job_with(model="new_1"), vendor, None).body


def test_an_off_peak_job_says_how_long_it_may_take_until_it_is_over() -> None:
    options = {"extras": {"off_peak": True}}
    for state in State:
        body = card_of(job_with(state=state, options=options, charged=0 if state.terminal else None), VENDOR, None).body
        assert ("within 48 hours" in body) == (not state.terminal)


def test_a_job_nobody_can_find_out_about_waits_for_an_admin() -> None:
    lost = {"state": State.EXPIRED, "due_at": None, "task_id": None}
    body = card_of(job_with(**lost), VENDOR, None).body
    assert "Nobody can say whether Acme received it. 40 credits stay reserved until an admin decides." in body
    charged = card_of(job_with(**lost, charged=40), VENDOR, None).body
    assert "an admin counted it as made. 40 credits spent." in charged
    released = card_of(job_with(**lost, charged=0), VENDOR, None).body
    assert "Nothing was spent: 40 credits returned." in released


@pytest.mark.parametrize(("text", "numbers"), [("1 2", [1, 2]), (" 2,1 ", [2, 1]), ("1;\n2", [1, 2]), ("2", [2])])
def test_shots_are_named_by_their_numbers(text: str, numbers: list[int]) -> None:
    assert chosen(text, job_with(shots=(StoredShot("a", "succeeded"), StoredShot("b", "succeeded")))) == numbers


@given(ANY | st.text(max_size=500))
def test_whatever_is_typed_for_shots_is_numbers_or_a_sentence(text: str) -> None:
    found = chosen(text, job_with(shots=(StoredShot("a", "succeeded"), StoredShot("b", "succeeded"))))
    assert found in ([1], [2], [1, 2], [2, 1]) or (isinstance(found, str) and found.endswith((".", "1 2 4")))


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


@pytest.mark.parametrize("name", ["", "\ufe0f", "\u2065\u2065", "\ufff0", "\U000e0100", "\u3164", "\u0301"])
def test_a_name_or_prompt_that_shows_nothing_is_replaced_by_a_word(name: str) -> None:
    result = result_of(job_with(user_name=name, prompt=name), VENDOR, links=[], missing=0, files=1)
    assert "> (no prompt)" in result.card.body
    assert "Asked by somebody · made by" in result.card.body


OUTLOOK = Outlook(42, 60_000, 180_000)


@pytest.mark.parametrize("state", [State.SUBMITTED, State.PROCESSING])
def test_a_card_says_by_when_jobs_like_it_were_ready(state: State) -> None:
    body = card_of(job_with(state=state, submitted_at=NOON), VENDOR, None, outlook=OUTLOOK).body
    assert f"Usually ready by <t:{NOON // 1000 + 60}:T>, nine times of ten by <t:{NOON // 1000 + 180}:T>" in body
    assert "(the last 42 like it)" in body


@pytest.mark.parametrize("state", [state for state in State if state not in {State.SUBMITTED, State.PROCESSING}])
def test_no_other_state_promises_a_time(state: State) -> None:
    assert "Usually ready" not in card_of(job_with(state=state), VENDOR, None, outlook=OUTLOOK).body


def test_where_too_little_is_known_nothing_is_said_about_time() -> None:
    body = card_of(job_with(state=State.PROCESSING), VENDOR, None, outlook=Outlook(3, None, None)).body
    assert "Usually" not in body


@pytest.mark.parametrize(("ahead", "words"), [(1, "1 before it waits"), (12, "12 before it wait for")])
def test_a_queued_job_says_how_many_wait_before_it(ahead: int, words: str) -> None:
    assert words in card_of(job_with(), VENDOR, None, outlook=Outlook(0, None, None, ahead)).body
    assert "before it" not in card_of(job_with(), VENDOR, None, outlook=Outlook(0, None, None)).body
