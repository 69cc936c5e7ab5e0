"""Futurelabs' One Click AI MV: a music video from pictures and a song, its shots made anew, and put together.

Document: doc.futurelabsai.dev, "Vidu API Documentation", part "One Click AI MV", last updated 2026-05-08. It shows no
answer to a creation, names no price, and does not say whose id a change is answered with; what follows from that is
said where it matters.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from math import ceil
from typing import Any
from urllib.parse import quote

from . import checks, vidu_choices, vidu_shapes
from .call import Api
from .checks import ClipRules, PictureRules
from .contract import (
    Accepted,
    ErrorKind,
    NotUnderstood,
    OutputLink,
    Progress,
    ProviderError,
    Reason,
    Status,
    Submission,
    Task,
)
from .futurelabs_shots import (
    COMPOSED,
    MOST_PROMPT,
    PARTS,
    Part,
    identifier_of,
    is_part,
    latest,
    next_after,
    part_itself,
    part_named,
    parts_of,
    shots_of,
    versions_of,
    word_of,
)
from .orders import Clip, Extra, Kind, Model, Operation, Order, Problem, Role, Rule
from .reading import as_count, as_identifier, as_link, as_moment, as_text, for_log

BASE_PATH = "/ai/avu/one-click/mv"
LONGEST_FILM = 180  # seconds; of a longer song the vendor makes the shots, and leaves putting them together to us

_MODEL = "one-click-mv"  # there is one, without a name on the wire; this one is for people
_RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4")
MODELS: Mapping[Operation, tuple[Model, ...]] = {
    Operation.MUSIC_VIDEO: (Model(_MODEL, (), None, ("540p", "720p", "1080p"), "720p", _RATIOS, "16:9"),),
    Operation.EDIT_SHOT: (),
    Operation.COMPOSE_SHOTS: (),
}
EXTRAS: Mapping[Operation, tuple[Extra, ...]] = {
    Operation.MUSIC_VIDEO: (
        Extra("add_subtitle", Kind.FLAG),
        Extra("language", Kind.CHOICE, ("en", "zh")),
        Extra("lip_sync", Kind.FLAG),
    ),
}

# 50 MB a picture, 10 MB as base64: taken for all pictures together, as nothing says how large a body may be.
_PICTURES = PictureRules(
    formats=("image/png", "image/jpeg", "image/webp"),
    most_bytes=50_000_000,
    most_inline_bytes=10_000_000,
    widest=Fraction(4),
)
_PLACES: checks.Places = {Role.REFERENCE: (1, 7)}
# 20 MB as base64. No size is stated for an address: this is five minutes of the largest WAV in common use.
_SONG = ClipRules(
    formats=("audio/mpeg", "audio/wav", "audio/aac", "audio/mp4"),
    most_bytes=200_000_000,
    seconds=(10, 300),
    most_inline_bytes=20_000_000,
    required=True,
)
_SUBTITLES = ClipRules(formats=("application/x-subrip",), most_bytes=1_000_000)  # the size is ours: none is stated

_RATED_AS = "viduq3-pro"
_LIP_SYNC = 4  # credits a second more

_MOST_ANSWER = 2 * 1024 * 1024  # bytes; a hundred shots, each with prompts and signed addresses
_MOST_TASK_ID = 128
_NOT_LISTED = "not listed yet"
_AFTER = "~"  # before the id of what was there already, in a task id of ours


def _song(clip: Clip | None) -> ClipRules:
    """A song that is too large for bytes may still be given as an address, also one that is not https."""
    large = clip is not None and clip.size > _SONG.most_inline_bytes
    return replace(_SONG, most_inline_bytes=0) if large else _SONG


def problems(order: Order) -> list[Problem]:
    """Check a filled order."""
    if order.operation is not Operation.MUSIC_VIDEO:
        return _change_problems(order)
    found = [
        *checks.prompt_problems(order, required=False, most=MOST_PROMPT),
        *checks.model_problems(order, MODELS[order.operation]),
        *checks.seed_problems(order, None),
        *vidu_shapes.picture_problems(order, _PICTURES, _PLACES),
        *checks.clip_problems(
            order, {Role.AUDIO: _song(checks.clip_in(order, Role.AUDIO)), Role.SUBTITLES: _SUBTITLES}
        ),
        *checks.extra_problems(order, EXTRAS[order.operation]),
    ]
    if checks.clip_in(order, Role.SUBTITLES) is not None and order.extras.get("add_subtitle") is False:
        found.append(Problem(Role.SUBTITLES, Rule.NOT_TOGETHER, given="add_subtitle: no"))
    return found


def _change_problems(order: Order) -> list[Problem]:
    """One shot made anew with a prompt, or several put together; length and size may be said for the estimate."""
    editing = order.operation is Operation.EDIT_SHOT
    found = checks.prompt_problems(order, required=True, most=MOST_PROMPT) if editing else []
    if not order.parent or not order.shots:
        found.append(Problem("shots", Rule.REQUIRED, limit=1))
    elif editing and len(order.shots) > 1:
        found.append(Problem("shots", Rule.TOO_MANY, str(len(order.shots)), limit=1))
    said = {"aspect_ratio": order.aspect_ratio, "audio": order.audio or None}
    found += [Problem(name, Rule.NOT_OFFERED, str(value)[:60]) for name, value in said.items() if value is not None]
    return [
        *found,
        *checks.seed_problems(order, None),
        *vidu_shapes.picture_problems(order, _PICTURES, {}),
        *checks.clip_problems(order, {}),
        *checks.extra_problems(order, ()),
    ]


def price(order: Order) -> int | None:
    """Estimate a filled order in credits. No price is published but that of lip-sync: the rest is our estimate.

    A music video is made of the same vendor's videos, so the dearest model's credits a second stand in.
    """
    if order.operation is Operation.COMPOSE_SHOTS:
        return vidu_choices.IMAGE_CREDITS  # nothing new is rendered: the cheapest thing on the list stands in
    rate = vidu_choices.RATES.get((_RATED_AS, order.resolution or "720p"))
    if rate is None:
        return None
    if order.operation is Operation.EDIT_SHOT:
        return rate * order.duration if order.duration is not None and 0 < order.duration <= LONGEST_FILM else None
    song = checks.clip_in(order, Role.AUDIO)
    if song is None or not 0 < song.seconds <= 300 or checks.model_of(MODELS[order.operation], order.model) is None:
        return None
    return ceil(song.seconds) * (rate + (_LIP_SYNC if order.extras.get("lip_sync") is True else 0))


async def submit(api: Api, submission: Submission) -> Accepted:
    """Create a music video, or ask for a change of one. Raise ProviderError."""
    order = submission.order
    if order.operation is Operation.MUSIC_VIDEO:
        explain = vidu_shapes.explain_submission
        return vidu_shapes.accepted(await api.call("POST", BASE_PATH, json=_body(submission), explain=explain))
    if not order.parent or not order.shots:
        raise ProviderError(ErrorKind.NOT_SENT, Reason.BAD_ORDER, "no shot is named")
    there = await _there_before(api, order)
    body: dict[str, Any] = {"callback_url": submission.callback_url}
    if order.operation is Operation.EDIT_SHOT:
        verb, body["job_id"], body["prompt"] = "edit", order.shots[0], order.prompt
    else:
        verb, body["job_ids"] = COMPOSED, list(order.shots)
    answer = await api.call("POST", f"{BASE_PATH}/{quote(order.parent, safe='')}/{verb}", json=body)
    accepted = vidu_shapes.accepted(answer)
    return replace(accepted, task_id=_task_id(submission, accepted.task_id, there))


async def _there_before(api: Api, order: Order) -> list[Part]:
    """List what a music video has before it is changed. Raise ProviderError: then nothing was changed either."""
    try:
        return parts_of(await _ask(api, order.parent))
    except ProviderError as error:
        if error.kind is not ErrorKind.UNKNOWN:
            raise
        raise ProviderError(ErrorKind.NOT_SENT, error.reason, error.detail, error.retry_after, error.http) from error


def _body(submission: Submission) -> dict[str, Any]:
    """Build the body of a creation. The example's `duration` is in no table: the song is as long as it is."""
    order = submission.order
    body = vidu_shapes.request_body(submission, _PICTURES, ("prompt", "aspect_ratio", "resolution", "callback_url"))
    song, subtitles = checks.clip_in(order, Role.AUDIO), checks.clip_in(order, Role.SUBTITLES)
    body |= {extra.name: order.extras[extra.name] for extra in EXTRAS[order.operation] if extra.name in order.extras}
    if song is not None:
        body["audio_url"] = checks.clip_address(song, _song(song)) or _data_url(song)
    if subtitles is not None:
        body["srt_url"] = subtitles.url
        body.setdefault("add_subtitle", True)  # who gives the words wants them seen; the vendor's default is no
    return body


