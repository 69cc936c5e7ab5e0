"""Fetching results: patient with trouble that passes, brief with files that are none, careful with what is ours."""

import io
import os
import subprocess
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import aiohttp
import imageio_ffmpeg  # pyright: ignore[reportMissingTypeStubs] - it has none
import pytest
from aiohttp import web
from PIL import Image

from jobs import files, guard
from jobs.hosts import Hosts
from providers.contract import OutputLink
from storage import alerts
from storage.words import AlertKind, DeliveryState, Job, Output, State
from tests.jobs.lab import NO_ANSWER, Lab, done

HOUR = 3600
TRIES = 8  # at a file that is refused or is no video


class Shelf:
    """A vendor's file server."""

    def __init__(self, session: aiohttp.ClientSession, address: str) -> None:
        self.session = session
        self.address = address
        self.files: dict[str, bytes | int] = {}  # by path: a body, or the status of a refusal
        self.asked: list[str] = []
        self.onward = ""  # where /onward leads

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        if request.path == "/onward":
            return web.Response(status=302, headers={"Location": self.onward})
        held = self.files.get(request.path, 404)
        return web.Response(status=held) if isinstance(held, int) else web.Response(body=held)


@pytest.fixture
async def shelf() -> AsyncIterator[Shelf]:
    async def answer(request: web.Request) -> web.Response:
        return await shelf.answer(request)

    application = web.Application()
    application.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port: int = runner.addresses[0][1]
    async with guard.session([("127.0.0.1", port)]) as session:
        shelf = Shelf(session, f"http://127.0.0.1:{port}")
        yield shelf
    await runner.cleanup()


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    picture = ["-f", "lavfi", "-i", "testsrc=size=64x48:rate=10:duration=1", "-c:v", "libx264", "-threads", "1"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", *picture, str(path)]
    subprocess.run(command, check=True, timeout=60)
    return path.read_bytes()


async def succeeded(lab: Lab, shelf: Shelf, path: str = "/film.mp4") -> Job:
    """Let a job succeed whose result lies at a path of the vendor's server."""
    job = await lab.taken()
    lab.vendor.queries.rule = lambda task: done(task, outputs=(OutputLink(shelf.address + path),))
    await lab.ring(job, "task-1")
    await lab.settle()
    job = await lab.now(job)
    assert job.state is State.SUCCEEDED
    return job


async def tried(lab: Lab, shelf: Shelf, job: Job, times: int = 1) -> Output:
    """Try to fetch so many times, each when it is due."""
    output = await lab.output(job)
    for _ in range(times):
        assert output.due_at is not None
        lab.clock.forward(max(output.due_at / 1000 - lab.clock.now, 0))
        assert await lab.fetch(shelf.session)
        output = await lab.output(job)
    return output


async def given_up(lab: Lab, shelf: Shelf, job: Job) -> Output:
    """Try to fetch until that is given up."""
    for _ in range(200):
        output = await tried(lab, shelf, job)
        if output.due_at is None:
            return output
    raise AssertionError("never given up")


async def test_a_result_is_kept_and_the_delivery_becomes_due(lab: Lab, shelf: Shelf, film: bytes) -> None:
    shelf.files["/film.mp4"] = film
    job = await succeeded(lab, shelf)
    output = await tried(lab, shelf, job)
    assert output.due_at is None
    assert output.file is not None
    assert files.locate(lab.ctx.media_dir, files.OUTPUTS, output.file).read_bytes() == film
    delivery = await lab.delivery(job)
    assert delivery is not None
    assert delivery.state is DeliveryState.DUE


async def test_a_server_in_trouble_is_tried_until_the_deadline(lab: Lab, shelf: Shelf) -> None:
    lab.timing(fetch_deadline=3 * HOUR * 1000)
    shelf.files["/film.mp4"] = 503
    job = await succeeded(lab, shelf)
    output = await given_up(lab, shelf, job)
    assert len(shelf.asked) > 3 * TRIES
    assert output.file is None
    assert job.finished_at is not None
    assert 3 * HOUR * 1000 <= lab.ctx.now() - job.finished_at < 4 * HOUR * 1000
    delivery = await lab.delivery(job)
    assert delivery is not None
    assert delivery.state is DeliveryState.DUE  # the member is told


async def test_a_server_in_trouble_for_hours_is_fetched_from_when_it_is_back(
    lab: Lab, shelf: Shelf, film: bytes
) -> None:
    shelf.files["/film.mp4"] = 503
    job = await succeeded(lab, shelf)
    output = await tried(lab, shelf, job, 4 * TRIES)
    assert output.file is None
    shelf.files["/film.mp4"] = film
    assert (await tried(lab, shelf, job)).file is not None


async def test_a_disk_in_trouble_for_hours_is_written_to_when_it_is_well(lab: Lab, shelf: Shelf, film: bytes) -> None:
    shelf.files["/film.mp4"] = film
    job = await succeeded(lab, shelf)
    in_the_way = lab.ctx.media_dir / files.OUTPUTS
    in_the_way.parent.mkdir(parents=True, exist_ok=True)
    in_the_way.write_text("a file where the folder should be")
    output = await tried(lab, shelf, job, 2 * TRIES)
    assert output.file is None
    in_the_way.unlink()
    assert (await tried(lab, shelf, job)).file is not None


@pytest.mark.parametrize("refusal", [403, 404])
async def test_a_refused_file_is_asked_for_at_the_address_the_vendor_gives_next(
    lab: Lab, shelf: Shelf, film: bytes, refusal: int
) -> None:
    shelf.files |= {"/old.mp4": refusal, "/new.mp4": film}
    job = await succeeded(lab, shelf, "/old.mp4")
    lab.vendor.queries.rule = lambda task: done(task, outputs=(OutputLink(shelf.address + "/new.mp4"),))
    await tried(lab, shelf, job)
    assert (await tried(lab, shelf, job)).file is not None
    assert shelf.asked == ["/old.mp4", "/new.mp4"]


async def test_a_vendor_that_gives_no_new_address_now_is_asked_again(lab: Lab, shelf: Shelf, film: bytes) -> None:
    shelf.files |= {"/old.mp4": 403, "/new.mp4": film}
    job = await succeeded(lab, shelf, "/old.mp4")
    lab.vendor.queries.then(NO_ANSWER)
    lab.vendor.queries.rule = lambda task: done(task, outputs=(OutputLink(shelf.address + "/new.mp4"),))
    assert (await tried(lab, shelf, job, 3)).file is not None


async def test_trouble_that_passed_leaves_a_refused_file_its_tries(lab: Lab, shelf: Shelf, film: bytes) -> None:
    shelf.files |= {"/old.mp4": 503, "/new.mp4": film}
    job = await succeeded(lab, shelf, "/old.mp4")
    await tried(lab, shelf, job, 2 * TRIES)
    shelf.files["/old.mp4"] = 403  # its time is over: the vendor has another by now
    lab.vendor.queries.rule = lambda task: done(task, outputs=(OutputLink(shelf.address + "/new.mp4"),))
    await tried(lab, shelf, job)
    assert (await tried(lab, shelf, job)).file is not None


@pytest.mark.parametrize("held", [b"<html>no video</html>", 403, 410], ids=["no video", "refused", "gone"])
async def test_what_is_no_video_or_refused_for_good_is_given_up_after_its_tries(
    lab: Lab, shelf: Shelf, held: bytes | int
) -> None:
    shelf.files["/film.mp4"] = held
    job = await succeeded(lab, shelf)
    output = await given_up(lab, shelf, job)
    assert (output.attempts, len(shelf.asked), output.file) == (TRIES, TRIES, None)
    assert output.problem
    assert not list((lab.ctx.media_dir / files.OUTPUTS).glob("*"))
    delivery = await lab.delivery(job)
    assert delivery is not None
    assert delivery.state is DeliveryState.DUE
    [told] = await lab.ctx.database.read(alerts.due, lab.ctx.now(), 5)
    assert (told.kind, told.job_id) == (AlertKind.LOST, job.id)


def test_the_sweep_deletes_old_files_of_ours_and_nothing_else(tmp_path: Path) -> None:
    moment = 1_000_000

    def put(path: Path, age: int) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        os.utime(path, (moment - age, moment - age))
        return path

    old = [put(tmp_path / kind / name, 2) for kind in (files.INPUTS, files.OUTPUTS) for name in ("a.mp4", "b.mp4.part")]
    kept = [put(tmp_path / kind / name, 0) for kind in (files.INPUTS, files.OUTPUTS) for name in ("c.png", "d.mp4")]
    kept += [put(tmp_path / "rushes.db", 2), put(tmp_path / "backups" / "a.mp4", 2)]
    kept += [put(tmp_path / files.OUTPUTS / "folder" / "a.mp4", 2), put(tmp_path.parent / f"{tmp_path.name}.mp4", 2)]
    assert files.delete(files.older(tmp_path, moment)) == len(old)
    assert not any(path.exists() for path in old)
    assert all(path.exists() for path in kept)
    assert files.delete(files.older(tmp_path, moment)) == 0


def test_a_sweep_before_anything_was_kept_finds_nothing(tmp_path: Path) -> None:
    assert files.older(tmp_path / "media", 1_000_000) == []


async def picture_made(lab: Lab, shelf: Shelf, body: bytes) -> Job:
    """Let a job succeed whose result is said to be a picture."""
    shelf.files["/picture.png"] = body
    job = await lab.taken()
    lab.vendor.queries.rule = lambda task: done(task, outputs=(OutputLink(shelf.address + "/picture.png", "image"),))
    await lab.ring(job, "task-1")
    await lab.settle()
    await lab.fetch(shelf.session)
    return await lab.now(job)


@pytest.mark.parametrize(("form", "ending"), [("PNG", "png"), ("JPEG", "jpg"), ("WEBP", "webp")])
async def test_a_picture_is_kept_as_what_it_is_by_content(lab: Lab, shelf: Shelf, form: str, ending: str) -> None:
    out = io.BytesIO()
    Image.new("RGB", (64, 48)).save(out, form)
    job = await picture_made(lab, shelf, out.getvalue())
    output = await lab.output(job)
    assert (output.file, output.width, output.height, output.seconds) == (f"{job.code}-0.{ending}", 64, 48, None)
    assert files.locate(lab.ctx.media_dir, files.OUTPUTS, output.file or "").read_bytes() == out.getvalue()
    delivery = await lab.delivery(job)
    assert delivery is not None
    assert delivery.state is DeliveryState.DUE


async def test_what_is_said_to_be_a_picture_and_is_none_is_not_kept(lab: Lab, shelf: Shelf, film: bytes) -> None:
    output = await lab.output(await picture_made(lab, shelf, film))
    assert (output.file, output.problem) == (None, "no picture: not a picture")


async def test_a_result_at_a_host_that_is_not_allowed_waits_and_the_admins_are_told(
    lab: Lab, shelf: Shelf, film: bytes
) -> None:
    """The vendor was paid for it: it waits for the operator's word, and is fetched when that is spoken."""
    shelf.files["/film.mp4"] = film
    lab.ctx = replace(lab.ctx, hosts=Hosts({lab.vendor.name: ("cdn.example",)}))
    job = await succeeded(lab, shelf)
    output = await tried(lab, shelf, job, TRIES + 2)
    assert shelf.asked == []
    assert output.due_at is not None
    assert output.refusals == 0
    assert output.problem == "strange: 127.0.0.1 is none of the hosts that results may come from"
    [told] = await lab.ctx.database.read(alerts.due, lab.ctx.now(), 10)
    assert (told.kind, told.job_id) == (AlertKind.HOST, job.id)
    lab.ctx = replace(lab.ctx, hosts=Hosts({lab.vendor.name: ("cdn.example",)}, guard_pairs(shelf)))
    assert (await tried(lab, shelf, job)).file is not None


async def test_a_result_at_a_host_that_is_never_allowed_is_given_up_after_a_day_and_told_as_lost(
    lab: Lab, shelf: Shelf
) -> None:
    lab.ctx = replace(lab.ctx, hosts=Hosts({lab.vendor.name: ("cdn.example",)}))
    job = await succeeded(lab, shelf)
    await tried(lab, shelf, job)
    lab.clock.forward(23 * HOUR)
    assert (await given_up(lab, shelf, job)).file is None
    assert lab.clock.now - (job.finished_at or 0) / 1000 >= 24 * HOUR
    kinds = {told.kind for told in await lab.ctx.database.read(alerts.due, lab.ctx.now(), 10)}
    assert kinds == {AlertKind.HOST, AlertKind.LOST}


async def test_a_redirect_to_a_host_that_is_not_allowed_is_not_followed(lab: Lab, shelf: Shelf, film: bytes) -> None:
    shelf.files["/film.mp4"] = film
    shelf.onward = shelf.address.replace("127.0.0.1", "localhost") + "/film.mp4"
    lab.ctx = replace(lab.ctx, hosts=Hosts({lab.vendor.name: ("cdn.example",)}, guard_pairs(shelf)))
    job = await succeeded(lab, shelf, "/onward")
    output = await tried(lab, shelf, job)
    assert (output.problem or "").startswith("strange: localhost is none")
    assert shelf.asked == ["/onward"]


def guard_pairs(shelf: Shelf) -> list[tuple[str, int]]:
    host, _, port = shelf.address.removeprefix("http://").partition(":")
    return [(host, int(port))]
