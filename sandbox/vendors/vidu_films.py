"""Orders of films from a text, a first frame, or a first and a last one, as Vidu and those who resell it read them.

Facts: Vidu, text-to-video, image-to-video and start-end-to-video, read 2026-11.
"""

import json
import random
from typing import Any

from sandbox.vendors import vidu_family as family
from sandbox.vendors.book import Film, Order
from sandbox.vendors.download import is_address
from sandbox.vendors.pictures import PictureRules

FRAMES = {"text2video": 0, "img2video": 1, "start-end2video": 2}
SOUNDS = ("all", "speech_only", "sound_effect_only")
AMPLITUDES = ("auto", "small", "medium", "large")
REWRITING = 10  # credits for a prompt of the vendor's own (is_rec)
FORMATS = frozenset({"PNG", "JPEG", "WEBP"})
MOST_BYTES = 50 * 1024 * 1024
PICTURES = PictureRules("prefix", FORMATS, MOST_BYTES, 1, 4)
MARKS = PictureRules("never", FORMATS, MOST_BYTES, 1, 10**9)  # a watermark may have any shape


def film_order(operation: str, body: dict[str, Any], sold: tuple[str, ...], seller: str) -> Order:
    """Check the fields of a submit and fill in the defaults; raises Refusal."""
    name, model = family.picked_model(body, sold)
    sources = family.image_sources(body, FRAMES[operation]) if FRAMES[operation] else ()
    prompt = family.text(body, "prompt", family.MOST_PROMPT, required=operation == "text2video")
    settled: dict[str, Any] = {
        "type": operation,
        "model": name,
        "prompt": prompt,
        **measures(body, model),
        **extras(body),
    }
    check_quiet_hours(settled, model)
    if operation == "text2video":
        settled["aspect_ratio"] = family.choice(body, "aspect_ratio", "16:9", model.ratios)
        settled["style"] = family.choice(body, "style", "general", ("general", "anime"))
    else:
        settled["images"] = list(sources)
    return finished(body, settled, model, sources, seller)


def measures(body: dict[str, Any], model: family.Model) -> dict[str, Any]:
    """Read length, size and sound, whose ranges and defaults hang on the model; raises Refusal."""
    return {
        "duration": family.number(body, "duration", model.default_seconds, model.seconds),
        "seed": seed(body),
        "resolution": family.choice(body, "resolution", model.default_resolution, model.per_second),
        "movement_amplitude": family.choice(body, "movement_amplitude", "auto", AMPLITUDES),
        "audio": family.flag(body, "audio", model.sound),
        "audio_type": family.choice(body, "audio_type", "all", SOUNDS),
        "voice_id": family.text(body, "voice_id", 256),
        "off_peak": family.flag(body, "off_peak", False),
    }


def seed(body: dict[str, Any]) -> int:
    """Read the seed; none or zero means any; raises Refusal."""
    return family.number(body, "seed", 0) or random.randrange(1, 2**31)


def extras(body: dict[str, Any]) -> dict[str, Any]:
    """Read music, watermark and the vendor's own prompt, which every kind of film takes; raises Refusal."""
    mark = family.text(body, "wm_url", 4096)
    if mark and not is_address(mark):
        raise family.bad("wm_url", "must be a URL")
    notes = family.text(body, "meta_data", family.MOST_PAYLOAD)
    if notes:
        try:
            json.loads(notes)
        except ValueError as problem:
            raise family.bad("meta_data", "must be a string of JSON") from problem
    return {
        "bgm": family.flag(body, "bgm", False),
        "is_rec": family.flag(body, "is_rec", False),
        "watermark": family.flag(body, "watermark", False),
        "wm_position": family.number(body, "wm_position", 3, (1, 2, 3, 4)),
        "wm_url": mark,
        "meta_data": notes,
    }


def check_quiet_hours(settled: dict[str, Any], model: family.Model) -> None:
    """Refuse sound in the off-peak mode, which only the q3 models can; raises Refusal."""
    if settled["off_peak"] and settled["audio"] and not model.sound:
        raise family.bad("off_peak", "cannot be used with audio on this model")


def finished(
    body: dict[str, Any], settled: dict[str, Any], model: family.Model, sources: tuple[str, ...], seller: str
) -> Order:
    """Return the order of what was read: what to film, what it costs, where to call; raises Refusal."""
    seconds, resolution = settled["duration"], settled["resolution"]
    ratio = settled.get("aspect_ratio", "")
    # Music is never for the q3 models, nor for nine or ten seconds of the others.
    music = settled["bgm"] and not model.sound and seconds not in {9, 10}
    cost = family.price(model, resolution, seconds, off_peak=settled["off_peak"])
    return Order(
        film=Film(
            seconds,
            int(resolution[:-1]),
            family.ratio_of(ratio) if ratio else None,
            settled["audio"] or music,
            "" if sources else settled["prompt"],
            f"{seller} stand-in \N{MIDDLE DOT} {settled['model']} \N{MIDDLE DOT} {seconds} s",
        ),
        credits=cost + (REWRITING if settled["is_rec"] else 0),
        pictures=sources,
        aside=marks(settled),
        callback_url=family.callback_address(body),
        payload=family.text(body, "payload", family.MOST_PAYLOAD),
        settled=settled,
    )


def marks(settled: dict[str, Any]) -> tuple[tuple[str, PictureRules], ...]:
    """Return the customer's own watermark, to be fetched when one is to be drawn."""
    return ((settled["wm_url"], MARKS),) if settled["watermark"] and settled["wm_url"] else ()
