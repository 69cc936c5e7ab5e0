"""The catalogues hold every text of the code, and each translation says it with the same values, marks and names."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from bot.language import ENGLISH, LANGUAGES

BOT = Path(__file__).parents[2] / "bot"
OTHERS = [language for language in LANGUAGES if language != ENGLISH]

_VALUE = re.compile(r"\{\w*\}")
_MARKS = {
    "values": _VALUE,
    "code": re.compile(r"`[^`]*`"),  # what is typed: commands, options, values
    "commands": re.compile(r"(?<![\w<])/[a-z]+"),
    "bold": re.compile(r"\*\*"),
    "lines": re.compile(r"\n"),
    "small print": re.compile(r"^-# ", re.MULTILINE),
    "lists": re.compile(r"^- ", re.MULTILINE),
    "heads": re.compile(r"^#+ ", re.MULTILINE),
    "times and mentions": re.compile(r"<[^>\s]+>"),
    "links": re.compile(r"\]\("),
    "signs": re.compile(r"[\u2600-\u27bf\U0001f300-\U0001faff]"),
}
# How long Discord lets a text be, by where it goes: a call, and the name or the place of its argument.
_LIMITS: dict[tuple[str, str | int], int] = {
    ("discord.ui.Modal", "title"): 45, ("discord.ui.Label", "text"): 45, ("discord.ui.Label", "description"): 100,
    ("discord.ui.Button", "label"): 80, ("discord.ui.TextInput", "placeholder"): 100,
    ("discord.ui.TextInput", "label"): 45, ("discord.ui.Select", "placeholder"): 150,
    ("discord.SelectOption", "label"): 100, ("discord.SelectOption", "description"): 100,
    ("app_commands.Command", "description"): 100, ("app_commands.Group", "description"): 100,
    ("app_commands.Choice", "name"): 100,
    ("Option", 1): 100, ("Form", 1): 100, ("_file", 1): 100, ("_references", 0): 100,
    ("JobButton", 2): 80, ("self._add", 0): 45, ("self._add", 1): 100, ("show", 2): 45, ("Blank", 1): 45,
    ("Pick", 0): 45, ("_prompt", 1): 45,
}  # fmt: skip
_TABLES = {"_ACTS": 80, "_TITLES": 45}  # labels of buttons, titles of forms


def texts_in_the_code() -> dict[str, str | None]:
    """Give every text, with its form for many."""
    found: dict[str, str | None] = {}
    for _file, _line, text, _comments, _context in extract_from_dir(str(BOT)):
        one, many = (text, None) if isinstance(text, str) else (str(text[0]), str(text[1]))
        found[one] = many or found.get(one)
    return found


def catalogue_of(language: str) -> Catalog:
    folder = language.replace("-", "_")
    with (BOT / "locales" / folder / "LC_MESSAGES" / "rushes.po").open("rb") as file:
        return read_po(file, locale=folder, abort_invalid=True)


def entries(language: str) -> list[Message]:
    return [message for message in catalogue_of(language) if message.id]


def strings(message: Message) -> list[str]:
    """List the forms of a translation; an empty text is one that is still to be written."""
    return [message.string] if isinstance(message.string, str) else [str(form) for form in message.string or ("",)]


def said(message: Message) -> list[tuple[str, str]]:
    """List original and translation; each form for a number with the original it stands for."""
    if not message.pluralizable:
        return [(str(message.id), form) for form in strings(message) if form]
    one, many = message.id
    forms = strings(message)
    originals = [one if number == 0 and len(forms) > 1 else many for number in range(len(forms))]
    return [(original, form) for original, form in zip(originals, forms, strict=True) if form]


@pytest.mark.parametrize("language", OTHERS)
def test_a_catalogue_holds_the_texts_of_the_code_and_no_others(language: str) -> None:
    texts = texts_in_the_code()
    held: dict[str, str | None] = {}
    for message in entries(language):
        one, many = message.id if message.pluralizable else (str(message.id), None)
        held[one] = many
    assert sorted(set(texts) - set(held)) == []
    assert sorted(set(held) - set(texts)) == []
    assert {one: many for one, many in held.items() if texts[one] != many} == {}
    assert not catalogue_of(language).obsolete


@pytest.mark.parametrize("language", OTHERS)
def test_no_translation_is_a_guess(language: str) -> None:
    assert [message.id for message in entries(language) if message.fuzzy] == []


@pytest.mark.parametrize("language", OTHERS)
def test_every_text_is_translated(language: str) -> None:
    open_yet = [message.id for message in entries(language) if not all(strings(message))]
    assert open_yet == []


@pytest.mark.parametrize("language", OTHERS)
def test_a_text_that_counts_has_all_forms_or_none(language: str) -> None:
    catalogue = catalogue_of(language)
    forms = {m.id: [bool(form) for form in strings(m)] for m in entries(language) if m.pluralizable}
    assert {one: found for one, found in forms.items() if len(found) != catalogue.num_plurals} == {}
    assert {one: found for one, found in forms.items() if any(found) and not all(found)} == {}


@pytest.mark.parametrize("mark", _MARKS)
@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_keeps_values_marks_and_what_is_typed(language: str, mark: str) -> None:
    pairs = [pair for message in entries(language) for pair in said(message)]
    assert [pair for pair in pairs if _marks(pair[0], mark) != _marks(pair[1], mark)] == []


def _marks(text: str, mark: str) -> Counter[str]:
    return Counter(_MARKS[mark].findall(text))


def limited() -> dict[str, int]:
    """Find the texts that stand where Discord has little room, with how much there is."""
    found: dict[str, int] = {}
    nodes = [node for module in sorted(BOT.glob("*.py")) for node in ast.walk(ast.parse(module.read_text()))]
    for most, value in (place for node in nodes for place in _places(node)):
        for text in _marked(value):
            found[text] = min(most, found.get(text, most))
    return found


def _places(node: ast.AST) -> Iterator[tuple[int, ast.AST]]:
    """List the places with little room in a call or an assignment, and what stands there."""
    if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        if ast.unparse(target) in _TABLES:
            yield _TABLES[ast.unparse(target)], node.value
    if not isinstance(node, ast.Call):
        return
    name = ast.unparse(node.func)
    given: list[tuple[str | int, ast.AST]] = [*enumerate(node.args)]
    given += [(keyword.arg or "", keyword.value) for keyword in node.keywords]
    for place, value in given:
        most = 100 if name == "app_commands.describe" else _LIMITS.get((name, place), 0)
        if most:
            yield most, value


def _marked(value: ast.AST) -> list[str]:
    calls = [node for node in ast.walk(value) if isinstance(node, ast.Call) and ast.unparse(node.func) in {"_", "N_"}]
    return [str(call.args[0].value) for call in calls if isinstance(call.args[0], ast.Constant)]


def test_the_places_with_little_room_are_found() -> None:
    known = limited()
    assert known["Compose"] == 80
    assert known["What should happen"] == 45
    assert known["How many seconds"] == 100
    assert known["Edit & again"] == 45
    assert known["Approve"] == 80
    assert known["More, as name: value, one a line"] == 45
    assert len(known) > 50
    assert {text: most for text, most in known.items() if len(text) > most} == {}


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_fits_where_it_stands(language: str) -> None:
    room = limited()
    pairs = [pair for message in entries(language) for pair in said(message)]
    assert [(one, room[one]) for one, other in pairs if len(other) > room.get(one, 4096)] == []
