"""What is answered to a press of a button on a card or a result. Pure."""

from bot.amounts import Until, credits_of, reserved, spent
from bot.language import _, flow, ngettext, number
from bot.messages import Vendor, cancelling
from jobs.cancel import CancelOutcome
from storage.words import Job, Limit, LimitKind, State


def cancel_answer(outcome: CancelOutcome, job: Job, vendor: Vendor) -> str:
    """Answer a press of Cancel."""
    match outcome:
        case CancelOutcome.CANCELLED:
            return flow(_("Cancelled before anything was sent."), spent(job))
        case CancelOutcome.ASKED if job.task_id is not None:
            asked = _("{vendor} is being asked to stop.").format(vendor=vendor.title)
            return flow(asked, reserved(job, Until.ANSWERED))
        case CancelOutcome.ASKED | CancelOutcome.CANNOT:
            return cancelling(job, vendor)
        case CancelOutcome.OVER:
            if job.state is State.CANCELLING:
                return flow(_("It is being cancelled already."), reserved(job, Until.FURTHER))
            return flow(_("It is over already, so there was nothing to cancel."), _over(job))


def _over(job: Job) -> str:
    if job.state is State.SUCCEEDED:
        cost = credits_of(job.price if job.charged is None else job.charged)
        return _("It cost {credits}.").format(credits=cost)
    return reserved(job, Until.FURTHER) if job.charged is None else spent(job)


def deleted_answer(job: Job) -> str:
    """Answer a press of Delete."""
    cost = job.price if job.charged is None else job.charged
    done = _("Deleted: the message and its files, so links to them lead nowhere.")
    if not cost:
        return flow(done, _("It had cost nothing."))
    words = ngettext("{count} credit stays spent.", "{count} credits stay spent.", cost)
    return flow(done, words.format(count=number(cost)))


def not_deleted() -> str:
    """Say that a deletion did not come to its end."""
    return _(
        "I could not delete it just now. Please press Delete again in a moment. "
        "Files of it that are gone already stay gone, and credits that were spent stay spent."
    )


def agreed_answer(job: Job | None, *, asked: bool = True) -> str:
    """Answer a press of yes, by the member or a moderator. `asked`: moderators are told of it in a channel."""
    if job is None:
        return _("There is nothing to agree to any more; the card shows how it stands. Nothing was changed.")
    if job.state is State.APPROVING and not asked:
        words = _("Thank you. At {credits} a moderator must agree too, with the button on this card.")
        return words.format(credits=credits_of(job.price))
    if job.state is State.APPROVING:
        words = _("Thank you. At {credits} a moderator must agree too; I have asked.")
        return words.format(credits=credits_of(job.price))
    return flow(_("Thank you, it begins."), reserved(job))


def not_approved(job: Job, limit: Limit) -> str:
    """Tell a moderator what keeps a job from beginning: its member is blocked, or a budget would be overdrawn."""
    if limit.kind is LimitKind.BLOCKED:
        words = _("It does not begin: {member} is blocked from using this bot here, until you lift it.")
        words = words.format(member=f"<@{job.user_id}>")
    else:
        words = _("It does not begin: it would cost {price}, and a budget here has less left by now.")
        words = words.format(price=credits_of(job.price))
    return flow(words, reserved(job, Until.FURTHER))


def not_yours(*, server: bool = True) -> str:
    """Refuse a press, in the same words whatever the reason. `server`: it was pressed where there are moderators."""
    if not server:
        return _(
            "I can't do that for you: it is not here any more, or it is somebody else's. "
            "Only the one who asked can. Nothing was changed."
        )
    return _(
        "I can't do that for you: it is not here any more, or it is somebody else's. "
        "The one who asked and the moderators of this server can. Nothing was changed."
    )
