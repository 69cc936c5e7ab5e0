"""All that is stored about a member, written as JSON for them to keep. Pure.

It holds no address of a file, which opens it for whoever has it, and nobody else's number: who else acted on a job is
"somebody else". What moderators write for each other, and what vendors write for operators, stays where it is.
"""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from storage.codes import job_code
from storage.members import About, Kept
from storage.words import Act, Job

MOST_PARTS = 10  # files; Discord takes no more with one message
_TOLD = ("credits", "until")  # of an act: nothing of another person can stand there


def head(about: About, user_id: int, now: int) -> dict[str, Any]:
    """Write down what there is besides jobs."""
    return {
        "made_at": moment(now),
        "discord_user": str(user_id),
        "blocks": [
            {"server": str(guild_id), "since": moment(block.at), "until": moment(block.until)}
            for guild_id, block in about.blocks
        ],
        "budgets": [
            {"server": str(guild_id), "each": budget.period.value, "credits": budget.credits}
            for guild_id, budget in about.budgets
        ],
        "presets": [
            {
                "server": str(guild_id),
                "name": preset.name,
                "words": preset.words,
                "options": readable(preset.options),
                "at": moment(preset.at),
            }
            for guild_id, preset in about.presets
        ],
        "acts": [act_of(act, user_id) for act in about.acts],
    }


def act_of(act: Act, user_id: int) -> dict[str, Any]:
    """Write down something done by the member, or to them; whom else it was about, or who did it, is left out."""
    written = {"server": str(act.guild_id), "what": act.kind, "at": moment(act.at)}
    written["by"] = "you" if act.actor_id == user_id else "somebody else"
    about = act.subject == str(user_id) or str(act.detail.get("member")) == str(user_id)
    if not about:
        return written
    told = {name: act.detail[name] for name in _TOLD if act.detail.get(name) is not None}
    if "until" in told:
        told["until"] = moment(told["until"])
    subject = {} if act.subject == str(user_id) else {"subject": act.subject}
    return written | {"about": "you"} | subject | told


def job_of(kept: Kept, user_id: int) -> dict[str, Any]:
    """Write down a job with everything that hangs on it."""
    job, delivery = kept.job, kept.delivery
    return {
        "job": job.code,
        "server": _number(job.guild_id),
        "place": job.place.value,
        "channel": str(job.channel_id),
        "thread_in": _number(job.parent_id),
        "command": str(job.interaction_id),
        "card": _number(job.card_message_id),
        "your_name": job.user_name,
        "operation": job.operation,
        "provider": job.provider,
        "model": job.model,
        "prompt": job.prompt,
        "options": readable(job.options),
        "as_typed": readable(job.asked),
        "files_given": [
            {
                "role": one.role, "type": one.mime, "bytes": one.size, "width": one.width, "height": one.height,
                "seconds": one.seconds,
            }
            for one in job.inputs
        ],
        "shots": [{"prompt": shot.prompt, "state": shot.state, "seconds": shot.seconds} for shot in job.shots],
        "of_music_video": None if job.root_id is None else job_code(job.root_id),
        "task_at_the_provider": job.task_id,
        "providers_tried_before": list(job.tried),
        "state": job.state.value,
        "reason": job.reason,
        "cancelled_by": _who(job.cancelled_by, user_id),
        **_times(job),
        "callbacks_at": [moment(at) for at in kept.callbacks],
        "credits": {
            "price": job.price,
            "charged": job.charged,
            "ledger": [
                {"kind": row.kind.value, "amount": row.amount, "reported": row.reported, "at": moment(row.at)}
                for row in kept.ledger
            ],
        },
        "results": [
            {
                "kind": one.kind, "kept": one.file is not None, "bytes": one.size, "seconds": one.seconds,
                "width": one.width, "height": one.height, "sha256": one.sha256,
            }
            for one in kept.outputs
        ],
        "result_message": None if delivery is None else _number(delivery.message_id),
        "result_sent": None if delivery is None else delivery.way.value,
    }  # fmt: skip


def _times(job: Job) -> dict[str, str | None]:
    return {
        "asked_at": moment(job.created_at),
        "changed_at": moment(job.changed_at),
        "sent_at": moment(job.submitted_at),
        "finished_at": moment(job.finished_at),
    }


def _who(number: int | None, user_id: int) -> str | None:
    if number is None:
        return None
    return "you" if number == user_id else "somebody else"


def _number(number: int | None) -> str | None:
    """Write one of Discord's numbers: as a figure, most programs would round it."""
    return None if number is None else str(number)


def readable(value: Any) -> Any:
    """Write whole numbers that most programs would round as texts, wherever they stand."""
    if isinstance(value, dict):
        return {str(key): readable(one) for key, one in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] -- JSON
    if isinstance(value, list):
        return [readable(one) for one in value]  # pyright: ignore[reportUnknownVariableType] -- JSON
    return str(value) if isinstance(value, int) and abs(value) >= 2**53 else value


def moment(milliseconds: int | None) -> str | None:
    """Write a moment as the world agrees to."""
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat()


class Parts:
    """The files, none larger than `most` bytes, each of them JSON by itself; the jobs that fill none are left out."""

    def __init__(self, about: dict[str, Any], most: int) -> None:
        """Begin with what there is besides jobs."""
        self._most = most
        self._about = _text(about)
        self._jobs: list[list[str]] = [[]]
        self._bytes = _size(self._about)
        self.left_out = 0

    def add(self, jobs: Iterable[dict[str, Any]]) -> bool:
        """Take jobs in; False when there is no room for more."""
        for job in jobs:
            text = _text(job)
            if self._bytes + _size(text) + 100 > self._most:
                if len(self._jobs) == MOST_PARTS:
                    self.left_out += 1
                    continue
                self._jobs.append([])
                self._bytes = 0
            self._jobs[-1].append(text)
            self._bytes += _size(text) + 2
        return self.left_out == 0

    def files(self) -> list[bytes]:
        """Write them."""
        count = len(self._jobs)
        written: list[bytes] = []
        for number, jobs in enumerate(self._jobs, 1):
            about = f'"about": {self._about},\n' if number == 1 else ""
            listed = ",\n".join(jobs)
            written.append(
                f'{{"part": {number}, "of": {count},\n{about}"jobs": [\n{listed}\n]}}\n'.encode(errors="replace")
            )
        return written


def _text(value: dict[str, Any]) -> str:
    """Write a value as it is read: escaped, a word in Chinese would be twice as long, and nobody could read it."""
    return json.dumps(value, ensure_ascii=False)


def _size(text: str) -> int:
    return len(text.encode(errors="replace"))
