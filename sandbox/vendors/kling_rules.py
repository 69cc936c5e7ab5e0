"""What Kling takes: which model can do what in which mode and length, the limits of every field, and the units.

Facts: Kling, image-to-video and text-to-video (legacy /v1), capability map and error codes, read 2026-11. The units
are plausible numbers, for the documents give none.
"""

import re
from collections.abc import Iterable
from typing import Any, cast

from sandbox.vendors.book import Picture, Refusal

MOST_PROMPT = 2500
MOST_IMAGE = 20_000_000  # characters of a base64 field; the decoded limit is checked with the picture
VOICE = re.compile(r"<<<voice_\d+>>>")
MASTERS = frozenset({"kling-v2-master", "kling-v2-1-master"})
I2V_MODELS = frozenset(
    {
        *("kling-v1", "kling-v1-5", "kling-v1-6", "kling-v2-1", "kling-v2-5-turbo", "kling-v2-6"),
        *MASTERS,
    }
)
T2V_MODELS = frozenset({"kling-v1", "kling-v1-6", "kling-v2-5-turbo", "kling-v2-6", *MASTERS})

_PRO = frozenset({("pro", "5"), ("pro", "10")})
_SHORT = frozenset({("std", "5"), ("pro", "5")})
# model -> the (mode, duration) pairs in which it can do so; a model that is not named cannot.
FIRST_AND_LAST = {
    "kling-v1": _SHORT,
    **dict.fromkeys(("kling-v1-5", "kling-v1-6", "kling-v2-1", "kling-v2-5-turbo", "kling-v2-6"), _PRO),
}
LAST_ONLY = {"kling-v1-5": _PRO, "kling-v1-6": _PRO}
BRUSH = {"kling-v1": _SHORT, "kling-v1-5": frozenset({("pro", "5")})}
CAMERA = {
    "image2video": {"kling-v1-5": frozenset({("pro", "5")})},
    "text2video": {"kling-v1": frozenset({("std", "5")})},
}
MOVES = ("simple", "down_back", "forward_up", "right_turn_forward", "left_turn_forward")
AXES = ("horizontal", "vertical", "pan", "tilt", "roll", "zoom")
# Units of five seconds in std and pro.
UNITS = {
    "kling-v1": (1.0, 3.5),
    "kling-v1-5": (2.0, 3.5),
    "kling-v1-6": (2.0, 3.5),
    "kling-v2-1": (2.0, 3.5),
    "kling-v2-master": (10.0, 10.0),
    "kling-v2-1-master": (10.0, 10.0),
    "kling-v2-5-turbo": (1.5, 2.5),
    "kling-v2-6": (1.5, 2.5),
}
UNITS_WITH_SOUND = 5.0


def bad(message: str) -> Refusal:
    """Return the refusal of a parameter."""
    return Refusal(400, 1201, message)


def text(body: dict[str, Any], field: str, most: int = 4096, *, required: bool = False) -> str:
    """Read a text field, "" when absent; raises Refusal."""
    value = body.get(field)
    if value is None or value == "":
        if required:
            raise bad(f"{field} is required")
        return ""
    if not isinstance(value, str):
        raise bad(f"{field} must be a string")
    if len(value) > most:
        raise bad(f"{field} exceeds {most} characters")
    return value


def choice(body: dict[str, Any], field: str, default: str, allowed: Iterable[str]) -> str:
    """Read a word of a list; raises Refusal."""
    value = text(body, field) or default
    if value not in allowed:
        raise bad(f"{field} value '{value}' is invalid")
    return value


def items(body: dict[str, Any], field: str) -> list[dict[str, Any]]:
    """Read a list of objects, empty when absent; raises Refusal."""
    value = body.get(field)
    if value is None:
        return []
    found = cast("list[object]", value) if isinstance(value, list) else [None]
    if not all(isinstance(each, dict) for each in found):
        raise bad(f"{field} must be an array of objects")
    return cast("list[dict[str, Any]]", found)


def picked_model(body: dict[str, Any], sold: frozenset[str]) -> str:
    """Read model_name; the old field `model` is taken without effect, which means V1; raises Refusal."""
    name = text(body, "model_name") or "kling-v1"
    if name not in sold:
        raise Refusal(404, 1203, f"model {name} is not supported")
    return name


def able(table: dict[str, frozenset[tuple[str, str]]], model: str, mode: str, duration: str, what: str) -> None:
    """Refuse what a model cannot do in this mode and length; raises Refusal."""
    if (mode, duration) not in table.get(model, frozenset()):
        raise bad(f"{what} is not supported by {model} in {mode} mode at {duration}s")


