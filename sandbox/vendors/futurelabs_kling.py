"""Kling through Futurelabs under /ai/kling: motion control and avatars, in Kling's envelope and words.

Facts: Futurelabs API documentation of 2026-05-08; the limits of an avatar's sound, which it leaves out, are Kling's own
(avatar, read 2026-11). It prices both by the second without saying how much: the credits are invented. It documents
no signature and no repeats of callbacks.
"""

import hmac
import math
import secrets
from dataclasses import replace
from typing import Any

from aiohttp import web

from sandbox.vendors import desk, kling
from sandbox.vendors import kling_rules as rules
from sandbox.vendors.book import Film, Materials, MediaRules, Order, Picture, Refusal, Task, VendorKeys
from sandbox.vendors.dialect import Dialect
from sandbox.vendors.media import MediaProblem
from sandbox.vendors.pictures import PictureRules
from sandbox.vendors.vendor import Vendor

BASE = "/ai/kling"
MOTION, AVATAR = "motion-control", "avatar/image2video"
MODELS = ("kling-v2-6", "kling-v3")
PER_SECOND = {"std": 6, "pro": 10}
MB = 1024 * 1024
MOST_SPEECH = 1000  # characters; the document sets no limit
SOUND = MediaRules("audio", frozenset({"mp3", "wav", "m4a", "aac"}), 5 * MB, (2, 300))
LETTERS_A_SECOND = 15  # how fast the stand-in's voice speaks


def authorize(keys: VendorKeys, header: str, _now: float) -> None:
    """Demand "Token {api key}", as everywhere at Futurelabs, and refuse in Kling's numbers; raises Refusal."""
    if not header:
        raise Refusal(401, 1001, "Authorization is empty")
    scheme, _, key = header.partition(" ")
    if scheme != "Token" or not key:
        raise Refusal(401, 1002, "Authorization is invalid")
    if not hmac.compare_digest(key.encode(), keys.api_key.encode()):
        raise Refusal(401, 1000, "Authentication failed")


def order(operation: str, body: dict[str, Any]) -> Order:
    """Check the fields of a submit and fill in the defaults; raises Refusal."""
    model = rules.text(body, "model_name") or MODELS[0]
    if model not in MODELS:
        raise Refusal(404, 1203, f"model {model} is not supported")
    rules.text(body, "mode", required=True)
    mode = rules.choice(body, "mode", "", PER_SECOND)
    rules.text(body, "prompt", rules.MOST_PROMPT)
    callback_url = rules.text(body, "callback_url")
    if callback_url and not callback_url.startswith(("http://", "https://")):
        raise rules.bad("callback_url is invalid")
    system_id = f"fl-{secrets.token_hex(12)}"
    settled = {"model_name": model, "mode": mode, "operation": operation, "system_id": system_id}
    plain = Order(
        film=Film(0, 720, label=f"Futurelabs stand-in \N{MIDDLE DOT} {model}"),
        credits=0,
        callback_url=callback_url,
        external_id=rules.text(body, "external_task_id", 1024) or system_id,
        settled=settled,
    )
    return motion(plain, body) if operation == MOTION else avatar(plain, body)


def motion(plain: Order, body: dict[str, Any]) -> Order:
    """Add what motion control asks for: a person and a film to move by, shorter when the picture leads."""
    rules.text(body, "character_orientation", required=True)
    leader = rules.choice(body, "character_orientation", "", ("image", "video"))
    sound = rules.choice(body, "keep_original_sound", "yes", ("yes", "no")) == "yes"
    film = rules.text(body, "video_url", kling.MOST_IMAGE, required=True)
    taken = MediaRules("video", frozenset({"mp4", "mov"}), 100 * MB, (3, 10 if leader == "image" else 30), (340, 3850))
    return replace(
        plain,
        film=replace(plain.film, audio=sound),
        pictures=(rules.text(body, "image_url", kling.MOST_IMAGE, required=True),),
        media=((film, taken),),
    )


def avatar(plain: Order, body: dict[str, Any]) -> Order:
    """Add what an avatar asks for: a portrait, and a sound or a text to speak; the sound wins over the text."""
    sound = rules.text(body, "sound_file", kling.MOST_IMAGE)
    speech = rules.text(body, "text", MOST_SPEECH)
    if not sound and not speech:
        raise rules.bad("either text or sound_file must be provided")
    return replace(
        plain,
        film=replace(plain.film, audio=True, seconds=max(2, math.ceil(len(speech) / LETTERS_A_SECOND))),
        pictures=(rules.text(body, "image", kling.MOST_IMAGE, required=True),),
        media=((sound, SOUND),) if sound else (),
    )


