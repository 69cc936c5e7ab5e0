"""The contract every vendor adapter keeps, and the words both sides of it use.

An adapter turns our words (Order, Submission, Task) into one vendor's HTTP and back (Accepted, Status), and says who
may be believed (Verified). Its tables, checks, prices and parsers are pure; only submit, query, find and cancel touch a
socket.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from .orders import Extra, Model, Operation, Order, Problem


@dataclass(frozen=True, slots=True)
class Submission:
    """One order on its way to a vendor."""

    order: Order
    reference: str  # our job's public id: sent as payload or external id, so that a doubtful task can be recognised
    callback_url: str = field(repr=False)
    callback_secret: str = field(default="", repr=False)  # this job's own, for vendors that echo one


@dataclass(frozen=True, slots=True)
class Accepted:
    """The vendor's yes."""

    task_id: str
    credits: int | None = None  # what the vendor says it will cost; None: it did not say


@dataclass(frozen=True, slots=True)
class Task:
    """A submission the vendor knows, as needed to ask about it."""

    task_id: str
    operation: Operation
    reference: str


class Progress(StrEnum):
    """How far a task is. A word we do not know means RUNNING, never an end."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        """Whether nothing more can come."""
        return self in (Progress.SUCCEEDED, Progress.FAILED, Progress.CANCELLED)


class Reason(StrEnum):
    """Why a vendor said no, in the few kinds a person can do something about."""

    BAD_ORDER = "bad_order"  # the request itself: change it
    CONTENT = "content"  # the vendor's content rules: change prompt or picture
    PICTURE = "picture"  # the vendor could not use the picture
    CREDIT = "credit"  # our account there is empty: the admin must act
    ACCESS = "access"  # key, permission or address refused: the admin must act
    BUSY = "busy"  # too much at once: later
    VENDOR = "vendor"  # the vendor's own fault
    NOT_FOUND = "not_found"  # no such task


@dataclass(frozen=True, slots=True)
class OutputLink:
    """A result file at the vendor. The address expires."""

    url: str = field(repr=False)
    kind: str = "video"  # video or image


@dataclass(frozen=True, slots=True)
class Shot:
    """One shot of a music video, in its newest version."""

    id: str
    index: int
    progress: Progress
    prompt: str = ""
    seconds: float | None = None
    url: str = field(default="", repr=False)  # empty: not made yet
    origin: str = ""  # the id of its first version, which no new one changes; empty: its own


@dataclass(frozen=True, slots=True)
class Status:
    """What a vendor says of a task."""

    task_id: str
    progress: Progress
    word: str  # the vendor's own word for it
    outputs: tuple[OutputLink, ...] = ()
    credits: int | None = None  # in credits of ours (see the vendor's file); None: not said
    reason: Reason | None = None  # only when FAILED
    detail: str = ""  # the vendor's code and text, for the log; never shown unescaped
    echo: str | None = None  # our reference as the vendor repeats it; None: it does not
    prompt: str | None = None  # the prompt as the vendor repeats it; None: it does not
    model: str | None = None  # likewise
    created_at: float | None = None  # epoch seconds, as the vendor says; None: it does not
    shots: tuple[Shot, ...] = ()  # of the music video the task is, or belongs to, in order


@dataclass(frozen=True, slots=True)
class Balance:
    """What is left of our account at a vendor."""

    credits: int | None  # in credits of ours; None: what the vendor's are worth is not known
    detail: str  # in the vendor's own words and units, for the operator


class ErrorKind(StrEnum):
    """What is known about a call that did not end well. Decides whether it may be made again."""

    NOT_SENT = "not_sent"  # no byte reached the vendor: may be sent again
    REJECTED = "rejected"  # the vendor understood and refused: nothing was made
    THROTTLED = "throttled"  # refused for now: nothing was made, later
    UNKNOWN = "unknown"  # it may have been done


class ProviderError(Exception):
    """A vendor call failed. Carries no header, no key and no address."""

    def __init__(
        self,
        kind: ErrorKind,
        reason: Reason,
        detail: str,
        retry_after: float | None = None,
        http: int | None = None,
    ) -> None:
        super().__init__(f"{kind}/{reason}: {detail}")
        self.kind = kind
        self.reason = reason
        self.detail = detail  # for the operator's log; stranger's text, at most 300 characters
        self.retry_after = retry_after  # seconds
        self.http = http  # the status of the answer; None: there was none


Headers = Sequence[tuple[bytes, bytes]]  # as they came over the wire, repeats kept


@dataclass(frozen=True, slots=True)
class Callback:
    """One POST to a callback address, before anybody believes it."""

    path: str  # of the address we gave the vendor, never of the request as received
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    # Makes this job's own secrets, one for each key of ours, the newest first: few vendors repeat one.
    secrets: Callable[[], Sequence[str]] = field(default=tuple, repr=False)


class Trust(StrEnum):
    """What an authentic callback is worth."""

    DATA = "data"  # its body is signed: act on it
    DOORBELL = "doorbell"  # its body is not: ask the vendor


@dataclass(frozen=True, slots=True)
class Verified:
    """An authentic callback."""

    trust: Trust
    delivery_id: str  # the same for a repeat of the same delivery: the vendor's nonce or id, else a digest


class NotAuthentic(Exception):  # noqa: N818 -- an answer to a question, said the way the question is asked
    """A callback that must not be believed. The reason is for the log, never for the sender."""

    def __init__(self, reason: str, *, stale: bool = False) -> None:
        super().__init__(reason)
        self.stale = (
            stale  # authentic but for its date: refuse it, yet ask the vendor, so that a wrong clock loses nothing
        )


class NotUnderstood(Exception):  # noqa: N818 -- likewise
    """A body that is not what the vendor's document describes."""


