"""The shots of a music video as people see and name them: listed, chosen by number, ready or not. Pure."""

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256

from bot.language import N_, _, both, flow, ngettext
from bot.plain import clean, cut, plain
from providers.contract import Progress
from providers.orders import Operation
from storage.words import Job, State, StoredShot

MOST_CHOSEN = 100  # shots in one film
_LISTED = 20
_NAMED = 10
_PROMPT_MOST = 48
_STATES = {
    Progress.WAITING: ("▫️", N_("waiting")),
    Progress.RUNNING: ("⏳", N_("being made")),
    Progress.SUCCEEDED: ("✅", N_("ready")),
    Progress.FAILED: ("❌", N_("failed")),
    Progress.CANCELLED: ("⏹️", N_("stopped")),
}
_UNKNOWN = ("⏳", N_("being made"))
_MOVING = {Progress.WAITING.value, Progress.RUNNING.value}


def changeable(job: Job) -> bool:
    """Say whether the shots of a job can be changed and put together: the vendor has told of them."""
    gone = job.state in {State.CANCELLING, State.CANCELLED}
    return job.operation == Operation.MUSIC_VIDEO and job.task_id is not None and bool(job.shots) and not gone


def listing(job: Job) -> list[str]:
    """List a music video's shots, a line each."""
    head = _("**Shots**")
    if changeable(job):
        head = _("**Shots** · pick one to change it; Compose puts them together")
    lines = [_line(number, shot) for number, shot in enumerate(job.shots[:_LISTED], 1)]
    rest = len(job.shots) - _LISTED
    return [head, *lines, *([_("… and {count} more").format(count=rest)] if rest > 0 else [])]


def _line(number: int, shot: StoredShot) -> str:
    sign, word = _STATES[Progress(shot.state)] if shot.state in set(Progress) else _UNKNOWN
    words = plain(shot.prompt, _PROMPT_MOST)
    return " · ".join([f"{sign} **{number}** {_(word)}", *_length(shot), *([words] if words else [])])


def label(number: int, shot: StoredShot, most: int = 100) -> str:
    """Name a shot in a list of choices: number, length, and how its prompt begins; shown as it is."""
    prompt = clean(shot.prompt)
    return cut(" · ".join([f"{number}", *_length(shot), *([prompt] if prompt else [])]), most)


def _length(shot: StoredShot) -> list[str]:
    return [] if shot.seconds is None else [_("{seconds} s").format(seconds=f"{shot.seconds:g}")]


def shot_at(job: Job, number: int) -> StoredShot | None:
    """Find a shot by the number people see; None when there is none."""
    return job.shots[number - 1] if 1 <= number <= len(job.shots) else None


def digest(shot: StoredShot) -> str:
    """Name a shot in a few letters, the same for all versions of it and wherever in the list it stands."""
    return sha256(shot.identity.encode()).hexdigest()[:16]


def number_of(job: Job, named: str) -> int | None:
    """Find where a shot stands now, by its digest; None when it is not there any more."""
    return next((number for number, shot in enumerate(job.shots, 1) if digest(shot) == named), None)


def gone(job: Job, number: int) -> str:
    """Say that the shot a form was about is not there any more."""
    if shot_at(job, number) is None:
        return _no_such(number, len(job.shots))
    return _("The shots are other ones now than when this form was opened. Pick the shot again.")


def not_editable(job: Job, number: int, *, working: bool = True) -> str | None:
    """Say why a shot cannot be made anew now; None when it can.

    `working`: whether anything of the music video is under way here. Where nothing is, nobody asks the vendor any more
    how a shot is that was "being made", and what it said last does not bind: the vendor may judge.
    """
    shot = shot_at(job, number)
    if shot is None:
        return _no_such(number, len(job.shots))
    if working and shot.state in _MOVING:
        return _being_made([number])
    return None


def chosen(text: str, job: Job) -> list[int] | str:
    """Read which shots are meant, in which order: "1 2 4" or "1,2,4"; or the sentence why it cannot be read."""
    words = re.split(r"[\s,;]+", text.strip(" \t\r\n,;"))
    if not all(word.isascii() and word.isdigit() and len(word) < 5 for word in words):
        return _("I can't read which shots you mean. Write their numbers in order, like: 1 2 4")
    numbers = [int(word) for word in words]
    if len(numbers) > MOST_CHOSEN:
        return _("That is more than {count} shots. Name fewer.").format(count=MOST_CHOSEN)
    for number in numbers:
        if shot_at(job, number) is None:
            return _no_such(number, len(job.shots))
        if numbers.count(number) > 1:
            return _("Shot {number} is named twice. Name each shot once.").format(number=number)
    return numbers


def not_composable(job: Job, numbers: Sequence[int], *, working: bool = True) -> str | None:
    """Say why shots cannot be put together now; None when they can. `working`: as said at not_editable."""
    moving = [number for number in numbers if _state(job, number) in _MOVING]
    if working and moving:
        return _being_made(moving)
    bad = [number for number in numbers if _state(job, number) not in {Progress.SUCCEEDED.value, *_MOVING}]
    if bad:
        words = ngettext(
            "Shot {numbers} is not ready. Change it first, or leave it out with `/mv compose`.",
            "Shots {numbers} are not ready. Change them first, or leave them out with `/mv compose`.",
            len(bad),
        )
        return words.format(numbers=_named(bad))
    return None if numbers else _("There are no shots to put together yet.")


def _being_made(numbers: Sequence[int]) -> str:
    words = ngettext(
        "Shot {numbers} is being made just now. Try again when it is ready.",
        "Shots {numbers} are being made just now. Try again when all are ready.",
        len(numbers),
    )
    return words.format(numbers=_named(numbers))


def waits(job: Job | None, operation: Operation, other: Job) -> str:
    """Say which change under way a change of a music video must wait for."""
    theirs = set(other.options.get("shots", []))
    numbers = [number for number, shot in enumerate(job.shots if job else (), 1) if shot.id in theirs]
    until = _("Try again when that is done.")
    if other.state in {State.CONFIRMING, State.APPROVING}:
        until = _("It waits for somebody's yes: give it on its card, or cancel it there.")
    if other.operation != Operation.EDIT_SHOT:
        words = _("These shots are being put together already (`{job}`).").format(job=other.code)
        return flow(words, until)
    if len(numbers) == 1:
        words = _("Shot {number} is being made anew already (`{job}`).").format(number=numbers[0], job=other.code)
    else:
        words = _("That shot is being made anew already (`{job}`).").format(job=other.code)
    if operation is Operation.EDIT_SHOT:
        return flow(words, until)
    return flow(words, until, _("Or leave it out with `/mv compose`."))


def ids_of(job: Job, numbers: Iterable[int]) -> tuple[str, ...]:
    """Give the vendor's ids of shots, in the order named."""
    return tuple(shot.id for number in numbers if (shot := shot_at(job, number)) is not None)


def _state(job: Job, number: int) -> str:
    shot = shot_at(job, number)
    return "" if shot is None else shot.state


def _named(numbers: Sequence[int]) -> str:
    if len(numbers) > _NAMED:
        return ", ".join(str(number) for number in numbers[:_NAMED]) + " …"
    return both(str(number) for number in numbers)


def _no_such(number: int, count: int) -> str:
    words = ngettext(
        "There is no shot {number}: this music video has {count} shot.",
        "There is no shot {number}: this music video has {count} shots.",
        count,
    )
    return words.format(number=number, count=count)
