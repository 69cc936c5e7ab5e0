"""The whole journey for each vendor, and everything that can go wrong on the way: one video, one settle, every time."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import cycle, product
from typing import Any

import aiohttp
import pytest

from sandbox.vendors import Behaviour, SentCallback
from storage import guilds
from storage.words import GuildSettings
from tests.journeys.conftest import OpenStage
from tests.journeys.stage import WAYS, Fault

VENDORS = list(WAYS)
DONE = {"success", "succeed", "finished"}  # the vendors' words
CORE = ["vidu", "futurelabs", "kling", "kling signed"]
LOOKS_UP = ["vidu", "kling"]  # whose tasks can be found by our own reference


def crossed(values: Sequence[str]) -> list[tuple[str, str]]:
    """Pair each core way with every value, and each of the others with one of them in turn: they share the code."""
    turns = zip((way for way in VENDORS if way not in CORE), cycle(values), strict=False)
    return [*product(CORE, values), *turns]


async def post(sent: SentCallback, **changes: Any) -> int:
    """Send a callback as the vendor sent it, but for the changes; the answer's status."""
    again = replace(sent, **changes)
    async with (
        aiohttp.ClientSession() as session,
        session.post(again.url, data=again.body, headers=again.headers) as answer,
    ):
        return answer.status


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_member_gets_the_video_they_asked_for(open_a_stage: OpenStage, vendor: str) -> None:
    stage = await open_a_stage(vendor)
    typed = stage.ask()
    await typed.answered()
    message = await stage.one_video()
    job = await stage.job()
    assert not message.pings
    assert "a boat at dawn" in str([message.content, message.embeds])
    assert job.charged
    assert [call.path for call in stage.vendor.calls if call.method == "POST" and call.path.startswith("/")]


@pytest.mark.parametrize(
    ("vendor", "callbacks"), crossed(["before_answer", "hundred", "double", "final_first", "only_final"])
)
async def test_callbacks_early_often_or_out_of_order_end_in_one_video(
    open_a_stage: OpenStage,
    vendor: str,
    callbacks: Any,
) -> None:
    stage = await open_a_stage(vendor)
    stage.vendor.behaviour = Behaviour(callbacks=callbacks)
    stage.ask()
    await stage.one_video()
    assert all(sent.status == 200 for sent in stage.vendor.sent)


@pytest.mark.parametrize(("vendor", "callbacks"), crossed(["none", "garbage"]))
async def test_a_lost_callback_is_made_up_for_by_asking(open_a_stage: OpenStage, vendor: str, callbacks: Any) -> None:
    stage = await open_a_stage(vendor)
    stage.vendor.behaviour = Behaviour(callbacks=callbacks)
    stage.ask()
    await stage.until(lambda: any(task.state in DONE for task in stage.vendor.tasks.values()))
    await stage.until_heard("submission recorded")
    stage.clock.advance(3600)
    await stage.one_video()


@pytest.mark.parametrize("vendor", VENDORS)
async def test_before_the_grace_is_over_nobody_polls(open_a_stage: OpenStage, vendor: str) -> None:
    stage = await open_a_stage(vendor)
    stage.vendor.behaviour = Behaviour(callbacks="none")
    stage.ask()
    await stage.until(lambda: any(task.state in DONE for task in stage.vendor.tasks.values()))
    await stage.until_heard("submission recorded")
    stage.clock.advance(50)
    await asyncio.sleep(10 * stage.timing.idle / 1000)  # many rounds of every loop
    assert [call for call in stage.vendor.calls if call.method == "GET" and "/cdn/" not in call.path] == []


