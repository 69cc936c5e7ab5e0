"""A box that is full is no excuse for saying that a callback was taken."""

from pathlib import Path

import pytest
import structlog

from providers.contract import Trust
from tests.webhooks.harness import Receiver, hang_up, opened, read_all, read_answer, until
from webhooks.connections import Doors
from webhooks.hush import Hush
from webhooks.limits import Limits


async def test_a_ring_for_which_there_is_no_room_is_503_so_that_the_vendor_comes_again(receiver: Receiver) -> None:
    receiver.vendor.trust = Trust.DOORBELL
    job = receiver.job()
    for number in range(64):
        assert (await receiver.send(receiver.request(job, f"forged-{number}"))).status == 200
    genuine = await receiver.send(receiver.request(job, "genuine"))
    stored = [row["delivery_id"] for row in receiver.rows()]
    assert ("genuine" in stored) == (genuine.status == 200)  # 200 means stored, and nothing else
    assert (genuine.status, "retry-after" in genuine.headers) == (503, True)
    assert (
        await receiver.send(receiver.request(job, "forged-7"))
    ).status == 200  # stored already: no need to come again


async def test_pages_that_anybody_may_ask_for_fill_no_log(receiver: Receiver) -> None:
    doors = receiver.server._runner.server  # pyright: ignore[reportPrivateUsage] -- its log is what is tested
    assert isinstance(doors, Doors)
    doors.hush = Hush(lambda: 7.0, most=4)
    with structlog.testing.capture_logs() as log:
        for _ in range(20):
            assert (await receiver.get("/")).status == 200
    assert len([line for line in log if line["event"] == "answered" and line["log_level"] == "info"]) <= 4


async def test_too_slow_connections_fill_no_log(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=Limits(header_seconds=0.05)) as receiver:
        doors = receiver.server._runner.server  # pyright: ignore[reportPrivateUsage] -- its log is what is tested
        assert isinstance(doors, Doors)
        doors.hush = Hush(lambda: 7.0, most=4)
        with structlog.testing.capture_logs() as log:
            for _ in range(10):
                reader, writer = await receiver.connect()
                writer.write(b"GET")
                await read_all(reader)
                writer.close()
        assert len([line for line in log if line["event"] == "too slow"]) <= 4


@pytest.mark.parametrize("version", ["1.0"])
async def test_chunks_in_a_version_that_has_none_never_store(receiver: Receiver, version: str) -> None:
    """RFC 9112, 6.1: framing is faulty there; a proxy of that version would see another body, or none."""
    job = receiver.job()
    body = b'{"state": "succeeded"}'
    headers = receiver.signed(job, "n1", body) | {"Transfer-Encoding": "chunked"}
    head = receiver.head("POST", receiver.path(job), headers).replace(b"HTTP/1.1", f"HTTP/{version}".encode(), 1)
    answer = await receiver.send(head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
    assert answer.status in {400, 415}
    assert receiver.rows() == []


async def test_an_older_client_is_told_nothing_before_the_reply(receiver: Receiver) -> None:
    """RFC 9110, 10.1.1: a proxy of HTTP/1.0 would take "100 Continue" for the answer."""
    request = receiver.request(receiver.job(), "n1", more={"Expect": "100-continue"})
    head, _, body = request.replace(b"HTTP/1.1", b"HTTP/1.0", 1).partition(b"\r\n\r\n")
    reader, writer = await receiver.connect()
    writer.write(head + b"\r\n\r\n")
    await until(lambda: bool(receiver.server._runner.server.connections))  # pyright: ignore[reportPrivateUsage, reportOptionalMemberAccess] -- it has come
    for _ in range(20):
        assert (await receiver.get("/healthz")).status == 200  # and was seen
    writer.write(body)
    assert (await read_answer(reader)).status == 200
    await hang_up(writer)
