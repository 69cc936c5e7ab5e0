"""The CDN: files under signed addresses that expire."""

import hmac

from aiohttp import web

from sandbox.discord.values import Attachment
from sandbox.discord.world import World

GONE = "This content is no longer available."


def find(world: World, request: web.Request) -> Attachment | None:
    """Find the file of a request whose signature and times are right."""
    query = request.query
    ends, begins = query.get("ex", ""), query.get("is", "")
    path = request.path
    if not hmac.compare_digest(query.get("hm", ""), world.sign(path, ends, begins)):
        return None
    if not int(begins, 16) <= world.clock() <= int(ends, 16):
        return None
    file = world.files.get(int(request.match_info["file"]))
    return None if file is None or file.id in world.withdrawn else file


async def serve(world: World, request: web.Request) -> web.Response:
    """Serve a file, or 404 for a wrong or outdated address."""
    file = find(world, request)
    if file is None:
        return web.Response(status=404, text=GONE)
    world.tell("file served", {"path": request.path, "filename": file.filename, "size": file.size})
    return web.Response(body=file.data, headers={"Content-Type": file.content_type})
