import base64
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from providers.contract import (
    Callback,
    ErrorKind,
    NotAuthentic,
    Progress,
    ProviderError,
    Reason,
    Submission,
    Task,
    Trust,
)
from providers.futurelabs import Futurelabs
from providers.orders import Clip, Operation, Order, Role, Rule
from tests.providers.lab import Vendor, raw, reply, sample
from tests.providers.orders import ACCOUNT, CALLBACK, HTTPS, KEY, picture

MOTION, AVATAR = Operation.MOTION_CONTROL, Operation.AVATAR
TASK = "940000000000000001"
DANCE = Clip(Role.MOTION, "video/mp4", 5_000_000, 8.0, 1280, 720, url="https://files.example/dance.mp4")
VOICE = Clip(Role.AUDIO, "audio/mpeg", 90_000, 6.0, url="https://files.example/voice.mp3")


@pytest.fixture
async def futurelabs(vendor: Vendor, session: aiohttp.ClientSession) -> Futurelabs:
    vendor.answers = [reply(200, sample("futurelabs/kling_submit.json"))]
    return Futurelabs(replace(ACCOUNT, base_urls=(vendor.url,)), session, lambda: 0.0)


def motion(**changes: Any) -> Order:
    return replace(
        Order(MOTION, pictures=(picture(),), clips=(DANCE,), extras={"character_orientation": "video"}), **changes
    )


def avatar(**changes: Any) -> Order:
    return replace(Order(AVATAR, pictures=(picture(Role.FACE),), extras={"text": "good morning"}), **changes)


async def send(futurelabs: Futurelabs, order: Order) -> str:
    return (await futurelabs.submit(Submission(futurelabs.fill(order), "job-1", CALLBACK))).task_id


def wrong(futurelabs: Futurelabs, order: Order) -> list[tuple[str, Rule]]:
    return [(problem.field, problem.rule) for problem in futurelabs.problems(futurelabs.fill(order))]


async def test_motion_control_sends_what_its_table_lists(futurelabs: Futurelabs, vendor: Vendor) -> None:
    extras = {"character_orientation": "image", "keep_original_sound": False}
    assert await send(futurelabs, motion(prompt="on a pier", resolution="1080p", extras=extras)) == TASK
    assert (vendor.last.method, vendor.last.path) == ("POST", "/ai/kling/v1/videos/motion-control")
    assert vendor.last.headers["authorization"] == f"Token {KEY}"
    assert vendor.last.json == {
        "model_name": "kling-v2-6",
        "mode": "pro",
        "prompt": "on a pier",
        "image_url": HTTPS,
        "video_url": DANCE.url,
        "character_orientation": "image",
        "keep_original_sound": "no",
        "callback_url": CALLBACK,
        "external_task_id": "job-1",
    }


async def test_the_mode_is_always_sent_and_std_by_default(futurelabs: Futurelabs, vendor: Vendor) -> None:
    for order in (motion(), avatar(), motion(model="kling-v9", resolution=None)):
        await send(futurelabs, order)
        assert vendor.last.json["mode"] == "std"
    assert "keep_original_sound" not in vendor.last.json
    await send(futurelabs, motion(extras={"character_orientation": "video", "keep_original_sound": True}))
    assert vendor.last.json["keep_original_sound"] == "yes"


async def test_an_avatar_says_a_text_or_follows_an_audio(futurelabs: Futurelabs, vendor: Vendor) -> None:
    await send(futurelabs, avatar(prompt="smiling", resolution="1080p"))
    assert vendor.last.path == "/ai/kling/v1/videos/avatar/image2video"
    assert vendor.last.json == {
        "model_name": "kling-v2-6",
        "mode": "pro",
        "prompt": "smiling",
        "image": HTTPS,
        "text": "good morning",
        "callback_url": CALLBACK,
        "external_task_id": "job-1",
    }
    await send(futurelabs, avatar(extras={}, clips=(VOICE,)))
    assert vendor.last.json["sound_file"] == VOICE.url
    assert "text" not in vendor.last.json
    assert wrong(futurelabs, avatar(extras={}, clips=(VOICE,))) == []


async def test_a_picture_goes_as_an_https_address_or_as_bare_base64(futurelabs: Futurelabs, vendor: Vendor) -> None:
    coded = base64.b64encode(b"\x89PNG one").decode()
    await send(futurelabs, motion(pictures=(picture(url=None),)))
    assert vendor.last.json["image_url"] == coded
    await send(futurelabs, avatar(pictures=(picture(Role.FACE, url="http://127.0.0.1/face.png"),)))
    assert vendor.last.json["image"] == coded


