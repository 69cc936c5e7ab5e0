"""The words every room shares: what a job is, the states it can be in, and the rows that follow it.

Times are whole milliseconds since 1970 (UTC). Amounts are whole credits.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from storage.codes import job_code


class State(StrEnum):
    """Where a job is. See jobs/transitions.py for what leads where."""

    CONFIRMING = "confirming"  # held for; goes on when the member agrees to the price
    APPROVING = "approving"  # held for; goes on when a moderator agrees
    QUEUED = "queued"  # accepted and held for; nothing sent
    SUBMITTING = "submitting"  # may be on the wire right now
    UNKNOWN = "unknown"  # sent, outcome not known: never sent again blindly
    SUBMITTED = "submitted"  # the provider has it
    PROCESSING = "processing"  # the provider works on it
    CANCELLING = "cancelling"  # the member gave up; the provider has not confirmed
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"  # silent for too long; rescued when it turns out to have succeeded

    @property
    def terminal(self) -> bool:
        """Whether the member may count on it (only EXPIRED can still change, by a late result)."""
        return self in TERMINAL


TERMINAL = frozenset({State.SUCCEEDED, State.FAILED, State.CANCELLED, State.EXPIRED})


class Place(StrEnum):
    """Where a job was asked for, which decides who reaches what there."""

    SERVER = "server"  # in a server that has the bot
    DIRECT = "direct"  # in the direct messages between the asker and the bot
    BROUGHT = "brought"  # where only the asker's own installation is: by the command's token, for 15 minutes


@dataclass(frozen=True, slots=True)
class StoredInput:
    """A member's file in the media store."""

    role: str
    mime: str
    file: str  # name below MEDIA_DIR
    size: int  # bytes
    width: int = 0  # pixels; 0: nothing to be seen
    height: int = 0
    seconds: float = 0.0  # 0: no length


@dataclass(frozen=True, slots=True)
class StoredShot:
    """A shot of a music video, as the vendor last told of it."""

    id: str  # the vendor's
    state: str  # providers/contract.py, Progress
    prompt: str = ""
    seconds: float | None = None
    origin: str = ""  # the vendor's id of its first version, which no new one changes; empty: its own

    @property
    def identity(self) -> str:
        """What stays the same over all versions of it."""
        return self.origin or self.id


@dataclass(frozen=True, slots=True)
class Job:
    """One request of a member, as stored. None is explained at the column, in tables.py."""

    id: int
    interaction_id: int
    guild_id: int | None
    channel_id: int
    user_id: int
    user_name: str
    card_message_id: int | None
    upload_limit: int
    provider: str
    operation: str
    model: str
    prompt: str
    options: dict[str, Any]  # the rest of the order (jobs/orders.py): what was sent, defaults filled in
    inputs: tuple[StoredInput, ...]
    state: State
    created_at: int
    changed_at: int
    due_at: int | None
    deadline_at: int
    submitted_at: int | None
    finished_at: int | None
    attempts: int
    lookups: int
    absences: int
    resent: int
    task_id: str | None
    price: int
    charged: int | None
    cancelled_by: int | None
    cancel_sent_at: int | None
    reason: str | None
    detail: str | None
    card_due_at: int | None
    card_version: int
    asked: dict[str, Any] = field(default_factory=dict[str, Any])  # the order as typed, before any defaults
    tried: tuple[str, ...] = ()  # vendors that turned it away unsent, where the server lets others be tried
    root_id: int | None = None
    shots: tuple[StoredShot, ...] = ()
    quoted: int | None = None
    language: str | None = None  # of its card and result; None: English
    place: Place = Place.SERVER
    parent_id: int | None = None
    parent_open: bool = False
    key_id: int | None = None  # the server's own key at the vendor that it is made with; None: the operator's account
    account: str | None = None  # names the key of the operator's that it was sent with (jobs/accounts.py)
    silenced: bool = False  # its words and files were taken away

    @property
    def room_id(self) -> int:
        """The channel whose rules and budget hold: a thread's is the one it is in."""
        return self.parent_id or self.channel_id

    @property
    def code(self) -> str:
        """The id as people see it."""
        return job_code(self.id)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is known of how long a job may take. Times are milliseconds from when the provider took it."""

    alike: int  # jobs like it that were made lately
    usual: int | None  # half of them needed no longer; None: too few to say
    slow: int | None  # nine of ten needed no longer
    ahead: int = 0  # queued jobs for the same provider that came before it


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A stored callback."""

    id: int
    provider: str
    job_id: int
    delivery_id: str
    trust: str  # data or doorbell (providers/contract.py, Trust)
    body: bytes = field(repr=False)
    received_at: int
    asked_at: int | None = None  # when the vendor was last asked about it in vain