@pytest.mark.parametrize("vendor", VENDORS)
async def test_replaying_every_callback_changes_nothing(open_a_stage: OpenStage, vendor: str) -> None:
    stage = await open_a_stage(vendor)
    stage.ask()
    await stage.one_video()
    before = await stage.books()
    lies = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
    for sent in list(stage.vendor.sent):
        assert await post(sent) == 200
        assert await post(sent, headers={**sent.headers, **lies}) == 200  # who we are is a setting, not a header
    await stage.one_video()
    assert await stage.books() == before


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_swapped_body_moves_nothing(open_a_stage: OpenStage, vendor: str) -> None:
    stage = await open_a_stage(vendor)
    stage.vendor.behaviour = Behaviour(hold=True)
    stage.ask()
    await stage.until(lambda: stage.vendor.tasks)
    await stage.until_heard("submission recorded")
    [task] = stage.vendor.tasks.values()
    evil = (
        b'{"id":"%s","task_id":"%s","state":"success","task_status":"succeed","credits":0,'
        b'"creations":[{"id":"1","url":"https://evil.example/x.mp4"}],'
        b'"task_result":{"videos":[{"id":"1","url":"https://evil.example/x.mp4","duration":"5"}]}}'
    ) % (task.id.encode(), task.id.encode())
    forged = SentCallback(task.id, "success", task.callback_url, {"Content-Type": "application/json"}, evil, 0.0)
    status = await post(forged)
    # Whoever knows the address may ring; only a vendor that signs, or brings a secret, is known from the start.
    assert status == (401 if vendor in {"vidu", "kling signed", "apiframe"} else 200)
    stage.vendor.release()
    await stage.one_video()
    genuine = stage.vendor.sent[-1]
    assert await post(genuine, body=evil) == (401 if vendor == "kling signed" else 200)
    await stage.one_video()
    assert "evil" not in str(stage.rows("SELECT url FROM outputs"))


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_callback_at_another_jobs_address_changes_nothing_there(open_a_stage: OpenStage, vendor: str) -> None:
    stage = await open_a_stage(vendor)
    stage.ask()
    await stage.until(stage.calm)
    stage.vendor.behaviour = Behaviour(hold=True)
    stage.ask(prompt="another boat")
    await stage.until(lambda: len(stage.vendor.tasks) == 2)
    await stage.until_heard("submission recorded", 2)
    held = list(stage.vendor.tasks.values())[1]
    for sent in [one for one in stage.vendor.sent if one.task_id != held.id]:
        await post(sent, url=held.callback_url)
    await stage.until(lambda: stage.rows("SELECT count(*) FROM inbox WHERE settled_at IS NULL") == [(0,)])
    states = stage.rows("SELECT state FROM jobs ORDER BY id")
    assert states[0] == ("succeeded",)
    assert states[1][0] in {"submitted", "processing"}
    stage.vendor.release()
    await stage.until(lambda: len(stage.videos()) == 2)


@pytest.mark.parametrize("vendor", VENDORS)
async def test_host_and_forwarded_headers_decide_nothing(open_a_stage: OpenStage, vendor: str) -> None:
    stage = await open_a_stage(vendor)
    stage.vendor.behaviour = Behaviour(callbacks="none")
    stage.ask()
    await stage.until_heard("submission recorded")
    [task] = stage.vendor.tasks.values()
    lies = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
    path = task.callback_url.split("/callbacks/")[1]
    base = task.callback_url.split("/callbacks/")[0]
    for wrong in ("vidu/aaaa", path[:-1] + ("A" if path[-1] != "A" else "B"), f"x{path}", f"{path}?a=1", f"{path}/"):
        elsewhere = SentCallback(task.id, "x", f"{base}/callbacks/{wrong}", lies, b"{}", 0.0)
        assert await post(elsewhere) == 404
    await stage.until(lambda: task.state in DONE)
    stage.clock.advance(3600)
    await stage.one_video()


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_vendor_that_throttles_is_asked_again_and_the_job_goes_on(open_a_stage: OpenStage, vendor: str) -> None:
    stage = await open_a_stage(vendor)
    stage.vendor.behaviour = Behaviour(submit_faults=["throttle", "throttle"], retry_after=0)
    stage.ask()
    await stage.one_video()
    assert (await stage.job()).attempts == 3


@pytest.mark.parametrize(("vendor", "fault"), crossed(["cut_after_accept", "garbage_answer"]))
async def test_an_accepted_submission_without_an_answer_is_adopted_not_sent_again(
    open_a_stage: OpenStage,
    vendor: str,
    fault: Any,
) -> None:
    stage = await open_a_stage(vendor)
    stage.vendor.behaviour = Behaviour(submit_faults=[fault])
    stage.ask()
    await stage.one_video()
    assert (await stage.job()).attempts == 1


@pytest.mark.parametrize("fault", ["error500", "html", "cut_before_accept"])
@pytest.mark.parametrize("vendor", LOOKS_UP)
async def test_a_submission_that_surely_never_arrived_is_sent_again_after_two_looks(
    open_a_stage: OpenStage,
    vendor: str,
    fault: Any,
) -> None:
    stage = await open_a_stage(vendor)
    stage.vendor.behaviour = Behaviour(submit_faults=[fault])
    stage.ask()
    await stage.until_heard("not found")
    assert (await stage.job()).state == "unknown"
    assert stage.vendor.tasks == {}
    stage.clock.advance(61)
    await stage.until(lambda: any(step.facts["absences"] == 1 for step in stage.heard("not found")))
    assert stage.vendor.tasks == {}
    stage.clock.advance(61)
    await stage.one_video()
    assert (await stage.job()).attempts == 2


