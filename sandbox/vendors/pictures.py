"""The pictures of a request: fetched or decoded, then measured, before a vendor's own limits are put on them."""

import asyncio
import base64
import binascii
import io
import re
from dataclasses import dataclass
from typing import Literal

import aiohttp
from PIL import Image, UnidentifiedImageError

from sandbox.vendors.book import Picture
from sandbox.vendors.download import DownloadFailed, download, is_address

Problem = Literal["prefix", "unreachable", "format", "bytes", "size", "ratio"]
DATA_URL = re.compile(r"data:image/(png|jpeg|jpg|webp);base64,", re.IGNORECASE)


class PictureProblem(Exception):  # noqa: N818 - the vendor turns it into its own refusal
    """A picture that cannot be used, with the kind of reason."""

    def __init__(self, kind: Problem, message: str) -> None:
        """Keep the kind beside the sentence."""
        super().__init__(message)
        self.kind: Problem = kind
        self.message = message


@dataclass(frozen=True, slots=True)
class PictureRules:
    """What a vendor takes: base64 "never", with a data: "prefix" or "bare"; formats, most bytes, least side, ratios."""

    base64: Literal["never", "prefix", "bare"]
    formats: frozenset[str]
    most_bytes: int
    least_side: int
    widest: float  # the largest width / height; its inverse is the smallest
    most_decoded: int | None = None  # bytes of one given as base64; None: as many as of one fetched


async def look_at(session: aiohttp.ClientSession, source: str, rules: PictureRules) -> Picture:
    """Fetch or decode one picture and measure it; raises PictureProblem."""
    most = rules.most_bytes
    if is_address(source):
        try:
            data = await download(session, source, most)
        except DownloadFailed as problem:
            raise PictureProblem("unreachable", f"download image failed: {problem}") from problem
    else:
        data, most = _decoded(source, rules), rules.most_decoded or most
    if len(data) > most:
        raise PictureProblem("bytes", f"image is larger than {most} bytes")
    width, height = await asyncio.to_thread(_measured, data, rules.formats)
    if min(width, height) < rules.least_side:
        raise PictureProblem("size", f"image sides must be at least {rules.least_side}px, got {width}x{height}")
    if not 1 / rules.widest <= width / height <= rules.widest:
        raise PictureProblem("ratio", f"image aspect ratio is out of range: {width}x{height}")
    return Picture(data, width, height)


def _decoded(source: str, rules: PictureRules) -> bytes:
    if rules.base64 == "never":
        raise PictureProblem("prefix", "images must be URLs")
    prefix = DATA_URL.match(source)
    if rules.base64 == "prefix" and not prefix:
        raise PictureProblem("prefix", "base64 images must start with data:image/png;base64,")
    if rules.base64 == "bare" and source.startswith("data:"):
        raise PictureProblem("prefix", "base64 images must not have a data: prefix")
    try:
        return base64.b64decode(source[prefix.end() :] if prefix else source, validate=True)
    except (binascii.Error, ValueError) as problem:
        raise PictureProblem("format", "image is not valid base64") from problem


def _measured(data: bytes, formats: frozenset[str]) -> tuple[int, int]:
    try:
        with Image.open(io.BytesIO(data)) as picture:
            if picture.format not in formats:
                raise PictureProblem("format", f"image format {picture.format} is not supported")
            turned = picture.getexif().get(0x0112, 1) in {5, 6, 7, 8}  # EXIF: lies on its side
            return (picture.height, picture.width) if turned else picture.size
    except (UnidentifiedImageError, Image.DecompressionBombError, Warning, OSError, ValueError) as problem:
        raise PictureProblem("format", "image cannot be read") from problem
