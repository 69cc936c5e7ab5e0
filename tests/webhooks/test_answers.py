"""The table of answers to callbacks, one line at a time."""

import gzip
from pathlib import Path

import pytest

from providers.contract import Trust
from tests.webhooks.harness import GOOD, NOW, Answer, Receiver, hang_up, opened, read_all, read_answer
from webhooks.limits import Limits


def refused(answer: Answer, status: int) -> None:
    """Every refusal reads the same."""
    assert (answer.status, answer.body) == (status, b"refused\n")
    assert answer.headers["server"] == "rushes"


async def test_a_signed_callback_is_stored_and_wakes_the_settling(receiver: Receiver) -> None:
    job = receiver.job()
    answer = await receiver.send(receiver.request(job, "n1", GOOD))
    assert (answer.status, answer.body) == (200, b"ok\n")
    (row,) = receiver.rows()
    assert (row["provider"], row["job_id"], row["delivery_id"]) == ("signer", job, "n1")
    assert (row["trust"], row["body"], row["received_at"]) == ("data", GOOD, int(NOW * 1000))
    assert receiver.ctx.wakes.settle.is_set()
    assert receiver.steps.names(job) == ["callback received", "callback verified", "callback stored"]


async def test_a_repeat_is_answered_200_and_wakes_nobody(receiver: Receiver) -> None:
    job = receiver.job()
    request = receiver.request(job, "n1")
    await receiver.send(request)
    receiver.ctx.wakes.settle.clear()
    assert (await receiver.send(request)).status == 200
    assert len(receiver.rows()) == 1
    assert not receiver.ctx.wakes.settle.is_set()
    assert receiver.steps.names(job)[-1] == "callback repeated"


async def test_a_doorbell_is_stored_as_one(receiver: Receiver) -> None:
    receiver.vendor.trust = Trust.DOORBELL
    await receiver.send(receiver.request(receiver.job(), "n1"))
    assert [row["trust"] for row in receiver.rows()] == ["doorbell"]


@pytest.mark.parametrize("body", [b"", b"[]", b'"x"', b"7", b"null", b"{", b"state=succeeded", b'{"a":1}{"b":2}'])
async def test_what_is_signed_but_no_json_object_is_400(receiver: Receiver, body: bytes) -> None:
    refused(await receiver.send(receiver.request(receiver.job(), "n1", body)), 400)
    assert receiver.rows() == []


async def test_another_signature_is_401_and_changes_nothing(receiver: Receiver) -> None:
    job = receiver.job()
    request = receiver.request(job, "n1", GOOD).replace(b'"succeeded"', b'"SUCCEEDED"')
    refused(await receiver.send(request), 401)
    assert receiver.rows() == []
    assert not receiver.ctx.wakes.settle.is_set()
    assert receiver.steps.told[-1] == ("callback refused", job, {"status": 401, "reason": "another signature"})


async def test_a_signature_made_for_another_job_is_401(receiver: Receiver) -> None:
    here, there = receiver.job(), receiver.job()
    request = receiver.request(here, "n1").replace(receiver.path(here).encode(), receiver.path(there).encode())
    refused(await receiver.send(request), 401)


async def test_the_path_that_counts_is_the_one_we_gave_away(receiver: Receiver) -> None:
    """Host and forwarding headers are the sender's; PUBLIC_URL is ours."""
    request = receiver.request(
        receiver.job(), "n1", more={"X-Forwarded-Host": "evil.example", "X-Forwarded-Prefix": "/x"}
    )
    assert (await receiver.send(request.replace(b"Host: rushes.example", b"Host: evil.example"))).status == 200


async def test_a_verifier_that_breaks_its_promise_fails_closed(receiver: Receiver) -> None:
    receiver.vendor.breaks = RuntimeError("a bug")
    refused(await receiver.send(receiver.request(receiver.job(), "n1")), 401)
    assert receiver.rows() == []


@pytest.mark.parametrize("name", ["X-Nonce", "X-Mac"])
async def test_a_header_that_comes_twice_is_401(receiver: Receiver, name: str) -> None:
    job = receiver.job()
    value = receiver.signed(job, "n1", GOOD)[name]
    request = receiver.request(job, "n1", GOOD).replace(b"\r\n", f"\r\n{name}: {value}\r\n".encode(), 1)
    refused(await receiver.send(request), 401)


def _bent(path: str) -> dict[str, str]:
    token = path.rpartition("/")[2]
    return {
        "query": path + "?a=1",
        "empty query": path + "?",
        "fragment": path + "#x",
        "slash after": path + "/",
        "double slash": path.replace("/callbacks/", "//callbacks/"),
        "double slash inside": path.replace("/signer/", "/signer//"),
        "dots": path.replace("/signer/", "/signer/../signer/"),
        "encoded dots": path.replace("/signer/", "/signer/%2e%2e/signer/"),
        "encoded slash": path.replace("/signer/", "/signer%2F"),
        "encoded letter": path.replace("/signer/", "/%73igner/"),
        "semicolon": path + ";a=1",
        "another case": path.replace("/callbacks/", "/Callbacks/"),
        "absolute form": "http://rushes.example" + path,
        "absolute form of another host": "http://evil.example" + path,
        "token cut": path[:-1],
        "token longer": path + "A",
        "token altered": path[:-1] + ("A" if path[-1] != "A" else "B"),
        "token in capitals": path.replace(token, token.upper()),
        "no token": "/callbacks/signer/",
        "another provider": path.replace("/signer/", "/vidu/"),
        "no provider": "/callbacks/",
        "our own path below PUBLIC_URL": "/base" + path,
        "asterisk": "*",
    }


