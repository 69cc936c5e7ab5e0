"""Music videos, shots and changes as Futurelabs' tests order them."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import aiohttp

from providers.contract import Status, Submission, Task
from providers.futurelabs import Futurelabs
from providers.orders import Clip, Operation, Order, Picture, Role, Rule
from tests.providers.lab import Vendor, reply, sample
from tests.providers.orders import ACCOUNT, CALLBACK, picture

MV, EDIT, COMPOSE = Operation.MUSIC_VIDEO, Operation.EDIT_SHOT, Operation.COMPOSE_SHOTS
FILM, FIRST, SECOND, NEW = (f"9300000000000000{n}" for n in ("01", "11", "12", "31"))
EDITED = f"{FILM}:{FIRST}:{NEW}:job-1"
SONG = Clip(Role.AUDIO, "audio/mpeg", 4, 60.0, data=b"song", url="https://files.example/song.mp3")
WORDS = Clip(Role.SUBTITLES, "application/x-subrip", 900, url="https://files.example/song.srt")


def customer(vendor: Vendor, session: aiohttp.ClientSession) -> Futurelabs:
    """Give an adapter that talks to a vendor which takes every music video."""
    vendor.answers = [reply(200, sample("futurelabs/mv_submit.json"))]
    return Futurelabs(replace(ACCOUNT, base_urls=(vendor.url,)), session, lambda: 0.0)


def faces(count: int, **changes: Any) -> tuple[Picture, ...]:
    return tuple(picture(Role.REFERENCE, **changes) for _ in range(count))


def music(**changes: Any) -> Order:
    return replace(Order(MV, pictures=faces(1), clips=(SONG,)), **changes)


def edit(**changes: Any) -> Order:
    return replace(Order(EDIT, prompt="a lamp goes out", parent=FILM, shots=(FIRST,)), **changes)


def compose(**changes: Any) -> Order:
    return replace(Order(COMPOSE, parent=FILM, shots=(SECOND, FIRST)), **changes)


async def send(futurelabs: Futurelabs, order: Order) -> str:
    return (await futurelabs.submit(Submission(futurelabs.fill(order), "job-1", CALLBACK))).task_id


def wrong(futurelabs: Futurelabs, order: Order) -> list[tuple[str, Rule]]:
    return [(problem.field, problem.rule) for problem in futurelabs.problems(futurelabs.fill(order))]


Ask = Callable[..., Awaitable[Status]]


def asking(futurelabs: Futurelabs, vendor: Vendor) -> Ask:
    """Give a way to ask about a task, with what is answered."""

    async def asked(task_id: str, operation: Operation, *answers: object) -> Status:
        vendor.answers = [reply(200, answer) for answer in answers]
        return await futurelabs.query(Task(task_id, operation, "job-1"))

    return asked
