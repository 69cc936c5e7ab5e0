import base64
import contextlib
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import signatures
from providers.contract import Callback, NotAuthentic
from tests.providers.lab import raw

# The string and its parts are Vidu's published example; the signatures over it were computed with OpenSSL and Python.
PATH = "/vidu/callback?name=james&age=36"
DATE = b"Tue, 06 May 2025 12:09:42 GMT"
NONCE = b"123e4567-e89b-12d3-a456-426614174000"
WHEN = 1746533382.0
VECTORS = [
    ("test-secret", b"j5PqAvWXa6OnegZaBR9I0Gw5K+qmyDCNElqvJoJ0my8="),
    ("vda_test_secret", b"NPh3qkvh2qDB3e8NbcSL4lpYvLveDSUkfJug6u/K46g="),
    ("vda_test_0123456789", b"ENfBR6NTJgAaiitdmt3YptgT297dEb/GhH6ps19Gx0s="),
]
KEY, SIGNATURE = VECTORS[0]


def vidu(
    signature: bytes = SIGNATURE, path: str = PATH, changes: dict[str, bytes] | None = None, **named: bytes
) -> Callback:
    """Vidu's callback, with headers changed by name, with _ for -."""
    headers: dict[str, bytes] = {
        "Content-Type": b"application/json",
        "Date": DATE,
        "x-request-nonce": NONCE,
        "X-HMAC-SIGNED-HEADERS": b"Date;x-request-nonce",
        "X-HMAC-SIGNATURE": signature,
        "X-HMAC-ALGORITHM": b"hmac-sha256",
        "X-HMAC-ACCESS-KEY": b"vidu",
    }
    headers |= {name.replace("_", "-"): value for name, value in {**(changes or {}), **named}.items()}
    return Callback(path, [(name.encode(), value) for name, value in headers.items()], b"{}")


def signed(lines: bytes, *, key: str = KEY, path: bytes = b"/cb", date: bytes = DATE, word: bytes = b"vidu") -> bytes:
    text = b"POST\n" + path + b"\n\n" + word + b"\n" + date + b"\n" + lines
    return base64.b64encode(hmac.new(key.encode(), text, hashlib.sha256).digest())


def refused(call: Callable[[], object]) -> NotAuthentic:
    with pytest.raises(NotAuthentic) as caught:
        call()
    return caught.value


@pytest.mark.parametrize(("key", "signature"), VECTORS)
def test_vidus_worked_example_is_authentic_and_its_nonce_names_the_delivery(key: str, signature: bytes) -> None:
    assert signatures.vidu(vidu(signature), [key], WHEN) == NONCE.decode()


def test_the_text_is_the_one_vidu_publishes() -> None:
    headers = [(b"Date", DATE), (b"x-request-nonce", NONCE)]
    assert signatures.hmac_text("POST", "/vidu/callback", "name=james&age=36", "vidu", DATE, headers) == (
        b"POST\n/vidu/callback\nname=james&age=36\nvidu\nTue, 06 May 2025 12:09:42 GMT\n"
        b"Date:Tue, 06 May 2025 12:09:42 GMT\nx-request-nonce:123e4567-e89b-12d3-a456-426614174000\n"
    )


def test_the_construction_agrees_with_the_vector_apisix_publishes() -> None:
    headers = [(b"User-Agent", b"curl/7.29.0"), (b"x-custom-a", b"test")]
    date = b"Tue, 19 Jan 2021 11:33:20 GMT"
    text = signatures.hmac_text("GET", "/index.html", "age=36&name=james", "user-key", date, headers)
    expected = b"8XV1GB7Tq23OJcoz6wjqTs4ZLxr9DiLoY4PxzScWGYg="
    assert signatures.matches(text, [b"my-secret-key"], [expected])
    assert not signatures.matches(text[:-1], [b"my-secret-key"], [expected])


def test_a_query_in_another_order_is_another_signature() -> None:
    refused(lambda: signatures.vidu(vidu(path="/vidu/callback?age=36&name=james"), [KEY], WHEN))
    sorted_query = vidu(b"uAXmarsVvDWJPw90NE4RjZumYyJ0tDkFSetOQykmdhc=", "/vidu/callback?age=36&name=james")
    assert signatures.vidu(sorted_query, [KEY], WHEN)