def measured(order: Order, materials: Materials) -> Order:
    """Set length and price by the sound or the film; a long result is small, for nobody should wait for a stand-in."""
    seconds = max(1, round(materials.media[0].seconds)) if materials.media else order.film.seconds
    mode = order.settled["mode"]
    quality = 360 if seconds > 10 else 1080 if mode == "pro" else 720
    film = replace(order.film, seconds=seconds, quality=quality, label=f"{order.film.label} \N{MIDDLE DOT} {seconds} s")
    return replace(order, film=film, credits=seconds * PER_SECOND[mode])


def check_pictures(order: Order, pictures: tuple[Picture, ...]) -> None:
    """Refuse a person outside 1:2.5 to 2.5:1 or above 65536 pixels a side; nothing is told of portraits."""
    picture = pictures[0]
    if order.settled["operation"] == MOTION and not 0.4 <= picture.width / picture.height <= 2.5:
        raise rules.bad("image aspect ratio must be between 1:2.5 and 2.5:1")
    if max(picture.width, picture.height) > 65536:
        raise rules.bad("image sides must be at most 65536px")


def media_refusal(problem: MediaProblem) -> Refusal:
    """Name a problem with a sound or a film as Kling does: all are bad parameters."""
    return rules.bad(problem.message)


def accepted(_vendor: Vendor, task: Task) -> dict[str, Any]:
    """Answer a submit, with the state it was booked in; without an id of the caller its place takes the system's."""
    created = round(task.created_at * 1000)
    return kling.enveloped(
        {
            "task_id": task.id,
            "task_status": task.states[0],
            "task_status_msg": "",
            "task_info": {"external_task_id": task.external_id},
            "created_at": created,
            "updated_at": created,
        }
    )


def shown(vendor: Vendor, task: Task) -> dict[str, Any]:
    """Show a task: the data of a query and the flat body of a callback; the result is null until there is one."""
    result: dict[str, Any] | None = None
    if task.state == "succeed":
        video = {"id": task.creation_id, "url": vendor.link(task, "video"), "duration": str(task.order.film.seconds)}
        result = {"videos": [] if task.empty else [video]}
    return {
        "task_id": task.id,
        "task_status": task.state,
        "task_status_msg": task.error,
        "task_info": {"external_task_id": task.external_id},
        "task_result": result,
        "created_at": round(task.created_at * 1000),
        "updated_at": round(task.updated_at * 1000),
    }


def find(vendor: Vendor, wanted: str, endpoint: str) -> Task:
    """Return the task by Kling's id or the system's, not by the caller's; raises Refusal.

    An endpoint of another operation does not find it.
    """
    for task in desk.booked(vendor).values():
        if task.dialect.base == BASE and wanted in {task.id, task.order.settled["system_id"]}:
            if endpoint == f"videos/{task.operation}":
                return task
            break
    raise kling.faults("no_such_task")


def routes(vendor: Vendor) -> list[web.RouteDef]:
    """Return the one query of both operations."""

    async def one(request: web.Request) -> web.StreamResponse:
        def answer() -> tuple[dict[str, Any], Task]:
            endpoint = request.query.get("endpoint") or f"videos/{MOTION}"
            task = find(vendor, request.match_info["id"], endpoint)
            return kling.enveloped(shown(vendor, task)), task

        return await desk.query(vendor, request, answer)

    return [web.get(f"{BASE}/v1/tasks/{{id}}", one)]


def sign(_keys: VendorKeys, _task: Task, _body: bytes, _now: float) -> dict[str, str]:
    """Sign nothing."""
    return {}


FUTURELABS_KLING = Dialect(
    name="futurelabs",
    submits={f"{BASE}/v1/videos/{operation}": operation for operation in (MOTION, AVATAR)},
    waiting=("submitted",),
    working="processing",
    done="succeed",
    failed="failed",
    told=frozenset({"submitted", "processing", "succeed", "failed"}),
    refusal_word="Failure to pass the risk control system",
    retries=0,
    link_life=30 * 60,
    rules=PictureRules("bare", frozenset({"PNG", "JPEG"}), 10 * MB, 300, 10**9),
    authorize=authorize,
    order=order,
    check_pictures=check_pictures,
    picture_refusal=kling.picture_refusal,
    faults=kling.faults,
    refused=kling.refused,
    accepted=accepted,
    callback=shown,
    sign=sign,
    routes=routes,
    base=BASE,
    when_full="refuse",
    media_refusal=media_refusal,
    measured=measured,
)
