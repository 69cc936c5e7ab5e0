"""The media store in one file: packed for a backup, unpacked beside what is there already."""

import os
import tarfile
from pathlib import Path

from jobs import files

_KINDS = (files.INPUTS, files.OUTPUTS)
_OURS_ALONE = 0o600


def counted(media_dir: Path) -> tuple[int, int]:
    """Count the files of the store and their bytes. Blocks: use a thread."""
    sizes = [path.stat().st_size for path in _kept(media_dir)]
    return len(sizes), sum(sizes)


def packed(media_dir: Path, target: Path) -> int:
    """Write every file of the store into a new tar file; how many. Raise OSError. Blocks: use a thread."""
    part, count = target.with_name(target.name + ".part"), 0
    try:
        with (
            open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OURS_ALONE), "wb") as file,  # noqa: PTH123 -- of a descriptor
            tarfile.open(fileobj=file, mode="w|") as archive,
        ):
            for path in _kept(media_dir):
                try:
                    with path.open("rb") as one:
                        entry = archive.gettarinfo(arcname=f"{path.parent.name}/{path.name}", fileobj=one)
                        archive.addfile(entry, one)
                except FileNotFoundError:  # tidied away meanwhile
                    continue
                count += 1
            archive.close()
            file.flush()
            files.flush(file.fileno())
        files.keep(part, target)
    finally:
        part.unlink(missing_ok=True)
    return count


def unpacked(archive_file: Path, media_dir: Path) -> int:
    """Put the files of a tar file into the store, but none that is there; how many. Raise OSError.

    What is no file under a name of ours is passed over. Blocks: use a thread.
    """
    count = 0
    try:
        with tarfile.open(archive_file, mode="r|") as archive:
            for entry in archive:
                kind, _, name = entry.name.partition("/")
                inside = archive.extractfile(entry) if entry.isreg() else None
                try:
                    target = files.locate(media_dir, kind, name)
                except ValueError:
                    continue
                if inside is None or target.exists():
                    continue
                target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                part = target.with_name(target.name + ".part")
                with part.open("wb") as file:
                    while piece := inside.read(1 << 20):
                        file.write(piece)
                    file.flush()
                    files.flush(file.fileno())
                os.utime(part, (entry.mtime, entry.mtime))  # so that it is deleted when its time has come
                files.keep(part, target)
                count += 1
    except tarfile.TarError as error:
        raise OSError(f"{archive_file} is no whole tar file: {error}") from None
    return count


def _kept(media_dir: Path) -> list[Path]:
    found = (path for kind in _KINDS for path in sorted((media_dir / kind).glob("*")))
    return [path for path in found if path.is_file() and path.suffix != ".part"]