@pytest.mark.parametrize("how", sorted(_bent("/callbacks/signer/x")))
async def test_an_address_that_is_not_exactly_ours_is_404(receiver: Receiver, how: str) -> None:
    job = receiver.job()
    path = receiver.path(job)
    request = receiver.request(job, "n1").replace(path.encode(), _bent(path)[how].encode())
    answer = await receiver.send(request)
    # Some of them are no request line at all, and then the parser refuses.
    assert answer.status == 404 or (how in {"asterisk", "fragment"} and answer.status in {400, 404})
    assert answer.body == b"refused\n"
    assert receiver.rows() == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
async def test_other_methods_are_405(receiver: Receiver, method: str) -> None:
    reader, writer = await receiver.connect()
    writer.write(receiver.head(method, receiver.path(receiver.job()), {"Connection": "close"}))
    answer = await read_answer(reader, bodiless=method == "HEAD")
    assert (answer.status, answer.headers["allow"]) == (405, "POST")
    await hang_up(writer)


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "deflate", "br", "zstd", "identity, gzip", "x"])
async def test_any_content_encoding_is_415(receiver: Receiver, coding: str) -> None:
    refused(await receiver.send(receiver.request(receiver.job(), "n1", more={"Content-Encoding": coding})), 415)


async def test_identity_is_no_content_encoding(receiver: Receiver) -> None:
    answer = await receiver.send(receiver.request(receiver.job(), "n1", more={"Content-Encoding": "identity"}))
    assert answer.status == 200


async def test_a_gzip_bomb_is_refused_without_a_look_inside(receiver: Receiver) -> None:
    bomb = gzip.compress(bytes(60 * 1024 * 1024), 9)
    coded = {"Content-Encoding": "gzip", "Content-Length": str(len(bomb))}
    refused(await receiver.send(receiver.head("POST", receiver.path(receiver.job()), coded) + bomb), 415)


async def test_nobody_tries_to_unpack_a_body(receiver: Receiver) -> None:
    """What is no gzip at all would break off if anybody did."""
    reader, writer = await receiver.connect()
    request = receiver.head("GET", "/healthz", {"Content-Encoding": "gzip", "Content-Length": "9"}) + b"not gzip!"
    writer.write(request + request)
    assert [(await read_answer(reader)).status for _ in range(2)] == [200, 200]
    await hang_up(writer)


async def test_a_length_that_is_not_said_is_411(receiver: Receiver) -> None:
    request = receiver.head("POST", receiver.path(receiver.job()), receiver.signed(1, "n1", b""))
    refused(await receiver.send(request), 411)


@pytest.mark.parametrize("length", ["65537", "99999999999", "18446744073709551615"])
async def test_a_length_beyond_the_cap_is_413_before_the_body(receiver: Receiver, length: str) -> None:
    request = receiver.head("POST", receiver.path(receiver.job()), {"Content-Length": length})
    refused(await receiver.send(request), 413)


@pytest.mark.parametrize("length", ["-1", "+5", "5 5", "0x10", "", "9" * 5000, "5, 5", "\u0665"])
async def test_a_length_that_is_none_is_400(receiver: Receiver, length: str) -> None:
    request = receiver.head("POST", receiver.path(receiver.job()), {"Content-Length": length})
    refused(await receiver.send(request), 400)


def _chunked(parts: list[bytes]) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


async def test_a_body_may_come_in_chunks(receiver: Receiver) -> None:
    job = receiver.job()
    headers = receiver.signed(job, "n1", GOOD) | {"Transfer-Encoding": "chunked"}
    request = receiver.head("POST", receiver.path(job), headers) + _chunked([GOOD[:3], GOOD[3:]])
    assert (await receiver.send(request)).status == 200
    assert receiver.rows()[0]["body"] == GOOD


async def test_chunks_beyond_the_cap_are_413_though_more_may_come(receiver: Receiver) -> None:
    head = receiver.head("POST", receiver.path(receiver.job()), {"Transfer-Encoding": "chunked"})
    refused(await receiver.send(head + _chunked([b"x" * 8192] * 9)[: -len("0\r\n\r\n")]), 413)


async def test_the_largest_body_allowed_is_taken(receiver: Receiver) -> None:
    job = receiver.job()
    fits = b'{"a":"' + b"x" * (64 * 1024 - 8) + b'"}'
    assert (await receiver.send(receiver.request(job, "n1", fits))).status == 200
    assert receiver.rows()[0]["body"] == fits


