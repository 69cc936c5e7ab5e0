"""Bodies and headers made to break parsers: each one ends in the table of answers, and the next sender is served."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.webhooks.bodies import BROKEN, HEADS, NOT_HTTP, ODD
from tests.webhooks.harness import Receiver, opened


@pytest.mark.parametrize("name", sorted(BROKEN))
async def test_what_is_no_json_object_is_400(receiver: Receiver, name: str) -> None:
    assert (await receiver.send(receiver.request(receiver.job(), "n1", BROKEN[name]))).status == 400
    assert receiver.rows() == []
    assert (await receiver.send(receiver.request(receiver.job(), "n2"))).status == 200


@pytest.mark.parametrize("name", sorted(ODD))
async def test_odd_json_is_kept_byte_for_byte(receiver: Receiver, name: str) -> None:
    assert (await receiver.send(receiver.request(receiver.job(), "n1", ODD[name]))).status == 200
    assert receiver.rows()[0]["body"] == ODD[name]


@pytest.mark.parametrize("name", sorted(BROKEN | ODD))
async def test_a_stale_one_is_401_whatever_it_says(receiver: Receiver, name: str) -> None:
    request = receiver.request(receiver.job(), "n1", (BROKEN | ODD)[name], at=1.0)
    assert (await receiver.send(request)).status == 401


@pytest.mark.parametrize("name", sorted(HEADS))
async def test_odd_heads_end_in_the_table(receiver: Receiver, name: str) -> None:
    request = receiver.request(receiver.job(), "n1").replace(b"\r\n", b"\r\n" + HEADS[name] + b"\r\n", 1)
    answer = await receiver.send(request)
    assert answer.status in {200, 400, 401}
    assert answer.body in {b"ok\n", b"refused\n"}
    assert len(receiver.rows()) == (1 if answer.status == 200 else 0)
    assert (await receiver.send(receiver.request(receiver.job(), "n2"))).status == 200


@pytest.mark.parametrize("name", sorted(NOT_HTTP))
async def test_what_is_no_request_is_refused(receiver: Receiver, name: str) -> None:
    answer = await receiver.send(NOT_HTTP[name])
    assert 400 <= answer.status < 500
    assert answer.body == b"refused\n"
    assert "aiohttp" not in answer.raw.decode("latin-1")
    assert (await receiver.send(receiver.request(receiver.job(), "n2"))).status == 200


@pytest.fixture
async def logged(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> AsyncIterator[Receiver]:
    async with opened(tmp_path) as one:
        yield one


async def test_the_log_knows_neither_token_nor_what_strangers_sent(
    logged: Receiver, capfd: pytest.CaptureFixture[str]
) -> None:
    job = logged.job()
    token = logged.path(job).rpartition("/")[2]
    await logged.send(logged.request(job, "n1"))
    await logged.send(logged.request(job, "n1", b"[]"))
    await logged.send(f"POST /callbacks/signer/{token} HTTP/8.8 nonsense {token}\r\n\r\n".encode())
    await logged.send(f"POST /callbacks/signer/{token} HTTP/1.1\r\nX-A{token}\r\n\r\n".encode())
    out, err = capfd.readouterr()
    assert "answered" in out
    assert token not in out + err
    assert "Traceback" not in out + err
