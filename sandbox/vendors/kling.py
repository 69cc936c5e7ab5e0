"""Kling's legacy API under /v1/videos: enveloped answers, flat callbacks that are signed when a secret exists.

Facts: Kling, image-to-video, text-to-video, authentication, callbacks, error codes and concurrency, read 2026-11.
Kling documents no cancelling and no repeats of callbacks.
"""

import hmac
import secrets
from typing import Any

from aiohttp import web

from sandbox.vendors import desk, life
from sandbox.vendors import kling_rules as rules
from sandbox.vendors.book import Film, Order, Picture, Refusal, Task, VendorKeys
from sandbox.vendors.dialect import Dialect
from sandbox.vendors.pictures import PictureProblem, PictureRules
from sandbox.vendors.render import RenderFailed
from sandbox.vendors.signing import check_jwt, standard_webhooks_headers
from sandbox.vendors.vendor import Vendor

MOST_IMAGE = rules.MOST_IMAGE
PICTURES = PictureRules("bare", frozenset({"PNG", "JPEG"}), 10 * 1024 * 1024, 300, 10**9)
RATIOS = {"16:9": 16 / 9, "9:16": 9 / 16, "1:1": 1.0}


def authorize(keys: VendorKeys, header: str, now: float) -> None:
    """Demand "Bearer" with the API key or with a token of the key pair; raises Refusal."""
    if not header:
        raise Refusal(401, 1001, "Authorization is empty")
    scheme, _, key = header.partition(" ")
    if scheme != "Bearer" or not key:
        raise Refusal(401, 1002, "Authorization is invalid")
    if keys.api_key and hmac.compare_digest(key.encode(), keys.api_key.encode()):
        return
    if not (keys.access_key and keys.secret_key):
        raise Refusal(401, 1000, "Authentication failed")
    check_jwt(key, keys.access_key, keys.secret_key, now)


def order(operation: str, body: dict[str, Any]) -> Order:
    """Check the fields of a submit and fill in the defaults; raises Refusal."""
    from_picture = operation == "image2video"
    model = rules.picked_model(body, rules.I2V_MODELS if from_picture else rules.T2V_MODELS)
    mode = rules.choice(body, "mode", "std", ("std", "pro"))
    duration = rules.choice(body, "duration", "5", ("5", "10"))
    prompt = rules.text(body, "prompt", rules.MOST_PROMPT, required=not from_picture)
    rules.text(body, "negative_prompt", rules.MOST_PROMPT)
    rules.check_guidance(body, model)
    frames = _frames(body, model, mode, duration) if from_picture else {}
    masks = rules.read_brush(body, model, mode, duration) if from_picture else []
    if masks and "image" not in frames:
        raise rules.bad("masks need an image")
    camera = rules.check_camera(body, operation, model, mode, duration)
    if (len(frames) == 2) + bool(masks) + camera > 1:
        raise rules.bad("image+image_tail, masks and camera_control cannot be used together")
    sound = rules.check_sound(body, model, mode, two_frames=len(frames) == 2)
    ratio = None if from_picture else RATIOS[rules.choice(body, "aspect_ratio", "16:9", RATIOS)]
    callback_url = rules.text(body, "callback_url")
    if callback_url and not callback_url.startswith(("http://", "https://")):
        raise rules.bad("callback_url is invalid")
    return Order(
        film=Film(
            int(duration),
            1080 if mode == "pro" or model in rules.MASTERS else 720,
            ratio,
            sound,
            "" if from_picture else prompt,
            f"Kling stand-in \N{MIDDLE DOT} {model} \N{MIDDLE DOT} {duration} s",
        ),
        credits=rules.units(model, mode, duration, sound=sound),
        pictures=tuple(frames.values()),
        aside=tuple((mask, PICTURES) for mask in masks),
        callback_url=callback_url,
        external_id=rules.text(body, "external_task_id", 1024),
        settled={
            "model_name": model,
            "mode": mode,
            "duration": duration,
            "frames": list(frames),
            "marked": rules.check_mark(body),
        },
    )


def _frames(body: dict[str, Any], model: str, mode: str, duration: str) -> dict[str, str]:
    found = {name: rules.text(body, name, MOST_IMAGE) for name in ("image", "image_tail")}
    frames = {name: source for name, source in found.items() if source}
    if not frames:
        raise rules.bad("image and image_tail cannot both be empty")
    if len(frames) == 2:
        rules.able(rules.FIRST_AND_LAST, model, mode, duration, "image with image_tail")
    elif "image_tail" in frames:
        rules.able(rules.LAST_ONLY, model, mode, duration, "image_tail alone")
    return frames


def check_pictures(order: Order, pictures: tuple[Picture, ...]) -> None:
    """Refuse a first frame outside 1:2.5 to 2.5:1; no shape is documented for the last one; raises Refusal."""
    for name, picture in zip(order.settled["frames"], pictures, strict=True):
        if name == "image" and not 0.4 <= picture.width / picture.height <= 2.5:
            raise rules.bad("image aspect ratio must be between 1:2.5 and 2.5:1")


async def make(vendor: Vendor, task: Task) -> None:
    """Make the film, unless the masks do not fit: that is found while working, not at the counter."""
    brought = task.materials
    if brought.aside:
        problem = rules.unlike_masks(brought.pictures[0], brought.aside)
        if problem:
            raise RenderFailed(problem, problem)
    await life.make(vendor, task)


