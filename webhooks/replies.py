"""What is answered: one text for every refusal, and the same careful headers on everything."""

from aiohttp import web
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


def refuse(status: int, *, allow: str = "") -> web.Response:
    """Refuse. The text is the same whatever the reason: a forger learns nothing from it."""
    more = {"Allow": allow} if allow else {}
    if status == 503:
        more["Retry_After"] = str(_RETRY_SECONDS)
    return plain("refused", status, **more)
