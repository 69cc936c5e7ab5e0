import asyncio
import socket
import traceback
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from providers.call import MOST_BYTES, Api, Fault, by_status, read_retry_after, without
from providers.contract import ErrorKind, ProviderError, Reason
from tests.providers.lab import Vendor, read_request, reply

KEY = "vda_5up3r-s3cr3t"
NOW = 1_700_000_000.0


def explain(status: int, payload: Mapping[str, Any]) -> Fault:
    kind, reason = by_status(status)
    return kind, reason, str(payload.get("message", ""))


def api(session: aiohttp.ClientSession, *urls: str, key: str = KEY, deadline: float = 10.0) -> Api:
    return Api(session, urls, lambda: {"Authorization": f"Token {key}"}, explain, clock=lambda: NOW, deadline=deadline)


async def fails(api: Api, method: str = "POST") -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await api.call(method, "/path", json={"prompt": "hello"} if method == "POST" else None)
    error = caught.value
    told = "".join(traceback.format_exception(error)) + repr(error) + str(error) + repr(error.args)
    assert KEY not in told
    assert "127.0.0.1" not in told
    assert error.__context__ is None
    assert error.__cause__ is None
    assert len(error.detail) <= 300
    return error


async def test_an_answer_is_the_json_object_and_the_request_carries_key_and_body(
    vendor: Vendor, session: aiohttp.ClientSession
) -> None:
    vendor.answers = [reply(200, {"task_id": "1"})]
    assert await api(session, vendor.url + "/").call("POST", "/a/b", json={"x": "é"}, query={"q": "a b&c"}) == {
        "task_id": "1"
    }
    request = vendor.last
    assert (request.method, request.path, request.query) == ("POST", "/a/b", {"q": "a b&c"})
    assert request.headers["authorization"] == f"Token {KEY}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept-encoding"] == "identity"
    assert request.json == {"x": "é"}


async def test_a_post_without_body_says_so(vendor: Vendor, session: aiohttp.ClientSession) -> None:
    await api(session, vendor.url).call("POST", "/cancel")
    assert vendor.last.headers.get("content-length") == "0"
    assert vendor.last.body == b""


async def test_a_large_body_arrives_whole(vendor: Vendor, session: aiohttp.ClientSession) -> None:
    await api(session, vendor.url).call("POST", "/", json={"image": "A" * 3_000_000})
    assert len(vendor.last.json["image"]) == 3_000_000


async def test_no_connection_is_used_twice_so_that_no_stale_one_makes_a_submit_doubtful(
    vendor: Vendor, session: aiohttp.ClientSession
) -> None:
    calls = api(session, vendor.url)
    await calls.call("GET", "/")
    await calls.call("POST", "/", json={})
    assert vendor.connections == 2
    assert vendor.requests[0].headers["connection"] == "close"


async def test_a_path_is_sent_as_it_is(vendor: Vendor, session: aiohttp.ClientSession) -> None:
    await api(session, vendor.url).call("GET", "/tasks/a%2Fb%3Fc/creations")
    assert vendor.last.target == "/tasks/a%2Fb%3Fc/creations"


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (400, ErrorKind.REJECTED, Reason.BAD_ORDER),
        (401, ErrorKind.REJECTED, Reason.ACCESS),
        (402, ErrorKind.REJECTED, Reason.CREDIT),
        (403, ErrorKind.REJECTED, Reason.ACCESS),
        (404, ErrorKind.REJECTED, Reason.ACCESS),
        (408, ErrorKind.UNKNOWN, Reason.VENDOR),
        (409, ErrorKind.REJECTED, Reason.BAD_ORDER),
        (422, ErrorKind.REJECTED, Reason.BAD_ORDER),
        (429, ErrorKind.THROTTLED, Reason.BUSY),
        (499, ErrorKind.UNKNOWN, Reason.VENDOR),
        (500, ErrorKind.UNKNOWN, Reason.VENDOR),
        (502, ErrorKind.UNKNOWN, Reason.VENDOR),
        (503, ErrorKind.UNKNOWN, Reason.VENDOR),
        (599, ErrorKind.UNKNOWN, Reason.VENDOR),
    ],
)
async def test_a_status_says_whether_something_may_have_been_made(
    vendor: Vendor, session: aiohttp.ClientSession, status: int, kind: ErrorKind, reason: Reason
) -> None:
    vendor.answers = [reply(status, {"message": "no\nbecause \x1b[31m of https://hooks.example/callbacks/x/token"})]
    error = await fails(api(session, vendor.url))
    assert (error.kind, error.reason) == (kind, reason)
    assert error.detail == f"HTTP {status} no because [31m of <address>"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, ErrorKind.REJECTED),
        (302, ErrorKind.UNKNOWN),
        (303, ErrorKind.UNKNOWN),
        (307, ErrorKind.REJECTED),
        (308, ErrorKind.REJECTED),
    ],
)
async def test_a_redirect_is_an_error_and_takes_the_key_nowhere(
    vendor: Vendor, session: aiohttp.ClientSession, status: int, kind: ErrorKind
) -> None:
    elsewhere = Vendor()
    await elsewhere.start()
    vendor.answers = [reply(status, {}, {"Location": elsewhere.url + "/path"})]
    assert (await fails(api(session, vendor.url))).kind is kind
    assert elsewhere.connections == 0
    await elsewhere.stop()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>ok</html>",
        b"[]",
        b"null",
        b'"text"',
        b'{"a": NaN}',
        b'{"a": 1',
        b"\xff\xfe{\x00}\x00",
        b'{"a": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
