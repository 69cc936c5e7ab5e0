"""Attacks by the shape of a request: its address, its method, its framing, its size, its bytes."""

import gzip
from random import Random
from string import ascii_lowercase

from jobs.addresses import Addresses
from tests.attack.aims import ACCOUNTS, GOOD, PUBLIC_URL, SIGNING, Aims, fresh, head, post
from tests.webhooks.bodies import HEADS, NOT_HTTP

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_OTHERS = Addresses(PUBLIC_URL, ["a key that is not the suite's, though long"])
_BOMB = gzip.compress(bytes(8 << 20), 9)  # 8 kB that would be 8 MiB
_CAP = 64 * 1024


def guessed(rng: Random, aims: Aims, kind: int) -> bytes:
    """Ring at an address that looks like one of ours."""
    del aims, kind
    token = "".join(rng.choices(_LETTERS, k=rng.choice((35, 35, 35, 34, 36, 22, 1, 200))))
    return post(f"/callbacks/{_vendor(rng)}/{token}", [("Content-Type", "application/json")], GOOD)


def crossed(rng: Random, aims: Aims, kind: int) -> bytes:
    """Put the code of one job beside the proof of another, or use what another vendor or installation was given."""
    vendor, here, there = _vendor(rng), aims.job(kind, rng.randrange(64)), aims.job(kind + 1, rng.randrange(64))
    token, other = (aims.addresses.callback_token(vendor, job) for job in (here, there))
    elsewhere = next(name for name in rng.sample(sorted(ACCOUNTS), 2) if name != vendor)
    place = rng.randrange(len(token))
    wrong = rng.choice([letter for letter in _LETTERS if letter != token[place]])
    # The last letter carries 4 bits that nobody reads; it must be the right one all the same.
    tokens = [
        (vendor, token[:13] + other[13:]),
        (vendor, _OTHERS.callback_token(vendor, here)),
        (elsewhere, token),
        (vendor, token.swapcase()),
        (vendor, token[:place] + wrong + token[place + 1 :]),
    ]
    name, bad = rng.choice(tokens)
    return post(f"/callbacks/{name}/{bad}", aims.signed(name, here, fresh(rng), GOOD), GOOD)


def bent(rng: Random, aims: Aims, kind: int) -> bytes:
    """Write a true address otherwise than it was given, around a callback that is authentic at the true one."""
    vendor, job = rng.choice(SIGNING), aims.job(kind, rng.randrange(64))
    path = aims.path(vendor, job)
    place = rng.randrange(1, len(path))
    ways = [
        path + rng.choice(["?", "?a=1", "/", "//", ";a=1", "%00", "%20", "%0d%0a", "\\", "&a", ",", ".json", "%2f"]),
        f"{path[:place]}%{ord(path[place]):02x}{path[place + 1 :]}",
        path.replace("/callbacks/", rng.choice(["//callbacks/", "/./callbacks/", "/x/../callbacks/", "/Callbacks/"])),
        path.replace(f"/{vendor}/", rng.choice([f"//{vendor}/", f"/{vendor}//", f"/{vendor}%2F", f"/../{vendor}/"])),
        path.replace(f"/{vendor}/", f"/{vendor.upper()}/"),
        rng.choice(["http://rushes.example", "https://rushes.example", "http://127.0.0.1"]) + path,
        "/base" + path,
    ]
    return post(rng.choice(ways), aims.signed(vendor, job, fresh(rng), GOOD), GOOD)


def trial(rng: Random, aims: Aims, kind: int) -> bytes:
    """Ring where only the program itself rings, when it tries whether it can be reached."""
    del aims, kind
    return post("/callbacks/trial/" + "".join(rng.choices(_LETTERS, k=rng.randrange(60))), [("X-A", "b")], b"{}")


