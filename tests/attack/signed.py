"""Attacks by what should prove a callback: signatures that are wrong in one thing each, and right ones used again.

Most are made with the true key. A verifier that reads one thing otherwise than the signer would take them.
"""

import base64
import hashlib
import hmac
import time
from random import Random

from sandbox.vendors import signing
from tests.attack.aims import (
    FUTURELABS_KEY,
    GOOD,
    KLING_SECRET,
    SIGNING,
    VIDU_KEYS,
    Aims,
    Headers,
    fresh,
    post,
)
from tests.webhooks.bodies import BROKEN, ODD

SEEN = tuple(f"seen-{number}" for number in range(4))  # the nonces of callbacks that were let through for a replay
MOST_STALE = 8  # rows a job's late callbacks may leave: one for each thing that can be said of a task
_SIGNED_BY_VIDU = ("vidu", "futurelabs")
_NAMES = (
    "Date",
    "x-request-nonce",
    "X-HMAC-SIGNED-HEADERS",
    "X-HMAC-ALGORITHM",
    "X-HMAC-ACCESS-KEY",
    "X-HMAC-SIGNATURE",
)
_SIGNED_BODY = b'{"task_id":"1","task_status":"succeed","created_at":1,"updated_at":1}'


def unsigned(rng: Random, aims: Aims, kind: int) -> bytes:
    """Know a job's address, and nothing else."""
    vendor, job = _aim(rng, aims, kind)
    return post(aims.path(vendor, job), [("Content-Type", "application/json")], GOOD)


def guessed(rng: Random, aims: Aims, kind: int) -> bytes:
    """Make up what should prove it."""
    vendor, job = _aim(rng, aims, kind)
    headers = aims.signed(vendor, job, fresh(rng), GOOD)
    name, _ = headers[-1]
    made_up = base64.b64encode(rng.randbytes(32)).decode()
    forged = rng.choice([made_up, "v1," + made_up, "", "=", "A" * 44, "v1,", made_up[:-1], "None", "null", "true"])
    return post(aims.path(vendor, job), [*headers[:-1], (name, forged)], GOOD)


def other_key(rng: Random, aims: Aims, kind: int) -> bytes:
    """Sign as a vendor does, with a key that is not ours, or with one of ours for something else."""
    vendor, job = _aim(rng, aims, kind)
    nonce, path = fresh(rng), aims.path(vendor, job)
    key = rng.choice(["", "vidu", "another", VIDU_KEYS[0].upper(), f"Token {VIDU_KEYS[0]}", KLING_SECRET])
    if vendor == "kling":
        secret = "whsec_" + base64.b64encode(key.encode() or b"0").decode()
        return post(path, signing.standard_webhooks_headers(secret, nonce, time.time(), GOOD).items(), GOOD)
    if vendor == "apiframe":
        return post(path, [("x-webhook-secret", key)], GOOD)
    if vendor == "futurelabs":
        key = rng.choice([key, *VIDU_KEYS])
    url = "https://rushes.example/base" + path
    return post(path, signing.vidu_headers(key, url, time.time(), nonce).items(), GOOD)


def cross_job(rng: Random, aims: Aims, kind: int) -> bytes:
    """Bring what is authentic for one job to another one's address."""
    vendor = rng.choice([name for name in SIGNING if name != "kling"])  # Standard Webhooks sign no address
    here, there = aims.job(kind, rng.randrange(32)), aims.job(kind, 32 + rng.randrange(32))
    return post(aims.path(vendor, here), aims.signed(vendor, there, fresh(rng), GOOD), GOOD)


def cross_vendor(rng: Random, aims: Aims, kind: int) -> bytes:
    """Bring what is authentic from one vendor to another one's address."""
    here, there = rng.sample(SIGNING, 2)
    job = aims.job(kind, rng.randrange(64))
    headers = aims.signed(there, job, fresh(rng), GOOD, path=aims.path(here, job))
    return post(aims.path(here, job), headers, GOOD)


def body_altered(rng: Random, aims: Aims, kind: int) -> bytes:
    """Alter a body that is signed."""
    job = aims.job(kind, rng.randrange(64))
    body = bytearray(_SIGNED_BODY)
    body[rng.randrange(len(body))] ^= 1 << rng.randrange(8)
    more = rng.choice([bytes(body), _SIGNED_BODY + b" ", _SIGNED_BODY[:-1], b"{}", b""])
    return post(aims.path("kling", job), aims.signed("kling", job, fresh(rng), _SIGNED_BODY), more)