class Entry(StrEnum):
    """A kind of ledger row. The balance is the sum of rows, so a hold is negative."""

    HOLD = "hold"  # -price
    SETTLE = "settle"  # +(price - charged): gives back what was not used
    RELEASE = "release"  # +price


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One movement of credits."""

    job_id: int
    kind: Entry
    amount: int
    reported: int | None
    at: int


@dataclass(frozen=True, slots=True)
class Output:
    """A result file: at the provider, then ours."""

    id: int
    job_id: int
    position: int
    kind: str  # video or image
    url: str = field(repr=False)
    file: str | None
    size: int | None
    seconds: float | None
    width: int | None
    height: int | None
    sha256: str | None
    due_at: int | None
    attempts: int
    refusals: int
    problem: str | None


@dataclass(frozen=True, slots=True)
class Stray:
    """A task a vendor made for a job that no hold pays for: the second one of a doubtful submission, or a late one."""

    id: int
    provider: str
    task_id: str
    job_id: int
    found_at: int
    due_at: int | None  # None: it has ended
    cancel_sent_at: int | None
    attempts: int
    credits: int | None  # None: it is not known yet what it cost


@dataclass(frozen=True, slots=True)
class Search:
    """A look for further tasks of a job that was sent more than once, to be made when its time has come."""

    job_id: int
    since: int  # when the job was sent again first
    due_at: int
    attempts: int


class DeliveryState(StrEnum):
    """How far the one result message of a job is."""

    WAITING = "waiting"  # for the outputs to be fetched
    DUE = "due"
    POSTING = "posting"  # may be in the channel already
    POSTED = "posted"
    PARKED = "parked"  # cannot be posted (channel gone, no permission); the files are kept
    DELETING = "deleting"  # somebody who may wants it away; it may be in the channel still
    DELETED = "deleted"


class Way(StrEnum):
    """Where a result goes: each way is tried when the one before it is surely closed, and never again."""

    HERE = "here"  # where it was asked for
    PARENT = "parent"  # in the channel of the thread
    DIRECT = "direct"  # to the asker, in direct messages


@dataclass(frozen=True, slots=True)
class Delivery:
    """The posting of a job's result."""

    job_id: int
    state: DeliveryState
    due_at: int | None
    attempts: int
    first_tried_at: int | None
    linked: bool  # the file did not fit: a link to our own page goes out instead
    message_id: int | None
    posted_at: int | None
    problem: str | None
    way: Way = Way.HERE
    channel_id: int | None = None


@dataclass(frozen=True, slots=True)
class GuildSettings:
    """What the admins of a server decided. Budgets stand in rows of their own."""

    guild_id: int
    default_provider: str | None = None  # None: the cheapest that can do what is asked
    default_models: dict[str, str] = field(default_factory=dict[str, str])  # by operation; empty: the vendor's own
    fallback: bool = False  # whether another vendor may be tried when one is down or too busy
    confirm_above: int | None = None  # credits; above it the member is asked first; None: never
    approve_above: int | None = None  # credits; above it a moderator is asked; None: never
    most_running: int | None = None  # jobs of one member at a time; None: no limit
    cooldown: int | None = None  # seconds between two jobs of one member; None: none
    channels: tuple[int, ...] = ()  # where members may ask; empty: everywhere
    nsfw_only: bool = False  # only in channels that Discord marks as age-restricted
    spoiler: bool = False  # results are covered until they are clicked
    forbidden: tuple[str, ...] = ()  # words that no prompt may hold
    moderator_role_id: int | None = None  # may do what Manage Messages may; None: no such role
    moderators_channel_id: int | None = None  # where approvals are asked for; None: on the job's card alone
    alerts_channel_id: int | None = None  # where admins are told what only they can mend; None: in the log alone
    log_channel_id: int | None = None  # where moderators' and admins' acts are told; None: in the database alone
    language: str | None = None  # of what the channel sees; None: of whoever asks


