"""Music videos at Futurelabs: from a song to shots and a film, edits, compositions, and what is refused."""

import base64
from pathlib import Path
from typing import Any

import pytest

from sandbox.vendors import Behaviour
from sandbox.vendors.futurelabs_shots import cut
from sandbox.vendors.render import Studio
from tests.sandbox.vendors_kit import Answer, Scene, make_sound, media_facts, picture, scene

MV = "/ai/avu/one-click/mv"
PNG = base64.b64encode(picture(300, 200)).decode()


def song(stage: Scene, seconds: float = 12, **changes: Any) -> dict[str, Any]:
    plain = {"images": [stage.image(), stage.image("400x400")], "audio_url": stage.sound(seconds), "prompt": "the sea"}
    return {**plain, "callback_url": stage.hook(), **changes}


async def made(stage: Scene, **changes: Any) -> dict[str, Any]:
    """Create a music video, wait for its end and return what the query shows."""
    answer = await stage.ask("POST", MV, song(stage, **changes))
    assert answer.status == 200, answer.json
    assert answer.json == {"id": stage.task.id}
    await stage.finished()
    return await shown(stage, answer.json["id"])


async def shown(stage: Scene, wanted: str) -> dict[str, Any]:
    answer = await stage.ask("GET", f"{MV}/{wanted}")
    assert answer.status == 200, answer.json
    return answer.json


def jobs(body: dict[str, Any], kind: str) -> list[list[dict[str, Any]]]:
    """Return the histories of the shots, or of the compositions."""
    return [record["jobs"] for record in body["job_records"] if record["type"] == kind]


async def edit(stage: Scene, mv: str, job: str, **more: Any) -> Answer:
    return await stage.ask("POST", f"{MV}/{mv}/edit", {"job_id": job, "prompt": "a storm", **more})


async def compose(stage: Scene, mv: str, ids: object, **more: Any) -> Answer:
    return await stage.ask("POST", f"{MV}/{mv}/compose", {"job_ids": ids, **more})


async def facts(stage: Scene, tmp_path: Path, url: str) -> str:
    path = tmp_path / "got.mp4"
    path.write_bytes((await stage.ask("GET", url)).body)
    return await media_facts(path)


async def test_a_song_becomes_shots_and_a_film_under_the_song(tmp_path: Path) -> None:
    async with scene(tmp_path, "futurelabs") as stage:
        body = await made(stage, aspect_ratio="9:16")
        assert [got.state for got in stage.got] == ["processing", "success"]
        assert stage.got[-1].json == body
        assert (stage.got[0].json["job_records"], stage.got[0].json["signed_url"]) == ([], "")
        assert (body["type"], body["state"], body["err_code"], body["err_msg"]) == ("mv", "success", "", "")
        assert "credits" not in body
        shots, films = jobs(body, "generate_video"), jobs(body, "compose")
        assert [record["index"] for record in body["job_records"]] == [0, 1, 0]
        assert [[job["state"] for job in each] for each in (*shots, *films)] == [["success"]] * 3
        words = [each[0]["mv_generate_video_input"] for each in shots]
        assert [each["duration"] for each in words] == [6, 6]
        assert all("the sea" in each["prompt"] and "lyric_text" in each for each in words)
        assert body["signed_url"] == films[0][0]["signed_url"]
        film = await facts(stage, tmp_path, body["signed_url"])
        assert "270x480" in film
        assert "Duration: 00:00:12.0" in film
        assert "Audio: aac" in film
        shot = await facts(stage, tmp_path, shots[0][0]["signed_url"])
        assert "Duration: 00:00:06.0" in shot
        assert len(stage.vendor.tasks) == 1
        assert stage.task.video
        assert stage.task.credits == 12 * 8


async def test_a_subtask_is_found_by_its_own_id(tmp_path: Path) -> None:
    async with scene(tmp_path, "futurelabs") as stage:
        body = await made(stage)
        first = jobs(body, "generate_video")[0][0]
        alone = await shown(stage, first["id"])
        assert (alone["id"], alone["type"], alone["state"]) == (first["id"], "generate_video", "success")
        assert (alone["signed_url"], alone["job_records"][0]["jobs"]) == (first["signed_url"], [first])
        film = await shown(stage, jobs(body, "compose")[0][0]["id"])
        assert (film["type"], film["signed_url"]) == ("compose", body["signed_url"])
        for path in (f"{MV}/1", f"/ai/avu/tasks/{body['id']}/creations", f"/ai/avu/tasks/{first['id']}/creations"):
            answer = await stage.ask("GET", path)
            assert (answer.status, answer.json["reason"]) == (404, "TaskNotFound")
        assert (await stage.ask("POST", f"{MV}/{body['id']}/cancel")).status == 404


