"""Everything about a job that a member may see, for the button Details. Pure. A vendor's own words stay out."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from bot.amounts import credits_of, time_of
from bot.labels import capital, label, made, several, state_of
from bot.language import N_, _
from bot.messages import Vendor, notes, subject
from bot.plain import plain
from storage.words import Delivery, DeliveryState, Job

_MOST_CHOICES = 12
_NAME_MOST = 60
_WORD_MOST = 50
_OPTIONS = ("duration", "resolution", "aspect_ratio", "seed", "audio")
_RESULT = {
    DeliveryState.WAITING: N_("its files are being fetched"),
    DeliveryState.DUE: N_("the result is being posted"),
    DeliveryState.POSTING: N_("the result is being posted"),
    DeliveryState.POSTED: N_("the result was posted"),
    DeliveryState.PARKED: N_("the result could not be posted"),
    DeliveryState.DELETING: N_("the result is being deleted"),
    DeliveryState.DELETED: N_("the result was deleted"),
}


def whole(job: Job, vendor: Vendor, delivery: Delivery | None) -> str:
    """Say what was asked, who makes it with what, how it stands, when what happened, and what became of the credits."""
    lines = [subject(job), "", _("**Kind** {thing}").format(thing=made(job.operation))]
    lines += [_("**Files** {files}").format(files=_files(job))] if job.inputs else []
    words = _("**Provider** {vendor}") if job.asked.get("wanted") else _("**Provider** {vendor} (chosen for you)")
    lines.append(words.format(vendor=vendor.title))
    if job.model:
        words = _("**Model** {model}") if job.asked.get("model") else _("**Model** {model} (the usual one)")
        lines.append(words.format(model=plain(job.model, 64)))
    lines += _options(job)
    lines += _choices(job.asked.get("extras") or {})
    lines += notes(job, vendor)
    times = _("**Times** {times}").format(times=" · ".join(_times(job, delivery)))
    lines += ["", _("**State** {state}").format(state=_state(job, delivery)), times]
    lines += [_credits(job), "-# " + _("job {code}").format(code=job.code)]
    return "\n".join(lines)


def _files(job: Job) -> str:
    counts = Counter(one.role for one in job.inputs)
    return " · ".join(
        label(role) if count == 1 else _("{count} {files}").format(count=count, files=several(role))
        for role, count in counts.items()
    )


def _options(job: Job) -> list[str]:
    """List the common options, what was asked for apart from what is usual there."""
    asked: list[str] = []
    usual: list[str] = []
    for name in _OPTIONS:
        value = job.options.get(name)
        if value not in (None, "", False) or (name == "seed" and value == 0):
            (usual if job.asked.get(name) is None else asked).append(_option(name, value))
    lines = [_("**Settings asked for** {choices}").format(choices=" · ".join(asked))] if asked else []
    return lines + ([_("**Settings left at the usual** {choices}").format(choices=" · ".join(usual))] if usual else [])


def _option(name: str, value: Any) -> str:
    match name:
        case "duration":
            return _("{seconds} s").format(seconds=plain(str(value), 10))
        case "seed":
            return _("seed {number}").format(number=plain(str(value), 20))
        case "audio":
            return _("with sound")
        case _:
            return plain(str(value), 20)


def _choices(given: Mapping[str, Any]) -> list[str]:
    """List further choices, a line each: texts may be long."""
    lines = [f"**{capital(label(name))}** {_value(value)}" for name, value in given.items()]
    rest = len(lines) - _MOST_CHOICES
    return [*lines[:_MOST_CHOICES], _("and {count} more").format(count=rest)] if rest > 0 else lines


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return plain(f"{value:g}" if isinstance(value, float) else str(value), _WORD_MOST)


def _state(job: Job, delivery: Delivery | None) -> str:
    state = state_of(job.state)
    if delivery is None:
        return state
    return _("{state}; {result}").format(state=state, result=_(_RESULT[delivery.state]))


def _times(job: Job, delivery: Delivery | None) -> list[str]:
    who = plain(job.user_name, _NAME_MOST) or _("somebody")
    times = [_("asked for by {member} {when}").format(member=who, when=_moment(job.created_at))]
    times += [_("sent to the provider {when}").format(when=_moment(job.submitted_at))] if job.submitted_at else []
    if job.finished_at:
        after = time_of((job.finished_at - job.created_at) / 1000)
        times.append(_("ended {when}, {time} after it was asked for").format(when=_moment(job.finished_at), time=after))
    if delivery and delivery.posted_at:
        times.append(_("posted {when}").format(when=_moment(delivery.posted_at)))
    return times


def _moment(milliseconds: int) -> str:
    return f"<t:{milliseconds // 1000}:f>"


def _credits(job: Job) -> str:
    if job.charged is None:
        return _("**Credits** {reserved} reserved, nothing spent yet").format(reserved=credits_of(job.price))
    words = _("**Credits** {reserved} reserved · {spent} spent · {returned} returned")
    back = credits_of(job.price - job.charged)
    return words.format(reserved=credits_of(job.price), spent=credits_of(job.charged), returned=back)