def test_any_of_our_keys_may_have_made_the_task() -> None:
    assert signatures.vidu(vidu(), ["new-key", KEY, "older"], WHEN)
    refused(lambda: signatures.vidu(vidu(), ["new-key", "older"], WHEN))
    refused(lambda: signatures.vidu(vidu(), [], WHEN))


def test_an_empty_key_signs_nothing() -> None:
    lines = b"Date:" + DATE + b"\nx-request-nonce:" + NONCE + b"\n"
    refused(lambda: signatures.vidu(vidu(signed(lines, key=""), "/cb"), [""], WHEN))


def test_an_empty_path_is_signed_as_a_slash() -> None:
    lines = b"Date:" + DATE + b"\nx-request-nonce:" + NONCE + b"\n"
    assert signatures.vidu(vidu(signed(lines, path=b"/"), ""), [KEY], WHEN)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"Date": b"Tue, 06 May 2025 12:09:43 GMT"}, "another signature"),
        ({"x_request_nonce": b"another"}, "another signature"),
        ({"X_HMAC_SIGNED_HEADERS": b"x-request-nonce;Date"}, "another signature"),
        ({"X_HMAC_SIGNED_HEADERS": b"date;x-request-nonce"}, "another signature"),
        ({"X_HMAC_SIGNED_HEADERS": b"Date;x-request-nonce;Content-Type"}, "another signature"),
        ({"X_HMAC_SIGNED_HEADERS": b""}, "malformed"),
        ({"X_HMAC_SIGNED_HEADERS": b"Date;x-request-nonce;"}, "malformed"),
        ({"X_HMAC_SIGNED_HEADERS": b"Date; x-request-nonce"}, "malformed"),
        ({"X_HMAC_SIGNED_HEADERS": b"Date;x-request-nonce;DATE"}, "malformed"),
        ({"X_HMAC_SIGNED_HEADERS": b"Date;x-request-nonce;a;b;c;d;e;f;g"}, "malformed"),
        ({"X_HMAC_SIGNED_HEADERS": b"Date;x-request-nonce;a;b;c;d;e;f"}, "did not come once"),
        ({"X_HMAC_SIGNED_HEADERS": b"Date"}, "not signed"),
        ({"X_HMAC_SIGNED_HEADERS": b"x-request-nonce"}, "not signed"),
        ({"X_HMAC_ALGORITHM": b"hmac-sha1"}, "algorithm"),
        ({"X_HMAC_ALGORITHM": b"HMAC-SHA256"}, "algorithm"),
        ({"X_HMAC_ALGORITHM": b"none"}, "algorithm"),
        ({"X_HMAC_ALGORITHM": b""}, "algorithm"),
        ({"X_HMAC_ACCESS_KEY": b"VIDU"}, "access key"),
        ({"X_HMAC_ACCESS_KEY": KEY.encode()}, "access key"),
        ({"X_HMAC_SIGNATURE": b""}, "another signature"),
        ({"X_HMAC_SIGNATURE": SIGNATURE[:-1]}, "base64"),
        ({"X_HMAC_SIGNATURE": SIGNATURE + b"!!"}, "base64"),
        ({"X_HMAC_SIGNATURE": SIGNATURE + b"="}, "base64"),  # the same bytes to a lenient reader
        ({"X_HMAC_SIGNATURE": SIGNATURE[:-2] + b"9="}, "base64"),  # likewise, by two bits that nobody reads
        ({"X_HMAC_SIGNATURE": b" " + SIGNATURE}, "base64"),
        ({"X_HMAC_SIGNATURE": SIGNATURE.replace(b"+", b"-")}, "base64"),
        ({"X_HMAC_SIGNATURE": "ключ".encode()}, "base64"),
        ({"X_HMAC_SIGNATURE": SIGNATURE[:20] + b"\x00" + SIGNATURE[20:]}, "header value"),
        ({"X_HMAC_SIGNATURE": b"A" * 5000}, "header value"),
        ({"x_request_nonce": b""}, "nonce"),
        ({"x_request_nonce": b"a b"}, "nonce"),
        ({"x_request_nonce": b"n" * 201}, "nonce"),
        ({"x_request_nonce": "é".encode()}, "nonce"),
    ],
)
def test_a_vidu_callback_altered_anywhere_is_refused(changes: dict[str, bytes], why: str) -> None:
    error = refused(lambda: signatures.vidu(vidu(changes=changes), [KEY], WHEN))
    assert why in str(error)
    assert not error.stale


