"""The shots of a music video stand with its job, whoever told of them, and edits and compositions belong to it."""

import asyncio
from dataclasses import replace

import pytest

from jobs import intake
from jobs.intake import Busy
from jobs.orders import order_of
from providers.contract import Progress, Shot
from providers.orders import Operation, Order
from storage import jobs as job_facts
from storage.words import Entry, Job, State, StoredShot
from tests.jobs.lab import NO_ANSWER, PRICE, Lab, status

EDIT, COMPOSE = Operation.EDIT_SHOT, Operation.COMPOSE_SHOTS
FIRST = (Shot("s1", 0, Progress.SUCCEEDED, "a pier", 5.0), Shot("s2", 1, Progress.RUNNING, "a boat", 4.0))


async def ordered(lab: Lab, order: Order, root: Job | None = None) -> Job:
    asker = intake.Asker(lab.ctx.now() // 1000 + (1 if root else 0), 10, 20, 30, "Ada", 40, 10 * 2**20)
    job = await intake.accept(lab.ctx, intake.Plan("edge", order, PRICE, order, "edge"), asker, root)
    assert isinstance(job, Job)
    await lab.submit()
    return await lab.now(job)


async def music_video(lab: Lab) -> Job:
    return await ordered(lab, Order(Operation.MUSIC_VIDEO, model="m1", prompt="a song"))


async def test_what_a_vendor_tells_of_shots_is_stored_and_makes_the_card_due(lab: Lab) -> None:
    job = await music_video(lab)
    await lab.ctx.database.write(job_facts.card_shown, job.id, job.card_version, lab.ctx.now())
    lab.vendor.queries.rule = lambda task: status(task, shots=FIRST)
    await lab.ring(job, "task-1")
    await lab.settle()
    after = await lab.now(job)
    assert after.shots == (StoredShot("s1", "succeeded", "a pier", 5.0), StoredShot("s2", "running", "a boat", 4.0))
    assert after.card_version > job.card_version
    version = after.card_version
    await lab.ring(job, "task-1")
    await lab.settle()
    assert (await lab.now(job)).card_version == version  # nothing new, nothing to draw


async def test_an_edit_is_sent_with_its_video_and_shot_and_its_news_stand_with_the_video(lab: Lab) -> None:
    root = await music_video(lab)
    assert root.task_id is not None
    edit = await ordered(
        lab, Order(Operation.EDIT_SHOT, prompt="a storm", parent=root.task_id, shots=("s2",)), root=root
    )
    order = order_of(lab.ctx, edit)
    assert (order.parent, order.shots, order.operation) == (root.task_id, ("s2",), Operation.EDIT_SHOT)
    newer = (FIRST[0], Shot("s3", 1, Progress.SUCCEEDED, "a storm", 4.0))
    lab.vendor.queries.rule = lambda task: status(task, Progress.SUCCEEDED, shots=newer)
    assert edit.task_id is not None
    await lab.ring(edit, edit.task_id)
    await lab.settle()
    after, root = await lab.now(edit), await lab.now(root)
    assert (after.state, after.shots, after.root_id) == (State.SUCCEEDED, (), root.id)
    assert [shot.id for shot in root.shots] == ["s1", "s3"]


async def test_an_answer_that_was_overtaken_does_not_bring_old_shots_back(lab: Lab) -> None:
    root = await music_video(lab)
    assert root.task_id is not None
    await lab.ring(root, root.task_id)
    late = lab.vendor.queries.hold()
    asking = asyncio.create_task(lab.settle())
    await late.reached.wait()
    lab.clock.forward(200)
    newer = (FIRST[0], Shot("s2b", 1, Progress.SUCCEEDED, "a boat", 4.0, origin="s2"))
    lab.vendor.queries.then(status(root.task_id, Progress.RUNNING, shots=newer))
    await lab.reconcile()
    late.say(status(root.task_id, Progress.RUNNING, shots=FIRST))
    await asking
    assert [(shot.id, shot.identity) for shot in (await lab.now(root)).shots] == [("s1", "s1"), ("s2b", "s2")]
    lab.clock.forward(200)
    lab.vendor.queries.then(status(root.task_id, Progress.RUNNING, shots=FIRST))
    await lab.reconcile()
    assert [shot.id for shot in (await lab.now(root)).shots] == ["s1", "s2"]


def change(operation: Operation, *shots: str) -> Order:
    return Order(operation, prompt="a storm" if operation is EDIT else "", parent="task-1", shots=shots)


async def asked(lab: Lab, number: int, order: Order, root: Job) -> Job | Busy | intake.Hindered | intake.NoAccount:
    asker = intake.Asker(number, 10, 20, 30, "Ada", None, 10 * 2**20)
    return await intake.accept(lab.ctx, intake.Plan("edge", order, PRICE, order, "edge"), asker, root)


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        (change(EDIT, "s1"), change(EDIT, "s1"), False),
        (change(EDIT, "s1"), change(EDIT, "s2"), True),
        (change(COMPOSE, "s1", "s2"), change(COMPOSE, "s1", "s2"), False),
        (change(COMPOSE, "s1", "s2"), change(COMPOSE, "s2", "s1"), True),
        (change(EDIT, "s1"), change(COMPOSE, "s1", "s2"), False),
        (change(EDIT, "s3"), change(COMPOSE, "s1", "s2"), True),
        (change(COMPOSE, "s1", "s2"), change(EDIT, "s1"), True),
    ],
)
async def test_changes_that_get_in_each_others_way_are_not_both_held(
    lab: Lab, first: Order, second: Order, both: bool
) -> None:
    root = await music_video(lab)
    lab.clock.forward(1)
    other = await music_video(lab)
    job = await asked(lab, 1, first, root)
    assert isinstance(job, Job)
    later = await asked(lab, 2, second, root)
    assert isinstance(later, Job) if both else later == Busy(job)
    assert isinstance(await asked(lab, 3, second, other), Job)
    await lab.give_up(job)
    assert isinstance(await asked(lab, 4, second, root), Busy if both else Job)


