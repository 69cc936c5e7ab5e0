"""What a form asks and how its answers are read. Pure: it is made from the vendors' lists of further choices.

Few things fit into a form of Discord's: choices that can be ticked stand together in drop-downs, long texts have an
input each, and the rest is written as "name: value", one a line. So a choice a vendor adds appears by itself.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bot import refusals
from bot.asking import storable
from bot.labels import capital, label
from bot.language import _, either, ngettext
from bot.plain import cut
from providers.orders import Extra, Kind, Problem, Rule, Value

MOST_PARTS = 5  # of a form, at Discord
MOST_ENTRIES = 25  # of a drop-down
MOST_INPUT = 4000  # characters
_LONG = 300  # characters from which a text has an input of its own
_MOST_LINES = 60
_LINE = re.compile(r"([^:=]{1,60})[:=](.*)", re.DOTALL)
_NUMBER = re.compile(r"-?[0-9]{1,12}(?:[.,][0-9]{1,12})?")
_YES, _NO = {"yes", "true", "on", "1"}, {"no", "false", "off", "0"}


@dataclass(frozen=True, slots=True)
class Pick:
    """A drop-down."""

    title: str
    entries: tuple[tuple[str, str, str], ...]  # what is shown, the "name: value" it stands for, a hint
    most: int  # how many may be picked


@dataclass(frozen=True, slots=True)
class Blank:
    """An input for one long text."""

    extra: Extra
    title: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is asked, in the order it is shown."""

    picks: tuple[Pick, ...]
    blanks: tuple[Blank, ...]
    lines: tuple[Extra, ...]  # to be written as "name: value"
    mark: bool  # whether a picture for the watermark may be attached
    known: Mapping[str, Extra]  # every name that may be answered

    @property
    def empty(self) -> bool:
        """Whether there is nothing to ask."""
        return not self.known


def lay_out(extras: Iterable[Extra]) -> Sheet:
    """Divide further choices among the parts of a form."""
    known = {extra.name: extra for extra in extras}
    mark = "watermark" in known
    tickable = [extra for extra in known.values() if _entries(extra)]
    long = [extra for extra in known.values() if extra.kind is Kind.TEXT and extra.most >= _LONG]
    rest = [extra for extra in known.values() if extra not in tickable and extra not in long]
    groups = _packed(tickable)
    parts = len(groups) + len(long)
    room = MOST_PARTS - mark
    if rest or parts > room:
        room -= 1
    shown = long[: max(room - len(groups), 0)]
    rest += [extra for group in groups[room:] for extra in group] + long[len(shown) :]
    picks = tuple(pick_of(group, number, len(groups)) for number, group in enumerate(groups[:room]))
    blanks = tuple(Blank(extra, cut(capital(label(extra.name)).strip("`"), 45)) for extra in shown)
    return Sheet(picks, blanks, tuple(rest), mark, known)


def _packed(extras: Sequence[Extra]) -> list[list[Extra]]:
    """Put choices together as long as they fit into one drop-down."""
    groups: list[list[Extra]] = []
    count = MOST_ENTRIES
    for extra in extras:
        entries = len(_entries(extra))
        if count + entries > MOST_ENTRIES:
            groups.append([])
            count = 0
        groups[-1].append(extra)
        count += entries
    return groups


def pick_of(extras: Sequence[Extra], number: int = 0, of: int = 1) -> Pick:
    """Make one drop-down of choices."""
    entries = tuple((f"{extra.name}: {value}", _hint(extra)) for extra in extras for value in _entries(extra))
    title = _("Choices") if of == 1 else _("Choices, part {number}").format(number=number + 1)
    return Pick(title, tuple((shown, shown, hint) for shown, hint in entries), len(extras))


def _entries(extra: Extra) -> tuple[str, ...]:
    """List the values that can be ticked; none where they do not fit."""
    values = ("yes", "no") if extra.kind is Kind.FLAG else extra.choices if extra.kind is Kind.CHOICE else ()
    fits = len(values) <= MOST_ENTRIES and all(0 < len(f"{extra.name}: {value}") <= 100 for value in values)
    return tuple(values) if fits else ()


def _hint(extra: Extra) -> str:
    what = capital(label(extra.name)).replace("`", "")
    return cut(
        _("{what}; only {models}").format(what=what, models=", ".join(extra.models)) if extra.models else what, 100
    )