@pytest.mark.parametrize("path", ["/", "/vidu/callback", "/vidu/callback?", "/vidu/callback/?name=james&age=36", "/é"])
def test_a_vidu_callback_for_another_path_is_refused(path: str) -> None:
    refused(lambda: signatures.vidu(vidu(path=path), [KEY], WHEN))


AUTH_HEADERS = [
    "Date",
    "x-request-nonce",
    "X-HMAC-SIGNED-HEADERS",
    "X-HMAC-SIGNATURE",
    "X-HMAC-ALGORITHM",
    "X-HMAC-ACCESS-KEY",
]


@pytest.mark.parametrize("name", AUTH_HEADERS)
@pytest.mark.parametrize("first", [True, False])
def test_an_auth_header_that_is_missing_doubled_or_underscored_is_refused(name: str, first: bool) -> None:
    whole = vidu()
    key = name.encode()
    value = dict(whole.headers)[key]
    without = [pair for pair in whole.headers if pair[0] != key]
    assert "did not come once" in str(refused(lambda: signatures.vidu(replace(whole, headers=without), [KEY], WHEN)))
    again = (key.swapcase(), value)
    doubled = [again, *whole.headers] if first else [*whole.headers, again]
    assert "did not come once" in str(refused(lambda: signatures.vidu(replace(whole, headers=doubled), [KEY], WHEN)))
    underscored = [*without, (key.replace(b"-", b"_"), value)]
    if b"-" in key:
        refused(lambda: signatures.vidu(replace(whole, headers=underscored), [KEY], WHEN))


def test_a_signed_header_that_came_twice_is_refused() -> None:
    lines = b"Date:" + DATE + b"\nx-request-nonce:" + NONCE + b"\nx-more:1\n"
    names = b"Date;x-request-nonce;x-more"
    good = vidu(signed(lines), "/cb", X_HMAC_SIGNED_HEADERS=names, x_more=b"1")
    assert signatures.vidu(good, [KEY], WHEN)
    twice = replace(good, headers=[*good.headers, (b"X-More", b"1")])
    refused(lambda: signatures.vidu(twice, [KEY], WHEN))


@pytest.mark.parametrize(
    "date",
    [
        b"",
        b"1746533382",
        b"Tue, 06 May 2025 12:09:42",
        b"Tue, 06 May 2025 12:09:42 UTC",
        b"Tue, 06 May 2025 12:09:42 +0000",
        b"Tue, 6 May 2025 12:09:42 GMT",
        b"Tue, 31 Feb 2025 12:09:42 GMT",
        b"Tue, 06 May 0000 12:09:42 GMT",
        b"Tue, 06 May 2025 24:09:42 GMT",
        b"Tue, 06 May 2025 12:09:60 GMT",
        b"tue, 06 may 2025 12:09:42 gmt",
        b"Tue, 06 May 2025 12:09:42 GMT ",
        b"2025-05-06T12:09:42Z",
        "Tue, \u0660\u0666 May 2025 12:09:42 GMT".encode(),
    ],
)
def test_a_date_in_another_form_is_refused_although_signed(date: bytes) -> None:
    lines = b"Date:" + date + b"\nx-request-nonce:" + NONCE + b"\n"
    error = refused(lambda: signatures.vidu(vidu(signed(lines, date=date), "/cb", Date=date), [KEY], WHEN))
    assert "the date is none" in str(error)
    assert not error.stale


