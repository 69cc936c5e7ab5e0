"""Who rings without end for one job neither keeps its vendor out, nor fills the log."""

from collections import Counter

from providers.contract import Trust
from storage import Connection, inbox
from tests.webhooks.harness import NOW, Receiver
from webhooks.connections import Doors
from webhooks.hush import Hush


async def ring(receiver: Receiver, job: int, name: str, sender: str | None) -> int:
    more = {} if sender is None else {"X-Forwarded-For": f"192.0.2.1, {sender}"}
    return (await receiver.send(receiver.request(job, name, more=more))).status


async def flood(receiver: Receiver, job: int, start: int, sender: str | None, count: int = 80) -> Counter[int]:
    return Counter([await ring(receiver, job, f"forged-{start + number}", sender) for number in range(count)])


async def looked_at(receiver: Receiver, job: int, many: int) -> None:
    """Act on the newest callbacks of a job, as the settling does every ten seconds."""
    newest = [row["id"] for row in receiver.rows() if row["job_id"] == job and row["settled_at"] is None][-many:]

    def change(connection: Connection) -> None:
        inbox.settled(connection, newest, int(NOW * 1000), "a task of somebody else")

    await receiver.ctx.database.write(change)


async def test_a_stranger_who_rings_without_end_leaves_room_for_the_vendor(receiver: Receiver) -> None:
    receiver.vendor.trust = Trust.DOORBELL
    job = receiver.job()
    assert (await flood(receiver, job, 0, "203.0.113.7"))[200] == 64
    assert await ring(receiver, job, "genuine", "198.51.100.1") == 503  # nobody has looked at any yet
    await looked_at(receiver, job, 16)
    assert (await flood(receiver, job, 100, "203.0.113.7"))[200] <= 8  # and would have taken all sixteen
    assert await ring(receiver, job, "genuine", "198.51.100.1") == 200


async def test_other_jobs_of_the_same_sender_are_not_held_up(receiver: Receiver) -> None:
    receiver.vendor.trust = Trust.DOORBELL
    crowded, other = receiver.job(), receiver.job()
    await flood(receiver, crowded, 0, None)
    assert await flood(receiver, other, 0, None, 20) == {200: 20}


async def test_what_is_signed_whole_waits_for_no_turn(receiver: Receiver) -> None:
    receiver.vendor.trust = Trust.DOORBELL
    job = receiver.job()
    await flood(receiver, job, 0, "203.0.113.7")
    await looked_at(receiver, job, 16)
    receiver.vendor.trust = Trust.DATA
    assert await flood(receiver, job, 100, "203.0.113.7", 12) == {200: 12}


async def test_made_up_senders_fill_no_memory_and_end_in_the_table(receiver: Receiver) -> None:
    receiver.vendor.trust = Trust.DOORBELL
    job = receiver.job()
    await flood(receiver, job, 0, None)
    for sender in ("", ",", "::1", "x" * 4000, "fe80::1%eth0", "\u00ff", "1.2.3.4, ", "999.1.1.1"):
        assert await ring(receiver, job, "one more", sender) in {200, 503}


async def test_who_repeats_one_true_callback_without_end_fills_no_log(receiver: Receiver) -> None:
    doors = receiver.server._runner.server  # pyright: ignore[reportPrivateUsage] -- its log is what is tested
    assert isinstance(doors, Doors)
    doors.hush = Hush(lambda: 7.0, most=4)
    job = receiver.job()
    request = receiver.request(job, "n1")
    for _ in range(20):
        assert (await receiver.send(request)).status == 200
    assert Counter(receiver.steps.names(job))["callback stored"] == 1
    assert Counter(receiver.steps.names(job))["callback repeated"] <= 4
