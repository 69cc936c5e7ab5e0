"""How credits and lengths of time are written, and what became of a job's credits. Pure."""

from enum import StrEnum

from bot.language import _, flow, ngettext, number
from storage.words import Job


def credits_of(amount: int) -> str:
    """Write an amount."""
    return ngettext("{count} credit", "{count} credits", amount).format(count=number(amount))


def time_of(seconds: float) -> str:
    """Write a length of time: 48 s, 2 min 5 s, 1 h 3 min."""
    whole = max(0, round(seconds))
    if whole < 60:
        return _("{seconds} s").format(seconds=whole)
    if whole < 3600 and whole % 60:
        return _("{minutes} min {seconds} s").format(minutes=whole // 60, seconds=whole % 60)
    if whole < 3600:
        return _("{minutes} min").format(minutes=whole // 60)
    return _("{hours} h {minutes} min").format(hours=whole // 3600, minutes=whole % 3600 // 60)


class Until(StrEnum):
    """How long credits stay reserved."""

    NOW = "now"
    FURTHER = "further"
    THEN = "then"
    ANSWERED = "answered"
    OVER = "over"
    CERTAIN = "certain"
    DECIDED = "decided"


def reserved(job: Job, until: Until = Until.NOW) -> str:
    """Say what is reserved for a job, and how long."""
    count = job.price
    if count == 0:
        return _("No credits are reserved for it.")
    match until:
        case Until.NOW:
            words = ngettext("{count} credit is reserved.", "{count} credits are reserved.", count)
        case Until.FURTHER:
            words = ngettext("{count} credit stays reserved.", "{count} credits stay reserved.", count)
        case Until.THEN:
            words = ngettext(
                "{count} credit stays reserved until then.", "{count} credits stay reserved until then.", count
            )
        case Until.ANSWERED:
            words = ngettext(
                "{count} credit stays reserved until it answers.",
                "{count} credits stay reserved until it answers.",
                count,
            )
        case Until.OVER:
            words = ngettext(
                "{count} credit stays reserved until it is over.",
                "{count} credits stay reserved until it is over.",
                count,
            )
        case Until.CERTAIN:
            words = ngettext(
                "{count} credit stays reserved until that is certain.",
                "{count} credits stay reserved until that is certain.",
                count,
            )
        case Until.DECIDED:
            words = ngettext(
                "{count} credit stays reserved until an admin decides.",
                "{count} credits stay reserved until an admin decides.",
                count,
            )
    return words.format(count=number(count))


def spent(job: Job) -> str:
    """Say what a job that is over has cost, and what came back."""
    if not job.charged:
        if not job.price:
            return _("Nothing was spent.")
        return _("Nothing was spent: {credits} returned.").format(credits=credits_of(job.price))
    back = job.price - job.charged
    gone = _("{credits} spent.").format(credits=credits_of(job.charged))
    returned = _("{credits} returned.").format(credits=credits_of(back))
    return flow(gone, returned) if back else gone