@dataclass(frozen=True, slots=True)
class Account:
    """What we need to be somebody's customer. Several keys: newest first, the older ones only verify."""

    api_keys: tuple[str, ...] = field(default=(), repr=False)
    access_key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    webhook_secrets: tuple[str, ...] = field(default=(), repr=False)
    base_urls: tuple[str, ...] = ()  # empty: the vendor's own; else primary, then alternates
    callback_signature: str = ""  # "vidu": demand the Vidu signature where a reseller documents none
    query_paths: tuple[str, ...] = ()  # with {id}; for vendors whose documents leave it open; empty: the usual guess
    cancel_path: str = ""  # with {id}; likewise; empty: it cannot cancel


class Provider(Protocol):
    """One vendor."""

    name: str  # in addresses, settings and the database: futurelabs
    title: str  # in what people read: Futurelabs
    can_find: bool  # a task can be looked up by our reference

    def operations(self) -> tuple[Operation, ...]:
        """Name what this vendor can do."""
        ...

    def can_cancel(self, operation: Operation) -> bool:
        """Say whether a task of this operation can be stopped."""
        ...

    def extras(self, operation: Operation) -> tuple[Extra, ...]:
        """List the choices of an operation beyond the common ones."""
        ...

    def models(self, operation: Operation) -> tuple[Model, ...]:
        """List the models of an operation, the default one first."""
        ...

    def fill(self, order: Order) -> Order:
        """Put the vendor's defaults where the member said nothing."""
        ...

    def problems(self, order: Order) -> list[Problem]:
        """Check a filled order against the vendor's own table; empty when it may be sent.

        A model the table does not know passes: vendors add models faster than bots are updated. One that it knows, but
        for other operations alone, does not.
        """
        ...

    def price(self, order: Order) -> int | None:
        """Estimate a filled order in credits; None when the vendor publishes no price for it."""
        ...

    async def submit(self, submission: Submission) -> Accepted:
        """Create the vendor's task. Raise ProviderError."""
        ...

    async def query(self, task: Task) -> Status:
        """Ask how a task is. Raise ProviderError (reason NOT_FOUND: the vendor does not know it)."""
        ...

    async def find(self, task: Task, since: float, known: Collection[str] = ()) -> Status | None:
        """Look for a task by our reference among those made after `since` (epoch seconds); None: surely absent.

        `task.task_id` is empty and not used; tasks whose ids are `known` are passed over. Raise ProviderError when the
        vendor's answer leaves it open. Only where can_find.
        """
        ...

    async def cancel(self, task: Task) -> None:
        """Ask the vendor to stop. Raise ProviderError (REJECTED: too late). Only where can_cancel()."""
        ...

    async def balance(self) -> Balance | None:
        """Ask what is left of our account; None without a call where no document tells how. Raise ProviderError."""
        ...

    def verify(self, callback: Callback, now: float) -> Verified:
        """Decide whether a callback is authentic. Raise NotAuthentic, and nothing else whatever comes in."""
        ...

    def read_callback(self, body: bytes) -> Status:
        """Read a callback's body. Raise NotUnderstood, and nothing else whatever comes in."""
        ...
