"""A task's whole way at each vendor over real HTTP, in that vendor's own words and shapes."""

import base64
import hashlib
import hmac
from pathlib import Path

import aiohttp
import pytest

from sandbox.vendors import VendorKeys
from tests.sandbox.vendors_kit import KEYS, SECRET, Scene, picture, scene


async def fetched(stage: Scene, url: str) -> bytes:
    answer = await stage.ask("GET", url)
    assert answer.status == 200
    return answer.body


async def test_vidu_from_submit_to_file(tmp_path: Path) -> None:
    async with scene(tmp_path, "vidu") as stage:
        submitted = await stage.submit(payload="job-7", callback_url=stage.hook("/callbacks/one?b=2&a=1"))
        assert submitted.json["state"] == "created"
        assert submitted.json["credits"] == 2
        assert submitted.json["payload"] == "job-7"
        task = await stage.finished()
        assert submitted.json["task_id"] == task.id
        assert task.states == ["created", "queueing", "processing", "success"]
        assert [got.state for got in stage.got] == ["processing", "success"]
        assert stage.got[0].json == {
            "id": task.id,
            "state": "processing",
            "err_code": "",
            "credits": 2,
            "payload": "job-7",
            "bgm": False,
            "off_peak": False,
            "creations": [],
        }
        shown = await stage.query(task)
        assert shown == stage.got[1].json
        assert set(shown["creations"][0]) == {"id", "url", "cover_url", "watermarked_url"}
        assert (await fetched(stage, shown["creations"][0]["url"]))[4:8] == b"ftyp"
        assert (await fetched(stage, shown["creations"][0]["cover_url"]))[:3] == b"\xff\xd8\xff"
        assert stage.vendor.behaviour.credits_left == 100_000 - 2


async def test_vidu_signs_what_it_was_given_as_address(tmp_path: Path) -> None:
    async with scene(tmp_path, "vidu") as stage:
        stage.vendor.behaviour.outcome = "success_without_outputs"
        await stage.submit(callback_url=stage.hook("/callbacks/o%6Ee?b=%32&a=1"))
        await stage.finished()
        got = stage.got[-1]
        date, nonce = got.headers["Date"], got.headers["x-request-nonce"]
        text = f"POST\n/callbacks/o%6Ee\nb=%32&a=1\nvidu\n{date}\nDate:{date}\nx-request-nonce:{nonce}\n"
        wanted = base64.b64encode(hmac.digest(KEYS.api_key.encode(), text.encode(), hashlib.sha256)).decode()
        assert got.path == "/callbacks/o%6Ee?b=%32&a=1"
        assert got.headers["X-HMAC-SIGNATURE"] == wanted
        assert stage.got[0].headers["x-request-nonce"] != nonce


async def test_futurelabs_from_submit_to_file(tmp_path: Path) -> None:
    async with scene(tmp_path, "futurelabs") as stage:
        fields = {"images": [stage.image(), stage.image("600x400", "jpeg")], "duration": 1, "resolution": "540p"}
        submitted = await stage.submit("start-end2video", model="viduq3-pro", callback_url=stage.hook(), **fields)
        assert submitted.json["type"] == "start-end2video"
        assert submitted.json["credits"] == 4
        task = await stage.finished()
        assert submitted.json["task_id"] == task.id
        assert [got.state for got in stage.got] == ["processing", "success"]
        assert not [name for name in stage.got[1].headers if name.lower().startswith(("x-", "webhook-"))]
        shown = await stage.query(task)
        assert shown == stage.got[1].json
        assert set(shown) == {"task_id", "type", "state", "model", "prompt", "creations", "created_at", "credits"}
        assert set(shown["creations"][0]) == {"url", "cover_url"}
        assert (await fetched(stage, shown["creations"][0]["url"]))[4:8] == b"ftyp"


async def test_kling_from_submit_to_file(tmp_path: Path) -> None:
    async with scene(tmp_path, "kling") as stage:
        image = base64.b64encode(picture(400, 300)).decode()
        submitted = await stage.submit("image2video", image=image, external_task_id="job-7", callback_url=stage.hook())
        assert submitted.json["code"] == 0
        assert submitted.json["message"] == "SUCCEED"
        assert submitted.json["data"]["task_status"] == "submitted"
        assert isinstance(submitted.json["data"]["created_at"], int)
        task = await stage.finished()
        assert [got.state for got in stage.got] == ["submitted", "processing", "succeed"]
        body = stage.got[2].json
        assert body["task_id"] == task.id == submitted.json["data"]["task_id"]
        assert body["task_info"] == {"external_task_id": "job-7"}
        assert body["final_unit_deduction"] == "1"
        assert body["task_result"]["videos"][0]["duration"] == "5"
        assert "code" not in body
        by_id = await stage.ask("GET", f"/v1/videos/image2video/{task.id}")
        by_own = await stage.ask("GET", "/v1/videos/image2video/job-7")
        assert by_id.json["data"] == by_own.json["data"] == body
        other = await stage.ask("GET", f"/v1/videos/text2video/{task.id}")
        assert (other.status, other.json["code"]) == (404, 1203)
        listed = await stage.ask("GET", "/v1/videos/image2video?pageNum=1&pageSize=30")
        assert listed.json["data"] == [body]
        assert (await fetched(stage, body["task_result"]["videos"][0]["url"]))[4:8] == b"ftyp"


