"""The one way out to a vendor: a JSON call that ends in an answer or in a ProviderError that says what is known.

The kind of the error decides whether money may be spent again, so the line is drawn carefully. Nothing left this
machine: NOT_SENT. A clear refusal: REJECTED or THROTTLED. Everything else, a timeout and a 5xx included: UNKNOWN.
No exception of aiohttp leaves this file, not even as a context: their texts hold headers and addresses.
"""

import io
import json as jsonlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from .contract import ErrorKind, NotUnderstood, ProviderError, Reason
from .reading import for_log, read_object

_PIECE = 12  # characters of a key that tell too much of it
_MOST_SAID = 10_000  # characters of what a vendor says; far less is kept

MOST_BYTES = 128 * 1024  # of one answer: a task is a few kilobytes, and more would hold the program up while it is read
LONGEST_WAIT = 3600.0  # seconds; a Retry-After above it is cut
CONNECT_WITHIN = 10.0  # seconds, so that an alternate address is tried while somebody still waits

Fault = tuple[ErrorKind, Reason, str]
Explain = Callable[[int, Mapping[str, Any]], Fault]


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    retry_after: str
    body: bytes | None  # None: it could not be read to its end


def by_status(status: int) -> tuple[ErrorKind, Reason]:
    """Say what an HTTP status alone tells, for vendors whose body says no more."""
    if status in (408, 499) or status >= 500:
        return ErrorKind.UNKNOWN, Reason.VENDOR
    if status in (425, 429):
        return ErrorKind.THROTTLED, Reason.BUSY
    if status == 402:
        return ErrorKind.REJECTED, Reason.CREDIT
    if status in (401, 403, 404, 405, 407, 410, 421, 451):
        return ErrorKind.REJECTED, Reason.ACCESS
    if 400 <= status < 500:
        return ErrorKind.REJECTED, Reason.BAD_ORDER
    if status in (301, 307, 308):  # these say that nothing was done here; 302 and 303 may follow on something done
        return ErrorKind.REJECTED, Reason.ACCESS
    return ErrorKind.UNKNOWN, Reason.VENDOR


