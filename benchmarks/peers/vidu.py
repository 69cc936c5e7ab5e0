"""A Vidu signature checked as one would in the first hour: from the document, with no care for odd input."""

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime


def nonce(path: str, headers: Mapping[str, str], key: bytes) -> str | None:
    """Give the nonce of an authentic callback, else None."""
    date = headers["Date"]
    signed = "".join(f"{name}:{headers[name]}\n" for name in headers["X-HMAC-SIGNED-HEADERS"].split(";"))
    text = f"POST\n{path}\n\nvidu\n{date}\n{signed}"
    signature = base64.b64encode(hmac.digest(key, text.encode(), hashlib.sha256)).decode()
    if not hmac.compare_digest(signature, headers["X-HMAC-SIGNATURE"]):
        return None
    if abs(time.time() - parsedate_to_datetime(date).timestamp()) > 300:
        return None
    return headers["x-request-nonce"]
