"""The README's pictures show what the bot sends today. `make pictures` draws them anew, with Chromium."""

import hashlib
import os
import re
import shutil
import subprocess
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import pytest
from PIL import Image, ImageChops, PngImagePlugin

from jobs.frames import last_frame
from jobs.transitions import Event
from providers.contract import Balance
from sandbox.discord import Member, Message
from sandbox.scene import draw_scene
from sandbox.vendors.render import run_ffmpeg
from storage import guilds
from storage.words import Job, Period, Scope
from tests.bot.clinic import opened
from tests.bot.drawn import page
from tests.bot.harness import Clock, FakeVendor, Set, open_set

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
DRAWING = bool(os.environ.get("RUSHES_DRAW"))
NOVEMBER_20 = 1_795_163_400  # 2026-11-20, half past eight
DAYS = 45  # of history
PROMPT = "A small boat leaves the harbour at dawn, the camera follows it slowly out to sea"
# What differs from one run to the next: codes, times, sizes, addresses; and the pictures themselves.
RUNS = (
    (re.compile(r"\b38[0-9a-z]{11}\b"), "38fv9k2m7c4hd"),
    (re.compile(r"\b[0-9]{17,20}\b"), "1573628841899851776"),
    (re.compile(r"\b[0-9,]+ ms\b"), "31 ms"),
    (re.compile(r"\b[0-9,]+ MB are free"), "38,412 MB are free"),
    (re.compile(r"127\.0\.0\.1(:[0-9]+)?|localhost(:[0-9]+)?"), "rushes.example"),
    (re.compile(r'class="at">[0-9:]+<'), 'class="at">08:30<'),
)
IMAGE = re.compile(r"data:image/[a-z]+;base64,[^\"]+")


class Still(Clock):
    """A time that passes only when a scene says so."""

    def __call__(self) -> float:
        return self.ahead


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncGenerator[Set]:
    async with open_set(tmp_path, FakeVendor("vidu"), FakeVendor("kling", rate=21), clock=Still()) as made:
        made.clock.ahead = NOVEMBER_20 - DAYS * 86_400
        await made.start()
        yield made
        await made.stop()


def boss(films: Set) -> Member:
    admin = films.guild.add_member("ada")
    admin.permissions |= 1 << 5 | 1 << 13
    return admin


