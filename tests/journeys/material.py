"""What members attach in the journeys: a picture, a song, a dance; small, real, and made once."""

import io
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import imageio_ffmpeg  # pyright: ignore[reportMissingTypeStubs] - it has none
from PIL import Image

from sandbox.discord import Upload


def picture(width: int = 640, height: int = 360, form: str = "PNG") -> bytes:
    """Draw a small picture."""
    out = io.BytesIO()
    Image.effect_noise((width, height), 40).convert("RGB").save(out, form)
    return out.getvalue()


def boat() -> Upload:
    """Attach a picture."""
    return Upload("boat.png", picture())


def song() -> Upload:
    """Attach ten and a half seconds of a tone."""
    return Upload("song.mp3", _made("mp3", "sine=frequency=330:duration=10.5"))


def dance() -> Upload:
    """Attach three and a half seconds of something that moves."""
    return Upload("dance.mp4", _made("mp4", "testsrc=size=352x352:rate=8:duration=3.5", "-c:v", "libx264"))


@cache
def _made(ending: str, source: str, *words: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"made.{ending}"
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-f", "lavfi", "-i", source]
        subprocess.run([*command, *words, "-threads", "1", str(path)], check=True, timeout=60)
        return path.read_bytes()
