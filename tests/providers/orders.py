"""Orders for tests: small, valid, and changed where a test says so."""

from dataclasses import replace
from typing import Any

from providers.contract import Account, Submission, Task
from providers.orders import Clip, Operation, Order, Picture, Role

KEY = "vda_5up3r-s3cr3t-key"
ACCOUNT = Account(api_keys=(KEY,))
SECRET_KEY = "kling-s3cr3t-of-at-least-32-bytes!"
CALLBACK = "https://bot.example/callbacks/vendor/t0k3n"
HTTPS = "https://pictures.example/one.png"


def picture(role: Role = Role.FIRST_FRAME, **changes: Any) -> Picture:
    """Change a picture; it has the size of its bytes unless another one is said."""
    data = changes.get("data", b"\x89PNG one")
    return replace(Picture(role, "image/png", len(data), 1280, 720, data, HTTPS), **changes)


_FILES: dict[Operation, dict[str, Any]] = {
    Operation.TEXT_TO_VIDEO: {"pictures": ()},
    Operation.IMAGE_TO_VIDEO: {"pictures": (picture(),)},
    Operation.START_END_TO_VIDEO: {
        "pictures": (picture(), picture(Role.LAST_FRAME, data=b"\x89PNG two", url=HTTPS + "?2"))
    },
    Operation.TEMPLATE_TO_VIDEO: {"extras": {"template_id": "storm-at-sea"}},
    Operation.MOTION_CONTROL: {
        "pictures": (picture(),),
        "clips": (Clip(Role.MOTION, "video/mp4", 5_000_000, 8.0, 1280, 720, url="https://clips.example/dance.mp4"),),
        "extras": {"character_orientation": "video"},
    },
    Operation.AVATAR: {"pictures": (picture(Role.FACE),), "extras": {"text": "good morning"}},
    Operation.MUSIC_VIDEO: {
        "clips": (Clip(Role.AUDIO, "audio/mpeg", 90_000, 12.0, url="https://clips.example/song.mp3"),)
    },
    Operation.EDIT_SHOT: {"pictures": (), "parent": "1", "shots": ("2",)},
    Operation.COMPOSE_SHOTS: {"pictures": (), "parent": "1", "shots": ("2", "3")},
}


def order(operation: Operation = Operation.TEXT_TO_VIDEO, **changes: Any) -> Order:
    files = {"pictures": (picture(Role.REFERENCE),), **_FILES.get(operation, {})}
    return replace(Order(operation, prompt="a lighthouse in fog"), **{**files, **changes})


def submission(order: Order) -> Submission:
    return Submission(order, "job-1", CALLBACK)


def task(task_id: str = "801234567890123456", operation: Operation = Operation.TEXT_TO_VIDEO) -> Task:
    return Task(task_id, operation, "job-1")
