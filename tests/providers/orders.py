"""Orders for tests: small, valid, and changed where a test says so."""

from dataclasses import replace
from typing import Any

from providers.contract import Account, Submission, Task
from providers.orders import Operation, Order, Picture, Role

KEY = "vda_5up3r-s3cr3t-key"
ACCOUNT = Account(api_keys=(KEY,))
SECRET_KEY = "kling-s3cr3t-of-at-least-32-bytes!"
CALLBACK = "https://bot.example/callbacks/vendor/t0k3n"
HTTPS = "https://pictures.example/one.png"


def picture(role: Role = Role.FIRST_FRAME, **changes: Any) -> Picture:
    return replace(Picture(role, "image/png", 1280, 720, b"\x89PNG one", HTTPS), **changes)


def order(operation: Operation = Operation.TEXT_TO_VIDEO, **changes: Any) -> Order:
    pictures = {
        Operation.TEXT_TO_VIDEO: (),
        Operation.IMAGE_TO_VIDEO: (picture(),),
        Operation.START_END_TO_VIDEO: (picture(), picture(Role.LAST_FRAME, data=b"\x89PNG two", url=HTTPS + "?2")),
    }.get(operation, (picture(Role.REFERENCE),))
    extras = {"template_id": "storm-at-sea"} if operation is Operation.TEMPLATE_TO_VIDEO else {}
    return replace(Order(operation, prompt="a lighthouse in fog", pictures=pictures, extras=extras), **changes)


def submission(order: Order) -> Submission:
    return Submission(order, "job-1", CALLBACK)


def task(task_id: str = "801234567890123456", operation: Operation = Operation.TEXT_TO_VIDEO) -> Task:
    return Task(task_id, operation, "job-1")
