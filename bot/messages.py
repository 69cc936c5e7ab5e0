"""What people read about a job: what happened, what to do next, and what became of the credits. Pure.

Words of strangers (prompt, model, name) pass through bot/plain.py; a vendor's own words are never shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot import shots
from bot.plain import clean, cut, plain
from jobs.cancel import CancelOutcome
from providers.contract import Reason
from providers.orders import Operation
from storage.words import Delivery, DeliveryState, Job, Outlook, State, job_code

PROMPT_MOST = 700
_PROMPT_ABOVE_SHOTS = 250
_MOST_EXTRAS = 8


class Tone(StrEnum):
    """The colour of a card."""

    WAITING = "waiting"
    WORKING = "working"
    DOUBT = "doubt"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Card:
    """A framed text. The body is Markdown, the rest is shown as it is."""

    title: str
    body: str
    tone: Tone
    footer: str = ""


@dataclass(frozen=True, slots=True)
class Vendor:
    """What people need to know of a job's vendor."""

    title: str
    can_cancel: bool  # a job of this kind can be stopped there
    listed: bool = True  # its table knows the job's model, or has none to know
    tried: tuple[str, ...] = ()  # titles of those that could not take the job before it


def credits_of(amount: int) -> str:
    """Write an amount."""
    return f"{amount:,} credit" if amount == 1 else f"{amount:,} credits"


