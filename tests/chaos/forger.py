"""Somebody who has learned the addresses of running jobs and posts lies to them, where nothing is signed."""

import json
import random
from typing import Any

import aiohttp

from sandbox.vendors import Task
from tests.chaos.world import World

_LIE = "forged"


async def lie(world: World, dice: random.Random) -> None:
    """Tell the program that some running job has ended: with a film nobody ordered, or badly."""
    tasks = [
        task
        for name in ("kling", "futurelabs")
        for task in list(world.vendors[name].tasks.values())[-40:]
        if task.state not in {task.dialect.done, task.dialect.failed}
    ]
    if not tasks:
        return
    task = dice.choice(tasks)
    path = "/" + task.callback_url.split("/", 3)[3]
    world.count["forged"] += 1
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session,
            session.post(f"http://127.0.0.1:{world.port}{path}", json=_body(world, task)) as answer,
        ):
            await answer.read()
    except (aiohttp.ClientError, TimeoutError, OSError):
        return


def _body(world: World, task: Task) -> dict[str, Any]:
    film = _film(world, task)
    if task.dialect.name == "kling":
        videos = {"videos": [{"id": "1", "url": film, "duration": "5"}]}
        info = {"external_task_id": task.external_id}
        return {"task_id": task.id, "task_status": "succeed", "task_info": info, "task_result": videos}
    return {"task_id": task.id, "state": "success", "creations": [{"url": film, "cover_url": film}]}


def _film(world: World, task: Task) -> str:
    """Put up a film nobody ordered, on the vendor's own address."""
    vendor = world.vendors[task.dialect.name]
    if _LIE not in vendor.files:
        path = world.folder / f"{_LIE}.mp4"
        made = next(iter((world.folder / "films").glob("*.mp4")), None)
        if made is None:
            return f"{vendor.url}/cdn/none/video.mp4"
        path.write_bytes(made.read_bytes())
        vendor.files[_LIE] = (path, 1e18)
    return f"{vendor.url}/cdn/{_LIE}/{json.loads(json.dumps('video.mp4'))}"
