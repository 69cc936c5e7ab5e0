"""What is answered: one text for every refusal, and the same careful headers on everything."""

import time
from email.utils import formatdate
from functools import lru_cache

from aiohttp import HttpVersion11, web
from aiohttp.abc import AbstractStreamWriter
from multidict import CIMultiDict

_ALWAYS = {
    "Server": "rushes",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Referrer-Policy": "no-referrer",
}
_RETRY_SECONDS = 5


def headers(**more: str) -> dict[str, str]:
    """Collect the headers of a reply; underscores in names stand for hyphens."""
    return {**_ALWAYS, **{name.replace("_", "-"): value for name, value in more.items()}}


_PLAIN = CIMultiDict(headers(Content_Type="text/plain; charset=utf-8", Cache_Control="no-store"))  # made once


def plain(text: str, status: int = 200, **more: str) -> web.Response:
    """Answer with a line of text that nobody keeps."""
    found = _PLAIN.copy()
    if more:
        found.update(headers(**more))
    return web.Response(body=text.encode() + b"\n", status=status, headers=found)


def ok(request: web.BaseRequest) -> web.StreamResponse:
    """Answer that it went well."""
    usual = request.version == HttpVersion11 and request.keep_alive
    return _Ok() if usual else plain("ok")


class _Ok(web.StreamResponse):
    """The reply to a stored callback, of one piece: header by header it takes a tenth of the time of a callback."""

    _closing = False

    @property
    def keep_alive(self) -> bool:
        """Whether the connection stays open."""
        return not self._closing

    def force_close(self) -> None:
        """Close the connection after this."""
        self._closing = True

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Write all of it."""
        await request.writer.write(_whole(int(time.time()), closing=self._closing))
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Do nothing more."""


@lru_cache(maxsize=4)
def _whole(second: int, *, closing: bool) -> bytes:
    body = b"ok\n"
    fields = [*_PLAIN.items(), ("Content-Length", str(len(body))), ("Date", formatdate(second, usegmt=True))]
    if closing:
        fields.append(("Connection", "close"))
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"HTTP/1.1 200 OK\r\n{head}\r\n".encode("ascii") + body


def refuse(status: int, *, allow: str = "") -> web.Response:
    """Refuse. The text is the same whatever the reason: a forger learns nothing from it."""
    more = {"Allow": allow} if allow else {}
    if status == 503:
        more["Retry_After"] = str(_RETRY_SECONDS)
    return plain("refused", status, **more)