async def test_an_edit_adds_a_take_and_a_composition_of_it_becomes_the_film(tmp_path: Path) -> None:
    async with scene(tmp_path, "futurelabs") as stage:
        body = await made(stage)
        (first,), (second,) = jobs(body, "generate_video")
        stage.got.clear()
        answer = await edit(stage, body["id"], second["id"], callback_url=stage.hook("/callbacks/edit"))
        assert answer.json == {"id": stage.task.id}
        take = await stage.finished()
        assert [(got.path, got.json["id"], got.state) for got in stage.got] == [
            ("/callbacks/edit", take.id, "processing"),
            ("/callbacks/edit", take.id, "success"),
        ]
        assert stage.got[-1].json == await shown(stage, take.id)
        assert take.credits == 6 * 8
        after = await shown(stage, body["id"])
        assert [[job["id"] for job in each] for each in jobs(after, "generate_video")] == [
            [first["id"]],
            [second["id"], take.id],
        ]
        assert jobs(after, "generate_video")[1][1]["mv_generate_video_input"]["prompt"] == "a storm"
        assert (after["state"], after["signed_url"]) == ("success", body["signed_url"])

        answer = await compose(stage, body["id"], [first["id"], take.id], callback_url=stage.hook("/callbacks/film"))
        film = await stage.finished()
        assert answer.json == {"id": film.id}
        assert [got.path for got in stage.got[2:]] == ["/callbacks/film"] * 2
        after = await shown(stage, body["id"])
        (films,) = jobs(after, "compose")
        assert [job["id"] for job in films][1:] == [film.id]
        assert after["signed_url"] == films[1]["signed_url"] != films[0]["signed_url"]
        assert stage.got[-1].json["signed_url"] == after["signed_url"]
        old, new = [(await stage.ask("GET", job["signed_url"])).body for job in films]
        assert old != new
        assert "Duration: 00:00:12.0" in await facts(stage, tmp_path, after["signed_url"])
        assert film.credits == 0


async def test_an_edit_or_composition_without_an_address_tells_nobody(tmp_path: Path) -> None:
    async with scene(tmp_path, "futurelabs") as stage:
        body = await made(stage)
        stage.got.clear()
        shot = jobs(body, "generate_video")[0][0]["id"]
        await edit(stage, body["id"], shot)
        await stage.finished()
        await compose(stage, body["id"], [shot])
        film = await stage.finished()
        assert (film.states, film.order.film.seconds) == (["created", "processing", "success"], 6)
        assert stage.got == []


async def test_work_on_a_music_video_can_be_held_and_fail(tmp_path: Path) -> None:
    async with scene(tmp_path, "futurelabs") as stage:
        body = await made(stage)
        shot = jobs(body, "generate_video")[0][0]["id"]
        left = stage.vendor.behaviour.credits_left
        stage.vendor.behaviour.hold = True
        await edit(stage, body["id"], shot, callback_url=stage.hook("/callbacks/edit"))
        take = stage.task
        held = await shown(stage, body["id"])
        assert [job["state"] for job in jobs(held, "generate_video")[0]] == ["success", "created"]
        assert jobs(held, "generate_video")[0][1]["signed_url"] == ""
        for answer in (await edit(stage, body["id"], shot), await compose(stage, body["id"], [take.id])):
            assert (answer.status, answer.json["reason"]) == (400, "OperationInProcess")
        stage.vendor.behaviour.outcome = "failed"
        stage.vendor.release()
        await stage.vendor.until(take.finished.is_set)
        assert (stage.got[-1].path, stage.got[-1].state) == ("/callbacks/edit", "failed")
        alone = await shown(stage, take.id)
        assert (alone["err_code"], bool(alone["err_msg"])) == ("CreationPolicyViolation", True)
        after = await shown(stage, body["id"])
        assert (after["state"], after["signed_url"]) == ("success", body["signed_url"])
        assert stage.vendor.behaviour.credits_left == left


async def test_the_shots_appear_while_they_are_made(tmp_path: Path) -> None:
    async with scene(tmp_path, "futurelabs") as stage:
        stage.vendor.studio = Studio(stage.vendor.studio.folder, parallel=0)  # no place ever: nothing gets done
        await stage.ask("POST", MV, song(stage, seconds=20, prompt="never made before"))
        mv = stage.task
        await stage.vendor.until(lambda: mv.parts)
        assert len(jobs(await shown(stage, mv.id), "generate_video")) == 4
        for path, more in (("edit", {"job_id": mv.parts[0].id, "prompt": "x"}), ("compose", {"job_ids": ["1"]})):
            answer = await stage.ask("POST", f"{MV}/{mv.id}/{path}", more)
            assert (answer.status, answer.json["reason"]) == (400, "OperationInProcess")


