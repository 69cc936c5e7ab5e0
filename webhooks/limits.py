"""How much the receiver takes from a stranger: seconds, bytes, connections."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one server. All times are in seconds."""

    header_seconds: float = 10.0  # from the first byte of a request (or the connect) to the end of its head
    body_seconds: float = 5.0  # for a callback's whole body
    store_seconds: float = 8.0  # for the commit: vendors wait 10 s and more, the database tries for 5 s
    reply_seconds: float = 10.0  # for a reply to be taken; files have more, by their size
    idle_seconds: float = 75.0  # between requests: longer than reverse proxies keep a connection they may use again
    slowest_media: int = 32 * 1024  # bytes per second below which a download is given up
    max_body: int = 64 * 1024  # bytes of a callback; the vendors' are a few thousand
    connections: int = 2048
    connections_per_address: int = 1024  # high: behind a reverse proxy everybody has one address
