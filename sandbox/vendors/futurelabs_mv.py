"""One Click AI MV at Futurelabs: a music video from pictures and a song, its shots, new takes of a shot, compositions.

Facts: Futurelabs API documentation of 2026-05-08; the answer to the creating call, which it leaves empty, and the
data: prefix of base64 are those of Vidu's own page of the same product (one-click MV, read 2026-11). Invented: credits
per second (it prices lip-sync alone), the cutting of a song into shots, and that composing costs nothing.
"""

import math
from dataclasses import replace
from functools import partial
from typing import Any, cast

from aiohttp import web

from sandbox.vendors import desk
from sandbox.vendors import vidu_family as family
from sandbox.vendors.book import Film, Materials, MediaRules, Order, Picture, Refusal, Task
from sandbox.vendors.dialect import Dialect
from sandbox.vendors.futurelabs import picked_images, sign
from sandbox.vendors.futurelabs_shots import COMPOSE, FILMED, LONGEST, make_film, takes
from sandbox.vendors.pictures import PictureRules
from sandbox.vendors.vendor import Vendor

BASE = "/ai/avu/one-click/mv"
MOST_PROMPT = 3000
PER_SECOND = {"540p": 4, "720p": 8, "1080p": 16}
LIP_SYNC = 4  # credits a second
MB = 1024 * 1024
SONG = MediaRules(
    "audio", frozenset({"mp3", "wav", "aac", "m4a"}), 100 * MB, (10, 300), base64="prefix", most_decoded=20 * MB
)
SUBTITLES = MediaRules("subtitles", frozenset({"srt"}), MB)
# Small shots whatever was asked, and of few frames under a long song: three minutes must not keep two cores busy.
QUALITY = 270
FPS, LONG_FPS, LONG = 24, 4, 60  # a second; from how many seconds on


def order(_operation: str, body: dict[str, Any]) -> Order:
    """Check the fields of a music video and fill in the defaults; the song is measured later; raises Refusal."""
    prompt = family.text(body, "prompt", MOST_PROMPT)
    song = family.text(body, "audio_url", 30 * MB, required=True)
    subtitles = family.text(body, "srt_url", 4096)
    ratio = family.choice(body, "aspect_ratio", "16:9", family.ALL_RATIOS)
    lip_sync = family.flag(body, "lip_sync", False)
    resolution = family.choice(body, "resolution", "720p", PER_SECOND)
    family.flag(body, "add_subtitle", False)
    family.choice(body, "language", "", ("", "en", "zh"))
    return Order(
        film=Film(0, QUALITY, family.ratio_of(ratio), text=prompt, label="Futurelabs stand-in"),
        credits=0,
        pictures=picked_images(body, 1, 7),
        media=((song, SONG), *(((subtitles, SUBTITLES),) if subtitles else ())),
        callback_url=family.callback_address(body),
        settled={"type": "mv", "per_second": PER_SECOND[resolution] + (LIP_SYNC if lip_sync else 0)},
    )


def measured(order: Order, materials: Materials) -> Order:
    """Set length and price of a music video by its song; takes and compositions know theirs."""
    if order.settled["type"] != "mv":
        return order
    seconds = materials.media[0].seconds
    return replace(
        order,
        film=replace(order.film, seconds=int(seconds), fps=FPS if seconds < LONG else LONG_FPS),
        credits=math.ceil(seconds) * order.settled["per_second"],
    )


def edit_order(vendor: Vendor, mv_id: str, body: dict[str, Any]) -> Order:
    """Read the order of a new take of one shot, shown as a card of its prompt; raises Refusal."""
    mv = finished_mv(vendor, mv_id)
    wanted = family.text(body, "job_id", 100, required=True)
    prompt = family.text(body, "prompt", MOST_PROMPT, required=True)
    shot = _take(vendor, mv, wanted, "job_id")
    if any(each.state in {"created", "processing"} for each in takes(vendor, mv, FILMED) if _same_shot(each, shot)):
        raise Refusal(400, "OperationInProcess", "this shot is being edited")
    return Order(
        film=replace(shot.order.film, text=prompt),
        credits=shot.order.film.seconds * mv.order.settled["per_second"],
        callback_url=family.callback_address(body),
        settled={**shot.order.settled, "prompt": prompt},
    )


def compose_order(vendor: Vendor, mv_id: str, body: dict[str, Any]) -> Order:
    """Read the order of a film of chosen takes; raises Refusal."""
    mv = finished_mv(vendor, mv_id)
    value = body.get("job_ids")
    if not isinstance(value, list) or not value:
        raise family.bad("job_ids", "must be an array of shot ids", "FieldInvalid" if value else "FieldLacking")
    shots = [_take(vendor, mv, str(wanted), "job_ids") for wanted in cast("list[object]", value)]
    if any(shot.state != "success" for shot in shots):
        raise Refusal(400, "OperationInProcess", "a shot is not finished")
    seconds = sum(shot.order.film.seconds for shot in shots)
    if seconds > LONGEST:
        raise family.bad("job_ids", f"make a film longer than {LONGEST} s")
    return Order(
        film=replace(mv.order.film, seconds=seconds),
        credits=0,
        callback_url=family.callback_address(body),
        settled={"type": COMPOSE, "mv": mv.id, "index": 0, "shots": [shot.id for shot in shots]},
    )