def described(extra: Extra) -> str:
    """Say in a few words what can be written for a choice."""
    match extra.kind:
        case Kind.FLAG:
            return _("{name}: {yes} or {no}").format(name=extra.name, yes="yes", no="no")
        case Kind.CHOICE:
            return f"{extra.name}: {cut(either(extra.choices), 200)}"
        case Kind.WHOLE | Kind.DECIMAL:
            return _("{name}: {low} to {high}").format(name=extra.name, low=f"{extra.least:g}", high=f"{extra.most:g}")
        case Kind.WORDS:
            words = ngettext("{name}: up to {count} word", "{name}: up to {count} words", int(extra.most))
            return words.format(name=extra.name, count=int(extra.most))
        case Kind.TEXT:
            return _("{name}: text").format(name=extra.name)


def listed(extras: Sequence[Extra]) -> str:
    """List what can be written, as far as Discord shows it; what is cut off is told when a line is not understood."""
    return cut(" · ".join(described(extra) for extra in extras), 100)


def example(extras: Sequence[Extra]) -> str:
    """Write the lines a member might, as the grey text of an empty input."""
    lines: list[str] = []
    for extra in extras:
        value = {Kind.FLAG: "yes", Kind.WHOLE: f"{extra.most:g}", Kind.DECIMAL: f"{extra.most / 2:g}"}.get(extra.kind)
        lines.append(f"{extra.name}: {value or (extra.choices[0] if extra.choices else '...')}")
    return cut("\n".join(lines), 100)


def answers(sheet: Sheet, picked: Iterable[str], written: Mapping[str, str], lines: str) -> dict[str, Value] | str:
    """Read a form; or the sentence why it cannot be. What was left empty is absent."""
    given: list[tuple[str, str]] = []
    for line in [*picked, *lines.splitlines()][: _MOST_LINES + len(sheet.known)]:
        if not storable(line):
            continue
        found = _LINE.fullmatch(storable(line))
        if found is None:
            return refusals.line_not_read(line, _offered(sheet))
        given.append((found[1], found[2]))
    given += [(name, text) for name, text in written.items() if storable(text)]
    values: dict[str, Value] = {}
    for name, text in given:
        extra = _named(sheet, name)
        if extra is None:
            return refusals.no_such_choice(name, _offered(sheet))
        value = _value(extra, storable(text))
        if isinstance(value, Problem):
            return refusals.refused([value], None)
        if extra.name in values and values[extra.name] != value:
            return refusals.twice(extra.name, str(_shown(values[extra.name])), str(_shown(value)))
        values[extra.name] = value
    return values


def kept(picked: Iterable[str], written: Mapping[str, str], lines: str) -> str:
    """Write down what was filled in, as the lines a form takes."""
    texts = [f"{name}: {' '.join(text.split())}" for name, text in written.items() if text.strip()]
    return "\n".join([*(storable(one)[:100] for one in picked), storable(lines), *map(storable, texts)]).strip()


def _offered(sheet: Sheet) -> list[str]:
    return [described(extra) for extra in sheet.known.values()]


def _named(sheet: Sheet, given: str) -> Extra | None:
    name = "_".join(storable(given).strip("`-* ").casefold().split())
    return next((extra for extra in sheet.known.values() if extra.name.casefold() == name), None)


def _value(extra: Extra, text: str) -> Value | Problem:
    """Read one value by its kind; whether a vendor takes it is checked with the whole order."""
    word = text.casefold()
    match extra.kind:
        case Kind.FLAG:
            if word in _YES | _NO:
                return word in _YES
            return Problem(extra.name, Rule.ONE_OF, text[:60], ("yes", "no"))
        case Kind.CHOICE:
            chosen = next((choice for choice in extra.choices if choice.casefold() == word), None)
            return chosen or Problem(extra.name, Rule.ONE_OF, text[:60], extra.choices)
        case Kind.WHOLE | Kind.DECIMAL:
            whole = extra.kind is Kind.WHOLE
            if not _NUMBER.fullmatch(text) or (whole and not text.lstrip("-").isdecimal()):
                between = (f"{extra.least:g}-{extra.most:g}",)
                return Problem(extra.name, Rule.ONE_OF, text[:60], between)
            number = text.replace(",", ".")
            return float(number) if "." in number else int(number)
        case Kind.WORDS:
            return " ".join(text.replace(",", " ").split()) or Problem(extra.name, Rule.REQUIRED)
        case Kind.TEXT:
            return text or Problem(extra.name, Rule.REQUIRED)


def _shown(value: Value) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