def byte_altered(rng: Random, aims: Aims, kind: int) -> bytes:
    """Alter one letter of what counts in an authentic callback: the token or the value of one header."""
    vendor, job = _aim(rng, aims, kind)
    path, headers = aims.path(vendor, job), aims.signed(vendor, job, fresh(rng), GOOD)
    place = rng.randrange(len(headers) + 1)
    if place == len(headers):
        return post(_altered(rng, path, len(path) - 35), headers, GOOD)
    name, value = headers[place]
    return post(path, [*headers[:place], (name, _altered(rng, value)), *headers[place + 1 :]], GOOD)


def downgraded(rng: Random, aims: Aims, kind: int) -> bytes:
    """Sign with the true key, yet not what must be signed."""
    vendor, job, key = _of_vidu(rng, aims, kind)
    date, nonce = signing.http_date(time.time()), fresh(rng)
    values = {"date": date, "x-request-nonce": nonce, "host": "rushes.example", "x-a": "b"}
    many = [f"x-{number}" for number in range(12)]
    names = rng.choice(
        [
            [],
            [""],
            ["Date"],
            ["x-request-nonce"],
            ["host"],
            ["Date", "Date", "x-request-nonce"],
            ["Date", "date", "x-request-nonce"],
            ["Date", "x-request-nonce", ""],
            ["Date", "x-request-nonce", "x absent"],
            ["Date", "x-request-nonce", "x-absent"],
            ["Date ", "x-request-nonce"],
            ["Date", "x-request-nonce", *many],
        ]
    )
    listed = [(name, values.get(name.strip().lower(), "")) for name in names]
    joined = rng.choice([";", ";", ",", " ", "; "]).join(names) if len(names) > 1 else "".join(names)
    text = signing.vidu_signing_string("POST", _url(aims, vendor, job), date, listed)
    # Joined as it must be and with all that must be in it, it would be authentic.
    if joined == "Date;x-request-nonce":
        joined = "Date"
    headers = [("Date", date), ("x-request-nonce", nonce), *_of_hmac(joined, signing.hmac_sha256(key, text.encode()))]
    left_out = rng.choice([None, None, "X-HMAC-SIGNED-HEADERS"])
    return post(aims.path(vendor, job), [one for one in headers if one[0] != left_out], GOOD)


def doubled(rng: Random, aims: Aims, kind: int) -> bytes:
    """Send a header that counts twice: of two readers, each may take another one."""
    vendor, job = _aim(rng, aims, kind)
    headers = aims.signed(vendor, job, fresh(rng), GOOD)
    name, value = rng.choice(headers)
    twin = (rng.choice([name, name.lower(), name.upper()]), rng.choice([value, "", "x", signing.http_date(1.0)]))
    return post(aims.path(vendor, job), rng.choice([[twin, *headers], [*headers, twin]]), GOOD)


def aliased(rng: Random, aims: Aims, kind: int) -> bytes:
    """Send a header that counts under a name that somebody on the way may take for it."""
    vendor, job = _aim(rng, aims, kind)
    headers = aims.signed(vendor, job, fresh(rng), GOOD)
    place = rng.randrange(len(headers))
    name, value = headers[place]
    others = [name + "-", "X-" + name, "HTTP_" + name, name.replace("-", "_") if "-" in name else name + "_"]
    return post(aims.path(vendor, job), [*headers[:place], (rng.choice(others), value), *headers[place + 1 :]], GOOD)


def confused(rng: Random, aims: Aims, kind: int) -> bytes:
    """Have the headers choose how they are checked: no algorithm, an older one, another key's name."""
    vendor, job, key = _of_vidu(rng, aims, kind)
    date, nonce = signing.http_date(time.time()), fresh(rng)
    names = [("Date", date), ("x-request-nonce", nonce)]
    right = signing.vidu_signing_string("POST", _url(aims, vendor, job), date, names)
    algorithm, digest = rng.choice([("hmac-sha1", "sha1"), ("hmac-sha512", "sha512"), ("hmac-md5", "md5")])
    weak = base64.b64encode(hmac.digest(key, right.encode(), digest)).decode()
    true = signing.hmac_sha256(key, right.encode())
    nobody = signing.hmac_sha256(key, right.replace("\nvidu\n", "\nrushes\n").encode())
    listed = "Date;x-request-nonce"
    ways: list[Headers] = [
        _of_hmac(listed, weak, algorithm=algorithm),
        _of_hmac(listed, weak),
        _of_hmac(listed, "", algorithm=rng.choice(["none", "None", "", "null"])),
        _of_hmac(listed, true, algorithm=rng.choice(["none", "HMAC-SHA256", "sha256", "hmac_sha256"])),
        _of_hmac(listed, nobody, access="rushes"),
        _of_hmac(listed, true, access=rng.choice(["", "Vidu", "vidu2", "admin"])),
        _of_hmac(listed, true.replace("=", rng.choice(["", "==", "=A", "\t="]))),
        _of_hmac(listed, base64.b64decode(true).hex()),
        _of_hmac(listed, hashlib.sha256(right.encode()).hexdigest()),
    ]
    return post(aims.path(vendor, job), [*names, *rng.choice(ways)], GOOD)