@pytest.mark.parametrize("offset", [-300, -299.5, 0, 300])
def test_a_date_within_five_minutes_is_fresh_on_both_sides(offset: float) -> None:
    assert signatures.vidu(vidu(), [KEY], WHEN + offset)
    assert signatures.standard_webhooks(webhook(), [SECRET], STAMP + offset)


@pytest.mark.parametrize("offset", [-300.1, 300.1, -86400, 1e9, float("inf"), float("nan")])
def test_an_authentic_callback_out_of_time_is_refused_as_stale(offset: float) -> None:
    assert refused(lambda: signatures.vidu(vidu(), [KEY], WHEN + offset)).stale
    assert refused(lambda: signatures.standard_webhooks(webhook(), [SECRET], STAMP + offset)).stale


def test_a_forged_callback_out_of_time_is_not_called_stale() -> None:
    assert not refused(lambda: signatures.vidu(vidu(), ["another"], WHEN + 1000)).stale
    assert not refused(lambda: signatures.standard_webhooks(webhook(), [OTHER], STAMP + 1000)).stale


# Kling's published example.
SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
OTHER = "whsec_b3RoZXJzZWNyZXRvdGhlcnNlY3JldG90aGVyc2VjcmV0"
STAMP = 1781080794.0
BODY = b'{"id":"1234567890","status":"succeeded","message":"","create_time":1781080778802,"update_time":1781080794151}'
GIVEN = b"v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4="


def webhook(
    signature: bytes = GIVEN, body: bytes = BODY, delivery: bytes = b"9876543210", stamp: bytes = b"1781080794"
) -> Callback:
    headers = [(b"webhook-id", delivery), (b"Webhook-Timestamp", stamp), (b"webhook-signature", signature)]
    return Callback("/cb", headers, body)


def test_klings_example_is_authentic_and_its_id_names_the_delivery() -> None:
    assert signatures.standard_webhooks(webhook(), [SECRET], STAMP) == "9876543210"


def test_during_a_rotation_any_signature_under_any_secret_is_good() -> None:
    many = b"v1a,xx v1,AAAA " + GIVEN + b" v1,!!"
    assert signatures.standard_webhooks(webhook(many), [OTHER, SECRET], STAMP)
    assert signatures.standard_webhooks(webhook(), ["whsec_not base64", SECRET.removeprefix("whsec_")], STAMP)


@pytest.mark.parametrize(
    "callback",
    [
        webhook(body=BODY + b" "),
        webhook(body=b""),
        webhook(delivery=b"9876543211"),
        webhook(stamp=b"1781080795"),
        webhook(delivery=b""),
        webhook(delivery=b"9876543210.1781080794"),
        webhook(delivery=b"a b"),
        webhook(delivery="é".encode()),
        webhook(stamp=b""),
        webhook(stamp=b"-1781080794"),
        webhook(stamp=b"1781080794.0"),
        webhook(stamp=b"1" * 13),
        webhook(stamp="\u0661\u0667".encode()),
        webhook(stamp=b"1781080794\x00"),
        webhook(b""),
        webhook(b"v1,"),
        webhook(b"v1"),
        webhook(GIVEN.removeprefix(b"v1,")),
        webhook(GIVEN.replace(b"v1,", b"v2,")),
        webhook(GIVEN.replace(b"v1,", b"v1a,")),
        webhook(GIVEN + b"A"),
        webhook(b" ".join([b"v1,AAAA"] * 16 + [GIVEN])),
        webhook(b"v1," + b"A" * 100_000),
        webhook(b"\xff\xfe"),
    ],
)
def test_a_webhook_altered_anywhere_is_refused(callback: Callback) -> None:
    refused(lambda: signatures.standard_webhooks(callback, [SECRET], STAMP))


@pytest.mark.parametrize("index", [0, 1, 2])
def test_a_webhook_header_that_is_missing_or_doubled_is_refused(index: int) -> None:
    whole = webhook()
    without = [pair for place, pair in enumerate(whole.headers) if place != index]
    doubled = [*whole.headers, whole.headers[index]]
    refused(lambda: signatures.standard_webhooks(replace(whole, headers=without), [SECRET], STAMP))
    refused(lambda: signatures.standard_webhooks(replace(whole, headers=doubled), [SECRET], STAMP))


