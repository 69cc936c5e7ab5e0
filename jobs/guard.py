"""The one HTTP client for addresses that strangers gave us: members' pictures and vendors' results.

It reaches public machines over https on port 443 and nothing else. The address is judged twice: as text before
anything is sent (also after every redirect), and as the number that is really dialled, because a name can resolve to
anything and a number in place of a name never meets a resolver.
"""

import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Collection

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

_Target = tuple[int, int, int, str, tuple[str | int, ...]]  # as getaddrinfo() writes it

_LONGEST = 8192  # characters; signed links of the object stores have 500 to 2000
_KEPT_AS_WRITTEN = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*")
_NAME = re.compile(r"(?=.{4,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?")
_PRIVATE_NAME = re.compile(
    r"(?:.+\.)?(?:alt|arpa|corp|flycast|home|internal|intranet|invalid|lan|local|localdomain|localhost|onion|private|test)"
)

_NOT_PUBLIC_4 = [
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carriers' own; some clouds answer for their metadata here
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # a cloud's host agent behind a public number
        "169.254.0.0/16",  # link-local and metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # multicast tunnels
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
]
_PUBLIC_6 = ipaddress.IPv6Network(
    "2000::/3"
)  # all that was ever given out; fc00::/7, fe80::/10, ff00::/8, ::/96 lie outside
_NOT_PUBLIC_6 = [
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo and ORCHID among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: any IPv4 address may hide inside
        "2620:4f:8000::/48",  # AS112
        "3ffe::/16",  # the former test network
        "3fff::/20",  # documentation
    )
]
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # not 64:ff9b:1::/48: where that leads is each network's own affair


class Blocked(aiohttp.ClientConnectionError, OSError):  # noqa: N818 -- a verdict, not a fault
    """Raised for an address we do not go to. The text names no more of it than the host.

    It is an OSError because the dialler tries a name's next address only after one of those, and a ClientError because
    the client passes those on as they are.
    """


def public(address: str) -> bool:
    """Tell whether a numeric address belongs to the open internet; False for anything that is not one."""
    try:
        number = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(number, ipaddress.IPv6Address):
        if number.scope_id is not None:
            return False
        if number not in _MAPPED and number not in _NAT64:
            return number in _PUBLIC_6 and not any(number in network for network in _NOT_PUBLIC_6)
        number = ipaddress.IPv4Address(int(number) & 0xFFFF_FFFF)
    return not any(number in network for network in _NOT_PUBLIC_4)


def parse(text: str) -> URL:
    """Parse a stranger's http or https address without judging where it leads. Raise Blocked.

    Signed links are kept letter by letter: tidying them breaks the signatures that cover the text.
    """
    if len(text) > _LONGEST or not text.isprintable() or " " in text:
        raise Blocked("not a readable address")
    try:
        parsed = URL(text, encoded=_KEPT_AS_WRITTEN.fullmatch(text) is not None)
        _ = parsed.port, parsed.raw_host, parsed.host  # some complaints come only now
    except (ValueError, LookupError):
        raise Blocked("not a readable address") from None
    if not parsed.raw_host or parsed.scheme not in {"http", "https"}:
        raise Blocked("not an address of the web")
    if "@" in parsed.raw_authority:  # here, because the client takes user names away before anybody else can see them
        raise Blocked("an address with a user name in it")
    return parsed


def acceptable(url: str | URL, allowed_private: Collection[tuple[str, int]] = ()) -> URL:
    """Read a stranger's address and judge it as text, before any look-up. Raise Blocked.

    `allowed_private` holds (host, port) pairs that may be plain http, on any port, and of any kind of host.
    """
    parsed = parse(str(url))
    host = (parsed.raw_host or "").lower()
    if (host, parsed.port) in _exempt(allowed_private):
        return parsed
    if parsed.scheme != "https":
        raise Blocked("not an https address")
    if "[" in parsed.raw_authority or not _NAME.fullmatch(host):
        raise Blocked("the host is not a public name")
    if _PRIVATE_NAME.fullmatch(host):
        raise Blocked(f"{host} is a name of private networks")
    if parsed.port != 443:
        raise Blocked(f"{host} on a port other than 443")
    return parsed


def session(
    allowed_private: Collection[tuple[str, int]] = (),
    *,
    connect: float = 10,
    silence: float = 30,
    resolver: AbstractResolver | None = None,
) -> aiohttp.ClientSession:
    """Open the guarded client. Every request raises Blocked where it would have gone astray.

    `connect` and `silence` are seconds: for reaching the machine, and between two pieces of its answer. How long the
    whole may take is for the caller to say. Bodies arrive as they were sent, cookies and proxies are not known here.
    """
    exempt = _exempt(allowed_private)
    dialler = Dialler(resolver or aiohttp.ThreadedResolver(), exempt)

    async def judge(
        request: aiohttp.ClientRequest, send: Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]]
    ) -> aiohttp.ClientResponse:
        acceptable(request.url, exempt)
        try:
            return await send(request)
        except aiohttp.ClientConnectorError as problem:
            if isinstance(problem.os_error, Blocked):
                raise problem.os_error from None
            raise

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            socket_factory=dialler.dial, resolver=dialler, limit=32, limit_per_host=8, use_dns_cache=False
        ),
        middlewares=[judge],
        timeout=aiohttp.ClientTimeout(total=None, connect=None, sock_connect=connect, sock_read=silence),
        headers={"Accept-Encoding": "identity", "User-Agent": "Rushes"},
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        read_bufsize=1 << 17,
    )


class Dialler(AbstractResolver):
    """Looks names up, and makes the sockets; remembers the numbers of exempt names for the moment they are dialled."""

    def __init__(self, inner: AbstractResolver, exempt: frozenset[tuple[str, int]]) -> None:
        self._inner = inner
        self._exempt = exempt
        self._numbers = set(exempt)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Look a name up. Raise OSError."""
        found = await self._inner.resolve(host, port, family)
        if (host.lower(), port) in self._exempt:
            self._numbers.update((answer["host"], port) for answer in found)
        return found

    async def close(self) -> None:
        """Close the resolver inside."""
        await self._inner.close()

    def dial(self, target: _Target) -> socket.socket:
        """Make the socket for one numeric address, the last moment to say no. Raise Blocked."""
        family, kind, protocol, _, where = target
        address, port = str(where[0]), int(where[1])
        wanted = (address, port) in self._numbers or (port == 443 and public(address))
        if family not in {socket.AF_INET, socket.AF_INET6} or not wanted:
            # always this text: the dialler joins the refusals of a name's addresses to one Blocked when they are equal
            raise Blocked("the host leads into a private network")
        return socket.socket(family, kind, protocol)


def _exempt(pairs: Collection[tuple[str, int]]) -> frozenset[tuple[str, int]]:
    return frozenset((host.strip("[]").lower(), port) for host, port in pairs)