def dateless(rng: Random, aims: Aims, kind: int) -> bytes:
    """Sign, with the true key, a date that no calendar has or that has no zone."""
    vendor, job, key = _of_vidu(rng, aims, kind)
    now = signing.http_date(time.time())
    date = rng.choice(
        [
            now.replace("GMT", rng.choice(["UTC", "", "+0000", "EST", "gmt"])),
            now.replace(now[5:7], rng.choice(["00", "32", "99"]), 1),
            now[5:],
            str(int(time.time())),
            f"{int(time.time())}.0",
            rng.choice(["", " ", "0", "never", "NaN", "9" * 50, "Thu, 01 Jan 0000 00:00:00 GMT", "\u0661"]),
            "Mon, 30 Feb 2026 00:00:00 GMT",
            "Fri, 31 Dec 9999 23:59:61 GMT",
        ]
    )
    nonce = fresh(rng)
    sealed = signing.vidu_signing_string(
        "POST", _url(aims, vendor, job), date, [("Date", date), ("x-request-nonce", nonce)]
    )
    proof = _of_hmac("Date;x-request-nonce", signing.hmac_sha256(key, sealed.encode()))
    return post(aims.path(vendor, job), [("Date", date), ("x-request-nonce", nonce), *proof], GOOD)


def webhook_misread(rng: Random, aims: Aims, kind: int) -> bytes:
    """Bend the three headers of Standard Webhooks, signed with the true secret where that helps."""
    job, stamp = aims.job(kind, rng.randrange(64)), str(int(time.time()))
    delivery = fresh(rng)
    secret = base64.b64decode(KLING_SECRET.removeprefix("whsec_"))

    def proof(text: str, version: str = "v1", key: bytes = secret) -> str:
        return f"{version},{signing.hmac_sha256(key, text.encode() + _SIGNED_BODY)}"

    right = proof(f"{delivery}.{stamp}.")
    ways = [
        (delivery, stamp, right.replace("v1,", rng.choice(["v2,", "v1a,", "V1,", "", "v1 ,", "v1;"]))),
        (delivery, stamp, " ".join([*(proof("x", key=rng.randbytes(8)) for _ in range(20)), right])),
        (delivery, stamp, proof(f"{delivery}{stamp}")),
        (delivery, stamp, proof(f"{delivery}.{stamp}.", key=KLING_SECRET.encode())),
        (delivery, stamp + ".0", proof(f"{delivery}.{stamp}.0.")),
        (delivery, rng.choice(["", "-1", "1e9", "NaN", "9" * 400, " "]), right),
        (f"{delivery}.{stamp}", "", proof(f"{delivery}.{stamp}..")),
        (f"{delivery}.1", stamp, proof(f"{delivery}.1.{stamp}.")),
        ("", stamp, proof(f".{stamp}.")),
        ("x" * 201, stamp, proof(f"{'x' * 201}.{stamp}.")),
    ]
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    return post(aims.path("kling", job), zip(names, rng.choice(ways), strict=True), _SIGNED_BODY)


def echo_misread(rng: Random, aims: Aims, kind: int) -> bytes:
    """Come close to the secret that a vendor repeats."""
    job = aims.job(kind, rng.randrange(64))
    secret = aims.addresses.callback_secrets("apiframe", job)[0]
    ways = [secret[:-1], secret + secret[-1], secret.swapcase(), secret[::-1], f'"{secret}"', f"Bearer {secret}", "*"]
    ways += [aims.addresses.callback_secrets("apiframe", job + 1)[0], aims.addresses.callback_secrets("vidu", job)[0]]
    ways += ["\u00e9" * 22, _altered(rng, secret), secret + "," + secret, ""]
    return post(aims.path("apiframe", job), [("x-webhook-secret", rng.choice(ways))], GOOD)