def media(rng: Random, aims: Aims, kind: int) -> bytes:
    """Ask for a file of ours by a link that we never made."""
    until = rng.choice([1, aims.since // 1000 + 3600, 10**11])
    mac = rng.choice(["".join(rng.choices(_LETTERS, k=22)), _OTHERS.link("outputs", "a-1.mp4", until).split("/")[-2]])
    files = ["a-1.mp4", "rushes.db", "..", "%2e%2e", "../rushes.db", "a-1.mp4/", "a" * 300, "", "a\\b"]
    del kind
    kinds = rng.choice(["outputs", "inputs", "..", "data", ""])
    return head(f"/media/{kinds}/{until}.{mac.rpartition('.')[2]}/{rng.choice(files)}", [], "GET")


def method(rng: Random, aims: Aims, kind: int) -> bytes:
    """Use another method on a true address."""
    vendor, job = rng.choice(SIGNING), aims.job(kind, rng.randrange(64))
    verb = rng.choice(["GET", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "LOCK"])
    return post(aims.path(vendor, job), aims.signed(vendor, job, fresh(rng), GOOD), GOOD, method=verb)


def compressed(rng: Random, aims: Aims, kind: int) -> bytes:
    """Send a body that would grow, or says that it would; authentic but for that."""
    vendor, job = rng.choice(SIGNING), aims.job(kind, rng.randrange(64))
    body = rng.choice([_BOMB, gzip.compress(GOOD), GOOD, b"no gzip"])
    coding = rng.choice(
        ["gzip", "GZIP", " gzip ", "x-gzip", "deflate", "br", "zstd", "compress", "identity, gzip", "*"]
    )
    return post(
        aims.path(vendor, job),
        [*aims.signed(vendor, job, fresh(rng), body), ("Content-Encoding", coding)],
        body,
    )


def large(rng: Random, aims: Aims, kind: int) -> bytes:
    """Say a length beyond all bounds, and send some of it."""
    vendor, job = rng.choice(SIGNING), aims.job(kind, rng.randrange(64))
    length = str(rng.choice([_CAP + 1, 10**7, 2**31, 2**32, 2**63, 2**64, 10**30]))
    some = bytes(rng.randrange(2000))
    return head(aims.path(vendor, job), [*aims.signed(vendor, job, "n", some), ("Content-Length", length)]) + some


def large_chunks(rng: Random, aims: Aims, kind: int) -> bytes:
    """Go on and on, in pieces of no announced number."""
    vendor, job = rng.choice(SIGNING), aims.job(kind, rng.randrange(64))
    size = rng.choice([8192, 16384, 65536])
    piece = b"%x\r\n" % size + b" " * size + b"\r\n"
    start = head(aims.path(vendor, job), [*aims.signed(vendor, job, "n", b""), ("Transfer-Encoding", "chunked")])
    return start + piece * (_CAP // size + 1)


def framing(rng: Random, aims: Aims, kind: int) -> bytes:
    """Say in two ways where the body ends, with another callback hidden behind one of the ends."""
    vendor, job = rng.choice(SIGNING), aims.job(kind, rng.randrange(64))
    inner = aims.genuine("vidu", aims.job(kind, 1), "smuggled")
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(GOOD), GOOD)
    ways = [
        [("Content-Length", str(len(GOOD))), ("Transfer-Encoding", "chunked")],
        [("Content-Length", "5"), ("Content-Length", "6")],
        [("Content-Length", "5, 5")],
        [("Content-Length", rng.choice(["-1", "+5", "0x5", " ", "5 5", "\u0665", "9" * 5000, "1e1", "5_0"]))],
        [("Transfer-Encoding", rng.choice(["gzip, chunked", "chunked, chunked", "identity", "xchunked", "chunked;a"]))],
        [("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "identity")],
        [("Transfer-Encoding", "chunked"), ("Transfer-encoding", "chunked")],
        [("Transfer-Encoding\t", "chunked")],
        [],
    ]
    start = head(aims.path(vendor, job), [*aims.signed(vendor, job, fresh(rng), GOOD), *rng.choice(ways)])
    return start + rng.choice([chunked, GOOD, b"zz\r\n", b"-5\r\nhello\r\n", b"5;a=b\n"]) + inner


def odd_head(rng: Random, aims: Aims, kind: int) -> bytes:
    """Put a line that breaks parsers into the head of a forged callback."""
    vendor, job = rng.choice(SIGNING), aims.job(kind, rng.randrange(64))
    line = rng.choice([*HEADS.values()])
    if line == b"Content-Length: 3":
        line = b"X-\xff: " + rng.randbytes(40).replace(b"\n", b"")
    whole = post(aims.path(vendor, job), [("X-Request-Nonce", "n")], GOOD)
    return whole.replace(b"\r\n", b"\r\n" + line + b"\r\n", 1)


def junk(rng: Random, aims: Aims, kind: int) -> bytes:
    """Send what is no request."""
    bytes_ = rng.choice([*NOT_HTTP.values(), rng.randbytes(rng.randrange(1, 2000)), b"".join(_words(rng))])
    del aims, kind
    return bytes_ + b"\r\n\r\n"


def _words(rng: Random) -> list[bytes]:
    words = ["".join(rng.choices(ascii_lowercase, k=rng.randrange(1, 9))).encode() for _ in range(rng.randrange(1, 30))]
    return [word + rng.choice([b" ", b"\r\n", b": ", b"/", b"\0", b"\t"]) for word in words]


def _vendor(rng: Random) -> str:
    return rng.choice([*ACCOUNTS, *ACCOUNTS, "runway", "admin", "trial", "VIDU", "x" * 40, "_", "..", "%00"])
