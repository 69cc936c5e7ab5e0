"""What is wrong with an order for Kling, found before anything is spent: masks, strokes, camera, voices and modes.

Documents: kling.ai/document-api, pages "Image to Video" and "Text to Video"; read 2026-11.
"""

from dataclasses import replace
from fractions import Fraction

from . import checks, kling_models
from .kling_models import CAMERA_NAMES, MASKS
from .orders import Operation, Order, Picture, Problem, Role, Rule

MOST_PROMPT = 2500  # characters; both pages
MOST_DYNAMIC_MASKS = 6
POINTS = (2, 77)  # of a stroke

# Image to Video: jpg and png up to 10 MB, sides of 300 pixels and more, 1:2.5 to 2.5:1. The ratio is stated for the
# first frame alone, but a last frame of another shape could not be reached from it, and masks share its shape.
PICTURES = checks.PictureRules(
    formats=("image/png", "image/jpeg"),
    most_bytes=10_000_000,
    most_inline_bytes=20_000_000,
    shortest_side=300,
    widest=Fraction(5, 2),
)
_MASKED = {Role.STATIC_MASK: (0, 1), Role.DYNAMIC_MASK: (0, MOST_DYNAMIC_MASKS)}


def problems(order: Order) -> list[Problem]:
    """Check a filled order. The prompt is needed for text alone; no seed is documented."""
    if order.operation not in kling_models.MODELS:
        return [Problem("operation", Rule.NOT_OFFERED, given=order.operation)]
    return [
        *checks.prompt_problems(order, required=order.operation is Operation.TEXT_TO_VIDEO, most=MOST_PROMPT),
        *checks.misplaced_model(order, kling_models.MODELS),
        *checks.model_problems(order, kling_models.narrowed(order)),
        *checks.seed_problems(order, None),
        *checks.picture_problems(order, PICTURES, _places(order)),
        *checks.clip_problems(order, {}),
        *_extra_problems(order),
        *_feature_problems(order),
        *_stroke_problems(order),
        *_mask_problems(order),
        *_camera_problems(order),
        *_sound_problems(order),
    ]


def _known(order: Order) -> bool:
    return checks.model_of(kling_models.MODELS[order.operation], order.model) is not None


def _places(order: Order) -> checks.Places:
    places = dict(checks.FRAMES[order.operation])
    if order.operation is not Operation.TEXT_TO_VIDEO:  # with two frames they are refused as what excludes them
        places |= _MASKED
    if kling_models.tail_alone(order) and (not _known(order) or order.model in kling_models.TAIL_ALONE):
        del places[Role.FIRST_FRAME]
    return places


def _extra_problems(order: Order) -> list[Problem]:
    """Check the further choices; a model the table does not know may take them all."""
    extras = kling_models.EXTRAS[order.operation]
    if not _known(order):
        extras = tuple(replace(extra, models=()) for extra in extras)
    return checks.extra_problems(order, extras)


def _feature_problems(order: Order) -> list[Problem]:
    """Two frames, the motion brush and the camera exclude each other; a mask needs a model with the brush."""
    roles = [picture.role for picture in order.pictures]
    masks = [role for role in MASKS if role in roles]
    if masks and Role.LAST_FRAME in roles:
        return [Problem(role, Rule.NOT_TOGETHER, given=Role.LAST_FRAME) for role in masks]
    if masks and any(name in order.extras for name in CAMERA_NAMES):
        return [Problem(role, Rule.NOT_TOGETHER, given="camera_type") for role in masks]
    if not masks or order.operation is not Operation.IMAGE_TO_VIDEO or not _known(order):
        return []
    able = kling_models.BRUSH
    return [
        Problem(role, Rule.NOT_OFFERED, given=order.model or "", allowed=tuple(able))
        for role in masks
        if order.model not in able
    ]