@pytest.mark.parametrize("secret", [SECRET, None])
async def test_kling_signs_the_body_only_with_a_webhook_secret(tmp_path: Path, secret: str | None) -> None:
    async with scene(tmp_path, "kling", VendorKeys("key-of-the-account", webhook_secret=secret)) as stage:
        stage.vendor.behaviour.outcome = "success_without_outputs"
        await stage.submit(callback_url=stage.hook())
        await stage.finished()
        got = stage.got[-1]
        assert got.json["task_result"] == {"videos": []}
        if not secret:
            assert "webhook-signature" not in got.headers
            return
        signed = f"{got.headers['webhook-id']}.{got.headers['webhook-timestamp']}.".encode() + got.body
        key = base64.b64decode(secret[6:])
        wanted = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        assert got.headers["webhook-signature"] == f"v1,{wanted}"


@pytest.mark.parametrize("name", ["vidu", "futurelabs", "kling"])
async def test_a_failed_task_names_its_reason_and_costs_nothing(tmp_path: Path, name: str) -> None:
    async with scene(tmp_path, name) as stage:
        stage.vendor.behaviour.outcome = "failed"
        await stage.submit(callback_url=stage.hook())
        task = await stage.finished()
        body = await stage.query(task)
        shown = body.get("data", body)
        assert stage.got[-1].json == shown
        assert stage.got[-1].state == "failed"
        if name == "kling":
            assert shown["task_status_msg"]
            assert shown["final_unit_deduction"] == "0"
        else:
            assert shown["err_code"] == "CreationPolicyViolation"
            assert shown["credits"] == 0
        assert stage.vendor.behaviour.credits_left == 100_000


async def test_vidu_lists_with_payload_filters_and_pages(tmp_path: Path) -> None:
    clock = [1_000_000.0]
    async with scene(tmp_path, "vidu", clock=lambda: clock[0]) as stage:
        stage.vendor.behaviour.outcome = "success_without_outputs"
        for number in range(3):
            clock[0] += 60
            await stage.submit(payload=f"job-{number}", resolution="540p" if number else "720p")
            await stage.finished()

        async def rows(query: str) -> list[str]:
            return [row["payload"] for row in (await stage.ask("GET", f"/ent/v2/tasks{query}")).json["tasks"]]

        assert await rows("") == ["job-2", "job-1", "job-0"]
        assert await rows("?created_at.from=1970-01-12T13:49:00Z") == ["job-2"]
        assert await rows("?created_at.to=1970-01-12T13:47:50Z") == ["job-0"]
        assert await rows("?resolutions=720p") == ["job-0"]
        assert await rows("?states=failed") == []
        assert await rows("?model_versions=q3-turbo&states=success") == ["job-2", "job-1", "job-0"]
        assert await rows(f"?task_ids={stage.task.id}") == ["job-2"]
        first = (await stage.ask("GET", "/ent/v2/tasks?paper.pagesz=2")).json
        assert first["next_page_token"]
        assert await rows(f"?paper.pagesz=2&pager.page_token={first['next_page_token']}") == ["job-0"]
        assert await rows("?paper.pagesz=2&paper.page=1") == ["job-0"]
        assert (await stage.ask("GET", "/ent/v2/tasks?paper.pagesz=101")).status == 400
        clock[0] += 8 * 86400
        assert await rows("") == []


async def test_vidu_tells_the_credits_that_are_left(tmp_path: Path) -> None:
    async with scene(tmp_path, "vidu") as stage:
        stage.vendor.behaviour.hold = True
        await stage.submit()
        account = (await stage.ask("GET", "/ent/v2/credits")).json
        assert account["remains"][0]["credit_remain"] == 100_000 - 2
        assert account["remains"][0]["queue_count"] == 1
        assert account["packages"] == []
        assert (await stage.ask("GET", "/ent/v2/credits?show_detail=true")).json["packages"]


async def test_files_are_served_in_ranges_until_their_life_ends(tmp_path: Path) -> None:
    clock = [1_000_000.0]
    async with scene(tmp_path, "vidu", clock=lambda: clock[0]) as stage:
        await stage.submit()
        task = await stage.finished()
        url = (await stage.query(task))["creations"][0]["url"]
        whole = await fetched(stage, url)
        async with stage.client.get(url, headers={"Range": "bytes=4-7"}) as part:
            assert (part.status, await part.read()) == (206, b"ftyp")
            assert part.headers["Content-Range"] == f"bytes 4-7/{len(whole)}"
        clock[0] += 86400
        assert (await stage.ask("GET", url)).status == 403
        renewed = (await stage.query(task))["creations"][0]["url"]
        assert renewed != url
        assert await fetched(stage, renewed) == whole
        assert (await stage.ask("GET", f"{stage.vendor.url}/cdn/guess/video.mp4")).status == 404


async def test_it_closes_with_work_unfinished(tmp_path: Path) -> None:
    async with scene(tmp_path, "vidu") as stage:
        stage.vendor.behaviour.hold = True
        await stage.submit()
        url = stage.vendor.url
        await stage.vendor.close()
        with pytest.raises(aiohttp.ClientConnectorError):
            await stage.client.get(url)
