"""Links to our own files: a result too large for Discord, and pictures for vendors that fetch them."""

import asyncio
import re
import stat
from pathlib import Path

from aiohttp import web

from jobs import files
from jobs.context import Context
from webhooks import replies
from webhooks.connections import Door, sender_of
from webhooks.limits import Limits

_ADDRESS = re.compile(r"/media/([a-z]{1,16})/([0-9]{1,12}\.[A-Za-z0-9_-]{22})/([A-Za-z0-9][A-Za-z0-9.-]{0,199})")
# The file is only ever looked at. Its own address may be loaded by the page a browser builds around a video or picture.
_POLICY = "sandbox; default-src 'none'; media-src 'self'; img-src 'self'; style-src 'unsafe-inline'"


async def send(request: web.BaseRequest, ctx: Context, limits: Limits) -> web.StreamResponse:
    """Answer a request below /media/: the file while its link is good, else one and the same refusal."""
    if request.method not in {"GET", "HEAD"}:
        return replies.refuse(405, allow="GET, HEAD")
    address = _ADDRESS.fullmatch(request.raw_path)
    if address is None:
        return replies.refuse(404)
    kind, ticket, name = address.groups()
    link, mime = ctx.addresses.open_link(kind, ticket, name, ctx.now()), files.mime_of(name)
    if link is None or mime is None:
        return replies.refuse(404)
    try:
        path = files.locate(ctx.media_dir, link.kind, link.file)
        size = await asyncio.to_thread(_size, path)
    except (OSError, ValueError):
        return replies.refuse(404)
    if not _conditions_read(request):
        return replies.refuse(400)
    door = request.protocol
    if isinstance(door, Door):
        if not door.take_file(kind, sender_of(request)):
            return replies.refuse(503)
        door.end_within(min(limits.media_seconds, limits.reply_seconds + size / limits.slowest_media))
    left = max(0, (link.expires_at - ctx.now()) // 1000)
    return web.FileResponse(
        path,
        headers=replies.headers(
            Content_Type=mime,
            Content_Disposition=f'inline; filename="{link.file}"',
            Content_Security_Policy=_POLICY,
            Cross_Origin_Resource_Policy="cross-origin",
            Cache_Control=f"private, max-age={left}",
        ),
    )


def _size(path: Path) -> int:
    """Measure a file. Raise OSError when it is none: no folder, no link to elsewhere."""
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode):
        raise FileNotFoundError
    return found.st_size


def _conditions_read(request: web.BaseRequest) -> bool:
    """Read the headers about dates and tags: some dates raise, and aiohttp would read them in mid-reply."""
    try:
        for moment in (request.if_modified_since, request.if_unmodified_since, request.if_range):
            if moment is not None:
                moment.timestamp()
        return bool((request.if_match, request.if_none_match))
    except Exception:  # noqa: BLE001 -- whatever a stranger's date does to the calendar
        return False
