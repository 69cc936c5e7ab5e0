"""What people read above and below a finished file. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.amounts import credits_of
from bot.language import _, listed, ngettext
from bot.messages import Card, Tone, Vendor, details, notes, subject
from bot.plain import plain
from providers.orders import Operation
from storage.words import Job

NAME_MOST = 60


@dataclass(frozen=True, slots=True)
class Result:
    """The one result message: a headline above the files, and a card below them."""

    headline: str
    card: Card
    by: str  # who asked for it and who made it; the card has it too


def result_of(
    job: Job, vendor: Vendor, *, links: Sequence[str], missing: int, files: int, whole: Sequence[str] = ()
) -> Result:
    """Write the result message: `files` attached, `links` where they did not fit, `missing` not fetched.

    `whole`: addresses of those that were made smaller to be attached.
    """
    here = files + len(links)
    lines = [_headline(job, vendor, here, missing)]
    if links:
        words = ngettext(
            "It can't be attached here; this works for a week:",
            "They can't be attached here; this works for a week:",
            len(links),
        )
        lines += [words, *links]
    if whole:
        shown = _("in full")
        full = listed(f"[{shown}]({link})" for link in whole)
        lines.append("-# " + _("Made smaller to fit in here; {links}, for a week.").format(links=full))
    if missing and here:
        words = ngettext(
            "{count} more could not be fetched from {vendor}.",
            "{count} more could not be fetched from {vendor}.",
            missing,
        )
        lines.append(words.format(count=missing, vendor=vendor.title))
    by = _("Asked by {member} · made by {vendor}")
    who = plain(job.user_name, NAME_MOST) or _("somebody")
    by = by.format(member=who, vendor=vendor.title)
    body = [subject(job), "", by]
    if missing and not here:
        words = _(
            "Please tell an admin of this bot soon: {vendor} keeps the file for a short while. "
            "What it cost stays spent."
        )
        body.append(words.format(vendor=vendor.title))
    body += notes(job, vendor)
    good = bool(here) or _shots_alone(job, here, missing)
    return Result("\n".join(lines), Card("", "\n".join(body), Tone.DONE if good else Tone.FAILED, details(job)), by)


def _headline(job: Job, vendor: Vendor, here: int, missing: int) -> str:
    cost = credits_of(job.price if job.charged is None else job.charged)
    if _shots_alone(job, here, missing):
        ready = _("The shots of your music video are ready · {credits}").format(credits=cost)
        return "\n".join([ready, _("Put them together with Compose on the card above.")])
    if not here:
        words = _("{vendor} has made it, but the file could not be fetched · {credits}")
        return words.format(vendor=vendor.title, credits=cost)
    count = here + missing
    match job.operation:
        case Operation.MUSIC_VIDEO | Operation.COMPOSE_SHOTS:
            words = ngettext("Your music video is ready · {credits}", "Your music videos are ready · {credits}", count)
        case Operation.EDIT_SHOT:
            words = ngettext("Your shot is ready · {credits}", "Your shots are ready · {credits}", count)
        case _ if Operation(job.operation).makes == "image":
            words = ngettext("Your picture is ready · {credits}", "Your pictures are ready · {credits}", count)
        case _:
            words = ngettext("Your video is ready · {credits}", "Your videos are ready · {credits}", count)
    return words.format(credits=cost)


def _shots_alone(job: Job, here: int, missing: int) -> bool:
    """Tell a music video that came in pieces: the vendor puts shots together up to three minutes only."""
    return job.operation == Operation.MUSIC_VIDEO and bool(job.shots) and here + missing != 1
