"""Futurelabs' One Click AI MV: a music video from pictures and a song, its shots made anew, and put together.

Document: doc.futurelabsai.dev, "Vidu API Documentation", part "One Click AI MV", last updated 2026-05-08. It shows no
answer to a creation, names no price, and does not say whose id a change is answered with; what follows from that is
said where it matters.
"""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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
    Shot,
    Status,
    Submission,
    Task,
)
from .orders import Clip, Extra, Kind, Model, Operation, Order, Problem, Role, Rule
from .reading import as_count, as_identifier, as_link, as_moment, as_object, as_objects, as_text, for_log

BASE_PATH = "/ai/avu/one-click/mv"
MOST_PROMPT = 3000  # characters, of the whole and of a shot alike
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
_MOST_RECORDS, _MOST_VERSIONS = 500, 100
_MOST_TASK_ID = 128
_COMPOSED, _PARTS = "compose", ("generate_video", "compose")
_NOT_LISTED = "not listed yet"


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
    body: dict[str, Any] = {"callback_url": submission.callback_url}
    if order.operation is Operation.EDIT_SHOT:
        verb, middle = "edit", order.shots[0]
        body |= {"job_id": order.shots[0], "prompt": order.prompt}
    else:
        verb, middle = "compose", _COMPOSED
        body |= {"job_ids": list(order.shots)}
    answer = await api.call("POST", f"{BASE_PATH}/{quote(order.parent, safe='')}/{verb}", json=body)
    accepted = vidu_shapes.accepted(answer)
    return replace(accepted, task_id=_task_id(order.parent, middle, accepted.task_id))


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


def _task_id(mv: str, middle: str, answered: str) -> str:
    """Write down in one id which music video was changed, in what, and what was answered.

    A change is answered with an id alone, and whether it names the change or the music video is not documented.
    """
    parts = (mv, middle, answered)
    joined = ":".join(parts)
    plain = all(as_identifier(part) and ":" not in part for part in parts)
    return joined if plain and len(joined) <= _MOST_TASK_ID else answered


def _read_task_id(task_id: str) -> tuple[str, str, str]:
    """Read an id of ours; a bare one is asked for as it is."""
    parts = task_id.split(":")
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 else (task_id, "", task_id)


async def query(api: Api, task: Task) -> Status:
    """Ask how a music video or a change of one is. Raise ProviderError."""
    if task.operation is Operation.MUSIC_VIDEO:
        return _film(await _ask(api, task.task_id), task.task_id)
    mv, middle, answered = _read_task_id(task.task_id)
    payload = await _ask(api, mv)
    job = _changed(payload, task.operation, mv, middle, answered)
    if job is None and answered != mv:  # the path also takes the id of a part
        try:
            job = _changed(await _ask(api, answered), task.operation, answered, middle, answered)
        except ProviderError as error:
            if error.kind is not ErrorKind.REJECTED:
                raise
    shots = _shots(_jobs(payload))
    if job is None:
        return Status(task.task_id, Progress.WAITING, _NOT_LISTED, shots=shots)
    return replace(_status(job, task.task_id, _links([job])), shots=shots)


async def _ask(api: Api, identifier: str) -> Mapping[str, Any]:
    payload = await api.call("GET", f"{BASE_PATH}/{quote(identifier, safe='')}", most_bytes=_MOST_ANSWER)
    if not _word(payload):
        raise ProviderError(ErrorKind.UNKNOWN, Reason.VENDOR, for_log("an answer with no state", _said(payload)))
    return payload


def _film(payload: Mapping[str, Any], asked: str) -> Status:
    if _is_part(payload):
        raise ProviderError(ErrorKind.UNKNOWN, Reason.VENDOR, "an answer about a part of a music video")
    return _whole(payload, asked)


def is_ours(payload: Mapping[str, Any]) -> bool:
    """Say whether a callback is about a music video, as far as its fields tell."""
    return "job_records" in payload or "signed_url" in payload or as_text(payload.get("type")) in ("mv", *_PARTS)


def status(payload: Mapping[str, Any]) -> Status:
    """Read a callback: a music video or a part of one. Raise NotUnderstood when it has no id or no state."""
    if not _identifier(payload) or not _word(payload):
        raise NotUnderstood("no task id" if _word(payload) else "no state")
    if _is_part(payload):
        job = _Job(_identifier(payload), 0, 0, composed=False, told=payload)
        return _status(job, job.id, _links([job]))
    return _whole(payload, "")


@dataclass(frozen=True, slots=True)
class _Job:
    """One version of a shot, or one film."""

    id: str
    record: int  # the place of its record: versions of one shot share it
    index: int
    composed: bool
    told: Mapping[str, Any]

    @property
    def progress(self) -> Progress:
        return _progress(self.told)

    @property
    def url(self) -> str:
        return as_link(self.told.get("signed_url")) if self.progress is Progress.SUCCEEDED else ""