async def test_a_failed_music_video_says_why_and_cannot_be_worked_on(tmp_path: Path) -> None:
    async with scene(tmp_path, "futurelabs") as stage:
        stage.vendor.behaviour.outcome = "failed"
        body = await made(stage)
        assert (body["state"], body["err_code"], body["job_records"]) == ("failed", "CreationPolicyViolation", [])
        assert body["err_msg"]
        assert stage.vendor.behaviour.credits_left == 100_000
        assert (await edit(stage, body["id"], "1")).json["reason"] == "BadRequest"
        stage.vendor.behaviour.outcome = "success_without_outputs"
        body = await made(stage)
        assert (body["state"], body["job_records"], body["signed_url"]) == ("success", [], "")


async def test_a_callback_of_a_music_video_is_repeated_three_times(tmp_path: Path) -> None:
    async with scene(tmp_path, "futurelabs") as stage:
        stage.vendor.behaviour = Behaviour(outcome="success_without_outputs", retry_every=0)
        stage.answers += [200, 500, 500, 500, 500]
        await made(stage)
        assert [got.state for got in stage.got] == ["processing"] + ["success"] * 4


@pytest.mark.parametrize(
    ("seconds", "films", "address"),
    [(179.5, 1, True), (180, 1, False), (181, 0, False)],
)
async def test_three_minutes_have_no_address_and_more_are_not_composed(
    tmp_path: Path, seconds: float, films: int, address: bool
) -> None:
    async with scene(tmp_path, "futurelabs") as stage:
        body = await made(stage, audio_url=stage.sound(seconds))
        shots = jobs(body, "generate_video")
        assert [sum(each[0]["mv_generate_video_input"]["duration"] for each in shots), len(shots)] == [int(seconds), 4]
        assert [len(jobs(body, "compose")), bool(body["signed_url"])] == [films, address]
        assert all(each[0]["signed_url"] for each in (*shots, *jobs(body, "compose")))
        assert bool(stage.task.video) == bool(films)
        if films:
            return
        ids = [each[0]["id"] for each in shots]
        assert (await compose(stage, body["id"], ids)).json["reason"] == "FieldInvalid"
        assert (await compose(stage, body["id"], ids[:2])).status == 200
        await stage.finished()
        assert (await shown(stage, body["id"]))["signed_url"]


@pytest.mark.parametrize(
    ("kind", "changes", "credits"),
    [
        ("mp3", {}, 88),
        ("wav", {"resolution": "540p"}, 44),
        ("aac", {"resolution": "1080p"}, 176),
        ("m4a", {"lip_sync": True, "language": "zh", "add_subtitle": True}, 132),
    ],
)
async def test_every_kind_of_song_is_taken_and_priced_by_the_second(
    tmp_path: Path, kind: str, changes: dict[str, Any], credits: int
) -> None:
    async with scene(tmp_path, "futurelabs") as stage:
        stage.vendor.behaviour.hold = True
        fields = song(stage, audio_url=stage.sound(10.5, kind), srt_url=stage.subtitles(), **changes)
        answer = await stage.ask("POST", MV, fields)
        assert answer.status == 200, answer.json
        assert stage.task.credits == credits
        assert stage.vendor.behaviour.credits_left == 100_000 - credits


async def test_songs_and_pictures_may_come_as_base64_with_a_prefix(tmp_path: Path) -> None:
    sound = base64.b64encode(await make_sound(tmp_path, 10.5)).decode()
    async with scene(tmp_path, "futurelabs") as stage:
        stage.vendor.behaviour.hold = True
        fields = song(stage, images=["data:image/png;base64," + PNG], audio_url="data:audio/mpeg;base64," + sound)
        assert (await stage.ask("POST", MV, fields)).status == 200
        for changes in ({"images": [PNG]}, {"audio_url": sound}, {"audio_url": "data:audio/mpeg;base64,!"}):
            answer = await stage.ask("POST", MV, {**fields, **changes})
            assert (answer.status, answer.json["reason"]) == (400, "FieldInvalid")
        padded = base64.b64encode(base64.b64decode(PNG) + bytes(10 * 1024 * 1024)).decode()
        answer = await stage.ask("POST", MV, {**fields, "images": ["data:image/png;base64," + padded]})
        assert (answer.status, answer.json["message"]) == (400, "image is larger than 10485760 bytes")
        large = base64.b64encode(bytes(20 * 1024 * 1024 + 1)).decode()
        answer = await stage.ask("POST", MV, {**fields, "audio_url": "data:audio/mpeg;base64," + large})
        assert (answer.status, answer.json["message"]) == (400, "audio is larger than 20971520 bytes")


