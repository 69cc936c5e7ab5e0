"""Callbacks: each state's body, signed the vendor's way and posted, with every way to get that wrong on request."""

import asyncio
import io
import json

import aiohttp
from yarl import URL

from sandbox.vendors.behaviour import Behaviour
from sandbox.vendors.book import SentCallback, Task
from sandbox.vendors.vendor import Vendor

GARBAGE = b'{"id": "1", "state": '


def notify(vendor: Vendor, task: Task) -> None:
    """Send the callback of the task's present state, after those that went before; returns at once."""
    dialect, behaviour = task.dialect, vendor.behaviour
    final = task.state in {dialect.done, dialect.failed}
    if not task.callback_url or task.state not in dialect.told or behaviour.callbacks == "none":
        return
    if behaviour.callbacks == "only_final" and not final:
        return
    body = json.dumps(dialect.callback(vendor, task), ensure_ascii=False).encode()
    letter = (task.state, GARBAGE if behaviour.callbacks == "garbage" else body)
    if behaviour.callbacks == "final_first":
        _final_first(vendor, task, letter, final)
    else:
        _queue(vendor, task, letter)


def _final_first(vendor: Vendor, task: Task, letter: tuple[str, bytes], final: bool) -> None:
    if not final:
        task.kept.append(letter)
        return
    for each in (letter, *task.kept):
        _queue(vendor, task, each)


def _queue(vendor: Vendor, task: Task, letter: tuple[str, bytes]) -> None:
    task.mail.append(vendor.start(_post_in_turn(vendor, task, letter, task.mail[-1] if task.mail else None)))


async def _post_in_turn(
    vendor: Vendor, task: Task, letter: tuple[str, bytes], previous: asyncio.Task[None] | None
) -> None:
    if previous:
        await asyncio.wait([previous])
    behaviour = vendor.behaviour
    if behaviour.callbacks == "late":
        await asyncio.sleep(behaviour.late_by)
    times = {"double": 2, "hundred": 100}.get(behaviour.callbacks, 1)
    headers = _headers(vendor, task, letter[1])
    first = await asyncio.gather(*(_post(vendor, task, letter, headers) for _ in range(times)))
    if letter[0] in {task.dialect.done, task.dialect.failed} and not any(first):
        await _repeat(vendor, task, letter, headers, behaviour)


async def _repeat(
    vendor: Vendor, task: Task, letter: tuple[str, bytes], headers: dict[str, str], behaviour: Behaviour
) -> None:
    for _ in range(task.dialect.retries if behaviour.retries is None else behaviour.retries):
        await asyncio.sleep(behaviour.retry_every)
        again = headers if behaviour.retry_headers == "same" else _headers(vendor, task, letter[1])
        if await _post(vendor, task, letter, again):
            return


def _headers(vendor: Vendor, task: Task, body: bytes) -> dict[str, str]:
    signed = task.dialect.sign(task.keys or vendor.keys, task, body, vendor.clock())
    return {"Content-Type": "application/json", **signed}


async def _post(vendor: Vendor, task: Task, letter: tuple[str, bytes], headers: dict[str, str]) -> bool:
    """Post once and record it; true when the answer was 2xx."""
    record = SentCallback(task.id, letter[0], task.callback_url, dict(headers), letter[1], vendor.clock())
    vendor.sent.append(record)
    try:
        # encoded=True: the path and query go out as submitted, because that is what was signed.
        address = URL(task.callback_url, encoded=True)
        async with vendor.session.post(
            address,
            data=io.BytesIO(letter[1]),
            headers=headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=5),
        ) as answer:
            record.status = answer.status
            await answer.read()
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as problem:
        record.error = f"{type(problem).__name__}: {problem}"
    vendor.tell(
        "callback sent", task, callback_state=letter[0], url=record.url, status=record.status, error=record.error
    )
    return record.status is not None and 200 <= record.status < 300
