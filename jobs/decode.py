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
_LONGEST_AUDIO = 24 * 3600  # seconds
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
    """Name an audio's type and its seconds, or its flaw.

    What a header says of the length is passed over: who pays by the second could write there what they like.
    """
    at = _after_tags(data)
    if data[at : at + 1] == b"\xff" and data[at + 1 : at + 2] and data[at + 1] & 0xF6 == 0xF0:
        mime, seconds = "audio/aac", _seconds_of_aac(data, at)
    elif data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        mime, seconds = "audio/wav", _seconds_of_wav(data)
    elif at or (data[:1] == b"\xff" and data[1:2] and data[1] & 0xE0 == 0xE0):
        mime, seconds = "audio/mpeg", _seconds_of_mp3(data, at)
    else:
        return "not_an_audio"
    return f"{mime} {seconds:.3f}" if 0.001 <= seconds < _LONGEST_AUDIO else "damaged"


def _after_tags(data: bytes) -> int:
    """Say where the sound begins behind ID3 tags and their padding (id3.org, version 2.4, section 3)."""
    at = 0
    while data[at : at + 3] == b"ID3" and len(data) >= at + 10:
        size = data[at + 6] << 21 | data[at + 7] << 14 | data[at + 8] << 7 | data[at + 9]
        at += size + (20 if data[at + 5] & 0x10 else 10)
    return len(data) - len(data[at:].lstrip(b"\0")) if at else 0


def _seconds_of_aac(data: bytes, at: int) -> float:
    """Add up the frames of AAC without a container (ISO/IEC 13818-7, ADTS): each header tells the next one's place."""
    rates = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
    frames, seconds = 0, 0.0
    while at + 7 <= len(data) and data[at] == 0xFF and data[at + 1] & 0xF6 == 0xF0:
        index = data[at + 2] >> 2 & 15
        length = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
        if index >= len(rates) or length < 7:
            break
        blocks = (data[at + 6] & 3) + 1
        at, frames, seconds = at + length, frames + 1, seconds + blocks * 1024 / rates[index]
    if frames < 2 or at < len(data) - 2048:  # a tag may follow the last frame
        return 0.0
    return seconds


def _seconds_of_mp3(data: bytes, at: int) -> float:
    """Add up the frames of an MP3 (ISO/IEC 11172-3 and 13818-3), with what stands between them passed over."""
    known = _mpeg_frames()
    begin, covered, seconds, frames = at, 0, 0.0, 0
    while 0 <= at <= len(data) - 4:
        frame = known.get(data[at + 1] << 8 | data[at + 2]) if data[at] == 0xFF else None
        if frame is None:
            at = data.find(b"\xff", at + 1)
            continue
        length, each = frame
        beginning = data[at : at + 50]
        if frames or not any(
            name in beginning for name in (b"Xing", b"Info", b"VBRI")
        ):  # they describe, and are silent
            seconds += each
        at, covered, frames = at + length, covered + length, frames + 1
    return seconds if frames > 1 and 2 * covered >= len(data) - begin else 0.0


def _mpeg_frames() -> dict[int, tuple[int, float]]:
    """Tell the bytes and the seconds of a frame by the second and third byte of its header."""
    high = {
        3: range(32, 449, 32),  # layer 1, as its two bits say it
        2: (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
        1: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    }
    half = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
    low = {3: (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256), 2: half, 1: half}
    found: dict[int, tuple[int, float]] = {}
    for version, slower in ((3, 1), (2, 2), (0, 4)):
        for layer, kilobits in (high if version == 3 else low).items():
            samples = 384 if layer == 3 else 576 if layer == 1 and version != 3 else 1152
            slot = 4 if layer == 3 else 1
            for rate, speed in enumerate((44100, 48000, 32000)):
                for index, kilobit in enumerate(kilobits, 1):
                    for rest in range(8):  # the bits for a checksum, a slot more, and private use
                        key = (0xE0 | version << 3 | layer << 1 | rest >> 2) << 8 | index << 4 | rate << 2 | rest & 3
                        bare = samples // 8 // slot * kilobit * 1000 * slower // speed
                        found[key] = (bare + (rest >> 1 & 1)) * slot, samples * slower / speed
    return found


def _seconds_of_wav(data: bytes) -> float:
    """Measure the samples of a WAV without compression: one description, one row of samples."""
    at, form, size = 12, b"", None
    while at + 8 <= len(data):
        name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8
        if name == b"fmt ":
            if form:
                return 0.0
            form = data[at : at + min(length, 40)]
        elif name == b"data":
            if size is not None:
                return 0.0
            size = min(length or len(data), len(data) - at)  # none stated: up to the end
        at += length + length % 2
    kind = form[24:26] if form[:2] == b"\xfe\xff" else form[:2]
    channels, rate, bits = (int.from_bytes(form[begin:end], "little") for begin, end in ((2, 4), (4, 8), (14, 16)))
    per_second = channels * ((bits + 7) // 8) * rate
    return size / per_second if size and per_second and kind in {b"\1\0", b"\3\0"} else 0.0


def main() -> None:
    """Read, confined, and say."""
    packages, memory, seconds, kind = sys.argv[1:]
    sys.path.append(packages)
    confine(int(memory), int(seconds))
    read = {"picture": verdict, "audio": audio_verdict}[kind]
    print(read(sys.stdin.buffer.read()))  # noqa: T201 -- its answer


if __name__ == "__main__":
    main()