@pytest.mark.parametrize(
    ("vendor", "fault"),
    list(
        zip(
            [way for way in VENDORS if way.split()[0] not in LOOKS_UP],
            cycle(["error500", "html", "cut_before_accept"]),
            strict=False,
        )
    ),
)
async def test_a_doubt_nobody_can_resolve_is_never_sent_again_and_waits_for_a_person_with_its_hold(
    open_a_stage: OpenStage,
    vendor: str,
    fault: Any,
) -> None:
    stage = await open_a_stage(vendor)
    stage.vendor.behaviour = Behaviour(submit_faults=[fault])
    stage.ask()
    await stage.until(lambda: stage.rows("SELECT state FROM jobs") == [("unknown",)])
    await stage.pass_time(lambda: stage.rows("SELECT state FROM jobs") == [("expired",)], hours=7)
    assert stage.rows("SELECT kind FROM ledger") == [("hold",)]
    await stage.pass_time(lambda: stage.rows("SELECT kind FROM alerts") == [("doubt",)], hours=5)
    assert stage.vendor.tasks == {}
    assert stage.rows("SELECT kind FROM ledger") == [("hold",)]
    assert stage.rows("SELECT due_at FROM jobs") == [(None,)]


@pytest.mark.parametrize("fault", ["throttle", "error500", "html", "cut"])
@pytest.mark.parametrize("vendor", ["vidu", "futurelabs", "kling"])
async def test_a_confirming_question_that_fails_is_asked_again(
    open_a_stage: OpenStage, vendor: str, fault: Any
) -> None:
    stage = await open_a_stage(vendor)
    stage.vendor.behaviour = Behaviour(query_faults=[fault] * 3, retry_after=0)
    stage.ask()
    await stage.one_video()


@pytest.mark.parametrize("fault", ["404", "truncated", "html"])
@pytest.mark.parametrize("vendor", ["vidu", "kling signed"])
async def test_a_result_that_cannot_be_fetched_at_first_is_fetched_later(
    open_a_stage: OpenStage,
    vendor: str,
    fault: Any,
) -> None:
    stage = await open_a_stage(vendor)
    stage.vendor.behaviour = Behaviour(file_faults=[fault, fault])
    stage.ask()
    await stage.one_video()


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_result_whose_address_has_died_is_fetched_from_a_new_one(open_a_stage: OpenStage, vendor: str) -> None:
    stage = await open_a_stage(vendor)
    stage.vendor.behaviour = Behaviour(file_faults=["html"], link_life=None if vendor == "futurelabs dance" else 60)
    stage.ask()
    await stage.until_heard("fetch failed")
    stage.clock.advance(1801 if vendor == "futurelabs dance" else 61)  # half an hour is what that page states
    await stage.one_video()
    assert len({call.path for call in stage.vendor.calls if call.path.startswith("/cdn/")}) > 1


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_failed_task_gives_the_credits_back_and_says_why(open_a_stage: OpenStage, vendor: str) -> None:
    stage = await open_a_stage(vendor)
    stage.vendor.behaviour = Behaviour(outcome="failed")
    typed = stage.ask()
    card = await typed.answered()
    await stage.until(lambda: stage.rows("SELECT state, card_due_at FROM jobs") == [("failed", None)])
    job, delivery, rows = await stage.books()
    assert (delivery, job.charged, sum(row.amount for row in rows), len(rows)) == (None, 0, 0, 2)
    assert stage.videos() == []
    shown = str([card.content, card.embeds])
    assert "credits" in shown
    for secret_id in stage.vendor.tasks:
        assert secret_id not in shown


@pytest.mark.parametrize("vendor", VENDORS)
async def test_an_empty_account_at_the_vendor_spends_nothing_and_is_told_to_the_admins(
    open_a_stage: OpenStage, vendor: str
) -> None:
    stage = await open_a_stage(vendor)
    guild = stage.channel.guild
    assert guild is not None
    office = guild.add_channel("office")
    settings = GuildSettings(guild.id, alerts_channel_id=office.id)
    await stage.running.ctx.database.write(guilds.decided, settings, 0)
    stage.vendor.behaviour = Behaviour(submit_faults=["out_of_credit"])
    stage.ask()
    await stage.until(lambda: stage.rows("SELECT state, card_due_at FROM jobs") == [("failed", None)])
    job, _, rows = await stage.books()
    assert (job.reason, job.charged, sum(row.amount for row in rows)) == ("credit", 0, 0)
    await stage.until(lambda: office.messages)
    [told] = office.messages
    assert "credit" in told.text.lower()
    assert not told.pings
    stage.vendor.behaviour = Behaviour(submit_faults=["out_of_credit"])
    stage.ask()
    await stage.until(lambda: stage.rows("SELECT count(*) FROM jobs WHERE state = 'failed'") == [(2,)])
    assert stage.rows("SELECT count(*) FROM alerts") == [(1,)]  # once a day is enough


