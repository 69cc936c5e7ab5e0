"""How a task of Vidu's looks in queries and callbacks, of Vidu itself and of those who resell it.

Facts: Vidu, get-generation and callback-signature, read 2026-11. A submit calls the id task_id, a query calls it id.
"""

import uuid
from typing import Any

from sandbox.vendors.book import Task, VendorKeys
from sandbox.vendors.signing import vidu_headers
from sandbox.vendors.vendor import Vendor


def answered(task: Task) -> dict[str, Any]:
    """Return the order's parameters with the defaults filled in, as a submit answers them."""
    return {name: value for name, value in task.order.settled.items() if name != "type"}


def creations(vendor: Vendor, task: Task) -> list[dict[str, Any]]:
    """List the results of a task that succeeded; the stand-in draws no watermark, its address is the same film's."""
    if task.state != "success" or task.empty:
        return []
    whiches = [str(number) for number in range(len(task.images))] or ["video"]
    marked = task.order.settled.get("watermark", False)
    return [
        {
            "id": task.creation_id,
            "url": (link := vendor.link(task, which)),
            "cover_url": vendor.link(task, "cover") or link,
            "watermarked_url": link if marked else "",
        }
        for which in whiches
    ]


def shown(vendor: Vendor, task: Task) -> dict[str, Any]:
    """Show a task to a query and to a callback alike."""
    return {
        "id": task.id,
        "state": task.state,
        "err_code": task.error,
        "credits": task.credits,
        "payload": task.payload,
        "bgm": task.order.settled.get("bgm", False),
        "off_peak": task.order.settled.get("off_peak", False),
        "creations": creations(vendor, task),
    }


def sign(keys: VendorKeys, task: Task, _body: bytes, now: float) -> dict[str, str]:
    """Sign a callback with the key that made the task."""
    return vidu_headers(keys.api_key, task.callback_url, now, str(uuid.uuid4()))


def passed_on(vendor: Vendor, task: Task) -> dict[str, Any]:
    """Show a task to the callback of a reseller, which may have passed on the id at Vidu unchanged."""
    body = {"task_id": task.id, **shown(vendor, task)}
    if vendor.behaviour.forwarded_id:
        body["id"] = body["task_id"] = task.creation_id[::-1]
    return body


def sign_passed_on(keys: VendorKeys, task: Task, _body: bytes, now: float) -> dict[str, str]:
    """Sign as Vidu does for the reseller, with a key that its customer does not have."""
    if not keys.reseller_key:
        return {}
    return vidu_headers(keys.reseller_key, task.callback_url, now, str(uuid.uuid4()))