async def test_a_200_without_a_json_object_leaves_it_open(
    vendor: Vendor, session: aiohttp.ClientSession, body: bytes
) -> None:
    vendor.answers = [reply(200, body)]
    error = await fails(api(session, vendor.url))
    assert (error.kind, error.reason) == (ErrorKind.UNKNOWN, Reason.VENDOR)


@pytest.mark.parametrize("body", [b"", b"null", b"ok", b"{}"])
async def test_where_the_body_does_not_matter_a_2xx_is_enough(
    vendor: Vendor, session: aiohttp.ClientSession, body: bytes
) -> None:
    vendor.answers = [reply(200, body)]
    assert await api(session, vendor.url).call("POST", "/cancel", any_body=True) == {}


async def test_a_refusal_in_html_is_still_a_refusal(vendor: Vendor, session: aiohttp.ClientSession) -> None:
    vendor.answers = [reply(403, b"<html>blocked</html>", {"Content-Type": "text/html"})]
    error = await fails(api(session, vendor.url))
    assert (error.kind, error.reason, error.detail) == (ErrorKind.REJECTED, Reason.ACCESS, "HTTP 403")


async def test_an_answer_up_to_the_cap_is_read_and_one_above_it_leaves_it_open(
    vendor: Vendor, session: aiohttp.ClientSession
) -> None:
    filler = MOST_BYTES - len('{"a": ""}')
    vendor.answers = [reply(200, {"a": "x" * filler}), reply(200, {"a": "x" * (filler + 1)})]
    assert len((await api(session, vendor.url).call("GET", "/"))["a"]) == filler
    with pytest.raises(ProviderError) as caught:
        await api(session, vendor.url).call("GET", "/")
    assert caught.value.kind is ErrorKind.UNKNOWN


async def test_an_answer_may_repeat_what_was_sent(vendor: Vendor, session: aiohttp.ClientSession) -> None:
    picture = {"a": "x" * MOST_BYTES}
    vendor.answers = [reply(200, picture), reply(200, {**picture, "b": "y" * MOST_BYTES})]
    assert await api(session, vendor.url).call("POST", "/", json=picture) == picture
    with pytest.raises(ProviderError) as caught:
        await api(session, vendor.url).call("POST", "/", json=picture)
    assert caught.value.kind is ErrorKind.UNKNOWN


async def test_an_answer_that_is_long_for_what_was_sent_has_no_more_values_than_a_usual_one(
    vendor: Vendor, session: aiohttp.ClientSession
) -> None:
    picture = {"a": "x" * 3 * MOST_BYTES, "prompt": "," * 1000}
    few, many = {**picture, "b": [0] * 20_000}, {"b": [0] * (MOST_BYTES + 2000)}  # as many would take seconds to read
    vendor.answers = [reply(200, few), reply(200, many)]
    assert await api(session, vendor.url).call("POST", "/", json=picture) == few
    with pytest.raises(ProviderError) as caught:
        await api(session, vendor.url).call("POST", "/", json=picture)
    assert caught.value.kind is ErrorKind.UNKNOWN


