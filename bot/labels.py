"""What people call the parts of a request: fields, files, operations and further choices. Pure.

A name that is not here is shown as the vendors spell it, so that a new choice is never nameless.
"""

from bot.plain import plain
from providers.orders import Operation, Role

_FIELDS: dict[str, str] = {
    "prompt": "the prompt",
    "model": "the model",
    "duration": "the duration",
    "resolution": "the resolution",
    "aspect_ratio": "the aspect ratio",
    "seed": "the seed",
    "audio": "sound",
    "operation": "the kind of video",
    "provider": "the provider",
    "strokes": "the strokes",
    "shots": "the shots",
    "parent": "the music video",
    Role.FIRST_FRAME: "the image",
    Role.LAST_FRAME: "the last frame",
    Role.REFERENCE: "a reference picture",
    Role.STATIC_MASK: "the static mask",
    Role.DYNAMIC_MASK: "a dynamic mask",
    Role.FACE: "the face",
    Role.MOTION: "the video to move like",
    Role.SUBTITLES: "the subtitle file",
    "style": "the style",
    "movement_amplitude": "the amount of movement",
    "bgm": "background music",
    "audio_type": "the kind of sound",
    "voice_id": "the voice",
    "voice_list": "the list of voices",
    "is_rec": "a recommended prompt",
    "off_peak": "the off-peak price",
    "watermark": "the watermark",
    "wm_position": "the watermark's place",
    "meta_data": "the metadata",
    "template_id": "the template",
    "negative_prompt": "the negative prompt",
    "cfg_scale": "the closeness to the prompt",
    "camera_type": "the camera's movement",
    "camera_axis": "the camera's axis",
    "camera_amount": "the amount of camera movement",
    "character_orientation": "the character's orientation",
    "keep_original_sound": "the video's own sound",
    "text": "the text to say",
    "add_subtitle": "subtitles",
    "language": "the language",
    "lip_sync": "lip movement",
}
_TWICE: dict[str, str] = {Role.AUDIO: "the audio file", Role.WATERMARK: "the watermark's picture"}
# Roles of which several may be given, spoken of together.
_SEVERAL: dict[str, str] = {
    Role.REFERENCE: "reference pictures",
    Role.DYNAMIC_MASK: "dynamic masks",
    "voice_list": "voices",
    "strokes": "strokes",
    "shots": "shots",
}
_OPERATIONS: dict[str, str] = {
    Operation.TEXT_TO_VIDEO: "a video from words alone",
    Operation.IMAGE_TO_VIDEO: "a video from an image",
    Operation.START_END_TO_VIDEO: "a video with a last frame",
    Operation.REFERENCE_TO_VIDEO: "a video from reference pictures",
    Operation.TEMPLATE_TO_VIDEO: "a video from a template",
    Operation.REFERENCE_TO_IMAGE: "a picture from reference pictures",
    Operation.MOTION_CONTROL: "a picture that moves like a video",
    Operation.AVATAR: "a talking face",
    Operation.MUSIC_VIDEO: "a music video",
    Operation.EDIT_SHOT: "a shot of a music video anew",
    Operation.COMPOSE_SHOTS: "a music video from its shots",
}


def is_file(name: str) -> bool:
    """Tell a file's role from other fields: two roles are spelled like an option and like a further choice."""
    return isinstance(name, Role) or (name not in _TWICE and name in set(Role))


def label(name: str) -> str:
    """Name a field, a file's role or a further choice in the middle of a sentence."""
    if is_file(name) and name in _TWICE:
        return _TWICE[name]
    return _FIELDS.get(name) or f"`{plain(name, 30).replace('`', '')}`"


def several(name: str) -> str:
    """Name more than one of a thing."""
    return _SEVERAL.get(name, label(name))


def made(operation: str) -> str:
    """Name what an operation makes."""
    return _OPERATIONS.get(operation, "that")


def capital(text: str) -> str:
    """Begin a sentence with this text."""
    return text[:1].upper() + text[1:]
