"""What the command line tells: which vendor can do what, and how far estimates and the vendors' figures are apart."""

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from bot.offered import every_command, reference
from bot.plain import clean
from jobs.attachments import Desk
from jobs.context import Context
from providers.contract import Balance, Provider, ProviderError
from providers.orders import Extra, Operation
from storage.ledger import Drift
from storage.strays import Beside

LEGEND = "* can be stopped once the vendor has it, as long as it has not begun"

COMMANDS: Mapping[Operation, str] = {
    Operation.TEXT_TO_VIDEO: "/video",
    Operation.IMAGE_TO_VIDEO: "/video, /brush",
    Operation.START_END_TO_VIDEO: "/video",
    Operation.REFERENCE_TO_VIDEO: "/reference",
    Operation.TEMPLATE_TO_VIDEO: "/template",
    Operation.REFERENCE_TO_IMAGE: "/image",
    Operation.MOTION_CONTROL: "/motion",
    Operation.AVATAR: "/avatar",
    Operation.MUSIC_VIDEO: "/mv create",
    Operation.EDIT_SHOT: "/mv edit",
    Operation.COMPOSE_SHOTS: "/mv compose",
}


def matrix(providers: Mapping[str, Provider]) -> list[list[str]]:
    """Lay out operations by vendors, a heading first: what is offered, and where it can be stopped."""
    vendors = list(providers.values())
    rows = [["operation", "command", *(vendor.title for vendor in vendors)]]
    for operation in Operation:
        cells = [_cell(vendor, operation) for vendor in vendors]
        rows.append([operation.value.replace("_", " "), COMMANDS[operation], *cells])
    return rows


def _cell(vendor: Provider, operation: Operation) -> str:
    if operation not in vendor.operations():
        return ""
    return "yes *" if vendor.can_cancel(operation) else "yes"


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Write a table as Markdown."""
    head, *rest = rows
    lines = [head, ["---"] * len(head), *rest]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def shown(rows: Sequence[Sequence[str]]) -> Table:
    """Draw a table for a terminal. What stands in it are words: members type models, vendors say what they like."""
    head, *rest = rows
    table = Table(*head)
    for row in rest:
        table.add_row(*(Text(clean(cell)) for cell in row))
    return table


def vendor_rows(provider: Provider) -> list[list[str]]:
    """Lay out all one vendor offers, operation by operation, a heading first."""
    rows = [["operation", "models", "further choices"]]
    for operation in provider.operations():
        models = ", ".join(model.name for model in provider.models(operation)) or "the vendor's own"
        choices = "; ".join(_choice(extra) for extra in provider.extras(operation))
        rows.append([operation.value.replace("_", " "), models, choices])
    return rows


def _choice(extra: Extra) -> str:
    what = f"{extra.name} ({', '.join(extra.choices)})" if extra.choices else extra.name
    return f"{what}, only {', '.join(extra.models)}" if extra.models else what


def drift_rows(found: Iterable[Drift]) -> list[list[str]]:
    """Lay out estimates beside the vendors' figures, a heading first."""
    rows = [["vendor", "operation", "model", "jobs", "held", "vendor's figure", "difference", "without a figure"]]
    for one in found:
        apart = f"{(one.reported - one.held) / one.held:+.0%}" if one.held else ""
        numbers = [str(one.told), str(one.held), str(one.reported), apart, str(one.silent)]
        rows.append([one.provider, one.operation.replace("_", " "), one.model, *numbers])
    return rows


def beside_rows(found: Iterable[Beside]) -> list[list[str]]:
    """Lay out what vendors made that no hold pays for, a heading first."""
    rows = [["vendor", "tasks", "still running", "credits"]]
    rows += [[one.provider, str(one.tasks), str(one.running), str(one.credits)] for one in found]
    return rows


def commands_page(vendors: Mapping[str, Provider]) -> str:
    """Write the page of all commands. They are made, not run: nothing they would need is there."""
    nothing: Any = None
    ctx = Context(nothing, vendors, nothing, Path(), time.time, nothing)
    return reference(every_command(ctx, Desk()))


def balance_rows(found: Mapping[str, Balance | Exception | None]) -> list[list[str]]:
    """Lay out what is left at each vendor, or why that is not known, a heading first."""
    return [["vendor", "credits", "in its own words"], *([name, *_left(one)] for name, one in found.items())]


def _left(found: Balance | Exception | None) -> tuple[str, str]:
    match found:
        case None:
            return "", "no call tells it: look into the vendor's console"
        case Balance():
            return "?" if found.credits is None else str(found.credits), found.detail
        case ProviderError():
            return "", f"could not be asked: {found.detail}"
        case _:
            return "", f"could not be asked: a fault in this program ({type(found).__name__})"
