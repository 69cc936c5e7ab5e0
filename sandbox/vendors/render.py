"""Real films: an MP4 of the asked length, shape and quality, made by ffmpeg from the pictures or a card of the prompt.

Real files are worth the trouble because the program re-encodes, measures and posts them, and a person may watch them.
The same order with the same pictures gives the same file, which is rendered once per folder.
"""

import asyncio
import hashlib
import io
import json
import os
import shlex
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import imageio_ffmpeg  # pyright: ignore[reportMissingTypeStubs] - it has none
from PIL import Image, ImageOps

from sandbox.vendors.book import Film, Picture
from sandbox.vendors.card import draw_card

ZOOM = 0.10  # how much nearer the end is than the beginning
FADE = 0.4  # the share of a two-picture film that shows both
SOUND = (
    "aevalsrc=exprs='(0.05*sin(2*PI*196*t)+0.04*sin(2*PI*246.94*t)+0.03*sin(2*PI*293.66*t)+0.015*sin(2*PI*587.33*t))"
    "*(0.75+0.25*sin(2*PI*0.25*t))':s=44100:d={seconds},afade=t=in:d=0.4,afade=t=out:st={fade_at}:d=0.6[sound]"
)


class RenderFailed(RuntimeError):  # noqa: N818 - reads as what happened
    """A picture is broken or ffmpeg ended with an error; the message is the end of what it said."""

    def __init__(self, message: str, word: str = "InternalServiceFailure") -> None:
        """Keep the word under which the vendor tells the failure."""
        super().__init__(message)
        self.word = word


@dataclass(frozen=True, slots=True)
class Rendered:
    """The files of a film and their size in pixels."""

    video: Path
    cover: Path
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Joined:
    """What to join: films of one size in their order, under a song, as long as the films are together."""

    films: tuple[Path, ...]
    song: bytes
    seconds: int


class Studio:
    """Renders films into a folder, at most `parallel` at a time, each only once."""

    def __init__(self, folder: Path, parallel: int = 2) -> None:
        """Use the folder, made when first needed; several stand-ins and several processes may share it."""
        self.folder = folder
        self.rendered = 0  # how many films were really made, for tests
        self._places = asyncio.Semaphore(parallel)
        self._locks: dict[str, asyncio.Lock] = {}

    async def film(self, film: Film, pictures: tuple[Picture, ...]) -> Rendered:
        """Return the film's files, rendering when the folder lacks them; raises RenderFailed."""
        pictures = pictures[:2]  # of more references two are shown, the first and the second
        width, height = frame_size(film, pictures)
        key = _key(film, pictures)
        video, cover = self.folder / f"{key}.mp4", self.folder / f"{key}.jpg"
        async with self._locks.setdefault(key, asyncio.Lock()):
            if not (video.exists() and cover.exists()):
                async with self._places:
                    await self._make(film, pictures, (width, height), (video, cover))
                self.rendered += 1
        return Rendered(video, cover, width, height)

    async def image(self, film: Film, pictures: tuple[Picture, ...], number: int) -> Path:
        """Return one picture as PNG, drawn when the folder lacks it, each number another one; raises RenderFailed."""
        target = self.folder / f"{_key(film, pictures)}-{number}.png"
        if not target.exists():
            await asyncio.to_thread(_draw, film, pictures, number, target)
        return target

    async def joined(self, wanted: Joined) -> Path:
        """Return one film of several under a song, joined when the folder lacks it; raises RenderFailed."""
        names = "\0".join([*(path.name for path in wanted.films), hashlib.sha256(wanted.song).hexdigest()])
        target = self.folder / f"{hashlib.sha256(names.encode()).hexdigest()[:32]}.mp4"
        async with self._locks.setdefault(target.stem, asyncio.Lock()), self._places:
            if not target.exists():
                with tempfile.TemporaryDirectory(dir=self.folder, prefix="joining-") as name:
                    await run_ffmpeg(await asyncio.to_thread(_joining, wanted, Path(name)))
                    (Path(name) / "film.mp4").replace(target)
        return target

    async def _make(
        self, film: Film, pictures: tuple[Picture, ...], size: tuple[int, int], files: tuple[Path, Path]
    ) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder, prefix="making-") as name:
            desk = Path(name)
            frames = await asyncio.to_thread(_prepare, film, pictures, size, desk)
            await run_ffmpeg(arguments(film, frames, size, desk / "film.mp4"))
            # A rename is atomic, so a reader in another process never sees half a file.
            (desk / "cover.jpg").replace(files[1])
            (desk / "film.mp4").replace(files[0])


def frame_size(film: Film, pictures: tuple[Picture, ...]) -> tuple[int, int]:
    """Return even width and height; the short side is the quality until the long side would pass that of 16:9."""
    ratio = film.ratio or (pictures[0].width / pictures[0].height if pictures else 16 / 9)
    stretch = max(ratio, 1 / ratio)
    short, long = film.quality * min(1.0, 16 / 9 / stretch), film.quality * min(stretch, 16 / 9)
    wide, low = (long, short) if ratio >= 1 else (short, long)
    return max(2, round(wide / 2) * 2), max(2, round(low / 2) * 2)


