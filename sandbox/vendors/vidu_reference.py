"""Vidu's orders by example: films and pictures from references, and films from a ready-made template.

Facts: Vidu, reference-to-video, reference-to-image and template, read 2026-11. The prices of pictures and templates
are invented, and so is the length of a template's film; the documents name a price for each template only.
"""

from dataclasses import replace
from typing import Any, cast

from sandbox.vendors import vidu_family as family
from sandbox.vendors import vidu_films as films
from sandbox.vendors.book import Film, MediaRules, Order, Picture

REFERENCES = ("reference2video", "reference2image")
_LONG = tuple(range(3, 17))
_STEPS: dict[str, float] = {"540p": 4, "720p": 8, "1080p": 16}
MODELS: dict[str, family.Model] = {
    "viduq3-mix": family.Model(_LONG, 5, _STEPS, "720p", sound=True),
    "viduq3-turbo": family.Model(_LONG, 5, {"540p": 2, "720p": 4, "1080p": 8}, "720p", sound=True),
    "viduq3": family.Model(_LONG, 5, _STEPS, "720p", sound=True),
    **{name: family.MODELS[name] for name in ("viduq2-pro", "viduq2", "viduq1", "vidu2.0")},
}
MOST_IMAGES, MOST_OF_ONE, MOST_VIDEOS = 7, 3, 2
LEAST_SIDE = 128  # pixels of a reference
VIDEOS = MediaRules("video", frozenset({"mp4", "mov"}), 100 * 1024 * 1024, base64="prefix")
PICTURE_MODELS = {"viduq2": 0, "viduq1": 1}  # fewest references
PICTURE_RATIOS = family.ALL_RATIOS | {"21:9", "2:3", "3:2", "auto"}
PICTURE_CREDITS = {"1080p": 6, "2K": 8, "4K": 10}
TEMPLATE_CREDITS, TEMPLATE_SECONDS = 30, 4


def reference_order(body: dict[str, Any]) -> Order:
    """Read the order of a film from one to seven pictures, or from named subjects; raises Refusal."""
    name = family.text(body, "model", 100, required=True)
    if name not in MODELS:
        raise family.bad("model", f"{name} is not available here", "ModelUnavailable")
    model = MODELS[name]
    subjects = body.get("subjects") is not None
    if subjects and body.get("images") is not None:
        raise family.bad("images", "cannot be given beside subjects", "FieldUnwanted")
    sources, videos = _subjects(body, name) if subjects else (_pictures(body, 1), ())
    settled: dict[str, Any] = {
        "type": "reference2video",
        "model": name,
        "prompt": family.text(body, "prompt", family.MOST_PROMPT, required=True),
        "images": list(sources),
        **films.measures(body, model),
        **films.extras(body),
        "aspect_ratio": family.choice(body, "aspect_ratio", "16:9", model.ratios),
        "auto_subjects": family.flag(body, "auto_subjects", False),
    }
    if name == "viduq3-mix" and settled["off_peak"]:
        raise family.bad("off_peak", "is not available for this model")
    films.check_quiet_hours(settled, model)
    order = films.finished(body, settled, model, sources, "Vidu")
    return replace(order, media=tuple((video, VIDEOS) for video in videos))


def picture_order(body: dict[str, Any]) -> Order:
    """Read the order of a picture from none to seven others; raises Refusal."""
    name = family.text(body, "model", 100, required=True)
    if name not in PICTURE_MODELS:
        raise family.bad("model", f"{name} is not available here", "ModelUnavailable")
    sources = _pictures(body, PICTURE_MODELS[name])
    settled: dict[str, Any] = {
        "type": "reference2image",
        "model": name,
        "prompt": family.text(body, "prompt", family.MOST_PROMPT, required=True),
        "images": list(sources),
        "seed": films.seed(body),
        "aspect_ratio": family.choice(body, "aspect_ratio", "16:9", PICTURE_RATIOS),
        "resolution": family.choice(body, "resolution", "1080p", PICTURE_CREDITS),
    }
    ratio = None if settled["aspect_ratio"] == "auto" else family.ratio_of(settled["aspect_ratio"])
    label = f"Vidu stand-in \N{MIDDLE DOT} {name}"
    return Order(
        # The short side stays that of 1080p for the large ones: nobody counts the pixels of a stand-in's picture.
        film=Film(0, 1080, ratio, text=settled["prompt"], label=label),
        credits=PICTURE_CREDITS[settled["resolution"]],
        pictures=sources,
        makes="image",
        callback_url=family.callback_address(body),
        payload=family.text(body, "payload", family.MOST_PAYLOAD),
        settled=settled,
    )


