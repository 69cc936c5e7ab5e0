"""Every way in which a stand-in can be told to misbehave, seen from outside."""

import asyncio
from pathlib import Path

import aiohttp
import pytest

from sandbox.vendors import Behaviour
from tests.sandbox.vendors_kit import SUBMIT, Scene, scene


async def run(stage: Scene, behaviour: Behaviour) -> list[str]:
    """Run one task to its end and return the states of the callbacks in the order they came in."""
    behaviour.outcome = "success_without_outputs"
    stage.vendor.behaviour = behaviour
    await stage.submit(callback_url=stage.hook())
    await stage.finished()
    return [got.state for got in stage.got]


async def test_callbacks_can_stay_away(tmp_path: Path) -> None:
    async with scene(tmp_path, "kling") as stage:
        assert await run(stage, Behaviour(callbacks="none")) == []
        assert await run(stage, Behaviour(callbacks="only_final")) == ["succeed"]


async def test_callbacks_can_come_twice_with_the_same_headers(tmp_path: Path) -> None:
    async with scene(tmp_path, "vidu") as stage:
        assert await run(stage, Behaviour(callbacks="double")) == ["processing"] * 2 + ["success"] * 2
        assert stage.got[2].headers == stage.got[3].headers
        assert stage.got[2].body == stage.got[3].body


async def test_callbacks_can_come_a_hundred_at_once(tmp_path: Path) -> None:
    async with scene(tmp_path, "vidu") as stage:
        assert await run(stage, Behaviour(callbacks="hundred")) == ["processing"] * 100 + ["success"] * 100
        assert len({got.headers["X-HMAC-SIGNATURE"] for got in stage.got}) == 2
        assert len(stage.vendor.sent) == 200


async def test_the_final_callback_can_come_first(tmp_path: Path) -> None:
    async with scene(tmp_path, "kling") as stage:
        assert await run(stage, Behaviour(callbacks="final_first")) == ["succeed", "submitted", "processing"]


async def test_callbacks_can_come_before_the_answer(tmp_path: Path) -> None:
    async with scene(tmp_path, "vidu") as stage:
        stage.vendor.behaviour = Behaviour(callbacks="before_answer", outcome="success_without_outputs")
        answer = await stage.submit(callback_url=stage.hook())
        assert [got.state for got in stage.got] == ["processing", "success"]
        assert (answer.json["state"], answer.json["task_id"]) == ("created", stage.task.id)


async def test_callbacks_can_be_late(tmp_path: Path) -> None:
    async with scene(tmp_path, "vidu") as stage:
        stage.vendor.behaviour = Behaviour(callbacks="late", late_by=3600, outcome="success_without_outputs")
        await stage.submit(callback_url=stage.hook())
        await stage.vendor.until(lambda: stage.task.state == "success")
        assert not stage.task.finished.is_set()
        assert not stage.vendor.sent


async def test_callbacks_can_be_garbage_under_a_good_signature(tmp_path: Path) -> None:
    async with scene(tmp_path, "kling") as stage:
        stage.vendor.behaviour = Behaviour(callbacks="garbage", outcome="success_without_outputs")
        await stage.submit(callback_url=stage.hook())
        await stage.finished()
        with pytest.raises(ValueError, match="Expecting"):
            _ = stage.got[0].json
        assert stage.got[0].headers["webhook-signature"]


async def test_vidu_repeats_a_final_callback_three_times_with_a_fresh_signature(tmp_path: Path) -> None:
    async with scene(tmp_path, "vidu") as stage:
        stage.answers += [500, 500, 302, 500, 500, 200]
        assert await run(stage, Behaviour(retry_every=0)) == ["processing"] + ["success"] * 4
        assert [sent.status for sent in stage.vendor.sent] == [500, 500, 302, 500, 500]
        assert len({got.headers["x-request-nonce"] for got in stage.got}) == 5


async def test_vidu_repeats_until_it_is_answered_and_may_keep_its_headers(tmp_path: Path) -> None:
    async with scene(tmp_path, "vidu") as stage:
        stage.answers += [200, 503, 200]
        assert await run(stage, Behaviour(retry_every=0, retry_headers="same")) == ["processing", "success", "success"]
        assert stage.got[1].headers == stage.got[2].headers


@pytest.mark.parametrize("name", ["futurelabs", "kling"])
async def test_others_do_not_repeat(tmp_path: Path, name: str) -> None:
    async with scene(tmp_path, name) as stage:
        stage.answers += [500] * 9
        await run(stage, Behaviour(retry_every=0))
        assert len({got.body for got in stage.got}) == len(stage.got)


async def test_a_receiver_that_is_not_there_is_recorded(tmp_path: Path) -> None:
    async with scene(tmp_path, "kling") as stage:
        stage.vendor.behaviour = Behaviour(outcome="success_without_outputs")
        await stage.submit(callback_url="http://127.0.0.1:1/nobody")
        await stage.finished()
        assert [sent.status for sent in stage.vendor.sent] == [None] * 3
        assert "ClientConnectorError" in stage.vendor.sent[0].error


