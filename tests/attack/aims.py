"""What an attacker of the suite knows: addresses, and keys too, for signatures that are right in all but one thing.

Who signs with the true key and is refused all the same shows more than who guesses. Signatures are made by the
stand-ins' own reading of the vendors' documents, not by the program's.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from jobs.addresses import Addresses
from providers.contract import Account
from sandbox.vendors import signing

PUBLIC_URL = "https://rushes.example/base"
SECRET_KEYS = ["the newest key of the suite, long enough", "the older key of the suite, long enough"]
VIDU_KEYS = ("vda_newest_of_the_suite", "vda_older_of_the_suite")
FUTURELABS_KEY = "fl_key_of_the_suite"
KLING_SECRET = "whsec_c3VpdGUtc3VpdGUtc3VpdGUtc3VpdGU="
SIGNING = ("vidu", "kling", "apiframe", "futurelabs")  # every vendor whose callbacks must prove something
ACCOUNTS = {
    "vidu": Account(api_keys=VIDU_KEYS),
    "kling": Account(api_keys=("kl",), webhook_secrets=(KLING_SECRET,)),
    "apiframe": Account(api_keys=("af",)),
    "futurelabs": Account(api_keys=(FUTURELABS_KEY,), callback_signature="vidu"),
    "kkiai": Account(api_keys=("kk",)),
    "powertokens": Account(api_keys=("pt",)),
}
GOOD = b'{"id":"1234567","state":"success","creations":[{"url":"https://evil.example/v.mp4"}]}'

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Aims:
    """The receiver as seen by somebody who was shown everything."""

    since: int = field(default_factory=lambda: int(time.time() * 1000))
    addresses: Addresses = field(default_factory=lambda: Addresses(PUBLIC_URL, SECRET_KEYS))

    def job(self, kind: int, number: int = 0) -> int:
        """Name a job of one kind of attack, so that the database tells afterwards which kind left a row."""
        return (self.since << 21) + kind * 64 + number % 64

    def kind_of(self, job: int) -> int:
        """Tell the kind of attack that a job belongs to."""
        return (job - (self.since << 21)) // 64

    def path(self, vendor: str, job: int) -> str:
        """Write the path of a job's callbacks as the receiver sees it."""
        return self.addresses.callback_path(vendor, self.addresses.callback_token(vendor, job))

    def signed(
        self, vendor: str, job: int, nonce: str, body: bytes, *, late: float = 0.0, path: str | None = None
    ) -> Headers:
        """Sign a callback as its vendor does, with the true key, so many seconds late."""
        at = time.time() - late
        url = "https://rushes.example/base" + (path or self.path(vendor, job))
        match vendor:
            case "kling":
                return [*signing.standard_webhooks_headers(KLING_SECRET, nonce, at, body).items()]
            case "apiframe":
                return [("x-webhook-secret", self.addresses.callback_secrets(vendor, job)[0])]
            case _:
                key = FUTURELABS_KEY if vendor == "futurelabs" else VIDU_KEYS[job % 2]
                return [*signing.vidu_headers(key, url, at, nonce).items()]

    def genuine(self, vendor: str, job: int, nonce: str, body: bytes = GOOD, *, late: float = 0.0) -> bytes:
        """Write a whole callback that must be believed, unless it is late."""
        return post(self.path(vendor, job), self.signed(vendor, job, nonce, body, late=late), body)


def fresh(rng: Random) -> str:
    """Make up a nonce that nobody has seen."""
    return f"n{rng.getrandbits(64):016x}"


def post(path: str, headers: Iterable[tuple[str, str]], body: bytes, *, method: str = "POST") -> bytes:
    """Write a request with a body of the length it says."""
    return head(path, [*headers, ("Content-Length", str(len(body)))], method) + body


def head(path: str, headers: Iterable[tuple[str, str]], method: str = "POST") -> bytes:
    """Write a request's head. Letters beyond Latin go out in UTF-8."""
    lines = [f"{method} {path} HTTP/1.1", "Host: rushes.example", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n"
