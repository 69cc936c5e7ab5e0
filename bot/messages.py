"""What people read about a job: what happened, what to do next, and what became of the credits. Pure.

Words of strangers (prompt, model, name) pass through bot/plain.py; a vendor's own words are never shown.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot import shots
from bot.amounts import Until, credits_of, reserved, spent, time_of
from bot.language import N_, _, both, flow, ngettext
from bot.plain import clean, cut, plain
from bot.ways import notice_of
from providers.contract import Reason
from providers.orders import Operation
from storage.codes import job_code
from storage.words import Delivery, DeliveryState, Job, Outlook, Place, State, Way

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
    title, words, tone = _told(job, vendor, delivery, link, empty=empty)
    lines = [subject(job), "", words, *_time_left(job, outlook), *notes(job, vendor), *notice_of(job)]
    if job.shots:
        lines += ["", *shots.listing(job)]
    return Card(title, "\n".join(lines), tone, details(job))


def _time_left(job: Job, outlook: Outlook | None) -> list[str]:
    """Say what our own history tells about the time, and nothing where that is too little."""
    if outlook is None:
        return []
    if job.state is State.QUEUED and outlook.ahead:
        waiting = ngettext(
            "{count} before it waits for the same provider.",
            "{count} before it wait for the same provider.",
            outlook.ahead,
        )
        return [f"-# {waiting.format(count=outlook.ahead)}"]
    if job.state not in {State.SUBMITTED, State.PROCESSING} or outlook.usual is None or outlook.slow is None:
        return []
    begun = job.submitted_at or job.changed_at
    usual, slow = (begun + outlook.usual) // 1000, (begun + outlook.slow) // 1000
    # Moments, not a countdown: nobody redraws the card when one has passed.
    words = _("Usually ready by {usual}, nine times of ten by {slow} (the last {count} like it).")
    return ["-# " + words.format(usual=f"<t:{usual}:T>", slow=f"<t:{slow}:T>", count=outlook.alike)]


def subject(job: Job) -> str:
    """Say what a job is about, as a quote: its prompt, or which shots it puts together."""
    most = _PROMPT_ABOVE_SHOTS if job.shots else PROMPT_MOST
    if job.root_id is None:
        return quoted(job.prompt, most)
    code = job_code(job.root_id)
    if job.operation == Operation.EDIT_SHOT:
        anew = _("A shot of music video {code}, made anew").format(code=code)
        return f"{quoted(job.prompt, most)}\n-# {anew}"
    count = len(job.options.get("shots", ()))
    together = ngettext(
        "{count} shot of music video {code}, put together", "{count} shots of music video {code}, put together", count
    )
    return f"> {together.format(count=count, code=code)}"


def quoted(prompt: str, most: int = PROMPT_MOST) -> str:
    """Show a prompt as a quote."""
    shown = plain(prompt, most) if clean(prompt) else _("(no prompt)")
    return f"> {shown}"


def details(job: Job) -> str:
    """List what was asked for, in one line."""
    options = job.options
    parts = [cut(clean(job.model), 64)]
    parts += [_("{seconds} s").format(seconds=options["duration"])] if options.get("duration") is not None else []
    parts += [cut(clean(str(options[key])), 20) for key in ("resolution", "aspect_ratio") if options.get(key)]
    parts += [_("seed {number}").format(number=options["seed"])] if options.get("seed") is not None else []
    parts += [_("with sound")] if options.get("audio") else []
    parts += _extras(job.asked.get("extras") or {})
    return " · ".join([*(part for part in parts if part), _("job {code}").format(code=job.code)])


def _extras(given: Mapping[str, Any]) -> list[str]:
    parts = [_extra(clean(name).replace("_", " "), value) for name, value in given.items()]
    rest = len(parts) - _MOST_EXTRAS
    return [*parts[:_MOST_EXTRAS], _("{count} more").format(count=rest)] if rest > 0 else parts


def _extra(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return cut(name if value else _("no {name}").format(name=name), 40)
    return f"{cut(name, 30)} {cut(clean(f'{value:g}' if isinstance(value, float) else str(value)), 24)}"


def notes(job: Job, vendor: Vendor) -> list[str]:
    """List what the member did not ask for and should know: another vendor, a model nobody checked, a long wait."""
    lines: list[str] = []
    if vendor.tried:
        lines.append(_went_round(vendor))
    if not vendor.listed:
        model = plain(job.model, 64) or _("That model")
        words = _("{model} is not in my list for {vendor}; it goes there unchecked.")
        lines.append("⚠️ " + words.format(model=model, vendor=vendor.title))
    if not job.state.terminal and job.options.get("extras", {}).get("off_peak"):
        words = _("Off-peak: {vendor} makes it within 48 hours, for fewer credits.")
        lines.append(words.format(vendor=vendor.title))
    return lines


def _went_round(vendor: Vendor) -> str:
    """Say which vendors could not take a job."""
    words = ngettext(
        "{others} was too busy or away, so I turned to {vendor}.",
        "{others} were too busy or away, so I turned to {vendor}.",
        len(vendor.tried),
    )
    return words.format(others=both(vendor.tried), vendor=vendor.title)


def _told(
    job: Job, vendor: Vendor, delivery: Delivery | None, link: str | None, *, empty: bool
) -> tuple[str, str, Tone]:
    title = vendor.title
    match job.state:
        case State.CONFIRMING:
            words = _(
                "{vendor} would make it for **{credits}**. It begins when you say yes; "
                "unanswered it is called off {when}."
            )
            words = words.format(vendor=title, credits=credits_of(job.price), when=_deadline(job))
            return _("Shall I?"), flow(words, reserved(job, Until.THEN)), Tone.WAITING
        case State.APPROVING:
            words = _(
                "It would cost **{credits}**, so a moderator must agree first. Unanswered it is called off {when}."
            )
            words = words.format(credits=credits_of(job.price), when=_deadline(job))
            return _("Waiting for a moderator"), flow(words, reserved(job, Until.THEN)), Tone.WAITING
        case State.QUEUED:
            return _queued(job, title)
        case State.SUBMITTING:
            words = _("It is on its way to {vendor}.").format(vendor=title)
            return _("Sending to {vendor}").format(vendor=title), flow(words, reserved(job)), Tone.WAITING
        case State.UNKNOWN:
            words = _(
                "I sent it, but I do not know whether {vendor} received it. It won't be sent twice: I am finding out."
            ).format(vendor=title)
            head = _("Not sure that {vendor} has it").format(vendor=title)
            return head, flow(words, reserved(job, Until.FURTHER)), Tone.DOUBT
        case State.SUBMITTED:
            words = _("{vendor} took it {when} and will begin when its turn comes.")
            words = words.format(vendor=title, when=_ago(job.submitted_at or job.changed_at))
            head = _("Waiting at {vendor}").format(vendor=title)
            return head, flow(words, reserved(job), _unstoppable(job, vendor)), Tone.WORKING
        case State.PROCESSING:
            words = _("{vendor} began to render it {when}.").format(vendor=title, when=_ago(job.changed_at))
            head = _("Rendering at {vendor}").format(vendor=title)
            return head, flow(words, reserved(job), _unstoppable(job, vendor)), Tone.WORKING
        case State.CANCELLING:
            return _("Cancelling"), cancelling(job, vendor), Tone.DOUBT
        case _:
            return _ended(job, title, delivery, link, empty=empty)


def _ended(job: Job, title: str, delivery: Delivery | None, link: str | None, *, empty: bool) -> tuple[str, str, Tone]:
    match job.state:
        case State.FAILED:
            return _("It did not work out"), flow(failure(job.reason, title), spent(job)), Tone.FAILED
        case State.CANCELLED:
            return _("Cancelled"), _cancelled(job, title), Tone.STOPPED
        case State.EXPIRED:
            return _("No answer in time"), _expired(job, title), Tone.FAILED
        case _:
            return _succeeded(job, title, delivery, link, empty=empty)


def _queued(job: Job, title: str) -> tuple[str, str, Tone]:
    if job.attempts == 0 or job.due_at is None:
        words = _("It goes to {vendor} in a moment.").format(vendor=title)
        return _("Queued"), flow(words, reserved(job)), Tone.WAITING
    if job.reason == Reason.BUSY:
        words = _("{vendor} is busy right now. I try again {when}.")
    else:
        words = _("{vendor} could not take it right now. I try again {when}.")
    words = words.format(vendor=title, when=f"<t:{job.due_at // 1000}:R>")
    return _("Queued"), flow(words, reserved(job, Until.FURTHER)), Tone.WAITING


def cancelling(job: Job, vendor: Vendor) -> str:
    """Say what a job is waiting for that is to be stopped."""
    if job.task_id is None:
        if vendor.can_cancel:
            words = _("Nobody knows yet whether {vendor} received it. If it turns up there, I have it stopped.")
        else:
            words = _("Nobody knows yet whether {vendor} received it. If a result comes, it is kept, but not posted.")
        return flow(words.format(vendor=vendor.title), reserved(job, Until.CERTAIN))
    if not vendor.can_cancel:
        words = _(
            "{vendor} has no way to stop it any more and may still charge for it. If something comes it is kept, "
            "but not posted."
        )
        return flow(words.format(vendor=vendor.title), reserved(job, Until.OVER))
    words = _("{vendor} has been asked to stop.") if job.cancel_sent_at else _("{vendor} is being asked to stop.")
    return flow(words.format(vendor=vendor.title), reserved(job, Until.ANSWERED))


def _unstoppable(job: Job, vendor: Vendor) -> str:
    """Say beforehand that cancelling saves nothing, where that would surprise."""
    if vendor.can_cancel or job.operation not in {Operation.MUSIC_VIDEO, Operation.EDIT_SHOT, Operation.COMPOSE_SHOTS}:
        return ""
    return _("It can't be stopped at {vendor} any more.").format(vendor=vendor.title)


def _succeeded(
    job: Job, title: str, delivery: Delivery | None, link: str | None, *, empty: bool
) -> tuple[str, str, Tone]:
    took = time_of(((job.finished_at or job.changed_at) - job.created_at) / 1000)
    cost = credits_of(job.price if job.charged is None else job.charged)
    head = _("Done in {time} · {credits}").format(time=took, credits=cost)
    match delivery.state if delivery else DeliveryState.WAITING:
        case DeliveryState.PARKED if link:
            words = _("It is ready, but I could not post it in this channel. It is kept here for a week: {link}")
            return head, words.format(link=link), Tone.DOUBT
        case DeliveryState.PARKED:
            words = _("It is ready, but I could not post it in this channel. The file is kept; an admin can get it.")
            return head, words, Tone.DOUBT
        case DeliveryState.POSTED if delivery and delivery.message_id:
            return head, _jump(job, delivery, empty=empty), Tone.DONE
        case DeliveryState.POSTED:
            return head, _("The message with the result was deleted."), Tone.DONE
        case DeliveryState.DELETING:
            words = _("The result is being deleted. If it is still there, please press Delete once more.")
            return head, words, Tone.STOPPED
        case DeliveryState.DELETED:
            return head, _("The result was deleted, and its files with it."), Tone.STOPPED
        case DeliveryState.WAITING:
            return head, _("{vendor} is done, and the result is being fetched.").format(vendor=title), Tone.DONE
        case _:
            return head, _("{vendor} is done, and the result is being posted.").format(vendor=title), Tone.DONE


def _jump(job: Job, delivery: Delivery, *, empty: bool) -> str:
    if delivery.way is Way.DIRECT:
        return _("It is ready. I could not post it here, so I sent it to whoever asked for it, in direct messages.")
    if job.place is Place.BROUGHT:
        return _("It is ready.")
    if empty and job.operation == Operation.MUSIC_VIDEO:
        words = _("See the result")
    else:
        words = _("See the picture") if Operation(job.operation).makes == "image" else _("Watch the video")
    return f"[{words}]({address_of(job, delivery)})"


def address_of(job: Job, delivery: Delivery) -> str:
    """Give the address of a posted result in Discord."""
    server = job.guild_id if job.guild_id and delivery.way is not Way.DIRECT else "@me"
    return f"https://discord.com/channels/{server}/{delivery.channel_id or job.channel_id}/{delivery.message_id}"


def _cancelled(job: Job, title: str) -> str:
    if job.attempts == 0 and job.cancelled_by is None:
        words = _("Nobody agreed to the price in time, so nothing was sent.")
    elif job.attempts == 0:
        words = _("Nothing had been sent yet.")
    elif job.charged:
        words = _("{vendor} had done the work already. The result is kept, but not posted.").format(vendor=title)
    else:
        words = _("It was called off, and nothing came from {vendor}.").format(vendor=title)
    return flow(words, spent(job))


def _expired(job: Job, title: str) -> str:
    if job.charged is None and job.task_id is None and job.due_at is None:
        words = _("Nobody can say whether {vendor} received it.").format(vendor=title)
        return flow(words, reserved(job, Until.DECIDED))
    if job.charged is None and job.cancelled_by is not None:
        words = _("It was cancelled, and {vendor} says nothing. If a result still comes, it is kept, but not posted.")
        return flow(words.format(vendor=title), reserved(job, Until.CERTAIN))
    if job.charged is None:
        words = _("{vendor} has said nothing for too long. If the result still comes, I post it.").format(vendor=title)
        return flow(words, reserved(job, Until.THEN), _("If nothing comes, all of it returns."))
    if job.task_id is None and job.charged:
        words = _("Nobody could find out whether {vendor} received it, and an admin counted it as made.")
        return flow(words.format(vendor=title), spent(job))
    if job.task_id is None and job.attempts and job.reason != Reason.BUSY:
        words = _("Nobody could find out whether {vendor} received it, and an admin gave the credits back.")
    elif job.submitted_at is None:
        words = _("{vendor} could not be reached for so long that I gave up.")
    else:
        words = _("{vendor} never finished it.")
    return flow(words.format(vendor=title), spent(job), _("Please try again."))


_FAILURES: dict[str, str] = {
    Reason.BAD_ORDER: N_("{vendor} refused the request. Change the prompt or an option and try again."),
    Reason.CONTENT: N_("{vendor}'s content rules forbid it. Change the prompt or the picture and try again."),
    Reason.PICTURE: N_("{vendor} could not use the picture. Try another one, as PNG or JPEG."),
    Reason.CREDIT: N_("Our account at {vendor} has run out of credits. Please tell an admin of this bot."),
    Reason.ACCESS: N_("{vendor} does not let this bot in. Please tell an admin of this bot."),
    Reason.BUSY: N_("{vendor} is too busy. Please try again later."),
    Reason.VENDOR: N_("Something broke at {vendor}. That was not your doing; please try again."),
    Reason.NOT_FOUND: N_("{vendor} lost the task. That was not your doing; please try again."),
}


def failure(reason: str | None, title: str) -> str:
    """Say why a job failed and what to do about it."""
    return _(_FAILURES.get(reason or "", _FAILURES[Reason.VENDOR])).format(vendor=title)


def _deadline(job: Job) -> str:
    return f"<t:{job.deadline_at // 1000}:R>"


def _ago(moment: int) -> str:
    return f"<t:{moment // 1000}:R>"
