"""The table of a job's life: what each event does in each state. Pure, whole, the only place where it is decided."""

from dataclasses import dataclass
from enum import StrEnum

from storage.words import State


class Event(StrEnum):
    """What can happen to a job."""

    AGREED = "agreed"  # the member takes the price, and may decide that alone
    ESCALATED = "escalated"  # the member takes the price, and a moderator must too
    APPROVED = "approved"  # a moderator takes the price
    SUBMIT = "submit"  # we begin to send it
    ACCEPTED = "accepted"  # the provider named its task: in its answer, by callback, or when looked up
    NOT_TAKEN = "not_taken"  # surely not sent, or refused for now: later again
    REJECTED = "rejected"  # the provider refused it for good
    UNCLEAR = "unclear"  # sent, and no telling what came of it
    ABSENT = "absent"  # a doubtful submission surely never arrived
    WAITING = "waiting"  # the provider's word on its task, from here
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"  # the provider confirms a cancel
    CANCEL = "cancel"  # the member or a moderator gave up
    SILENT = "silent"  # the deadline is over
    UNTRACED = "untraced"  # the deadline is over, and nobody knows whether the provider has it
    CLOSED = "closed"  # nobody waits for a late result any more, or a person gives the hold back
    CHARGED = "charged"  # a person says that a doubtful job was paid for


class Money(StrEnum):
    """What happens to the hold."""

    KEEP = "keep"
    SETTLE = "settle"
    RELEASE = "release"
    SETTLE_IF_CHARGED = "settle_if_charged"  # the provider's own figure decides: above zero settle, else release


@dataclass(frozen=True, slots=True)
class Move:
    """What an event does."""

    to: State
    money: Money = Money.KEEP
    deliver: bool = False  # post the result
    keep_files: bool = False  # fetch the result though it is not posted: it was paid for


_QUEUED = Move(State.QUEUED)
_SUBMITTING = Move(State.SUBMITTING)
_UNKNOWN = Move(State.UNKNOWN)
_SUBMITTED = Move(State.SUBMITTED)
_PROCESSING = Move(State.PROCESSING)
_CANCELLING = Move(State.CANCELLING)
_SUCCEEDED = Move(State.SUCCEEDED, Money.SETTLE, deliver=True)
_FAILED = Move(State.FAILED, Money.SETTLE_IF_CHARGED)
_REFUSED = Move(State.FAILED, Money.RELEASE)
_CANCELLED = Move(State.CANCELLED, Money.SETTLE_IF_CHARGED)
_CALLED_OFF = Move(State.CANCELLED, Money.RELEASE)
_TOO_LATE = Move(State.CANCELLED, Money.SETTLE, keep_files=True)
_EXPIRED = Move(State.EXPIRED)  # the hold stays: a late success is still delivered and paid from it
_NEVER_SENT = Move(State.EXPIRED, Money.RELEASE)
_APPROVING = Move(State.APPROVING)

_AT_THE_PROVIDER = {
    Event.WAITING: _SUBMITTED,
    Event.RUNNING: _PROCESSING,
    Event.SUCCEEDED: _SUCCEEDED,
    Event.FAILED: _FAILED,
    Event.STOPPED: _CANCELLED,
    Event.CANCEL: _CANCELLING,
    Event.SILENT: _EXPIRED,
}

_TABLE: dict[State, dict[Event, Move]] = {
    State.CONFIRMING: {
        Event.AGREED: _QUEUED,
        Event.ESCALATED: _APPROVING,
        Event.CANCEL: _CALLED_OFF,
        Event.SILENT: _CALLED_OFF,
    },
    State.APPROVING: {
        Event.APPROVED: _QUEUED,
        Event.CANCEL: _CALLED_OFF,
        Event.SILENT: _CALLED_OFF,
    },
    State.QUEUED: {
        Event.SUBMIT: _SUBMITTING,
        Event.ACCEPTED: _SUBMITTED,  # an earlier attempt, thought never to have arrived, turns up
        Event.CANCEL: _CALLED_OFF,
        Event.SILENT: _NEVER_SENT,
    },
    State.SUBMITTING: {
        Event.ACCEPTED: _SUBMITTED,
        Event.NOT_TAKEN: _QUEUED,
        Event.REJECTED: _REFUSED,
        Event.UNCLEAR: _UNKNOWN,
        Event.CANCEL: _CANCELLING,
    },
    State.UNKNOWN: {
        **_AT_THE_PROVIDER,
        Event.ACCEPTED: _SUBMITTED,
        Event.ABSENT: _QUEUED,
        Event.UNTRACED: _EXPIRED,
    },
    State.SUBMITTED: _AT_THE_PROVIDER,
    State.PROCESSING: {
        **_AT_THE_PROVIDER,
        Event.WAITING: _PROCESSING,  # a late word about an earlier time
    },
    State.CANCELLING: {
        Event.ACCEPTED: _CANCELLING,
        Event.NOT_TAKEN: _CALLED_OFF,
        Event.REJECTED: _CALLED_OFF,
        Event.UNCLEAR: _CANCELLING,
        Event.ABSENT: _CALLED_OFF,
        Event.WAITING: _CANCELLING,
        Event.RUNNING: _CANCELLING,
        Event.SUCCEEDED: _TOO_LATE,
        Event.FAILED: _CANCELLED,
        Event.STOPPED: _CANCELLED,
        Event.SILENT: _CALLED_OFF,
        Event.UNTRACED: _EXPIRED,
    },
    State.SUCCEEDED: {},
    State.FAILED: {},
    State.CANCELLED: {},
    State.EXPIRED: {
        Event.ACCEPTED: _EXPIRED,
        Event.SUCCEEDED: _SUCCEEDED,
        Event.FAILED: Move(State.EXPIRED, Money.SETTLE_IF_CHARGED),
        Event.STOPPED: Move(State.EXPIRED, Money.SETTLE_IF_CHARGED),
        Event.CLOSED: Move(State.EXPIRED, Money.RELEASE),
        Event.CHARGED: Move(State.EXPIRED, Money.SETTLE),
    },
}

# A result that comes after its member gave up is paid and kept, whenever it comes.
_GIVEN_UP = {**_TABLE, State.EXPIRED: {**_TABLE[State.EXPIRED], Event.SUCCEEDED: _TOO_LATE}}


def decide(state: State, event: Event, *, given_up: bool = False) -> Move | None:
    """Say what an event does in a state; None: nothing, the event comes too late or says nothing new.

    `given_up`: somebody has cancelled the job before.
    """
    return (_GIVEN_UP if given_up else _TABLE)[state].get(event)
