"""Decodes one file in a process of its own: `python -I -S decode.py <packages> <bytes> <seconds> <kind> <file`.

A member's file can make a decoder fill the memory or work for minutes, and hold Python's lock while it does. Here that
ends with this process alone. It says one line: what the picture or audio is, or what is wrong with it. It imports
nothing of ours, so that it starts in a few hundredths of a second.
"""

import io
import resource
import sys

_FORMATS = ("PNG", "JPEG", "WEBP")
_MIMES = {"PNG": "image/png", "JPEG": "image/jpeg", "MPO": "image/jpeg", "WEBP": "image/webp"}
_MOST_PIXELS = 40_000_000  # as PNG that is 160 MB
_LONGEST_AUDIO = 100_000  # seconds
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
    """Name a picture's type, width and height, or its flaw in the words of jobs/attachments.py."""
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


def audio_verdict(data: bytes) -> str:
    """Name an audio's type and its seconds, or its flaw."""
    from tinytag import TinyTag  # noqa: PLC0415 -- likewise

    if data[:1] == b"\xff" and data[1:2] and data[1] & 0xF6 == 0xF0:
        return _bare_aac(data)
    mime = _audio_mime(data)
    if mime is None:
        return "not_an_audio"
    try:
        seconds = TinyTag.get(file_obj=io.BytesIO(data), tags=False).duration
    except Exception:  # noqa: BLE001 -- a broken file may make the reader stumble over anything
        return "damaged"
    return f"{mime} {seconds:.3f}" if seconds and 0 < seconds < _LONGEST_AUDIO else "damaged"


def _audio_mime(data: bytes) -> str | None:
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "audio/wav"
    if data[4:8] == b"ftyp":
        return "audio/mp4"
    if data[:3] == b"ID3" or (data[:1] == b"\xff" and data[1:2] and data[1] & 0xE0 == 0xE0):
        return "audio/mpeg"
    return None


def _bare_aac(data: bytes) -> str:
    """Count the frames of AAC without a container (ISO/IEC 13818-7, ADTS): each header tells the next one's place."""
    rates = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
    at, frames, rate = 0, 0, 0
    while at + 7 <= len(data) and data[at] == 0xFF and data[at + 1] & 0xF6 == 0xF0:
        index = data[at + 2] >> 2 & 15
        length = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
        if index >= len(rates) or length < 7:
            break
        at, frames, rate = at + length, frames + 1, rates[index]
    if frames < 2 or at < len(data) - 2048:  # a tag may follow the last frame
        return "damaged"
    return f"audio/aac {frames * 1024 / rate:.3f}"


def main() -> None:
    """Read, confined, and say."""
    packages, memory, seconds, kind = sys.argv[1:]
    sys.path.append(packages)
    confine(int(memory), int(seconds))
    read = {"picture": verdict, "audio": audio_verdict}[kind]
    print(read(sys.stdin.buffer.read()))  # noqa: T201 -- its answer


if __name__ == "__main__":
    main()
