"""What people read when a request cannot be taken: each says what is wrong, what would be right, and the cost. Pure."""

from collections.abc import Sequence

from bot.amounts import credits_of, time_of
from bot.labels import capital, label
from bot.language import N_, _, both, either, flow, ngettext, number
from bot.plain import clean, plain
from bot.problems import GIVEN_MOST, problem_text
from jobs.attachments import MOST_BYTES, Flaw
from jobs.intake import Hindered
from providers.orders import Problem
from storage.words import Limit, LimitKind, Period, Scope

_MOST_PROBLEMS = 5
_KEPT_MOST = 1500  # characters; a refusal has room for 4096


def nothing_spent() -> str:
    """Say that a refusal has cost nothing."""
    return _("Nothing was sent and nothing was spent.")


def at_no_cost(text: str) -> str:
    """End a refusal with what it has cost."""
    return f"{text}\n{nothing_spent()}"


def refused(problems: Sequence[Problem], title: str | None, able: Sequence[str] = ()) -> str:
    """List what is wrong with a request at a vendor (None: at all of them); `able`: models that would take it."""
    end = nothing_spent()
    if able:
        models = either(plain(one, GIVEN_MOST) for one in able)
        end = at_no_cost(_("It works as it is with {models}.").format(models=models))
    lines = [problem_text(problem, title) for problem in problems[:_MOST_PROBLEMS]]
    if len(lines) == 1:
        return f"{lines[0]}\n{end}"
    head = _("{vendor} can't do it like this:").format(vendor=title) if title else _("It can't be done like this:")
    return "\n".join([head, *(f"- {line}" for line in lines), end])


_FLAWS: dict[Flaw, str] = {
    Flaw.NOT_A_PICTURE: N_("{file} is not a PNG, JPEG or WebP picture, whatever its name says. Attach one of those."),
    Flaw.NOT_AN_AUDIO: N_("{file} is not an MP3, WAV, AAC or M4A recording, whatever its name says. Attach one."),
    Flaw.NOT_A_VIDEO: N_("{file} is not an MP4 or MOV video, whatever its name says. Attach one of those."),
    Flaw.NOT_SUBTITLES: N_("{file} is no SubRip subtitle file (.srt, as UTF-8 text). Attach one."),
    Flaw.TOO_MANY_PIXELS: N_("{file} has too many pixels to be opened safely. Make it smaller and try again."),
    Flaw.TOO_MANY_BYTES: N_("{file} is larger than {most} MB. Make it smaller and try again."),
    Flaw.DAMAGED: N_("{file} is damaged or incomplete. Save it anew and try again."),
}


def flawed(role: str, flaw: Flaw, most: int = MOST_BYTES) -> str:
    """Say what is wrong with a file; `most` bytes are taken in its role."""
    if flaw is Flaw.NOT_RECEIVED:
        return at_no_cost(_("Discord did not hand {file} over. Please try again.").format(file=label(role)))
    words = _(_FLAWS[flaw]).format(file=capital(label(role)), most=number(_whole_megabytes(most)))
    return at_no_cost(words)


