"""Who may ring: the callback signatures of Vidu and of Standard Webhooks, a shared secret, and a digest for the rest.

Pure functions of bytes as they came over the wire and of the time given. Whatever comes in, they return or raise
NotAuthentic; nothing else. Keys and texts are compared as bytes and in constant time.
"""

import base64
import binascii
import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from hmac import compare_digest

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC

from .contract import Callback, Headers, NotAuthentic

TOLERANCE = 300.0  # seconds, both ways

_DATE = re.compile(
    rb"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), ([0-9]{2}) (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) ([0-9]{4}) "
    rb"([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT"
)
_MONTHS = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}")
_NONCE = re.compile(rb"[!-~]{1,200}")
_WEBHOOK_ID = re.compile(rb"[!-\-/-~]{1,200}")  # without a dot: the dot ends it in the signed text
_WEBHOOK_TIME = re.compile(rb"[0-9]{1,12}")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_MOST_SIGNED = 8
_MOST_SIGNATURES = 16


def vidu(callback: Callback, keys: Sequence[str], now: float) -> str:
    """Check a Vidu signature under any of our keys and return its nonce. Raise NotAuthentic (stale: only its date).

    Vidu signs method, path, query, the word "vidu", the date and the listed headers, not the body; the secret is the
    API key that made the task (Vidu, callback-signature, read 2026-11).
    """
    headers = _by_name(callback.headers)
    if _one(headers, b"x-hmac-algorithm") != b"hmac-sha256":
        raise NotAuthentic("another algorithm")
    if _one(headers, b"x-hmac-access-key") != b"vidu":
        raise NotAuthentic("another access key")
    signature = _one(headers, b"x-hmac-signature")
    date = _one(headers, b"date")
    nonce = _one(headers, b"x-request-nonce")
    if not _NONCE.fullmatch(nonce):
        raise NotAuthentic("the nonce is none")
    moment = _read_date(date)
    signed = [(name, _one(headers, low)) for name, low in _signed_names(_one(headers, b"x-hmac-signed-headers"))]
    path, _, query = callback.path.partition("?")
    text = hmac_text("POST", path, query, "vidu", date, signed)
    if not matches(text, [_as_bytes(key) for key in keys], [signature]):
        raise NotAuthentic("another signature" if _is_base64(signature) else "the signature is not base64")
    _demand_fresh(moment, now)
    return nonce.decode("ascii")


def standard_webhooks(callback: Callback, secrets: Sequence[str], now: float) -> str:
    """Check a Standard Webhooks signature, which covers the body, and return its id. Raise NotAuthentic.

    Signed is "id.timestamp.body" with the decoded part of the secret after "whsec_"; during a rotation several
    signatures stand in one header (Standard Webhooks 1.0; Kling, callbacks, read 2026-11).
    """
    headers = _by_name(callback.headers)
    delivery = _one(headers, b"webhook-id")
    stamp = _one(headers, b"webhook-timestamp")
    given = _one(headers, b"webhook-signature")
    if not _WEBHOOK_ID.fullmatch(delivery) or not _WEBHOOK_TIME.fullmatch(stamp):
        raise NotAuthentic("the webhook id or timestamp is none")
    versions = [part.partition(b",") for part in given[:4096].split(b" ")[:_MOST_SIGNATURES]]
    signatures = [text for name, _, text in versions if name == b"v1"]
    keys = [key for secret in secrets if (key := _key_of(secret))]
    if not matches(delivery + b"." + stamp + b"." + callback.body, keys, signatures):
        raise NotAuthentic("another signature")
    _demand_fresh(float(stamp), now)
    return delivery.decode("ascii")


def static_secret(headers: Headers, name: str, expected: Sequence[str]) -> None:
    """Check a header that repeats a secret of ours, any of `expected`. Raise NotAuthentic, also when there is none."""
    given = _one(_by_name(headers), name.lower().encode("ascii", "replace"))
    if not any(compare_digest(given, _as_bytes(secret)) for secret in expected if secret):
        raise NotAuthentic("another secret")


def vidu_where_demanded(callback: Callback, scheme: str, keys: Sequence[str], now: float) -> str:
    """Name a reseller's delivery: with the scheme "vidu" its signature under our own keys is demanded first.

    No reseller documents one, and what Vidu signs it signs with the reseller's key, which we do not have. Raise
    NotAuthentic.
    """
    return vidu(callback, keys, now) if scheme == "vidu" else digest(callback)