@pytest.mark.parametrize("name", ["vidu", "futurelabs", "kling"])
async def test_submits_and_queries_fail_once_for_each_fault_in_line(tmp_path: Path, name: str) -> None:
    async with scene(tmp_path, name) as stage:
        stage.vendor.behaviour = Behaviour(
            submit_faults=["throttle", "error500", "html", "out_of_credit"],
            query_faults=["throttle", "error500", "html"],
            retry_after=7,
            hold=True,
        )
        seen = [await stage.submit() for _ in range(5)]
        throttled, broken, html, empty, good = seen
        assert (throttled.status, throttled.headers["Retry-After"]) == (429, "7")
        assert [broken.status, html.status, good.status] == [500, 502, 200]
        assert html.headers["Content-Type"].startswith("text/html")
        kling = name == "kling"
        assert throttled.json["code" if kling else "reason"] == (1302 if kling else "TooManyRequests")
        assert broken.json["code" if kling else "reason"] == (5000 if kling else "InternalServiceFailure")
        assert empty.json["code" if kling else "reason"] == (1102 if kling else "CreditInsufficient")
        assert len(stage.vendor.tasks) == 1
        path = {"vidu": "/ent/v2/tasks/{}/creations", "futurelabs": "/ai/avu/tasks/{}/creations"}.get(
            name, "/v1/videos/text2video/{}"
        )
        statuses = [(await stage.ask("GET", path.format(stage.task.id))).status for _ in range(4)]
        assert statuses == [429, 500, 502, 200]
        assert [call.status for call in stage.vendor.calls] == [429, 500, 502, empty.status, 200, 429, 500, 502, 200]


async def test_a_connection_can_be_cut_with_and_without_a_task(tmp_path: Path) -> None:
    async with scene(tmp_path, "kling") as stage:
        stage.vendor.behaviour = Behaviour(
            submit_faults=["cut_before_accept", "cut_after_accept"], query_faults=["cut", "cut"], hold=True
        )
        for booked in (0, 1):
            with pytest.raises(aiohttp.ClientError):
                await stage.submit(external_task_id="job-7")
            assert len(stage.vendor.tasks) == booked
        with pytest.raises(aiohttp.ClientError):  # aiohttp's client repeats a cut GET once by itself: hence two faults
            await stage.ask("GET", "/v1/videos/text2video/job-7")
        found = await stage.ask("GET", "/v1/videos/text2video/job-7")
        assert found.json["data"]["task_id"] == stage.task.id
        assert [call.status for call in stage.vendor.calls] == [0, 0, 0, 0, 200]


async def test_an_answer_can_be_garbage_although_the_task_exists(tmp_path: Path) -> None:
    async with scene(tmp_path, "vidu") as stage:
        stage.vendor.behaviour = Behaviour(submit_faults=["garbage_answer"], hold=True)
        answer = await stage.submit()
        assert answer.status == 200
        with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
            _ = answer.json
        assert len(stage.vendor.tasks) == 1


async def test_a_submit_can_hang_until_the_vendor_closes(tmp_path: Path) -> None:
    async with scene(tmp_path, "vidu") as stage:
        stage.vendor.behaviour.submit_faults = ["hang"]
        hanging = asyncio.create_task(stage.submit())
        await stage.vendor.until(lambda: stage.told)
        assert not hanging.done()
        await stage.vendor.close()
        with pytest.raises(aiohttp.ClientError):
            await hanging
        assert not stage.vendor.tasks


@pytest.mark.parametrize("name", ["vidu", "futurelabs"])
async def test_a_held_task_can_be_cancelled_and_then_reads_as_failed(tmp_path: Path, name: str) -> None:
    async with scene(tmp_path, name) as stage:
        stage.vendor.behaviour.hold = True
        await stage.submit(callback_url=stage.hook())
        path = f"{SUBMIT[name]}tasks/{stage.task.id}/cancel"
        answer = await stage.ask("POST", path, {"id": stage.task.id})
        assert (answer.status, answer.json) == (200, {})
        task = await stage.finished()
        shown = await stage.query(task)
        assert (shown["state"], shown["err_code"], shown["credits"]) == ("failed", "UserCancelled", 0)
        assert [got.state for got in stage.got] == ["failed"]
        assert (await stage.ask("POST", path)).status == 400
        assert "cancelled" in [event for event, _ in stage.told]


