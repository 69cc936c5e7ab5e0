import base64
import json
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from providers.contract import ErrorKind, NotUnderstood, Progress, ProviderError, Reason, Task
from providers.futurelabs import Futurelabs
from providers.orders import Operation, Rule
from tests.providers.futurelabs_music import (
    COMPOSE,
    EDIT,
    EDITED,
    FILM,
    FIRST,
    MV,
    NEW,
    SECOND,
    SONG,
    WORDS,
    Ask,
    asking,
    compose,
    customer,
    edit,
    faces,
    music,
    send,
    wrong,
)
from tests.providers.lab import Vendor, raw, reply, sample
from tests.providers.orders import CALLBACK, HTTPS


@pytest.fixture
async def futurelabs(vendor: Vendor, session: aiohttp.ClientSession) -> Futurelabs:
    return customer(vendor, session)


@pytest.fixture
def ask(futurelabs: Futurelabs, vendor: Vendor) -> Ask:
    return asking(futurelabs, vendor)


async def test_a_music_video_sends_what_its_table_lists(futurelabs: Futurelabs, vendor: Vendor) -> None:
    extras = {"lip_sync": True, "language": "en", "add_subtitle": False}
    assert await send(futurelabs, music(pictures=faces(2), prompt="by the sea", extras=extras)) == FILM
    assert (vendor.last.method, vendor.last.path) == ("POST", "/ai/avu/one-click/mv")
    assert vendor.last.json == {
        "images": [HTTPS, HTTPS],
        "audio_url": SONG.url,
        "prompt": "by the sea",
        "aspect_ratio": "16:9",
        "resolution": "720p",
        "add_subtitle": False,
        "language": "en",
        "lip_sync": True,
        "callback_url": CALLBACK,
    }


async def test_nothing_is_sent_that_was_not_said_and_no_length_as_in_the_example(
    futurelabs: Futurelabs, vendor: Vendor
) -> None:
    await send(futurelabs, music())
    assert sorted(vendor.last.json) == ["aspect_ratio", "audio_url", "callback_url", "images", "resolution"]
    assert wrong(futurelabs, music(duration=15)) == [("duration", Rule.NOT_OFFERED)]
    assert wrong(futurelabs, music(seed=1)) == [("seed", Rule.NOT_OFFERED)]


async def test_a_song_and_pictures_without_an_https_address_go_as_data_addresses(
    futurelabs: Futurelabs, vendor: Vendor
) -> None:
    for url in (None, "http://127.0.0.1/song.wav"):
        song = replace(SONG, mime="audio/wav", url=url)
        await send(futurelabs, music(clips=(song,), pictures=faces(1, url=url)))
        assert vendor.last.json["audio_url"] == "data:audio/wav;base64," + base64.b64encode(b"song").decode()
        assert vendor.last.json["images"] == ["data:image/png;base64," + base64.b64encode(b"\x89PNG one").decode()]


async def test_a_song_too_large_for_bytes_goes_as_any_address_or_not_at_all(
    futurelabs: Futurelabs, vendor: Vendor
) -> None:
    large = replace(SONG, size=20_000_001, data=b"", url="http://127.0.0.1/song.wav")
    assert wrong(futurelabs, music(clips=(large,))) == []
    await send(futurelabs, music(clips=(large,)))
    assert vendor.last.json["audio_url"] == "http://127.0.0.1/song.wav"
    assert wrong(futurelabs, music(clips=(replace(large, url=None),))) == [("audio", Rule.NEEDS_PUBLIC_URL)]
    assert wrong(futurelabs, music(clips=(replace(SONG, url=None, size=20_000_000),))) == []


