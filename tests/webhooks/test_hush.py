"""A flood of refusals leaves few lines in the log, and says how many it left out."""

import structlog

from tests.webhooks.harness import Receiver
from webhooks.connections import Doors
from webhooks.hush import Hush


def test_of_the_refusals_of_a_second_the_first_are_written_and_the_rest_counted() -> None:
    now = 7.0
    hush = Hush(lambda: now, most=3)
    with structlog.testing.capture_logs() as log:
        assert [hush.allows() for _ in range(5)] == [True, True, True, False, False]
        assert not log
        now = 8.0
        assert hush.allows()
    assert [(line["event"], line["left_out"]) for line in log] == [("more refusals than are written down", 2)]


def test_a_flood_of_an_hour_writes_few_lines_and_the_next_quiet_refusal_is_written() -> None:
    now = 600.0
    hush = Hush(lambda: now, most=3)
    lines = 0
    with structlog.testing.capture_logs() as log:
        for _ in range(3600):
            now += 1
            lines += sum(hush.allows() for _ in range(10))
        now += 60
        assert hush.allows()
    assert lines <= 61 * 18
    assert sum(line["left_out"] for line in log) + lines == 36_000


def test_a_quiet_second_says_nothing() -> None:
    now = 7.0
    hush = Hush(lambda: now, most=3)
    with structlog.testing.capture_logs() as log:
        for later in (8.0, 9.0, 10.0):
            now = later
            assert hush.allows()
    assert not log


async def test_strangers_fill_no_log_and_what_is_authentic_is_written_all_the_same(receiver: Receiver) -> None:
    doors = receiver.server._runner.server  # pyright: ignore[reportPrivateUsage] -- its log is what is tested
    assert isinstance(doors, Doors)
    doors.hush = Hush(lambda: 7.0, most=4)
    with structlog.testing.capture_logs() as log:
        for _ in range(20):
            assert (await receiver.send(receiver.head("POST", "/callbacks/signer/x", {}))).status == 411
        forged = receiver.request(receiver.job(), "n1").replace(b'"succeeded"', b'"SUCCEEDED"')
        for _ in range(20):
            assert (await receiver.send(forged)).status == 401
        assert (await receiver.send(receiver.request(receiver.job(), "n1"))).status == 200
    written = [line["status"] for line in log if line["event"] == "answered"]
    assert written == [411, 411]
    assert [step for step, _, _ in receiver.steps.told].count("callback stored") == 1
    assert len(receiver.steps.reasons()) == 2  # each refusal has two lines: why, and how it was answered
