"""What differs from vendor to vendor, as one value: paths, words, checks, shapes. The skeleton is in desk and life.

A vendor that speaks differently in parts of its API has several dialects; the path of a request tells which is meant.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from aiohttp import web

from sandbox.vendors.book import Materials, Order, Picture, Refusal, Task, VendorKeys
from sandbox.vendors.media import MediaProblem
from sandbox.vendors.pictures import PictureProblem, PictureRules

if TYPE_CHECKING:
    from sandbox.vendors.vendor import Vendor

    Show = Callable[[Vendor, Task], dict[str, Any]]
    Routes = Callable[[Vendor], list[web.RouteDef]]
    Make = Callable[[Vendor, Task], Awaitable[None]]


def as_ordered(order: Order, _materials: Materials) -> Order:
    """Leave the order as it is: nothing in it hangs on the length of a sound or a film."""
    return order


def invalid_field(problem: MediaProblem) -> Refusal:
    """Name a problem with a sound or a film as Vidu would."""
    return Refusal(400, "FieldInvalid", problem.message)


@dataclass(frozen=True, slots=True)
class Dialect:
    """One vendor's API, or a part of it, as its documents tell it."""

    name: str  # of the vendor
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
    sign: Callable[[VendorKeys, Task, bytes, float], dict[str, str]]  # (keys, task, body, now) -> headers
    routes: "Routes"  # queries, lists, cancelling and the rest
    base: str = ""  # how the paths of this part begin; needed where a vendor has several dialects
    when_full: Literal["queue", "refuse"] = "queue"  # what happens to a task above Behaviour.parallel
    uuids: bool = False  # whether tasks are named by UUIDs instead of eighteen digits
    media_refusal: Callable[[MediaProblem], Refusal] = invalid_field
    measured: Callable[[Order, Materials], Order] = as_ordered  # finish the order (length, price); raises Refusal
    make: "Make | None" = None  # make the results, raising RenderFailed; None: the order's film or pictures
