"""SIGKILL between any two steps of the journey, then another start: one posted video, one submission, one settle."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from sandbox.vendors import Behaviour
from tests.journeys.child import spawn
from tests.journeys.stage import Stage, close_stage, open_stage

# Every step a plain journey tells, in order; test_no_step_is_left_out holds the list against the program.
BEFORE_THE_HOLD = ["command received", "deferred", "pictures read", "planned", "pictures kept"]
AFTER_THE_HOLD = [
    "held",
    "card edited",
    "submitting",
    "submit answered",
    "submission recorded",
    "callback received",
    "callback verified",
    "callback stored",
    "confirmed",
    "settled",
    "fetched",
    "output recorded",
    "posting",
    "posted",
    "delivery recorded",
]
# What the others see before the program does: it is killed while the answer is still on its way.
ELSEWHERE = ["* submit received", "* task accepted", "* query answered", "* message posted", "* message edited"]


SOMETIMES = {"put away"}  # a callback that comes when another one has brought the end already


class Crashing(Stage):
    """A stage whose program is another process."""

    child: BaseProcess | None = None
    kill_when_told: str | None = None

    async def start_child(self, kill_at: str | None = None) -> None:
        session = max((one.number for one in self.discord.sessions), default=0) + 1
        if kill_at and kill_at.startswith("* "):
            self.kill_when_told, kill_at = kill_at, None
        self.child = await asyncio.to_thread(spawn, self.values, self.folder / "log", kill_at)
        await self.discord.connected(session=session)

    def stir(self) -> None:
        if self.kill_when_told and self.steps and self.steps[-1].name == self.kill_when_told:
            self.kill_when_told = None
            assert self.child is not None
            self.child.kill()
        super().stir()

    async def until_killed(self) -> None:
        assert self.child is not None
        await self.until(lambda: self.child is not None and not self.child.is_alive())
        assert self.child.exitcode == -9

    async def end_child(self) -> None:
        if self.child is not None:
            self.child.terminate()
            await asyncio.to_thread(self.child.join, 15)
            assert self.child.exitcode is not None


OpenCrashing = Callable[..., Awaitable[Crashing]]


@pytest.fixture
async def crashing(tmp_path: Path, films: Path) -> AsyncIterator[OpenCrashing]:
    stages: list[Crashing] = []

    async def open_one(vendor: str) -> Crashing:
        stage = await open_stage(tmp_path, films, vendor, kind=Crashing)
        assert isinstance(stage, Crashing)
        stages.append(stage)
        return stage

    yield open_one
    for stage in stages:
        await stage.end_child()
        await close_stage(stage)


async def crash_and_recover(stage: Crashing, step: str) -> None:
    """Kill the program at a step of its first journey, start it again, and hold the books against each other."""
    await stage.start_child(kill_at=step)
    stage.ask()
    await stage.until_killed()
    await stage.discord.disconnected()
    await stage.start_child()
    stage.vendor.release()
    if step in BEFORE_THE_HOLD:
        assert stage.rows("SELECT count(*) FROM jobs") == [(0,)]
        stage.ask()  # nothing was accepted: the member types again
    # A command that died while "thinking" keeps its card that way until Discord lets go of the command, 15 minutes on.
    await stage.one_video(with_card=step != "held")
    submits = [call for call in stage.vendor.calls if call.method == "POST" and "cancel" not in call.path]
    assert len(submits) == 1 or step == "* submit received"


@pytest.mark.parametrize(
    ("vendor", "step"),
    [("vidu", step) for step in [*BEFORE_THE_HOLD, *AFTER_THE_HOLD, *ELSEWHERE]]
    # Kling differs where it is asked: by its own id, by ours, and not at all once its callbacks are signed.
    + [("kling", step) for step in ["submitting", "submit answered", "callback stored", *ELSEWHERE[:2]]]
    + [("kling signed", step) for step in ["callback verified", "callback stored", "settled"]],
)
async def test_killed_between_two_steps_and_started_again_it_posts_one_video(
    crashing: OpenCrashing,
    vendor: str,
    step: str,
) -> None:
    await crash_and_recover(await crashing(vendor), step)


@pytest.mark.parametrize("step", ["held", "submit answered", "callback stored", "confirmed"])
async def test_a_vendor_without_look_up_comes_out_the_same_but_for_the_one_step_nobody_can_tell(
    crashing: OpenCrashing,
    step: str,
) -> None:
    stage = await crashing("futurelabs")
    if step == "submit answered":  # its id went with the program: of callbacks that came meanwhile nobody would know
        stage.vendor.behaviour = Behaviour(hold=True)
    await crash_and_recover(stage, step)


@pytest.mark.parametrize(
    ("step", "behaviour"),
    [
        ("asked", Behaviour(callbacks="none")),
        ("found", Behaviour(callbacks="none", submit_faults=["cut_after_accept"])),
        ("not found", Behaviour(submit_faults=["error500"])),
        ("confirm failed", Behaviour(query_faults=["error500"])),
        ("fetch failed", Behaviour(file_faults=["404"])),
        ("submit failed", Behaviour(submit_faults=["throttle"], retry_after=0)),
    ],
)
async def test_killed_on_a_way_around_trouble_it_still_posts_one_video(
    crashing: OpenCrashing,
    step: str,
    behaviour: Behaviour,
) -> None:
    stage = await crashing("vidu")
    stage.vendor.behaviour = behaviour
    await stage.start_child(kill_at=step)
    stage.ask()
    await stage.until_killed()
    await stage.discord.disconnected()
    await stage.start_child()
    await stage.one_video()


@pytest.mark.parametrize("step", ["cancel asked", "cancel sent", "* cancelled"])
async def test_killed_while_cancelling_it_gives_the_credits_back_once(crashing: OpenCrashing, step: str) -> None:
    stage = await crashing("vidu")
    stage.vendor.behaviour = Behaviour(hold=True)
    await stage.start_child(kill_at=step)
    card = await stage.ask().answered()
    await stage.until(lambda: stage.rows("SELECT state FROM jobs") == [("submitted",)])
    stage.ada.press(card, "Cancel")
    await stage.until_killed()
    await stage.discord.disconnected()
    await stage.start_child()
    await stage.until(lambda: stage.rows("SELECT state, card_due_at FROM jobs") == [("cancelled", None)])
    assert stage.rows("SELECT kind, amount > 0 FROM ledger") == [("hold", 0), ("release", 1)]
    assert stage.videos() == []


async def test_where_nobody_can_tell_whether_it_was_sent_it_is_not_sent_again(crashing: OpenCrashing) -> None:
    stage = await crashing("futurelabs")
    await stage.start_child(kill_at="submitting")
    stage.ask()
    await stage.until_killed()
    await stage.discord.disconnected()
    await stage.start_child()
    await stage.until(lambda: stage.rows("SELECT state FROM jobs WHERE lookups > 2") == [("unknown",)])
    assert stage.vendor.tasks == {}
    assert stage.rows("SELECT kind FROM ledger") == [("hold",)]


@pytest.mark.parametrize("vendor", ["vidu", "kling", "futurelabs"])
async def test_no_step_is_left_out(crashing: OpenCrashing, vendor: str) -> None:
    stage = await crashing(vendor)
    await stage.start()
    stage.ask()
    await stage.one_video()
    told = {step.name for step in stage.steps if not step.name.startswith("* ")}
    assert told - SOMETIMES == {*BEFORE_THE_HOLD, *AFTER_THE_HOLD}
