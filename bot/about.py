"""Everything about a job that a member may see, for the button Details. Pure. A vendor's own words stay out."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from bot.amounts import credits_of, time_of
from bot.labels import capital, label, made, several
from bot.messages import Vendor, notes, subject
from bot.plain import plain
from storage.words import Delivery, DeliveryState, Job

_MOST_CHOICES = 12
_NAME_MOST = 60
_WORD_MOST = 50
_OPTIONS = ("duration", "resolution", "aspect_ratio", "seed", "audio")
_RESULT = {
    DeliveryState.WAITING: "its files are being fetched",
    DeliveryState.DUE: "the result is being posted",
    DeliveryState.POSTING: "the result is being posted",
    DeliveryState.POSTED: "the result was posted",
    DeliveryState.PARKED: "the result could not be posted",
    DeliveryState.DELETING: "the result is being deleted",
    DeliveryState.DELETED: "the result was deleted",
}


def whole(job: Job, vendor: Vendor, delivery: Delivery | None) -> str:
    """Say what was asked, who makes it with what, how it stands, when what happened, and what became of the credits."""
    lines = [subject(job), "", f"**What** {made(job.operation)}"]
    lines += [f"**Files** {_files(job)}"] if job.inputs else []
    lines.append(f"**Vendor** {vendor.title}{'' if job.asked.get('wanted') else ', chosen for you'}")
    if job.model:
        chosen = "" if job.asked.get("model") else ", its usual one"
        lines.append(f"**Model** {plain(job.model, 64)}{chosen}")
    lines += _options(job)
    lines += _choices(job.asked.get("extras") or {})
    lines += notes(job, vendor)
    lines += ["", f"**State** {_state(job, delivery)}", f"**Times** {' · '.join(_times(job, delivery))}"]
    lines += [f"**Credits** {_credits(job)}", f"-# job {job.code}"]
    return "\n".join(lines)


def _files(job: Job) -> str:
    counts = Counter(one.role for one in job.inputs)
    return " · ".join(label(role) if count == 1 else f"{count} {several(role)}" for role, count in counts.items())


def _options(job: Job) -> list[str]:
    """List the common options, what was asked for apart from what is usual there."""
    asked: list[str] = []
    usual: list[str] = []
    for name in _OPTIONS:
        value = job.options.get(name)
        if value not in (None, "", False) or (name == "seed" and value == 0):
            (usual if job.asked.get(name) is None else asked).append(_option(name, value))
    lines = [f"**Asked for** {' · '.join(asked)}"] if asked else []
    return lines + ([f"**As usual there** {' · '.join(usual)}"] if usual else [])


def _option(name: str, value: Any) -> str:
    match name:
        case "duration":
            return f"{plain(str(value), 10)} s"
        case "seed":
            return f"seed {plain(str(value), 20)}"
        case "audio":
            return "with sound"
        case _:
            return plain(str(value), 20)


def _choices(given: Mapping[str, Any]) -> list[str]:
    """List further choices, a line each: texts may be long."""
    lines = [f"**{capital(label(name))}** {_value(value)}" for name, value in given.items()]
    rest = len(lines) - _MOST_CHOICES
    return [*lines[:_MOST_CHOICES], f"and {rest} more"] if rest > 0 else lines


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return plain(f"{value:g}" if isinstance(value, float) else str(value), _WORD_MOST)


def _state(job: Job, delivery: Delivery | None) -> str:
    return f"{job.state.value}; {_RESULT[delivery.state]}" if delivery else job.state.value


def _times(job: Job, delivery: Delivery | None) -> list[str]:
    who = plain(job.user_name, _NAME_MOST) or "somebody"
    times = [f"asked by {who} {_moment(job.created_at)}"]
    times += [f"sent {_moment(job.submitted_at)}"] if job.submitted_at else []
    if job.finished_at:
        times.append(f"over {_moment(job.finished_at)}, after {time_of((job.finished_at - job.created_at) / 1000)}")
    return times + ([f"posted {_moment(delivery.posted_at)}"] if delivery and delivery.posted_at else [])


def _moment(milliseconds: int) -> str:
    return f"<t:{milliseconds // 1000}:f>"


def _credits(job: Job) -> str:
    held = f"{credits_of(job.price)} reserved"
    if job.charged is None:
        return f"{held}, nothing spent yet"
    return f"{held} · {credits_of(job.charged)} spent · {credits_of(job.price - job.charged)} returned"
