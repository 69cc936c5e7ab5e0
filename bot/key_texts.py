"""What is said about servers' own keys: in the panel, after each act, and where admins are told. Holds no key."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.language import _, both, flow, ngettext, number
from jobs.own_keys import Flaw, Put, Tried, Verdict
from jobs.tries import MOST
from storage.words import Alert, AlertKind, Job, StoredKey

OF_KEYS = {AlertKind.CREDIT, AlertKind.ACCESS, AlertKind.KEY}


def alert_of(alert: Alert, title: str, job: Job) -> str:
    """Say what is wrong with a key that an admin of the server typed, and what to do about it."""
    match alert.kind:
        case AlertKind.CREDIT:
            text = _(
                "**This server's own account at {vendor} is out of credits**, so it refuses what members ask for "
                "(first job {code}). Add credits there; until then members can name another provider. "
                "Nothing was spent."
            )
        case AlertKind.ACCESS:
            text = _(
                "**{vendor} does not let this server's own key in** (first job {code}). Look at the key in your "
                "account there, then type it again with `/setup`, page “Vendor keys”. Jobs that were not taken yet "
                "cost nothing; those already made with it are asked about as long as they last."
            )
        case _:
            text = _(
                "**This server's own key at {vendor} can't be read any more** (first job {code}), so jobs wait and "
                "nothing is spent. Type it again with `/setup`, page “Vendor keys”, or ask whoever runs this bot "
                "whether its secret keys were changed."
            )
    return "⚠️ " + text.format(vendor=title, code=job.code)


@dataclass(frozen=True, slots=True)
class Shown:
    """A vendor on the page."""

    title: str
    key: StoredKey | None  # the server's own
    unreadable: bool
    operators: bool  # whoever runs the bot has a key there


def summary(own: Sequence[str]) -> str:
    """Say in a line whose accounts are used."""
    if own:
        return _("This server's own: {vendors}. Elsewhere: whoever runs this bot pays.").format(vendors=both(own))
    return _("None of this server's own: whoever runs this bot pays.")


def about() -> str:
    """Say what the page is for."""
    return _(
        "With a key of its own, this server's videos at that vendor go on its own account, and credits and budgets go "
        "on counting here. A key is stored encrypted, for this server alone, and is never shown again."
    )


def line(shown: Shown) -> str:
    """Say whose account a vendor's is."""
    key = shown.key
    if key is None:
        whose = _("paid by whoever runs this bot") if shown.operators else _("not set up: set a key to use it here")
        return f"**{shown.title}**: {whose}"
    ends = f" `…{key.hint}`" if key.hint else ""
    set_ = _("set {when} by {who}").format(when=f"<t:{key.set_at // 1000}:d>", who=f"<@{key.set_by}>")
    own, trouble = _("own key"), ""
    if shown.unreadable:
        trouble = _("It cannot be read any more, so it is not used. Type it again.")
    elif key.refused_at is not None:
        trouble = _("The vendor refused it {when}.").format(when=f"<t:{key.refused_at // 1000}:R>")
    text = f"**{shown.title}**: {own}{ends}, {set_}"
    return f"{text}\n⚠️ {trouble}" if trouble else text


def really(title: str, key: StoredKey) -> str:
    """Ask whether a key is to go."""
    ends = f"`…{key.hint}`" if key.hint else ""
    return _(
        "**Remove this server's own key at {vendor} {ends}?** What waits to be made with it is called off, and its "
        "credits are given back. What {vendor} is making goes on, and the key is erased when that is over."
    ).format(vendor=title, ends=ends)


def removed(title: str) -> str:
    """Say that a key is gone."""
    return _("This server's own key at {vendor} was removed.").format(vendor=title)


def form_title(title: str) -> str:
    """Head the form; Discord shows 45 characters."""
    return _("This server's key at {vendor}").format(vendor=title)


def flawed(flaw: Flaw) -> str:
    """Say why what was typed is no key. Never quotes it."""
    words = {
        Flaw.MISSING: _("There was no key in the form."),
        Flaw.HALF: _("An access key and its secret key belong together: type both, or an API key instead."),
        Flaw.BOTH: _("Type either an API key, or an access key with its secret key, and not both."),
        Flaw.MALFORMED: _("That is no key: there is a blank or a letter in it that no key has, or it is too short."),
    }
    unchanged = _("Nothing was changed.")
    return flow(words[flaw], unchanged)


def too_many(free_at: int) -> str:
    """Say that no more keys are tried for a while; milliseconds."""
    words = _(
        "You or this server have tried as many keys as I try within an hour ({count}). "
        "Please try again {when}. Nothing was changed."
    )
    return words.format(count=number(MOST), when=f"<t:{-(-free_at // 1000)}:R>")


def wrong(title: str, http: int | None) -> str:
    """Say that the vendor does not know a key."""
    if http is None:
        return _("{vendor} does not take this key. Copy it whole from your account there. Nothing was changed.").format(
            vendor=title
        )
    return _(
        "{vendor} does not take this key (HTTP {code}). Copy it whole from your account there. Nothing was changed."
    ).format(vendor=title, code=http)


def stored(title: str, put: Put, tried: Tried) -> str:
    """Say that a key is stored, and what the vendor said of it."""
    if put.same:
        return _("That very key is set at {vendor} already. Nothing was changed.").format(vendor=title)
    if put.replaced:
        text = _("This server's own key at {vendor} was replaced.").format(vendor=title)
    else:
        text = _("This server's own key at {vendor} is set.").format(vendor=title)
    if put.still_running:
        more = ngettext(
            "{count} job goes on with the key before: let that one live at the vendor until it is done.",
            "{count} jobs go on with the key before: let that one live at the vendor until they are done.",
            put.still_running,
        )
        text = flow(text, more.format(count=put.still_running))
    return flow(text, _said_of(title, tried))


def _said_of(title: str, tried: Tried) -> str:
    match tried.verdict:
        case Verdict.RIGHT if tried.balance is not None and tried.balance.credits is not None:
            words = _("{vendor} knows it; left there: {credits} credits.")
            return words.format(vendor=title, credits=number(tried.balance.credits))
        case Verdict.RIGHT:
            return _("{vendor} knows it.").format(vendor=title)
        case Verdict.UNASKED:
            return _("{vendor} has no way to try a key without spending: the first job will show.").format(vendor=title)
        case _:
            return _("{vendor} could not be asked about it just now: the first job will show.").format(vendor=title)


def not_admin() -> str:
    """Refuse somebody who is no admin."""
    return _("Only people who may manage this server can see or change its keys. Nothing was changed.")


def not_stored() -> str:
    """Say that nothing could be stored."""
    return _("I can't store anything just now, so nothing was changed. Please try again in a minute.")