def picture_refusal(problem: PictureProblem) -> Refusal:
    """Name a picture's problem as Kling does: all are bad parameters."""
    return rules.bad(problem.message)


def faults(which: str) -> Refusal:
    """Return what the vendor answers in general trouble."""
    status, code, message = {
        "throttle": (429, 1302, "request too frequent"),
        "error500": (500, 5000, "internal error"),
        "out_of_credit": (429, 1102, "account balance not enough"),
        "busy": (429, 1303, "parallel task over resource pack limit"),
        "external_id": (400, 1201, "external_task_id already exists"),
        "json": (400, 1200, "request body is not a JSON object"),
        "no_such_task": (404, 1203, "task not found"),
        "no_such_method": (404, 1202, "method is invalid"),
    }.get(which, (404, 1203, "resource not found"))
    return Refusal(status, code, message)


def refused(refusal: Refusal) -> dict[str, Any]:
    """Return the body of an error answer."""
    return {"code": refusal.reason, "message": refusal.message, "request_id": secrets.token_hex(16)}


def enveloped(data: object) -> dict[str, Any]:
    """Put data in the envelope of a good answer."""
    return {"code": 0, "message": "SUCCEED", "request_id": secrets.token_hex(16), "data": data}


def accepted(_vendor: Vendor, task: Task) -> dict[str, Any]:
    """Answer a submit, with the state it was booked in."""
    created = round(task.created_at * 1000)
    return enveloped(
        {
            "task_id": task.id,
            "task_status": task.states[0],
            "task_info": {"external_task_id": task.external_id},
            "created_at": created,
            "updated_at": created,
        }
    )


def shown(vendor: Vendor, task: Task) -> dict[str, Any]:
    """Show a task: the data of a query and the flat body of a callback are the same."""
    data: dict[str, Any] = {
        "task_id": task.id,
        "task_status": task.state,
        "task_status_msg": task.error,
        "task_info": {"external_task_id": task.external_id},
        "created_at": round(task.created_at * 1000),
        "updated_at": round(task.updated_at * 1000),
    }
    if task.state in {"succeed", "failed"}:
        data["final_unit_deduction"] = f"{task.credits:g}"
    if task.state == "succeed":
        video = {"id": task.creation_id, "url": vendor.link(task, "video"), "duration": str(task.order.film.seconds)}
        if task.order.settled["marked"]:
            video["watermark_url"] = video["url"]  # the stand-in draws no mark
        data["task_result"] = {"videos": [] if task.empty else [video]}
    return data


def find(vendor: Vendor, operation: str, wanted: str) -> Task:
    """Return the task of this operation by task_id or external_task_id; raises Refusal."""
    for task in desk.booked(vendor).values():
        if task.operation == operation and wanted in {task.id, task.external_id}:
            return task
    raise faults("no_such_task")


def listed(vendor: Vendor, operation: str, request: web.Request) -> dict[str, Any]:
    """Answer the list of an operation, newest first; raises Refusal."""
    page, size = _whole(request, "pageNum", 1, 1000), _whole(request, "pageSize", 30, 500)
    rows = [task for task in reversed(desk.booked(vendor).values()) if task.operation == operation]
    return enveloped([shown(vendor, task) for task in rows[(page - 1) * size : page * size]])


def _whole(request: web.Request, name: str, default: int, most: int) -> int:
    value = request.query.get(name, "") or str(default)
    if not value.isdecimal() or not 1 <= int(value) <= most:
        raise rules.bad(f"{name} must be between 1 and {most}")
    return int(value)


def routes(vendor: Vendor) -> list[web.RouteDef]:
    """Return the queries of both operations."""
    return [route for operation in ("image2video", "text2video") for route in _queries(vendor, operation)]


def _queries(vendor: Vendor, operation: str) -> list[web.RouteDef]:
    async def one(request: web.Request) -> web.StreamResponse:
        def answer() -> tuple[dict[str, Any], Task]:
            task = find(vendor, operation, request.match_info["id"])
            return enveloped(shown(vendor, task)), task

        return await desk.query(vendor, request, answer)

    async def many(request: web.Request) -> web.StreamResponse:
        return await desk.query(vendor, request, lambda: (listed(vendor, operation, request), None))

    return [web.get(f"/v1/videos/{operation}/{{id}}", one), web.get(f"/v1/videos/{operation}", many)]


def sign(keys: VendorKeys, _task: Task, body: bytes, now: float) -> dict[str, str]:
    """Sign a callback by Standard Webhooks when the account has a webhook secret."""
    if not keys.webhook_secret:
        return {}
    return standard_webhooks_headers(keys.webhook_secret, secrets.token_hex(16), now, body)


KLING = Dialect(
    name="kling",
    submits={f"/v1/videos/{operation}": operation for operation in ("image2video", "text2video")},
    waiting=("submitted",),
    working="processing",
    done="succeed",
    failed="failed",
    told=frozenset({"submitted", "processing", "succeed", "failed"}),
    refusal_word="Failure to pass the risk control system",
    retries=0,
    link_life=30 * 86400,
    rules=PICTURES,
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
    when_full="refuse",
    make=make,
)
