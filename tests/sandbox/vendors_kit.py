"""A scene for the stand-ins' tests: one vendor, and a neighbour that receives callbacks and serves pictures."""

import asyncio
import io
import json
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import imageio_ffmpeg  # pyright: ignore[reportMissingTypeStubs] - it has none
from aiohttp import web
from PIL import Image

from sandbox.vendors import Studio, Task, Vendor, VendorKeys, start_vendor
from sandbox.vendors.render import run_ffmpeg

SECRET = "whsec_dGVzdHNlY3JldHRlc3RzZWNyZXR0ZXN0c2VjcmV0MTI="
KEYS = VendorKeys("key-of-the-account", "access-key", "secret-key-of-thirty-two-characters", SECRET)
SUBMIT = {
    "vidu": "/ent/v2/",
    "futurelabs": "/ai/avu/",
    "kling": "/v1/videos/",
    "kkiai": "/ent/v2/",
    "powertokens": "/vidu/ent/v2/",
}
QUERY = {
    "vidu": "/ent/v2/tasks/{}/creations",
    "futurelabs": "/ai/avu/tasks/{}/creations",
    "kling": "/v1/videos/text2video/{}",
    "kkiai": "/ent/v2/tasks/{}/creations",
    "powertokens": "/vidu/ent/v2/tasks/{}/creations",
}
SUBTITLES = "1\n00:00:00,000 --> 00:00:04,000\nla la la\n"
MADE: dict[Path, bytes] = {}  # sounds and films of this run
TEXT: dict[str, dict[str, Any]] = {
    "vidu": {"model": "viduq3-turbo", "prompt": "a boat", "duration": 1, "resolution": "540p", "audio": False},
    "futurelabs": {"model": "viduq3-turbo", "prompt": "a boat", "duration": 1, "resolution": "540p", "audio": False},
    "kling": {"prompt": "a boat"},
}


@dataclass
class Got:
    """A callback as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def state(self) -> str:
        return str(self.json.get("state", self.json.get("task_status", self.json.get("status"))))


@dataclass
class Answer:
    """What a vendor answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)


def authorization(name: str) -> str:
    if name == "apiframe":
        return KEYS.api_key
    return f"{'Token' if name in {'vidu', 'futurelabs'} else 'Bearer'} {KEYS.api_key}"


def picture(width: int, height: int, kind: str = "png", colour: str = "") -> bytes:
    """Draw a picture of that size, a slope of greys or one colour."""
    target = io.BytesIO()
    if colour:
        Image.new("RGB", (width, height), colour).save(target, kind)
        return target.getvalue()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(target, kind)  # pyright: ignore[reportUnknownMemberType] - numpy in Pillow's types
    return target.getvalue()


@dataclass
class Scene:
    """A vendor, its neighbour, and a client that knows the account's key."""

    vendor: Vendor
    here: str  # the neighbour's address
    client: aiohttp.ClientSession
    got: list[Got]
    answers: list[int]  # what the neighbour answers next; 200 when empty
    told: list[tuple[str, dict[str, Any]]] = field(default_factory=list[tuple[str, dict[str, Any]]])

    async def ask(self, method: str, path: str, body: object = None, auth: str | None = None) -> Answer:
        headers = {"Authorization": authorization(self.vendor.name) if auth is None else auth}
        address = path if path.startswith("http") else self.vendor.url + path
        data = None if body is None else io.BytesIO(body if isinstance(body, bytes) else json.dumps(body).encode())
        async with self.client.request(method, address, data=data, headers=headers) as answer:
            return Answer(answer.status, dict(answer.headers), await answer.read())

    async def submit(self, operation: str = "text2video", /, **fields: Any) -> Answer:
        body = fields if "images" in fields or "image" in fields else TEXT[self.vendor.name] | fields
        return await self.ask("POST", SUBMIT[self.vendor.name] + operation, body)

    async def query(self, task: Task) -> dict[str, Any]:
        path = QUERY[self.vendor.name].replace("text2video", task.operation)
        return (await self.ask("GET", path.format(task.id))).json

    @property
    def task(self) -> Task:
        return next(reversed(self.vendor.tasks.values()))

    async def finished(self) -> Task:
        await self.vendor.until(lambda: self.vendor.tasks and self.task.finished.is_set(), timeout=20)
        return self.task

    def hook(self, path: str = "/callbacks/one") -> str:
        return self.here + path

    def sound(self, seconds: float = 10, kind: str = "mp3") -> str:
        return f"{self.here}/sounds/{seconds}.{kind}"

    def film(self, size: str = "640x360", seconds: float = 3, kind: str = "mp4") -> str:
        return f"{self.here}/films/{size}-{seconds}.{kind}"

    def subtitles(self, name: str = "good") -> str:
        return f"{self.here}/subtitles/{name}.srt"

    def image(self, size: str = "640x360", kind: str = "png") -> str:
        return f"{self.here}/pictures/{size}.{kind}"