async def test_the_words_of_a_song_go_as_an_address_and_are_shown_unless_refused(
    futurelabs: Futurelabs, vendor: Vendor
) -> None:
    await send(futurelabs, music(clips=(SONG, WORDS)))
    assert (vendor.last.json["srt_url"], vendor.last.json["add_subtitle"]) == (WORDS.url, True)
    refused = music(clips=(SONG, WORDS), extras={"add_subtitle": False})
    assert wrong(futurelabs, refused) == [("subtitles", Rule.NOT_TOGETHER)]
    assert wrong(futurelabs, music(clips=(SONG, replace(WORDS, url=None)))) == [("subtitles", Rule.NEEDS_PUBLIC_URL)]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"clips": ()}, ("audio", Rule.REQUIRED)),
        ({"clips": (replace(SONG, seconds=9.9),)}, ("audio", Rule.FILE_SECONDS)),
        ({"clips": (replace(SONG, seconds=300.1),)}, ("audio", Rule.FILE_SECONDS)),
        ({"clips": (replace(SONG, mime="video/mp4"),)}, ("audio", Rule.FILE_FORMAT)),
        ({"pictures": ()}, ("reference", Rule.REQUIRED)),
        ({"pictures": faces(8)}, ("reference", Rule.TOO_MANY)),
        ({"pictures": faces(1, width=401, height=100)}, ("reference", Rule.FILE_RATIO)),
        ({"prompt": "é" * 3001}, ("prompt", Rule.TOO_LONG)),
        ({"aspect_ratio": "21:9"}, ("aspect_ratio", Rule.ONE_OF)),
        ({"resolution": "4K"}, ("resolution", Rule.ONE_OF)),
        ({"extras": {"language": "fr"}}, ("language", Rule.ONE_OF)),
        ({"extras": {"off_peak": True}}, ("off_peak", Rule.NOT_OFFERED)),
        ({"audio": True}, ("audio", Rule.NOT_OFFERED)),
    ],
)
def test_what_a_music_video_cannot_take_is_named(
    futurelabs: Futurelabs, changes: dict[str, Any], problem: tuple[str, Rule]
) -> None:
    assert wrong(futurelabs, music(**changes)) == [problem]


def test_its_edges_may_be_sent(futurelabs: Futurelabs) -> None:
    for seconds in (10.0, 180.0, 300.0):
        clips = (replace(SONG, seconds=seconds),)
        assert wrong(futurelabs, music(clips=clips, prompt="é" * 3000, pictures=faces(7))) == []
    assert wrong(futurelabs, music(pictures=faces(1, width=400, height=100))) == []


@pytest.mark.parametrize(
    ("seconds", "resolution", "extras", "credits"),
    [
        (60.0, "540p", {}, 240),
        (60.0, "720p", {}, 480),
        (60.0, "1080p", {}, 960),
        (10.1, "720p", {}, 88),
        (60.0, "720p", {"lip_sync": True}, 720),
        (60.0, "720p", {"lip_sync": False}, 480),
        (240.0, "720p", {}, 1920),
    ],
)
def test_a_music_video_is_estimated_by_its_seconds(
    futurelabs: Futurelabs, seconds: float, resolution: str, extras: dict[str, Any], credits: int
) -> None:
    asked = music(clips=(replace(SONG, seconds=seconds),), resolution=resolution, extras=extras)
    assert futurelabs.price(futurelabs.fill(asked)) == credits


def test_a_change_is_estimated_only_where_its_length_is_known(futurelabs: Futurelabs) -> None:
    assert futurelabs.price(edit()) is None
    assert futurelabs.price(edit(duration=3)) == 24
    assert futurelabs.price(edit(duration=3, resolution="1080p")) == 48
    assert futurelabs.price(compose()) == 10
    assert futurelabs.price(futurelabs.fill(music(clips=()))) is None


async def test_a_music_video_shows_its_shots_in_order_while_it_is_made(ask: Ask, vendor: Vendor) -> None:
    status = await ask(FILM, MV, sample("futurelabs/mv_processing.json"))
    assert vendor.last.target == f"/ai/avu/one-click/mv/{FILM}"
    assert (status.task_id, status.progress, status.word, status.outputs) == (FILM, Progress.RUNNING, "processing", ())
    told = [(shot.id, shot.index, shot.progress, shot.prompt, shot.seconds, shot.url) for shot in status.shots]
    assert told == [
        (FIRST, 0, Progress.SUCCEEDED, "a lamp is lit", 3, "https://files.example/shot-0.mp4?sig=1"),
        (SECOND, 1, Progress.RUNNING, "waves at night", 4, ""),
    ]
    assert status.created_at == 1772352000.123456
    assert (status.prompt, status.model, status.echo) == (None, None, None)


async def test_a_music_video_up_to_three_minutes_has_a_film_of_its_own(ask: Ask) -> None:
    status = await ask(FILM, MV, sample("futurelabs/mv_success.json"))
    assert [output.url for output in status.outputs] == ["https://files.example/film.mp4?sig=9"]
    assert status.progress is Progress.SUCCEEDED


async def test_a_longer_one_has_its_newest_composition_or_else_its_shots(ask: Ask) -> None:
    composed = sample("futurelabs/mv_edited.json")
    composed["signed_url"] = ""
    status = await ask(FILM, MV, composed)
    assert [output.url for output in status.outputs] == ["https://files.example/composed-2.mp4?sig=5"]
    composed["job_records"][2]["jobs"][1] |= {"state": "failed", "signed_url": ""}
    status = await ask(FILM, MV, composed)
    assert [output.url for output in status.outputs] == ["https://files.example/composed-1.mp4?sig=3"]
    status = await ask(FILM, MV, sample("futurelabs/mv_long.json"))
    assert [output.url for output in status.outputs] == [
        "https://files.example/shot-0.mp4?sig=1",
        "https://files.example/shot-1.mp4?sig=2",
    ]