def template_order(body: dict[str, Any]) -> Order:
    """Read the order of a film by a template; which pictures and words it wants hangs on the template."""
    template = family.text(body, "template", 256, required=True)
    sources = _pictures(body, 1)
    settled: dict[str, Any] = {
        "type": "template",
        "template": template,
        "prompt": family.text(body, "prompt", family.MOST_PROMPT),
        "images": list(sources),
        "seed": films.seed(body),
        "aspect_ratio": family.choice(body, "aspect_ratio", "16:9", family.ALL_RATIOS),
        "area": family.text(body, "area", 100),
        "beast": family.text(body, "beast", 100),
        **films.extras(body),
    }
    label = f"Vidu stand-in \N{MIDDLE DOT} {template} \N{MIDDLE DOT} {TEMPLATE_SECONDS} s"
    return Order(
        film=Film(TEMPLATE_SECONDS, 540, family.ratio_of(settled["aspect_ratio"]), settled["bgm"], label=label),
        credits=TEMPLATE_CREDITS + (films.REWRITING if settled["is_rec"] else 0),
        pictures=sources,
        aside=films.marks(settled),
        callback_url=family.callback_address(body),
        payload=family.text(body, "payload", family.MOST_PAYLOAD),
        settled=settled,
    )


def check_pictures(order: Order, pictures: tuple[Picture, ...]) -> None:
    """Refuse references below 128 pixels a side, and two frames of unlike size; raises Refusal."""
    kind = order.settled["type"]
    if kind == "start-end2video":
        family.check_pair(order, pictures)
    if kind in REFERENCES and any(min(each.width, each.height) < LEAST_SIDE for each in pictures):
        raise family.bad("images", f"must have sides of at least {LEAST_SIDE}px", "PageSizeOutOfRange")


def _pictures(body: dict[str, Any], least: int) -> tuple[str, ...]:
    """Read from `least` to seven pictures; raises Refusal."""
    value: object = body.get("images")
    if value is None and least == 0:
        return ()
    count = len(value) if isinstance(value, list) else least  # pyright: ignore[reportUnknownArgumentType] - counted only
    return family.image_sources(body, min(max(count, least), MOST_IMAGES))


def _subjects(body: dict[str, Any], model: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the pictures and the films of all subjects; raises Refusal."""
    value = body["subjects"]
    found = cast("list[object]", value) if isinstance(value, list) else []
    if not found or not all(isinstance(each, dict) for each in found):
        raise family.bad("subjects", "must be an array of objects")
    pictures: list[str] = []
    videos: list[str] = []
    for subject in cast("list[dict[str, Any]]", found):
        if not family.text(subject, "name", 256) and not family.text(subject, "id", 256):
            raise family.bad("subjects", "must each have a name", "FieldLacking")
        family.text(subject, "voice_id", 256)
        shown = _texts(subject, "images", MOST_OF_ONE)
        moving = _texts(subject, "videos", MOST_VIDEOS)
        if not shown and not moving:
            raise family.bad("subjects", "must each have images", "FieldLacking")
        pictures += shown
        videos += moving
    if videos and model != "viduq2-pro":
        raise family.bad("videos", "are not available for this model")
    if len(pictures) > MOST_IMAGES or len(videos) > MOST_VIDEOS:
        raise family.bad("subjects", f"must have at most {MOST_IMAGES} images in all", "FieldItemCountOutOfRange")
    return tuple(pictures), tuple(videos)


def _texts(subject: dict[str, Any], field: str, most: int) -> list[str]:
    value = subject.get(field)
    found = cast("list[object]", value) if isinstance(value, list) else [] if value is None else [None]
    texts = [each for each in found if isinstance(each, str) and each]
    if len(texts) != len(found):
        raise family.bad(field, "must be an array of strings")
    if len(texts) > most:
        raise family.bad(field, f"must have at most {most} items", "FieldItemCountOutOfRange")
    return texts