def _data_url(clip: Clip) -> str:
    return f"data:{clip.mime};base64,{base64.b64encode(clip.data).decode('ascii')}"


def _task_id(submission: Submission, answered: str, there: Sequence[Part]) -> str:
    """Write down in one id what was changed of which music video, how the change is found, and our own reference.

    A change is answered with an id alone, and whether that names the change, the shot or the music video is not
    documented. A new id names the change. One that was there before names nothing new: then the newest version that
    was there before is written instead, and the one that follows it is the change. Our reference keeps two changes
    that are answered alike apart.
    """
    order = submission.order
    found = answered
    if answered == order.parent or part_named(there, answered) is not None:
        earlier = versions_of(there, order.operation, order.shots[0])
        found = _AFTER + (earlier[-1].id if earlier else "")
    middle = order.shots[0] if order.operation is Operation.EDIT_SHOT else COMPOSED
    words = (order.parent, middle, found, submission.reference)
    joined = ":".join(words)
    plain = all(as_identifier(word) and ":" not in word for word in words)
    if plain and len(joined) <= _MOST_TASK_ID:
        return joined
    return answered if found == answered else submission.reference  # which finds nothing, rather than something old


def _read_task_id(task_id: str) -> tuple[str, str, str]:
    """Read music video, shot and what finds the change; a bare id is asked for as it is."""
    parts = task_id.split(":")
    return (parts[0], parts[1], parts[2]) if len(parts) == 4 else (task_id, "", task_id)