def check_guidance(body: dict[str, Any], model: str) -> None:
    """Check cfg_scale: 0 to 1, and not for the v2 models; raises Refusal."""
    value = body.get("cfg_scale")
    if value is None:
        return
    if model.startswith("kling-v2"):
        raise bad(f"cfg_scale is not supported by {model}")
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise bad("cfg_scale must be between 0 and 1")


def check_sound(body: dict[str, Any], model: str, mode: str, *, two_frames: bool) -> bool:
    """Return whether the film has sound; only v2.6 in pro mode can, and not between two frames; raises Refusal."""
    sound = choice(body, "sound", "off", ("on", "off")) == "on"
    voices = items(body, "voice_list")
    if len(voices) > 2 or not all(isinstance(each.get("voice_id"), str) for each in voices):
        raise bad("voice_list takes at most 2 items with a voice_id")
    if (voices or VOICE.search(text(body, "prompt"))) and not sound:
        raise bad("voices need sound to be on")
    if sound and (model != "kling-v2-6" or mode != "pro" or two_frames):
        raise bad(f"sound is not supported by {model} in {mode} mode for this request")
    return sound


def read_brush(body: dict[str, Any], model: str, mode: str, duration: str) -> list[str]:
    """Return the masks of the motion brushes, the static one first; groups of 2 to 77 points, at most 6."""
    groups = items(body, "dynamic_masks")
    static = text(body, "static_mask", MOST_IMAGE)
    if not groups and not static:
        return []
    able(BRUSH, model, mode, duration, "motion brush")
    if len(groups) > 6:
        raise bad("dynamic_masks takes at most 6 groups")
    for group in groups:
        points = items(group, "trajectories")
        if not 2 <= len(points) <= 77:
            raise bad("trajectories must have 2 to 77 points")
        if not all(type(point.get(axis)) is int for point in points for axis in ("x", "y")):
            raise bad("trajectories must be points with whole x and y")
    masks = [text(group, "mask", MOST_IMAGE, required=True) for group in groups]
    return [static, *masks] if static else masks


def unlike_masks(frame: Picture, masks: tuple[Picture, ...]) -> str:
    """Say why a task with these masks fails: they must be of one size and of the frame's shape; "" when they fit."""
    if len({(mask.width, mask.height) for mask in masks}) > 1:
        return "the resolutions of static_mask and dynamic_masks must be identical"
    shape = frame.width / frame.height
    # A mask that was made smaller is a pixel off.
    if any(abs(mask.width / mask.height / shape - 1) > 0.01 for mask in masks):
        return "the aspect ratio of the mask must match the image"
    return ""


def check_mark(body: dict[str, Any]) -> bool:
    """Return whether a watermarked film is wanted beside the plain one; raises Refusal."""
    wanted = body.get("watermark_info")
    if wanted is None:
        return False
    enabled = cast("dict[str, Any]", wanted).get("enabled", False) if isinstance(wanted, dict) else None
    if not isinstance(enabled, bool):
        raise bad("watermark_info must be an object with enabled")
    return enabled


def check_camera(body: dict[str, Any], operation: str, model: str, mode: str, duration: str) -> bool:
    """Return whether the camera is controlled: "simple" moves on exactly one axis, the others take no config."""
    camera = body.get("camera_control")
    if camera is None:
        return False
    if not isinstance(camera, dict):
        raise bad("camera_control must be an object")
    wanted = cast("dict[str, Any]", camera)
    able(CAMERA[operation], model, mode, duration, "camera control")
    kind = choice(wanted, "type", "simple", MOVES)
    config = wanted.get("config")
    if operation == "image2video" and kind != "simple":
        raise bad("only simple camera control is supported")
    if kind != "simple":
        if config:
            raise bad(f"camera_control.config must be empty for {kind}")
        return True
    if not isinstance(config, dict):
        raise bad("camera_control.config is required")
    axes = cast("dict[str, Any]", config)
    values = [axes.get(axis, 0) for axis in AXES]
    if not all(type(value) in {int, float} and -10 <= value <= 10 for value in values):
        raise bad("camera_control.config values must be between -10 and 10")
    if sum(value != 0 for value in values) != 1:
        raise bad("exactly one camera_control.config value must be non-zero")
    return True


def units(model: str, mode: str, duration: str, *, sound: bool) -> float:
    """Return the units of a task; ten seconds cost twice as much as five."""
    std, pro = UNITS[model]
    five = UNITS_WITH_SOUND if sound else pro if mode == "pro" else std
    return five * 2 if duration == "10" else five
