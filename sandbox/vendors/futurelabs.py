"""Futurelabs' resale of Vidu under /ai/avu: its own paths, ranges and answers; no list call, callbacks unsigned.

Facts: Futurelabs API documentation of 2026-05-08. It shows no error table: the words and shape are those of Vidu,
whose API it passes on. It says nothing of how callbacks are signed, so none are.
"""

import random
from typing import Any

from aiohttp import web

from sandbox.vendors import desk
from sandbox.vendors import vidu_family as family
from sandbox.vendors.book import Film, Order, Task, VendorKeys
from sandbox.vendors.dialect import Dialect
from sandbox.vendors.pictures import PictureRules
from sandbox.vendors.vendor import Vendor

BASE = "/ai/avu"
FRAMES = {"text2video": 0, "img2video": 1, "start-end2video": 2}
SOLD = ("viduq3-turbo", "viduq3-pro", "viduq2", "viduq1")


def order(operation: str, body: dict[str, Any]) -> Order:
    """Check the fields of a submit and fill in the defaults; raises Refusal."""
    name, model = family.picked_model(body, SOLD)
    sources = family.image_sources(body, FRAMES[operation]) if FRAMES[operation] else ()
    prompt = family.text(body, "prompt", family.MOST_PROMPT, required=operation != "start-end2video")
    seconds = family.number(body, "duration", model.default_seconds, model.seconds)
    resolution = family.choice(body, "resolution", model.default_resolution, model.per_second)
    off_peak = family.flag(body, "off_peak", False)
    settled: dict[str, Any] = {
        "model": name,
        "prompt": prompt,
        "duration": seconds,
        "seed": family.number(body, "seed", 0) or random.randrange(1, 2**31),
        "resolution": resolution,
        "movement_amplitude": family.choice(body, "movement_amplitude", "auto", ("auto", "small", "medium", "large")),
        "off_peak": off_peak,
    }
    if operation != "start-end2video":
        settled["aspect_ratio"] = family.choice(body, "aspect_ratio", "16:9", model.ratios)
    if operation == "text2video":
        settled["style"] = family.choice(body, "style", "general", ("general", "anime"))
    else:
        settled["images"] = list(sources)
    # Sound is a q3 matter and on unless refused; music (bgm) is not for q3. Only text-to-video names either.
    sound = model.sound and family.flag(body, "audio", True)
    music = not model.sound and family.flag(body, "bgm", False) and seconds not in {9, 10}
    return Order(
        film=Film(
            seconds,
            int(resolution[:-1]),
            family.ratio_of(settled["aspect_ratio"]) if "aspect_ratio" in settled else None,
            sound or music,
            "" if sources else prompt,
            f"Futurelabs stand-in \N{MIDDLE DOT} {name} \N{MIDDLE DOT} {seconds} s",
        ),
        credits=family.price(model, resolution, seconds, off_peak=off_peak),
        pictures=sources,
        callback_url=family.callback_address(body),
        payload=family.text(body, "payload", family.MOST_PAYLOAD),
        settled=settled,
    )


def accepted(_vendor: Vendor, task: Task) -> dict[str, Any]:
    """Answer a submit."""
    return {
        "task_id": task.id,
        "type": task.operation,
        "state": task.states[0],
        **task.order.settled,
        "created_at": family.stamp(task.created_at, 3),
        "credits": task.order.credits,
    }


def shown(vendor: Vendor, task: Task) -> dict[str, Any]:
    """Show a task to a query, and to a callback alike, whose body the document does not tell."""
    body: dict[str, Any] = {
        "task_id": task.id,
        "type": task.operation,
        "state": task.state,
        "model": task.order.settled["model"],
        "prompt": task.order.settled["prompt"],
        "creations": [],
        "created_at": family.stamp(task.created_at, 3),
        "credits": task.credits,
    }
    if task.state == "success" and not task.empty:
        body["creations"] = [{"url": vendor.link(task, "video"), "cover_url": vendor.link(task, "cover")}]
    if task.state == "failed":
        body["err_code"] = task.error
    return body


def routes(vendor: Vendor) -> list[web.RouteDef]:
    """Return the routes beside the submits."""

    async def one(request: web.Request) -> web.StreamResponse:
        def answer() -> tuple[dict[str, Any], Task]:
            task = desk.find(vendor, request.match_info["id"])
            return shown(vendor, task), task

        return await desk.query(vendor, request, answer)

    async def cancel(request: web.Request) -> web.StreamResponse:
        return await desk.cancel(vendor, request, family.too_late)

    return [
        web.get(f"{BASE}/tasks/{{id}}/creations", one),
        web.post(f"{BASE}/tasks/{{id}}/cancel", cancel),
    ]


def sign(_keys: VendorKeys, _task: Task, _body: bytes, _now: float) -> dict[str, str]:
    """Sign nothing."""
    return {}


FUTURELABS = Dialect(
    name="futurelabs",
    submits={f"{BASE}/{operation}": operation for operation in FRAMES},
    waiting=("created", "queueing"),
    working="processing",
    done="success",
    failed="failed",
    told=frozenset({"processing", "success", "failed"}),
    refusal_word="CreationPolicyViolation",
    retries=0,
    link_life=86400,
    rules=PictureRules("never", frozenset({"PNG", "JPEG", "WEBP"}), 50 * 1024 * 1024, 1, 4),
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
