"""Why callbacks were refused is kept: counted, bounded, without a stranger's words, and off the way of the others."""

from dataclasses import replace
from pathlib import Path

from storage import refusals
from storage.refusals import Refusal
from tests.webhooks.harness import GOOD, NOW, opened
from webhooks.refused import Refused


async def test_refusals_of_a_kind_are_counted_with_the_job_and_the_reason(tmp_path: Path) -> None:
    async with opened(tmp_path) as receiver:
        job = receiver.job()
        for nonce in ("a", "b", "c"):
            forged = receiver.request(job, nonce).replace(b"X-Mac: ", b"X-Mac: 0")
            assert (await receiver.send(forged)).status == 401
        assert (await receiver.send(receiver.request(job, "d", at=NOW - 400))).status == 401
        assert (await receiver.get("/callbacks/signer/nonsense", "POST", Content_Length="0")).status == 404
        ctx = receiver.ctx
        assert await ctx.database.read(refusals.listed, None, 9) == []  # nobody has waited for it to be written
        await receiver.server._rooms.refused.close()  # pyright: ignore[reportPrivateUsage] -- no other way in
        found = {(one.job_id, one.status, one.reason): one for one in await ctx.database.read(refusals.listed, None, 9)}
    assert set(found) == {
        (job, 401, "another signature"), (job, 401, "too old"), (0, 404, "not an address of ours"),
    }  # fmt: skip
    forged = found[job, 401, "another signature"]
    assert (forged.provider, forged.times, forged.size, len(forged.digest)) == ("signer", 3, len(GOOD), 12)
    assert found[0, 404, "not an address of ours"].digest == ""


async def test_no_stranger_fills_the_memory_or_the_book(tmp_path: Path) -> None:
    async with opened(tmp_path) as receiver:
        book = Refused(receiver.ctx, every=60)
        for number in range(10_000):
            book.note("signer", number + 1, 401, f"reason {number}", b"x" * 100)
        assert len(book._waiting) <= 65  # pyright: ignore[reportPrivateUsage] -- what must not grow
        await book.close()
        rows = await receiver.ctx.database.read(refusals.listed, None, 20_000)
        assert sum(one.times for one in rows) == 10_000
        one = Refusal("signer", 1, 401, "r", "", 0, 1, 1, 1)
        for first in range(0, 1_500, 100):
            many = [replace(one, job_id=10**6 + number, last_at=number) for number in range(first, first + 100)]
            await receiver.ctx.database.write(refusals.noted, many)
        assert len(await receiver.ctx.database.read(refusals.listed, None, 20_000)) == refusals.MOST


async def test_a_strangers_text_is_no_reason(tmp_path: Path) -> None:
    async with opened(tmp_path) as receiver:
        book = Refused(receiver.ctx, every=60)
        book.note("signer", 1, 401, "dated +412 s from now\r\n\x1b[2J" + "x" * 500, None)
        book.note("signer", 1, 401, "dated -7 s from now\r\n\x1b[2J" + "x" * 500, None)
        await book.close()
        [one] = await receiver.ctx.database.read(refusals.listed, 1, 9)
    assert (one.times, len(one.reason)) == (2, 120)
    assert one.reason.startswith("dated # s from now???[#Jxxx")


async def test_a_book_that_cannot_be_written_holds_nobody_up(tmp_path: Path) -> None:
    async with opened(tmp_path) as receiver:
        book = Refused(receiver.ctx, every=0.001)
        await receiver.ctx.database.write(lambda connection: connection.exec_driver_sql("DROP TABLE refusals") and None)
        await receiver.ctx.database.write(
            lambda connection: connection.exec_driver_sql("CREATE TABLE refusals (id INTEGER)") and None
        )
        book.note("signer", 1, 401, "no", None)
        await book.close()
        assert (await receiver.send(receiver.request(receiver.job(), "a"))).status == 200
