"""Every further choice of every vendor can be set from Discord; what is written in a form is read or refused."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.animate import sheet_of, typed_with
from bot.choices import Typed, extras_of, order_of
from bot.forms import MOST_ENTRIES, MOST_INPUT, MOST_PARTS, Sheet, answers, described, lay_out
from bot.modals import MOST_OF_ONE, FormModal, Waiting
from bot.mv import CREATE
from bot.options import FORMS, Form, asked_of
from bot.refusals import nothing_spent
from providers.contract import Provider
from providers.orders import Extra, Kind, Operation, Problem, Role, Value
from tests.bot.test_choices import VENDORS
from tests.bot.test_plain import ANY

COMMANDS = (*FORMS, CREATE)
# What is asked by a press on a music video, not by a command with a form; it has no further choices.
PRESSED = {Operation.EDIT_SHOT, Operation.COMPOSE_SHOTS}


def offered() -> Iterator[tuple[str, Operation, Extra]]:
    """Walk every vendor's every operation's every further choice."""
    for name, vendor in VENDORS.items():
        for operation in vendor.operations():
            for extra in vendor.extras(operation):
                yield name, operation, extra


def values_of(extra: Extra) -> list[Value]:
    """List what an extra can be set to: everything that can be listed, else its ends."""
    match extra.kind:
        case Kind.FLAG:
            return [True, False]
        case Kind.CHOICE:
            return list(extra.choices)
        case Kind.WHOLE:
            return [int(extra.least), int(extra.most)]
        case Kind.DECIMAL:
            return [extra.least, extra.most, (extra.least + extra.most) / 2]
        case Kind.WORDS:
            return ["one", " ".join(f"w{n}" for n in range(int(extra.most)))]
        case Kind.TEXT:
            return ["a b: c = d, {e}", "x" * min(int(extra.most), 4000)]


def filled(sheet: Sheet, extra: Extra, value: Value) -> dict[str, Value] | str:
    """Set one thing in a form, where the form offers it."""
    text = ("yes" if value else "no") if isinstance(value, bool) else str(value)
    entries = [entry for pick in sheet.picks for entry in pick.entries if entry[1] == f"{extra.name}: {text}"]
    if entries:
        return answers(sheet, [entries[0][1]], {}, "")
    if any(blank.extra.name == extra.name for blank in sheet.blanks):
        return answers(sheet, [], {extra.name: text}, "")
    assert extra.name in {line.name for line in sheet.lines}
    return answers(sheet, [], {}, f"{extra.name}: {text}")


def commands_for(operation: Operation) -> list[Form]:
    """List the commands that ask for an operation; /video asks for whatever its frames tell."""
    frames = {Operation.TEXT_TO_VIDEO, Operation.IMAGE_TO_VIDEO, Operation.START_END_TO_VIDEO}
    return [one for one in COMMANDS if operation is one.operation or (one.operation is None and operation in frames)]


def roles_for(operation: Operation) -> tuple[Role, ...]:
    frames = {Operation.IMAGE_TO_VIDEO: (Role.FIRST_FRAME,), Operation.START_END_TO_VIDEO: (Role.LAST_FRAME,)}
    return frames.get(operation, ())


@pytest.mark.parametrize("provider", [None, *VENDORS])
def test_every_choice_of_every_vendor_can_be_set_and_lands_in_the_order(provider: str | None) -> None:
    walked = [one for one in offered() if provider in {None, one[0]} and one[1] not in PRESSED]
    for _, operation, extra in walked:
        commands = commands_for(operation)
        assert commands, f"no command asks for {operation}"
        for command in commands:
            typed = Typed(operation=operation, roles=roles_for(operation), provider=provider)
            if extra.name in command.extras:
                continue  # an option; the next test sets those
            assert "advanced" in {option.name for option in command.options}, (command.name, extra.name)
            known = extras_of(VENDORS, typed)
            sheet = lay_out(one for one in known.values() if one.name not in command.extras)
            for value in values_of(extra):
                said = filled(sheet, extra, value)
                assert said == {extra.name: value}, (extra.name, value)
                assert order_of(replace(typed, extras=said)).extras == {extra.name: value}


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_choice_that_is_an_option_lands_in_the_order_too(command: Form) -> None:
    for option in command.options:
        if option.extra:
            value: Value = True if option.kind is bool else "x"
            asked = asked_of(command, {option.name: value})
            assert not isinstance(asked, Problem)
            assert order_of(asked.typed).extras == {option.name: value}
    kinds = {extra.name: extra.kind for _, operation, extra in offered() if operation is command.operation}
    for option in command.options:
        if option.extra and option.name in kinds:
            assert (kinds[option.name] is Kind.FLAG) == (option.kind is bool)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_a_command_keeps_discords_limits(command: Form) -> None:
    assert len(command.options) <= 25
    assert len(command.says) <= 100
    assert all(len(str(option.says)) <= 100 for option in command.options)
    required = [option.required for option in command.options]
    assert required == sorted(required, reverse=True)


def test_animating_an_image_reaches_every_choice_too() -> None:
    typed = Typed(operation=Operation.IMAGE_TO_VIDEO, roles=(Role.FIRST_FRAME,))
    sheet = sheet_of(VENDORS, typed)
    for _, operation, extra in offered():
        if operation is Operation.IMAGE_TO_VIDEO:
            for value in values_of(extra):
                said = filled(sheet, extra, value)
                assert isinstance(said, dict)
                assert typed_with(typed, said).extras == {extra.name: value}
    said = answers(
        sheet, ["model: viduq2-pro", "duration: 5"], {"prompt": "waves"}, "seed: 7\naudio: no\nprovider: vidu"
    )
    assert isinstance(said, dict)
    wanted = replace(typed, prompt="waves", model="viduq2-pro", duration=5, seed=7, audio=False, provider="vidu")
    assert typed_with(typed, said) == wanted


NAMES = st.text("abcdefghijklmnopqrstuvwxyz_", min_size=1, max_size=30)
EXTRAS = st.lists(
    st.builds(
        Extra,
        name=NAMES,
        kind=st.sampled_from(Kind),
        choices=st.lists(NAMES | st.text(min_size=1, max_size=120), min_size=1, max_size=30, unique=True).map(tuple),
        least=st.just(-10),
        most=st.sampled_from([1, 10, 299, 300, 4000, 100_000]),
        models=st.lists(NAMES, max_size=9).map(tuple),
    ),
    max_size=40,
    unique_by=lambda extra: extra.name,
)


@given(EXTRAS)
def test_whatever_vendors_list_fits_into_a_form_and_none_of_it_is_lost(extras: list[Extra]) -> None:
    sheet = lay_out(extras)
    assert len(sheet.picks) + len(sheet.blanks) + bool(sheet.lines) + sheet.mark <= MOST_PARTS
    ticked = [shown.partition(":")[0] for pick in sheet.picks for shown, _, _ in pick.entries]
    reached = {*ticked, *(blank.extra.name for blank in sheet.blanks), *(line.name for line in sheet.lines)}
    assert reached == {extra.name for extra in extras}
    for pick in sheet.picks:
        assert 1 <= pick.most <= len(pick.entries) <= MOST_ENTRIES
        assert len({value for _, value, _ in pick.entries}) == len(pick.entries)


@given(EXTRAS)
async def test_a_form_is_drawn_within_discords_limits(extras: list[Extra]) -> None:
    async def sent(*_: Any) -> None:
        raise AssertionError("nobody sends it")

    sheet = lay_out(extras)
    if sheet.empty:
        return
    drawn = FormModal("Advanced", sheet, Waiting(lambda: 0.0), sent).to_dict()
    assert 1 <= len(drawn["components"]) <= 5
    for part in drawn["components"]:
        assert 1 <= len(part["label"]) <= 45
        assert len(part.get("description") or "") <= 100
        inner = part["component"]
        assert len(inner.get("placeholder") or "") <= 100
        assert inner.get("max_length", 1) <= MOST_INPUT
        for option in inner.get("options", []):
            assert 1 <= len(option["label"]) <= 100
            assert 1 <= len(option["value"]) <= 100
            assert len(option.get("description") or "") <= 100


SHEET = lay_out(
    (
        Extra("style", Kind.CHOICE, ("general", "anime")),
        Extra("bgm", Kind.FLAG),
        Extra("cfg_scale", Kind.DECIMAL, most=1),
        Extra("count", Kind.WHOLE, least=-5, most=5),
        Extra("voice_list", Kind.WORDS, most=2),
        Extra("negative_prompt", Kind.TEXT, most=2500),
    )
)
LINE = st.sampled_from(["style", "BGM", "cfg_scale", "count", "voice_list", "negative_prompt", "nothing"])
WRITTEN = st.lists(st.builds("{}: {}".format, LINE | ANY, ANY | st.sampled_from(["yes", "1e999", "nan", "-1"])) | ANY)


@given(WRITTEN, st.dictionaries(LINE, ANY, max_size=2), WRITTEN)
def test_anything_may_be_sent_by_a_form(picked: list[str], written: dict[str, str], lines: list[str]) -> None:
    said = answers(SHEET, picked, written, "\n".join(lines))
    if isinstance(said, str):
        assert said.endswith(nothing_spent())
        assert len(said) <= 4096
        assert "@everyone" not in said
    else:
        assert said.keys() <= SHEET.known.keys()


@pytest.mark.parametrize(
    ("picked", "lines", "words"),
    [
        (["style: anime", "style: general"], "", "anime and general"),
        (["bgm: yes", "bgm: no"], "", "yes and no"),
        (["style: anime"], "style: general", "Pick one"),
        ([], "cfg_scale", "name: value"),
        ([], "cfg_scal: 1", "cfg\\_scale: 0 to 1"),
        ([], "cfg_scale: much", "can't be much"),
        ([], "cfg_scale: nan", "can't be nan"),
        ([], "count: 1.5", "Possible: -5 to 5"),
        ([], "bgm: maybe", "Possible: yes, no"),
        ([], "style: baroque", "Possible: general, anime"),
        (["style: baroque"], "", "Possible: general, anime"),
        ([], "voice_list: ,", "needs the list of voices"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_what_could(picked: list[str], lines: str, words: str) -> None:
    said = answers(SHEET, picked, {}, lines)
    assert isinstance(said, str)
    assert words in said
    assert said.endswith(nothing_spent())


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("", {}),
        ("\n \n", {}),
        ("Style = ANIME\n- bgm: On", {"style": "anime", "bgm": True}),
        ("`cfg scale`: 0,5", {"cfg_scale": 0.5}),
        ("count: -3\ncount: -3", {"count": -3}),
        ("voice_list: a, b", {"voice_list": "a b"}),
        ("negative_prompt: no: text = here", {"negative_prompt": "no: text = here"}),
    ],
)
def test_lines_are_read_as_people_write_them(lines: str, said: dict[str, Value]) -> None:
    assert answers(SHEET, [], {}, lines) == said


def test_the_same_choice_of_two_vendors_is_offered_once_with_the_choices_of_both() -> None:
    known = {extra.name: extra for vendor in VENDORS.values() for extra in vendor.extras(Operation.TEXT_TO_VIDEO)}
    merged = extras_of(VENDORS, Typed())
    assert merged.keys() == known.keys()
    assert all(described(extra) for extra in merged.values())


def test_providers_is_what_a_test_of_all_vendors_walks() -> None:
    vendors: list[Provider] = list(VENDORS.values())
    assert {"vidu", "kling", "futurelabs"} <= {vendor.name for vendor in vendors}
    assert len(list(offered())) > 20


def test_forms_of_one_member_push_out_their_own_oldest_and_nobody_elses() -> None:
    async def sent(_interaction: Any, _answers: Any) -> None: ...

    waiting = Waiting(lambda: 0.0)
    mine = FormModal("Advanced", SHEET, waiting, sent)
    waiting.add(mine, 1)
    theirs = [FormModal("Advanced", SHEET, waiting, sent) for _ in range(300)]
    for one in theirs:
        waiting.add(one, 2)
    assert len(waiting) == 1 + MOST_OF_ONE
    assert waiting.take(mine)
    assert [waiting.take(one) for one in theirs[-6:]] == [False, *([True] * MOST_OF_ONE)]
