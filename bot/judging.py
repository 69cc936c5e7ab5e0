"""Judging what was measured: each function makes of some figures one line for people. Pure."""

from collections.abc import Iterable, Sequence

from bot.amounts import credits_of, time_of
from bot.findings import Grade, Line
from bot.language import _, both, flow, ngettext, number
from jobs.purses import Purse
from jobs.surroundings import Certificate, Disk, Flaw, Pulse
from jobs.trial import Round, Way
from providers.contract import ErrorKind, ProviderError, Reason
from storage.condition import Condition, Traffic

_RENEW_DAYS = 14
_CLOCK_ODD, _CLOCK_WRONG = 60, 300  # seconds; Vidu refuses what is five minutes off (callback signature, 2026-11)
_LITTLE_ROOM, _NO_ROOM = 2 * 2**30, 256 * 2**20  # bytes
_FEW_CREDITS = 200  # a handful of videos
_STALLED = 90.0  # seconds; the longest pause of a loop in trouble is 30
_MB = 2**20


def callback(round: Round, host: str) -> Line:  # noqa: A002 -- it is one
    """Judge the callback we sent ourselves."""
    about = _("Callbacks")
    if round.way is Way.THERE:
        says = _("A signed test callback went out to {host} and came back to me in {ms} ms.")
        return Line(Grade.GREEN, about, says.format(host=host, ms=number(round.seconds * 1000 // 1)))
    if round.way is Way.BUSY:
        says = _("Others test the way from outside just now, so I did not.")
        return Line(Grade.YELLOW, about, says, _("Try again in a minute."))
    says, todo = _astray(round)
    return Line(Grade.RED, about, says.format(host=host, status=round.status), todo)


def _astray(round: Round) -> tuple[str, str]:  # noqa: A002 -- likewise
    match round.way:
        case Way.CHANGED:
            return (
                _("My test callback came back from {host}, but not as I had sent it."),
                _("Let the proxy hand on path, headers and body below /callbacks/ unchanged."),
            )
        case Way.REDIRECTED:
            return (
                _("{host} sends callers elsewhere (HTTP {status}); vendors do not follow."),
                _("Set PUBLIC_URL to the address it leads to."),
            )
        case Way.ELSEWHERE:
            return (
                _("{host} answered, but my test callback did not reach me: another program took it."),
                _("Let PUBLIC_URL and its DNS entry lead to this program, and see whether a second one runs."),
            )
        case Way.NO_NAME:
            return _("The name {host} leads nowhere."), _("Check PUBLIC_URL, and the DNS entry of that name.")
        case Way.NO_TLS:
            return _("I get no safe connection to {host}."), _("Mend the certificate: see the line about it.")
        case Way.SILENT:
            return (
                _("{host} did not answer in time."),
                _("See whether the proxy runs, and whether a firewall lets requests from outside in."),
            )
        case Way.REFUSED:
            return _("{host} answered my test callback with HTTP {status}, and it did not reach me."), _refused(round)
        case _:
            return (
                _("Nobody takes connections at {host}."),
                _(
                    "See whether the proxy runs and its port is open. Some routers let nobody reach their own address "
                    "from inside: then try PUBLIC_URL from elsewhere."
                ),
            )


def _refused(round: Round) -> str:  # noqa: A002 -- likewise
    if round.status in {502, 503, 504}:
        return _("The proxy finds no program behind it: let it point at HOST and PORT.")
    if round.status in {401, 403, 405, 407}:
        return _("Something in front of me keeps callers out: let POST to /callbacks/ through without a login.")
    return _("Check the path in PUBLIC_URL, and let the proxy hand on everything below it.")


def answering(status: int | None, host: str) -> Line:
    """Judge what /readyz answered under PUBLIC_URL, where the program runs in another process."""
    about = _("Callbacks")
    if status == 200:
        says = _("The running program answers at {host}; /doctor in Discord sends a signed callback round.")
        return Line(Grade.GREEN, about, says.format(host=host))
    if status == 503:
        says = _("The running program answers at {host}, but can't store callbacks or is not connected to Discord.")
        return Line(Grade.RED, about, says.format(host=host), _("Its log says which, and why."))
    if status is None:
        says = _("The program runs, but nobody answers at {host}.")
    else:
        says = _("The program runs, but {host} answers with HTTP {status}.")
    todo = _("Let PUBLIC_URL lead to the program, and the proxy hand on everything below it.")
    return Line(Grade.RED, about, says.format(host=host, status=status), todo)


def token(status: int | None) -> Line:
    """Judge Discord's answer to the bot's token."""
    about = _("Discord")
    if status == 200:
        return Line(Grade.GREEN, about, _("It knows the bot's token."))
    if status == 401:
        todo = _("Copy DISCORD_TOKEN anew from the developer portal.")
        return Line(Grade.RED, about, _("It does not know the bot's token."), todo)
    says = _("It can't be reached.") if status is None else _("It answers with HTTP {status}.").format(status=status)
    return Line(Grade.RED, about, says, _("See whether this machine can reach Discord, and whether Discord is down."))


def certificate(found: Certificate) -> Line:
    """Judge the certificate of PUBLIC_URL."""
    about = _("TLS")
    if not found.https:
        says = _("PUBLIC_URL is not https, so only this machine can reach it; fine for a trial, not for vendors.")
        return Line(Grade.YELLOW, about, says, _("Put a proxy with a certificate in front, and set PUBLIC_URL to it."))
    if found.flaw is not None:
        says, todo = _flawed(found.flaw)
        return Line(Grade.RED, about, says.format(host=found.host), todo)
    days = int(found.days)
    if found.days < _RENEW_DAYS:
        words = ngettext(
            "The certificate of {host} ends in {count} day.", "The certificate of {host} ends in {count} days.", days
        )
        todo = _("Renew it, and see why that did not happen by itself.")
        return Line(Grade.YELLOW, about, words.format(host=found.host, count=number(days)), todo)
    words = ngettext(
        "The certificate of {host} is good for another {count} day.",
        "The certificate of {host} is good for another {count} days.",
        days,
    )
    return Line(Grade.GREEN, about, words.format(host=found.host, count=number(days)))


def _flawed(flaw: Flaw) -> tuple[str, str]:
    match flaw:
        case Flaw.EXPIRED:
            return _("The certificate of {host} has ended; vendors turn away."), _("Renew it.")
        case Flaw.NOT_YET:
            return (
                _("The certificate of {host} is not valid yet."),
                _("Check the clock of this machine, and that of the one that made the certificate."),
            )
        case Flaw.OTHER_NAME:
            return (
                _("The certificate at {host} is for another name; vendors turn away."),
                _("Get one for the name in PUBLIC_URL."),
            )
        case Flaw.UNTRUSTED:
            return (
                _("The certificate of {host} comes from nobody I trust; vendors turn away."),
                _("Use one of a public authority, and let the proxy send the whole chain."),
            )
        case Flaw.NO_HANDSHAKE:
            return _("{host} does not speak TLS as I do."), _("See whether the proxy speaks https on that port.")
        case Flaw.NO_CONNECTION:
            return _("I could not look at the certificate of {host}."), _("Mend the way there first.")


def clock(readings: Sequence[float | None]) -> Line:
    """Judge our clock by how many seconds it is ahead of others'."""
    about = _("Clock")
    told = [ahead for ahead in readings if ahead is not None]
    if not told:
        says = _("Nobody told me the time, so I can't compare my clock.")
        return Line(Grade.YELLOW, about, says, _("See whether this machine can reach Discord."))
    ahead = max(told, key=abs)
    if abs(ahead) <= _CLOCK_ODD:
        return Line(Grade.GREEN, about, _("My clock agrees with that of others."))
    words = _("My clock is {time} fast.") if ahead > 0 else _("My clock is {time} slow.")
    says, todo = words.format(time=time_of(abs(ahead))), _("Let this machine set its clock by the network (NTP).")
    if abs(ahead) <= _CLOCK_WRONG:
        return Line(Grade.YELLOW, about, says, todo)
    return Line(Grade.RED, about, _("{clock} Signed callbacks are refused as too old.").format(clock=says), todo)


def no_vendor(*, server: bool) -> Line:
    """Say that there is none. `server`: in the one where somebody asks; else for all of them."""
    if server:
        says = _("No vendor is set up, so nothing can be made.")
        todo = _("Bring a key of this server's own with `/setup`. Whoever runs me can also set one for all.")
        return Line(Grade.RED, _("Vendors"), says, todo)
    says = _("No vendor has a key of yours: only servers that bring their own can have anything made.")
    return Line(Grade.YELLOW, _("Vendors"), says, _("To pay for all, set a vendor's key and restart the program."))


def unreadable(title: str) -> Line:
    """Say that a server's own key at a vendor can't be read."""
    says = _("This server's own key there can't be read any more, so I don't use it.")
    todo = _("Type it again with /setup, or ask whoever runs this bot whether its secret keys were changed.")
    return Line(Grade.RED, title, says, todo)


def vendor(purse: Purse, traffic: Traffic, now: int, *, figures: bool, own: bool = False) -> Line:
    """Judge a vendor by what it said of our account.

    `figures`: whether the reader may know what is left there; `own`: the key is one of the server's admins.
    """
    grade, says, todo = _account(purse, figures=figures, own=own)
    busy = [
        (traffic.waiting, ngettext("{count} waiting", "{count} waiting", traffic.waiting)),
        (traffic.running, ngettext("{count} under way", "{count} under way", traffic.running)),
        (traffic.doubtful, ngettext("{count} in doubt", "{count} in doubt", traffic.doubtful)),
    ]
    parts = [words.format(count=number(count)) for count, words in busy if count]
    said = [says, *([_("Jobs: {list}.").format(list=both(parts))] if parts else [])]
    if traffic.last_callback is not None:
        ago = time_of((now - traffic.last_callback) / 1000)
        said.append(_("Its last callback came {time} ago.").format(time=ago))
    if traffic.doubtful and grade is Grade.GREEN:
        grade = Grade.YELLOW
        todo = _("I go on asking it about the doubtful ones; what it does not answer, “rushes doubts” lists.")
    return Line(grade, purse.title, flow(*said), todo)


def _account(purse: Purse, *, figures: bool, own: bool) -> tuple[Grade, str, str]:
    if purse.trouble is not None:
        return _troubled(purse.name, purse.trouble, figures=figures, own=own)
    balance = purse.balance
    if balance is None:
        return Grade.GREEN, _("It has no call that tells a balance, so its key is only tested by jobs."), ""
    if balance.credits == 0:
        return Grade.RED, _("It takes our key, but our account there is empty."), _("Add credits there.")
    if not figures:
        return Grade.GREEN, _("It takes our key."), ""
    if balance.credits is None:
        return Grade.GREEN, _("It takes our key; left there: {detail}.").format(detail=balance.detail), ""
    says = _("It takes our key; {credits} left there.").format(credits=credits_of(balance.credits))
    if balance.credits < _FEW_CREDITS:
        return Grade.YELLOW, says, _("Add credits there soon.")
    return Grade.GREEN, says, ""


def _troubled(name: str, trouble: ProviderError, *, figures: bool, own: bool) -> tuple[Grade, str, str]:
    """Say what a vendor's refusal means. Its own words are for those alone whose account it is."""
    grade, says, todo = _meaning(name.upper(), trouble, own=own)
    if figures and trouble.detail:
        says = _("{trouble} It said: {detail}").format(trouble=says, detail=trouble.detail)
    return grade, says, todo


def _meaning(setting: str, trouble: ProviderError, *, own: bool) -> tuple[Grade, str, str]:
    if own:
        key = _("Look at the key in your account there, then type it again with /setup.")
        address = _("See whether the vendor is down; if not, tell whoever runs this bot.")
    else:
        key = _("Check {name}_API_KEY, and that its account may use the API.").format(name=setting)
        address = _("Check {name}_BASE_URL, and whether the vendor is down.").format(name=setting)
    if trouble.http in {404, 405}:
        return Grade.YELLOW, _("It answers, but knows no call for the balance, so I can't test its key."), address
    if trouble.reason is Reason.ACCESS and trouble.http is None:
        return Grade.RED, _("It can't be called with what is set for it."), address
    if trouble.reason is Reason.ACCESS:
        return Grade.RED, _("It refuses our key."), key
    if trouble.reason is Reason.CREDIT:
        return Grade.RED, _("It takes our key, but our account there is empty."), _("Add credits there.")
    if trouble.kind is ErrorKind.THROTTLED:
        return Grade.YELLOW, _("It is too busy to answer."), _("Try again in a minute.")
    if trouble.http is not None:
        return Grade.YELLOW, _("It answers, but not with a balance."), _("Try again later; the log says more.")
    return Grade.RED, _("It can't be reached."), address


def database(found: Condition) -> Line:
    """Judge the database, which took a write just now."""
    about = _("Database")
    if not found.newest:
        says = _("Its tables are not those of this version.")
        return Line(
            Grade.RED, about, says, _("Restart the program; if that does not help, install the newest version.")
        )
    if found.sound is False:
        says = _("It takes writes, but its file is damaged.")
        return Line(
            Grade.RED, about, says, _("Stop the program, keep a copy of the file, and put a backup in its place.")
        )
    if not found.wal:
        says = _("It takes writes, but does not keep a write-ahead log, so readers and writers wait for each other.")
        return Line(Grade.YELLOW, about, says, _("Move it to a local disk; network drives can't keep one."))
    if found.sound is None:
        return Line(Grade.GREEN, about, _("It takes writes, and its tables are those of this version."))
    return Line(Grade.GREEN, about, _("It takes writes, is whole, and its tables are those of this version."))


def disk(about: str, found: Disk, *, figures: bool) -> Line:
    """Judge a folder of ours."""
    if not found.writable:
        return Line(Grade.RED, about, _("I can't write there."), _("Let the program's user write to that folder."))
    room = _("{megabytes} MB are free.").format(megabytes=number(found.free // _MB))
    if found.free < _NO_ROOM:
        return Line(Grade.RED, about, _("The disk is full, or nearly so."), _("Make room on it."))
    if found.free < _LITTLE_ROOM:
        return Line(Grade.YELLOW, about, room if figures else _("Little room is left."), _("Make room on it soon."))
    return Line(Grade.GREEN, about, room if figures else _("I can write there, and there is room."))


def ffmpeg(there: bool) -> Line:
    """Judge whether films can be made smaller."""
    about = _("ffmpeg")
    if there:
        return Line(Grade.GREEN, about, _("It runs, so large films can be made to fit."))
    says = _("It does not run: films too large for Discord are linked, and no last picture can be taken out of one.")
    return Line(Grade.YELLOW, about, says, _("Install the program's requirements anew, for this kind of processor."))


def loops(found: Iterable[Pulse]) -> Line:
    """Judge the loops that work off what is due."""
    about, pulses = _("Queues"), list(found)
    stalled = [one.name for one in pulses if one.rested is None or one.rested > _STALLED]
    restart = _("Restart the program: nothing is lost by that. Its log may say why.")
    if not pulses:
        return Line(Grade.RED, about, _("Nothing works off what is due."), restart)
    if stalled:
        return Line(Grade.RED, about, _("These stand still: {list}.").format(list=both(stalled)), restart)
    stumbling = [one.name for one in pulses if one.stumbling]
    if stumbling:
        says = _("These could not look for work last time: {list}.").format(list=both(stumbling))
        return Line(Grade.YELLOW, about, says, _("They try again by themselves; the log says over what they stumbled."))
    words = ngettext("The one there is goes round.", "All {count} of them go round.", len(pulses))
    return Line(Grade.GREEN, about, words.format(count=number(len(pulses))))


def channel(about: str, missing: Sequence[str], *, usable: bool) -> Line:
    """Judge what we may do in a channel: `missing` permissions by Discord's names; `usable`: words can be posted."""
    if not usable:
        says = _("I lack what I need there: {list}.").format(list=both(missing))
        return Line(Grade.RED, about, says, _("Allow me that in the channel's settings, on the page “Permissions”."))
    if missing:
        says = _("I can post there, but lack: {list}.").format(list=both(missing))
        todo = _("Allow me that in the channel's settings, on the page “Permissions”; until then I do with less.")
        return Line(Grade.YELLOW, about, says, todo)
    return Line(Grade.GREEN, about, _("I may do there what I need."))


def no_channel(about: str) -> Line:
    """Say that a channel that admins chose is not there, or closed to us."""
    says = _("I don't see that channel: it was deleted, or is closed to me.")
    return Line(Grade.RED, about, says, _("Let me see it, or choose another one with /setup."))


def upload(by_command: int, by_server: int | None) -> Line:
    """Judge how large a file may be here, as Discord said with the command and as the server's boosts allow. Bytes."""
    about = _("File size")
    limit = by_command if by_server is None else min(by_command, by_server)
    says = _("Files of up to {megabytes} MB fit here; larger films are made smaller or linked.")
    says = says.format(megabytes=number(limit // _MB))
    if by_server is not None and by_command < by_server:
        todo = _("Discord said less with this command than the server's boosts allow ({megabytes} MB): I use the less.")
        return Line(Grade.YELLOW, about, says, todo.format(megabytes=number(by_server // _MB)))
    return Line(Grade.GREEN, about, says)
