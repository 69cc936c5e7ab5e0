"""Rate limits per route and for the whole bot, with the headers that announce them.

Buckets run on the loop's own clock, not on the clock that a test passes in: a client waits them out in real time.
"""

import asyncio
import hashlib
from dataclasses import dataclass, field

from sandbox.discord.values import Json


@dataclass(frozen=True, slots=True)
class Limit:
    """So many requests in so many seconds."""

    requests: int
    seconds: float


REALISTIC_MESSAGES = Limit(5, 5.0)  # what Discord has long shown for one channel; it may change at any time


@dataclass(slots=True)
class Window:
    """One running window of one bucket."""

    ends: float
    used: int = 0


@dataclass(slots=True)
class Verdict:
    """Whether a request may pass, and the headers that go with the answer."""

    headers: dict[str, str]
    refused: Json | None = None


@dataclass(slots=True)
class RateLimits:
    """The limits in force (set them at any time) and the running windows.

    `messages` holds for posting in one channel, `routes` for every other route, `overall` for the bot as a whole
    (interaction answers and follow-ups are free of it). The defaults let a test run unhindered.
    """

    messages: Limit = Limit(50, 5.0)
    routes: Limit = Limit(100, 5.0)
    overall: Limit = Limit(50, 1.0)
    windows: dict[str, Window] = field(default_factory=dict[str, Window])

    def admit(self, method: str, template: str, major: str, now: float) -> Verdict:
        """Count one request (`now` is the wall clock, for the Reset header) and say whether it may pass."""
        moment = asyncio.get_running_loop().time()
        bound_overall = not template.startswith(("/interactions", "/webhooks"))
        if bound_overall:
            wait = self._take("overall", self.overall, moment)[1]
            if wait is not None:
                return Verdict(
                    {"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"} | _via(wait),
                    _body(wait, everywhere=True),
                )
        if template.startswith("/interactions"):
            return Verdict({})
        limit = self.messages if (method, template) == ("POST", "/channels/{channel}/messages") else self.routes
        bucket = hashlib.sha256(f"{method} {template}".encode()).hexdigest()[:32]
        window, wait = self._take(f"{bucket}:{major}", limit, moment)
        rest = max(0.0, window.ends - moment)
        headers = {
            "X-RateLimit-Limit": str(limit.requests),
            "X-RateLimit-Remaining": str(max(0, limit.requests - window.used)),
            "X-RateLimit-Reset": f"{now + rest:.3f}",
            "X-RateLimit-Reset-After": f"{rest:.3f}",
            "X-RateLimit-Bucket": bucket,
        }
        if wait is None:
            return Verdict(headers)
        return Verdict(headers | {"X-RateLimit-Scope": "user"} | _via(wait), _body(wait, everywhere=False))

    def _take(self, key: str, limit: Limit, moment: float) -> tuple[Window, float | None]:
        window = self.windows.get(key)
        if window is None or window.ends <= moment:
            if len(self.windows) > 1000:
                self.windows = {k: w for k, w in self.windows.items() if w.ends > moment}
            window = self.windows[key] = Window(ends=moment + limit.seconds)
        if window.used >= limit.requests:
            return window, max(0.001, window.ends - moment)
        window.used += 1
        return window, None


def _via(wait: float) -> dict[str, str]:
    # Without a Via header clients take a 429 for a ban at the edge and give up at once.
    return {"Via": "1.1 sandbox", "Retry-After": f"{wait:.3f}"}


def _body(wait: float, *, everywhere: bool) -> Json:
    return {"message": "You are being rate limited.", "retry_after": round(wait, 3), "global": everywhere}