def arguments(film: Film, frames: list[Path], size: tuple[int, int], target: Path) -> list[str]:
    """Return ffmpeg's arguments: a slow zoom over each frame, a fade between two, H.264 with the index in front."""
    total = film.seconds * film.fps
    each = total if len(frames) == 1 else round(total * (1 + FADE) / 2)
    steps = [
        # The zoom moves in whole pixels of its source: twice the size halves the tremble.
        f"[{number}:v]scale=iw*2:-2:flags=bicubic:out_range=tv,format=yuv420p,"
        f"zoompan=z='1+{ZOOM}*on/{total}':x='iw/2-iw/zoom/2':y='ih/2-ih/zoom/2':d={each}:s={size[0]}x{size[1]}:fps={film.fps},"
        f"setsar=1[p{number}]"
        for number in range(len(frames))
    ]
    picture = "p0"
    if len(frames) == 2:
        overlap = 2 * each - total
        steps.append(f"[p0][p1]xfade=duration={overlap / film.fps:.4f}:offset={(each - overlap) / film.fps:.4f}[faded]")
        picture = "faded"
    if film.audio:
        steps.append(SOUND.format(seconds=film.seconds, fade_at=max(0.0, film.seconds - 0.6)))
    inputs = [part for frame in frames for part in ("-i", str(frame))]
    sound = ["-map", "[sound]", "-c:a", "aac", "-b:a", "96k"] if film.audio else ["-an"]
    return [
        *("-hide_banner", "-loglevel", "error", "-nostdin", "-y", *inputs, "-filter_complex", ";".join(steps)),
        *("-map", f"[{picture}]", "-frames:v", str(total), "-r", str(film.fps), *sound),
        *("-c:v", "libx264", "-preset", "ultrafast", "-crf", "28", "-pix_fmt", "yuv420p", "-color_range", "tv"),
        *("-fflags", "+bitexact", "-flags:v", "+bitexact", "-map_metadata", "-1", "-movflags", "+faststart"),
        str(target),
    ]


def _joining(wanted: Joined, desk: Path) -> list[str]:
    """Lay out what joining needs and return ffmpeg's arguments; the pictures are copied, only the song is encoded."""
    (desk / "song").write_bytes(wanted.song)
    (desk / "films.txt").write_text("".join(f"file {shlex.quote(str(path.resolve()))}\n" for path in wanted.films))
    return [
        *("-hide_banner", "-loglevel", "error", "-nostdin", "-y"),
        *("-f", "concat", "-safe", "0", "-i", str(desk / "films.txt"), "-i", str(desk / "song")),
        *("-map", "0:v:0", "-map", "1:a:0", "-c:v", "copy", "-c:a", "aac", "-b:a", "96k", "-t", str(wanted.seconds)),
        *("-fflags", "+bitexact", "-map_metadata", "-1", "-movflags", "+faststart"),
        str(desk / "film.mp4"),
    ]


def _prepare(film: Film, pictures: tuple[Picture, ...], size: tuple[int, int], desk: Path) -> list[Path]:
    frames: list[Path] = []
    for number, picture in enumerate(pictures or (None,)):
        drawn = draw_card(film.text, film.label, *size) if picture is None else _fitted(picture, number, size)
        frame = desk / f"{number}.ppm"  # nothing to compress, nothing to decode
        drawn.save(frame)
        frames.append(frame)
        if number == 0:
            drawn.save(desk / "cover.jpg", quality=85)
    return frames


def _fitted(picture: Picture, number: int, size: tuple[int, int]) -> Image.Image:
    try:
        with Image.open(io.BytesIO(picture.data)) as opened:
            turned = ImageOps.exif_transpose(opened).convert("RGBA")
    except (OSError, ValueError, SyntaxError, Warning) as problem:  # a good head on a broken body
        raise RenderFailed(f"picture {number}: {problem}") from problem
    plain = Image.new("RGB", turned.size, "white")
    plain.paste(turned, mask=turned.getchannel("A"))
    return ImageOps.fit(plain, size, Image.Resampling.BICUBIC)


def _draw(film: Film, pictures: tuple[Picture, ...], number: int, target: Path) -> None:
    """Draw the prompt's card, or the references laid over each other in few colours, and save it in one step."""
    size = frame_size(film, pictures)
    drawn = draw_card(f"{film.text}{' ' * number}", film.label, *size)
    for each, picture in enumerate(pictures):
        restyled = ImageOps.posterize(_fitted(picture, each, size), 3)
        drawn = Image.blend(drawn, restyled, 0.75 if each == 0 else 0.4)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="drawing-") as name:
        drawn.save(Path(name) / "image.png")
        (Path(name) / "image.png").replace(target)


def _key(film: Film, pictures: tuple[Picture, ...]) -> str:
    text = json.dumps(asdict(film), sort_keys=True).encode()
    return hashlib.sha256(
        b"\0".join([text, *(hashlib.sha256(picture.data).digest() for picture in pictures)])
    ).hexdigest()[:32]


async def run_ffmpeg(wanted: list[str]) -> None:
    """Run ffmpeg to its end; raises RenderFailed with the end of what it said."""
    process = subprocess.Popen(  # noqa: ASYNC220, S603 - a thread waits for it; the program and its words are ours
        [imageio_ffmpeg.get_ffmpeg_exe(), *wanted],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**os.environ, "LC_ALL": "C"},
    )
    try:
        # A server that stops cancels its handlers and does not wait for them. The thread reaps ffmpeg all the same,
        # and a loop waits for its threads; asyncio's own child would outlive the loop.
        _, said = await asyncio.to_thread(process.communicate)
    except asyncio.CancelledError:
        process.kill()
        raise
    if process.returncode:
        raise RenderFailed(said.decode(errors="replace")[-500:])
