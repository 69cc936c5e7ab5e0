"""The media store: files below MEDIA_DIR, written whole or not at all."""

import contextlib
import os
from collections.abc import Collection, Iterable
from pathlib import Path

INPUTS = "inputs"  # what members gave
OUTPUTS = "outputs"  # what vendors made

_EXTENSIONS = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/aac": "aac",
    "audio/mp4": "m4a",
    "application/x-subrip": "srt",
}


def name_for(code: str, part: str, mime: str) -> str:
    """Name a file after its job: never after anything a stranger typed."""
    return f"{code}-{part}.{_EXTENSIONS[mime]}"


def mime_of(name: str) -> str | None:
    """Tell a file's type by the extension we gave it; None when it is not one of ours."""
    extension = name.rpartition(".")[2]
    return next((mime for mime, ours in _EXTENSIONS.items() if ours == extension), None)


def locate(media_dir: Path, kind: str, name: str) -> Path:
    """Find where a file of ours lies. Raise ValueError for a name we cannot have given."""
    if kind not in {INPUTS, OUTPUTS} or not name.replace("-", "").replace(".", "").isalnum() or name.startswith("."):
        raise ValueError(f"no file of ours: {kind}/{name[:80]!r}")
    return media_dir / kind / name


def save(media_dir: Path, kind: str, name: str, data: bytes) -> Path:
    """Write a file so that it is there whole after a power cut, or not at all. Raise OSError. Blocks: use a thread."""
    target = locate(media_dir, kind, name)
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    part = target.with_name(target.name + ".part")
    with part.open("wb") as file:
        file.write(data)
        flush(file.fileno())
    keep(part, target)
    return target


def older(media_dir: Path, moment: float) -> list[Path]:
    """List the files last changed before a moment (seconds since 1970). Blocks: use a thread."""
    found: list[Path] = []
    for kind in (INPUTS, OUTPUTS):
        for path in (media_dir / kind).glob("*"):
            with contextlib.suppress(OSError):  # renamed or deleted meanwhile
                if path.is_file() and path.stat().st_mtime < moment:
                    found.append(path)
    return found


def delete(paths: Iterable[Path]) -> int:
    """Delete files; how many. Blocks: use a thread."""
    gone = 0
    for path in paths:
        with contextlib.suppress(OSError):  # renamed or deleted meanwhile, or not ours to delete: another time
            path.unlink()
            gone += 1
    return gone


def remove(media_dir: Path, codes: Collection[str]) -> tuple[int, int]:
    """Delete the files of jobs; how many, and how many could not be. Blocks: use a thread."""
    gone = stuck = 0
    for kind in (INPUTS, OUTPUTS):
        for path in (media_dir / kind).glob("*"):
            if path.name.partition("-")[0] not in codes:
                continue
            try:
                path.unlink()
                gone += 1
            except FileNotFoundError:  # deleted meanwhile
                continue
            except OSError:
                stuck += 1
    return gone, stuck


def flush(descriptor: int) -> None:
    """Put an open file's bytes on the disk."""
    os.fsync(descriptor)


def room(descriptor: int) -> int:
    """Say how many more bytes the disk of an open file takes; where it does not tell, as many as anybody could want."""
    found = os.fstatvfs(descriptor)
    return found.f_bavail * found.f_frsize if found.f_blocks else 1 << 62


def keep(part: Path, target: Path) -> None:
    """Give a finished file its name, and put the name on the disk too."""
    part.replace(target)
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
