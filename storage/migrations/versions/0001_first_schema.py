"""The first schema.

Imports nothing of ours: a migration must mean the same for ever.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _counter() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create every table."""
    _vendor_keys()
    _jobs()
    _inbox()
    _ledger()
    _outputs()
    _deliveries()
    _guild_settings()
    _rules()
    _acts()
    _alerts()
    _refusals()
    _marks()
    _strays()


def _vendor_keys() -> None:
    op.create_table(
        "vendor_keys",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("hint", sa.String(length=4), nullable=False),
        sa.Column("set_by", sa.BigInteger(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.Column("retired_at", sa.BigInteger(), nullable=True),
        sa.Column("refused_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vendor_keys")),
    )
    in_use = sa.text("retired_at IS NULL")
    columns = ["guild_id", "provider"]
    op.create_index(
        "vendor_keys_in_use", "vendor_keys", columns, unique=True, sqlite_where=in_use, postgresql_where=in_use
    )


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("interaction_id", sa.BigInteger(), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=True),
        sa.Column("place", sa.String(length=8), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("parent_open", sa.Boolean(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("user_name", sa.String(length=100), nullable=False),
        sa.Column("card_message_id", sa.BigInteger(), nullable=True),
        sa.Column("card_due_at", sa.BigInteger(), nullable=True),
        sa.Column("card_edited_at", sa.BigInteger(), nullable=True),
        sa.Column("card_version", sa.Integer(), nullable=False),
        sa.Column("upload_limit", sa.BigInteger(), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("operation", sa.String(length=32), nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.Column("asked", sa.JSON(), nullable=False),
        sa.Column("tried", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("deadline_at", sa.BigInteger(), nullable=False),
        sa.Column("submitted_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lookups", sa.Integer(), nullable=False),
        sa.Column("absences", sa.Integer(), nullable=False),
        sa.Column("resent", sa.Integer(), nullable=False),
        sa.Column("root_id", sa.BigInteger(), nullable=True),
        sa.Column("shots", sa.JSON(), nullable=False),
        sa.Column("shots_at", sa.BigInteger(), nullable=True),
        sa.Column("task_id", sa.String(length=128), nullable=True),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=True),
        sa.Column("quoted", sa.BigInteger(), nullable=True),
        sa.Column("cancelled_by", sa.BigInteger(), nullable=True),
        sa.Column("cancel_sent_at", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(length=32), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("key_id", sa.BigInteger(), nullable=True),
        sa.Column("account", sa.String(length=16), nullable=True),
        sa.Column("silenced", sa.Boolean(), nullable=False),
        sa.Column("history", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "due_at IS NOT NULL OR state IN ('succeeded', 'failed', 'cancelled', 'expired')",
            name=op.f("ck_jobs_never_stuck"),
        ),
        sa.CheckConstraint(
            "due_at IS NULL OR state NOT IN ('succeeded', 'failed', 'cancelled')",
            name=op.f("ck_jobs_over_is_over"),
        ),
        sa.ForeignKeyConstraint(["key_id"], ["vendor_keys.id"], name=op.f("fk_jobs_key_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("interaction_id", name=op.f("uq_jobs_interaction_id")),
        sa.UniqueConstraint("provider", "task_id", name=op.f("uq_jobs_provider_task_id")),
    )
    op.create_index(
        "jobs_card_due",
        "jobs",
        ["card_due_at"],
        unique=False,
        sqlite_where=sa.text("card_due_at IS NOT NULL"),
        postgresql_where=sa.text("card_due_at IS NOT NULL"),
    )
    op.create_index(
        "jobs_due_to_submit",
        "jobs",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index(
        "jobs_in_doubt",
        "jobs",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 'submitting'"),
        postgresql_where=sa.text("state = 'submitting'"),
    )
    running = sa.text("state NOT IN ('succeeded', 'failed', 'cancelled', 'expired')")
    op.create_index(
        "jobs_running",
        "jobs",
        ["guild_id", "user_id"],
        unique=False,
        sqlite_where=running,
        postgresql_where=running,
    )
    made = sa.text("state = 'succeeded'")
    columns = ["provider", "operation", "model", "id"]
    op.create_index("jobs_made", "jobs", columns, unique=False, sqlite_where=made, postgresql_where=made)
    keyed = sa.text("key_id IS NOT NULL")
    op.create_index("jobs_of_key", "jobs", ["key_id"], unique=False, sqlite_where=keyed, postgresql_where=keyed)
    worded = sa.text("NOT silenced")
    op.create_index("jobs_worded", "jobs", ["id"], unique=False, sqlite_where=worded, postgresql_where=worded)
    op.create_index("jobs_of_member", "jobs", ["user_id", "id"], unique=False)
    op.create_index(
        "jobs_music_videos",
        "jobs",
        ["guild_id", "id"],
        unique=False,
        sqlite_where=sa.text("operation = 'music_video'"),
        postgresql_where=sa.text("operation = 'music_video'"),
    )
    op.create_index(
        "jobs_overdue",
        "jobs",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL AND state NOT IN ('queued', 'succeeded', 'failed', 'cancelled')"),
        postgresql_where=sa.text("due_at IS NOT NULL AND state NOT IN ('queued', 'succeeded', 'failed', 'cancelled')"),
    )


def _inbox() -> None:
    op.create_table(
        "inbox",
        sa.Column("id", _counter(), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("delivery_id", sa.String(length=128), nullable=False),
        sa.Column("trust", sa.String(length=16), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=True),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox")),
        sa.UniqueConstraint("job_id", "delivery_id", name=op.f("uq_inbox_job_id_delivery_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "inbox_unsettled",
        "inbox",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("settled_at IS NULL"),
        postgresql_where=sa.text("settled_at IS NULL"),
    )


def _ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("id", _counter(), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reported", sa.BigInteger(), nullable=True),
        sa.Column("guild_id", sa.BigInteger(), nullable=True),
        sa.Column("channel_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("held_at", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "(kind = 'hold' AND amount <= 0) OR (kind <> 'hold' AND amount >= 0)", name=op.f("ck_ledger_signs")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_ledger_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger")),
        sa.UniqueConstraint("job_id", "kind", name=op.f("uq_ledger_job_id_kind")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ledger_closed_once",
        "ledger",
        ["job_id"],
        unique=True,
        sqlite_where=sa.text("kind IN ('settle', 'release')"),
        postgresql_where=sa.text("kind IN ('settle', 'release')"),
    )
    op.create_index("ledger_of_guild", "ledger", ["guild_id", "held_at"], unique=False)
    op.create_index("ledger_of_member", "ledger", ["guild_id", "user_id", "held_at"], unique=False)


def _outputs() -> None:
    op.create_table(
        "outputs",
        sa.Column("id", _counter(), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("file", sa.String(length=200), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.Column("problem", sa.String(length=300), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_outputs_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outputs")),
        sa.UniqueConstraint("job_id", "position", name=op.f("uq_outputs_job_id_position")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "outputs_due_to_fetch",
        "outputs",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("job_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_tried_at", sa.BigInteger(), nullable=True),
        sa.Column("linked", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.Column("posted_at", sa.BigInteger(), nullable=True),
        sa.Column("problem", sa.String(length=300), nullable=True),
        sa.Column("way", sa.String(length=8), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_deliveries_job_id")),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_deliveries")),
    )
    op.create_index(
        "deliveries_due",
        "deliveries",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )


def _guild_settings() -> None:
    op.create_table(
        "guild_settings",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("default_provider", sa.String(length=32), nullable=True),
        sa.Column("default_models", sa.JSON(), nullable=False),
        sa.Column("fallback", sa.Boolean(), nullable=False),
        sa.Column("confirm_above", sa.BigInteger(), nullable=True),
        sa.Column("approve_above", sa.BigInteger(), nullable=True),
        sa.Column("most_running", sa.Integer(), nullable=True),
        sa.Column("cooldown", sa.Integer(), nullable=True),
        sa.Column("channels", sa.JSON(), nullable=False),
        sa.Column("nsfw_only", sa.Boolean(), nullable=False),
        sa.Column("spoiler", sa.Boolean(), nullable=False),
        sa.Column("forbidden", sa.JSON(), nullable=False),
        sa.Column("moderator_role_id", sa.BigInteger(), nullable=True),
        sa.Column("moderators_channel_id", sa.BigInteger(), nullable=True),
        sa.Column("alerts_channel_id", sa.BigInteger(), nullable=True),
        sa.Column("log_channel_id", sa.BigInteger(), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("guild_id", name=op.f("pk_guild_settings")),
    )


def _rules() -> None:
    op.create_table(
        "budgets",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("scope", sa.String(length=8), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("period", sa.String(length=8), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "scope", "subject_id", "period", name=op.f("pk_budgets")),
    )
    op.create_table(
        "blocks",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("by", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "user_id", name=op.f("pk_blocks")),
    )
    op.create_table(
        "presets",
        sa.Column("guild_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("by", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("guild_id", "name", name=op.f("pk_presets")),
    )


def _acts() -> None:
    op.create_table(
        "acts",
        sa.Column("id", _counter(), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acts")),
        sqlite_autoincrement=True,
    )
    op.create_index("acts_of_guild", "acts", ["guild_id", "id"], unique=False)
    due = sa.text("due_at IS NOT NULL")
    op.create_index("acts_due", "acts", ["due_at"], unique=False, sqlite_where=due, postgresql_where=due)


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", _counter(), nullable=False),
        sa.Column("guild_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("once", sa.String(length=120), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("channel_id", sa.BigInteger(), nullable=True),
        sa.Column("message_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_alerts_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
        sa.UniqueConstraint("once", name=op.f("uq_alerts_once")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "alerts_due",
        "alerts",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    asking = sa.text("message_id IS NOT NULL")
    op.create_index("alerts_asking", "alerts", ["job_id"], unique=False, sqlite_where=asking, postgresql_where=asking)


def _refusals() -> None:
    op.create_table(
        "refusals",
        sa.Column("id", _counter(), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=120), nullable=False),
        sa.Column("digest", sa.String(length=16), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("times", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refusals")),
        sa.UniqueConstraint(
            "provider", "job_id", "status", "reason", name=op.f("uq_refusals_provider_job_id_status_reason")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index("refusals_latest", "refusals", ["last_at"], unique=False)


def _marks() -> None:
    op.create_table(
        "marks",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_marks")),
    )


def _strays() -> None:
    op.create_table(
        "strays",
        sa.Column("id", _counter(), nullable=False),
        sa.Column("provider", sa.String(length=32), nullable=False),
        sa.Column("task_id", sa.String(length=128), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("cancel_sent_at", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("(due_at IS NULL) = (credits IS NOT NULL)", name=op.f("ck_strays_followed")),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_strays_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_strays")),
        sa.UniqueConstraint("provider", "task_id", name=op.f("uq_strays_provider_task_id")),
        sqlite_autoincrement=True,
    )
    op.create_index("strays_of_job", "strays", ["job_id"], unique=False)
    op.create_index(
        "strays_due",
        "strays",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("due_at IS NOT NULL"),
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_table(
        "searches",
        sa.Column("job_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_searches_job_id")),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_searches")),
    )
