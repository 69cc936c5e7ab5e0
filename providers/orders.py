"""What can be asked of a vendor, in our words: an order, the choices a vendor offers for it, and what is wrong with it.

Plain values, the same for all vendors. Words that vendors share (style, off_peak, cfg_scale ...) keep the vendors'
spelling, so that a person who knows a vendor's document finds them again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Operation(StrEnum):
    """What is asked of a vendor."""

    TEXT_TO_VIDEO = "text_to_video"
    IMAGE_TO_VIDEO = "image_to_video"
    START_END_TO_VIDEO = "start_end_to_video"
    REFERENCE_TO_VIDEO = "reference_to_video"  # pictures show who or what is to be seen, not the first frame
    TEMPLATE_TO_VIDEO = "template_to_video"
    REFERENCE_TO_IMAGE = "reference_to_image"
    MOTION_CONTROL = "motion_control"  # a picture moves as a video does
    AVATAR = "avatar"  # a face says a text or follows an audio
    MUSIC_VIDEO = "music_video"
    EDIT_SHOT = "edit_shot"  # one shot of a music video, made anew
    COMPOSE_SHOTS = "compose_shots"  # shots of a music video, put together

    @property
    def makes(self) -> str:
        """Name what comes out: "image" or "video"."""
        return "image" if self is Operation.REFERENCE_TO_IMAGE else "video"


class Role(StrEnum):
    """What a file of the member's is for."""

    FIRST_FRAME = "first_frame"
    LAST_FRAME = "last_frame"
    REFERENCE = "reference"  # several may be given; their order counts
    STATIC_MASK = "static_mask"  # what stays as it is
    DYNAMIC_MASK = "dynamic_mask"  # what moves along a stroke; several may be given
    WATERMARK = "watermark"
    FACE = "face"  # of an avatar
    MOTION = "motion"  # the video whose movement is taken
    AUDIO = "audio"  # a voice, or the music of a music video
    SUBTITLES = "subtitles"


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture a member gave, already opened and known to be one."""

    role: Role
    mime: str  # by content, never by name: image/png, image/jpeg, image/webp
    size: int  # bytes
    width: int
    height: int
    data: bytes = field(default=b"", repr=False)  # empty where the address is given
    url: str | None = field(default=None, repr=False)  # where a vendor can fetch it; None: only the bytes can be given


@dataclass(frozen=True, slots=True)
class Clip:
    """A video, an audio or a subtitle file a member gave, looked into and known to be one."""

    role: Role
    mime: (
        str  # by content: video/mp4, video/quicktime, audio/mpeg, audio/wav, audio/aac, audio/mp4, application/x-subrip
    )
    size: int  # bytes
    seconds: float = 0.0  # 0: has no length, or does not tell it
    width: int = 0  # pixels; 0: has no picture
    height: int = 0
    data: bytes = field(default=b"", repr=False)  # empty where a vendor can only be given the address
    url: str | None = field(default=None, repr=False)


Value = str | int | float | bool
Point = tuple[int, int]  # pixels from the left and from the bottom of the picture
Stroke = tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Order:
    """What a member asked for, in our words. None means "not said": fill() puts the model's default there."""

    operation: Operation
    model: str | None = None
    prompt: str = ""
    duration: int | None = None  # seconds
    resolution: str | None = None  # 540p, 720p, 1080p
    aspect_ratio: str | None = None  # 16:9
    seed: int | None = None
    audio: bool | None = None
    pictures: tuple[Picture, ...] = ()
    clips: tuple[Clip, ...] = ()
    extras: Mapping[str, Value] = field(default_factory=dict[str, Value])  # by Extra.name; what was not said is absent
    strokes: tuple[Stroke, ...] = ()  # the way of each dynamic mask, in their order
    parent: str = ""  # the vendor's task of the music video whose shots are meant
    shots: tuple[str, ...] = ()  # the vendor's ids of those shots


class Kind(StrEnum):
    """What a further choice looks like."""

    CHOICE = "choice"  # one of choices
    FLAG = "flag"
    WHOLE = "whole"  # least to most
    DECIMAL = "decimal"  # least to most
    TEXT = "text"  # up to most characters
    WORDS = "words"  # up to most words, with blanks between


@dataclass(frozen=True, slots=True)
class Extra:
    """A choice beyond the common ones, as a vendor's document offers it for an operation."""

    name: str
    kind: Kind
    choices: tuple[str, ...] = ()
    least: float = 0
    most: float = 0
    models: tuple[str, ...] = ()  # the only ones that take it; empty: all do
    required: bool = False


@dataclass(frozen=True, slots=True)
class Model:
    """What a vendor's table says of one model for one operation. Empty: there is nothing to choose."""

    name: str
    durations: tuple[int, ...] = ()
    default_duration: int | None = None
    resolutions: tuple[str, ...] = ()
    default_resolution: str = ""
    aspect_ratios: tuple[str, ...] = ()
    default_aspect_ratio: str | None = None
    audio: bool = False  # can make sound
    default_audio: bool = False


class Rule(StrEnum):
    """Why an order cannot be sent as it is. The sentences for it are the front end's."""

    REQUIRED = "required"  # field must be given
    ONE_OF = "one_of"  # given is not among allowed
    TOO_LONG = "too_long"  # given characters, limit characters
    TOO_MANY = "too_many"  # given of them, limit
    NOT_TOGETHER = "not_together"  # field does not go with what `given` names
    NOT_OFFERED = "not_offered"  # this vendor or model cannot do it at all; `given` names the model or the value
    NOT_READ = "not_read"  # given cannot be understood; allowed holds an example of what can
    FILE_FORMAT = "file_format"  # given mime, allowed formats
    FILE_BYTES = "file_bytes"  # given bytes, limit bytes
    FILE_PIXELS = "file_pixels"  # given WxH, limit: the shortest side allowed; allowed, if any: (least, most) of a side
    FILE_RATIO = "file_ratio"  # given ratio, allowed (narrowest, widest)
    FILE_SECONDS = "file_seconds"  # given seconds (empty: the file does not tell them), allowed (least, most)
    NEEDS_PUBLIC_URL = "needs_public_url"  # the vendor takes addresses only and we have none to give


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an order, with what would be right."""

    field: str  # operation, prompt, model, duration, resolution, aspect_ratio, seed, audio, strokes, shots,
    # a Role, or the name of an Extra
    rule: Rule
    given: str = ""
    allowed: tuple[str, ...] = ()
    nearest: str | None = None  # the valid value closest to what was given
    limit: int | None = None
