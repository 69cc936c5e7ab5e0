"""How vendors sign what they send (Vidu, Standard Webhooks) and how Kling reads a JSON Web Token, written from scratch.

The program has its own copy of all three, from the same documents: the two must agree without sharing a line.
"""

import base64
import binascii
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import urlsplit

from sandbox.vendors.book import Refusal

SIGNED_HEADERS = ("Date", "x-request-nonce")
SKEW = 300  # seconds


def http_date(now: float) -> str:
    """Write unix seconds as an HTTP date in GMT."""
    return datetime.fromtimestamp(now, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")


def vidu_signing_string(method: str, url: str, date: str, signed: list[tuple[str, str]]) -> str:
    """Build the text that Vidu signs; the query keeps the order of the URL (Vidu, callback-signature, read 2026-11)."""
    parts = urlsplit(url)
    lines = [method.upper(), parts.path or "/", parts.query, "vidu", date]
    lines += [f"{name}:{value}" for name, value in signed]
    return "\n".join(lines) + "\n"


def hmac_sha256(key: bytes, text: bytes) -> str:
    """Return the base64 of an HMAC-SHA256."""
    return base64.b64encode(hmac.new(key, text, hashlib.sha256).digest()).decode()


def vidu_headers(api_key: str, url: str, now: float, nonce: str) -> dict[str, str]:
    """Return the headers of a Vidu callback; the key is the API key that made the task, the body is not covered."""
    date = http_date(now)
    signed: list[tuple[str, str]] = list(zip(SIGNED_HEADERS, (date, nonce), strict=True))
    text = vidu_signing_string("POST", url, date, signed)
    return {
        "Date": date,
        "x-request-nonce": nonce,
        "X-HMAC-SIGNED-HEADERS": ";".join(SIGNED_HEADERS),
        "X-HMAC-ALGORITHM": "hmac-sha256",
        "X-HMAC-ACCESS-KEY": "vidu",
        "X-HMAC-SIGNATURE": hmac_sha256(api_key.encode(), text.encode()),
    }


def standard_webhooks_headers(secret: str, message_id: str, now: float, body: bytes) -> dict[str, str]:
    """Return the headers of a Standard Webhooks message (Kling, callbacks, read 2026-11: opt-in, body included)."""
    stamp = str(int(now))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = hmac_sha256(key, f"{message_id}.{stamp}.".encode() + body)
    return {"webhook-id": message_id, "webhook-timestamp": stamp, "webhook-signature": f"v1,{signature}"}


def check_jwt(token: str, access_key: str, secret_key: str, now: float) -> None:
    """Refuse a Kling token that is not HS256 of our secret with iss, exp and nbf in order; raises Refusal (401)."""
    pieces = token.split(".")
    if len(pieces) != 3:
        raise Refusal(401, 1002, "Authorization is invalid")
    head, claims = _json_piece(pieces[0]), _json_piece(pieces[1])
    expected = base64.urlsafe_b64encode(
        hmac.new(secret_key.encode(), f"{pieces[0]}.{pieces[1]}".encode(), hashlib.sha256).digest()
    ).rstrip(b"=")
    if head.get("alg") != "HS256" or not hmac.compare_digest(expected, pieces[2].rstrip("=").encode()):
        raise Refusal(401, 1000, "Authentication failed")
    if claims.get("iss") != access_key:
        raise Refusal(401, 1002, "access key not found")
    start, end = claims.get("nbf"), claims.get("exp")
    if not isinstance(start, int | float) or not isinstance(end, int | float):
        raise Refusal(401, 1002, "Authorization is invalid: exp and nbf are needed")
    if now < start:
        raise Refusal(401, 1003, "Authorization is not yet valid")
    if now >= end:
        raise Refusal(401, 1004, "Authorization has expired")


def _json_piece(piece: str) -> dict[str, Any]:
    try:
        value = json.loads(base64.urlsafe_b64decode(piece + "=" * (-len(piece) % 4)))
    except (binascii.Error, ValueError) as problem:
        raise Refusal(401, 1002, "Authorization is invalid") from problem
    if not isinstance(value, dict):
        raise Refusal(401, 1002, "Authorization is invalid")
    return cast("dict[str, Any]", value)