def too_much_together(most: int) -> str:
    """Say that the files of one command are too large together."""
    words = _("These files together are larger than {most} MB. Make them smaller and try again.")
    return at_no_cost(words.format(most=number(most // 2**20)))


def line_not_read(line: str, offered: Sequence[str]) -> str:
    """Say that a line of a form is no "name: value"."""
    words = _("I can't read the line “{line}”: write `name: value`.").format(line=plain(line, GIVEN_MOST))
    return at_no_cost(flow(words, _offered(offered)))


def no_such_choice(name: str, offered: Sequence[str]) -> str:
    """Say that a name in a form is none that is offered there."""
    words = _("There is no choice called {name} here.").format(name=plain(name, GIVEN_MOST))
    return at_no_cost(flow(words, _offered(offered)))


def twice(name: str, one: str, other: str) -> str:
    """Say that a form has two values for one name."""
    words = _("{name} can be only one thing, and the form says both: {one} and {other}. Pick one.")
    one, other = plain(one, GIVEN_MOST), plain(other, GIVEN_MOST)
    return at_no_cost(words.format(name=capital(label(name)), one=one, other=other))


def nothing_further(what: str | None) -> str:
    """Say that there is no form to open."""
    if what:
        words = _("{what} has no further choices here. Leave `advanced` out and send the command again.")
    else:
        words = _("There are no further choices here. Leave `advanced` out and send the command again.")
    return at_no_cost(words.format(what=plain(what or "", GIVEN_MOST)))


def with_answers(refusal: str, written: str) -> str:
    """Add what was filled in, so that nobody has to think of it again: a form cannot be opened a second time.

    For the eyes of the one who wrote it alone.
    """
    kept = echo(written)
    return f"{refusal}\n{kept}" if kept else refusal


def echo(written: str) -> str:
    """Repeat what was filled in, without what hides or turns the line around; nothing where it was nothing."""
    lines = (clean(line) for line in written.replace("`", "'").splitlines())
    kept = "\n".join(filter(None, lines))[:_KEPT_MOST]
    head = _("What you filled in, to be copied:")
    return f"{head}\n```\n{kept}\n```" if kept else ""


def _offered(offered: Sequence[str]) -> str:
    return _("Possible: {choices}.").format(choices=plain("; ".join(offered), 1200))


def hindered(by: Hindered) -> str:
    """Say which rule of the server stands in the way, and when it does not any more."""
    limit = by.limit
    match limit.kind:
        case LimitKind.BLOCKED:
            if limit.until:
                words = _("A moderator has blocked you from using this bot here until {when}. Please talk to them.")
            else:
                words = _("A moderator has blocked you from using this bot here. Please talk to them.")
            words = words.format(when=_moment(limit, "f"))
        case LimitKind.RUNNING:
            words = ngettext(
                "You may have {count} thing in the making at a time here. Wait until it is done, or cancel it.",
                "You may have {count} things in the making at a time here. Wait until one is done, or cancel one.",
                limit.most,
            ).format(count=number(limit.most))
        case LimitKind.COOLDOWN:
            if limit.until:
                words = _("There must be {time} between two of your requests here. Please try again ({when}).")
            else:
                words = _("There must be {time} between two of your requests here. Please try again.")
            words = words.format(time=time_of(limit.most), when=_moment(limit, "R"))
        case LimitKind.BUDGET:
            words = _over_budget(limit, by.price)
    return at_no_cost(words)


def _over_budget(limit: Limit, price: int) -> str:
    words = _(_HAVE.get(limit.scope, _LEFT))
    left = credits_of(max(limit.most - limit.used, 0))
    words = words.format(price=credits_of(price), left=left, period=_(_PERIODS.get(limit.period, _NOW)))
    if limit.until:
        instead = _(
            "Try a shorter video or a lower resolution, wait until it begins anew ({when}), or ask an admin for more."
        )
    else:
        instead = _("Try a shorter video or a lower resolution, wait until it begins anew, or ask an admin for more.")
    return flow(words, instead.format(when=_moment(limit, "R")))


_HAVE: dict[Scope | None, str] = {
    Scope.GUILD: N_("This would cost {price}, and this server has {left} left for {period}."),
    Scope.CHANNEL: N_("This would cost {price}, and this channel has {left} left for {period}."),
    Scope.MEMBER: N_("This would cost {price}, and you have {left} left for {period}."),
}
_LEFT = N_("This would cost {price}, and there is {left} left for {period}.")
_PERIODS: dict[Period | None, str] = {Period.DAY: N_("today"), Period.MONTH: N_("this month")}
_NOW = N_("now")


def _moment(limit: Limit, style: str) -> str:
    return f"<t:{limit.until // 1000}:{style}>" if limit.until else ""


def no_account(title: str, *, gone: bool) -> str:
    """Say that there is no account any more with which a job could be made. `gone`: what it would change is in it."""
    if gone:
        words = _(
            "That video was made with a key of this server's own at {provider}, and that key was taken away. "
            "An admin of this server can type it again with `/setup`."
        )
    else:
        words = _("This server's own key at {provider} was taken away just now. Choose another provider.")
    return at_no_cost(words.format(provider=title))


def no_such_provider(given: str, titles: Sequence[str]) -> str:
    """Say that the named vendor is not here."""
    words = _("There is no provider called {name}.").format(name=plain(given, GIVEN_MOST))
    if titles:
        here = _("Here are: {providers}.").format(providers=both(titles))
    else:
        here = _("None is set up here yet: please tell an admin of this bot.")
    return at_no_cost(flow(words, here))


def no_providers(*, server: bool = False) -> str:
    """Say that there is no vendor to ask. `server`: its admins can bring a key of its own."""
    if server:
        words = _("No video provider is set up here yet. An admin of this server can bring a key with `/setup`.")
        return at_no_cost(words)
    return at_no_cost(_("No video provider is set up here yet. Please tell an admin of this bot."))


def keys_unreadable() -> str:
    """Say that a server's own key cannot be opened, so that nothing goes on anybody's account."""
    words = _(
        "This server's own key there can't be read any more, so I don't use it, nor anybody else's in its place. "
        "An admin of this server can type it again with `/setup`."
    )
    return at_no_cost(words)


def type_again() -> str:
    """Say that a form is forgotten."""
    return at_no_cost(_("I don't remember this form any more. Please type the command again."))


def no_picture_there() -> str:
    """Say that a message has nothing to animate."""
    words = _("That message has no picture attached. Choose one that has, or use `/video` with an `image`.")
    return at_no_cost(words)


def storage_trouble() -> str:
    """Say that the database did not answer, before anything was taken."""
    return at_no_cost(_("I can't store anything just now, so I did not take it. Please try again in a minute."))


def not_begun() -> str:
    """Say that the first answer to a command may not have come through, before anything was taken."""
    return at_no_cost(_("Discord did not take my first answer, so I did not begin. Please try again."))


def only_in_servers() -> str:
    """Say that there is no making outside of servers."""
    return at_no_cost(_("I make videos in servers only."))


def press_not_stored() -> str:
    """Say that the database did not answer at a press."""
    return _("I can't store anything just now, so this did not go through. Please try again in a minute.")


def unexpected_press() -> str:
    """Say that a press led to what nobody foresaw."""
    return _("Something went wrong on my side; the card shows how it stands. The admin can see why.")


def may_not_post() -> str:
    """Say that a result could not be delivered here."""
    words = _(
        "I may not post in this channel, so a video could not be delivered. "
        "Ask an admin to let me see the channel and send messages in it."
    )
    return at_no_cost(words)


def unexpected() -> str:
    """Say that something happened that nobody foresaw."""
    return _(
        "Something went wrong on my side, and it has been noted for the admin. "
        "If no card appeared here, nothing was sent and nothing was spent."
    )


def _whole_megabytes(count: int) -> int:
    """Write a bound in the megabytes it was meant in: 50 * 2**20 as 50, 100 * 10**6 as 100."""
    return count // 2**20 if count % 2**20 == 0 else count // 10**6
