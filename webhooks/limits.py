"""How much the receiver takes from a stranger: seconds, bytes, connections."""

import ipaddress
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
    max_head: int = 16 * 1024  # bytes of one: with 64 long headers it could be a megabyte of memory, on each connection
    max_body: int = 64 * 1024  # bytes of a callback; the vendors' are a few thousand
    media_seconds: float = 600.0  # for a file of any size; a player asks for the rest of it again
    connections: int = 2048
    files: int = 32  # sent at once, of each kind: nobody who watches films can keep pictures from a vendor
    files_per_address: int = 8  # a player opens up to six
    knows_proxies: bool = True  # a private address may be a reverse proxy's, and then everybody has it

    def connections_of(self, address: str, most: int) -> int:
        """Say how many of `most` connections an address may have."""
        return most if self._shared(address) else max(1, most // 4)

    def files_of(self, address: str) -> int:
        """Say how many files of a kind may be on their way to an address."""
        return self.files if self._shared(address) else self.files_per_address

    def _shared(self, address: str) -> bool:
        return self.knows_proxies and may_be_proxy(address)


def origin_of(address: str) -> str:
    """Name whom an address belongs to: itself, or in IPv6 its network, for a single customer has 2**64 of them."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return address
    return str(ip.ipv4_mapped or ipaddress.ip_network((int(ip), 64), strict=False).network_address)


def may_be_proxy(address: str) -> bool:
    """Tell whether an address is of this machine or a network behind it."""
    try:
        return ipaddress.ip_address(address).is_private
    except ValueError:
        return False
