"""Vidu's own API under /ent/v2: submits, query, list, cancel, credits, and callbacks signed with the API key.

Facts: Vidu platform documents (text-to-video, image-to-video, start-end-to-video, tasks-list, get-account-info,
error-code), read 2026-11.
"""

from datetime import datetime
from typing import Any

from aiohttp import web

from sandbox.vendors import desk
from sandbox.vendors import vidu_family as family
from sandbox.vendors import vidu_films as films
from sandbox.vendors import vidu_reference as reference
from sandbox.vendors import vidu_shape as shape
from sandbox.vendors.book import Order, Task
from sandbox.vendors.dialect import Dialect
from sandbox.vendors.vendor import Vendor

WEEK = 7 * 86400
# The orders by example, which have rules of their own.
EXAMPLES = {
    "reference2video": reference.reference_order,
    "reference2image": reference.picture_order,
    "template": reference.template_order,
}
SOLD = {
    "text2video": ("viduq3-turbo", "viduq3-pro", "viduq2", "viduq1"),
    "img2video": tuple(name for name in family.MODELS if name != "viduq2"),
    "start-end2video": tuple(name for name in family.MODELS if name not in {"viduq2", "viduq3-pro-fast"}),
}


def order(operation: str, body: dict[str, Any]) -> Order:
    """Check the fields of a submit and fill in the defaults; raises Refusal."""
    if operation in EXAMPLES:
        return EXAMPLES[operation](body)
    return films.film_order(operation, body, SOLD[operation], "Vidu")


def accepted(_vendor: Vendor, task: Task) -> dict[str, Any]:
    """Answer a submit: here the id is called task_id."""
    return {
        "task_id": task.id,
        "state": task.states[0],
        **shape.answered(task),
        "payload": task.payload,
        "credits": task.order.credits,
        "created_at": family.stamp(task.created_at, 6),
    }


def listed(vendor: Vendor, request: web.Request) -> dict[str, Any]:
    """Answer the list with its filters and paging, newest first; raises Refusal."""
    asked = request.query
    now = vendor.clock()
    first = _moment(asked.get("created_at.from"), now - WEEK)
    last = _moment(asked.get("created_at.to"), now + 1)
    rows = [task for task in reversed(desk.booked(vendor).values()) if first <= task.created_at <= last]
    ids, states = _words(request, "task_ids"), _words(request, "states")
    models, resolutions = _words(request, "model_versions"), _words(request, "resolutions")
    rows = [task for task in rows if not ids or task.id in ids]
    rows = [task for task in rows if not states or task.state in states]
    rows = [
        task for task in rows if not models or str(task.order.settled.get("model", "")).removeprefix("vidu") in models
    ]
    rows = [task for task in rows if not resolutions or task.order.settled.get("resolution") in resolutions]
    templates = _words(request, "templates")
    rows = [task for task in rows if not templates or task.order.settled.get("template") in templates]
    size = _whole(asked.get("paper.pagesz"), 10, 1, 100)
    token = asked.get("pager.page_token", "")
    start = _whole(token, 0, 0, 10**9) if token else _whole(asked.get("paper.page"), 0, 0, 10**6) * size
    page = rows[start : start + size]
    return {
        "tasks": [_row(vendor, task) for task in page],
        "next_page_token": str(start + size) if start + size < len(rows) else "",
    }


def _row(vendor: Vendor, task: Task) -> dict[str, Any]:
    settled = task.order.settled
    return {
        **shape.shown(vendor, task),
        "type": task.operation,
        "model": settled.get("model", ""),
        "template": settled.get("template", ""),
        "prompt": settled["prompt"],
        "images": settled.get("images", []),
        "duration": settled.get("duration", 0),
        "resolution": settled.get("resolution", ""),
        "aspect_ratio": settled.get("aspect_ratio", ""),
        "created_at": family.stamp(task.created_at, 6),
    }


def account(vendor: Vendor, request: web.Request) -> dict[str, Any]:
    """Answer the account's credits; packages are filled with show_detail only."""
    left = vendor.behaviour.credits_left
    running = sum(task.state == "processing" for task in vendor.tasks.values())
    waiting = sum(task.state in {"created", "queueing"} for task in vendor.tasks.values())
    remains = {
        "type": "metered",
        "credit_remain": left,
        "concurrency_limit": vendor.behaviour.parallel or 5,
        "current_concurrency": running,
        "queue_count": waiting,
    }
    package = {"id": "1", "name": "stand-in", "type": "metered", "credit_amount": 100_000, "credit_remain": left}
    detailed = request.query.get("show_detail", "").lower() in {"true", "1"}
    return {"remains": [remains], "packages": [package] if detailed else []}


def routes(vendor: Vendor) -> list[web.RouteDef]:
    """Return the routes beside the submits."""

    async def one(request: web.Request) -> web.StreamResponse:
        def answer() -> tuple[dict[str, Any], Task]:
            task = desk.find(vendor, request.match_info["id"])
            return shape.shown(vendor, task), task

        return await desk.query(vendor, request, answer)

    async def many(request: web.Request) -> web.StreamResponse:
        return await desk.query(vendor, request, lambda: (listed(vendor, request), None))

    async def cancel(request: web.Request) -> web.StreamResponse:
        return await desk.cancel(vendor, request, family.too_late)

    async def credit(request: web.Request) -> web.StreamResponse:
        desk.authorize(vendor, request)
        return web.json_response(account(vendor, request))

    return [
        web.get("/ent/v2/tasks/{id}/creations", one),
        web.get("/ent/v2/tasks", many),
        web.post("/ent/v2/tasks/{id}/cancel", cancel),
        web.get("/ent/v2/credits", credit),
    ]


def _words(request: web.Request, name: str) -> set[str]:
    return {word for value in request.query.getall(name, []) for word in value.split(",") if word}


def _whole(value: str | None, default: int, least: int, most: int) -> int:
    if not value:
        return default
    if not value.isdecimal() or not least <= int(value) <= most:
        raise family.bad("paging", f"must be between {least} and {most}")
    return int(value)


def _moment(value: str | None, default: float) -> float:
    if not value:
        return default
    try:
        return datetime.fromisoformat(value).timestamp()
    except ValueError as problem:
        raise family.bad("created_at", "must be an ISO 8601 time") from problem


VIDU = Dialect(
    name="vidu",
    submits={f"/ent/v2/{operation}": operation for operation in (*films.FRAMES, *EXAMPLES)},
    waiting=("created", "queueing"),
    working="processing",
    done="success",
    failed="failed",
    told=frozenset({"processing", "success", "failed"}),
    refusal_word="CreationPolicyViolation",
    retries=3,
    link_life=86400,
    rules=films.PICTURES,
    authorize=family.authorize,
    order=order,
    check_pictures=reference.check_pictures,
    picture_refusal=family.picture_refusal,
    faults=family.faults,
    refused=family.refused,
    accepted=accepted,
    callback=shape.shown,
    sign=shape.sign,
    routes=routes,
)
