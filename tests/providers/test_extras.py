"""Further choices, whatever the vendor: what is offered can be sent, and what is not is refused before it costs."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest

from providers import registry
from providers.contract import Account, Provider
from providers.orders import Extra, Kind, Operation, Order, Role, Rule, Value
from tests.providers.orders import order, picture

NOBODY = Account(api_keys=("none",))
VENDORS = registry.build(dict.fromkeys(registry.NAMES, NOBODY), cast("Any", None), lambda: 0.0)
OFFERED = [
    (name, operation, extra)
    for name, vendor in VENDORS.items()
    for operation in vendor.operations()
    for extra in vendor.extras(operation)
]
# What a choice needs beside it, or cannot stand.
WITH: dict[str, dict[str, Value]] = {
    "wm_position": {"watermark": True},
    "camera_type": {"camera_axis": "zoom", "camera_amount": 2.0},
    "camera_axis": {"camera_type": "simple", "camera_amount": 2.0},
    "camera_amount": {"camera_type": "simple", "camera_axis": "zoom"},
}
NAMES = [f"{name}-{operation.value}-{extra.name}" for name, operation, extra in OFFERED]


def values_of(extra: Extra) -> list[Value]:
    """List values of an extra that are in its range."""
    match extra.kind:
        case Kind.CHOICE:
            return list(extra.choices)
        case Kind.FLAG:
            return [True, False]
        case Kind.WHOLE:
            return [int(extra.least), int(extra.most)]
        case Kind.DECIMAL:
            return [extra.least, extra.most, (extra.least + extra.most) / 3]
        case Kind.TEXT:
            return ['{"a": 1}' if extra.name == "meta_data" else "x" * 5]
        case Kind.WORDS:
            return [" ".join(f"voice{n}" for n in range(int(extra.most)))]


def wrong_of(extra: Extra) -> list[Value]:
    """List values of an extra that are of a wrong kind, or out of range."""
    match extra.kind:
        case Kind.CHOICE:
            return ["nonsense", True, 7]
        case Kind.FLAG:
            return ["yes", 1]
        case Kind.WHOLE | Kind.DECIMAL:
            return [extra.least - 1, extra.most + 1, float("nan"), float("inf"), "1", True]
        case Kind.TEXT:
            return ["x" * (int(extra.most) + 1)]
        case Kind.WORDS:
            return [" ".join("w" for _ in range(int(extra.most) + 1))]


def asked(operation: Operation, extra: Extra, value: Value) -> Order:
    plain = order(operation)
    beside = dict(WITH.get(extra.name, {}))
    if extra.name == "camera_type" and value != "simple":
        beside = {}
    if extra.name == "is_rec":
        plain = replace(plain, prompt="")
    if extra.name == "text":
        plain = replace(plain, clips=())
    return replace(plain, extras={**plain.extras, **beside, extra.name: value})


def attempts(vendor: Provider, wanted: Order) -> Iterator[Order]:
    """Try an order with every model and one nobody knows, with and without sound: some choices go with one alone."""
    for model in [*(model.name for model in vendor.models(wanted.operation)), None, "viduq2-unheard-of"]:
        for audio in (None, True, False):
            for duration in (None, 5):
                yield vendor.fill(replace(wanted, model=model, audio=audio, duration=duration))


def sendable(vendor: Provider, wanted: Order) -> bool:
    prompted = [wanted, replace(wanted, prompt="a lighthouse in fog")]
    return any(vendor.problems(one) == [] for each in prompted for one in attempts(vendor, each))


@pytest.mark.parametrize(("name", "operation", "extra"), OFFERED, ids=NAMES)
def test_every_choice_that_is_offered_can_be_sent_with_some_model(
    name: str, operation: Operation, extra: Extra
) -> None:
    refused = [value for value in values_of(extra) if not sendable(VENDORS[name], asked(operation, extra, value))]
    if extra.name == "camera_amount":
        refused = [value for value in refused if value != 0]
    unable = {"camera_type": {"down_back", "forward_up", "right_turn_forward", "left_turn_forward"}}
    if operation is Operation.IMAGE_TO_VIDEO:  # the capability map knows the simple one only there
        refused = [value for value in refused if value not in unable.get(extra.name, set[Value]())]
    assert refused == []


@pytest.mark.parametrize(("name", "operation", "extra"), OFFERED, ids=NAMES)
def test_a_choice_of_a_wrong_kind_or_out_of_range_is_named(name: str, operation: Operation, extra: Extra) -> None:
    vendor = VENDORS[name]
    for value in wrong_of(extra):
        filled = vendor.fill(asked(operation, extra, value))
        assert extra.name in {problem.field for problem in vendor.problems(filled)}, value


@pytest.mark.parametrize("name", registry.NAMES)
def test_a_choice_that_is_not_offered_is_refused(name: str) -> None:
    vendor = VENDORS[name]
    everything = {extra.name: extra for _, _, extra in OFFERED}
    for operation in vendor.operations():
        here = {extra.name for extra in vendor.extras(operation)}
        for extra in [one for one in everything.values() if one.name not in here]:
            filled = vendor.fill(asked(operation, extra, values_of(extra)[0]))
            assert extra.name in {problem.field for problem in vendor.problems(filled)}, (operation, extra.name)


@pytest.mark.parametrize("name", registry.NAMES)
def test_an_operation_that_is_not_offered_is_refused_whole(name: str) -> None:
    vendor = VENDORS[name]
    for operation in set(Operation) - set(vendor.operations()):
        [problem] = vendor.problems(vendor.fill(order(operation)))
        assert (problem.field, problem.rule, problem.given) == ("operation", Rule.NOT_OFFERED, operation)
        assert vendor.models(operation) == ()
        assert vendor.extras(operation) == ()
        assert not vendor.can_cancel(operation)


@pytest.mark.parametrize("name", registry.NAMES)
def test_a_file_for_something_else_is_refused(name: str) -> None:
    vendor = VENDORS[name]
    for operation in vendor.operations():
        plain = order(operation)
        for role in (Role.STATIC_MASK, Role.FACE, Role.LAST_FRAME, Role.REFERENCE, Role.FIRST_FRAME):
            if role in {one.role for one in plain.pictures}:
                continue
            more = replace(plain, pictures=(*plain.pictures, picture(role)))
            problems = vendor.problems(vendor.fill(more))
            goes_along = role is Role.STATIC_MASK and name == "kling"
            assert goes_along or role in {problem.field for problem in problems}, (operation, role)