class Api:
    """One vendor's addresses, credentials and way of refusing, over a session somebody else owns."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_urls: Sequence[str],
        headers: Callable[[], Mapping[str, str]],
        explain: Explain,
        *,
        clock: Callable[[], float],
        deadline: float = 60.0,
    ) -> None:
        """Take the addresses in order of preference; `deadline` is in seconds, for one address."""
        self._session = session
        self._base_urls = tuple(url.rstrip("/") for url in base_urls)
        self._headers = headers
        self._explain = explain
        self._clock = clock
        self._timeout = aiohttp.ClientTimeout(total=deadline, connect=min(CONNECT_WITHIN, deadline / 2))

    async def call(
        self,
        method: str,
        path: str,
        *,
        json: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        any_body: bool = False,
        most_bytes: int = MOST_BYTES,
        explain: Explain | None = None,
    ) -> dict[str, Any]:
        """Make one call and return the JSON object of a 2xx answer. Raise ProviderError.

        `explain`: what a refusal of this call means, where it means something else than elsewhere.
        `any_body`: the answer's body does not matter, a 2xx is enough; what is no object comes back as an empty one.
        `most_bytes`: an answer above it counts as one that could not be read; it may repeat what was sent besides,
        as resellers do with pictures.
        """
        secrets = self._secrets()
        body = None if json is None else jsonlib.dumps(json, separators=(",", ":")).encode("ascii")
        sent = body or b""
        target = path + ("?" + urlencode(query) if query else "")
        outcome: _Answer | ProviderError = ProviderError(ErrorKind.NOT_SENT, Reason.ACCESS, "no address is set")
        for base_url in self._base_urls:
            outcome = await self._send(method, base_url + target, body, most_bytes + len(sent))
            # Only what surely never arrived may go to another address: two addresses may be one service.
            if isinstance(outcome, _Answer) or outcome.kind is not ErrorKind.NOT_SENT:
                break
        if isinstance(outcome, ProviderError):
            raise outcome
        # What is repeated are a few long texts. As many small values would take seconds to read, and all the memory.
        if (outcome.body or b"").count(b",") > most_bytes + sent.count(b","):
            outcome = replace(outcome, body=None)
        return self._read(outcome, any_body, secrets, explain or self._explain)

    def _secrets(self) -> list[str]:
        return [word for value in self._headers().values() for word in value.split() if len(word) >= 6]

    async def _send(self, method: str, url: str, body: bytes | None, most: int) -> _Answer | ProviderError:
        """Send once; return what happened instead of raising, so that no error carries aiohttp's as its context."""
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            # A pooled connection that the vendor closes while we send would turn a submit into an unknown one.
            "Connection": "close",
            **self._headers(),
        }
        if body is not None:
            headers["Content-Type"] = "application/json"
        if any(not value.isprintable() or not value.isascii() for value in headers.values()):
            return ProviderError(ErrorKind.NOT_SENT, Reason.ACCESS, "the key holds letters that no header can carry")
        try:
            address = URL(url, encoded=True)
        except ValueError:
            return ProviderError(ErrorKind.NOT_SENT, Reason.ACCESS, "the address set for it is no web address")
        try:
            async with self._session.request(
                method,
                address,
                data=None if body is None else io.BytesIO(body),
                headers=headers,
                allow_redirects=False,  # following one would hand our key to a stranger
                timeout=self._timeout,
            ) as answer:
                return _Answer(answer.status, answer.headers.get("Retry-After", ""), await _read_capped(answer, most))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            kind, reason, seen = ErrorKind.NOT_SENT, Reason.VENDOR, f"no connection ({type(error).__name__})"
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
            kind, reason, seen = ErrorKind.NOT_SENT, Reason.ACCESS, "the address set for it is no web address"
        except TimeoutError:
            kind, reason, seen = ErrorKind.UNKNOWN, Reason.VENDOR, "no answer in time"
        except (aiohttp.ClientError, OSError, EOFError, ValueError, RuntimeError) as error:
            kind, reason, seen = ErrorKind.UNKNOWN, Reason.VENDOR, f"the call broke off ({type(error).__name__})"
        return ProviderError(kind, reason, seen)

    def _read(self, answer: _Answer, any_body: bool, secrets: list[str], explain: Explain) -> dict[str, Any]:
        payload = _object_or_none(answer.body)
        if 200 <= answer.status < 300:
            if payload is not None or any_body:
                return payload or {}
            said = f"HTTP {answer.status} without a JSON object"
            raise ProviderError(ErrorKind.UNKNOWN, Reason.VENDOR, said, http=answer.status)
        kind, reason, said = explain(answer.status, payload or {})
        said = without(secrets, said[:_MOST_SAID])
        retry_after = read_retry_after(answer.retry_after, self._clock())
        raise ProviderError(kind, reason, for_log(f"HTTP {answer.status}", said), retry_after, answer.status)


def without(secrets: Iterable[str], text: str) -> str:
    """Take secrets out of a text, and pieces of them: a vendor may repeat a key with its middle left out."""
    for secret in secrets:
        text = text.replace(secret, "<key>")
        pieces = {secret[start : start + _PIECE] for start in range(len(secret) - _PIECE + 1)}
        kept, position = list[str](), 0
        while position < len(text):
            end = position
            while text[end : end + _PIECE] in pieces:
                end += 1
            if end > position:
                kept.append("<key>")
                position = end + _PIECE - 1
            else:
                kept.append(text[position])
                position += 1
        text = "".join(kept)
    return text


async def _read_capped(answer: aiohttp.ClientResponse, most: int) -> bytes | None:
    """Read a body up to the cap; None when it is larger, broken or too slow: its status is still worth something."""
    body = bytearray()
    try:
        while chunk := await answer.content.readany():
            body += chunk
            if len(body) > most:
                return None
    except (aiohttp.ClientError, OSError, EOFError, ValueError):
        return None
    return bytes(body)


def _object_or_none(body: bytes | None) -> dict[str, Any] | None:
    try:
        return None if body is None else read_object(body)
    except NotUnderstood:
        return None


def read_retry_after(value: str, now: float) -> float | None:
    """Read a Retry-After header, seconds or an HTTP date, as seconds from `now`; None when there is none."""
    value = value.strip()[:64]
    if value.isascii() and value.isdigit():
        return min(float(value), LONGEST_WAIT)
    try:
        moment = parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return min(max(moment - now, 0.0), LONGEST_WAIT)
