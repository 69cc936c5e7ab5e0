"""What people read above and below a finished file. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.messages import Card, Tone, Vendor, credits_of, details, notes, subject, thing_of
from bot.plain import plain
from providers.orders import Operation
from storage.words import Job

NAME_MOST = 60


@dataclass(frozen=True, slots=True)
class Result:
    """The one result message: a headline above the files, and a card below them."""

    headline: str
    card: Card


def result_of(
    job: Job, vendor: Vendor, *, links: Sequence[str], missing: int, files: int, whole: Sequence[str] = ()
) -> Result:
    """Write the result message: `files` attached, `links` where they did not fit, `missing` not fetched.

    `whole`: addresses of those that were made smaller to be attached.
    """
    here = files + len(links)
    lines = [_headline(job, vendor, here, missing)]
    if links:
        lines += [f"{'It' if len(links) == 1 else 'They'} can't be attached here; this works for a week:", *links]
    if whole:
        full = ", ".join(f"[in full]({link})" for link in whole)
        lines.append(f"-# Made smaller to fit in here; {full}, for a week.")
    if missing and here:
        lines.append(f"{missing} more could not be fetched from {vendor.title}.")
    body = [subject(job), "", f"Asked by {plain(job.user_name, NAME_MOST) or 'somebody'} · made by {vendor.title}"]
    if missing and not here:
        body.append("Please tell an admin of this bot: the vendor keeps the file for a short while.")
    body += notes(job, vendor)
    good = bool(here) or _shots_alone(job, here, missing)
    return Result("\n".join(lines), Card("", "\n".join(body), Tone.DONE if good else Tone.FAILED, details(job)))


def _headline(job: Job, vendor: Vendor, here: int, missing: int) -> str:
    thing, cost = thing_of(job), credits_of(job.price if job.charged is None else job.charged)
    if _shots_alone(job, here, missing):
        return f"The shots of your music video are ready · {cost}\nPut them together with Compose on the card above."
    if not here:
        return f"{vendor.title} made the {thing}, but its file could not be fetched · {cost}"
    return f"Your {thing} is ready · {cost}" if here + missing == 1 else f"Your {thing}s are ready · {cost}"


def _shots_alone(job: Job, here: int, missing: int) -> bool:
    """Tell a music video that came in pieces: the vendor puts shots together up to three minutes only."""
    return job.operation == Operation.MUSIC_VIDEO and bool(job.shots) and here + missing != 1
