"""The stand-ins sign and read as the vendors do: against the vectors that the vendors publish."""

import time

import jwt
import pytest

from sandbox.vendors.book import Refusal
from sandbox.vendors.signing import (
    check_jwt,
    hmac_sha256,
    http_date,
    standard_webhooks_headers,
    vidu_headers,
    vidu_signing_string,
)

URL = "http://127.0.0.1:8080/vidu/callback?name=james&age=36"
DATE = "Tue, 06 May 2025 12:09:42 GMT"
AT = 1746533382
NONCE = "123e4567-e89b-12d3-a456-426614174000"
SECRET = "s" * 32


def test_vidu_signing_string_is_that_of_its_worked_example() -> None:
    assert vidu_signing_string("POST", URL, DATE, [("Date", DATE), ("x-request-nonce", NONCE)]) == (
        "POST\n/vidu/callback\nname=james&age=36\nvidu\nTue, 06 May 2025 12:09:42 GMT\n"
        "Date:Tue, 06 May 2025 12:09:42 GMT\nx-request-nonce:123e4567-e89b-12d3-a456-426614174000\n"
    )


def test_vidu_headers_sign_date_and_nonce_with_the_api_key() -> None:
    assert vidu_headers("test-secret", URL, AT, NONCE) == {
        "Date": DATE,
        "x-request-nonce": NONCE,
        "X-HMAC-SIGNED-HEADERS": "Date;x-request-nonce",
        "X-HMAC-ALGORITHM": "hmac-sha256",
        "X-HMAC-ACCESS-KEY": "vidu",
        "X-HMAC-SIGNATURE": "j5PqAvWXa6OnegZaBR9I0Gw5K+qmyDCNElqvJoJ0my8=",
    }
    assert vidu_headers("other", URL, AT, NONCE)["X-HMAC-SIGNATURE"] != "j5PqAvWXa6OnegZaBR9I0Gw5K+qmyDCNElqvJoJ0my8="


def test_an_address_without_path_and_query_keeps_their_lines() -> None:
    assert vidu_signing_string("post", "http://host", DATE, []) == f"POST\n/\n\nvidu\n{DATE}\n"


def test_the_mac_is_that_of_the_published_gateway_example() -> None:
    text = (
        "GET\n/index.html\nage=36&name=james\nuser-key\nTue, 19 Jan 2021 11:33:20 GMT\n"
        "User-Agent:curl/7.29.0\nx-custom-a:test\n"
    )
    assert hmac_sha256(b"my-secret-key", text.encode()) == "8XV1GB7Tq23OJcoz6wjqTs4ZLxr9DiLoY4PxzScWGYg="


def test_kling_headers_are_those_of_its_official_vector() -> None:
    body = (
        b'{"id":"1234567890","status":"succeeded","message":"","create_time":1781080778802,"update_time":1781080794151}'
    )
    secret = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
    assert standard_webhooks_headers(secret, "9876543210", 1781080794.9, body) == {
        "webhook-id": "9876543210",
        "webhook-timestamp": "1781080794",
        "webhook-signature": "v1,UsKlJP00XoQyOn410NM9xv34sP+Gl0jnOO9Lcpr7NJ4=",
    }


def test_http_date_does_not_depend_on_the_place() -> None:
    assert http_date(AT) == DATE


def token(secret: str = SECRET, algorithm: str = "HS256", **changes: object) -> str:
    now = int(time.time())
    claims = {"iss": "access", "exp": now + 1800, "nbf": now - 5} | changes
    return jwt.encode({name: value for name, value in claims.items() if value is not None}, secret, algorithm)


def test_a_token_made_by_a_jwt_library_is_taken() -> None:
    check_jwt(token(), "access", SECRET, time.time())


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (token("t" * 32), 1000),
        (token("t" * 64, "HS512"), 1000),
        (token(iss="someone"), 1002),
        (token(exp=None), 1002),
        (token(nbf=None), 1002),
        (token(nbf=int(time.time()) + 600), 1003),
        (token(exp=int(time.time()) - 1), 1004),
        ("not a token", 1002),
        ("a.b.c", 1002),
        (token("", "none"), 1000),
    ],
)
def test_a_token_that_is_not_in_order_is_refused_with_its_own_code(made: str, code: int) -> None:
    with pytest.raises(Refusal) as refused:
        check_jwt(made, "access", SECRET, time.time())
    assert (refused.value.status, refused.value.reason) == (401, code)
