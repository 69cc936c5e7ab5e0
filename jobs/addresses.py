"""The addresses we hand out, and how we know them again: callback addresses and links to files, both with a keyed MAC.

A callback address carries the job it is for, so the receiver can check it without a look at the database, and a
callback that comes before the vendor's own answer still finds its job. Keys: the newest makes, all of them check.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from hmac import compare_digest

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from storage.codes import job_code, job_id_of

_MAC_BYTES = 16
_MAC_CHARS = 22  # 16 bytes in base64 without padding
_CODE_CHARS = 13
TRIALS = "/callbacks/trial/"  # below /callbacks/, so that a proxy treats it as it treats those; no vendor has this name


@dataclass(frozen=True, slots=True)
class FileLink:
    """What a link to a file leads to."""

    kind: str  # outputs or inputs
    file: str
    expires_at: int  # milliseconds


class Addresses:
    """Makes and checks the addresses below PUBLIC_URL."""

    def __init__(self, public_url: str, secret_keys: Sequence[str]) -> None:
        """Take the public URL (scheme, host, perhaps a path) and the secret keys, newest first."""
        self._base = public_url.rstrip("/")
        self._path = self._base.removeprefix("/".join(self._base.split("/", 3)[:3]))  # of PUBLIC_URL itself
        self._callback_keys = [_keyed(key, b"rushes callback") for key in secret_keys]
        self._echo_keys = [_keyed(key, b"rushes callback secret") for key in secret_keys]
        self._file_keys = [_keyed(key, b"rushes file") for key in secret_keys]
        self._trial_keys = [_keyed(key, b"rushes trial callback") for key in secret_keys]

    def __repr__(self) -> str:
        """Show no key."""
        return f"Addresses({self._base!r})"

    @property
    def public(self) -> bool:
        """Whether vendors on the internet can fetch from us."""
        return self._base.startswith("https://")

    @property
    def base(self) -> str:
        """PUBLIC_URL, without a slash at its end."""
        return self._base

    def trial(self, word: str) -> str:
        """Make the address of a callback we send ourselves; the word is new each time."""
        return f"{self._base}{TRIALS}{word}"

    def trial_signature(self, word: str, date: str, body: bytes) -> str:
        """Sign such a callback: its whole path, its date and its body."""
        return _trial_mac(self._trial_keys[0], self._path + TRIALS + word, date, body)

    def signed_trial(self, word: str, date: str, body: bytes, signature: str) -> bool:
        """Check the signature of such a callback. This process made it, so the newest key alone counts."""
        return _same(signature, self.trial_signature(word, date, body))

    def callback(self, provider: str, job_id: int) -> str:
        """Make the callback address of a job."""
        return f"{self._base}{self.callback_path(provider, self.callback_token(provider, job_id))}"

    def callback_token(self, provider: str, job_id: int) -> str:
        """Make the part of a callback address that names a job and proves it is ours."""
        code = job_code(job_id)
        return code + _mac(self._callback_keys[0], provider, code)

    def callback_secrets(self, provider: str, job_id: int) -> tuple[str, ...]:
        """Make the secret a vendor is to repeat with a job's callbacks, by each of our keys, the newest first.

        It looks random and is another one for each job, yet needs no place in the database.
        """
        code = job_code(job_id)
        return tuple([_mac(key, provider, code) for key in self._echo_keys])

    def callback_path(self, provider: str, token: str) -> str:
        """Write the path below PUBLIC_URL's host, as the receiver sees it."""
        return f"/callbacks/{provider}/{token}"

    def signed_path(self, provider: str, token: str) -> str:
        """Write the whole path the vendor was given, PUBLIC_URL's own included: what a vendor's signature covers."""
        return self._path + self.callback_path(provider, token)

    def job_of(self, provider: str, token: str) -> int | None:
        """Name the job a callback token was made for; None when we did not make it."""
        code, mac = token[:_CODE_CHARS], token[_CODE_CHARS:]
        known = False
        for key in self._callback_keys:
            known |= _same(mac, _mac(key, provider, code))
        return job_id_of(code) if known else None

    def link(self, kind: str, file: str, expires_at: int) -> str:
        """Make a link to a file of ours, good until `expires_at` (milliseconds)."""
        until = str(expires_at // 1000)
        return f"{self._base}/media/{kind}/{until}.{_mac(self._file_keys[0], kind, file, until)}/{file}"

    def open_link(self, kind: str, ticket: str, file: str, now: int) -> FileLink | None:
        """Check a link's parts; None when we did not make it or its time is over."""
        until, _, mac = ticket.partition(".")
        if not (until.isascii() and until.isdigit() and len(until) <= 12):
            return None
        known = [_same(mac, _mac(key, kind, file, until)) for key in self._file_keys]
        expires_at = int(until) * 1000
        return FileLink(kind, file, expires_at) if any(known) and now < expires_at else None


def derive(key: str, purpose: bytes) -> bytes:
    """Make a key for one purpose, so that a MAC for one thing proves nothing about another."""
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=purpose).derive(key.encode())


def _keyed(key: str, purpose: bytes) -> hmac.HMAC:
    """Make ready what every MAC under a key begins with; each goes on from a copy, in half the time."""
    return hmac.HMAC(derive(key, purpose), hashes.SHA256())


def _mac(key: hmac.HMAC, *parts: str) -> str:
    mac = key.copy()
    mac.update("\0".join(parts).encode("utf-8", "surrogatepass"))
    return base64.urlsafe_b64encode(mac.finalize()[:_MAC_BYTES])[:_MAC_CHARS].decode()


def _trial_mac(key: hmac.HMAC, path: str, date: str, body: bytes) -> str:
    return _mac(key, "POST", path, date, body.hex())


def _same(given: str, right: str) -> bool:
    return compare_digest(given.encode("utf-8", "surrogatepass"), right.encode())
