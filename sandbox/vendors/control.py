"""The stand-in's own doors beside the vendor's API: change its behaviour and read its book over HTTP."""

import json
from dataclasses import asdict
from typing import Any

from aiohttp import web

from sandbox.vendors.behaviour import changed
from sandbox.vendors.book import Task
from sandbox.vendors.vendor import Vendor


def control_routes(vendor: Vendor) -> list[web.RouteDef]:
    """Return the routes under /_control/; they are for the one machine the stand-in runs on and ask for no key."""

    async def put_behaviour(request: web.Request) -> web.Response:
        try:
            vendor.behaviour = changed(vendor.behaviour, json.loads(await request.read()))
        except (ValueError, AttributeError) as problem:
            return web.json_response({"error": str(problem)}, status=400)
        return web.json_response(asdict(vendor.behaviour))

    async def get_behaviour(_request: web.Request) -> web.Response:
        return web.json_response(asdict(vendor.behaviour))

    async def release(_request: web.Request) -> web.Response:
        vendor.release()
        return web.json_response({})

    async def get_tasks(_request: web.Request) -> web.Response:
        return web.json_response([_task(task) for task in vendor.tasks.values()])

    async def get_calls(_request: web.Request) -> web.Response:
        return web.json_response([asdict(call) | {"body": call.body.decode(errors="replace")} for call in vendor.calls])

    async def get_sent(_request: web.Request) -> web.Response:
        return web.json_response([asdict(each) | {"body": each.body.decode(errors="replace")} for each in vendor.sent])

    return [
        web.put("/_control/behaviour", put_behaviour),
        web.get("/_control/behaviour", get_behaviour),
        web.post("/_control/release", release),
        web.get("/_control/tasks", get_tasks),
        web.get("/_control/calls", get_calls),
        web.get("/_control/sent", get_sent),
    ]


def _task(task: Task) -> dict[str, Any]:
    return {
        "id": task.id,
        "operation": task.operation,
        "state": task.state,
        "states": task.states,
        "credits": task.credits,
        "external_id": task.external_id,
        "payload": task.payload,
        "callback_url": task.callback_url,
        "created_at": task.created_at,
        "error": task.error,
        "video": str(task.video) if task.video else None,
        "images": [str(path) for path in task.images],
        "body": task.body,
    }
