"""The tables. Each column that may be null says what null means; each work list has its partial index.

Written for SQLite and PostgreSQL alike; postgresql.py tells PostgreSQL what is said to SQLite of an index. The
migrations create these tables step by step; a test holds the two against each other.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    },
)

# SQLite numbers rows by itself only when the key's type is exactly INTEGER.
_Counter = BigInteger().with_variant(Integer, "sqlite")

# The conditions of the work lists. A query must repeat them to the letter, or the planner passes the index over.
DUE_TO_SUBMIT = text("state = 'queued'")
OVERDUE = text("due_at IS NOT NULL AND state NOT IN ('queued', 'succeeded', 'failed', 'cancelled')")
RUNNING = text("state NOT IN ('succeeded', 'failed', 'cancelled', 'expired')")
CARD_DUE = text("card_due_at IS NOT NULL")
MADE = text("state = 'succeeded'")
IN_DOUBT = text("state = 'submitting'")
UNSETTLED = text("settled_at IS NULL")
DUE_TO_FETCH = text("due_at IS NOT NULL")
DUE_TO_DELIVER = text("due_at IS NOT NULL")
MUSIC_VIDEO = text("operation = 'music_video'")
DUE_TO_FOLLOW = text("due_at IS NOT NULL")
DUE_TO_TELL = text("due_at IS NOT NULL")
ASKING = text("message_id IS NOT NULL")
OF_A_KEY = text("key_id IS NOT NULL")
KEY_IN_USE = text("retired_at IS NULL")
CLOSING = text("kind IN ('settle', 'release')")
WORDED = text("NOT silenced")


def _partial(name: str, *columns: Column[object], where: object, unique: bool = False) -> Index:
    return Index(name, *columns, unique=unique, sqlite_where=where)


vendor_keys = Table(
    "vendor_keys",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),  # made as a job's is; the sealed text names it
    Column("guild_id", BigInteger, nullable=False),
    Column("provider", String(32), nullable=False),
    Column("sealed", LargeBinary),  # encrypted, see jobs/vault.py; null: erased, no job needs it any more
    Column("hint", String(4), nullable=False),  # its last characters; empty: it is too short to show any
    Column("set_by", BigInteger, nullable=False),
    Column("set_at", BigInteger, nullable=False),
    Column("retired_at", BigInteger),  # replaced or removed; null: in use
    Column("refused_at", BigInteger),  # when the vendor last did not let it in; null: it always did
)
_partial("vendor_keys_in_use", vendor_keys.c.guild_id, vendor_keys.c.provider, where=KEY_IN_USE, unique=True)

jobs = Table(
    "jobs",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),  # grows with time: storage/words.py new_job_id
    Column("interaction_id", BigInteger, nullable=False, unique=True),  # Discord's; the same command is taken once
    Column("guild_id", BigInteger),  # null: asked outside any server
    Column("place", String(8), nullable=False),  # words.py, Place
    Column("channel_id", BigInteger, nullable=False),
    Column("parent_id", BigInteger),  # the channel that the thread is in; null: it is no thread
    Column("parent_open", Boolean, nullable=False),  # whether the result may be shown there: not that of a private one
    Column("user_id", BigInteger, nullable=False),
    Column("user_name", String(100), nullable=False),
    Column("card_message_id", BigInteger),  # null: there is no card that could be edited
    Column("card_due_at", BigInteger),  # null: the card shows the truth
    Column("card_edited_at", BigInteger),  # null: never edited by us
    Column("card_version", Integer, nullable=False),  # counts changes worth showing
    Column("upload_limit", BigInteger, nullable=False),  # bytes, as Discord told with the command
    Column("provider", String(32), nullable=False),
    Column("operation", String(32), nullable=False),
    Column("model", String(64), nullable=False),
    Column("prompt", Text, nullable=False),
    Column("options", JSON, nullable=False),
    Column("inputs", JSON, nullable=False),
    Column("asked", JSON, nullable=False),
    Column("tried", JSON, nullable=False),
    Column("state", String(16), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),  # of state
    Column("due_at", BigInteger),  # when the program must look again; null: never, it is over
    Column("deadline_at", BigInteger, nullable=False),  # silent until then: expired
    Column("submitted_at", BigInteger),  # null: the provider has not taken it yet
    Column("finished_at", BigInteger),  # null: not over
    Column("attempts", Integer, nullable=False),  # submissions begun
    Column("lookups", Integer, nullable=False),  # questions asked in a row without an answer that helped
    Column("absences", Integer, nullable=False),  # times in a row a doubtful submission was surely not at the provider
    Column("resent", Integer, nullable=False),  # times it was sent again because it surely never arrived
    Column("root_id", BigInteger),  # the job of the music video whose shots this one changes; null: none
    Column("shots", JSON, nullable=False),  # of a music video, as the vendor last told
    Column("shots_at", BigInteger),  # when the question was asked that this answers; null: none was
    Column("task_id", String(128)),  # null: the provider has not named it to us
    Column("price", BigInteger, nullable=False),  # credits held
    Column("language", String(8)),  # of its card and result; null: English
    Column("quoted", BigInteger),  # credits the provider named when it took the job; null: it named none
    Column("cancelled_by", BigInteger),  # null: nobody asked to stop it
    Column("cancel_sent_at", BigInteger),  # null: the provider has still to be told; set too where it cannot be
    Column("reason", String(32)),  # null: nothing went wrong
    Column("detail", Text),  # for the log and the operator; null: likewise
    Column("key_id", BigInteger, ForeignKey("vendor_keys.id")),  # the server's own key it is made with; null: ours
    Column(
        "account", String(16)
    ),  # names the key of ours it was sent with, see jobs/accounts.py; null: none, or not sent
    Column("silenced", Boolean, nullable=False),  # whether its words and files were taken away
    Column("history", Text, nullable=False),  # of its states: state@milliseconds, with blanks between
    UniqueConstraint("provider", "task_id"),
    CheckConstraint(
        "due_at IS NOT NULL OR state IN ('succeeded', 'failed', 'cancelled', 'expired')",
        name="never_stuck",
    ),
    CheckConstraint("due_at IS NULL OR state NOT IN ('succeeded', 'failed', 'cancelled')", name="over_is_over"),
)
_partial("jobs_due_to_submit", jobs.c.due_at, where=DUE_TO_SUBMIT)
_partial("jobs_overdue", jobs.c.due_at, where=OVERDUE)
_partial("jobs_card_due", jobs.c.card_due_at, where=CARD_DUE)
_partial("jobs_music_videos", jobs.c.guild_id, jobs.c.id, where=MUSIC_VIDEO)
_partial("jobs_in_doubt", jobs.c.id, where=IN_DOUBT)
_partial("jobs_running", jobs.c.guild_id, jobs.c.user_id, where=RUNNING)
_partial("jobs_made", jobs.c.provider, jobs.c.operation, jobs.c.model, jobs.c.id, where=MADE)
_partial("jobs_of_key", jobs.c.key_id, where=OF_A_KEY)
_partial("jobs_worded", jobs.c.id, where=WORDED)
Index("jobs_of_member", jobs.c.user_id, jobs.c.id)

inbox = Table(
    "inbox",
    metadata,
    Column("id", _Counter, primary_key=True),
    Column("provider", String(32), nullable=False),
    Column("job_id", BigInteger, nullable=False),  # no foreign key: a callback is kept though its job is not known
    Column("delivery_id", String(128), nullable=False),  # the provider's nonce or id, or a digest
    Column("trust", String(16), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("received_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),  # not to be acted on before
    Column("asked_at", BigInteger),  # when the vendor was last asked about it in vain; null: it was not
    Column("settled_at", BigInteger),  # null: nobody has acted on it yet
    Column("outcome", String(200)),  # what came of it; null: likewise
    # The job belongs to the key: a delivery replayed at another job's address must not keep the true one out.
    UniqueConstraint("job_id", "delivery_id"),
    sqlite_autoincrement=True,
)
_partial("inbox_unsettled", inbox.c.due_at, where=UNSETTLED)

ledger = Table(
    "ledger",
    metadata,
    Column("id", _Counter, primary_key=True),
    Column("job_id", BigInteger, ForeignKey("jobs.id"), nullable=False),
    Column("kind", String(8), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("reported", BigInteger),  # the provider's own figure; null: it gave none
    Column("guild_id", BigInteger),  # null: asked outside any server
    Column("channel_id", BigInteger, nullable=False),  # of a thread: the channel it is in
    Column("user_id", BigInteger, nullable=False),
    Column("held_at", BigInteger, nullable=False),  # of the hold: all rows of a job count in the month it was asked in
    Column("at", BigInteger, nullable=False),
    UniqueConstraint("job_id", "kind"),
    CheckConstraint("(kind = 'hold' AND amount <= 0) OR (kind <> 'hold' AND amount >= 0)", name="signs"),
    sqlite_autoincrement=True,
)
Index("ledger_of_guild", ledger.c.guild_id, ledger.c.held_at)
Index("ledger_of_member", ledger.c.guild_id, ledger.c.user_id, ledger.c.held_at)
_partial("ledger_closed_once", ledger.c.job_id, where=CLOSING, unique=True)

outputs = Table(
    "outputs",
    metadata,
    Column("id", _Counter, primary_key=True),
    Column("job_id", BigInteger, ForeignKey("jobs.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("kind", String(8), nullable=False),
    Column("url", Text, nullable=False),  # at the provider; dies within a day or less
    Column("file", String(200)),  # below MEDIA_DIR; null: not fetched
    Column("size", BigInteger),  # bytes; null: not fetched
    Column("seconds", Float),  # null: not fetched, or not a video
    Column("width", Integer),  # null: not fetched
    Column("height", Integer),  # null: not fetched
    Column("sha256", String(64)),  # null: not fetched
    Column("due_at", BigInteger),  # when to fetch; null: fetched, or given up
    Column("attempts", Integer, nullable=False),
    Column("refusals", Integer, nullable=False),  # tries that failed for a reason that does not pass by itself
    Column("problem", String(300)),  # why it was given up, or why the last try failed; null: neither
    UniqueConstraint("job_id", "position"),
    sqlite_autoincrement=True,
)
_partial("outputs_due_to_fetch", outputs.c.due_at, where=DUE_TO_FETCH)

deliveries = Table(
    "deliveries",
    metadata,
    Column("job_id", BigInteger, ForeignKey("jobs.id"), primary_key=True, autoincrement=False),
    Column("state", String(16), nullable=False),
    Column("due_at", BigInteger),  # null: waits for its outputs, or over
    Column("attempts", Integer, nullable=False),
    Column("first_tried_at", BigInteger),  # null: never tried
    Column("linked", Integer, nullable=False),  # 1: the file did not fit, a link goes out
    Column("message_id", BigInteger),  # null: not posted, as far as we know
    Column("posted_at", BigInteger),  # null: likewise
    Column("problem", String(300)),  # why the last try failed; null: it did not
    Column("way", String(8), nullable=False),  # words.py, Way
    Column("channel_id", BigInteger),  # where it goes, if not to the job's own; null: there, or not opened yet
)
_partial("deliveries_due", deliveries.c.due_at, where=DUE_TO_DELIVER)

guild_settings = Table(
    "guild_settings",
    metadata,
    Column("guild_id", BigInteger, primary_key=True, autoincrement=False),
    Column("default_provider", String(32)),  # null, here and below: see words.py, GuildSettings
    Column("default_models", JSON, nullable=False),
    Column("fallback", Boolean, nullable=False),
    Column("confirm_above", BigInteger),
    Column("approve_above", BigInteger),
    Column("most_running", Integer),
    Column("cooldown", Integer),
    Column("channels", JSON, nullable=False),
    Column("nsfw_only", Boolean, nullable=False),
    Column("spoiler", Boolean, nullable=False),
    Column("forbidden", JSON, nullable=False),
    Column("moderator_role_id", BigInteger),
    Column("moderators_channel_id", BigInteger),
    Column("alerts_channel_id", BigInteger),
    Column("log_channel_id", BigInteger),
    Column("language", String(8)),
    Column("updated_at", BigInteger, nullable=False),
)

budgets = Table(
    "budgets",
    metadata,
    Column("guild_id", BigInteger, primary_key=True, autoincrement=False),
    Column("scope", String(8), primary_key=True),
    Column("subject_id", BigInteger, primary_key=True, autoincrement=False),
    Column("period", String(8), primary_key=True),
    Column("credits", BigInteger, nullable=False),
)

blocks = Table(
    "blocks",
    metadata,
    Column("guild_id", BigInteger, primary_key=True, autoincrement=False),
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("until", BigInteger),  # null: until somebody lifts it
    Column("by", BigInteger, nullable=False),
    Column("reason", String(300), nullable=False),
    Column("at", BigInteger, nullable=False),
)

presets = Table(
    "presets",
    metadata,
    Column("guild_id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(50), primary_key=True),
    Column("words", Text, nullable=False),
    Column("options", JSON, nullable=False),
    Column("by", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
)

acts = Table(  # only ever added to
    "acts",
    metadata,
    Column("id", _Counter, primary_key=True),
    Column("guild_id", BigInteger, nullable=False),
    Column("actor_id", BigInteger, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("subject", String(120), nullable=False),
    Column("detail", JSON, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("due_at", BigInteger),  # null: told in the log channel, or nobody to tell
    Column("attempts", Integer, nullable=False),
    sqlite_autoincrement=True,
)
Index("acts_of_guild", acts.c.guild_id, acts.c.id)
_partial("acts_due", acts.c.due_at, where=DUE_TO_TELL)

alerts = Table(
    "alerts",
    metadata,
    Column("id", _Counter, primary_key=True),
    Column("guild_id", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("provider", String(32), nullable=False),
    Column("job_id", BigInteger, ForeignKey("jobs.id"), nullable=False),  # the one that brought it to light
    Column("once", String(120), nullable=False, unique=True),  # the same trouble is told of once a day
    Column("created_at", BigInteger, nullable=False),
    Column("due_at", BigInteger),  # null: told, or nobody to tell
    Column("attempts", Integer, nullable=False),
    Column("channel_id", BigInteger),  # null: nothing stands there that is to be edited later
    Column("message_id", BigInteger),
    sqlite_autoincrement=True,
)
_partial("alerts_due", alerts.c.due_at, where=DUE_TO_TELL)
_partial("alerts_asking", alerts.c.job_id, where=ASKING)

refusals = Table(  # of callbacks: a bounded book, see refusals.py
    "refusals",
    metadata,
    Column("id", _Counter, primary_key=True),
    Column("provider", String(32), nullable=False),
    Column("job_id", BigInteger, nullable=False),  # 0: the address named no job of ours
    Column("status", Integer, nullable=False),
    Column("reason", String(120), nullable=False),  # in our words
    Column("digest", String(16), nullable=False),  # of the last one's body; empty: it was not read
    Column("size", BigInteger, nullable=False),  # bytes, of the last one's body
    Column("times", BigInteger, nullable=False),
    Column("first_at", BigInteger, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    UniqueConstraint("provider", "job_id", "status", "reason"),
    sqlite_autoincrement=True,
)
Index("refusals_latest", refusals.c.last_at)

marks = Table(  # what the program must remember about itself
    "marks",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("detail", JSON, nullable=False),
)

strays = Table(
    "strays",
    metadata,
    Column("id", _Counter, primary_key=True),
    Column("provider", String(32), nullable=False),
    Column("task_id", String(128), nullable=False),
    Column("job_id", BigInteger, ForeignKey("jobs.id"), nullable=False),  # the one it was made for
    Column("found_at", BigInteger, nullable=False),
    Column("due_at", BigInteger),  # when to stop it or ask about it; null: it has ended
    Column("cancel_sent_at", BigInteger),  # null: the provider has still to be told; set too where it cannot be
    Column("attempts", Integer, nullable=False),
    Column("credits", BigInteger),  # what it cost; null: not known yet
    UniqueConstraint("provider", "task_id"),
    CheckConstraint("(due_at IS NULL) = (credits IS NOT NULL)", name="followed"),
    sqlite_autoincrement=True,
)
Index("strays_of_job", strays.c.job_id)
_partial("strays_due", strays.c.due_at, where=DUE_TO_FOLLOW)

searches = Table(  # jobs that were sent again: whether the vendor made a second task of them is still to be looked up
    "searches",
    metadata,
    Column("job_id", BigInteger, ForeignKey("jobs.id"), primary_key=True, autoincrement=False),
    Column("since", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
)
