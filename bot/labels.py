"""What people call the parts of a request: fields, files, operations and further choices. Pure.

A name that is not here is shown as the vendors spell it, so that a new choice is never nameless.
"""

from bot.language import N_, _
from bot.plain import plain
from providers.orders import Operation, Role
from storage.words import State

_FIELDS: dict[str, str] = {
    "prompt": N_("the prompt"),
    "model": N_("the model"),
    "duration": N_("the duration"),
    "resolution": N_("the resolution"),
    "aspect_ratio": N_("the aspect ratio"),
    "seed": N_("the seed"),
    "audio": N_("sound"),
    "operation": N_("the kind of video"),
    "provider": N_("the provider"),
    "strokes": N_("the strokes"),
    "shots": N_("the shots"),
    "parent": N_("the music video"),
    Role.FIRST_FRAME: N_("the image"),
    Role.LAST_FRAME: N_("the last frame"),
    Role.REFERENCE: N_("a reference picture"),
    Role.STATIC_MASK: N_("the static mask"),
    Role.DYNAMIC_MASK: N_("a dynamic mask"),
    Role.FACE: N_("the face"),
    Role.MOTION: N_("the video to move like"),
    Role.SUBTITLES: N_("the subtitle file"),
    "style": N_("the style"),
    "movement_amplitude": N_("the amount of movement"),
    "bgm": N_("background music"),
    "audio_type": N_("the kind of sound"),
    "voice_id": N_("the voice"),
    "voice_list": N_("the list of voices"),
    "is_rec": N_("a recommended prompt"),
    "off_peak": N_("the off-peak price"),
    "watermark": N_("the watermark"),
    "wm_position": N_("the watermark's place"),
    "meta_data": N_("the metadata"),
    "template_id": N_("the template"),
    "negative_prompt": N_("the negative prompt"),
    "cfg_scale": N_("the closeness to the prompt"),
    "camera_type": N_("the camera's movement"),
    "camera_axis": N_("the camera's axis"),
    "camera_amount": N_("the amount of camera movement"),
    "character_orientation": N_("the character's orientation"),
    "keep_original_sound": N_("the video's own sound"),
    "text": N_("the text to say"),
    "add_subtitle": N_("subtitles"),
    "language": N_("the language"),
    "lip_sync": N_("lip movement"),
}
_TWICE: dict[str, str] = {Role.AUDIO: N_("the audio file"), Role.WATERMARK: N_("the watermark's picture")}
# Roles of which several may be given, spoken of together.
_SEVERAL: dict[str, str] = {
    Role.REFERENCE: N_("reference pictures"),
    Role.DYNAMIC_MASK: N_("dynamic masks"),
    "voice_list": N_("voices"),
    "strokes": N_("strokes"),
    "shots": N_("shots"),
}
_OPERATIONS: dict[str, str] = {
    Operation.TEXT_TO_VIDEO: N_("a video from words alone"),
    Operation.IMAGE_TO_VIDEO: N_("a video from an image"),
    Operation.START_END_TO_VIDEO: N_("a video with a last frame"),
    Operation.REFERENCE_TO_VIDEO: N_("a video from reference pictures"),
    Operation.TEMPLATE_TO_VIDEO: N_("a video from a template"),
    Operation.REFERENCE_TO_IMAGE: N_("a picture from reference pictures"),
    Operation.MOTION_CONTROL: N_("a picture that moves like a video"),
    Operation.AVATAR: N_("a talking face"),
    Operation.MUSIC_VIDEO: N_("a music video"),
    Operation.EDIT_SHOT: N_("a shot of a music video anew"),
    Operation.COMPOSE_SHOTS: N_("a music video from its shots"),
}
_STATES: dict[str, str] = {
    State.CONFIRMING: N_("waiting for the member's yes"),
    State.APPROVING: N_("waiting for a moderator"),
    State.QUEUED: N_("queued"),
    State.SUBMITTING: N_("being sent"),
    State.UNKNOWN: N_("not sure it arrived"),
    State.SUBMITTED: N_("waiting at the provider"),
    State.PROCESSING: N_("rendering"),
    State.CANCELLING: N_("cancelling"),
    State.SUCCEEDED: N_("done"),
    State.FAILED: N_("failed"),
    State.CANCELLED: N_("cancelled"),
    State.EXPIRED: N_("no answer in time"),
}
_THAT = N_("that")


def is_file(name: str) -> bool:
    """Tell a file's role from other fields: two roles are spelled like an option and like a further choice."""
    return isinstance(name, Role) or (name not in _TWICE and name in set(Role))


def label(name: str) -> str:
    """Name a field, a file's role or a further choice in the middle of a sentence."""
    if is_file(name) and name in _TWICE:
        return _(_TWICE[name])
    return _(_FIELDS[name]) if name in _FIELDS else f"`{plain(name, 30).replace('`', '')}`"


def several(name: str) -> str:
    """Name more than one of a thing."""
    return _(_SEVERAL[name]) if name in _SEVERAL else label(name)


def made(operation: str) -> str:
    """Name what an operation makes."""
    return _(_OPERATIONS.get(operation, _THAT))


def state_of(state: State) -> str:
    """Name a job's state in the middle of a line."""
    return _(_STATES[state])


def capital(text: str) -> str:
    """Begin a sentence with this text."""
    return text[:1].upper() + text[1:]