async def until_today(films: Set) -> None:
    """Let a member make one or two videos a day until today."""
    await films.ctx.database.write(guilds.budget_set, films.guild.id, Scope.GUILD, 0, Period.MONTH, 3000)
    for day in range(DAYS):
        for number in range((day * day + day // 4) % 4):
            who = (films.ada, films.ben, films.mod)[(day + number) % 3]
            options = {"provider": "kling"} if number else {}
            job, _ = await films.taken(films.ask(who, prompt=PROMPT, **options))
            await films.happen(job, Event.SUBMIT)
            at = films.ctx.now()
            await films.happen(job, Event.ACCEPTED, task_id=f"t-{job.code}", submitted_at=at)
            films.clock.ahead += 60 + 7 * (day % 5)
            await films.happen(job, Event.SUCCEEDED, credits=job.price - 5 * (day % 2))
        films.clock.ahead = NOVEMBER_20 + (day + 1 - DAYS) * 86_400


async def rendering(films: Set) -> tuple[Job, Message]:
    await until_today(films)
    job, card = await films.taken(films.ask(prompt=PROMPT, provider="vidu"))
    await films.happen(job, Event.SUBMIT)
    now = films.ctx.now()
    job = await films.happen(job, Event.ACCEPTED, task_id="task-1", submitted_at=now)
    job = await films.happen(job, Event.RUNNING)
    films.clock.ahead += 20
    while await films.edit_cards():
        pass
    return job, card


async def card(films: Set) -> tuple[list[Message], str]:
    _, shown = await rendering(films)
    return [shown], "used /video"


async def result(films: Set) -> tuple[list[Message], str]:
    job, shown = await films.taken(films.ask(prompt=PROMPT))
    films.clock.ahead += 84
    await films.finished(job, data=await a_film(films))
    await films.deliver()
    await films.edit_cards()
    return [shown, *films.results()], "used /video"


async def credits_(films: Set) -> tuple[list[Message], str]:
    await rendering(films)
    return [await boss(films).type(films.channel, "/credits", {}).answered()], "used /credits"


async def setup(films: Set) -> tuple[list[Message], str]:
    await films.ctx.database.write(guilds.budget_set, films.guild.id, Scope.GUILD, 0, Period.MONTH, 3000)
    return [await boss(films).type(films.channel, "/setup", {}).answered()], "used /setup"


async def a_film(films: Set) -> bytes:
    """Make a real film of the scene: its last picture is what the drawing shows."""
    folder = films.ctx.media_dir.parent
    (folder / "scene.png").write_bytes(draw_scene(1280, 720))
    still = ["-loop", "1", "-i", str(folder / "scene.png"), "-t", "1", "-r", "5"]
    await run_ffmpeg([*still, "-pix_fmt", "yuv420p", str(folder / "film.mp4")])
    return (folder / "film.mp4").read_bytes()


SCENES: dict[str, Callable[[Set], Awaitable[tuple[list[Message], str]]]] = {
    "card": card,
    "result": result,
    "credits": credits_,
    "setup": setup,
}


@pytest.mark.parametrize("scene", SCENES)
async def test_the_readme_shows_what_the_bot_sends(studio: Set, tmp_path: Path, scene: str) -> None:
    messages, used = await SCENES[scene](studio)
    posters = {
        one.id: await poster(one.data, tmp_path)
        for message in messages
        for one in message.attachments
        if one.content_type == "video/mp4"
    }
    held_to(scene, page(messages, posters, used, studio.clock()), tmp_path)


async def test_the_readme_shows_what_doctor_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(tmp_path) as clinic:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        clinic.vendor.left = Balance(1234, "")
        job, _ = await clinic.films.accepted()
        await clinic.films.happen(job, Event.SUBMIT, Event.UNCLEAR)
        message = await clinic.operator.type(clinic.films.channel, "/doctor", {}).answered(20)
        held_to("doctor", page([message], {}, "used /doctor"), tmp_path)


def held_to(scene: str, whole: str, tmp_path: Path) -> None:
    """Compare a page with the one that its picture was drawn from; or draw it."""
    drawn = whole
    for what, instead in RUNS:
        drawn = what.sub(instead, drawn)
    digest = hashlib.sha256(IMAGE.sub("", drawn).encode()).hexdigest()
    file = FOLDER / f"{scene}.png"
    if DRAWING:
        photograph(drawn, file, tmp_path, digest)
    with Image.open(file) as shown:
        assert shown.info.get("Page") == digest, f"{scene} has changed: `make pictures` draws it anew"
    assert f"docs/pictures/{scene}.png" in (FOLDER.parents[1] / "README.md").read_text("utf-8")


async def poster(film: bytes, folder: Path) -> bytes:
    (folder / "result.mp4").write_bytes(film)
    return await last_frame(folder / "result.mp4")


def photograph(drawn: str, file: Path, folder: Path, digest: str) -> None:
    """Have Chromium show a page, cut the empty rest off, and write into the picture which page it shows."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert browser, "no Chromium here"
    (folder / "page.html").write_text(drawn, "utf-8")
    quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-background-networking"]
    size = ["--window-size=720,2400", "--force-device-scale-factor=1.5", f"--user-data-dir={folder / 'profile'}"]
    target = f"--screenshot={folder / 'page.png'}"
    subprocess.run([browser, *quiet, *size, target, (folder / "page.html").as_uri()], check=True, capture_output=True)
    with Image.open(folder / "page.png") as opened:
        whole = opened.convert("RGB")
    empty = Image.new("RGB", whole.size, whole.getpixel((0, whole.height - 1)))
    box = ImageChops.difference(whole, empty).getbbox()
    assert box is not None
    about = PngImagePlugin.PngInfo()
    about.add_text("Page", digest)
    file.parent.mkdir(parents=True, exist_ok=True)
    whole.crop((0, 0, whole.width, min(box[3] + 30, whole.height))).quantize(200).save(
        file, optimize=True, pnginfo=about
    )