async def test_videos_and_audios_are_addresses_only(futurelabs: Futurelabs, vendor: Vendor) -> None:
    for order, role in (
        (motion(clips=(replace(DANCE, url=None),)), "motion"),
        (avatar(extras={}, clips=(replace(VOICE, url=None, data=b"voice"),)), "audio"),
    ):
        assert wrong(futurelabs, order) == [(role, Rule.NEEDS_PUBLIC_URL)]
        with pytest.raises(ProviderError) as caught:
            await send(futurelabs, order)
        assert caught.value.kind is ErrorKind.NOT_SENT
    assert vendor.connections == 0


@pytest.mark.parametrize(
    ("order", "problem"),
    [
        (motion(pictures=()), ("first_frame", Rule.REQUIRED)),
        (motion(pictures=(picture(mime="image/webp"),)), ("first_frame", Rule.FILE_FORMAT)),
        (motion(pictures=(picture(width=299),)), ("first_frame", Rule.FILE_PIXELS)),
        (motion(pictures=(picture(width=751, height=300),)), ("first_frame", Rule.FILE_RATIO)),
        (motion(pictures=(picture(data=b"x" * 10_000_001),)), ("first_frame", Rule.FILE_BYTES)),
        (motion(clips=()), ("motion", Rule.REQUIRED)),
        (motion(clips=(replace(DANCE, mime="audio/mpeg"),)), ("motion", Rule.FILE_FORMAT)),
        (motion(clips=(replace(DANCE, size=100_000_001),)), ("motion", Rule.FILE_BYTES)),
        (motion(clips=(replace(DANCE, height=339),)), ("motion", Rule.FILE_PIXELS)),
        (motion(clips=(replace(DANCE, width=3851),)), ("motion", Rule.FILE_PIXELS)),
        (motion(clips=(replace(DANCE, seconds=2.9),)), ("motion", Rule.FILE_SECONDS)),
        (motion(clips=(replace(DANCE, seconds=30.1),)), ("motion", Rule.FILE_SECONDS)),
        (motion(clips=(replace(DANCE, seconds=0.0),)), ("motion", Rule.FILE_SECONDS)),  # it does not tell
        (motion(extras={}), ("character_orientation", Rule.REQUIRED)),
        (motion(extras={"character_orientation": "left"}), ("character_orientation", Rule.ONE_OF)),
        (motion(prompt="é" * 2501), ("prompt", Rule.TOO_LONG)),
        (motion(seed=1), ("seed", Rule.NOT_OFFERED)),
        (motion(duration=5), ("duration", Rule.NOT_OFFERED)),
        (motion(resolution="540p"), ("resolution", Rule.ONE_OF)),
        (avatar(pictures=()), ("face", Rule.REQUIRED)),
        (avatar(extras={}), ("audio", Rule.REQUIRED)),
        (avatar(extras={"text": "  "}), ("audio", Rule.REQUIRED)),
        (avatar(clips=(VOICE,)), ("text", Rule.NOT_TOGETHER)),
        (avatar(extras={}, clips=(replace(VOICE, seconds=1.9),)), ("audio", Rule.FILE_SECONDS)),
        (avatar(extras={}, clips=(replace(VOICE, size=5_000_001),)), ("audio", Rule.FILE_BYTES)),
        (avatar(extras={"text": "x" * 5001}), ("text", Rule.TOO_LONG)),
    ],
)
def test_what_is_missing_or_does_not_fit_is_named(
    futurelabs: Futurelabs, order: Order, problem: tuple[str, Rule]
) -> None:
    assert wrong(futurelabs, order) == [problem]


def test_a_character_as_in_the_image_moves_for_ten_seconds_at_most(futurelabs: Futurelabs) -> None:
    for orientation, most in (("image", 10.0), ("video", 30.0)):
        extras = {"character_orientation": orientation}
        assert wrong(futurelabs, motion(extras=extras, clips=(replace(DANCE, seconds=most),))) == []
        longer = motion(extras=extras, clips=(replace(DANCE, seconds=most + 0.1),))
        assert wrong(futurelabs, longer) == [("motion", Rule.FILE_SECONDS)]


def test_no_price_is_published_and_nothing_can_be_cancelled(futurelabs: Futurelabs) -> None:
    for order in (motion(), avatar()):
        assert futurelabs.price(futurelabs.fill(order)) is None
        assert not futurelabs.can_cancel(order.operation)


async def test_cancelling_is_refused_without_a_call(futurelabs: Futurelabs, vendor: Vendor) -> None:
    with pytest.raises(ProviderError) as caught:
        await futurelabs.cancel(Task(TASK, MOTION, "job-1"))
    assert caught.value.kind is ErrorKind.REJECTED
    assert vendor.connections == 0