@asynccontextmanager
async def scene(
    tmp_path: Path, name: str, keys: VendorKeys = KEYS, clock: Callable[[], float] | None = None
) -> AsyncGenerator[Scene]:
    """Open a scene; films are shared by all tests of a run, states follow each other at once."""
    got: list[Got] = []
    answers: list[int] = []
    told: list[tuple[str, dict[str, Any]]] = []

    async def receive(request: web.Request) -> web.Response:
        got.append(Got(request.raw_path, dict(request.headers), await request.read()))
        return web.Response(status=answers.pop(0) if answers else 200)

    async def show(request: web.Request) -> web.Response:
        size = re.fullmatch(r"(\d+)x(\d+)", request.match_info["size"])
        kind = request.match_info["kind"]
        if not size:
            return web.Response(text="<html>not a picture</html>", content_type="text/html")
        return web.Response(body=picture(int(size[1]), int(size[2]), kind), content_type=f"image/{kind}")

    async def play(request: web.Request) -> web.Response:
        asked = request.match_info
        made = make_sound if "size" not in asked else partial(make_film, size=asked["size"])
        return web.Response(body=await made(tmp_path.parent, float(asked["seconds"]), asked["kind"]))

    async def read(request: web.Request) -> web.Response:
        return web.Response(text=SUBTITLES if request.match_info["name"] == "good" else "nothing of the kind")

    app = web.Application()
    app.router.add_post("/callbacks/{name}", receive)
    app.router.add_get("/pictures/{size}.{kind}", show)
    app.router.add_get("/sounds/{seconds}.{kind}", play)
    app.router.add_get(r"/films/{size:\d+x\d+}-{seconds}.{kind}", play)
    app.router.add_get("/subtitles/{name}.srt", read)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    here = f"http://127.0.0.1:{runner.addresses[0][1]}"
    more: dict[str, Any] = {"clock": clock} if clock else {}
    vendor = await start_vendor(
        name,
        keys=keys,
        workdir=tmp_path,
        pace=0,
        studio=Studio(tmp_path.parent / "films"),
        tell=lambda event, facts: told.append((event, facts)),
        **more,
    )
    try:
        async with aiohttp.ClientSession() as client:
            yield Scene(vendor, here, client, got, answers, told)
    finally:
        await vendor.close()
        await runner.cleanup()


async def make_sound(folder: Path, seconds: float, kind: str = "mp3") -> bytes:
    """Make a sound file of that length and kind ("mp3", "wav", "aac", "m4a", "ogg"), once per folder."""
    return await _made(folder / f"sound-{seconds}.{kind}", ("-f", "lavfi", "-i", f"sine=330:d={seconds}"))


async def make_film(folder: Path, seconds: float, kind: str = "mp4", size: str = "640x360") -> bytes:
    """Make a film file of that size, length and kind ("mp4", "mov", "mkv"), once per folder."""
    source = f"testsrc=size={size}:rate=10:d={seconds}"
    return await _made(
        folder / f"film-{size}-{seconds}.{kind}", ("-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p", "-crf", "40")
    )


async def _made(path: Path, wanted: tuple[str, ...]) -> bytes:
    known = MADE.get(path)
    if known is None:
        await run_ffmpeg(["-loglevel", "error", "-y", *wanted, str(path)])
        known = MADE[path] = await asyncio.to_thread(path.read_bytes)
    return known


async def media_facts(path: Path) -> str:
    """Return what ffmpeg says about a file."""
    process = await asyncio.create_subprocess_exec(
        imageio_ffmpeg.get_ffmpeg_exe(),
        *("-hide_banner", "-i", str(path)),
        stderr=asyncio.subprocess.PIPE,
    )
    return (await process.communicate())[1].decode()
