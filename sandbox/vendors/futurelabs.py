"""Futurelabs' resale of Vidu under /ai/avu: its own paths, ranges and answers; no list call, callbacks unsigned.

Facts: Futurelabs API documentation of 2026-05-08. It shows no error table: the words and shape are those of Vidu,
whose API it passes on. It says nothing of how callbacks are signed, so none are. Its price table leaves a template's
price open and names no models, counts or sizes for pictures: what stands here for those is invented.
"""

import random
from typing import Any

from aiohttp import web

from sandbox.vendors import desk
from sandbox.vendors import vidu_family as family
from sandbox.vendors.book import Film, Order, Picture, Task, VendorKeys
from sandbox.vendors.dialect import Dialect
from sandbox.vendors.pictures import PictureRules
from sandbox.vendors.vendor import Vendor

BASE = "/ai/avu"
# operation -> fewest and most pictures
VIDEOS = {
    "text2video": (0, 0),
    "img2video": (1, 1),
    "start-end2video": (2, 2),
    "reference2video": (1, 4),
    "template2video": (1, 4),
}
IMAGE = "ref2image/nano"
SOLD = ("viduq3-turbo", "viduq3-pro", "viduq2", "viduq1")
PROMPT_NEEDED = frozenset({"text2video", "img2video", "reference2video"})
SHAPED = frozenset({"text2video", "img2video", "reference2video"})  # those that take an aspect_ratio
TEMPLATE_CREDITS = 30
IMAGE_CREDITS = 10
IMAGE_RATIOS = family.ALL_RATIOS | {"21:9", "2:3", "3:2"}
# The short side is kept small for the large ones: nobody counts the pixels of a stand-in's picture.
IMAGE_SIDES = {"540p": 540, "720p": 720, "1080p": 1080, "1K": 1080, "2K": 1080, "4K": 1080}


def order(operation: str, body: dict[str, Any]) -> Order:
    """Check the fields of a submit and fill in the defaults; raises Refusal."""
    return image_order(body) if operation == IMAGE else video_order(operation, body)


def video_order(operation: str, body: dict[str, Any]) -> Order:
    """Read the order of a film; raises Refusal."""
    name, model = family.picked_model(body, SOLD)
    sources = picked_images(body, *VIDEOS[operation]) if VIDEOS[operation][1] else ()
    prompt = family.text(body, "prompt", family.MOST_PROMPT, required=operation in PROMPT_NEEDED)
    seconds = family.number(body, "duration", model.default_seconds, model.seconds)
    resolution = family.choice(body, "resolution", model.default_resolution, model.per_second)
    off_peak = family.flag(body, "off_peak", False)
    settled: dict[str, Any] = {
        "type": operation,
        "model": name,
        "prompt": prompt,
        "duration": seconds,
        "seed": family.number(body, "seed", 0) or random.randrange(1, 2**31),
        "resolution": resolution,
        "movement_amplitude": family.choice(body, "movement_amplitude", "auto", ("auto", "small", "medium", "large")),
        "off_peak": off_peak,
        **({"images": list(sources)} if sources else {}),
    }
    if operation in SHAPED:
        settled["aspect_ratio"] = family.choice(body, "aspect_ratio", "16:9", model.ratios)
    if operation == "text2video":
        settled["style"] = family.choice(body, "style", "general", ("general", "anime"))
    if operation == "template2video":
        settled["template_id"] = family.text(body, "template_id", 256, required=True)
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
        credits=TEMPLATE_CREDITS
        if operation == "template2video"
        else family.price(model, resolution, seconds, off_peak=off_peak),
        pictures=sources,
        callback_url=family.callback_address(body),
        payload=family.text(body, "payload", family.MOST_PAYLOAD),
        settled=settled,
    )


def image_order(body: dict[str, Any]) -> Order:
    """Read the order of a picture; raises Refusal."""
    name = family.text(body, "model", 100, required=True)
    sources = picked_images(body, 1, 7)
    settled: dict[str, Any] = {
        "type": "ref2image",
        "model": name,
        "images": list(sources),
        "prompt": family.text(body, "prompt", family.MOST_PROMPT, required=True),
        "seed": family.number(body, "seed", 0) or random.randrange(1, 2**31),
        "aspect_ratio": family.choice(body, "aspect_ratio", "16:9", IMAGE_RATIOS),
        "resolution": family.choice(body, "resolution", "1080p", IMAGE_SIDES),
    }
    ratio = family.ratio_of(settled["aspect_ratio"])
    label = f"Futurelabs stand-in \N{MIDDLE DOT} {name}"
    return Order(
        film=Film(0, IMAGE_SIDES[settled["resolution"]], ratio, text=settled["prompt"], label=label),
        credits=IMAGE_CREDITS,
        pictures=sources,
        makes="image",
        callback_url=family.callback_address(body),
        settled=settled,
    )


def picked_images(body: dict[str, Any], least: int, most: int) -> tuple[str, ...]:
    """Read from `least` to `most` pictures; raises Refusal."""
    value: object = body.get("images")
    count = len(value) if isinstance(value, list) else least  # pyright: ignore[reportUnknownArgumentType] - counted only
    return family.image_sources(body, min(max(count, least), most))


def accepted(_vendor: Vendor, task: Task) -> dict[str, Any]:
    """Answer a submit."""
    return {
        "task_id": task.id,
        "state": task.states[0],
        **task.order.settled,
        "created_at": family.stamp(task.created_at, 3),
        "credits": task.order.credits,
    }


def shown(vendor: Vendor, task: Task) -> dict[str, Any]:
    """Show a task to a query, and to a callback alike, whose body the document does not tell."""
    body: dict[str, Any] = {
        "task_id": task.id,
        "type": task.order.settled["type"],
        "state": task.state,
        "model": task.order.settled["model"],
        "prompt": task.order.settled["prompt"],
        "creations": [],
        "created_at": family.stamp(task.created_at, 3),
        "credits": task.credits,
    }
    if task.state == "success" and not task.empty:
        body["creations"] = creations(vendor, task)
    if task.state == "failed":
        body["err_code"] = task.error
    return body


def creations(vendor: Vendor, task: Task) -> list[dict[str, str]]:
    """List the results of a task that succeeded; a picture is its own cover."""
    if task.images:
        links = [vendor.link(task, str(number)) for number in range(len(task.images))]
        return [{"url": link, "cover_url": link} for link in links]
    return [{"url": vendor.link(task, "video"), "cover_url": vendor.link(task, "cover")}]


def check_pictures(order: Order, pictures: tuple[Picture, ...]) -> None:
    """Compare the first and the last frame; two references need not be alike; raises Refusal."""
    if order.settled["type"] == "start-end2video":
        family.check_pair(order, pictures)


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
    submits={f"{BASE}/{operation}": operation for operation in (*VIDEOS, IMAGE)},
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
    check_pictures=check_pictures,
    picture_refusal=family.picture_refusal,
    faults=family.faults,
    refused=family.refused,
    accepted=accepted,
    callback=shown,
    sign=sign,
    routes=routes,
    base=BASE,
)