async def test_what_a_music_video_does_not_take(tmp_path: Path) -> None:
    async with scene(tmp_path, "futurelabs") as stage:
        cases: list[tuple[dict[str, Any], str]] = [
            ({"images": None}, "FieldLacking"),
            ({"images": []}, "FieldItemCountOutOfRange"),
            ({"images": [stage.image()] * 8}, "FieldItemCountOutOfRange"),
            ({"images": [stage.image("900x200")]}, "PageSizeOutOfRange"),
            ({"images": [stage.image(kind="gif")]}, "ImageFormatInvalid"),
            ({"images": [stage.here + "/nothing.png"]}, "ImageDownloadFailure"),
            ({"audio_url": None}, "FieldLacking"),
            ({"audio_url": stage.here + "/nothing.mp3"}, "FieldInvalid"),
            ({"audio_url": stage.sound(9)}, "FieldInvalid"),
            ({"audio_url": stage.sound(301)}, "FieldInvalid"),
            ({"audio_url": stage.sound(12, "ogg")}, "FieldInvalid"),
            ({"audio_url": stage.film(seconds=12)}, "FieldInvalid"),
            ({"audio_url": stage.image()}, "FieldInvalid"),
            ({"audio_url": stage.subtitles()}, "FieldInvalid"),
            ({"srt_url": stage.subtitles("bad")}, "FieldInvalid"),
            ({"srt_url": stage.image()}, "FieldInvalid"),
            ({"srt_url": stage.here + "/nothing.srt"}, "FieldInvalid"),
            ({"prompt": "x" * 3001}, "FieldInvalid"),
            ({"aspect_ratio": "21:9"}, "FieldInvalid"),
            ({"resolution": "4k"}, "FieldInvalid"),
            ({"language": "fr"}, "FieldInvalid"),
            ({"lip_sync": "true"}, "FieldInvalid"),
            ({"add_subtitle": 1}, "FieldInvalid"),
            ({"callback_url": "ftp://host"}, "FieldInvalid"),
        ]
        for changes, reason in cases:
            answer = await stage.ask("POST", MV, song(stage, **changes))
            assert (answer.status, answer.json["reason"]) == (400, reason), (changes, answer.json)
        assert not stage.vendor.tasks
        for path in ("", "/1/edit", "/1/compose"):
            assert (await stage.ask("POST", MV + path, {}, "Bearer x")).json["reason"] == "Unauthorized"


async def test_what_edits_and_compositions_do_not_take(tmp_path: Path) -> None:
    async with scene(tmp_path, "futurelabs") as stage:
        body = await made(stage)
        shot, film = jobs(body, "generate_video")[0][0]["id"], jobs(body, "compose")[0][0]["id"]
        cases: list[tuple[str, dict[str, Any], str]] = [
            ("edit", {"prompt": "x"}, "FieldLacking"),
            ("edit", {"job_id": shot}, "FieldLacking"),
            ("edit", {"job_id": shot, "prompt": "x" * 3001}, "FieldInvalid"),
            ("edit", {"job_id": "1", "prompt": "x"}, "FieldInvalid"),
            ("edit", {"job_id": film, "prompt": "x"}, "FieldInvalid"),
            ("edit", {"job_id": shot, "prompt": "x", "callback_url": "nowhere"}, "FieldInvalid"),
            ("compose", {}, "FieldLacking"),
            ("compose", {"job_ids": []}, "FieldLacking"),
            ("compose", {"job_ids": shot}, "FieldInvalid"),
            ("compose", {"job_ids": [shot, film]}, "FieldInvalid"),
        ]
        for path, fields, reason in cases:
            answer = await stage.ask("POST", f"{MV}/{body['id']}/{path}", fields)
            assert (answer.status, answer.json["reason"]) == (400, reason), (path, fields)
        for wanted in ("1", shot):
            assert (await edit(stage, wanted, shot)).json["reason"] == "TaskNotFound"
            assert (await compose(stage, wanted, [shot])).json["reason"] == "TaskNotFound"
        stage.vendor.behaviour.submit_faults = ["throttle", "out_of_credit"]
        assert [(await edit(stage, body["id"], shot)).status for _ in range(2)] == [429, 400]
        assert len(stage.vendor.tasks) == 1


@pytest.mark.parametrize(("seconds", "count"), [(10, 2), (12, 2), (15, 3), (20, 4), (180, 4), (300, 4)])
def test_a_song_is_cut_into_two_to_four_shots(seconds: int, count: int) -> None:
    assert (len(cut(seconds)), sum(cut(seconds))) == (count, seconds)
