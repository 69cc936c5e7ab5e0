"""Decodes one picture in a process of its own: `python -I -S decode.py <packages> <bytes> <seconds> <file`.

A member's file can make a decoder fill the memory or work for minutes, and hold Python's lock while it does. Here that
ends with this process alone. It says one line: what the picture is, or what is wrong with it. It imports nothing of
ours, so that it starts in a few hundredths of a second.
"""

import io
import resource
import sys

_FORMATS = ("PNG", "JPEG", "WEBP")
_MIMES = {"PNG": "image/png", "JPEG": "image/jpeg", "MPO": "image/jpeg", "WEBP": "image/webp"}
_MOST_PIXELS = 40_000_000  # as PNG that is 160 MB
_MOST_SCANS = 64  # of a JPEG: ten are usual, and a scan of a few bytes costs a walk over all pixels


def confine(memory: int, seconds: int) -> None:
    """Bound what this process may take: bytes of address space, seconds of work, no file and no core dump."""
    bounds = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for what, most in bounds.items():
        try:
            resource.setrlimit(what, (most, most))
        except (ValueError, OSError):  # a bound already lower, or one this system does not know
            continue


def verdict(data: bytes) -> str:
    """Name a picture's type, width and height, or its flaw in the words of bot/pictures.py."""
    from PIL import (  # noqa: PLC0415 -- known only when main() has said where
        Image,
        JpegImagePlugin,
        PngImagePlugin,
        UnidentifiedImageError,
        WebPImagePlugin,
    )

    del JpegImagePlugin, PngImagePlugin, WebPImagePlugin  # imported by name, lest Pillow import all it has
    if data.startswith(b"\xff\xd8") and data.count(b"\xff\xda") > _MOST_SCANS:
        return "damaged"
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:
            if image.width * image.height > _MOST_PIXELS:
                return "too_many_pixels"
            seen = f"{_MIMES[image.format or '']} {image.width} {image.height}"
            if image.format != "PNG":
                image.draft(None, (1, 1))  # a JPEG is read whole, but drawn small: a third of the memory
                image.load()
                return seen
            image.verify()  # the checksums, which loading passes over
        with Image.open(io.BytesIO(data), formats=_FORMATS) as image:  # verifying has used the first one up
            image.load()
    except (MemoryError, Image.DecompressionBombError):
        return "too_many_pixels"
    except UnidentifiedImageError:
        return "not_a_picture"
    except Exception:  # noqa: BLE001 -- Pillow's readers raise whatever a broken file makes them stumble over
        return "damaged"
    return seen


def main() -> None:
    """Read, confined, and say."""
    packages, memory, seconds = sys.argv[1:]
    sys.path.append(packages)
    confine(int(memory), int(seconds))
    print(verdict(sys.stdin.buffer.read()))  # noqa: T201 -- its answer


if __name__ == "__main__":
    main()