@pytest.mark.parametrize(
    ("operation", "endpoint"), [(MOTION, "videos/motion-control"), (AVATAR, "videos/avatar/image2video")]
)
async def test_a_task_is_asked_for_at_the_endpoint_it_was_made_at(
    futurelabs: Futurelabs, vendor: Vendor, operation: Operation, endpoint: str
) -> None:
    vendor.answers = [reply(200, sample("futurelabs/kling_processing.json"))]
    status = await futurelabs.query(Task(TASK, operation, "job-1"))
    assert vendor.last.target == f"/ai/kling/v1/tasks/{TASK}?endpoint={endpoint}"
    assert (status.progress, status.outputs, status.echo) == (Progress.RUNNING, (), "job-1")  # its result is null
    vendor.answers = [reply(200, sample("futurelabs/kling_succeed.json"))]
    status = await futurelabs.query(Task(TASK, operation, "job-1"))
    assert (status.task_id, status.progress) == (TASK, Progress.SUCCEEDED)
    assert [output.url for output in status.outputs] == ["https://files.example/motion.mp4"]
    assert status.created_at == 1772352000.0


async def test_a_failed_task_says_why_and_echoes_the_systems_id_where_it_has_none_of_ours(
    futurelabs: Futurelabs, vendor: Vendor
) -> None:
    vendor.answers = [reply(200, sample("futurelabs/kling_failed.json"))]
    status = await futurelabs.query(Task(TASK, AVATAR, "job-1"))
    assert (status.progress, status.reason, status.detail) == (Progress.FAILED, Reason.VENDOR, "no face was found")
    assert status.echo == TASK


@pytest.mark.parametrize(
    ("http", "body", "kind", "reason"),
    [
        (404, {"message": "?"}, ErrorKind.REJECTED, Reason.NOT_FOUND),
        (404, {"code": 1202, "message": "?"}, ErrorKind.REJECTED, Reason.ACCESS),
        (404, b"<html></html>", ErrorKind.REJECTED, Reason.ACCESS),
        (429, {"code": 1303, "message": "?"}, ErrorKind.THROTTLED, Reason.BUSY),
        (429, {"code": 1102, "message": "?"}, ErrorKind.REJECTED, Reason.CREDIT),
        (200, {"code": 1301, "message": "?"}, ErrorKind.REJECTED, Reason.CONTENT),
        (200, {"code": 0, "message": "SUCCEED", "data": {}}, ErrorKind.UNKNOWN, Reason.VENDOR),
        (500, {"code": 1301, "message": "?"}, ErrorKind.UNKNOWN, Reason.VENDOR),
    ],
)
async def test_refusals_are_read_as_klings(
    futurelabs: Futurelabs, vendor: Vendor, http: int, body: object, kind: ErrorKind, reason: Reason
) -> None:
    vendor.answers = [reply(http, body)]
    with pytest.raises(ProviderError) as caught:
        await futurelabs.query(Task(TASK, MOTION, "job-1"))
    assert (caught.value.kind, caught.value.reason) == (kind, reason)


async def test_a_submission_that_names_no_task_is_of_unknown_outcome(futurelabs: Futurelabs, vendor: Vendor) -> None:
    vendor.answers = [reply(200, {"code": 0, "message": "SUCCEED", "data": {"task_status": "submitted"}})]
    with pytest.raises(ProviderError) as caught:
        await send(futurelabs, motion())
    assert caught.value.kind is ErrorKind.UNKNOWN


@pytest.mark.parametrize("name", ["futurelabs/kling_callback.json", "futurelabs/kling_succeed.json"])
def test_a_callback_is_read_flat_and_in_its_envelope(futurelabs: Futurelabs, name: str) -> None:
    status = futurelabs.read_callback(raw(name))
    assert (status.task_id, status.progress, status.echo) == (TASK, Progress.SUCCEEDED, "job-1")
    assert [output.url for output in status.outputs] == ["https://files.example/motion.mp4"]


async def test_where_vidus_signature_is_demanded_klings_callbacks_ring_without_one(
    session: aiohttp.ClientSession,
) -> None:
    futurelabs = Futurelabs(replace(ACCOUNT, callback_signature="vidu"), session, lambda: 0.0)
    for name in ("futurelabs/kling_callback.json", "futurelabs/kling_succeed.json"):
        verified = futurelabs.verify(Callback("/cb", [], raw(name)), 0.0)
        assert verified.trust is Trust.DOORBELL
    for body in (raw("futurelabs/query_success.json"), raw("futurelabs/mv_success.json"), b"no JSON", b"[]", b""):
        with pytest.raises(NotAuthentic):
            futurelabs.verify(Callback("/cb", [], body), 0.0)
