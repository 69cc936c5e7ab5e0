"""How the stand-in films a music video: the song is cut into shots, each a small real film, joined under the song."""

import asyncio
from dataclasses import replace
from typing import Any

from sandbox.vendors.book import Film, Materials, Order, Task
from sandbox.vendors.life import make
from sandbox.vendors.render import Joined
from sandbox.vendors.vendor import Vendor

FILMED, COMPOSE = "generate_video", "compose"  # Futurelabs' words for the two kinds of work inside a music video
LONGEST = 180  # seconds of a composed film; of a longer song only the shots are made
A_SHOT = 5  # seconds of a shot, until there would be more than
MOST_SHOTS = 4


def cut(seconds: int) -> list[int]:
    """Cut a song into two to four shots of whole seconds, about five each in a short song."""
    count = min(MOST_SHOTS, max(2, round(seconds / A_SHOT)))
    return [seconds * (number + 1) // count - seconds * number // count for number in range(count)]


def takes(vendor: Vendor, mv: Task, kind: str) -> list[Task]:
    """List all takes of shots, or all compositions, of a music video, oldest first."""
    later = [task for task in vendor.tasks.values() if task.order.settled.get("mv") == mv.id]
    return [task for task in (*mv.parts, *later) if task.order.settled["type"] == kind]


async def make_film(vendor: Vendor, task: Task) -> None:
    """Film a music video, a new take of a shot, or a composition; raises RenderFailed."""
    kind = task.order.settled["type"]
    if kind == FILMED:
        await make(vendor, task)
    elif kind == COMPOSE:
        mv = vendor.tasks[task.order.settled["mv"]]
        shots = {each.id: each for each in takes(vendor, mv, FILMED)}
        await _join(vendor, task, [shots[wanted] for wanted in task.order.settled["shots"]], mv)
    else:
        await _all(vendor, task)


async def _all(vendor: Vendor, mv: Task) -> None:
    lengths = cut(mv.order.film.seconds)
    mv.parts = [_shot(vendor, mv, index, seconds) for index, seconds in enumerate(lengths)]
    shots = list(mv.parts)
    await asyncio.gather(*(_film(vendor, shot) for shot in shots))
    if mv.order.film.seconds > LONGEST:
        return
    whole = _part(vendor, mv, mv.order.film, {"type": COMPOSE, "index": 0, "shots": [shot.id for shot in shots]})
    mv.parts.append(whole)
    _turn(vendor, whole, "processing")
    await _join(vendor, whole, shots, mv)
    _turn(vendor, whole, "success")
    mv.video = whole.video


async def _film(vendor: Vendor, shot: Task) -> None:
    _turn(vendor, shot, "processing")
    await make(vendor, shot)
    _turn(vendor, shot, "success")


async def _join(vendor: Vendor, whole: Task, shots: list[Task], mv: Task) -> None:
    films = [shot.video for shot in shots if shot.video]
    song = mv.materials.media[0].data
    whole.video = await vendor.studio.joined(Joined(tuple(films), song, whole.order.film.seconds))


def _shot(vendor: Vendor, mv: Task, index: int, seconds: int) -> Task:
    pictures = mv.materials.pictures
    prompt = f"{mv.order.film.text} (shot {index + 1})".strip()
    film = replace(mv.order.film, seconds=seconds, text=prompt)
    settled = {"type": FILMED, "mv": mv.id, "index": index, "prompt": prompt, "lyric_text": "" if index else "Intro"}
    shot = _part(vendor, mv, film, settled)
    shot.materials = Materials((pictures[index % len(pictures)],))
    return shot


def _part(vendor: Vendor, mv: Task, film: Film, settled: dict[str, Any]) -> Task:
    now = vendor.clock()
    order = Order(film, 0, settled=settled)
    return Task(vendor.new_id(), mv.dialect, str(settled["type"]), {}, order, "created", ["created"], now, now, 0)


def _turn(vendor: Vendor, part: Task, state: str) -> None:
    """Move a part on quietly: callbacks speak of the whole."""
    part.state = state
    part.states.append(state)
    part.updated_at = vendor.clock()
    vendor.stir()
