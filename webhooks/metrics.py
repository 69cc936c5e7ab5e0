"""Numbers for Prometheus. Only asked for on this machine: they are nobody else's business."""

import re
from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address

from aiohttp import HttpVersion11, web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from jobs.context import Context
from storage import StorageError
from storage import jobs as job_facts
from webhooks import replies

# A proxy on this machine speaks for the whole internet; this is how one is known.
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP", "Via", "CF-Ray")
# A tunnel or a proxy that says nothing of itself passes on the public name, or speaks HTTP/1.0 (nginx, as it comes).
_THIS_MACHINE = re.compile(r"(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]{1,5})?", re.IGNORECASE)


class Metrics:
    """Counts one server's answers, and the jobs."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._registry = CollectorRegistry()
        self._answers: Counter[tuple[str, int]] = Counter()  # by provider and status; the loop alone counts
        self._jobs: dict[str, int] = {}
        self._registry.register(self)

    def answered(self, provider: str, status: int) -> None:
        """Count an answer to a callback."""
        self._answers[provider, status] += 1

    async def page(self, request: web.BaseRequest) -> web.Response:
        """Show the numbers to a caller on this machine; to others there is no such page."""
        if not _is_local(request):
            return replies.refuse(404)
        try:
            self._jobs = await self._ctx.database.read(job_facts.count_by_state)
        except StorageError:
            self._jobs = {}
        return web.Response(
            body=generate_latest(self._registry),
            headers=replies.headers(Content_Type="text/plain; version=0.0.4; charset=utf-8", Cache_Control="no-store"),
        )

    def collect(self) -> Iterator[Metric]:
        """Tell Prometheus's registry how callbacks were answered, and how many jobs are in each state."""
        answers = CounterMetricFamily(
            "rushes_callbacks", "Requests to callback addresses.", labels=("provider", "answer")
        )
        for (provider, status), count in sorted(self._answers.items()):
            answers.add_metric((provider, str(status)), count)
        gauge = GaugeMetricFamily("rushes_jobs", "Jobs by state.", labels=("state",))
        for state, count in sorted(self._jobs.items()):
            gauge.add_metric((state,), count)
        yield answers
        yield gauge


def _is_local(request: web.BaseRequest) -> bool:
    peer = request.transport and request.transport.get_extra_info("peername")
    if not peer or any(name in request.headers for name in _FORWARDED):
        return False
    if request.version < HttpVersion11 or not _THIS_MACHINE.fullmatch(request.headers.get("Host", "")):
        return False
    address = ip_address(str(peer[0]).partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