class Scope(StrEnum):
    """Whose spending a budget limits."""

    GUILD = "guild"  # the server's; subject 0
    CHANNEL = "channel"  # what is asked in one channel
    MEMBER = "member"  # one member's; subject 0: each member's who has none of their own and by no role
    ROLE = "role"  # each member's with this role; of several roles the largest counts


class Period(StrEnum):
    """How long a budget lasts before it begins anew (UTC)."""

    DAY = "day"
    MONTH = "month"


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit on credits."""

    scope: Scope
    subject_id: int  # of a channel, member or role; 0 as said at Scope
    period: Period
    credits: int


class LimitKind(StrEnum):
    """Why a job may not be taken now."""

    BLOCKED = "blocked"  # the member
    RUNNING = "running"  # too many of the member's jobs at once
    COOLDOWN = "cooldown"  # too soon after the member's last one
    BUDGET = "budget"


@dataclass(frozen=True, slots=True)
class Limit:
    """What stands in the way of a job."""

    kind: LimitKind
    scope: Scope | None = None  # of a budget
    period: Period | None = None  # likewise
    most: int = 0  # credits, jobs or seconds, by kind
    used: int = 0  # credits or jobs, held ones included
    until: int | None = None  # when it passes by itself; None: not by itself, or nobody can say


@dataclass(frozen=True, slots=True)
class Block:
    """A member who may ask for nothing."""

    user_id: int
    until: int | None  # None: until somebody lifts it
    by: int
    reason: str
    at: int


COMMAND_LINE = 0  # who acted there: whoever runs the program, under no number of Discord's


@dataclass(frozen=True, slots=True)
class Act:
    """Something a moderator or an admin did: written once, never changed."""

    id: int
    guild_id: int
    actor_id: int
    kind: str
    subject: str  # a job's code, a member's number, a setting's name
    detail: dict[str, Any]
    at: int
    due_at: int | None = None  # when to tell it in the log channel; None: told, or nobody to tell
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Preset:
    """Choices and words of a style that a server gave a name."""

    name: str
    words: str  # put after the member's prompt
    options: dict[str, Any]  # as they would be typed
    by: int
    at: int


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A server's own key at a vendor, in one version of it."""

    id: int
    guild_id: int
    provider: str
    sealed: bytes | None = field(repr=False)  # None: erased
    hint: str  # its last characters
    set_by: int
    set_at: int
    retired_at: int | None = None  # None: in use
    refused_at: int | None = None  # None: the vendor has never refused it


class AlertKind(StrEnum):
    """What admins are told of."""

    CREDIT = "credit"  # our account at the vendor is empty
    ACCESS = "access"  # the vendor does not let us in
    KEY = "key"  # the server's own key at a vendor cannot be read any more
    APPROVAL = "approval"  # a job costs more than its member may decide alone
    DOUBT = "doubt"  # nobody can find out whether a vendor took a job: a person must decide about its hold
    PARKED = "parked"  # a result could not be posted, neither in its channel nor to its asker
    LOST = "lost"  # none of a job's files could be fetched from the vendor, which keeps them for a short while
    HOST = "host"  # a result lies at a host that the operator has not allowed
    STRAY = "stray"  # a vendor made a task for a job that no hold pays for
    TWICE = "twice"  # a vendor that turned a job away seems to have made it after all, beside another one


@dataclass(frozen=True, slots=True)
class Alert:
    """Something the admins of a server must know."""

    id: int
    guild_id: int
    kind: AlertKind
    provider: str
    job_id: int
    created_at: int
    due_at: int | None
    attempts: int
    channel_id: int | None = None  # of the question that is to be edited when it is answered
    message_id: int | None = None