async def test_a_failed_one_says_why(ask: Ask) -> None:
    status = await ask(FILM, MV, sample("futurelabs/mv_failed.json"))
    assert (status.progress, status.reason) == (Progress.FAILED, Reason.CONTENT)
    assert status.detail == "AuditSubmitIllegal the song cannot be used"
    status = await ask(FILM, MV, sample("futurelabs/mv_failed.json") | {"err_code": "UserCancelled"})
    assert (status.progress, status.reason) == (Progress.CANCELLED, None)
    status = await ask(FILM, MV, sample("futurelabs/mv_long.json") | {"job_records": []})
    assert (status.progress, status.reason) == (Progress.FAILED, Reason.VENDOR)


async def test_a_part_is_never_taken_for_the_whole(futurelabs: Futurelabs, vendor: Vendor) -> None:
    vendor.answers = [reply(200, sample("futurelabs/mv_part.json"))]
    with pytest.raises(ProviderError) as caught:
        await futurelabs.query(Task(NEW, MV, "job-1"))
    assert caught.value.kind is ErrorKind.UNKNOWN
    vendor.answers = [reply(200, sample("futurelabs/mv_success.json"))]
    assert (await futurelabs.query(Task(NEW, MV, "job-1"))).task_id == FILM


@pytest.mark.parametrize("operation", [MV, EDIT, COMPOSE])
@pytest.mark.parametrize("answer", [{}, {"id": FILM}, {"id": FILM, "state": None, "err_msg": "?"}, {"state": 5}])
async def test_an_answer_without_a_state_leaves_it_open(
    futurelabs: Futurelabs, vendor: Vendor, operation: Operation, answer: object
) -> None:
    vendor.answers = [reply(200, answer)]
    with pytest.raises(ProviderError) as caught:
        await futurelabs.query(Task(EDITED, operation, "job-1"))
    assert caught.value.kind is ErrorKind.UNKNOWN


async def test_a_film_of_a_hundred_long_shots_is_read_whole(ask: Ask) -> None:
    film = sample("futurelabs/mv_long.json")
    shot = film["job_records"][0]["jobs"][0] | {"mv_generate_video_input": {"duration": 3, "prompt": "x" * 3000}}
    film["job_records"] = [
        {"type": "generate_video", "index": n, "jobs": [shot | {"id": str(n)}]} for n in reversed(range(100))
    ]
    status = await ask(FILM, MV, film)
    assert [shot.id for shot in status.shots] == [str(n) for n in range(100)]
    assert len(status.outputs) == 10  # what one message can hold


@pytest.mark.parametrize("seconds", [None, True, "3", -1, 0, 4000, [], 10**30])
async def test_a_strange_length_of_a_shot_is_none(ask: Ask, seconds: object) -> None:
    film = sample("futurelabs/mv_success.json")
    film["job_records"][0]["jobs"][0]["mv_generate_video_input"]["duration"] = seconds
    assert (await ask(FILM, MV, film)).shots[0].seconds is None


def test_no_music_video_can_be_cancelled(futurelabs: Futurelabs) -> None:
    assert [futurelabs.can_cancel(operation) for operation in (MV, EDIT, COMPOSE)] == [False] * 3


def test_callbacks_of_music_videos_and_their_parts_are_told_apart(futurelabs: Futurelabs) -> None:
    whole = futurelabs.read_callback(raw("futurelabs/mv_success.json"))
    assert (whole.task_id, whole.progress, len(whole.shots)) == (FILM, Progress.SUCCEEDED, 2)
    part = futurelabs.read_callback(raw("futurelabs/mv_part.json"))
    assert (part.task_id, part.progress, part.outputs[0].url[-5:]) == (NEW, Progress.SUCCEEDED, "sig=4")
    failed = futurelabs.read_callback(raw("futurelabs/mv_failed.json"))
    assert (failed.progress, failed.reason) == (Progress.FAILED, Reason.CONTENT)
    early = futurelabs.read_callback(json.dumps({"id": FILM, "state": "processing"}).encode())
    assert (early.task_id, early.progress) == (FILM, Progress.RUNNING)
    for body in ({"type": "mv", "state": "success"}, {"type": "mv", "id": FILM}):
        with pytest.raises(NotUnderstood):
            futurelabs.read_callback(json.dumps(body).encode())
