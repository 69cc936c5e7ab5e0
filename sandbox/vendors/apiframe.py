"""Apiframe's first API: Kling by one submit and one fetch, both POST, callbacks that only echo the caller's secret.

Facts: Apiframe v1, imagine, fetch, account and webhooks, read 2026-11. Not told there, so invented here: the body of a
failed task, the answers to too many requests and to an empty account, prices, the life of a file and the limits of
pictures. It repeats no callback and cancels nothing, as far as it tells.
"""

import hmac
import json
from typing import Any, cast

from aiohttp import web

from sandbox.vendors import desk
from sandbox.vendors.book import Film, Order, Picture, Refusal, Task, VendorKeys
from sandbox.vendors.dialect import Dialect
from sandbox.vendors.pictures import PictureProblem, PictureRules
from sandbox.vendors.vendor import Vendor

SUBMIT = "/kling-imagine"
MODELS = ("kling-v1", "kling-v1-5", "kling-v1-6")
KINDS = ("text2video", "image2video")
RATIOS = {"16:9": 16 / 9, "9:16": 9 / 16, "1:1": 1.0, "4:3": 4 / 3, "3:4": 3 / 4, "21:9": 21 / 9}
FIVE_SECONDS = {"std": 10, "pro": 20}  # credits
FETCHES = (2, 20)  # fewest and most tasks of one fetch-many


def bad(message: str) -> Refusal:
    """Return the refusal of a request."""
    return Refusal(400, "bad request", message)


def text(body: dict[str, Any], field: str, *, required: bool = False) -> str:
    """Read a text field, "" when absent; raises Refusal."""
    value = body.get(field)
    if value is None or value == "":
        if required:
            raise bad(f"{field} is required")
        return ""
    if not isinstance(value, str):
        raise bad(f"{field} must be a string")
    return value


def choice(body: dict[str, Any], field: str, default: str, allowed: tuple[str, ...]) -> str:
    """Read a word of a list; raises Refusal."""
    value = text(body, field) or default
    if value not in allowed:
        raise bad(f"{field} must be one of {', '.join(allowed)}")
    return value


def address(body: dict[str, Any], field: str, *, required: bool = False) -> str:
    """Read an address, "" when absent; raises Refusal."""
    value = text(body, field, required=required)
    if value and not value.startswith(("http://", "https://")):
        raise bad(f"{field} must be a URL")
    return value


def order(_operation: str, body: dict[str, Any]) -> Order:
    """Check the fields of a submit and fill in the defaults; raises Refusal."""
    prompt = text(body, "prompt", required=True)
    text(body, "generation_type", required=True)
    from_picture = choice(body, "generation_type", "", KINDS) == "image2video"
    model = choice(body, "model", "kling-v1", MODELS)
    mode = choice(body, "mode", "std", ("std", "pro"))
    if mode == "pro" and model != "kling-v1-5":
        raise bad("only kling-v1-5 works with pro")
    if from_picture and text(body, "aspect_ratio"):
        raise bad("aspect_ratio is for text2video only")
    ratio = None if from_picture else RATIOS[choice(body, "aspect_ratio", "16:9", tuple(RATIOS))]
    seconds = body.get("duration", 5)
    if type(seconds) is not int or seconds not in {5, 10}:
        raise bad("duration must be 5 or 10")
    _check_guidance(body)
    text(body, "negative_prompt")
    # Pictures belong to image2video; beside a text they are taken without effect.
    first = address(body, "image_url", required=from_picture)
    last = address(body, "end_image_url")
    label = f"Apiframe stand-in \N{MIDDLE DOT} {model} \N{MIDDLE DOT} {seconds} s"
    return Order(
        film=Film(
            seconds,
            1080 if mode == "pro" else 720,
            ratio,
            text="" if from_picture else prompt,
            label=label,
        ),
        credits=FIVE_SECONDS[mode] * seconds // 5,
        pictures=tuple(each for each in (first, last) if each) if from_picture else (),
        callback_url=address(body, "webhook_url"),
        callback_secret=text(body, "webhook_secret"),
    )


def _check_guidance(body: dict[str, Any]) -> None:
    value = body.get("cfg_scale")
    if value is None:
        return
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise bad("cfg_scale must be between 0 and 1")


def check_pictures(_order: Order, _pictures: tuple[Picture, ...]) -> None:
    """Ask nothing of the pictures together: nothing is documented."""


