"""Ways to a posted result, and to what can be done with it."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Any

from sandbox.discord import EPHEMERAL, Member, Message, Typed
from storage import jobs as job_facts
from storage.words import Job
from tests.bot.harness import Set, ready
from tests.bot.test_advanced import parts
from tests.bot.test_buttons import REFUSED

NOTHING = "nothing was spent"


async def posted(films: Set, **options: Any) -> tuple[Job, Message]:
    """Bring a job to its posted result."""
    return await shown(films, await ready(films, **options))


async def shown(films: Set, job: Job) -> tuple[Job, Message]:
    await films.deliver()
    return await films.job(job.id), films.results()[-1]


def labels(message: Message) -> list[str | None]:
    return [button.label for button in message.buttons]


async def count(films: Set) -> int:
    return sum((await films.ctx.database.read(job_facts.count_by_state)).values())


async def no_more(films: Set, typed: Typed, *words: str) -> str:
    """Read an answer that only the one who asked sees, and that begins nothing."""
    before = await count(films)
    answer = await typed.answered()
    await films.settled()
    assert answer.flags & EPHEMERAL
    for word in words:
        assert word in answer.text
    assert NOTHING in answer.text.lower() or REFUSED in answer.text
    assert await count(films) == before
    return answer.text


async def opened(who: Member, message: Message, label: str) -> Typed:
    typed = who.press(message, label)
    await typed.modal_shown()
    return typed


def filled(form: Typed, **changes: Any) -> dict[str, Any]:
    """Fill a form in as Discord does: what is not touched is sent as it was shown."""
    values: dict[str, Any] = {}
    for name, part in parts(form).items():
        chosen = [option["value"] for option in part.get("options", []) if option.get("default")]
        values[name] = chosen if "options" in part else part.get("value", "")
    return values | changes


def planted(message: Message, custom_id: str) -> str:
    """Let a message have a button it never had."""
    message.components[0]["components"][0]["custom_id"] = custom_id
    return custom_id


def break_storage(folder: Path) -> None:
    with contextlib.closing(sqlite3.connect(folder / "rushes.db")) as file:
        file.execute("ALTER TABLE jobs RENAME TO elsewhere")


async def forged(who: Member, message: Message, custom_id: str) -> str:
    answer = await who.press_custom_id(message, planted(message, custom_id)).answered()
    assert answer.flags & EPHEMERAL
    return answer.text
