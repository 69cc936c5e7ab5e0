from itertools import product

import pytest

from jobs.transitions import Event, Money, decide
from storage.words import TERMINAL, State

PAIRS = list(product(State, Event))


@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_a_job_that_is_over_never_changes_except_an_expired_one_that_succeeded(state: State, event: Event) -> None:
    move = decide(state, event)
    if state in TERMINAL and move is not None:
        assert state is State.EXPIRED
        assert move.to is State.EXPIRED or event is Event.SUCCEEDED


@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_the_hold_is_closed_exactly_when_a_job_ends_and_kept_for_an_expired_one(state: State, event: Event) -> None:
    move = decide(state, event)
    if move is None:
        return
    if move.to in TERMINAL - {State.EXPIRED}:
        assert move.money is not Money.KEEP
    if move.to not in TERMINAL:
        assert move.money is Money.KEEP


@pytest.mark.parametrize("state", list(State))
def test_only_a_queued_job_is_ever_sent(state: State) -> None:
    move = decide(state, Event.SUBMIT)
    assert (move is not None and move.to is State.SUBMITTING) == (state is State.QUEUED)


@pytest.mark.parametrize("state", list(State))
def test_a_job_is_sent_when_all_agreed_and_again_only_when_it_surely_never_arrived(state: State) -> None:
    back = {event for event in Event if (move := decide(state, event)) and move.to is State.QUEUED}
    expected: dict[State, set[Event]] = {
        State.CONFIRMING: {Event.AGREED},
        State.APPROVING: {Event.APPROVED},
        State.SUBMITTING: {Event.NOT_TAKEN},
        State.UNKNOWN: {Event.ABSENT},
    }
    assert back == expected.get(state, set())


@pytest.mark.parametrize("state", list(State))
def test_a_result_is_posted_once_and_only_when_nobody_cancelled(state: State) -> None:
    posting = {event for event in Event if (move := decide(state, event)) and move.deliver}
    awaited = {State.UNKNOWN, State.SUBMITTED, State.PROCESSING, State.EXPIRED}
    assert posting == ({Event.SUCCEEDED} if state in awaited else set())


@pytest.mark.parametrize("state", [State.CANCELLING, State.EXPIRED])
def test_a_success_after_a_cancel_is_paid_for_and_kept_not_posted(state: State) -> None:
    move = decide(state, Event.SUCCEEDED, given_up=True)
    assert move is not None
    assert (move.to, move.money, move.deliver, move.keep_files) == (State.CANCELLED, Money.SETTLE, False, True)


@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_that_somebody_gave_up_changes_nothing_else(state: State, event: Event) -> None:
    if (state, event) != (State.EXPIRED, Event.SUCCEEDED):
        assert decide(state, event, given_up=True) == decide(state, event)


@pytest.mark.parametrize("event", [Event.WAITING, Event.RUNNING])
@pytest.mark.parametrize("state", list(State))
def test_a_word_of_progress_never_moves_a_job_back_or_ends_it(state: State, event: Event) -> None:
    order = [State.QUEUED, State.SUBMITTING, State.UNKNOWN, State.SUBMITTED, State.PROCESSING]
    move = decide(state, event)
    if move is None:
        return
    assert move.to not in TERMINAL
    if state in order:
        assert order.index(move.to) >= order.index(state)


@pytest.mark.parametrize("state", [state for state in State if state not in TERMINAL])
def test_every_state_that_is_not_over_has_a_way_to_an_end(state: State) -> None:
    seen = {state}
    while True:
        reached = {move.to for here in seen for event in Event if (move := decide(here, event))}
        if reached <= seen:
            break
        seen |= reached
    assert seen & TERMINAL


# The whole table, one letter a pair: what is written here is read against the design, not derived from the code.
# Columns: AGREED ESCALATED APPROVED SUBMIT ACCEPTED NOT_TAKEN REJECTED UNCLEAR ABSENT WAITING RUNNING
#          SUCCEEDED FAILED STOPPED CANCEL SILENT UNTRACED CLOSED CHARGED
# a confirming, A approving, q queued, s submitting, u unknown, S submitted, p processing, c cancelling,
# D succeeded, F failed, C cancelled, E expired
LETTERS = dict(zip("aAqsuSpcDFCE", State, strict=True))
DRAWN = {
    State.CONFIRMING: "qA............CC...",
    State.APPROVING: "..q...........CC...",
    State.QUEUED: "...sS.........CE...",
    State.SUBMITTING: "....SqFu......c....",
    State.UNKNOWN: "....S...qSpDFCcEE..",
    State.SUBMITTED: ".........SpDFCcE...",
    State.PROCESSING: ".........ppDFCcE...",
    State.CANCELLING: "....cCCcCccCCC.CE..",
    State.SUCCEEDED: "...................",
    State.FAILED: "...................",
    State.CANCELLED: "...................",
    State.EXPIRED: "....E......DEE...EE",
}


@pytest.mark.parametrize(("state", "event"), PAIRS)
def test_the_table_is_the_one_that_was_drawn(state: State, event: Event) -> None:
    letter = DRAWN[state][list(Event).index(event)]
    move = decide(state, event)
    assert (move.to if move else None) == LETTERS.get(letter)
