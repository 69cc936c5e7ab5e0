"""powertokens' resale of Vidu's image-to-video under /vidu, with three addresses for a query of which one is real.

Facts: powertokens, image-to-video of viduq3-pro and the pages of its other models, read 2026-11. Its pages contradict
each other on where a task is asked for, and Vidu's own address is likely too: Behaviour.query_path chooses, the others
answer 404. Another of its pages writes the credits as a string: so do its queries here. Cancelling is not told; it is
served where Vidu has it. Error words and shape are Vidu's, for none are told.
"""

from typing import Any, Literal

from aiohttp import web

from sandbox.vendors import desk
from sandbox.vendors import vidu_family as family
from sandbox.vendors import vidu_films as films
from sandbox.vendors import vidu_shape as shape
from sandbox.vendors.book import Order, Task
from sandbox.vendors.dialect import Dialect
from sandbox.vendors.vendor import Vendor

BASE = "/vidu/ent/v2"
OPERATION = "img2video"
SOLD = ("viduq3-pro", "viduq3-turbo", "viduq3-pro-fast")  # the first is the page's own; the others have pages too
OPEN_STATUS = {"created": "queued", "queueing": "queued", "processing": "running", "success": "succeeded"}
PROGRESS = {"created": 0, "queueing": 0, "processing": 40, "success": 100}


def order(operation: str, body: dict[str, Any]) -> Order:
    """Check the fields of a submit and fill in the defaults; raises Refusal."""
    if body.get("audio_type") == "sound-effect_only":  # the text spells it with a hyphen, the list does not
        body = {**body, "audio_type": "sound_effect_only"}
    return films.film_order(operation, body, SOLD, "powertokens")


def accepted(_vendor: Vendor, task: Task) -> dict[str, Any]:
    """Answer a submit."""
    names = ("model", "images", "prompt", "duration", "audio", "audio_type", "seed", "resolution")
    return {
        "task_id": task.id,
        "state": task.states[0],
        **{name: task.order.settled[name] for name in (*names, "movement_amplitude", "off_peak")},
        "payload": task.payload,
        "credits": task.order.credits,
        "created_at": family.stamp(task.created_at, 6),
    }


def shown(vendor: Vendor, task: Task) -> dict[str, Any]:
    """Show a task in Vidu's words, with both ids and the credits as text."""
    return {"task_id": task.id, **shape.shown(vendor, task), "credits": f"{task.credits:g}"}


def shown_openly(vendor: Vendor, task: Task) -> dict[str, Any]:
    """Show a task in the manner of OpenAI's videos."""
    body: dict[str, Any] = {
        "id": task.id,
        "object": "video",
        "model": task.order.settled["model"],
        "status": OPEN_STATUS.get(task.state, "failed"),
        "progress": PROGRESS.get(task.state, 100),
        "created_at": int(task.created_at),
    }
    if task.state in {"success", "failed"}:
        body["completed_at"] = int(task.updated_at)
    if task.state == "success":
        body["metadata"] = {} if task.empty else {"url": vendor.link(task, "video")}
    if task.state == "failed":
        body["error"] = {"code": task.error, "message": task.error}
    return body


def routes(vendor: Vendor) -> list[web.RouteDef]:
    """Return the routes beside the submit."""

    async def cancel(request: web.Request) -> web.StreamResponse:
        return await desk.cancel(vendor, request, family.too_late)

    return [
        _query(vendor, "creations", f"{BASE}/tasks/{{id}}/creations"),
        _query(vendor, "tasks", f"{BASE}/tasks/{{id}}"),
        _query(vendor, "videos", "/vidu/v1/videos/{id}"),
        web.post(f"{BASE}/tasks/{{id}}/cancel", cancel),
    ]


def _query(vendor: Vendor, kind: Literal["creations", "videos", "tasks"], path: str) -> web.RouteDef:
    show = shown_openly if kind == "videos" else shown

    async def one(request: web.Request) -> web.StreamResponse:
        if vendor.behaviour.query_path != kind:
            raise family.faults("no_such_path")

        def answer() -> tuple[dict[str, Any], Task]:
            task = desk.find(vendor, request.match_info["id"])
            return show(vendor, task), task

        return await desk.query(vendor, request, answer)

    return web.get(path, one)


POWERTOKENS = Dialect(
    name="powertokens",
    submits={f"{BASE}/{OPERATION}": OPERATION},
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