DISCORD_FAULTS = {
    "429": Fault(
        "POST",
        r"/channels/\d+/messages$",
        2,
        429,
        {"message": "slow", "retry_after": 0.01, "global": False},
        {"Via": "x", "Retry-After": "1"},
    ),
    "502 before": Fault("POST", r"/channels/\d+/messages$", 1, 502, "<html>"),
    "502 after it was posted": Fault("POST", r"/channels/\d+/messages$", 1, 502, "<html>", when="after"),
    "cut after it was posted": Fault("POST", r"/channels/\d+/messages$", 1, "cut", when="after"),
    "503 after it was posted": Fault("POST", r"/channels/\d+/messages$", 1, 503, "<html>", when="after"),
    "413": Fault("POST", r"/channels/\d+/messages$", 1, 413, {"message": "Request entity too large", "code": 40005}),
}


@pytest.mark.parametrize("fault", DISCORD_FAULTS)
@pytest.mark.parametrize("vendor", ["vidu", "kling signed"])
async def test_trouble_in_discord_loses_and_doubles_nothing(open_a_stage: OpenStage, vendor: str, fault: str) -> None:
    stage = await open_a_stage(vendor)
    stage.vendor.behaviour = Behaviour(hold=True)
    stage.ask()
    await stage.until(lambda: stage.vendor.tasks)
    stage.discord.faults.append(DISCORD_FAULTS[fault])
    stage.vendor.release()
    message = await stage.one_video()
    assert bool(message.attachments) == (fault != "413")


async def test_a_video_too_large_for_the_server_is_linked_and_the_link_works(open_a_stage: OpenStage) -> None:
    stage = await open_a_stage("vidu", upload_limit=1000)
    stage.ada.upload_limit = 1000
    stage.ask()
    message = await stage.one_video()
    assert not message.attachments
    link = next(word for word in message.content.replace(")", " ").split() if "/media/outputs/" in word)
    [task] = stage.vendor.tasks.values()
    assert task.video is not None
    async with aiohttp.ClientSession() as session, session.get(link.strip("<>")) as answer:
        assert (answer.status, answer.content_type) == (200, "video/mp4")
        assert await answer.read() == task.video.read_bytes()


@pytest.mark.parametrize(("vendor", "open_to_messages"), [("vidu", True), ("kling signed", True), ("vidu", False)])
async def test_a_channel_that_is_gone_sends_the_video_to_its_asker_else_parks_it_and_settles_once(
    open_a_stage: OpenStage, vendor: str, open_to_messages: bool
) -> None:
    stage = await open_a_stage(vendor)
    stage.ada.user.accepts_direct_messages = open_to_messages
    stage.vendor.behaviour = Behaviour(hold=True)
    stage.ask()
    await stage.until(lambda: stage.vendor.tasks)
    stage.channel.delete()
    stage.vendor.release()
    end = "posted" if open_to_messages else "parked"
    await stage.until(lambda: stage.rows("SELECT state, way FROM deliveries") == [(end, "direct")])
    sent = [message for message in stage.ada.direct_messages.messages if message.attachments]
    assert len(sent) == int(open_to_messages)
    job, _, rows = await stage.books()
    assert (job.state, len(rows)) == ("succeeded", 2)
    assert stage.rows("SELECT count(*) FROM outputs WHERE file IS NOT NULL") == [(1,)]


@pytest.mark.parametrize("vendor", VENDORS)
async def test_a_job_that_expired_is_rescued_when_its_video_comes_late(open_a_stage: OpenStage, vendor: str) -> None:
    stage = await open_a_stage(vendor)
    stage.vendor.behaviour = Behaviour(hold=True)
    stage.ask()
    await stage.until_heard("submission recorded")
    await stage.pass_time(lambda: stage.rows("SELECT state FROM jobs") == [("expired",)], hours=7)
    assert stage.rows("SELECT kind FROM ledger") == [("hold",)]
    stage.vendor.release()
    await stage.one_video()


@pytest.mark.parametrize("vendor", ["futurelabs"])
async def test_whoever_rings_without_end_makes_us_ask_only_now_and_then(open_a_stage: OpenStage, vendor: str) -> None:
    stage = await open_a_stage(vendor)
    stage.vendor.behaviour = Behaviour(hold=True)
    stage.ask()
    await stage.until_heard("submission recorded")
    [task] = stage.vendor.tasks.values()
    rings = [SentCallback(task.id, "x", task.callback_url, {}, b'{"n":%d}' % number, 0.0) for number in range(100)]
    told = [await post(ring) for ring in rings]
    assert told[:64] == [200] * 64
    assert set(told) <= {200, 503}  # come again, once there is room
    await stage.until(lambda: stage.rows("SELECT count(*) FROM inbox WHERE settled_at IS NOT NULL")[0][0] > 12)
    asked = [call for call in stage.vendor.calls if call.method == "GET" and task.id in call.path]
    assert len(asked) <= 14
    stage.vendor.release()
    await stage.pass_time(stage.calm, hours=1 / 60)
    await stage.one_video()
