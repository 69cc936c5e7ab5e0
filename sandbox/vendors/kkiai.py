"""kkiai's resale of Vidu's image-to-video: Bearer keys, loosely typed fields, answers in its own detail.

Facts: kkiai, image-to-video and token usage, read 2026-11. It tells neither how a task is asked for nor how it is
cancelled: both are served where Vidu has them, which is an inference. Its table calls many fields strings that its
example sends as numbers and booleans, so both are taken; what its example sends beyond its lists is taken as well.
It says that Vidu signs the callbacks: then with the reseller's key, which a customer cannot check.
"""

from dataclasses import replace
from typing import Any

from aiohttp import web

from sandbox.vendors import desk
from sandbox.vendors import vidu_family as family
from sandbox.vendors import vidu_films as films
from sandbox.vendors import vidu_shape as shape
from sandbox.vendors.book import Order, Task
from sandbox.vendors.dialect import Dialect
from sandbox.vendors.vendor import Vendor

OPERATION = "img2video"
SOLD = ("viduq2", "viduq1", "viduq3-turbo", "viduq3-pro", "viduq2-pro")  # the last one in the example alone
MOST_PROMPT = 2000
FLAGS = ("audio", "is_rec", "off_peak", "watermark", "bgm")
NUMBERS = ("seed", "wm_position", "duration")
MORE_FOR_Q1 = 40  # credits: five seconds of viduq1 cost 80 here, the one price shown; the rest are Vidu's
BALANCE = "/api/usage/token"


def tidied(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body with texts turned into the booleans and whole numbers that they name."""
    words = {"true": True, "false": False, "": None}
    flags = {name: words.get(str(body[name]).lower(), body[name]) for name in FLAGS if isinstance(body.get(name), str)}
    numbers = {name: int(text) for name in NUMBERS if isinstance(text := body.get(name), str) and text.isdecimal()}
    loose = {name: None for name in NUMBERS if body.get(name) == ""}
    if body.get("movement_amplitude") == "standard":  # the example's word, not on the list
        loose["movement_amplitude"] = None
    return {**body, **flags, **numbers, **loose}


def order(operation: str, body: dict[str, Any]) -> Order:
    """Check the fields of a submit and fill in the defaults; raises Refusal."""
    body = tidied(body)
    family.text(body, "prompt", MOST_PROMPT, required=True)
    if body.get("off_peak") is True and body.get("audio") is True:  # here without an exception for q3
        raise family.bad("off_peak", "cannot be used with audio")
    read = films.film_order(operation, body, SOLD, "kkiai")
    settled: dict[str, Any] = {
        **read.settled,
        "style": "general",
        "aspect_ratio": family.choice(body, "aspect_ratio", "", family.ALL_RATIOS | {""}),
        "wm_position": str(body["wm_position"]) if body.get("wm_position") else "unspecified",
        "client_request_id": family.text(body, "client_request_id", 256),
    }
    credits = read.credits
    if settled["model"] == "viduq1":
        credits += MORE_FOR_Q1 / 2 if settled["off_peak"] else MORE_FOR_Q1
    return replace(read, credits=credits, settled=settled)


def accepted(_vendor: Vendor, task: Task) -> dict[str, Any]:
    """Answer a submit; the time has nine digits of a second."""
    settled = task.order.settled
    names = ("type", "model", "style", "prompt", "images", "duration", "seed", "aspect_ratio", "resolution")
    more = ("off_peak", "watermark", "is_rec", "wm_position", "wm_url", "meta_data", "client_request_id")
    return {
        "task_id": task.id,
        "state": task.states[0],
        **{name: settled[name] for name in names},
        "movement_amplitude": settled["movement_amplitude"],
        "created_at": family.stamp(task.created_at, 9),
        "credits": task.order.credits,
        "payload": task.payload,
        "cus_priority": 0,
        **{name: settled[name] for name in more},
    }


def balance(vendor: Vendor) -> dict[str, Any]:
    """Answer how much of the key's grant is left."""
    left = vendor.behaviour.credits_left
    used = sum(task.credits for task in vendor.tasks.values())
    data = {"name": "stand-in", "total_granted": left + used, "total_used": used, "total_available": left}
    return {"code": True, "message": "ok", "data": {**data, "unlimited_quota": False, "expires_at": 0}}


def routes(vendor: Vendor) -> list[web.RouteDef]:
    """Return the routes beside the submit."""

    async def one(request: web.Request) -> web.StreamResponse:
        def answer() -> tuple[dict[str, Any], Task]:
            task = desk.find(vendor, request.match_info["id"])
            return {"task_id": task.id, **shape.shown(vendor, task)}, task

        return await desk.query(vendor, request, answer)

    async def cancel(request: web.Request) -> web.StreamResponse:
        return await desk.cancel(vendor, request, family.too_late)

    async def usage(request: web.Request) -> web.StreamResponse:
        desk.authorize(vendor, request)
        return web.json_response(balance(vendor))

    return [
        web.get("/ent/v2/tasks/{id}/creations", one),
        web.post("/ent/v2/tasks/{id}/cancel", cancel),
        web.get(BALANCE, usage),
        web.get(f"{BALANCE}/", usage),
    ]


KKIAI = Dialect(
    name="kkiai",
    submits={f"/ent/v2/{OPERATION}": OPERATION},
    waiting=("created", "queueing"),
    working="processing",
    done="success",
    failed="failed",
    told=frozenset({"processing", "success", "failed"}),
    refusal_word="CreationPolicyViolation",
    retries=3,
    link_life=86400,
    rules=films.PICTURES,
    authorize=family.authorize_bearer,
    order=order,
    check_pictures=family.check_pair,
    picture_refusal=family.picture_refusal,
    faults=family.faults,
    refused=family.refused,
    accepted=accepted,
    callback=shape.passed_on,
    sign=shape.sign_passed_on,
    routes=routes,
)
