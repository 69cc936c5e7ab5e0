"""Callbacks as bytes, made before the clock runs: each with an address, a nonce and a signature of its own.

All records of a file have one length, so the generator needs no index: request number n begins at n times the length.
The bytes are what a vendor sends; the sandbox's own signing makes them, so no verifier is tested against itself.
"""

import hashlib
import hmac
import json
import random
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobs.addresses import Addresses
from sandbox.vendors.signing import vidu_headers

PUBLIC_URL = "https://rushes.example.org"
SECRET_KEY = "the-benchmark-signs-its-addresses-with-this"  # noqa: S105 -- guards nothing
API_KEY = "the-benchmark-signs-its-callbacks-with-this"
BORN = 1_700_000_000_000  # milliseconds; of job number 0
RANDOM_BITS = 21
SCATTER = 2_654_435_761


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file of requests that all have `length` bytes."""

    file: Path
    length: int
    count: int


def job_id(number: int) -> int:
    """Number a stored job: growing with time, as the program's own ids do, and the same in each run."""
    return ((BORN + number) << RANDOM_BITS) | (number * SCATTER) & ((1 << RANDOM_BITS) - 1)


def callbacks(file: Path, count: int, jobs: range, seed: int = 0) -> Prepared:
    """Write `count` Vidu callbacks, dated now, to as many of these jobs as there are, in no order."""
    addresses = Addresses(PUBLIC_URL, [SECRET_KEY])
    numbers = list(jobs)
    random.Random(seed).shuffle(numbers)
    now = time.time()
    return _write(file, (_callback(addresses, job_id(numbers[n % len(numbers)]), now) for n in range(count)))


def events(file: Path, count: int) -> Prepared:
    """Write `count` events signed the way GitHub signs, for the peers that know no other."""
    return _write(file, (_event() for _ in range(count)))


def _callback(addresses: Addresses, job: int, now: float) -> bytes:
    token = addresses.callback_token("vidu", job)
    url, nonce = addresses.callback("vidu", job), str(uuid.uuid4())
    task = str(job)[:18]
    body: dict[str, Any] = {
        "id": task,
        "state": "success",
        "err_code": "",
        "credits": 40,
        "payload": token[:13],
        "external_task_id": "",
        "creations": [
            {
                "id": task,
                "url": f"https://prod-files.vidu.example/infer/2026/{nonce}/video.mp4?Expires=1800003600&Signature="
                + "s" * 64,
                "cover_url": f"https://prod-files.vidu.example/infer/2026/{nonce}/cover.jpg?Expires=1800003600",
                "watermarked_url": "",
                "bgm_url": "",
                "moderation_url": [],
            }
        ],
    }
    path = url.removeprefix(PUBLIC_URL)
    return _post(path, vidu_headers(API_KEY, url, now, nonce), json.dumps(body).encode())


def _event() -> bytes:
    name = str(uuid.uuid4())
    repository = {"id": 1, "full_name": "studio/films", "private": True, "description": "d" * 300}
    body = json.dumps({"zen": "Keep it small.", "hook_id": 1, "delivery": name, "repository": repository}).encode()
    signature = "sha256=" + hmac.new(API_KEY.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-GitHub-Event": "push", "X-GitHub-Delivery": name, "X-Hub-Signature-256": signature}
    return _post("/hooks/event", headers, body)


def _post(path: str, headers: dict[str, str], body: bytes) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def _write(file: Path, requests: Iterable[bytes]) -> Prepared:
    length = count = 0
    with file.open("wb") as out:
        for request in requests:
            length = length or len(request)
            if len(request) != length:
                raise ValueError("a request is longer than another one")
            out.write(request)
            count += 1
    return Prepared(file, length, count)
