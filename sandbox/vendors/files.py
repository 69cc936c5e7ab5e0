"""Result files: served under unguessable names until their time is over, as slowly or as badly as asked."""

import asyncio
from pathlib import Path

from aiohttp import web

from sandbox.vendors.desk import HTML, cut
from sandbox.vendors.vendor import Vendor

PIECE = 64 * 1024
TYPES = {".mp4": "video/mp4", ".jpg": "image/jpeg", ".png": "image/png"}


async def serve_file(vendor: Vendor, request: web.Request) -> web.StreamResponse:
    """Answer a result file, with ranges; 404 for a name that never was, 403 after the end of its life."""
    faults = vendor.behaviour.file_faults
    fault = faults.pop(0) if faults else "none"
    path, end = vendor.files.get(request.match_info["token"], (Path(), 0.0))
    status = 404 if fault == "404" or not path.name else 403 if vendor.clock() >= end else 200
    vendor.tell("file served", path=request.path, status=status, fault=fault)
    if status != 200:
        text = "<Error><Code>AccessDenied</Code></Error>" if status == 403 else "<Error><Code>NoSuchKey</Code></Error>"
        return web.Response(status=status, text=text, content_type="application/xml")
    if fault == "html":
        return web.Response(text=HTML, content_type="text/html")
    if fault == "truncated" or vendor.behaviour.slow_file:
        return await _in_pieces(vendor, request, path, truncated=fault == "truncated")
    return web.FileResponse(path)


async def _in_pieces(vendor: Vendor, request: web.Request, path: Path, *, truncated: bool) -> web.StreamResponse:
    data = await asyncio.to_thread(path.read_bytes)
    answer = web.StreamResponse()
    answer.content_type = TYPES[path.suffix]
    answer.content_length = len(data)
    await answer.prepare(request)
    for start in range(0, len(data) // 2 if truncated else len(data), PIECE):
        await answer.write(data[start : min(start + PIECE, len(data) // 2 if truncated else len(data))])
        await asyncio.sleep(vendor.behaviour.slow_file)
    if truncated:
        cut(request)
    return answer