def hmac_text(
    method: str, path: str, query: str, access_key: str, date: bytes, headers: Sequence[tuple[bytes, bytes]]
) -> bytes:
    """Build the text that Vidu signs, as the APISIX gateway has it: every line ends in a newline."""
    head = "\n".join((method, path or "/", query, access_key, ""))
    return _as_bytes(head) + date + b"\n" + b"".join(name + b":" + value + b"\n" for name, value in headers)


def matches(message: bytes, keys: Sequence[bytes], signatures: Sequence[bytes]) -> bool:
    """Say whether any signature is the HMAC-SHA256 of the message under any key; all are tried, an empty key never.

    Signatures are compared as they are written, in base64: several texts can be read as the same bytes, and one is
    right.
    """
    matched = False
    for key in filter(None, keys):
        mac = _keyed(key).copy()
        mac.update(message)
        expected = binascii.b2a_base64(mac.finalize(), newline=False)
        for signature in signatures:
            matched |= compare_digest(expected, signature)
    return matched


@lru_cache(maxsize=64)
def _keyed(key: bytes) -> HMAC:
    """Make ready what every HMAC under a key begins with; each goes on from a copy, in a third of the time."""
    return HMAC(key, SHA256())


def digest(callback: Callback) -> str:
    """Name a delivery that brings no name: the same body at the same address is the same delivery."""
    path = callback.path.encode("utf-8", "replace")
    return hashlib.sha256(len(path).to_bytes(8, "big") + path + callback.body).hexdigest()


def _by_name(headers: Headers) -> Mapping[bytes, bytes]:
    """Sort headers by their names in small letters, but for those that came twice: one might be signed, one read."""
    found = {name.lower(): value for name, value in headers}
    if len(found) != len(headers):
        times = Counter(name.lower() for name, _ in headers)
        return {name: value for name, value in found.items() if times[name] == 1}
    return found


def _one(headers: Mapping[bytes, bytes], name: bytes) -> bytes:
    """Return the value of a header that came exactly once."""
    value = headers.get(name)
    if value is None:
        raise NotAuthentic(f"{name.decode('ascii', 'replace')} did not come once")
    if len(value) > 4096 or _CONTROL.search(value):
        raise NotAuthentic(f"{name.decode('ascii', 'replace')} is not a header value")
    return value


@lru_cache(maxsize=64)  # a vendor's list is always the same
def _signed_names(listed: bytes) -> Sequence[tuple[bytes, bytes]]:
    """Read the list of signed headers, in its order: each name as it is written, and in small letters."""
    names = listed.split(b";")
    lowered = [name.lower() for name in names]
    if len(names) > _MOST_SIGNED or len(set(lowered)) != len(names) or not all(map(_TOKEN.fullmatch, names)):
        raise NotAuthentic("the list of signed headers is malformed")
    if not {b"date", b"x-request-nonce"} <= set(lowered):
        raise NotAuthentic("the date or the nonce is not signed")
    return list(zip(names, lowered, strict=True))


@lru_cache(maxsize=64)  # callbacks of one second bring the same
def _read_date(value: bytes) -> float:
    match = _DATE.fullmatch(value)
    if match is None:
        raise NotAuthentic("the date is none")
    day, month, year, hour, minute, second = match.groups()
    try:
        moment = datetime(
            int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), int(second), tzinfo=UTC
        )
        return moment.timestamp()
    except (ValueError, OverflowError):
        raise NotAuthentic("the date is none") from None


def _demand_fresh(moment: float, now: float) -> None:
    """Refuse what is too old or too new. Last of all checks, so that "stale" always means "otherwise authentic"."""
    if not abs(now - moment) <= TOLERANCE:
        raise NotAuthentic(f"dated {moment - now:+.0f} s from now", stale=True)


def _is_base64(value: bytes) -> bool:
    try:
        return binascii.b2a_base64(binascii.a2b_base64(value, strict_mode=True), newline=False) == value
    except ValueError:
        return False


def _key_of(secret: str) -> bytes | None:
    """Read an operator's own webhook secret as the settings did; None when it is none."""
    try:
        return base64.b64decode(_as_bytes(secret.removeprefix("whsec_")), validate=True)
    except (binascii.Error, ValueError):
        return None


def _as_bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")