def picture_refusal(problem: PictureProblem) -> Refusal:
    """Name a picture's problem: all are bad requests."""
    return bad(problem.message)


def authorize(keys: VendorKeys, header: str, _now: float) -> None:
    """Demand the key itself, without a scheme; raises Refusal."""
    if not hmac.compare_digest(header.encode(), keys.api_key.encode()):
        raise Refusal(401, "unauthorized", "Invalid API Key")


def faults(which: str) -> Refusal:
    """Return what the vendor answers in general trouble."""
    status, message = {
        "throttle": (429, "Too many requests"),
        "error500": (500, "Server error"),
        "out_of_credit": (400, "Insufficient credits"),
        "json": (400, "Invalid request"),
        "no_such_task": (400, "Task not found"),
    }.get(which, (404, "Not found"))
    return Refusal(status, which, message)


def refused(refusal: Refusal) -> dict[str, Any]:
    """Return the body of an error answer: a wrong key and a broken server are told by an empty object."""
    return {} if refusal.status in {401, 500} else {"errors": [{"msg": refusal.message}]}


def accepted(_vendor: Vendor, task: Task) -> dict[str, Any]:
    """Answer a submit."""
    return {"task_id": task.id}


def shown(vendor: Vendor, task: Task) -> dict[str, Any]:
    """Show a task to a fetch and to a callback alike; a running one tells its share as text, as documented."""
    body: dict[str, Any] = {"task_id": task.id, "task_type": "kling-video", "status": task.state}
    if task.state == "failed":
        return {**body, "errors": [{"msg": task.error}]}
    if task.state == "finished" and not task.empty:
        body["video_url"] = vendor.link(task, "video")
    return {**body, "percentage": {"staged": 0, "processing": "40"}.get(task.state, 100)}


def find(vendor: Vendor, wanted: object) -> Task:
    """Return the task of an id; raises Refusal."""
    if not isinstance(wanted, str):
        raise bad("task_id is required")
    return desk.find(vendor, wanted)


def routes(vendor: Vendor) -> list[web.RouteDef]:
    """Return the routes beside the submit."""

    async def fetch(request: web.Request) -> web.StreamResponse:
        body = _object(await request.read())

        def answer() -> tuple[dict[str, Any], Task]:
            task = find(vendor, body.get("task_id"))
            return shown(vendor, task), task

        return await desk.query(vendor, request, answer)

    async def fetch_many(request: web.Request) -> web.StreamResponse:
        body = _object(await request.read())

        def answer() -> tuple[dict[str, Any], None]:
            wanted = body.get("task_ids")
            ids = cast("list[object]", wanted) if isinstance(wanted, list) else []
            if not FETCHES[0] <= len(ids) <= FETCHES[1]:
                raise bad(f"task_ids must have {FETCHES[0]} to {FETCHES[1]} items")
            return {"tasks": [shown(vendor, find(vendor, each)) for each in ids]}, None

        return await desk.query(vendor, request, answer)

    async def account(request: web.Request) -> web.StreamResponse:
        desk.authorize(vendor, request)
        left = vendor.behaviour.credits_left
        return web.json_response({"email": "a@example.com", "credits": left, "total_images": 0, "plan": "stand-in"})

    return [web.post("/fetch", fetch), web.post("/fetch-many", fetch_many), web.get("/account", account)]


def _object(raw: bytes) -> dict[str, Any]:
    """Read what was sent; anything but an object is as good as an empty one: it names no task."""
    try:
        found = json.loads(raw)
    except ValueError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def sign(_keys: VendorKeys, task: Task, _body: bytes, _now: float) -> dict[str, str]:
    """Send the caller's own secret along; nothing is signed."""
    return {"x-webhook-secret": task.order.callback_secret} if task.order.callback_secret else {}


APIFRAME = Dialect(
    name="apiframe",
    submits={SUBMIT: "kling-imagine"},
    waiting=("staged",),
    working="processing",
    done="finished",
    failed="failed",
    told=frozenset({"staged", "processing", "finished", "failed"}),
    refusal_word="Content policy violation",
    retries=0,
    link_life=90 * 86400,
    rules=PictureRules("never", frozenset({"PNG", "JPEG", "WEBP"}), 50 * 1024 * 1024, 1, 10**9),
    authorize=authorize,
    order=order,
    check_pictures=check_pictures,
    picture_refusal=picture_refusal,
    faults=faults,
    refused=refused,
    accepted=accepted,
    callback=shown,
    sign=sign,
    routes=routes,
    uuids=True,
)