def finished_mv(vendor: Vendor, mv_id: str) -> Task:
    """Return the music video of an id, which must have its shots; raises Refusal."""
    mv = desk.booked(vendor).get(mv_id)
    if mv is None or mv.operation != "mv":
        raise family.faults("no_such_task")
    if mv.state in {"created", "processing"}:
        raise Refusal(400, "OperationInProcess", "task is not finished")
    if mv.state == "failed":
        raise Refusal(400, "BadRequest", "task has failed")
    return mv


def _take(vendor: Vendor, mv: Task, wanted: str, field: str) -> Task:
    for each in takes(vendor, mv, FILMED):
        if each.id == wanted:
            return each
    raise family.bad(field, f"{wanted} is not a shot of this task")


def _same_shot(one: Task, other: Task) -> bool:
    return one.order.settled["index"] == other.order.settled["index"]


def find(vendor: Vendor, wanted: str) -> Task:
    """Return a music video, one of its first shots, an edit or a composition by id; raises Refusal."""
    for task in desk.booked(vendor).values():
        if task.dialect.base == BASE:
            for each in (task, *task.parts):
                if each.id == wanted:
                    return each
    raise family.faults("no_such_task")


def accepted(_vendor: Vendor, task: Task) -> dict[str, Any]:
    """Answer a submit of any kind: the id and nothing else."""
    return {"id": task.id}


def shown(vendor: Vendor, task: Task) -> dict[str, Any]:
    """Show a music video with its history, or a single take or composition, to a query and to a callback alike."""
    if task.operation == "mv":
        films = [each for each in takes(vendor, task, COMPOSE) if each.state == "success"]
        film, records = films[-1] if films else None, _records(vendor, task)
    else:
        film, records = task, [_record([_job(vendor, task)])]
    # The document gives the whole film's address below three minutes only; the record of the composition has it always.
    short = film is not None and film.order.film.seconds < LONGEST
    return {
        "id": task.id,
        "type": task.order.settled["type"],
        "state": task.state,
        "err_code": task.error,
        "err_msg": f"task failed: {task.error}" if task.error else "",
        "job_records": records,
        "created_at": family.stamp(task.created_at, 6),
        "signed_url": _link(vendor, film) if film and short else "",
    }


def _records(vendor: Vendor, mv: Task) -> list[dict[str, Any]]:
    """List each shot's takes, oldest first, and then the compositions."""
    shots: dict[int, list[dict[str, Any]]] = {}
    for take in takes(vendor, mv, FILMED):
        shots.setdefault(take.order.settled["index"], []).append(_job(vendor, take))
    films = [_job(vendor, film) for film in takes(vendor, mv, COMPOSE)]
    return [_record(jobs) for _, jobs in sorted(shots.items())] + ([_record(films)] if films else [])


def _record(jobs: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": jobs[0]["type"], "jobs": jobs, "index": jobs[0]["index"]}


def _job(vendor: Vendor, task: Task) -> dict[str, Any]:
    settled = task.order.settled
    job = {"id": task.id, "type": settled["type"], "state": task.state, "signed_url": _link(vendor, task)}
    if settled["type"] == FILMED:
        words = {"duration": task.order.film.seconds, "prompt": settled["prompt"], "lyric_text": settled["lyric_text"]}
        job["mv_generate_video_input"] = words
    return {**job, "index": settled["index"]}


def _link(vendor: Vendor, task: Task) -> str:
    return vendor.link(task, "video") if task.state == "success" and not task.empty else ""


def check_pictures(_order: Order, _pictures: tuple[Picture, ...]) -> None:
    """Compare nothing: the pictures of a music video may differ."""


def routes(vendor: Vendor) -> list[web.RouteDef]:
    """Return the query, and the submits whose path names the music video."""

    async def one(request: web.Request) -> web.StreamResponse:
        def answer() -> tuple[dict[str, Any], Task]:
            task = find(vendor, request.match_info["id"])
            return shown(vendor, task), task

        return await desk.query(vendor, request, answer)

    async def edit(request: web.Request) -> web.StreamResponse:
        return await desk.submit(vendor, "mv_edit", request, partial(edit_order, vendor, request.match_info["id"]))

    async def compose(request: web.Request) -> web.StreamResponse:
        read = partial(compose_order, vendor, request.match_info["id"])
        return await desk.submit(vendor, "mv_compose", request, read)

    return [
        web.get(f"{BASE}/{{id}}", one),
        web.post(f"{BASE}/{{id}}/edit", edit),
        web.post(f"{BASE}/{{id}}/compose", compose),
    ]


FUTURELABS_MV = Dialect(
    name="futurelabs",
    submits={BASE: "mv"},
    waiting=("created",),
    working="processing",
    done="success",
    failed="failed",
    told=frozenset({"processing", "success", "failed"}),
    refusal_word="CreationPolicyViolation",
    retries=3,
    link_life=86400,
    rules=PictureRules("prefix", frozenset({"PNG", "JPEG", "WEBP"}), 50 * MB, 1, 4, most_decoded=10 * MB),
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
    measured=measured,
    make=make_film,
)
