"""What a server's admins are told that only they can mend or decide. Pure; strangers' words come made harmless."""

from bot import messages
from bot.amounts import credits_of
from bot.key_texts import OF_KEYS, alert_of
from bot.language import N_, _, ngettext, number
from storage.words import COMMAND_LINE, Alert, AlertKind, Job, State

# Beside the signs that begin them; the rest has a sentence of its own below.
_TEXTS: dict[AlertKind, tuple[str, str]] = {
    AlertKind.CREDIT: (
        "⚠️",
        N_(
            "**Our account at {vendor} is out of credits**, so it refuses what members ask for (first job {code}). "
            "Add credits there; until then members can name another provider. Nothing was spent."
        ),
    ),
    AlertKind.ACCESS: (
        "⚠️",
        N_(
            "**{vendor} does not let this bot in**, so nothing can be made there (first job {code}). "
            "Check its key and address in the bot's settings: `rushes check`. Nothing was spent."
        ),
    ),
    AlertKind.TWICE: (
        "👯",
        N_(
            "**{vendor} seems to have made job {code}, though it had turned it away.** It was given to another "
            "provider, and only what that one costs is counted here. Look at your account at {vendor}: "
            "it may have charged for a second one."
        ),
    ),
    AlertKind.LOST: (
        "📭",
        N_(
            "**{vendor} made job {code}, but none of its files could be fetched.** It keeps them for a short "
            "while: look into your account there soon, save them, and give them to {member}. What it cost stays "
            "spent."
        ),
    ),
    AlertKind.HOST: (
        "🛂",
        N_(
            "**{vendor} made job {code}, but its result lies at `{host}`, which is none of the hosts allowed.** If "
            "that host is {vendor}'s, whoever runs this bot adds it to `{setting}` and restarts it: the result is "
            "then fetched and posted. It is tried for a day. What it cost stays spent."
        ),
    ),
    AlertKind.PARKED: (
        "📪",
        N_(
            "**I could not post the result of job {code} in {channel}**, nor send it to {member}. Check that I may "
            "see that channel, send messages there, in threads too, and attach files. Results are kept for a week: "
            "the member finds theirs with `/jobs`. What it cost stays spent. "
            "I tell this once a day for each channel."
        ),
    ),
    AlertKind.STRAY: (
        "👯",
        N_(
            "**{vendor} charges for job {code} beyond its credits.** It was sent a second time when nobody could find "
            "out whether it had arrived, or it came to light after its credits were given back. One result at the "
            "most is posted. What this cost is spent all the same, and nobody's budget pays for it: `/credits` shows "
            "it as drift."
        ),
    ),
}


def text_of(alert: Alert, title: str, job: Job, host: str = "") -> str:
    """Say what is wrong and what to do about it."""
    if alert.kind is AlertKind.KEY or (alert.kind in OF_KEYS and job.key_id is not None):
        return alert_of(alert, title, job)
    if alert.kind is AlertKind.APPROVAL:
        return _approval(title, job)
    if alert.kind is AlertKind.DOUBT:
        sign, words = "❓", _doubt(job.price)
    else:
        sign, marked = _TEXTS[alert.kind]
        words = _(marked)
    where, who = f"<#{job.room_id}>", f"<@{job.user_id}>"
    about = {"host": host or "?", "setting": f"{alert.provider.upper()}_RESULT_HOSTS"}
    told = words.format(vendor=title, code=job.code, count=number(job.price), channel=where, member=who, **about)
    return f"{sign} {told}"


def _doubt(price: int) -> str:
    return ngettext(
        "**Nobody can find out whether {vendor} received job {code} of {member}.** {count} credit stays reserved until "
        "you decide. Look at your account there: if it never got the job, give the credits back; if it did, count "
        "them as spent. On the command line that is `rushes release {code}` and `rushes charge {code}`.",
        "**Nobody can find out whether {vendor} received job {code} of {member}.** {count} credits stay reserved until "
        "you decide. Look at your account there: if it never got the job, give the credits back; if it did, count "
        "them as spent. On the command line that is `rushes release {code}` and `rushes charge {code}`.",
        price,
    )


def _approval(title: str, job: Job) -> str:
    where = f"https://discord.com/channels/{job.guild_id}/{job.channel_id}"
    card = f"{where}/{job.card_message_id}" if job.card_message_id else where
    words = _("{member} asks for something that costs **{credits}** at {vendor} ([see it]({card})):").format(
        member=f"<@{job.user_id}>", credits=credits_of(job.price), vendor=title, card=card
    )
    return f"💳 {words}\n{messages.subject(job)}\n-# {messages.details(job)}"


def decision_of(alert: Alert, job: Job, decided: tuple[int, str] | None) -> str:
    """Say how a question was answered; `decided`: who did what, where somebody here did."""
    if alert.kind is AlertKind.DOUBT:
        return _resolved(job, decided)
    if decided is not None:
        return "✅ " + _("Approved by {moderator}.").format(moderator=f"<@{decided[0]}>")
    if job.cancelled_by == job.user_id:
        return "↩️ " + _("{member} has taken it back; nothing was spent.").format(member=f"<@{job.user_id}>")
    if job.cancelled_by is not None:
        return "🚫 " + _("Refused by {moderator}; nothing was spent.").format(moderator=f"<@{job.cancelled_by}>")
    return "⌛ " + _("Nobody decided in time; nothing was spent.")


def _resolved(job: Job, decided: tuple[int, str] | None) -> str:
    credits = credits_of(job.charged or job.price)
    if decided is not None and decided[0] == COMMAND_LINE:
        decided = None
    if decided is not None and decided[1] == "release":
        return "↩️ " + _("Given back by {admin}: {credits}.").format(admin=f"<@{decided[0]}>", credits=credits)
    if decided is not None:
        return "✅ " + _("Counted as spent by {admin}: {credits}.").format(admin=f"<@{decided[0]}>", credits=credits)
    if job.state is State.SUCCEEDED:
        return "✅ " + _("{credits} spent: its result came after all.").format(credits=credits)
    if job.charged:
        return "✅ " + _("Counted as spent: {credits}.").format(credits=credits)
    return "↩️ " + _("Given back: {credits}.").format(credits=credits)
