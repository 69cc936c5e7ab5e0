"""The sounds, films and subtitles of a request: fetched or decoded, then looked into with ffmpeg, against the rules."""

import asyncio
import base64
import binascii
import os
import re
import tempfile
from pathlib import Path
from typing import Literal

import aiohttp
import imageio_ffmpeg  # pyright: ignore[reportMissingTypeStubs] - it has none

from sandbox.vendors.book import Media, MediaRules
from sandbox.vendors.download import DownloadFailed, download, is_address

Problem = Literal["prefix", "unreachable", "format", "bytes", "size", "seconds"]
DATA_URL = re.compile(r"data:(audio|video|application|text)/[\w.+-]+;base64,", re.IGNORECASE)
INPUT = re.compile(r"^Input #0, ([\w,]+), from", re.MULTILINE)
LENGTH = re.compile(r"Duration: (\d+):(\d\d):(\d\d\.\d+)")
STREAM = re.compile(r"^\s*Stream #0.*?: (Audio|Video): (.*)$", re.MULTILINE)
PIXELS = re.compile(r"\b(\d{2,5})x(\d{2,5})\b")
CUE = re.compile(r"^\d\d:\d\d:\d\d,\d{3} --> \d\d:\d\d:\d\d,\d{3}\s*$", re.MULTILINE)


class MediaProblem(Exception):  # noqa: N818 - the vendor turns it into its own refusal
    """A sound, film or subtitle file that cannot be used, with the kind of reason."""

    def __init__(self, kind: Problem, message: str) -> None:
        """Keep the kind beside the sentence."""
        super().__init__(message)
        self.kind: Problem = kind
        self.message = message


async def look_into(session: aiohttp.ClientSession, source: str, rules: MediaRules) -> Media:
    """Fetch or decode one file and see what is in it; raises MediaProblem."""
    most = rules.most_bytes
    if is_address(source):
        try:
            data = await download(session, source, most)
        except DownloadFailed as problem:
            raise MediaProblem("unreachable", f"download {rules.kind} failed: {problem}") from problem
    else:
        data, most = _decoded(source, rules), rules.most_decoded or most
    if len(data) > most:
        raise MediaProblem("bytes", f"{rules.kind} is larger than {most} bytes")
    found = _subtitles(data) if rules.kind == "subtitles" else _told(data, await _asked(data))
    check(found, rules)
    return found


def check(found: Media, rules: MediaRules) -> None:
    """Hold what was found against the rules; raises MediaProblem."""
    if found.format not in rules.formats:
        raise MediaProblem("format", f"{rules.kind} format is not supported")
    least, most = rules.seconds
    if rules.kind != "subtitles" and not least <= found.seconds <= most + 0.1:  # a frame or two over is not refused
        raise MediaProblem("seconds", f"{rules.kind} must have {least:g} to {most:g} seconds, got {found.seconds:g}")
    low, high = rules.side
    if rules.kind == "video" and not low <= min(found.width, found.height) <= max(found.width, found.height) <= high:
        raise MediaProblem("size", f"video sides must be {low} to {high}px, got {found.width}x{found.height}")


def _decoded(source: str, rules: MediaRules) -> bytes:
    if rules.base64 == "never":
        raise MediaProblem("prefix", f"{rules.kind} must be a URL")
    prefix = DATA_URL.match(source)
    if (rules.base64 == "prefix") != bool(prefix):
        raise MediaProblem(
            "prefix", f"base64 {rules.kind} must come {'with' if not prefix else 'without'} data: prefix"
        )
    try:
        return base64.b64decode(source[prefix.end() :] if prefix else source, validate=True)
    except (binascii.Error, ValueError) as problem:
        raise MediaProblem("format", f"{rules.kind} is not valid base64") from problem


def _subtitles(data: bytes) -> Media:
    try:
        cues = CUE.findall(data.decode("utf-8-sig").replace("\r\n", "\n"))
    except UnicodeDecodeError as problem:
        raise MediaProblem("format", "subtitles are not UTF-8 text") from problem
    if not cues:
        raise MediaProblem("format", "subtitles have no cue")
    return Media(data, "srt", 0)


async def _asked(data: bytes) -> str:
    """Return what ffmpeg says about the bytes; a file on disk, because an index at the end needs seeking."""
    with tempfile.TemporaryDirectory(prefix="looking-") as folder:
        path = Path(folder) / "input"
        await asyncio.to_thread(path.write_bytes, data)
        process = await asyncio.create_subprocess_exec(
            imageio_ffmpeg.get_ffmpeg_exe(),
            *("-hide_banner", "-nostdin", "-protocol_whitelist", "file", "-i", str(path)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C"},
        )
        try:
            _, said = await process.communicate()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
    return said.decode(errors="replace")


def _told(data: bytes, said: str) -> Media:
    """Read ffmpeg's words about a file; a cover inside a sound file does not make it a film."""
    container, length = INPUT.search(said), LENGTH.search(said)
    streams = [(kind, facts) for kind, facts in STREAM.findall(said) if "attached pic" not in facts]
    if not container or not length or not streams:
        raise MediaProblem("format", "file cannot be read")
    seconds = int(length[1]) * 3600 + int(length[2]) * 60 + float(length[3])
    pixels = next((PIXELS.search(facts) for kind, facts in streams if kind == "Video"), None)
    if "mp4" in container[1].split(","):
        name = "m4a" if not pixels else "mov" if data[8:12] == b"qt  " else "mp4"
    else:
        name = container[1]
    return Media(data, name, seconds, int(pixels[1]) if pixels else 0, int(pixels[2]) if pixels else 0)
