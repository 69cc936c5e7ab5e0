"""A member's file opened as a picture, by content: names and claimed types are not believed."""

import io
from dataclasses import dataclass
from enum import StrEnum

from PIL import Image

MOST_BYTES = 50 * 2**20
_MOST_PIXELS = 40_000_000  # decoded, that is 160 MB of memory
_MIMES = {"PNG": "image/png", "JPEG": "image/jpeg", "MPO": "image/jpeg", "WEBP": "image/webp"}


@dataclass(frozen=True, slots=True)
class Seen:
    """What a picture turned out to be."""

    mime: str
    width: int
    height: int


class Flaw(StrEnum):
    """Why a file is of no use as a picture."""

    NOT_A_PICTURE = "not_a_picture"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_MANY_BYTES = "too_many_bytes"
    DAMAGED = "damaged"
    NOT_RECEIVED = "not_received"  # Discord did not hand it over


def look(data: bytes) -> Seen | Flaw:
    """Open a file as a picture and decode it whole. Blocks: use a thread."""
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as image:
            seen = Seen(_MIMES[image.format or ""], image.width, image.height)
            if image.width * image.height > _MOST_PIXELS:
                return Flaw.TOO_MANY_PIXELS
            image.verify()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        return Flaw.TOO_MANY_PIXELS
    except Image.UnidentifiedImageError:
        return Flaw.NOT_A_PICTURE
    except Exception:  # noqa: BLE001 -- Pillow's readers raise whatever a broken file makes them stumble over
        return Flaw.DAMAGED
    return seen if _decodes(data) else Flaw.DAMAGED


def _decodes(data: bytes) -> bool:
    # verify() leaves the image unusable and does not decode pixels, so it is opened a second time.
    try:
        with Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP")) as image:
            image.load()
    except Exception:  # noqa: BLE001 -- likewise
        return False
    return True