@pytest.mark.parametrize("secrets", [[], [""], ["whsec_"], ["whsec_ключ"], ["whsec_%%%"], [OTHER]])
def test_without_the_right_secret_nothing_is_authentic(secrets: list[str]) -> None:
    empty_key = base64.b64encode(hmac.digest(b"", b"9876543210.1781080794." + BODY, "sha256"))
    refused(lambda: signatures.standard_webhooks(webhook(GIVEN + b" v1," + empty_key), secrets, STAMP))


def test_a_static_secret_is_authentic_only_when_equal_once_and_set() -> None:
    signatures.static_secret([(b"X-Webhook-Secret", b"s3cret")], "x-webhook-secret", ["new", "s3cret"])
    for headers in ([], [(b"x-webhook-secret", b"S3cret")], [(b"x-webhook-secret", b"s3cret")] * 2):
        refused(lambda given=headers: signatures.static_secret(given, "x-webhook-secret", ["new", "s3cret"]))
    refused(lambda: signatures.static_secret([(b"x-webhook-secret", b"")], "x-webhook-secret", [""]))
    refused(lambda: signatures.static_secret([(b"x-webhook-secret", b"s3cret")], "x-webhook-secret", []))
    refused(lambda: signatures.static_secret([(b"x-webhook-secret", "é".encode("latin-1"))], "x-webhook-secret", ["é"]))


def test_a_digest_names_body_and_address_together() -> None:
    one = Callback("/cb/1", [], b"{}")
    assert signatures.digest(one) == signatures.digest(replace(one, headers=[(b"date", b"now")]))
    others = {signatures.digest(callback) for callback in (one, replace(one, path="/cb/2"), replace(one, body=b"{} "))}
    assert len(others) == 3
    assert signatures.digest(Callback("/a", [], b"b")) != signatures.digest(Callback("/ab", [], b""))


NAMES = st.sampled_from(
    [name.lower().encode() for name in AUTH_HEADERS]
    + [b"webhook-id", b"webhook-timestamp", b"webhook-signature", b"x-webhook-secret"]
)
VALUES = (
    st.binary(max_size=80)
    | st.sampled_from([DATE, NONCE, SIGNATURE, GIVEN, b"hmac-sha256", b"vidu", b"1781080794", b"Date;x-request-nonce"])
    | st.lists(st.sampled_from([b"Date", b"x-request-nonce", b"\xff", b"", b" "]), max_size=10).map(b";".join)
)
HEADERS = st.lists(st.tuples(NAMES | st.binary(max_size=20), VALUES), max_size=12)


@given(path=st.text(max_size=30), headers=HEADERS, body=st.binary(max_size=50), now=st.floats())
def test_garbage_is_only_ever_not_authentic(
    path: str, headers: list[tuple[bytes, bytes]], body: bytes, now: float
) -> None:
    callback = Callback(path, headers, body)
    for check in (
        lambda: signatures.vidu(callback, [KEY], now),
        lambda: signatures.standard_webhooks(callback, [SECRET], now),
        lambda: signatures.static_secret(headers, "x-webhook-secret", ["s3cret"]),
        lambda: signatures.digest(callback),
    ):
        with contextlib.suppress(NotAuthentic):
            check()


@given(place=st.integers(0, 5), spoilt=st.binary(min_size=1, max_size=60))
def test_vidus_example_with_any_auth_header_replaced_by_garbage_is_refused(place: int, spoilt: bytes) -> None:
    whole = vidu()
    name = AUTH_HEADERS[place].encode()
    if dict(whole.headers)[name] != spoilt:
        changed = [(key, spoilt if key == name else value) for key, value in whole.headers]
        refused(lambda: signatures.vidu(replace(whole, headers=changed), [KEY], WHEN))


def test_the_recorded_console_test_callback_is_authentic_too() -> None:
    body = raw("kling/callback_test.json")
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    mac = base64.b64encode(hmac.digest(key, b"test-1.1781080794." + body, "sha256"))
    assert signatures.standard_webhooks(webhook(b"v1," + mac, body, b"test-1"), [SECRET], STAMP) == "test-1"