async def query(api: Api, task: Task) -> Status:
    """Ask how a music video or a change of one is. Raise ProviderError."""
    if task.operation is Operation.MUSIC_VIDEO:
        return _film(await _ask(api, task.task_id), task.task_id)
    mv, shot, found = _read_task_id(task.task_id)
    payload = await _ask(api, mv)
    parts = parts_of(payload)
    if found.startswith(_AFTER):
        change = next_after(versions_of(parts, task.operation, shot), found.removeprefix(_AFTER))
    elif found == mv:
        change = part_named(parts, found) or part_itself(payload, found)
    else:
        change = part_named(parts, found) or await _by_itself(api, found)
    shots = shots_of(parts)
    if change is None:
        return Status(task.task_id, Progress.WAITING, _NOT_LISTED, shots=shots)
    return replace(_status(change, task.task_id), shots=shots)


async def _by_itself(api: Api, identifier: str) -> Part | None:
    """Ask for a change that its music video does not list: the path also takes the id of a part."""
    try:
        payload = await _ask(api, identifier)
    except ProviderError as error:
        if error.kind is not ErrorKind.REJECTED:
            raise
        return None
    return part_named(parts_of(payload), identifier) or part_itself(payload, identifier)


async def _ask(api: Api, identifier: str) -> Mapping[str, Any]:
    payload = await api.call("GET", f"{BASE_PATH}/{quote(identifier, safe='')}", most_bytes=_MOST_ANSWER)
    if not word_of(payload):
        raise ProviderError(ErrorKind.UNKNOWN, Reason.VENDOR, for_log("an answer with no state", _said(payload)))
    return payload


def _film(payload: Mapping[str, Any], asked: str) -> Status:
    if is_part(payload):
        raise ProviderError(ErrorKind.UNKNOWN, Reason.VENDOR, "an answer about a part of a music video")
    return _whole(payload, asked)


def is_ours(payload: Mapping[str, Any]) -> bool:
    """Say whether a callback is about a music video, as far as its fields tell."""
    return "job_records" in payload or "signed_url" in payload or as_text(payload.get("type")) in ("mv", *PARTS)


def status(payload: Mapping[str, Any]) -> Status:
    """Read a callback: a music video or a part of one. Raise NotUnderstood when it has no id or no state."""
    if not identifier_of(payload) or not word_of(payload):
        raise NotUnderstood("no task id" if word_of(payload) else "no state")
    if is_part(payload):
        return _status(Part(identifier_of(payload), 0, 0, composed=False, told=payload), identifier_of(payload))
    return _whole(payload, "")


def _whole(payload: Mapping[str, Any], asked: str) -> Status:
    """Read a music video. Up to three minutes it has a film of its own, which a later one does not replace."""
    identifier = identifier_of(payload) or asked
    parts = parts_of(payload)
    shots = shots_of(parts)
    own = as_link(payload.get("signed_url"))
    film = latest(part for part in parts if part.composed and part.url)
    if own:
        links = [own]
    elif film is not None:
        links = [film.url]
    else:
        links = [shot.url for shot in shots if shot.url]
    whole = Part(identifier, 0, 0, composed=True, told=payload)
    return replace(_status(whole, identifier, links), shots=shots)


def _status(part: Part, task_id: str, links: Sequence[str] | None = None) -> Status:
    """Say how a part is, or the whole, with the files it made. Our reference and the prompt are not repeated."""
    links = [part.url] * bool(part.url) if links is None else links
    code = as_text(part.told.get("err_code"))
    progress, reason, detail = part.progress, None, _said(part.told)
    if progress is Progress.FAILED:
        reason = vidu_shapes.REASONS.get(code, Reason.VENDOR)
        if code == vidu_shapes.CANCELLED_BY_USER:
            progress, reason = Progress.CANCELLED, None
    elif progress is Progress.SUCCEEDED and not links:
        progress, reason, detail = Progress.FAILED, Reason.VENDOR, for_log("success without a result", detail)
    made = tuple(OutputLink(link) for link in links[: vidu_shapes.MOST_OUTPUTS])
    return Status(
        task_id=task_id,
        progress=progress,
        word=word_of(part.told)[:64],
        outputs=made if progress is Progress.SUCCEEDED else (),
        credits=as_count(part.told.get("credits")),
        reason=reason,
        detail=detail,
        created_at=as_moment(part.told.get("created_at")),
    )


def _said(payload: Mapping[str, Any]) -> str:
    return for_log(as_text(payload.get("err_code")), as_text(payload.get("err_msg")), as_text(payload.get("message")))
