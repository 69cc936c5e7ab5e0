"""A callback we send ourselves, out through PUBLIC_URL and back in at the receiver, to see whether vendors' can arrive.

Its address is made of a random word that only this process knows, for half a minute and for one request; the receiver
answers everybody else as it answers any stranger. Only PUBLIC_URL is ever called, and nothing of the answer is shown.
"""

import asyncio
import json
import secrets
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from enum import StrEnum

import aiohttp

from jobs.addresses import Addresses

DATE, SIGNATURE = "X-Rushes-Date", "X-Rushes-Signature"
FRESH = 30.0  # seconds a trial is waited for
SECONDS = 7.0  # for the whole way round
_MOST = 8  # trials at a time
_WORD_BYTES = 26  # 35 characters: as long as the token of a job's callback address
_BODY = {"trial": True, "state": "success", "creations": list[str]()}


class Way(StrEnum):
    """What became of a trial."""

    THERE = "there"  # it came back to us, unchanged
    CHANGED = "changed"  # it came back, but not as it was sent
    REFUSED = "refused"  # something on the way, or another program, answered that it cannot
    REDIRECTED = "redirected"
    ELSEWHERE = "elsewhere"  # somebody said yes, but it was not us
    NO_NAME = "no_name"  # the host's name leads nowhere
    NO_CONNECTION = "no_connection"
    NO_TLS = "no_tls"  # the certificate or the handshake
    SILENT = "silent"  # no answer in time
    BUSY = "busy"  # too many trials at once


@dataclass(frozen=True, slots=True)
class Round:
    """What was seen on the way round."""

    way: Way
    status: int | None = None  # of the answer
    seconds: float = 0.0
    ahead: float | None = None  # seconds our clock is ahead of the answer's; None: it told no time


@dataclass(slots=True)
class _Trial:
    until: float
    came: bool = False
    changed: bool = False


@dataclass(slots=True)
class Trials:
    """The trials under way: words that the receiver waits for."""

    seconds: float = SECONDS
    _waiting: dict[str, _Trial] = field(default_factory=dict[str, _Trial], repr=False)

    def begin(self, now: float) -> str | None:
        """Make the word of a new trial; None when there are too many already."""
        for word in [word for word, one in self._waiting.items() if one.until <= now]:
            del self._waiting[word]
        if len(self._waiting) >= _MOST:
            return None
        word = secrets.token_urlsafe(_WORD_BYTES)
        self._waiting[word] = _Trial(now + FRESH)
        return word

    def end(self, word: str) -> tuple[bool, bool]:
        """Wait no longer; tell whether it came, and whether something came that was not as it had been sent."""
        trial = self._waiting.pop(word)
        return trial.came, trial.changed

    def awaits(self, word: str, now: float) -> bool:
        """Say whether a word is one of ours, fresh, and has not come yet."""
        trial = self._waiting.get(word)
        return trial is not None and not trial.came and now < trial.until

    def arrive(self, addresses: Addresses, word: str, date: str, signature: str, body: bytes, now: float) -> bool:
        """Take what came to a word's address; False when it is not, whole, what was sent there."""
        if not self.awaits(word, now):
            return False
        trial = self._waiting[word]
        trial.came = addresses.signed_trial(word, date, body, signature)
        trial.changed = not trial.came
        return trial.came


async def go_round(trials: Trials, addresses: Addresses, clock: Callable[[], float]) -> Round:
    """Send one callback to ourselves through PUBLIC_URL, and say how far it came."""
    word = trials.begin(clock())
    if word is None:
        return Round(Way.BUSY)
    began, answer, way = time.monotonic(), None, Way.SILENT
    try:
        answer, way = await _send(addresses, word, clock, trials.seconds)
    finally:
        came, changed = trials.end(word)
    if came:
        way = Way.THERE
    elif changed:
        way = Way.CHANGED
    status, ahead = answer or (None, None)
    return Round(way, status, time.monotonic() - began, ahead)


async def _send(
    addresses: Addresses, word: str, clock: Callable[[], float], seconds: float
) -> tuple[tuple[int, float | None] | None, Way]:
    """Post the callback. Whether it arrived is not for the answer to say."""
    body = json.dumps(_BODY).encode()
    date = str(int(clock()))
    headers = {"Content-Type": "application/json", DATE: date, SIGNATURE: addresses.trial_signature(word, date, body)}
    context = await asyncio.to_thread(ssl.create_default_context)
    timeout = aiohttp.ClientTimeout(total=seconds)
    connector = aiohttp.TCPConnector(force_close=True, ssl=context)
    try:
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False, auto_decompress=False) as out,
            out.post(addresses.trial(word), data=body, headers=headers, allow_redirects=False) as answer,
        ):
            answered = answer.status, ahead_of(answer.headers.get("Date", ""), clock())
            answer.close()  # its body does not matter, whatever its size
    except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError):
        return None, Way.NO_TLS
    except aiohttp.ClientConnectorDNSError:
        return None, Way.NO_NAME
    except TimeoutError:
        return None, Way.SILENT
    except (aiohttp.ClientError, OSError, ValueError):
        return None, Way.NO_CONNECTION
    if 300 <= answered[0] < 400:
        return answered, Way.REDIRECTED
    return answered, Way.ELSEWHERE if answered[0] < 300 else Way.REFUSED


def ahead_of(date: str, now: float) -> float | None:
    """Say how many seconds `now` is ahead of an HTTP date, which is cut to whole ones; None: it is none."""
    try:
        moment = parsedate_to_datetime(date[:64]).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return now - moment - 0.5
