"""What Futurelabs tells of a music video's shots and films, and how a change is found among them.

Document: doc.futurelabsai.dev, "Vidu API Documentation", part "One Click AI MV", last updated 2026-05-08.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import vidu_shapes
from .contract import Progress, Shot
from .orders import Operation
from .reading import as_count, as_identifier, as_link, as_moment, as_object, as_objects, as_text

MOST_PROMPT = 3000  # characters, of the whole and of a shot alike
COMPOSED, PARTS = "compose", ("generate_video", "compose")
_MOST_RECORDS, _MOST_VERSIONS = 500, 100


@dataclass(frozen=True, slots=True)
class Part:
    """One version of a shot, or one film."""

    id: str
    record: int  # the place of its record: versions of one shot share it
    index: int
    composed: bool
    told: Mapping[str, Any]

    @property
    def progress(self) -> Progress:
        """How far it is."""
        return vidu_shapes.WORDS.get(word_of(self.told).lower(), Progress.RUNNING)

    @property
    def url(self) -> str:
        """Where it lies; empty while it is not made."""
        return as_link(self.told.get("signed_url")) if self.progress is Progress.SUCCEEDED else ""

    @property
    def made_at(self) -> float:
        """When it was begun, in epoch seconds; 0 when that is not told, as no time is documented for a part."""
        return as_moment(self.told.get("created_at")) or 0.0


def parts_of(payload: Mapping[str, Any]) -> list[Part]:
    """List all versions of all shots, and all films; within a record the oldest first."""
    found: list[Part] = []
    for place, record in enumerate(as_objects(payload.get("job_records"), _MOST_RECORDS)):
        index = as_count(record.get("index"))
        versions: list[Part] = []
        for told in as_objects(record.get("jobs"), _MOST_VERSIONS):
            composed = COMPOSED in (as_text(record.get("type")), as_text(told.get("type")))
            identifier = identifier_of(told)
            if identifier:
                versions.append(Part(identifier, place, place if index is None else index, composed, told))
        found += _in_order(versions)
    return found


def _in_order(parts: Iterable[Part]) -> list[Part]:
    """Sort, the oldest first; where no times are told the list's order decides."""
    return sorted(parts, key=lambda part: part.made_at)


def shots_of(parts: Sequence[Part]) -> tuple[Shot, ...]:
    """Take the newest version of each shot, and where that failed, the newest one that did not."""
    versions: dict[int, list[Part]] = {}
    for part in parts:
        if not part.composed:
            versions.setdefault(part.record, []).append(part)
    chosen = [(_standing(each), each[0].id) for each in versions.values()]
    return tuple(_shot(part, first) for part, first in sorted(chosen, key=lambda one: one[0].index))


def _standing(versions: Sequence[Part]) -> Part:
    if versions[-1].progress is not Progress.FAILED:
        return versions[-1]
    made = [part for part in versions if part.progress is Progress.SUCCEEDED]
    return made[-1] if made else versions[-1]


def _shot(part: Part, first: str) -> Shot:
    wanted = as_object(part.told.get("mv_generate_video_input"))
    seconds = wanted.get("duration")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= 3600:
        seconds = None
    prompt = as_text(wanted.get("prompt"))[:MOST_PROMPT]
    return Shot(part.id, part.index, part.progress, prompt, seconds, part.url, first)


def part_named(parts: Iterable[Part], identifier: str) -> Part | None:
    """Find a part by its id."""
    return next((part for part in parts if part.id == identifier), None)


def part_itself(payload: Mapping[str, Any], asked: str) -> Part | None:
    """Read an answer as that about a part alone; None when it is about a whole music video."""
    whole = "job_records" in payload or as_text(payload.get("type")) == "mv"
    return None if whole else Part(asked, 0, 0, composed=False, told=payload)


def versions_of(parts: Sequence[Part], operation: Operation, shot: str) -> list[Part]:
    """List the versions of a shot, or all compositions, the oldest first."""
    if operation is Operation.COMPOSE_SHOTS:
        return _in_order(part for part in parts if part.composed)
    asked = part_named(parts, shot)
    return [] if asked is None else [part for part in parts if part.record == asked.record]


def next_after(versions: Sequence[Part], earlier: str) -> Part | None:
    """Find the version that follows an earlier one, the first of all where that is empty; None while there is none.

    The next one and not the newest: what follows it may be the work of a later change.
    """
    names = ["", *(part.id for part in versions)]
    place = names.index(earlier) if earlier in names else len(versions)
    return versions[place] if place < len(versions) else None


def latest(parts: Iterable[Part]) -> Part | None:
    """Take the newest part; the last one in the list where no times are told."""
    return max(reversed(list(parts)), key=lambda part: part.made_at, default=None)


def is_part(payload: Mapping[str, Any]) -> bool:
    """Say whether an answer calls itself one about a part."""
    return "job_records" not in payload and as_text(payload.get("type")) in PARTS


def identifier_of(payload: Mapping[str, Any]) -> str:
    """Read an id; empty when there is none."""
    return as_identifier(payload.get("id")) or as_identifier(payload.get("task_id"))


def word_of(payload: Mapping[str, Any]) -> str:
    """Read the vendor's word for how far something is; empty when there is none."""
    return as_text(payload.get("state")) or as_text(payload.get("status"))
