"""The reply to a stored callback, which is written in one piece, is the same that every other good news has."""

import asyncio
from email.utils import parsedate_to_datetime

from tests.webhooks.harness import Receiver, hang_up, read_all, read_answer


async def test_it_has_the_headers_of_every_other_reply(receiver: Receiver) -> None:
    alive = await receiver.send(receiver.head("GET", "/healthz", {}))
    stored = await receiver.send(receiver.request(receiver.job(), "n1"))
    assert (stored.status, stored.body) == (alive.status, alive.body)
    dates = [parsedate_to_datetime(answer.headers.pop("date")) for answer in (alive, stored)]
    assert stored.headers == alive.headers
    assert abs((dates[1] - dates[0]).total_seconds()) < 60


async def test_one_connection_brings_one_callback_after_another(receiver: Receiver) -> None:
    job = receiver.job()
    reader, writer = await receiver.connect()
    for number in range(3):
        writer.write(receiver.request(job, f"n{number}"))
        assert (await read_answer(reader)).status == 200
    writer.write(receiver.request(job, "n3") + receiver.request(job, "n4") + receiver.head("GET", "/healthz", {}))
    assert [(await read_answer(reader)).status for _ in range(3)] == [200] * 3
    await hang_up(writer)
    assert len(receiver.rows()) == 5


async def test_the_connection_is_closed_for_who_wants_it_closed(receiver: Receiver) -> None:
    request = receiver.request(receiver.job(), "n1", more={"Connection": "close"})
    older = receiver.request(receiver.job(), "n2").replace(b"HTTP/1.1", b"HTTP/1.0", 1)
    for data in (request, older):
        reader, writer = await receiver.connect()
        writer.write(data)
        answer = await read_answer(reader)
        assert (answer.status, answer.body) == (200, b"ok\n")
        assert answer.headers.get("connection", "close") == "close"
        assert await read_all(reader) == b""
        await hang_up(writer)


async def test_a_sender_that_left_before_the_reply_harms_nobody(receiver: Receiver) -> None:
    for number in range(20):
        _, writer = await receiver.connect()
        writer.write(receiver.request(receiver.job(), f"n{number}"))
        await writer.drain()
        writer.transport.abort()
    async with asyncio.timeout(30):
        while (await receiver.send(receiver.request(receiver.job(), "last"))).status != 200:
            pass
    assert all(row["delivery_id"] for row in receiver.rows())
