"""What differs from vendor to vendor, as one value: paths, words, checks, shapes. The skeleton is in desk and life."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp import web

from sandbox.vendors.book import Order, Picture, Refusal, Task, VendorKeys
from sandbox.vendors.pictures import PictureProblem, PictureRules

if TYPE_CHECKING:
    from sandbox.vendors.vendor import Vendor

    Show = Callable[[Vendor, Task], dict[str, Any]]
    Routes = Callable[[Vendor], list[web.RouteDef]]


@dataclass(frozen=True, slots=True)
class Dialect:
    """One vendor's API, as its documents tell it."""

    name: str
    submits: dict[str, str]  # path -> operation
    waiting: tuple[str, ...]  # states before work starts; the first one is what a submit answers
    working: str
    done: str
    failed: str
    told: frozenset[str]  # states for which a callback is sent
    refusal_word: str  # how a failed task names a content refusal
    retries: int  # repeats of a final callback that was not answered with 2xx
    link_life: float  # seconds
    rules: PictureRules
    authorize: Callable[[VendorKeys, str, float], None]  # (keys, Authorization, now); raises Refusal
    order: Callable[[str, dict[str, Any]], Order]  # (operation, body); raises Refusal
    check_pictures: Callable[[Order, tuple[Picture, ...]], None]  # what only the pictures together show; raises Refusal
    picture_refusal: Callable[[PictureProblem], Refusal]
    faults: Callable[[str], Refusal]  # "throttle", "error500", "out_of_credit", "busy", "external_id", "json"
    refused: Callable[[Refusal], dict[str, Any]]  # the body of an error answer
    accepted: "Show"  # the body of a submit's answer
    callback: "Show"  # the body of a callback
    sign: Callable[[VendorKeys, str, bytes, float], dict[str, str]]  # (keys, url, body, now) -> headers
    routes: "Routes"  # queries, lists, cancelling and the rest