@pytest.mark.parametrize(
    "framing",
    [
        {"Transfer-Encoding": "chunked", "Content-Length": "21"},
        {"Transfer-Encoding": "gzip, chunked"},
        {"Transfer-Encoding": "chunked, chunked"},
        {"Transfer-Encoding": "identity"},
        {"Transfer-Encoding": " chunked x"},
    ],
)
async def test_framing_that_could_be_read_in_two_ways_never_stores(receiver: Receiver, framing: dict[str, str]) -> None:
    job = receiver.job()
    head = receiver.head("POST", receiver.path(job), receiver.signed(job, "n1", GOOD) | framing)
    answer = await receiver.send(head + _chunked([GOOD]))
    assert 400 <= answer.status < 500
    assert receiver.rows() == []


@pytest.mark.parametrize("coding", ["gzip, chunked", "chunked, chunked", "identity", "gzip"])
async def test_after_framing_that_could_be_read_in_two_ways_nothing_more_is_read(
    receiver: Receiver, coding: str
) -> None:
    """Where we see its end, another reader may see a beginning: what follows may be somebody else's, or hidden."""
    hidden = receiver.job()
    head = receiver.head("POST", receiver.path(receiver.job()), {"Transfer-Encoding": coding})
    reader, writer = await receiver.connect()
    writer.write(head + _chunked([GOOD]) + receiver.request(hidden, "smuggled"))
    answers = await read_all(reader)
    await hang_up(writer)
    assert answers.count(b"HTTP/1.") == 1
    assert b" 200 " not in answers
    assert receiver.rows() == []


async def test_broken_chunks_are_400(receiver: Receiver) -> None:
    head = receiver.head("POST", receiver.path(receiver.job()), {"Transfer-Encoding": "chunked"})
    refused(await receiver.send(head + b"zz\r\n{}\r\n0\r\n\r\n"), 400)


async def test_a_body_that_comes_too_slowly_is_408(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=Limits(body_seconds=0.05)) as receiver:
        refused(await receiver.send(receiver.request(receiver.job(), "n1", GOOD)[:-1]), 408)
        assert receiver.rows() == []


async def test_a_body_cut_short_is_never_stored(receiver: Receiver) -> None:
    reader, writer = await receiver.connect()
    writer.write(receiver.request(receiver.job(), "n1", GOOD)[:-1])
    writer.write_eof()
    await read_all(reader)
    await hang_up(writer)
    assert receiver.rows() == []


async def test_who_asks_to_be_told_to_continue_is_told(receiver: Receiver) -> None:
    request = receiver.request(receiver.job(), "n1", GOOD, more={"Expect": "100-continue"})
    head, body = request[: -len(GOOD)], request[-len(GOOD) :]
    reader, writer = await receiver.connect()
    writer.write(head)
    assert (await read_answer(reader)).status == 100
    writer.write(body)
    assert (await read_answer(reader)).status == 200
    await hang_up(writer)


async def test_a_refused_body_is_not_taken_for_the_next_request(receiver: Receiver) -> None:
    job = receiver.job()
    inner = receiver.request(job, "n1")
    outer = receiver.head("POST", "/callbacks/signer/wrong", {"Content-Length": str(len(inner))})
    reader, writer = await receiver.connect()
    writer.write(outer + inner + receiver.head("GET", "/healthz", {}))
    assert [(await read_answer(reader)).status for _ in range(2)] == [404, 200]
    await hang_up(writer)
    assert receiver.rows() == []


async def test_a_refusal_before_the_body_says_that_the_connection_ends(receiver: Receiver) -> None:
    """Or a proxy would send somebody else's callback after it, into a closing connection."""
    head = receiver.head("POST", "/callbacks/signer/wrong", {"Content-Length": "5"})
    assert (await receiver.send(head)).headers["connection"] == "close"
    assert "connection" not in (await receiver.send(head + b"hello")).headers


async def test_pipelined_callbacks_are_answered_in_order(receiver: Receiver) -> None:
    jobs = [receiver.job() for _ in range(30)]
    good = [receiver.request(job, f"n{job}") for job in jobs]
    bad = receiver.request(jobs[0], "forged").replace(b'"succeeded"', b'"SUCCEEDED"')
    reader, writer = await receiver.connect()
    writer.write(b"".join(one + bad for one in good))
    assert [(await read_answer(reader)).status for _ in range(60)] == [200, 401] * 30
    await hang_up(writer)
    assert {row["job_id"] for row in receiver.rows()} == set(jobs)


async def test_a_long_delivery_name_is_stored_by_its_digest(receiver: Receiver) -> None:
    job = receiver.job()
    for name in ("n" * 129, "n" * 130, "n" * 129):
        assert (await receiver.send(receiver.request(job, name))).status == 200
    names = [row["delivery_id"] for row in receiver.rows()]
    assert len(set(names)) == len(names) == 2
    assert all(name.startswith("sha256:") and len(name) <= 128 for name in names)