def time_of(seconds: float) -> str:
    """Write a length of time: 48 s, 2 min 5 s, 1 h 3 min."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def card_of(
    job: Job,
    vendor: Vendor,
    delivery: Delivery | None,
    link: str | None = None,
    *,
    empty: bool = False,
    outlook: Outlook | None = None,
) -> Card:
    """Show a job as it is now; `link` leads to its file where the result could not be posted, `empty`: it has none."""
    title, words, tone = _told(job, vendor, delivery, link)
    if empty and job.operation == Operation.MUSIC_VIDEO:
        words = words.replace(f"[{_look_at(job)}]", "[See the result]")
    lines = [subject(job), "", words, *_time_left(job, outlook), *notes(job, vendor)]
    if job.shots:
        lines += ["", *shots.listing(job)]
    return Card(title, "\n".join(lines), tone, details(job))


def _time_left(job: Job, outlook: Outlook | None) -> list[str]:
    """Say what our own history tells about the time, and nothing where that is too little. Discord counts it down."""
    if outlook is None:
        return []
    if job.state is State.QUEUED and outlook.ahead:
        return [f"-# {outlook.ahead} before it {'waits' if outlook.ahead == 1 else 'wait'} for the same provider."]
    if job.state not in {State.SUBMITTED, State.PROCESSING} or outlook.usual is None or outlook.slow is None:
        return []
    begun = job.submitted_at or job.changed_at
    usual, slow = (begun + outlook.usual) // 1000, (begun + outlook.slow) // 1000
    return [f"-# Usually ready <t:{usual}:R>, nine times of ten by <t:{slow}:T> (the last {outlook.alike} like it)."]


def thing_of(job: Job) -> str:
    """Name what a job makes, in the middle of a sentence."""
    operation = Operation(job.operation)
    if operation in {Operation.MUSIC_VIDEO, Operation.COMPOSE_SHOTS}:
        return "music video"
    if operation is Operation.EDIT_SHOT:
        return "shot"
    return "picture" if operation.makes == "image" else "video"


def subject(job: Job) -> str:
    """Say what a job is about, as a quote: its prompt, or which shots it puts together."""
    most = _PROMPT_ABOVE_SHOTS if job.shots else PROMPT_MOST
    if job.root_id is None:
        return quoted(job.prompt, most)
    whose = f"of music video {job_code(job.root_id)}"
    if job.operation == Operation.EDIT_SHOT:
        return f"{quoted(job.prompt, most)}\n-# A shot {whose}, made anew"
    count = len(job.options.get("shots", ()))
    return f"> {count} {'shot' if count == 1 else 'shots'} {whose}, put together"


def quoted(prompt: str, most: int = PROMPT_MOST) -> str:
    """Show a prompt as a quote."""
    return f"> {plain(prompt, most)}" if clean(prompt) else "> (no prompt)"


def details(job: Job) -> str:
    """List what was asked for, in one line."""
    options = job.options
    parts = [cut(clean(job.model), 64)]
    parts += [f"{options['duration']} s"] if options.get("duration") is not None else []
    parts += [cut(clean(str(options[key])), 20) for key in ("resolution", "aspect_ratio") if options.get(key)]
    parts += [f"seed {options['seed']}"] if options.get("seed") is not None else []
    parts += ["with sound"] if options.get("audio") else []
    parts += _extras(job.asked.get("extras") or {})
    return " · ".join([*(part for part in parts if part), f"job {job.code}"])


def _extras(given: Mapping[str, Any]) -> list[str]:
    parts = [_extra(clean(name).replace("_", " "), value) for name, value in given.items()]
    rest = len(parts) - _MOST_EXTRAS
    return [*parts[:_MOST_EXTRAS], f"{rest} more"] if rest > 0 else parts


def _extra(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return cut(name if value else f"no {name}", 40)
    return f"{cut(name, 30)} {cut(clean(f'{value:g}' if isinstance(value, float) else str(value)), 24)}"


def notes(job: Job, vendor: Vendor) -> list[str]:
    """List what the member did not ask for and should know: another vendor, a model nobody checked, a long wait."""
    lines: list[str] = []
    if vendor.tried:
        before = f"{' and '.join(vendor.tried)} {'was' if len(vendor.tried) == 1 else 'were'} too busy or away"
        if job.task_id is not None:
            lines.append(f"{before}; {vendor.title} took it.")
        else:
            lines.append(f"{before}; {vendor.title} {'was asked' if job.state.terminal else 'is asked'} instead.")
    if not vendor.listed:
        sent = "is sent" if job.attempts == 0 else "was sent"
        lines.append(
            f"⚠️ {plain(job.model, 64) or 'That model'} is not in my list for {vendor.title}; it {sent} unchecked."
        )
    if not job.state.terminal and job.options.get("extras", {}).get("off_peak"):
        lines.append(f"Off-peak: {vendor.title} makes it within 48 hours, for fewer credits.")
    return lines


def _told(job: Job, vendor: Vendor, delivery: Delivery | None, link: str | None) -> tuple[str, str, Tone]:
    title = vendor.title
    match job.state:
        case State.CONFIRMING:
            words = (
                f"{title} would make it for **{credits_of(job.price)}**. It begins when you say yes; "
                f"unanswered it is called off{_until(job)}. {_reserved(job, until='until then')}"
            )
            return "Shall I?", words, Tone.WAITING
        case State.APPROVING:
            words = (
                f"It would cost **{credits_of(job.price)}**, so a moderator must agree first. "
                f"Unanswered it is called off{_until(job)}. {_reserved(job, until='until then')}"
            )
            return "Waiting for a moderator", words, Tone.WAITING
        case State.QUEUED:
            return _queued(job, title)
        case State.SUBMITTING:
            return f"Sending to {title}", f"It is on its way to {title}. {_reserved(job)}", Tone.WAITING
        case State.UNKNOWN:
            words = (
                f"I sent it, but I do not know whether {title} received it. It won't be sent twice: "
                f"I am finding out. {_reserved(job, still=True)}"
            )
            return f"Not sure that {title} has it", words, Tone.DOUBT
        case State.SUBMITTED:
            words = f"{title} has it{_since(job.submitted_at)} and will begin when its turn comes. {_reserved(job)}"
            return f"Waiting at {title}", f"{words}{_unstoppable(job, vendor)}", Tone.WORKING
        case State.PROCESSING:
            words = f"{title} is rendering{_since(job.changed_at)}. {_reserved(job)}"
            return f"Rendering at {title}", f"{words}{_unstoppable(job, vendor)}", Tone.WORKING
        case State.CANCELLING:
            return "Cancelling", _cancelling(job, vendor), Tone.DOUBT
        case _:
            return _ended(job, title, delivery, link)


def _ended(job: Job, title: str, delivery: Delivery | None, link: str | None) -> tuple[str, str, Tone]:
    match job.state:
        case State.FAILED:
            return "It did not work out", f"{failure(job.reason, title)} {_spent(job)}", Tone.FAILED
        case State.CANCELLED:
            return "Cancelled", _cancelled(job, title), Tone.STOPPED
        case State.EXPIRED:
            return "No answer in time", _expired(job, title), Tone.FAILED
        case _:
            return _succeeded(job, title, delivery, link)


def _queued(job: Job, title: str) -> tuple[str, str, Tone]:
    if job.attempts == 0 or job.due_at is None:
        return "Queued", f"It goes to {title} in a moment. {_reserved(job)}", Tone.WAITING
    why = "is busy" if job.reason == Reason.BUSY else "could not take it"
    words = f"{title} {why} right now. I try again <t:{job.due_at // 1000}:R>. {_reserved(job, still=True)}"
    return "Queued", words, Tone.WAITING


def _cancelling(job: Job, vendor: Vendor) -> str:
    if vendor.can_cancel:
        asked = "has been asked to stop" if job.cancel_sent_at else "is being asked to stop"
        return f"{vendor.title} {asked}. {_reserved(job, until='until it answers')}"
    return (
        f"{vendor.title} has no way to stop a {thing_of(job)} and may still charge for it. If it comes it is kept, but "
        f"not posted. {_reserved(job, until='until it is over')}"
    )


def _unstoppable(job: Job, vendor: Vendor) -> str:
    """Say beforehand that cancelling saves nothing, where that would surprise."""
    if vendor.can_cancel or job.operation not in {Operation.MUSIC_VIDEO, Operation.EDIT_SHOT, Operation.COMPOSE_SHOTS}:
        return ""
    return f" It can't be stopped at {vendor.title} any more."


def _succeeded(job: Job, title: str, delivery: Delivery | None, link: str | None) -> tuple[str, str, Tone]:
    took = time_of(((job.finished_at or job.changed_at) - job.created_at) / 1000)
    head = f"Done in {took} · {credits_of(job.price if job.charged is None else job.charged)}"
    state = delivery.state if delivery else DeliveryState.WAITING
    thing = thing_of(job)
    if state is DeliveryState.PARKED:
        where = f"It is kept here for a week: {link}" if link else "The file is kept; an admin can get it."
        return head, f"The {thing} is ready, but I could not post it in this channel. {where}", Tone.DOUBT
    if state is DeliveryState.POSTED:
        gone = f"The message with the {thing} was deleted."
        return head, (_jump(job, delivery.message_id) if delivery and delivery.message_id else gone), Tone.DONE
    if state is DeliveryState.DELETING:
        return head, f"The {thing} is being deleted. If it is still there, please press Delete once more.", Tone.STOPPED
    if state is DeliveryState.DELETED:
        return head, f"The {thing} was deleted, and its files with it.", Tone.STOPPED
    doing = "is being fetched" if state is DeliveryState.WAITING else "is being posted"
    return head, f"{title} is done, and the {thing} {doing}.", Tone.DONE


def _look_at(job: Job) -> str:
    thing = thing_of(job)
    return f"{'See' if thing == 'picture' else 'Watch'} the {thing}"


def _jump(job: Job, message_id: int) -> str:
    where = f"https://discord.com/channels/{job.guild_id or '@me'}/{job.channel_id}/{message_id}"
    return f"[{_look_at(job)}]({where})"


def _cancelled(job: Job, title: str) -> str:
    if job.attempts == 0 and job.cancelled_by is None:
        return f"Nobody agreed to the price in time, so nothing was sent. {_spent(job)}"
    if job.attempts == 0:
        return f"Nothing had been sent yet. {_spent(job)}"
    if job.charged:
        return f"{title} had done the work already. The {thing_of(job)} is kept, but not posted. {_spent(job)}"
    return f"It was called off, and no {thing_of(job)} came from {title}. {_spent(job)}"


def _expired(job: Job, title: str) -> str:
    if job.charged is None and job.task_id is None and job.due_at is None:
        return f"Nobody can say whether {title} received it. {_reserved(job, until='until an admin decides')}"
    if job.charged is None:
        return (
            f"{title} has said nothing for too long. If the {thing_of(job)} still comes, I post it. "
            f"{_reserved(job, until='until then')} If nothing comes, all of it returns."
        )
    if job.task_id is None and job.charged:
        return f"Nobody could find out whether {title} received it, and an admin counted it as made. {_spent(job)}"
    if job.submitted_at is None:
        return f"{title} could not be reached for so long that I gave up. {_spent(job)} Please try again."
    return f"{title} never finished it. {_spent(job)} Please try again."


_FAILURES: dict[str, str] = {
    Reason.BAD_ORDER: "{title} refused the request. Change the prompt or an option and try again.",
    Reason.CONTENT: "{title}'s content rules forbid it. Change the prompt or the picture and try again.",
    Reason.PICTURE: "{title} could not use the picture. Try another one, as PNG or JPEG.",
    Reason.CREDIT: "Our account at {title} has run out of credits. Please tell an admin of this bot.",
    Reason.ACCESS: "{title} does not let this bot in. Please tell an admin of this bot.",
    Reason.BUSY: "{title} is too busy. Please try again later.",
    Reason.VENDOR: "Something broke at {title}. That was not your doing; please try again.",
    Reason.NOT_FOUND: "{title} lost the task. That was not your doing; please try again.",
}


def failure(reason: str | None, title: str) -> str:
    """Say why a job failed and what to do about it."""
    return _FAILURES.get(reason or "", _FAILURES[Reason.VENDOR]).format(title=title)


def _reserved(job: Job, *, still: bool = False, until: str = "") -> str:
    if job.price == 0:
        return "No credits are reserved for it."
    verb = "stay reserved" if still or until else "are reserved"
    verb = verb.replace("stay", "stays").replace("are", "is") if job.price == 1 else verb
    return f"{credits_of(job.price)} {verb}{' ' + until if until else ''}."


def _spent(job: Job) -> str:
    if job.charged:
        back = job.price - job.charged
        return f"{credits_of(job.charged)} spent." + (f" {credits_of(back)} returned." if back else "")
    return f"Nothing was spent: {credits_of(job.price)} returned." if job.price else "Nothing was spent."


def _until(job: Job) -> str:
    return f" <t:{job.deadline_at // 1000}:R>"


def _since(moment: int | None) -> str:
    return "" if moment is None else f" (<t:{moment // 1000}:R>)"


def cancel_answer(outcome: CancelOutcome, job: Job | None, vendor: Vendor) -> str:
    """Answer a press of Cancel."""
    if job is None:
        return NOT_YOURS
    match outcome:
        case CancelOutcome.CANCELLED:
            return f"Cancelled before anything was sent. {_spent(job)}"
        case CancelOutcome.ASKED:
            return f"{vendor.title} is being asked to stop. {_reserved(job, until='until it answers')}"
        case CancelOutcome.CANNOT:
            return _cancelling(job, vendor)
        case CancelOutcome.OVER:
            if job.state is State.CANCELLING:
                return f"It is being cancelled already. {_reserved(job, still=True)}"
            return f"It is over already, so there was nothing to cancel. {_over(job)}"


def _over(job: Job) -> str:
    if job.state is State.SUCCEEDED:
        return f"The {thing_of(job)} cost {credits_of(job.price if job.charged is None else job.charged)}."
    return _reserved(job, still=True) if job.charged is None else _spent(job)


def deleted_answer(job: Job) -> str:
    """Answer a press of Delete."""
    cost = job.price if job.charged is None else job.charged
    spent = f"{credits_of(cost)} {'stays' if cost == 1 else 'stay'} spent" if cost else "It had cost nothing"
    return f"Deleted: the message and its files, so links to them lead nowhere. {spent}."


NOT_DELETED = (
    "I could not delete it just now. Please press Delete again in a moment. "
    "Files of it that are gone already stay gone, and credits that were spent stay spent."
)


def agreed_answer(job: Job | None) -> str:
    """Answer a press of yes, by the member or a moderator."""
    if job is None:
        return "There is nothing to agree to any more; the card shows how it stands. Nothing was changed."
    if job.state is State.APPROVING:
        return f"Thank you. At {credits_of(job.price)} a moderator must agree too; I have asked."
    return f"Thank you, it begins. {_reserved(job)}"


NOT_YOURS = (
    "I can't do that for you: it is not here any more, or it is somebody else's. "
    "The one who asked and the moderators of this server can. Nothing was changed."
)
