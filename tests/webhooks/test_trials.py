"""The callback we send ourselves is taken once, whole and in time, and strangers at its address meet a wall."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from jobs.addresses import TRIALS
from jobs.trial import DATE, FRESH, SIGNATURE, Trials
from providers import registry
from tests.webhooks.harness import NOW, Receiver, opened

BODY = b'{"trial":true}'


class Now:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = NOW

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
async def receiver(tmp_path: Path, now: Now) -> AsyncGenerator[Receiver]:
    async with opened(tmp_path, clock=now) as made:
        yield made


def begun(receiver: Receiver) -> str:
    word = receiver.ctx.trials.begin(receiver.ctx.clock())
    assert word is not None
    return word


def request(
    receiver: Receiver, word: str, *, body: bytes = BODY, date: str = "1", signature: str | None = None
) -> bytes:
    right = receiver.ctx.addresses.trial_signature(word, date, BODY)
    headers = {DATE: date, SIGNATURE: signature or right, "Content-Length": str(len(body))}
    return receiver.head("POST", TRIALS + word, headers) + body


async def test_a_trial_is_taken_once(receiver: Receiver) -> None:
    word = begun(receiver)
    assert (await receiver.send(request(receiver, word))).status == 200
    again = await receiver.send(request(receiver, word))
    stranger = await receiver.send(request(receiver, "x" * 35))
    assert (again.status, again.body) == (stranger.status, stranger.body) == (404, b"refused\n")
    assert receiver.ctx.trials.end(word) == (True, False)
    assert (await receiver.send(request(receiver, word))).status == 404
    assert receiver.rows() == []


@pytest.mark.parametrize(
    "forged",
    [
        {"signature": "A" * 22},
        {"signature": "\u00e9"},
        {"body": b'{"trial":null}'},
        {"body": b""},
    ],
)
async def test_what_was_changed_is_not_taken_and_does_not_use_the_word_up(
    receiver: Receiver, forged: dict[str, str | bytes]
) -> None:
    word = begun(receiver)
    data = request(receiver, word, **forged)  # pyright: ignore[reportArgumentType] -- as the parameters above say
    assert (await receiver.send(data)).status == 401
    other_date = request(receiver, word).replace(b"X-Rushes-Date: 1", b"X-Rushes-Date: 2")
    assert (await receiver.send(other_date)).status == 401
    assert (await receiver.send(request(receiver, word))).status == 200
    assert receiver.ctx.trials.end(word) == (True, False)


async def test_a_signature_for_one_trial_is_none_for_another(receiver: Receiver) -> None:
    one, other = begun(receiver), begun(receiver)
    right = receiver.ctx.addresses.trial_signature(other, "1", BODY)
    assert (await receiver.send(request(receiver, one, signature=right))).status == 401
    assert receiver.ctx.trials.end(one) == (False, True)


async def test_a_stale_trial_is_not_taken(receiver: Receiver, now: Now) -> None:
    word = begun(receiver)
    now.at += FRESH
    assert (await receiver.send(request(receiver, word))).status == 404
    assert receiver.ctx.trials.end(word) == (False, False)


async def test_a_trial_of_another_process_is_not_taken(receiver: Receiver) -> None:
    word = Trials().begin(NOW)
    assert word is not None
    assert (await receiver.send(request(receiver, word))).status == 404


async def test_strangers_leave_nothing_behind(receiver: Receiver) -> None:
    for number in range(50):
        answer = await receiver.send(request(receiver, f"{number:035}"))
        assert (answer.status, answer.body) == (404, b"refused\n")
    assert receiver.ctx.trials == Trials()
    assert receiver.rows() == []


async def test_its_address_has_the_bounds_of_every_callback_address(receiver: Receiver) -> None:
    word = begun(receiver)
    assert (await receiver.get(TRIALS + word)).status == 405
    large = receiver.head("POST", TRIALS + word, {"Content-Length": "70000"})
    assert (await receiver.send(large)).status == 413
    assert (
        await receiver.send(
            request(receiver, word).replace(b"HTTP/1.1\r\n", b"HTTP/1.1\r\nContent-Encoding: gzip\r\n", 1)
        )
    ).status == 415
    assert (await receiver.send(request(receiver, word).replace(b" HTTP/1.1", b"?a=b HTTP/1.1", 1))).status == 404


def test_there_are_few_trials_at_a_time() -> None:
    trials = Trials()
    words = [trials.begin(NOW) for _ in range(9)]
    assert words.count(None) == 1
    assert len({*words}) == 9
    assert all(word is None or word not in repr(trials) for word in words)
    assert trials.begin(NOW + FRESH) is not None


def test_no_vendor_has_the_name_of_trials() -> None:
    assert TRIALS not in {f"/callbacks/{name}/" for name in registry.NAMES}
