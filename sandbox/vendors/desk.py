"""The counter where requests arrive: record, faults on request, authentication, the answer in the vendor's shape."""

import json
import socket
import struct
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, cast

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from sandbox.vendors.book import Call, Materials, Order, Refusal, Task, VendorKeys
from sandbox.vendors.dialect import Dialect
from sandbox.vendors.life import fail, live
from sandbox.vendors.media import MediaProblem, look_into
from sandbox.vendors.pictures import PictureProblem, look_at
from sandbox.vendors.vendor import Vendor

Read = Callable[[dict[str, Any]], Order]  # body -> order; raises Refusal
_CALLER: ContextVar[VendorKeys | None] = ContextVar("caller", default=None)  # None: the vendor's first customer
CUT = web.RequestKey("cut", bool)
HTML = "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center></body></html>"


def recorder(vendor: Vendor) -> Middleware:
    """Return the middleware that writes each request in the book and turns refusals into the vendor's answers."""

    @web.middleware
    async def record(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/_control/"):
            return await handler(request)
        headers = {name: value for name, value in request.headers.items() if name.lower() != "authorization"}
        call = Call(request.method, request.raw_path, headers, await request.read(), vendor.clock())
        vendor.calls.append(call)
        try:
            answer = await handler(request)
        except Refusal as refusal:
            answer = refuse(vendor, request, refusal)
        except web.HTTPNotFound:
            answer = refuse(vendor, request, spoken(vendor, request).faults("no_such_path"))
        except web.HTTPMethodNotAllowed:
            answer = refuse(vendor, request, spoken(vendor, request).faults("no_such_method"))
        call.status = 0 if CUT in request else answer.status
        return answer

    return record


def spoken(vendor: Vendor, request: web.Request) -> Dialect:
    """Return the dialect of a request's path."""
    return vendor.dialect_at(request.path)


def refuse(vendor: Vendor, request: web.Request, refusal: Refusal) -> web.Response:
    """Answer a refusal in the vendor's shape."""
    return web.json_response(spoken(vendor, request).refused(refusal), status=refusal.status, headers=refusal.headers)


async def submit(vendor: Vendor, operation: str, request: web.Request, order: Read | None = None) -> web.StreamResponse:
    """Take an order: book a task, start its life, answer; the fault that is next in line decides what goes wrong.

    `order` reads the body where the dialect's own reading is not enough, because the path names an earlier task.
    """
    faults = vendor.behaviour.submit_faults
    fault = faults.pop(0) if faults else "none"
    vendor.tell("submit received", operation=operation, body=await request.read(), fault=fault)
    early = await _early_fault(vendor, fault, request)
    if early:
        return early
    authorize(vendor, request)
    try:
        task = await _booked(vendor, operation, request, order, fault)
    except Refusal as refusal:
        vendor.tell("submit refused", operation=operation, status=refusal.status, reason=refusal.reason)
        raise
    if vendor.behaviour.callbacks == "before_answer":
        await task.finished.wait()
    if fault == "cut_after_accept":
        return cut(request)
    answer = json.dumps(task.dialect.accepted(vendor, task), ensure_ascii=False)
    if fault == "garbage_answer":
        answer = answer[: len(answer) // 2]
    return web.Response(text=answer, content_type="application/json")


async def _early_fault(vendor: Vendor, fault: str, request: web.Request) -> web.StreamResponse | None:
    """Return what goes wrong before anything is looked at, or None."""
    if fault in {"cut", "cut_before_accept"}:
        return cut(request)
    if fault == "html":
        return web.Response(status=502, text=HTML, content_type="text/html")
    if fault == "hang":
        await vendor.closing.wait()
        return cut(request)
    if fault in {"throttle", "error500"}:
        refusal = spoken(vendor, request).faults(fault)
        if fault == "throttle":
            refusal.headers["Retry-After"] = str(vendor.behaviour.retry_after)
        raise refusal
    return None


async def _booked(vendor: Vendor, operation: str, request: web.Request, read: Read | None, fault: str) -> Task:
    dialect = spoken(vendor, request)
    body = await json_body(vendor, request)
    order = read(body) if read else dialect.order(operation, body)
    materials = await _looked_at(vendor, dialect, order)
    order = dialect.measured(order, materials)
    # No await from here to the booking: two equal ids at once must not both pass.
    if order.external_id and any(each.external_id == order.external_id for each in booked(vendor).values()):
        raise dialect.faults("external_id")
    if fault == "out_of_credit" or order.credits > vendor.behaviour.credits_left:
        raise dialect.faults("out_of_credit")
    if dialect.when_full == "refuse" and not _pack_has_room(vendor, dialect):
        raise dialect.faults("busy")
    now, first = vendor.clock(), dialect.waiting[0]
    task_id = str(uuid.uuid4()) if dialect.uuids else vendor.new_id()
    task = Task(task_id, dialect, operation, body, order, first, [first], now, now, order.credits, materials)
    task.creation_id, task.keys = vendor.new_id(), _CALLER.get()
    vendor.behaviour.credits_left -= order.credits
    vendor.tasks[task.id] = task
    vendor.tell("task accepted", task)
    vendor.start(live(vendor, task))
    return task


async def _looked_at(vendor: Vendor, dialect: Dialect, order: Order) -> Materials:
    """Fetch and measure all that an order brings; raises Refusal."""
    try:
        pictures = tuple([await look_at(vendor.session, source, dialect.rules) for source in order.pictures])
        dialect.check_pictures(order, pictures)
        media = tuple([await look_into(vendor.session, source, rules) for source, rules in order.media])
        aside = tuple([await look_at(vendor.session, source, rules) for source, rules in order.aside])
    except PictureProblem as problem:
        raise dialect.picture_refusal(problem) from problem
    except MediaProblem as problem:
        raise dialect.media_refusal(problem) from problem
    return Materials(pictures, media, aside)


def _pack_has_room(vendor: Vendor, dialect: Dialect) -> bool:
    limit = vendor.behaviour.parallel
    mine = [task for task in vendor.tasks.values() if task.dialect is dialect]
    return limit is None or sum(task.state not in {dialect.done, dialect.failed} for task in mine) < limit


async def query(
    vendor: Vendor, request: web.Request, answer: Callable[[], tuple[dict[str, Any], Task | None]]
) -> web.StreamResponse:
    """Answer a query or a list with what `answer` returns: the body, and the task when it is about one."""
    faults = vendor.behaviour.query_faults
    fault = faults.pop(0) if faults else "none"
    early = await _early_fault(vendor, fault, request)
    if early:
        return early
    authorize(vendor, request)
    body, task = answer()
    vendor.tell("query answered", task, path=request.raw_path)
    return web.json_response(body)


async def cancel(vendor: Vendor, request: web.Request, too_late: Callable[[Task], Refusal]) -> web.StreamResponse:
    """Cancel a task that has not started; the vendors have no state of their own for it, it reads as failed."""
    authorize(vendor, request)
    task = find(vendor, request.match_info["id"])
    if vendor.behaviour.cancel == "too_late" or task.state not in task.dialect.waiting:
        raise too_late(task)
    task.cancelled = True
    fail(vendor, task, "UserCancelled")
    vendor.tell("cancelled", task)
    return web.json_response({})


def authorize(vendor: Vendor, request: web.Request) -> None:
    """Check the Authorization header the vendor's way; raises Refusal."""
    check, header = spoken(vendor, request).authorize, request.headers.get("Authorization", "")
    for keys in vendor.further:
        try:
            check(keys, header, vendor.clock())
        except Refusal:
            continue
        _CALLER.set(keys)
        return
    check(vendor.keys, header, vendor.clock())
    _CALLER.set(None)


def booked(vendor: Vendor) -> dict[str, Task]:
    """List the tasks of the account that calls."""
    return {number: task for number, task in vendor.tasks.items() if task.keys is _CALLER.get()}


def find(vendor: Vendor, task_id: str) -> Task:
    """Return the task of an id in the vendor's main part; raises Refusal."""
    task = booked(vendor).get(task_id)
    if task is None or task.dialect is not vendor.dialect:
        raise vendor.dialect.faults("no_such_task")
    return task


async def json_body(vendor: Vendor, request: web.Request) -> dict[str, Any]:
    """Read a JSON object; raises Refusal."""
    try:
        body = json.loads(await request.read())
    except ValueError as problem:
        raise spoken(vendor, request).faults("json") from problem
    if not isinstance(body, dict):
        raise spoken(vendor, request).faults("json")
    return cast("dict[str, Any]", body)


def cut(request: web.Request) -> web.Response:
    """Reset the connection instead of answering; the returned answer goes nowhere."""
    request[CUT] = True
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        if connection is not None:  # linger 0: the other side sees a reset, not a polite end
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()