def forwarded(rng: Random, aims: Aims, kind: int) -> bytes:
    """Sign another path or host with the true key, and say in the head that it was asked for."""
    vendor, job, key = _of_vidu(rng, aims, kind)
    path, nonce = aims.path(vendor, job), fresh(rng)
    url = rng.choice([f"https://rushes.example{path}", f"https://evil.example/x{path}", "https://rushes.example/"])
    said = [("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Prefix", rng.choice(["", "/x"]))]
    said += [("X-Original-URL", url), ("X-Rewrite-URL", path), ("Forwarded", "host=evil.example;proto=http")]
    headers = signing.vidu_headers(key.decode(), url, time.time(), nonce)
    return post(path, [*headers.items(), *said], GOOD)


def hostile_unsigned(rng: Random, aims: Aims, kind: int) -> bytes:
    """Send JSON that breaks parsers, without a proof: it must be refused before anybody reads it."""
    vendor, job = _aim(rng, aims, kind)
    return post(aims.path(vendor, job), [("x-request-nonce", "n")], rng.choice([*BROKEN.values(), *ODD.values()]))


def hostile_signed(rng: Random, aims: Aims, kind: int) -> bytes:
    """Send what is no JSON object, from the vendor itself."""
    vendor, job = _aim(rng, aims, kind)
    body = rng.choice([*BROKEN.values(), b"[]", b"null", b"7", b"", rng.randbytes(rng.randrange(1, 300))])
    return aims.genuine(vendor, job, fresh(rng), body)


def replayed(rng: Random, aims: Aims, kind: int) -> bytes:
    """Send again what was taken once."""
    vendor, job = _aim(rng, aims, kind)
    return aims.genuine(vendor, job, rng.choice(SEEN))


def replayed_altered(rng: Random, aims: Aims, kind: int) -> bytes:
    """Send again what was taken once, with another body where the body is not signed."""
    vendor = rng.choice(_SIGNED_BY_VIDU)
    job = aims.job(kind, rng.randrange(16) * 4 + SIGNING.index(vendor))
    return aims.genuine(vendor, job, rng.choice(SEEN), b'{"state":"failed","credits":%d}' % rng.randrange(10**9))


def late(rng: Random, aims: Aims, kind: int) -> bytes:
    """Send what is authentic but for its date, saying another thing each time."""
    vendor = rng.choice([name for name in SIGNING if name != "apiframe"])
    job = aims.job(kind, rng.randrange(16) * 4 + SIGNING.index(vendor))
    word = rng.choice(["created", "queueing", "processing", "success", "failed", "submitted", "succeed", "x"])
    said = "task_status" if vendor == "kling" else "state"
    body = f'{{"id":"1","task_id":"1","{said}":"{word}","n":{rng.random()}}}'.encode()
    moved = rng.choice([-1.0, 1.0]) * rng.choice([310.0, 3600.0, 86_400.0 * 365, 10.0**9])
    return aims.genuine(vendor, job, fresh(rng), body, late=moved)


def _aim(rng: Random, aims: Aims, kind: int) -> tuple[str, int]:
    """Choose a vendor that signs, and a job that is always that vendor's."""
    number = rng.randrange(64)
    return SIGNING[number % 4], aims.job(kind, number)


def _of_vidu(rng: Random, aims: Aims, kind: int) -> tuple[str, int, bytes]:
    vendor, job = rng.choice(_SIGNED_BY_VIDU), aims.job(kind, rng.randrange(64))
    return vendor, job, (FUTURELABS_KEY if vendor == "futurelabs" else rng.choice(VIDU_KEYS)).encode()


def _url(aims: Aims, vendor: str, job: int) -> str:
    return "https://rushes.example/base" + aims.path(vendor, job)


def _of_hmac(listed: str, signature: str, *, algorithm: str = "hmac-sha256", access: str = "vidu") -> Headers:
    return [*zip(_NAMES[2:], (listed, algorithm, access, signature), strict=True)]


def _altered(rng: Random, text: str, start: int = 0) -> str:
    """Put another letter in the place of one, never one that means the same."""
    letters = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"
    place = rng.randrange(start, len(text))
    other = rng.choice([letter for letter in letters if letter.lower() != text[place].lower()])
    return text[:place] + other + text[place + 1 :]
