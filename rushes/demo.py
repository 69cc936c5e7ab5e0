"""The demo: the real program beside a local Discord and a local vendor, and one member who types /video."""

import secrets
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from jobs import mp4
from providers.registry import TITLES
from rushes import logs
from rushes.program import Program
from rushes.settings import load
from rushes.timeline import Timeline
from sandbox.discord import Message, Upload
from sandbox.scene import draw_scene
from sandbox.scenery import Scenery, Secrets, put_up
from sandbox.vendors import VendorKeys
from storage import ledger
from storage.words import LedgerRow

_PATIENCE = 120.0  # seconds for the whole journey
_PACE = 0.4  # seconds a task stays in each state at the vendor
_STEPS = [
    "command received",
    "deferred",
    "pictures read",
    "planned",
    "pictures kept",
    "held",
    "card edited",
    "submitting",
    "submit answered",
    "submission recorded",
    "callback received",
    "callback verified",
    "callback stored",
    "settled",
    "fetched",
    "output recorded",
    "posting",
    "posted",
    "delivery recorded",
]


class DemoFailed(Exception):  # noqa: N818 -- says what happened
    """The journey did not come to its end, or a step of it did not happen."""


async def show(image: Path | None, prompt: str, provider: str, output: Path) -> None:
    """Run one member's /video and print everything that passes. Raise DemoFailed."""
    if provider not in TITLES:
        raise DemoFailed(f"there is no vendor {provider!r}; there are {', '.join(TITLES)}")
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    timeline = Timeline(console, TITLES[provider])
    picture = Upload(*_picture(image))
    with tempfile.TemporaryDirectory(prefix="rushes-demo-") as name:
        scenery = await put_up(Path(name), provider, _secrets(provider), pace=_PACE, tell=timeline.around)
        try:
            await _journey(console, timeline, scenery, picture, prompt, output)
        finally:
            await scenery.close()


def _picture(image: Path | None) -> tuple[str, bytes]:
    return (image.name, image.read_bytes()) if image else ("boat.png", draw_scene())


def _secrets(provider: str) -> Secrets:
    kling = provider == "kling"
    keys = VendorKeys(
        api_key=secrets.token_hex(16),
        access_key=secrets.token_hex(16) if kling else None,
        secret_key=secrets.token_hex(32) if kling else None,
        webhook_secret="whsec_" + "Y2FuIHlvdSBzZWUgaXQ/IG5vLCBpdCBpcyBzZWNyZXQ=" if kling else None,
    )
    return Secrets(secrets.token_hex(24), secrets.token_hex(24), keys)


async def _journey(
    console: Console,
    timeline: Timeline,
    scenery: Scenery,
    picture: Upload,
    prompt: str,
    output: Path,
) -> None:
    settings = load(None, **scenery.values)
    logs.configure("WARNING", "console", settings.secret_values())
    program = await Program.start(settings, timeline.program)
    try:
        await scenery.discord.connected()
        _introduce(console, scenery, program, picture, prompt)
        timeline.start()
        typed = scenery.member.type(scenery.channel, "/video", {"prompt": prompt, "image": picture})
        card = await typed.answered(_PATIENCE)
        if "held" not in timeline.seen:
            raise DemoFailed(f"the order was refused: {card.text}")
        first_answer = typed.seconds or 0.0
        message = await _posted(scenery, timeline, card)
        missing = timeline.missing(_STEPS)
        if missing:
            raise DemoFailed("these steps did not happen: " + ", ".join(missing))
        rows = await _ledger(program, timeline.job_id)
    finally:
        await program.close()
    _conclude(console, _kept(message, output), message, rows, first_answer, _from_callback(timeline))


def _introduce(console: Console, scenery: Scenery, program: Program, picture: Upload, prompt: str) -> None:
    console.print()
    console.print(f"[bold]Rushes[/] listens on {program.receiver.url}, beside a local Discord and a local vendor:")
    console.print(f"  Discord    {scenery.discord.api_url}")
    console.print(f"  {TITLES[scenery.vendor.name]:<10} {scenery.vendor.url}")
    console.print()
    console.print(f"[bold]Ada types[/]  /video  prompt: {prompt}  image: {picture.filename}")
    console.print()


async def _posted(scenery: Scenery, timeline: Timeline, card: Message) -> Message:
    """Wait until the result is in the channel and the card says so."""

    def results() -> list[Message]:
        if timeline.ended:
            raise DemoFailed(f"the vendor did not make the video; the card says: {card.text}")
        posted = [one for one in scenery.channel.messages if one is not card and one.author is scenery.discord.bot]
        over = "delivery recorded" in timeline.seen and len(timeline.seen["card edited"]) > 1
        return posted if over and "done" in card.text.lower() else []

    try:
        [message] = await scenery.discord.until(results, _PATIENCE)
    except TimeoutError:
        raise DemoFailed(f"no finished video after {_PATIENCE:.0f} s; the card says: {card.text}") from None
    except ValueError:
        raise DemoFailed("more than one result was posted") from None
    return message


async def _ledger(program: Program, job_id: int) -> list[LedgerRow]:
    return await program.ctx.database.read(ledger.of_job, job_id)


def _from_callback(timeline: Timeline) -> float:
    """Seconds from the last callback's acceptance to the posted video."""
    posted = timeline.first("posted")
    return posted - max(at for at in timeline.seen["callback stored"] if at < posted)


def _kept(message: Message, output: Path) -> Path:
    """Write the posted file to where a person finds it."""
    if not message.attachments:
        raise DemoFailed("the result was posted without a file")
    output.mkdir(parents=True, exist_ok=True)
    file = output / message.attachments[0].filename
    part = file.with_suffix(".part")
    part.write_bytes(message.attachments[0].data)
    shutil.move(part, file)
    return file


def _described(file: Path) -> str:
    video = mp4.inspect(file)
    sound = "with sound" if video.has_audio else "silent"
    streams = "streams from its first byte" if video.faststart else "does not stream"
    size = f"{video.width} x {video.height}, {video.seconds:.1f} s, {file.stat().st_size:,} bytes"
    return f"{video.video_codec}, {size}, {sound}, {streams}"


def _conclude(
    console: Console,
    file: Path,
    message: Message,
    rows: list[LedgerRow],
    first_answer: float,
    from_callback: float,
) -> None:
    facts: list[tuple[str, Any]] = [
        ("The message", message.text.strip()),
        ("The video", file.resolve()),
        ("", _described(file)),
        ("First answer", f"{first_answer:.3f} s after Enter"),
        ("Posted", f"{from_callback:.3f} s after the last callback was accepted"),
    ]
    console.print()
    for name, fact in facts:
        for number, line in enumerate(str(fact).splitlines()):
            console.print(f"{'' if number else name:<14}", line, style="default", markup=False, soft_wrap=True)
    console.print()
    book = Table("ledger", "credits", "the vendor's figure", title_justify="left")
    for row in rows:
        book.add_row(row.kind.value, f"{row.amount:+d}", "" if row.reported is None else str(row.reported))
    book.add_section()
    book.add_row("[bold]spent[/]", f"[bold]{-sum(row.amount for row in rows)}[/]", "")
    console.print(book)
