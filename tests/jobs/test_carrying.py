"""Files of members are in memory only while they must go out as bytes, and of few jobs at once."""

import asyncio
from dataclasses import replace

import pytest

from jobs import intake
from jobs.addresses import Addresses
from providers.contract import Accepted, Submission
from providers.orders import Clip, Operation, Order, Picture, Role
from storage import guilds
from storage.words import GuildSettings, Job, State
from tests.jobs.lab import THROTTLED, Lab, Vendor, until

PICTURE = Picture(Role.FIRST_FRAME, "image/png", 7, 640, 480, b"picture", "https://x.example/1.png")
SONG = Clip(Role.AUDIO, "audio/mpeg", 4, 12.0, data=b"song", url="https://x.example/1.mp3")
ORDER = Order(Operation.IMAGE_TO_VIDEO, model="m1", pictures=(PICTURE,), clips=(SONG,))


class Careful(Vendor):
    """A vendor that remembers what it was given, and lets nothing go until it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[Order] = []
        self.going_on = asyncio.Event()
        self.going_on.set()

    async def submit(self, submission: Submission) -> Accepted:
        self.given.append(submission.order)
        await self.going_on.wait()
        return await super().submit(submission)


@pytest.fixture
def vendor(lab: Lab) -> Careful:
    lab.vendor = Careful()
    lab.ctx = replace(lab.ctx, providers={"edge": lab.vendor})
    return lab.vendor


def reached_at(lab: Lab, address: str) -> None:
    lab.ctx = replace(lab.ctx, addresses=Addresses(address, ["k" * 40]))


async def ordered(lab: Lab, number: int) -> Job:
    asker = intake.Asker(number, 10, 20, 30, "Ada", 40, 10 * 2**20)
    job = await intake.accept(lab.ctx, intake.Plan("edge", ORDER, 40, ORDER, None), asker)
    assert isinstance(job, Job)
    return job


@pytest.mark.parametrize(
    ("address", "sent"),
    [("https://rushes.example", (b"", b"")), ("http://rushes.example", (b"picture", b"song"))],
)
async def test_files_are_read_only_where_they_go_out_as_bytes(
    lab: Lab, vendor: Careful, address: str, sent: tuple[bytes, bytes]
) -> None:
    reached_at(lab, address)
    await ordered(lab, 1)
    await lab.submit()
    [order] = vendor.given
    assert (order.pictures[0].data, order.clips[0].data) == sent
    assert (order.pictures[0].size, order.clips[0].size) == (7, 4)  # what the rules go by
    assert (order.pictures[0].url or "").startswith(address)


@pytest.mark.parametrize("file", ["*.png", "*.mp3"])
async def test_a_file_that_is_gone_is_missed_though_its_bytes_are_not_needed(
    lab: Lab, vendor: Careful, file: str
) -> None:
    job = await ordered(lab, 1)
    for path in (lab.ctx.media_dir / "inputs").glob(file):
        path.unlink()
    await lab.submit()
    assert ((await lab.now(job)).state, vendor.given) == (State.FAILED, [])


@pytest.mark.parametrize(("address", "at_once"), [("http://rushes.example", 2), ("https://rushes.example", 5)])
async def test_few_submissions_hold_bytes_at_once(lab: Lab, vendor: Careful, address: str, at_once: int) -> None:
    reached_at(lab, address)
    vendor.going_on.clear()
    jobs = [await ordered(lab, number) for number in range(1, 6)]
    submitting = asyncio.create_task(lab.submit())
    await until(lambda: len(vendor.given) >= at_once)
    for _ in range(20):  # whoever did not have to wait would have come by now
        await lab.now(jobs[0])
    assert len(vendor.given) == at_once
    states = [(await lab.now(job)).state for job in jobs]
    assert states.count(State.SUBMITTING) == at_once  # the others are not on the wire, nor in doubt later
    vendor.going_on.set()
    await submitting
    assert {(await lab.now(job)).state for job in jobs} == {State.SUBMITTED}


async def test_another_vendor_is_chosen_by_sizes_alone(lab: Lab, vendor: Careful) -> None:
    class Other(Careful):
        name = "other"

        def operations(self) -> tuple[Operation, ...]:
            return (Operation.IMAGE_TO_VIDEO,)

    other = Other()
    lab.ctx = replace(lab.ctx, providers={"edge": vendor, "other": other})
    await lab.ctx.database.write(guilds.decided, GuildSettings(10, fallback=True), lab.ctx.now())
    job = await ordered(lab, 1)
    vendor.submits.then(THROTTLED)
    await lab.submit()
    await lab.submit()
    assert (await lab.now(job)).provider == "other"
    assert [one.size for one in other.given[0].pictures] == [7]