def _jobs(payload: Mapping[str, Any]) -> list[_Job]:
    """List all versions of all shots, and all films; within a record the oldest first."""
    found: list[_Job] = []
    for place, record in enumerate(as_objects(payload.get("job_records"), _MOST_RECORDS)):
        index = as_count(record.get("index"))
        versions = as_objects(record.get("jobs"), _MOST_VERSIONS)
        # No time is documented for a job, so that the list's order decides where none is told.
        for told in sorted(versions, key=lambda each: as_moment(each.get("created_at")) or 0.0):
            composed = _COMPOSED in (as_text(record.get("type")), as_text(told.get("type")))
            identifier = _identifier(told)
            if identifier:
                found.append(_Job(identifier, place, place if index is None else index, composed, told))
    return found


def _shots(jobs: Sequence[_Job]) -> tuple[Shot, ...]:
    """Take the newest version of each shot, and where that failed, the newest one that did not."""
    versions: dict[int, list[_Job]] = {}
    for job in jobs:
        if not job.composed:
            versions.setdefault(job.record, []).append(job)
    chosen = [_standing(each) for each in versions.values()]
    return tuple(_shot(job) for job in sorted(chosen, key=lambda job: job.index))


def _standing(versions: Sequence[_Job]) -> _Job:
    if versions[-1].progress is not Progress.FAILED:
        return versions[-1]
    made = [job for job in versions if job.progress is Progress.SUCCEEDED]
    return made[-1] if made else versions[-1]


def _shot(job: _Job) -> Shot:
    wanted = as_object(job.told.get("mv_generate_video_input"))
    seconds = wanted.get("duration")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= 3600:
        seconds = None
    prompt = as_text(wanted.get("prompt"))[:MOST_PROMPT]
    return Shot(job.id, job.index, job.progress, prompt, seconds, job.url)


def _changed(payload: Mapping[str, Any], operation: Operation, asked: str, middle: str, answered: str) -> _Job | None:
    """Find the change in what the vendor says of its music video; None while it is not there."""
    jobs = _jobs(payload)
    named = next((job for job in jobs if job.id == answered), None)
    if named is not None:
        return named
    if answered != asked:
        return None
    if _is_part(payload) or not _is_whole(payload):
        return _Job(answered, 0, 0, composed=False, told=payload)
    # The answer named the music video: the newest job is meant, unless that is an older one than the change.
    newest = _newest(jobs, operation, middle)
    stale = newest is not None and newest.progress.final and not _progress(payload).final
    return None if stale else newest


def _newest(jobs: Sequence[_Job], operation: Operation, shot: str) -> _Job | None:
    if operation is Operation.COMPOSE_SHOTS:
        return _latest(job for job in jobs if job.composed)
    record = next((job.record for job in jobs if job.id == shot), None)
    newest = _latest(job for job in jobs if job.record == record)
    return None if newest is None or newest.id == shot else newest


def _latest(jobs: Iterable[_Job]) -> _Job | None:
    """Take the newest job; the last one in the list where no times are told."""
    return max(reversed(list(jobs)), key=lambda job: as_moment(job.told.get("created_at")) or 0.0, default=None)


def _whole(payload: Mapping[str, Any], asked: str) -> Status:
    """Read a music video. Up to three minutes it has a film of its own, which a later one does not replace."""
    identifier = _identifier(payload) or asked
    jobs = _jobs(payload)
    shots = _shots(jobs)
    own = as_link(payload.get("signed_url"))
    film = _latest(job for job in jobs if job.composed and job.url)
    if own:
        links = [own]
    elif film is not None:
        links = [film.url]
    else:
        links = [shot.url for shot in shots if shot.url]
    whole = _Job(identifier, 0, 0, composed=True, told=payload)
    return replace(_status(whole, identifier, links), shots=shots)


def _status(job: _Job, task_id: str, links: Sequence[str]) -> Status:
    """Say how a job is, with the files it made. Our reference and the prompt are not repeated."""
    code = as_text(job.told.get("err_code"))
    progress, reason, detail = job.progress, None, _said(job.told)
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
        word=_word(job.told)[:64],
        outputs=made if progress is Progress.SUCCEEDED else (),
        credits=as_count(job.told.get("credits")),
        reason=reason,
        detail=detail,
        created_at=as_moment(job.told.get("created_at")),
    )


def _links(jobs: Iterable[_Job]) -> list[str]:
    return [job.url for job in jobs if job.url]


def _is_whole(payload: Mapping[str, Any]) -> bool:
    return "job_records" in payload or as_text(payload.get("type")) == "mv"


def _is_part(payload: Mapping[str, Any]) -> bool:
    return "job_records" not in payload and as_text(payload.get("type")) in _PARTS


def _identifier(payload: Mapping[str, Any]) -> str:
    return as_identifier(payload.get("id")) or as_identifier(payload.get("task_id"))


def _word(payload: Mapping[str, Any]) -> str:
    return as_text(payload.get("state")) or as_text(payload.get("status"))


def _progress(payload: Mapping[str, Any]) -> Progress:
    return vidu_shapes.WORDS.get(_word(payload).lower(), Progress.RUNNING)


def _said(payload: Mapping[str, Any]) -> str:
    return for_log(as_text(payload.get("err_code")), as_text(payload.get("err_msg")), as_text(payload.get("message")))