def _stroke_problems(order: Order) -> list[Problem]:
    """Each dynamic mask has a stroke of 2 to 77 points, counted from the bottom left corner of the image."""
    masks = sum(picture.role is Role.DYNAMIC_MASK for picture in order.pictures)
    if order.operation is Operation.TEXT_TO_VIDEO and order.strokes:
        return [Problem("strokes", Rule.NOT_OFFERED, given=order.operation)]
    if len(order.strokes) < masks:
        return [Problem("strokes", Rule.REQUIRED, given=str(len(order.strokes)), limit=masks)]
    if len(order.strokes) > masks:
        return [Problem("dynamic_mask", Rule.REQUIRED, given=str(masks), limit=len(order.strokes))]
    least, most = POINTS
    found = [
        Problem("strokes", Rule.ONE_OF, str(count), (f"{least}-{most}",), str(least if count < least else most))
        for count in map(len, order.strokes)
        if not least <= count <= most
    ]
    image = next((picture for picture in order.pictures if picture.role is Role.FIRST_FRAME), None)
    if image is None or min(image.width, image.height) < 1:
        return found
    right, top = image.width - 1, image.height - 1
    outside = [(x, y) for stroke in order.strokes for x, y in stroke if not (0 <= x <= right and 0 <= y <= top)]
    for x, y in outside[:1]:
        nearest = f"{min(max(x, 0), right)},{min(max(y, 0), top)}"
        found.append(Problem("strokes", Rule.ONE_OF, f"{x},{y}", ("0,0", f"{right},{top}"), nearest))
    return found


def _mask_problems(order: Order) -> list[Problem]:
    """Masks have the same size as each other and the shape of the image, give or take a pixel."""
    masks = [picture for picture in order.pictures if picture.role in MASKS]
    image = next((picture for picture in order.pictures if picture.role is Role.FIRST_FRAME), None)
    found: list[Problem] = []
    for mask in masks:
        if (mask.width, mask.height) != (masks[0].width, masks[0].height):
            size = f"{masks[0].width}x{masks[0].height}"
            found.append(Problem(mask.role, Rule.NOT_TOGETHER, given=masks[0].role, allowed=(size,)))
        elif image is not None and not _same_shape(mask, image):
            shapes = f"{mask.width}:{mask.height}", f"{image.width}:{image.height}"
            found.append(Problem(mask.role, Rule.FILE_RATIO, shapes[0], (shapes[1],)))
    return found


def _same_shape(mask: Picture, image: Picture) -> bool:
    return abs(mask.width * image.height - image.width * mask.height) <= max(image.width, image.height)


def _camera_problems(order: Order) -> list[Problem]:
    """A simple movement is one of six axes by an amount that is not zero; the other types are whole in themselves."""
    if order.operation not in kling_models.CAMERA:
        return []
    kind, axis, amount = (order.extras.get(name) for name in CAMERA_NAMES)
    given = [name for name, value in (("camera_axis", axis), ("camera_amount", amount)) if value is not None]
    if kind is None:
        return [Problem("camera_type", Rule.REQUIRED)] if given else []
    if kind != "simple":
        found = [Problem(name, Rule.NOT_TOGETHER, given=str(kind)) for name in given]
        if order.model in kling_models.ONLY_SIMPLE and kind in kling_models.CAMERA_TYPES:
            found.append(Problem("camera_type", Rule.ONE_OF, str(kind), ("simple",), "simple"))
        return found
    found = [Problem(name, Rule.REQUIRED) for name in ("camera_axis", "camera_amount") if name not in given]
    if amount == 0 and not isinstance(amount, bool):
        found.append(Problem("camera_amount", Rule.ONE_OF, str(amount), ("-10-10",), "1"))
    return found


def _sound_problems(order: Order) -> list[Problem]:
    """Sound is for pro; voices need sound."""
    known = checks.model_of(kling_models.MODELS[order.operation], order.model)
    found: list[Problem] = []
    if known is not None and known.audio and order.audio and order.resolution == "720p":
        found.append(Problem("audio", Rule.NOT_TOGETHER, given="720p"))
    if order.extras.get("voice_list") and not order.audio:
        found.append(Problem("voice_list", Rule.NOT_TOGETHER, given="audio: no"))
    return found