async def test_a_started_task_cannot_be_cancelled(tmp_path: Path) -> None:
    async with scene(tmp_path, "vidu") as stage:
        stage.vendor.behaviour = Behaviour(outcome="success_without_outputs")
        await stage.submit()
        task = await stage.finished()
        answer = await stage.ask("POST", f"/ent/v2/tasks/{task.id}/cancel")
        assert (answer.status, answer.json["reason"]) == (400, "BadRequest")
        assert answer.json["message"] == "task state is scheduled, can not cancel"
        stage.vendor.behaviour = Behaviour(hold=True, cancel="too_late")
        await stage.submit()
        assert (await stage.ask("POST", f"/ent/v2/tasks/{stage.task.id}/cancel")).status == 400
        assert stage.task.state == "created"


async def test_kling_cannot_cancel(tmp_path: Path) -> None:
    async with scene(tmp_path, "kling") as stage:
        assert (await stage.ask("POST", "/v1/videos/text2video/1/cancel")).status == 404


async def test_a_held_task_goes_on_when_released(tmp_path: Path) -> None:
    async with scene(tmp_path, "vidu") as stage:
        stage.vendor.behaviour = Behaviour(hold=True, outcome="success_without_outputs")
        await stage.submit()
        assert (await stage.query(stage.task))["state"] == "created"
        stage.vendor.release()
        assert (await stage.finished()).state == "success"


async def test_vidu_queues_what_cannot_run_yet(tmp_path: Path) -> None:
    async with scene(tmp_path, "vidu") as stage:
        stage.vendor.behaviour = Behaviour(parallel=0, outcome="success_without_outputs")
        await stage.submit()
        await stage.vendor.until(lambda: stage.task.state == "queueing")
        stage.vendor.behaviour = Behaviour(outcome="success_without_outputs")
        assert (await stage.finished()).state == "success"


async def test_files_can_be_missing_cut_short_replaced_or_slow(tmp_path: Path) -> None:
    async with scene(tmp_path, "vidu") as stage:
        await stage.submit()
        url = (await stage.query(await stage.finished()))["creations"][0]["url"]
        whole = (await stage.ask("GET", url)).body
        stage.vendor.behaviour.file_faults = ["404", "html", "truncated"]
        assert (await stage.ask("GET", url)).status == 404
        page = await stage.ask("GET", url)
        assert (page.status, page.body[:6]) == (200, b"<html>")
        with pytest.raises(aiohttp.ClientError):
            await stage.ask("GET", url)
        stage.vendor.behaviour.slow_file = 0.001
        assert (await stage.ask("GET", url)).body == whole


async def test_behaviour_can_be_changed_over_http(tmp_path: Path) -> None:
    async with scene(tmp_path, "vidu") as stage:
        wanted = {"callbacks": "none", "hold": True, "submit_faults": ["throttle"]}
        answer = await stage.ask("PUT", "/_control/behaviour", wanted)
        assert (answer.status, answer.json["callbacks"]) == (200, "none")
        assert stage.vendor.behaviour.hold
        assert [(await stage.submit()).status for _ in range(2)] == [429, 200]
        assert stage.task.id in (await stage.ask("GET", "/_control/tasks")).body.decode()
        assert '"status": 429' in (await stage.ask("GET", "/_control/calls")).body.decode()
        wrongs: list[object] = [{"callbacks": "sometimes"}, {"no_such": 1}, {"submit_faults": "throttle"}, []]
        for wrong in [*wrongs, {"hold": [1]}, {"hold": 1}, {"late_by": "1"}, {"query_faults": ["never"]}]:
            assert (await stage.ask("PUT", "/_control/behaviour", wrong)).status == 400
        assert stage.vendor.behaviour.callbacks == "none"
        await stage.ask("PUT", "/_control/behaviour", {"outcome": "failed", "err_code": "ImageCheckFaceFailed"})
        assert (await stage.ask("POST", "/_control/release")).status == 200
        task = await stage.finished()
        assert (task.state, task.error) == ("failed", "ImageCheckFaceFailed")


async def test_everything_is_told_and_a_task_is_told_before_it_is_answered(tmp_path: Path) -> None:
    async with scene(tmp_path, "vidu") as stage:
        stage.vendor.behaviour.submit_faults = ["cut_after_accept"]
        with pytest.raises(aiohttp.ClientError):
            await stage.submit(callback_url=stage.hook(), payload="job-7")
        assert [event for event, _ in stage.told][:2] == ["submit received", "task accepted"]
        shown = await stage.query(await stage.finished())
        await stage.ask("GET", shown["creations"][0]["url"])
        events = [event for event, _ in stage.told]
        assert events[-2:] == ["query answered", "file served"]
        assert events.count("state changed") == 3
        assert events.count("callback sent") == 2
        assert stage.told[1][1]["payload"] == "job-7"


async def test_waiting_for_what_never_happens_ends_with_the_book(tmp_path: Path) -> None:
    async with scene(tmp_path, "vidu") as stage:
        stage.vendor.behaviour.hold = True
        await stage.submit()
        with pytest.raises(TimeoutError, match=stage.task.id):
            await stage.vendor.until(lambda: False, timeout=0)
