"""Sample values that many tests start from."""

from dataclasses import replace
from typing import Any

from storage.words import Job, State

NOON = 1_770_000_000_000  # a moment in milliseconds: 2026-02-02, not near the end of a month
HOUR = 3_600_000


def a_job(number: int = 1, **changes: Any) -> Job:
    """Make a queued job of a member of server 10; `number` makes it another one."""
    job = Job(
        id=(NOON << 21) + number,
        interaction_id=1000 + number,
        guild_id=10,
        channel_id=20,
        user_id=30,
        user_name="Ada",
        card_message_id=40,
        upload_limit=10 * 2**20,
        provider="vidu",
        operation="text_to_video",
        model="viduq3-pro",
        prompt="a boat",
        options={"duration": 5, "resolution": "720p", "aspect_ratio": "16:9", "seed": None, "audio": False},
        inputs=(),
        state=State.QUEUED,
        created_at=NOON,
        changed_at=NOON,
        due_at=NOON,
        deadline_at=NOON + HOUR,
        submitted_at=None,
        finished_at=None,
        attempts=0,
        lookups=0,
        absences=0,
        resent=0,
        task_id=None,
        price=40,
        charged=None,
        cancelled_by=None,
        cancel_sent_at=None,
        reason=None,
        detail=None,
        card_due_at=None,
        card_version=1,
    )
    return replace(job, **changes)
