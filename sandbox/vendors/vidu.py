"""Vidu's own API under /ent/v2: submits, query, list, cancel, credits, and callbacks signed with the API key.

Facts: Vidu platform documents (text-to-video, image-to-video, start-end-to-video, get-generation, tasks-list,
get-account-info, callback-signature, error-code), read 2026-11.
"""

import random
import uuid
from datetime import datetime
from typing import Any

from aiohttp import web

from sandbox.vendors import desk
from sandbox.vendors import vidu_family as family
from sandbox.vendors.book import Film, Order, Task, VendorKeys
from sandbox.vendors.dialect import Dialect
from sandbox.vendors.pictures import PictureRules
from sandbox.vendors.signing import vidu_headers
from sandbox.vendors.vendor import Vendor

WEEK = 7 * 86400
FRAMES = {"text2video": 0, "img2video": 1, "start-end2video": 2}
SOLD = {
    "text2video": ("viduq3-turbo", "viduq3-pro", "viduq2", "viduq1"),
    "img2video": tuple(name for name in family.MODELS if name != "viduq2"),
    "start-end2video": tuple(name for name in family.MODELS if name not in {"viduq2", "viduq3-pro-fast"}),
}


def order(operation: str, body: dict[str, Any]) -> Order:
    """Check the fields of a submit and fill in the defaults; raises Refusal."""
    name, model = family.picked_model(body, SOLD[operation])
    sources = family.image_sources(body, FRAMES[operation]) if FRAMES[operation] else ()
    prompt = family.text(body, "prompt", family.MOST_PROMPT, required=operation == "text2video")
    seconds = family.number(body, "duration", model.default_seconds, model.seconds)
    resolution = family.choice(body, "resolution", model.default_resolution, model.per_second)
    off_peak = family.flag(body, "off_peak", False)
    audio = family.flag(body, "audio", model.sound)
    if off_peak and audio and not model.sound:
        raise family.bad("off_peak", "cannot be used with audio on this model")
    settled: dict[str, Any] = {
        "model": name,
        "prompt": prompt,
        "duration": seconds,
        "seed": family.number(body, "seed", 0) or random.randrange(1, 2**31),
        "resolution": resolution,
        "movement_amplitude": family.choice(body, "movement_amplitude", "auto", ("auto", "small", "medium", "large")),
        "bgm": family.flag(body, "bgm", False),
        "audio": audio,
        "off_peak": off_peak,
    }
    if operation == "text2video":
        settled["aspect_ratio"] = family.choice(body, "aspect_ratio", "16:9", model.ratios)
        settled["style"] = family.choice(body, "style", "general", ("general", "anime"))
    else:
        settled["images"] = list(sources)
    cost = family.price(model, resolution, seconds, off_peak=off_peak)
    return Order(
        film=Film(
            seconds,
            int(resolution[:-1]),
            family.ratio_of(settled["aspect_ratio"]) if operation == "text2video" else None,
            audio or settled["bgm"],
            "" if sources else prompt,
            f"Vidu stand-in \N{MIDDLE DOT} {name} \N{MIDDLE DOT} {seconds} s",
        ),
        credits=cost + (10 if family.flag(body, "is_rec", False) else 0),
        pictures=sources,
        callback_url=family.callback_address(body),
        payload=family.text(body, "payload", family.MOST_PAYLOAD),
        settled=settled,
    )


def accepted(_vendor: Vendor, task: Task) -> dict[str, Any]:
    """Answer a submit: here the id is called task_id."""
    return {
        "task_id": task.id,
        "state": task.states[0],
        **task.order.settled,
        "payload": task.payload,
        "credits": task.order.credits,
        "created_at": family.stamp(task.created_at, 6),
    }


def creations(vendor: Vendor, task: Task) -> list[dict[str, Any]]:
    """List the results of a task that succeeded."""
    if task.state != "success" or task.empty:
        return []
    link = vendor.link(task, "video")
    return [{"id": task.creation_id, "url": link, "cover_url": vendor.link(task, "cover"), "watermarked_url": ""}]


def shown(vendor: Vendor, task: Task) -> dict[str, Any]:
    """Show a task to a query and to a callback alike: here the id is called id."""
    return {
        "id": task.id,
        "state": task.state,
        "err_code": task.error,
        "credits": task.credits,
        "payload": task.payload,
        "bgm": task.order.settled["bgm"],
        "off_peak": task.order.settled["off_peak"],
        "creations": creations(vendor, task),
    }


def listed(vendor: Vendor, request: web.Request) -> dict[str, Any]:
    """Answer the list with its filters and paging, newest first; raises Refusal."""
    asked = request.query
    now = vendor.clock()
    first = _moment(asked.get("created_at.from"), now - WEEK)
    last = _moment(asked.get("created_at.to"), now + 1)
    rows = [task for task in reversed(vendor.tasks.values()) if first <= task.created_at <= last]
    ids, states = _words(request, "task_ids"), _words(request, "states")
    models, resolutions = _words(request, "model_versions"), _words(request, "resolutions")
    rows = [task for task in rows if not ids or task.id in ids]
    rows = [task for task in rows if not states or task.state in states]
    rows = [task for task in rows if not models or str(task.order.settled["model"]).removeprefix("vidu") in models]
    rows = [task for task in rows if not resolutions or task.order.settled["resolution"] in resolutions]
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
        **shown(vendor, task),
        "type": task.operation,
        "model": settled["model"],
        "prompt": settled["prompt"],
        "images": settled.get("images", []),
        "duration": settled["duration"],
        "resolution": settled["resolution"],
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
            return shown(vendor, task), task

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


def sign(keys: VendorKeys, task: Task, _body: bytes, now: float) -> dict[str, str]:
    """Sign a callback with the key that made the task."""
    return vidu_headers(keys.api_key, task.callback_url, now, str(uuid.uuid4()))


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
    submits={f"/ent/v2/{operation}": operation for operation in FRAMES},
    waiting=("created", "queueing"),
    working="processing",
    done="success",
    failed="failed",
    told=frozenset({"processing", "success", "failed"}),
    refusal_word="CreationPolicyViolation",
    retries=3,
    link_life=86400,
    rules=PictureRules("prefix", frozenset({"PNG", "JPEG", "WEBP"}), 50 * 1024 * 1024, 1, 4),
    authorize=family.authorize,
    order=order,
    check_pictures=family.check_pair,
    picture_refusal=family.picture_refusal,
    faults=family.faults,
    refused=family.refused,
    accepted=accepted,
    callback=shown,
    sign=sign,
    routes=routes,
)