async def test_a_list_may_be_longer_than_a_task(vendor: Vendor, session: aiohttp.ClientSession) -> None:
    vendor.answers = [reply(200, {"a": "x" * MOST_BYTES})]
    long = await api(session, vendor.url).call("GET", "/", most_bytes=2 * MOST_BYTES)
    assert len(long["a"]) == MOST_BYTES
    assert MOST_BYTES <= 128 * 1024  # a task that is read at a stroke must not hold the program up


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("Tue, 14 Nov 2023 22:13:50 GMT", 30.0),
        ("Tue, 14 Nov 2023 22:13:00 GMT", 0.0),
        ("999999", 3600.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3600.0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
async def test_throttling_tells_how_long_to_wait_in_both_forms(
    vendor: Vendor, session: aiohttp.ClientSession, header: str, seconds: float | None
) -> None:
    vendor.answers = [reply(429, {"message": "slow down"}, {"Retry-After": header})]
    error = await fails(api(session, vendor.url))
    assert (error.kind, error.retry_after) == (ErrorKind.THROTTLED, seconds)


@pytest.mark.parametrize("value", ["٣", "1" * 400, "Tue, 99 Foo 2023", "\x00", "Mon, 01 Jan 0001 00:00:00 +2359"])
def test_a_strange_retry_after_is_ignored_or_cut(value: str) -> None:
    assert read_retry_after(value, NOW) in (None, 0.0, 3600.0)


async def test_a_key_repeated_by_the_vendor_does_not_reach_the_log(
    vendor: Vendor, session: aiohttp.ClientSession
) -> None:
    vendor.answers = [reply(401, {"message": f"the key {KEY} is not valid"})]
    assert (await fails(api(session, vendor.url))).detail == "HTTP 401 the key <key> is not valid"


def test_no_long_piece_of_a_key_stays_in_what_a_vendor_says() -> None:
    key = "sk-0123456789abcdefghijklmnop"
    assert without([key], f"bad key {key[:15]}...{key[-12:]}!") == "bad key <key>...<key>!"
    assert without([key], f"{key}{key}") == "<key><key>"
    assert without([key], f"ends in {key[-11:]}") == f"ends in {key[-11:]}"
    assert without(["short1"], "short1 and short") == "<key> and short"


async def test_a_connection_closed_without_an_answer_leaves_it_open(
    vendor: Vendor, session: aiohttp.ClientSession
) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader, writer)

    vendor.misbehave = hang_up
    assert (await fails(api(session, vendor.url))).kind is ErrorKind.UNKNOWN


async def test_a_connection_reset_leaves_it_open(vendor: Vendor, session: aiohttp.ClientSession) -> None:
    async def reset(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader, writer)
        opened = writer.get_extra_info("socket")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        writer.transport.abort()

    vendor.misbehave = reset
    assert (await fails(api(session, vendor.url))).kind is ErrorKind.UNKNOWN


@pytest.mark.parametrize(
    ("cut", "kind"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", ErrorKind.UNKNOWN),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{", ErrorKind.UNKNOWN),
        (b"HTTP/1.1 400 No\r\nContent-Length: 100\r\n\r\n{", ErrorKind.REJECTED),
        (b"HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\n{", ErrorKind.UNKNOWN),
        (b"HTTP/1.1 200 OK\r\nContent-Le", ErrorKind.UNKNOWN),
        (b"SSH-2.0-OpenSSH_9.2\r\n", ErrorKind.UNKNOWN),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nzz", ErrorKind.UNKNOWN),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", ErrorKind.UNKNOWN),
    ],
)
async def test_an_answer_cut_short_is_worth_its_status_only_when_that_is_a_refusal(
    vendor: Vendor, session: aiohttp.ClientSession, cut: bytes, kind: ErrorKind
) -> None:
    vendor.answers = [cut]
    assert (await fails(api(session, vendor.url))).kind is kind


async def test_an_answer_after_the_deadline_leaves_it_open(vendor: Vendor, session: aiohttp.ClientSession) -> None:
    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader, writer)
        await vendor.release.wait()

    vendor.misbehave = wait
    error = await fails(api(session, vendor.url, deadline=0.2))
    assert (error.kind, error.detail) == (ErrorKind.UNKNOWN, "no answer in time")