async def test_of_equal_changes_at_the_same_moment_one_is_held(lab: Lab) -> None:
    root = await music_video(lab)
    held = await asyncio.gather(*(asked(lab, number, change(EDIT, "s1"), root) for number in range(1, 6)))
    [job] = [one for one in held if isinstance(one, Job)]
    assert [one for one in held if one is not job] == [Busy(job)] * 4
    assert [row.kind for row in await lab.ledger(job)] == [Entry.HOLD]


async def test_a_doubtful_edit_never_takes_the_old_version_for_its_own(lab: Lab) -> None:
    root = await music_video(lab)
    assert root.task_id is not None
    lab.vendor.submits.then(NO_ANSWER)
    edit = await ordered(lab, Order(Operation.EDIT_SHOT, prompt="a storm", parent=root.task_id, shots=("s2",)), root)
    lab.vendor.queries.rule = lambda task: status(task, Progress.SUCCEEDED, shots=FIRST)
    for named in ("s2", root.task_id):
        await lab.ring(edit, named)
        await lab.settle()
        assert (await lab.now(edit)).state is State.UNKNOWN
    await lab.ring(edit, "s3")
    await lab.settle()
    assert (await lab.now(edit)).task_id == "s3"


async def test_the_music_videos_of_a_server_are_listed_newest_first(lab: Lab) -> None:
    first = await music_video(lab)
    lab.clock.forward(1)
    second = await music_video(lab)
    found = await lab.ctx.database.read(job_facts.music_videos, 10, 25)
    assert [job.id for job in found] == [second.id, first.id]
    assert await lab.ctx.database.read(job_facts.music_videos, 11, 25) == []


async def test_a_job_that_the_vendor_makes_off_peak_may_take_two_days(lab: Lab) -> None:
    slow = await ordered(lab, Order(Operation.TEXT_TO_VIDEO, model="m1", prompt="x", extras={"off_peak": True}))
    lab.clock.forward(1)
    quick = await ordered(lab, replace(Order(Operation.TEXT_TO_VIDEO, model="m1", prompt="x"), extras={}))
    hour = 3_600_000
    assert slow.deadline_at - (slow.submitted_at or 0) == 50 * hour
    assert quick.deadline_at - (quick.submitted_at or 0) == 6 * hour