async def test_a_body_that_never_ends_leaves_it_open(vendor: Vendor, session: aiohttp.ClientSession) -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader, writer)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{")
        await vendor.release.wait()

    vendor.misbehave = drip
    assert (await fails(api(session, vendor.url, deadline=0.2))).kind is ErrorKind.UNKNOWN


def closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Nowhere(AbstractResolver):
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        raise OSError(None, f"no such host as {host}")

    async def close(self) -> None:
        pass


async def test_a_refused_connection_was_not_sent_and_the_alternate_is_used(
    vendor: Vendor, session: aiohttp.ClientSession
) -> None:
    primary = f"http://127.0.0.1:{closed_port()}"
    assert (await fails(api(session, primary))).kind is ErrorKind.NOT_SENT
    vendor.answers = [reply(200, {"task_id": "1"})]
    assert await api(session, primary, vendor.url).call("POST", "/", json={}) == {"task_id": "1"}
    assert len(vendor.requests) == 1


async def test_a_name_that_does_not_resolve_was_not_sent_and_the_alternate_is_used(vendor: Vendor) -> None:
    connector = aiohttp.TCPConnector(resolver=Nowhere())
    async with aiohttp.ClientSession(connector=connector) as session:
        assert (await fails(api(session, "https://api.nowhere.example"))).kind is ErrorKind.NOT_SENT
        assert await api(session, "https://api.nowhere.example", vendor.url).call("POST", "/", json={}) == {}
    assert len(vendor.requests) == 1


async def test_a_failed_tls_handshake_was_not_sent_and_the_alternate_is_used(
    vendor: Vendor, session: aiohttp.ClientSession
) -> None:
    async def speak_no_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Plain\r\n\r\n")

    primary = Vendor()
    primary.misbehave = speak_no_tls
    await primary.start()
    url = primary.url.replace("http:", "https:")
    assert (await fails(api(session, url))).kind is ErrorKind.NOT_SENT
    assert await api(session, url, vendor.url).call("POST", "/", json={}) == {}
    await primary.stop()


@pytest.mark.parametrize("status", [200, 302, 400, 429, 500, 503])
async def test_the_alternate_is_not_used_once_the_primary_has_answered(
    vendor: Vendor, session: aiohttp.ClientSession, status: int
) -> None:
    alternate = Vendor()
    await alternate.start()
    vendor.answers = [reply(status, b"no json")]
    await fails(api(session, vendor.url, alternate.url))
    assert alternate.connections == 0
    await alternate.stop()


async def test_the_alternate_is_not_used_once_something_was_sent(
    vendor: Vendor, session: aiohttp.ClientSession
) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader, writer)

    alternate = Vendor()
    await alternate.start()
    vendor.misbehave = hang_up
    await fails(api(session, vendor.url, alternate.url))
    assert alternate.connections == 0
    await alternate.stop()


@pytest.mark.parametrize("url", ["", "not a url", "ftp://example.org", "http://", "http://[::1"])
async def test_a_wrong_address_in_the_settings_was_not_sent(session: aiohttp.ClientSession, url: str) -> None:
    assert (await fails(api(session, url))).kind is ErrorKind.NOT_SENT


async def test_no_address_at_all_was_not_sent(session: aiohttp.ClientSession) -> None:
    assert (await fails(api(session))).kind is ErrorKind.NOT_SENT


@pytest.mark.parametrize("key", ["line\r\nX-Other: 1", "ключ", "nul\x00"])
async def test_a_key_that_no_header_can_carry_is_not_sent(
    vendor: Vendor, session: aiohttp.ClientSession, key: str
) -> None:
    error = await fails(api(session, vendor.url, key=key))
    assert (error.kind, error.reason) == (ErrorKind.NOT_SENT, Reason.ACCESS)
    assert vendor.connections == 0


async def test_a_closed_session_raises_nothing_else(vendor: Vendor) -> None:
    async with aiohttp.ClientSession() as session:
        calls = api(session, vendor.url)
    assert (await fails(calls)).kind in (ErrorKind.UNKNOWN, ErrorKind.NOT_SENT)
